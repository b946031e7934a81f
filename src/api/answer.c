/*
 * answer.c - what handlers say (call.h), and how it is written.
 */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

enum { DETAIL_BYTES_MAX = 1024 };

void answer_init(struct answer *answer) {
    *answer = (struct answer){.status = 200, .content_type = "application/json"};
    buf_init(&answer->body, ANSWER_BYTES_MAX);
}

void answer_fini(struct answer *answer) {
    buf_fini(&answer->body);
}

void answer_problem(struct answer *answer, int status, const char *field, const char *format, ...) {
    char detail[DETAIL_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    answer->status = status;
    answer->content_type = ANSWER_PROBLEM_TYPE;
    buf_clear(&answer->body);
    answer_write_problem(&answer->body, status, slice_of(field), slice_of(detail));
}

void answer_unavailable(struct answer *answer, const struct err *err) {
    struct answer_stream *stream = answer->stream;
    if (stream != NULL) {
        stream->unavailable(stream, err);
    }
    /* Where Redis is, and what exactly it said, is for the log. */
    answer_problem(answer, 503, NULL, "Redis does not answer, or refuses: try again");
    answer_header(answer, "Retry-After", SLICE("1"));
}

/* A value may come from a client: nothing of it ends the line. One that is too long is no value. */
void answer_header(struct answer *answer, const char *name, struct slice value) {
    ENSURE(answer->header_count < ANSWER_HEADERS_MAX);
    char *out = answer->header[answer->header_count].value;
    if (value.size >= sizeof(answer->header[0].value)) {
        return;
    }
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        out[i] = c < ' ' || c >= 0x7f ? '?' : (char)c;
    }
    out[value.size] = '\0';
    answer->header[answer->header_count++].name = name;
}

bool answer_flush(struct answer *answer) {
    struct answer_stream *stream = answer->stream;
    return stream == NULL || stream->flush(stream, answer);
}

struct slice call_query(const struct call *call, const char *name) {
    for (size_t i = 0; i < call->query_count; i++) {
        if (slice_equal(call->query[i].name, slice_of(name))) {
            return call->query[i].value;
        }
    }
    return SLICE_EMPTY;
}

void answer_write_problem(struct buf *out, int status, struct slice field, struct slice detail) {
    buf_printf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"",
               answer_title(status), status);
    buf_append_json(out, detail);
    if (field.size > 0) {
        buf_append(out, SLICE("\",\"field\":\""));
        buf_append_json(out, field);
    }
    buf_append(out, SLICE("\"}\n"));
}

void answer_write_headers(struct buf *out, const struct answer *answer) {
    for (size_t i = 0; i < answer->header_count; i++) {
        buf_printf(out, "%s: %s\r\n", answer->header[i].name, answer->header[i].value);
    }
}

const char *answer_title(int status) {
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(titles); i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Answer";
}
