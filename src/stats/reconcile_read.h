/*
 * reconcile_read.h - entries of a stream and records of a journal, one after the other.
 *
 * Threads   Waits for Redis and disks.
 * Limits    A page of entries; a reader's buffer.
 */
#ifndef STATS_RECONCILE_READ_H
#define STATS_RECONCILE_READ_H

#include "click/journal_reader.h"
#include "reconcile_private.h"

enum recon_next { RECON_NEXT, RECON_END, RECON_FAILED };

/* Of a stream from an id up to another one, both included. */
struct recon_pages {
    struct reconciliation *recon;
    const char *key;
    struct entry_id next;
    struct entry_id end;
    struct entry_reader reader;
    bool is_last;
    struct entry entry; /* valid until the next call, as long as nothing else is asked of Redis */
};

void recon_pages_begin(struct recon_pages *pages, struct reconciliation *recon, const char *key,
                       struct entry_id from, struct entry_id end);
MUST_CHECK enum recon_next recon_pages_next(struct recon_pages *pages, struct err *err);

/* The records of a stream's journal on a day. Other streams' records in the same directory are
 * passed over. */
struct recon_records {
    const struct recon_stream *stream;
    struct journal_segment *segments;
    size_t segment_count;
    struct journal_reader *reader; /* NULL: there is no journal */
    uint64_t begin_ms;
    uint64_t end_ms;
    struct journal_record record;
    bool is_past; /* record is of a later day, and is not given */

    uint64_t first_sequence; /* the oldest that the journal has, of whatever day; 0: none */
    uint32_t told_segment;   /* what was last found out about whose it is */
    bool told_ours;
    uint32_t last_segment; /* in which the record before stands; 0: none yet */
    bool has_damage;       /* since the record before: bytes that are no record */
    struct journal_damage damage;
};

MUST_CHECK bool recon_records_begin(struct recon_records *records,
                                    const struct reconciliation *recon,
                                    const struct recon_stream *stream, struct err *err);
MUST_CHECK enum recon_next recon_records_next(struct recon_records *records, struct err *err);
void recon_records_end(struct recon_records *records);

/* What a record or an entry is to the rollups; false: no click. hour: since the day began. */
MUST_CHECK bool recon_click_of_entry(const struct entry *entry, int hour,
                                     struct recon_click *click);
MUST_CHECK bool recon_click_of_payload(struct slice payload, int hour, struct recon_click *click);

#endif
