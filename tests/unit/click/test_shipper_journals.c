/* click/shipper.h: journals that are left over, damaged, wiped or cut, and their deletion. */
#include "click/journal_reader.h"
#include "shipper_fixture.h"
#include "shipper_private.h"

/* After a power cut the stream can have records that the journal has lost. */
static void a_stream_ahead_of_its_journal_is_gone_on_with(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 10);
    wait_until_caught_up(fixture, 10);
    stop(fixture, 1000);
    char command[128];
    snprintf(command, sizeof(command), "XADD t:clicks:edge-1:0 %llu-11 code 11",
             (unsigned long long)clock_real_ms());
    admin_do(&fixture->redis, command);
    test_sleep_ms(3);
    open_and_start(fixture);
    append(fixture, 0, 10);
    wait_for_metric(fixture, "shipped_total", 20);
    assert_int_equal(admin_do(&fixture->redis, "XLEN t:clicks:edge-1:0"), 21);
    assert_int_equal(metric(fixture, "foreign_total"), 0);
}

static void a_wiped_journal_goes_on_above_what_the_stream_has(void **state) {
    struct fixture *fixture = *state;
    char command[96];
    open_and_start(fixture);
    append(fixture, 0, 500);
    wait_until_caught_up(fixture, 500);
    stop(fixture, 1000);
    snprintf(command, sizeof(command), "rm -r '%s/00'", fixture->data);
    assert_int_equal(system(command), 0);
    test_sleep_ms(3);
    open_and_start(fixture);
    append(fixture, 0, 20); /* sequences from 1 again, at later times */
    assert_stream(fixture, "edge-1:0", 1, 520);
    assert_int_equal(metric(fixture, "foreign_total"), 0);
}

static void journals_of_vanished_workers_are_shipped_to_the_end(void **state) {
    struct fixture *fixture = *state;
    char stray[96];
    struct err err;
    test_redis_end(&fixture->redis, SIGKILL);
    open_and_start(fixture);
    append(fixture, 0, 10);
    append(fixture, 1, 1000);
    stop(fixture, 0);
    test_redis_start(&fixture->redis, NULL);

    snprintf(stray, sizeof(stray), "%s/007", fixture->data);
    assert_true(file_make_directory(stray, 0700, &err)); /* not a journal: left alone */
    snprintf(stray, sizeof(stray), "%s/99", fixture->data);
    assert_true(file_make_directory(stray, 0700, &err)); /* one that is empty */
    open_journal(fixture, 0);
    start(fixture, 1);
    append(fixture, 0, 10);
    assert_stream(fixture, "edge-1:0", 1, 20);
    assert_stream(fixture, "edge-1:1", 1, 1000);
    wait_until_caught_up(fixture, 1020);
    assert_int_equal(admin_do(&fixture->redis, "SCARD t:streams"), 2);
    uint64_t began_ms = now_ms();
    stop(fixture, 5000);
    assert_in_range(now_ms() - began_ms, 0, 3000); /* nothing is left to wait for */
}

static void a_directory_of_two_edges_goes_into_two_streams(void **state) {
    struct fixture *fixture = *state;
    test_redis_end(&fixture->redis, SIGKILL);
    open_and_start(fixture);
    append(fixture, 0, 400);
    stop(fixture, 0);
    fixture->edge_id = "edge-2";
    test_redis_start(&fixture->redis, NULL);
    open_and_start(fixture);
    append(fixture, 0, 300);
    assert_stream(fixture, "edge-1:0", 1, 400);
    assert_stream(fixture, "edge-2:0", 401, 700);
    wait_until_caught_up(fixture, 700);
    test_redis_end(&fixture->redis, SIGKILL);
    test_redis_start(&fixture->redis, NULL);
    append(fixture, 0, 1);
    assert_stream(fixture, "edge-1:0", 1, 400); /* both, when Redis came back empty */
    assert_stream(fixture, "edge-2:0", 401, 701);
}

