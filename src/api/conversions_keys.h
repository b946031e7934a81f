/*
 * conversions_keys.h - a report with an idempotency key is taken once.
 *
 *   reserve ──► new: append to the journal ──► keep the answer
 *         ├───► answered before: that answer
 *         ├───► somebody is at it: wait a moment, then 503
 *         └───► the key was another report's: 422
 *
 * Reservation and answer stand where those of other requests do (idempotency.h), for
 * KEYS_RESERVED_MS and IDEMPOTENCY_KEPT_S. An answer is kept after the report is journaled, never
 * before: what was answered once must be in a journal. So a process that dies between the two, or
 * loses Redis there, leaves a report that can be sent once more; it bears the same key, and the
 * second one is dropped when they are counted.
 *
 * Threads   Waits for Redis; one at a time a pipe.
 * Limits    KEYS_WAIT_MS for others.
 */
#ifndef API_CONVERSIONS_KEYS_H
#define API_CONVERSIONS_KEYS_H

#include "conversions_read.h"

struct call;
struct err;

enum { KEYS_RESERVED_MS = 30000, KEYS_WAIT_MS = 1000, KEYS_NONCE_BYTES = 16 };

/* The reservations of one request. */
struct report_keys {
    const struct call *call;
    struct report *reports;
    size_t count;
    char nonce[KEYS_NONCE_BYTES + 1]; /* tells ours from others' */
};

/* Sets idempotency of a report that has a key; json is its object. */
void report_keys_name(const struct report_keys *keys, struct report *report, const void *json);

enum report_keys_result {
    REPORT_KEYS_OK,     /* every report with a key is either ours now, or REPORT_AGAIN */
    REPORT_KEYS_BUSY,   /* nothing is reserved */
    REPORT_KEYS_OTHER,  /* nothing is reserved; *which is the report */
    REPORT_KEYS_FAILED, /* Redis; err says why */
};
MUST_CHECK enum report_keys_result report_keys_reserve(struct report_keys *keys, size_t *which,
                                                       struct err *err);

/* The reports are not taken: somebody else may try. */
void report_keys_release(struct report_keys *keys);

/* They are: their answers. False: Redis was lost or refused, and the reservations run out. */
bool report_keys_keep(struct report_keys *keys);

#endif
