/*
 * link/resolver.h - from a code to its link and campaign: cache first, then Redis.
 *
 *   resolver_find ──hit──► resolution, at once
 *        │ miss
 *        ▼
 *   one flight a key (single-flight) ──► Redis ──► every waiter is called
 *
 * The cache (link/cache.h) is kept honest by Redis' invalidation messages (redis/tracking.h).
 * An entry is
 *   fresh    loaded while tracking was on, and not invalidated since: used as it is;
 *   stale    invalidated, or from before the last loss of tracking ("suspect"): fetched again
 *            before it is used; when Redis does not answer, or fell silent and has yet to answer
 *            a PING, used as it is.
 * An invalidation that arrives while its key is being fetched wins: the fetch is done again.
 * While tracking is off but Redis answers, what was fetched is good for RESOLVER_TRUST_MS.
 * Codes that Redis does not know are remembered, too: RESOLVER_NEGATIVE_MS, in a bounded share.
 * edge.default_campaign is fetched at start and whenever Redis comes back, and is never evicted.
 *
 * Nonsense in Redis (link_faults, campaign faults, a key of the wrong type or with more than a
 * megabyte, a link without campaign and url) is counted, and logged with code or campaign, field
 * and reason, at most once a minute for each of them and 60 lines a minute in all. A key with too
 * much reads as one that does not exist, and is remembered like that.
 *
 * When the connection to Redis is merely closed, what was being fetched is fetched again, and
 * misses wait for it to return, timeout_ms at most (redis/client.h).
 *
 * Threads   One resolver a worker: all calls and callbacks on the worker's thread.
 * Limits    cache_bytes of entries; RESOLVER_FLIGHTS_MAX fetches at once, beyond which a miss
 *           counts as unreachable; each limit has a counter.
 */
#ifndef LINK_RESOLVER_H
#define LINK_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct campaign;
struct event_base;
struct link;
struct log;
struct metric_registry;
struct redis_url;
struct resolver;

enum {
    RESOLVER_FLIGHTS_MAX = 10000,
    RESOLVER_TRUST_MS = 100,
    RESOLVER_NEGATIVE_MS = 30000,
};

struct resolver_options {
    struct event_base *base;
    const struct redis_url *url;
    struct slice key_prefix;       /* redis.prefix; copied */
    uint32_t timeout_ms;           /* redis.timeout_ms: a look-up slower than this falls back */
    uint64_t cache_bytes;          /* this worker's share of cache.max_mb */
    struct slice default_campaign; /* may be empty; copied */
    struct slice allowed_hosts;    /* links.allowed_hosts (link/hosts.h); may be empty; copied */
    struct log *log;
    struct metric_registry *metrics;
    void (*on_batch_end)(void *batch_argument); /* may be NULL; see struct resolver_waiter */
    void *batch_argument;
};

enum resolve_result {
    RESOLVE_DONE,        /* resolution is filled in, whatever it says */
    RESOLVE_PENDING,     /* the waiter will be called */
    RESOLVE_UNREACHABLE, /* not cached, and Redis cannot be asked */
};

/* Borrowed: valid until the thread returns to its event loop or calls the resolver again. */
struct resolution {
    const struct link *link;         /* NULL: there is no such code */
    const struct campaign *campaign; /* NULL: the link names none, or none that exists */
};

/* Lives in the tap that waits; must stay where it is until it is called or cancelled. Waiters are
 * called in batches: all that one read from Redis decides, or one loss of it, and then
 * on_batch_end() once, which may write what their taps answer. It may look up, too. */
struct resolver_waiter {
    struct list_node node;
    /* result is DONE or UNREACHABLE. The waiter is off the list by then. */
    void (*on_resolved)(struct resolver_waiter *waiter, enum resolve_result result,
                        struct resolution resolution);
};

struct resolver *resolver_create(const struct resolver_options *options);

/* Calls every waiter with RESOLVE_UNREACHABLE first. */
void resolver_destroy(struct resolver **resolver);

/* code must be valid (link/code.h). on_resolved is never called from within this call. */
enum resolve_result resolver_find(struct resolver *resolver, struct slice code, uint64_t now_ns,
                                  struct resolution *resolution, struct resolver_waiter *waiter);

/* Sends what the look-ups so far ask of Redis, for those who look up in batches and know where one
 * ends; whatever is not flushed is sent when the loop turns. Calls nobody. */
void resolver_flush(struct resolver *resolver);

/* Harmless for a waiter that is not waiting. */
void resolver_cancel(struct resolver_waiter *waiter);

/* The last good edge.default_campaign; NULL when none is configured or none was ever seen. */
const struct campaign *resolver_default_campaign(struct resolver *resolver);

/* Takes over a copy of edge.default_campaign from an earlier run, to be used until Redis says what
 * it is now. One of another id, or that comes too late, is freed. */
void resolver_seed_default(struct resolver *resolver, struct campaign *campaign);

/* What a reload may change. */
void resolver_configure(struct resolver *resolver, uint32_t timeout_ms,
                        struct slice default_campaign);

/* The same for links.allowed_hosts, a list that passed hosts_check(): what is remembered was bound
 * by another one, so all of it is fetched again before it is used, and used as it is only while
 * Redis does not answer. */
void resolver_set_hosts(struct resolver *resolver, struct slice hosts);

/* For /readyz, from any thread: whether Redis answers, and did not refuse the last look-up with an
 * error, and whether changes are being heard. */
bool resolver_is_connected(const struct resolver *resolver);
bool resolver_is_tracking(const struct resolver *resolver);

#endif
