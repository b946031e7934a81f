/*
 * test_ledger.c - what comes of conversions in Redis: once each, in the right books.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ledger_fixture.h"

static struct desk it;

static int begin(void **state) {
    (void)state;
    desk_open(&it, true);
    return 0;
}

static int end(void **state) {
    (void)state;
    desk_close(&it);
    return 0;
}

/* ---- the books ---- */

static void a_verified_one_is_in_all_books(void **state) {
    (void)state;
    struct ulid click = desk_click(&it, 0, "00000000000000ab", "00000000000000cd");
    struct conversion loan = desk_verified(&it, &click, "first_loan");
    loan.value = 250000;
    loan.text[CONVERSION_TEXT_CURRENCY] = SLICE("MXN");
    desk_report(&it, &loan);
    desk_wait(&it, 1);

    const char *const funnels[] = {it.all, it.campaign, it.link};
    for (size_t i = 0; i < ARRAY_COUNT(funnels); i++) {
        assert_string_equal(desk_get(&it, funnels[i], "first_loan\tverified"), "1");
        assert_string_equal(desk_get(&it, funnels[i], "first_loan\tverified\tMXN"), "250000");
    }
    const char *credit = desk_credit_key(&it, &click);
    assert_string_equal(desk_get(&it, credit, "code"), "AB12CD");
    assert_string_equal(desk_get(&it, credit, "campaign"), "spring");
    assert_string_equal(desk_get(&it, credit, "owner"), "ana");
    assert_string_equal(desk_get(&it, credit, "at"), it.noon);
    assert_string_equal(desk_get(&it, credit, "visitor"), "00000000000000ab");
    assert_string_equal(desk_get(&it, credit, "network"), "00000000000000cd");
    char id[ULID_TEXT_SIZE];
    char expected[512];
    ulid_format(&loan.id, id);
    snprintf(expected, sizeof(expected),
             "{\"id\":\"%.26s\",\"at\":%s,\"status\":\"verified\",\"reasons\":[],"
             "\"value\":250000,\"currency\":\"MXN\",\"reporter\":\"bank\",\"repeats\":0}",
             id, it.later);
    assert_string_equal(desk_get(&it, credit, "event:first_loan"), expected);
    assert_int_equal(desk_number(&it, "XLEN p:judged"), 1);
    desk_wait_metric(&it, "brinco_conversions_total", "status=\"verified\",event=\"first_loan\"",
                     1);
}

static void the_same_event_of_a_click_counts_once(void **state) {
    (void)state;
    struct ulid click = desk_click(&it, 0, "00000000000000ab", "00000000000000cd");
    for (unsigned i = 0; i < 5; i++) {
        struct conversion loan = desk_verified(&it, &click, "first_loan");
        desk_report(&it, &loan);
    }
    struct conversion signup = desk_verified(&it, &click, "signup");
    desk_report(&it, &signup);
    desk_wait(&it, 6);
    assert_string_equal(desk_get(&it, it.all, "first_loan\tverified"), "1");
    assert_string_equal(desk_get(&it, it.all, "first_loan\trepeated"), "4");
    assert_string_equal(desk_get(&it, it.link, "first_loan\trepeated"), "4");
    assert_string_equal(desk_get(&it, it.all, "signup\tverified"), "1");
    assert_string_equal(desk_get(&it, it.all, "signup\trepeated"), "");
    const char *json = desk_get(&it, desk_credit_key(&it, &click), "event:first_loan");
    assert_non_null(strstr(json, "\"repeats\":4}"));
    assert_int_equal(desk_number(&it, "XLEN p:judged"), 6);
    desk_wait_metric(&it, "brinco_conversions_repeated_total", NULL, 4);
}

static void a_click_that_nobody_knows_any_more_still_gives_credit(void **state) {
    (void)state;
    struct ulid click = ulid_make(it.noon_ms, &it.random);
    struct conversion install = desk_verified(&it, &click, "install");
    desk_report(&it, &install);
    desk_wait(&it, 1);
    assert_string_equal(desk_get(&it, it.link, "install\tverified"), "1");
    const char *credit = desk_credit_key(&it, &click);
    assert_string_equal(desk_get(&it, credit, "at"), it.noon);
    assert_string_equal(desk_get(&it, credit, "campaign"), "spring");
    assert_string_equal(desk_get(&it, credit, "visitor"), "");
}

/* ---- statuses ---- */

