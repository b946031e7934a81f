/*
 * tap_load_conns.c - connections of tap_load: opening, sending, reading answers.
 *
 * One epoll set, level-triggered, each connection registered once. A request is sent at once when
 * its connection is there; on loopback a connection is usually established before connect()
 * returns, so that only a full accept queue makes it wait for EPOLLOUT. Answers are read into one
 * buffer; only those that come in pieces are kept.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "tap_load.h"

enum {
    ANSWER_BYTES_MAX = 65536,
    EVENTS = 256,
    DESCRIPTORS_OF_OURS = 16,
    STATUS_AT = 9, /* behind "HTTP/1.1 " */
};

struct load_conns {
    const struct load_options *options;
    const struct load_heads *heads;
    struct load_events events;
    int epoll;
    size_t count;
    struct load_conn *conn;
    struct list_node busy; /* in the order in which their taps were sent */
    char head[TAP_LOAD_HEAD_BYTES_MAX];
    char answer[ANSWER_BYTES_MAX];
};

static bool raise_descriptors(size_t wanted, struct err *err) {
    struct rlimit limit;
    ENSURE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < wanted) {
        return err_set(err, "%zu file descriptors are needed, the hard limit is %llu", wanted,
                       (unsigned long long)limit.rlim_max);
    }
    limit.rlim_cur = limit.rlim_max;
    ENSURE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return true;
}

struct load_conns *load_conns_create(const struct load_options *options,
                                     const struct load_heads *heads,
                                     const struct load_events *events, struct err *err) {
    size_t count = (size_t)options->connections + options->idle;
    if (!raise_descriptors(count + DESCRIPTORS_OF_OURS, err)) {
        return NULL;
    }
    /* The kernel may otherwise be 50 us late on purpose. */
    ENSURE(prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL) == 0);
    struct load_conns *conns = calloc(1, sizeof(*conns));
    ENSURE(conns != NULL);
    conns->options = options;
    conns->heads = heads;
    conns->events = *events;
    conns->count = count;
    list_init(&conns->busy);
    conns->conn = calloc(count, sizeof(*conns->conn));
    conns->epoll = epoll_create1(EPOLL_CLOEXEC);
    ENSURE(conns->conn != NULL && conns->epoll >= 0);
    for (size_t i = 0; i < count; i++) {
        conns->conn[i].fd = -1;
        conns->conn[i].is_idle_one = i >= options->connections;
    }
    return conns;
}

static void close_conn(struct load_conn *conn) {
    if (conn->fd >= 0) {
        close(conn->fd);
    }
    free(conn->kept);
    list_remove(&conn->busy);
    conn->fd = -1;
    conn->kept = NULL;
    conn->kept_size = 0;
    conn->state = LOAD_IS_CLOSED;
}

void load_conns_destroy(struct load_conns **conns) {
    for (size_t i = 0; i < (*conns)->count; i++) {
        close_conn(&(*conns)->conn[i]);
    }
    close((*conns)->epoll);
    free((*conns)->conn);
    free(*conns);
    *conns = NULL;
}

struct load_conn *load_conns_at(struct load_conns *conns, size_t index) {
    ENSURE(index < conns->count);
    return &conns->conn[index];
}

static void fail(struct load_conns *conns, struct load_conn *conn, enum load_failure failure) {
    close_conn(conn);
    conn->free_ns = clock_monotonic_ns();
    conns->events.on_failure(conns->events.argument, conn, failure);
}

static void watch(struct load_conns *conns, struct load_conn *conn, int how, uint32_t events) {
    struct epoll_event event = {.events = events, .data = {.ptr = conn}};
    ENSURE(epoll_ctl(conns->epoll, how, conn->fd, &event) == 0);
}

static bool open_conn(struct load_conns *conns, struct load_conn *conn) {
    int one = 1;
    const struct sockaddr_in *address = &conns->options->address;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0) {
        return false;
    }
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(conn->fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
        errno != EINPROGRESS) {
        return false;
    }
    watch(conns, conn, EPOLL_CTL_ADD, EPOLLIN);
    return true;
}

