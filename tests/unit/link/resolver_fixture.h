/*
 * resolver_fixture.h - a resolver on a loop of its own before a real Redis, and taps that wait.
 */
#ifndef RESOLVER_FIXTURE_H
#define RESOLVER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/redis_server.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/resolver.h"
#include "link_metrics.h"
#include "redis/pipe.h"
#include "resolver_private.h"

enum { TIMEOUT_MS = 50, PATIENCE_MS = 5000, SEEN_MS = 100 };

struct fixture {
    struct test_redis redis;
    struct redis_pipe *pipe;
    struct event_base *base;
    struct resolver *resolver;
    unsigned called;  /* waiters */
    unsigned batches; /* that ended */
};

/* A waiter and what it was told, copied: the resolution is borrowed. */
struct tap {
    struct resolver_waiter waiter;
    struct fixture *it;
    unsigned calls;
    enum resolve_result result;
    bool has_link;
    bool has_campaign;
    bool is_paused;
    unsigned faults;
    char owner[32];
    char name[32];
    struct tap *then; /* looked up from within the callback */
};

static inline void note(struct tap *tap, enum resolve_result result, struct resolution resolution) {
    tap->calls++;
    tap->result = result;
    tap->has_link = resolution.link != NULL;
    tap->has_campaign = resolution.campaign != NULL;
    if (resolution.link != NULL) {
        struct slice owner = link_owner(resolution.link);
        (void)snprintf(tap->owner, sizeof(tap->owner), "%.*s", SLICE_ARG(owner));
        tap->is_paused = link_status(resolution.link) == LINK_PAUSED;
        tap->faults = link_faults(resolution.link);
    }
    if (resolution.campaign != NULL) {
        struct slice name = resolution.campaign->text[CAMPAIGN_FIELD_NAME];
        (void)snprintf(tap->name, sizeof(tap->name), "%.*s", SLICE_ARG(name));
    }
}

static inline enum resolve_result find(struct fixture *it, const char *code, struct tap *tap);

static inline void on_resolved(struct resolver_waiter *waiter, enum resolve_result result,
                               struct resolution resolution) {
    struct tap *tap = CONTAINER_OF(waiter, struct tap, waiter);
    note(tap, result, resolution);
    tap->it->called++;
    if (tap->then != NULL) {
        (void)find(tap->it, "other", tap->then);
    }
}

static inline enum resolve_result find(struct fixture *it, const char *code, struct tap *tap) {
    *tap = (struct tap){.waiter.on_resolved = on_resolved, .it = it, .then = tap->then};
    struct resolution resolution;
    enum resolve_result result = resolver_find(it->resolver, slice_of(code), clock_monotonic_ns(),
                                               &resolution, &tap->waiter);
    if (result != RESOLVE_PENDING) {
        note(tap, result, resolution);
    }
    return result;
}

static inline void turn(struct fixture *it) {
    struct timeval pause = {.tv_usec = 1000};
    event_base_loopexit(it->base, &pause);
    event_base_loop(it->base, 0);
}

/* What is ready now, and no more: what it causes is for the next step. */
static inline void step(struct fixture *it) {
    event_base_loop(it->base, EVLOOP_ONCE);
}

static inline void pump(struct fixture *it, unsigned milliseconds) {
    uint64_t until = clock_monotonic_ns() + (uint64_t)milliseconds * 1000000;
    while (clock_monotonic_ns() < until) {
        turn(it);
    }
}

#define WAIT_FOR(it, condition)                                                                    \
    do {                                                                                           \
        uint64_t until_ = clock_monotonic_ns() + (uint64_t)PATIENCE_MS * 1000000;                  \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ns() > until_) {                                                   \
                fail_msg("waited in vain for %s", #condition);                                     \
            }                                                                                      \
            turn(it);                                                                              \
        }                                                                                          \
    } while (0)

