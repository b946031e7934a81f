/*
 * test_journal.c - the writer: sequences, segments, limits, and what is left after a death.
 */
#include "journal_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/metrics.h"

static uint64_t total(struct metric_registry *registry, const char *name) {
    return metric_registry_total(registry, name, NULL);
}

/* The bytes of the format are a promise to every other reader. */
static void test_file_is_byte_for_byte_as_described(void **state) {
    struct journal *journal = open_small(*state);
    append_one(journal, 0x1122334455);
    uint8_t page[SEGMENT_HEADER_BYTES + 64];
    peek(*state, "00000001.log", 0, page, sizeof(page));
    assert_memory_equal(page, "BRINCOJ1\1\0\0\0\0\x10\0\0\1\0\0\0\0\0\0\0\3\0\0\0\6\0\0\0edge-1",
                        38);
    assert_int_equal(segment_load_u32(page + 96), crc32c(0, page, 96));
    for (size_t i = 100; i < SEGMENT_HEADER_BYTES; i++) {
        assert_int_equal(page[i], 0);
    }
    const uint8_t *record = page + SEGMENT_HEADER_BYTES;
    static const uint8_t covered[] = {
        24, 0, 0,   0,   1,   0,   0,   0,   0,   0,   0,   0,   0x55, 0x44, 0x33, 0x22, 0x11, 0,
        0,  0, 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b',  'b',  'b',  'b',  'b',  'b'};
    assert_memory_equal(record, covered, 4);
    assert_memory_equal(record + 8, covered + 4, sizeof(covered) - 4);
    assert_int_equal(segment_load_u32(record + 4), crc32c_portable(0, covered, sizeof(covered)));
    assert_int_equal(segment_load_u32(record + 40), 0);
    journal_close(&journal);
    assert_null(journal);
}

static void test_sequences_and_times_go_on_over_restarts(void **state) {
    uint64_t expected = 1;
    for (int restart = 0; restart < 5; restart++) {
        struct journal *journal = open_small(*state);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(append_one(journal, 1000), expected++);
        }
        journal_close(&journal);
    }
    struct seen seen = read_all(*state);
    assert_int_equal(seen.records, 50);
    assert_int_equal(seen.damages, 0);
    assert_int_equal(count_files(*state, ".log", NULL), 1);
}

static void test_time_never_steps_back(void **state) {
    struct journal *journal = open_small(*state);
    append_one(journal, 5000);
    assert_int_equal(journal_time(journal, 4000), 5000);
    assert_int_equal(journal_time(journal, 6000), 6000);
    append_one(journal, 4000);
    journal_close(&journal);
    journal = open_small(*state);
    assert_int_equal(journal_time(journal, 1), 5000);
    append_one(journal, 1);
    journal_close(&journal);
    struct seen seen = read_all(*state);
    assert_int_equal(seen.records, 3);
    assert_int_equal(seen.last_ms, 5000);
}

static void test_payloads_of_every_size_fit(void **state) {
    struct journal *journal = open_small(*state);
    uint64_t sequence;
    for (size_t size = 8; size <= JOURNAL_RECORD_BYTES_MAX; size += size < 100 ? 1 : 37) {
        assert_int_equal(append_sized(journal, 1, size, &sequence), JOURNAL_APPENDED);
        keep_journal(journal, 1);
    }
    assert_int_equal(append_sized(journal, 1, JOURNAL_RECORD_BYTES_MAX, &sequence),
                     JOURNAL_APPENDED);
    journal_close(&journal);
    struct seen seen = read_all(*state);
    assert_int_equal(seen.records, sequence);
    assert_int_equal(seen.damages, 0);
}

