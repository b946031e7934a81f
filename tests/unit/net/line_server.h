/*
 * line_server.h - connections under test: a handler of lines, and clients on the other end of
 * socket pairs, all on one thread.
 *
 *   echo TEXT    answers TEXT             wait     answers when server_resume() is called
 *   big N        answers N bytes          close    answers "bye" and closes
 *                                         linger   answers "bye" and lingers
 */
#ifndef LINE_SERVER_H
#define LINE_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "conn_private.h"

enum { BIG_ROOM = CONN_ROOM_BYTES, WAITING_MAX = 8 };

struct server {
    struct event_base *base;
    struct metric_registry *metrics;
    struct conn_loop *loop;
    struct conn *waiting[WAITING_MAX]; /* in the order in which they came */
    size_t waiting_count;
    unsigned calls;  /* of on_input */
    unsigned agains; /* how often it found the buffer full */
    unsigned closed;
};

static struct conn_loop_options server_options = {
    .connections_max = 100,
    .head_timeout_ms = 5000,
    .idle_timeout_ms = 5000,
    .write_timeout_ms = 5000,
};

static void add_waiting(struct server *server, struct conn *conn) {
    assert_true(server->waiting_count < WAITING_MAX);
    server->waiting[server->waiting_count++] = conn;
    conn_set_context(conn, server);
}

static void forget_waiting(struct server *server, struct conn *conn) {
    size_t kept = 0;
    for (size_t i = 0; i < server->waiting_count; i++) {
        if (server->waiting[i] != conn) {
            server->waiting[kept++] = server->waiting[i];
        }
    }
    assert_int_equal(kept + 1, server->waiting_count);
    server->waiting_count = kept;
    conn_set_context(conn, NULL);
}

static enum conn_verdict answer_line(struct server *server, struct conn *conn, struct slice line,
                                     struct buf *out) {
    struct slice words = line;
    struct slice verb = slice_split(&words, ' ');
    uint64_t size = 0;
    if (slice_equal(verb, SLICE("wait"))) {
        add_waiting(server, conn);
        return CONN_WAIT;
    }
    if (slice_equal(verb, SLICE("big"))) {
        assert_true(slice_to_u64(words, BIG_ROOM, &size));
        for (uint64_t i = 0; i < size; i++) {
            assert_true(buf_append_char(out, (char)('a' + i % 26)));
        }
        return CONN_KEEP;
    }
    bool is_last = slice_equal(verb, SLICE("close")) || slice_equal(verb, SLICE("linger"));
    buf_append(out, is_last ? SLICE("bye") : words);
    buf_append_char(out, '\n');
    assert_false(out->overflowed);
    return !is_last ? CONN_KEEP : slice_equal(verb, SLICE("close")) ? CONN_CLOSE : CONN_LINGER;
}

static enum conn_verdict on_lines(void *argument, struct conn *conn, struct conn_input input,
                                  size_t *consumed, struct buf *out) {
    struct server *server = argument;
    struct slice rest = input.bytes;
    server->calls++;
    assert_true(out->capacity - out->size >= CONN_ROOM_BYTES);
    assert_true(input.now_ns > 0);
    assert_false(out->overflowed);
    assert_true(input.seen < input.bytes.size);
    assert_null(memchr(rest.data, '\n', input.seen)); /* a whole line is never left as seen */
    assert_int_equal(conn_peer(conn)->sa_family, AF_INET);
    while (memchr(rest.data, '\n', rest.size) != NULL) {
        if (out->capacity - out->size < BIG_ROOM) {
            server->agains++;
            return CONN_AGAIN;
        }
        struct slice line = slice_split(&rest, '\n');
        *consumed += line.size + 1;
        enum conn_verdict verdict = answer_line(server, conn, line, out);
        if (verdict != CONN_KEEP) {
            return verdict;
        }
        if (rest.size == 0) {
            break;
        }
    }
    return CONN_KEEP;
}

