/* base/slice.h: borrowed bytes, at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/slice.h"

static void assert_slice(struct slice actual, struct slice expected) {
    assert_int_equal(actual.size, expected.size);
    if (expected.size > 0) {
        assert_memory_equal(actual.data, expected.data, expected.size);
    }
}

static void split_gives_every_part_and_ends_empty(void **state) {
    struct slice rest = SLICE("a,,bc");
    (void)state;
    assert_slice(slice_split(&rest, ','), SLICE("a"));
    assert_slice(slice_split(&rest, ','), SLICE(""));
    assert_slice(slice_split(&rest, ','), SLICE("bc"));
    assert_int_equal(rest.size, 0);
    assert_slice(slice_split(&rest, ','), SLICE(""));
    rest = SLICE("last,");
    assert_slice(slice_split(&rest, ','), SLICE("last"));
    assert_int_equal(rest.size, 0);
    rest = SLICE_EMPTY;
    assert_int_equal(slice_split(&rest, ',').size, 0);
    rest = slice_make("a\0b", 3);
    assert_slice(slice_split(&rest, '\0'), SLICE("a"));
    assert_slice(rest, SLICE("b"));
}

static void trim_takes_spaces_and_tabs_only(void **state) {
    (void)state;
    assert_slice(slice_trim(SLICE(" \t a b\t ")), SLICE("a b"));
    assert_slice(slice_trim(SLICE(" \t ")), SLICE(""));
    assert_slice(slice_trim(SLICE("\ra\n")), SLICE("\ra\n"));
    assert_int_equal(slice_trim(SLICE_EMPTY).size, 0);
}

static void from_and_first_stay_inside(void **state) {
    struct slice s = SLICE("abc");
    (void)state;
    assert_slice(slice_from(s, 1), SLICE("bc"));
    assert_slice(slice_from(s, 3), SLICE(""));
    assert_slice(slice_from(s, SIZE_MAX), SLICE(""));
    assert_slice(slice_first(s, 2), SLICE("ab"));
    assert_slice(slice_first(s, SIZE_MAX), s);
}

static void equality_counts_every_byte(void **state) {
    (void)state;
    assert_true(slice_equal(SLICE(""), SLICE_EMPTY));
    assert_true(slice_equal(slice_make("a\0b", 3), slice_make("a\0b", 3)));
    assert_false(slice_equal(slice_make("a\0b", 3), slice_make("a\0c", 3)));
    assert_false(slice_equal(SLICE("a"), SLICE("ab")));
    assert_int_equal(slice_of(NULL).size, 0);
}

static void case_is_ignored_for_ascii_letters_alone(void **state) {
    (void)state;
    assert_true(slice_equal_nocase(SLICE("HoSt-9"), SLICE("hOsT-9")));
    assert_true(slice_equal_nocase(SLICE(""), SLICE_EMPTY));
    assert_false(slice_equal_nocase(SLICE("host"), SLICE("hos")));
    assert_false(slice_equal_nocase(SLICE("@"), SLICE("`"))); /* 0x20 apart, like letters */
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_equal_nocase(SLICE("\xC9"), SLICE("\xE9")));
}

/* strncasecmp() ends at a NUL, and took these for equal. */
static void case_insensitive_comparison_goes_on_behind_a_nul(void **state) {
    (void)state;
    assert_false(slice_equal_nocase(slice_make("a\0b", 3), slice_make("A\0c", 3)));
    assert_true(slice_equal_nocase(slice_make("a\0b", 3), slice_make("A\0B", 3)));
    assert_int_equal(slice_find_nocase(slice_make("x\0bx\0C", 6), slice_make("X\0c", 3)), 3);
}

