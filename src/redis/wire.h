/*
 * wire.h - a connection to Redis on an event loop that is made again whenever it is lost.
 *
 * What redis/client.h and redis/tracking.h share. Built on bare sockets and hiredis' reader
 * rather than on hiredis' asynchronous API, because that one looks names up on the loop's
 * thread, asserts on replies nobody asked for, and puts no bound on a reply.
 *
 *   WAITING ──backoff──► RESOLVING ► CONNECTING ► GREETING ──all answered──► UP
 *      ▲                     │            │           │                       │
 *      └─────────────────────┴────────────┴───────────┴── failure, wire_fail ─┘
 *
 * The greeting is AUTH and SELECT as the URL asks for, then PING. An error to any of them means
 * that this Redis is not to be used now (NOAUTH, LOADING, MASTERDOWN, no such database), except
 * MISCONF to PING: such a Redis refuses writes and still answers reads.
 *
 * Threads   The loop's. Callbacks come from the loop, never from within a call, and may call
 *           anything here but wire_destroy().
 * Limits    Output and replies as in the options; what exceeds them drops the connection, but a
 *           reply with too long a string is skipped and reads as TOOLARGE (resp.h).
 *           Backoff from 10 ms, doubling to 250 ms, each times a random 0.5..1; it begins anew
 *           after a connection that was up. When the other side closed one that was up for
 *           WIRE_SETTLED_MS, the next attempt is made at once.
 */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "redis/reply.h"

struct event_base;
struct log;
struct redis_url;
struct wire;

enum {
    WIRE_BACKOFF_FIRST_MS = 10,
    WIRE_BACKOFF_MAX_MS = 250,
    WIRE_SETTLED_MS = 10,
};

struct wire_options {
    struct event_base *base;     /* outlives the wire */
    const struct redis_url *url; /* copied */
    const char *purpose;         /* for the log: a string constant */
    size_t reply_bytes_max;
    size_t reply_elements_max;
    size_t output_bytes_max;
    uint32_t greeting_timeout_ms; /* name look-up, connecting and greeting, each */
    struct log *log;              /* may be NULL */
    void (*on_up)(void *argument);
    void (*on_reply)(void *argument, const struct redis_reply *reply); /* only while up */
    void (*on_replies_end)(void *argument); /* after the replies of one read; may be NULL */
    void (*on_down)(void *argument);        /* only after on_up; wire_down_cause() says why */
    void (*on_failed)(void *argument);      /* an attempt to connect failed; may be NULL */
    void *argument;
};

/* Why a connection ended, as far as it is counted apart. */
enum wire_cause {
    WIRE_LOST,     /* closed, reset, or never made */
    WIRE_TIMEOUT,  /* it did not answer in time */
    WIRE_BROKEN,   /* it answered with what is not a reply, or too many elements */
    WIRE_REJECTED, /* it answered the greeting with an error */
};

/* Begins to connect from the loop. */
struct wire *wire_create(const struct wire_options *options);

/* Closes without a callback. */
void wire_destroy(struct wire **wire);

bool wire_is_up(const struct wire *wire);
enum wire_cause wire_down_cause(const struct wire *wire);

void wire_set_greeting_timeout(struct wire *wire, uint32_t timeout_ms);

/* Queues a command; it is sent when the loop turns. False when the output is full: nothing was
 * queued. Only while up. */
MUST_CHECK bool wire_send(struct wire *wire, size_t argument_count, const struct slice *arguments);

/* The same for whole commands that are encoded already. */
MUST_CHECK bool wire_send_resp(struct wire *wire, struct slice commands);

/* Sends now what is queued, as much of it as the socket takes. A failure is left to the loop, so
 * that no callback comes from within. Harmless when there is nothing, or no connection. */
void wire_flush(struct wire *wire);

/* Whether something is queued that was queued in this turn of the loop. */
bool wire_is_collecting(const struct wire *wire);

/* Whether a reply is arriving that will read as TOOLARGE; in on_down: was. */
bool wire_is_skipping(const struct wire *wire);

/* Gives the connection up: on_down is called from within, then it is made again. Only while
 * up. */
void wire_fail(struct wire *wire, enum wire_cause cause, const char *reason);

#endif
