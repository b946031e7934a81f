/*
 * link/cache.c - one open-addressed table of links, campaigns and negative entries.
 *
 *   slot   │ 64 bits: marked, negative, kind, 13 bits of the hash │ 48 bits: where the entry is
 *
 * Linear probing runs over the slots, eight of them a cache line, and follows a pointer only where
 * the bits above it fit; removal shifts back what follows instead of leaving tombstones. The hands
 * of the clock sweep the slots alone. An entry is one heap block: head, key, and the bytes of its
 * link; a campaign has a block of its own. A link with a short code, an owner and a campaign takes
 * a block of 64 bytes and a share of 11 in the table.
 *
 * So a link that nobody has asked for lately costs two cache lines: its slot's, and its entry's,
 * with head, key and link. Tags and pointers in two arrays were a third one.
 *
 * The hands do not go from slot to slot but in strides that share no divisor with the table's
 * size, so that a turn visits every slot once and what it evicts lies evenly spread. A hand that
 * went straight on would leave an empty stretch behind it and drive the slots before it full, and
 * probes there would run over thousands of slots.
 *
 * The table never grows: bytes_max / CACHE_BYTES_PER_SLOT slots, filled to three quarters, are
 * made at once by calloc(), which leaves the zero pages to the kernel. A rehash of a million
 * entries would be a pause that taps notice; untouched pages cost nothing.
 *
 * Hashes are seeded at random, a seed a kind, so nobody can choose codes that collide.
 */
#include "link/cache.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/random.h"
#include "link/campaign.h"
#include "link/code.h"
#include "link/link.h"
#include "link_layout.h"
#include "link_metrics.h"

/* The bits of a slot; 0 as a whole: it is free. No address of a process has more than 47 bits on
 * x86-64, or 48 on AArch64, unless it asks the kernel for them. */
#define SLOT_MARKED   (UINT64_C(1) << 63) /* found since the hand came by */
#define SLOT_NEGATIVE (UINT64_C(1) << 62) /* known not to exist */
#define SLOT_CAMPAIGN (UINT64_C(1) << 61)
#define SLOT_HASH     (UINT64_C(0x1FFF) << 48)
#define SLOT_ADDRESS  ((UINT64_C(1) << 48) - 1)

/* What a negative entry may cost: head, the longest key, and the allocator's rounding. */
enum { NEGATIVE_BYTES = 96 };

/* Most codes and ids: two words hold them. */
enum { KEY_SHORT_BYTES = 16 };

struct entry {
    uint64_t issued_ns; /* the stamp, without its padding */
    uint32_t epoch;
    uint8_t kind;
    uint8_t key_size;
    bool is_negative;
    char key[]; /* behind it, aligned: a struct link, or a pointer to a struct campaign */
};

struct cache {
    uint64_t *slot;
    uint32_t slots;
    uint32_t entries;
    uint32_t entries_max; /* three quarters of the slots: probes stay short */
    uint32_t negatives;
    uint32_t negatives_max;
    uint32_t hand;
    uint32_t negative_hand;
    uint32_t stride;      /* of the hands */
    struct entry *latest; /* the campaign found last, until something is removed; may be NULL */
    struct hash_seed seed[CACHE_KIND_COUNT];
    uint64_t bytes; /* table and blocks */
    uint64_t bytes_max;
    uint64_t negative_ns;
    struct metric_set *metrics;
};

static struct entry *entry_create(enum cache_kind kind, struct slice key, size_t payload_bytes,
                                  struct cache_stamp stamp);
static void entry_destroy(struct entry *entry);
static void insert(struct cache *cache, struct entry *entry);
static void remove_at(struct cache *cache, uint32_t slot);

static struct entry *entry_of(uint64_t slot) {
    return (struct entry *)(uintptr_t)(slot & SLOT_ADDRESS);
}

/* About the golden section of the slots, which scatters best (Knuth, The Art of Computer
 * Programming 3, 6.4), and without a common divisor. */
static uint32_t stride_for(uint32_t slots) {
    uint32_t stride = (uint32_t)((double)slots * 0.6180339887);
    for (;; stride++) {
        uint32_t a = slots;
        uint32_t b = stride;
        while (b != 0) {
            uint32_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) {
            return stride;
        }
    }
}

