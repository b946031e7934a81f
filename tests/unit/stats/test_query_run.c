/*
 * test_query_run.c - rollups in, rows out: sums, lists, filters, hours, people, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "numbers_fixture.h"

static struct numbers it;

static int begin(void **state) {
    (void)state;
    numbers_begin(&it);
    numbers_do(&it, "HSET p:link:AB12 campaign spring");
    numbers_do(&it, "HSET p:campaign:spring name Spring");
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
    numbers_do(&it, "HSET p:link:AB12 campaign spring");
    numbers_do(&it, "HSET p:campaign:spring name Spring");
    it.source.now_ms = NOW_MS;
    it.source.retain_days = 400;
    struct err err;
    assert_true(clock_set_zone(TEST_ZONE, &err));
    it.source.zone = SLICE(TEST_ZONE);
    return 0;
}

static struct cell with_kind(struct cell cell, enum tap_kind kind) {
    cell.kind = kind;
    return cell;
}

static void every_interval_is_a_row_even_without_a_tap(void **state) {
    (void)state;
    numbers_add(&it, "p:stats:link:AB12:20261119", numbers_tap(3, "MX"), 5);
    numbers_add(&it, "p:stats:link:AB12:20261119", numbers_tap(4, "GT"), 2);
    numbers_add(&it, "p:stats:link:AB12:20261121",
                with_kind(numbers_tap(4, "GT"), TAP_KIND_PREVIEW), 1);
    numbers_add(&it, "p:stats:link:AB12:20261121", with_kind(numbers_tap(4, "GT"), TAP_KIND_HEAD),
                9);
    ASSERT_ROWS(&it, numbers_link("AB12"), "from=2026-11-18",
                "2026-11-18 0/0/0/0/0 0\n"
                "2026-11-19 7/0/0/0/0 0\n"
                "2026-11-20 0/0/0/0/0 0\n"
                "2026-11-21 0/1/0/0/9 0\n");
    ASSERT_ROWS(&it, numbers_link("AB12"), "from=2026-11-18&interval=total", " 7/1/0/0/9 0\n");
    ASSERT_ROWS(&it, numbers_link("AB12"), "from=2026-11-09&to=2026-11-23&interval=week",
                "2026-W46 0/0/0/0/0 0\n2026-W47 7/1/0/0/9 0\n2026-W48 0/0/0/0/0 0\n");
}

static void outcomes_count_human_clicks_alone(void **state) {
    (void)state;
    numbers_add(&it, "p:stats:all:20261121", numbers_tap(CELL_NO_HOUR, "MX"), 5);
    struct cell cell = numbers_tap(CELL_NO_HOUR, "MX");
    cell.outcome = TAP_OUTCOME_PAUSED;
    numbers_add(&it, "p:stats:all:20261121", cell, 3);
    numbers_add(&it, "p:stats:all:20261121", with_kind(cell, TAP_KIND_BOT), 100);
    struct stats_report *report = numbers_ask(&it, numbers_all(), "last=1d");
    assert_int_equal(report->totals.kind[TAP_KIND_HUMAN], 8);
    assert_int_equal(report->totals.kind[TAP_KIND_BOT], 100);
    assert_int_equal(report->totals.outcome[TAP_OUTCOME_PLAY_STORE], 5);
    assert_int_equal(report->totals.outcome[TAP_OUTCOME_PAUSED], 3);
    assert_int_equal(report->rows[0].counts.outcome[TAP_OUTCOME_PAUSED], 3);
    stats_report_destroy(&report);
    ASSERT_ROWS(&it, numbers_all(), "last=1d&by=outcome",
                "2026-11-21 play_store 5/0/0/0/0 -1\n2026-11-21 paused 3/0/100/0/0 -1\n");
}

static void a_list_is_ranked_and_its_rest_is_other(void **state) {
    (void)state;
    const char *key = "p:stats:campaign:spring:20261121";
    numbers_add(&it, key, numbers_tap(CELL_NO_HOUR, "MX"), 10);
    numbers_add(&it, key, numbers_tap(CELL_NO_HOUR, "US"), 7);
    numbers_add(&it, key, numbers_tap(CELL_NO_HOUR, "GT"), 7);
    numbers_add(&it, key, numbers_tap(CELL_NO_HOUR, ""), 4);
    numbers_add(&it, key, numbers_tap(CELL_NO_HOUR, "\x01"), 20);
    numbers_add(&it, key, with_kind(numbers_tap(CELL_NO_HOUR, "US"), TAP_KIND_PREVIEW), 50);
    ASSERT_ROWS(&it, numbers_campaign("spring"), "last=2d&by=country",
                "2026-11-21 MX 10/0/0/0/0 -1\n"
                "2026-11-21 GT 7/0/0/0/0 -1\n"
                "2026-11-21 US 7/50/0/0/0 -1\n"
                "2026-11-21 unknown 4/0/0/0/0 -1\n"
                "2026-11-21 other 20/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_campaign("spring"), "last=2d&by=country&limit=2",
                "2026-11-21 MX 10/0/0/0/0 -1\n"
                "2026-11-21 GT 7/0/0/0/0 -1\n"
                "2026-11-21 other 31/50/0/0/0 -1\n");
    struct stats_report *report =
        numbers_ask(&it, numbers_campaign("spring"), "last=2d&by=country&limit=1");
    assert_int_equal(report->totals.kind[TAP_KIND_HUMAN], 48);
    assert_int_equal(report->folded, 20);
    stats_report_destroy(&report);
}

static void lists_are_crossed(void **state) {
    (void)state;
    struct cell cell = numbers_tap(CELL_NO_HOUR, "MX");
    numbers_add(&it, "p:stats:all:20261121", cell, 3);
    cell.platform = TAP_PLATFORM_IOS;
    numbers_add(&it, "p:stats:all:20261121", cell, 5);
    cell.text[CELL_SOURCE] = SLICE("poster");
    numbers_add(&it, "p:stats:all:20261121", cell, 1);
    cell.text[CELL_COUNTRY] = SLICE("GT");
    numbers_add(&it, "p:stats:all:20261120", cell, 2);
    ASSERT_ROWS(&it, numbers_all(), "last=2d&by=country,platform",
                "2026-11-20 GT ios 2/0/0/0/0 -1\n"
                "2026-11-21 MX ios 6/0/0/0/0 -1\n"
                "2026-11-21 MX android 3/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_all(), "last=2d&by=source,country&interval=total&limit=2",
                " none MX 8/0/0/0/0 -1\n"
                " poster GT 2/0/0/0/0 -1\n"
                " other other 1/0/0/0/0 -1\n");
}

static void what_is_shown_can_be_filtered_for(void **state) {
    (void)state;
    const char *key = "p:stats:all:20261121";
    struct cell cell = numbers_tap(CELL_NO_HOUR, "MX");
    cell.text[CELL_SOURCE] = SLICE("a,b");
    numbers_add(&it, key, cell, 3);
    numbers_add(&it, key, numbers_tap(CELL_NO_HOUR, ""), 4);
    numbers_add(&it, key, numbers_tap(CELL_NO_HOUR, "\x01"), 20);
    ASSERT_ROWS(&it, numbers_all(), "last=1d&filter=country:unknown", "2026-11-21 4/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_all(), "last=1d&filter=country:other", "2026-11-21 20/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_all(), "last=1d&filter=source:none", "2026-11-21 24/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_all(), "last=1d&filter=source:a\\,b", "2026-11-21 3/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_all(), "last=1d&filter=country:MX,country:unknown",
                "2026-11-21 7/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_all(), "last=1d&filter=country:ZZ", "2026-11-21 0/0/0/0/0 -1\n");
    struct stats_report *report = numbers_ask(&it, numbers_all(), "last=1d&filter=country:MX");
    assert_int_equal(report->folded, 20); /* some of them may have been MX */
    assert_int_equal(report->query.filter_count, 1);
    assert_true(slice_equal(stats_query_filter(&report->query, 0), SLICE("MX")));
    stats_report_destroy(&report);
}

