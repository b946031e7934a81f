/* base/ulid.h: the form of https://github.com/ulid/spec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/defs.h"
#include "base/random.h"
#include "base/ulid.h"

static void assert_text_of(const struct ulid *ulid, const char *expected) {
    char text[ULID_TEXT_SIZE];
    ulid_format(ulid, text);
    assert_memory_equal(text, expected, ULID_TEXT_SIZE);
}

static void reads_and_writes_what_the_spec_shows(void **state) {
    struct ulid ulid;
    (void)state;
    assert_true(ulid_parse(SLICE("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &ulid));
    assert_true(ulid_unix_ms(&ulid) == 1469922850259u);
    assert_text_of(&ulid, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    struct ulid largest;
    memset(&largest, 0xFF, sizeof(largest));
    assert_text_of(&largest, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_true(ulid_parse(SLICE("7zzzzzzzzzzzzzzzzzzzzzzzzz"), &ulid));
    assert_memory_equal(&ulid, &largest, sizeof(ulid));
    assert_true(ulid_unix_ms(&ulid) == (1ull << 48) - 1);
    struct ulid smallest = {0};
    assert_text_of(&smallest, "00000000000000000000000000");
}

static void comes_back_from_its_text(void **state) {
    struct random random;
    (void)state;
    random_init(&random);
    for (uint64_t i = 0; i < 2000; i++) {
        struct ulid made = ulid_make(1700000000000u + i * 7919, &random), parsed;
        char text[ULID_TEXT_SIZE];
        ulid_format(&made, text);
        assert_true(ulid_parse(slice_make(text, sizeof(text)), &parsed));
        assert_memory_equal(&made, &parsed, sizeof(made));
        assert_true(ulid_unix_ms(&parsed) == 1700000000000u + i * 7919);
    }
}

static void sorts_by_time_as_bytes_and_as_text(void **state) {
    static const uint64_t times[] = {0, 1, 31, 32, 1u << 20, 1700000000000u, (1ull << 48) - 1};
    struct random random;
    struct ulid before = {0};
    char text_before[ULID_TEXT_SIZE] = {0};
    (void)state;
    random_init(&random);
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct ulid ulid = ulid_make(times[i], &random);
        char text[ULID_TEXT_SIZE];
        ulid_format(&ulid, text);
        assert_true(memcmp(&before, &ulid, sizeof(ulid)) < 0);
        assert_true(memcmp(text_before, text, sizeof(text)) < 0);
        before = ulid;
        memcpy(text_before, text, sizeof(text));
    }
}

static void two_of_one_millisecond_differ(void **state) {
    struct random random;
    (void)state;
    random_init(&random);
    struct ulid a = ulid_make(5, &random), b = ulid_make(5, &random);
    assert_memory_not_equal(&a, &b, sizeof(a));
}

static void refuses_what_is_no_ulid(void **state) {
    static const char *const bad[] = {
        "",
        "01ARZ3NDEKTSV4RRFFQ69G5FA",   /* short */
        "01ARZ3NDEKTSV4RRFFQ69G5FAVV", /* long */
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",  /* more than 128 bits */
        "Z1ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01ARZ3NDEKTSV4RRFFQ69G5FAI", /* I L O U are not of the alphabet */
        "01ARZ3NDEKTSV4RRFFQ69G5FAL",
        "01ARZ3NDEKTSV4RRFFQ69G5FAO",
        "01ARZ3NDEKTSV4RRFFQ69G5FAu",
        "01ARZ3NDEKTSV4RRFFQ69G5FA-",
        " 1ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01ARZ3NDEKTSV4RRFFQ69G5FA\xFF",
    };
    struct ulid ulid, untouched;
    (void)state;
    memset(&ulid, 0xA5, sizeof(ulid));
    untouched = ulid;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(ulid_parse(slice_of(bad[i]), &ulid));
    }
    assert_false(ulid_parse(slice_make("01ARZ3NDEKTSV4RRFFQ69G5FA", 26), &ulid)); /* a NUL */
    assert_memory_equal(&ulid, &untouched, sizeof(ulid));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_what_the_spec_shows),
        cmocka_unit_test(comes_back_from_its_text),
        cmocka_unit_test(sorts_by_time_as_bytes_and_as_text),
        cmocka_unit_test(two_of_one_millisecond_differ),
        cmocka_unit_test(refuses_what_is_no_ulid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
