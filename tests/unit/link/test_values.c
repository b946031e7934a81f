/*
 * test_values.c - times as people write them become the digits that Redis keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "link/values.h"

static void assert_read(const char *text, const char *expected) {
    char storage[VALUES_TIME_BYTES];
    struct slice value = SLICE_EMPTY;
    struct err err = {0};
    assert_true(values_read_time(slice_of(text), storage, &value, &err));
    assert_non_null(value.data);
    assert_true(slice_equal(value, slice_of(expected)));
}

static void times_become_unix_seconds(void **state) {
    (void)state;
    struct err err = {0};
    assert_true(clock_set_zone("America/Mexico_City", &err));
    assert_read("1700000000", "1700000000");
    assert_read("2026-01-31T23:59:59Z", "1769903999");
    assert_read("2026-01-31", "1769839200"); /* midnight there: 06:00 UTC */
}

static void nothing_stays_nothing_and_removes_the_field(void **state) {
    (void)state;
    assert_read("", "");
}

static void what_is_no_time_is_refused_with_what_is(void **state) {
    (void)state;
    char storage[VALUES_TIME_BYTES];
    struct slice value;
    struct err err = {0};
    assert_false(values_read_time(SLICE("tomorrow"), storage, &value, &err));
    assert_string_equal(err.text, "\"tomorrow\" is not a time; allowed: Unix seconds, 2026-01-31, "
                                  "2026-01-31T23:59:59Z");
}

static void rules_become_what_is_stored(void **state) {
    (void)state;
    char bytes[256];
    struct buf out = buf_over(bytes, sizeof(bytes));
    struct slice value;
    struct err err = {0};
    assert_true(values_read_rules(SLICE(" [{\"to\": \"bank://x\"}]\n"), &out, &value, &err));
    assert_true(slice_equal(value, SLICE("[{\"to\":\"bank://x\"}]")));
    assert_true(values_read_rules(SLICE("[ ]"), &out, &value, &err));
    assert_true(value.data != NULL && value.size == 0);
    assert_true(values_read_rules(SLICE(""), &out, &value, &err));
    assert_true(value.data != NULL && value.size == 0);
    assert_false(values_read_rules(SLICE("[{\"to\":7}]"), &out, &value, &err));
    assert_int_equal(strncmp(err.text, "rule 1: to: allowed are", 23), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_become_unix_seconds),
        cmocka_unit_test(nothing_stays_nothing_and_removes_the_field),
        cmocka_unit_test(rules_become_what_is_stored),
        cmocka_unit_test(what_is_no_time_is_refused_with_what_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
