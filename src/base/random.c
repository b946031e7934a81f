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
    random_bytes(random->key, sizeof(random->key));
    random->used = RANDOM_POOL_BYTES;
}

static void refill(struct random *random) {
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {0};
    uint8_t stream[RANDOM_KEY_BYTES + RANDOM_POOL_BYTES];
    crypto_stream_chacha20(stream, sizeof(stream), nonce, random->key);
    memcpy(random->key, stream, RANDOM_KEY_BYTES);
    memcpy(random->pool, stream + RANDOM_KEY_BYTES, RANDOM_POOL_BYTES);
    sodium_memzero(stream, sizeof(stream));
    random->used = 0;
}

void random_fill(struct random *random, void *out, size_t size) {
    ENSURE(size <= RANDOM_POOL_BYTES);
    if (size > RANDOM_POOL_BYTES - random->used) {
        refill(random);
    }
    memcpy(out, random->pool + random->used, size);
    memset(random->pool + random->used, 0, size);
    random->used += size;
}

uint64_t random_u64(struct random *random) {
    uint64_t value;
    random_fill(random, &value, sizeof(value));
    return value;
}
