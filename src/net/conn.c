/*
 * conn.c - the life of a connection.
 *
 * One input path (on_readable → feed → finish → settle) serves the first read right after
 * accept, later reads, and what waited behind a suspended request. A tap on a new connection
 * that asks for close never meets the event loop; one on a kept-alive connection costs a wake, a
 * read and a write.
 */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "conn_private.h"

enum {
    TICK_MS = 100,
    LINGER_MS = 1000,
    LINGER_BYTES_MAX = 256 * 1024,
    EVICTED_AT_ONCE_MAX = 16,
    HEAD_SAFE_FROM_EVICTION_MS = 1000,
};

enum conn_end {
    END_ANSWERED,
    END_CLIENT,
    END_ERROR,
    END_HEAD_TIMEOUT,
    END_IDLE_TIMEOUT,
    END_WRITE_TIMEOUT,
    END_EVICTED,
    END_MEMORY,
    END_DRAINED,
};

static void feed(struct conn *conn, struct slice bytes, size_t seen);
static void settle(struct conn *conn, enum conn_verdict verdict);
static void on_event(evutil_socket_t fd, short what, void *argument);
static void on_tick(evutil_socket_t fd, short what, void *argument);

struct conn_loop *conn_loop_create(const struct conn_loop_options *options) {
    struct conn_loop *loop = calloc(1, sizeof(*loop));
    ENSURE(loop != NULL);
    loop->options = *options;
    loop->metrics = metric_set_create(options->metrics, conn_metrics, CONN_METRIC_COUNT);
    loop->out = buf_over(loop->out_bytes, sizeof(loop->out_bytes));
    deadline_queue_init(&loop->queues[CLASS_HEAD], options->head_timeout_ms);
    deadline_queue_init(&loop->queues[CLASS_IDLE], options->idle_timeout_ms);
    deadline_queue_init(&loop->queues[CLASS_WRITE], options->write_timeout_ms);
    deadline_queue_init(&loop->queues[CLASS_LINGER], LINGER_MS);
    struct timeval interval = {.tv_usec = TICK_MS * 1000};
    loop->tick = event_new(options->base, -1, EV_PERSIST, on_tick, loop);
    ENSURE(loop->tick != NULL && event_add(loop->tick, &interval) == 0);
    return loop;
}

/* --- ending --------------------------------------------------------------------------------- */

static void unwatch(struct conn *conn) {
    if (conn->is_watched) {
        event_del(&conn->event);
        conn->is_watched = false;
    }
}

static void conn_end(struct conn *conn, enum conn_end why) {
    struct conn_loop *loop = conn->loop;
    loop->options.handler.on_close(loop->options.handler.argument, conn);
    unwatch(conn);
    deadline_cancel(&conn->deadline);
    conn_drop_kept(conn);
    conn_drop_pending(conn);
    close(conn->fd);
    free(conn);
    loop->count--;
    metric_put(loop->metrics, CONN_OPEN, loop->count);
    metric_add(loop->metrics, (size_t)CONN_ENDED_BY_ANSWER + why, 1);
}

void conn_loop_destroy(struct conn_loop **loop) {
    if (*loop == NULL) {
        return;
    }
    for (int class = 0; class < CLASS_COUNT; class ++) {
        struct deadline *first;
        while ((first = deadline_first(&(*loop)->queues[class])) != NULL) {
            conn_end(CONTAINER_OF(first, struct conn, deadline), END_DRAINED);
        }
    }
    /* Connections that wait are on no queue; whoever they wait for must have answered. */
    ENSURE((*loop)->count == 0);
    event_free((*loop)->tick);
    metric_set_destroy(&(*loop)->metrics);
    free(*loop);
    *loop = NULL;
}

/* --- limits --------------------------------------------------------------------------------- */

