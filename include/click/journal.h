/*
 * click/journal.h - where a click becomes durable.
 *
 * A redirect must not wait for a disk, and a click must not vanish because what is behind us is
 * down. So a worker copies the record into a file mapping: no system call, and the kernel keeps
 * the page when the process is killed.
 *
 *   worker ──append──► mapped segment ──tail──► shipper (click/shipper.h) ──► queue
 *                          ▲ prepared by journal_keep(), synced by journal_sync(): two threads
 *
 * On disk: <directory>/NNNNNNNN.log, preallocated and zero-filled. All numbers little-endian.
 *   header, 4096 bytes   magic "BRINCOJ1", u32 format version (1), u32 header size, u64 first
 *                        sequence, u32 worker, u32 size of edge id, 64 bytes edge id, u32 crc32c
 *                        of all that. First sequence 0: prepared, nothing in it yet
 *   record, 8-aligned    u32 length of payload | u32 crc32c | u64 sequence | payload | padding
 * The crc covers length, sequence and payload. The length is stored last, with release order:
 * 0 means that nothing more follows yet. A payload begins with u64 Unix milliseconds.
 *
 * Threads   One writer: the worker it was opened for. journal_keep() and journal_sync() run on a
 *           thread each, so that no segment waits for a disk. journal_status() from any. Readers
 *           use click/journal_reader.h.
 * Order     Sequence numbers rise by one; times never step back, over restarts too.
 * Loss      kill -9: nothing. Power cut: at most sync_interval_ms of records.
 * Limits    journal_append(), journal_reserve() and journal_commit() never allocate, lock, block or
 *           enter the kernel.
 */
#ifndef CLICK_JOURNAL_H
#define CLICK_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct journal;
struct log;
struct metric_registry;
struct tally;

enum { JOURNAL_RECORD_BYTES_MAX = 4096 }; /* checked again by the reader */

/* All fields are required; conf/keys.h documents ranges and defaults. */
struct journal_options {
    const char *directory; /* one a worker: <data.dir>/journal/WW */
    struct slice edge_id;  /* copied into headers */
    uint32_t worker;
    uint64_t segment_bytes;          /* preallocated; a new segment begins beyond it */
    uint64_t disk_bytes_max;         /* at this size appends are refused, not the disk */
    uint32_t sync_interval_ms;       /* upper bound of what a power cut can take */
    struct log *log;                 /* may be NULL */
    struct metric_registry *metrics; /* may be NULL */
};

enum journal_append_result {
    JOURNAL_APPENDED, /* acknowledged: survives the death of the process */
    JOURNAL_FULL,     /* no prepared segment: the journal is unchanged, the click is lost */
};

/* Opens or creates the journal, goes on after its last record, and cuts a torn tail (logged,
 * counted, kept aside as NNNNNNNN.OFFSET.torn). Damage with valid records behind it is no tail: it
 * stays, readers pass over it, and the journal goes on in a new segment. Prepares the first
 * segment; when the disk has no room for one it still succeeds, and appends are refused until
 * journal_keep() finds room. NULL and err when the directory or a file is unusable, a limit makes
 * no sense (disk_bytes_max holds at least two segments), or a newer version wrote the journal.
 * The process ignores SIGXFSZ. */
MUST_CHECK struct journal *journal_open(const struct journal_options *options, struct err *err);

/* Syncs, unmaps and sets *journal to NULL. The writer must have stopped. */
void journal_close(struct journal **journal);

/* The time to stamp the next record with: now_ms, or the last record's when now_ms is earlier. */
uint64_t journal_time(struct journal *journal, uint64_t now_ms);

/* Copies payload (8..JOURNAL_RECORD_BYTES_MAX bytes, beginning with a time that
 * journal_time() gave; else a bug) and publishes it with its sequence number in *sequence. */
MUST_CHECK enum journal_append_result journal_append(struct journal *journal, struct slice payload,
                                                     uint64_t *sequence);

/* The same without a copy: where to write a payload of at most size_max bytes
 * (8..JOURNAL_RECORD_BYTES_MAX). NULL when the journal is full: the click is lost, and counted as
 * such. A place that was given out must be committed before anything else is asked of the journal,
 * and no byte behind the payload may have been touched: what stands behind a record and is not
 * zero is taken for a torn one. */
MUST_CHECK uint8_t *journal_reserve(struct journal *journal, size_t size_max);

/* Publishes the payload that stands where journal_reserve() said, and returns its sequence. */
uint64_t journal_commit(struct journal *journal, size_t size);

/* Whether records of size bytes each, count of them, can all be appended now: for who must not
 * stop in the middle. The writer's. Together they take no more than half a segment, or else it may
 * be false for ever. */
bool journal_has_room(const struct journal *journal, size_t size, size_t count);

/* Prepares segments ahead: as many as take the clicks of a quarter of a second at the highest rate,
 * at least one and at most eight. Where there is no room for one, the oldest shipped segments are
 * deleted. Call every few milliseconds from one thread. */
void journal_keep(struct journal *journal, uint64_t now_ms);

/* Syncs what is due and lets go of full segments. Call every few milliseconds from one thread; may
 * wait for the disk. */
void journal_sync(struct journal *journal, uint64_t now_ms);

/* The count beside it (click/tally.h): synced with the journal, and told what is deleted. Before
 * the threads begin; it outlives them. */
void journal_use_tally(struct journal *journal, struct tally *tally);

/* What a reload may change. From journal_keep()'s thread. */
void journal_configure(struct journal *journal, uint64_t disk_bytes_max, uint32_t sync_interval_ms);

struct journal_status {
    uint64_t next_sequence;
    uint64_t lost;  /* clicks refused since the process started */
    bool accepting; /* false from a refusal until a segment is there again */
    uint32_t sync_interval_ms;
};

struct journal_status journal_status(const struct journal *journal);

#endif
