/*
 * stats/find.h - one click by its id, as long as the queue has it.
 *
 * A click's id holds its time, and a stream's ids begin with it: so it is looked for where it must
 * stand, in every stream that there is.
 *
 * Threads   One at a time a pipe.
 * Limits    FIND_STREAMS_MAX streams, FIND_ENTRIES_MAX entries of that millisecond each; beyond
 * that it fails.
 */
#ifndef STATS_FIND_H
#define STATS_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "base/ulid.h"
#include "click/click.h"

struct buf;
struct err;
struct redis_pipe;

enum { FIND_STREAMS_MAX = 4096, FIND_ENTRIES_MAX = 4096 };

enum find_result {
    FIND_FOUND,
    FIND_NONE,   /* no stream has it (any more) */
    FIND_FAILED, /* Redis; err says why */
};

struct found_click {
    struct buf *bytes; /* given: where the texts go. The caller makes it with buf_init() and clears
                          it */
    struct slice value[CLICK_FIELD_COUNT]; /* in the order of click_fields(); empty where the entry
                                              has no such field */
    struct slice stream;                   /* the whole key */
    uint64_t ms;                           /* of the entry's id */
    uint64_t sequence;
};

/* found->bytes is set by the caller. */
MUST_CHECK enum find_result find_click(struct redis_pipe *pipe, struct slice key_prefix,
                                       const struct ulid *id, struct found_click *found,
                                       struct err *err);

/* The value of a field of this name ("code"), or empty. */
struct slice found_click_value(const struct found_click *found, const char *name);

#endif
