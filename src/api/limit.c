/*
 * limit.c - a set-associative table of debts.
 */
#include "limit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/hash.h"
#include "base/random.h"

#define INTERVAL_NS (LIMIT_INTERVAL_MS * UINT64_C(1000000))

enum { KEY_BYTES = 16 };

struct source {
    uint8_t key[KEY_BYTES];
    uint64_t paid_ns; /* when nothing will be owed; in the past: the place is free */
};

struct limit {
    uint64_t seed;
    struct source sets[LIMIT_SETS][LIMIT_WAYS];
};

static void make_key(const struct sockaddr *source, uint8_t key[KEY_BYTES]);
static struct source *find(struct limit *limit, const uint8_t key[KEY_BYTES]);

struct limit *limit_create(void) {
    struct limit *limit = calloc(1, sizeof(*limit));
    ENSURE(limit != NULL);
    random_bytes(&limit->seed, sizeof(limit->seed));
    return limit;
}

void limit_destroy(struct limit **limit) {
    free(*limit);
    *limit = NULL;
}

uint32_t limit_take(struct limit *limit, const struct sockaddr *source, uint64_t now_ns) {
    uint8_t key[KEY_BYTES];
    make_key(source, key);
    struct source *found = find(limit, key);
    uint64_t paid_ns = found->paid_ns > now_ns ? found->paid_ns : now_ns;
    uint64_t owed_ns = paid_ns - now_ns;
    if (owed_ns > (LIMIT_BURST - 1) * INTERVAL_NS) {
        uint64_t wait_ns = owed_ns - (LIMIT_BURST - 1) * INTERVAL_NS;
        return (uint32_t)((wait_ns + 999999999) / 1000000000);
    }
    found->paid_ns = paid_ns + INTERVAL_NS;
    return 0;
}

/* An IPv4 address as IPv6 writes it, so that one that comes over a socket for both is the same. */
static void make_key(const struct sockaddr *source, uint8_t key[KEY_BYTES]) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memset(key, 0, KEY_BYTES);
    if (source->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, source, sizeof(v4));
        memcpy(key, mapped, sizeof(mapped));
        memcpy(key + sizeof(mapped), &v4.sin_addr, 4);
    } else if (source->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, source, sizeof(v6));
        bool is_v4 = memcmp(&v6.sin6_addr, mapped, sizeof(mapped)) == 0;
        memcpy(key, &v6.sin6_addr, is_v4 ? KEY_BYTES : 8);
    }
}

/* The place of this source: its own, or the one with the smallest debt, which it takes over. */
static struct source *find(struct limit *limit, const uint8_t key[KEY_BYTES]) {
    uint64_t hash = hash_bytes(slice_make((const char *)key, KEY_BYTES), limit->seed);
    struct source *set = limit->sets[hash % LIMIT_SETS];
    struct source *least = &set[0];
    for (size_t i = 0; i < LIMIT_WAYS; i++) {
        if (memcmp(set[i].key, key, KEY_BYTES) == 0) {
            return &set[i];
        }
        least = set[i].paid_ns < least->paid_ns ? &set[i] : least;
    }
    memcpy(least->key, key, KEY_BYTES);
    least->paid_ns = 0;
    return least;
}
