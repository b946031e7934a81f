/* apply_used.lua: what is counted of a link with max_clicks, written into the link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "apply_fixture.h"

/* Three days, the last one first; 20261121 begins at 1795240800. */
#define DAYS                                                                                       \
    "20261122 1795327200 1795413600 20261121 1795240800 1795327200 20261120 1795154400 1795240800 "

/* A cell of a link: so many human clicks of an hour with an outcome. */
#define CELL(hour, outcome) hour "0" outcome "0MX\t\t\t\t\t\t"

static int64_t write_used(struct bench *b, const char *code) {
    struct apply_answer answer;
    struct slice arguments[] = {b->prefix, slice_of(code), SLICE(DAYS)};
    assert_int_equal(apply_call(b->apply, APPLY_USED, arguments, &answer, &b->err), APPLY_DONE);
    return answer.number;
}

static void links_with_a_limit_are_noted_when_people_tap_them(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:link:AB12CD campaign spring max_clicks 5");
    admin_ask(b->admin, "HSET brinco:link:EF34GH campaign spring");
    admin_ask(b->admin, "SET brinco:link:NOHASH x");
    take_tap(b->fold, 1, &(struct tap){.kind = "preview"});
    take_tap(b->fold, 2, &(struct tap){.kind = "bot"});
    take_tap(b->fold, 3, &(struct tap){.code = "EF34GH"});
    take_tap(b->fold, 4, &(struct tap){.code = "NOHASH"});
    assert_int_equal(bench_apply(b, NULL), APPLY_DONE);
    assert_int_equal(b->outcome.damaged, 0);
    expect_number(b, "EXISTS brinco:stats:limited", 0);
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_DONE);
    expect_number(b, "SISMEMBER brinco:stats:limited AB12CD", 1);
    expect_number(b, "SCARD brinco:stats:limited", 1);
}

static void the_sum_of_all_days_and_campaigns_is_written(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:link:AB12CD campaign spring max_clicks 5");
    admin_ask(b->admin, "HSET brinco:stats:link:AB12CD:20261120 " CELL("b", "0") " 3 " CELL(
                            "-", "2") " 2 =spring 5 @ H");
    for (uint64_t i = 0; i < 4; i++) {
        bench_tap(b, &(struct tap){.visitor = i});
    }
    assert_int_equal(write_used(b, "AB12CD"), 9);
    expect_text(b, "HGET brinco:link:AB12CD used", SLICE("9"));
    expect_number(b, "EXISTS brinco:stats:limited", 0);
    assert_int_equal(write_used(b, "AB12CD"), 9); /* twice is once */
    expect_text(b, "HGET brinco:link:AB12CD used", SLICE("9"));
}

static void what_was_counted_before_the_link_was_made_is_not_its_own(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:link:AB12CD max_clicks 5 created_at 1795240801");
    admin_ask(b->admin, "HSET brinco:stats:link:AB12CD:20261120 " CELL("x", "0") " 3");
    bench_tap(b, &(struct tap){0});
    assert_int_equal(write_used(b, "AB12CD"), 1);
}

static void only_clicks_that_led_on_use_one_up(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:link:AB12CD max_clicks 5");
    admin_ask(b->admin,
              "HSET brinco:stats:link:AB12CD:20261121 " CELL("a", "0") " 1 " CELL(
                  "a", "1") " 2 " CELL("a", "2") " 4 " CELL("a", "3") " 8 " CELL("a", ":") " 16");
    admin_ask(b->admin,
              "HSET brinco:stats:link:AB12CD:20261120 " CELL("a", "4") " 100 " CELL(
                  "a", "6") " 100 " CELL("a", "7") " 100 " CELL("a", ";") " 100 a1000 100");
    assert_int_equal(write_used(b, "AB12CD"), 31);
}

static void a_link_that_is_made_again_begins_with_its_hour(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:stats:link:AB12CD:20261121 " CELL("a", "0") " 3 " CELL(
                            "b", "0") " 5 " CELL("c", "0") " 7");
    admin_ask(b->admin, "HSET brinco:link:AB12CD max_clicks 50");
    assert_int_equal(write_used(b, "AB12CD"), 15);
    admin_ask(b->admin, "DEL brinco:link:AB12CD");
    admin_ask(b->admin, "HSET brinco:link:AB12CD max_clicks 50 created_at 1795244500");
    assert_int_equal(write_used(b, "AB12CD"), 12); /* an hour and some seconds into the day */
}

static void it_never_falls_when_rollups_expire(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:link:AB12CD max_clicks 5");
    admin_ask(b->admin, "HSET brinco:stats:link:AB12CD:20261120 " CELL("a", "0") " 7");
    assert_int_equal(write_used(b, "AB12CD"), 7);
    admin_ask(b->admin, "DEL brinco:stats:link:AB12CD:20261120");
    bench_tap(b, &(struct tap){0});
    assert_int_equal(write_used(b, "AB12CD"), 7);
    expect_text(b, "HGET brinco:link:AB12CD used", SLICE("7"));
}

static void what_others_wrote_there_does_not_count(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:link:AB12CD max_clicks 5 used 99999999999999999999");
    bench_tap(b, &(struct tap){0});
    assert_int_equal(write_used(b, "AB12CD"), 1);
    expect_text(b, "HGET brinco:link:AB12CD used", SLICE("1"));
}

static void nothing_is_written_where_there_is_no_limit_or_no_link(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "SADD brinco:stats:limited AB12CD GONE12 NOHASH");
    admin_ask(b->admin, "HSET brinco:link:AB12CD campaign spring");
    admin_ask(b->admin, "SET brinco:link:NOHASH x");
    assert_int_equal(write_used(b, "AB12CD"), -1);
    assert_int_equal(write_used(b, "GONE12"), -1);
    assert_int_equal(write_used(b, "NOHASH"), -1);
    expect_number(b, "HEXISTS brinco:link:AB12CD used", 0);
    expect_number(b, "EXISTS brinco:link:GONE12", 0);
    expect_number(b, "EXISTS brinco:stats:limited", 0);
}

static void damaged_rollups_and_numbers_are_passed_over(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "HSET brinco:link:AB12CD max_clicks many used some");
    admin_ask(b->admin, "SET brinco:stats:link:AB12CD:20261122 x");
    admin_ask(b->admin,
              "HSET brinco:stats:link:AB12CD:20261121 " CELL("b", "1") " x " CELL("c", "2") " 2");
    assert_int_equal(write_used(b, "AB12CD"), 2);
    expect_text(b, "HGET brinco:link:AB12CD used", SLICE("2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(links_with_a_limit_are_noted_when_people_tap_them),
        BENCH_TEST(the_sum_of_all_days_and_campaigns_is_written),
        BENCH_TEST(what_was_counted_before_the_link_was_made_is_not_its_own),
        BENCH_TEST(only_clicks_that_led_on_use_one_up),
        BENCH_TEST(a_link_that_is_made_again_begins_with_its_hour),
        BENCH_TEST(it_never_falls_when_rollups_expire),
        BENCH_TEST(what_others_wrote_there_does_not_count),
        BENCH_TEST(nothing_is_written_where_there_is_no_limit_or_no_link),
        BENCH_TEST(damaged_rollups_and_numbers_are_passed_over),
    };
    return cmocka_run_group_tests(tests, bench_start, bench_stop);
}
