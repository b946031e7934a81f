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

enum { RANDOM_KEY_BYTES = 32, RANDOM_POOL_BYTES = 1024 };

struct random {
    uint8_t key[RANDOM_KEY_BYTES];
    uint8_t pool[RANDOM_POOL_BYTES];
    size_t used;
};

/* From the kernel; aborts where the kernel has none to give, which Linux never does. */
void random_bytes(void *out, size_t size);

void random_init(struct random *random);
void random_fill(struct random *random, void *out, size_t size); /* size <= RANDOM_POOL_BYTES */
uint64_t random_u64(struct random *random);

#endif
