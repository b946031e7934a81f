/*
 * credit/explain.h - "why didn't my friend count?": all that is known of one click.
 *
 *   token or ULID ► id and time ► the queue's streams (stats/find.h) ► else this edge's journals
 *                 ► what was counted of it ► which conversions came, how they were judged, and
 *                   whether the webhooks were told
 *
 * Comes as one JSON document, in which every word that the click carries is also told as a
 * sentence, and `looked` says where was looked and how long things are kept there, so that
 * "not found" means something.
 *
 *   {"id", "at", "found", "token": {"text", "verdict", "meaning", "code"} | null,
 *    "click": {the fields of a click} | null,
 *    "why": {"kind", "outcome", "rule", "destination"} | null,
 *    "shipped": {"stream", "entry"} | null, "journal": {"directory", "segment", "sequence"} | null,
 *    "counted": true | false | null (cannot be told), "counting",
 *    "conversions": [{"event", "id", "at", "status", "reasons", "value", "currency", "reporter",
 *                     "repeats", "counted": true | false (a repetition) | null (not judged yet:
 *                     status is "waiting"), "meaning", "webhook": {"state", "attempts", ...} |
 * null}], "looked": ["..."]}
 *
 * Threads   One at a time a pipe; waits for Redis and the disk.
 * Limits    EXPLAIN_EVENTS_MAX conversions of a click; those of stats/find.h. How far back was
 *           looked for what gives no credit stands in `looked`.
 */
#ifndef CREDIT_EXPLAIN_H
#define CREDIT_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "base/ulid.h"

struct buf;
struct err;
struct redis_pipe;
struct token_key;

enum { EXPLAIN_EVENTS_MAX = 256 };

struct explain_source {
    struct redis_pipe *pipe;           /* connected; NULL: Redis is not asked */
    struct slice key_prefix;           /* redis.prefix */
    const char *data_dir;              /* whose journals are read; NULL: none */
    const struct token_key *token_key; /* NULL: whether a token is ours cannot be told here */
    uint64_t queue_retain_hours;
    uint64_t journal_retain_hours;
    uint64_t stats_retain_days;
};

struct explain_subject {
    struct ulid id;
    struct slice token; /* empty: asked for by the ULID */
    struct slice code;  /* for which the token is said to be; empty: as the click says */
};

enum explain_result {
    EXPLAIN_FOUND,
    EXPLAIN_NOT_FOUND, /* the document says where was looked */
    EXPLAIN_FAILED,    /* Redis; err says why */
};

/* A click token (32 characters) or a ULID (26). False: err says what is allowed. code may be
 * empty. */
MUST_CHECK bool explain_read(struct slice text, struct slice code, struct explain_subject *subject,
                             struct err *err);

/* Appends the document, on one line without a line break. */
MUST_CHECK enum explain_result explain_click(const struct explain_source *source,
                                             const struct explain_subject *subject, struct buf *out,
                                             struct err *err);

#endif
