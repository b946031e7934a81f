/*
 * click/queue.h - where the shipper sends clicks, and conversions: Redis Streams, Kafka, or
 * nowhere.
 *
 * A queue back end is static functions and one const struct queue_kind. The shipper
 * (click/shipper.h) owns retry, backoff and resumption; a back end only says what happened.
 *
 * What a record is, and how its streams are called, says click/payload.h; below, a "click" is a
 * record of whatever kind.
 *
 * A position is the pair (at_ms, sequence) of a record: both only rise within a stream, so a
 * stream's last position tells exactly which records it has. A back end appends a batch only
 * to a stream that still ends where the batch before ended, whoever else writes or deletes
 * there: otherwise records could be left out below a later one and never be put in again.
 * (Kafka: only what moves the position counts. A topic cannot be watched for deletions; what
 * is deleted there stays deleted, unless the position goes with it.)
 *
 *   attach ► add, add … ► send ► (add, add … for the next batch) ► wait ► send ► …
 *
 * While one batch is on its way, the next one is filled; there is never more than one on its
 * way.
 *
 * Threads   One: the shipper's. Calls may block for the back end's own timeouts.
 * Limits    QUEUE_BATCH_CLICKS_MAX clicks a batch, and what goes beyond 512 KiB with its last one.
 */
#ifndef CLICK_QUEUE_H
#define CLICK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct log;
struct payload_kind;
struct queue;
struct redis_url;
struct tally_day;
union payload_record;

enum { QUEUE_BATCH_CLICKS_MAX = 512 };

struct queue_position {
    uint64_t at_ms;
    uint64_t sequence; /* both 0: nothing yet */
};

/* What is said of a stream beside its clicks, for those who want to know how far it can be
 * trusted: in Redis the keys `heard` and `tally:EDGE:WORKER` (docs/formats.md). */
struct queue_news {
    uint64_t through_ms; /* all taps up to here are in the stream; 0: nothing is said of it */
    bool is_closed;      /* and nobody adds to it any more */
    const struct tally_day *days; /* of the tally, one a day; those that are not news left out */
    size_t day_count;
    int32_t today; /* YYYYMMDD: what is TALLY_DAYS older is forgotten; 0: another time */
};

struct queue_options {
    const struct payload_kind *payload; /* NULL: clicks */
    const struct redis_url *url;        /* redis */
    struct slice key_prefix;            /* redis.prefix */
    struct slice kafka_brokers;         /* HOST:PORT, separated by spaces or commas */
    struct slice kafka_topic;     /* as queue.kafka_topic allows it; the kind's suffix follows */
    const char *kafka_properties; /* path of a file; NULL or empty: none */
    struct log *log;
};

enum queue_result {
    QUEUE_OK,
    QUEUE_UNREACHABLE, /* nothing is known of what was sent: attach again */
    QUEUE_REFUSED,     /* the queue is there but will not take it now (out of memory, read-only,
                          loading): nothing of the batch was taken, and it is kept */
    QUEUE_CONFLICT,    /* the stream does not end where it should: attach again */
};

struct queue_kind {
    const char *name;
    struct queue *(*create)(const struct queue_options *options, struct err *err);
    void (*destroy)(struct queue **queue);

    /* Connects if need be and finds the stream's last position (0,0 when it is new or gone).
     * Also announces the stream (the set `streams`, or what the kind calls it). Both batches are
     * empty afterwards. */
    enum queue_result (*attach)(struct queue *queue, struct slice edge_id, uint32_t worker,
                                struct queue_position *last, struct err *err);

    /* Whether the attached stream has an entry at this position. May be NULL: it cannot be
     * told. */
    enum queue_result (*contains)(struct queue *queue, struct queue_position position, bool *found,
                                  struct err *err);

    /* Adds a click to the batch that is being filled. False: that batch is full. */
    bool (*add)(struct queue *queue, struct queue_position position,
                const union payload_record *record);

    /* Sends a batch and returns without waiting for the answer: the one that was refused, when
     * there is one, else the one that was being filled, which must not be empty. A batch that
     * is still on its way is a bug. */
    enum queue_result (*send)(struct queue *queue, struct err *err);

    /* Waits for the answer to what was sent. */
    enum queue_result (*wait)(struct queue *queue, struct err *err);

    /* Says news of the attached stream: at once, or along with the batch that is sent next. No
     * batch is on its way. *was_refused: the queue did not take what was said last, or now. That
     * holds nothing up: QUEUE_OK, or QUEUE_UNREACHABLE. May be NULL: nobody wants to know. */
    enum queue_result (*tell)(struct queue *queue, const struct queue_news *news, bool at_once,
                              bool *was_refused, struct err *err);
};

static inline int queue_position_compare(struct queue_position a, struct queue_position b) {
    if (a.at_ms != b.at_ms) {
        return a.at_ms < b.at_ms ? -1 : 1;
    }
    return (a.sequence > b.sequence) - (a.sequence < b.sequence);
}

extern const struct queue_kind queue_redis;
extern const struct queue_kind queue_kafka;

#endif
