/*
 * What may be written into templates of stores: no person's code for the App Store, and for Google
 * Play no more than comes back. What stands in Redis already goes on working.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "link/campaign.h"
#include "link/record.h"
#include "link/template.h"

#define STORE    "https://apps.apple.com/app/id1"
#define PLAY     "https://play.google.com/store/apps/details?id=mx.app"
#define SCHEMES  "http itms-apps itms-appss market intent bank"
#define ZEROS_31 "0000000000000000000000000000000"

/* Written into a campaign's ios, as its desktop, and as where a rule leads: it is the same. And
 * where it is read, it makes sense in any case. */
static const char *refused_because(const char *template) {
    static struct err err;
    const struct slice schemes = SLICE(SCHEMES);
    const struct slice text = slice_of(template);
    char rules[512];
    int size = snprintf(rules, sizeof rules, "[{\"name\":\"a\",\"to\":\"%s\"}]", template);
    assert_in_range(size, 1, sizeof rules - 1);
    const struct slice rules_text = slice_of(rules);
    err = (struct err){""};
    bool is_good = campaign_field_check(CAMPAIGN_FIELD_DESKTOP, text, schemes, SLICE_EMPTY, NULL);
    assert_int_equal(
        campaign_field_check(CAMPAIGN_FIELD_RULES, rules_text, schemes, SLICE_EMPTY, &err),
        is_good);
    assert_true(is_good || strncmp(err.text, "rules: rule 1 (\"a\"): to: ", 25) == 0);
    err = (struct err){""};
    assert_int_equal(campaign_field_check(CAMPAIGN_FIELD_IOS, text, schemes, SLICE_EMPTY, &err),
                     is_good);
    assert_true(campaign_field_read(CAMPAIGN_FIELD_RULES, rules_text, schemes, SLICE_EMPTY, NULL));
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_SCHEMES] = schemes,
                                                       [CAMPAIGN_FIELD_IOS] = text,
                                                       [CAMPAIGN_FIELD_DESKTOP] = text,
                                                       [CAMPAIGN_FIELD_RULES] = rules_text};
    struct campaign *campaign = campaign_create(SLICE("c"), values, SLICE_EMPTY);
    assert_int_equal(campaign->faults, 0);
    campaign_destroy(&campaign);
    return is_good ? NULL : err.text;
}

static void assert_allowed(const char *template) {
    const char *because = refused_because(template);
    if (because != NULL) {
        fail_msg("%s: %s", template, because);
    }
}

static void assert_refused(const char *template, const char *expected) {
    const char *because = refused_because(template);
    if (because == NULL || strstr(because, expected) == NULL) {
        fail_msg("%s: %s", template, because == NULL ? "allowed" : because);
    }
}

static void a_hand_written_ct_never_holds_a_persons_code(void **state) {
    (void)state;
    static const char *const refused[] = {
        STORE "?ct={code}",
        STORE "?pt=1&ct={owner}&mt=8",
        STORE "?pt=1&ct=spring-{click}",
        STORE "?ct={campaign}",
        STORE "?ct=" ZEROS_31,
        STORE "?c%74={code}",
        STORE "?CT={code}",
        "HTTPS://Apps.Apple.COM:443/app/id1?ct={code}",
        "https://itunes.apple.com/app/id1?ct={code}#x",
        "http://itunes.apple.com?ct={code}",
        "itms-apps://itunes.apple.com/app/id1?ct={code}",
        "itms-appss://apps.apple.com/app/id1?ct={code}",
        "intent://apps.apple.com/app?ct={code}#Intent;scheme=https;end",
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        assert_refused(refused[i], "ct never holds a person's code");
        assert_refused(refused[i], "at most 30 characters");
    }
    assert_allowed(STORE "?pt=1&ct=spring&mt=8");
    assert_allowed(STORE "?ct=000000000000000000000000000%20%2B%5B"); /* 30, decoded */
    assert_allowed(STORE "?ct=&act={code}#ct={code}");
    assert_allowed(STORE "/ct={code}");
    assert_allowed("https://example.mx/?ct={code}");
    assert_allowed("https://apps.apple.com.example.mx/?ct={code}");
    assert_allowed("bank://apps.apple.com/?ct={code}");
}