static void unverified_and_forged_ones_are_kept_apart(void **state) {
    (void)state;
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    bare.id = ulid_make(it.noon_ms, &it.random);
    desk_report(&it, &bare); /* without click and key each counts */
    struct conversion keyed = desk_conversion(&it);
    keyed.text[CONVERSION_TEXT_KEY] = SLICE("k1");
    desk_report(&it, &keyed);
    desk_report(&it, &keyed);
    keyed.text[CONVERSION_TEXT_REPORTER] = SLICE("another");
    desk_report(&it, &keyed);
    struct conversion forged = desk_conversion(&it);
    forged.proof = CONVERSION_FORGED;
    forged.text[CONVERSION_TEXT_CLICK] = SLICE("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    desk_report(&it, &forged);
    desk_report(&it, &forged);
    forged.text[CONVERSION_TEXT_EVENT] = SLICE("signup");
    desk_report(&it, &forged);
    desk_wait(&it, 8);
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "4");
    assert_string_equal(desk_get(&it, it.all, "install\tforged"), "1");
    assert_string_equal(desk_get(&it, it.campaign, "signup\tforged"), "1");
    assert_string_equal(desk_get(&it, it.all, "install\trepeated"), "2");
    assert_string_equal(desk_get(&it, it.all, "install\tverified"), "");
    assert_int_equal(redis_reply_count(admin_ask(it.admin, "KEYS p:credit:*")), 0);
    desk_wait_metric(&it, "brinco_conversions_total", "status=\"forged\",event=\"install\"", 1);
}

static struct conversion open_one(struct ulid *click, const char *signed_for, char *token) {
    struct conversion conversion = desk_verified(&it, click, "install");
    conversion.proof = CONVERSION_OPEN;
    conversion.text[CONVERSION_TEXT_CODE] = SLICE_EMPTY;
    token_make(&it.key, click, slice_of(signed_for), token);
    conversion.text[CONVERSION_TEXT_CLICK] = slice_make(token, TOKEN_SIZE);
    return conversion;
}

static void a_token_without_its_code_is_checked_with_its_click(void **state) {
    (void)state;
    char token[TOKEN_SIZE];
    struct ulid good = desk_click(&it, 0, "00000000000000ab", "");
    struct ulid bad = desk_click(&it, 1, "00000000000000ab", "");
    struct conversion conversion = open_one(&good, "AB12CD", token);
    desk_report(&it, &conversion);
    conversion = open_one(&bad, "ZZ99", token);
    desk_report(&it, &conversion);
    conversion = open_one(&good, "AB12CD", token); /* replayed */
    desk_report(&it, &conversion);
    desk_wait(&it, 3);
    assert_string_equal(desk_get(&it, it.link, "install\tverified"), "1");
    assert_string_equal(desk_get(&it, it.link, "install\trepeated"), "1");
    assert_string_equal(desk_get(&it, it.all, "install\tforged"), "1");
    assert_string_equal(desk_get(&it, it.link, "install\tforged"), "");
}

static void without_the_secret_it_stays_unverified(void **state) {
    (void)state;
    char token[TOKEN_SIZE];
    ledger_stop(&it.ledger);
    it.ledger = desk_hire(&it, false);
    struct ulid click = desk_click(&it, 0, "00000000000000ab", "");
    struct conversion conversion = open_one(&click, "AB12CD", token);
    desk_report(&it, &conversion);
    desk_report(&it, &conversion);
    desk_wait(&it, 2);
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "1");
    assert_string_equal(desk_get(&it, it.all, "install\trepeated"), "1");
}

/* ---- marks ---- */

static void marks_are_counted_beside_what_counts(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "checks", "too_soon_s=7200 many_by_visitor=off");
    struct ulid click = desk_click(&it, 0, "00000000000000ab", "");
    struct conversion install = desk_verified(&it, &click, "install");
    install.text[CONVERSION_TEXT_USER] = SLICE("ana");
    desk_report(&it, &install);
    struct conversion signup = desk_verified(&it, &click, "signup"); /* not the first any more */
    desk_report(&it, &signup);
    desk_wait(&it, 2);
    assert_string_equal(desk_get(&it, it.all, "install\tverified"), "1");
    assert_string_equal(desk_get(&it, it.all, "install\t!too_soon"), "1");
    assert_string_equal(desk_get(&it, it.link, "install\t!own_link"), "1");
    assert_string_equal(desk_get(&it, it.all, "signup\t!too_soon"), "");
    const char *credit = desk_credit_key(&it, &click);
    assert_non_null(
        strstr(desk_get(&it, credit, "event:install"), "\"reasons\":[\"too_soon\",\"own_link\"]"));
    assert_non_null(strstr(desk_get(&it, credit, "event:signup"), "\"reasons\":[]"));
    desk_wait_metric(&it, "brinco_conversions_marked_total", "reason=\"own_link\"", 1);
}

