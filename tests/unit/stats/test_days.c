/*
 * test_days.c - dates, weeks, and the rows of time where clocks change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "days.h"
#include "stats/cell.h"

static void use_zone(const char *name) {
    struct err err;
    assert_true(clock_set_zone(name, &err));
}

static void every_day_of_two_centuries_comes_back(void **state) {
    (void)state;
    for (int32_t number = 0; number < 200 * 366; number++) {
        time_t at = (time_t)number * 86400;
        struct tm date;
        gmtime_r(&at, &date);
        int32_t expected = (date.tm_year + 1900) * 10000 + (date.tm_mon + 1) * 100 + date.tm_mday;
        assert_int_equal(days_date(number), expected);
        assert_int_equal(days_number(expected), number);
    }
}

static void weeks_are_those_of_iso_8601(void **state) {
    (void)state;
    for (int32_t number = 0; number < 200 * 366; number++) {
        time_t at = (time_t)number * 86400;
        struct tm date;
        char expected[16], found[16];
        int year, week;
        gmtime_r(&at, &date);
        strftime(expected, sizeof(expected), "%G-%V", &date);
        days_week(days_date(number), &year, &week);
        snprintf(found, sizeof(found), "%04d-%02d", year, week);
        assert_string_equal(found, expected);
    }
}

static void only_dates_are_dates(void **state) {
    (void)state;
    int32_t date = 0;
    assert_true(days_parse(SLICE("2028-02-29"), &date));
    assert_int_equal(date, 20280229);
    assert_true(days_parse(SLICE("9999-12-31"), &date));
    static const char *const wrong[] = {"",           "2026-02-29",  "2026-13-01", "2026-00-10",
                                        "2026-01-00", "2026-01-32",  "2026-1-1",   "26-01-01",
                                        "2026/01/01", "2026-01-01Z", "1969-12-31", "+026-01-01",
                                        "2026-01- 1", "0000-00-00"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        if (days_parse(slice_of(wrong[i]), &date)) {
            fail_msg("\"%s\" was taken for a date", wrong[i]);
        }
    }
}

static void months_end_where_the_month_ends(void **state) {
    (void)state;
    assert_int_equal(days_add_months(20261121, -1), 20261021);
    assert_int_equal(days_add_months(20260331, -1), 20260228);
    assert_int_equal(days_add_months(20280331, -1), 20280229);
    assert_int_equal(days_add_months(20260131, -1), 20251231);
    assert_int_equal(days_add_months(20261121, -12), 20251121);
    assert_int_equal(days_add_months(20261130, 3), 20270228);
    assert_int_equal(days_add_months(20261215, 1), 20270115);
}

static void days_are_as_long_as_they_are(void **state) {
    (void)state;
    use_zone("America/New_York");
    assert_int_equal(days_hours(20260308), 23);
    assert_int_equal(days_hours(20261101), 25);
    assert_int_equal(days_hours(20261121), 24);
    use_zone("Australia/Lord_Howe"); /* half an hour: the last one is not whole */
    assert_int_equal(days_hours(20261004), 24);
    assert_int_equal(days_hours(20260405), 25);
    use_zone("Pacific/Apia"); /* went over the date line: a date that never was */
    assert_int_equal(days_hours(20111230), 0);
    assert_int_equal(days_hours(20111231), 24);
    use_zone("America/Mexico_City");
    assert_int_equal(days_begin_ms(20261121), 1795240800000);
    assert_int_equal(days_begin_ms(0), 0);
}

static struct stats_query query_of(int32_t from, int32_t to, enum stats_interval interval) {
    return (struct stats_query){.from = from,
                                .to = to,
                                .interval = interval,
                                .begin_ms = days_begin_ms(from),
                                .end_ms = days_begin_ms(days_date(days_number(to) + 1))};
}

static void assert_period(const struct periods *periods, size_t day, int hour, const char *text) {
    uint32_t found;
    assert_true(periods_find(periods, &periods->day[day], hour, &found));
    assert_true(found < periods->count);
    assert_string_equal(periods->period[found].text, text);
}

static void the_hour_that_comes_twice_is_two_rows(void **state) {
    (void)state;
    use_zone("America/New_York");
    struct stats_query query = query_of(20261101, 20261101, STATS_HOUR);
    struct periods periods;
    uint32_t found;
    periods_init(&periods, &query);
    assert_int_equal(periods.count, 25);
    assert_period(&periods, 0, 0, "2026-11-01T00:00-04:00");
    assert_period(&periods, 0, 1, "2026-11-01T01:00-04:00");
    assert_period(&periods, 0, 2, "2026-11-01T01:00-05:00");
    assert_period(&periods, 0, 24, "2026-11-01T23:00-05:00");
    assert_false(periods_find(&periods, &periods.day[0], 25, &found));
    assert_false(periods_find(&periods, &periods.day[0], CELL_NO_HOUR, &found));
    periods_fini(&periods);
}

