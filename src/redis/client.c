/*
 * redis/client.c - see redis/client.h; the connection itself is wire.c's.
 *
 * Commands in flight stand in a ring, oldest first, as replies come in that order. One timer
 * looks at the oldest: it is armed when the ring fills, not with every command, and when it
 * fires too early it is armed again for what is left.
 *
 * Every way out of the ring (a reply, a lost connection, destruction) takes the entry out
 * before its handler is called, so a handler may issue commands and none is called twice.
 *
 * While a closed connection returns, commands are encoded into a buffer of their own: the wire's
 * output begins with the greeting. Its deadline is the same for all that wait, timeout_ms after
 * the loss; their own count from when they were issued, and are looked at once it is up again.
 */
#include "redis/client.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "redis/url.h"
#include "resp.h"
#include "wire.h"

enum {
    GREETING_TIMEOUT_MIN_MS = 250,
    REPLY_BYTES_MAX = 1024 * 1024,
    REPLY_ELEMENTS_MAX = 16 * 1024,
    OUTPUT_BYTES_MAX = 16 * 1024 * 1024,
    WAITING_BYTES_MAX = OUTPUT_BYTES_MAX / 2, /* fits the output, with the greeting before it */
    NS_PER_MS = 1000000,
};

enum client_metric {
    COMMANDS,
    FAILED_BY_TIMEOUT,
    FAILED_BY_LOSS,
    FAILED_BY_REFUSAL,
    BROKEN_REPLIES,
    TOO_LARGE_REPLIES,
    CONNECTS,
    UP,
    DURATION,
    CLIENT_METRIC_COUNT,
};

static const struct metric client_metrics[CLIENT_METRIC_COUNT] = {
    [COMMANDS] = {.name = "brinco_redis_commands_total",
                  .help = "Commands sent to Redis.",
                  .type = METRIC_COUNTER},
    [FAILED_BY_TIMEOUT] = {.name = "brinco_redis_failures_total",
                           .labels = "reason=\"timeout\"",
                           .help = "Commands that Redis did not answer in time, that were lost "
                                   "with their connection, or that were refused because Redis "
                                   "is down or too many are in flight.",
                           .type = METRIC_COUNTER},
    [FAILED_BY_LOSS] = {.name = "brinco_redis_failures_total",
                        .labels = "reason=\"lost\"",
                        .type = METRIC_COUNTER},
    [FAILED_BY_REFUSAL] = {.name = "brinco_redis_failures_total",
                           .labels = "reason=\"refused\"",
                           .type = METRIC_COUNTER},
    [BROKEN_REPLIES] = {.name = "brinco_redis_broken_replies_total",
                        .help = "Connections dropped because Redis sent what is not a reply, a "
                                "reply nobody waits for, or one of too many elements.",
                        .type = METRIC_COUNTER},
    [TOO_LARGE_REPLIES] = {.name = "brinco_redis_too_large_replies_total",
                           .help = "Replies that were skipped because of more than 1 MiB of "
                                   "strings.",
                           .type = METRIC_COUNTER},
    [CONNECTS] = {.name = "brinco_redis_connects_total",
                  .help = "Connections to Redis that answered their greeting.",
                  .type = METRIC_COUNTER},
    [UP] = {.name = "brinco_redis_up",
            .help = "Connections to Redis, one a thread, that are up.",
            .type = METRIC_GAUGE},
    [DURATION] = {.name = "brinco_redis_command_duration_seconds",
                  .help = "From a command to its reply.",
                  .type = METRIC_HISTOGRAM},
};

struct in_flight {
    struct redis_handler handler;
    uint64_t started_ns;
    uint64_t deadline_ns;
};

struct redis_client {
    struct wire *wire;
    struct metric_set *metrics;
    void (*on_state)(void *argument, bool up);
    void (*on_replies_end)(void *argument);
    void (*on_pulse)(void *argument);
    void *argument;
    uint32_t timeout_ms;
    uint64_t return_until_ns; /* of a closed connection; 0: it is not awaited */
    struct buf waiting;       /* commands for when it is back */
    struct event pulse;       /* pending while up, if its owner wants it */
    struct event timer;
    bool timer_is_set;
    bool is_in_batch; /* replies of one read are being handled */
    uint64_t now_ns;  /* looked at once a batch, and once for the commands of one turn */
    size_t head;      /* the oldest in flight */
    size_t count;
    size_t capacity;
    struct in_flight ring[];
};

static void on_wire_up(void *argument);
static void on_wire_reply(void *argument, const struct redis_reply *reply);
static void on_wire_replies_end(void *argument);
static void on_wire_down(void *argument);
static void on_wire_failed(void *argument);
static void on_timer(evutil_socket_t fd, short what, void *argument);
static void on_pulse(evutil_socket_t fd, short what, void *argument);
static void set_timer(struct redis_client *client, uint64_t delay_ns);
static size_t place_of(const struct redis_client *client, size_t index);
static struct in_flight take_oldest(struct redis_client *client);
static void fail(struct redis_client *client, size_t count, enum client_metric why);

