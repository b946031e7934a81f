/*
 * body.h - the content of a request, taken in piece by piece.
 *
 * By Content-Length, or chunked (RFC 9112 section 7.1), read to the letter: a bare LF, a size
 * without digits or beyond 64 bits is refused. Extensions and trailers are skipped.
 *
 * Threads   One owner at a time.
 * Limits    What body_begin() is given; BODY_LINE_BYTES_MAX a chunk's line,
 *           BODY_TRAILER_BYTES_MAX all trailers.
 */
#ifndef API_BODY_H
#define API_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { BODY_LINE_BYTES_MAX = 256, BODY_TRAILER_BYTES_MAX = 4096 };

enum body_result {
    BODY_MORE,
    BODY_DONE,
    BODY_BAD,       /* 400 and close */
    BODY_TOO_LARGE, /* 413 and close */
};

enum body_step {
    BODY_PLAIN,
    BODY_SIZE,
    BODY_EXTENSION,
    BODY_SIZE_LF,
    BODY_DATA,
    BODY_DATA_CR,
    BODY_DATA_LF,
    BODY_TRAILER,
    BODY_TRAILER_LF,
    BODY_END,
};

struct body {
    struct buf bytes;
    enum body_step step;
    uint64_t left;      /* of the content or the chunk */
    size_t line_bytes;  /* of the chunk's line or the trailers so far */
    size_t digits;      /* of the chunk's size */
    bool is_line_begun; /* of the trailers */
    bool is_last;       /* the chunk's size was 0 */
    size_t limit;
};

/* length counts when it is not chunked. TOO_LARGE: over the limit; else MORE or, with nothing to
 * come, DONE. */
enum body_result body_begin(struct body *body, bool is_chunked, uint64_t length, size_t limit);
void body_fini(struct body *body);

/* Takes what is the body's off the front of input: *consumed. What is behind its end stays. */
enum body_result body_take(struct body *body, struct slice input, size_t *consumed);

#endif
