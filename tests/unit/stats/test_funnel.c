/* funnel.h: fields of the hashes, added up; what is none of ours is nobody's number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "stats/funnel.h"

enum { JSON_BYTES = 256 * 1024 };

static int make_funnel(void **state) {
    *state = malloc(sizeof(struct funnel));
    funnel_init(*state);
    return 0;
}

static int free_funnel(void **state) {
    free(*state);
    return 0;
}

static uint64_t take(struct funnel *funnel, const char *field, const char *value) {
    enum funnel_step step = FUNNEL_INSTALL;
    return funnel_take(funnel, slice_of(field), slice_of(value), &step);
}

static void the_steps_are_always_there(void **state) {
    const struct funnel *funnel = *state;
    assert_int_equal(funnel->event_count, FUNNEL_STEP_COUNT);
    assert_string_equal(funnel->event[FUNNEL_INSTALL].name, "install");
    assert_string_equal(funnel->event[FUNNEL_SIGNUP].name, "signup");
    assert_string_equal(funnel->event[FUNNEL_FIRST_LOAN].name, "first_loan");
}

static void verified_ones_of_a_step_are_told(void **state) {
    struct funnel *funnel = *state;
    enum funnel_step step = FUNNEL_INSTALL;
    assert_int_equal(funnel_take(funnel, SLICE("first_loan\tverified"), SLICE("3"), &step), 3);
    assert_int_equal(step, FUNNEL_FIRST_LOAN);
    assert_int_equal(take(funnel, "first_loan\tunverified", "5"), 0);
    assert_int_equal(take(funnel, "first_loan\tforged", "7"), 0);
    assert_int_equal(take(funnel, "card\tverified", "9"), 0);
    const struct funnel_event *loan = &funnel->event[FUNNEL_FIRST_LOAN];
    assert_int_equal(loan->count[FUNNEL_VERIFIED], 3);
    assert_int_equal(loan->count[FUNNEL_UNVERIFIED], 5);
    assert_int_equal(loan->count[FUNNEL_FORGED], 7);
    assert_int_equal(funnel->event_count, FUNNEL_STEP_COUNT + 1);
    assert_string_equal(funnel->event[FUNNEL_STEP_COUNT].name, "card");
}

static void values_marks_and_repetitions_add_up(void **state) {
    struct funnel *funnel = *state;
    for (int i = 0; i < 2; i++) {
        take(funnel, "install\tverified\tMXN", "1050");
        take(funnel, "install\tforged\tMXN", "1");
        take(funnel, "install\tverified\tCOP", "2");
        take(funnel, "install\t!too_soon", "4");
        take(funnel, "install\trepeated", "8");
    }
    funnel_sort(funnel);
    const struct funnel_event *install = &funnel->event[FUNNEL_INSTALL];
    assert_int_equal(install->value_count, 2);
    assert_string_equal(install->value[0].currency, "COP");
    assert_int_equal(install->value[0].sum[FUNNEL_VERIFIED], 4);
    assert_int_equal(install->value[1].sum[FUNNEL_VERIFIED], 2100);
    assert_int_equal(install->value[1].sum[FUNNEL_FORGED], 2);
    assert_int_equal(install->marked[CHECK_TOO_SOON], 8);
    assert_int_equal(install->repeated, 16);
    assert_int_equal(install->count[FUNNEL_VERIFIED], 0);
}

static void nonsense_is_passed_over(void **state) {
    static const char *const fields[] = {
        "",
        "install",
        "\tverified",
        "install\t",
        "install\tverified\t",
        "install\tverified\tmxn",
        "install\tverified\tMXN\tX",
        "install\tVERIFIED",
        "install\t!",
        "install\t!no_such_reason",
        "Install\tverified",
        "in stall\tverified",
        "9lives\tverified",
        "a_name_of_more_than_thirty_two_bytes\tverified",
        "install\tforged\tM1N",
    };
    static const char *const values[] = {"-1", "x", "", "9223372036854775808", "1.5", " 1"};
    struct funnel *funnel = *state;
    struct funnel empty;
    funnel_init(&empty);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        assert_int_equal(take(funnel, fields[i], "1"), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        assert_int_equal(take(funnel, "install\tverified", values[i]), 0);
    }
    assert_memory_equal(funnel, &empty, sizeof(empty));
}

static void sums_stop_at_the_largest_number(void **state) {
    struct funnel *funnel = *state;
    take(funnel, "install\tverified\tMXN", "9223372036854775807");
    take(funnel, "install\tverified\tMXN", "1");
    assert_true(funnel->event[FUNNEL_INSTALL].value[0].sum[FUNNEL_VERIFIED] == INT64_MAX);
}

static void what_goes_beyond_the_limits_is_said(void **state) {
    struct funnel *funnel = *state;
    char field[64];
    for (int i = 0; i < FUNNEL_CURRENCIES_MAX + 1; i++) {
        assert_false(funnel->is_cut);
        snprintf(field, sizeof(field), "install\tverified\tAA%c", 'A' + i);
        take(funnel, field, "1");
    }
    assert_true(funnel->is_cut);
    assert_int_equal(funnel->event[FUNNEL_INSTALL].value_count, FUNNEL_CURRENCIES_MAX);
    funnel->is_cut = false;
    for (int i = FUNNEL_STEP_COUNT; i < FUNNEL_EVENTS_MAX + 1; i++) {
        assert_false(funnel->is_cut);
        snprintf(field, sizeof(field), "e%03d\tverified", i);
        take(funnel, field, "1");
    }
    assert_true(funnel->is_cut);
    assert_int_equal(funnel->event_count, FUNNEL_EVENTS_MAX);
}

static void json_has_every_number(void **state) {
    struct funnel *funnel = *state;
    char *bytes = malloc(JSON_BYTES);
    struct buf out = buf_over(bytes, JSON_BYTES);
    take(funnel, "install\tverified", "2");
    take(funnel, "install\tverified\tMXN", "30");
    take(funnel, "zebra\tverified", "1");
    take(funnel, "card\tunverified", "1");
    funnel_sort(funnel);
    assert_true(funnel_json(funnel, &out));
    buf_append_char(&out, '\0');
    assert_non_null(strstr(bytes,
                           "[{\"event\":\"install\",\"verified\":2,\"unverified\":0,\"forged\":0,"
                           "\"repeated\":0,\"marked\":{\"click_after_install\":0,"));
    assert_non_null(strstr(bytes, "\"value\":{\"MXN\":{\"verified\":30,\"unverified\":0,"
                                  "\"forged\":0}}},{\"event\":\"signup\","));
    assert_true(strstr(bytes, "\"card\"") < strstr(bytes, "\"zebra\""));
    size_t whole = out.size - 1;
    for (size_t room = 0; room < whole; room += 11) {
        struct buf small = buf_over(bytes, room);
        assert_false(funnel_json(funnel, &small));
    }
    free(bytes);
}

#define FUNNEL_TEST(name) cmocka_unit_test_setup_teardown(name, make_funnel, free_funnel)

int main(void) {
    const struct CMUnitTest tests[] = {
        FUNNEL_TEST(the_steps_are_always_there),
        FUNNEL_TEST(verified_ones_of_a_step_are_told),
        FUNNEL_TEST(values_marks_and_repetitions_add_up),
        FUNNEL_TEST(nonsense_is_passed_over),
        FUNNEL_TEST(sums_stop_at_the_largest_number),
        FUNNEL_TEST(what_goes_beyond_the_limits_is_said),
        FUNNEL_TEST(json_has_every_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
