/*
 * apply.h - the scripts that Redis runs for the collector, and what they answered.
 *
 *   apply_open ► apply_pack (batch) ► apply_send ► … ► apply_wait ► … each part ► apply_pack …
 *
 * A script is called by its digest. Redis forgets scripts (SCRIPT FLUSH, a restart); then it is
 * sent whole, once. While a batch is with Redis, the next one may be folded.
 *
 * Threads   One at a time.
 * Limits    One batch with Redis at a time.
 */
#ifndef STATS_APPLY_H
#define STATS_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "entries.h"

struct apply;
struct err;
struct fold;
struct fold_people;
struct redis_pipe;

struct apply_options {
    struct redis_pipe *pipe; /* outlives it; nobody else's replies may be awaited on it */
    struct slice key_prefix;
    struct slice zone;
};

struct apply *apply_create(const struct apply_options *options);
void apply_destroy(struct apply **apply);

enum apply_result {
    APPLY_DONE,
    APPLY_OTHER_MARK,  /* nothing was written: the stream's mark is not the one expected */
    APPLY_OTHER_ZONE,  /* nothing was written: the rollups are of another time zone */
    APPLY_REFUSED,     /* nothing was written: out of memory, read-only, loading; err says what */
    APPLY_UNREACHABLE, /* nothing is known */
};

/* Loads the scripts. The pipe must be connected; do it anew with every connection. */
MUST_CHECK enum apply_result apply_open(struct apply *apply, struct err *err);

/* Where counting stands in a stream. */
struct apply_mark {
    bool has_id;
    struct entry_id id; /* everything up to here is counted; 0-0: nothing, or no mark */
    /* The batch behind it that is being written; parts 0: none is. */
    struct entry_id batch_last;
    uint32_t parts;
    uint32_t written; /* of its parts */
};

/* Reads what Redis holds in `mark` and `pending`, empty: nothing. False when it is not how we write
 * it: then it is no mark that a batch could expect. */
MUST_CHECK bool apply_mark_parse(struct slice mark, struct slice pending, struct apply_mark *out);

/* A batch of a stream. */
struct apply_batch {
    struct slice stream;           /* its key; outlives the batch */
    const struct apply_mark *mark; /* where it goes on from, or within */
    struct entry_id last;          /* where it leads to */
    struct fold *fold;
    struct fold_people *people;
    uint32_t retain_days;
};

/* Writes the parts that are missing down, so that the fold can be cleared. False when it is too
 * large, which the limits of a fold should not allow. */
MUST_CHECK bool apply_pack(struct apply *apply, const struct apply_batch *batch);

/* Nothing is packed. No part may be with Redis. */
void apply_reset(struct apply *apply);

/* Parts still to be sent. */
uint32_t apply_left(const struct apply *apply);

/* Sends the next of them. False and err: unreachable. */
MUST_CHECK bool apply_send(struct apply *apply, struct err *err);

struct apply_outcome {
    char mark[ENTRY_ID_BYTES + 32]; /* APPLY_OTHER_MARK: what is there */
    char pending[ENTRY_ID_BYTES + 32];
    char zone[80];    /* APPLY_OTHER_ZONE: what is there */
    uint64_t folded;  /* taps some of whose texts were given up, once for each full list */
    uint64_t damaged; /* keys and fields that could not be added to */
    char where[512];  /* the first of them, and why */
};

MUST_CHECK enum apply_result apply_wait(struct apply *apply, struct apply_outcome *outcome,
                                        struct err *err);

enum apply_script {
    APPLY_BATCH, /* apply_send() */
    APPLY_TRIM,
    APPLY_FORGET,
    APPLY_COMPACT,
    APPLY_HUGE,
    APPLY_USED,
    APPLY_SCRIPTS
};

enum { APPLY_ARGUMENTS_MAX = 13 };

struct apply_answer {
    int64_t number;            /* of an integer, else 0 */
    char text[ENTRY_ID_BYTES]; /* of a string, else empty */
};

/* Calls one of the small scripts. Redis' errors are APPLY_REFUSED. */
MUST_CHECK enum apply_result apply_call(struct apply *apply, enum apply_script script,
                                        const struct slice *arguments, struct apply_answer *answer,
                                        struct err *err);

#endif