static void test_a_journal_rolls_over_many_segments_without_a_gap(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct journal_options options = small_options(*state);
    options.metrics = registry;
    struct journal *journal = journal_open(&options, NULL);
    assert_non_null(journal);
    uint64_t sequence = 0;
    for (uint64_t i = 1; i <= 20000; i++) {
        assert_int_equal(append_sized(journal, i, 8 + i % 200, &sequence), JOURNAL_APPENDED);
        assert_int_equal(sequence, i);
        if (i % 50 == 0) {
            keep_journal(journal, i);
        }
    }
    assert_int_equal(total(registry, "brinco_journal_records_total"), 20000);
    assert_true(total(registry, "brinco_journal_bytes_total") > 20000 * 24);
    size_t segments = count_files(*state, ".log", NULL);
    assert_true(segments > 30);
    assert_int_equal(total(registry, "brinco_journal_segments_prepared_total"), segments);
    assert_int_equal(total(registry, "brinco_journal_disk_bytes"), segments * SMALL_SEGMENT);
    journal_close(&journal);
    metric_registry_destroy(&registry);
    struct seen seen = read_all(*state);
    assert_int_equal(seen.records, 20000);
    assert_int_equal(seen.damages, 0);

    struct journal_segment *list;
    size_t count;
    assert_true(journal_list(*state, &list, &count, NULL));
    assert_int_equal(count, segments);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list[i].number, i + 1);
        assert_true(list[i].header_is_valid);
        assert_string_equal(list[i].edge_id, "edge-1");
        assert_int_equal(list[i].worker, 3);
        assert_int_equal(list[i].file_bytes, SMALL_SEGMENT);
    }
    free(list);
}

static void test_segments_are_made_of_real_blocks(void **state) {
    struct journal *journal = open_small(*state);
    char path[FIXTURE_PATH * 2];
    snprintf(path, sizeof(path), "%s/00000001.log", (char *)*state);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_blocks * 512 >= SMALL_SEGMENT);
    assert_int_equal(status.st_mode & 0777, 0600);
    journal_close(&journal);
}

/* Appends until the journal refuses; returns the last sequence. */
static uint64_t fill(struct journal *journal) {
    uint64_t sequence = 0;
    while (append_sized(journal, 1, 1000, &sequence) == JOURNAL_APPENDED) {
    }
    return sequence;
}

static void test_what_is_written_in_place_is_what_is_read(void **state) {
    struct journal *journal = open_small(*state);
    for (uint64_t i = 1; i <= 500; i++) {
        size_t size = 8 + i % 300;
        uint8_t *place = journal_reserve(journal, JOURNAL_RECORD_BYTES_MAX);
        assert_non_null(place);
        for (size_t at = 0; at < size; at++) {
            assert_int_equal(place[at], 0); /* nothing of the longer place before is left */
        }
        memset(place, 0xA5, size);
        segment_store_u64(place, i);
        assert_int_equal(journal_commit(journal, size), i);
        keep_journal(journal, i);
    }
    journal_close(&journal);
    struct journal_reader *reader = journal_reader_open(*state, 1, NULL);
    struct journal_record record;
    struct journal_damage damage;
    assert_non_null(reader);
    for (uint64_t i = 1; i <= 500; i++) {
        assert_int_equal(journal_reader_next(reader, &record, &damage, NULL), JOURNAL_READ_RECORD);
        assert_int_equal(record.sequence, i);
        assert_int_equal(record.payload.size, 8 + i % 300);
        assert_int_equal(segment_load_u64((const uint8_t *)record.payload.data), i);
        assert_true(record.payload.size == 8 || (uint8_t)record.payload.data[8] == 0xA5);
    }
    journal_reader_close(&reader);
}

static void test_a_full_journal_has_no_place(void **state) {
    struct journal *journal = open_small(*state);
    uint8_t *place;
    uint64_t last = 0;
    while ((place = journal_reserve(journal, 1000)) != NULL) {
        segment_store_u64(place, 1);
        last = journal_commit(journal, 1000);
    }
    struct journal_status status = journal_status(journal);
    assert_int_equal(status.lost, 1);
    assert_int_equal(status.next_sequence, last + 1);
    assert_false(status.accepting);
    keep_journal(journal, 1);
    place = journal_reserve(journal, 1000);
    assert_non_null(place);
    segment_store_u64(place, 1);
    assert_int_equal(journal_commit(journal, 1000), last + 1);
    journal_close(&journal);
}