size_t conn_loop_evict(struct conn_loop *loop) {
    size_t evicted = 0;
    struct deadline *first;
    while (evicted < EVICTED_AT_ONCE_MAX &&
           (first = deadline_first(&loop->queues[CLASS_IDLE])) != NULL) {
        conn_end(CONTAINER_OF(first, struct conn, deadline), END_EVICTED);
        evicted++;
    }
    struct deadline_queue *heads = &loop->queues[CLASS_HEAD];
    uint64_t safe_ns = (uint64_t)HEAD_SAFE_FROM_EVICTION_MS * 1000000u;
    uint64_t since_ns = clock_monotonic_ns() + heads->duration_ns - safe_ns;
    while (evicted < EVICTED_AT_ONCE_MAX && (first = deadline_passed(heads, since_ns)) != NULL) {
        conn_end(CONTAINER_OF(first, struct conn, deadline), END_EVICTED);
        evicted++;
    }
    return evicted;
}

bool conn_loop_has_room(struct conn_loop *loop) {
    if (loop->count < loop->options.connections_max) {
        return true;
    }
    metric_add(loop->metrics, CONN_LIMIT_CONNECTIONS, 1);
    return conn_loop_evict(loop) > 0;
}

size_t conn_loop_count(const struct conn_loop *loop) {
    return loop->count;
}

static void set_class(struct conn *conn, enum conn_class class, uint64_t now_ns) {
    conn->class = (uint8_t) class;
    deadline_set(&conn->loop->queues[class], &conn->deadline, now_ns);
}

static void on_tick(evutil_socket_t fd, short what, void *argument) {
    static const enum conn_end ends[CLASS_COUNT] = {
        [CLASS_HEAD] = END_HEAD_TIMEOUT,
        [CLASS_IDLE] = END_IDLE_TIMEOUT,
        [CLASS_WRITE] = END_WRITE_TIMEOUT,
        [CLASS_LINGER] = END_ANSWERED,
    };
    struct conn_loop *loop = argument;
    uint64_t now_ns = clock_monotonic_ns();
    (void)fd;
    (void)what;
    for (int class = 0; class < CLASS_COUNT; class ++) {
        struct deadline *passed;
        while ((passed = deadline_passed(&loop->queues[class], now_ns)) != NULL) {
            bool is_drained = class == CLASS_IDLE && loop->is_draining;
            conn_end(CONTAINER_OF(passed, struct conn, deadline),
                     is_drained ? END_DRAINED : ends[class]);
        }
    }
}

void conn_loop_drain(struct conn_loop *loop, uint32_t grace_ms) {
    struct deadline_queue *idle = &loop->queues[CLASS_IDLE];
    uint64_t now_ns = clock_monotonic_ns();
    loop->is_draining = true;
    idle->duration_ns = (uint64_t)grace_ms * 1000000u;
    for (struct list_node *node = idle->list.next; node != &idle->list; node = node->next) {
        CONTAINER_OF(node, struct deadline, node)->at_ns = now_ns + idle->duration_ns;
    }
}

bool conn_loop_is_draining(const struct conn_loop *loop) {
    return loop->is_draining;
}

/* --- watching ------------------------------------------------------------------------------- */

static void watch(struct conn *conn, bool for_writing) {
    if (conn->is_watched && conn->is_writing == for_writing) {
        return;
    }
    unwatch(conn);
    short what = (short)((for_writing ? EV_WRITE : EV_READ) | EV_PERSIST);
    event_assign(&conn->event, conn->loop->options.base, conn->fd, what, on_event, conn);
    ENSURE(event_add(&conn->event, NULL) == 0);
    conn->is_watched = true;
    conn->is_writing = for_writing;
}

/* --- output --------------------------------------------------------------------------------- */

enum flush_result { FLUSH_DONE, FLUSH_BLOCKED, FLUSH_FAILED, FLUSH_NO_MEMORY };

static enum flush_result send_all(int fd, const char *data, size_t size, size_t *sent) {
    while (*sent < size) {
        ssize_t taken = send(fd, data + *sent, size - *sent, MSG_NOSIGNAL);
        if (taken < 0 && errno == EINTR) {
            continue;
        }
        if (taken < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? FLUSH_BLOCKED : FLUSH_FAILED;
        }
        *sent += (size_t)taken;
    }
    return FLUSH_DONE;
}

