/*
 * test_clock_wall.c - base/clock.h: what the clock on the wall shows, also when it is put forward
 * and back. The C library's own answer is the measure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/err.h"

static void use_zone(const char *name) {
    struct err err = {0};
    if (!clock_set_zone(name, &err)) {
        fail_msg("%s", err.text);
    }
}

static void assert_wall(struct clock_local *local, uint64_t unix_s) {
    time_t when = (time_t)unix_s;
    struct tm broken;
    localtime_r(&when, &broken);
    struct clock_wall wall = clock_wall_of(local, unix_s);
    assert_int_equal(wall.minute, broken.tm_hour * 60 + broken.tm_min);
    assert_int_equal(wall.weekday, (broken.tm_wday + 6) % 7);
}

static uint64_t at_s(const char *text) {
    uint64_t seconds = 0;
    assert_true(clock_parse_time(slice_of(text), &seconds));
    return seconds;
}

static void minutes_and_weekdays_are_the_zones(void **state) {
    (void)state;
    use_zone("America/Mexico_City");
    struct clock_local local = {0};
    struct clock_wall wall = clock_wall_of(&local, at_s("2026-11-16T05:59:59Z"));
    assert_int_equal(wall.minute, 23 * 60 + 59); /* a Sunday, in Mexico */
    assert_int_equal(wall.weekday, 6);
    wall = clock_wall_of(&local, at_s("2026-11-16T06:00:00Z"));
    assert_int_equal(wall.minute, 0);
    assert_int_equal(wall.weekday, 0);
}

/* Every minute of three days around each change, forwards and backwards, with one memory. */
static void clocks_are_put_forward_and_back(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        const char *change;
    } changes[] = {
        {"Europe/Madrid", "2026-03-29T01:00:00Z"},
        {"Europe/Madrid", "2026-10-25T01:00:00Z"},
        {"America/New_York", "2026-11-01T06:00:00Z"},
        {"America/Mexico_City", "2022-10-30T07:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"}, /* by half an hour */
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
        {"Pacific/Chatham", "2026-04-04T14:00:00Z"}, /* 12:45 from Greenwich */
        {"America/St_Johns", "2026-03-08T05:30:00Z"},
        {"Asia/Kathmandu", "2026-01-01T00:00:00Z"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z"}, /* a Friday that there was not */
    };
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        use_zone(changes[i].zone);
        struct clock_local local = {0};
        uint64_t change = at_s(changes[i].change);
        const uint64_t around = 36 * 3600;
        for (uint64_t at = change - around; at < change + around; at += 30) {
            assert_wall(&local, at);
        }
        for (uint64_t at = change + around; at > change - around; at -= 30) {
            assert_wall(&local, at);
        }
    }
}

static void any_time_is_taken(void **state) {
    (void)state;
    use_zone("America/Los_Angeles");
    struct clock_local local = {0};
    assert_wall(&local, 0); /* 1969, there */
    assert_wall(&local, 1);
    assert_wall(&local, 253402300799);
    assert_int_equal(clock_wall_of(&local, UINT64_MAX).minute,
                     clock_wall_of(&local, 253402300799).minute);
    uint64_t random = 88172645463325252u; /* Marsaglia, "Xorshift RNGs" (2003) */
    for (size_t round = 0; round < 20000; round++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        assert_wall(&local, 1000000000 + random % 1500000000); /* from 2001 to 2049 */
    }
}

/* Whoever asks again within the quarter costs no look into the zone. */
static void an_offset_is_remembered_for_a_quarter_of_an_hour(void **state) {
    (void)state;
    use_zone("Europe/Madrid");
    struct clock_local local = {0};
    uint64_t begin = at_s("2026-06-01T10:15:00Z");
    (void)clock_wall_of(&local, begin + 100);
    assert_true(local.begin_s == begin && local.end_s == begin + 900);
    assert_int_equal(local.east_s, 7200);
    local.east_s = 60; /* would be seen if it were asked for anew */
    assert_int_equal(clock_wall_of(&local, begin + 899).minute, 10 * 60 + 30);
    assert_int_equal(clock_wall_of(&local, begin + 900).minute, 12 * 60 + 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minutes_and_weekdays_are_the_zones),
        cmocka_unit_test(clocks_are_put_forward_and_back),
        cmocka_unit_test(any_time_is_taken),
        cmocka_unit_test(an_offset_is_remembered_for_a_quarter_of_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
