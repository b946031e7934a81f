/*
 * redis/wire.c - see wire.h.
 *
 * One timer serves all states but UP, where the owner keeps time. Commands are collected and
 * written once a turn of the loop, or when the owner says that there will be no more, so those of
 * one turn share a packet and a system call.
 *
 * A callback may give the connection up while the reply it looks at is still in the reader, so
 * closing leaves the reader alone; the next connection replaces it.
 */
#include "wire.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "dial.h"
#include "redis/url.h"
#include "resp.h"

enum {
    READ_BYTES = 64 * 1024, /* the answers to 300 look-ups */
    RESOLVE_POLL_MS = 5,
    LOG_LOST_INTERVAL_MS = 1000,
    LOG_FAILED_INTERVAL_MS = 60 * 1000,
};

enum wire_state { WIRE_WAITING, WIRE_RESOLVING, WIRE_CONNECTING, WIRE_GREETING, WIRE_UP };

struct wire {
    struct wire_options options;
    struct redis_url url;
    char place[300]; /* for the log */
    enum wire_state state;
    enum wire_cause cause;
    int fd;                /* -1: none */
    unsigned failures;     /* in a row: backoff */
    unsigned address;      /* which one is tried: the next after each failed attempt */
    size_t greeting_count; /* replies of the greeting still to come */
    uint64_t deadline_ns;  /* of resolving */
    uint64_t up_since_ns;
    struct dial *dial; /* kept while a look-up is under way, over failed attempts too */
    struct resp_reader *reader;
    struct buf output;
    size_t sent; /* of output */
    struct event timer;
    struct event flush; /* made active by hand: writes what one turn collected */
    struct event readable;
    struct event writable;
    bool is_blocked; /* the socket took less than all: writable will tell */
    struct random random;
    struct log_limit lost_limit;
    struct log_limit failed_limit;
    struct log_limit up_limit;
    struct log_limit misconf_limit;
};

static void on_timer(evutil_socket_t fd, short what, void *argument);
static void on_flush(evutil_socket_t fd, short what, void *argument);
static void on_readable(evutil_socket_t fd, short what, void *argument);
static void on_writable(evutil_socket_t fd, short what, void *argument);
static void set_timer(struct wire *wire, uint32_t delay_ms);
static void close_connection(struct wire *wire);
static int send_output(struct wire *wire);
static void give_up(struct wire *wire, enum wire_cause cause, const char *reason);

struct wire *wire_create(const struct wire_options *options) {
    struct wire *wire = calloc(1, sizeof(*wire));
    ENSURE(wire != NULL);
    wire->options = *options;
    wire->url = *options->url;
    wire->options.url = &wire->url;
    wire->fd = -1;
    redis_url_describe(&wire->url, wire->place, sizeof(wire->place));
    random_init(&wire->random);
    buf_init(&wire->output, options->output_bytes_max);
    evtimer_assign(&wire->timer, options->base, on_timer, wire);
    evtimer_assign(&wire->flush, options->base, on_flush, wire);
    set_timer(wire, 0);
    return wire;
}

void wire_destroy(struct wire **wire) {
    struct wire *old = *wire;
    if (old == NULL) {
        return;
    }
    close_connection(old);
    event_del(&old->timer);
    dial_abandon(&old->dial);
    resp_reader_destroy(&old->reader);
    buf_fini(&old->output);
    free(old);
    *wire = NULL;
}

bool wire_is_up(const struct wire *wire) {
    return wire->state == WIRE_UP;
}

enum wire_cause wire_down_cause(const struct wire *wire) {
    return wire->cause;
}

void wire_set_greeting_timeout(struct wire *wire, uint32_t timeout_ms) {
    wire->options.greeting_timeout_ms = timeout_ms;
}

bool wire_send(struct wire *wire, size_t argument_count, const struct slice *arguments) {
    ENSURE(wire->state == WIRE_UP);
    bool was_empty = wire->output.size == 0;
    if (!resp_append_command(&wire->output, argument_count, arguments)) {
        return false;
    }
    if (was_empty) {
        event_active(&wire->flush, EV_TIMEOUT, 0);
    }
    return true;
}

