/*
 * conn.c - the life of a connection, and its input.
 *
 * One path (on_readable → conn_feed → conn_answer) serves the first read right after accept,
 * later reads, and what waited behind a suspended request. A tap on a new connection that asks for
 * close never meets the epoll set; one on a kept-alive connection costs a share of a wake, a read
 * and a write.
 *
 * Edge-triggered: the kernel tells of input once, when it comes. A read that does not fill the
 * buffer has taken all there is; whatever comes later, the client's end among it, is another
 * event. Where there may be more (the buffer is full, the end or urgent data came with it, an event
 * came while nobody could read) is_unread says so, and conn_watch() asks again.
 */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
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

static void on_ready(evutil_socket_t fd, short what, void *argument);
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
    loop->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    ENSURE(loop->poll_fd >= 0);
    loop->ready = event_new(options->base, loop->poll_fd, EV_READ | EV_PERSIST, on_ready, loop);
    ENSURE(loop->ready != NULL && event_add(loop->ready, NULL) == 0);
    struct timeval interval = {.tv_usec = TICK_MS * 1000};
    loop->tick = event_new(options->base, -1, EV_PERSIST, on_tick, loop);
    ENSURE(loop->tick != NULL && event_add(loop->tick, &interval) == 0);
    return loop;
}

/* --- ending --------------------------------------------------------------------------------- */

/* Closing takes it out of the epoll set, too. */
void conn_end(struct conn *conn, enum conn_end why) {
    struct conn_loop *loop = conn->loop;
    loop->options.handler.on_close(loop->options.handler.argument, conn);
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
    conn_loop_flush(*loop);
    for (int class = 0; class < CLASS_COUNT; class ++) {
        struct deadline *first;
        while ((first = deadline_first(&(*loop)->queues[class])) != NULL) {
            conn_end(CONTAINER_OF(first, struct conn, deadline), END_DRAINED);
        }
    }
    /* Connections that wait are on no queue; whoever they wait for must have answered. */
    ENSURE((*loop)->count == 0);
    event_free((*loop)->tick);
    event_free((*loop)->ready);
    close((*loop)->poll_fd);
    metric_set_destroy(&(*loop)->metrics);
    free(*loop);
    *loop = NULL;
}

/* --- limits --------------------------------------------------------------------------------- */