static void on_line_close(void *argument, struct conn *conn) {
    struct server *server = argument;
    server->closed++;
    if (conn_context(conn) != NULL) {
        forget_waiting(server, conn);
    }
}

static struct server *server_create(struct conn_loop_options options) {
    struct server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    server->base = event_base_new();
    server->metrics = metric_registry_create();
    options.base = server->base;
    options.metrics = server->metrics;
    options.handler = (struct conn_handler){on_lines, on_line_close, NULL, server};
    server->loop = conn_loop_create(&options);
    return server;
}

/* What a test that failed left waiting must not hide why it failed. */
static void server_destroy(struct server *server) {
    while (server->waiting_count > 0) {
        struct conn *conn = server->waiting[0];
        forget_waiting(server, conn);
        conn_resume(conn, CONN_CLOSE);
    }
    conn_loop_destroy(&server->loop);
    assert_null(server->loop);
    assert_int_equal(metric_registry_total(server->metrics, "brinco_connections_kept_bytes", NULL),
                     0);
    assert_int_equal(
        metric_registry_total(server->metrics, "brinco_connections_accepted_total", NULL),
        metric_registry_total(server->metrics, "brinco_connections_closed_total", NULL));
    metric_registry_destroy(&server->metrics);
    event_base_free(server->base);
    free(server);
}

static inline int server_setup(void **state) {
    *state = server_create(server_options);
    return 0;
}

static inline int server_teardown(void **state) {
    server_destroy(*state);
    return 0;
}

/* Turns the loop until nothing is ready. */
static inline void turn(struct server *server) {
    for (int i = 0; i < 20; i++) {
        event_base_loop(server->base, EVLOOP_NONBLOCK);
    }
}

static inline void turn_for(struct server *server, uint32_t ms) {
    uint64_t until_ns = clock_monotonic_ns() + (uint64_t)ms * 1000000u;
    while (clock_monotonic_ns() < until_ns) {
        event_base_loop(server->base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
}

/* Nothing would wake the loop now. */
static inline bool is_quiet(struct server *server) {
    struct epoll_event event;
    return epoll_wait(server->loop->poll_fd, &event, 1, 0) == 0;
}

/* How many of the connections ended for this reason. */
static inline uint64_t ended(struct server *server, const char *reason) {
    char labels[64];
    snprintf(labels, sizeof(labels), "reason=\"%s\"", reason);
    return metric_registry_total(server->metrics, "brinco_connections_closed_total", labels);
}

static inline void put(int fd, struct slice bytes) {
    assert_int_equal(send(fd, bytes.data, bytes.size, MSG_NOSIGNAL), bytes.size);
}

/* What has come, as text; "" also at the end. */
static inline const char *take(int fd) {
    static char text[1 << 20];
    size_t size = 0;
    ssize_t got;
    while ((got = recv(fd, text + size, sizeof(text) - 1 - size, MSG_DONTWAIT)) > 0) {
        size += (size_t)got;
    }
    text[size] = '\0';
    return text;
}

static inline bool is_at_end(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* A client whose first bytes, if any, are there when the connection is opened. */
static inline int client_open(struct server *server, struct slice first) {
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(1234)};
    int fds[2], small = 4096;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    if (first.size > 0) {
        put(fds[0], first);
    }
    conn_loop_turn(server->loop);
    conn_open(server->loop, fds[1], (struct sockaddr *)&peer);
    conn_loop_flush(server->loop);
    return fds[0];
}

static inline void server_resume(struct server *server, struct slice answer,
                                 enum conn_verdict verdict) {
    struct conn *conn = server->waiting[0];
    assert_true(server->waiting_count > 0);
    forget_waiting(server, conn);
    assert_int_equal(conn_output(conn)->size, 0);
    buf_append(conn_output(conn), answer);
    conn_resume(conn, verdict);
    conn_loop_flush(server->loop);
}

#endif
