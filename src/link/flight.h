/*
 * flight.h - what is being fetched from Redis: private to the resolver.
 *
 * One flight a key, however many wait for it. A link's flight has two legs: the hash of the link,
 * and then, unless the cache has it fresh, its campaign's, which is a flight of its own that the
 * links wait for:
 *
 *   link AB12CD ──┐
 *   link XY34ZW ──┼─ wait for ─► campaign spring ──HMGET──► Redis
 *   (default) ────┘
 *
 * An invalidation of a key in flight makes its flight dirty: the reply is dropped and the key
 * fetched again, FLIGHT_REFETCHES_MAX times; then what came last is used, and stamped as stale.
 * A fetch whose connection is closed under it is issued once more while the connection returns.
 * A flight ends by taking itself off the table, calling who waits, and freeing itself; callbacks
 * may begin other flights, also of the same key.
 *
 * Threads   The resolver's.
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "link/cache.h"

struct flight;
struct link;
struct resolver;
struct resolver_waiter;

enum { FLIGHT_BUCKETS = 4096, FLIGHT_REFETCHES_MAX = 3 };

struct flight_table {
    struct flight *bucket[FLIGHT_BUCKETS];
    struct list_node all;
    size_t count;
    uint64_t seed;
};

void flight_table_init(struct flight_table *table);

/* NULL when the key is not being fetched. */
struct flight *flight_find(struct resolver *resolver, enum cache_kind kind, struct slice key);

/* The flight of a link: the one under way, or one that begins; with its second leg when link is not
 * NULL (fresh, and the cache's). NULL when Redis refuses, or too many are under way. */
struct flight *flight_join(struct resolver *resolver, struct slice code, const struct link *link,
                           uint64_t now_ns);

/* The same for a campaign that is not in flight. */
struct flight *flight_begin_campaign(struct resolver *resolver, struct slice id, uint64_t now_ns);

/* The waiter will be called when the link's flight ends. */
void flight_await(struct flight *flight, struct resolver_waiter *waiter);

/* The key, or every key, has changed. */
void flight_invalidate(struct resolver *resolver, enum cache_kind kind, struct slice key);
void flight_invalidate_all(struct resolver *resolver);

/* Calls every waiter with RESOLVE_UNREACHABLE. The flights themselves end with the client. */
void flight_abandon_all(struct resolver *resolver);

#endif
