/*
 * shipper_private.h - what the files of the shipper share.
 *
 *   shipper.c          the shipping thread: goes round the streams, publishes status
 *   shipper_stream.c   one journal on its way into its stream
 *   shipper_attach.c   where in the journal a stream is to be gone on with
 *   shipper_news.c     what is said beside the clicks: heartbeat and tally
 *   shipper_sweep.c    deleting segments whose time is over
 *   shipper_keeper.c   the other threads: journal_keep() and journal_sync()
 *   shipper_metrics.c  what is counted
 */
#ifndef CLICK_SHIPPER_PRIVATE_H
#define CLICK_SHIPPER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "click/journal.h"
#include "click/journal_reader.h"
#include "click/queue.h"

enum {
    SHIP_DIRECTORY_BYTES = 1024,
    SHIP_LOG_INTERVAL_MS = 10 * 1000,
    SHIP_NS_PER_MS = 1000000,
};

/* shipper_metrics.c: one table a kind of payload, so that no two sets are one family by accident.
 */
enum shipper_metric {
    SHIP_SHIPPED,
    SHIP_BATCHES,
    SHIP_CONFLICTS,
    SHIP_REFUSED,
    SHIP_UNREACHABLE,
    SHIP_DAMAGED,
    SHIP_RESHIPPED,
    SHIP_FOREIGN,
    SHIP_NEWS,
    SHIP_NEWS_REFUSED,
    SHIP_DELETED_BY_AGE,
    SHIP_DELETED_EARLY,
    SHIP_LAG_RECORDS,
    SHIP_LAG_SECONDS,
    SHIP_CONNECTED,
    SHIP_METRIC_COUNT,
};

const struct metric *ship_metrics_of(const struct payload_kind *payload);

/* What the streams share; the shipping thread's, but for what is atomic, which others read. */
struct ship_context {
    const struct queue_kind *kind; /* NULL: nothing is shipped */
    const struct payload_kind *payload;
    char edge_id[65]; /* of the live journals */
    struct log *log;
    struct metric_set *metrics;
    struct random random;
    _Atomic bool is_connected; /* the queue answered last time */
    uint64_t retry_ns;         /* no stream attaches earlier: the queue could not be reached */
    unsigned failures;         /* in a row */
    uint64_t lost_ns;          /* when it last did not answer */
    struct log_limit lost_limit;
};

/* What the shipper remembers of a batch. */
struct ship_note {
    size_t count;
    size_t reshipped; /* of count: had been acknowledged before */
    struct queue_position last;
    uint32_t segment;  /* where the last stands */
    uint64_t first_ms; /* when the first was journaled */
};

/* Consecutive segments of a directory that belong to one stream. A directory has more than one
 * run only when edge.id was changed. */
struct ship_run {
    uint32_t first; /* segment numbers */
    uint32_t last;  /* UINT32_MAX: the directory's last run, which may grow */
    uint32_t worker;
    char edge_id[65];
};

struct ship_stream {
    struct ship_context *context;
    char directory[SHIP_DIRECTORY_BYTES];
    struct journal *journal; /* NULL: left over by a worker that is no more */
    uint32_t worker;         /* as the directory is called */
    struct queue *queue;     /* NULL: nothing is shipped */
    _Atomic bool is_foreign; /* held up by entries that are not ours */
    _Atomic bool is_refused; /* the queue would not take the last batch, or tell its end */

    /* While attached. */
    struct journal_reader *reader; /* NULL: not attached */
    struct ship_run run;
    struct journal_record record; /* read, and not yet in a batch */
    bool has_record;
    bool is_at_end;   /* of what is journaled */
    bool run_is_over; /* record belongs to the next run */
    struct ship_note filling;
    struct ship_note sent;
    bool is_sent;
    bool is_kept;               /* sent was refused */
    struct queue_position read; /* of the last record read */
    struct queue_position end;  /* of the stream */
    uint64_t answered_ns;       /* when the queue last told the stream's end */

    /* Over attachments. */
    uint32_t run_from;             /* attach to the run with this segment; 0: the first */
    struct queue_position highest; /* ever acknowledged, of the stream ... */
    struct ship_run highest_run;   /* ... of this run's identity */
    uint64_t shipped_sequence;     /* everything below is shipped, as far as is known */
    uint64_t passed_sequence;      /* everything below was read, or is damaged */
    uint64_t end_sequence;         /* of a left-over journal; 0: not yet known */
    uint32_t shipped_segment;      /* every segment below is shipped */
    bool is_drained;               /* left over, and all of it shipped */
    uint64_t waiting_ms;           /* since when something waits to be shipped; 0: nothing does */
    uint64_t retry_ns;
    unsigned failures;       /* in a row */
    uint32_t damage_segment; /* damage up to here was logged and counted */
    uint64_t damage_offset;
    struct log_limit refused_limit;
    struct log_limit conflict_limit;
    struct log_limit foreign_limit;
    struct log_limit read_limit;

