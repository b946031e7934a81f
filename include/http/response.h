/*
 * http/response.h - response heads and small whole responses.
 *
 * Written into a buffer of the caller's in one go. Values that come from outside are checked by
 * those who pass them; http_response_* ENSUREs that none holds a CR, LF or NUL.
 *
 * Threads   Pure functions; struct http_date belongs to one thread.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* The Date field's value (IMF-fixdate, RFC 9110 section 5.6.7), formatted once a second. */
enum { HTTP_DATE_SIZE = 29 };

struct http_date {
    uint64_t unix_s; /* 0: nothing formatted yet */
    char text[HTTP_DATE_SIZE];
};

void http_date_set(struct http_date *date, uint64_t unix_ms);

struct http_response {
    uint16_t status;           /* 200, 302, 304, 400, 404, 405, 408, 410, 414, 431, 503 */
    bool keep_alive;           /* false: Connection: close */
    uint8_t minor_version;     /* of the request: 1.0 clients are told keep-alive */
    bool head_only;            /* HEAD: Content-Length as for GET, no content */
    struct slice content_type; /* sent when there is content */
    struct slice content;      /* may be empty */
    struct slice extra;        /* whole field lines, each ended by CRLF; may be empty */
    const struct http_date *date;
};

/* False, with nothing written, when out has no room. Cache-Control: no-store is always sent. A 304
 * has neither content nor Content-Length: that would be the 200's (RFC 9110 section 8.6). */
bool http_respond(struct buf *out, const struct http_response *response);

/* The hop's own: 302 with Location, Cache-Control: private, no-store, Content-Length: 0. */
bool http_respond_redirect(struct buf *out, struct slice location, bool keep_alive,
                           uint8_t minor_version, const struct http_date *date);

#endif
