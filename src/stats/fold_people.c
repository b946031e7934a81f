/*
 * fold_people.c - see fold_people.h.
 *
 * Sets stand in buckets of BUCKET_SETS, chosen by name. The one of a bucket that was used least
 * recently makes room, unless it was used within BUSY_S: rather than taking turns, some sets then
 * are not remembered.
 */
#include "fold_people.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"

enum {
    BUCKET_SETS = 8,
    BUCKETS = FOLD_PEOPLE_SETS_MAX / BUCKET_SETS,
    BUSY_S = 10,
};

static const uint64_t ns_per_s = 1000000000;

struct fold_people_set {
    uint64_t name;
    uint64_t born_ns;
    uint64_t used_ns;
    uint32_t count;
    uint8_t registers[FOLD_PEOPLE_REGISTERS];
};

struct fold_people {
    struct fold_people_set *sets[BUCKETS][BUCKET_SETS]; /* NULL: never used */
};

struct fold_people *fold_people_create(void) {
    struct fold_people *people = calloc(1, sizeof(*people));
    ENSURE(people != NULL);
    return people;
}

void fold_people_destroy(struct fold_people **people) {
    if (*people != NULL) {
        for (size_t i = 0; i < FOLD_PEOPLE_SETS_MAX; i++) {
            free((*people)->sets[i / BUCKET_SETS][i % BUCKET_SETS]);
        }
        free(*people);
        *people = NULL;
    }
}

static void empty(struct fold_people_set *set, uint64_t name, uint64_t now_ns) {
    set->name = name;
    set->born_ns = set->used_ns = now_ns;
    set->count = 0;
    memset(set->registers, 0, sizeof(set->registers));
}

void fold_people_forget(struct fold_people *people) {
    for (size_t i = 0; i < FOLD_PEOPLE_SETS_MAX; i++) {
        struct fold_people_set *set = people->sets[i / BUCKET_SETS][i % BUCKET_SETS];
        if (set != NULL) {
            empty(set, 0, 0);
        }
    }
}

/* Where a set of the bucket may be made: NULL when all are in use. */
static struct fold_people_set **room_in(struct fold_people_set **bucket, uint64_t now_ns) {
    struct fold_people_set **oldest = NULL;
    for (size_t i = 0; i < BUCKET_SETS; i++) {
        if (bucket[i] == NULL) {
            return &bucket[i];
        }
        if (oldest == NULL || bucket[i]->used_ns < (*oldest)->used_ns) {
            oldest = &bucket[i];
        }
    }
    return (*oldest)->used_ns == 0 || now_ns - (*oldest)->used_ns > BUSY_S * ns_per_s ? oldest
                                                                                      : NULL;
}

struct fold_people_set *fold_people_find(struct fold_people *people, uint64_t name, bool may_make,
                                         uint64_t now_ns) {
    struct fold_people_set **bucket = people->sets[name % BUCKETS];
    for (size_t i = 0; i < BUCKET_SETS; i++) {
        struct fold_people_set *set = bucket[i];
        if (set != NULL && set->name == name && set->used_ns != 0) {
            if (now_ns - set->born_ns > FOLD_PEOPLE_FORGET_S * ns_per_s) {
                empty(set, name, now_ns);
            }
            set->used_ns = now_ns;
            return set;
        }
    }
    struct fold_people_set **room = may_make ? room_in(bucket, now_ns) : NULL;
    if (room == NULL) {
        return NULL;
    }
    if (*room == NULL) {
        *room = malloc(sizeof(**room));
        ENSURE(*room != NULL);
    }
    empty(*room, name, now_ns);
    return *room;
}

uint32_t fold_people_count(const struct fold_people_set *set) {
    return set->count;
}

/* MurmurHash64A (Austin Appleby, public domain) of the visitor's eight bytes, big-endian, with the
 * seed of Redis' hyperloglog.c. */
static uint64_t murmur(uint64_t visitor) {
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    const unsigned r = 47;
    uint64_t hash = UINT64_C(0xadc83b19) ^ (8 * m);
    uint64_t k = __builtin_bswap64(visitor) * m;
    k = (k ^ (k >> r)) * m;
    hash = (hash ^ k) * m;
    hash = (hash ^ (hash >> r)) * m;
    return hash ^ (hash >> r);
}

bool fold_people_note(struct fold_people_set *set, uint64_t visitor) {
    uint64_t hash = murmur(visitor);
    uint8_t *reg = &set->registers[hash % FOLD_PEOPLE_REGISTERS];
    hash = hash / FOLD_PEOPLE_REGISTERS | UINT64_C(1) << 50;
    uint8_t value = (uint8_t)(__builtin_ctzll(hash) + 1);
    if (value <= *reg) {
        return false;
    }
    set->count += *reg == 0 ? 1 : 0;
    *reg = value;
    return true;
}
