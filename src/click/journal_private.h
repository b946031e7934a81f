/*
 * click/journal_private.h - what the files of the journal's writer share.
 *
 *   journal.c          open, close, append: the worker's side
 *   journal_keep.c     the keeper's: segments are prepared ahead
 *   journal_sync.c     the syncer's: what was written goes to the disk, full segments are let go
 *   journal_slot.c     one mapped segment
 *   journal_recover.c  where the last process stopped
 *
 * A mapped segment is a slot: one the worker fills, a few ready to be next, the others full and on
 * their way to the disk. A slot goes round
 *
 *   FREE ──keeper──► READY ──worker──► CURRENT ──worker──► FULL ──syncer──► FREE
 *
 * and whoever's turn it is owns it; the stores of state and the ring `ready` hand it over. The
 * syncer also looks into slots that are not its own, with their `syncing` locked. Only when all
 * slots are full of what a slow disk has not taken yet does the keeper let go of the oldest one
 * itself, which the kernel then writes in its own time.
 */
#ifndef CLICK_JOURNAL_PRIVATE_H
#define CLICK_JOURNAL_PRIVATE_H

#include <pthread.h>
#include <stdalign.h>

#include "base/log.h"
#include "base/metrics.h"
#include "click/journal.h"
#include "click/tally.h"
#include "segment.h"

enum {
    JOURNAL_READY_MAX = 8,
    JOURNAL_SLOTS = 24,
    JOURNAL_PAGE_BYTES = 4096,
    JOURNAL_CACHE_LINE = 64,
    JOURNAL_WINDOW_BYTES = 8 * 1024 * 1024, /* of a segment are mapped ahead of the worker */
};

enum journal_slot_state { SLOT_FREE, SLOT_READY, SLOT_CURRENT, SLOT_FULL };

struct journal_slot {
    alignas(JOURNAL_CACHE_LINE) uint8_t *base;
    uint64_t size;
    _Atomic uint64_t written; /* bytes, header page included; CURRENT: the worker's to raise */
    _Atomic int state;        /* enum journal_slot_state */
    int fd;
    uint32_t number;

    pthread_mutex_t mapping; /* held while the keeper moves the window, and while base goes */
    uint64_t window_begin;   /* the keeper's: pages before it are not mapped any more */
    uint64_t window_end;     /* the keeper's: ... from here on not yet */

    pthread_mutex_t syncing; /* between keeper and syncer alone */
    uint64_t synced;         /* the syncer's: what is on the disk */
    bool header_is_synced;   /* the syncer's: as it was prepared */
};

enum journal_worker_metric {
    JOURNAL_RECORDS,
    JOURNAL_BYTES,
    JOURNAL_LOST,
    JOURNAL_WORKER_METRIC_COUNT,
};

enum journal_keeper_metric {
    JOURNAL_PREPARED,
    JOURNAL_PREPARE_FAILURES,
    JOURNAL_SYNCS,
    JOURNAL_SYNC_FAILURES,
    JOURNAL_TORN,
    JOURNAL_DISK_BYTES,
    JOURNAL_KEEPER_METRIC_COUNT,
};

struct journal {
    struct tally *tally; /* NULL: none; set before the threads begin */

    /* The worker's; the atomic ones are read by others. */
    struct journal_slot *current; /* NULL: none yet */
    uint64_t last_ms;
    size_t reserved; /* bytes of payload that journal_commit() may publish; 0: none */
    struct metric_set *worker_metrics;
    _Atomic uint64_t next_sequence;
    _Atomic uint64_t lost;
    _Atomic bool is_refusing;
    size_t taken; /* how many segments it has taken from the ring */

    /* Handed from the keeper to the worker: a ring, used up to ready_count. */
    alignas(JOURNAL_CACHE_LINE) _Atomic(struct journal_slot *) ready[JOURNAL_READY_MAX];
    size_t ready_count; /* never changes */

    struct journal_slot slot[JOURNAL_SLOTS];

    /* The keeper's; before the threads are started, the opener's. */
    char *directory;
    int directory_fd; /* holds the lock */
    struct segment_header header;
    uint64_t segment_bytes;
    uint64_t disk_bytes_max;
    uint64_t disk_bytes;      /* what the segments take, or more */
    size_t prepared;          /* how many segments were put into the ring */
    uint32_t next_number;     /* of the segment to prepare next */
    uint32_t refused_shipped; /* shipped_below when preparing last failed */
    uint64_t refused_ms;      /* when preparing last failed; 0: it did not */
    uint64_t measured_ms;     /* when the directory was last measured */
    uint64_t lost_logged;
    struct log *log;
    struct log_limit no_room_limit;
    struct log_limit lost_limit;
    struct log_limit behind_limit;
    struct metric_set *keeper_metrics;

    /* The syncer's. */
    _Atomic uint32_t sync_interval_ms;
    _Atomic bool directory_is_new; /* has names that are not on the disk */
    bool has_failed;               /* in this round */
    uint64_t synced_ms;            /* when it was last due */
    struct log_limit sync_limit;
    struct metric_set *sync_metrics;

    /* The shipper's to store: segments below may be deleted when there is no room; and how many
     * were, for the shipper to take and count. */
    _Atomic uint32_t shipped_below;
    _Atomic uint64_t deleted_early;
};

/* Where the last process stopped. */
struct journal_end {
    uint32_t number; /* of the last segment that has or had anything; 0: none */
    uint64_t offset; /* where its next record goes; 0: it is not to be gone on with */
    uint64_t next_sequence;
    uint64_t last_ms;
    uint64_t lost; /* how many records the segments behind it can have had that are gone */
};

/* Finds the end, cuts a torn tail, sets aside what cannot be read, removes what is empty. */
MUST_CHECK bool journal_recover(struct journal *journal, struct journal_end *end, struct err *err);

/* Makes the segment next_number in a free slot and hands it to the worker. False: no room, or
 * the file system; logged and counted. */
bool journal_prepare(struct journal *journal);

/* Whether a segment is there for when the current one is full. */
static inline bool journal_has_ready(const struct journal *journal) {
    for (size_t i = 0; i < journal->ready_count; i++) {
        if (atomic_load_explicit(&journal->ready[i], memory_order_relaxed) != NULL) {
            return true;
        }
    }
    return false;
}

/* Also true when the clock stepped back. */
static inline bool journal_is_due(uint64_t now_ms, uint64_t last_ms, uint32_t interval_ms) {
    return now_ms - last_ms >= interval_ms;
}

/* Makes the segment and maps it, its blocks allocated and its pages in memory, the first
 * JOURNAL_WINDOW_BYTES of them mapped. It gets its name
 * last, so that a segment of that name always has a header. On false nothing is left of it; err
 * and errno say why. */
MUST_CHECK bool journal_slot_prepare(struct journal *journal, struct journal_slot *slot,
                                     uint32_t number, struct err *err);

/* Maps an existing segment that goes on at offset. */
MUST_CHECK bool journal_slot_adopt(struct journal *journal, struct journal_slot *slot,
                                   const struct journal_end *end, struct err *err);

/* The keeper's: moves the window after the worker, if the slot is the current one. */
void journal_slot_follow(struct journal_slot *slot);

/* Brings what was written since the last time to the disk. */
MUST_CHECK bool journal_slot_sync(struct journal_slot *slot);

/* Where a segment is made; a process that was killed there can leave it behind. */
#define JOURNAL_UNNAMED "unnamed.tmp"

/* Unmaps and closes; the slot is free. */
void journal_slot_release(struct journal_slot *slot);

#endif
