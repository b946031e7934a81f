/*
 * base/hash.h - hashes for tables.
 *
 * XXH3 with a random seed a table: fast, and a stranger who chooses the keys cannot choose
 * the buckets. Not for secrets: those use keyed hashes of libsodium and OpenSSL.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/slice.h"

uint64_t hash_bytes(struct slice bytes, uint64_t seed);

struct hash_seed {
    uint64_t word[2];
};

/* For tables of short keys that every tap asks: at most two words, folded by one multiplication
 * (as wyhash and aHash do it), 13 instructions where XXH3 takes 35; longer keys as above. */
static inline uint64_t hash_key(struct slice key, const struct hash_seed *seed) {
    uint64_t first = 0;
    uint64_t last = 0;
    if (key.size > 16) {
        return hash_bytes(key, seed->word[0]);
    }
    if (key.size >= 8) {
        memcpy(&first, key.data, 8);
        memcpy(&last, key.data + key.size - 8, 8);
    } else if (key.size >= 4) {
        memcpy(&first, key.data, 4);
        memcpy(&last, key.data + key.size - 4, 4);
    } else if (key.size > 0) {
        first = (uint64_t)(unsigned char)key.data[0] << 16 |
                (uint64_t)(unsigned char)key.data[key.size / 2] << 8 |
                (unsigned char)key.data[key.size - 1];
    }
    unsigned __int128 product =
        (unsigned __int128)(first ^ seed->word[0]) * (last ^ seed->word[1] ^ key.size);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
