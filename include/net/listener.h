/*
 * net/listener.h - one listening TCP socket of one worker.
 *
 * Every worker has a socket of its own on the same address (SO_REUSEPORT): the kernel spreads
 * connections, nothing is shared. A connection is handed over only when its first bytes are
 * there (TCP_DEFER_ACCEPT), so that accept and read are one turn of the loop.
 *
 * Stopping without losing a request: listener_refuse_new() lets a socket filter drop further
 * SYNs, while connections that are half made or queued are still accepted; a moment later the
 * socket can be closed and nobody is reset. Clients whose SYN was dropped try again a second
 * later, and reach whoever listens then.
 *
 * Threads   Worker's thread; opening and closing also before and after it runs.
 * Limits    LISTENER_BATCH accepts a turn. Out of descriptors or connections: idle connections
 *           are closed, else accepting pauses for LISTENER_PAUSE_MS; both are counted.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"

struct conn_loop;
struct err;
struct event_base;
struct listener;

enum { LISTENER_BATCH = 64, LISTENER_PAUSE_MS = 50, LISTENER_BACKLOG = 4096 };

struct listener_options {
    struct event_base *base;
    struct conn_loop *conns;
    const char *host; /* a numeric address; IPv6 without brackets */
    uint16_t port;    /* 0: any that is free; see listener_port() */
    bool is_held;     /* false: accepts at once */
};

/* NULL and a sentence that names the address when it cannot be listened on. */
MUST_CHECK struct listener *listener_open(const struct listener_options *options, struct err *err);

/* Connections that wait in the socket's queue are accepted first, then it is closed. */
void listener_close(struct listener **listener);

uint16_t listener_port(const struct listener *listener);

/* A listener that was opened held has its address, and nobody can connect; after
 * listener_queue() connections wait in the socket's queue; after listener_release() they are
 * accepted. */
MUST_CHECK bool listener_queue(struct listener *listener, struct err *err);
void listener_release(struct listener *listener);

/* True when the kernel took the filter. */
bool listener_refuse_new(struct listener *listener);

/* Accepts everything that is queued; returns how many. */
unsigned listener_drain(struct listener *listener);

#endif