static void hours_of_the_whole_are_in_hashes_of_their_own(void **state) {
    (void)state;
    numbers_add(&it, "p:stats:all:20261121", numbers_tap(CELL_NO_HOUR, "MX"), 99);
    numbers_add(&it, "p:stats:all:20261121:h", numbers_tap(0, "MX"), 1);
    numbers_add(&it, "p:stats:all:20261121:h", numbers_tap(13, "MX"), 2);
    numbers_add(&it, "p:stats:all:20261120:h", numbers_tap(14, "MX"), 4);
    numbers_add(&it, "p:stats:all:20261120:h", numbers_tap(13, "MX"), 8);
    struct stats_report *report = numbers_ask(&it, numbers_all(), "last=24h");
    assert_int_equal(report->row_count, 24);
    assert_string_equal(report->rows[0].time, "2026-11-20T14:00-06:00");
    assert_int_equal(report->rows[0].counts.kind[TAP_KIND_HUMAN], 4);
    assert_string_equal(report->rows[23].time, "2026-11-21T13:00-06:00");
    assert_int_equal(report->rows[23].counts.kind[TAP_KIND_HUMAN], 2);
    assert_int_equal(report->totals.kind[TAP_KIND_HUMAN], 7);
    assert_int_equal(report->totals.people, -1);
    stats_report_destroy(&report);
    report = numbers_ask(&it, numbers_all(), "interval=hour&last=1d");
    assert_int_equal(report->row_count, 24); /* those to come, too */
    stats_report_destroy(&report);
    ASSERT_ROWS(&it, numbers_all(), "last=24h&by=country",
                "2026-11-20T14:00-06:00 MX 4/0/0/0/0 -1\n"
                "2026-11-21T00:00-06:00 MX 1/0/0/0/0 -1\n"
                "2026-11-21T13:00-06:00 MX 2/0/0/0/0 -1\n");
}