struct cache *cache_create(const struct cache_options *options) {
    struct cache *cache = calloc(1, sizeof(*cache));
    ENSURE(cache != NULL);
    cache->bytes_max = options->bytes_max < CACHE_BYTES_MIN ? CACHE_BYTES_MIN : options->bytes_max;
    uint64_t slots = cache->bytes_max / CACHE_BYTES_PER_SLOT;
    cache->slots = slots > UINT32_MAX ? UINT32_MAX : (uint32_t)slots;
    cache->entries_max = cache->slots - cache->slots / 4;
    uint64_t negatives = cache->bytes_max / CACHE_NEGATIVE_SHARE / NEGATIVE_BYTES;
    cache->negatives_max =
        negatives < cache->entries_max / 2 ? (uint32_t)negatives : cache->entries_max / 2;
    cache->stride = stride_for(cache->slots);
    cache->negative_ns = options->negative_ns;
    cache->metrics = options->metrics;
    random_bytes(cache->seed, sizeof(cache->seed));
    cache->slot = calloc(cache->slots, sizeof(cache->slot[0]));
    ENSURE(cache->slot != NULL);
    cache->bytes = (uint64_t)cache->slots * sizeof(cache->slot[0]);
    return cache;
}

void cache_destroy(struct cache **cache) {
    struct cache *it = *cache;
    for (uint32_t slot = 0; slot < it->slots; slot++) {
        if (it->slot[slot] != 0) {
            entry_destroy(entry_of(it->slot[slot]));
        }
    }
    free(it->slot);
    free(it);
    *cache = NULL;
}

static uint64_t hash_of(const struct cache *cache, enum cache_kind kind, struct slice key) {
    return hash_key(key, &cache->seed[kind]);
}

/* The slot where a key's search begins: the hash's upper half scaled to the table. */
static uint32_t home_of(const struct cache *cache, uint64_t hash) {
    return (uint32_t)(((hash >> 32) * cache->slots) >> 32);
}

static uint32_t next_slot(const struct cache *cache, uint32_t slot) {
    return slot + 1 == cache->slots ? 0 : slot + 1;
}

/* Where the payload begins, counted from the entry's first byte. */
static size_t payload_offset(enum cache_kind kind, size_t key_size) {
    size_t alignment = kind == CACHE_LINK ? LINK_ALIGNMENT : sizeof(struct campaign *);
    return (offsetof(struct entry, key) + key_size + alignment - 1) & ~(alignment - 1);
}

static void *payload_of(struct entry *entry, enum cache_kind kind) {
    return (char *)entry + payload_offset(kind, entry->key_size);
}

/* What a slot says of its entry's key. */
static uint64_t sign_of(enum cache_kind kind, uint64_t hash) {
    return (kind == CACHE_CAMPAIGN ? SLOT_CAMPAIGN : 0) | (hash << 48 & SLOT_HASH);
}