static void send_head(struct load_conns *conns, struct load_conn *conn) {
    size_t size = load_heads_write(conns->heads, conn->tap.number, conns->head);
    ssize_t sent = send(conn->fd, conns->head, size, MSG_NOSIGNAL);
    if (sent == (ssize_t)size) {
        if (conn->state == LOAD_IS_CONNECTING) {
            watch(conns, conn, EPOLL_CTL_MOD, EPOLLIN);
        }
        conn->state = LOAD_IS_WAITING;
    } else if (sent < 0 && errno == EAGAIN && conn->state != LOAD_IS_CONNECTING) {
        watch(conns, conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        conn->state = LOAD_IS_CONNECTING;
    } else if (sent < 0 && (errno == ECONNREFUSED || errno == EADDRNOTAVAIL)) {
        fail(conns, conn, LOAD_CONNECT);
    } else if (sent < 0 && (errno == ECONNRESET || errno == EPIPE)) {
        fail(conns, conn, LOAD_RESET);
    } else if (!(sent < 0 && errno == EAGAIN)) {
        /* A head fits into any socket buffer that is empty, as ours is between two answers. */
        fail(conns, conn, LOAD_RESET);
    }
}

void load_conns_send(struct load_conns *conns, struct load_conn *conn, struct load_tap tap) {
    ENSURE(conn->state == LOAD_IS_CLOSED || conn->state == LOAD_IS_FREE);
    conn->tap = tap;
    conn->tap.sent_ns = clock_monotonic_ns();
    list_append(&conns->busy, &conn->busy);
    if (conn->state == LOAD_IS_CLOSED && !open_conn(conns, conn)) {
        fail(conns, conn, LOAD_CONNECT);
        return;
    }
    conn->state = LOAD_IS_WAITING;
    send_head(conns, conn);
}

/* Content-Length of a head that has a blank line; 0 when there is none. */
static uint64_t body_bytes(struct slice head) {
    uint64_t size = 0;
    size_t at = slice_find_nocase(head, SLICE("\r\ncontent-length:"));
    if (at != SIZE_MAX) {
        struct slice rest = slice_from(head, at + sizeof("\r\ncontent-length:") - 1);
        struct slice value = slice_trim(slice_first(rest, slice_find(rest, SLICE("\r\n"))));
        if (!slice_to_u64(value, ANSWER_BYTES_MAX, &size)) {
            return UINT64_MAX;
        }
    }
    return size;
}

/* The whole answer is there. */
static void take_answer(struct load_conns *conns, struct load_conn *conn) {
    uint64_t now_ns = clock_monotonic_ns();
    conn->kept_size = 0;
    conn->state = LOAD_IS_FREE;
    list_remove(&conn->busy);
    if (conns->options->closes && !conn->is_idle_one) {
        close_conn(conn);
    }
    conn->free_ns = now_ns;
    if (conn->status != conns->options->expect) {
        conns->events.on_failure(conns->events.argument, conn, LOAD_STATUS);
    } else {
        conns->events.on_answer(conns->events.argument, conn, now_ns);
    }
}

static void keep(struct load_conns *conns, struct load_conn *conn, struct slice answer) {
    if (answer.size >= ANSWER_BYTES_MAX) {
        fail(conns, conn, LOAD_MALFORMED);
        return;
    }
    if (conn->kept == NULL) {
        conn->kept = malloc(ANSWER_BYTES_MAX);
        ENSURE(conn->kept != NULL);
    }
    if (conn->kept_size == 0) {
        ENSURE(answer.data != NULL);
        memcpy(conn->kept, answer.data, answer.size);
    }
    conn->kept_size = answer.size; /* else it is there already */
}

static void read_answer(struct load_conns *conns, struct load_conn *conn, struct slice answer) {
    static const struct slice version = {"HTTP/1.1 ", STATUS_AT};
    size_t head_size = slice_find(answer, SLICE("\r\n\r\n"));
    uint64_t status = 0;
    if (head_size == SIZE_MAX) {
        keep(conns, conn, answer);
        return;
    }
    struct slice head = slice_first(answer, head_size + 2);
    uint64_t body = body_bytes(head);
    if (!slice_starts_with(head, version) || head_size < STATUS_AT + 3 || body == UINT64_MAX ||
        !slice_to_u64(slice_first(slice_from(head, STATUS_AT), 3), 999, &status) ||
        answer.size > head_size + 4 + body) {
        fail(conns, conn, LOAD_MALFORMED);
    } else if (answer.size < head_size + 4 + body) {
        keep(conns, conn, answer);
    } else {
        conn->status = (unsigned)status;
        take_answer(conns, conn);
    }
}

static void on_end(struct load_conns *conns, struct load_conn *conn, bool is_reset) {
    if (conn->state != LOAD_IS_FREE) {
        fail(conns, conn, is_reset ? LOAD_RESET : LOAD_CLOSED);
    } else if (conn->is_idle_one) {
        fail(conns, conn, LOAD_IDLE_LOST);
    } else {
        close_conn(conn); /* is opened again when its turn comes */
    }
}

static void on_input(struct load_conns *conns, struct load_conn *conn) {
    char *to = conns->answer;
    size_t room = sizeof(conns->answer);
    if (conn->kept_size > 0) {
        to = conn->kept + conn->kept_size;
        room = ANSWER_BYTES_MAX - conn->kept_size;
    }
    ssize_t size = recv(conn->fd, to, room, 0);
    if (size < 0 && errno == EAGAIN) {
        return;
    }
    if (size <= 0) {
        bool is_refused = size < 0 && errno == ECONNREFUSED;
        if (is_refused) {
            fail(conns, conn, LOAD_CONNECT);
        } else {
            on_end(conns, conn, size < 0);
        }
    } else if (conn->state == LOAD_IS_FREE) {
        fail(conns, conn, conn->is_idle_one ? LOAD_IDLE_LOST : LOAD_UNASKED);
    } else if (conn->kept_size > 0) {
        read_answer(conns, conn, slice_make(conn->kept, conn->kept_size + (size_t)size));
    } else {
        read_answer(conns, conn, slice_make(conns->answer, (size_t)size));
    }
}

void load_conns_wait(struct load_conns *conns, uint64_t wait_ns, uint64_t *woke_ns) {
    struct epoll_event events[EVENTS];
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / TAP_LOAD_NS_PER_S),
                            .tv_nsec = (long)(wait_ns % TAP_LOAD_NS_PER_S)};
    int count = epoll_pwait2(conns->epoll, events, EVENTS, &wait, NULL);
    ENSURE(count >= 0 || errno == EINTR);
    *woke_ns = clock_monotonic_ns();
    for (int i = 0; i < count; i++) {
        /* A connection has one event a round, so that nobody else closed it meanwhile. */
        struct load_conn *conn = events[i].data.ptr;
        if (conn->state == LOAD_IS_CONNECTING && (events[i].events & (EPOLLERR | EPOLLHUP)) == 0) {
            send_head(conns, conn);
        } else {
            on_input(conns, conn);
        }
    }
}

void load_conns_give_up(struct load_conns *conns, uint64_t before_ns) {
    while (!list_is_empty(&conns->busy)) {
        struct load_conn *conn = CONTAINER_OF(conns->busy.next, struct load_conn, busy);
        if (conn->tap.sent_ns > before_ns) {
            break;
        }
        fail(conns, conn, LOAD_TIMED_OUT);
    }
}
