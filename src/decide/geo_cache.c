/*
 * geo_cache.c - two direct-mapped tables: places by network, and places by where their value lies.
 *
 *   address ─► its /24 or /48 ─► its own, or /64 ─► geo_walk() ─► values by offset ─► geo_read()
 *              networks          networks, too       a miss                            a miss
 *
 * An answer goes under the wide key when it holds for all of the wide network, else under the
 * narrow one; never under both. So an address has one right place, and the narrow key is looked
 * for only where the wide one is not found. A city database says one thing of most /24.
 *
 * The index is the key times a constant: somebody with addresses of their choice can have them
 * collide, and gains misses, which other addresses would give them as well.
 *
 * Threads   One.
 * Limits    NETWORKS and VALUES; nothing is allocated after the creation.
 */
#include "decide/geo_cache.h"

#include <endian.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "geo_private.h"

enum {
    NETWORK_INDEX_BITS = 13,
    VALUE_INDEX_BITS = 13,
    NETWORKS = 1 << NETWORK_INDEX_BITS, /* 128 KiB */
    VALUES = 1 << VALUE_INDEX_BITS,     /* 96 KiB: the cities that a country's taps come from */

    IPV4_BITS = 32,
    IPV4_WIDE_BITS = 24,
    IPV6_BITS = 64, /* of an address's 128: the rest is never a key */
    IPV6_WIDE_BITS = 48,
};

/* What a network is kept under. Its number of bits also tells IPv4 from IPv6. */
struct key {
    uint64_t prefix; /* the bits, shifted down */
    unsigned bits;
};

struct network {
    uint64_t prefix;
    struct geo_place place;
    uint8_t bits; /* 0: empty */
};

struct value {
    uint32_t offset_after; /* the offset and one; 0: empty */
    struct geo_place place;
};

struct geo_cache {
    struct network networks[NETWORKS];
    struct value values[VALUES];
    uint64_t geo_id; /* of the database that it all comes from; 0: none yet */
    struct geo_cache_misses misses;
    struct geo_place unkept; /* the last answer that no key stands for */
};

_Static_assert(sizeof(struct network) == 16, "four to a cache line, none across two");
_Static_assert(GEO_FILE_BYTES_MAX < UINT32_MAX, "an offset and one are 32 bits");

static const struct geo_place nowhere = {0};

static inline struct key narrow_key(const struct sockaddr *address);
static inline struct key wide_key(struct key narrow);
static inline struct network *slot_of(struct geo_cache *cache, struct key key);
static inline bool holds(const struct network *network, struct key key);
/* Not inlined: a hit has no registers to save, which halves it. */
__attribute__((cold, noinline)) static void forget(struct geo_cache *cache, const struct geo *geo);
__attribute__((noinline)) static const struct geo_place *look_up(struct geo_cache *cache,
                                                                 const struct geo *geo,
                                                                 const struct sockaddr *address,
                                                                 struct key narrow);
static struct geo_place read_value(struct geo_cache *cache, const struct geo *geo, uint32_t offset);

struct geo_cache *geo_cache_create(void) {
    struct geo_cache *cache = calloc(1, sizeof *cache);
    ENSURE(cache != NULL);
    return cache;
}

void geo_cache_destroy(struct geo_cache **cache) {
    free(*cache);
    *cache = NULL;
}

struct geo_cache_misses geo_cache_misses(const struct geo_cache *cache) {
    return cache->misses;
}

const struct geo_place *geo_cache_find(struct geo_cache *cache, const struct geo *geo,
                                       const struct sockaddr *address) {
    struct key narrow = narrow_key(address);
    if (geo == NULL || narrow.bits == 0) {
        return &nowhere;
    }
    if (UNLIKELY(cache->geo_id != geo_id(geo))) {
        forget(cache, geo);
    }
    struct key wide = wide_key(narrow);
    const struct network *network = slot_of(cache, wide);
    if (LIKELY(holds(network, wide))) {
        return &network->place;
    }
    network = slot_of(cache, narrow);
    if (holds(network, narrow)) {
        return &network->place;
    }
    return look_up(cache, geo, address, narrow);
}

/* No bits: no IP. */
static inline struct key narrow_key(const struct sockaddr *address) {
    uint32_t v4;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        v4 = in->sin_addr.s_addr;
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)address;
        if (!IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
            uint64_t network;
            memcpy(&network, &in->sin6_addr, sizeof network);
            return (struct key){be64toh(network), IPV6_BITS};
        }
        memcpy(&v4, &in->sin6_addr.s6_addr[12], sizeof v4);
    } else {
        return (struct key){0};
    }
    return (struct key){be32toh(v4), IPV4_BITS};
}

static inline struct key wide_key(struct key narrow) {
    return narrow.bits == IPV4_BITS
               ? (struct key){narrow.prefix >> (IPV4_BITS - IPV4_WIDE_BITS), IPV4_WIDE_BITS}
               : (struct key){narrow.prefix >> (IPV6_BITS - IPV6_WIDE_BITS), IPV6_WIDE_BITS};
}

static void forget(struct geo_cache *cache, const struct geo *geo) {
    memset(cache->networks, 0, sizeof cache->networks);
    memset(cache->values, 0, sizeof cache->values);
    cache->geo_id = geo_id(geo);
}

/* Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4). */
static inline size_t index_of(uint64_t number, unsigned bits) {
    return (size_t)(number * 0x9e3779b97f4a7c15U >> (64 - bits));
}

static inline struct network *slot_of(struct geo_cache *cache, struct key key) {
    return &cache->networks[index_of(key.prefix + key.bits, NETWORK_INDEX_BITS)];
}

static inline bool holds(const struct network *network, struct key key) {
    return network->prefix == key.prefix && network->bits == key.bits;
}

static const struct geo_place *look_up(struct geo_cache *cache, const struct geo *geo,
                                       const struct sockaddr *address, struct key narrow) {
    cache->misses.networks++;
    struct geo_network found;
    if (!geo_walk(geo, address, &found)) {
        return &nowhere;
    }
    struct geo_place place =
        found.has_value ? read_value(cache, geo, found.offset) : (struct geo_place){0};

    unsigned before = narrow.bits == IPV4_BITS ? GEO_IPV4_BIT : 0;
    struct key wide = wide_key(narrow);
    struct key key = found.bits <= before + wide.bits ? wide : narrow;
    if (found.bits > before + key.bits) {
        cache->unkept = place;
        return &cache->unkept;
    }
    struct network *network = slot_of(cache, key);
    *network = (struct network){key.prefix, place, (uint8_t)key.bits};
    return &network->place;
}

static struct geo_place read_value(struct geo_cache *cache, const struct geo *geo,
                                   uint32_t offset) {
    struct value *value = &cache->values[index_of(offset, VALUE_INDEX_BITS)];
    if (value->offset_after != offset + 1) {
        cache->misses.values++;
        *value = (struct value){offset + 1, geo_read(geo, offset)};
    }
    return value->place;
}
