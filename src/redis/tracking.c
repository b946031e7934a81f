/*
 * redis/tracking.c - see redis/tracking.h; the connection itself is wire.c's.
 *
 *   wire up ► CLIENT ID ► CLIENT TRACKING ON REDIRECT id BCAST PREFIX … ► SUBSCRIBE ► tracking
 *
 * Each step waits for the answer to the one before. The order matters: once subscribed, a RESP2
 * connection takes no other commands than (P)SUBSCRIBE, UNSUBSCRIBE, PING, QUIT and RESET.
 *
 * A redirect to another connection would be lost in silence when that one dies; redirecting to
 * ourselves makes one thing of hearing and being connected.
 */
#include "redis/tracking.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/metrics.h"
#include "redis/url.h"
#include "wire.h"

enum {
    TICK_MS = 500,
    SILENCE_MAX_MS = 1000,
    GREETING_TIMEOUT_MS = 1000,
    PREFIXES_MAX = 16,
    REPLY_BYTES_MAX = 16 * 1024 * 1024, /* keys that one command changed come in one message */
    REPLY_ELEMENTS_MAX = 1024 * 1024,
    OUTPUT_BYTES_MAX = 64 * 1024,
};

enum tracking_metric { CONNECTS, UP, KEYS, FLUSHES, TRACKING_METRIC_COUNT };

static const struct metric tracking_metrics[TRACKING_METRIC_COUNT] = {
    [CONNECTS] = {.name = "brinco_redis_tracking_connects_total",
                  .help = "Connections that began to track changes of keys.",
                  .type = METRIC_COUNTER},
    [UP] = {.name = "brinco_redis_tracking_up",
            .help = "Connections, one a thread, that track changes of keys.",
            .type = METRIC_GAUGE},
    [KEYS] = {.name = "brinco_redis_tracking_keys_total",
              .help = "Changed keys that were heard of.",
              .type = METRIC_COUNTER},
    [FLUSHES] = {.name = "brinco_redis_tracking_flushes_total",
                 .help = "Times that all keys changed at once.",
                 .type = METRIC_COUNTER},
};

enum tracking_state { DOWN, ASKED_ID, ASKED_TRACKING, ASKED_SUBSCRIPTION, TRACKING };

struct redis_tracking {
    struct redis_tracking_options options; /* url and prefixes point to copies */
    struct slice prefixes[PREFIXES_MAX];
    struct buf prefix_bytes;
    struct wire *wire;
    struct metric_set *metrics;
    struct event tick;
    enum tracking_state state;
    uint64_t asked_ns; /* when what we asked first since hearing anything was asked; 0: nothing */
};

static const struct slice channel = SLICE("__redis__:invalidate");

static void copy_prefixes(struct redis_tracking *tracking);
static void on_wire_up(void *argument);
static void on_wire_reply(void *argument, const struct redis_reply *reply);
static void on_wire_down(void *argument);
static void on_tick(evutil_socket_t fd, short what, void *argument);

struct redis_tracking *redis_tracking_create(const struct redis_tracking_options *options) {
    ENSURE(options->prefix_count > 0 && options->prefix_count <= PREFIXES_MAX);
    struct redis_tracking *tracking = calloc(1, sizeof(*tracking));
    ENSURE(tracking != NULL);
    tracking->options = *options;
    copy_prefixes(tracking);
    tracking->metrics =
        metric_set_create(options->metrics, tracking_metrics, TRACKING_METRIC_COUNT);
    event_assign(&tracking->tick, options->base, -1, EV_PERSIST, on_tick, tracking);
    tracking->wire = wire_create(&(struct wire_options){
        .base = options->base,
        .url = options->url,
        .purpose = "tracking",
        .reply_bytes_max = REPLY_BYTES_MAX,
        .reply_elements_max = REPLY_ELEMENTS_MAX,
        .output_bytes_max = OUTPUT_BYTES_MAX,
        .greeting_timeout_ms = GREETING_TIMEOUT_MS,
        .log = options->log,
        .on_up = on_wire_up,
        .on_reply = on_wire_reply,
        .on_down = on_wire_down,
        .argument = tracking,
    });
    tracking->options.url = NULL;
    return tracking;
}

void redis_tracking_destroy(struct redis_tracking **tracking) {
    struct redis_tracking *old = *tracking;
    if (old == NULL) {
        return;
    }
    *tracking = NULL;
    wire_destroy(&old->wire);
    event_del(&old->tick);
    metric_set_destroy(&old->metrics);
    buf_fini(&old->prefix_bytes);
    free(old);
}

bool redis_tracking_fell_silent(const struct redis_tracking *tracking) {
    return wire_down_cause(tracking->wire) == WIRE_TIMEOUT;
}

static void copy_prefixes(struct redis_tracking *tracking) {
    const struct slice *from = tracking->options.prefixes;
    size_t count = tracking->options.prefix_count;
    size_t total = 1;
    for (size_t i = 0; i < count; i++) {
        total += from[i].size;
    }
    buf_init(&tracking->prefix_bytes, total);
    ENSURE(buf_reserve(&tracking->prefix_bytes, total)); /* from here on nothing moves */
    for (size_t i = 0; i < count; i++) {
        char *copy = tracking->prefix_bytes.data + tracking->prefix_bytes.size;
        buf_append(&tracking->prefix_bytes, from[i]);
        tracking->prefixes[i] = slice_make(copy, from[i].size);
    }
    tracking->options.prefixes = tracking->prefixes;
}

