/*
 * doors.c - accepting, and not accepting.
 */
#include "doors.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "meter.h"

enum { BACKLOG = 128 };

struct doors {
    struct doors_options options;
    struct evconnlistener *listeners[DOORS_MAX];
    size_t count;
    struct event *rest;
    bool is_full;
    bool is_resting;
    bool are_shut;
};

static bool open_one(struct doors *doors, const struct conf_address *address, struct err *err);
static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int size, void *argument);
static void on_accept_error(struct evconnlistener *listener, void *argument);
static void on_rested(evutil_socket_t fd, short what, void *argument);
static void apply(struct doors *doors);
static unsigned port_of(evutil_socket_t fd);

struct doors *doors_open(const struct doors_options *options, struct err *err) {
    struct doors *doors = calloc(1, sizeof(*doors));
    struct conf_address address;
    struct slice rest = options->listen;
    ENSURE(doors != NULL);
    doors->options = *options;
    doors->rest = event_new(options->base, -1, 0, on_rested, doors);
    ENSURE(doors->rest != NULL);
    while (doors != NULL && conf_next_address(&rest, &address)) {
        if (!open_one(doors, &address, err)) {
            doors_close(&doors);
        }
    }
    return doors;
}

void doors_close(struct doors **doors) {
    struct doors *gone = *doors;
    if (gone == NULL) {
        return;
    }
    for (size_t i = 0; i < gone->count; i++) {
        evconnlistener_free(gone->listeners[i]);
    }
    event_free(gone->rest);
    free(gone);
    *doors = NULL;
}

void doors_count(struct doors *doors, size_t connections) {
    bool is_full = connections >= doors->options.connections_max;
    if (is_full && !doors->is_full) {
        metric_add(doors->options.metrics, METER_PAUSES_CONNECTIONS, 1);
    }
    doors->is_full = is_full;
    apply(doors);
}

static bool open_one(struct doors *doors, const struct conf_address *address, struct err *err) {
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char port[8];
    if (doors->count == DOORS_MAX) {
        return err_set(err, "api.listen: more than %d addresses", DOORS_MAX);
    }
    snprintf(port, sizeof(port), "%u", address->port);
    int failure = getaddrinfo(address->host, port, &hints, &found);
    if (failure != 0) {
        return err_set(err, "api.listen: %s: %s", address->host, gai_strerror(failure));
    }
    struct evconnlistener *listener =
        evconnlistener_new_bind(doors->options.base, on_accept, doors,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                BACKLOG, found->ai_addr, (int)found->ai_addrlen);
    int why = errno;
    freeaddrinfo(found);
    if (listener == NULL) {
        return err_set(err, "api.listen: cannot listen on %s port %u: %s", address->host,
                       address->port, strerror(why));
    }
    evconnlistener_set_error_cb(listener, on_accept_error);
    doors->listeners[doors->count++] = listener;
    log_event(doors->options.log, LOG_INFO, "api_listening", "host=%s port=%u", address->host,
              port_of(evconnlistener_get_fd(listener)));
    return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int size, void *argument) {
    struct doors *doors = argument;
    (void)listener;
    (void)size;
    doors->options.on_accept(doors->options.argument, fd, peer);
}

/* Out of file descriptors: libevent alone would try again at once, and say so each time. */
static void on_accept_error(struct evconnlistener *listener, void *argument) {
    struct doors *doors = argument;
    struct timeval pause = {.tv_usec = DOORS_REST_MS * 1000};
    (void)listener;
    metric_add(doors->options.metrics, METER_PAUSES_DESCRIPTORS, 1);
    doors->is_resting = event_add(doors->rest, &pause) == 0; /* else rather busy than deaf */
    apply(doors);
}

static void on_rested(evutil_socket_t fd, short what, void *argument) {
    struct doors *doors = argument;
    (void)fd;
    (void)what;
    doors->is_resting = false;
    apply(doors);
}

static void apply(struct doors *doors) {
    bool are_shut = doors->is_full || doors->is_resting;
    if (are_shut == doors->are_shut) {
        return;
    }
    doors->are_shut = are_shut;
    for (size_t i = 0; i < doors->count; i++) {
        if (are_shut) {
            evconnlistener_disable(doors->listeners[i]);
        } else {
            evconnlistener_enable(doors->listeners[i]);
        }
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
