/*
 * net/worker.h - a thread with an event loop of its own.
 *
 * Workers share nothing; what another thread wants of one is posted as a function that runs on
 * the worker's loop.
 *
 * Threads   worker_post() from any thread; start and join from the one that made it.
 * Limits    WORKER_POSTS_MAX functions waiting; more is a bug, since only start, reload and stop
 *           post anything.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"

struct err;
struct event_base;
struct worker;

enum { WORKER_POSTS_MAX = 256 };

/* Makes the loop; nothing runs yet, so that the caller can set things up on it. */
MUST_CHECK struct worker *worker_create(const char *name, struct err *err);

/* Of a worker that was never started, or was joined. */
void worker_destroy(struct worker **worker);

/* The loop: for the worker's own thread, or before worker_start(). */
struct event_base *worker_base(struct worker *worker);

/* Runs the loop on a thread of its own, all signals blocked, until worker_exit(). */
MUST_CHECK bool worker_start(struct worker *worker, struct err *err);
void worker_join(struct worker *worker);

/* Runs function(argument) on the worker's loop, in the order of posting. */
void worker_post(struct worker *worker, void (*function)(void *argument), void *argument);

/* From the worker's own thread, or before it starts: calls function(argument) every interval_ms
 * from now on; the last call of this replaces the one before, 0 ends it. */
void worker_tick(struct worker *worker, uint32_t interval_ms, void (*function)(void *argument),
                 void *argument);

/* From the worker's own thread: the loop ends when the function that called this, and
 * what was posted along with it, returns. */
void worker_exit(struct worker *worker);

#endif
