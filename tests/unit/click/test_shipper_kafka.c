/*
 * click/shipper.h over Kafka: the real shipper and real journals, through outages, restarts and
 * connections that are lost at random. What counts is what a reader of committed messages sees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "../support/redis_server.h" /* test_sleep_ms */
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "click/click.h"
#include "click/journal.h"
#include "click/shipper.h"
#include "kafka_broker_thread.h"

enum { WORKERS = 2, SEGMENT_BYTES = 32 * 1024, PATIENCE_MS = 20000 };

#define TOPIC "test-clicks"

struct fixture {
    struct broker *broker;
    char data[64]; /* journals stand here */
    struct metric_registry *registry;
    struct log *log;
    struct random random;
    struct journal *journals[WORKERS];
    struct shipper *shipper;
    uint64_t clicks[WORKERS]; /* appended so far; their numbers are their codes */
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    bool is_loud = getenv("TEST_LOG") != NULL;
    fixture->broker = broker_start(TOPIC);
    fixture->registry = metric_registry_create();
    fixture->log = log_create(is_loud ? STDERR_FILENO : open("/dev/null", O_WRONLY | O_CLOEXEC),
                              LOG_TEXT, LOG_DEBUG);
    random_init(&fixture->random);
    snprintf(fixture->data, sizeof(fixture->data), "/tmp/brinco-shipper-XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->data) == NULL;
}

static void start(struct fixture *fixture) {
    struct err err = {0};
    for (uint32_t i = 0; i < WORKERS; i++) {
        char directory[96];
        snprintf(directory, sizeof(directory), "%s/%02u", fixture->data, i);
        assert_true(file_make_directory(directory, 0700, &err));
        fixture->journals[i] = journal_open(
            &(struct journal_options){
                .directory = directory,
                .edge_id = SLICE("edge-1"),
                .worker = i,
                .segment_bytes = SEGMENT_BYTES,
                .disk_bytes_max = 2000 * SEGMENT_BYTES,
                .sync_interval_ms = 1000,
            },
            &err);
        assert_non_null(fixture->journals[i]);
    }
    fixture->shipper = shipper_start(
        &(struct shipper_options){
            .journal_directory = fixture->data,
            .journals = fixture->journals,
            .journal_count = WORKERS,
            .kind = &queue_kafka,
            .queue = {.kafka_brokers = slice_of(fixture->broker->address),
                      .kafka_topic = SLICE(TOPIC),
                      .log = fixture->log},
            .retain_hours = 24,
            .disk_bytes_max = 2000 * SEGMENT_BYTES,
            .log = fixture->log,
            .metrics = fixture->registry,
        },
        &err);
    assert_non_null(fixture->shipper);
}

static void stop(struct fixture *fixture, uint32_t drain_ms) {
    shipper_stop(&fixture->shipper, drain_ms);
    for (size_t i = 0; i < WORKERS; i++) {
        if (fixture->journals[i] != NULL) {
            journal_close(&fixture->journals[i]);
        }
    }
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    char command[96];
    stop(fixture, 0);
    broker_stop(&fixture->broker);
    metric_registry_destroy(&fixture->registry);
    log_destroy(&fixture->log);
    snprintf(command, sizeof(command), "rm -rf -- '%s'", fixture->data);
    free(fixture);
    return system(command);
}

static uint64_t now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

/* Waits for the keeper when it is faster than that; a real worker would lose the click. */
static void append(struct fixture *fixture, uint32_t worker, unsigned count) {
    struct journal *journal = fixture->journals[worker];
    for (unsigned i = 0; i < count; i++) {
        char code[24];
        uint8_t payload[CLICK_PAYLOAD_BYTES_MAX];
        uint64_t sequence;
        struct click click = {.at_ms = journal_time(journal, clock_real_ms())};
        snprintf(code, sizeof(code), "%llu", (unsigned long long)++fixture->clicks[worker]);
        click.id = ulid_make(click.at_ms, &fixture->random);
        click.text[CLICK_CODE] = slice_of(code);
        click.text[CLICK_CAMPAIGN] = SLICE("referrals-2026");
        struct slice bytes = slice_make((const char *)payload, click_encode(&click, payload));
        uint64_t until_ms = now_ms() + PATIENCE_MS;
        while (journal_append(journal, bytes, &sequence) != JOURNAL_APPENDED) {
            assert_true(now_ms() < until_ms);
            test_sleep_ms(1);
        }
    }
}

static uint64_t metric(struct fixture *fixture, const char *name) {
    char full[96];
    snprintf(full, sizeof(full), "brinco_shipper_%s", name);
    return metric_registry_total(fixture->registry, full, NULL);
}

static uint64_t committed(struct fixture *fixture) {
    uint64_t count = 0;
    broker_lock(fixture->broker);
    for (size_t i = 0; i < fixture->broker->message_count; i++) {
        count += fixture->broker->messages[i].state == MESSAGE_COMMITTED;
    }
    broker_unlock(fixture->broker);
    return count;
}

/* Waits for all that was appended; then each click is there once, each stream in order. */
static void assert_each_click_once(struct fixture *fixture) {
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    uint64_t seen[WORKERS] = {0};
    while (committed(fixture) < fixture->clicks[0] + fixture->clicks[1] && now_ms() < until_ms) {
        test_sleep_ms(5);
    }
    char wrong[2048] = "";
    broker_lock(fixture->broker);
    for (size_t i = 0; i < fixture->broker->message_count && wrong[0] == '\0'; i++) {
        const struct broker_message *message = &fixture->broker->messages[i];
        char expected[64];
        if (message->state == MESSAGE_COMMITTED) {
            size_t worker = strcmp(message->key, "edge-1:1") == 0;
            snprintf(expected, sizeof(expected), "\"code\":\"%llu\"",
                     (unsigned long long)++seen[worker]);
            if (strstr(message->value, expected) == NULL) {
                snprintf(wrong, sizeof(wrong), "not %s but %s", expected, message->value);
            }
        }
    }
    broker_unlock(fixture->broker);
    assert_string_equal(wrong, "");
    assert_int_equal(seen[0], fixture->clicks[0]);
    assert_int_equal(seen[1], fixture->clicks[1]);
}

static void wait_for_metric(struct fixture *fixture, const char *name, uint64_t value) {
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (metric(fixture, name) < value && now_ms() < until_ms) {
        test_sleep_ms(2);
    }
    assert_true(metric(fixture, name) >= value);
}

static void clicks_of_all_workers_arrive_in_order(void **state) {
    struct fixture *fixture = *state;
    start(fixture);
    for (int i = 0; i < 20; i++) { /* many segments */
        append(fixture, 0, 150);
        append(fixture, 1, 70);
    }
    assert_each_click_once(fixture);
    wait_for_metric(fixture, "shipped_total", 4400);
    assert_int_equal(metric(fixture, "shipped_total"), 4400);
    assert_int_equal(metric(fixture, "conflicts_total"), 0);
    assert_int_equal(metric(fixture, "reshipped_total"), 0);
}

static void a_restarted_shipper_goes_on_where_it_was(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 4; i++) {
        start(fixture);
        append(fixture, 0, 700);
        append(fixture, 1, 1);
        if (i > 0) {
            wait_for_metric(fixture, "batches_total", 2 * (unsigned)i);
        }
        stop(fixture, i % 2 == 0 ? 0 : 5000); /* at any point of its work */
    }
    start(fixture);
    assert_each_click_once(fixture);
    assert_int_equal(metric(fixture, "reshipped_total"), 0);
}

