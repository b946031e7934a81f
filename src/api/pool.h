/*
 * pool.h - the threads that wait for Redis, so that the server's own never does.
 *
 *   server ──submit──► queue ──► run, on a pool thread with its own connection
 *     ▲                              │ note: look at me, I go on
 *     └───────────── done ◄──────────┘
 *
 * All that a task waits for Redis, in all of its runs together, has one deadline: timeout_ms. A
 * task that makes progress for longer lifts it (redis_pipe_set_deadline()).
 *
 * A thread connects when it has something to do and no connection. When that fails, or a task loses
 * its connection to the deadline, those that have none do not try for POOL_RETRY_MS, so that a
 * Redis that is away costs a timeout or two, and not one for each of a full queue.
 *
 * Threads   submit, drain and stop: the server's. note: a running task's. run is called on a pool
 *           thread; note and done on the server's, from pool_drain().
 * Limits    POOL_THREADS, POOL_QUEUE_MAX.
 */
#ifndef API_POOL_H
#define API_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/list.h"

struct err;
struct pool;
struct redis_pipe;
struct redis_url;

enum { POOL_THREADS = 4, POOL_QUEUE_MAX = 64, POOL_RETRY_MS = 500 };

struct pool_task {
    /* pipe NULL: Redis cannot be reached, err says why. */
    void (*run)(struct pool_task *task, struct redis_pipe *pipe, const struct err *err);
    void (*note)(struct pool_task *task); /* may be NULL when it is never used */
    void (*done)(struct pool_task *task); /* the task is its owner's again, and may be gone */
    /* The pool's. */
    struct list_node queued;
    struct list_node reported;
    uint64_t waited_ns; /* in its runs so far; 0 in the beginning */
    bool has_noted;
    bool is_done;
};

struct pool_options {
    const struct redis_url *url; /* copied */
    uint32_t timeout_ms;         /* of Redis */
    int wake_fd;                 /* an eventfd that is written when there is something to drain */
};

MUST_CHECK struct pool *pool_start(const struct pool_options *options, struct err *err);

/* False: the queue is full. */
MUST_CHECK bool pool_submit(struct pool *pool, struct pool_task *task);
size_t pool_queued(struct pool *pool);

/* From within run: has the server's thread call task->note(). Several before that are one. */
void pool_note(struct pool *pool, struct pool_task *task);

/* Calls what is due. */
void pool_drain(struct pool *pool);

/* Waits for tasks that run; those that are queued get a run without Redis. All are done() from
 * here. Nobody submits any more. */
void pool_stop(struct pool **pool);

#endif