static void the_doubled_hour_of_a_link_is_two_rows(void **state) {
    (void)state;
    struct err err;
    assert_true(clock_set_zone("America/New_York", &err));
    it.source.zone = SLICE("America/New_York");
    numbers_add(&it, "p:stats:link:AB12:20261101", numbers_tap(1, "US"), 1);
    numbers_add(&it, "p:stats:link:AB12:20261101", numbers_tap(2, "US"), 2);
    numbers_add(&it, "p:stats:link:AB12:20261101", numbers_tap(24, "US"), 3);
    numbers_add(&it, "p:stats:link:AB12:20261101", numbers_tap(25, "US"), 4); /* there is none */
    struct stats_report *report =
        numbers_ask(&it, numbers_link("AB12"), "interval=hour&from=2026-11-01&to=2026-11-01");
    assert_int_equal(report->row_count, 25);
    assert_string_equal(report->rows[1].time, "2026-11-01T01:00-04:00");
    assert_int_equal(report->rows[1].counts.kind[TAP_KIND_HUMAN], 1);
    assert_string_equal(report->rows[2].time, "2026-11-01T01:00-05:00");
    assert_int_equal(report->rows[2].counts.kind[TAP_KIND_HUMAN], 2);
    assert_int_equal(report->rows[24].counts.kind[TAP_KIND_HUMAN], 3);
    assert_int_equal(report->totals.kind[TAP_KIND_HUMAN], 6);
    stats_report_destroy(&report);
}

static void a_compacted_link_day_still_counts(void **state) {
    (void)state;
    numbers_add(&it, "p:stats:link:AB12:20260601", numbers_tap(CELL_NO_HOUR, "MX"), 6);
    numbers_add(&it, "p:stats:link:AB12:20260602", numbers_tap(7, "MX"), 5);
    ASSERT_ROWS(&it, numbers_link("AB12"), "from=2026-06-01&to=2026-06-02&interval=month",
                "2026-06 11/0/0/0/0 0\n");
}