/* Flips a bit of the payload of a record in the first segment. */
static void damage_record(struct fixture *fixture, uint64_t sequence) {
    char path[96];
    struct err err;
    struct journal_record record = {0};
    struct journal_damage damage;
    uint8_t byte = 0;
    snprintf(path, sizeof(path), "%s/00", fixture->data);
    struct journal_reader *reader = journal_reader_open(path, 1, &err);
    assert_non_null(reader);
    while (record.sequence != sequence) {
        assert_int_equal(journal_reader_next(reader, &record, &damage, &err), JOURNAL_READ_RECORD);
    }
    snprintf(path, sizeof(path), "%s/00/%08u.log", fixture->data, record.segment);
    journal_reader_close(&reader);
    int fd = open(path, O_RDWR);
    off_t offset = (off_t)record.offset + 30;
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void damage_header(struct fixture *fixture, uint32_t number, bool is_wiped) {
    char path[96];
    uint8_t byte = 0;
    snprintf(path, sizeof(path), "%s/00/%08u.log", fixture->data, number);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    if (is_wiped) {
        assert_int_equal(ftruncate(fd, 0), 0);
    } else {
        assert_int_equal(pread(fd, &byte, 1, 40), 1);
        byte ^= 0x5a;
        assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
    }
    close(fd);
}

static size_t segments_of(struct fixture *fixture, uint32_t worker);

/* Also where no header of the whole journal is left. */
static void records_of_segments_with_unreadable_headers_are_shipped(void **state) {
    struct fixture *fixture = *state;
    for (int round = 0; round < 2; round++) {
        test_redis_end(&fixture->redis, SIGKILL);
        open_and_start(fixture);
        append(fixture, 0, 1200);
        stop(fixture, 0);
        size_t count = segments_of(fixture, 0);
        assert_true(count >= 3);
        size_t damaged = round == 0 ? 1 : count;
        for (uint32_t i = 1; i <= damaged; i++) {
            damage_header(fixture, i, false);
        }
        test_redis_start(&fixture->redis, NULL);
        open_and_start(fixture);
        append(fixture, 0, 100);
        assert_stream(fixture, "edge-1:0", 1, (uint64_t)(round + 1) * 1300);
        assert_true(metric(fixture, "damaged_records_total") >= 1);
        if (round == 0) {
            assert_int_equal(metric(fixture, "damaged_records_total"), 1);
        }
        stop(fixture, 0);
    }
    open_and_start(fixture);
}

static void a_first_segment_that_is_gone_is_counted(void **state) {
    struct fixture *fixture = *state;
    test_redis_end(&fixture->redis, SIGKILL);
    open_and_start(fixture);
    append(fixture, 0, 1200);
    stop(fixture, 0);
    damage_header(fixture, 1, true);
    test_redis_start(&fixture->redis, NULL);
    open_and_start(fixture);
    wait_for_metric(fixture, "damaged_records_total", 1);
    wait_for_metric(fixture, "shipped_total", 500);
}

static void damaged_records_are_counted_once_and_passed_over(void **state) {
    struct fixture *fixture = *state;
    test_redis_end(&fixture->redis, SIGKILL);
    open_and_start(fixture);
    append(fixture, 0, 100);
    stop(fixture, 0);
    damage_record(fixture, 40);
    test_redis_start(&fixture->redis, NULL);
    open_and_start(fixture);
    wait_until_caught_up(fixture, 99);
    admin_do(&fixture->redis, "FLUSHALL");
    append(fixture, 0, 1); /* attaches again, and meets the damage again */
    wait_for_metric(fixture, "shipped_total", 99 + 100);
    assert_int_equal(admin_do(&fixture->redis, "XLEN t:clicks:edge-1:0"), 100);
    assert_int_equal(metric(fixture, "damaged_records_total"), 1);
}

/* The record that the stream ends with was damaged after it had been shipped. */
static void a_damaged_last_record_does_not_look_foreign(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 50);
    wait_until_caught_up(fixture, 50);
    stop(fixture, 1000);
    damage_record(fixture, 50);
    open_and_start(fixture); /* sets the damaged end aside and takes its sequence again */
    test_sleep_ms(3);
    append(fixture, 0, 50);
    assert_stream(fixture, "edge-1:0", 1, 100);
    assert_int_equal(metric(fixture, "foreign_total"), 0);
}

static void a_record_that_is_no_click_is_counted_and_passed_over(void **state) {
    struct fixture *fixture = *state;
    uint8_t payload[64] = {0};
    open_and_start(fixture);
    append(fixture, 0, 5);
    uint64_t at_ms = journal_time(fixture->journals[0], clock_real_ms());
    for (size_t i = 0; i < 8; i++) {
        payload[i] = (uint8_t)(at_ms >> (8 * i));
    }
    payload[8] = 99; /* a version from the future */
    assert_true(
        append_payload(fixture->journals[0], slice_make((const char *)payload, sizeof(payload))));
    wait_for_metric(fixture, "damaged_records_total", 1);
    wait_until_caught_up(fixture, 5);
    append(fixture, 0, 5);
    assert_stream(fixture, "edge-1:0", 1, 10);
    assert_int_equal(metric(fixture, "damaged_records_total"), 1);
}

static size_t segments_of(struct fixture *fixture, uint32_t worker) {
    char directory[96];
    struct journal_segment *segments;
    size_t count = 0;
    struct err err;
    snprintf(directory, sizeof(directory), "%s/%02u", fixture->data, worker);
    assert_true(journal_list(directory, &segments, &count, &err));
    free(segments);
    return count;
}

static void wait_for_segments(struct fixture *fixture, uint32_t worker, size_t at_most) {
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (segments_of(fixture, worker) > at_most && now_ms() < until_ms) {
        test_sleep_ms(10);
    }
    assert_in_range(segments_of(fixture, worker), 0, at_most);
}

