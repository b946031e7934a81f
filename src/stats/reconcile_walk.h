/*
 * reconcile_walk.h - a walk over one stream's day, for reconcile_walk.c and reconcile_runs.c.
 */
#ifndef STATS_RECONCILE_WALK_H
#define STATS_RECONCILE_WALK_H

#include "reconcile_expect.h"
#include "reconcile_read.h"

/* What is wrong with a run of neighbours. */
enum recon_wrong {
    RECON_FINE,
    RECON_ENTRY_DELETED,    /* in the journal, and not in the stream any more */
    RECON_NOWHERE,          /* counted as answered, and in neither */
    RECON_RECORD_MISSING,   /* in the stream, and not in the journal, where it must be */
    RECON_STRANGER,         /* in the stream, and nobody of ours put it there */
    RECON_RECORD_UNTALLIED, /* in the journal, and not in the tally */
};

struct recon_run {
    enum recon_wrong wrong;
    uint64_t count;
    struct entry_id first; /* ms 0: only the sequence is known */
    struct entry_id last;
    uint32_t segment_before; /* of the journal; 0: none */
    uint32_t segment;        /* where it stands, or where the journal goes on; 0: nowhere */
};

struct recon_walk {
    struct reconciliation *recon;
    struct recon_stream *stream;
    const struct recon_sink *sink;
    struct recon_pages pages;
    struct recon_records records;
    struct recon_expect expect;
    bool has_entry;
    bool has_record;
    bool has_tally;   /* of this day */
    bool is_first;    /* no entry of the day was met yet */
    uint64_t highest; /* sequence of the journal's records */
    struct recon_run run;

    /* Without a journal: continuity alone tells. */
    uint64_t previous; /* sequence; 0: none yet */
    bool has_suspect;
    struct entry_id suspect;
};

/* reconcile_runs.c: notes one more; what cannot be one run with it is told. */
void recon_run_add(struct recon_walk *walk, enum recon_wrong wrong, struct entry_id id);
/* Sequences of which the time is not known. */
void recon_run_add_range(struct recon_walk *walk, enum recon_wrong wrong, uint64_t first,
                         uint64_t last);
void recon_run_end(struct recon_walk *walk);
void recon_run_damage(struct recon_walk *walk);

/* reconcile_remote.c: an entry of a stream whose journal is not at hand, and the end of it. */
void recon_remote_entry(struct recon_walk *walk, struct entry_id id);
void recon_remote_end(struct recon_walk *walk);

#endif
