/*
 * base/random.h - unpredictable bytes.
 *
 * random_bytes() asks the kernel and is for keys and seeds. A struct random is a worker's own
 * generator (ChaCha20 keyed once by the kernel, rekeyed from its own output at every refill):
 * no system call on the hop, and what was handed out cannot be computed from what is left.
 *
 * Threads   A struct random belongs to one thread.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/defs.h"

/* Together what ChaCha20 makes in four turns of AVX2, eight blocks each: no rest is made block by
 * block. */
enum { RANDOM_KEY_BYTES = 32, RANDOM_POOL_BYTES = 2048 - RANDOM_KEY_BYTES };

struct random {
    uint8_t key[RANDOM_KEY_BYTES]; /* of the next refill */
    uint8_t pool[RANDOM_POOL_BYTES];
    size_t used;
};

/* From the kernel; aborts where the kernel has none to give, which Linux never does. */
void random_bytes(void *out, size_t size);

void random_init(struct random *random);

/* Makes a full pool, whatever was left. */
void random_refill(struct random *random);

/* size <= RANDOM_POOL_BYTES. Here, since for a size that the compiler knows the copy and the wiping
 * are a load and two stores each. */
static inline void random_fill(struct random *random, void *out, size_t size) {
    ENSURE(size <= RANDOM_POOL_BYTES);
    if (UNLIKELY(size > RANDOM_POOL_BYTES - random->used)) {
        random_refill(random);
    }
    uint8_t *at = random->pool + random->used;
    memcpy(out, at, size);
    memset(at, 0, size);
    random->used += size;
}

static inline uint64_t random_u64(struct random *random) {
    uint64_t value;
    random_fill(random, &value, sizeof(value));
    return value;
}

#endif
