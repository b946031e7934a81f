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
 * Threads   Waits for Redis and disks; one at a time.
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

struct reconcile_options {
    const struct stats_source *source;
    const char *const *data_directories; /* data.dir of the edges whose journals are at hand */
    size_t data_directory_count;
    int32_t day; /* YYYYMMDD */
    /* Called now and then with work done and all work, entries; may be NULL. */
    void (*progress)(void *argument, uint64_t done, uint64_t all);
    void *argument;
};

/* NULL and err when Redis or a directory cannot be read. */
MUST_CHECK struct reconciliation *reconcile(const struct reconcile_options *options,
                                            struct err *err);
void reconciliation_destroy(struct reconciliation **reconciliation);

/* Whether every difference is explained. */
bool reconciliation_holds(const struct reconciliation *reconciliation);

/* A line each; differences are marked. And the same as JSON. */
bool reconciliation_text(const struct reconciliation *reconciliation, struct buf *out);
bool reconciliation_json(const struct reconciliation *reconciliation, struct buf *out);

#endif
