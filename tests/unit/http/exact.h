/*
 * exact.h - parsing bytes that end where their memory ends.
 *
 * AddressSanitizer then sees any byte read beyond the input. parse_all_ways() also holds the
 * parser to its promise that cutting a request anywhere does not change the verdict.
 */
#ifndef TESTS_HTTP_EXACT_H
#define TESTS_HTTP_EXACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/parse.h"

static const char *const result_names[] = {
    [HTTP_PARSE_DONE] = "DONE",
    [HTTP_PARSE_MORE] = "MORE",
    [HTTP_PARSE_BAD] = "BAD",
    [HTTP_PARSE_LINE_TOO_LONG] = "LINE_TOO_LONG",
    [HTTP_PARSE_HEAD_TOO_LARGE] = "HEAD_TOO_LARGE",
};

static inline char *exact_copy(struct slice s) {
    char *copy = malloc(s.size > 0 ? s.size : 1);
    assert_non_null(copy);
    if (s.size > 0) {
        memcpy(copy, s.data, s.size);
    }
    return copy;
}

/* The slices of the request are gone when this returns. */
static inline enum http_parse_result parse_exact(struct slice input) {
    char *copy = exact_copy(input);
    struct http_request request;
    enum http_parse_result result = http_parse(slice_make(copy, input.size), &request);
    free(copy);
    return result;
}

static inline bool head_end_exact(struct slice input, size_t from) {
    char *copy = exact_copy(input);
    bool end = http_head_end(slice_make(copy, input.size), from);
    free(copy);
    return end;
}

/* As a connection does it: parse, then byte by byte, asking http_head_end() before each parse. */
static inline enum http_parse_result parse_dripping(struct slice input) {
    enum http_parse_result result = HTTP_PARSE_MORE;
    for (size_t size = 1; size <= input.size && result == HTTP_PARSE_MORE; size++) {
        if (head_end_exact(slice_first(input, size), size - 1)) {
            result = parse_exact(slice_first(input, size));
            assert_int_not_equal(result, HTTP_PARSE_MORE);
        }
    }
    return result == HTTP_PARSE_MORE ? parse_exact(input) : result;
}

/* The verdict on the whole, after every beginning of it gave the same or MORE. */
static inline enum http_parse_result parse_all_ways(struct slice input) {
    enum http_parse_result whole = parse_exact(input);
    bool decided = false;
    for (size_t size = 0; size < input.size; size++) {
        enum http_parse_result part = parse_exact(slice_first(input, size));
        if (part != whole && (decided || part != HTTP_PARSE_MORE)) {
            fail_msg("%s after %zu of %zu bytes, but %s for all: %.*s", result_names[part], size,
                     input.size, result_names[whole], SLICE_ARG(input));
        }
        decided |= part != HTTP_PARSE_MORE;
    }
    enum http_parse_result dripped = parse_dripping(input);
    if (dripped != whole) {
        fail_msg("%s when dripped, %s for all: %.*s", result_names[dripped], result_names[whole],
                 SLICE_ARG(input));
    }
    return whole;
}

static inline void assert_result(const char *name, struct slice input,
                                 enum http_parse_result expected) {
    enum http_parse_result result = parse_all_ways(input);
    if (result != expected) {
        fail_msg("%s: %s, should be %s", name, result_names[result], result_names[expected]);
    }
}

static inline void assert_slice(struct slice actual, const char *expected) {
    if (!slice_equal(actual, slice_of(expected))) {
        fail_msg("\"%.*s\", should be \"%s\"", SLICE_ARG(actual), expected);
    }
}

#endif