static void people_of_a_link_are_listed_or_in_a_hyperloglog(void **state) {
    (void)state;
    numbers_add(&it, "p:stats:link:AB12:20261119", numbers_tap(1, "MX"), 4);
    numbers_set(&it, "p:stats:link:AB12:20261119", SLICE("@"),
                SLICE("12345678"
                      "ABCDEFGH"));
    numbers_add(&it, "p:stats:link:AB12:20261120", numbers_tap(1, "MX"), 40);
    numbers_set(&it, "p:stats:link:AB12:20261120", SLICE("@"), SLICE("H"));
    numbers_do(&it, "PFADD p:unique:link:AB12:20261120 a b c d e f g h i j");
    numbers_set(&it, "p:stats:link:AB12:20261121", SLICE("@"),
                SLICE("12345678"
                      "12345678"));
    ASSERT_ROWS(&it, numbers_link("AB12"), "last=3d",
                "2026-11-19 4/0/0/0/0 2\n"
                "2026-11-20 40/0/0/0/0 10\n"
                "2026-11-21 0/0/0/0/0 1\n");
    ASSERT_ROWS(&it, numbers_link("AB12"), "last=3d&interval=total", " 44/0/0/0/0 13\n");
    ASSERT_ROWS(&it, numbers_link("AB12"), "last=3d&interval=total&filter=country:MX",
                " 44/0/0/0/0 -1\n");
}

static void people_of_the_whole_are_the_sum_of_days(void **state) {
    (void)state;
    numbers_do(&it, "PFADD p:unique:all:20261120 a b c");
    numbers_do(&it, "PFADD p:unique:all:20261121 a b");
    numbers_do(&it, "PFADD p:unique:campaign:spring:20261121 a");
    ASSERT_ROWS(&it, numbers_all(), "last=2d", "2026-11-20 0/0/0/0/0 3\n2026-11-21 0/0/0/0/0 2\n");
    ASSERT_ROWS(&it, numbers_all(), "last=2d&interval=week", "2026-W47 0/0/0/0/0 5\n");
    ASSERT_ROWS(&it, numbers_campaign("spring"), "last=1d", "2026-11-21 0/0/0/0/0 1\n");
    numbers_do(&it, "SET p:unique:all:20261120 nonsense");
    ASSERT_ROWS(&it, numbers_all(), "last=2d", "2026-11-20 0/0/0/0/0 -1\n2026-11-21 0/0/0/0/0 2\n");
    ASSERT_ROWS(&it, numbers_all(), "last=2d&interval=total", " 0/0/0/0/0 -1\n");
}

static void campaigns_come_from_the_index(void **state) {
    (void)state;
    const char *key = "p:stats:index:20261121";
    numbers_set(&it, key, SLICE("spring\t0"), SLICE("30"));
    numbers_set(&it, key, SLICE("spring\t1"), SLICE("3"));
    numbers_set(&it, key, SLICE("autumn\t0"), SLICE("40"));
    numbers_set(&it, key, SLICE("\t0"), SLICE("5"));
    numbers_set(&it, key, SLICE("\x01"), SLICE("7"));
    numbers_set(&it, key, SLICE("spring\t5"), SLICE("1000"));
    numbers_set(&it, key, SLICE("spring"), SLICE("1000"));
    numbers_set(&it, "p:stats:index:20261120", SLICE("spring\t0"), SLICE("1"));
    ASSERT_ROWS(&it, numbers_all(), "last=2d&by=campaign",
                "2026-11-20 spring 1/0/0/0/0 -1\n"
                "2026-11-21 autumn 40/0/0/0/0 -1\n"
                "2026-11-21 spring 30/3/0/0/0 -1\n"
                "2026-11-21 none 5/0/0/0/0 -1\n");
    struct stats_report *report = numbers_ask(&it, numbers_all(), "last=2d&by=campaign");
    assert_int_equal(report->folded, 7);
    assert_int_equal(report->totals.kind[TAP_KIND_HUMAN], 76);
    stats_report_destroy(&report);
}

