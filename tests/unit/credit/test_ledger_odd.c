/*
 * test_ledger_odd.c - two ledgers at once, Redis that goes away or comes back older, and what
 * others write into streams, marks and books.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ledger_fixture.h"

#define OTHER_STREAM "p:conversions:f:0"

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

static void wait_unready(const char *why) {
    char text[512] = "";
    for (unsigned i = 0; i < WAIT_TRIES; i++) {
        struct buf detail = buf_over(text, sizeof(text) - 1);
        bool judges = ledger_check(it.ledger, &detail);
        text[detail.size] = '\0';
        if (!judges && strstr(text, why) != NULL) {
            return;
        }
        test_sleep_ms(1);
    }
    fail_msg("it says: %s", text);
}

static void wait_ready(void) {
    bool judges = false;
    for (unsigned i = 0; i < WAIT_TRIES && !judges; i++) {
        char text[512];
        struct buf detail = buf_over(text, sizeof(text));
        judges = ledger_check(it.ledger, &detail);
        test_sleep_ms(judges ? 0 : 1);
    }
    assert_true(judges);
}

/* ---- exactly once ---- */

enum { CLICKS = 150, TIMES = 3 };

/* Every first loan comes three times over each of two streams, while two ledgers judge, and one of
 * them is let go and hired again all the time. */
static void two_ledgers_and_two_streams_make_one_credit_of_each(void **state) {
    (void)state;
    struct ledger *second = desk_hire(&it, true);
    for (unsigned i = 0; i < CLICKS; i++) {
        struct ulid click = desk_click(&it, i, "00000000000000ab", "");
        for (unsigned k = 0; k < TIMES; k++) {
            struct conversion loan = desk_verified(&it, &click, "first_loan");
            loan.value = 100;
            loan.text[CONVERSION_TEXT_CURRENCY] = SLICE("MXN");
            desk_report_to(&it, STREAM, &loan);
            desk_report_to(&it, OTHER_STREAM, &loan);
        }
        if (i % 10 == 9) {
            ledger_stop(&second);
            second = desk_hire(&it, true);
        }
    }
    desk_wait_for(&it, STREAM, CLICKS * TIMES);
    desk_wait_for(&it, OTHER_STREAM, CLICKS * TIMES);
    ledger_stop(&second);
    assert_int_equal(atoi(desk_get(&it, it.all, "first_loan\tverified")), CLICKS);
    assert_int_equal(atoi(desk_get(&it, it.all, "first_loan\tverified\tMXN")), CLICKS * 100);
    assert_int_equal(atoi(desk_get(&it, it.all, "first_loan\trepeated")), CLICKS * (2 * TIMES - 1));
    assert_int_equal(atoi(desk_get(&it, it.link, "first_loan\tverified")), CLICKS);
    assert_int_equal(desk_number(&it, "XLEN p:judged"), CLICKS * TIMES * 2);
    assert_int_equal(redis_reply_count(admin_ask(it.admin, "KEYS p:credit:*")), CLICKS);
}

static void redis_goes_away_and_comes_back(void **state) {
    (void)state;
    static const char *const kept[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    ledger_stop(&it.ledger);
    redis_pipe_destroy(&it.admin);
    test_redis_end(&it.redis, SIGKILL);
    test_redis_start(&it.redis, kept);
    it.admin = admin_open(&it.redis);
    it.ledger = desk_hire(&it, true);
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    desk_wait(&it, 1);
    redis_pipe_destroy(&it.admin);
    test_redis_end(&it.redis, SIGKILL);
    wait_unready("cannot be reached");
    test_redis_start(&it.redis, kept);
    it.admin = admin_open(&it.redis);
    desk_report(&it, &bare);
    desk_wait(&it, 2);
    wait_ready();
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "2");
    assert_true(metric_registry_total(it.metrics, "brinco_credit_unreachable_total", NULL) > 0);
}

static void an_empty_redis_is_begun_with_anew(void **state) {
    (void)state;
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    desk_wait(&it, 1);
    desk_number(&it, "FLUSHALL");
    desk_report(&it, &bare);
    desk_wait(&it, 1);
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "1");
}

static void a_mark_that_is_gone_books_nothing_twice(void **state) {
    (void)state;
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    desk_wait(&it, 1);
    desk_number(&it, "DEL p:conversion-mark");
    wait_unready("its mark is gone");
    desk_report(&it, &bare);
    desk_report_to(&it, OTHER_STREAM, &bare); /* others go on */
    desk_wait_for(&it, OTHER_STREAM, 1);
    assert_string_equal(desk_get(&it, "p:funnel:total", STREAM), "1");
    char last[64];
    snprintf(last, sizeof(last), "%lu-1", (unsigned long)bare.at_ms);
    desk_set(&it, "p:conversion-mark", STREAM, last);
    desk_wait(&it, 2);
    wait_ready();
}

