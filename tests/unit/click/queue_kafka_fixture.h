/*
 * queue_kafka_fixture.h - what the tests of the Kafka queue share: a broker and a queue over it.
 *
 * Click number N carries N as its code and as its sequence.
 */
#ifndef QUEUE_KAFKA_FIXTURE_H
#define QUEUE_KAFKA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/redis_server.h" /* test_sleep_ms */
#include "base/clock.h"
#include "base/err.h"
#include "click/payload.h"
#include "click/queue.h"
#include "kafka_broker_thread.h"

enum { BASE_MS = 1700000000, PATIENCE_MS = 10000 };

#define TOPIC "test-clicks"

struct fixture {
    struct broker *broker;
    struct queue *queue;
    struct queue_position last; /* as attach() gave it */
    struct err err;
};

static inline struct queue_options options_of(const char *brokers) {
    return (struct queue_options){.kafka_brokers = slice_of(brokers), .kafka_topic = SLICE(TOPIC)};
}

static inline struct queue *new_queue(const char *brokers) {
    struct queue_options options = options_of(brokers);
    struct err err = {""};
    struct queue *queue = queue_kafka.create(&options, &err);
    assert_string_equal(err.text, "");
    assert_non_null(queue);
    return queue;
}

static inline enum queue_result attach(struct fixture *fixture) {
    return queue_kafka.attach(fixture->queue, SLICE("edge-1"), 7, &fixture->last, &fixture->err);
}

static inline int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->broker = broker_start(TOPIC);
    fixture->queue = new_queue(fixture->broker->address);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state) {
    struct fixture *fixture = *state;
    queue_kafka.destroy(&fixture->queue);
    broker_stop(&fixture->broker);
    free(fixture);
    return 0;
}

static inline struct queue_position at(uint64_t sequence) {
    return (struct queue_position){BASE_MS + sequence / 3, sequence}; /* three a millisecond */
}

static inline bool add_to(struct queue *queue, uint64_t sequence) {
    char code[24];
    struct click click = {.at_ms = at(sequence).at_ms, .version = CLICK_VERSION};
    snprintf(code, sizeof(code), "%llu", (unsigned long long)sequence);
    click.text[CLICK_CODE] = slice_of(code);
    return queue_kafka.add(queue, at(sequence), &(union payload_record){.click = click});
}

static inline void add(struct fixture *fixture, uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) {
        assert_true(add_to(fixture->queue, i));
    }
}

static inline enum queue_result ship(struct fixture *fixture, uint64_t first, uint64_t last) {
    add(fixture, first, last);
    enum queue_result result = queue_kafka.send(fixture->queue, &fixture->err);
    return result == QUEUE_OK ? queue_kafka.wait(fixture->queue, &fixture->err) : result;
}

static inline void assert_last(const struct fixture *fixture, uint64_t sequence) {
    struct queue_position expected = sequence == 0 ? (struct queue_position){0} : at(sequence);
    assert_int_equal(fixture->last.at_ms, expected.at_ms);
    assert_int_equal(fixture->last.sequence, expected.sequence);
}

static inline size_t count(struct fixture *fixture, enum broker_state state) {
    size_t found = 0;
    broker_lock(fixture->broker);
    for (size_t i = 0; i < fixture->broker->message_count; i++) {
        found += fixture->broker->messages[i].state == state;
    }
    broker_unlock(fixture->broker);
    return found;
}

static inline bool is_click(const struct broker_message *message, uint64_t sequence) {
    char code[40];
    char position[48];
    snprintf(code, sizeof(code), "\"code\":\"%llu\"", (unsigned long long)sequence);
    snprintf(position, sizeof(position), "%llu-%llu", (unsigned long long)at(sequence).at_ms,
             (unsigned long long)sequence);
    return strstr(message->value, code) != NULL && strcmp(message->position, position) == 0 &&
           strcmp(message->key, "edge-1:7") == 0 && message->time_ms == (int64_t)at(sequence).at_ms;
}

/* Committed are the clicks 1..last, each once, in order, in one partition, and nothing else. */
static inline void assert_committed(struct fixture *fixture, uint64_t last) {
    uint64_t seen = 0;
    int32_t partition = -1;
    bool is_right = true;
    broker_lock(fixture->broker);
    for (size_t i = 0; i < fixture->broker->message_count; i++) {
        const struct broker_message *message = &fixture->broker->messages[i];
        if (message->state == MESSAGE_COMMITTED) {
            seen++;
            is_right = is_right && is_click(message, seen) &&
                       (partition == -1 || partition == message->partition);
            partition = message->partition;
        }
    }
    broker_unlock(fixture->broker);
    assert_true(is_right);
    assert_int_equal(seen, last);
}

/* As the shipper does; what is wrong with the broker is over. */
static inline void attach_again(struct fixture *fixture) {
    uint64_t until_ns = clock_monotonic_ns() + UINT64_C(1000000) * PATIENCE_MS;
    enum queue_result result = attach(fixture);
    while (result != QUEUE_OK && clock_monotonic_ns() < until_ns) {
        test_sleep_ms(20);
        result = attach(fixture);
    }
    if (result != QUEUE_OK) {
        fail_msg("%s", fixture->err.text);
    }
}

#define OVER_A_BROKER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
