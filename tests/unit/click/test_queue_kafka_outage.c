/*
 * click/queue.h over a Kafka that hangs up, refuses or is not there.
 *
 * Over the broker of kafka_broker.h, and once over the mock cluster of librdkafka, which knows
 * more of the protocol and nothing of transactions.
 */
#include "queue_kafka_fixture.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/* Whatever happens to the requests of a transaction, asking afterwards tells what came of it. */
static void a_connection_lost_at_any_request_neither_loses_nor_doubles(void **state) {
    static const enum broker_api apis[] = {API_ADD_PARTITIONS, API_PRODUCE, API_ADD_OFFSETS,
                                           API_COMMIT_OFFSETS, API_END_TRANSACTION};
    struct fixture *fixture = *state;
    uint64_t shipped = 0;
    attach_again(fixture);
    for (size_t i = 0; i < 2 * ARRAY_COUNT(apis); i++) {
        enum broker_fault fault = i % 2 == 0 ? FAULT_HANG_UP_BEFORE : FAULT_HANG_UP_AFTER;
        broker_break(fixture->broker, apis[i / 2], fault, ERROR_NONE, 0);
        enum queue_result result = ship(fixture, shipped + 1, shipped + 20);
        assert_int_equal(fixture->broker->fault, FAULT_NONE);
        attach_again(fixture);
        assert_true(result != QUEUE_OK || fixture->last.sequence == shipped + 20);
        assert_true(fixture->last.sequence == shipped || fixture->last.sequence == shipped + 20);
        shipped = fixture->last.sequence;
        assert_committed(fixture, shipped);
    }
    assert_true(shipped >= 100);
}

static void a_broker_that_dies_with_the_commit_has_it_or_not(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(attach(fixture), QUEUE_OK);
    add(fixture, 1, 20);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    while (count(fixture, MESSAGE_OPEN) < 20) {
        test_sleep_ms(2);
    }
    broker_down(fixture->broker);
    uint64_t began_ns = clock_monotonic_ns();
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_UNREACHABLE);
    assert_in_range((clock_monotonic_ns() - began_ns) / 1000000, 0, 8000);
    assert_int_not_equal(fixture->err.text[0], '\0');
    broker_up(fixture->broker);
    attach_again(fixture);
    assert_last(fixture, 0);
    assert_int_equal(ship(fixture, 1, 20), QUEUE_OK);
    assert_committed(fixture, 20);
}

static void nobody_there_is_unreachable_and_bounded(void **state) {
    struct fixture *fixture = *state;
    broker_down(fixture->broker);
    uint64_t began_ns = clock_monotonic_ns();
    assert_int_equal(attach(fixture), QUEUE_UNREACHABLE);
    assert_in_range((clock_monotonic_ns() - began_ns) / 1000000, 0, 6000);
    assert_non_null(strstr(fixture->err.text, "127.0.0.1"));
    broker_up(fixture->broker);
    assert_int_equal(attach(fixture), QUEUE_OK);
}

static void a_refused_batch_is_aborted_and_kept(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(attach(fixture), QUEUE_OK);
    broker_break(fixture->broker, API_COMMIT_OFFSETS, FAULT_ERROR, ERROR_GROUP_FORBIDDEN, 0);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_REFUSED);
    assert_int_equal(count(fixture, MESSAGE_ABORTED), 10);
    assert_int_equal(count(fixture, MESSAGE_OPEN), 0);
    assert_committed(fixture, 0);
    add(fixture, 11, 15);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK); /* 1..10 */
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_committed(fixture, 10);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_committed(fixture, 15);
}

static void a_topic_that_is_not_there_is_named(void **state) {
    struct fixture *fixture = *state;
    broker_lock(fixture->broker);
    fixture->broker->has_no_topic = true;
    broker_unlock(fixture->broker);
    assert_int_equal(attach(fixture), QUEUE_REFUSED);
    assert_non_null(strstr(fixture->err.text, TOPIC));
    assert_non_null(strstr(fixture->err.text, "Unknown topic"));
    broker_lock(fixture->broker);
    fixture->broker->has_no_topic = false;
    broker_unlock(fixture->broker);
    assert_int_equal(attach(fixture), QUEUE_OK);
}

static void a_position_that_is_still_being_committed_is_waited_for(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_OK);
    queue_kafka.destroy(&fixture->queue);
    fixture->queue = new_queue(fixture->broker->address);
    broker_break(fixture->broker, API_OFFSET_FETCH, FAULT_ERROR, ERROR_UNSTABLE_OFFSET, 0);
    attach_again(fixture);
    assert_last(fixture, 10);
}

static void a_moved_coordinator_is_asked_again(void **state) {
    struct fixture *fixture = *state;
    broker_break(fixture->broker, API_OFFSET_FETCH, FAULT_ERROR, ERROR_NOT_COORDINATOR, 0);
    attach_again(fixture);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_OK);
}