/* Looks up and waits for the answer. */
static inline struct tap resolve(struct fixture *it, const char *code) {
    struct tap tap = {0};
    if (find(it, code, &tap) == RESOLVE_PENDING) {
        WAIT_FOR(it, tap.calls > 0);
    }
    assert_int_equal(tap.calls, 1);
    return tap;
}

/* Runs a command whose words are separated by single spaces; returns the reply's integer. */
static inline int64_t redis(struct fixture *it, const char *command) {
    struct slice rest = slice_of(command);
    struct slice words[32];
    size_t count = 0;
    while (rest.size > 0 && count < 32) {
        words[count++] = slice_split(&rest, ' ');
    }
    struct err err = {{0}};
    assert_true(redis_pipe_connect(it->pipe, &err));
    const struct redis_reply *reply = redis_pipe_command(it->pipe, count, words, &err);
    assert_non_null(reply);
    if (redis_reply_is_error(reply)) {
        fail_msg("%s: %.*s", command, SLICE_ARG(redis_reply_text(reply)));
    }
    return redis_reply_integer(reply);
}

/* How many HMGETs the server has run since CONFIG RESETSTAT. */
static inline unsigned hmgets(struct fixture *it) {
    struct err err;
    struct slice words[2] = {SLICE("INFO"), SLICE("commandstats")};
    const struct redis_reply *reply = redis_pipe_command(it->pipe, 2, words, &err);
    assert_non_null(reply);
    struct slice text = redis_reply_text(reply);
    size_t at = slice_find(text, SLICE("cmdstat_hmget:calls="));
    return at == SIZE_MAX ? 0 : (unsigned)strtoul(text.data + at + 20, NULL, 10);
}

static inline uint64_t counted(struct fixture *it, enum link_metric metric) {
    return metric_get(it->resolver->metrics, metric);
}

static inline void on_batch_end(void *argument) {
    struct fixture *it = argument;
    it->batches++;
}

static inline void make_resolver(struct fixture *it, const char *default_campaign, uint64_t bytes) {
    struct redis_url url = test_redis_url(&it->redis);
    it->resolver = resolver_create(&(struct resolver_options){
        .base = it->base,
        .url = &url,
        .key_prefix = SLICE("t:"),
        .timeout_ms = TIMEOUT_MS,
        .cache_bytes = bytes,
        .default_campaign = slice_of(default_campaign),
        .on_batch_end = on_batch_end,
        .batch_argument = it,
    });
}

static inline void begin_with(struct fixture *it, const char *const *redis_arguments) {
    *it = (struct fixture){0};
    test_redis_init(&it->redis);
    test_redis_start(&it->redis, redis_arguments);
    struct redis_url url = test_redis_url(&it->redis);
    it->pipe = redis_pipe_create(&url, PATIENCE_MS);
    it->base = event_base_new();
    redis(it, "HSET t:link:AB12 campaign spring owner ana");
    redis(it, "HSET t:link:other campaign spring owner eva");
    redis(it, "HSET t:campaign:spring name Spring android https://a/{code}");
    make_resolver(it, "", 1 << 20);
    WAIT_FOR(it, resolver_is_connected(it->resolver));
}

static inline void begin(struct fixture *it) {
    begin_with(it, NULL);
    WAIT_FOR(it, resolver_is_tracking(it->resolver));
}

static inline void end(struct fixture *it) {
    resolver_destroy(&it->resolver);
    assert_null(it->resolver);
    redis_pipe_destroy(&it->pipe);
    event_base_free(it->base);
    test_redis_fini(&it->redis);
}

/* Looks the code up until the owner is the wanted one; how long that took. */
static inline uint64_t milliseconds_until_owner(struct fixture *it, const char *code,
                                                const char *owner) {
    uint64_t began = clock_monotonic_ns();
    WAIT_FOR(it, strcmp(resolve(it, code).owner, owner) == 0);
    return (clock_monotonic_ns() - began) / 1000000;
}

#endif
