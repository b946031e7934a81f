/*
 * click/queue_kafka.c - clicks into a Kafka topic, exactly once.
 *
 *   topic queue.kafka_topic   one message a click: value a JSON object, key EDGE:WORKER, header
 *                             `position` AT_MS-SEQUENCE, time that of the click
 *                             (conversions: a topic of their own, with -conversions behind it)
 *   TOPIC.EDGE.WORKER         the stream's transactional id, and the group that has its position
 *
 * The key is the stream's name and not the link's code: it is a stream whose clicks have an
 * order, and a topic keeps the order of a partition only. Who wants all clicks of a code together
 * groups them when reading.
 *
 * A batch is one transaction that carries its last position (queue_kafka_session.c), so it is
 * there as a whole with the position, or not at all. Attaching fences whoever shipped this
 * stream before and then asks for the position; nobody else can move it from then on, or the
 * next commit fails. So all that is at or below the position is in the topic, as far as the
 * topic keeps it: what its retention, or an operator, deletes there stays deleted. When the
 * topic itself is deleted, the position goes with it, and everything retained is shipped again.
 *
 * Brokers forget a group's offsets some days after they were last committed
 * (offsets.retention.minutes), so the position of an idle stream is committed again every hour.
 *
 * Limits    A batch of QUEUE_BATCH_CLICKS_MAX clicks or a bit above BATCH_BYTES_MAX, twice, and
 *           librdkafka's copy of one. attach() and wait() take TIMEOUT_MS at most, and wait()
 *           2 s more when a transaction is to be aborted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "click/payload.h"
#include "queue_kafka_private.h"

enum {
    TIMEOUT_MS = 5000,
    BATCH_BYTES_MAX = 512 * 1024,
    VALUE_BYTES_MAX = 20 * 1024, /* all texts at their longest, each byte escaped */
    KEY_BYTES_MAX = KAFKA_EDGE_BYTES_MAX + 16,
};

#define NS_PER_MS        UINT64_C(1000000)
#define READ_INTERVAL_NS (60 * 1000 * NS_PER_MS) /* of an idle stream's position */
#define KEEP_INTERVAL_NS (60 * 60 * 1000 * NS_PER_MS)

struct entry {
    struct queue_position position;
    size_t value_end; /* in values; it begins where the one before ends */
};

struct batch {
    struct buf values;
    struct entry entries[QUEUE_BATCH_CLICKS_MAX];
    size_t count;
};

enum flight { NOTHING_SENT, ON_ITS_WAY, KEPT };

struct queue {
    const struct payload_kind *payload;
    struct kafka_session session;
    char key[KEY_BYTES_MAX + 1];
    struct queue_position end; /* of the stream, as committed */
    uint64_t read_ns;          /* when the end was last read or committed */
    uint64_t committed_ns;     /* when it was last committed; 0: not by this producer */
    struct batch batches[2];
    struct batch *filling;
    struct batch *sent;
    enum flight flight;
};

static void set_names(struct queue *queue, struct slice edge_id, uint32_t worker);
static enum queue_result find_end(struct queue *queue, uint64_t deadline_ns, struct err *err);

static uint64_t deadline(void) {
    return clock_monotonic_ns() + TIMEOUT_MS * NS_PER_MS;
}

static struct queue *queue_kafka_create(const struct queue_options *options, struct err *err) {
    const struct payload_kind *payload =
        options->payload != NULL ? options->payload : &payload_clicks;
    size_t topic_size_max = KAFKA_TOPIC_BYTES_MAX - strlen(payload->topic_suffix);
    if (options->kafka_topic.size == 0 || options->kafka_topic.size > topic_size_max) {
        err_set(err, "queue.kafka_topic is empty or longer than %zu bytes", topic_size_max);
        return NULL;
    }
    struct queue *queue = calloc(1, sizeof(*queue));
    ENSURE(queue != NULL);
    struct kafka_session *session = &queue->session;
    if (!kafka_settings_make(options, &session->producer_settings, &session->reader_settings,
                             err)) {
        free(queue);
        return NULL;
    }
    session->log = options->log;
    snprintf(session->topic, sizeof(session->topic), "%.*s%s", SLICE_ARG(options->kafka_topic),
             payload->topic_suffix);
    queue->payload = payload;
    queue->filling = &queue->batches[0];
    queue->sent = &queue->batches[1];
    buf_init(&queue->filling->values, BATCH_BYTES_MAX + VALUE_BYTES_MAX);
    buf_init(&queue->sent->values, BATCH_BYTES_MAX + VALUE_BYTES_MAX);
    return queue;
}

static void queue_kafka_destroy(struct queue **queue) {
    if (*queue != NULL) {
        kafka_session_close(&(*queue)->session);
        rd_kafka_conf_destroy((*queue)->session.producer_settings);
        rd_kafka_conf_destroy((*queue)->session.reader_settings);
        buf_fini(&(*queue)->batches[0].values);
        buf_fini(&(*queue)->batches[1].values);
        free(*queue);
        *queue = NULL;
    }
}

static void batch_clear(struct batch *batch) {
    buf_clear(&batch->values);
    batch->count = 0;
}