size_t conn_loop_evict(struct conn_loop *loop) {
    size_t evicted = 0;
    struct deadline *first;
    conn_loop_flush(loop); /* nobody loses an answer that is there */
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

void conn_set_class(struct conn *conn, enum conn_class class) {
    conn->class = (uint8_t) class;
    deadline_set(&conn->loop->queues[class], &conn->deadline, conn->loop->now_ns);
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
    loop->now_ns = now_ns;
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

/* Changing what is asked for makes the kernel look again, too. */
void conn_watch(struct conn *conn, bool for_writing) {
    if (conn->is_watched && conn->is_writing == for_writing && !conn->is_unread) {
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET,
                                .data = {.ptr = conn}};
    if (for_writing) {
        event.events |= EPOLLOUT;
    }
    int operation = conn->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(conn->loop->poll_fd, operation, conn->fd, &event) != 0) {
        conn_end(conn, END_MEMORY); /* the kernel's, or fs.epoll.max_user_watches */
        return;
    }
    conn->is_watched = true;
    conn->is_writing = for_writing;
    conn->is_unread = false;
}

/* --- input ---------------------------------------------------------------------------------- */

void conn_feed(struct conn *conn, struct slice bytes, size_t seen) {
    struct conn_loop *loop = conn->loop;
    struct conn_handler *handler = &loop->options.handler;
    size_t consumed = 0;
    size_t begin = loop->out.size;
    struct conn_input input = {.bytes = bytes, .seen = seen, .now_ns = loop->now_ns};
    loop->is_in_handler = true;
    enum conn_verdict verdict =
        handler->on_input(handler->argument, conn, input, &consumed, &loop->out);
    loop->is_in_handler = false;
    ENSURE(consumed <= bytes.size && (verdict != CONN_AGAIN || consumed > 0));
    if (consumed > 0 && conn->class == CLASS_HEAD) {
        deadline_cancel(&conn->deadline); /* the next head has its own time */
    }
    bool is_last = verdict == CONN_CLOSE || verdict == CONN_LINGER;
    bytes = is_last ? SLICE_EMPTY : slice_from(bytes, consumed);
    if (bytes.size == 0 && conn->kept == NULL) {
        /* The usual case: all is consumed, nothing was kept. */
    } else if (!conn_keep_rest(conn, bytes, verdict == CONN_KEEP ? bytes.size : 0)) {
        conn_unanswer(loop, begin);
        conn_end(conn, END_MEMORY);
        return;
    }
    conn->is_waiting = verdict == CONN_WAIT;
    conn_answer(conn, begin, verdict);
}

/* What a client still sends after the last answer is read, so that closing does not reset. */
static void discard(struct conn *conn) {
    ssize_t got;
    do {
        got = conn_receive(conn->fd, conn->loop->in_bytes, sizeof(conn->loop->in_bytes));
        conn->lingered += got > 0 ? (uint32_t)got : 0;
    } while (got > 0 && conn->lingered <= LINGER_BYTES_MAX);
    if (got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        conn_end(conn, END_ANSWERED);
    }
}

/* For a request that comes in pieces: behind what is kept already. False: the connection ended. */
static bool read_behind(struct conn *conn, char **into, size_t *room) {
    size_t wanted = conn->kept_size + CONN_KEPT_FIRST_BYTES;
    wanted = wanted > CONN_INPUT_BYTES_MAX ? CONN_INPUT_BYTES_MAX : wanted;
    if (wanted <= conn->kept_size || !conn_reserve_kept(conn, wanted)) {
        conn_end(conn, END_MEMORY);
        return false;
    }
    *into = conn->kept + conn->kept_size;
    *room = conn->kept_capacity - conn->kept_size;
    return true;
}

/* More may be behind what one read gives: the client's end, an error, or what follows urgent data
 * (RFC 9293 section 3.8.5), before which a read stops. */
static bool may_leave_some(uint32_t events) {
    return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0;
}

static void on_readable(struct conn *conn, bool may_leave) {
    struct conn_loop *loop = conn->loop;
    char *into = loop->in_bytes;
    size_t room = sizeof(loop->in_bytes);
    if (conn->kept_size > 0 && !read_behind(conn, &into, &room)) {
        return;
    }
    ssize_t got = conn_receive(conn->fd, into, room);
    conn->is_unread = may_leave || (size_t)got == room;
    if (got > 0 && conn->kept_size > 0) {
        conn->kept_size += (uint32_t)got;
        conn_feed(conn, slice_make(conn->kept, conn->kept_size), conn->kept_seen);
    } else if (got > 0) {
        conn_feed(conn, slice_make(into, (size_t)got), 0);
    } else if (got == 0) {
        conn_end(conn, END_CLIENT);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        conn->is_unread = errno == EINTR;
        conn_watch(conn, false);
    } else {
        conn_end(conn, errno == ECONNRESET ? END_CLIENT : END_ERROR);
    }
}

static void on_event(struct conn *conn, uint32_t events) {
    if (conn->pending != NULL || conn->is_waiting) {
        /* It sends more, or is gone: both can wait for the answer. */
        conn->is_unread = conn->is_unread || (events & ~(uint32_t)EPOLLOUT) != 0;
        if (conn->pending != NULL) {
            conn_write_pending(conn);
        }
    } else if (conn->class == CLASS_LINGER) {
        discard(conn);
    } else {
        on_readable(conn, may_leave_some(events));
    }
}

/* A connection stands in events once, and ends only by its own event or by its own answer being
 * written: so none of them points to one that is gone. */
static void on_ready(evutil_socket_t fd, short what, void *argument) {
    struct conn_loop *loop = argument;
    struct epoll_event events[CONN_TURN_MAX];
    (void)what;
    int count = epoll_wait(fd, events, CONN_TURN_MAX, 0);
    conn_loop_turn(loop);
    for (int i = 0; i < count; i++) {
        conn_make_room(loop);
        on_event(events[i].data.ptr, events[i].events);
    }
    conn_loop_flush(loop);
}

void conn_loop_turn(struct conn_loop *loop) {
    loop->now_ns = clock_monotonic_ns();
}

uint64_t conn_loop_now_ns(const struct conn_loop *loop) {
    return loop->now_ns;
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
    conn_set_class(conn, CLASS_HEAD);
    conn_make_room(loop);
    on_readable(conn, false);
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
