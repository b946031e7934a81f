/*
 * kafka_broker.h - a Kafka broker in a thread: one node, one topic, real transactions.
 *
 * librdkafka's own mock cluster speaks more of the protocol, but forgets what a transaction is:
 * it keeps aborted messages, drops committed offsets and fences nobody. This one has exactly
 * that, as KIP-98 describes it: a new producer of a transactional id raises the epoch, ends what
 * the one before had open and fences it; messages and offsets count when EndTxn says so. It
 * checks what a real one checks: epoch, sequence numbers, that a partition was added before it
 * is written to. What was committed is read from its memory.
 *
 * A test can take it down, freeze it, have the n-th request of a kind fail, and have it hang up
 * before or after it did what it was asked to, at one place or at random.
 *
 * The wire format is that of https://kafka.apache.org/protocol, in the oldest versions that
 * transactions need.
 */
#ifndef KAFKA_BROKER_H
#define KAFKA_BROKER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

enum {
    BROKER_PARTITIONS = 3,
    BROKER_CONNECTIONS_MAX = 64,
    BROKER_PRODUCERS_MAX = 8,
    BROKER_MESSAGES_MAX = 100000,
    BROKER_FRAME_BYTES_MAX = 4 * 1024 * 1024,
    BROKER_TEXT_BYTES = 96,
};

enum broker_api {
    API_PRODUCE = 0,
    API_METADATA = 3,
    API_OFFSET_FETCH = 9,
    API_FIND_COORDINATOR = 10,
    API_VERSIONS = 18,
    API_INIT_PRODUCER = 22,
    API_ADD_PARTITIONS = 24,
    API_ADD_OFFSETS = 25,
    API_END_TRANSACTION = 26,
    API_COMMIT_OFFSETS = 28,
};

enum broker_error {
    ERROR_NONE = 0,
    ERROR_UNKNOWN_TOPIC = 3,
    ERROR_NOT_COORDINATOR = 16,
    ERROR_TOPIC_FORBIDDEN = 29,
    ERROR_GROUP_FORBIDDEN = 30,
    ERROR_OUT_OF_ORDER = 45,
    ERROR_OLD_EPOCH = 47,
    ERROR_TRANSACTION_STATE = 48,
    ERROR_UNSTABLE_OFFSET = 88,
};

enum broker_fault { FAULT_NONE, FAULT_ERROR, FAULT_HANG_UP_BEFORE, FAULT_HANG_UP_AFTER };

enum broker_state { MESSAGE_OPEN, MESSAGE_COMMITTED, MESSAGE_ABORTED };

struct broker_message {
    enum broker_state state;
    size_t producer;
    int32_t partition;
    int64_t time_ms;
    char key[BROKER_TEXT_BYTES];
    char position[BROKER_TEXT_BYTES]; /* the header's */
    char *value;
};

struct broker_position {
    bool is_there;
    int64_t offset;
    char text[BROKER_TEXT_BYTES];
};

struct broker_producer {
    char id[BROKER_TEXT_BYTES]; /* transactional id, and the group */
    int16_t epoch;
    bool is_open; /* a transaction */
    bool has_partition[BROKER_PARTITIONS];
    bool has_group;
    int32_t next_sequence[BROKER_PARTITIONS];
    struct broker_position pending;
    struct broker_position committed;
};

struct broker_connection {
    int fd;
    struct buf input;
};

struct broker {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all that follows */
    int wake[2];
    int listener; /* -1: down */
    uint16_t port;
    char address[32];
    char topic[BROKER_TEXT_BYTES];
    bool is_stopping;
    bool is_frozen;
    bool has_no_topic;
    struct broker_connection connections[BROKER_CONNECTIONS_MAX];
    size_t connection_count;
    struct broker_producer producers[BROKER_PRODUCERS_MAX];
    size_t producer_count;
    struct broker_message *messages;
    size_t message_count;
    unsigned requests[64]; /* so far, by kind */

    enum broker_fault fault; /* of the request of fault_api after fault_skip others */
    enum broker_api fault_api;
    unsigned fault_skip;
    int16_t fault_error;
    unsigned chaos; /* one of so many requests of a transaction is hung up upon; 0: none */
    uint32_t chaos_seed;
    unsigned hang_ups;
};

/* --- the wire ------------------------------------------------------------------------------- */

struct wire_in {
    const uint8_t *data;
    size_t size;
    size_t at;
    bool is_short;
};

static inline uint64_t wire_number(struct wire_in *in, size_t bytes) {
    uint64_t value = 0;
    if (in->size - in->at < bytes) {
        in->is_short = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | in->data[in->at++];
    }
    return value;
}

static inline int16_t wire_i16(struct wire_in *in) {
    return (int16_t)wire_number(in, 2);
}

static inline int32_t wire_i32(struct wire_in *in) {
    return (int32_t)wire_number(in, 4);
}

static inline int64_t wire_i64(struct wire_in *in) {
    return (int64_t)wire_number(in, 8);
}

