/*
 * redis/tracking.h - hearing of every change to keys under some prefixes.
 *
 * Redis' client-side caching in broadcasting mode over RESP2, on one connection that redirects
 * to itself: CLIENT ID, CLIENT TRACKING ON REDIRECT <own id> BCAST PREFIX ..., SUBSCRIBE
 * __redis__:invalidate (https://redis.io/commands/client-tracking/). Invalidation messages name
 * keys; a null instead of keys (FLUSHALL, FLUSHDB) means all of them.
 *
 * A change is missed only while the connection is down, so whoever caches must distrust what
 * was cached before the last on_state(true). The connection is PINGed twice a second; no answer
 * for a second means it is lost. It comes back with the same backoff as redis/client.h.
 *
 * Threads   All calls and callbacks on the loop's thread.
 */
#ifndef REDIS_TRACKING_H
#define REDIS_TRACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct event_base;
struct log;
struct metric_registry;
struct redis_tracking;
struct redis_url;

struct redis_tracking_options {
    struct event_base *base;
    const struct redis_url *url;  /* copied */
    const struct slice *prefixes; /* copied; must not overlap (Redis refuses that) */
    size_t prefix_count;
    struct log *log;
    struct metric_registry *metrics;
    void (*on_state)(void *argument, bool tracking);  /* true: from now on nothing is missed */
    void (*on_key)(void *argument, struct slice key); /* the whole key, prefix included */
    void (*on_flush)(void *argument);
    void *argument;
};

struct redis_tracking *redis_tracking_create(const struct redis_tracking_options *options);
/* In on_state(false): whether it was lost because nothing was heard for too long, rather than
 * closed. Then Redis itself may be frozen. */
bool redis_tracking_fell_silent(const struct redis_tracking *tracking);

void redis_tracking_destroy(struct redis_tracking **tracking);

#endif
