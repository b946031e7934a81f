/*
 * http/parse.h - one HTTP/1.x request head, from bytes to fields.
 *
 * Strict (RFC 9112): whatever request smuggling lives on is refused, not guessed at. One pass
 * over the input, no allocation; every slice of the result borrows from the input. The verdict does
 * not depend on how the input was cut: a beginning gives HTTP_PARSE_MORE or what the whole gives.
 *
 *   HTTP_PARSE_MORE ─► keep the bytes; when more arrive, ask http_head_end() from where the
 *                      last search ended before parsing again, so that a client who drips
 *                      single bytes costs a search over those bytes and not a parse each
 *
 * Threads   Pure functions.
 * Limits    HTTP_LINE_BYTES_MAX, HTTP_HEAD_BYTES_MAX, HTTP_FIELDS_MAX: each has a result of
 *           its own.
 * Fuzzed    tests/fuzz/fuzz_http_parse.c, differentially against libhttp-parser.
 */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    HTTP_LINE_BYTES_MAX = 8000,  /* request line without CRLF; RFC 9112 section 3 */
    HTTP_HEAD_BYTES_MAX = 16384, /* request line, fields and the empty line */
    HTTP_FIELDS_MAX = 100,
};

enum http_parse_result {
    HTTP_PARSE_DONE,
    HTTP_PARSE_MORE,           /* a valid beginning so far */
    HTTP_PARSE_BAD,            /* 400 and close */
    HTTP_PARSE_LINE_TOO_LONG,  /* 414 and close */
    HTTP_PARSE_HEAD_TOO_LARGE, /* 431 and close: bytes or number of fields */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

struct http_request {
    enum http_method method;
    uint8_t minor_version;   /* 0 or 1: 1.2 and above are treated as 1.1 */
    bool keep_alive;         /* what the client wants, Connection and version considered */
    bool has_body;           /* announces a body: Content-Length above 0, or Transfer-Encoding */
    bool prefetch;           /* Sec-Purpose, Purpose, X-Purpose or X-Moz says prefetch/preview */
    bool path_escaped;       /* path holds a '%': without one it is what it decodes to */
    struct slice target;     /* as sent */
    struct slice path;       /* begins with '/', still percent-encoded, well-formed (%XX) */
    struct slice query;      /* without '?', still percent-encoded; empty when there is none */
    struct slice host;       /* uri-host and port, valid; of an absolute target, else of Host;
                                empty only in HTTP/1.0 */
    struct slice user_agent; /* of these, the first field's value, trimmed; empty when absent */
    struct slice accept_language;
    struct slice referer;
    struct slice forwarded_for;   /* X-Forwarded-For: the last field's value */
    struct slice forwarded_proto; /* X-Forwarded-Proto: the last field's value */
    size_t head_bytes;            /* what the head took of the input */
};

/* input begins where a request begins. request is meaningful after HTTP_PARSE_DONE only. For
 * HTTP_OTHER the target may be of any form, and path is empty unless it is an origin-form. */
enum http_parse_result http_parse(struct slice input, struct http_request *request);

/* Whether input holds the empty line that ends a head, or is so large that http_parse() will
 * refuse it: in both cases it is time to parse. from: how much was searched before. */
bool http_head_end(struct slice input, size_t from);

#endif
