/*
 * target.h - path and query of a request, split and decoded.
 *
 *   /v1/links/AB12CD?by=country&from=2026-11-01
 *    └── segments ─┘ └────── fields ──────────┘
 *
 * Splitting comes before decoding, so that an encoded slash or ampersand is a byte like others.
 * In the query '+' is a space, as forms and URLSearchParams write it. Refused are malformed
 * percent-encodings, control bytes (also encoded), a field that stands twice and one without a
 * name.
 *
 * Threads   Pure functions.
 * Limits    TARGET_SEGMENTS_MAX; CALL_FIELDS_MAX fields. A decoded target is never longer than
 *           what was sent.
 * Fuzzed    tests/fuzz/fuzz_api_target.c
 */
#ifndef API_TARGET_H
#define API_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "call.h"

enum { TARGET_SEGMENTS_MAX = 8 };

enum target_result {
    TARGET_OK,
    TARGET_ENCODING, /* a '%' without two hexadecimal digits */
    TARGET_CONTROL,  /* a control byte */
    TARGET_TWICE,    /* a field of the query stands there twice */
    TARGET_NAMELESS, /* a field of the query has no name */
    TARGET_MANY,     /* fields of the query */
};

struct target {
    struct slice segment[TARGET_SEGMENTS_MAX];
    size_t segment_count; /* TARGET_SEGMENTS_MAX + 1: more than any route has */
    bool has_path;        /* the path was well-formed, whatever became of the query */
    struct call_field query[CALL_FIELDS_MAX];
    size_t query_count;
    struct slice fault; /* the name of the field at fault; empty: the path, or no single one */
};

/* Both as sent; path begins with '/'. Slices of target point into out, which has room for
 * path.size + query.size bytes. */
enum target_result target_read(struct slice path, struct slice query, char *out,
                               struct target *target);

/* Whether the first segment is this one, however it is encoded. Works on any path, malformed ones
 * too: what cannot be decoded is not it. */
bool target_is_under(struct slice path, struct slice segment);

/* A sentence for people; "" for TARGET_OK. */
const char *target_fault(enum target_result result);

#endif
