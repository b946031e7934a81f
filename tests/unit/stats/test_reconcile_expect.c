/*
 * reconcile_expect.h: what a tally says there must be, against what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile_expect.h"

#define BEGIN UINT64_C(1767571200000)

static struct tally_view view;
static struct reconciliation recon = {.begin_ms = BEGIN, .end_ms = BEGIN + 86400000};
static struct recon_stream stream;
static struct recon_expect expect;
static char told[256];

static void on_passed(void *argument, uint64_t first, uint64_t last, enum recon_expected what) {
    static const char *const names[] = {[RECON_KEPT] = "kept",
                                        [RECON_DELETED] = "deleted",
                                        [RECON_LOST_POWER] = "power",
                                        [RECON_LOST_HAND] = "hand"};
    size_t size = strlen(told);
    (void)argument;
    snprintf(told + size, sizeof(told) - size, "%s%s %lu-%lu", size > 0 ? ", " : "", names[what],
             (unsigned long)first, (unsigned long)last);
}

static void add(uint64_t first, uint64_t last, uint64_t lost_power, uint64_t deleted) {
    view.days[view.day_count++] = (struct tally_day){
        .yyyymmdd = 20260105,
        .begin_ms = BEGIN,
        .end_ms = BEGIN + 86400000,
        .first_sequence = first,
        .last_sequence = last,
        .lost = {[TALLY_LOST_POWER] = lost_power},
        .deleted_sequence = deleted,
    };
}

static void begin(void) {
    stream.view = &view;
    snprintf(stream.tally_name, sizeof(stream.tally_name), TALLY_FILE);
    recon_expect_init(&expect, &recon, &stream, 1);
    expect.passed = on_passed;
    told[0] = '\0';
}

static int set_up(void **state) {
    (void)state;
    view.day_count = 0;
    return 0;
}

static void take(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) {
        assert_int_not_equal(recon_expect_take(&expect, i), RECON_NOT_EXPECTED);
    }
}

static void test_nothing_is_told_when_all_is_there(void **state) {
    (void)state;
    add(1, 10, 0, 0);
    add(21, 30, 0, 0);
    begin();
    take(1, 10);
    take(21, 30);
    recon_expect_end(&expect);
    assert_string_equal(told, "");
    assert_int_equal(recon_expect_take(&expect, 31), RECON_NOT_EXPECTED);
}

static void test_what_was_passed_over_is_told_in_runs(void **state) {
    (void)state;
    add(1, 10, 0, 0);
    add(21, 30, 0, 0);
    begin();
    take(1, 3);
    take(6, 7);
    take(22, 28);
    recon_expect_end(&expect);
    assert_string_equal(told, "kept 4-5, kept 8-10, kept 21-21, kept 29-30");
}

static void test_deleted_and_lost_are_told_apart(void **state) {
    (void)state;
    add(1, 100, 5, 40);
    begin();
    recon_expect_end(&expect);
    assert_string_equal(told, "deleted 1-40, kept 41-95, power 96-100");
}

/* After a power cut the journal uses 96 again: the first 96 is the lost one, the second is kept. */
static void test_numbers_that_are_used_again(void **state) {
    (void)state;
    add(1, 100, 5, 0);
    add(96, 110, 0, 0);
    begin();
    take(1, 95);
    assert_int_equal(recon_expect_look(&expect, 96), RECON_LOST_POWER);
    assert_int_equal(recon_expect_take(&expect, 96), RECON_LOST_POWER);
    assert_int_equal(recon_expect_take(&expect, 97), RECON_LOST_POWER);
    assert_int_equal(recon_expect_take(&expect, 101), RECON_KEPT);
    assert_string_equal(told, "power 98-100, kept 96-100");
}

static void test_what_nobody_counted_is_not_expected(void **state) {
    (void)state;
    add(10, 20, 0, 0);
    begin();
    assert_int_equal(recon_expect_take(&expect, 0), RECON_NOT_EXPECTED);
    assert_int_equal(recon_expect_take(&expect, 9), RECON_NOT_EXPECTED);
    assert_int_equal(recon_expect_take(&expect, 21), RECON_NOT_EXPECTED);
    take(10, 15);
    assert_int_equal(recon_expect_take(&expect, 12), RECON_NOT_EXPECTED); /* twice */
    assert_string_equal(told, "");
}

static void test_other_days_and_empty_ones_have_nothing(void **state) {
    (void)state;
    add(1, 10, 0, 0);
    view.days[0].begin_ms -= 86400000;
    add(11, 10, 0, 0);
    begin();
    recon_expect_end(&expect);
    assert_string_equal(told, "");
    assert_int_equal(recon_expect_look(&expect, 5), RECON_NOT_EXPECTED);
}

/* A tally of an edge id that is no more is not told of deletions. */
static void test_of_an_older_tally_what_the_journal_lacks_was_deleted(void **state) {
    (void)state;
    add(1, 10, 0, 0);
    begin();
    snprintf(stream.tally_name, sizeof(stream.tally_name), TALLY_OTHER_BEGIN "x");
    recon_expect_init(&expect, &recon, &stream, 5);
    expect.passed = on_passed;
    recon_expect_end(&expect);
    assert_string_equal(told, "deleted 1-4, kept 5-10");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_is_told_when_all_is_there, set_up),
        cmocka_unit_test_setup(test_what_was_passed_over_is_told_in_runs, set_up),
        cmocka_unit_test_setup(test_deleted_and_lost_are_told_apart, set_up),
        cmocka_unit_test_setup(test_numbers_that_are_used_again, set_up),
        cmocka_unit_test_setup(test_what_nobody_counted_is_not_expected, set_up),
        cmocka_unit_test_setup(test_other_days_and_empty_ones_have_nothing, set_up),
        cmocka_unit_test_setup(test_of_an_older_tally_what_the_journal_lacks_was_deleted, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
