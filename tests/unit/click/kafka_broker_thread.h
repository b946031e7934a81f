/*
 * kafka_broker_thread.h - the broker of kafka_broker.h as tests use it: its thread, its sockets,
 * and what goes wrong with them.
 */
#ifndef KAFKA_BROKER_THREAD_H
#define KAFKA_BROKER_THREAD_H

#include "kafka_broker.h"

/* --- who is there, and what is committed ---------------------------------------------------- */

struct broker_version {
    int16_t api;
    int16_t first;
    int16_t last;
};

/* The ones that are not handled stand here because librdkafka concludes from them what a broker
 * can do. */
static const struct broker_version broker_versions[] = {
    {API_PRODUCE, 3, 3},
    {1, 4, 4},
    {2, 1, 1},
    {API_METADATA, 1, 1},
    {8, 1, 2},
    {API_OFFSET_FETCH, 1, 5},
    {API_FIND_COORDINATOR, 0, 1},
    {11, 0, 0},
    {12, 0, 0},
    {13, 0, 0},
    {14, 0, 0},
    {API_VERSIONS, 0, 3},
    {API_INIT_PRODUCER, 0, 1},
    {API_ADD_PARTITIONS, 0, 0},
    {API_ADD_OFFSETS, 0, 0},
    {API_END_TRANSACTION, 0, 0},
    {API_COMMIT_OFFSETS, 0, 0},
};

static inline void broker_tell_versions(struct buf *out, int16_t version) {
    size_t count = ARRAY_COUNT(broker_versions);
    wire_put(out, 0, 2);
    wire_put(out, version >= 3 ? (int64_t)count + 1 : (int64_t)count, version >= 3 ? 1 : 4);
    for (size_t i = 0; i < count; i++) {
        wire_put(out, broker_versions[i].api, 2);
        wire_put(out, broker_versions[i].first, 2);
        wire_put(out, broker_versions[i].last, 2);
        wire_put(out, 0, version >= 3 ? 1 : 0);
    }
    wire_put(out, 0, version >= 1 ? 4 : 0);
    wire_put(out, 0, version >= 3 ? 1 : 0);
}

static inline void broker_tell_metadata(struct broker *broker, struct wire_in *in,
                                        struct buf *out) {
    bool is_asked = wire_i32(in) != 0; /* -1: all topics, 0: none */
    wire_put(out, 1, 4);
    wire_put(out, 1, 4);
    wire_put_text(out, SLICE("127.0.0.1"));
    wire_put(out, broker->port, 4);
    wire_put(out, -1, 2);
    wire_put(out, 1, 4);
    wire_put(out, is_asked, 4);
    if (!is_asked) {
        return;
    }
    int partitions = broker->has_no_topic ? 0 : BROKER_PARTITIONS;
    wire_put(out, broker->has_no_topic ? ERROR_UNKNOWN_TOPIC : ERROR_NONE, 2);
    wire_put_text(out, slice_of(broker->topic));
    wire_put(out, 0, 1);
    wire_put(out, partitions, 4);
    for (int i = 0; i < partitions; i++) {
        wire_put(out, 0, 2);
        wire_put(out, i, 4);
        wire_put(out, 1, 4); /* leader */
        wire_put(out, 1, 4);
        wire_put(out, 1, 4);
        wire_put(out, 1, 4);
        wire_put(out, 1, 4);
    }
}

static inline void broker_tell_coordinator(struct broker *broker, struct buf *out,
                                           int16_t version) {
    wire_put(out, 0, version >= 1 ? 4 : 0);
    wire_put(out, 0, 2);
    wire_put(out, -1, version >= 1 ? 2 : 0);
    wire_put(out, 1, 4);
    wire_put_text(out, SLICE("127.0.0.1"));
    wire_put(out, broker->port, 4);
}

static inline void broker_tell_position(struct broker *broker, struct wire_in *in, struct buf *out,
                                        int16_t error) {
    struct broker_position position = broker_producer(broker, wire_text(in))->committed;
    wire_i32(in);
    wire_put(out, 0, 4);
    wire_put(out, 1, 4);
    wire_put_text(out, wire_text(in));
    wire_put(out, 1, 4);
    wire_put(out, 0, 4);
    wire_put(out, position.is_there ? position.offset : -1, 8);
    wire_put(out, -1, 4);
    wire_put_text(out, slice_of(position.is_there ? position.text : ""));
    wire_put(out, error == ERROR_UNSTABLE_OFFSET ? error : ERROR_NONE, 2);
    wire_put(out, error == ERROR_UNSTABLE_OFFSET ? ERROR_NONE : error, 2);
}

/* --- a request ------------------------------------------------------------------------------ */