static inline struct slice wire_bytes(struct wire_in *in, int64_t size) {
    if (size < 0) {
        return SLICE_EMPTY;
    }
    if (in->size - in->at < (size_t)size) {
        in->is_short = true;
        return SLICE_EMPTY;
    }
    struct slice bytes = slice_make((const char *)in->data + in->at, (size_t)size);
    in->at += (size_t)size;
    return bytes;
}

static inline struct slice wire_text(struct wire_in *in) {
    return wire_bytes(in, wire_i16(in));
}

/* Zigzag, of records. */
static inline int64_t wire_varint(struct wire_in *in) {
    uint64_t value = 0;
    uint64_t byte;
    unsigned shift = 0;
    do {
        byte = wire_number(in, 1);
        value |= (byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0 && shift < 64);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline void wire_put(struct buf *out, int64_t value, unsigned bytes) {
    for (unsigned i = bytes; i > 0; i--) {
        buf_append_char(out, (char)((uint64_t)value >> (8 * (i - 1)) & 0xff));
    }
}

static inline void wire_put_text(struct buf *out, struct slice text) {
    wire_put(out, (int64_t)text.size, 2);
    buf_append(out, text);
}

static inline void wire_copy(char to[BROKER_TEXT_BYTES], struct slice text) {
    snprintf(to, BROKER_TEXT_BYTES, "%.*s", SLICE_ARG(text));
}

/* --- transactions --------------------------------------------------------------------------- */

static inline struct broker_producer *broker_producer(struct broker *broker, struct slice id) {
    for (size_t i = 0; i < broker->producer_count; i++) {
        if (slice_equal(slice_of(broker->producers[i].id), id)) {
            return &broker->producers[i];
        }
    }
    ENSURE(broker->producer_count < BROKER_PRODUCERS_MAX);
    struct broker_producer *producer = &broker->producers[broker->producer_count++];
    wire_copy(producer->id, id);
    producer->epoch = -1;
    return producer;
}

static inline void broker_end(struct broker *broker, struct broker_producer *producer,
                              bool is_commit) {
    for (size_t i = 0; i < broker->message_count; i++) {
        struct broker_message *message = &broker->messages[i];
        if (message->state == MESSAGE_OPEN && &broker->producers[message->producer] == producer) {
            message->state = is_commit ? MESSAGE_COMMITTED : MESSAGE_ABORTED;
        }
    }
    if (is_commit && producer->pending.is_there) {
        producer->committed = producer->pending;
    }
    producer->pending.is_there = false;
    producer->is_open = false;
    producer->has_group = false;
    memset(producer->has_partition, 0, sizeof(producer->has_partition));
}

/* Reads producer id and epoch, and says whether they are the newest. */
static inline int16_t broker_check(struct broker *broker, struct broker_producer *producer,
                                   struct wire_in *in) {
    int64_t id = wire_i64(in);
    int16_t epoch = wire_i16(in);
    bool is_newest = id == producer - broker->producers && epoch == producer->epoch;
    return is_newest ? ERROR_NONE : ERROR_OLD_EPOCH;
}

static inline void broker_init_producer(struct broker *broker, struct wire_in *in, struct buf *out,
                                        int16_t error) {
    struct broker_producer *producer = broker_producer(broker, wire_text(in));
    wire_i32(in);
    if (error == ERROR_NONE) {
        broker_end(broker, producer, false);
        producer->epoch++;
        memset(producer->next_sequence, 0, sizeof(producer->next_sequence));
    }
    wire_put(out, 0, 4);
    wire_put(out, error, 2);
    wire_put(out, producer - broker->producers, 8);
    wire_put(out, producer->epoch, 2);
}

static inline void broker_add_partitions(struct broker *broker, struct wire_in *in, struct buf *out,
                                         int16_t error) {
    struct broker_producer *producer = broker_producer(broker, wire_text(in));
    int16_t state = broker_check(broker, producer, in);
    error = error != ERROR_NONE ? error : state;
    wire_i32(in); /* one topic */
    wire_put(out, 0, 4);
    wire_put(out, 1, 4);
    wire_put_text(out, wire_text(in));
    int32_t count = wire_i32(in);
    wire_put(out, count, 4);
    for (int32_t i = 0; i < count && !in->is_short; i++) {
        int32_t partition = wire_i32(in);
        if (error == ERROR_NONE && partition >= 0 && partition < BROKER_PARTITIONS) {
            producer->has_partition[partition] = true;
            producer->is_open = true;
        }
        wire_put(out, partition, 4);
        wire_put(out, error, 2);
    }
}

static inline void broker_add_offsets(struct broker *broker, struct wire_in *in, struct buf *out,
                                      int16_t error) {
    struct broker_producer *producer = broker_producer(broker, wire_text(in));
    int16_t state = broker_check(broker, producer, in);
    error = error != ERROR_NONE ? error : state;
    if (error == ERROR_NONE) {
        producer->has_group = true;
        producer->is_open = true;
    }
    wire_put(out, 0, 4);
    wire_put(out, error, 2);
}

static inline void broker_commit_offsets(struct broker *broker, struct wire_in *in, struct buf *out,
                                         int16_t error) {
    struct broker_producer *producer = broker_producer(broker, wire_text(in));
    ENSURE(slice_equal(wire_text(in), slice_of(producer->id))); /* the group */
    int16_t state = broker_check(broker, producer, in);
    state = state == ERROR_NONE && !producer->has_group ? ERROR_TRANSACTION_STATE : state;
    error = error != ERROR_NONE ? error : state;
    wire_i32(in);
    wire_put(out, 0, 4);
    wire_put(out, 1, 4);
    wire_put_text(out, wire_text(in));
    wire_i32(in);
    int32_t partition = wire_i32(in);
    int64_t offset = wire_i64(in);
    struct slice text = wire_text(in);
    if (error == ERROR_NONE && !in->is_short) {
        producer->pending = (struct broker_position){.is_there = true, .offset = offset};
        wire_copy(producer->pending.text, text);
    }
    wire_put(out, 1, 4);
    wire_put(out, partition, 4);
    wire_put(out, error, 2);
}

static inline void broker_end_transaction(struct broker *broker, struct wire_in *in,
                                          struct buf *out, int16_t error) {
    struct broker_producer *producer = broker_producer(broker, wire_text(in));
    int16_t state = broker_check(broker, producer, in);
    bool is_commit = wire_number(in, 1) != 0;
    error = error != ERROR_NONE ? error : state;
    if (error == ERROR_NONE) {
        broker_end(broker, producer, is_commit); /* a repeated one finds nothing to end */
    }
    wire_put(out, 0, 4);
    wire_put(out, error, 2);
}

/* --- messages ------------------------------------------------------------------------------- */

static inline void broker_store(struct broker *broker, struct wire_in *in,
                                struct broker_message message, int64_t first_ms) {
    wire_varint(in); /* size of the record */
    wire_number(in, 1);
    message.time_ms = first_ms + wire_varint(in);
    wire_varint(in);
    wire_copy(message.key, wire_bytes(in, wire_varint(in)));
    struct slice value = wire_bytes(in, wire_varint(in));
    int64_t headers = wire_varint(in);
    for (int64_t i = 0; i < headers && !in->is_short; i++) {
        struct slice name = wire_bytes(in, wire_varint(in));
        struct slice content = wire_bytes(in, wire_varint(in));
        if (slice_equal(name, SLICE("position"))) {
            wire_copy(message.position, content);
        }
    }
    ENSURE(!in->is_short && broker->message_count < BROKER_MESSAGES_MAX);
    message.value = strndup(value.data, value.size);
    broker->messages[broker->message_count++] = message;
}

/* A batch of format 2: https://kafka.apache.org/documentation/#recordbatch */
static inline int16_t broker_take(struct broker *broker, struct broker_producer *producer,
                                  int32_t partition, struct slice records) {
    struct wire_in in = {.data = (const uint8_t *)records.data, .size = records.size};
    ENSURE(partition >= 0 && partition < BROKER_PARTITIONS);
    wire_bytes(&in, 8 + 4 + 4 + 1 + 4);
    int16_t attributes = wire_i16(&in);
    wire_i32(&in);
    int64_t first_ms = wire_i64(&in);
    wire_i64(&in);
    int16_t state = broker_check(broker, producer, &in);
    int32_t sequence = wire_i32(&in);
    int32_t count = wire_i32(&in);
    ENSURE(!in.is_short && (attributes & 0x10) != 0 && (attributes & 0x7) == 0);
    if (state != ERROR_NONE) {
        return state;
    }
    if (sequence < producer->next_sequence[partition]) {
        return ERROR_NONE; /* has it: the answer was lost */
    }
    if (sequence > producer->next_sequence[partition]) {
        return ERROR_OUT_OF_ORDER;
    }
    if (!producer->is_open || !producer->has_partition[partition]) {
        return ERROR_TRANSACTION_STATE;
    }
    producer->next_sequence[partition] += count;
    for (int32_t i = 0; i < count; i++) {
        struct broker_message message = {.producer = (size_t)(producer - broker->producers),
                                         .partition = partition};
        broker_store(broker, &in, message, first_ms);
    }
    return ERROR_NONE;
}

static inline void broker_produce(struct broker *broker, struct wire_in *in, struct buf *out,
                                  int16_t error) {
    struct broker_producer *producer = broker_producer(broker, wire_text(in));
    ENSURE(wire_i16(in) == -1); /* acks=all */
    wire_i32(in);
    wire_i32(in);
    wire_put(out, 1, 4);
    wire_put_text(out, wire_text(in));
    int32_t count = wire_i32(in);
    wire_put(out, count, 4);
    for (int32_t i = 0; i < count && !in->is_short; i++) {
        int32_t partition = wire_i32(in);
        struct slice records = wire_bytes(in, wire_i32(in));
        int16_t taken =
            error != ERROR_NONE ? error : broker_take(broker, producer, partition, records);
        wire_put(out, partition, 4);
        wire_put(out, taken, 2);
        wire_put(out, 0, 8);
        wire_put(out, -1, 8);
    }
    wire_put(out, 0, 4);
}

#endif