static void old_segments_stay_until_they_were_shipped_a_minute_ago(void **state) {
    struct fixture *fixture = *state;
    fixture->retain_hours = 0;
    test_redis_end(&fixture->redis, SIGKILL);
    open_and_start(fixture);
    append(fixture, 0, 2500);
    append(fixture, 1, 1000);
    test_sleep_ms(1200); /* a sweep that must not take anything */
    assert_true(segments_of(fixture, 0) >= 5);
    assert_int_equal(metric(fixture, "deleted_segments_total"), 0);
    stop(fixture, 0);

    test_redis_start(&fixture->redis, NULL);
    open_journal(fixture, 0);
    start(fixture, 1); /* worker 1 is no more */
    assert_stream(fixture, "edge-1:0", 1, 2500);
    assert_stream(fixture, "edge-1:1", 1, 1000);
    test_sleep_ms(1200); /* shipped, but not yet a minute ago: the queue may come back older */
    assert_int_equal(metric(fixture, "deleted_segments_total"), 0);
    append(fixture, 0, 10);
    assert_stream(fixture, "edge-1:0", 1, 2510);
}

static void without_a_queue_age_alone_counts(void **state) {
    struct fixture *fixture = *state;
    fixture->has_no_queue = true;
    fixture->retain_hours = 0;
    open_and_start(fixture);
    append(fixture, 0, 2500);
    struct shipper_status status = shipper_status(fixture->shipper);
    assert_true(status.connected);
    assert_int_equal(status.lag_records, 0);
    wait_for_segments(fixture, 0, 9); /* the one being written, and those that are ready */
    assert_int_equal(admin_do(&fixture->redis, "EXISTS t:streams"), 0);
    shipper_configure(fixture->shipper, 24, 2000 * SEGMENT_BYTES, 500);
    append(fixture, 0, 2500);
    test_sleep_ms(1200);
    assert_true(segments_of(fixture, 0) >= 5);
}

/* The sweep alone, with times of its own. */
static void a_full_journal_loses_what_was_shipped_a_minute_ago_first(void **state) {
    struct fixture *fixture = *state;
    open_journal(fixture, 0);
    for (int i = 0; i < 40; i++) {
        append(fixture, 0, 100);
        journal_keep(fixture->journals[0], now_ms());
    }
    size_t before = segments_of(fixture, 0);
    assert_true(before >= 9);

    struct metric table[SHIP_METRIC_COUNT];
    for (size_t i = 0; i < SHIP_METRIC_COUNT; i++) {
        table[i] = (struct metric){.name = "any", .help = "Any.", .type = METRIC_COUNTER};
    }
    struct ship_context context = {.kind = &queue_redis};
    context.metrics = metric_set_create(NULL, table, SHIP_METRIC_COUNT);
    struct ship_stream stream = {
        .context = &context, .journal = fixture->journals[0], .shipped_segment = 5};
    snprintf(stream.directory, sizeof(stream.directory), "%s/00", fixture->data);
    struct ship_sweep_rules rules = {.retain_ms = 3600000,
                                     .disk_bytes_max = (before - 2) * SEGMENT_BYTES,
                                     .now_ms = clock_real_ms(),
                                     .now_ns = 1};
    ship_stream_sweep(&stream, &rules);
    rules.now_ns += UINT64_C(59000000000);
    ship_stream_sweep(&stream, &rules);
    assert_int_equal(segments_of(fixture, 0), before); /* not yet a minute */
    rules.now_ns += UINT64_C(2000000000);
    ship_stream_sweep(&stream, &rules);
    assert_int_equal(segments_of(fixture, 0), before - 3); /* until there is room for one more */
    rules.disk_bytes_max = SEGMENT_BYTES;
    ship_stream_sweep(&stream, &rules);
    assert_int_equal(segments_of(fixture, 0), before - 4); /* from segment 5 on: not shipped */
    assert_int_equal(metric_get(context.metrics, SHIP_DELETED_EARLY), 4);
    metric_set_destroy(&context.metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SHIPPING(a_stream_ahead_of_its_journal_is_gone_on_with),
        SHIPPING(a_wiped_journal_goes_on_above_what_the_stream_has),
        SHIPPING(journals_of_vanished_workers_are_shipped_to_the_end),
        SHIPPING(a_directory_of_two_edges_goes_into_two_streams),
        SHIPPING(records_of_segments_with_unreadable_headers_are_shipped),
        SHIPPING(a_first_segment_that_is_gone_is_counted),
        SHIPPING(damaged_records_are_counted_once_and_passed_over),
        SHIPPING(a_damaged_last_record_does_not_look_foreign),
        SHIPPING(a_record_that_is_no_click_is_counted_and_passed_over),
        SHIPPING(old_segments_stay_until_they_were_shipped_a_minute_ago),
        SHIPPING(without_a_queue_age_alone_counts),
        SHIPPING(a_full_journal_loses_what_was_shipped_a_minute_ago_first),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
