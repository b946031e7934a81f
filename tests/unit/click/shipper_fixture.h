/*
 * shipper_fixture.h - what the tests of the shipper share: real journals, a real Redis.
 *
 * The test is the worker: click number N carries N as its code, so a stream is right when its
 * codes are 1, 2, 3 ... without a gap or a repetition.
 */
#ifndef SHIPPER_FIXTURE_H
#define SHIPPER_FIXTURE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "click/click.h"
#include "click/journal.h"
#include "click/shipper.h"

enum { WORKERS = 2, SEGMENT_BYTES = 32 * 1024, PATIENCE_MS = 10000 };

struct fixture {
    struct test_redis redis;
    char data[64]; /* journals stand here */
    struct metric_registry *registry;
    struct log *log;
    struct random random;
    struct journal *journals[WORKERS];
    struct shipper *shipper;
    uint64_t clicks[WORKERS]; /* appended so far */
    const char *edge_id;
    uint32_t retain_hours;
    bool has_no_queue;
};

/* Each test begins with empty journals and an empty Redis, and no shipper. */
static inline int set_up(void **state) {
    struct fixture *fixture = *state;
    fixture->registry = metric_registry_create();
    fixture->edge_id = "edge-1";
    fixture->retain_hours = 24;
    fixture->has_no_queue = false;
    memset(fixture->clicks, 0, sizeof(fixture->clicks));
    snprintf(fixture->data, sizeof(fixture->data), "/tmp/brinco-shipper-XXXXXX");
    admin_do(&fixture->redis, "FLUSHALL");
    return mkdtemp(fixture->data) == NULL;
}

static inline void open_journal(struct fixture *fixture, uint32_t worker) {
    char directory[96];
    struct err err = {0};
    snprintf(directory, sizeof(directory), "%s/%02u", fixture->data, worker);
    assert_true(file_make_directory(directory, 0700, &err));
    fixture->journals[worker] = journal_open(
        &(struct journal_options){
            .directory = directory,
            .edge_id = slice_of(fixture->edge_id),
            .worker = worker,
            .segment_bytes = SEGMENT_BYTES,
            .disk_bytes_max = 2000 * SEGMENT_BYTES,
            .sync_interval_ms = 1000,
        },
        &err);
    if (fixture->journals[worker] == NULL) {
        fail_msg("%s", err.text);
    }
}

static inline void start(struct fixture *fixture, size_t live) {
    struct redis_url url = test_redis_url(&fixture->redis);
    struct err err = {0};
    fixture->shipper = shipper_start(
        &(struct shipper_options){
            .journal_directory = fixture->data,
            .journals = fixture->journals,
            .journal_count = live,
            .kind = fixture->has_no_queue ? NULL : &queue_redis,
            .queue = {.url = &url, .key_prefix = SLICE("t:"), .log = fixture->log},
            .retain_hours = fixture->retain_hours,
            .disk_bytes_max = 2000 * SEGMENT_BYTES,
            .log = fixture->log,
            .metrics = fixture->registry,
        },
        &err);
    if (fixture->shipper == NULL) {
        fail_msg("%s", err.text);
    }
}

static inline void open_and_start(struct fixture *fixture) {
    for (uint32_t i = 0; i < WORKERS; i++) {
        open_journal(fixture, i);
    }
    start(fixture, WORKERS);
}

static inline void stop(struct fixture *fixture, uint32_t drain_ms) {
    shipper_stop(&fixture->shipper, drain_ms);
    assert_null(fixture->shipper);
    for (size_t i = 0; i < WORKERS; i++) {
        if (fixture->journals[i] != NULL) {
            journal_close(&fixture->journals[i]);
        }
    }
}

static inline int tear_down(void **state) {
    struct fixture *fixture = *state;
    char command[96];
    if (fixture->redis.pid == 0) {
        test_redis_start(&fixture->redis, NULL);
    }
    test_redis_thaw(&fixture->redis);
    stop(fixture, 0);
    metric_registry_destroy(&fixture->registry);
    snprintf(command, sizeof(command), "rm -rf -- '%s'", fixture->data);
    return system(command);
}

static inline uint64_t now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

static inline bool append_payload(struct journal *journal, struct slice payload) {
    uint64_t sequence;
    for (uint64_t until_ms = now_ms() + PATIENCE_MS; now_ms() < until_ms; test_sleep_ms(1)) {
        if (journal_append(journal, payload, &sequence) == JOURNAL_APPENDED) {
            return true;
        }
    }
    return false;
}

