/*
 * server.c - evhttp on a thread: low rate, well kept, and never on a public address.
 */
#include "api/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "ops.h"
#include "reply.h"

enum { ACCEPT_PAUSE_US = 100000 };

struct api_server {
    struct event_base *base;
    struct evhttp *http;
    struct event *wake; /* the stop */
    int wake_fd;
    pthread_t thread;
    bool is_running;
    struct log *log;
    struct ops ops;
};

static void on_unknown(struct evhttp_request *request, void *argument) {
    (void)argument;
    reply_problem(request, 404, "Not Found", "there are /healthz, /readyz and /metrics");
}

static void on_wake(evutil_socket_t fd, short what, void *argument) {
    struct api_server *server = argument;
    (void)fd;
    (void)what;
    event_base_loopexit(server->base, NULL);
}

static void on_unpause(evutil_socket_t fd, short what, void *argument) {
    (void)fd;
    (void)what;
    evconnlistener_enable(argument);
}

/* Out of file descriptors: libevent alone would try again at once, and say so each time. */
static void on_accept_error(struct evconnlistener *listener, void *http) {
    struct timeval pause = {.tv_usec = ACCEPT_PAUSE_US};
    (void)http;
    evconnlistener_disable(listener);
    if (event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, on_unpause, listener,
                        &pause) != 0) {
        evconnlistener_enable(listener); /* rather busy than deaf */
    }
}

/* What a port of 0 became. */
static unsigned port_of(evutil_socket_t fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(fd, &address.any, &size) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static bool bind_all(struct api_server *server, struct slice listen, struct err *err) {
    struct conf_address address;
    while (conf_next_address(&listen, &address)) {
        struct evhttp_bound_socket *bound =
            evhttp_bind_socket_with_handle(server->http, address.host, address.port);
        if (bound == NULL) {
            return err_set(err, "api.listen: cannot listen on %s port %u: %s", address.host,
                           address.port, strerror(errno));
        }
        evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(bound), on_accept_error);
        log_event(server->log, LOG_INFO, "api_listening", "host=%s port=%u", address.host,
                  port_of(evhttp_bound_socket_get_fd(bound)));
    }
    return true;
}

static bool make_http(struct api_server *server, const struct api_options *options,
                      struct err *err) {
    server->base = event_base_new();
    server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->base == NULL || server->wake_fd < 0) {
        return err_set(err, "cannot make the admin side's event loop: %s", strerror(errno));
    }
    server->wake = event_new(server->base, server->wake_fd, EV_READ, on_wake, server);
    server->http = evhttp_new(server->base);
    ENSURE(server->wake != NULL && server->http != NULL && event_add(server->wake, NULL) == 0);
    evhttp_set_max_headers_size(server->http, API_HEAD_BYTES_MAX);
    evhttp_set_max_body_size(server->http, API_BODY_BYTES_MAX);
    evhttp_set_timeout(server->http, API_TIMEOUT_S);
    evhttp_set_gencb(server->http, on_unknown, server);
    evhttp_set_cb(server->http, "/healthz", ops_health, &server->ops);
    evhttp_set_cb(server->http, "/readyz", ops_ready, &server->ops);
    evhttp_set_cb(server->http, "/metrics", ops_metrics, &server->ops);
    return bind_all(server, options->listen, err);
}

static void *run(void *argument) {
    struct api_server *server = argument;
    pthread_setname_np(pthread_self(), "api");
    event_base_dispatch(server->base);
    return NULL;
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

struct api_server *api_start(const struct api_options *options, struct err *err) {
    struct api_server *server = calloc(1, sizeof(*server));
    ENSURE(server != NULL && options->check_count <= API_CHECKS_MAX);
    server->wake_fd = -1;
    server->log = options->log;
    server->ops.metrics = options->metrics;
    server->ops.check_count = options->check_count;
    for (size_t i = 0; i < options->check_count; i++) {
        server->ops.checks[i] = options->checks[i];
    }
    if (!make_http(server, options, err) || !start_thread(server, err)) {
        api_stop(&server);
    }
    return server;
}

void api_stop(struct api_server **server) {
    struct api_server *gone = *server;
    if (gone == NULL) {
        return;
    }
    if (gone->is_running) {
        uint64_t one = 1;
        ENSURE(write(gone->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
        pthread_join(gone->thread, NULL);
    }
    if (gone->http != NULL) {
        evhttp_free(gone->http);
    }
    if (gone->wake != NULL) {
        event_free(gone->wake);
    }
    if (gone->base != NULL) {
        event_base_free(gone->base);
    }
    if (gone->wake_fd >= 0) {
        close(gone->wake_fd);
    }
    free(gone);
    *server = NULL;
}
