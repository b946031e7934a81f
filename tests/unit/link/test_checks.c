/*
 * Thresholds of odd conversions: defaults, numbers, off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "link/checks.h"

static struct checks reads(const char *text) {
    struct checks checks;
    struct err err = {""};
    if (!checks_read(slice_of(text), &checks, &err)) {
        fail_msg("%s: %s", text, err.text);
    }
    return checks;
}

static void what_is_not_named_has_its_default(void **state) {
    (void)state;
    static const char *const texts[] = {"", "  ", "own_link=on", "too_soon_s=10"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct checks checks = reads(texts[i]);
        assert_int_equal(checks.click_after_install_s, 0);
        assert_int_equal(checks.too_soon_s, 10);
        assert_int_equal(checks.too_late_s, 604800);
        assert_int_equal(checks.many_by_visitor, 3);
        assert_int_equal(checks.many_by_network, 20);
        assert_true(checks.own_link);
    }
}

static void each_can_be_set(void **state) {
    (void)state;
    struct checks checks = reads("click_after_install_s=1 too_soon_s=2  too_late_s=3 "
                                 "many_by_visitor=4 many_by_network=5 own_link=off");
    assert_int_equal(checks.click_after_install_s, 1);
    assert_int_equal(checks.too_soon_s, 2);
    assert_int_equal(checks.too_late_s, 3);
    assert_int_equal(checks.many_by_visitor, 4);
    assert_int_equal(checks.many_by_network, 5);
    assert_false(checks.own_link);
    checks = reads("too_late_s=31622400 many_by_visitor=1000000");
    assert_int_equal(checks.too_late_s, 31622400);
    assert_int_equal(checks.many_by_visitor, 1000000);
}

static void off_and_mostly_zero_leave_a_check_out(void **state) {
    (void)state;
    struct checks checks = reads("click_after_install_s=off too_soon_s=off too_late_s=0 "
                                 "many_by_visitor=0 many_by_network=off own_link=0");
    assert_int_equal(checks.click_after_install_s, UINT32_MAX);
    assert_int_equal(checks.too_soon_s, UINT32_MAX);
    assert_int_equal(checks.too_late_s, UINT32_MAX);
    assert_int_equal(checks.many_by_visitor, UINT32_MAX);
    assert_int_equal(checks.many_by_network, UINT32_MAX);
    assert_false(checks.own_link);
    assert_int_equal(reads("click_after_install_s=0").click_after_install_s, 0);
}

static void nonsense_is_named_and_leaves_the_defaults(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *because;
    } cases[] = {
        {"too_fast=1", "\"too_fast\" is no check; allowed are click_after_install_s"},
        {"too_soon_s", "too_soon_s: allowed are numbers from 0 to 31622400, and off"},
        {"too_soon_s=", "too_soon_s: allowed"},
        {"too_soon_s=-1", "too_soon_s: allowed"},
        {"too_soon_s=1.5", "too_soon_s: allowed"},
        {"too_late_s=31622401", "too_late_s: allowed"},
        {"many_by_network=1000001", "numbers from 0 to 1000000"},
        {"too_soon_s=1 too_soon_s=2", "too_soon_s: given twice"},
        {"own_link=yes", "own_link: allowed are on and off"},
        {"own_link", "own_link: allowed are on and off"},
        {"=1", "is no check"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct checks checks;
        struct err err = {""};
        assert_false(checks_read(slice_of(cases[i].text), &checks, &err));
        if (strstr(err.text, cases[i].because) == NULL) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
        assert_int_equal(checks.too_soon_s, 10);
    }
    char text[600];
    memset(text, ' ', sizeof(text));
    struct checks checks;
    assert_true(checks_read(slice_make(text, 512), &checks, NULL));
    assert_false(checks_read(slice_make(text, 513), &checks, NULL));
}

static void reasons_have_names(void **state) {
    (void)state;
    assert_string_equal(check_reason_name(CHECK_CLICK_AFTER_INSTALL), "click_after_install");
    assert_string_equal(check_reason_name(CHECK_OWN_LINK), "own_link");
    assert_int_equal(CHECK_REASON_COUNT, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_has_its_default),
        cmocka_unit_test(each_can_be_set),
        cmocka_unit_test(off_and_mostly_zero_leave_a_check_out),
        cmocka_unit_test(nonsense_is_named_and_leaves_the_defaults),
        cmocka_unit_test(reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
