/*
 * conn_answer.c - the output of connections: answers collected over a turn, then written.
 *
 * Answers stand one behind the other in the worker's buffer, each with its connection. When the
 * turn is over, or the buffer short of room, the handler finishes them, and each is written and
 * its connection settled: kept, closed, or asked for what it sends next. Input that was left
 * because the buffer was full is fed after that, and never from within: so nothing here calls
 * itself, however much a client pipelines.
 */
#include "conn_private.h"

#include <errno.h>

/* --- settling ------------------------------------------------------------------------------- */

/* Everything is written: what now? */
static void settle(struct conn *conn, enum conn_verdict verdict) {
    struct conn_loop *loop = conn->loop;
    switch (verdict) {
    case CONN_KEEP:
    case CONN_AGAIN:
        if (conn->kept_size > conn->kept_seen) {
            loop->again[loop->again_count++] = conn;
            return;
        }
        if (conn->kept_size == 0) {
            conn_set_class(conn, CLASS_IDLE);
        } else if (conn->class != CLASS_HEAD || !list_is_linked(&conn->deadline.node)) {
            conn_set_class(conn, CLASS_HEAD);
        }
        conn_watch(conn, false);
        return;
    case CONN_CLOSE:
        conn_end(conn, END_ANSWERED);
        return;
    case CONN_LINGER:
        conn_drop_kept(conn);
        shutdown(conn->fd, SHUT_WR);
        conn_set_class(conn, CLASS_LINGER);
        conn_watch(conn, false);
        return;
    case CONN_WAIT:
        deadline_cancel(&conn->deadline);
        return;
    }
}

/* --- writing -------------------------------------------------------------------------------- */

enum send_result { SEND_DONE, SEND_BLOCKED, SEND_FAILED };

static enum send_result send_all(int fd, const char *data, size_t size, size_t *sent) {
    while (*sent < size) {
        ssize_t taken = conn_send(fd, data + *sent, size - *sent);
        if (taken < 0 && errno == EINTR) {
            continue;
        }
        if (taken < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? SEND_BLOCKED : SEND_FAILED;
        }
        *sent += (size_t)taken;
    }
    return SEND_DONE;
}

/* What the kernel does not take becomes the connection's. */
static void write_answer(const struct conn_answer *answer) {
    struct conn *conn = answer->conn;
    const char *data = conn->loop->out.data + answer->begin;
    size_t size = answer->end - answer->begin;
    size_t sent = 0;
    switch (send_all(conn->fd, data, size, &sent)) {
    case SEND_DONE:
        settle(conn, answer->verdict);
        break;
    case SEND_BLOCKED:
        if (!conn_keep_output(conn, slice_make(data + sent, size - sent))) {
            conn_end(conn, END_MEMORY);
            break;
        }
        conn->verdict = (uint8_t)answer->verdict;
        conn_set_class(conn, CLASS_WRITE);
        conn_watch(conn, true);
        break;
    case SEND_FAILED:
        conn_end(conn, END_ERROR);
        break;
    }
}

static void finish_answers(struct conn_loop *loop) {
    struct conn_handler *handler = &loop->options.handler;
    if (handler->on_flush != NULL) {
        handler->on_flush(handler->argument);
    }
}

static void write_answers(struct conn_loop *loop) {
    for (size_t i = 0; i < loop->answer_count; i++) {
        write_answer(&loop->answers[i]);
    }
    loop->answer_count = 0;
    loop->resumed_at = 0;
    buf_clear(&loop->out);
}

void conn_loop_flush(struct conn_loop *loop) {
    for (;;) {
        finish_answers(loop);
        write_answers(loop);
        if (loop->again_count == 0) {
            return;
        }
        struct conn *conn = loop->again[--loop->again_count];
        conn_feed(conn, slice_make(conn->kept, conn->kept_size), conn->kept_seen);
    }
}

void conn_write_pending(struct conn *conn) {
    size_t sent = conn->pending_sent;
    enum send_result result = send_all(conn->fd, conn->pending, conn->pending_size, &sent);
    conn->pending_sent = (uint32_t)sent;
    if (result == SEND_FAILED) {
        conn_end(conn, END_ERROR);
    } else if (result == SEND_DONE) {
        conn_drop_pending(conn);
        settle(conn, (enum conn_verdict)conn->verdict);
    }
}

/* --- collecting ----------------------------------------------------------------------------- */

/* Those that have input left are given it with the rest of the turn: each of them needs its place
 * among the answers, too. */
void conn_make_room(struct conn_loop *loop) {
    if (loop->answer_count + loop->again_count >= CONN_TURN_MAX ||
        loop->out.capacity - loop->out.size < CONN_ROOM_BYTES) {
        conn_loop_flush(loop);
    }
}

void conn_answer(struct conn *conn, size_t begin, enum conn_verdict verdict) {
    struct conn_loop *loop = conn->loop;
    if (loop->out.size == begin) {
        settle(conn, verdict);
        return;
    }
    ENSURE(loop->answer_count < CONN_TURN_MAX);
    loop->answers[loop->answer_count++] = (struct conn_answer){.conn = conn,
                                                               .begin = (uint32_t)begin,
                                                               .end = (uint32_t)loop->out.size,
                                                               .verdict = verdict};
}

/* What is open in it is finished first, so that nobody writes into the place later. */
void conn_unanswer(struct conn_loop *loop, size_t begin) {
    finish_answers(loop);
    loop->out.size = begin;
    loop->out.overflowed = false;
}

/* --- answers that come later ---------------------------------------------------------------- */

struct buf *conn_output(struct conn *conn) {
    struct conn_loop *loop = conn->loop;
    conn_make_room(loop);
    if (loop->answer_count == 0) {
        conn_loop_turn(loop);
    }
    loop->resumed_at = loop->out.size;
    return &loop->out;
}

void conn_resume(struct conn *conn, enum conn_verdict verdict) {
    struct conn_loop *loop = conn->loop;
    ENSURE(conn->is_waiting && verdict != CONN_WAIT && verdict != CONN_AGAIN);
    ENSURE(!loop->is_in_handler); /* what is behind resumed_at would be another's */
    conn->is_waiting = false;
    if (conn->pending == NULL) {
        size_t begin = loop->resumed_at;
        loop->resumed_at = loop->out.size;
        conn->class = CLASS_IDLE;
        conn_answer(conn, begin, verdict);
        return;
    }
    /* The client has not taken earlier answers yet: this one goes behind them. */
    conn->verdict = (uint8_t)verdict;
    finish_answers(loop);
    bool is_kept = conn_keep_output(conn, slice_from(buf_slice(&loop->out), loop->resumed_at));
    conn_unanswer(loop, loop->resumed_at);
    if (!is_kept) {
        conn_end(conn, END_MEMORY);
    }
}
