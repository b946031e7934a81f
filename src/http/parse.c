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
#include "fields.h"
#include "host.h"
#include "scan.h"

struct cursor {
    const char *at;
    const char *end;
};

static enum http_parse_result parse_head(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_request_line(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_method(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_target(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_authority(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_scheme(struct cursor *in);
static enum http_parse_result parse_nocase(struct cursor *in, const char *lower);
static enum http_parse_result parse_path_and_query(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_path(struct cursor *in, struct slice *path);
static enum http_parse_result parse_any_target(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_version(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_fields(struct cursor *in, struct http_request *request);
static enum http_parse_result parse_field(struct cursor *in, struct slice *name,
                                          struct slice *value);
static inline struct slice trim(struct slice value);

static inline size_t left(const struct cursor *in) {
    return (size_t)(in->end - in->at);
}

static inline struct slice between(const char *begin, const char *end) {
    return slice_make(begin, (size_t)(end - begin));
}

/* CRLF and nothing else, RFC 9112 section 2.2. */
static inline enum http_parse_result parse_line_end(struct cursor *in) {
    if (LIKELY(left(in) >= 2 && in->at[0] == '\r' && in->at[1] == '\n')) {
        in->at += 2;
        return HTTP_PARSE_DONE;
    }
    bool cut = left(in) == 0 || (left(in) == 1 && in->at[0] == '\r');
    return cut ? HTTP_PARSE_MORE : HTTP_PARSE_BAD;
}

enum http_parse_result http_parse(struct slice input, struct http_request *request) {
    *request = (struct http_request){.method = HTTP_OTHER};
    if (input.size == 0) {
        return HTTP_PARSE_MORE;
    }
    struct slice head = slice_first(input, HTTP_HEAD_BYTES_MAX);
    struct cursor in = {head.data, head.data + head.size};
    enum http_parse_result result = parse_head(&in, request);
    if (result == HTTP_PARSE_MORE && head.size == HTTP_HEAD_BYTES_MAX) {
        return HTTP_PARSE_HEAD_TOO_LARGE;
    }
    request->head_bytes = (size_t)(in.at - input.data);
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

static enum http_parse_result parse_head(struct cursor *in, struct http_request *request) {
    enum http_parse_result result;
    if (*in->at == '\r' && (result = parse_line_end(in)) != HTTP_PARSE_DONE) {
        return result; /* RFC 9112 section 2.2: one empty line before a request is ignored */
    }
    if ((result = parse_request_line(in, request)) != HTTP_PARSE_DONE) {
        return result;
    }
    return parse_fields(in, request);
}

static enum http_parse_result parse_request_line(struct cursor *in, struct http_request *request) {
    struct cursor line = *in;
    if (left(in) > HTTP_LINE_BYTES_MAX) {
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
    return parse_line_end(in);
}

/* Methods are case-sensitive (RFC 9110 section 9.1). The space behind is taken as well. */
static enum http_parse_result parse_method(struct cursor *in, struct http_request *request) {
    if (left(in) >= 4 && memcmp(in->at, "GET ", 4) == 0) {
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
    if (slice_equal(between(begin, in->at), SLICE("HEAD"))) {
        request->method = HTTP_HEAD;
    }
    in->at++;
    return HTTP_PARSE_DONE;
}

/* RFC 9112 section 3.2. The space behind is taken as well. */
static enum http_parse_result parse_target(struct cursor *in, struct http_request *request) {
    if (left(in) == 0) {
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
    if (left(in) == 0) {
        return HTTP_PARSE_MORE;
    }
    if (in->at == begin || *in->at != ' ') {
        return HTTP_PARSE_BAD;
    }
    request->target = between(begin, in->at);
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
    while (left(in) > 0 && (scan_is(*in->at, HTTP_CLASS_HOST) || *in->at == '%' || *in->at == ':' ||
                            *in->at == '[' || *in->at == ']')) {
        in->at++;
    }
    if (left(in) == 0) {
        return HTTP_PARSE_MORE;
    }
    if (*in->at != '/' && *in->at != '?' && *in->at != ' ') {
        return HTTP_PARSE_BAD;
    }
    request->host = between(begin, in->at);
    request->path = between(begin - 1, begin);
    return http_host_is_valid(request->host) ? HTTP_PARSE_DONE : HTTP_PARSE_BAD;
}

static enum http_parse_result parse_scheme(struct cursor *in) {
    enum http_parse_result result = parse_nocase(in, "http");
    if (result != HTTP_PARSE_DONE) {
        return result;
    }
    if (left(in) > 0 && (*in->at == 's' || *in->at == 'S')) {
        in->at++;
    }
    return parse_nocase(in, "://");
}

/* Schemes are case-insensitive, RFC 3986 section 3.1. */
static enum http_parse_result parse_nocase(struct cursor *in, const char *lower) {
    for (; *lower != '\0'; lower++, in->at++) {
        if (left(in) == 0) {
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
    if (left(in) > 0 && *in->at == '/') {
        enum http_parse_result result = parse_path(in, &request->path);
        if (result != HTTP_PARSE_DONE) {
            return result;
        }
    }
    if (left(in) > 0 && *in->at == '?') {
        const char *begin = in->at + 1;
        in->at = scan_query(begin, in->end);
        request->query = between(begin, in->at);
    }
    return HTTP_PARSE_DONE;
}

/* Ends before the first character that is not of a path; each '%' must have its two digits. */
static enum http_parse_result parse_path(struct cursor *in, struct slice *path) {
    const char *begin = in->at;
    for (;;) {
        in->at = scan_path(in->at, in->end);
        if (left(in) == 0 || *in->at != '%') {
            *path = between(begin, in->at);
            return HTTP_PARSE_DONE;
        }
        for (int digit = 1; digit <= 2; digit++) {
            if (left(in) <= (size_t)digit) {
                return HTTP_PARSE_MORE;
            }
            if (!scan_is(in->at[digit], HTTP_CLASS_HEX)) {
                return HTTP_PARSE_BAD;
            }
        }
        in->at += 3;
    }
}

/* The target of a method that will be refused anyway: any visible characters. Path and query are
 * given when it happens to be a well-formed origin-form. */
static enum http_parse_result parse_any_target(struct cursor *in, struct http_request *request) {
    struct cursor target = *in;
    in->at = scan_visible(in->at, in->end);
    target.end = in->at;
    if (left(&target) == 0 || *target.at != '/') {
        return HTTP_PARSE_DONE;
    }
    if (parse_path_and_query(&target, request) != HTTP_PARSE_DONE || left(&target) > 0) {
        request->path = SLICE_EMPTY;
        request->query = SLICE_EMPTY;
    }
    return HTTP_PARSE_DONE;
}

/* HTTP-version, RFC 9112 section 2.3. Of the next major version nothing is known, of a higher
 * minor version that it is read like 1.1 (RFC 9110 section 2.5). */
static enum http_parse_result parse_version(struct cursor *in, struct http_request *request) {
    static const char expected[] = "HTTP/1.";
    enum { SIZE = sizeof expected - 1 };
    if (left(in) <= SIZE) {
        size_t size = left(in);
        return memcmp(in->at, expected, size) == 0 ? HTTP_PARSE_MORE : HTTP_PARSE_BAD;
    }
    if (memcmp(in->at, expected, SIZE) != 0 || !scan_is_digit(in->at[SIZE])) {
        return HTTP_PARSE_BAD;
    }
    request->minor_version = in->at[SIZE] == '0' ? 0 : 1;
    in->at += SIZE + 1;
    return HTTP_PARSE_DONE;
}

static enum http_parse_result parse_fields(struct cursor *in, struct http_request *request) {
    struct http_fields fields = {0};
    struct slice name = SLICE_EMPTY;
    struct slice value = SLICE_EMPTY;
    enum http_parse_result result;
    while ((result = parse_field(in, &name, &value)) == HTTP_PARSE_DONE) {
        if (name.size == 0) {
            return http_fields_end(&fields, request) ? HTTP_PARSE_DONE : HTTP_PARSE_BAD;
        }
        if (++fields.count > HTTP_FIELDS_MAX) {
            return HTTP_PARSE_HEAD_TOO_LARGE;
        }
        if (!http_fields_take(&fields, request, name, value)) {
            return HTTP_PARSE_BAD;
        }
    }
    return result;
}

/* field-line CRLF, RFC 9112 section 5: no space before the colon, and a line that begins with one
 * (obs-fold) has no name. Of the empty line that ends the head the name is empty. */
static enum http_parse_result parse_field(struct cursor *in, struct slice *name,
                                          struct slice *value) {
    const char *begin = in->at;
    const char *colon = scan_name(begin, in->end);
    *name = between(begin, colon);
    if (UNLIKELY(colon == begin)) {
        return parse_line_end(in);
    }
    if (UNLIKELY(colon == in->end)) {
        return HTTP_PARSE_MORE;
    }
    if (UNLIKELY(*colon != ':')) {
        return HTTP_PARSE_BAD;
    }
    begin = colon + 1;
    in->at = scan_value(begin, in->end);
    *value = trim(between(begin, in->at));
    return parse_line_end(in);
}

/* Without OWS (RFC 9110 section 5.6.3): in a field value nothing but SP and HTAB is not above SP.
 */
static inline struct slice trim(struct slice value) {
    const char *begin = value.data;
    const char *end = begin + value.size;
    while (begin < end && (unsigned char)*begin <= ' ') {
        begin++;
    }
    while (begin < end && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    return between(begin, end);
}