static uint32_t greeting_timeout_ms(uint32_t timeout_ms) {
    return timeout_ms > GREETING_TIMEOUT_MIN_MS ? timeout_ms : GREETING_TIMEOUT_MIN_MS;
}

struct redis_client *redis_client_create(const struct redis_client_options *options) {
    ENSURE(options->in_flight_max > 0 && options->timeout_ms > 0);
    struct redis_client *client =
        calloc(1, sizeof(*client) + options->in_flight_max * sizeof(client->ring[0]));
    ENSURE(client != NULL);
    client->on_state = options->on_state;
    client->on_replies_end = options->on_replies_end;
    client->on_pulse = options->on_pulse;
    client->argument = options->argument;
    client->timeout_ms = options->timeout_ms;
    client->capacity = options->in_flight_max;
    client->metrics = metric_set_create(options->metrics, client_metrics, CLIENT_METRIC_COUNT);
    buf_init(&client->waiting, WAITING_BYTES_MAX);
    event_assign(&client->pulse, options->base, -1, EV_PERSIST, on_pulse, client);
    evtimer_assign(&client->timer, options->base, on_timer, client);
    client->wire = wire_create(&(struct wire_options){
        .base = options->base,
        .url = options->url,
        .purpose = "commands",
        .reply_bytes_max = REPLY_BYTES_MAX,
        .reply_elements_max = REPLY_ELEMENTS_MAX,
        .output_bytes_max = OUTPUT_BYTES_MAX,
        .greeting_timeout_ms = greeting_timeout_ms(options->timeout_ms),
        .log = options->log,
        .on_up = on_wire_up,
        .on_reply = on_wire_reply,
        .on_replies_end = on_wire_replies_end,
        .on_down = on_wire_down,
        .on_failed = on_wire_failed,
        .argument = client,
    });
    return client;
}

void redis_client_destroy(struct redis_client **client) {
    struct redis_client *old = *client;
    if (old == NULL) {
        return;
    }
    wire_destroy(&old->wire);
    fail(old, old->count, FAILED_BY_LOSS); /* handlers that ask for more are refused */
    on_wire_replies_end(old);
    event_del(&old->timer);
    event_del(&old->pulse);
    buf_fini(&old->waiting);
    metric_set_destroy(&old->metrics);
    free(old);
    *client = NULL;
}

bool redis_client_is_up(const struct redis_client *client) {
    return client->wire != NULL && wire_is_up(client->wire);
}

static bool is_returning(const struct redis_client *client, uint64_t now_ns) {
    return client->wire != NULL && !wire_is_up(client->wire) && now_ns < client->return_until_ns;
}

bool redis_client_accepts(const struct redis_client *client) {
    return redis_client_is_up(client) ||
           (client->return_until_ns != 0 && is_returning(client, clock_monotonic_ns()));
}

bool redis_client_is_too_large(const struct redis_reply *reply) {
    return resp_is_too_large(reply);
}

void redis_client_set_timeout(struct redis_client *client, uint32_t timeout_ms) {
    ENSURE(timeout_ms > 0);
    client->timeout_ms = timeout_ms;
    wire_set_greeting_timeout(client->wire, greeting_timeout_ms(timeout_ms));
}

uint64_t redis_client_now_ns(struct redis_client *client) {
    bool is_recent =
        client->is_in_batch || (client->wire != NULL && wire_is_collecting(client->wire));
    if (!is_recent) {
        client->now_ns = clock_monotonic_ns();
    }
    return client->now_ns;
}

static bool send_or_keep(struct redis_client *client, struct slice command, uint64_t now_ns) {
    if (client->count == client->capacity) {
        return false;
    }
    if (redis_client_is_up(client)) {
        return wire_send_resp(client->wire, command);
    }
    bool is_kept = is_returning(client, now_ns) && buf_append(&client->waiting, command);
    client->waiting.overflowed = false; /* nothing was cut: the command is left out whole */
    return is_kept;
}

bool redis_client_command(struct redis_client *client, struct slice command,
                          struct redis_handler handler) {
    uint64_t now_ns = redis_client_now_ns(client);
    if (!send_or_keep(client, command, now_ns)) {
        metric_add(client->metrics, FAILED_BY_REFUSAL, 1);
        return false;
    }
    uint64_t timeout_ns = (uint64_t)client->timeout_ms * NS_PER_MS;
    client->ring[place_of(client, client->count)] = (struct in_flight){
        .handler = handler, .started_ns = now_ns, .deadline_ns = now_ns + timeout_ns};
    client->count++;
    metric_add(client->metrics, COMMANDS, 1);
    if (!client->timer_is_set) {
        set_timer(client,
                  redis_client_is_up(client) ? timeout_ns : client->return_until_ns - now_ns);
    }
    return true;
}

void redis_client_flush(struct redis_client *client) {
    if (client->wire != NULL) {
        wire_flush(client->wire);
    }
}

