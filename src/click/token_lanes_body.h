/*
 * token_lanes_body.h - the arithmetic of token_lanes.h, for one kind of processor.
 *
 * Included by one source a kind, which defines
 *   LANES_TARGET   the attribute that lets the compiler use that processor's instructions
 *   LANES_MAKE     the name of the function that this makes
 *
 * Vectors of eight 32-bit numbers (GCC's vector extensions): lane i of each belongs to token i.
 * A token takes two blocks of SHA-256 (FIPS 180-4, section 6.2.2): id, code and padding on the
 * key's inner state, then that digest and padding on its outer state. Words 9 to 14 are zero in
 * both, which the first sixteen scheduled words know. The id's four words and the digest's first
 * two are then spelled in base64url side by side, and only the characters are turned from
 * lanes to tokens.
 *
 * One loop runs both blocks, and the last 32 rounds are a loop as well: 15 KiB of code for AVX2.
 * Unrolled to the end and with a copy for each block it was 36 KiB, which no first-level cache
 * holds, for 8 instructions of 943 less a token and 3 ns more.
 */
#ifndef TOKEN_LANES_BODY_H
#define TOKEN_LANES_BODY_H

#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "click/token.h"
#include "token_lanes.h"

enum { LANES = TOKEN_BATCH, BLOCK_WORDS = 16 };
/* What a job gives to its block: the id is words 0 to 3. */
enum { ID_WORDS = 4, CODE_WORDS = 5, LENGTH_WORD = 15 };

/* Every function is inlined into the one that LANES_MAKE names: vectors stay in registers. */
#define LANES_INLINE LANES_TARGET static inline __attribute__((always_inline))

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));
typedef uint16_t half_lanes __attribute__((vector_size(4 * LANES)));
typedef int8_t byte_lanes __attribute__((vector_size(4 * LANES))); /* compared in one */
typedef uint8_t char_lanes __attribute__((vector_size(4 * LANES)));
typedef uint32_t id_words __attribute__((vector_size(ULID_BYTES)));

#define EVERY(x)                                                                                   \
    { x, x, x, x, x, x, x, x }

/* FIPS 180-4, section 4.2.2. Wide, so that each is an operand in memory: to spread one number over
 * the lanes took an instruction a round. */
static const lanes round_constants[64] = {
    EVERY(0x428A2F98), EVERY(0x71374491), EVERY(0xB5C0FBCF), EVERY(0xE9B5DBA5), EVERY(0x3956C25B),
    EVERY(0x59F111F1), EVERY(0x923F82A4), EVERY(0xAB1C5ED5), EVERY(0xD807AA98), EVERY(0x12835B01),
    EVERY(0x243185BE), EVERY(0x550C7DC3), EVERY(0x72BE5D74), EVERY(0x80DEB1FE), EVERY(0x9BDC06A7),
    EVERY(0xC19BF174), EVERY(0xE49B69C1), EVERY(0xEFBE4786), EVERY(0x0FC19DC6), EVERY(0x240CA1CC),
    EVERY(0x2DE92C6F), EVERY(0x4A7484AA), EVERY(0x5CB0A9DC), EVERY(0x76F988DA), EVERY(0x983E5152),
    EVERY(0xA831C66D), EVERY(0xB00327C8), EVERY(0xBF597FC7), EVERY(0xC6E00BF3), EVERY(0xD5A79147),
    EVERY(0x06CA6351), EVERY(0x14292967), EVERY(0x27B70A85), EVERY(0x2E1B2138), EVERY(0x4D2C6DFC),
    EVERY(0x53380D13), EVERY(0x650A7354), EVERY(0x766A0ABB), EVERY(0x81C2C92E), EVERY(0x92722C85),
    EVERY(0xA2BFE8A1), EVERY(0xA81A664B), EVERY(0xC24B8B70), EVERY(0xC76C51A3), EVERY(0xD192E819),
    EVERY(0xD6990624), EVERY(0xF40E3585), EVERY(0x106AA070), EVERY(0x19A4C116), EVERY(0x1E376C08),
    EVERY(0x2748774C), EVERY(0x34B0BCB5), EVERY(0x391C0CB3), EVERY(0x4ED8AA4A), EVERY(0x5B9CCA4F),
    EVERY(0x682E6FF3), EVERY(0x748F82EE), EVERY(0x78A5636F), EVERY(0x84C87814), EVERY(0x8CC70208),
    EVERY(0x90BEFFFA), EVERY(0xA4506CEB), EVERY(0xBEF9A3F7), EVERY(0xC67178F2),
};

