/*
 * credit/intake.h - where reports of conversions become durable.
 *
 * As a click is for an edge, a report is done with for its sender when it is in a journal: one of
 * the process' own, <data.dir>/conversions/00, which a second shipper (click/shipper.h) brings into
 * the stream conversions:EDGE:0. A report that is answered with 202 is in there.
 *
 *   API thread ──prove, append──► journal ──shipper──► stream ──► ledger (credit/ledger.h)
 *
 * Those that belong together go in together or not at all: it is looked whether there is room for
 * all of them first. Only a process that is killed right there leaves a part behind, and it had
 * answered none of them.
 *
 * Threads   Opened and closed by the main thread. What appends and counts, from any, one at a
 *           time: there is a lock, which nobody holds while waiting for anything.
 * Loss      As click/journal.h: kill -9 nothing, a power cut what journal.sync_ms allows.
 * Limits    INTAKE_BATCH_MAX reports at once; the journal takes intake_disk_bytes_max() at most,
 *           then what comes is refused, and counted.
 */
#ifndef CREDIT_INTAKE_H
#define CREDIT_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "click/conversion.h"

struct err;
struct intake;
struct journal;
struct log;
struct metric_registry;
struct token_key;

enum { INTAKE_BATCH_MAX = 1000 };

struct intake_options {
    const char *data_dir;  /* the journal stands in conversions/00 below it */
    struct slice edge_id;  /* of the process: names the stream */
    const uint8_t *secret; /* of the click tokens; copied as a key. NULL: it is not known here */
    size_t secret_size;
    uint64_t disk_bytes_max; /* intake_disk_bytes_max() */
    uint32_t sync_interval_ms;
    struct log *log;
    struct metric_registry *metrics;
};

MUST_CHECK struct intake *intake_open(const struct intake_options *options, struct err *err);

/* Its shipper is stopped, and nobody appends any more. */
void intake_close(struct intake **intake);

/* What of journal.max_mb, which is for the clicks, conversions may take beside it: an eighth, and
 * two segments at least. */
uint64_t intake_disk_bytes_max(uint64_t journal_bytes_max);

/* The one journal, for the shipper; as an array. */
struct journal *const *intake_journal(const struct intake *intake);

/* NULL where the secret is not known. */
const struct token_key *intake_token_key(const struct intake *intake);

/* Sets proof, has_click_id and click_id, by the texts CODE and CLICK. A token without a code is
 * CONVERSION_OPEN, and so is any where the secret is not known. */
void intake_prove(const struct intake *intake, struct conversion *conversion);

/* The same for an open one whose click was found to be of this code: verified, with the code as
 * its text (borrowed), or forged. */
void intake_prove_open(const struct intake *intake, struct conversion *conversion,
                       struct slice code);

enum intake_result { INTAKE_TAKEN, INTAKE_FULL };

/* Takes all or none. Sets at_ms and id of each, and happened_ms, where it is 0, to now_ms: at_ms is
 * later where the clock was ahead before. */
MUST_CHECK enum intake_result intake_append(struct intake *intake, uint64_t now_ms,
                                            struct conversion *const *conversions, size_t count);

/* What the API says of reports that never come to be appended. */
enum intake_event {
    INTAKE_INVALID,       /* a report that makes no sense */
    INTAKE_BUSY,          /* its idempotency key is being handled */
    INTAKE_KEY_MISUSED,   /* its idempotency key was another report's */
    INTAKE_UNAVAILABLE,   /* Redis, for its idempotency key */
    INTAKE_REPEATED,      /* answered as the first time */
    INTAKE_LOOKED_UP,     /* a token without its code, the click was found */
    INTAKE_NOT_FOUND,     /* ... was not */
    INTAKE_LOOKUP_FAILED, /* ... Redis did not say, or there were too many */
    INTAKE_EVENT_COUNT,
};
void intake_note(struct intake *intake, enum intake_event event, uint64_t count);

/* For /readyz, from any thread. */
struct intake_status {
    bool accepting;   /* false from a refusal until something is taken again, or could be */
    uint64_t taken;   /* reports, since the start */
    uint64_t refused; /* for want of room */
};
struct intake_status intake_status(struct intake *intake);

#endif
