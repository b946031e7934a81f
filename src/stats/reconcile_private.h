/*
 * reconcile_private.h - what the files of the reconciliation share.
 *
 *   reconcile.c           the order of things, and what was found
 *   reconcile_sources.c   which streams there are, and which journals are at hand
 *   reconcile_snapshot.c  one look at all counters of Redis, in one transaction
 *   reconcile_read.c      entries of a stream and records of a journal, in order
 *   reconcile_expect.c    the sequences that a tally says there must be
 *   reconcile_walk.c      stream, journal and tally side by side, over a day
 *   reconcile_remote.c    the same where the journal is not at hand
 *   reconcile_runs.c      what is wrong with neighbours, as one finding
 *   reconcile_tally.c     the tally of each stream, before the walk and after it
 *   reconcile_streams.c   what the walk's numbers come to, for each stream
 *   reconcile_counts.c    numbers by two numbers
 *   reconcile_model.c     what the rollups must be
 *   reconcile_scan.c      which keys there are
 *   reconcile_batch.c     the model, at the same moment
 *   reconcile_exec.c      keys and watermarks of one moment
 *   reconcile_rollups.c   what the rollups are, key by key
 *   reconcile_seen.c      one key as it was read
 *   reconcile_keys.c      comparing it
 *   reconcile_fields.c    which fields of a key it is that differ
 *   reconcile_cross.c     rollups held against one another
 *   reconcile_credit.c    conversions: queued and judged
 *   reconcile_report.c    text and JSON
 */
#ifndef STATS_RECONCILE_PRIVATE_H
#define STATS_RECONCILE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/err.h"
#include "click/tally.h"
#include "entries.h"
#include "stats/cell.h"
#include "stats/keys.h"
#include "stats/reconcile.h"

struct recon_model;

enum {
    RECON_NAME_BYTES = 96,
    RECON_KEY_BYTES_MAX = 512,
    RECON_STREAMS_MAX = 4096,
    RECON_MS_PER_HOUR = 3600 * 1000,
};

/* What was found: an explanation, or a difference that has none. */
struct recon_finding {
    bool is_explained;
    const char *what; /* a stable word for programs: "entry_deleted" */
    int stream;       /* index; -1: of the whole */
    uint64_t count;   /* of taps, or what else it is about */
    char *text;
    char *key;   /* in Redis, a file, or NULL */
    char *field; /* field or id, or NULL */
};

enum recon_tally { RECON_TALLY_NONE, RECON_TALLY_FILE, RECON_TALLY_PUBLISHED };

struct recon_stream {
    int index;
    char *key;                   /* in full */
    char name[RECON_NAME_BYTES]; /* EDGE:WORKER */
    char edge_id[65];
    uint32_t worker;
    char *directory; /* of its journal; NULL: not at hand */
    char tally_name[RECON_NAME_BYTES];
    bool is_announced; /* in the set of streams */

    /* The snapshot. */
    bool exists;
    struct entry_id first; /* of the entries that are there */
    struct entry_id last;  /* generated ever */
    struct entry_id mark;
    bool has_mark;
    bool has_added;
    uint64_t added;     /* entries ever */
    uint64_t total;     /* counted ever */
    uint64_t counted;   /* of the day */
    uint64_t malformed; /* of counted */

    /* The tally. */
    enum recon_tally tally_source;
    bool tally_is_other_zone; /* its days are others: it cannot be compared by them */
    struct tally_day tally;   /* the day's; all 0 when it has none */
    uint64_t tally_last;      /* the last sequence of all */
    uint64_t tally_begun_after;
    struct tally_view *view;  /* RECON_TALLY_FILE */
    uint64_t published_first; /* RECON_TALLY_PUBLISHED; 0: not unbroken */
    uint64_t published_last;

    /* The walk over the day. */
    uint64_t records;   /* in the journal */
    uint64_t present;   /* in the stream */
    uint64_t uncounted; /* of them, above the mark */
    uint64_t waiting;   /* in the journal, above the stream's end */
    uint64_t trimmed;
    uint64_t trimmed_unknown; /* of them, no record is at hand */
    uint64_t holes;           /* deleted from the stream, at or below the mark, record at hand */
    uint64_t holes_unknown;   /* the same, no record at hand */
    uint64_t lost_and_queued; /* the journal lost it, the stream has it */
    uint64_t unanswered;      /* in the stream, and not yet in the tally */
    uint64_t before_tally;    /* older than the tally */
    uint64_t not_clicks;      /* entries up to the mark that are no clicks */
    uint64_t blamed;          /* findings without an explanation */
    uint64_t highest_record;  /* sequence in the journal */
    uint64_t queued;          /* in the end: in the stream, or was and may be gone */
    uint64_t behind;          /* entries above the mark, of whatever day */
    bool counts_holes;        /* they had been counted before they were deleted */
    bool can_recount;
    struct entry_id fed; /* the model has all up to here */
    struct buf hole_payloads;
};

