/*
 * conn_keep.c - the memory that single connections hold, and its bound over all of them.
 *
 * A client that sends a request in drips, or does not read its answers, makes a connection keep
 * bytes. They are counted over the worker's connections; at CONN_KEPT_BYTES_MAX the connection
 * that wants more is closed.
 */
#include "conn_private.h"

#include <stdlib.h>

static bool account(struct conn_loop *loop, size_t freed, size_t taken) {
    size_t kept = loop->kept_bytes - freed;
    if (taken > CONN_KEPT_BYTES_MAX - kept) {
        return false;
    }
    loop->kept_bytes = kept + taken;
    metric_put(loop->metrics, CONN_KEPT_BYTES, loop->kept_bytes);
    return true;
}

void conn_drop_kept(struct conn *conn) {
    if (conn->kept != NULL) {
        account(conn->loop, conn->kept_capacity, 0);
        free(conn->kept);
        conn->kept = NULL;
    }
    conn->kept_size = conn->kept_capacity = conn->kept_seen = 0;
}

void conn_drop_pending(struct conn *conn) {
    if (conn->pending != NULL) {
        account(conn->loop, conn->pending_size, 0);
        free(conn->pending);
        conn->pending = NULL;
    }
    conn->pending_size = conn->pending_sent = 0;
}

bool conn_reserve_kept(struct conn *conn, size_t size) {
    size_t capacity = conn->kept_capacity > 0 ? conn->kept_capacity : CONN_KEPT_FIRST_BYTES;
    while (capacity < size) {
        capacity *= 2;
    }
    if (capacity == conn->kept_capacity) {
        return true;
    }
    if (!account(conn->loop, conn->kept_capacity, capacity)) {
        return false;
    }
    char *grown = realloc(conn->kept, capacity);
    ENSURE(grown != NULL);
    conn->kept = grown;
    conn->kept_capacity = (uint32_t)capacity;
    return true;
}

bool conn_keep_rest(struct conn *conn, struct slice rest, size_t seen) {
    if (rest.size == 0) {
        conn_drop_kept(conn);
        return true;
    }
    bool is_own = conn->kept != NULL && rest.data >= conn->kept &&
                  rest.data < conn->kept + conn->kept_capacity;
    if (is_own) {
        memmove(conn->kept, rest.data, rest.size);
    } else {
        if (!conn_reserve_kept(conn, rest.size)) {
            return false;
        }
        ENSURE(conn->kept != NULL);
        memcpy(conn->kept, rest.data, rest.size);
    }
    conn->kept_size = (uint32_t)rest.size;
    conn->kept_seen = (uint32_t)seen;
    return true;
}

bool conn_keep_output(struct conn *conn, struct slice left) {
    if (!account(conn->loop, 0, left.size)) {
        return false;
    }
    char *grown = realloc(conn->pending, conn->pending_size + left.size);
    ENSURE(grown != NULL);
    memcpy(grown + conn->pending_size, left.data, left.size);
    conn->pending = grown;
    conn->pending_size += (uint32_t)left.size;
    return true;
}
