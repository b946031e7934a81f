/*
 * cursor.h - where the parser is in its input, and what it has taken.
 *
 * At least SCAN_BLOCK bytes before `end` may be read, whatever `at` is: http_parse() sees to it.
 */
#ifndef HTTP_CURSOR_H
#define HTTP_CURSOR_H

#include <stdbool.h>

#include "base/defs.h"
#include "base/slice.h"
#include "http/parse.h"
#include "word.h"

struct cursor {
    const char *at;
    const char *end;
};

static inline size_t cursor_left(const struct cursor *in) {
    return (size_t)(in->end - in->at);
}

static inline struct slice slice_between(const char *begin, const char *end) {
    return slice_make(begin, (size_t)(end - begin));
}

/* CRLF and nothing else, RFC 9112 section 2.2. */
static inline enum http_parse_result cursor_line_end(struct cursor *in) {
    if (LIKELY(cursor_left(in) >= 2 && word_load2(in->at) == word_load2("\r\n"))) {
        in->at += 2;
        return HTTP_PARSE_DONE;
    }
    bool cut = cursor_left(in) == 0 || (cursor_left(in) == 1 && *in->at == '\r');
    return cut ? HTTP_PARSE_MORE : HTTP_PARSE_BAD;
}

#endif
