/*
 * click/queue.h over Kafka: a batch with its position or nothing, and one producer a stream.
 */
#include "queue_kafka_fixture.h"

static void a_new_stream_begins_at_nothing(void **state) {
    struct fixture *fixture = *state;
    fixture->last = at(9);
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_last(fixture, 0);
    assert_int_equal(attach(fixture), QUEUE_OK); /* idle, the shipper asks again */
    assert_last(fixture, 0);
    assert_committed(fixture, 0);
}

static void batches_arrive_once_in_order_and_with_their_positions(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 1), QUEUE_OK);
    assert_int_equal(ship(fixture, 2, 513), QUEUE_OK);
    add(fixture, 514, 600);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    add(fixture, 601, 700); /* while the one before is on its way */
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_committed(fixture, 700);
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_last(fixture, 700);
}

static void a_value_is_the_click_as_json(void **state) {
    struct fixture *fixture = *state;
    char value[1024];
    struct buf expected = buf_over(value, sizeof(value));
    struct click click = {.at_ms = at(1).at_ms, .version = CLICK_VERSION, .visitor = 0xabc};
    click.text[CLICK_SOURCE] = SLICE("say \"hi\"\n");
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_true(queue_kafka.add(fixture->queue, at(1), &(union payload_record){.click = click}));
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_true(click_to_json(&click, &expected) && buf_append_char(&expected, '\0'));
    assert_string_equal(fixture->broker->messages[0].value, value);
}

static void a_batch_has_its_limits(void **state) {
    struct fixture *fixture = *state;
    char text[CLICK_TEXT_BYTES_MAX];
    size_t clicks = 0;
    assert_int_equal(attach(fixture), QUEUE_OK);
    add(fixture, 1, QUEUE_BATCH_CLICKS_MAX);
    assert_false(add_to(fixture->queue, QUEUE_BATCH_CLICKS_MAX + 1));
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);

    memset(text, '\x01', sizeof(text)); /* six bytes each */
    struct click click = {.at_ms = at(1000).at_ms, .version = CLICK_VERSION};
    for (size_t i = 0; i < CLICK_TEXT_COUNT; i++) {
        click.text[i] = slice_make(text, sizeof(text));
    }
    while (queue_kafka.add(fixture->queue, at(1000 + clicks),
                           &(union payload_record){.click = click})) {
        clicks++;
    }
    assert_in_range(clicks, 25, 40);
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(count(fixture, MESSAGE_COMMITTED), QUEUE_BATCH_CLICKS_MAX + clicks);
}

static void a_new_queue_goes_on_where_the_one_before_was(void **state) {
    struct fixture *fixture = *state;
    uint64_t shipped = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(attach(fixture), QUEUE_OK);
        assert_last(fixture, shipped);
        assert_int_equal(ship(fixture, shipped + 1, shipped + 100), QUEUE_OK);
        shipped += 100;
        queue_kafka.destroy(&fixture->queue);
        fixture->queue = new_queue(fixture->broker->address);
    }
    assert_committed(fixture, shipped);
}

static void a_queue_gone_in_the_middle_of_a_batch_leaves_nothing_of_it(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_OK);
    add(fixture, 11, 20);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    while (count(fixture, MESSAGE_OPEN) < 10) {
        test_sleep_ms(2);
    }
    queue_kafka.destroy(&fixture->queue);
    fixture->queue = new_queue(fixture->broker->address);
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_last(fixture, 10);
    assert_int_equal(count(fixture, MESSAGE_OPEN), 0);
    assert_int_equal(count(fixture, MESSAGE_ABORTED), 10);
    assert_int_equal(ship(fixture, 11, 30), QUEUE_OK);
    assert_committed(fixture, 30);
}

static void attaching_takes_back_what_is_on_its_way(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(attach(fixture), QUEUE_OK);
    add(fixture, 1, 5);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_last(fixture, 0);
    assert_int_equal(ship(fixture, 1, 7), QUEUE_OK);
    assert_committed(fixture, 7);
}

