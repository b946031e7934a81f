/*
 * dial.h - from a redis_url to a socket, without ever blocking the caller.
 *
 * A host name is looked up by getaddrinfo(3), which may take many seconds and cannot be
 * interrupted, so it runs on a thread of its own that is abandoned when its answer comes too
 * late. Numeric addresses and Unix sockets need no thread.
 *
 *   dial_begin ► dial_ready (ask again while DIAL_PENDING) ► dial_connect ► dial_finish
 *
 * Threads   One owner at a time.
 * Limits    DIAL_ADDRESSES_MAX addresses of a name are tried, one a dial_connect().
 */
#ifndef REDIS_DIAL_H
#define REDIS_DIAL_H

#include <stdbool.h>

#include "base/defs.h"

struct dial;
struct err;
struct redis_url;

enum { DIAL_ADDRESSES_MAX = 8 };

enum dial_result { DIAL_READY, DIAL_PENDING, DIAL_FAILED };

/* Begins to look the host up. */
struct dial *dial_begin(const struct redis_url *url);

/* Also with a look-up still under way: its thread cleans up after itself. */
void dial_abandon(struct dial **dial);

/* Whether the addresses are there; DIAL_FAILED and err when the name has none. */
MUST_CHECK enum dial_result dial_ready(struct dial *dial, struct err *err);

/* A non-blocking socket on its way to the address number attempt (modulo their count); wait
 * until it is writable, then ask dial_finish(). -1 and err when that fails at once. */
MUST_CHECK int dial_connect(const struct dial *dial, unsigned attempt, struct err *err);

/* Whether a writable socket is connected. */
MUST_CHECK bool dial_finish(int fd, struct err *err);

#endif
