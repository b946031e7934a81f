/*
 * word.h - a few bytes at a time, in a register.
 *
 * Names, schemes and tags are short: one or two comparisons of a word each, instead of a loop or
 * a call. Loads are of any alignment; words are compared with words that were loaded the same
 * way, so the order of bytes does not matter.
 */
#ifndef HTTP_WORD_H
#define HTTP_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

static inline uint16_t word_load2(const char *at) {
    uint16_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t word_load4(const char *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t word_load8(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* The same byte in all places. */
static inline uint64_t word_of(unsigned char c) {
    return UINT64_C(0x0101010101010101) * c;
}

/* Whether one of the bytes is c. */
static inline bool word_has(uint64_t word, unsigned char c) {
    uint64_t zero = word ^ word_of(c);
    return ((zero - word_of(0x01)) & ~zero & word_of(0x80)) != 0;
}

/* Whether all four bytes are lower-case letters. Below 0x80 no sum carries into the next byte, and
 * what is not below is refused by itself. */
static inline bool word_is_lower(uint32_t word) {
    const uint32_t ones = 0x01010101;
    uint32_t not_below = (word & 0x7f7f7f7f) + ones * (0x80 - 'a');
    uint32_t above = (word & 0x7f7f7f7f) + ones * (0x7f - 'z');
    return ((word | above | ~not_below) & 0x80808080) == 0;
}

/* Whether s is this word without regard to case. The word is a literal in lower case, of letters
 * and '-' alone and 4 to 24 of them; s holds no control byte but HTAB: then setting bit 5 makes
 * upper case lower and no other byte a letter or '-'. Compares words, which may overlap, the last
 * first: names begin alike (accept-, sec-fetch-, x-forwarded-) and differ in their ends. */
static inline bool word_is(struct slice s, struct slice word) {
    if (s.size != word.size) {
        return false;
    }
    const char *a = s.data;
    const char *b = word.data;
    if (word.size < 8) {
        const uint32_t bit5 = 0x20202020;
        size_t last = word.size - 4;
        return (word_load4(a + last) | bit5) == (word_load4(b + last) | bit5) &&
               (word_load4(a) | bit5) == (word_load4(b) | bit5);
    }
    const uint64_t bit5 = word_of(0x20);
    size_t last = word.size - 8;
    return (word_load8(a + last) | bit5) == word_load8(b + last) &&
           (word_load8(a) | bit5) == word_load8(b) &&
           (word.size <= 16 || (word_load8(a + last / 2) | bit5) == word_load8(b + last / 2));
}

#endif