static void nonsense_in_a_rollup_is_nobodys_number(void **state) {
    (void)state;
    const char *key = "p:stats:link:AB12:20261121";
    static char huge[CELL_BYTES_MAX + 2];
    memset(huge, 'x', sizeof(huge) - 1);
    memcpy(huge, "a000\t\t\t\t\t\t", 10);
    numbers_add(&it, key, numbers_tap(1, "MX"), 1);
    numbers_set(&it, key, SLICE("=spring"), SLICE("1"));
    numbers_set(&it, key, SLICE(""), SLICE("9"));
    numbers_set(&it, key, SLICE("nonsense"), SLICE("9"));
    numbers_set(&it, key, slice_of(huge), SLICE("9"));
    static const struct slice fields[] = {SLICE("{000\t\t\t\t\t\t"),   SLICE("a900\t\t\t\t\t\t"),
                                          SLICE("a0z0\t\t\t\t\t\t"),   SLICE("a009\t\t\t\t\t\t"),
                                          SLICE("a000\t\t\t\t\t"),     SLICE("a000\t\t\t\t\t\t\t"),
                                          SLICE("a0000\t\t\t\t\t\t\t")};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        numbers_set(&it, key, fields[i], SLICE("9"));
    }
    numbers_set(&it, key, SLICE("@"), SLICE("odd"));
    ASSERT_ROWS(&it, numbers_link("AB12"), "last=1d&by=country", "2026-11-21 MX 1/0/0/0/0 -1\n");
    ASSERT_ROWS(&it, numbers_link("AB12"), "last=1d", "2026-11-21 1/0/0/0/0 -1\n");
}

static void a_cell_without_a_number_is_refused_by_name(void **state) {
    (void)state;
    static const struct slice numbers[] = {
        SLICE("-5"),   SLICE("1.5"), SLICE(""),
        SLICE("0x10"), SLICE("1e3"), SLICE("99999999999999999999"),
        SLICE(" 5"),   SLICE("+5"),  SLICE("5\n")};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        struct stats_query query = numbers_query(&it, numbers_link("AB12"), "last=2d");
        struct stats_report *report = NULL;
        struct err err = {""};
        numbers_set(&it, "p:stats:link:AB12:20261120", SLICE("a000MX\t\t\t\t\t\t"), numbers[i]);
        assert_int_equal(stats_query_run(&it.source, &query, &report, &err), STATS_FAILED);
        assert_null(report);
        assert_non_null(
            strstr(err.text, "p:stats:link:AB12:20261120, field a000MX||||||, holds no"));
    }
}

static void sums_stay_at_the_largest_number(void **state) {
    (void)state;
    const char *key = "p:stats:link:AB12:20261121";
    numbers_set(&it, key, SLICE("a000MX\t\t\t\t\t\t"), SLICE("18446744073709551615"));
    numbers_set(&it, key, SLICE("a000GT\t\t\t\t\t\t"), SLICE("2"));
    struct stats_report *report = numbers_ask(&it, numbers_link("AB12"), "last=1d");
    assert_true(report->totals.kind[TAP_KIND_HUMAN] == UINT64_MAX);
    stats_report_destroy(&report);
}

static void assert_result(struct stats_scope scope, const char *choices, enum stats_result expected,
                          const char *because) {
    struct stats_query query = numbers_query(&it, scope, choices);
    struct stats_report *report;
    struct err err = {0};
    assert_int_equal(stats_query_run(&it.source, &query, &report, &err), expected);
    assert_null(report);
    if (strstr(err.text, because) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, because);
    }
}

static void what_is_neither_there_nor_counted_is_unknown(void **state) {
    (void)state;
    assert_result(numbers_link("NOBODY"), "", STATS_UNKNOWN, "");
    assert_result(numbers_campaign("nobody"), "", STATS_UNKNOWN, "");
    ASSERT_ROWS(&it, numbers_campaign("spring"), "last=1d", "2026-11-21 0/0/0/0/0 0\n");
    /* A link that was deleted keeps its numbers, whatever is filtered. */
    numbers_add(&it, "p:stats:link:GONE:20261121", numbers_tap(1, "MX"), 5);
    ASSERT_ROWS(&it, numbers_link("GONE"), "last=1d&filter=country:GT",
                "2026-11-21 0/0/0/0/0 -1\n");
    assert_result(numbers_link("GONE"), "to=2026-11-20", STATS_UNKNOWN, "");
}