static enum queue_result queue_kafka_attach(struct queue *queue, struct slice edge_id,
                                            uint32_t worker, struct queue_position *last,
                                            struct err *err) {
    if (queue->flight == ON_ITS_WAY) {
        kafka_session_close(&queue->session); /* whether it was taken is the next one's to ask */
    }
    batch_clear(queue->filling);
    batch_clear(queue->sent);
    queue->flight = NOTHING_SENT;
    queue->session.reason[0] = '\0';
    set_names(queue, edge_id, worker);
    enum queue_result result = find_end(queue, deadline(), err);
    if (result != QUEUE_OK) {
        kafka_session_close(&queue->session);
    }
    *last = queue->end;
    return result;
}

/* Nobody but a producer of this stream moves the position, and it ships in order. */
static enum queue_result queue_kafka_contains(struct queue *queue, struct queue_position position,
                                              bool *found, struct err *err) {
    (void)err;
    *found = queue_position_compare(position, queue->end) <= 0;
    return QUEUE_OK;
}

static bool queue_kafka_add(struct queue *queue, struct queue_position position,
                            const union payload_record *record) {
    struct batch *batch = queue->filling;
    if (batch->count == QUEUE_BATCH_CLICKS_MAX || batch->values.size >= BATCH_BYTES_MAX) {
        return false;
    }
    bool is_written = queue->payload->to_json(record, &batch->values);
    ENSURE(is_written);
    batch->entries[batch->count++] =
        (struct entry){.position = position, .value_end = batch->values.size};
    return true;
}

static enum queue_result queue_kafka_send(struct queue *queue, struct err *err) {
    ENSURE(queue->flight != ON_ITS_WAY);
    if (queue->flight == NOTHING_SENT) {
        struct batch *filled = queue->filling;
        ENSURE(filled->count > 0);
        queue->filling = queue->sent;
        queue->sent = filled;
        batch_clear(queue->filling);
    }
    queue->flight = ON_ITS_WAY;
    queue->session.reason[0] = '\0';
    enum queue_result result = kafka_session_begin(&queue->session, err);
    size_t value_begin = 0;
    for (size_t i = 0; result == QUEUE_OK && i < queue->sent->count; i++) {
        const struct entry *entry = &queue->sent->entries[i];
        struct kafka_message message = {
            .key = slice_of(queue->key),
            .value =
                slice_make(queue->sent->values.data + value_begin, entry->value_end - value_begin),
            .position = entry->position,
        };
        value_begin = entry->value_end;
        if (!kafka_session_add(&queue->session, &message, err)) {
            result = QUEUE_UNREACHABLE;
        }
    }
    return result;
}

static enum queue_result commit(struct queue *queue, struct queue_position position,
                                uint64_t deadline_ns, struct err *err) {
    enum queue_result result = kafka_session_commit(&queue->session, position, deadline_ns, err);
    if (result == QUEUE_OK) {
        queue->end = position;
        queue->committed_ns = clock_monotonic_ns();
        queue->read_ns = queue->committed_ns;
    }
    return result;
}

static enum queue_result queue_kafka_wait(struct queue *queue, struct err *err) {
    ENSURE(queue->flight == ON_ITS_WAY);
    struct queue_position last = queue->sent->entries[queue->sent->count - 1].position;
    enum queue_result result = commit(queue, last, deadline(), err);
    queue->flight = result == QUEUE_REFUSED ? KEPT : NOTHING_SENT;
    return result;
}

const struct queue_kind queue_kafka = {
    .name = "kafka",
    .create = queue_kafka_create,
    .destroy = queue_kafka_destroy,
    .attach = queue_kafka_attach,
    .contains = queue_kafka_contains,
    .add = queue_kafka_add,
    .send = queue_kafka_send,
    .wait = queue_kafka_wait,
};

/* A session is of one stream. */
static void set_names(struct queue *queue, struct slice edge_id, uint32_t worker) {
    char id[sizeof(queue->session.id)];
    struct slice edge = slice_first(edge_id, KAFKA_EDGE_BYTES_MAX);
    snprintf(id, sizeof(id), "%s.%.*s.%" PRIu32, queue->session.topic, SLICE_ARG(edge), worker);
    snprintf(queue->key, sizeof(queue->key), "%.*s:%" PRIu32, SLICE_ARG(edge), worker);
    if (strcmp(id, queue->session.id) != 0) {
        kafka_session_close(&queue->session);
        memcpy(queue->session.id, id, sizeof(id));
    }
}

/* An idle stream asks every few seconds: then it is enough that the topic is there, and now and
 * then the position is read, too. */
static enum queue_result find_end(struct queue *queue, uint64_t deadline_ns, struct err *err) {
    struct kafka_session *session = &queue->session;
    bool is_new = session->producer == NULL;
    enum queue_result result = is_new ? kafka_session_open(session, deadline_ns, err)
                                      : kafka_session_check(session, deadline_ns, err);
    uint64_t now_ns = clock_monotonic_ns();
    if (result == QUEUE_OK && (is_new || now_ns - queue->read_ns >= READ_INTERVAL_NS)) {
        result = kafka_session_read(session, &queue->end, deadline_ns, err);
        queue->read_ns = now_ns;
    }
    if (result == QUEUE_OK && (is_new || now_ns - queue->committed_ns >= KEEP_INTERVAL_NS)) {
        result = kafka_session_begin(session, err);
        result = result == QUEUE_OK ? commit(queue, queue->end, deadline_ns, err) : result;
    }
    return result;
}
