/* base/vocabulary.h: names are unique, and what journals and streams hold does not change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/vocabulary.h"

static void assert_word(const char *word) {
    assert_true(strlen(word) > 0);
    assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz_"), strlen(word));
}

static void kinds_are_distinct_words(void **state) {
    (void)state;
    for (int a = 0; a < TAP_KIND_COUNT; a++) {
        assert_word(tap_kind_name((enum tap_kind)a));
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(tap_kind_name((enum tap_kind)a),
                                    tap_kind_name((enum tap_kind)b));
        }
    }
}

static void outcomes_are_distinct_words(void **state) {
    (void)state;
    for (int a = 0; a < TAP_OUTCOME_COUNT; a++) {
        assert_word(tap_outcome_name((enum tap_outcome)a));
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(tap_outcome_name((enum tap_outcome)a),
                                    tap_outcome_name((enum tap_outcome)b));
        }
    }
}

static void platforms_are_distinct_words(void **state) {
    (void)state;
    for (int a = 0; a < TAP_PLATFORM_COUNT; a++) {
        assert_word(tap_platform_name((enum tap_platform)a));
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(tap_platform_name((enum tap_platform)a),
                                    tap_platform_name((enum tap_platform)b));
        }
    }
}

/* Journals on disk hold the numbers. */
static void numbers_are_what_they_always_were(void **state) {
    (void)state;
    assert_string_equal(tap_kind_name((enum tap_kind)0), "human");
    assert_string_equal(tap_kind_name((enum tap_kind)4), "head");
    assert_string_equal(tap_outcome_name((enum tap_outcome)0), "play_store");
    assert_string_equal(tap_outcome_name((enum tap_outcome)5), "default");
    assert_string_equal(tap_outcome_name((enum tap_outcome)9), "unresolved");
    assert_string_equal(tap_platform_name((enum tap_platform)1), "ios");
    assert_string_equal(tap_platform_name((enum tap_platform)5), "other");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_distinct_words),
        cmocka_unit_test(outcomes_are_distinct_words),
        cmocka_unit_test(platforms_are_distinct_words),
        cmocka_unit_test(numbers_are_what_they_always_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