static void an_older_producer_is_fenced(void **state) {
    struct fixture *fixture = *state;
    struct fixture younger = {.broker = fixture->broker,
                              .queue = new_queue(fixture->broker->address)};
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_OK);
    add(fixture, 11, 20);
    assert_int_equal(queue_kafka.send(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(attach(&younger), QUEUE_OK);
    assert_last(&younger, 10);
    assert_int_equal(queue_kafka.wait(fixture->queue, &fixture->err), QUEUE_CONFLICT);
    assert_non_null(strstr(fixture->err.text, TOPIC ".edge-1.7"));
    assert_int_equal(ship(&younger, 11, 15), QUEUE_OK);
    queue_kafka.destroy(&younger.queue);

    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_last(fixture, 15);
    assert_int_equal(ship(fixture, 16, 20), QUEUE_OK);
    assert_committed(fixture, 20);
}

static void streams_do_not_touch_each_other(void **state) {
    struct fixture *fixture = *state;
    struct queue_position last;
    struct queue *other = new_queue(fixture->broker->address);
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(queue_kafka.attach(other, SLICE("edge-1"), 8, &last, &fixture->err), QUEUE_OK);
    assert_true(add_to(other, 400));
    assert_int_equal(queue_kafka.send(other, &fixture->err), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 3), QUEUE_OK);
    assert_int_equal(queue_kafka.wait(other, &fixture->err), QUEUE_OK);
    /* One queue may go from one stream to another. */
    assert_int_equal(queue_kafka.attach(other, SLICE("edge-1"), 7, &last, &fixture->err), QUEUE_OK);
    assert_int_equal(last.sequence, 3);
    assert_int_equal(queue_kafka.attach(other, SLICE("edge-1"), 8, &last, &fixture->err), QUEUE_OK);
    assert_int_equal(last.sequence, 400);
    queue_kafka.destroy(&other);
}

static void contains_tells_what_the_position_says(void **state) {
    struct fixture *fixture = *state;
    bool found = false;
    assert_int_equal(attach(fixture), QUEUE_OK);
    assert_int_equal(ship(fixture, 1, 10), QUEUE_OK);
    assert_int_equal(queue_kafka.contains(fixture->queue, at(10), &found, &fixture->err), QUEUE_OK);
    assert_true(found);
    assert_int_equal(queue_kafka.contains(fixture->queue, at(11), &found, &fixture->err), QUEUE_OK);
    assert_false(found);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_not_created(struct queue_options options, const char *reason) {
    struct err err = {""};
    assert_null(queue_kafka.create(&options, &err));
    if (strstr(err.text, reason) == NULL) {
        fail_msg("%s", err.text);
    }
}

static void settings_are_checked_at_the_start(void **state) {
    struct fixture *fixture = *state;
    char path[] = "/tmp/brinco-kafka-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && close(fd) == 0);
    struct queue_options options = options_of(" \t");
    assert_not_created(options, "queue.kafka_brokers is empty");
    options = options_of(fixture->broker->address);
    options.kafka_topic = SLICE("");
    assert_not_created(options, "queue.kafka_topic");

    options = options_of(fixture->broker->address);
    options.kafka_properties = "/nonexistent/kafka.properties";
    assert_not_created(options, "queue.kafka_properties: /nonexistent/kafka.properties");
    options.kafka_properties = path;
    write_file(path, "# TLS\nsecurity.protocol=ssl\n\nsecurity.protocl=ssl\n");
    assert_not_created(options, ":4: ");
    write_file(path, "acks=1\n");
    assert_not_created(options, ":1: acks is brinco's to set");
    write_file(path, "enable.idempotence = false\n");
    assert_not_created(options, "enable.idempotence is brinco's to set");
    write_file(path, "security.protocol\n");
    assert_not_created(options, "name=value");
    write_file(path, "security.protocol=carrier-pigeon\n");
    assert_not_created(options, ":1: ");

    write_file(path, "# comment\r\n client.rack = mx-1 \r\nsecurity.protocol=plaintext");
    queue_kafka.destroy(&fixture->queue);
    fixture->queue = queue_kafka.create(&options, &fixture->err);
    assert_non_null(fixture->queue);
    assert_int_equal(attach(fixture), QUEUE_OK);
    unlink(path);
}

static void several_brokers_are_separated_as_one_likes(void **state) {
    struct fixture *fixture = *state;
    char brokers[96];
    snprintf(brokers, sizeof(brokers), " 127.0.0.1:1, %s\t127.0.0.1:2 ", fixture->broker->address);
    queue_kafka.destroy(&fixture->queue);
    fixture->queue = new_queue(brokers);
    attach_again(fixture);
    assert_last(fixture, 0);
}

int main(void) {
#ifdef __SANITIZE_THREAD__
    puts("skipped: ThreadSanitizer does not know threads made with thrd_create(), as librdkafka's");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        OVER_A_BROKER(a_new_stream_begins_at_nothing),
        OVER_A_BROKER(batches_arrive_once_in_order_and_with_their_positions),
        OVER_A_BROKER(a_value_is_the_click_as_json),
        OVER_A_BROKER(a_batch_has_its_limits),
        OVER_A_BROKER(a_new_queue_goes_on_where_the_one_before_was),
        OVER_A_BROKER(a_queue_gone_in_the_middle_of_a_batch_leaves_nothing_of_it),
        OVER_A_BROKER(attaching_takes_back_what_is_on_its_way),
        OVER_A_BROKER(an_older_producer_is_fenced),
        OVER_A_BROKER(streams_do_not_touch_each_other),
        OVER_A_BROKER(contains_tells_what_the_position_says),
        OVER_A_BROKER(settings_are_checked_at_the_start),
        OVER_A_BROKER(several_brokers_are_separated_as_one_likes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