/* The code, the bit that ends a message and zeros, as words 4 to 8 in one lane each. */
union code_words {
    lanes word[CODE_WORDS];
    uint32_t lane[CODE_WORDS][LANES];
};

static inline uint32_t load_4(const void *from) {
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return __builtin_bswap32(value);
}

static inline uint64_t load_8(const void *from) {
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return __builtin_bswap64(value);
}

static inline void put_8(union code_words *words, size_t i, size_t lane, uint64_t value) {
    words->lane[i][lane] = (uint32_t)(value >> 32);
    words->lane[i + 1][lane] = (uint32_t)value;
}

/* Over zeros. A code of 4 to 15 characters, as nearly all are, is read in two pieces that
 * overlap: no loop and no call. */
static inline void put_code(union code_words *words, size_t lane, struct slice code) {
    size_t size = code.size;
    if (size >= 4 && size < 8) {
        uint64_t end = (uint64_t)load_4(code.data + size - 4) << 8 | 0x80;
        put_8(words, 0, lane, (uint64_t)load_4(code.data) << 32 | end << (56 - 8 * size));
    } else if (size >= 8 && size < 16) {
        uint64_t end = load_8(code.data + size - 8) << 8 | 0x80;
        put_8(words, 0, lane, load_8(code.data));
        put_8(words, 2, lane, end << (120 - 8 * size));
    } else {
        uint8_t bytes[4 * CODE_WORDS] = {0};
        if (size > 0) {
            memcpy(bytes, code.data, size);
        }
        bytes[size] = 0x80;
        put_8(words, 0, lane, load_8(bytes));
        put_8(words, 2, lane, load_8(bytes + 8));
        words->lane[4][lane] = load_4(bytes + 16);
    }
}

LANES_INLINE void load_codes(const struct token_job *const *jobs, lanes block[BLOCK_WORDS]) {
    union code_words words = {.word = {{0}}};
    lanes bits = {0};
    for (size_t i = 0; i < LANES; i++) {
        put_code(&words, i, jobs[i]->code);
        bits[i] = (uint32_t)(8 * jobs[i]->code.size);
    }
    for (size_t i = 0; i < CODE_WORDS; i++) {
        block[ID_WORDS + i] = words.word[i];
    }
    block[LENGTH_WORD] = bits + 8 * (64 + ULID_BYTES);
}

/* In each half of a vector: pairs and fours of two vectors' words; then whole halves. Three
 * steps turn eight vectors of eight; two, four of four. */
#define LOW_PAIRS(x, y)   __builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_PAIRS(x, y)  __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_FOURS(x, y)   __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_FOURS(x, y)  __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW_HALVES(x, y)  __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALVES(x, y) __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15)

LANES_INLINE lanes from_big_endian(lanes words) {
    byte_lanes bytes = (byte_lanes)words;
    return (lanes)__builtin_shufflevector(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15,
                                          14, 13, 12, 19, 18, 17, 16, 23, 22, 21, 20, 27, 26, 25,
                                          24, 31, 30, 29, 28);
}

/* Those of jobs i and i + 4. */
LANES_INLINE lanes load_two_ids(const struct token_job *const *jobs, size_t i) {
    id_words low;
    id_words high;
    memcpy(&low, jobs[i]->id.bytes, ULID_BYTES);
    memcpy(&high, jobs[i + 4]->id.bytes, ULID_BYTES);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}

LANES_INLINE void load_ids(const struct token_job *const *jobs, lanes block[BLOCK_WORDS]) {
    lanes a = load_two_ids(jobs, 0);
    lanes b = load_two_ids(jobs, 1);
    lanes c = load_two_ids(jobs, 2);
    lanes d = load_two_ids(jobs, 3);
    block[0] = from_big_endian(LOW_FOURS(LOW_PAIRS(a, b), LOW_PAIRS(c, d)));
    block[1] = from_big_endian(HIGH_FOURS(LOW_PAIRS(a, b), LOW_PAIRS(c, d)));
    block[2] = from_big_endian(LOW_FOURS(HIGH_PAIRS(a, b), HIGH_PAIRS(c, d)));
    block[3] = from_big_endian(HIGH_FOURS(HIGH_PAIRS(a, b), HIGH_PAIRS(c, d)));
}

