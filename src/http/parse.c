/*
 * parse.c - one pass over a request head.
 *
 * A cursor moves over the input once; every parse_* takes what it is named after and either
 * leaves the cursor behind it (HTTP_PARSE_DONE) or says what keeps it from doing so. A character
 * that cannot stand where it stands is refused as soon as it is seen; what a whole field line
 * means is judged when the line is whole (fields.c).
 *
 * The verdict never depends on how the input was cut: each step looks at the bytes up to where it
 * is and at nothing behind, and limits are counted in bytes of the request, not in what happened
 * to arrive. So a shorter piece gives HTTP_PARSE_MORE or the verdict that the whole gives.
 *
 * Limits   The cursor's end is cut down to HTTP_HEAD_BYTES_MAX, for the request line to
 *          HTTP_LINE_BYTES_MAX: running out of bytes there is running into the limit.
 */
#include "http/parse.h"

#include "base/defs.h"
#include "cursor.h"
#include "fields.h"
#include "host.h"
#include "scan.h"

enum { PLAIN_VERSION_BYTES = sizeof " HTTP/1.1\r\n" - 1 };

static enum http_parse_result parse_scrap(struct slice input, struct http_request *request);
static enum http_parse_result parse_head(struct slice head, struct http_request *request,
                                         const char **head_end);
