/* base/clock.h: days of every length, and times as people write them. The zone is set as the
 * program sets it; instants are those of the zone database (date -d, zdump). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

static const uint64_t hour_ms = 3600000;

static void use_zone(const char *name) {
    struct err err = {0};
    if (!clock_set_zone(name, &err)) {
        fail_msg("%s", err.text);
    }
}

static uint64_t at_ms(const char *text) {
    uint64_t seconds = 0;
    if (!clock_parse_time(slice_of(text), &seconds)) {
        fail_msg("%s is no time", text);
    }
    return seconds * 1000;
}

/* The day that holds this time is called yyyymmdd, has this length, and its neighbours join it. */
static void assert_day(const char *when, int32_t yyyymmdd, const char *begin, uint64_t hours) {
    struct clock_day day = clock_day_of(at_ms(when));
    assert_int_equal(day.yyyymmdd, yyyymmdd);
    assert_true(day.begin_ms == at_ms(begin));
    assert_true(day.end_ms - day.begin_ms == hours * hour_ms);
    struct clock_day before = clock_day_of(day.begin_ms - 1), after = clock_day_of(day.end_ms);
    assert_true(before.end_ms == day.begin_ms && before.yyyymmdd < yyyymmdd);
    assert_true(after.begin_ms == day.end_ms && after.yyyymmdd > yyyymmdd);
    struct clock_day first = clock_day_of(day.begin_ms), last = clock_day_of(day.end_ms - 1);
    assert_true(first.begin_ms == day.begin_ms && first.end_ms == day.end_ms);
    assert_true(last.begin_ms == day.begin_ms && last.end_ms == day.end_ms);
}

static void days_of_madrid_have_23_24_and_25_hours(void **state) {
    (void)state;
    use_zone("Europe/Madrid");
    assert_day("2026-03-28T12:00:00Z", 20260328, "2026-03-27T23:00:00Z", 24);
    assert_day("2026-03-29T12:00:00Z", 20260329, "2026-03-28T23:00:00Z", 23);
    assert_day("2026-10-25T12:00:00Z", 20261025, "2026-10-24T22:00:00Z", 25);
    assert_day("2026-12-31T22:59:59Z", 20261231, "2026-12-30T23:00:00Z", 24);
    assert_day("2026-12-31T23:00:00Z", 20270101, "2026-12-31T23:00:00Z", 24);
    assert_day("2028-02-29T12:00:00Z", 20280229, "2028-02-28T23:00:00Z", 24);
}

static void days_of_mexico_have_24_hours(void **state) {
    (void)state;
    use_zone("America/Mexico_City");
    assert_day("2026-04-05T12:00:00Z", 20260405, "2026-04-05T06:00:00Z",
               24); /* no DST since 2022 */
    assert_day("2026-10-25T12:00:00Z", 20261025, "2026-10-25T06:00:00Z", 24);
    assert_day("2026-01-01T05:59:59Z", 20251231, "2025-12-31T06:00:00Z", 24);
}

static void days_of_utc_begin_at_midnight(void **state) {
    (void)state;
    use_zone("UTC");
    assert_day("2026-06-30T00:00:00Z", 20260630, "2026-06-30T00:00:00Z", 24);
}

/* Clocks that go forward at midnight have no 00:00 that day. */
static void a_day_without_midnight_begins_at_one(void **state) {
    (void)state;
    use_zone("Africa/Cairo");
    assert_day("2026-04-24T12:00:00Z", 20260424, "2026-04-23T22:00:00Z", 23);
    assert_day("2026-04-23T21:30:00Z", 20260423, "2026-04-22T22:00:00Z", 24);
    assert_true(at_ms("2026-04-24") == at_ms("2026-04-23T22:00:00Z"));
    use_zone("America/Sao_Paulo");
    assert_day("2018-11-04T12:00:00Z", 20181104, "2018-11-04T03:00:00Z", 23);
    assert_day("2018-11-04T02:59:59Z", 20181103, "2018-11-03T03:00:00Z", 24);
}

