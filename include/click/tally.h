/*
 * click/tally.h - how many taps a worker answered, day by day, in a file beside its journal.
 *
 * A second, independent count: the journal says what was recorded, the tally what was answered. It
 * is a file mapping like the journal, <journal directory>/tally, so that kill -9 takes nothing.
 *
 *   tap ► journal_append ► tally_count ► reply
 *
 * Killed between the first two, a record is in the journal and not in the tally: the next
 * tally_open() finds it there and books it as recovered. After a power cut the journal may end
 * before the tally: that is TALLY_LOST_POWER when those records had not been synced yet, and
 * TALLY_LOST_MISSING when they had, since then somebody took them away.
 *
 * A tally is a list of stretches: an unbroken run of sequences within one day of stats.timezone.
 * A day has one stretch, or more when the journal skipped numbers, was cut, or the time zone was
 * changed. In each
 *
 *   answered + recovered == journaled + lost[TALLY_LOST_FULL]
 *   journaled == last_sequence + 1 - first_sequence
 *
 * so that a file that was tampered with hardly ever goes unnoticed; stretches that are over are
 * also sealed with a checksum. docs/formats.md describes the file.
 *
 * Threads   One writer, the worker; tally_sync() from another thread, tally_deleted() from any.
 *           tally_read() from anywhere, other processes too.
 * Order     tally_count() stores twice; a reader that comes between sees one tap more answered
 *           than journaled, and takes it away again, as does tally_open() after a kill.
 * Limits    TALLY_DAYS stretches; then the oldest makes room.
 */
#ifndef CLICK_TALLY_H
#define CLICK_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct log;
struct metric_registry;
struct tally;

enum { TALLY_DAYS = 500 };

#define TALLY_FILE        "tally"     /* in the journal's directory */
#define TALLY_BAD         "tally.bad" /* one that was damaged: kept, and never read again */
#define TALLY_OTHER_BEGIN "tally-of." /* and an edge id: one that edge.id was changed under */

enum tally_lost {
    TALLY_LOST_FULL,    /* the journal had no room: disk full, or journal.max_mb */
    TALLY_LOST_POWER,   /* the journal ended before the tally: a power cut within sync_ms */
    TALLY_LOST_MISSING, /* the same, of records that were on the disk already: taken away */
    TALLY_LOST_COUNT
};

/* A stretch of a day of stats.timezone. */
struct tally_day {
    int32_t yyyymmdd;
    uint64_t begin_ms; /* of the day, as the time zone then was */
    uint64_t end_ms;
    uint64_t answered;
    uint64_t journaled;
    uint64_t recovered; /* in the journal, and the process was killed before it was counted */
    uint64_t lost[TALLY_LOST_COUNT];
    uint64_t first_sequence;   /* of what was journaled; one above the last when nothing was */
    uint64_t last_sequence;    /* what of it was lost by power or is missing stood at its end */
    uint64_t deleted_sequence; /* segments up to here are gone by right; 0: none */
};

struct tally_options {
    const char *directory; /* the journal's */
    struct slice edge_id;
    uint32_t worker;
    uint64_t next_sequence;          /* the journal's, as it was opened */
    struct log *log;                 /* may be NULL */
    struct metric_registry *metrics; /* may be NULL */
};

/* Goes on with the file or makes it, and books what a kill or a power cut left open. One that is
 * damaged is set aside, loudly, as is one of another edge or worker; the new one begins at the
 * journal's end. Never NULL: where the disk is full or refuses, that is logged and shown as
 * brinco_tally_absent, and nothing is counted until the next start. */
MUST_CHECK struct tally *tally_open(const struct tally_options *options);

/* False: it could not be made. */
bool tally_is_there(const struct tally *tally);

/* Syncs, unmaps and sets *tally to NULL. NULL is fine. */
void tally_close(struct tally **tally);

/* A tap was answered at at_ms (the record's time): journaled under sequence, or lost (0). No system
 * call, no lock; once a day it asks the zone database. */
void tally_count(struct tally *tally, uint64_t at_ms, uint64_t sequence);

/* Segments up to and with this sequence are being deleted because their time is over, or to make
 * room. */
void tally_deleted(struct tally *tally, uint64_t sequence);

/* The same for a journal that nobody writes any more. Without a tally nothing happens. */
void tally_deleted_in(const char *directory, uint64_t sequence);

/* Writes it to the disk. The journal is there up to synced_sequence (0: as before). False: see
 * errno. */
MUST_CHECK bool tally_sync(struct tally *tally, uint64_t synced_sequence);

struct tally_view {
    char edge_id[65];
    uint32_t worker;
    uint64_t begun_after;   /* what was journaled up to here is older than the tally */
    uint64_t last_sequence; /* the last one counted; begun_after when none was */
    size_t day_count;
    struct tally_day days[TALLY_DAYS]; /* stretches, oldest first */
};

enum tally_read_result {
    TALLY_READ,
    TALLY_ABSENT,
    TALLY_DAMAGED, /* err names the file and what is wrong with it */
    TALLY_FAILED,  /* the file system; err says what */
};

/* Reads the tally of a journal directory, live or not; name is TALLY_FILE, or another one's. */
MUST_CHECK enum tally_read_result tally_read(const char *directory, const char *name,
                                             struct tally_view *view, struct err *err);

/* Adds up the stretches of a day; false when it has none. */
bool tally_sum(const struct tally_view *view, int32_t yyyymmdd, struct tally_day *sum);

#endif
