/*
 * fields.h - what single fields say about a request.
 *
 * The parser hands over each field as it meets it; what only several of them together, or their
 * absence, can tell is kept in struct http_fields until the head has ended.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include <stdbool.h>

#include "http/parse.h"

enum http_coding {
    HTTP_CODING_NONE,
    HTTP_CODING_OPEN,    /* Transfer-Encoding, but no "chunked" so far */
    HTTP_CODING_CHUNKED, /* "chunked" was the last: nothing may follow */
};

struct http_fields {
    unsigned count;
    bool host;           /* a Host was seen */
    bool content_length; /* a Content-Length was seen */
    bool close;          /* Connection: close */
    bool keep_alive;     /* Connection: keep-alive */
    enum http_coding coding;
};

/* Takes one field: name is a token, value is trimmed and holds no control byte but HTAB. False
 * when the request is malformed by it. request->minor_version is set, and host already when the
 * target names one. */
bool http_fields_take(struct http_fields *fields, struct http_request *request, struct slice name,
                      struct slice value);

/* The head is complete: sets keep_alive, or says false to what is missing. */
bool http_fields_end(const struct http_fields *fields, struct http_request *request);

#endif
