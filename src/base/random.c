/*
 * random.c - fast key erasure (https://blog.cr.yp.to/20170723-random.html): each refill makes
 * one stream of ChaCha20, whose first bytes become the next key; bytes are wiped as they are
 * handed out.
 */
#include "base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <sodium.h>

#include "base/defs.h"

_Static_assert(offsetof(struct random, key) == 0 &&
                   offsetof(struct random, pool) == RANDOM_KEY_BYTES,
               "the stream is key and pool as they stand");

void random_bytes(void *out, size_t size) {
    uint8_t *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        ENSURE(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

void random_init(struct random *random) {
    /* Chooses by the processor; without it, ChaCha20 takes 19 instructions a byte instead of 2. */
    ENSURE(sodium_init() >= 0);
    random_bytes(random->key, sizeof(random->key));
    random->used = RANDOM_POOL_BYTES;
}

void random_refill(struct random *random) {
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {0};
    uint8_t key[RANDOM_KEY_BYTES];
    memcpy(key, random->key, sizeof(key));
    crypto_stream_chacha20((uint8_t *)random, RANDOM_KEY_BYTES + RANDOM_POOL_BYTES, nonce, key);
    sodium_memzero(key, sizeof(key));
    random->used = 0;
}
