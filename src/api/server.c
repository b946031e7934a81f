/*
 * server.c - a thread, its loop, and what stands on it.
 *
 *   doors ─ fd ─► callers ─ head ─► ops     at once
 *                               └─► visits ─► pool ─► handlers
 *                                        └─► live
 */
#include "api/server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/err.h"
#include "base/metrics.h"
#include "caller.h"
#include "doors.h"
#include "limit.h"
#include "live.h"
#include "meter.h"
#include "ops.h"
#include "pool.h"
#include "reply.h"
#include "routes.h"
#include "server_private.h"
#include "visit.h"

struct api_server {
    struct event_base *base;
    int wake_fd;
    struct event *wake; /* the pool has something, or it is time to stop */
    struct event *last_moment;
    pthread_t thread;
    bool is_running;
    _Atomic bool is_to_stop;
    bool is_stopping;
    struct metric_set *metrics;
    struct doors *doors;
    struct caller_loop *callers;
    struct visit_room visits;
    struct ops ops;
};

static bool make(struct api_server *server, const struct api_options *options,
                 const struct server_setup *setup, struct err *err);
static bool make_base(struct api_server *server, struct err *err);
static bool start_thread(struct api_server *server, struct err *err);
static void *run(void *argument);
static void on_wake(evutil_socket_t fd, short what, void *argument);
static void on_last_moment(evutil_socket_t fd, short what, void *argument);
static void on_accept(void *argument, int fd, const struct sockaddr *peer);
static void on_count(void *argument, size_t count);
static void on_request(void *argument, struct caller *caller, const struct head *head);
static void begin_stop(struct api_server *server);

_Static_assert((int)API_THREADS == (int)POOL_THREADS, "one pool");
_Static_assert((int)API_INPUT_BYTES_MAX == (int)CALLER_INPUT_BYTES_MAX, "read ahead");

struct api_server *api_start(const struct api_options *options, struct err *err) {
    const struct server_setup setup = {
        .routes = api_routes(),
        .limits = {.idle_ms = 10000,
                   .head_ms = 10000,
                   .pace_ms = 10000,
                   .linger_ms = 2000,
                   .pace_bytes = 64 * 1024},
        .connections_max = API_CONNECTIONS_MAX,
        .live_interval_ms = LIVE_INTERVAL_MS,
        .redis_timeout_ms = options->redis_timeout_ms > API_REDIS_TIMEOUT_MS
                                ? options->redis_timeout_ms
                                : API_REDIS_TIMEOUT_MS,
    };
    return server_start(options, &setup, err);
}

struct api_server *server_start(const struct api_options *options, const struct server_setup *setup,
                                struct err *err) {
    struct api_server *server = calloc(1, sizeof(*server));
    ENSURE(server != NULL && options->check_count <= API_CHECKS_MAX);
    server->wake_fd = -1;
    allowed_init(&server->visits.allowed_hosts);
    server->ops.metrics = options->metrics;
    server->ops.check_count = options->check_count;
    for (size_t i = 0; i < options->check_count; i++) {
        server->ops.checks[i] = options->checks[i];
    }
    if (!make(server, options, setup, err) || !start_thread(server, err)) {
        api_stop(&server);
    }
    return server;
}

void api_configure(struct api_server *server, uint32_t stats_retain_days, uint32_t history_entries,
                   uint32_t queue_retain_hours) {
    atomic_store(&server->visits.stats_retain_days, stats_retain_days);
    atomic_store(&server->visits.history_entries, history_entries);
    atomic_store(&server->visits.queue_retain_hours, queue_retain_hours);
}

void api_set_hosts(struct api_server *server, struct slice allowed_hosts) {
    allowed_set(&server->visits.allowed_hosts, allowed_hosts);
}

