/*
 * conn_private.h - the inside of a connection and of a worker's connections, for the files of
 * this room: conn.c (life and input), conn_answer.c (output), conn_keep.c (memory), listener.c
 * (numbers).
 */
#ifndef NET_CONN_PRIVATE_H
#define NET_CONN_PRIVATE_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/metrics.h"
#include "conn_metrics.h"
#include "deadline.h"
#include "net/conn.h"

enum {
    CONN_KEPT_FIRST_BYTES = 1024,
    CONN_TURN_MAX = 64, /* connections that are looked at, and answered, together */
};

/* Which deadline a connection is under. */
enum conn_class { CLASS_HEAD, CLASS_IDLE, CLASS_WRITE, CLASS_LINGER, CLASS_COUNT };

/* What ended a connection; its metrics stand in the same order. */
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

/* An answer that stands in the worker's buffer and is not written yet. */
struct conn_answer {
    struct conn *conn;
    uint32_t begin;
    uint32_t end;
    enum conn_verdict verdict;
};

struct conn_loop {
    struct conn_loop_options options;
    struct event *tick;
    struct event *ready; /* one of poll_fd's connections is */
    int poll_fd;         /* epoll, edge-triggered: all connections that wait for their client */
    uint64_t now_ns;     /* monotonic, of this turn */
    struct metric_set *metrics;
    size_t count;
    size_t kept_bytes;
    bool is_draining;
    bool is_in_handler; /* on_input runs, and owns out */
    struct deadline_queue queues[CLASS_COUNT];
    struct conn_answer answers[CONN_TURN_MAX];
    size_t answer_count;
    struct conn *again[CONN_TURN_MAX]; /* their answers are written; they have input left */
    size_t again_count;
    size_t resumed_at; /* where in out the answer of who is resumed begins */
    struct buf out;    /* over out_bytes */
    char in_bytes[CONN_INPUT_BYTES_MAX];
    char out_bytes[CONN_OUTPUT_BYTES];
};

union conn_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Kept small: ten thousand of them are mostly idle. */
struct conn {
    struct conn_loop *loop;
    void *context;
    struct deadline deadline;
    int fd;
    uint8_t class;
    bool is_watched;   /* it is in poll_fd */
    bool is_writing;   /* ... for writing, too */
    bool is_unread;    /* there may be input that no event will tell of again */
    bool is_waiting;   /* CONN_WAIT */
    uint8_t verdict;   /* what to do when pending output is out */
    uint32_t lingered; /* bytes thrown away */
    char *kept;        /* input that was not consumed */
    uint32_t kept_size;
    uint32_t kept_capacity;
    uint32_t kept_seen; /* how much of it the handler has seen */
    uint32_t pending_size;
    uint32_t pending_sent;
    char *pending; /* output that the kernel did not take */
    union conn_peer peer;
};

/* recv() and send() as libc has them are cancellation points: in a process with threads each call
 * pays for that twice, 90 instructions of a tap's 3,000. Nobody cancels our threads. Flags as
 * there; errors in errno. */
static inline ssize_t conn_receive(int fd, char *into, size_t room) {
    return syscall(SYS_recvfrom, fd, into, room, 0, NULL, NULL);
}

static inline ssize_t conn_send(int fd, const char *data, size_t size) {
    return syscall(SYS_sendto, fd, data, size, MSG_NOSIGNAL, NULL, 0);
}

/* Room for at least size bytes of kept input; doubles, so that a drip costs few copies. False at
 * the limit of all connections. */
MUST_CHECK bool conn_reserve_kept(struct conn *conn, size_t size);

/* Keeps what the handler left, seen bytes of which it need not see again; rest may lie in the
 * worker's buffer or in what is kept already. */
MUST_CHECK bool conn_keep_rest(struct conn *conn, struct slice rest, size_t seen);

/* Keeps output that the kernel did not take, behind what is kept already. */
MUST_CHECK bool conn_keep_output(struct conn *conn, struct slice left);

void conn_drop_kept(struct conn *conn);
void conn_drop_pending(struct conn *conn);

/* --- conn.c --- */

/* Frees it. */
void conn_end(struct conn *conn, enum conn_end why);

void conn_set_class(struct conn *conn, enum conn_class class);

/* Asks for the next event of the connection, in no more system calls than that needs. When the
 * kernel has no room for that, the connection is gone afterwards. */
void conn_watch(struct conn *conn, bool for_writing);

/* Hands bytes to the handler until it has no more use for them; takes its answers. There must
 * be room: conn_make_room(). */
void conn_feed(struct conn *conn, struct slice bytes, size_t seen);

/* --- conn_answer.c --- */

/* Room in out for whatever one connection's input may lead to; writes answers if need be. */
void conn_make_room(struct conn_loop *loop);

/* Takes what stands in out from begin on for the connection's answer, to be written with
 * others. */
void conn_answer(struct conn *conn, size_t begin, enum conn_verdict verdict);

/* Throws that away instead. */
void conn_unanswer(struct conn_loop *loop, size_t begin);

/* The client may have room for what it did not take yet. */
void conn_write_pending(struct conn *conn);

#endif