static inline enum broker_fault broker_next_fault(struct broker *broker, int16_t api) {
    broker->requests[api & 63]++;
    if (broker->fault != FAULT_NONE && api == (int16_t)broker->fault_api) {
        if (broker->fault_skip == 0) {
            enum broker_fault fault = broker->fault;
            broker->fault = FAULT_NONE;
            return fault;
        }
        broker->fault_skip--;
    }
    broker->chaos_seed = broker->chaos_seed * 1664525 + 1013904223;
    bool is_transactional = api == API_PRODUCE || api >= API_INIT_PRODUCER;
    if (broker->chaos != 0 && is_transactional && (broker->chaos_seed >> 16) % broker->chaos == 0) {
        broker->hang_ups++;
        return (broker->chaos_seed >> 8) % 2 ? FAULT_HANG_UP_BEFORE : FAULT_HANG_UP_AFTER;
    }
    return FAULT_NONE;
}

struct broker_request {
    int16_t api;
    int16_t version;
    int16_t error; /* to answer with, instead of doing it */
};

static inline void broker_answer(struct broker *broker, struct broker_request request,
                                 struct wire_in *in, struct buf *out) {
    switch ((enum broker_api)request.api) {
    case API_PRODUCE:
        broker_produce(broker, in, out, request.error);
        return;
    case API_METADATA:
        broker_tell_metadata(broker, in, out);
        return;
    case API_OFFSET_FETCH:
        broker_tell_position(broker, in, out, request.error);
        return;
    case API_FIND_COORDINATOR:
        broker_tell_coordinator(broker, out, request.version);
        return;
    case API_VERSIONS:
        broker_tell_versions(out, request.version);
        return;
    case API_INIT_PRODUCER:
        broker_init_producer(broker, in, out, request.error);
        return;
    case API_ADD_PARTITIONS:
        broker_add_partitions(broker, in, out, request.error);
        return;
    case API_ADD_OFFSETS:
        broker_add_offsets(broker, in, out, request.error);
        return;
    case API_END_TRANSACTION:
        broker_end_transaction(broker, in, out, request.error);
        return;
    case API_COMMIT_OFFSETS:
        broker_commit_offsets(broker, in, out, request.error);
        return;
    }
    ENSURE(false && "a request that was not offered");
}

/* False: hang up. */
static inline bool broker_handle(struct broker *broker, int fd, struct slice frame) {
    struct wire_in in = {.data = (const uint8_t *)frame.data, .size = frame.size};
    struct buf out;
    struct broker_request request = {.api = wire_i16(&in)};
    request.version = wire_i16(&in);
    int32_t correlation = wire_i32(&in);
    wire_text(&in); /* client.id */
    enum broker_fault fault = broker_next_fault(broker, request.api);
    if (fault == FAULT_HANG_UP_BEFORE) {
        return false;
    }
    buf_init(&out, BROKER_FRAME_BYTES_MAX);
    wire_put(&out, 0, 4);
    wire_put(&out, correlation, 4);
    request.error = fault == FAULT_ERROR ? broker->fault_error : (int16_t)ERROR_NONE;
    broker_answer(broker, request, &in, &out);
    ENSURE(!out.overflowed && !in.is_short);
    uint32_t size = htonl((uint32_t)out.size - 4);
    memcpy(out.data, &size, sizeof(size));
    bool is_sent = fault != FAULT_HANG_UP_AFTER &&
                   send(fd, out.data, out.size, MSG_NOSIGNAL) == (ssize_t)out.size;
    buf_fini(&out);
    return is_sent;
}

/* --- the thread ----------------------------------------------------------------------------- */

static inline void broker_hang_up(struct broker *broker, size_t index) {
    close(broker->connections[index].fd);
    buf_fini(&broker->connections[index].input);
    broker->connections[index] = broker->connections[--broker->connection_count];
}

/* False: hang up. */
static inline bool broker_read(struct broker *broker, struct broker_connection *connection) {
    struct buf *input = &connection->input;
    ENSURE(buf_reserve(input, 64 * 1024));
    ssize_t size =
        recv(connection->fd, input->data + input->size, input->capacity - input->size, 0);
    if (size <= 0) {
        return false;
    }
    input->size += (size_t)size;
    size_t used = 0;
    bool goes_on = true;
    while (goes_on && input->size - used >= 4) {
        uint32_t frame_size;
        memcpy(&frame_size, input->data + used, sizeof(frame_size));
        frame_size = ntohl(frame_size);
        ENSURE(frame_size <= BROKER_FRAME_BYTES_MAX / 2);
        if (input->size - used - 4 < frame_size) {
            break;
        }
        goes_on =
            broker_handle(broker, connection->fd, slice_make(input->data + used + 4, frame_size));
        used += 4 + frame_size;
    }
    memmove(input->data, input->data + used, input->size - used);
    input->size -= used;
    return goes_on;
}

