/*
 * click/queue_kafka_session.c - one producer's life, its transactions and its position.
 *
 *   open: init_transactions ► begin ► messages, position ► commit ► begin ► ...
 *                                                            │
 *   position: what is committed last under the group of the same name ◄──┘
 *
 * Kafka commits messages and a consumer group's offsets in one transaction (KIP-98, KIP-447,
 * https://cwiki.apache.org/confluence/display/KAFKA/KIP-98). So the stream's position is an
 * offset of a group that nobody joins: it is there if and only if the messages are, and reading
 * it back costs one request however much others write to the topic.
 *
 * After any failure but a clean abort it is not known whether the transaction was committed. The
 * session is then closed and a new one opened. init_transactions() makes that sound: it returns
 * only when what a producer of this id left behind is committed or aborted, and from then on an
 * older one is fenced, requests of its own that are still on the wire included. What is read
 * after it is therefore the truth. (The read asks for stable offsets, KIP-447, which brokers
 * know since Kafka 2.5: an older one may for a moment still show the position before.)
 *
 * The position is read by a consumer made for that one question. A producer could ask by way of
 * the admin calls, but in librdkafka 2.0 these follow a null pointer when the group's coordinator
 * has moved.
 *
 * Threads   The shipper's. librdkafka's own threads block all signals, and hand their log lines
 *           over to be written here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "queue_kafka_private.h"

enum {
    NS_PER_MS = 1000000,
    ABORT_MS = 2000,
    CLIENT_REASON_BYTES = 256,
    LOG_INTERVAL_MS = 10 * 1000,
    WARNING = 4, /* of syslog(3) */
};

static rd_kafka_t *open_client(struct kafka_session *session, rd_kafka_type_t type,
                               struct err *err);
static void close_client(rd_kafka_t *client);
static enum queue_result fail(struct kafka_session *session, const char *what, const char *reason,
                              struct err *err);
static enum queue_result settle(struct kafka_session *session, rd_kafka_error_t *error,
                                const char *what, struct err *err);
static bool is_refusal(rd_kafka_resp_err_t code);

/* For librdkafka: -1 would mean forever. */
static int remaining_ms(uint64_t deadline_ns) {
    uint64_t now_ns = clock_monotonic_ns();
    return now_ns < deadline_ns ? (int)((deadline_ns - now_ns) / NS_PER_MS) + 1 : 1;
}

enum queue_result kafka_session_open(struct kafka_session *session, uint64_t deadline_ns,
                                     struct err *err) {
    session->producer = open_client(session, RD_KAFKA_PRODUCER, err);
    if (session->producer == NULL) {
        return QUEUE_REFUSED;
    }
    enum queue_result result = kafka_session_check(session, deadline_ns, err);
    if (result != QUEUE_OK) {
        return result;
    }
    rd_kafka_error_t *error =
        rd_kafka_init_transactions(session->producer, remaining_ms(deadline_ns));
    rd_kafka_poll(session->producer, 0);
    return error == NULL ? QUEUE_OK : settle(session, error, "init_transactions", err);
}

void kafka_session_close(struct kafka_session *session) {
    if (session->producer != NULL) {
        close_client(session->producer);
        session->producer = NULL;
    }
}

enum queue_result kafka_session_check(struct kafka_session *session, uint64_t deadline_ns,
                                      struct err *err) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(session->producer, session->topic, NULL);
    ENSURE(topic != NULL);
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(session->producer, 0, topic, &metadata, remaining_ms(deadline_ns));
    rd_kafka_poll(session->producer, 0);
    bool is_answered = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (is_answered && metadata->topic_cnt == 1) {
        code = metadata->topics[0].err;
    }
    if (metadata != NULL) {
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(topic);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return QUEUE_OK;
    }
    fail(session, is_answered ? "topic" : "metadata", rd_kafka_err2str(code), err);
    return is_answered ? QUEUE_REFUSED : QUEUE_UNREACHABLE;
}

static void format_position(struct queue_position position, char text[KAFKA_POSITION_BYTES_MAX]) {
    snprintf(text, KAFKA_POSITION_BYTES_MAX, "%" PRIu64 "-%" PRIu64, position.at_ms,
             position.sequence);
}

/* The list of one that both reading and committing take: partition 0 is always there. */
static rd_kafka_topic_partition_list_t *list_of_one(const struct kafka_session *session,
                                                    rd_kafka_topic_partition_t **only) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    *only = rd_kafka_topic_partition_list_add(list, session->topic, 0);
    return list;
}

static bool parse_position(const rd_kafka_topic_partition_t *found,
                           struct queue_position *position) {
    struct slice text = slice_make(found->metadata, found->metadata_size);
    struct slice at_ms = slice_split(&text, '-');
    return slice_to_u64(at_ms, INT64_MAX, &position->at_ms) &&
           slice_to_u64(text, INT64_MAX, &position->sequence) &&
           position->sequence == (uint64_t)found->offset;
}