static void a_mark_that_is_none_is_told(void **state) {
    (void)state;
    desk_set(&it, "p:conversion-mark", STREAM, "yesterday");
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    wait_unready("its mark is 'yesterday'");
    desk_number(&it, "DEL p:conversion-mark");
    desk_wait(&it, 1);
}

static void another_zone_books_nothing(void **state) {
    (void)state;
    desk_number(&it, "SET p:stats:zone Europe/Madrid");
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    wait_unready("Europe/Madrid");
    assert_string_equal(desk_get(&it, "p:funnel:total", STREAM), "");
    desk_number(&it, "SET p:stats:zone " ZONE);
    desk_wait(&it, 1);
    wait_ready();
}

/* ---- what others write ---- */

static void xadd(const char *ms, const char *field, struct slice value) {
    char id[64];
    snprintf(id, sizeof(id), "%s-%lu", ms, (unsigned long)++it.sequence);
    struct slice words[] = {SLICE("XADD"), SLICE(STREAM), slice_of(id), slice_of(field), value};
    desk_do(&it, ARRAY_COUNT(words), words);
    desk_number(&it, "SADD p:conversion-streams " STREAM);
}

static void entries_that_are_none_are_passed_over(void **state) {
    (void)state;
    static char large[LEDGER_ENTRY_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large));
    struct conversion bare = desk_conversion(&it);
    xadd(it.noon, "id", SLICE("nonsense"));
    xadd(it.noon, "padding", slice_make(large, sizeof(large)));
    desk_report(&it, &bare);
    struct conversion future = bare;
    future.happened_ms = UINT64_MAX; /* counts for the day on which it was reported */
    desk_report(&it, &future);
    desk_wait(&it, 4);
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "2");
    assert_string_equal(desk_get(&it, "p:funnel:total", STREAM "\tmalformed"), "2");
    desk_wait_metric(&it, "brinco_credit_malformed_total", NULL, 2);
}

static void times_beyond_all_calendars_are_malformed(void **state) {
    (void)state;
    struct conversion bare = desk_conversion(&it);
    bare.at_ms = UINT64_MAX;
    bare.happened_ms = UINT64_MAX;
    desk_report(&it, &bare);
    desk_wait(&it, 1);
    assert_string_equal(desk_get(&it, "p:funnel:total", STREAM "\tmalformed"), "1");
}

static void hostile_texts_stay_texts(void **state) {
    (void)state;
    desk_set(&it, "p:campaign:spring", "webhook", "https://bank.example.mx/hook");
    struct conversion odd = desk_conversion(&it);
    odd.text[CONVERSION_TEXT_CODE] = SLICE("AB:\"\n:20261121");
    odd.text[CONVERSION_TEXT_KEY] = SLICE("\0\xff\"}");
    odd.text[CONVERSION_TEXT_REPORTER] = SLICE("\"},{\"");
    desk_report(&it, &odd);
    struct ulid click = desk_click(&it, 0, "not a visitor", "ffff");
    struct conversion verified = desk_verified(&it, &click, "install");
    verified.text[CONVERSION_TEXT_REPORTER] = SLICE("\"repeats\":7}");
    desk_report(&it, &verified);
    desk_report(&it, &verified);
    desk_wait(&it, 3);
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "1");
    const char *json = desk_get(&it, desk_credit_key(&it, &click), "event:install");
    assert_non_null(strstr(json, "\"reporter\":\"\\\"repeats\\\":7}\",\"repeats\":1}"));
    assert_int_equal(redis_reply_count(admin_ask(it.admin, "KEYS p:funnel:*")), 4);
    assert_int_equal(redis_reply_count(admin_ask(it.admin, "KEYS p:many:*")), 0);
}

static void streams_that_are_none_hold_nobody_up(void **state) {
    (void)state;
    desk_number(&it, "SET p:conversions:bad:0 text");
    desk_number(&it, "SADD p:conversion-streams p:conversions:bad:0");
    wait_unready("WRONGTYPE");
    desk_number(&it, "SET p:clicks:bad:0 text");
    desk_number(&it, "SADD p:streams p:clicks:bad:0");
    struct ulid click = ulid_make(it.noon_ms, &it.random);
    struct conversion install = desk_verified(&it, &click, "install");
    desk_report(&it, &install);
    desk_wait(&it, 1);
    assert_string_equal(desk_get(&it, it.link, "install\tverified"), "1");
}