static inline void broker_accept(struct broker *broker) {
    int fd = accept(broker->listener, NULL, NULL);
    if (fd < 0) {
        return;
    }
    ENSURE(broker->connection_count < BROKER_CONNECTIONS_MAX);
    struct broker_connection *connection = &broker->connections[broker->connection_count++];
    connection->fd = fd;
    buf_init(&connection->input, BROKER_FRAME_BYTES_MAX);
}

/* The mutex is free only while it waits. */
static inline void *broker_run(void *argument) {
    struct broker *broker = argument;
    pthread_mutex_lock(&broker->mutex);
    while (!broker->is_stopping) {
        struct pollfd polled[BROKER_CONNECTIONS_MAX + 2] = {
            {.fd = broker->wake[0], .events = POLLIN},
            {.fd = broker->is_frozen ? -1 : broker->listener, .events = POLLIN},
        };
        size_t count = broker->connection_count;
        for (size_t i = 0; i < count; i++) {
            polled[i + 2].fd = broker->is_frozen ? -1 : broker->connections[i].fd;
            polled[i + 2].events = POLLIN;
        }
        pthread_mutex_unlock(&broker->mutex);
        poll(polled, count + 2, -1);
        pthread_mutex_lock(&broker->mutex);
        char byte;
        if (polled[0].revents != 0) { /* the sockets may be others by now */
            ENSURE(read(broker->wake[0], &byte, 1) == 1);
            continue;
        }
        for (size_t i = count; i > 0; i--) {
            if (polled[i + 1].revents != 0 && !broker_read(broker, &broker->connections[i - 1])) {
                broker_hang_up(broker, i - 1);
            }
        }
        if (polled[1].revents != 0) {
            broker_accept(broker);
        }
    }
    pthread_mutex_unlock(&broker->mutex);
    return NULL;
}

/* Between these two a test may change and read what it likes. */
static inline void broker_lock(struct broker *broker) {
    pthread_mutex_lock(&broker->mutex);
}

static inline void broker_unlock(struct broker *broker) {
    ENSURE(write(broker->wake[1], "", 1) == 1);
    pthread_mutex_unlock(&broker->mutex);
}

static inline void broker_listen(struct broker *broker) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(broker->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int on = 1;
    broker->listener = socket(AF_INET, SOCK_STREAM, 0);
    ENSURE(broker->listener >= 0);
    setsockopt(broker->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    ENSURE(bind(broker->listener, (struct sockaddr *)&address, size) == 0);
    ENSURE(listen(broker->listener, 64) == 0);
    ENSURE(getsockname(broker->listener, (struct sockaddr *)&address, &size) == 0);
    broker->port = ntohs(address.sin_port);
    snprintf(broker->address, sizeof(broker->address), "127.0.0.1:%u", broker->port);
}

static inline void broker_shut(struct broker *broker) {
    while (broker->connection_count > 0) {
        broker_hang_up(broker, broker->connection_count - 1);
    }
    if (broker->listener >= 0) {
        close(broker->listener);
    }
    broker->listener = -1;
}

static inline struct broker *broker_start(const char *topic) {
    struct broker *broker = calloc(1, sizeof(*broker));
    ENSURE(broker != NULL);
    broker->messages = calloc(BROKER_MESSAGES_MAX, sizeof(*broker->messages));
    ENSURE(broker->messages != NULL);
    wire_copy(broker->topic, slice_of(topic));
    pthread_mutex_init(&broker->mutex, NULL);
    ENSURE(pipe(broker->wake) == 0);
    broker_listen(broker);
    ENSURE(pthread_create(&broker->thread, NULL, broker_run, broker) == 0);
    return broker;
}

static inline void broker_stop(struct broker **broker) {
    struct broker *old = *broker;
    broker_lock(old);
    old->is_stopping = true;
    broker_unlock(old);
    pthread_join(old->thread, NULL);
    broker_shut(old);
    close(old->wake[0]);
    close(old->wake[1]);
    for (size_t i = 0; i < old->message_count; i++) {
        free(old->messages[i].value);
    }
    free(old->messages);
    pthread_mutex_destroy(&old->mutex);
    free(old);
    *broker = NULL;
}

static inline void broker_down(struct broker *broker) {
    broker_lock(broker);
    broker_shut(broker);
    broker_unlock(broker);
}

static inline void broker_up(struct broker *broker) {
    broker_lock(broker);
    broker_listen(broker);
    broker_unlock(broker);
}

static inline void broker_freeze(struct broker *broker, bool is_frozen) {
    broker_lock(broker);
    broker->is_frozen = is_frozen;
    broker_unlock(broker);
}

/* The next request of this kind but skip ones. */
static inline void broker_break(struct broker *broker, enum broker_api api, enum broker_fault fault,
                                enum broker_error error, unsigned skip) {
    broker_lock(broker);
    broker->fault = fault;
    broker->fault_api = api;
    broker->fault_error = (int16_t)error;
    broker->fault_skip = skip;
    broker_unlock(broker);
}

#endif
