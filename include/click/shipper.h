/*
 * click/shipper.h - from the journals to the queue, each click, or conversion, exactly once.
 *
 * It tails every journal directory under <data.dir>/journal (conversions: click/payload.h), those
 * of workers that no longer exist too (looked for at start), and keeps the live ones
 * (journal_keep). Each segment's header says which stream it belongs to: clicks:EDGE:WORKER.
 *
 *   attach ► the stream's last position ► first record above it ► batches, one in flight
 *      ▲                                                              │
 *      └────────── unreachable, conflict: backoff with jitter ◄───────┘
 *
 * Positions that rise with the journal make a repeated batch harmless; asking for the last
 * position after every reconnect, with every batch, and every 5 s when idle, makes a queue that
 * came back older get the difference again. A stream that ends with an entry that is not ours is
 * gone on with when everything of ours below that entry is there; otherwise nothing is shipped
 * to it, which is logged, counted and tried again every 5 s: records below a stream's end could
 * never be put in, and whoever wrote there must say what is to become of them.
 * A record that fails its check is logged with its place, counted and passed over.
 *
 * Segments are deleted once they are older than retain_hours and were shipped at least a minute
 * ago. When a journal comes to its size limit, those that were shipped a minute ago go earlier, and
 * when there is no room for a new one, all that are shipped; unshipped ones never. With no queue
 * (queue.kind = none) age alone counts.
 *
 * Threads   Three of its own: one ships and deletes, and may wait for the queue's timeouts; one
 *           calls journal_keep(), which must not wait; one calls journal_sync(), which waits for
 *           the disk. The functions below from the main thread.
 * Limits    Bounded memory: two batches (one being filled, one on its way) and one read buffer
 *           a journal.
 */
#ifndef CLICK_SHIPPER_H
#define CLICK_SHIPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "click/queue.h"

struct err;
struct journal;
struct log;
struct metric_registry;
struct shipper;

struct shipper_options {
    const char *journal_directory;   /* <data.dir>/journal, or <data.dir>/conversions */
    struct journal *const *journals; /* the live ones, to keep; outlive the shipper */
    size_t journal_count;
    const struct queue_kind *kind; /* NULL: none */
    struct queue_options queue;    /* its payload says what is in the journals */
    uint32_t retain_hours;         /* journal.retain_hours */
    uint64_t disk_bytes_max;       /* journal.max_mb, of one journal */
    struct log *log;
    struct metric_registry *metrics;
};

/* Starts the threads. */
MUST_CHECK struct shipper *shipper_start(const struct shipper_options *options, struct err *err);

/* Ships what is left for at most drain_ms (and one timeout of the queue), or a second when the
 * queue is away or refuses, then stops the threads and frees. The workers must have stopped;
 * journal_close() syncs. */
void shipper_stop(struct shipper **shipper, uint32_t drain_ms);

/* The first half of it: ships what is left and stops the thread. shipper_status() may still be
 * asked, until shipper_stop() frees. */
void shipper_finish(struct shipper *shipper, uint32_t drain_ms);

/* What a reload may change. */
void shipper_configure(struct shipper *shipper, uint32_t retain_hours, uint64_t disk_bytes_max,
                       uint32_t sync_interval_ms);

/* For /readyz, from any thread. */
struct shipper_status {
    bool connected;       /* true when there is no queue */
    bool refusing;        /* the queue would not take the last batch, or a stream has entries that
                             are not ours: the log says why */
    uint64_t lag_records; /* journaled and not yet shipped */
    uint64_t lag_ms;      /* age of the oldest of them */
};

struct shipper_status shipper_status(const struct shipper *shipper);

#endif
