/*
 * conn_private.h - the inside of a connection and of a worker's connections, for the files of
 * this room: conn.c (life), conn_keep.c (memory), listener.c (numbers).
 */
#ifndef NET_CONN_PRIVATE_H
#define NET_CONN_PRIVATE_H

#include <netinet/in.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/metrics.h"
#include "conn_metrics.h"
#include "deadline.h"
#include "net/conn.h"

enum { CONN_KEPT_FIRST_BYTES = 1024 };

/* Which deadline a connection is under. */
enum conn_class { CLASS_HEAD, CLASS_IDLE, CLASS_WRITE, CLASS_LINGER, CLASS_COUNT };

struct conn_loop {
    struct conn_loop_options options;
    struct event *tick;
    struct metric_set *metrics;
    size_t count;
    size_t kept_bytes;
    bool is_draining;
    bool is_in_handler; /* on_input runs, and owns out */
    struct deadline_queue queues[CLASS_COUNT];
    struct buf out; /* over out_bytes */
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
    struct event event;
    struct conn_loop *loop;
    void *context;
    struct deadline deadline;
    int fd;
    uint8_t class;
    bool is_watched;   /* event is added */
    bool is_writing;   /* event is for writing, not reading */
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

#endif