#define ROTATED(x, by)   ((x) >> (by) | (x) << (32 - (by)))
#define BIG_SIGMA_0(x)   (ROTATED(x, 2) ^ ROTATED(x, 13) ^ ROTATED(x, 22))
#define BIG_SIGMA_1(x)   (ROTATED(x, 6) ^ ROTATED(x, 11) ^ ROTATED(x, 25))
#define SMALL_SIGMA_0(x) (ROTATED(x, 7) ^ ROTATED(x, 18) ^ (x) >> 3)
#define SMALL_SIGMA_1(x) (ROTATED(x, 17) ^ ROTATED(x, 19) ^ (x) >> 10)

/* One round. The choice and the majority are written with one operation less than in the
 * standard: (f ^ g) & e ^ g, and (a ^ b) & (b ^ c) ^ b, whose b ^ c is the last round's a ^ b. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                           \
    do {                                                                                           \
        lanes sum = h + constants[i] + w[i];                                                       \
        sum += ((f ^ g) & e) ^ g;                                                                  \
        sum += BIG_SIGMA_1(e);                                                                     \
        lanes a_b = a ^ b;                                                                         \
        d += sum;                                                                                  \
        h = sum + BIG_SIGMA_0(a) + ((a_b & b_c) ^ b);                                              \
        b_c = a_b;                                                                                 \
    } while (0)

/* Eight rounds bring every variable back to its name. */
#define EIGHT_ROUNDS(PREPARE, i)                                                                   \
    PREPARE(i);                                                                                    \
    ROUND(a, b, c, d, e, f, g, h, i);                                                              \
    PREPARE(i + 1);                                                                                \
    ROUND(h, a, b, c, d, e, f, g, i + 1);                                                          \
    PREPARE(i + 2);                                                                                \
    ROUND(g, h, a, b, c, d, e, f, i + 2);                                                          \
    PREPARE(i + 3);                                                                                \
    ROUND(f, g, h, a, b, c, d, e, i + 3);                                                          \
    PREPARE(i + 4);                                                                                \
    ROUND(e, f, g, h, a, b, c, d, i + 4);                                                          \
    PREPARE(i + 5);                                                                                \
    ROUND(d, e, f, g, h, a, b, c, i + 5);                                                          \
    PREPARE(i + 6);                                                                                \
    ROUND(c, d, e, f, g, h, a, b, i + 6);                                                          \
    PREPARE(i + 7);                                                                                \
    ROUND(b, c, d, e, f, g, h, a, i + 7)

#define AS_IT_IS(i)
/* The next sixteen words take the place of the last, one by one. */
#define SCHEDULE(i)                                                                                \
    w[i] += SMALL_SIGMA_0(w[(i + 1) % BLOCK_WORDS]) + w[(i + 9) % BLOCK_WORDS] +                   \
            SMALL_SIGMA_1(w[(i + 14) % BLOCK_WORDS])

/* Leaves the first two words of HMAC-SHA256 in w[0] and w[1]. w is the inner block, of which words
 * 9 to 14 are taken for zero.
 *
 * The empty __asm__ keeps the compiler from knowing the constants: what it knows it builds with
 * three instructions instead of reading it with none. */
