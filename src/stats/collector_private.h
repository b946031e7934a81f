/*
 * collector_private.h - the parts of a collector, for collector*.c.
 *
 *   collector.c          its thread, its rounds, what others may ask it
 *   collector_streams.c  which streams there are, their marks, which have news
 *   collector_pump.c     one stream: read, fold, apply
 *   collector_keep.c     what is done once a minute: trimming, letting go, compacting
 *   collector_limits.c   links with max_clicks: what is counted of them
 */
#ifndef STATS_COLLECTOR_PRIVATE_H
#define STATS_COLLECTOR_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "apply.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "fold.h"
#include "fold_people.h"
#include "redis/pipe.h"
#include "stats/collector.h"

enum {
    COLLECTOR_STREAMS_MAX = 65536,
    COLLECTOR_STREAM_BYTES_MAX = 512, /* of a stream's key */
    COLLECTOR_READ_COUNT = 500,       /* entries a read: a millisecond of Redis, and half a cache */
    COLLECTOR_READ_BYTES_MAX = 64 * 1024 * 1024,
    COLLECTOR_PREFIX_BYTES_MAX = 256,
};

#define COLLECTOR_NS_PER_MS UINT64_C(1000000)

enum collector_metric {
    COLLECT_CLICKS,
    COLLECT_MALFORMED,
    COLLECT_BATCHES,
    COLLECT_LOST_RACES,
    COLLECT_DAMAGED,
    COLLECT_FOLDED,
    COLLECT_TRIMMED,
    COLLECT_FORGOTTEN,
    COLLECT_COMPACTED,
    COLLECT_LIMITED,
    COLLECT_REFUSED,
    COLLECT_UNREACHABLE,
    COLLECT_STREAMS,
    COLLECT_STREAMS_FAILING,
    COLLECT_STREAMS_LEFT_OUT,
    COLLECT_LAG_RECORDS,
    COLLECT_LAG_SECONDS,
    COLLECT_CONNECTED,
    COLLECT_METRIC_COUNT
};

struct collector_stream {
    struct slice key; /* its own */
    struct apply_mark mark;
    bool is_there;          /* found in the set, this time */
    bool has_news;          /* entries above the mark */
    bool is_failing;        /* it, or its mark, is not what it should be: `why` says so */
    uint64_t not_before_ns; /* left alone until then */
    bool is_rivalled;       /* another collector was met at this mark */
    uint64_t lag_records;
    uint64_t oldest_ms;  /* Unix time of the first entry not counted; 0: none is known */
    uint32_t read_count; /* entries a read; fewer while they are huge */
    char why[256];
};

/* What collector_check() tells. */
struct collector_status {
    bool counts;
    char sentence[400];
};

struct collector {
    struct slice key_prefix;
    struct slice zone;
    struct log *log;
    struct metric_set *metrics;
    struct redis_pipe *reader; /* read raw */
    struct redis_pipe *writer; /* everything else */
    struct apply *apply;
    struct fold *fold;
    struct fold_people *people;
    struct entry_reader *entries;
    struct random random;
    struct collector_stream *streams;
    size_t stream_count;
    size_t left_out;    /* names in the set beyond COLLECTOR_STREAMS_MAX, or too long */
    size_t next_stream; /* whose turn it is */
    uint64_t listed_ns; /* when streams were last asked for; 0: not over this connection */
    uint64_t zone_ns;   /* when Redis last took the zone, which shows that it takes writes */
    uint64_t kept_ns;   /* when the minute's work was begun; 0: never */
    uint64_t compacted_ns;
    uint64_t limited_ns;  /* when limits were last looked after */
    uint32_t retry_ms;    /* 0: all is well */
    uint64_t retry_at_ns; /* nothing before */
    struct log_limit trouble_limit, malformed_limit, damage_limit, race_limit, folded_limit;
    pthread_t thread;

    _Atomic uint32_t queue_retain_hours;
    _Atomic uint32_t stats_retain_days;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    bool is_stopping;
    uint64_t stop_ns;
    struct collector_status status;
};

/* Whether one may go on with this connection. */
enum collector_step {
    COLLECTOR_ON,
    COLLECTOR_TROUBLE, /* collector_trouble() was called: this round is over */
};

/* Redis does not do what it should: says why in log, metrics and status, disconnects when it cannot
 * be reached, and lets some time pass. */
enum collector_step collector_trouble(struct collector *collector, enum apply_result result,
                                      const struct err *err);

/* Key of this name, with the prefix, in text of COLLECTOR_STREAM_BYTES_MAX. */
struct slice collector_key(const struct collector *collector, const char *name, char *text);

/* A time between half and all of ms from now. */
uint64_t collector_after(struct collector *collector, uint64_t now_ns, uint32_t ms);

/* ---- collector_streams.c ---- */

/* All streams of the set, with their marks; now and then, or when the connection is new. */
MUST_CHECK enum collector_step collector_list_streams(struct collector *collector, uint64_t now_ns);

/* Finds out which streams have entries above their marks. */
MUST_CHECK enum collector_step collector_look(struct collector *collector, uint64_t now_ns);

/* Takes what Redis holds of the stream in `mark` and `pending`; empty: nothing. False: it is no
 * mark (said). */
bool collector_take_mark(struct collector *collector, struct collector_stream *stream,
                         struct slice mark, struct slice pending);

/* The stream, or its mark, is not what it should be: it is left alone for a while. */
void collector_stream_fails(struct collector *collector, struct collector_stream *stream,
                            struct slice why);
void collector_free_streams(struct collector *collector);

/* ---- collector_pump.c ---- */

/* Counts what a stream has above its mark, or a good deal of it. */
MUST_CHECK enum collector_step collector_pump(struct collector *collector,
                                              struct collector_stream *stream);

/* ---- collector_limits.c ---- */

/* got_on: clicks were counted just now. */
MUST_CHECK enum collector_step collector_write_limits(struct collector *collector, uint64_t now_ns,
                                                      bool got_on);

/* ---- collector_keep.c ---- */

MUST_CHECK enum collector_step collector_keep(struct collector *collector, uint64_t now_ns);

#endif
