/*
 * click/tally.h - how many taps a worker answered, day by day, in a file beside its journal.
 *
 * A second, independent count: the journal says what was recorded, the tally what was answered. It
 * is a file mapping like the journal, <journal directory>/tally, so that kill -9 takes nothing.
 *
 *   tap ► journal_append ► tally_count ► reply
 *
 * Killed between the first two, a record is in the journal and not in the tally: the next
 * tally_open() is given those sequence numbers and books them as recovered. After a power cut the
 * journal may end before the tally: that is booked as TALLY_LOST_POWER.
 *
 * Threads   One writer, the worker; tally_deleted() from the thread that deletes segments. Readers
 *           (tally_read) are other threads and processes: a version number keeps them from seeing
 *           half an update.
 * Limits    TALLY_DAYS days; then the oldest makes room.
 */
#ifndef CLICK_TALLY_H
#define CLICK_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct tally;

enum { TALLY_DAYS = 500 };

enum tally_lost {
    TALLY_LOST_FULL,  /* the journal had no room: disk full, or journal.max_mb */
    TALLY_LOST_POWER, /* the journal ends before the tally: a power cut within sync_ms */
    TALLY_LOST_COUNT
};

/* A day of stats.timezone. */
struct tally_day {
    int32_t yyyymmdd;
    uint64_t answered;
    uint64_t journaled; /* answered + recovered == journaled + what was lost as FULL */
    uint64_t recovered; /* in the journal, and the process was killed before it was counted */
    uint64_t lost[TALLY_LOST_COUNT];
    uint64_t first_sequence; /* of the records journaled that day; 0: none */
    uint64_t last_sequence;
};

/* Makes the file, or goes on with it. The journal's end is given so that what a kill or a power
 * cut left open is booked. NULL and err when the file is unusable or damaged. */
struct tally_options {
    const char *directory; /* the journal's */
    struct slice edge_id;
    uint32_t worker;
};
MUST_CHECK struct tally *tally_open(const struct tally_options *options, struct err *err);
void tally_close(struct tally **tally);

/* A tap was answered at at_ms (the record's time): journaled under sequence, or lost (0). No system
 * call, no lock; once a day it asks the zone database. */
void tally_count(struct tally *tally, uint64_t at_ms, uint64_t sequence);

/* Segments up to and with this sequence were deleted because their time was over. */
void tally_deleted(struct tally *tally, uint64_t sequence);

/* Writes it to the disk; from journal_sync()'s thread. */
void tally_sync(struct tally *tally);

struct tally_view {
    char edge_id[65];
    uint32_t worker;
    uint64_t last_sequence;    /* the last one counted */
    uint64_t deleted_sequence; /* segments up to here are gone by right; 0: none */
    size_t day_count;
    struct tally_day days[TALLY_DAYS]; /* oldest first */
};

/* Reads the tally of a journal directory, live or not. False and err when there is none or it is
 * damaged. */
MUST_CHECK bool tally_read(const char *directory, struct tally_view *view, struct err *err);

#endif
