/*
 * click/payload.h - what travels through a journal into a queue: clicks, or conversions.
 *
 * Shipper and queues are the same for both; a payload kind says how streams are called and what is
 * in a record.
 *
 *                 journals               stream                    set of them          Kafka topic
 *   clicks        <data.dir>/journal     clicks:EDGE:WORKER        streams              TOPIC
 *   conversions   <data.dir>/conversions conversions:EDGE:WORKER   conversion-streams
 *                                                                            TOPIC-conversions
 *
 * Threads   Constants, and pure functions.
 */
#ifndef CLICK_PAYLOAD_H
#define CLICK_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "click/click.h"
#include "click/conversion.h"

struct buf;

/* One record, decoded; its texts borrow from the payload. */
union payload_record {
    struct click click;
    struct conversion conversion;
};

struct payload_kind {
    const char *name;         /* "clicks": what streams are called by */
    const char *set;          /* the key of the set of streams */
    const char *topic_suffix; /* behind queue.kafka_topic */
    const char *fault;        /* of a payload that cannot be decoded: "not a click" */
    bool has_news;            /* heartbeat and tally (struct queue_news) are said of its streams */
    size_t field_count;
    bool (*decode)(struct slice payload, union payload_record *record);
    void (*fields)(const union payload_record *record, const struct click_visitor *visitor);
    bool (*to_json)(const union payload_record *record, struct buf *out);
};

extern const struct payload_kind payload_clicks;
extern const struct payload_kind payload_conversions;

/* As the functions of the kind; for clicks, of which there are so many more, without the detour. */
static inline bool payload_decode(const struct payload_kind *kind, struct slice payload,
                                  union payload_record *record) {
    return kind == &payload_clicks ? click_decode(payload, &record->click)
                                   : kind->decode(payload, record);
}

static inline void payload_fields(const struct payload_kind *kind,
                                  const union payload_record *record,
                                  const struct click_visitor *visitor) {
    if (kind == &payload_clicks) {
        click_fields(&record->click, visitor);
    } else {
        kind->fields(record, visitor);
    }
}

#endif
