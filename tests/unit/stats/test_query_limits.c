/*
 * test_query_limits.c - large rollups, large answers, full tables, and a year in no time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "days.h"
#include "numbers_fixture.h"
#include "query_groups.h"
#include "query_names.h"
#include "query_read.h"

static struct numbers it;

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
    numbers_do(&it, "HSET p:link:AB12 campaign spring");
    it.source.retain_days = 400;
    return 0;
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

/* Calls a small script, since so many fields one by one take long. */
static void fill(const char *key, unsigned fields) {
    char script[512], count[16];
    snprintf(script, sizeof(script),
             "for i = 1, tonumber(ARGV[1]) do redis.call('HSET', KEYS[1], 'a000MX\\tR' .. i .. "
             "'\\t\\t\\t\\t\\t', 1) end return 1");
    snprintf(count, sizeof(count), "%u", fields);
    const struct slice arguments[] = {SLICE("EVAL"), slice_of(script), SLICE("1"), slice_of(key),
                                      slice_of(count)};
    struct err err;
    const struct redis_reply *reply = redis_pipe_command(it.pipe, 5, arguments, &err);
    assert_non_null(reply);
    assert_int_equal(redis_reply_integer(reply), 1);
}

static void a_large_hash_is_read_part_by_part_and_each_field_once(void **state) {
    (void)state;
    fill("p:stats:link:AB12:20261120", 60000);
    fill("p:stats:link:AB12:20261119", 20000);
    fill("p:stats:link:AB12:20261118", 20000);
    fill("p:stats:link:AB12:20261117", 20000);
    ASSERT_ROWS(&it, numbers_link("AB12"), "from=2026-11-16",
                "2026-11-16 0/0/0/0/0 0\n"
                "2026-11-17 20000/0/0/0/0 0\n"
                "2026-11-18 20000/0/0/0/0 0\n"
                "2026-11-19 20000/0/0/0/0 0\n"
                "2026-11-20 60000/0/0/0/0 0\n"
                "2026-11-21 0/0/0/0/0 0\n");
    ASSERT_ROWS(&it, numbers_link("AB12"), "from=2026-11-20&by=region&limit=1",
                "2026-11-20 R1 1/0/0/0/0 -1\n2026-11-20 other 59999/0/0/0/0 -1\n");
}

static void an_answer_of_too_many_rows_is_refused(void **state) {
    (void)state;
    it.source.retain_days = 1000;
    for (int i = 0; i < 101; i++) {
        char key[64];
        snprintf(key, sizeof(key), "p:stats:link:AB12:%d", days_date(days_number(20260801) + i));
        fill(key, 1000);
    }
    assert_result(numbers_link("AB12"), "from=2026-08-01&by=region&limit=1000", STATS_TOO_MUCH,
                  "more than 100000 rows");
}

static void count_field(void *argument, size_t day_index, struct slice field, struct slice value) {
    (void)day_index;
    (void)field;
    (void)value;
    *(unsigned *)argument += 1;
}

static void pass_day(void *argument, size_t day_index) {
    (void)argument;
    (void)day_index;
}

static void a_question_that_reads_too_much_is_refused_before_it_reads(void **state) {
    (void)state;
    struct stats_query query = numbers_query(&it, numbers_link("AB12"), "last=2d");
    struct periods periods;
    struct err err = {0};
    unsigned fields = 0;
    periods_init(&periods, &query);
    fill("p:stats:link:AB12:20261120", 300);
    fill("p:stats:link:AB12:20261121", 201);
    struct reading reading = {.source = &it.source,
                              .scope = numbers_link("AB12"),
                              .what = READ_CELLS,
                              .periods = &periods,
                              .fields_max = 500,
                              .argument = &fields,
                              .each = count_field,
                              .day_done = pass_day};
    assert_int_equal(query_read(&reading, &err), STATS_TOO_MUCH);
    assert_string_equal(err.text, "the range has 501 cells, and allowed are 500 in one question: "
                                  "ask for fewer days");
    assert_int_equal(fields, 0);
    reading.fields_max = 501;
    assert_int_equal(query_read(&reading, &err), STATS_OK);
    assert_int_equal(fields, 501);
    periods_fini(&periods);
}

static void a_table_that_is_full_counts_on_as_other(void **state) {
    (void)state;
    struct names *names = names_create();
    struct groups *groups = groups_create();
    assert_true(slice_equal(names_text(names, NAME_OTHER), SLICE("other")));
    for (uint32_t i = 0; i < NAMES_MAX + 10; i++) {
        char text[16];
        snprintf(text, sizeof(text), "n%u", i);
        uint32_t number = names_number(names, slice_of(text));
        assert_int_equal(number, i + 1 < NAMES_MAX ? i + 1 : NAME_OTHER);
        assert_int_equal(names_number(names, slice_of(text)), number);
        groups_find(groups, 7, (const uint32_t[]){number, NAME_OTHER})->kind[0] += 1;
    }
    size_t count;
    struct group *group = groups_sort(groups, names, &count);
    assert_int_equal(count, GROUPS_MAX + 1);
    assert_int_equal(group[count - 1].value[0], NAME_OTHER);
    assert_int_equal(group[count - 1].counts.kind[0], NAMES_MAX + 10 - GROUPS_MAX);
    groups_clear(groups);
    assert_int_equal(groups_find(groups, 7, (const uint32_t[]){0, 0})->kind[0], 0);
    groups_destroy(&groups);
    names_destroy(&names);
}

/* 365 days of 200 cells each. */
static void a_year_of_a_link_is_quick(void **state) {
    (void)state;
    struct stats_report *report = numbers_ask(&it, numbers_link("AB12"), "last=1y");
    assert_int_equal(report->row_count, 365);
    for (size_t i = 0; i < report->row_count; i++) {
        char key[64];
        int year, month, day;
        assert_int_equal(sscanf(report->rows[i].time, "%d-%d-%d", &year, &month, &day), 3);
        snprintf(key, sizeof(key), "p:stats:link:AB12:%d", year * 10000 + month * 100 + day);
        fill(key, 200);
    }
    stats_report_destroy(&report);
    uint64_t began_ns = clock_monotonic_ns();
    report = numbers_ask(&it, numbers_link("AB12"), "last=1y&by=region");
    uint64_t took_ms = (clock_monotonic_ns() - began_ns) / 1000000;
    print_message("a year of a link, 73,000 cells: %llu ms\n", (unsigned long long)took_ms);
    assert_int_equal(report->totals.kind[TAP_KIND_HUMAN], 365 * 200);
    assert_true(took_ms < 5000); /* far beyond what it takes, for slow machines */
    stats_report_destroy(&report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_large_hash_is_read_part_by_part_and_each_field_once, begin_anew),
        cmocka_unit_test_setup(an_answer_of_too_many_rows_is_refused, begin_anew),
        cmocka_unit_test_setup(a_question_that_reads_too_much_is_refused_before_it_reads,
                               begin_anew),
        cmocka_unit_test_setup(a_table_that_is_full_counts_on_as_other, begin_anew),
        cmocka_unit_test_setup(a_year_of_a_link_is_quick, begin_anew),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
