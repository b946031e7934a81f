/*
 * edge_worker.h - everything one worker has: the context of every tap it answers.
 *
 * Threads   The worker's own; made and freed on the main thread while it does not run.
 */
#ifndef EDGE_EDGE_WORKER_H
#define EDGE_EDGE_WORKER_H

#include <stdint.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "click/token.h"
#include "conf/cidr.h"
#include "decide/visitor.h"
#include "edge/edge.h"
#include "http/response.h"
#include "link/hosts.h"
#include "signing.h"

struct agent_cache;
struct agents;
struct association;
struct conn_loop;
struct geo_cache;
struct listener;
struct page_set;
struct redis_url;
struct resolver;
struct tally;
struct tap;
struct worker;

enum {
    PAGE_BYTES_MAX = 48 * 1024,
    RESPONSE_BYTES_MAX = PAGE_BYTES_MAX + 1024,
    QR_A_SECOND_MAX = 200, /* a large one takes a worker a millisecond and more */
    TAPS_SPARE_MAX = 256,  /* finished taps kept for the next suspended ones */
};

/* What a reload may change. A value: each worker has its own. */
struct edge_settings {
    struct cidr trusted[CIDR_LIST_MAX];
    size_t trusted_count;
    char home_url[2048 + 1];
    char default_campaign[64 + 1];
    char allowed_hosts[HOSTS_BYTES_MAX + 1];
    uint32_t redis_timeout_ms;
};

void edge_settings_read(struct edge_settings *settings, const struct conf *conf);

struct edge_worker {
    unsigned index;
    struct worker *thread;
    struct conn_loop *conns;
    struct listener *listeners[EDGE_LISTENERS_MAX];
    size_t listener_count;
    struct resolver *resolver;
    struct journal *journal;
    struct tally *tally; /* beside it */
    struct agent_cache *agents;
    struct geo *geo; /* a reference of its own, or NULL */
    struct geo_cache *places;
    struct metric_set *metrics;
    struct log *log;
    struct page_set *pages; /* a reference of its own */
    struct edge_settings settings;

    struct association *association; /* shared */
    const struct token_key *tokens;  /* shared, immutable */
    const uint8_t *secret;           /* the identity's */
    struct visitor_salt salt;        /* of today */
    struct visitor_sharer sharer;    /* of all days */
    struct clock_local local;        /* for rules with hours */
    struct random random;
    struct http_date date;
    uint64_t now_ns;         /* monotonic, of the current turn */
    uint64_t real_offset_ms; /* what makes Unix time of it */
    uint64_t real_synced_ns; /* when that was last looked at */

    struct signing signing; /* of this turn's answers */
    size_t answered_taps;   /* in this turn, at once: their duration is not observed yet */
    struct tap *spare_taps; /* a list */
    size_t spare_tap_count;
    uint64_t qr_second; /* QR codes are drawn QR_A_SECOND_MAX times in one */
    uint32_t qr_drawn;  /* in that second */
    uint64_t begun_ns;
    uint64_t drain_since_ns;
    uint64_t drain_until_ns; /* connections that are still open then are closed */

    char page_bytes[PAGE_BYTES_MAX];
};

struct edge_worker_options {
    unsigned index;
    const struct conf *conf;
    const struct identity *identity;
    const struct redis_url *redis;
    const struct agents *agents;
    struct page_set *pages; /* the worker takes a reference */
    struct association *association;
    const struct token_key *tokens;
    unsigned worker_count;
    uint16_t *ports; /* EDGE_LISTENERS_MAX: what a port of 0 became for the first worker, which
                        the others then share; 0: not yet */
    struct log *log;
    struct metric_registry *metrics;
};

MUST_CHECK struct edge_worker *edge_worker_create(const struct edge_worker_options *options,
                                                  struct err *err);
void edge_worker_destroy(struct edge_worker **worker);

/* Before its thread starts: from now on clients can connect; taps are taken as soon as Redis is
 * connected, or a moment later. */
MUST_CHECK bool edge_worker_begin(struct edge_worker *worker, struct err *err);

/* It is now_ns: with it go Unix time, the Date field and the visitors' day. Once an input. */
void edge_worker_tick(struct edge_worker *worker, uint64_t now_ns);

/* Unix time in milliseconds, as of the last tick. */
static inline uint64_t edge_worker_now_ms(const struct edge_worker *worker) {
    return worker->now_ns / 1000000u + worker->real_offset_ms;
}

/* On the worker's thread: begins to drain, and ends the loop when nothing is left, at the latest
 * after drain_ms. */
void edge_worker_drain(struct edge_worker *worker, uint32_t drain_ms);

#endif
