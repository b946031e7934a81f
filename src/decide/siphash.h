/*
 * siphash.h - SipHash-2-4 of exactly four words, and 1-3 of seven bytes; private to
 * decide/visitor.
 *
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF" (INDOCRYPT 2012), section 2. The same
 * as libsodium's crypto_shorthash() of these 32 bytes, which tests/unit/decide/test_siphash.c holds
 * it to. With its length known, nothing to call and no bytes to load one by one, a visitor takes
 * 274 instructions instead of 320, and 241 when IPv4's first word is taken beforehand. The rounds
 * are written out: loops of two, which gcc leaves as they are, cost 63 of them.
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_WORDS = 4 };

struct siphash_state {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
};

static inline uint64_t siphash_rotate(uint64_t word, unsigned left) {
    return word << left | word >> (64 - left);
}

static inline void siphash_round(struct siphash_state *s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
    s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
    s->v0 = siphash_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
    s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
    s->v2 = siphash_rotate(s->v2, 32);
}

static inline void siphash_take(struct siphash_state *s, uint64_t word) {
    s->v3 ^= word;
    siphash_round(s);
    siphash_round(s);
    s->v0 ^= word;
}

/* Key and words are numbers: of bytes, the first is the lowest. */
static inline struct siphash_state siphash_begin(const uint64_t key[2]) {
    return (struct siphash_state){
        .v0 = key[0] ^ 0x736f6d6570736575U,
        .v1 = key[1] ^ 0x646f72616e646f6dU,
        .v2 = key[0] ^ 0x6c7967656e657261U,
        .v3 = key[1] ^ 0x7465646279746573U,
    };
}

/* SipHash-1-3 of seven bytes (bytes < 2^56), from a state that siphash_begin() made: half the
 * rounds, as Rust and Python use it for their tables, where an answer that is never shown needs to
 * be no more than unguessable. Seven bytes and their number are one word: eight would take another
 * round. 2-4 takes 112 instructions for the rounds alone, this 56. */
static inline uint64_t siphash_short(struct siphash_state s, uint64_t bytes) {
    const uint64_t last = (uint64_t)7 << 56 | bytes;
    s.v3 ^= last;
    siphash_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    siphash_round(&s);
    siphash_round(&s);
    siphash_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* After SIPHASH_WORDS words. */
static inline uint64_t siphash_end(struct siphash_state s) {
    siphash_take(&s, (uint64_t)(SIPHASH_WORDS * sizeof(uint64_t)) << 56); /* no bytes left over */
    s.v2 ^= 0xff;
    siphash_round(&s);
    siphash_round(&s);
    siphash_round(&s);
    siphash_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#endif
