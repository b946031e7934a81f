/*
 * Codes: their alphabet and size, byte by byte; made codes, and the mistakes in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>

#include "base/defs.h"
#include "base/random.h"
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

/* --- made codes --- */

enum { MADE_COUNT = 31 * 400 };

static const char letters[] = CODE_ALPHABET;

static void make_some(char codes[][CODE_MADE_BYTES + 1], size_t count) {
    struct random random;
    random_init(&random);
    for (size_t i = 0; i < count; i++) {
        code_make(&random, codes[i]);
    }
}

static void made_codes_are_seven_of_the_alphabet_and_sound(void **state) {
    (void)state;
    char codes[1000][CODE_MADE_BYTES + 1];
    make_some(codes, 1000);
    for (size_t i = 0; i < 1000; i++) {
        struct slice code = slice_of(codes[i]);
        assert_int_equal(code.size, CODE_MADE_BYTES);
        assert_int_equal(strspn(codes[i], letters), CODE_MADE_BYTES);
        assert_true(code_is_valid(code));
        assert_false(code_is_mistyped(code));
        assert_string_not_equal(codes[i], codes[(i + 1) % 1000]);
    }
}

/* 12,400 draws for each place: every character 400 times, give or take six deviations. */
static void no_character_is_favoured(void **state) {
    (void)state;
    static char codes[MADE_COUNT][CODE_MADE_BYTES + 1];
    unsigned times[CODE_MADE_BYTES][31] = {{0}};
    make_some(codes, MADE_COUNT);
    for (size_t i = 0; i < MADE_COUNT; i++) {
        for (size_t place = 0; place < CODE_MADE_BYTES; place++) {
            times[place][strchr(letters, codes[i][place]) - letters]++;
        }
    }
    for (size_t place = 0; place < CODE_MADE_BYTES; place++) {
        for (size_t c = 0; c < 31; c++) {
            assert_in_range(times[place][c], 400 - 120, 400 + 120);
        }
    }
}

static void every_single_wrong_character_is_found(void **state) {
    (void)state;
    char codes[50][CODE_MADE_BYTES + 1];
    make_some(codes, 50);
    for (size_t i = 0; i < 50; i++) {
        for (size_t place = 0; place < CODE_MADE_BYTES; place++) {
            char right = codes[i][place];
            for (const char *c = letters; *c != '\0'; c++) {
                codes[i][place] = *c;
                assert_int_equal(code_is_mistyped(slice_of(codes[i])), *c != right);
            }
            codes[i][place] = right;
        }
    }
}

static void every_two_exchanged_characters_are_found(void **state) {
    (void)state;
    char codes[200][CODE_MADE_BYTES + 1];
    make_some(codes, 200);
    for (size_t i = 0; i < 200; i++) {
        for (size_t a = 0; a < CODE_MADE_BYTES; a++) {
            for (size_t b = a + 1; b < CODE_MADE_BYTES; b++) {
                char wrong[CODE_MADE_BYTES + 1];
                memcpy(wrong, codes[i], sizeof(wrong));
                wrong[a] = codes[i][b];
                wrong[b] = codes[i][a];
                assert_int_equal(code_is_mistyped(slice_of(wrong)), codes[i][a] != codes[i][b]);
            }
        }
    }
}

static void a_missing_or_doubled_character_is_found(void **state) {
    (void)state;
    char codes[200][CODE_MADE_BYTES + 1];
    make_some(codes, 200);
    for (size_t i = 0; i < 200; i++) {
        for (size_t place = 0; place < CODE_MADE_BYTES; place++) {
            char text[CODE_MADE_BYTES + 2];
            memcpy(text, codes[i], place);
            memcpy(text + place, codes[i] + place + 1, CODE_MADE_BYTES - place - 1);
            assert_true(code_is_mistyped(slice_make(text, CODE_MADE_BYTES - 1)));
            memcpy(text, codes[i], place + 1);
            memcpy(text + place + 1, codes[i] + place, CODE_MADE_BYTES - place);
            assert_true(code_is_mistyped(slice_make(text, CODE_MADE_BYTES + 1)));
        }
    }
}

/* The sum by hand: 2 3 4 5 6 7 are 0 1 2 3 4 5, 2*1 + 3*2 + 4*3 + 5*4 + 6*5 = 70 = 8 modulo 31. */
static void the_check_character_is_what_the_header_says(void **state) {
    (void)state;
    assert_false(code_is_mistyped(SLICE("234567A")));
    assert_true(code_is_mistyped(SLICE("234567B")));
    assert_true(code_is_mistyped(SLICE("234567a")));
    assert_true(code_is_mistyped(SLICE("23456OA")));
    assert_true(code_is_mistyped(SLICE("1234567")));
    assert_true(code_is_mistyped(SLICE("234567AA")));
}

static void what_cannot_come_from_a_made_code_is_not_mistyped(void **state) {
    (void)state;
    const char *const texts[] = {"2",       "AB12",      "23456",     "234-67A",
                                 "2345_7A", "-23456A",   "NOBODY",    "AB12CD",
                                 "summer",  "234567A9B", "welcome-2", "a-very-long-code-of-ours"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (code_is_mistyped(slice_of(texts[i]))) {
            fail_msg("%s", texts[i]);
        }
    }
    assert_false(code_is_mistyped(SLICE_EMPTY));
    assert_false(code_is_mistyped(SLICE("234567\0")));
    assert_false(code_is_mistyped(SLICE("234567\xC3")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_is_valid_exactly_when_it_is_of_the_alphabet),
        cmocka_unit_test(size_is_1_to_64),
        cmocka_unit_test(a_bad_byte_anywhere_spoils_it),
        cmocka_unit_test(made_codes_are_seven_of_the_alphabet_and_sound),
        cmocka_unit_test(no_character_is_favoured),
        cmocka_unit_test(every_single_wrong_character_is_found),
        cmocka_unit_test(every_two_exchanged_characters_are_found),
        cmocka_unit_test(a_missing_or_doubled_character_is_found),
        cmocka_unit_test(the_check_character_is_what_the_header_says),
        cmocka_unit_test(what_cannot_come_from_a_made_code_is_not_mistyped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