bool wire_send_resp(struct wire *wire, struct slice commands) {
    ENSURE(wire->state == WIRE_UP);
    if (wire->output.capacity - wire->output.size < commands.size &&
        !buf_reserve(&wire->output, commands.size)) {
        wire->output.overflowed = false; /* nothing was cut */
        return false;
    }
    bool was_empty = wire->output.size == 0;
    buf_append(&wire->output, commands);
    if (was_empty) {
        event_active(&wire->flush, EV_TIMEOUT, 0);
    }
    return true;
}

void wire_flush(struct wire *wire) {
    if (wire->state == WIRE_UP && wire->output.size > 0 && !wire->is_blocked) {
        (void)send_output(wire); /* the flush that is active will fail as this did */
    }
}

bool wire_is_collecting(const struct wire *wire) {
    return wire->state == WIRE_UP && wire->output.size > 0 && !wire->is_blocked;
}

bool wire_is_skipping(const struct wire *wire) {
    return wire->reader != NULL && resp_reader_is_skipping(wire->reader);
}

void wire_fail(struct wire *wire, enum wire_cause cause, const char *reason) {
    ENSURE(wire->state == WIRE_UP);
    give_up(wire, cause, reason);
}

static void set_timer(struct wire *wire, uint32_t delay_ms) {
    struct timeval delay = {.tv_sec = delay_ms / 1000,
                            .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};
    evtimer_add(&wire->timer, &delay);
}

static void close_connection(struct wire *wire) {
    if (wire->fd >= 0) {
        event_del(&wire->readable);
        event_del(&wire->writable);
        close(wire->fd);
        wire->fd = -1;
    }
    event_del(&wire->flush);
    buf_clear(&wire->output);
    wire->sent = 0;
    wire->is_blocked = false;
}

/* Doubles from WIRE_BACKOFF_FIRST_MS to WIRE_BACKOFF_MAX_MS, times 0.5..1, so that workers and
 * edges that lost Redis together do not come back together. */
static uint32_t backoff_ms(struct wire *wire) {
    uint32_t delay_ms = WIRE_BACKOFF_MAX_MS;
    if (wire->failures < 5 && (WIRE_BACKOFF_FIRST_MS << wire->failures) < WIRE_BACKOFF_MAX_MS) {
        delay_ms = (uint32_t)WIRE_BACKOFF_FIRST_MS << wire->failures;
    }
    return delay_ms / 2 + (uint32_t)(random_u64(&wire->random) % (delay_ms / 2 + 1));
}

/* A connection that was merely closed (an administrator, Redis' timeout, a NAT that forgot it)
 * is made again at once, unless it had hardly begun: that must not become a busy loop. */
static uint32_t delay_before_next(struct wire *wire, enum wire_cause cause, uint64_t now_ns) {
    if (wire->state == WIRE_UP) {
        wire->failures = 0;
        if (cause == WIRE_LOST &&
            now_ns - wire->up_since_ns >= WIRE_SETTLED_MS * UINT64_C(1000000)) {
            return 0;
        }
    } else {
        wire->address++;
    }
    uint32_t delay_ms = backoff_ms(wire);
    wire->failures++;
    return delay_ms;
}

static void log_end(struct wire *wire, const char *reason, uint32_t delay_ms, uint64_t now_ns) {
    bool was_up = wire->state == WIRE_UP;
    struct log_limit *limit = was_up ? &wire->lost_limit : &wire->failed_limit;
    uint64_t held_back = 0;
    if (log_allowed(limit, now_ns, was_up ? LOG_LOST_INTERVAL_MS : LOG_FAILED_INTERVAL_MS,
                    &held_back)) {
        log_event(wire->options.log, LOG_WARN, was_up ? "redis_lost" : "redis_unreachable",
                  "server=%s purpose=%s error=%s retry_ms=%u held_back=%llu", wire->place,
                  wire->options.purpose, reason, delay_ms, (unsigned long long)held_back);
    }
}

