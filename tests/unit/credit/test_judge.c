/*
 * test_judge.c - statuses, reasons and events, one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/err.h"
#include "click/token.h"
#include "credit/judge.h"

#define CLICK_MS UINT64_C(1763700000000)
#define S        UINT64_C(1000)

static const uint8_t secret[32] = {7};

/* A conversion of a click at CLICK_MS for AB12CD, an hour later. */
struct scene {
    struct token_key key;
    char token[TOKEN_SIZE];
    struct conversion conversion;
    struct judge_click click;
    struct checks checks;
    bool is_click_known;
    enum credit_status status;
    struct slice owner;
};

static struct scene make_scene(void) {
    struct scene scene = {.is_click_known = true, .owner = SLICE("ana")};
    struct err err;
    token_key_init(&scene.key, secret, sizeof(secret));
    scene.conversion = (struct conversion){.at_ms = CLICK_MS + 3600 * S,
                                           .happened_ms = CLICK_MS + 3600 * S,
                                           .proof = CONVERSION_VERIFIED,
                                           .has_click_id = true};
    for (unsigned i = 0; i < 6; i++) {
        scene.conversion.click_id.bytes[i] = (uint8_t)(CLICK_MS >> (40 - 8 * i));
    }
    scene.conversion.text[CONVERSION_TEXT_EVENT] = SLICE("install");
    scene.conversion.text[CONVERSION_TEXT_CODE] = SLICE("AB12CD");
    scene.click = (struct judge_click){.code = SLICE("AB12CD"),
                                       .campaign = SLICE("spring"),
                                       .owner = SLICE("ana"),
                                       .at = SLICE("1763700000000"),
                                       .visitor = SLICE("00000000000000ab"),
                                       .network = SLICE("00000000000000cd")};
    assert_true(checks_read(SLICE_EMPTY, &scene.checks, &err));
    return scene;
}

static unsigned reasons_of(const struct scene *scene) {
    return judge_reasons(
        &(struct judge_input){.conversion = &scene->conversion,
                              .status = scene->status,
                              .click = scene->is_click_known ? &scene->click : NULL,
                              .owner = scene->owner,
                              .checks = &scene->checks});
}

/* ---- proofs ---- */

