/*
 * live.h - server-sent events: the clicks of the last second, to everybody who listens.
 *
 * One look a second at Redis serves all subscribers, on a pool thread, and none is taken while
 * there are none. A look that failed is a comment, so that proxies and clients know that we are
 * alive. With each look goes the question whether the subscribers' tokens are still there: a
 * revoked one ends its streams.
 *
 *   retry: 2000
 *   data: {"at":...,"clicks":3,...}
 *   : the numbers cannot be read at the moment
 *
 * The form is the WHATWG HTML standard's, section 9.2.5.
 *
 * Threads   The server's own, but for the look.
 * Limits    LIVE_SUBSCRIBERS_MAX; who leaves LIVE_BACKLOG_BYTES_MAX untaken is dropped.
 */
#ifndef API_LIVE_H
#define API_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/token.h"
#include "base/slice.h"

struct buf;
struct caller;
struct event_base;
struct live;
struct metric_set;
struct pool;
struct redis_pipe;

enum {
    LIVE_SUBSCRIBERS_MAX = 64,
    LIVE_BACKLOG_BYTES_MAX = 64 * 1024,
    LIVE_INTERVAL_MS = 1000,
    LIVE_RETRY_MS = 2000,
};

struct live_options {
    struct event_base *base;
    struct pool *pool;
    struct metric_set *metrics;
    struct slice key_prefix; /* both outlive it */
    struct slice zone;
    uint32_t interval_ms;
};

struct live *live_create(const struct live_options *options);
/* The pool has stopped, and the callers are gone. */
void live_destroy(struct live **live);

/* Answers with events until the client goes. False: all places are taken. */
bool live_subscribe(struct live *live, struct caller *caller, const char *token_hash);

/* Ends all streams. */
void live_end(struct live *live);

#endif
