/*
 * redis/client.h - one asynchronous connection to Redis, on a thread's own event loop.
 *
 * Commands are pipelined. A command that is not answered within timeout_ms fails, and with it
 * everything in flight: the connection is dropped (a late answer must not meet the wrong
 * command) and made again with backoff and jitter. While there is no connection that has
 * answered its greeting (AUTH, SELECT, PING), commands are refused at once: nothing ever
 * queues behind a dead Redis, and a frozen one, which still accepts connections, counts as dead.
 * So does one that answers the greeting with an error (NOAUTH, LOADING, MASTERDOWN), except
 * MISCONF, which means that reads work and writes do not.
 *
 *   DOWN ──backoff──► GREETING ──all answered──► UP ──timeout, error──► DOWN
 *                        └──◄── at once ── RETURNING ──◄── closed ──┘
 *
 * A connection that was up and was closed by the other side (CLIENT KILL, Redis' timeout, a NAT)
 * says nothing of Redis' health. It is made again at once, and until the first attempt fails,
 * but timeout_ms at most, commands are taken and wait for it. What was in flight fails: only
 * who issued it knows whether it may be issued again.
 *
 * Threads   All calls and callbacks on the loop's thread.
 * Limits    in_flight_max commands in flight, 16 MiB of them unsent and 8 MiB waiting for the
 *           connection to return, then refused; all of it is counted. A reply with more than
 *           1 MiB of strings is not kept: an error that begins with TOOLARGE stands in its place,
 *           and the connection stays. One of more than 16,384 array elements, or one that nobody
 *           waits for, drops the connection. Backoff from 10 ms, doubling to 250 ms, each times a
 *           random 0.5..1. A greeting is given max(timeout_ms, 250 ms).
 */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "redis/reply.h"

struct event_base;
struct log;
struct metric_registry;
struct redis_client;
struct redis_url;

enum { REDIS_CLIENT_PULSE_MS = 1000 };

struct redis_client_options {
    struct event_base *base;     /* outlives the client */
    const struct redis_url *url; /* copied */
    uint32_t timeout_ms;         /* of one command */
    uint32_t in_flight_max;
    struct log *log;                           /* may be NULL */
    struct metric_registry *metrics;           /* may be NULL */
    void (*on_state)(void *argument, bool up); /* may be NULL; never from within a call; false
                                                  comes before what was in flight fails */
    void (*on_replies_end)(void *argument);    /* may be NULL; after the handlers of one read from
                                                  Redis, and after those of one loss */
    void (*on_pulse)(void *argument);          /* may be NULL; every REDIS_CLIENT_PULSE_MS, while
                                                  it is up: for what its owner looks after */
    void *argument;
};

/* Called once a command: reply NULL means that Redis did not answer (timeout, lost connection,
 * client destroyed). An error reply is a reply; so is TOOLARGE, also when the connection ends
 * while such a reply is arriving. May issue commands. */
struct redis_handler {
    void (*on_reply)(void *argument, const struct redis_reply *reply);
    void *argument;
};

/* Begins to connect at once; never fails for want of a server. */
struct redis_client *redis_client_create(const struct redis_client_options *options);

/* Fails what is in flight, then frees. Not from within one of its callbacks. */
void redis_client_destroy(struct redis_client **client);

bool redis_client_is_up(const struct redis_client *client);

/* Whether commands are taken, limits apart: it is up, or was just now and is returning. */
bool redis_client_accepts(const struct redis_client *client);

/* Whether a reply is the error that stands for one that was too large. */
bool redis_client_is_too_large(const struct redis_reply *reply);

/* Takes effect for commands from now on. */
void redis_client_set_timeout(struct redis_client *client, uint32_t timeout_ms);

/* Takes one command, encoded (redis/prepared.h); it is copied. False when it was refused
 * (redis_client_accepts(), or a limit): on_reply is then not called. Otherwise on_reply is called
 * later, never from within this call. */
MUST_CHECK bool redis_client_command(struct redis_client *client, struct slice command,
                                     struct redis_handler handler);

/* The time, as old as the read from Redis whose replies are being handled, for its handlers: a
 * batch of replies looks at the clock once. */
uint64_t redis_client_now_ns(struct redis_client *client);

/* Sends now what commands are queued; without it they are sent when the loop turns. */
void redis_client_flush(struct redis_client *client);

#endif
