/*
 * test_live.c - what was added between two looks, over midnight and setbacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "numbers_fixture.h"
#include "stats/live.h"

static struct numbers it;
static struct stats_live *live;

static int begin(void **state) {
    (void)state;
    numbers_begin(&it);
    return 0;
}

static int end(void **state) {
    (void)state;
    numbers_end(&it);
    return 0;
}

static int begin_anew(void **state) {
    (void)state;
    numbers_do(&it, "FLUSHALL");
    it.source.now_ms = NOW_MS;
    live = stats_live_create();
    return 0;
}

static int end_anew(void **state) {
    (void)state;
    stats_live_destroy(&live);
    assert_null(live);
    return 0;
}

static void set(const char *day, const char *field, const char *value) {
    char key[64];
    snprintf(key, sizeof(key), "p:stats:index:%s", day);
    numbers_set(&it, key, slice_of(field), slice_of(value));
}

static void assert_look(const char *expected) {
    static char bytes[8192];
    struct buf out = buf_over(bytes, sizeof(bytes));
    struct err err = {0};
    if (!stats_live_poll(live, &it.source, &out, &err)) {
        fail_msg("%s", err.text);
    }
    buf_append_char(&out, '\0');
    assert_string_equal(bytes, expected);
}

#define AT      "{\"at\":\"2026-11-21T19:00:00.000Z\","
#define NOTHING "\"clicks\":0,\"previews\":0,\"bots\":0,\"prefetches\":0,\"heads\":0"

static void the_first_look_says_where_it_begins(void **state) {
    (void)state;
    set("20261121", "spring\t0", "100");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
}

static void what_was_added_is_said_by_campaign(void **state) {
    (void)state;
    set("20261121", "spring\t0", "100");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    set("20261121", "spring\t0", "103");
    set("20261121", "spring\t1", "2");
    set("20261121", "autumn\t0", "5");
    set("20261121", "\t4", "1");
    set("20261121", "\x01", "50");
    assert_look(AT "\"clicks\":8,\"previews\":2,\"bots\":0,\"prefetches\":0,\"heads\":1,"
                   "\"campaigns\":{\"autumn\":{\"clicks\":5,\"previews\":0,\"bots\":0,"
                   "\"prefetches\":0,\"heads\":0},\"spring\":{\"clicks\":3,\"previews\":2,"
                   "\"bots\":0,\"prefetches\":0,\"heads\":0},\"none\":{\"clicks\":0,\"previews\":0,"
                   "\"bots\":0,\"prefetches\":0,\"heads\":1}}}");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
}

static void over_midnight_nothing_is_lost_or_said_twice(void **state) {
    (void)state;
    set("20261121", "spring\t0", "100");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    it.source.now_ms = NOW_MS + 12 * 3600 * 1000;
    set("20261121", "spring\t0", "104"); /* late ones */
    set("20261121", "winter\t0", "1");
    set("20261122", "spring\t0", "2");
    assert_look("{\"at\":\"2026-11-22T07:00:00.000Z\","
                "\"clicks\":7,\"previews\":0,\"bots\":0,\"prefetches\":0,\"heads\":0,"
                "\"campaigns\":{\"spring\":{\"clicks\":6,\"previews\":0,\"bots\":0,"
                "\"prefetches\":0,\"heads\":0},\"winter\":{\"clicks\":1,\"previews\":0,\"bots\":0,"
                "\"prefetches\":0,\"heads\":0}}}");
    assert_look("{\"at\":\"2026-11-22T07:00:00.000Z\"," NOTHING ",\"campaigns\":{}}");
}

static void a_clock_that_was_set_begins_anew(void **state) {
    (void)state;
    set("20261121", "spring\t0", "100");
    set("20261101", "spring\t0", "7");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    it.source.now_ms = NOW_MS - 20ull * 24 * 3600 * 1000;
    assert_look("{\"at\":\"2026-11-01T19:00:00.000Z\"," NOTHING ",\"campaigns\":{}}");
    it.source.now_ms = NOW_MS;
    assert_look(AT NOTHING ",\"campaigns\":{}}");
}

