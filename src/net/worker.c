/*
 * worker.c - thread, loop, and the one way in from other threads.
 *
 * The base is made without locks (EVENT_BASE_FLAG_NOLOCK): only its own thread touches it.
 * Others put a function on a mutexed list and write to an eventfd, which the loop watches.
 */
#include "net/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/err.h"

struct post {
    void (*function)(void *argument);
    void *argument;
};

struct worker {
    char name[16]; /* what pthread_setname_np() takes */
    struct event_base *base;
    struct event *wake;
    struct event *tick;
    struct post on_tick;
    int wake_fd;
    pthread_t thread;
    bool is_running;
    pthread_mutex_t mutex;
    size_t post_count; /* guarded by mutex, like posts */
    struct post posts[WORKER_POSTS_MAX];
};

static void on_wake(evutil_socket_t fd, short what, void *argument) {
    struct worker *worker = argument;
    struct post posts[WORKER_POSTS_MAX];
    uint64_t ignored;
    (void)what;
    if (read(fd, &ignored, sizeof(ignored)) < 0) {
        return; /* woken for nothing */
    }
    pthread_mutex_lock(&worker->mutex);
    size_t count = worker->post_count;
    memcpy(posts, worker->posts, count * sizeof(posts[0]));
    worker->post_count = 0;
    pthread_mutex_unlock(&worker->mutex);
    for (size_t i = 0; i < count; i++) {
        posts[i].function(posts[i].argument);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *argument) {
    struct worker *worker = argument;
    (void)fd;
    (void)what;
    worker->on_tick.function(worker->on_tick.argument);
}

static struct event_base *make_base(void) {
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct worker *worker_create(const char *name, struct err *err) {
    struct worker *worker = calloc(1, sizeof(*worker));
    ENSURE(worker != NULL && pthread_mutex_init(&worker->mutex, NULL) == 0);
    snprintf(worker->name, sizeof(worker->name), "%s", name);
    worker->base = make_base();
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->base == NULL || worker->wake_fd < 0) {
        err_set(err, "cannot make an event loop for %s: %s", name, strerror(errno));
        worker_destroy(&worker);
        return NULL;
    }
    worker->wake = event_new(worker->base, worker->wake_fd, EV_READ | EV_PERSIST, on_wake, worker);
    worker->tick = event_new(worker->base, -1, EV_PERSIST, on_tick, worker);
    ENSURE(worker->tick != NULL);
    ENSURE(worker->wake != NULL && event_add(worker->wake, NULL) == 0);
    return worker;
}

void worker_destroy(struct worker **worker) {
    if (*worker == NULL) {
        return;
    }
    ENSURE(!(*worker)->is_running);
    if ((*worker)->wake != NULL) {
        event_free((*worker)->wake);
    }
    if ((*worker)->tick != NULL) {
        event_free((*worker)->tick);
    }
    if ((*worker)->wake_fd >= 0) {
        close((*worker)->wake_fd);
    }
    if ((*worker)->base != NULL) {
        event_base_free((*worker)->base);
    }
    pthread_mutex_destroy(&(*worker)->mutex);
    free(*worker);
    *worker = NULL;
}

struct event_base *worker_base(struct worker *worker) {
    return worker->base;
}

static void *run(void *argument) {
    struct worker *worker = argument;
    pthread_setname_np(pthread_self(), worker->name);
    event_base_loop(worker->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

bool worker_start(struct worker *worker, struct err *err) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failure != 0) {
        return err_set(err, "cannot start the thread %s: %s", worker->name, strerror(failure));
    }
    worker->is_running = true;
    return true;
}

void worker_join(struct worker *worker) {
    if (worker->is_running) {
        pthread_join(worker->thread, NULL);
        worker->is_running = false;
    }
}

void worker_post(struct worker *worker, void (*function)(void *argument), void *argument) {
    uint64_t one = 1;
    pthread_mutex_lock(&worker->mutex);
    ENSURE(worker->post_count < WORKER_POSTS_MAX);
    worker->posts[worker->post_count++] = (struct post){function, argument};
    pthread_mutex_unlock(&worker->mutex);
    ENSURE(write(worker->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

void worker_tick(struct worker *worker, uint32_t interval_ms, void (*function)(void *argument),
                 void *argument) {
    struct timeval interval = {.tv_sec = interval_ms / 1000,
                               .tv_usec = (suseconds_t)(interval_ms % 1000) * 1000};
    event_del(worker->tick);
    worker->on_tick = (struct post){function, argument};
    if (interval_ms > 0) {
        event_add(worker->tick, &interval);
    }
}

void worker_exit(struct worker *worker) {
    event_base_loopbreak(worker->base);
}