static void test_without_a_next_segment_clicks_are_counted_as_lost(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct journal_options options = small_options(*state);
    options.metrics = registry;
    struct journal *journal = journal_open(&options, NULL);
    assert_true(journal_status(journal).accepting);
    uint64_t last = fill(journal);
    struct journal_status status = journal_status(journal);
    assert_int_equal(status.lost, 1);
    assert_false(status.accepting);
    assert_int_equal(status.next_sequence, last + 1);
    uint64_t sequence = 77;
    assert_int_equal(append_sized(journal, 1, 1000, &sequence), JOURNAL_FULL);
    assert_int_equal(sequence, 77);
    assert_int_equal(total(registry, "brinco_clicks_lost_total"), 2);

    keep_journal(journal, 1);
    assert_true(journal_status(journal).accepting); /* before any append: no tap may come */
    assert_int_equal(append_one(journal, 1), last + 1);
    assert_true(journal_status(journal).accepting);
    assert_int_equal(journal_status(journal).lost, 2);
    journal_close(&journal);
    metric_registry_destroy(&registry);
    struct seen seen = read_all(*state);
    assert_int_equal(seen.records, last + 1);
    assert_int_equal(seen.damages, 0);
}

static void test_at_its_size_limit_a_journal_refuses_until_there_is_room(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct journal_options options = small_options(*state);
    options.metrics = registry;
    options.disk_bytes_max = 3 * SMALL_SEGMENT;
    struct journal *journal = journal_open(&options, NULL);
    for (int i = 0; i < 200; i++) {
        uint64_t sequence;
        keep_journal(journal, 1000);
        (void)!append_sized(journal, 1, 1000, &sequence);
    }
    assert_int_equal(count_files(*state, ".log", NULL), 3);
    assert_false(journal_status(journal).accepting);
    /* Tried again, but not at every call. */
    uint64_t failures = total(registry, "brinco_journal_prepare_failures_total");
    assert_int_equal(failures, 1);
    keep_journal(journal, 1099);
    assert_int_equal(total(registry, "brinco_journal_prepare_failures_total"), 1);
    keep_journal(journal, 1100);
    assert_int_equal(total(registry, "brinco_journal_prepare_failures_total"), 2);

    char path[FIXTURE_PATH * 2];
    snprintf(path, sizeof(path), "%s/00000001.log", (char *)*state);
    unlink(path);
    keep_journal(journal, 1200);
    assert_true(journal_status(journal).accepting);
    append_one(journal, 1);
    fill(journal);
    journal_configure(journal, 10 * SMALL_SEGMENT, 1000);
    keep_journal(journal, 1201);
    append_one(journal, 1);
    journal_close(&journal);
    metric_registry_destroy(&registry);
}