static void on_wire_up(void *argument) {
    struct redis_client *client = argument;
    metric_add(client->metrics, CONNECTS, 1);
    metric_put(client->metrics, UP, 1);
    if (client->on_pulse != NULL) {
        struct timeval interval = {.tv_sec = REDIS_CLIENT_PULSE_MS / 1000,
                                   .tv_usec = REDIS_CLIENT_PULSE_MS % 1000 * 1000L};
        event_add(&client->pulse, &interval);
    }
    client->return_until_ns = 0;
    if (client->waiting.size > 0) {
        ENSURE(wire_send_resp(client->wire, buf_slice(&client->waiting)));
        buf_clear(&client->waiting);
    }
    if (client->on_state != NULL) {
        client->on_state(client->argument, true);
    }
}

static void on_wire_reply(void *argument, const struct redis_reply *reply) {
    struct redis_client *client = argument;
    if (client->count == 0) {
        wire_fail(client->wire, WIRE_BROKEN, "a reply to no command");
        return;
    }
    uint64_t now_ns = redis_client_now_ns(client);
    client->is_in_batch = true;
    struct in_flight oldest = take_oldest(client);
    metric_add(client->metrics, TOO_LARGE_REPLIES, resp_is_too_large(reply));
    metric_observe_ns(client->metrics, DURATION, now_ns - oldest.started_ns);
    oldest.handler.on_reply(oldest.handler.argument, reply);
}

static void on_wire_replies_end(void *argument) {
    struct redis_client *client = argument;
    client->is_in_batch = false;
    if (client->on_replies_end != NULL) {
        client->on_replies_end(client->argument);
    }
}

static void on_wire_down(void *argument) {
    struct redis_client *client = argument;
    enum wire_cause cause = wire_down_cause(client->wire);
    size_t lost = client->count; /* what comes behind is for the connection that returns */
    event_del(&client->pulse);
    metric_put(client->metrics, UP, 0);
    if (cause == WIRE_BROKEN) {
        metric_add(client->metrics, BROKEN_REPLIES, 1);
    }
    if (cause == WIRE_LOST) {
        client->return_until_ns = clock_monotonic_ns() + (uint64_t)client->timeout_ms * NS_PER_MS;
    }
    if (client->on_state != NULL) {
        client->on_state(client->argument, false);
    }
    if (lost > 0 && wire_is_skipping(client->wire)) {
        /* So huge that it could not even be skipped in time: whoever asked must know why, or
         * will ask for it again and again. */
        struct in_flight oldest = take_oldest(client);
        lost--;
        metric_add(client->metrics, TOO_LARGE_REPLIES, 1);
        oldest.handler.on_reply(oldest.handler.argument, resp_too_large());
    }
    fail(client, lost, cause == WIRE_TIMEOUT ? FAILED_BY_TIMEOUT : FAILED_BY_LOSS);
    on_wire_replies_end(client);
}

/* The connection does not return: from here on commands are refused at once. */
static void stop_waiting(struct redis_client *client, enum client_metric why) {
    client->return_until_ns = 0;
    buf_clear(&client->waiting);
    fail(client, client->count, why);
    on_wire_replies_end(client);
}

static void on_wire_failed(void *argument) {
    stop_waiting(argument, FAILED_BY_LOSS);
}

static void on_timer(evutil_socket_t fd, short what, void *argument) {
    struct redis_client *client = argument;
    (void)fd;
    (void)what;
    client->timer_is_set = false;
    if (client->count == 0) {
        return;
    }
    bool is_up = redis_client_is_up(client);
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t deadline_ns = is_up ? client->ring[client->head].deadline_ns : client->return_until_ns;
    if (now_ns < deadline_ns) {
        set_timer(client, deadline_ns - now_ns);
    } else if (is_up) {
        wire_fail(client->wire, WIRE_TIMEOUT, "a command was not answered in time");
    } else {
        stop_waiting(client, FAILED_BY_TIMEOUT);
    }
}

static void on_pulse(evutil_socket_t fd, short what, void *argument) {
    struct redis_client *client = argument;
    (void)fd;
    (void)what;
    client->on_pulse(client->argument);
}

/* Rounded up to microseconds, so that it does not fire just before the deadline. */
static void set_timer(struct redis_client *client, uint64_t delay_ns) {
    uint64_t delay_us = delay_ns / 1000 + 1;
    struct timeval delay = {.tv_sec = (time_t)(delay_us / 1000000),
                            .tv_usec = (suseconds_t)(delay_us % 1000000)};
    evtimer_add(&client->timer, &delay);
    client->timer_is_set = true;
}

/* Of the so-manieth in flight. Compared, not divided: a division is 25 cycles. */
static size_t place_of(const struct redis_client *client, size_t index) {
    size_t place = client->head + index;
    return place < client->capacity ? place : place - client->capacity;
}

static struct in_flight take_oldest(struct redis_client *client) {
    struct in_flight oldest = client->ring[client->head];
    client->head = place_of(client, 1);
    client->count--;
    return oldest;
}

/* The oldest so many; their handlers may add to the ring while the connection returns. */
static void fail(struct redis_client *client, size_t count, enum client_metric why) {
    for (; count > 0; count--) {
        struct in_flight oldest = take_oldest(client);
        metric_add(client->metrics, why, 1);
        oldest.handler.on_reply(oldest.handler.argument, NULL);
    }
}