static void clear(struct http_request *request);
static bool read_plain_request_line(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_any_request_line(struct cursor *in,
                                                     struct http_request *request);
static enum http_parse_result parse_request_line(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_method(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_target(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_authority(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_scheme(struct cursor *in);
static enum http_parse_result parse_nocase(struct cursor *in, const char *lower);
static enum http_parse_result parse_path_and_query(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_path(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_any_target(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_version(struct cursor *in, struct http_request *request);
enum http_parse_result http_parse(struct slice input, struct http_request *request) {
    clear(request);
    if (UNLIKELY(input.size < SCAN_BLOCK)) {
        return parse_scrap(input, request);
    }
    struct slice head = slice_first(input, HTTP_HEAD_BYTES_MAX);
    const char *head_end = head.data;
    enum http_parse_result result = parse_head(head, request, &head_end);
    if (UNLIKELY(result == HTTP_PARSE_MORE) && head.size == HTTP_HEAD_BYTES_MAX) {
        return HTTP_PARSE_HEAD_TOO_LARGE;
    }
    request->head_bytes = (size_t)(head_end - head.data);
    return result;
}

bool http_head_end(struct slice input, size_t from) {
    if (input.size >= HTTP_HEAD_BYTES_MAX) {
        return true;
    }
    if (input.size == 0) {
        return false;
    }
    /* One empty line may stand before a request. */
    struct slice request = slice_starts_with(input, SLICE("\r\n")) ? slice_from(input, 2) : input;
    struct slice line = slice_first(request, HTTP_LINE_BYTES_MAX);
    if (request.size > line.size && request.data[line.size] != '\r' &&
        memchr(line.data, '\n', line.size) == NULL) {
        return true;
    }

    /* LF, then LF or CR LF: it may have begun two bytes before what is new. */
    const char *end = input.data + input.size;
    const char *at = input.data + (from > 2 ? from - 2 : 0);
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        const char *next = at < end && *at == '\r' ? at + 1 : at;
        if (next < end && *next == '\n') {
            return true;
        }
    }
    return false;
}

/* Shorter than any request, and than what the scans may read before its end: looked at in a place
 * that has the room. What is left is the verdict, HTTP_PARSE_MORE or HTTP_PARSE_BAD. */
static enum http_parse_result parse_scrap(struct slice input, struct http_request *request) {
    if (input.size == 0) {
        return HTTP_PARSE_MORE;
    }
    char room[2 * SCAN_BLOCK] = {0};
    memcpy(room + SCAN_BLOCK, input.data, input.size);
    const char *head_end;
    enum http_parse_result result =
        parse_head(slice_make(room + SCAN_BLOCK, input.size), request, &head_end);
    clear(request);
    return result;
}

static inline enum http_parse_result parse_head(struct slice head, struct http_request *request,
                                                const char **head_end) {
    struct cursor in = {head.data, head.data + head.size};
    if (UNLIKELY(!read_plain_request_line(&in, request))) {
        struct cursor other = in;
        enum http_parse_result result = parse_any_request_line(&other, request);
        if (result != HTTP_PARSE_DONE) {
            return result;
        }
        in = other;
    }
    return http_fields_parse(in, request, head_end);
}

/* In three pieces, eleven stores: of a larger one GCC makes a `rep stos`, which is slow to begin.
 */
static inline void clear(struct http_request *request) {
    enum { PIECE = 64 };
    char *at = (char *)request;
    memset(at, 0, PIECE);
    memset(at + PIECE, 0, PIECE);
    memset(at + (size_t)2 * PIECE, 0, sizeof *request - (size_t)2 * PIECE);
    request->method = HTTP_OTHER;
}

/* The request line of a tap: GET, a path without percent signs, perhaps a query, HTTP/1.1, CRLF.
 * False says nothing and has changed nothing: parse_request_line() looks again, which takes twice
 * as long. The cursor is left behind the line. */
static inline bool read_plain_request_line(struct cursor *in, struct http_request *request) {
    const char *begin = in->at;
    if (cursor_left(in) < SCAN_BLOCK || word_load4(begin) != word_load4("GET ") ||
        begin[4] != '/') {
        return false;
    }
    const char *path = begin + 4;
    const char *path_end = scan_path(path, in->end);
    const char *stop = path_end;
    if (path_end < in->end && *path_end == '?') {
        stop = scan_query(path_end + 1, in->end);
    }
    if (in->end - stop < PLAIN_VERSION_BYTES || *stop != ' ' ||
        word_load8(stop + 1) != word_load8("HTTP/1.1") ||
        word_load2(stop + 9) != word_load2("\r\n") || stop + 9 - begin > HTTP_LINE_BYTES_MAX) {
        return false;
    }
    request->method = HTTP_GET;
    request->minor_version = 1;
    request->target = slice_between(path, stop);
    request->path = slice_between(path, path_end);
    if (stop > path_end) {
        request->query = slice_between(path_end + 1, stop);
    }
    in->at = stop + PLAIN_VERSION_BYTES;
    return true;
}

static enum http_parse_result parse_any_request_line(struct cursor *in,
                                                     struct http_request *request) {
    enum http_parse_result result;
    if (*in->at == '\r' && (result = cursor_line_end(in)) != HTTP_PARSE_DONE) {
        return result; /* RFC 9112 section 2.2: one empty line before a request is ignored */
    }
    return parse_request_line(in, request);
}

static enum http_parse_result parse_request_line(struct cursor *in, struct http_request *request) {
    struct cursor line = *in;
    if (cursor_left(in) > HTTP_LINE_BYTES_MAX) {
        line.end = line.at + HTTP_LINE_BYTES_MAX;
    }
    enum http_parse_result result = parse_method(&line, request);
    if (result == HTTP_PARSE_DONE) {
        result = parse_target(&line, request);
    }
    if (result == HTTP_PARSE_DONE) {
        result = parse_version(&line, request);
    }
    if (result == HTTP_PARSE_MORE && line.end < in->end) {
        return HTTP_PARSE_LINE_TOO_LONG;
    }
    if (result != HTTP_PARSE_DONE) {
        return result;
    }
    in->at = line.at;
    return cursor_line_end(in);
}

/* Methods are case-sensitive (RFC 9110 section 9.1). The space behind is taken as well. */
static enum http_parse_result parse_method(struct cursor *in, struct http_request *request) {
    if (cursor_left(in) >= 4 && memcmp(in->at, "GET ", 4) == 0) {
        request->method = HTTP_GET;
        in->at += 4;
        return HTTP_PARSE_DONE;
    }
    const char *begin = in->at;
    in->at = scan_name(begin, in->end);
    if (in->at == in->end) {
        return HTTP_PARSE_MORE;
    }
    if (in->at == begin || *in->at != ' ') {
        return HTTP_PARSE_BAD;
    }
    if (slice_equal(slice_between(begin, in->at), SLICE("HEAD"))) {
        request->method = HTTP_HEAD;
    }
    in->at++;
    return HTTP_PARSE_DONE;
}

/* RFC 9112 section 3.2. The space behind is taken as well. */
static enum http_parse_result parse_target(struct cursor *in, struct http_request *request) {
    if (cursor_left(in) == 0) {
        return HTTP_PARSE_MORE;
    }
    const char *begin = in->at;
    enum http_parse_result result = HTTP_PARSE_DONE;
    if (request->method == HTTP_OTHER) {
        result = parse_any_target(in, request);
    } else {
        if (*begin != '/') {
            result = parse_authority(in, request);
        }
        if (result == HTTP_PARSE_DONE) {
            result = parse_path_and_query(in, request);
        }
    }
    if (result != HTTP_PARSE_DONE) {
        return result;
    }
    if (cursor_left(in) == 0) {
        return HTTP_PARSE_MORE;
    }
    if (in->at == begin || *in->at != ' ') {
        return HTTP_PARSE_BAD;
    }
    request->target = slice_between(begin, in->at);
    in->at++;
    return HTTP_PARSE_DONE;
}

/* "http://host:port" of an absolute-form: its host goes before that of Host (RFC 9112 section
 * 3.2.2), and when no path follows, path is "/" (RFC 9110 section 4.2.3): the one of "//". */
static enum http_parse_result parse_authority(struct cursor *in, struct http_request *request) {
    enum http_parse_result result = parse_scheme(in);
    if (result != HTTP_PARSE_DONE) {
        return result;
    }
    const char *begin = in->at;
    while (cursor_left(in) > 0 && (scan_is(*in->at, HTTP_CLASS_HOST) || *in->at == '%' ||
                                   *in->at == ':' || *in->at == '[' || *in->at == ']')) {
        in->at++;
    }
    if (cursor_left(in) == 0) {
        return HTTP_PARSE_MORE;
    }
    if (*in->at != '/' && *in->at != '?' && *in->at != ' ') {
        return HTTP_PARSE_BAD;
    }
    request->host = slice_between(begin, in->at);
    request->path = slice_between(begin - 1, begin);
    return http_host_is_valid(request->host) ? HTTP_PARSE_DONE : HTTP_PARSE_BAD;
}

static enum http_parse_result parse_scheme(struct cursor *in) {
    enum http_parse_result result = parse_nocase(in, "http");
    if (result != HTTP_PARSE_DONE) {
        return result;
    }
    if (cursor_left(in) > 0 && (*in->at == 's' || *in->at == 'S')) {
        in->at++;
    }
    return parse_nocase(in, "://");
}

/* Schemes are case-insensitive, RFC 3986 section 3.1. */
static enum http_parse_result parse_nocase(struct cursor *in, const char *lower) {
    for (; *lower != '\0'; lower++, in->at++) {
        if (cursor_left(in) == 0) {
            return HTTP_PARSE_MORE;
        }
        bool upper = *in->at >= 'A' && *in->at <= 'Z';
        if ((upper ? *in->at - 'A' + 'a' : *in->at) != *lower) {
            return HTTP_PARSE_BAD;
        }
    }
    return HTTP_PARSE_DONE;
}

static enum http_parse_result parse_path_and_query(struct cursor *in,
                                                   struct http_request *request) {
    if (cursor_left(in) > 0 && *in->at == '/') {
        enum http_parse_result result = parse_path(in, request);
        if (result != HTTP_PARSE_DONE) {
            return result;
        }
    }
    if (cursor_left(in) > 0 && *in->at == '?') {
        const char *begin = in->at + 1;
        in->at = scan_query(begin, in->end);
        request->query = slice_between(begin, in->at);
    }
    return HTTP_PARSE_DONE;
}

/* Ends before the first character that is not of a path; each '%' must have its two digits. */
static enum http_parse_result parse_path(struct cursor *in, struct http_request *request) {
    const char *begin = in->at;
    for (;;) {
        in->at = scan_path(in->at, in->end);
        if (cursor_left(in) == 0 || *in->at != '%') {
            request->path = slice_between(begin, in->at);
            return HTTP_PARSE_DONE;
        }
        for (int digit = 1; digit <= 2; digit++) {
            if (cursor_left(in) <= (size_t)digit) {
                return HTTP_PARSE_MORE;
            }
            if (!scan_is(in->at[digit], HTTP_CLASS_HEX)) {
                return HTTP_PARSE_BAD;
            }
        }
        request->path_escaped = true;
        in->at += 3;
    }
}

/* The target of a method that will be refused anyway: any visible characters. Path and query are
 * given when it happens to be a well-formed origin-form. */
static enum http_parse_result parse_any_target(struct cursor *in, struct http_request *request) {
    struct cursor target = *in;
    in->at = scan_class(in->at, in->end, HTTP_CLASS_VISIBLE);
    if (*target.at != '/' || in->at == target.at) {
        return HTTP_PARSE_DONE;
    }
    if (parse_path_and_query(&target, request) != HTTP_PARSE_DONE || target.at != in->at) {
        request->path = SLICE_EMPTY;
        request->query = SLICE_EMPTY;
        request->path_escaped = false;
    }
    return HTTP_PARSE_DONE;
}

/* HTTP-version, RFC 9112 section 2.3. Of the next major version nothing is known, of a higher
 * minor version that it is read like 1.1 (RFC 9110 section 2.5). */
static enum http_parse_result parse_version(struct cursor *in, struct http_request *request) {
    static const char expected[] = "HTTP/1.";
    enum { SIZE = sizeof expected - 1 };
    if (cursor_left(in) <= SIZE) {
        size_t size = cursor_left(in);
        return memcmp(in->at, expected, size) == 0 ? HTTP_PARSE_MORE : HTTP_PARSE_BAD;
    }
    if (memcmp(in->at, expected, SIZE) != 0 || !scan_is_digit(in->at[SIZE])) {
        return HTTP_PARSE_BAD;
    }
    request->minor_version = in->at[SIZE] == '0' ? 0 : 1;
    in->at += SIZE + 1;
    return HTTP_PARSE_DONE;
}
