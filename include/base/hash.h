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

#endif