/* Writes the worker's buffer; what the kernel does not take becomes the connection's. */
static enum flush_result flush_out(struct conn *conn) {
    struct buf *out = &conn->loop->out;
    size_t sent = 0;
    enum flush_result result = send_all(conn->fd, out->data, out->size, &sent);
    if (result == FLUSH_BLOCKED) {
        struct slice left = slice_from(buf_slice(out), sent);
        result = conn_keep_output(conn, left) ? FLUSH_BLOCKED : FLUSH_NO_MEMORY;
    }
    buf_clear(out);
    return result;
}

/* Writes what was appended to the worker's buffer, then does what the verdict says. */
static void finish(struct conn *conn, enum conn_verdict verdict) {
    switch (flush_out(conn)) {
    case FLUSH_DONE:
        settle(conn, verdict);
        break;
    case FLUSH_BLOCKED:
        conn->verdict = (uint8_t)verdict;
        set_class(conn, CLASS_WRITE, clock_monotonic_ns());
        watch(conn, true);
        break;
    case FLUSH_FAILED:
        conn_end(conn, END_ERROR);
        break;
    case FLUSH_NO_MEMORY:
        conn_end(conn, END_MEMORY);
        break;
    }
}

static void on_writable(struct conn *conn) {
    size_t sent = conn->pending_sent;
    enum flush_result result = send_all(conn->fd, conn->pending, conn->pending_size, &sent);
    conn->pending_sent = (uint32_t)sent;
    if (result == FLUSH_FAILED) {
        conn_end(conn, END_ERROR);
    } else if (result == FLUSH_DONE) {
        conn_drop_pending(conn);
        settle(conn, (enum conn_verdict)conn->verdict);
    }
}

/* --- input ---------------------------------------------------------------------------------- */

/* Everything is written: what now? */
static void settle(struct conn *conn, enum conn_verdict verdict) {
    switch (verdict) {
    case CONN_KEEP:
    case CONN_AGAIN:
        if (conn->kept_size > conn->kept_seen) {
            feed(conn, slice_make(conn->kept, conn->kept_size), conn->kept_seen);
            return;
        }
        if (conn->kept_size == 0) {
            set_class(conn, CLASS_IDLE, clock_monotonic_ns());
        } else if (conn->class != CLASS_HEAD || !list_is_linked(&conn->deadline.node)) {
            set_class(conn, CLASS_HEAD, clock_monotonic_ns());
        }
        watch(conn, false);
        return;
    case CONN_CLOSE:
        conn_end(conn, END_ANSWERED);
        return;
    case CONN_LINGER:
        conn_drop_kept(conn);
        shutdown(conn->fd, SHUT_WR);
        set_class(conn, CLASS_LINGER, clock_monotonic_ns());
        watch(conn, false);
        return;
    case CONN_WAIT:
        deadline_cancel(&conn->deadline);
        if (conn->is_writing) {
            unwatch(conn);
        }
        return;
    }
}

/* Hands bytes to the handler until it has no more use for them, then writes its answers. */
static void feed(struct conn *conn, struct slice bytes, size_t seen) {
    struct conn_loop *loop = conn->loop;
    struct conn_handler *handler = &loop->options.handler;
    size_t consumed = 0;
    struct conn_input input = {.bytes = bytes, .seen = seen};
    loop->is_in_handler = true;
    enum conn_verdict verdict =
        handler->on_input(handler->argument, conn, input, &consumed, &loop->out);
    loop->is_in_handler = false;
    ENSURE(consumed <= bytes.size && (verdict != CONN_AGAIN || consumed > 0));
    bool is_last = verdict == CONN_CLOSE || verdict == CONN_LINGER;
    bytes = is_last ? SLICE_EMPTY : slice_from(bytes, consumed);
    if (consumed > 0 && conn->class == CLASS_HEAD) {
        deadline_cancel(&conn->deadline); /* the next head has its own time */
    }
    if (!conn_keep_rest(conn, bytes, verdict == CONN_KEEP ? bytes.size : 0)) {
        buf_clear(&loop->out);
        conn_end(conn, END_MEMORY);
        return;
    }
    conn->is_waiting = verdict == CONN_WAIT;
    finish(conn, verdict);
}