/* Waits for the keeper when it is faster than that; a real worker would lose the click. */
static inline void append(struct fixture *fixture, uint32_t worker, unsigned count) {
    struct journal *journal = fixture->journals[worker];
    for (unsigned i = 0; i < count; i++) {
        char code[24];
        uint8_t payload[CLICK_PAYLOAD_BYTES_MAX];
        struct click click = {.at_ms = journal_time(journal, clock_real_ms())};
        snprintf(code, sizeof(code), "%llu", (unsigned long long)++fixture->clicks[worker]);
        click.id = ulid_make(click.at_ms, &fixture->random);
        click.text[CLICK_CODE] = slice_of(code);
        click.text[CLICK_CAMPAIGN] = SLICE("referrals-2026");
        size_t size = click_encode(&click, payload);
        assert_true(append_payload(journal, slice_make((const char *)payload, size)));
    }
}

static inline uint64_t metric(struct fixture *fixture, const char *name) {
    char full[96];
    snprintf(full, sizeof(full), "brinco_shipper_%s", name);
    return metric_registry_total(fixture->registry, full, NULL);
}

static inline void wait_for_metric(struct fixture *fixture, const char *name, uint64_t value) {
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (metric(fixture, name) < value && now_ms() < until_ms) {
        test_sleep_ms(2);
    }
    if (metric(fixture, name) < value) {
        fail_msg("%s is %llu, not %llu", name, (unsigned long long)metric(fixture, name),
                 (unsigned long long)value);
    }
}

static inline void wait_until_shipped(struct fixture *fixture, const char *stream, uint64_t count) {
    char command[96];
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    snprintf(command, sizeof(command), "XLEN t:clicks:%s", stream);
    while (admin_do(&fixture->redis, command) < (int64_t)count && now_ms() < until_ms) {
        test_sleep_ms(2);
    }
}

/* Codes first..last, each once and in order, and nothing else. */
static inline void assert_stream(struct fixture *fixture, const char *stream, uint64_t first,
                                 uint64_t last) {
    char command[96];
    struct redis_pipe *admin = admin_open(&fixture->redis);
    wait_until_shipped(fixture, stream, last + 1 - first);
    snprintf(command, sizeof(command), "XRANGE t:clicks:%s - +", stream);
    const struct redis_reply *reply = admin_ask(admin, command);
    if (redis_reply_count(reply) != last + 1 - first) {
        fail_msg("%s has %zu entries, not %llu", stream, redis_reply_count(reply),
                 (unsigned long long)(last + 1 - first));
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        const struct redis_reply *fields = redis_reply_at(redis_reply_at(reply, i), 1);
        uint64_t code = 0;
        assert_true(slice_to_u64(redis_reply_text(redis_reply_at(fields, 5)), UINT64_MAX, &code));
        assert_int_equal(code, first + i);
    }
    redis_pipe_destroy(&admin);
}

/* After shipped clicks in all; what the status says may be some milliseconds old. */
static inline void wait_until_caught_up(struct fixture *fixture, uint64_t shipped) {
    wait_for_metric(fixture, "shipped_total", shipped);
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    struct shipper_status status = shipper_status(fixture->shipper);
    while ((!status.connected || status.lag_records > 0 || status.lag_ms > 0) &&
           now_ms() < until_ms) {
        test_sleep_ms(2);
        status = shipper_status(fixture->shipper);
    }
    assert_true(status.connected);
    assert_int_equal(status.lag_records, 0);
    assert_int_equal(status.lag_ms, 0);
}

static inline int start_redis(void **state) {
    static struct fixture fixture;
    int fd = open("/dev/null", O_WRONLY);
    test_redis_init(&fixture.redis);
    test_redis_start(&fixture.redis, NULL);
    random_init(&fixture.random);
    fixture.log = log_create(getenv("TEST_LOG") != NULL ? STDERR_FILENO : fd, LOG_TEXT, LOG_DEBUG);
    *state = &fixture;
    return 0;
}

static inline int stop_redis(void **state) {
    struct fixture *fixture = *state;
    test_redis_fini(&fixture->redis);
    log_destroy(&fixture->log);
    return 0;
}

#define SHIPPING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