static inline uint32_t load_u32(const char *at) {
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t load_u64(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* A call of memcmp() takes longer than most keys are. */
static inline bool key_is(const struct entry *entry, struct slice key) {
    const char *a = entry->key;
    const char *b = key.data;
    size_t size = key.size;
    if (entry->key_size != size) {
        return false;
    }
    if (size < 4) {
        return a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1];
    }
    if (size < 8) {
        return load_u32(a) == load_u32(b) && load_u32(a + size - 4) == load_u32(b + size - 4);
    }
    if (size > KEY_SHORT_BYTES) {
        return memcmp(a, b, size) == 0;
    }
    return load_u64(a) == load_u64(b) && load_u64(a + size - 8) == load_u64(b + size - 8);
}

/* The slot of the key, or the free one where it would go. */
__attribute__((always_inline)) static inline uint64_t *
probe(const struct cache *cache, enum cache_kind kind, struct slice key, uint64_t hash) {
    uint64_t wanted = sign_of(kind, hash);
    uint32_t at = home_of(cache, hash);
    for (;; at = next_slot(cache, at)) {
        uint64_t found = cache->slot[at];
        if (found == 0 ||
            ((found & (SLOT_CAMPAIGN | SLOT_HASH)) == wanted && key_is(entry_of(found), key))) {
            return &cache->slot[at];
        }
    }
}

/* Wherever it lies. Not inlined: it saves registers that its callers do without. */
__attribute__((noinline)) static bool find_any(struct cache *cache, enum cache_kind kind,
                                               struct slice key, uint64_t now_ns,
                                               struct cache_hit *hit) {
    uint64_t *slot = probe(cache, kind, key, hash_of(cache, kind, key));
    uint64_t found = *slot;
    if (UNLIKELY(found == 0)) {
        return false;
    }
    struct entry *entry = entry_of(found);
    hit->stamp.issued_ns = entry->issued_ns;
    hit->stamp.epoch = entry->epoch;
    hit->link = NULL;
    hit->campaign = NULL;
    if (UNLIKELY((found & SLOT_NEGATIVE) != 0)) {
        /* A caller's idea of now may be a little older than the fetch. */
        if (now_ns >= entry->issued_ns && now_ns - entry->issued_ns >= cache->negative_ns) {
            return false;
        }
    } else if (kind == CACHE_LINK) {
        hit->link = payload_of(entry, CACHE_LINK);
    } else {
        hit->campaign = *(struct campaign **)payload_of(entry, CACHE_CAMPAIGN);
        cache->latest = entry;
    }
    if (UNLIKELY((found & SLOT_MARKED) == 0)) {
        *slot = found | SLOT_MARKED;
    }
    return true;
}

/* Most codes are short, known, and lie marked in the slot where their search begins. Without the
 * loop no register need be saved, and the marks, the kind and the hash are one comparison: 35
 * instructions fewer. */
static inline bool find_link(struct cache *cache, struct slice code, uint64_t now_ns,
                             struct cache_hit *hit) {
    if (LIKELY(code.size <= KEY_SHORT_BYTES)) {
        uint64_t hash = hash_of(cache, CACHE_LINK, code);
        uint64_t found = cache->slot[home_of(cache, hash)];
        struct entry *entry = entry_of(found);
        if (LIKELY((found & ~SLOT_ADDRESS) == (sign_of(CACHE_LINK, hash) | SLOT_MARKED) &&
                   key_is(entry, code))) {
            hit->stamp.issued_ns = entry->issued_ns;
            hit->stamp.epoch = entry->epoch;
            hit->link = payload_of(entry, CACHE_LINK);
            hit->campaign = NULL;
            return true;
        }
    }
    return find_any(cache, CACHE_LINK, code, now_ns, hit);
}

/* Most taps are of the campaign of the tap before: comparing its id takes 25 instructions where
 * looking it up takes 80. Its slot is marked, and stays so while it is the latest: who unmarks
 * slots goes on to remove an entry. */
static inline bool find_latest(const struct cache *cache, struct slice id, struct cache_hit *hit) {
    struct entry *entry = cache->latest;
    if (entry == NULL || !key_is(entry, id)) {
        return false;
    }
    hit->stamp.issued_ns = entry->issued_ns;
    hit->stamp.epoch = entry->epoch;
    hit->link = NULL;
    hit->campaign = *(struct campaign **)payload_of(entry, CACHE_CAMPAIGN);
    return true;
}

bool cache_find(struct cache *cache, enum cache_kind kind, struct slice key, uint64_t now_ns,
                struct cache_hit *hit) {
    if (kind == CACHE_LINK) {
        return find_link(cache, key, now_ns, hit);
    }
    return find_latest(cache, key, hit) || find_any(cache, CACHE_CAMPAIGN, key, now_ns, hit);
}

void cache_put_link(struct cache *cache, struct slice code, const struct link *link,
                    struct cache_stamp stamp) {
    size_t bytes = link != NULL ? link_bytes(link) : 0;
    struct entry *entry = entry_create(CACHE_LINK, code, bytes, stamp);
    entry->is_negative = link == NULL;
    if (link != NULL) {
        memcpy(payload_of(entry, CACHE_LINK), link, bytes);
    }
    insert(cache, entry);
}

void cache_put_campaign(struct cache *cache, struct slice id, struct campaign *campaign,
                        struct cache_stamp stamp) {
    struct entry *entry = entry_create(CACHE_CAMPAIGN, id, sizeof(campaign), stamp);
    entry->is_negative = campaign == NULL;
    *(struct campaign **)payload_of(entry, CACHE_CAMPAIGN) = campaign;
    insert(cache, entry);
}

void cache_invalidate(struct cache *cache, enum cache_kind kind, struct slice key) {
    uint64_t *slot = probe(cache, kind, key, hash_of(cache, kind, key));
    if (*slot == 0) {
        return;
    }
    metric_add(cache->metrics, LINK_CACHE_INVALIDATIONS, 1);
    struct entry *entry = entry_of(*slot);
    if (entry->is_negative) {
        remove_at(cache, (uint32_t)(slot - cache->slot));
    } else {
        entry->issued_ns = 0;
        entry->epoch = 0;
    }
}

size_t cache_longest_run(const struct cache *cache) {
    size_t longest = 0;
    size_t run = 0;
    for (uint32_t slot = 0; slot < cache->slots; slot++) {
        run = cache->slot[slot] != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

size_t cache_entries(const struct cache *cache) {
    return cache->entries;
}

uint64_t cache_bytes(const struct cache *cache) {
    return cache->bytes;
}

/* ---- entries ---- */

static struct slice key_of(const struct entry *entry) {
    return slice_make(entry->key, entry->key_size);
}

static struct entry *entry_create(enum cache_kind kind, struct slice key, size_t payload_bytes,
                                  struct cache_stamp stamp) {
    ENSURE(key.size > 0 && key.size <= CODE_BYTES_MAX);
    size_t size = payload_offset(kind, key.size) + payload_bytes;
    struct entry *entry = malloc(size > sizeof(*entry) ? size : sizeof(*entry));
    ENSURE(entry != NULL);
    entry->issued_ns = stamp.issued_ns;
    entry->epoch = stamp.epoch;
    entry->kind = (uint8_t)kind;
    entry->key_size = (uint8_t)key.size;
    memcpy(entry->key, key.data, key.size);
    return entry;
}

static struct campaign *campaign_of(struct entry *entry) {
    return entry->kind == CACHE_CAMPAIGN ? *(struct campaign **)payload_of(entry, CACHE_CAMPAIGN)
                                         : NULL;
}

/* What the entry costs on the heap, as the allocator rounds it. */
static uint64_t bytes_of(struct entry *entry) {
    struct campaign *campaign = campaign_of(entry);
    return malloc_usable_size(entry) + (campaign != NULL ? malloc_usable_size(campaign) : 0);
}

static void entry_destroy(struct entry *entry) {
    struct campaign *campaign = campaign_of(entry);
    campaign_destroy(&campaign);
    free(entry);
}

/* ---- the table ---- */

static void count(struct cache *cache) {
    metric_put(cache->metrics, LINK_CACHE_ENTRIES, cache->entries);
    metric_put(cache->metrics, LINK_CACHE_NEGATIVE_ENTRIES, cache->negatives);
    metric_put(cache->metrics, LINK_CACHE_BYTES, cache->bytes);
}

/* Frees the entry and closes the gap: whatever follows without a free slot between and would
 * not be found any more moves into it (Knuth, The Art of Computer Programming 3, 6.4,
 * algorithm R). */
static void remove_at(struct cache *cache, uint32_t slot) {
    struct entry *entry = entry_of(cache->slot[slot]);
    cache->latest = NULL; /* it may be this one, or have lost its mark */
    cache->entries--;
    cache->negatives -= entry->is_negative;
    cache->bytes -= bytes_of(entry);
    entry_destroy(entry);

    uint32_t gap = slot;
    for (uint32_t at = next_slot(cache, slot); cache->slot[at] != 0; at = next_slot(cache, at)) {
        const struct entry *follower = entry_of(cache->slot[at]);
        uint32_t home =
            home_of(cache, hash_of(cache, (enum cache_kind)follower->kind, key_of(follower)));
        bool home_is_behind_gap = gap < at ? home > gap && home <= at : home > gap || home <= at;
        if (!home_is_behind_gap) {
            cache->slot[gap] = cache->slot[at];
            gap = at;
        }
    }
    cache->slot[gap] = 0;
    count(cache);
}

/* Takes the first entry that is not marked; of the negative ones, if it is to be. One sweep
 * spares at most CACHE_CLOCK_STEPS_MAX slots, so that no tap waits for a whole turn. The caller
 * knows that there is one. */
static void evict(struct cache *cache, uint32_t *hand, bool is_negative) {
    uint32_t slot = *hand;
    for (size_t steps = 0;; steps++) {
        uint32_t left = cache->slots - slot;
        slot = cache->stride < left ? slot + cache->stride : cache->stride - left;
        uint64_t found = cache->slot[slot];
        if (is_negative ? (found & SLOT_NEGATIVE) == 0 : found == 0) {
            continue;
        }
        if ((found & SLOT_MARKED) != 0 && steps < CACHE_CLOCK_STEPS_MAX) {
            cache->slot[slot] = found & ~SLOT_MARKED;
            continue;
        }
        break;
    }
    *hand = slot;
    remove_at(cache, slot);
    metric_add(cache->metrics, LINK_CACHE_EVICTIONS, 1);
}

/* Takes the entry over. */
static void insert(struct cache *cache, struct entry *entry) {
    enum cache_kind kind = (enum cache_kind)entry->kind;
    uint64_t hash = hash_of(cache, kind, key_of(entry));
    uint64_t bytes = bytes_of(entry);
    uint64_t *slot = probe(cache, kind, key_of(entry), hash);
    if (*slot != 0) {
        remove_at(cache, (uint32_t)(slot - cache->slot));
    }
    if (entry->is_negative && cache->negatives >= cache->negatives_max) {
        metric_add(cache->metrics, LINK_CACHE_NEGATIVE_LIMIT, 1);
        evict(cache, &cache->negative_hand, true);
    }
    while (cache->entries > 0 &&
           (cache->entries >= cache->entries_max || cache->bytes + bytes > cache->bytes_max)) {
        evict(cache, &cache->hand, false);
    }
    slot = probe(cache, kind, key_of(entry), hash);
    uint64_t address = (uintptr_t)entry;
    ENSURE(*slot == 0 && (address & ~SLOT_ADDRESS) == 0);
    *slot = sign_of(kind, hash) | (entry->is_negative ? SLOT_NEGATIVE : 0) | address;
    cache->entries++;
    cache->negatives += entry->is_negative;
    cache->bytes += bytes;
    count(cache);
}
