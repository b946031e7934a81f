/*
 * stats/reconcile.h - whether every number is accounted for.
 *
 * Compares, for each stream (EDGE:WORKER) and in all, for one day of stats.timezone:
 *
 *   answered   the tally beside the journal (click/tally.h), or its copy in Redis
 *   journaled  the tally, and the records that are still in the journal's segments
 *   queued     entries in the stream, by their ids; what was trimmed by its time
 *   counted    the rollups' own count of each stream
 *   rolled up  the rollups of the whole, each campaign and each link, recounted from the stream
 *              (and the journal) where these are still there, and else held against one another
 *
 * A difference that is explained (in flight, lost with a reason, trimmed or deleted by its age)
 * is said; one that is not makes the reconciliation fail and names the place: stream and id,
 * segment, key and field.
 *
 * It runs beside a live system. Each key of the rollups is read in one transaction with the
 * watermarks, and compared with what the streams have up to exactly those: nothing that is on its
 * way can look like a difference, and no difference can hide behind what is on its way.
 *
 * Threads   Waits for Redis and disks; one at a time.
 * Limits    Memory: RECONCILE_CELLS_MAX cells. A day with more is compared link by link only in
 *           sum.
 */
#ifndef STATS_RECONCILE_H
#define STATS_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "stats/query.h"

struct buf;
struct err;
struct reconciliation;

enum { RECONCILE_CELLS_MAX = 4 * 1000 * 1000, RECONCILE_FINDINGS_MAX = 1000 };

struct reconcile_options {
    const struct stats_source *source;
    const char *const *data_directories; /* data.dir of the edges whose journals are at hand */
    size_t data_directory_count;
    int32_t day;                 /* YYYYMMDD */
    uint32_t queue_retain_hours; /* what is older may have been trimmed */
    bool has_no_streams;         /* queue.kind is another one: only tallies and journals */
    size_t cells_max;            /* 0: RECONCILE_CELLS_MAX */
    /* Called now and then with work done and all work, entries; may be NULL. */
    void (*progress)(void *argument, uint64_t done, uint64_t all);
    void *argument;
};

/* NULL and err when it cannot be told: Redis or a directory cannot be read, or is not there. */
MUST_CHECK struct reconciliation *reconcile(const struct reconcile_options *options,
                                            struct err *err);
void reconciliation_destroy(struct reconciliation **reconciliation);

/* Whether every difference is explained. */
bool reconciliation_holds(const struct reconciliation *reconciliation);

/* A line each; differences are marked with "!!". And the same as JSON. False: out is full. */
bool reconciliation_text(const struct reconciliation *reconciliation, struct buf *out);
bool reconciliation_json(const struct reconciliation *reconciliation, struct buf *out);

#endif
