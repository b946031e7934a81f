/*
 * click/queue_kafka_private.h - what the files of the Kafka queue share.
 *
 *   queue_kafka.c            the queue: batches, what is on its way, what the shipper is told
 *   queue_kafka_session.c    one producer's life, its transactions and its position
 *   queue_kafka_settings.c   librdkafka's settings, ours and those of queue.kafka_properties
 *
 * librdkafka's types stay in these files.
 */
#ifndef CLICK_QUEUE_KAFKA_PRIVATE_H
#define CLICK_QUEUE_KAFKA_PRIVATE_H

#include <librdkafka/rdkafka.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/log.h"
#include "click/queue.h"

enum {
    KAFKA_TOPIC_BYTES_MAX = 249, /* the broker's own limit */
    KAFKA_EDGE_BYTES_MAX = 64,
    KAFKA_POSITION_BYTES_MAX = 48,
    KAFKA_REASON_BYTES = 200,
};

/* One stream's way into Kafka. */
struct kafka_session {
    rd_kafka_conf_t *producer_settings; /* without transactional.id */
    rd_kafka_conf_t *reader_settings;   /* without group.id */
    struct log *log;
    struct log_limit log_limit;
    char topic[KAFKA_TOPIC_BYTES_MAX + 1];
    char id[KAFKA_TOPIC_BYTES_MAX + KAFKA_EDGE_BYTES_MAX + 16]; /* TOPIC.EDGE.WORKER */
    rd_kafka_t *producer;                                       /* NULL: not open */
    char reason[KAFKA_REASON_BYTES]; /* the last complaint of librdkafka in this call */
};

/* Makes both settings and checks them. False and err, which names the key. */
MUST_CHECK bool kafka_settings_make(const struct queue_options *options, rd_kafka_conf_t **producer,
                                    rd_kafka_conf_t **reader, struct err *err);

/* A producer that nobody else with this id stands beside: any other one is fenced, and what it
 * left behind is committed or aborted when this returns. Refused when the topic is not there. */
MUST_CHECK enum queue_result kafka_session_open(struct kafka_session *session, uint64_t deadline_ns,
                                                struct err *err);

/* Forgets the producer and whatever it has on its way. */
void kafka_session_close(struct kafka_session *session);

/* Whether the topic is there and a broker answers. */
MUST_CHECK enum queue_result kafka_session_check(struct kafka_session *session,
                                                 uint64_t deadline_ns, struct err *err);

/* The position that was committed last; 0,0 when there is none. */
MUST_CHECK enum queue_result kafka_session_read(struct kafka_session *session,
                                                struct queue_position *position,
                                                uint64_t deadline_ns, struct err *err);

/* Begins a transaction. Not QUEUE_OK: the session is closed. */
MUST_CHECK enum queue_result kafka_session_begin(struct kafka_session *session, struct err *err);

/* Adds a message to it. False: the session is closed. */
struct kafka_message {
    struct slice key;
    struct slice value;
    struct queue_position position;
};
MUST_CHECK bool kafka_session_add(struct kafka_session *session,
                                  const struct kafka_message *message, struct err *err);

/* Commits it together with the position. QUEUE_REFUSED: it was aborted, and the session is as
 * good as before; any other failure closes the session, as only a new one can tell how it ended. */
MUST_CHECK enum queue_result kafka_session_commit(struct kafka_session *session,
                                                  struct queue_position position,
                                                  uint64_t deadline_ns, struct err *err);

#endif