enum queue_result kafka_session_read(struct kafka_session *session, struct queue_position *position,
                                     uint64_t deadline_ns, struct err *err) {
    rd_kafka_topic_partition_t *only;
    *position = (struct queue_position){0};
    rd_kafka_t *reader = open_client(session, RD_KAFKA_CONSUMER, err);
    if (reader == NULL) {
        return QUEUE_REFUSED;
    }
    rd_kafka_topic_partition_list_t *list = list_of_one(session, &only);
    rd_kafka_resp_err_t code = rd_kafka_committed(reader, list, remaining_ms(deadline_ns));
    rd_kafka_poll(reader, 0);
    close_client(reader);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = only->err;
    }
    enum queue_result result = QUEUE_OK;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        result = is_refusal(code) ? QUEUE_REFUSED : QUEUE_UNREACHABLE;
        fail(session, "committed position", rd_kafka_err2str(code), err);
    } else if (only->offset != RD_KAFKA_OFFSET_INVALID && !parse_position(only, position)) {
        result = QUEUE_REFUSED;
        fail(session, "committed position", "the group's offset is not one of brinco's", err);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

enum queue_result kafka_session_begin(struct kafka_session *session, struct err *err) {
    rd_kafka_error_t *error = rd_kafka_begin_transaction(session->producer);
    return error == NULL ? QUEUE_OK : settle(session, error, "begin_transaction", err);
}

bool kafka_session_add(struct kafka_session *session, const struct kafka_message *message,
                       struct err *err) {
    char position[KAFKA_POSITION_BYTES_MAX];
    format_position(message->position, position);
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = session->topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = (int64_t)message->position.at_ms},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)(uintptr_t)message->key.data, .size = message->key.size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)message->value.data, .size = message->value.size}},
        {.vtype = RD_KAFKA_VTYPE_HEADER,
         .u.header = {.name = "position", .val = position, .size = (ssize_t)strlen(position)}},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(session->producer, parts, ARRAY_COUNT(parts));
    if (error != NULL) {
        settle(session, error, "produce", err);
        return false;
    }
    return true;
}

/* True: nothing of the transaction remains. The error decides whether it can be tried. */
static bool abort_transaction(struct kafka_session *session) {
    rd_kafka_error_t *error = rd_kafka_abort_transaction(session->producer, ABORT_MS);
    bool is_aborted = error == NULL;
    if (error != NULL) {
        rd_kafka_error_destroy(error);
    }
    return is_aborted;
}

/* The messages must have arrived before the position is sent: then whatever is wrong with them
 * shows here, where an abort is known to take all back, and not in the commit. */
static rd_kafka_error_t *send_position(struct kafka_session *session,
                                       struct queue_position position, uint64_t deadline_ns) {
    rd_kafka_topic_partition_t *only;
    char text[KAFKA_POSITION_BYTES_MAX];
    rd_kafka_flush(session->producer, remaining_ms(deadline_ns));
    format_position(position, text);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(session->id);
    rd_kafka_topic_partition_list_t *list = list_of_one(session, &only);
    only->offset = (int64_t)position.sequence;
    only->metadata_size = strlen(text);
    only->metadata = malloc(only->metadata_size); /* the list frees it */
    ENSURE(only->metadata != NULL);
    memcpy(only->metadata, text, only->metadata_size);
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(session->producer, list, group,
                                                                   remaining_ms(deadline_ns));
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(group);
    return error;
}

enum queue_result kafka_session_commit(struct kafka_session *session,
                                       struct queue_position position, uint64_t deadline_ns,
                                       struct err *err) {
    rd_kafka_error_t *error = send_position(session, position, deadline_ns);
    if (error != NULL && rd_kafka_error_txn_requires_abort(error) && abort_transaction(session)) {
        fail(session, "transaction aborted", rd_kafka_error_string(error), err);
        rd_kafka_error_destroy(error);
        return QUEUE_REFUSED;
    }
    if (error == NULL) {
        error = rd_kafka_commit_transaction(session->producer, remaining_ms(deadline_ns));
    }
    rd_kafka_poll(session->producer, 0);
    return error == NULL ? QUEUE_OK : settle(session, error, "transaction", err);
}

static void take_log_line(const rd_kafka_t *client, int level, const char *facility,
                          const char *text) {
    struct kafka_session *session = rd_kafka_opaque(client);
    uint64_t held_back;
    if (level <= WARNING) {
        snprintf(session->reason, sizeof(session->reason), "%s", text);
    }
    if (log_allowed(&session->log_limit, clock_monotonic_ns(), LOG_INTERVAL_MS, &held_back)) {
        log_event(session->log, LOG_WARN, "kafka_client",
                  "stream=%s facility=%s message=%s held_back=%" PRIu64, session->id, facility,
                  text, held_back);
    }
}

static rd_kafka_t *open_client(struct kafka_session *session, rd_kafka_type_t type,
                               struct err *err) {
    char reason[CLIENT_REASON_BYTES];
    bool is_producer = type == RD_KAFKA_PRODUCER;
    rd_kafka_conf_t *conf =
        rd_kafka_conf_dup(is_producer ? session->producer_settings : session->reader_settings);
    rd_kafka_conf_set_opaque(conf, session);
    rd_kafka_conf_set_log_cb(conf, take_log_line);
    rd_kafka_conf_res_t is_set = rd_kafka_conf_set(
        conf, is_producer ? "transactional.id" : "group.id", session->id, reason, sizeof(reason));
    ENSURE(is_set == RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof(reason));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        fail(session, "librdkafka", reason, err);
        return NULL;
    }
    rd_kafka_set_log_queue(client, NULL);
    return client;
}

static void close_client(rd_kafka_t *client) {
    rd_kafka_poll(client, 0);
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* Says what went wrong, with librdkafka's last complaint, which often names the broker. */
static enum queue_result fail(struct kafka_session *session, const char *what, const char *reason,
                              struct err *err) {
    err_set(err, "%s: %s: %s%s%s", session->id, what, reason,
            session->reason[0] != '\0' ? "; " : "", session->reason);
    return QUEUE_UNREACHABLE;
}

static bool is_refusal(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

/* Closes the session after an error from which only a new one can go on. */
static enum queue_result settle(struct kafka_session *session, rd_kafka_error_t *error,
                                const char *what, struct err *err) {
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    fail(session, what, rd_kafka_error_string(error), err);
    rd_kafka_error_destroy(error);
    kafka_session_close(session);
    return code == RD_KAFKA_RESP_ERR__FENCED ? QUEUE_CONFLICT : QUEUE_UNREACHABLE;
}
