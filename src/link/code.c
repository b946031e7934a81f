/*
 * link/code.c - the alphabet of codes and campaign ids, and the codes that we make.
 *
 * Whether a code is valid is asked once a tap, so it is one look into a table for each byte.
 */
#include "link/code.h"

#include <stdint.h>
#include <string.h>

#include "base/defs.h"
#include "base/random.h"

static const bool is_code_byte[256] = {
    ['-'] = true, ['_'] = true, ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true,
    ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true,
    ['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true,
    ['G'] = true, ['H'] = true, ['I'] = true, ['J'] = true, ['K'] = true, ['L'] = true,
    ['M'] = true, ['N'] = true, ['O'] = true, ['P'] = true, ['Q'] = true, ['R'] = true,
    ['S'] = true, ['T'] = true, ['U'] = true, ['V'] = true, ['W'] = true, ['X'] = true,
    ['Y'] = true, ['Z'] = true, ['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true,
    ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true, ['j'] = true,
    ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true, ['p'] = true,
    ['q'] = true, ['r'] = true, ['s'] = true, ['t'] = true, ['u'] = true, ['v'] = true,
    ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true,
};

bool code_is_valid(struct slice code) {
    if (code.size == 0 || code.size > CODE_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < code.size; i++) {
        if (!is_code_byte[(unsigned char)code.data[i]]) {
            return false;
        }
    }
    return true;
}

/* --- made codes ----------------------------------------------------------------------------- */

static const char alphabet[] = CODE_ALPHABET;

enum {
    ALPHABET_SIZE = sizeof(alphabet) - 1,
    FAIR_BYTES = 256 / ALPHABET_SIZE * ALPHABET_SIZE, /* bytes from here on would favour some */
    RANDOM_BATCH_BYTES = 16,
};

_Static_assert(ALPHABET_SIZE == 31, "a prime, which the check rests on");

/* A character's number, or -1. */
static int number_of(char c) {
    const char *found = c != '\0' ? strchr(alphabet, c) : NULL;
    return found != NULL ? (int)(found - alphabet) : -1;
}

static char check_of(const int numbers[CODE_MADE_BYTES - 1]) {
    int sum = 0;
    for (int i = 0; i < CODE_MADE_BYTES - 1; i++) {
        sum += (i + 1) * numbers[i];
    }
    return alphabet[sum % ALPHABET_SIZE];
}

void code_make(struct random *random, char code[CODE_MADE_BYTES + 1]) {
    int numbers[CODE_MADE_BYTES - 1];
    size_t count = 0;
    while (count < ARRAY_COUNT(numbers)) {
        uint8_t bytes[RANDOM_BATCH_BYTES];
        random_fill(random, bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes) && count < ARRAY_COUNT(numbers); i++) {
            if (bytes[i] < FAIR_BYTES) {
                numbers[count] = bytes[i] % ALPHABET_SIZE;
                code[count] = alphabet[numbers[count]];
                count++;
            }
        }
    }
    code[CODE_MADE_BYTES - 1] = check_of(numbers);
    code[CODE_MADE_BYTES] = '\0';
}

/* All of the alphabet. */
static bool is_plain(struct slice code) {
    for (size_t i = 0; i < code.size; i++) {
        if (number_of(code.data[i]) < 0) {
            return false;
        }
    }
    return true;
}

/* code is plain and of the right size, but for the character at skipped, which is left out. */
static bool is_sound(struct slice code, size_t skipped) {
    int numbers[CODE_MADE_BYTES] = {0};
    size_t count = 0;
    for (size_t i = 0; i < code.size && count < ARRAY_COUNT(numbers); i++) {
        if (i != skipped) {
            numbers[count++] = number_of(code.data[i]);
        }
    }
    return check_of(numbers) == alphabet[numbers[CODE_MADE_BYTES - 1]];
}

bool code_is_mistyped(struct slice code) {
    if (!code_is_valid(code)) {
        return false;
    }
    if (memchr(code.data, '-', code.size) != NULL || memchr(code.data, '_', code.size) != NULL) {
        return false;
    }
    switch (code.size) {
    case CODE_MADE_BYTES - 1:
        return is_plain(code); /* some character in some place makes any of them sound */
    case CODE_MADE_BYTES:
        return !is_plain(code) || !is_sound(code, SIZE_MAX);
    case CODE_MADE_BYTES + 1:
        for (size_t i = 0; is_plain(code) && i < code.size; i++) {
            if (is_sound(code, i)) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}