static void what_is_proven_already_stays_as_it_is(void **state) {
    (void)state;
    static const struct {
        enum conversion_proof proof;
        enum credit_status status;
        bool has_click;
    } rows[] = {
        {CONVERSION_VERIFIED, CREDIT_VERIFIED, true},
        {CONVERSION_UNVERIFIED, CREDIT_UNVERIFIED, false},
        {CONVERSION_FORGED, CREDIT_FORGED, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene scene = make_scene();
        scene.conversion.proof = rows[i].proof;
        struct judge_proof with = judge_prove(&scene.conversion, &scene.click, &scene.key);
        struct judge_proof without = judge_prove(&scene.conversion, NULL, NULL);
        assert_int_equal(with.status, rows[i].status);
        assert_int_equal(without.status, rows[i].status);
        assert_int_equal(with.has_click, rows[i].has_click);
        assert_int_equal(without.has_click, rows[i].has_click);
        assert_true(slice_equal(with.code, SLICE("AB12CD")));
    }
}

static void verified_without_a_click_is_worth_nothing(void **state) {
    (void)state;
    struct scene scene = make_scene();
    scene.conversion.has_click_id = false;
    struct judge_proof proof = judge_prove(&scene.conversion, NULL, &scene.key);
    assert_int_equal(proof.status, CREDIT_UNVERIFIED);
    assert_false(proof.has_click);
}

static struct judge_proof prove_open(struct scene *scene, const char *reported,
                                     const char *signed_for, bool has_click, bool has_key) {
    scene->conversion.proof = CONVERSION_OPEN;
    scene->conversion.text[CONVERSION_TEXT_CODE] = slice_of(reported);
    token_make(&scene->key, &scene->conversion.click_id, slice_of(signed_for), scene->token);
    scene->conversion.text[CONVERSION_TEXT_CLICK] = slice_make(scene->token, TOKEN_SIZE);
    return judge_prove(&scene->conversion, has_click ? &scene->click : NULL,
                       has_key ? &scene->key : NULL);
}

static void an_open_token_is_held_against_its_click(void **state) {
    (void)state;
    static const struct {
        const char *reported, *signed_for;
        bool has_click, has_key;
        enum credit_status status;
        const char *code;
    } rows[] = {
        {"", "AB12CD", true, true, CREDIT_VERIFIED, "AB12CD"},
        {"AB12CD", "AB12CD", true, true, CREDIT_VERIFIED, "AB12CD"},
        {"", "OTHER", true, true, CREDIT_FORGED, ""},
        {"OTHER", "AB12CD", true, true, CREDIT_FORGED, "OTHER"},
        {"", "AB12CD", false, true, CREDIT_UNVERIFIED, ""},
        {"", "AB12CD", true, false, CREDIT_UNVERIFIED, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene scene = make_scene();
        struct judge_proof proof = prove_open(&scene, rows[i].reported, rows[i].signed_for,
                                              rows[i].has_click, rows[i].has_key);
        assert_int_equal(proof.status, rows[i].status);
        assert_true(slice_equal(proof.code, slice_of(rows[i].code)));
        assert_int_equal(proof.has_click, rows[i].status == CREDIT_VERIFIED);
    }
}

static void an_open_token_of_a_click_without_code_stays_unverified(void **state) {
    (void)state;
    struct scene scene = make_scene();
    scene.click.code = SLICE_EMPTY;
    assert_int_equal(prove_open(&scene, "", "", true, true).status, CREDIT_UNVERIFIED);
}

static void a_truncated_open_token_is_forged(void **state) {
    (void)state;
    struct scene scene = make_scene();
    prove_open(&scene, "", "AB12CD", true, true);
    scene.conversion.text[CONVERSION_TEXT_CLICK].size--;
    assert_int_equal(judge_prove(&scene.conversion, &scene.click, &scene.key).status,
                     CREDIT_FORGED);
}

/* ---- reasons ---- */

#define BIT(name) (1u << CHECK_##name)

/* Each row changes one thing of an install an hour after its click. */
static void times_are_held_against_their_thresholds(void **state) {
    (void)state;
    static const struct {
        const char *event, *checks;
        uint64_t happened_ms, install_begin_ms, referrer_click_ms;
        unsigned reasons;
    } rows[] = {
        {"install", "", CLICK_MS + 3600 * S, 0, 0, 0},
        /* too soon: less than 10 s, in whole seconds; earlier than the click, too */
        {"install", "", CLICK_MS + 10 * S, 0, 0, 0},
        {"install", "", CLICK_MS + 9999, 0, 0, BIT(TOO_SOON)},
        {"install", "", CLICK_MS - 5000, 0, 0, BIT(TOO_SOON)},
        {"signup", "", CLICK_MS + 1000, 0, 0, BIT(TOO_SOON)},
        {"install", "too_soon_s=off", CLICK_MS, 0, 0, 0},
        {"install", "too_soon_s=60", CLICK_MS + 59 * S, 0, 0, BIT(TOO_SOON)},
        /* too late: more than a week, installs only */
        {"install", "", CLICK_MS + 604800 * S, 0, 0, 0},
        {"install", "", CLICK_MS + 604801 * S, 0, 0, BIT(TOO_LATE)},
        {"first_loan", "", CLICK_MS + 604801 * S, 0, 0, 0},
        {"install", "too_late_s=off", CLICK_MS + 604801 * S, 0, 0, 0},
        {"install", "too_late_s=60", CLICK_MS + 61 * S, 0, 0, BIT(TOO_LATE)},
        /* injected: our click, or Google Play's, after the install began */
        {"install", "", CLICK_MS + 3600 * S, CLICK_MS + 1 * S, CLICK_MS, 0},
        {"install", "", CLICK_MS + 3600 * S, CLICK_MS, CLICK_MS, 0},
        {"install", "", CLICK_MS + 3600 * S, CLICK_MS - 1 * S, 0, BIT(CLICK_AFTER_INSTALL)},
        {"install", "", CLICK_MS + 3600 * S, CLICK_MS + 10 * S, CLICK_MS + 11 * S,
         BIT(CLICK_AFTER_INSTALL)},
        {"install", "click_after_install_s=5", CLICK_MS + 3600 * S, CLICK_MS - 5 * S, 0, 0},
        {"install", "click_after_install_s=5", CLICK_MS + 3600 * S, CLICK_MS - 6 * S, 0,
         BIT(CLICK_AFTER_INSTALL)},
        {"install", "click_after_install_s=off", CLICK_MS + 3600 * S, 1000, 0, 0},
        {"install", "", CLICK_MS + 1 * S, CLICK_MS - 9 * S, 0,
         BIT(CLICK_AFTER_INSTALL) | BIT(TOO_SOON)},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene scene = make_scene();
        struct err err;
        scene.conversion.text[CONVERSION_TEXT_EVENT] = slice_of(rows[i].event);
        scene.conversion.happened_ms = rows[i].happened_ms;
        scene.conversion.install_begin_ms = rows[i].install_begin_ms;
        scene.conversion.referrer_click_ms = rows[i].referrer_click_ms;
        assert_true(checks_read(slice_of(rows[i].checks), &scene.checks, &err));
        if (reasons_of(&scene) != rows[i].reasons) {
            fail_msg("row %zu: %x instead of %x", i, reasons_of(&scene), rows[i].reasons);
        }
    }
}

static void the_time_of_a_click_needs_no_click_but_its_token(void **state) {
    (void)state;
    struct scene scene = make_scene();
    scene.is_click_known = false;
    scene.conversion.happened_ms = CLICK_MS + 1 * S;
    assert_int_equal(reasons_of(&scene), BIT(TOO_SOON));
    scene.status = CREDIT_UNVERIFIED; /* what is not proven says nothing of a time */
    assert_int_equal(reasons_of(&scene), 0);
}

static void an_unverified_one_is_held_against_what_google_play_says(void **state) {
    (void)state;
    struct scene scene = make_scene();
    scene.status = CREDIT_UNVERIFIED;
    scene.conversion.has_click_id = false;
    scene.conversion.install_begin_ms = CLICK_MS - 100 * S; /* before the click, which counts not */
    assert_int_equal(reasons_of(&scene), 0);
    scene.conversion.referrer_click_ms = CLICK_MS - 99 * S;
    assert_int_equal(reasons_of(&scene), BIT(CLICK_AFTER_INSTALL));
}

static void nothing_of_a_forged_one_is_checked(void **state) {
    (void)state;
    struct scene scene = make_scene();
    scene.status = CREDIT_FORGED;
    scene.conversion.happened_ms = CLICK_MS;
    scene.conversion.install_begin_ms = 1000;
    scene.conversion.referrer_click_ms = CLICK_MS;
    scene.conversion.text[CONVERSION_TEXT_USER] = SLICE("ana");
    assert_int_equal(reasons_of(&scene), 0);
}

static void own_links_are_marked(void **state) {
    (void)state;
    static const struct {
        const char *user, *click_owner, *link_owner, *checks;
        bool is_click_known, is_own;
    } rows[] = {
        {"ana", "ana", "", "", true, true},
        {"ana", "ben", "ana", "", true, false}, /* whose it was when it was tapped */
        {"ana", "", "ana", "", true, true},
        {"ana", "ben", "ana", "", false, true},
        {"ben", "ana", "ana", "", true, false},
        {"", "", "", "", true, false},
        {"ana", "ana", "ana", "own_link=off", true, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene scene = make_scene();
        struct err err;
        scene.conversion.text[CONVERSION_TEXT_USER] = slice_of(rows[i].user);
        scene.click.owner = slice_of(rows[i].click_owner);
        scene.owner = slice_of(rows[i].link_owner);
        scene.is_click_known = rows[i].is_click_known;
        assert_true(checks_read(slice_of(rows[i].checks), &scene.checks, &err));
        assert_int_equal(reasons_of(&scene), rows[i].is_own ? BIT(OWN_LINK) : 0);
    }
}

/* ---- the rest ---- */

static void events_are_the_known_ones_and_the_campaigns(void **state) {
    (void)state;
    assert_true(judge_is_event(SLICE("install"), SLICE_EMPTY));
    assert_true(judge_is_event(SLICE("signup"), SLICE("other")));
    assert_true(judge_is_event(SLICE("first_loan"), SLICE_EMPTY));
    assert_true(judge_is_event(SLICE("card"), SLICE("loan card")));
    assert_true(judge_is_event(SLICE("loan"), SLICE("loan  card")));
    assert_false(judge_is_event(SLICE("loan"), SLICE("loans card")));
    assert_false(judge_is_event(SLICE("loan"), SLICE_EMPTY));
    assert_false(judge_is_event(SLICE_EMPTY, SLICE("loan  card")));
    assert_false(judge_is_event(SLICE("Loan"), SLICE("Loan")));
    assert_false(judge_is_event(SLICE("a\tb"), SLICE("a\tb")));
}

static void nothing_happens_after_it_was_reported(void **state) {
    (void)state;
    struct conversion conversion = {.at_ms = 1000, .happened_ms = 999};
    assert_int_equal(judge_happened_ms(&conversion), 999);
    conversion.happened_ms = 1001;
    assert_int_equal(judge_happened_ms(&conversion), 1000);
}

static void a_visitor_of_zeros_is_not_known(void **state) {
    (void)state;
    assert_true(judge_is_known(SLICE("00000000000000af")));
    assert_false(judge_is_known(SLICE("0000000000000000")));
    assert_false(judge_is_known(SLICE_EMPTY));
    assert_false(judge_is_known(SLICE("00000000000000AF")));
    assert_false(judge_is_known(SLICE("af")));
    assert_false(judge_is_known(SLICE("00000000000000a:")));
}

static void statuses_have_names(void **state) {
    (void)state;
    assert_string_equal(credit_status_name(CREDIT_VERIFIED), "verified");
    assert_string_equal(credit_status_name(CREDIT_UNVERIFIED), "unverified");
    assert_string_equal(credit_status_name(CREDIT_FORGED), "forged");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_proven_already_stays_as_it_is),
        cmocka_unit_test(verified_without_a_click_is_worth_nothing),
        cmocka_unit_test(an_open_token_is_held_against_its_click),
        cmocka_unit_test(an_open_token_of_a_click_without_code_stays_unverified),
        cmocka_unit_test(a_truncated_open_token_is_forged),
        cmocka_unit_test(times_are_held_against_their_thresholds),
        cmocka_unit_test(the_time_of_a_click_needs_no_click_but_its_token),
        cmocka_unit_test(an_unverified_one_is_held_against_what_google_play_says),
        cmocka_unit_test(nothing_of_a_forged_one_is_checked),
        cmocka_unit_test(own_links_are_marked),
        cmocka_unit_test(events_are_the_known_ones_and_the_campaigns),
        cmocka_unit_test(nothing_happens_after_it_was_reported),
        cmocka_unit_test(a_visitor_of_zeros_is_not_known),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