static void books_that_cannot_be_written_are_counted(void **state) {
    (void)state;
    char words[128];
    struct ulid click = ulid_make(it.noon_ms, &it.random);
    snprintf(words, sizeof(words), "SET %s text", it.all);
    desk_number(&it, words);
    snprintf(words, sizeof(words), "SET %s text", desk_credit_key(&it, &click));
    desk_number(&it, words);
    struct conversion bare = desk_conversion(&it);
    struct conversion verified = desk_verified(&it, &click, "install");
    desk_report(&it, &bare);
    desk_report(&it, &verified);
    desk_wait(&it, 2);
    /* Of the first, the day's funnel of all and its expiry; of the second, its credit. */
    assert_string_equal(desk_get(&it, it.link, "install\tunverified"), "1");
    assert_string_equal(desk_get(&it, it.link, "install\tverified"), "");
    assert_int_equal(desk_number(&it, "XLEN p:judged"), 2);
    for (unsigned i = 0; i < WAIT_TRIES &&
                         metric_registry_total(it.metrics, "brinco_credit_damaged_total", NULL) < 2;
         i++) {
        test_sleep_ms(1);
    }
    assert_int_equal(metric_registry_total(it.metrics, "brinco_credit_damaged_total", NULL), 2);
}

static void names_that_are_too_long_are_left_out(void **state) {
    (void)state;
    static char name[600];
    memset(name, 'x', sizeof(name));
    struct slice add[] = {SLICE("SADD"), SLICE("p:conversion-streams"),
                          slice_make(name, sizeof(name))};
    desk_do(&it, 3, add);
    wait_unready("1 names in the set");
    desk_wait_metric(&it, "brinco_credit_streams_left_out", NULL, 1);
    struct conversion bare = desk_conversion(&it);
    desk_report(&it, &bare);
    desk_wait(&it, 1);
}

/* ---- clicks that come late ---- */

static void an_open_one_waits_for_its_click(void **state) {
    (void)state;
    char token[TOKEN_SIZE], id[64], text[ULID_TEXT_SIZE];
    struct ulid click = ulid_make(it.noon_ms, &it.random);
    struct conversion bare = desk_conversion(&it);
    struct conversion open = desk_verified(&it, &click, "install");
    open.proof = CONVERSION_OPEN;
    open.text[CONVERSION_TEXT_CODE] = SLICE_EMPTY;
    token_make(&it.key, &click, SLICE("AB12CD"), token);
    open.text[CONVERSION_TEXT_CLICK] = slice_make(token, TOKEN_SIZE);
    char behind[64], there[64];
    snprintf(behind, sizeof(behind), "%lu up", (unsigned long)it.noon_ms - 1);
    snprintf(there, sizeof(there), "%lu up", (unsigned long)it.noon_ms);
    desk_set(&it, "p:heard", "p:clicks:e:0", behind);
    desk_set(&it, "p:heard", "p:clicks:f:0", there);
    desk_report(&it, &bare);
    desk_report(&it, &open);
    desk_wait(&it, 1); /* what stands before it does not wait */
    desk_wait_metric(&it, "brinco_credit_lag_records", NULL, 1);
    snprintf(id, sizeof(id), "%s-1", it.noon);
    ulid_format(&click, text);
    struct slice words[] = {SLICE("XADD"),  SLICE("p:clicks:e:0"), slice_of(id),
                            SLICE("id"),    slice_make(text, 26),  SLICE("code"),
                            SLICE("AB12CD")};
    desk_do(&it, ARRAY_COUNT(words), words);
    desk_number(&it, "SADD p:streams p:clicks:e:0");
    desk_wait(&it, 2);
    assert_string_equal(desk_get(&it, it.all, "install\tverified"), "1");
}