static void many_of_a_visitor_and_of_a_network_are_marked(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "checks", "many_by_visitor=2 many_by_network=3");
    for (unsigned i = 0; i < 5; i++) {
        struct ulid click =
            desk_click(&it, i, i < 3 ? "00000000000000ab" : "00000000000000ac", "00000000000000cd");
        struct conversion install = desk_verified(&it, &click, "install");
        desk_report(&it, &install);
        desk_report(&it, &install); /* repetitions are no more of them */
    }
    desk_wait(&it, 10);
    assert_string_equal(desk_get(&it, it.all, "install\tverified"), "5");
    assert_string_equal(desk_get(&it, it.all, "install\t!many_by_visitor"), "1");
    assert_string_equal(desk_get(&it, it.all, "install\t!many_by_network"), "2");
    char key[128];
    snprintf(key, sizeof(key), "TTL p:many:network:%s:spring:install:00000000000000cd", it.day);
    int64_t left_s = desk_number(&it, key);
    assert_true(left_s > 86400 && left_s <= 2 * 86400);
}

static void checks_that_make_no_sense_are_the_defaults(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "checks", "too_soon_s=soon");
    struct ulid click = desk_click(&it, 3595000, "00000000000000ab", "");
    struct conversion install = desk_verified(&it, &click, "install");
    desk_report(&it, &install);
    desk_wait(&it, 1);
    assert_string_equal(desk_get(&it, it.all, "install\t!too_soon"), "1");
}

/* ---- events ---- */

static void events_that_no_campaign_lists_are_kept_as_unverified(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "events", "card visit");
    struct ulid click = desk_click(&it, 0, "00000000000000ab", "");
    struct conversion card = desk_verified(&it, &click, "card");
    struct conversion other = desk_verified(&it, &click, "mortgage");
    other.text[CONVERSION_TEXT_CLICK] = SLICE("token");
    desk_report(&it, &card);
    desk_report(&it, &other);
    desk_report(&it, &other);
    desk_wait(&it, 3);
    assert_string_equal(desk_get(&it, it.all, "card\tverified"), "1");
    assert_string_equal(desk_get(&it, it.all, "mortgage\tverified"), "");
    assert_string_equal(desk_get(&it, it.all, "mortgage\tunverified"), "1");
    assert_string_equal(desk_get(&it, it.all, "mortgage\trepeated"), "1");
    assert_string_equal(desk_get(&it, it.campaign, "mortgage\tunverified"), "1");
    assert_string_equal(desk_get(&it, desk_credit_key(&it, &click), "event:mortgage"), "");
    assert_int_equal(desk_number(&it, "XLEN p:judged"), 3);
    assert_string_equal(desk_get(&it, "p:funnel:total", STREAM "\tmalformed"), "");
    desk_wait_metric(&it, "brinco_credit_unlisted_total", NULL, 2);
    desk_wait_metric(&it, "brinco_credit_malformed_total", NULL, 0);
    desk_wait_metric(&it, "brinco_conversions_total", "status=\"verified\",event=\"other\"", 1);
}

/* The link was moved to another campaign after the tap: what either lists was accepted, and counts
 * for the click's. */
static void events_of_the_clicks_or_the_links_campaign_count(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "events", "card");
    desk_set(&it, "p:campaign:autumn", "events", "visit");
    struct ulid click = desk_click(&it, 0, "00000000000000ab", "");
    desk_set(&it, "p:link:AB12CD", "campaign", "autumn");
    struct conversion card = desk_verified(&it, &click, "card");
    struct conversion visit = desk_verified(&it, &click, "visit");
    desk_report(&it, &card);
    desk_report(&it, &visit);
    desk_wait(&it, 2);
    assert_string_equal(desk_get(&it, it.campaign, "card\tverified"), "1");
    assert_string_equal(desk_get(&it, it.campaign, "visit\tverified"), "1");
    desk_wait_metric(&it, "brinco_conversions_total", "status=\"verified\",event=\"other\"", 2);
    desk_wait_metric(&it, "brinco_credit_unlisted_total", NULL, 0);
}

/* ---- webhooks ---- */

static void what_counts_is_told_of_once(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "webhook", "https://bank.example.mx/hook");
    struct ulid click = desk_click(&it, 0, "00000000000000ab", "");
    struct conversion install = desk_verified(&it, &click, "install");
    install.text[CONVERSION_TEXT_USER] = SLICE("ana");
    desk_report(&it, &install);
    desk_report(&it, &install);
    desk_wait(&it, 2);
    char id[ULID_TEXT_SIZE], click_id[ULID_TEXT_SIZE], key[64], expected[512];
    ulid_format(&install.id, id);
    ulid_format(&click, click_id);
    snprintf(key, sizeof(key), "p:webhook:%.26s", id);
    snprintf(expected, sizeof(expected),
             "{\"type\":\"conversion\",\"id\":\"%.26s\",\"event\":\"install\","
             "\"status\":\"verified\",\"reasons\":[\"own_link\"],\"counted\":true,"
             "\"at\":%s,\"code\":\"AB12CD\",\"campaign\":\"spring\",\"owner\":\"ana\","
             "\"click\":{\"id\":\"%.26s\",\"at\":%s},\"value\":null,\"currency\":null}",
             id, it.later, click_id, it.noon);
    assert_string_equal(desk_get(&it, key, "body"), expected);
    assert_string_equal(desk_get(&it, key, "url"), "https://bank.example.mx/hook");
    assert_string_equal(desk_get(&it, key, "campaign"), "spring");
    assert_string_equal(desk_get(&it, key, "state"), "pending");
    assert_string_equal(desk_get(&it, key, "attempts"), "0");
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:due"), 1);
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:all"), 1);
}

