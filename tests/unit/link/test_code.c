/*
 * Codes: their alphabet and size, byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>

#include "link/code.h"

static void one_byte_is_valid_exactly_when_it_is_of_the_alphabet(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bool expected = byte < 128 && (isalnum(byte) != 0 || byte == '-' || byte == '_');
        assert_int_equal(code_is_valid(slice_make(&c, 1)), expected);
    }
}

static void size_is_1_to_64(void **state) {
    (void)state;
    char text[CODE_BYTES_MAX + 1];
    memset(text, 'a', sizeof(text));
    assert_false(code_is_valid(SLICE_EMPTY));
    assert_true(code_is_valid(slice_make(text, 1)));
    assert_true(code_is_valid(slice_make(text, CODE_BYTES_MAX)));
    assert_false(code_is_valid(slice_make(text, CODE_BYTES_MAX + 1)));
}

static void a_bad_byte_anywhere_spoils_it(void **state) {
    (void)state;
    assert_true(code_is_valid(SLICE("AB12cd-_")));
    assert_false(code_is_valid(SLICE("/B12cd-_")));
    assert_false(code_is_valid(SLICE("AB12 d-_")));
    assert_false(code_is_valid(SLICE("AB12cd-\0")));
    assert_false(code_is_valid(SLICE("AB12cd-\xC3\xA9")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_is_valid_exactly_when_it_is_of_the_alphabet),
        cmocka_unit_test(size_is_1_to_64),
        cmocka_unit_test(a_bad_byte_anywhere_spoils_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