/* Its code is proven, but whose click it was, only the click says. */
static void a_verified_one_waits_for_its_click(void **state) {
    (void)state;
    char behind[64], id[64], text[ULID_TEXT_SIZE];
    struct ulid click = ulid_make(it.noon_ms, &it.random);
    struct conversion verified = desk_verified(&it, &click, "install");
    struct conversion bare = desk_conversion(&it);
    snprintf(behind, sizeof(behind), "%lu up", (unsigned long)it.noon_ms - 1);
    desk_set(&it, "p:heard", "p:clicks:e:0", behind);
    desk_report(&it, &bare);
    desk_report(&it, &verified);
    desk_wait(&it, 1);
    desk_wait_metric(&it, "brinco_credit_lag_records", NULL, 1);
    snprintf(id, sizeof(id), "%s-1", it.noon);
    ulid_format(&click, text);
    struct slice words[] = {SLICE("XADD"),   SLICE("p:clicks:e:0"), slice_of(id),
                            SLICE("id"),     slice_make(text, 26),  SLICE("code"),
                            SLICE("AB12CD"), SLICE("campaign"),     SLICE("winter"),
                            SLICE("owner"),  SLICE("eva")};
    desk_do(&it, ARRAY_COUNT(words), words);
    desk_number(&it, "SADD p:streams p:clicks:e:0");
    desk_wait(&it, 2);
    assert_string_equal(desk_get(&it, desk_credit_key(&it, &click), "campaign"), "winter");
    assert_string_equal(desk_get(&it, desk_credit_key(&it, &click), "owner"), "eva");
}

static void a_click_that_no_edge_will_ship_is_not_waited_for(void **state) {
    (void)state;
    char token[TOKEN_SIZE], there[64], closed[64];
    struct ulid click = ulid_make(it.noon_ms, &it.random);
    struct conversion open = desk_verified(&it, &click, "install");
    open.proof = CONVERSION_OPEN;
    open.text[CONVERSION_TEXT_CODE] = SLICE_EMPTY;
    token_make(&it.key, &click, SLICE("AB12CD"), token);
    open.text[CONVERSION_TEXT_CLICK] = slice_make(token, TOKEN_SIZE);
    snprintf(there, sizeof(there), "%lu up", (unsigned long)it.noon_ms);
    snprintf(closed, sizeof(closed), "%lu closed", (unsigned long)it.noon_ms - 1);
    desk_set(&it, "p:heard", "p:clicks:e:0", there);
    desk_set(&it, "p:heard", "p:clicks:f:0", closed);
    desk_set(&it, "p:heard", "p:clicks:g:0", "nonsense up");
    desk_report(&it, &open);
    desk_wait(&it, 1);
    assert_string_equal(desk_get(&it, it.all, "install\tunverified"), "1");
}

/* ---- trimming ---- */

static void what_is_judged_and_old_is_trimmed(void **state) {
    (void)state;
    ledger_stop(&it.ledger);
    struct conversion bare = desk_conversion(&it);
    for (unsigned i = 0; i < 300; i++) {
        desk_report(&it, &bare);
    }
    it.ledger = desk_hire(&it, true);
    desk_wait(&it, 300);
    ledger_stop(&it.ledger);
    assert_int_equal(desk_number(&it, "XLEN " STREAM), 300); /* kept for a year here */
    it.retain_hours = 1;
    it.ledger = desk_hire(&it, true);
    int64_t left = 300;
    for (unsigned i = 0; i < WAIT_TRIES && left == 300; i++) {
        test_sleep_ms(1);
        left = desk_number(&it, "XLEN " STREAM);
    }
    assert_true(left <= 100); /* whole nodes of the stream go */
    assert_string_equal(desk_get(&it, "p:funnel:total", STREAM), "300");
    bare.at_ms += 1;
    desk_report(&it, &bare);
    desk_wait(&it, 301);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_ledgers_and_two_streams_make_one_credit_of_each, begin,
                                        end),
        cmocka_unit_test_setup_teardown(redis_goes_away_and_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_redis_is_begun_with_anew, begin, end),
        cmocka_unit_test_setup_teardown(a_mark_that_is_gone_books_nothing_twice, begin, end),
        cmocka_unit_test_setup_teardown(a_mark_that_is_none_is_told, begin, end),
        cmocka_unit_test_setup_teardown(another_zone_books_nothing, begin, end),
        cmocka_unit_test_setup_teardown(entries_that_are_none_are_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(times_beyond_all_calendars_are_malformed, begin, end),
        cmocka_unit_test_setup_teardown(hostile_texts_stay_texts, begin, end),
        cmocka_unit_test_setup_teardown(streams_that_are_none_hold_nobody_up, begin, end),
        cmocka_unit_test_setup_teardown(books_that_cannot_be_written_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(names_that_are_too_long_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(an_open_one_waits_for_its_click, begin, end),
        cmocka_unit_test_setup_teardown(a_verified_one_waits_for_its_click, begin, end),
        cmocka_unit_test_setup_teardown(a_click_that_no_edge_will_ship_is_not_waited_for, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_judged_and_old_is_trimmed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