static void a_webhook_that_may_not_be_called_is_not_queued(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "webhook", "ftp://bank.example.mx/hook");
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    desk_wait(&it, 1);
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "1");
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:all"), 0);
}

static void webhooks_have_a_limit(void **state) {
    (void)state;
    ledger_stop(&it.ledger);
    it.webhooks_max = 3;
    it.ledger = desk_hire(&it, true);
    desk_set(&it, "p:campaign:spring", "webhook", "https://bank.example.mx/hook");
    for (unsigned i = 0; i < 4; i++) {
        struct conversion bare = desk_conversion(&it);
        desk_report(&it, &bare);
    }
    desk_wait(&it, 4);
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:all"), 3);
    desk_wait_metric(&it, "brinco_webhooks_refused_total", NULL, 1);
    /* One of them is over: its place is free. */
    char key[128];
    const struct redis_reply *first = admin_ask(it.admin, "ZRANGE p:webhooks:all 1 1");
    snprintf(key, sizeof(key), "p:webhook:%.*s",
             SLICE_ARG(redis_reply_text(redis_reply_at(first, 0))));
    desk_set(&it, key, "state", "delivered");
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    desk_wait(&it, 5);
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:all"), 3);
    assert_string_equal(desk_get(&it, key, "state"), "");
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "5");
}

/* More of them stand before the one that is over than are looked at in order. */
static void pending_webhooks_do_not_keep_the_place_of_one_that_is_over(void **state) {
    (void)state;
    enum { PENDING = 300 };
    char words[200];
    ledger_stop(&it.ledger);
    it.webhooks_max = PENDING + 1;
    desk_set(&it, "p:campaign:spring", "webhook", "https://bank.example.mx/hook");
    for (int i = 0; i < PENDING; i++) {
        snprintf(words, sizeof(words), "HSET p:webhook:dead%d state pending", i);
        desk_number(&it, words);
        snprintf(words, sizeof(words), "ZADD p:webhooks:all %d dead%d", i, i);
        desk_number(&it, words);
    }
    desk_set(&it, "p:webhook:done", "state", "delivered");
    desk_number(&it, "ZADD p:webhooks:all 999 done");
    desk_number(&it, "ZADD p:webhooks:over 1 dead7 999 done 0 forgotten");
    it.ledger = desk_hire(&it, true);
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    desk_wait(&it, 1);
    assert_int_equal(desk_number(&it, "EXISTS p:webhook:done"), 0);
    assert_string_equal(desk_get(&it, "p:webhook:dead7", "state"), "pending");
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:all"), PENDING + 1);
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:over"), 0);
    assert_int_equal(desk_number(&it, "ZCARD p:webhooks:due"), 1);
    desk_wait_metric(&it, "brinco_webhooks_refused_total", NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_verified_one_is_in_all_books, begin, end),
        cmocka_unit_test_setup_teardown(the_same_event_of_a_click_counts_once, begin, end),
        cmocka_unit_test_setup_teardown(a_click_that_nobody_knows_any_more_still_gives_credit,
                                        begin, end),
        cmocka_unit_test_setup_teardown(unverified_and_forged_ones_are_kept_apart, begin, end),
        cmocka_unit_test_setup_teardown(a_token_without_its_code_is_checked_with_its_click, begin,
                                        end),
        cmocka_unit_test_setup_teardown(without_the_secret_it_stays_unverified, begin, end),
        cmocka_unit_test_setup_teardown(marks_are_counted_beside_what_counts, begin, end),
        cmocka_unit_test_setup_teardown(many_of_a_visitor_and_of_a_network_are_marked, begin, end),
        cmocka_unit_test_setup_teardown(checks_that_make_no_sense_are_the_defaults, begin, end),
        cmocka_unit_test_setup_teardown(events_that_no_campaign_lists_are_kept_as_unverified, begin,
                                        end),
        cmocka_unit_test_setup_teardown(events_of_the_clicks_or_the_links_campaign_count, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_counts_is_told_of_once, begin, end),
        cmocka_unit_test_setup_teardown(a_webhook_that_may_not_be_called_is_not_queued, begin, end),
        cmocka_unit_test_setup_teardown(webhooks_have_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(pending_webhooks_do_not_keep_the_place_of_one_that_is_over,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