static void a_hand_written_referrer_is_no_longer_than_what_comes_back(void **state) {
    (void)state;
    static const struct {
        const char *template;
        const char *because; /* NULL: allowed */
    } cases[] = {
        {PLAY "&referrer={referrer}", NULL},
        {PLAY "&referrer=code%3D{code}%26click%3D{click}", NULL},
        {PLAY "&referrer={owner}{code}{click}%26%3D{click}", "258 bytes"},
        {PLAY "&referrer={owner}{code}{click}%26%3D%26", NULL},
        {PLAY "&referrer={referrer}{campaign}", "more than 255"},
        {PLAY "&referrer={owner}{owner}", "256 bytes"},
        {PLAY "&referrer={owner}&x={owner}", NULL},
        {PLAY "&r%65ferrer={owner}{owner}", "256 bytes"},
        {PLAY "&referrer=x#{owner}{owner}", NULL},
        {"https://Play.Google.com:443/store?referrer={owner}{owner}", "256 bytes"},
        {"market://details?id=mx.app&referrer={owner}{owner}", "256 bytes"},
        {"intent://play.google.com/a?referrer={owner}{owner}#Intent;scheme=https;end", "256 bytes"},
        {"https://example.mx/?referrer={owner}{owner}", NULL},
        {"https://example.mx/?x=https://play.google.com/&referrer={owner}{owner}", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (cases[i].because == NULL) {
            assert_allowed(cases[i].template);
        } else {
            assert_refused(cases[i].template, cases[i].because);
            assert_refused(cases[i].template, "an owner 128");
        }
    }
}

/* Of what stays, nobody asks; only what is written anew is refused. */
static void a_campaign_with_an_older_ct_can_still_be_changed(void **state) {
    (void)state;
    const struct slice old = SLICE(STORE "?ct={campaign}");
    const struct slice before[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_IOS] = old};
    struct slice after[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_IOS] = old, [CAMPAIGN_FIELD_NAME] = SLICE("Spring")};
    struct record_change change = {.kind = RECORD_CAMPAIGN, .before = before, .after = after};
    struct err err = {""};
    size_t field;
    assert_true(record_check(&change, &field, &err));
    after[CAMPAIGN_FIELD_IOS] = SLICE(STORE "?ct={code}");
    assert_false(record_check(&change, &field, &err));
    assert_int_equal(field, CAMPAIGN_FIELD_IOS);
    assert_int_equal(strncmp(err.text, "ios: ct ", 8), 0);
}

static enum template_store store_of(const char *text) {
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    assert_true(template_check(slice_of(text), SLICE("*"), NULL));
    size_t size = template_compile(slice_of(text), SLICE_EMPTY, compiled);
    return template_compiled_store(slice_make(compiled, size));
}

static void a_store_is_recognised_in_any_case_and_with_a_port(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum template_store store;
    } cases[] = {
        {PLAY "&referrer={referrer}", TEMPLATE_GOOGLE_PLAY},
        {"https://PLAY.google.com", TEMPLATE_GOOGLE_PLAY},
        {"HTTPS://play.google.com:443/{code}", TEMPLATE_GOOGLE_PLAY},
        {"https://play.google.com?id={code}", TEMPLATE_GOOGLE_PLAY},
        {"Market://details?id=mx.app", TEMPLATE_GOOGLE_PLAY},
        {"intent://Play.google.com/a#Intent;end", TEMPLATE_GOOGLE_PLAY},
        {"https://Apps.Apple.com/app", TEMPLATE_APP_STORE},
        {"https://itunes.apple.com:443#x", TEMPLATE_APP_STORE},
        {"ITMS-appss://x/{code}", TEMPLATE_APP_STORE},
        {"https://play.google.com.mx/", TEMPLATE_NO_STORE},
        {"https://example.mx/play.google.com/", TEMPLATE_NO_STORE},
        {"https://xplay.google.com/", TEMPLATE_NO_STORE},
        {"bank://play.google.com/", TEMPLATE_NO_STORE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (store_of(cases[i].text) != cases[i].store) {
            fail_msg("%s", cases[i].text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hand_written_ct_never_holds_a_persons_code),
        cmocka_unit_test(a_hand_written_referrer_is_no_longer_than_what_comes_back),
        cmocka_unit_test(a_campaign_with_an_older_ct_can_still_be_changed),
        cmocka_unit_test(a_store_is_recognised_in_any_case_and_with_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
