/*
 * route.h - which answer a request gets: a tap, or one of the few other things.
 */
#ifndef EDGE_ROUTE_H
#define EDGE_ROUTE_H

#include <stdbool.h>

#include "base/buf.h"
#include "http/parse.h"

struct conn;
struct edge_worker;

/* One request while it is being answered. */
struct request_context {
    struct edge_worker *worker;
    struct conn *conn;
    struct buf *out;
    struct slice head; /* the bytes that request borrows from */
    struct http_request request;
    bool keep_alive; /* what the answer says */
};

enum route_result {
    ROUTE_ANSWERED,
    ROUTE_WAITS, /* the answer comes later, through conn_resume() */
};

enum route_result route_request(struct request_context *context);

#endif