static void give_up(struct wire *wire, enum wire_cause cause, const char *reason) {
    uint64_t now_ns = clock_monotonic_ns();
    bool was_up = wire->state == WIRE_UP;
    uint32_t delay_ms = delay_before_next(wire, cause, now_ns);

    wire->cause = cause;
    log_end(wire, reason, delay_ms, now_ns);
    close_connection(wire);
    wire->state = WIRE_WAITING;
    set_timer(wire, delay_ms);
    if (was_up) {
        wire->options.on_down(wire->options.argument);
    } else if (wire->options.on_failed != NULL) {
        wire->options.on_failed(wire->options.argument);
    }
}

/* WAITING to RESOLVING: a look-up that outlasted the attempt before is asked again. */
static void begin(struct wire *wire) {
    wire->state = WIRE_RESOLVING;
    wire->deadline_ns =
        clock_monotonic_ns() + wire->options.greeting_timeout_ms * UINT64_C(1000000);
    if (wire->dial == NULL) {
        wire->dial = dial_begin(&wire->url);
    }
}

/* RESOLVING to CONNECTING, or to the next poll. */
static void resolve(struct wire *wire) {
    struct err err;
    switch (dial_ready(wire->dial, &err)) {
    case DIAL_PENDING:
        if (clock_monotonic_ns() >= wire->deadline_ns) {
            give_up(wire, WIRE_TIMEOUT, "the host name is still being looked up");
        } else {
            set_timer(wire, RESOLVE_POLL_MS);
        }
        return;
    case DIAL_FAILED:
        dial_abandon(&wire->dial);
        give_up(wire, WIRE_LOST, err.text);
        return;
    case DIAL_READY:
        break;
    }
    wire->fd = dial_connect(wire->dial, wire->address, &err);
    dial_abandon(&wire->dial);
    if (wire->fd < 0) {
        give_up(wire, WIRE_LOST, err.text);
        return;
    }
    wire->state = WIRE_CONNECTING;
    event_assign(&wire->readable, wire->options.base, wire->fd, EV_READ | EV_PERSIST, on_readable,
                 wire);
    event_assign(&wire->writable, wire->options.base, wire->fd, EV_WRITE, on_writable, wire);
    event_add(&wire->writable, NULL);
    set_timer(wire, wire->options.greeting_timeout_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *argument) {
    struct wire *wire = argument;
    (void)fd;
    (void)what;
    switch (wire->state) {
    case WIRE_WAITING:
        begin(wire);
        resolve(wire);
        break;
    case WIRE_RESOLVING:
        resolve(wire);
        break;
    case WIRE_CONNECTING:
        give_up(wire, WIRE_TIMEOUT, "timed out while connecting");
        break;
    case WIRE_GREETING:
        give_up(wire, WIRE_TIMEOUT, "no answer to the greeting");
        break;
    case WIRE_UP:
        break; /* the timer was deleted when it came up */
    }
}

/* CONNECTING to GREETING. */
static void greet(struct wire *wire) {
    struct err err;
    if (!dial_finish(wire->fd, &err)) {
        give_up(wire, WIRE_LOST, err.text);
        return;
    }
    resp_reader_destroy(&wire->reader);
    wire->reader =
        resp_reader_create(wire->options.reply_bytes_max, wire->options.reply_elements_max);
    bool queued = resp_append_greeting(&wire->output, &wire->url, &wire->greeting_count) &&
                  resp_append_command(&wire->output, 1, (struct slice[]){SLICE("PING")});
    ENSURE(queued); /* a few hundred bytes */
    wire->greeting_count++;
    wire->state = WIRE_GREETING;
    event_add(&wire->readable, NULL);
    set_timer(wire, wire->options.greeting_timeout_ms);
}

/* As much as the socket takes. 0, or the errno with which the connection failed. */
static int send_output(struct wire *wire) {
    while (wire->sent < wire->output.size) {
        ssize_t n = send(wire->fd, wire->output.data + wire->sent, wire->output.size - wire->sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wire->is_blocked = true;
            event_add(&wire->writable, NULL);
            return 0;
        }
        if (n < 0) {
            return errno;
        }
        wire->sent += (size_t)n;
    }
    buf_clear(&wire->output);
    wire->sent = 0;
    return 0;
}

static void write_output(struct wire *wire) {
    int error = send_output(wire);
    if (error != 0) {
        give_up(wire, WIRE_LOST, strerror(error));
    }
}

static void on_writable(evutil_socket_t fd, short what, void *argument) {
    struct wire *wire = argument;
    (void)fd;
    (void)what;
    wire->is_blocked = false;
    if (wire->state == WIRE_CONNECTING) {
        greet(wire);
    }
    if (wire->fd >= 0) {
        write_output(wire);
    }
}

static void on_flush(evutil_socket_t fd, short what, void *argument) {
    struct wire *wire = argument;
    (void)fd;
    (void)what;
    if (wire->fd >= 0 && !wire->is_blocked) {
        write_output(wire);
    }
}

/* GREETING to UP, with the last of its replies. */
static void on_greeting_reply(struct wire *wire, const struct redis_reply *reply) {
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back = 0;
    struct slice text = redis_reply_text(reply);
    char reason[160];

    wire->greeting_count--;
    if (redis_reply_is_error(reply)) {
        size_t size = text.size < sizeof(reason) ? text.size : sizeof(reason) - 1;
        memcpy(reason, text.data, size);
        reason[size] = '\0';
        if (wire->greeting_count > 0 || !slice_starts_with(text, SLICE("MISCONF"))) {
            give_up(wire, WIRE_REJECTED, reason);
            return;
        }
        if (log_allowed(&wire->misconf_limit, now_ns, LOG_FAILED_INTERVAL_MS, &held_back)) {
            log_event(wire->options.log, LOG_WARN, "redis_refuses_writes", "server=%s error=%s",
                      wire->place, reason);
        }
    }
    if (wire->greeting_count > 0) {
        return;
    }
    event_del(&wire->timer);
    wire->state = WIRE_UP;
    wire->up_since_ns = now_ns;
    if (log_allowed(&wire->up_limit, now_ns, LOG_LOST_INTERVAL_MS, &held_back)) {
        log_event(wire->options.log, LOG_INFO, "redis_up", "server=%s purpose=%s", wire->place,
                  wire->options.purpose);
    }
    wire->options.on_up(wire->options.argument);
}

static void take_replies(struct wire *wire) {
    const struct redis_reply *reply = NULL;
    while (wire->state == WIRE_GREETING || wire->state == WIRE_UP) {
        switch (resp_reader_next(wire->reader, &reply)) {
        case RESP_MORE:
            return;
        case RESP_BROKEN:
            give_up(wire, WIRE_BROKEN, "malformed or too large a reply");
            return;
        case RESP_REPLY:
            if (wire->state == WIRE_GREETING) {
                on_greeting_reply(wire, reply);
            } else {
                wire->options.on_reply(wire->options.argument, reply);
            }
            break;
        }
    }
}

/* Once a turn of the loop: what is left is read in the next one, so that a flood of changed keys
 * does not keep taps waiting. */
static void read_once(struct wire *wire) {
    char bytes[READ_BYTES];
    ssize_t n = recv(wire->fd, bytes, sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        give_up(wire, WIRE_LOST, n == 0 ? "closed by the server" : strerror(errno));
        return;
    }
    resp_reader_lend(wire->reader, slice_make(bytes, (size_t)n));
    take_replies(wire);
}

static void on_readable(evutil_socket_t fd, short what, void *argument) {
    struct wire *wire = argument;
    (void)fd;
    (void)what;
    read_once(wire);
    if (wire->options.on_replies_end != NULL) {
        wire->options.on_replies_end(wire->options.argument);
    }
}
