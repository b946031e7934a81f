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

enum {
    HTTP_DATE_SIZE = 29,           /* IMF-fixdate, RFC 9110 section 5.6.7 */
    HTTP_REDIRECT_BEGIN_SIZE = 67, /* up to and with "Location: " */
};

/* What changes once a second, formatted as seldom. The Date field's value stands in its place in
 * the beginning of a redirect, which makes that beginning one copy. */
struct http_date {
    uint64_t unix_s; /* 0: nothing formatted yet */
    union {
        char redirect_begin[HTTP_REDIRECT_BEGIN_SIZE];
        struct {
            char before_text[26];
            char text[HTTP_DATE_SIZE];
            char after_text[12];
        };
    };
};

void http_date_set(struct http_date *date, uint64_t unix_ms);

struct http_response {
    uint16_t status;            /* 200, 302, 304, 400, 404, 405, 408, 410, 414, 431, 503 */
    bool keep_alive;            /* false: Connection: close */
    uint8_t minor_version;      /* of the request: 1.0 clients are told keep-alive */
    bool head_only;             /* HEAD: Content-Length as for GET, no content */
    struct slice content_type;  /* sent when there is content */
    struct slice content;       /* may be empty */
    struct slice extra;         /* whole field lines, each ended by CRLF; may be empty */
    struct slice cache_control; /* empty: no-store */
    const struct http_date *date;
};

/* False, with nothing written, when out has no room. Cache-Control is always sent. A 304 has
 * neither content nor Content-Length: that would be the 200's (RFC 9110 section 8.6). */
bool http_respond(struct buf *out, const struct http_response *response);

/* The hop's own in two parts, so that the Location is rendered in place: everything up to and
 * with "Location: ", and from its end on. False: no room, nothing written. What stands between
 * them is the caller's, who has made sure that it is one line. */
bool http_redirect_begin(struct buf *out, const struct http_date *date);
bool http_redirect_end(struct buf *out, bool keep_alive, uint8_t minor_version);

/* Both and the Location between them: 302, Cache-Control: private, no-store, Content-Length: 0. */
bool http_respond_redirect(struct buf *out, struct slice location, bool keep_alive,
                           uint8_t minor_version, const struct http_date *date);

#endif