static void find_names_the_first_place(void **state) {
    struct slice s = SLICE("aXbxab");
    (void)state;
    assert_int_equal(slice_find(s, SLICE("ab")), 4);
    assert_int_equal(slice_find(s, SLICE("x")), 3);
    assert_int_equal(slice_find(s, s), 0);
    assert_int_equal(slice_find(s, SLICE("")), 0);
    assert_int_equal(slice_find(SLICE_EMPTY, SLICE("")), 0);
    assert_true(slice_find(s, SLICE("ba")) == SIZE_MAX);
    assert_true(slice_find(s, SLICE("aXbxab!")) == SIZE_MAX);
    assert_true(slice_find(SLICE_EMPTY, SLICE("a")) == SIZE_MAX);
    assert_int_equal(slice_find_nocase(s, SLICE("x")), 1);
    assert_int_equal(slice_find_nocase(s, SLICE("AB")), 4);
    assert_int_equal(slice_find_nocase(SLICE_EMPTY, SLICE("")), 0);
    assert_true(slice_find_nocase(s, SLICE("zz")) == SIZE_MAX);
    assert_true(slice_find_nocase(SLICE("a"), SLICE("ab")) == SIZE_MAX);
}

static void starts_with_knows_short_and_empty(void **state) {
    (void)state;
    assert_true(slice_starts_with(SLICE("link:AB"), SLICE("link:")));
    assert_true(slice_starts_with(SLICE_EMPTY, SLICE("")));
    assert_false(slice_starts_with(SLICE("link"), SLICE("link:")));
    assert_false(slice_starts_with(SLICE("LINK:"), SLICE("link:")));
}

static void numbers_are_read_up_to_their_maximum(void **state) {
    uint64_t value = 7;
    (void)state;
    assert_true(slice_to_u64(SLICE("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(slice_to_u64(SLICE("0"), 0, &value));
    assert_true(value == 0);
    assert_true(slice_to_u64(SLICE("00000000000000000042"), 42, &value));
    assert_true(value == 42);
    assert_true(slice_to_u64(SLICE("65535"), 65535, &value));
}

static void what_is_no_number_leaves_the_value_alone(void **state) {
    static const char *const bad[] = {
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "0x10",
        "1.0",
        "18446744073709551616",
        "1\xB2",
        "65536",
        "99999999999999999999",
        "000000000000000000001",
    };
    uint64_t value = 7;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        uint64_t max = strcmp(bad[i], "65536") == 0 ? 65535 : UINT64_MAX;
        assert_false(slice_to_u64(slice_of(bad[i]), max, &value));
    }
    assert_false(slice_to_u64(slice_make("1\0", 2), UINT64_MAX, &value));
    assert_false(slice_to_u64(SLICE_EMPTY, UINT64_MAX, &value));
    assert_true(value == 7);
}

static void a_text_of_any_size_is_put_whole_and_nothing_beside_it(void **state) {
    char from[300];
    char to[sizeof(from) + 2];
    (void)state;
    for (size_t i = 0; i < sizeof(from); i++) {
        from[i] = (char)(1 + i % 200);
    }
    for (size_t size = 0; size <= sizeof(from); size++) {
        memset(to, 0, sizeof(to));
        char *end = slice_put(to + 1, slice_make(size > 0 ? from : NULL, size));
        assert_ptr_equal(end, to + 1 + size);
        assert_memory_equal(to + 1, from, size);
        assert_int_equal(to[0], 0);
        for (size_t i = 1 + size; i < sizeof(to); i++) {
            assert_int_equal(to[i], 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_gives_every_part_and_ends_empty),
        cmocka_unit_test(trim_takes_spaces_and_tabs_only),
        cmocka_unit_test(from_and_first_stay_inside),
        cmocka_unit_test(equality_counts_every_byte),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_alone),
        cmocka_unit_test(case_insensitive_comparison_goes_on_behind_a_nul),
        cmocka_unit_test(find_names_the_first_place),
        cmocka_unit_test(starts_with_knows_short_and_empty),
        cmocka_unit_test(numbers_are_read_up_to_their_maximum),
        cmocka_unit_test(what_is_no_number_leaves_the_value_alone),
        cmocka_unit_test(a_text_of_any_size_is_put_whole_and_nothing_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