LANES_INLINE void sign(const struct token_key *key, lanes w[BLOCK_WORDS]) {
    const lanes zero = {0};
    const uint32_t *start = key->inner;
    for (;;) {
        lanes a = zero + start[0], b = zero + start[1], c = zero + start[2], d = zero + start[3];
        lanes e = zero + start[4], f = zero + start[5], g = zero + start[6], h = zero + start[7];
        lanes b_c = b ^ c;
        w[9] = w[10] = w[11] = w[12] = w[13] = w[14] = zero;
        const lanes *constants = round_constants;
        __asm__("" : "+r"(constants));
        EIGHT_ROUNDS(AS_IT_IS, 0);
        EIGHT_ROUNDS(AS_IT_IS, 8);
        constants += BLOCK_WORDS;
        EIGHT_ROUNDS(SCHEDULE, 0);
        EIGHT_ROUNDS(SCHEDULE, 8);
        for (int i = 0; i < 2; i++) {
            constants += BLOCK_WORDS;
            EIGHT_ROUNDS(SCHEDULE, 0);
            EIGHT_ROUNDS(SCHEDULE, 8);
        }
        w[0] = a + start[0];
        w[1] = b + start[1];
        if (start == key->outer) {
            return;
        }
        w[2] = c + start[2];
        w[3] = d + start[3];
        w[4] = e + start[4];
        w[5] = f + start[5];
        w[6] = g + start[6];
        w[7] = h + start[7];
        w[8] = zero + 0x80000000;
        w[15] = zero + 8 * (64 + 32);
        start = key->outer;
    }
}

/* Two numbers of 12 bits in the halves of every word, what stands above them ignored, become
 * four characters of base64url (RFC 4648, section 5) in the order of memory. */
LANES_INLINE lanes spell_4(lanes twelves) {
    half_lanes halves = (half_lanes)twelves;
    byte_lanes six = (byte_lanes)((halves >> 6 & 0x003F) | (halves << 8 & 0x3F00));
    char_lanes text = (char_lanes)six + 'A';
    text += (char_lanes)(six > 25) & ('a' - 26 - 'A');
    text -= (char_lanes)(six > 51) & ('a' - 26 + 52 - '0');
    text -= (char_lanes)(six > 61) & ('0' - 52 + 62 - '-');
    text += (char_lanes)(six > 62) & ('_' - 63 + 62 - '-');
    return (lanes)text;
}

/* Three words of every lane become sixteen characters in four words. */
LANES_INLINE void spell_12(lanes a, lanes b, lanes c, lanes text[4]) {
    text[0] = spell_4(a >> 20 | (a << 8 & 0xFFFF0000));
    text[1] = spell_4(((a << 4 | b >> 28) & 0xFFFF) | (b & 0xFFFF0000));
    text[2] = spell_4((b >> 4 & 0xFFFF) | b << 24 | (c >> 8 & 0x00FF0000));
    text[3] = spell_4((c >> 12 & 0xFFFF) | c << 16);
}

/* The last of the three steps, for two tokens. */
#define STORE(x, y, i)                                                                             \
    do {                                                                                           \
        lanes low = LOW_HALVES(x, y);                                                              \
        lanes high = HIGH_HALVES(x, y);                                                            \
        memcpy(jobs[i]->token, &low, TOKEN_SIZE);                                                  \
        memcpy(jobs[i + 4]->token, &high, TOKEN_SIZE);                                             \
    } while (0)

/* From words of eight lanes to eight words of a token. */
LANES_INLINE void store_tokens(const lanes text[8], const struct token_job *const *jobs) {
    lanes a = LOW_PAIRS(text[0], text[1]), b = HIGH_PAIRS(text[0], text[1]);
    lanes c = LOW_PAIRS(text[2], text[3]), d = HIGH_PAIRS(text[2], text[3]);
    lanes e = LOW_PAIRS(text[4], text[5]), f = HIGH_PAIRS(text[4], text[5]);
    lanes g = LOW_PAIRS(text[6], text[7]), h = HIGH_PAIRS(text[6], text[7]);
    STORE(LOW_FOURS(a, c), LOW_FOURS(e, g), 0);
    STORE(HIGH_FOURS(a, c), HIGH_FOURS(e, g), 1);
    STORE(LOW_FOURS(b, d), LOW_FOURS(f, h), 2);
    STORE(HIGH_FOURS(b, d), HIGH_FOURS(f, h), 3);
}

LANES_TARGET void LANES_MAKE(const struct token_key *key, const struct token_job *const *jobs) {
    lanes block[BLOCK_WORDS];
    load_ids(jobs, block);
    load_codes(jobs, block);
    lanes id[ID_WORDS] = {block[0], block[1], block[2], block[3]};
    sign(key, block);
    lanes text[8];
    spell_12(id[0], id[1], id[2], text);
    spell_12(id[3], block[0], block[1], text + 4);
    store_tokens(text, jobs);
}

#endif