static void somebody_elses_offset_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct broker_position *committed = &fixture->broker->producers[0].committed;
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_OK);
    for (int i = 0; i < 2; i++) {
        broker_lock(fixture->broker);
        if (i == 0) {
            committed->offset++; /* as kafka-consumer-groups --reset-offsets does */
        } else {
            snprintf(committed->text, sizeof(committed->text), "lunch");
        }
        broker_unlock(fixture->broker);
        queue_kafka.destroy(&fixture->queue);
        fixture->queue = new_queue(fixture->broker->address);
        assert_int_equal(attach(fixture), QUEUE_REFUSED);
        assert_non_null(strstr(fixture->err.text, "not one of brinco's"));
    }
}

static void deleted_positions_begin_anew(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_OK);
    broker_lock(fixture->broker);
    fixture->broker->producers[0].committed.is_there = false;
    broker_unlock(fixture->broker);
    queue_kafka.destroy(&fixture->queue);
    fixture->queue = new_queue(fixture->broker->address);
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_last(fixture, 0);
}

/* --- over librdkafka's mock cluster --------------------------------------------------------- */

struct mock {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *cluster;
};

static struct mock mock_start(void) {
    char reason[256];
    rd_kafka_t *owner =
        rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof(reason));
    assert_non_null(owner);
    struct mock mock = {owner, rd_kafka_mock_cluster_new(owner, 3)};
    assert_non_null(mock.cluster);
    rd_kafka_mock_topic_create(mock.cluster, TOPIC, 4, 3);
    return mock;
}

static rd_kafka_t *mock_reader(const struct mock *mock) {
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock->cluster),
                      reason, sizeof(reason));
    rd_kafka_conf_set(conf, "group.id", "reader", reason, sizeof(reason));
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    assert_non_null(reader);
    rd_kafka_poll_set_consumer(reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    for (int32_t i = 0; i < 4; i++) {
        rd_kafka_topic_partition_list_add(list, TOPIC, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    return reader;
}

static void assert_read(rd_kafka_t *reader, uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) {
        const void *header = NULL;
        size_t header_size = 0;
        char expected[96];
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, PATIENCE_MS);
        rd_kafka_headers_t *headers = NULL;
        assert_non_null(message);
        assert_int_equal(message->err, RD_KAFKA_RESP_ERR_NO_ERROR);
        assert_true(slice_equal(slice_make(message->key, message->key_len), SLICE("edge-1:7")));
        snprintf(expected, sizeof(expected), "\"code\":\"%llu\"", (unsigned long long)i);
        assert_true(slice_find(slice_make(message->payload, message->len), slice_of(expected)) !=
                    SIZE_MAX);
        rd_kafka_message_headers(message, &headers);
        rd_kafka_header_get_last(headers, "position", &header, &header_size);
        snprintf(expected, sizeof(expected), "%llu-%llu", (unsigned long long)at(i).at_ms,
                 (unsigned long long)i);
        assert_true(slice_equal(slice_make(header, header_size), slice_of(expected)));
        rd_kafka_message_destroy(message);
    }
}

static void the_mock_cluster_takes_batches_through_an_outage(void **state) {
    struct fixture *fixture = *state;
    struct mock mock = mock_start();
    rd_kafka_t *reader = mock_reader(&mock);
    queue_kafka.destroy(&fixture->queue);
    fixture->queue = new_queue(rd_kafka_mock_cluster_bootstraps(mock.cluster));
    attach_again(fixture);
    assert_last(fixture, 0);
    assert_int_equal(ship(fixture, 1, 512), QUEUE_OK);
    assert_int_equal(ship(fixture, 513, 600), QUEUE_OK);
    assert_read(reader, 1, 600);

    rd_kafka_mock_broker_set_down(mock.cluster, -1);
    assert_int_equal(ship(fixture, 601, 610), QUEUE_UNREACHABLE);
    rd_kafka_mock_broker_set_up(mock.cluster, -1);
    attach_again(fixture);
    assert_int_equal(ship(fixture, 601, 610), QUEUE_OK);
    assert_read(reader, 601, 610);
    queue_kafka.destroy(&fixture->queue);
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    rd_kafka_mock_cluster_destroy(mock.cluster);
    rd_kafka_destroy(mock.owner);
}

int main(void) {
#ifdef __SANITIZE_THREAD__
    puts("skipped: ThreadSanitizer does not know threads made with thrd_create(), as librdkafka's");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        OVER_A_BROKER(a_connection_lost_at_any_request_neither_loses_nor_doubles),
        OVER_A_BROKER(a_broker_that_dies_with_the_commit_has_it_or_not),
        OVER_A_BROKER(nobody_there_is_unreachable_and_bounded),
        OVER_A_BROKER(a_refused_batch_is_aborted_and_kept),
        OVER_A_BROKER(a_topic_that_is_not_there_is_named),
        OVER_A_BROKER(a_position_that_is_still_being_committed_is_waited_for),
        OVER_A_BROKER(a_moved_coordinator_is_asked_again),
        OVER_A_BROKER(somebody_elses_offset_is_refused),
        OVER_A_BROKER(deleted_positions_begin_anew),
        OVER_A_BROKER(the_mock_cluster_takes_batches_through_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