    /* shipper_news.c's. */
    uint64_t looked_ms;  /* Unix time, before the journal was last read on */
    uint64_t shipped_ms; /* of the last record of ours that is in the stream; 0: none known */
    uint64_t told_ns;    /* when the queue was last told; 0: not since it was attached */
    uint64_t told_ms;    /* through when, then */
    int32_t told_day;    /* the last day whose tally it was told; 0: none */
    bool told_closed;

    /* shipper_sweep.c's. */
    uint32_t settled_segment; /* every segment below was shipped a minute ago */
    uint32_t settling_segment;
    uint64_t settling_ns;
};

/* shipper_stream.c: one round: fills a batch, waits for the one on its way, sends. True when it
 * did something, so that it should be called again at once. */
bool ship_stream_step(struct ship_stream *stream);

/* Nothing is left to ship, and the queue has said so. */
bool ship_stream_is_done(const struct ship_stream *stream);

/* Records not yet shipped, of those below end, and since when the oldest waits (Unix
 * milliseconds; 0: none does). */
uint64_t ship_stream_lag(struct ship_stream *stream, uint64_t end, uint64_t *waiting_ms);

/* The sequence behind the last record of the journal. From any thread for a live one. */
static inline uint64_t ship_stream_end(const struct ship_stream *stream) {
    return stream->journal != NULL ? journal_status(stream->journal).next_sequence
                                   : stream->end_sequence;
}

/* Says which segments are shipped, to those who delete some when there is no room. */
void ship_stream_set_shipped(struct ship_stream *stream, uint32_t segment);

/* Lets go of reader and batches; the next step attaches again, after delay_ms. */
void ship_stream_detach(struct ship_stream *stream, uint64_t delay_ms);

void ship_stream_fini(struct ship_stream *stream);

/* The queue did not answer: no stream tries before the backoff is over. */
void ship_stream_lose(struct ship_stream *stream, const struct err *err);

/* The queue will not take it now. */
void ship_stream_refuse(struct ship_stream *stream, const struct err *err);

/* The next record, in stream->record; damage is logged, counted and passed over. */
enum ship_read { SHIP_READ_RECORD, SHIP_READ_END, SHIP_READ_FAILED };
MUST_CHECK enum ship_read ship_stream_read(struct ship_stream *stream);

void ship_stream_pass_over(struct ship_stream *stream, const struct journal_damage *damage);

/* shipper_news.c: says once a second, and when it is over, how far the stream goes and what the
 * tally has. at_once: nothing is to be sent now. False: the queue did not answer, and is lost. */
MUST_CHECK bool ship_stream_tell(struct ship_stream *stream, bool at_once, bool is_closed);

/* shipper_attach.c: asks the queue where the stream ends and puts the reader behind that. False:
 * not now, and stream->retry_ns or the context's says when. */
MUST_CHECK bool ship_stream_attach(struct ship_stream *stream);

/* Asks an idle stream whether it still ends where we think; otherwise detaches. */
void ship_stream_ask_again(struct ship_stream *stream);

/* The stream ends above records of ours that it does not have. */
void ship_stream_is_foreign(struct ship_stream *stream);

/* Doubles from first_ms to max_ms with the failures, times 0.5..1. */
uint64_t ship_backoff_ms(struct ship_context *context, unsigned failures, uint64_t first_ms,
                         uint64_t max_ms);

/* shipper_sweep.c: deletes what may go. */
struct ship_sweep_rules {
    uint64_t retain_ms;
    uint64_t disk_bytes_max;
    uint64_t now_ms; /* Unix time */
    uint64_t now_ns; /* monotonic */
};
void ship_stream_sweep(struct ship_stream *stream, const struct ship_sweep_rules *rules);

/* shipper_keeper.c: a thread that keeps journals, and one that syncs them. */
struct ship_keeper;
MUST_CHECK struct ship_keeper *ship_keeper_start(struct journal *const *journals, size_t count,
                                                 struct err *err);
void ship_keeper_configure(struct ship_keeper *keeper, uint64_t disk_bytes_max,
                           uint32_t sync_interval_ms);
void ship_keeper_stop(struct ship_keeper **keeper);

/* Starts a thread that no signal is delivered to. */
MUST_CHECK bool ship_start_thread(pthread_t *thread, const char *name, void *(*run)(void *),
                                  void *argument, struct err *err);

#endif
