/*
 * caller.h - HTTP/1.1 on one connection of the admin side.
 *
 *   HEAD ──► BUSY ──► ANSWER ──► HEAD ...        one request at a time; what is pipelined behind it
 *              │ ▲       │                       waits in the kernel
 *              ▼ │       └─► LINGER ─► closed
 *             BODY   STREAM
 *
 * A head is handed up before anything of the body is read: whoever gets it decides, when it knows
 * who asks, whether and how much of a body is taken (caller_read_body()). So a stranger costs a
 * head and nothing more. libevent's evhttp cannot do that (it reads the body first), lets a client
 * hold a connection by a byte now and then, and answers what is malformed with pages of its own;
 * its core, bufferevents, is what this stands on.
 *
 * Closing after an answer lingers: what the client still sends is thrown away for a moment, so that
 * a reset does not destroy the answer (RFC 9112 section 9.6). An input that ends while a request
 * is being answered is a client that has said all, and waits.
 *
 * Threads   The loop's alone.
 * Limits    Heads: http/parse.h. Deadlines: struct caller_limits. CALLER_INPUT_BYTES_MAX read
 *           ahead a connection.
 */
#ifndef API_CALLER_H
#define API_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "body.h"
#include "head.h"

struct caller;
struct caller_loop;
struct event_base;
struct metric_set;
struct sockaddr;

enum { CALLER_INPUT_BYTES_MAX = 64 * 1024 };

struct caller_limits {
    uint32_t idle_ms;   /* until the first byte of a request */
    uint32_t head_ms;   /* from it to the whole head */
    uint32_t pace_ms;   /* a body that comes, an answer that is taken: pace_bytes each pace_ms */
    uint32_t linger_ms; /* at most, after an answer that ends the connection */
    size_t pace_bytes;
};

struct caller_handler {
    /* A whole head. It may be answered at once or later; until it is, nothing else comes. */
    void (*on_request)(void *argument, struct caller *caller, const struct head *head);
    /* The number of connections has changed. */
    void (*on_count)(void *argument, size_t count);
    void *argument;
};

struct caller_loop *caller_loop_create(struct event_base *base, const struct caller_limits *limits,
                                       const struct caller_handler *handler,
                                       struct metric_set *metrics);
/* Closes every connection. */
void caller_loop_destroy(struct caller_loop **loop);

/* From now on every answer ends its connection; idle connections are closed. */
void caller_loop_drain(struct caller_loop *loop);
size_t caller_loop_count(const struct caller_loop *loop);

/* Takes over fd, which is non-blocking. */
void caller_open(struct caller_loop *loop, int fd, const struct sockaddr *peer);

/* Under which route (meter.h) the answer is counted; METER_NO_ROUTE until this is called. */
void caller_set_route(struct caller *caller, size_t route);

const struct sockaddr *caller_peer(const struct caller *caller);

/* gone(argument) is called when the connection ends before its request is answered. */
void caller_watch(struct caller *caller, void (*gone)(void *argument), void *argument);

/* Takes the body into *body, which body_begin() has begun and which outlives it, then calls
 * done(argument, result): DONE, BAD or TOO_LARGE. Sends 100 Continue to who waits for it. */
void caller_read_body(struct caller *caller, struct body *body,
                      void (*done)(void *argument, enum body_result result), void *argument);

/* What stands before the content. */
struct reply {
    int status;
    const char *content_type; /* of the content, if there is any */
    struct slice fields;      /* whole field lines, each ended by CRLF; may be empty */
};

/* Answers. The content of an answer to HEAD is left out, and counted. */
void caller_reply(struct caller *caller, const struct reply *reply, struct slice content);

/* Answers bit by bit: begin, any number of sends, end. room(argument) is called when what was sent
 * has left but for CALLER_ROOM_BYTES; it may be NULL. Nothing is sent to HEAD but the head. */
enum { CALLER_ROOM_BYTES = 512 * 1024 };
void caller_begin(struct caller *caller, const struct reply *reply, void (*room)(void *argument),
                  void *argument);
void caller_send(struct caller *caller, struct slice content);
void caller_end(struct caller *caller);

/* An endless answer: it ends when the client has no more to say. */
void caller_end_with_input(struct caller *caller);

/* Bytes of answers that were not taken yet. */
size_t caller_backlog(const struct caller *caller);

/* Closes at once. The watcher is not called. */
void caller_abort(struct caller *caller);

/* The status of a request that http_parse() refused. */
int caller_status_of(enum http_parse_result result);

#endif