/* What a client still sends after the last answer is read, so that closing does not reset. */
static void discard(struct conn *conn) {
    ssize_t got = recv(conn->fd, conn->loop->in_bytes, sizeof(conn->loop->in_bytes), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    conn->lingered += got > 0 ? (uint32_t)got : 0;
    if (got <= 0 || conn->lingered > LINGER_BYTES_MAX) {
        conn_end(conn, END_ANSWERED);
    }
}

static void on_readable(struct conn *conn) {
    struct conn_loop *loop = conn->loop;
    char *into = loop->in_bytes;
    size_t room = sizeof(loop->in_bytes);
    if (conn->kept_size > 0) {
        size_t wanted = conn->kept_size + CONN_KEPT_FIRST_BYTES;
        wanted = wanted > CONN_INPUT_BYTES_MAX ? CONN_INPUT_BYTES_MAX : wanted;
        if (wanted <= conn->kept_size || !conn_reserve_kept(conn, wanted)) {
            conn_end(conn, END_MEMORY);
            return;
        }
        into = conn->kept + conn->kept_size;
        room = conn->kept_capacity - conn->kept_size;
    }
    ssize_t got = recv(conn->fd, into, room, 0);
    if (got > 0 && conn->kept_size > 0) {
        conn->kept_size += (uint32_t)got;
        feed(conn, slice_make(conn->kept, conn->kept_size), conn->kept_seen);
    } else if (got > 0) {
        feed(conn, slice_make(into, (size_t)got), 0);
    } else if (got == 0) {
        conn_end(conn, END_CLIENT);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        watch(conn, false);
    } else {
        conn_end(conn, errno == ECONNRESET ? END_CLIENT : END_ERROR);
    }
}

static void on_event(evutil_socket_t fd, short what, void *argument) {
    struct conn *conn = argument;
    (void)fd;
    (void)what;
    if (conn->pending != NULL) {
        on_writable(conn);
    } else if (conn->is_waiting) {
        unwatch(conn); /* it sends more, or is gone; both can wait for the answer */
    } else if (conn->class == CLASS_LINGER) {
        discard(conn);
    } else {
        on_readable(conn);
    }
}

void conn_open(struct conn_loop *loop, int fd, const struct sockaddr *peer) {
    struct conn *conn = calloc(1, sizeof(*conn));
    ENSURE(conn != NULL);
    conn->loop = loop;
    conn->fd = fd;
    if (peer->sa_family == AF_INET6) {
        memcpy(&conn->peer.v6, peer, sizeof(conn->peer.v6));
    } else {
        memcpy(&conn->peer.v4, peer, sizeof(conn->peer.v4));
    }
    loop->count++;
    metric_put(loop->metrics, CONN_OPEN, loop->count);
    metric_add(loop->metrics, CONN_ACCEPTED, 1);
    set_class(conn, CLASS_HEAD, clock_monotonic_ns());
    on_readable(conn);
}

const struct sockaddr *conn_peer(const struct conn *conn) {
    return &conn->peer.any;
}

void *conn_context(const struct conn *conn) {
    return conn->context;
}

void conn_set_context(struct conn *conn, void *context) {
    conn->context = context;
}

struct buf *conn_output(struct conn *conn) {
    return &conn->loop->out;
}

void conn_resume(struct conn *conn, enum conn_verdict verdict) {
    ENSURE(conn->is_waiting && verdict != CONN_WAIT && verdict != CONN_AGAIN);
    ENSURE(!conn->loop->is_in_handler); /* its buffer holds another connection's answers */
    conn->is_waiting = false;
    if (conn->pending == NULL) {
        conn->class = CLASS_IDLE;
        finish(conn, verdict);
        return;
    }
    /* The client has not taken earlier answers yet: this one goes behind them. */
    conn->verdict = (uint8_t)verdict;
    bool is_kept = conn_keep_output(conn, buf_slice(&conn->loop->out));
    buf_clear(&conn->loop->out);
    if (!is_kept) {
        conn_end(conn, END_MEMORY);
    }
}
