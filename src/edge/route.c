/*
 * route.c - the public name space: / is home, /-/ is ours, three paths are association files, one
 * segment of code characters is a tap, everything else does not exist.
 */
#include "route.h"

#include "association.h"
#include "client.h"
#include "edge_metrics.h"
#include "edge_worker.h"
#include "http/request.h"
#include "http/response.h"
#include "link/code.h"
#include "net/conn.h"
#include "pages.h"
#include "qr.h"
#include "tap.h"

static enum route_result count(const struct request_context *context, enum edge_metric metric) {
    metric_add(context->worker->metrics, metric, 1);
    return ROUTE_ANSWERED;
}

static enum route_result home(struct request_context *context) {
    const char *url = context->worker->settings.home_url;
    if (url[0] == '\0') {
        pages_error(context, PAGE_NOT_FOUND);
    } else {
        http_respond_redirect(context->out, slice_of(url), context->keep_alive,
                              context->request.minor_version, &context->worker->date);
    }
    return count(context, EDGE_REQUESTS_HOME);
}

/* For load balancers: 200 while taps are answered, 503 from the moment the process drains. */
static enum route_result health(struct request_context *context) {
    bool is_draining = conn_loop_is_draining(context->worker->conns);
    pages_respond(context, is_draining ? 503 : 200, PAGE_TEXT,
                  is_draining ? SLICE("draining\n") : SLICE("ok\n"),
                  is_draining ? SLICE("Retry-After: 1\r\n") : SLICE_EMPTY);
    return count(context, EDGE_REQUESTS_HEALTH);
}

static enum route_result association(struct request_context *context, enum association_file file) {
    return count(context, association_answer(context, file) ? EDGE_REQUESTS_ASSOCIATION
                                                            : EDGE_REQUESTS_ASSOCIATION_UNKNOWN);
}

static enum route_result qr(struct request_context *context, struct slice code,
                            enum qr_format format) {
    struct edge_worker *worker = context->worker;
    struct client client;
    uint64_t second = worker->now_ns / 1000000000u;
    if (second != worker->qr_second) {
        worker->qr_second = second;
        worker->qr_drawn = 0;
    }
    if (worker->qr_drawn == QR_A_SECOND_MAX) {
        pages_respond(context, 503, PAGE_TEXT, SLICE("too many QR codes at once: try again\n"),
                      SLICE("Retry-After: 1\r\n"));
        return count(context, EDGE_REQUESTS_QR_REFUSED);
    }
    worker->qr_drawn++;
    client_find(&worker->settings, conn_peer(context->conn), &context->request, &client);
    qr_respond(context, code, format, client.is_https);
    return count(context, EDGE_REQUESTS_QR);
}

static enum route_result not_found(struct request_context *context) {
    pages_error(context, PAGE_NOT_FOUND);
    return count(context, EDGE_REQUESTS_NOT_A_CODE);
}

/* CODE/qr.svg, CODE/qr.png, and what every site is asked for. */
static enum route_result other(struct request_context *context, struct slice path) {
    char bytes[CODE_BYTES_MAX + 8];
    size_t size = http_percent_decode(slice_from(path, 1), bytes, sizeof(bytes));
    struct slice name = slice_make(bytes, size == SIZE_MAX ? 0 : size);
    struct slice image = name;
    struct slice code = slice_split(&image, '/');
    if (slice_equal(path, SLICE("/robots.txt"))) {
        pages_robots(context);
        return count(context, EDGE_REQUESTS_FIXED);
    }
    if (slice_equal(path, SLICE("/favicon.ico"))) {
        pages_favicon(context);
        return count(context, EDGE_REQUESTS_FIXED);
    }
    if (code_is_valid(code) && slice_equal(image, SLICE("qr.svg"))) {
        return qr(context, code, QR_SVG);
    }
    if (code_is_valid(code) && slice_equal(image, SLICE("qr.png"))) {
        return qr(context, code, QR_PNG);
    }
    return not_found(context);
}

enum { SEGMENT_BYTES_MAX = CODE_BYTES_MAX + 1 }; /* CODE+ */

/* The code in a path's only segment, and what a '+' behind it asks for; it may be percent-encoded,
 * into bytes then. A decoded byte that no code may hold, a slash or NUL among them, makes it no
 * code. */
static bool find_code(struct slice path, char bytes[SEGMENT_BYTES_MAX], struct slice *code,
                      enum tap_purpose *purpose) {
    *code = slice_from(path, 1);
    *purpose = TAP_TO_FOLLOW;
    if (LIKELY(code_is_valid(*code))) {
        return true;
    }
    size_t size = http_percent_decode(*code, bytes, SEGMENT_BYTES_MAX);
    *code = slice_make(bytes, size == SIZE_MAX ? 0 : size);
    if (code->size > 0 && bytes[code->size - 1] == '+') {
        *purpose = TAP_TO_INSPECT;
        code->size--;
    }
    return code_is_valid(*code);
}

enum route_result route_request(struct request_context *context) {
    struct slice path = context->request.path;
    char bytes[SEGMENT_BYTES_MAX];
    struct slice code;
    enum tap_purpose purpose;
    enum association_file file;
    if (context->request.method == HTTP_OTHER) {
        pages_method_not_allowed(context);
        return count(context, EDGE_REQUESTS_METHOD);
    }
    if (path.size == 1) {
        return home(context);
    }
    if (UNLIKELY(path.data[1] == '-') && slice_equal(path, SLICE("/-/healthz"))) {
        return health(context);
    }
    if (UNLIKELY(path.size >= ASSOCIATION_PATH_BYTES_MIN && association_find(path, &file))) {
        return association(context, file);
    }
    if (!find_code(path, bytes, &code, &purpose)) {
        return other(context, path);
    }
    metric_add(context->worker->metrics,
               purpose == TAP_TO_FOLLOW ? EDGE_REQUESTS_TAP : EDGE_REQUESTS_INSPECT, 1);
    return tap_begin(context, code, purpose) ? ROUTE_ANSWERED : ROUTE_WAITS;
}
