/*
 * session.c - HTTP/1.x framing: one request after the other, answers in the same order.
 *
 * A request that cannot be understood ends the connection: whoever guesses at where the next one
 * begins is who request smuggling is done with (RFC 9112 section 11.2).
 */
#include "session.h"

#include "edge_metrics.h"
#include "edge_worker.h"
#include "http/parse.h"
#include "link/resolver.h"
#include "pages.h"
#include "route.h"
#include "tap.h"

/* The answer to what is no request. */
static enum conn_verdict refuse(struct edge_worker *worker, enum http_parse_result result,
                                struct buf *out) {
    enum edge_metric metric = EDGE_REQUESTS_MALFORMED;
    uint16_t status = 400;
    if (result == HTTP_PARSE_LINE_TOO_LONG) {
        metric = EDGE_REQUESTS_LINE_TOO_LONG;
        status = 414;
    } else if (result == HTTP_PARSE_HEAD_TOO_LARGE) {
        metric = EDGE_REQUESTS_HEAD_TOO_LARGE;
        status = 431;
    }
    metric_add(worker->metrics, metric, 1);
    pages_refusal(out, status, &worker->date);
    return CONN_LINGER;
}

/* Whether the connection goes on after this answer, and if not, how it ends: what the client may
 * still be sending (a body, its next request) must be read, or a reset may overtake the answer. */
enum conn_verdict session_verdict(const struct request_context *context, bool more_input) {
    if (context->keep_alive) {
        return CONN_KEEP;
    }
    bool may_send = more_input || context->request.has_body || context->request.keep_alive;
    return may_send ? CONN_LINGER : CONN_CLOSE;
}

static enum conn_verdict on_input(void *argument, struct conn *conn, struct conn_input input,
                                  size_t *consumed, struct buf *out) {
    struct edge_worker *worker = argument;
    struct slice rest = input.bytes;
    if (input.seen > 0 && !http_head_end(rest, input.seen)) {
        return CONN_KEEP;
    }
    edge_worker_tick(worker, input.now_ns);
    while (rest.size > 0) {
        struct request_context context; /* http_parse() sets the request */
        context.worker = worker;
        context.conn = conn;
        context.out = out;
        enum http_parse_result result = http_parse(rest, &context.request);
        if (result == HTTP_PARSE_MORE) {
            return CONN_KEEP;
        }
        if (result != HTTP_PARSE_DONE) {
            *consumed = input.bytes.size;
            return refuse(worker, result, out);
        }
        context.head = slice_first(rest, context.request.head_bytes);
        context.keep_alive = context.request.keep_alive && !context.request.has_body &&
                             !conn_loop_is_draining(worker->conns);
        rest = slice_from(rest, context.request.head_bytes);
        *consumed += context.request.head_bytes;
        if (route_request(&context) == ROUTE_WAITS) {
            return CONN_WAIT;
        }
        enum conn_verdict verdict = session_verdict(&context, rest.size > 0);
        if (verdict != CONN_KEEP) {
            *consumed = input.bytes.size;
            return verdict;
        }
        if (out->capacity - out->size < RESPONSE_BYTES_MAX) {
            return CONN_AGAIN;
        }
    }
    return CONN_KEEP;
}

static void on_close(void *argument, struct conn *conn) {
    (void)argument;
    struct tap *tap = conn_context(conn);
    if (tap != NULL) {
        tap_cancel(tap);
    }
}

/* Redis is asked before the answers are written: it works meanwhile. */
static void on_flush(void *argument) {
    struct edge_worker *worker = argument;
    if (LIKELY(worker->resolver != NULL)) { /* gone when the last connections are closed */
        resolver_flush(worker->resolver);
    }
    signing_finish(&worker->signing, worker->tokens);
    tap_observe(worker);
}

struct conn_handler session_handler(struct edge_worker *worker) {
    return (struct conn_handler){
        .on_input = on_input, .on_close = on_close, .on_flush = on_flush, .argument = worker};
}