/* Which of the two mktime() takes depends on what it was asked before. */
static void a_day_with_two_midnights_begins_at_the_first(void **state) {
    (void)state;
    use_zone("America/Havana"); /* 01:00 becomes 00:00 */
    assert_day("2026-11-01T12:00:00Z", 20261101, "2026-11-01T04:00:00Z", 25);
    use_zone("America/Sao_Paulo"); /* 00:00 becomes 23:00 */
    assert_day("2018-02-17T12:00:00Z", 20180217, "2018-02-17T02:00:00Z", 25);
    assert_day("2018-02-18T12:00:00Z", 20180218, "2018-02-18T03:00:00Z", 24);
}

static void days_at_the_limits_do_not_wrap(void **state) {
    (void)state;
    use_zone("America/Mexico_City");
    struct clock_day first = clock_day_of(0);
    assert_int_equal(first.yyyymmdd, 19691231);
    assert_true(first.begin_ms == 0); /* no Unix time before 0 */
    assert_true(first.end_ms == 6 * hour_ms);
    use_zone("UTC");
    struct clock_day last = clock_day_of(UINT64_MAX);
    assert_int_equal(last.yyyymmdd, 99991231);
    assert_true(last.end_ms - last.begin_ms == 24 * hour_ms);
    use_zone("Pacific/Kiritimati"); /* 14 hours ahead: already the year 10000 */
    assert_int_equal(clock_day_of(UINT64_MAX).yyyymmdd, 100000101);
}

static void unknown_zones_are_refused(void **state) {
    static const char *const bad[] = {
        "",
        "Mexico",
        "America",
        "America/",
        "/etc/localtime",
        "../zoneinfo/UTC",
        "America/Mexico City",
        "UTC\n",
        "Europe/madrid",
        "leapseconds",
        "America/../UTC",
    };
    struct err err;
    char endless[1000];
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        err = (struct err){0};
        assert_false(clock_zone_exists(bad[i], &err));
        assert_false(clock_set_zone(bad[i], &err));
        assert_non_null(strstr(err.text, "zone database"));
    }
    memset(endless, 'A', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_false(clock_set_zone(endless, &err));
}

static void asking_for_a_zone_does_not_set_it(void **state) {
    struct err err;
    (void)state;
    use_zone("UTC");
    assert_true(clock_zone_exists("Asia/Tokyo", &err));
    assert_string_equal(getenv("TZ"), "UTC");
}

static void assert_rfc3339(uint64_t unix_ms, const char *expected) {
    char text[CLOCK_RFC3339_BYTES];
    memset(text, '?', sizeof(text));
    clock_rfc3339(unix_ms, text);
    assert_string_equal(text, expected);
}

static void times_are_written_in_utc(void **state) {
    (void)state;
    use_zone("America/Mexico_City");
    assert_rfc3339(0, "1970-01-01T00:00:00.000Z");
    assert_rfc3339(1767225600123, "2026-01-01T00:00:00.123Z");
    assert_rfc3339(951782400007, "2000-02-29T00:00:00.007Z");
    assert_rfc3339(253402300799999, "9999-12-31T23:59:59.999Z");
    char text[CLOCK_RFC3339_BYTES];
    clock_rfc3339(UINT64_MAX, text);
    assert_int_equal(strlen(text), CLOCK_RFC3339_BYTES - 1);
}

static void assert_seconds(const char *text, uint64_t expected) {
    uint64_t seconds = 0;
    if (!clock_parse_time(slice_of(text), &seconds) || seconds != expected) {
        fail_msg("%s is read as %lu", text, (unsigned long)seconds);
    }
}

static void reads_unix_seconds_and_rfc3339(void **state) {
    (void)state;
    use_zone("Europe/Madrid");
    assert_seconds("0", 0);
    assert_seconds("1767225600", 1767225600);
    assert_seconds("253402300799", 253402300799);
    assert_seconds("2026-01-01T00:00:00Z", 1767225600);
    assert_seconds("2026-01-01t00:00:00z", 1767225600);
    assert_seconds("2026-01-01T05:30:00+05:30", 1767225600);
    assert_seconds("2025-12-31T18:00:00-06:00", 1767225600);
    assert_seconds("2026-01-01T00:00:00-00:00", 1767225600);
    assert_seconds("1970-01-01T00:00:00Z", 0);
    assert_seconds("2024-02-29T00:00:00Z", 1709164800);
    assert_seconds("2000-02-29T23:59:59Z", 951868799);
    assert_seconds("9999-12-31T23:59:59Z", 253402300799);
}