static void an_outage_loses_and_doubles_nothing(void **state) {
    struct fixture *fixture = *state;
    start(fixture);
    append(fixture, 0, 300);
    wait_for_metric(fixture, "shipped_total", 300);
    append(fixture, 0, 1000);
    broker_down(fixture->broker); /* in the middle of something */
    append(fixture, 1, 500);
    wait_for_metric(fixture, "unreachable_total", 1);
    assert_false(shipper_status(fixture->shipper).connected);
    assert_true(shipper_status(fixture->shipper).lag_records >= 500);
    broker_up(fixture->broker);
    append(fixture, 0, 100);
    assert_each_click_once(fixture);
    wait_for_metric(fixture, "connected", 1);
}

static void a_frozen_broker_has_everything_once(void **state) {
    struct fixture *fixture = *state;
    start(fixture);
    append(fixture, 0, 100);
    wait_for_metric(fixture, "shipped_total", 100);
    broker_freeze(fixture->broker, true);
    append(fixture, 0, 1500); /* what it reads later is of a producer that is no more */
    wait_for_metric(fixture, "unreachable_total", 1);
    broker_freeze(fixture->broker, false);
    append(fixture, 1, 100);
    assert_each_click_once(fixture);
}

static void connections_lost_at_random_lose_and_double_nothing(void **state) {
    struct fixture *fixture = *state;
    start(fixture);
    broker_lock(fixture->broker);
    fixture->broker->chaos = 12;
    fixture->broker->chaos_seed = 4711;
    broker_unlock(fixture->broker);
    unsigned hang_ups = 0;
    for (uint64_t until_ms = now_ms() + PATIENCE_MS; hang_ups < 20 && now_ms() < until_ms;) {
        append(fixture, 0, 40);
        append(fixture, 1, 15);
        test_sleep_ms(20);
        broker_lock(fixture->broker);
        hang_ups = fixture->broker->hang_ups;
        broker_unlock(fixture->broker);
    }
    broker_lock(fixture->broker);
    fixture->broker->chaos = 0;
    broker_unlock(fixture->broker);
    assert_true(hang_ups >= 20);
    assert_each_click_once(fixture);
}

/* After a power cut the journal may miss clicks that the topic has: their sequence numbers are
 * used again, and nobody is to take that for a stranger's doing. */
static void a_journal_behind_its_stream_is_gone_on_with(void **state) {
    struct fixture *fixture = *state;
    char command[256];
    start(fixture);
    append(fixture, 0, 10);
    wait_for_metric(fixture, "shipped_total", 10);
    stop(fixture, 5000);
    snprintf(command, sizeof(command), "cp -r '%s/00' '%s/kept'", fixture->data, fixture->data);
    assert_int_equal(system(command), 0);
    start(fixture);
    append(fixture, 0, 5);
    wait_for_metric(fixture, "shipped_total", 15);
    stop(fixture, 5000);
    snprintf(command, sizeof(command), "rm -r '%s/00' && mv '%s/kept' '%s/00'", fixture->data,
             fixture->data, fixture->data);
    assert_int_equal(system(command), 0);
    start(fixture);
    append(fixture, 0, 5);
    assert_each_click_once(fixture);
    assert_int_equal(metric(fixture, "foreign_total"), 0);
}

#define SHIPPING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
#ifdef __SANITIZE_THREAD__
    puts("skipped: ThreadSanitizer does not know threads made with thrd_create(), as librdkafka's");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        SHIPPING(clicks_of_all_workers_arrive_in_order),
        SHIPPING(a_restarted_shipper_goes_on_where_it_was),
        SHIPPING(an_outage_loses_and_doubles_nothing),
        SHIPPING(a_frozen_broker_has_everything_once),
        SHIPPING(connections_lost_at_random_lose_and_double_nothing),
        SHIPPING(a_journal_behind_its_stream_is_gone_on_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
