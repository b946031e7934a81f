/*
 * reply.c - one way to send, so that no answer lacks a header.
 */
#include "reply.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/buf.h"

enum { PROBLEM_BYTES_MAX = 2048 };

void reply_send(struct evhttp_request *request, int status, const char *content_type,
                struct slice body) {
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", content_type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    /* evhttp leaves the content of an answer to HEAD out by itself, and counts it. */
    struct evbuffer *content = evbuffer_new();
    ENSURE(content != NULL);
    evbuffer_add(content, body.data, body.size);
    evhttp_send_reply(request, status, NULL, content);
    evbuffer_free(content);
}

void reply_problem(struct evhttp_request *request, int status, const char *title,
                   const char *detail) {
    char bytes[PROBLEM_BYTES_MAX];
    struct buf body = buf_over(bytes, sizeof(bytes));
    buf_append(&body, SLICE("{\"type\":\"about:blank\",\"title\":\""));
    buf_append_json(&body, slice_of(title));
    buf_printf(&body, "\",\"status\":%d,\"detail\":\"", status);
    buf_append_json(&body, slice_of(detail));
    buf_append(&body, SLICE("\"}\n"));
    reply_send(request, status, "application/problem+json", buf_slice(&body));
}

bool reply_allows_get(struct evhttp_request *request) {
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD) {
        return true;
    }
    evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
    reply_problem(request, 405, "Method Not Allowed", "use GET or HEAD here");
    return false;
}
