/*
 * net/conn.h - connections: bytes in, bytes out, deadlines. It knows no HTTP.
 *
 *             accepted ──read at once──► handler ──► written ──► closed, never in the loop
 *                 │ nothing there                       │ kept alive
 *                 ▼                                     ▼
 *               HEAD ──────────bytes─────────►       IDLE          WRITE, LINGER, WAIT
 *
 * Input is read into one buffer of the worker's; only what the handler leaves (a request that
 * came in pieces, or pipelined behind one that waits) is copied into the connection. So an idle
 * connection costs its struct and nothing else.
 *
 * Connections are served in turns: up to CONN_TURN_MAX that have something to read are read, one
 * after the other, and their answers collected in one buffer of the worker's; then the handler
 * may finish what it left open in them (on_flush), all at once, and each is written to its own
 * connection. Only what the kernel does not take is kept.
 *
 * Deadlines are lists, one a class, in the order in which they end, because within a class all
 * last equally long; a tick looks at their heads.
 *
 * The connections stand in an epoll set of their own, edge-triggered, which is one event of the
 * worker's loop (docs/performance.md says what that saved).
 *
 * Threads   All on the worker's thread, but for the metrics.
 * Limits    Connections: at the limit, and when file descriptors run out, the longest idle are
 *           closed, then those that keep a head waiting for over a second; else accepting
 *           pauses. Kept input: CONN_INPUT_BYTES_MAX a connection, CONN_KEPT_BYTES_MAX in all.
 *           Each has a counter, and so has every way in which a connection ends.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct conn;
struct conn_loop;
struct event_base;
struct metric_registry;
struct sockaddr;

enum {
    CONN_INPUT_BYTES_MAX = 16384,            /* of the worker's read buffer, and kept */
    CONN_OUTPUT_BYTES = 256 * 1024,          /* of the worker's write buffer */
    CONN_ROOM_BYTES = 64 * 1024,             /* of it, for each call of on_input at least */
    CONN_KEPT_BYTES_MAX = 128 * 1024 * 1024, /* a worker, input and output */
};

/* What the handler wants after it looked at the input. */
enum conn_verdict {
    CONN_KEEP,   /* what was not consumed stays; more is awaited */
    CONN_AGAIN,  /* write what there is, then call again with the rest: the buffer is full */
    CONN_CLOSE,  /* write, then close */
    CONN_LINGER, /* write, tell the client that nothing more comes, throw away what it still
                    sends for a moment, close: so that a reset does not destroy the answer
                    (RFC 9112 section 9.6) */
    CONN_WAIT,   /* the answer comes later: conn_resume(). Nothing is read meanwhile */
};

struct conn_input {
    struct slice bytes;
    size_t seen;     /* how many of them the handler saw, and left, in its last call */
    uint64_t now_ns; /* monotonic, of this turn */
};

struct conn_handler {
    /* Takes whole requests off the input (how much: *consumed) and appends the answers to out,
     * which has at least CONN_ROOM_BYTES of room at the beginning, and holds answers to others
     * already. */
    enum conn_verdict (*on_input)(void *argument, struct conn *conn, struct conn_input input,
                                  size_t *consumed, struct buf *out);
    /* The connection is about to be freed; last chance to forget it. */
    void (*on_close)(void *argument, struct conn *conn);
    /* A turn is over, or its buffer full: the answers in out, which did not move since, are about
     * to be written. May be NULL. */
    void (*on_flush)(void *argument);
    void *argument;
};

struct conn_loop_options {
    struct event_base *base;
    struct conn_handler handler;
    uint32_t connections_max;
    uint32_t head_timeout_ms;  /* from the first byte (or accept) to a whole request */
    uint32_t idle_timeout_ms;  /* between requests */
    uint32_t write_timeout_ms; /* from an answer to its last byte being taken */
    struct metric_registry *metrics;
};

struct conn_loop *conn_loop_create(const struct conn_loop_options *options);

/* Closes every connection. None may still wait (CONN_WAIT): resume those first. */
void conn_loop_destroy(struct conn_loop **loop);

/* Whether another connection may be accepted; makes room by closing idle ones if need be. */
bool conn_loop_has_room(struct conn_loop *loop);

/* The process is out of file descriptors: closes some of the longest idle. How many. */
size_t conn_loop_evict(struct conn_loop *loop);

/* Begins a turn: looks at the clock. */
void conn_loop_turn(struct conn_loop *loop);
uint64_t conn_loop_now_ns(const struct conn_loop *loop); /* what it said: monotonic */

/* Ends it: writes all answers. Whoever calls conn_open() or conn_resume() calls this before the
 * thread goes back to its event loop. */
void conn_loop_flush(struct conn_loop *loop);

/* Takes over fd (non-blocking) and reads at once. */
void conn_open(struct conn_loop *loop, int fd, const struct sockaddr *peer);

size_t conn_loop_count(const struct conn_loop *loop);

/* The handler is to end connections after their next answer; those that are idle, now or later,
 * end after grace_ms unless something comes. */
void conn_loop_drain(struct conn_loop *loop, uint32_t grace_ms);
bool conn_loop_is_draining(const struct conn_loop *loop);

/* For the handler. The peer is an IPv4 or IPv6 address; a context is the handler's own. */
const struct sockaddr *conn_peer(const struct conn *conn);
void *conn_context(const struct conn *conn);
void conn_set_context(struct conn *conn, void *context);

/* After CONN_WAIT, not from within on_input of any connection: append the answer to conn_output(),
 * which has room, then resume with KEEP, CLOSE or LINGER, then conn_loop_flush(), be it after
 * many. The connection may be gone afterwards. */
struct buf *conn_output(struct conn *conn);
void conn_resume(struct conn *conn, enum conn_verdict verdict);

#endif
