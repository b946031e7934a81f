/*
 * link/cache.h - the links and campaigns that a worker remembers, within a budget.
 *
 * Keys are codes or campaign ids, kept apart by kind; an entry says what the key means, or that
 * Redis knows no such key (a negative entry). Each carries a stamp: when its fetch was issued,
 * and in which epoch of the tracking connection; what makes an entry fresh is the business of
 * link/resolver.h.
 *
 * Eviction is CLOCK (Corbato 1968: second chance): a find marks its entry, a hand that sweeps
 * the table takes the first entry that is not marked, and unmarks what it passes. Negative
 * entries expire, and have at most a share of the table, so that a stranger who guesses codes
 * cannot push the links out.
 *
 * Threads   One.
 * Limits    bytes_max for everything: the table, whose size is fixed at creation (no pause to
 *           grow; its pages are touched only as entries come), and the heap blocks as the
 *           allocator rounds them. cache_find() does not allocate and frees nothing: what it
 *           handed out is valid until the next cache_put_*, cache_invalidate or cache_destroy.
 */
#ifndef LINK_CACHE_H
#define LINK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct cache;
struct campaign;
struct link;
struct metric_set;

enum {
    CACHE_BYTES_MIN = 64 * 1024,   /* a smaller bytes_max is raised to this */
    CACHE_BYTES_PER_SLOT = 64,     /* of bytes_max: how many slots the table has */
    CACHE_NEGATIVE_SHARE = 8,      /* negative entries: at most this part of bytes_max */
    CACHE_CLOCK_STEPS_MAX = 16384, /* slots swept for one eviction that spares marked entries */
};

enum cache_kind { CACHE_LINK, CACHE_CAMPAIGN, CACHE_KIND_COUNT };

struct cache_options {
    uint64_t bytes_max;
    uint64_t negative_ns;       /* a negative entry older than this is no entry */
    struct metric_set *metrics; /* of link_metrics_create(); outlives the cache */
};

struct cache_stamp {
    uint64_t issued_ns; /* monotonic; 0: long ago */
    uint32_t epoch;     /* 0: none, never current */
};

/* Exactly one of link and campaign is set, by kind; neither in a negative entry. Borrowed. */
struct cache_hit {
    const struct link *link;
    const struct campaign *campaign;
    struct cache_stamp stamp;
};

struct cache *cache_create(const struct cache_options *options);
void cache_destroy(struct cache **cache);

/* key: a valid code or id (link/code.h). False when there is no entry. */
bool cache_find(struct cache *cache, enum cache_kind kind, struct slice key, uint64_t now_ns,
                struct cache_hit *hit);

/* Replaces what there was, and evicts others as needed, never the new one. link is copied; NULL
 * makes a negative entry. */
void cache_put_link(struct cache *cache, struct slice code, const struct link *link,
                    struct cache_stamp stamp);

/* The same; the campaign becomes the cache's. */
void cache_put_campaign(struct cache *cache, struct slice id, struct campaign *campaign,
                        struct cache_stamp stamp);

/* Removes a negative entry; sets the stamp of any other to zero, so that it is known to be out
 * of date and can still be served when there is nothing better. */
void cache_invalidate(struct cache *cache, enum cache_kind kind, struct slice key);

/* Entries and bytes (table included) now. */
size_t cache_entries(const struct cache *cache);
uint64_t cache_bytes(const struct cache *cache);

/* How many slots a search may have to pass; looks at the whole table, for a test. */
size_t cache_longest_run(const struct cache *cache);

#endif