static void what_became_less_says_nothing(void **state) {
    (void)state;
    set("20261121", "spring\t0", "100");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    set("20261121", "spring\t0", "90");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    set("20261121", "spring\t0", "91");
    struct stats_live_look look;
    struct err err;
    assert_true(stats_live_take(live, &it.source, &look, &err));
    assert_int_equal(look.kind[TAP_KIND_HUMAN], 1);
    assert_int_equal(look.row_count, 1);
    assert_int_equal(look.rows[0].kind[TAP_KIND_HUMAN], 1);
}

static void nonsense_in_an_index_says_nothing(void **state) {
    (void)state;
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    set("20261121", "spring", "5");
    set("20261121", "spring\t9", "5");
    set("20261121", "spring\t00", "5");
    set("20261121", "spring\t0", "-5");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    set("20261121", "a\"b\xff\t0", "1");
    assert_look(AT "\"clicks\":1,\"previews\":0,\"bots\":0,\"prefetches\":0,\"heads\":0,"
                   "\"campaigns\":{\"a\\\"b\xEF\xBF\xBD\":{\"clicks\":1,\"previews\":0,"
                   "\"bots\":0,\"prefetches\":0,\"heads\":0}}}");
}

static void while_redis_is_away_it_waits_and_then_says_all(void **state) {
    (void)state;
    struct stats_live_look look;
    struct err err = {0};
    set("20261121", "spring\t0", "100");
    assert_look(AT NOTHING ",\"campaigns\":{}}");
    numbers_do(&it, "RENAME p:stats:index:20261121 p:away");
    numbers_do(&it, "SET p:stats:index:20261121 x");
    assert_false(stats_live_take(live, &it.source, &look, &err));
    assert_non_null(strstr(err.text, "p:stats:index:20261121: Redis says: WRONGTYPE"));
    numbers_do(&it, "RENAME p:away p:stats:index:20261121");
    set("20261121", "spring\t0", "107");
    assert_true(stats_live_take(live, &it.source, &look, &err));
    assert_int_equal(look.kind[TAP_KIND_HUMAN], 7);
}

static void beyond_the_limit_campaigns_are_other(void **state) {
    (void)state;
    struct stats_live_look look;
    struct err err = {0};
    assert_true(stats_live_take(live, &it.source, &look, &err));
    const struct slice arguments[] = {
        SLICE("EVAL"),
        SLICE(
            "for i = 1, 20500 do redis.call('HSET', KEYS[1], 'c' .. i .. '\\t0', 1) end return 1"),
        SLICE("1"), SLICE("p:stats:index:20261121")};
    assert_non_null(redis_pipe_command(it.pipe, 4, arguments, &err));
    assert_true(stats_live_take(live, &it.source, &look, &err));
    assert_int_equal(look.kind[TAP_KIND_HUMAN], 20500);
    assert_int_equal(look.row_count, LIVE_CAMPAIGNS_MAX);
    assert_true(slice_equal(look.rows[0].campaign, SLICE("other")));
    assert_int_equal(look.rows[0].kind[TAP_KIND_HUMAN], 20500 - LIVE_CAMPAIGNS_MAX + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_look_says_where_it_begins, begin_anew, end_anew),
        cmocka_unit_test_setup_teardown(what_was_added_is_said_by_campaign, begin_anew, end_anew),
        cmocka_unit_test_setup_teardown(over_midnight_nothing_is_lost_or_said_twice, begin_anew,
                                        end_anew),
        cmocka_unit_test_setup_teardown(a_clock_that_was_set_begins_anew, begin_anew, end_anew),
        cmocka_unit_test_setup_teardown(what_became_less_says_nothing, begin_anew, end_anew),
        cmocka_unit_test_setup_teardown(nonsense_in_an_index_says_nothing, begin_anew, end_anew),
        cmocka_unit_test_setup_teardown(while_redis_is_away_it_waits_and_then_says_all, begin_anew,
                                        end_anew),
        cmocka_unit_test_setup_teardown(beyond_the_limit_campaigns_are_other, begin_anew, end_anew),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
