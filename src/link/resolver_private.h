/*
 * resolver_private.h - the resolver's inside, shared by resolver.c and flight.c.
 */
#ifndef RESOLVER_PRIVATE_H
#define RESOLVER_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "flight.h"
#include "link/cache.h"
#include "link/code.h"
#include "link/hosts.h"
#include "link/resolver.h"
#include "nonsense.h"
#include "redis/prepared.h"

enum { KEY_PREFIX_BYTES_MAX = 256 };

/* What edge.default_campaign names. */
struct default_campaign {
    char id[CODE_BYTES_MAX];
    size_t id_size;            /* 0: none configured */
    struct campaign *campaign; /* the last good one; a copy of its own, so never evicted */
    struct cache_stamp stamp;  /* of the last answer, also when it was "no such campaign" */
    uint64_t asked_ns;
    struct log_limit missing;
};

/* What is known of a Redis that answers and refuses to read. */
struct refusal {
    enum cache_kind kind; /* of the key that was refused last */
    size_t key_size;
    char key[CODE_BYTES_MAX];
    struct log_limit limit;
};

struct resolver {
    struct redis_client *client;
    struct redis_tracking *tracking;
    struct cache *cache;
    struct log *log;
    struct metric_set *metrics;
    uint32_t epoch;      /* current one; 0 while tracking is off */
    uint32_t last_epoch; /* every time tracking begins, the next */
    unsigned doubts;     /* PINGs under way that are to tell whether Redis is frozen */
    bool is_closing;
    bool is_in_batch; /* a waiter was called since the last on_batch_end() */
    void (*on_batch_end)(void *batch_argument);
    void *batch_argument;
    atomic_bool is_connected;
    atomic_bool is_refused; /* the last look-up that was answered */
    atomic_bool is_tracking;
    struct refusal refusal;
    struct nonsense nonsense;
    char hosts_text[HOSTS_BYTES_MAX]; /* what nonsense.hosts points to */
    struct default_campaign fallback;
    struct slice key_prefix[CACHE_KIND_COUNT]; /* of redis.prefix and "link:", "campaign:" */
    char key_prefix_text[CACHE_KIND_COUNT][KEY_PREFIX_BYTES_MAX];
    struct redis_prepared fetch[CACHE_KIND_COUNT]; /* HMGET of all fields */
    struct flight_table flights;
};

/* links.allowed_hosts, which bind what is fetched. */
static inline struct slice resolver_hosts(const struct resolver *resolver) {
    return resolver->nonsense.hosts;
}

/* Whether what was fetched with this stamp may be used without asking again. */
static inline bool resolver_is_fresh(const struct resolver *resolver, struct cache_stamp stamp,
                                     uint64_t now_ns) {
    if (resolver->epoch != 0) {
        return stamp.epoch == resolver->epoch;
    }
    return stamp.issued_ns + (uint64_t)RESOLVER_TRUST_MS * 1000000 > now_ns;
}

/* The best answer without asking Redis: whatever the cache has, however old. */
enum resolve_result resolver_answer_stale(struct resolver *resolver, struct slice code,
                                          uint64_t now_ns, struct resolution *resolution);

/* The same for a link whose campaign cannot be asked for. */
enum resolve_result resolver_answer_link(struct resolver *resolver, const struct link *link,
                                         uint64_t now_ns, struct resolution *resolution);

/* values NULL: Redis has no such campaign. Ignores ids other than the default campaign's. */
void resolver_default_arrived(struct resolver *resolver, struct slice id,
                              const struct slice *values, struct cache_stamp stamp);

/* A look-up was answered with an error that says nothing of its key, or was answered well. */
void resolver_reads_refused(struct resolver *resolver, enum cache_kind kind, struct slice key,
                            struct slice error);
void resolver_reads_answered(struct resolver *resolver);

#endif