static void limit_file_size(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_on_a_full_disk_a_journal_opens_refuses_and_recovers(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct journal_options options = small_options(*state);
    options.metrics = registry;
    limit_file_size(SMALL_SEGMENT / 2);
    struct journal *journal = journal_open(&options, NULL);
    assert_non_null(journal);
    uint64_t sequence;
    assert_int_equal(append_sized(journal, 1, 24, &sequence), JOURNAL_FULL);
    for (uint64_t now_ms = 1000; now_ms < 2000; now_ms += 10) {
        keep_journal(journal, now_ms);
    }
    assert_int_equal(total(registry, "brinco_journal_prepare_failures_total"), 11);
    assert_int_equal(count_files(*state, ".log", NULL), 0); /* nothing half-made is left */
    assert_false(journal_status(journal).accepting);

    limit_file_size(RLIM_INFINITY);
    keep_journal(journal, 2000);
    assert_int_equal(append_one(journal, 1), 1);
    assert_int_equal(total(registry, "brinco_clicks_lost_total"), 1);
    journal_close(&journal);
    metric_registry_destroy(&registry);
}

static void test_a_full_disk_in_the_middle_costs_only_what_did_not_fit(void **state) {
    struct journal *journal = open_small(*state);
    append_one(journal, 1);
    limit_file_size(SMALL_SEGMENT / 2);
    keep_journal(journal, 1000);
    uint64_t last = fill(journal);
    limit_file_size(RLIM_INFINITY);
    keep_journal(journal, 500); /* the clock stepped back: tried at once */
    assert_int_equal(append_one(journal, 1), last + 1);
    journal_close(&journal);
    struct seen seen = read_all(*state);
    assert_int_equal(seen.records, last + 1);
    assert_int_equal(seen.damages, 0);
}

static void test_syncs_happen_when_due_and_when_there_is_something(void **state) {
    static const char name[] = "brinco_journal_syncs_total";
    struct metric_registry *registry = metric_registry_create();
    struct journal_options options = small_options(*state);
    options.metrics = registry;
    struct journal *journal = journal_open(&options, NULL);
    keep_journal(journal, 10000);
    assert_int_equal(total(registry, name), 0);
    append_one(journal, 1);
    keep_journal(journal, 10999);
    assert_int_equal(total(registry, name), 0);
    keep_journal(journal, 11000);
    assert_int_equal(total(registry, name), 1);
    keep_journal(journal, 12000);
    assert_int_equal(total(registry, name), 1); /* nothing new */
    append_one(journal, 1);
    keep_journal(journal, 3000); /* stepped back */
    assert_int_equal(total(registry, name), 2);
    uint64_t sequence;
    for (int i = 0; i < 80; i++) { /* over the end of the segment: that one at once */
        assert_int_equal(append_sized(journal, 1, 1000, &sequence), JOURNAL_APPENDED);
    }
    keep_journal(journal, 3001);
    assert_int_equal(total(registry, name), 3);
    assert_int_equal(total(registry, "brinco_journal_sync_failures_total"), 0);
    journal_close(&journal);
    metric_registry_destroy(&registry);
}

static void test_a_second_writer_is_refused(void **state) {
    struct journal *journal = open_small(*state);
    struct journal_options options = small_options(*state);
    struct err err = {""};
    assert_null(journal_open(&options, &err));
    assert_non_null(strstr(err.text, "another process writes this journal"));
    assert_non_null(strstr(err.text, *state));
    journal_close(&journal);
    journal = open_small(*state);
    journal_close(&journal);
}

static void test_senseless_options_are_refused(void **state) {
    struct journal_options options = small_options(*state);
    struct err err = {""};
    options.segment_bytes = 16 * 1024;
    assert_null(journal_open(&options, &err));
    assert_non_null(strstr(err.text, "a segment of 16384 bytes"));
    options = small_options(*state);
    options.disk_bytes_max = 2 * SMALL_SEGMENT - 1;
    assert_null(journal_open(&options, &err));
    assert_non_null(strstr(err.text, "two segments"));
    options = small_options("/dev/null/x");
    assert_null(journal_open(&options, &err));
    assert_non_null(strstr(err.text, "/dev/null"));
}

static void test_a_prepared_segment_is_taken_again(void **state) {
    for (int i = 0; i < 3; i++) {
        struct journal *journal = open_small(*state);
        keep_journal(journal, 1);
        journal_close(&journal);
        assert_int_equal(count_files(*state, ".log", NULL), 8); /* no more than before */
    }
    struct journal *journal = open_small(*state);
    assert_int_equal(append_one(journal, 1), 1);
    keep_journal(journal, 1);
    assert_int_equal(count_files(*state, ".log", NULL), 9);
    journal_close(&journal);
    journal = open_small(*state);
    fill(journal);
    keep_journal(journal, 1);
    append_one(journal, 1);
    journal_close(&journal);
    struct seen seen = read_all(*state);
    assert_int_equal(seen.first_sequence, 1);
    assert_int_equal(seen.records, seen.last_sequence);
    assert_int_equal(seen.damages, 0);
}

static void test_other_sizes_and_names_begin_a_new_segment(void **state) {
    struct journal *journal = open_small(*state);
    append_one(journal, 1);
    journal_close(&journal);
    struct journal_options options = small_options(*state);
    options.edge_id = SLICE("edge-2");
    journal = journal_open(&options, NULL);
    assert_int_equal(append_one(journal, 1), 2);
    journal_close(&journal);
    options.worker = 4;
    options.segment_bytes = 2 * SMALL_SEGMENT;
    journal = journal_open(&options, NULL);
    assert_int_equal(append_one(journal, 1), 3);
    journal_close(&journal);
    struct journal_segment *list;
    size_t count;
    assert_true(journal_list(*state, &list, &count, NULL));
    assert_int_equal(count, 3);
    assert_string_equal(list[1].edge_id, "edge-2");
    assert_int_equal(list[1].first_sequence, 2);
    assert_int_equal(list[2].worker, 4);
    assert_int_equal(list[2].file_bytes, 2 * SMALL_SEGMENT);
    free(list);
    assert_int_equal(read_all(*state).records, 3);
}

/* Writes as fast as it can, says in the pipe how far it got, and is killed at it. */
static void write_until_killed(const char *directory, int out) {
    struct journal_options options = small_options(directory);
    struct journal *journal = journal_open(&options, NULL);
    uint64_t sequence;
    for (uint64_t i = 1; journal != NULL; i++) {
        if (append_sized(journal, i, 40 + i % 100, &sequence) != JOURNAL_APPENDED) {
            keep_journal(journal, i);
            continue;
        }
        if (i % 16 == 0) {
            keep_journal(journal, i);
        }
        if (write(out, &sequence, sizeof(sequence)) != sizeof(sequence)) {
            break;
        }
    }
    _exit(1);
}

static void test_kill_9_loses_nothing_that_was_acknowledged(void **state) {
    uint64_t reported = 0;
    for (int round = 0; round < 10; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            write_until_killed(*state, ends[1]);
        }
        close(ends[1]);
        uint64_t sequence = 0;
        for (int i = 0; i < 500 + 371 * round; i++) {
            assert_int_equal(read(ends[0], &sequence, sizeof(sequence)), sizeof(sequence));
            assert_int_equal(sequence, ++reported);
        }
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        while (read(ends[0], &sequence, sizeof(sequence)) == sizeof(sequence)) {
            assert_int_equal(sequence, ++reported);
        }
        close(ends[0]);
        struct seen seen = read_all(*state);
        assert_true(seen.last_sequence == reported || seen.last_sequence == reported + 1);
        assert_int_equal(seen.records, seen.last_sequence);
        assert_int_equal(seen.damages, 0);
        reported = seen.last_sequence;
    }
}