struct reconciliation {
    int32_t day;
    uint64_t begin_ms;
    uint64_t end_ms;
    char zone[65];
    bool has_no_streams;
    struct recon_stream *streams;
    size_t stream_count;
    struct recon_finding *findings;
    size_t finding_count;
    uint64_t unexplained;
    uint64_t left_out; /* findings beyond RECONCILE_FINDINGS_MAX */
    bool is_recounted;
    bool is_muted;    /* findings are not noted: a second walk */
    bool must_repeat; /* Redis came back older meanwhile, or a stream was begun */
    uint64_t keys_compared;
    uint64_t rolled_up; /* taps in the rollups of the whole */

    /* While it runs. */
    const struct reconcile_options *options;
    uint64_t trimmed_before_ms;
    uint64_t done;
    uint64_t all;
    struct recon_model *model;
};

/* reconcile.c: notes what was found. The texts are copied; key and field may be empty. */
struct recon_place {
    int stream;
    struct slice key;
    struct slice field;
    uint64_t count;
};
void recon_explain(struct reconciliation *recon, const char *what, const struct recon_place *place,
                   const char *format, ...) PRINTF_LIKE(4, 5);
void recon_blame(struct reconciliation *recon, const char *what, const struct recon_place *place,
                 const char *format, ...) PRINTF_LIKE(4, 5);
/* What was found since there were so many findings, of which so many without an explanation. */
void recon_forget(struct reconciliation *recon, size_t findings, uint64_t unexplained);
void recon_work(struct reconciliation *recon, uint64_t done);

/* "1 entry", "2 entries" */
static inline const char *recon_plural(uint64_t count, const char *one, const char *many) {
    return count == 1 ? one : many;
}

/* reconcile_sources.c. The name of a stream's whole key, EDGE:WORKER; empty: it is none. */
struct slice recon_stream_name(const struct reconciliation *recon, struct slice key);
MUST_CHECK bool recon_find_streams(struct reconciliation *recon, struct err *err);

/* reconcile_snapshot.c */
MUST_CHECK bool recon_look(struct reconciliation *recon, struct err *err);
/* From what XINFO STREAM answered. */
struct redis_reply;
bool recon_take_info(struct recon_stream *stream, const struct redis_reply *reply);

/* reconcile_walk.c: goes over the day. take: called for every click that must have been rolled up,
 * in whatever order. Counts and findings are only noted when the reconciliation is not muted. */
struct recon_click {
    struct slice code;
    struct slice campaign;
    struct cell cell; /* with its hour */
};
struct recon_sink {
    void (*take)(void *argument, const struct recon_click *click);
    void *argument;
};
MUST_CHECK bool recon_walk(struct reconciliation *recon, struct recon_stream *stream,
                           const struct recon_sink *sink, struct err *err);
/* Clicks that were deleted from the stream after they were counted. */
void recon_feed_holes(const struct reconciliation *recon, const struct recon_stream *stream,
                      const struct recon_sink *sink);
/* Entries of the day above stream->fed, up to the mark, which moves there. */
MUST_CHECK bool recon_feed_on(struct reconciliation *recon, struct recon_stream *stream,
                              struct entry_id mark, const struct recon_sink *sink, struct err *err);
/* How many entries stand above the mark, up to the end. */
MUST_CHECK bool recon_count_behind(struct reconciliation *recon, struct recon_stream *stream,
                                   struct err *err);

/* reconcile_tally.c: reads it, unless it was published only. After the walk: whether the journal
 * has records that are not counted although they were there before it was read again. */
MUST_CHECK bool recon_read_tally(struct reconciliation *recon, struct recon_stream *stream,
                                 struct err *err);
MUST_CHECK bool recon_read_tally_again(struct reconciliation *recon, struct recon_stream *stream,
                                       struct err *err);
void recon_say_tally(struct reconciliation *recon, struct recon_stream *stream);

/* reconcile_streams.c: tallies, the walk, and what its numbers say. */
MUST_CHECK bool recon_check_streams(struct reconciliation *recon, const struct recon_sink *sink,
                                    struct err *err);

/* reconcile_rollups.c */
MUST_CHECK bool recon_check_rollups(struct reconciliation *recon, struct err *err);

/* reconcile_credit.c: of all days, since conversions may be told of long after they happened. */
MUST_CHECK bool recon_check_credit(struct reconciliation *recon, struct err *err);

/* reconcile_cross.c */
MUST_CHECK bool recon_check_cross(struct reconciliation *recon, struct err *err);

#endif