/* Callers first: what the pool still does is then for nobody, and ends soon. */
void api_stop(struct api_server **server) {
    struct api_server *gone = *server;
    if (gone == NULL) {
        return;
    }
    if (gone->is_running) {
        uint64_t one = 1;
        atomic_store(&gone->is_to_stop, true);
        ENSURE(write(gone->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
        pthread_join(gone->thread, NULL);
    }
    doors_close(&gone->doors);
    caller_loop_destroy(&gone->callers);
    pool_stop(&gone->visits.pool);
    live_destroy(&gone->visits.live);
    limit_destroy(&gone->visits.limit);
    if (gone->wake != NULL) {
        event_free(gone->wake);
    }
    if (gone->last_moment != NULL) {
        event_free(gone->last_moment);
    }
    if (gone->base != NULL) {
        event_base_free(gone->base);
    }
    if (gone->wake_fd >= 0) {
        close(gone->wake_fd);
    }
    metric_set_destroy(&gone->metrics);
    allowed_fini(&gone->visits.allowed_hosts);
    free(gone);
    *server = NULL;
}

static bool make(struct api_server *server, const struct api_options *options,
                 const struct server_setup *setup, struct err *err) {
    const struct caller_handler handler = {
        .on_request = on_request, .on_count = on_count, .argument = server};
    server->metrics = metric_set_create(options->metrics, meter_table, METER_COUNT);
    if (!make_base(server, err)) {
        return false;
    }
    const struct doors_options doors = {.base = server->base,
                                        .listen = options->listen,
                                        .connections_max = setup->connections_max,
                                        .on_accept = on_accept,
                                        .argument = server,
                                        .metrics = server->metrics,
                                        .log = options->log};
    const struct pool_options pool = {
        .url = options->url, .timeout_ms = setup->redis_timeout_ms, .wake_fd = server->wake_fd};
    struct live_options live = {.base = server->base,
                                .metrics = server->metrics,
                                .key_prefix = options->key_prefix,
                                .zone = options->zone,
                                .interval_ms = setup->live_interval_ms};
    server->callers = caller_loop_create(server->base, &setup->limits, &handler, server->metrics);
    server->doors = doors_open(&doors, err);
    live.pool = server->doors == NULL ? NULL : pool_start(&pool, err);
    if (live.pool == NULL) {
        return false;
    }
    server->visits.pool = live.pool;
    server->visits.live = live_create(&live);
    server->visits.limit = limit_create();
    server->visits.metrics = server->metrics;
    server->visits.log = options->log;
    server->visits.routes = setup->routes;
    server->visits.key_prefix = options->key_prefix;
    server->visits.zone = options->zone;
    server->visits.intake = options->intake;
    server->visits.intake_fault = options->intake_fault;
    api_configure(server, options->stats_retain_days, options->history_entries,
                  options->queue_retain_hours);
    api_set_hosts(server, options->allowed_hosts);
    return true;
}

static bool make_base(struct api_server *server, struct err *err) {
    server->base = event_base_new();
    server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->base == NULL || server->wake_fd < 0) {
        return err_set(err, "cannot make the admin side's event loop: %s", strerror(errno));
    }
    server->wake = event_new(server->base, server->wake_fd, EV_READ | EV_PERSIST, on_wake, server);
    server->last_moment = event_new(server->base, -1, 0, on_last_moment, server);
    ENSURE(server->wake != NULL && server->last_moment != NULL &&
           event_add(server->wake, NULL) == 0);
    return true;
}

static bool start_thread(struct api_server *server, struct err *err) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = pthread_create(&server->thread, NULL, run, server);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failure != 0) {
        return err_set(err, "cannot start the admin side's thread: %s", strerror(failure));
    }
    server->is_running = true;
    return true;
}

static void *run(void *argument) {
    struct api_server *server = argument;
    pthread_setname_np(pthread_self(), "api");
    event_base_dispatch(server->base);
    return NULL;
}

static void on_wake(evutil_socket_t fd, short what, void *argument) {
    struct api_server *server = argument;
    uint64_t count;
    (void)what;
    if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count)) {
        pool_drain(server->visits.pool);
    }
    if (atomic_load(&server->is_to_stop) && !server->is_stopping) {
        begin_stop(server);
    }
}

static void on_last_moment(evutil_socket_t fd, short what, void *argument) {
    struct api_server *server = argument;
    (void)fd;
    (void)what;
    event_base_loopbreak(server->base);
}

/* Until the last connection is gone, or the last moment is there. */
static void begin_stop(struct api_server *server) {
    struct timeval rest = {.tv_sec = API_STOP_MS / 1000};
    server->is_stopping = true;
    doors_close(&server->doors);
    live_end(server->visits.live);
    caller_loop_drain(server->callers);
    ENSURE(event_add(server->last_moment, &rest) == 0);
    on_count(server, caller_loop_count(server->callers));
}

static void on_accept(void *argument, int fd, const struct sockaddr *peer) {
    struct api_server *server = argument;
    caller_open(server->callers, fd, peer);
}

static void on_count(void *argument, size_t count) {
    struct api_server *server = argument;
    metric_put(server->metrics, METER_CONNECTIONS, count);
    if (server->doors != NULL) {
        doors_count(server->doors, count);
    }
    if (server->is_stopping && count == 0) {
        event_base_loopbreak(server->base);
    }
}

static void on_request(void *argument, struct caller *caller, const struct head *head) {
    struct api_server *server = argument;
    struct slice path = head->http.path;
    if (slice_equal(path, SLICE("/healthz"))) {
        caller_set_route(caller, METER_HEALTHZ);
        ops_health(caller, head);
    } else if (slice_equal(path, SLICE("/readyz"))) {
        caller_set_route(caller, METER_READYZ);
        ops_ready(&server->ops, caller, head);
    } else if (slice_equal(path, SLICE("/metrics"))) {
        caller_set_route(caller, METER_METRICS);
        ops_metrics(&server->ops, caller, head);
    } else if (target_is_under(path, SLICE("v1"))) {
        visit_begin(&server->visits, caller, head);
    } else {
        reply_problem(caller, 404, NULL, "there are /healthz, /readyz, /metrics and /v1");
    }
}
