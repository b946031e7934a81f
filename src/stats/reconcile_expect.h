/*
 * reconcile_expect.h - the sequences that a tally says there must be on a day.
 *
 * Whoever goes over what is there, in order, takes each sequence; what was passed over is told.
 *
 * Threads   Pure functions.
 * Limits    As many ranges as a tally has stretches.
 */
#ifndef STATS_RECONCILE_EXPECT_H
#define STATS_RECONCILE_EXPECT_H

#include "reconcile_private.h"

/* first .. last; of these, what is above kept_last was lost, what is up to deleted may be gone. */
struct recon_range {
    uint64_t first;
    uint64_t last;
    uint64_t kept_last;
    uint64_t deleted;
    bool was_power; /* that took what was lost */
};

enum recon_expected {
    RECON_KEPT,    /* must be in the journal */
    RECON_DELETED, /* was, and its segment was deleted by right */
    RECON_LOST_POWER,
    RECON_LOST_HAND, /* somebody took it from the journal */
    RECON_NOT_EXPECTED,
};

struct recon_expect {
    struct recon_range ranges[TALLY_DAYS];
    size_t count;
    size_t at;     /* the range that is gone over */
    uint64_t next; /* the first sequence of it that was not taken yet */
    void (*passed)(void *argument, uint64_t first, uint64_t last, enum recon_expected what);
    void *argument;
};

/* With the stretches of the stream's tally that are of the day. oldest: the first sequence that the
 * journal still has; 0: none. A tally that nobody writes any more is not told of deletions: what is
 * older was deleted. */
void recon_expect_init(struct recon_expect *expect, const struct reconciliation *recon,
                       const struct recon_stream *stream, uint64_t oldest);

/* Takes nothing. */
enum recon_expected recon_expect_look(const struct recon_expect *expect, uint64_t sequence);

/* Tells what was passed over since. */
enum recon_expected recon_expect_take(struct recon_expect *expect, uint64_t sequence);

/* Tells all that was not taken. */
void recon_expect_end(struct recon_expect *expect);

#endif