static void a_date_alone_is_midnight_of_the_zone(void **state) {
    (void)state;
    use_zone("Europe/Madrid");
    assert_seconds("2026-01-01", 1767225600 - 3600);
    assert_seconds("2026-07-01", 1782864000 - 7200);
    use_zone("America/Mexico_City");
    assert_seconds("2026-01-01", 1767225600 + 6 * 3600);
}

/* clock_rfc3339() writes fractions, and what it writes must be readable. */
static void fractions_of_a_second_are_dropped(void **state) {
    char text[CLOCK_RFC3339_BYTES];
    (void)state;
    clock_rfc3339(1767225600999, text);
    assert_seconds(text, 1767225600);
    assert_seconds("2026-01-01T00:00:00.5Z", 1767225600);
    assert_seconds("2026-01-01T01:00:00.123456789012345678901+01:00", 1767225600);
}

static void what_is_no_time_is_refused(void **state) {
    static const char *const bad[] = {
        "",
        " ",
        "-1",
        "now",
        "253402300800",
        "1767225600000",
        "0000000000000",
        "2026-1-1",
        "2026-01-1",
        "2026/01/01",
        "2026-01-01 ",
        "26-01-01",
        "2026-00-10",
        "2026-13-10",
        "2026-01-00",
        "2026-01-32",
        "2026-02-29",
        "2026-02-30",
        "2026-04-31",
        "2100-02-29",
        "2026-02-30T00:00:00Z",
        "2026-01-01T",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1",
        "2026-01-01T00:00:00,1Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00Zulu",
        "2026-01-01T00-00-00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
        "+026-01-01",
        "2026-01-01T+1:00:00Z",
        "2026-01-01T00:00:00Z\n",
        "1767225600 ",
    };
    uint64_t seconds = 42;
    (void)state;
    use_zone("UTC");
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (clock_parse_time(slice_of(bad[i]), &seconds)) {
            fail_msg("\"%s\" is taken for a time", bad[i]);
        }
    }
    assert_false(clock_parse_time(SLICE_EMPTY, &seconds));
    assert_true(seconds == 42);
}

/* Every cut of a good time is refused, and none reads behind its end. */
static void cut_times_are_refused(void **state) {
    static const char good[] = "2026-01-01T00:00:00.123+01:00";
    (void)state;
    for (size_t size = 5; size < sizeof(good) - 1; size++) {
        char *exact = test_malloc(size);
        uint64_t seconds;
        memcpy(exact, good, size);
        assert_int_equal(clock_parse_time(slice_make(exact, size), &seconds), size == 10);
        test_free(exact);
    }
}

static void clocks_go_forward(void **state) {
    (void)state;
    uint64_t before_ns = clock_monotonic_ns();
    assert_true(clock_monotonic_ns() >= before_ns);
    assert_true(clock_real_ms() > at_ms("2024-01-01T00:00:00Z"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_of_madrid_have_23_24_and_25_hours),
        cmocka_unit_test(days_of_mexico_have_24_hours),
        cmocka_unit_test(days_of_utc_begin_at_midnight),
        cmocka_unit_test(a_day_without_midnight_begins_at_one),
        cmocka_unit_test(a_day_with_two_midnights_begins_at_the_first),
        cmocka_unit_test(days_at_the_limits_do_not_wrap),
        cmocka_unit_test(unknown_zones_are_refused),
        cmocka_unit_test(asking_for_a_zone_does_not_set_it),
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(reads_unix_seconds_and_rfc3339),
        cmocka_unit_test(a_date_alone_is_midnight_of_the_zone),
        cmocka_unit_test(fractions_of_a_second_are_dropped),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(cut_times_are_refused),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