static void a_key_of_another_type_is_said_not_counted_as_nothing(void **state) {
    (void)state;
    numbers_do(&it, "SET p:stats:link:AB12:20261121 x");
    assert_result(numbers_link("AB12"), "", STATS_FAILED,
                  "p:stats:link:AB12:20261121: Redis says: WRONGTYPE");
    numbers_do(&it, "DEL p:stats:link:AB12:20261121");
    ASSERT_ROWS(&it, numbers_link("AB12"), "last=1d", "2026-11-21 0/0/0/0/0 0\n");
}

static void rollups_of_another_zone_are_not_shown_as_ours(void **state) {
    (void)state;
    numbers_do(&it, "SET p:stats:zone America/Mexico_City");
    ASSERT_ROWS(&it, numbers_link("AB12"), "last=1d", "2026-11-21 0/0/0/0/0 0\n");
    numbers_do(&it, "SET p:stats:zone Asia/Tokyo");
    assert_result(numbers_link("AB12"), "", STATS_FAILED,
                  "are those of Asia/Tokyo, and stats.timezone is America/Mexico_City");
}

static void a_redis_that_is_gone_is_said(void **state) {
    (void)state;
    struct numbers other;
    numbers_begin(&other);
    test_redis_end(&other.redis, SIGKILL);
    struct stats_query query = numbers_query(&other, numbers_all(), "");
    struct stats_report *report;
    struct err err = {0};
    assert_int_equal(stats_query_run(&other.source, &query, &report, &err), STATS_FAILED);
    assert_non_null(strstr(err.text, other.redis.socket_path));
    test_redis_start(&other.redis, NULL);
    assert_int_equal(stats_query_run(&other.source, &query, &report, &err), STATS_OK);
    stats_report_destroy(&report);
    numbers_end(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_interval_is_a_row_even_without_a_tap, begin_anew),
        cmocka_unit_test_setup(outcomes_count_human_clicks_alone, begin_anew),
        cmocka_unit_test_setup(a_list_is_ranked_and_its_rest_is_other, begin_anew),
        cmocka_unit_test_setup(lists_are_crossed, begin_anew),
        cmocka_unit_test_setup(what_is_shown_can_be_filtered_for, begin_anew),
        cmocka_unit_test_setup(hours_of_the_whole_are_in_hashes_of_their_own, begin_anew),
        cmocka_unit_test_setup(the_doubled_hour_of_a_link_is_two_rows, begin_anew),
        cmocka_unit_test_setup(a_compacted_link_day_still_counts, begin_anew),
        cmocka_unit_test_setup(people_of_a_link_are_listed_or_in_a_hyperloglog, begin_anew),
        cmocka_unit_test_setup(people_of_the_whole_are_the_sum_of_days, begin_anew),
        cmocka_unit_test_setup(campaigns_come_from_the_index, begin_anew),
        cmocka_unit_test_setup(nonsense_in_a_rollup_is_nobodys_number, begin_anew),
        cmocka_unit_test_setup(a_cell_without_a_number_is_refused_by_name, begin_anew),
        cmocka_unit_test_setup(sums_stay_at_the_largest_number, begin_anew),
        cmocka_unit_test_setup(what_is_neither_there_nor_counted_is_unknown, begin_anew),
        cmocka_unit_test_setup(a_key_of_another_type_is_said_not_counted_as_nothing, begin_anew),
        cmocka_unit_test_setup(rollups_of_another_zone_are_not_shown_as_ours, begin_anew),
        cmocka_unit_test_setup(a_redis_that_is_gone_is_said, begin_anew),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