/* The commands of this file are a few hundred bytes; when even they do not fit, the server has
 * not been reading for a long time. */
static void ask(struct redis_tracking *tracking, size_t argument_count,
                const struct slice *arguments) {
    if (!wire_send(tracking->wire, argument_count, arguments)) {
        wire_fail(tracking->wire, WIRE_LOST, "the server does not read");
        return;
    }
    if (tracking->asked_ns == 0) {
        tracking->asked_ns = clock_monotonic_ns();
    }
}

static void on_wire_up(void *argument) {
    struct redis_tracking *tracking = argument;
    struct timeval interval = {.tv_usec = TICK_MS * 1000L};
    tracking->asked_ns = 0;
    tracking->state = ASKED_ID;
    event_add(&tracking->tick, &interval);
    ask(tracking, 2, (struct slice[]){SLICE("CLIENT"), SLICE("ID")});
}

static void ask_tracking(struct redis_tracking *tracking, int64_t client_id) {
    struct slice arguments[6 + 2 * PREFIXES_MAX] = {SLICE("CLIENT"), SLICE("TRACKING"), SLICE("ON"),
                                                    SLICE("REDIRECT")};
    char digits[24];
    struct buf id = buf_over(digits, sizeof(digits));
    size_t count = 4;

    buf_append_u64(&id, (uint64_t)client_id);
    arguments[count++] = buf_slice(&id);
    arguments[count++] = SLICE("BCAST");
    for (size_t i = 0; i < tracking->options.prefix_count; i++) {
        arguments[count++] = SLICE("PREFIX");
        arguments[count++] = tracking->options.prefixes[i];
    }
    tracking->state = ASKED_TRACKING;
    ask(tracking, count, arguments);
}

static void begin_tracking(struct redis_tracking *tracking) {
    tracking->state = TRACKING;
    metric_add(tracking->metrics, CONNECTS, 1);
    metric_put(tracking->metrics, UP, 1);
    tracking->options.on_state(tracking->options.argument, true);
}

static void refuse(struct redis_tracking *tracking, const struct redis_reply *reply) {
    char reason[160] = "an unexpected reply while asking to track keys";
    struct slice text = slice_first(redis_reply_text(reply), sizeof(reason) - 1);
    if (redis_reply_is_error(reply) && text.size > 0) {
        memcpy(reason, text.data, text.size);
        reason[text.size] = '\0';
    }
    wire_fail(tracking->wire, WIRE_REJECTED, reason);
}

/* [message, channel, [key, ...]], or null in place of the keys when all of them are gone. */
static void on_message(struct redis_tracking *tracking, const struct redis_reply *reply) {
    void *argument = tracking->options.argument;
    const struct redis_reply *keys = redis_reply_at(reply, 2);

    if (!slice_equal(redis_reply_text(redis_reply_at(reply, 1)), channel)) {
        return;
    }
    if (!redis_reply_is_array(keys)) {
        metric_add(tracking->metrics, FLUSHES, 1);
        tracking->options.on_flush(argument);
        return;
    }
    size_t count = redis_reply_count(keys);
    for (size_t i = 0; i < count; i++) {
        tracking->options.on_key(argument, redis_reply_text(redis_reply_at(keys, i)));
    }
    metric_add(tracking->metrics, KEYS, count);
}

static void on_wire_reply(void *argument, const struct redis_reply *reply) {
    struct redis_tracking *tracking = argument;
    struct slice first = redis_reply_text(redis_reply_at(reply, 0));

    tracking->asked_ns = 0;
    switch (tracking->state) {
    case DOWN:
        break;
    case ASKED_ID:
        if (redis_reply_is_integer(reply) && redis_reply_integer(reply) > 0) {
            ask_tracking(tracking, redis_reply_integer(reply));
            return;
        }
        break;
    case ASKED_TRACKING:
        if (slice_equal(redis_reply_text(reply), SLICE("OK"))) {
            tracking->state = ASKED_SUBSCRIPTION;
            ask(tracking, 2, (struct slice[]){SLICE("SUBSCRIBE"), channel});
            return;
        }
        break;
    case ASKED_SUBSCRIPTION:
        if (slice_equal(first, SLICE("subscribe"))) {
            begin_tracking(tracking);
            return;
        }
        break;
    case TRACKING:
        if (slice_equal(first, SLICE("message"))) {
            on_message(tracking, reply);
            return;
        }
        if (slice_equal(first, SLICE("pong"))) {
            return;
        }
        break;
    }
    refuse(tracking, reply);
}

static void on_wire_down(void *argument) {
    struct redis_tracking *tracking = argument;
    bool was_tracking = tracking->state == TRACKING;
    tracking->state = DOWN;
    event_del(&tracking->tick);
    metric_put(tracking->metrics, UP, 0);
    if (was_tracking) {
        tracking->options.on_state(tracking->options.argument, false);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *argument) {
    struct redis_tracking *tracking = argument;
    (void)fd;
    (void)what;
    if (tracking->asked_ns != 0 &&
        clock_monotonic_ns() - tracking->asked_ns >= SILENCE_MAX_MS * UINT64_C(1000000)) {
        wire_fail(tracking->wire, WIRE_TIMEOUT, "no answer for a second");
    } else if (tracking->state == TRACKING) {
        ask(tracking, 1, (struct slice[]){SLICE("PING")});
    }
}