#define IN_DIRECTORY(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)

int main(void) {
    signal(SIGXFSZ, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_file_is_byte_for_byte_as_described),
        IN_DIRECTORY(test_sequences_and_times_go_on_over_restarts),
        IN_DIRECTORY(test_time_never_steps_back),
        IN_DIRECTORY(test_payloads_of_every_size_fit),
        IN_DIRECTORY(test_a_journal_rolls_over_many_segments_without_a_gap),
        IN_DIRECTORY(test_segments_are_made_of_real_blocks),
        IN_DIRECTORY(test_what_is_written_in_place_is_what_is_read),
        IN_DIRECTORY(test_a_full_journal_has_no_place),
        IN_DIRECTORY(test_without_a_next_segment_clicks_are_counted_as_lost),
        IN_DIRECTORY(test_at_its_size_limit_a_journal_refuses_until_there_is_room),
        IN_DIRECTORY(test_on_a_full_disk_a_journal_opens_refuses_and_recovers),
        IN_DIRECTORY(test_a_full_disk_in_the_middle_costs_only_what_did_not_fit),
        IN_DIRECTORY(test_syncs_happen_when_due_and_when_there_is_something),
        IN_DIRECTORY(test_a_second_writer_is_refused),
        IN_DIRECTORY(test_senseless_options_are_refused),
        IN_DIRECTORY(test_a_prepared_segment_is_taken_again),
        IN_DIRECTORY(test_other_sizes_and_names_begin_a_new_segment),
        IN_DIRECTORY(test_kill_9_loses_nothing_that_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
