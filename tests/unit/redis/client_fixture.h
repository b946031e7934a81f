/*
 * client_fixture.h - a client on a loop of its own, and what its callbacks said.
 */
#ifndef TESTS_REDIS_CLIENT_FIXTURE_H
#define TESTS_REDIS_CLIENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "base/metrics.h"
#include "fake_server.h"
#include "loop.h"
#include "redis/client.h"
#include "resp.h"

enum {
    TIMEOUT_MS = 100,
    IN_FLIGHT_MAX = 64,
};

struct fixture {
    struct event_base *base;
    struct metric_registry *registry;
    struct redis_client *client;
    unsigned ups;
    unsigned downs;
    unsigned answers;
    unsigned failures;
    char last[64];
    bool again;    /* a handler issues one more command */
    bool wrong;    /* an answer met the wrong command */
    unsigned next; /* number that the next numbered answer must carry */
};

static inline void on_state(void *argument, bool up) {
    struct fixture *fixture = argument;
    fixture->ups += up;
    fixture->downs += !up;
    assert_int_equal(redis_client_is_up(fixture->client), up);
}

static inline bool command(struct fixture *fixture, size_t count, const struct slice *words,
                           struct redis_handler handler) {
    struct buf encoded;
    buf_init(&encoded, 64 * 1024 * 1024);
    assert_true(resp_append_command(&encoded, count, words));
    bool is_taken = redis_client_command(fixture->client, buf_slice(&encoded), handler);
    buf_fini(&encoded);
    return is_taken;
}

static inline void on_reply(void *argument, const struct redis_reply *reply) {
    struct fixture *fixture = argument;
    if (reply == NULL) {
        fixture->failures++;
    } else {
        struct slice text = slice_first(redis_reply_text(reply), sizeof(fixture->last) - 1);
        fixture->answers++;
        snprintf(fixture->last, sizeof(fixture->last), "%.*s", SLICE_ARG(text));
    }
    if (fixture->again) {
        struct slice ping = SLICE("PING");
        fixture->again = false;
        fixture->answers +=
            !command(fixture, 1, &ping, (struct redis_handler){on_reply, fixture}) && reply != NULL;
    }
}

static inline void on_numbered(void *argument, const struct redis_reply *reply) {
    struct fixture *fixture = argument;
    char expected[16];
    snprintf(expected, sizeof(expected), "%u", fixture->next++);
    fixture->answers += reply != NULL;
    fixture->failures += reply == NULL;
    fixture->wrong |= reply != NULL && !slice_equal(redis_reply_text(reply), slice_of(expected));
}

static inline void open_fixture(struct fixture *fixture, struct redis_url url) {
    *fixture = (struct fixture){.base = event_base_new(), .registry = metric_registry_create()};
    fixture->client = redis_client_create(&(struct redis_client_options){
        .base = fixture->base,
        .url = &url,
        .timeout_ms = TIMEOUT_MS,
        .in_flight_max = IN_FLIGHT_MAX,
        .metrics = fixture->registry,
        .on_state = on_state,
        .argument = fixture,
    });
}

static inline void close_fixture(struct fixture *fixture) {
    redis_client_destroy(&fixture->client);
    assert_null(fixture->client);
    metric_registry_destroy(&fixture->registry);
    event_base_free(fixture->base);
}

static inline void run_ms(struct fixture *fixture, unsigned milliseconds) {
    loop_run_ms(fixture->base, milliseconds);
}

static inline void run_until(struct fixture *fixture, const unsigned *counter, unsigned value) {
    assert_true(loop_run_until(fixture->base, counter, value));
}

static inline bool send_words(struct fixture *fixture, const char *words) {
    struct slice arguments[8];
    struct slice rest = slice_of(words);
    size_t count = 0;
    while (rest.size > 0) {
        arguments[count++] = slice_split(&rest, ' ');
    }
    return command(fixture, count, arguments, (struct redis_handler){on_reply, fixture});
}

static inline bool send_numbered(struct fixture *fixture, unsigned number) {
    char text[16];
    snprintf(text, sizeof(text), "%u", number);
    return command(fixture, 2, (struct slice[]){SLICE("ECHO"), slice_of(text)},
                   (struct redis_handler){on_numbered, fixture});
}

static inline uint64_t counted(struct fixture *fixture, const char *name, const char *labels) {
    return metric_registry_total(fixture->registry, name, labels);
}

static inline uint64_t failed(struct fixture *fixture, const char *labels) {
    return counted(fixture, "brinco_redis_failures_total", labels);
}

#endif
