/*
 * pool.c - a queue, some threads, and their way back.
 */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "redis/pipe.h"
#include "redis/url.h"

struct pool_thread {
    struct pool *pool;
    pthread_t thread;
    struct redis_pipe *pipe;
};

struct pool {
    pthread_mutex_t lock; /* of all that is not atomic */
    pthread_cond_t work;
    struct list_node queue;
    size_t queued;
    struct list_node reports;
    bool is_stopping;
    int wake_fd;
    uint64_t timeout_ns;
    _Atomic uint64_t retry_ns; /* until then nobody tries to connect */
    size_t started;
    struct pool_thread threads[POOL_THREADS];
};

static void *run(void *argument);
static void run_task(struct pool_thread *self, struct pool_task *task, bool is_stopping);
static void put_off(struct pool *pool);
static bool reach(struct pool_thread *self, struct err *err);
static void report(struct pool *pool, struct pool_task *task);
static void wake(const struct pool *pool);
static bool start_thread(struct pool_thread *self, size_t number, struct err *err);

struct pool *pool_start(const struct pool_options *options, struct err *err) {
    struct pool *pool = calloc(1, sizeof(*pool));
    ENSURE(pool != NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    list_init(&pool->queue);
    list_init(&pool->reports);
    pool->wake_fd = options->wake_fd;
    pool->timeout_ns = options->timeout_ms * 1000000ull;
    for (size_t i = 0; i < POOL_THREADS; i++) {
        pool->threads[i].pool = pool;
        pool->threads[i].pipe = redis_pipe_create(options->url, options->timeout_ms);
    }
    while (pool->started < POOL_THREADS) {
        if (!start_thread(&pool->threads[pool->started], pool->started, err)) {
            pool_stop(&pool);
            return NULL;
        }
        pool->started++;
    }
    return pool;
}

bool pool_submit(struct pool *pool, struct pool_task *task) {
    pthread_mutex_lock(&pool->lock);
    bool has_room = pool->queued < POOL_QUEUE_MAX;
    if (has_room) {
        task->has_noted = task->is_done = false;
        list_append(&pool->queue, &task->queued);
        pool->queued++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return has_room;
}

size_t pool_queued(struct pool *pool) {
    pthread_mutex_lock(&pool->lock);
    size_t queued = pool->queued;
    pthread_mutex_unlock(&pool->lock);
    return queued;
}

void pool_note(struct pool *pool, struct pool_task *task) {
    pthread_mutex_lock(&pool->lock);
    task->has_noted = true;
    report(pool, task);
    pthread_mutex_unlock(&pool->lock);
    wake(pool);
}

void pool_drain(struct pool *pool) {
    pthread_mutex_lock(&pool->lock);
    while (!list_is_empty(&pool->reports)) {
        struct pool_task *task = CONTAINER_OF(pool->reports.next, struct pool_task, reported);
        list_remove(&task->reported);
        bool has_noted = task->has_noted;
        bool is_done = task->is_done;
        task->has_noted = false;
        pthread_mutex_unlock(&pool->lock);
        if (has_noted) {
            task->note(task);
        }
        if (is_done) {
            task->done(task);
        }
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

void pool_stop(struct pool **pool) {
    struct pool *gone = *pool;
    if (gone == NULL) {
        return;
    }
    pthread_mutex_lock(&gone->lock);
    gone->is_stopping = true;
    pthread_cond_broadcast(&gone->work);
    pthread_mutex_unlock(&gone->lock);
    for (size_t i = 0; i < gone->started; i++) {
        pthread_join(gone->threads[i].thread, NULL);
    }
    pool_drain(gone);
    for (size_t i = 0; i < POOL_THREADS; i++) {
        redis_pipe_destroy(&gone->threads[i].pipe);
    }
    pthread_cond_destroy(&gone->work);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
    *pool = NULL;
}

static bool start_thread(struct pool_thread *self, size_t number, struct err *err) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failure != 0) {
        return err_set(err, "cannot start a thread of the admin side: %s", strerror(failure));
    }
    char name[16];
    snprintf(name, sizeof(name), "api-pool-%zu", number);
    pthread_setname_np(self->thread, name);
    return true;
}

/* Ends when it is to stop and nothing is left. */
static void *run(void *argument) {
    struct pool_thread *self = argument;
    struct pool *pool = self->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (list_is_empty(&pool->queue) && !pool->is_stopping) {
            pthread_cond_wait(&pool->work, &pool->lock);
        }
        if (list_is_empty(&pool->queue)) {
            break;
        }
        struct pool_task *task = CONTAINER_OF(pool->queue.next, struct pool_task, queued);
        list_remove(&task->queued);
        pool->queued--;
        bool is_stopping = pool->is_stopping;
        pthread_mutex_unlock(&pool->lock);
        run_task(self, task, is_stopping);
        pthread_mutex_lock(&pool->lock);
        task->is_done = true;
        report(pool, task);
        pthread_mutex_unlock(&pool->lock);
        wake(pool);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void run_task(struct pool_thread *self, struct pool_task *task, bool is_stopping) {
    struct pool *pool = self->pool;
    struct err err = {"the server stops"};
    if (is_stopping) {
        task->run(task, NULL, &err);
        return;
    }
    if (!redis_pipe_is_connected(self->pipe) &&
        clock_monotonic_ns() < atomic_load(&pool->retry_ns)) {
        err_set(&err, "Redis could not be reached a moment ago");
        task->run(task, NULL, &err);
        return;
    }
    uint64_t begun_ns = clock_monotonic_ns();
    uint64_t deadline_ns = begun_ns + pool->timeout_ns - task->waited_ns;
    redis_pipe_set_deadline(self->pipe, deadline_ns);
    bool is_reached = reach(self, &err);
    task->run(task, is_reached ? self->pipe : NULL, &err);
    uint64_t ended_ns = clock_monotonic_ns();
    task->waited_ns += ended_ns - begun_ns;
    task->waited_ns = task->waited_ns < pool->timeout_ns ? task->waited_ns : pool->timeout_ns;
    if (!redis_pipe_is_connected(self->pipe) && ended_ns >= deadline_ns) {
        put_off(pool); /* whoever waits behind it need not wait for the same */
    }
}

static void put_off(struct pool *pool) {
    atomic_store(&pool->retry_ns, clock_monotonic_ns() + POOL_RETRY_MS * 1000000ull);
}

/* A connection is good when it answers: the kernel takes connections for a Redis that hangs. */
static bool reach(struct pool_thread *self, struct err *err) {
    const struct slice ping[] = {SLICE("PING")};
    if (redis_pipe_is_connected(self->pipe)) {
        return true;
    }
    if (redis_pipe_connect(self->pipe, err) && redis_pipe_command(self->pipe, 1, ping, err)) {
        return true;
    }
    put_off(self->pool);
    return false;
}

/* Under the lock. */
static void report(struct pool *pool, struct pool_task *task) {
    if (!list_is_linked(&task->reported)) {
        list_append(&pool->reports, &task->reported);
    }
}

static void wake(const struct pool *pool) {
    uint64_t one = 1;
    ENSURE(write(pool->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one) || errno == EAGAIN);
}