static void the_hour_that_is_left_out_is_no_row(void **state) {
    (void)state;
    use_zone("America/New_York");
    struct stats_query query = query_of(20260307, 20260308, STATS_HOUR);
    struct periods periods;
    periods_init(&periods, &query);
    assert_int_equal(periods.count, 24 + 23);
    assert_period(&periods, 1, 1, "2026-03-08T01:00-05:00");
    assert_period(&periods, 1, 2, "2026-03-08T03:00-04:00");
    assert_period(&periods, 1, 22, "2026-03-08T23:00-04:00");
    assert_int_equal(periods_done(&periods, 0), 24);
    assert_int_equal(periods_done(&periods, 1), 47);
    periods_fini(&periods);
}

static void hours_behind_a_shift_of_half_an_hour_begin_at_half_past(void **state) {
    (void)state;
    use_zone("Australia/Lord_Howe");
    struct stats_query query = query_of(20261004, 20261004, STATS_HOUR);
    struct periods periods;
    periods_init(&periods, &query);
    assert_period(&periods, 0, 0, "2026-10-04T00:00+10:30");
    assert_period(&periods, 0, 1, "2026-10-04T01:00+10:30");
    assert_period(&periods, 0, 2, "2026-10-04T02:30+11:00");
    assert_period(&periods, 0, 23, "2026-10-04T23:30+11:00");
    periods_fini(&periods);
}

static void zones_east_of_greenwich_and_halves_are_written_as_they_are(void **state) {
    (void)state;
    struct periods periods;
    use_zone("Asia/Kolkata");
    struct stats_query query = query_of(20261121, 20261121, STATS_HOUR);
    periods_init(&periods, &query);
    assert_period(&periods, 0, 13, "2026-11-21T13:00+05:30");
    periods_fini(&periods);
    use_zone("America/St_Johns");
    query = query_of(20261121, 20261121, STATS_HOUR);
    periods_init(&periods, &query);
    assert_period(&periods, 0, 13, "2026-11-21T13:00-03:30");
    periods_fini(&periods);
}

static void weeks_and_months_hold_their_days(void **state) {
    (void)state;
    use_zone("America/Mexico_City");
    struct stats_query query = query_of(20261227, 20270104, STATS_WEEK);
    struct periods periods;
    periods_init(&periods, &query);
    assert_int_equal(periods.count, 3);
    assert_period(&periods, 0, CELL_NO_HOUR, "2026-W52");
    assert_period(&periods, 1, 5, "2026-W53");
    assert_period(&periods, 7, CELL_NO_HOUR, "2026-W53");
    assert_period(&periods, 8, CELL_NO_HOUR, "2027-W01");
    assert_int_equal(periods_done(&periods, 0), 1);
    assert_int_equal(periods_done(&periods, 1), 1);
    assert_int_equal(periods_done(&periods, 8), 3);
    periods_fini(&periods);
    query.interval = STATS_MONTH;
    periods_init(&periods, &query);
    assert_int_equal(periods.count, 2);
    assert_period(&periods, 0, CELL_NO_HOUR, "2026-12");
    assert_period(&periods, 8, CELL_NO_HOUR, "2027-01");
    periods_fini(&periods);
    query.interval = STATS_TOTAL;
    periods_init(&periods, &query);
    assert_int_equal(periods.count, 1);
    assert_period(&periods, 4, CELL_NO_HOUR, "");
    assert_int_equal(periods_done(&periods, 7), 0);
    periods_fini(&periods);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_two_centuries_comes_back),
        cmocka_unit_test(weeks_are_those_of_iso_8601),
        cmocka_unit_test(only_dates_are_dates),
        cmocka_unit_test(months_end_where_the_month_ends),
        cmocka_unit_test(days_are_as_long_as_they_are),
        cmocka_unit_test(the_hour_that_comes_twice_is_two_rows),
        cmocka_unit_test(the_hour_that_is_left_out_is_no_row),
        cmocka_unit_test(hours_behind_a_shift_of_half_an_hour_begin_at_half_past),
        cmocka_unit_test(zones_east_of_greenwich_and_halves_are_written_as_they_are),
        cmocka_unit_test(weeks_and_months_hold_their_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
