/*
 * test_journal_reader.c - reading: live, over segments, and through damage that nobody cleared up.
 */
#include "journal_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

static void test_an_empty_directory_has_nothing_yet(void **state) {
    struct seen seen = read_all(*state);
    assert_records(seen, 0, 0);
    struct journal_segment *list = (void *)1;
    size_t count = 1;
    assert_true(journal_list(*state, &list, &count, NULL));
    assert_int_equal(count, 0);
    struct err err = {""};
    assert_null(journal_reader_open("/nowhere/at/all", 0, &err));
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_false(journal_list("/nowhere/at/all", &list, &count, &err));
}

static void test_a_reader_follows_the_writer(void **state) {
    struct seen seen = {0};
    struct journal_reader *reader = journal_reader_open(*state, 0, NULL);
    read_on(reader, &seen);
    struct journal *journal = open_small(*state);
    read_on(reader, &seen);
    for (uint64_t i = 1; i <= 6000; i++) {
        append_one(journal, i);
        if (i % 7 == 0) {
            keep_journal(journal, i);
        }
        if (i % 3 == 0) {
            read_on(reader, &seen);
            assert_records(seen, i, i);
        }
    }
    assert_int_equal(seen.damages, 0);
    assert_true(count_files(*state, ".log", NULL) >= 4);
    journal_close(&journal);
    journal_reader_close(&reader);
    assert_null(reader);
}

static void test_a_reader_begins_where_it_is_told(void **state) {
    struct journal *journal = open_small(*state);
    for (uint64_t i = 1; i <= 6000; i++) {
        append_one(journal, i);
        keep_journal(journal, i);
    }
    journal_close(&journal);
    struct journal_segment *list;
    size_t count;
    assert_true(journal_list(*state, &list, &count, NULL));
    assert_true(count >= 4);
    struct seen seen = {0};
    struct journal_reader *reader = journal_reader_open(*state, 3, NULL);
    read_on(reader, &seen);
    assert_int_equal(seen.first_sequence, list[2].first_sequence);
    assert_int_equal(seen.last_sequence, 6000);
    assert_int_equal(seen.damages, 0);
    journal_reader_close(&reader);
    free(list);
}

static void test_a_deleted_segment_is_a_gap_of_known_size(void **state) {
    struct journal *journal = open_small(*state);
    for (uint64_t i = 1; i <= 6000; i++) {
        append_one(journal, i);
        keep_journal(journal, i);
    }
    journal_close(&journal);
    int fd = open(*state, O_RDONLY | O_DIRECTORY);
    assert_int_equal(unlinkat(fd, "00000002.log", 0), 0);
    close(fd);
    struct seen seen = read_all(*state);
    assert_int_equal(seen.damages, 1);
    assert_int_equal(seen.records + seen.missing, 6000);
    assert_int_equal(seen.damage.segment, 3);
    assert_int_equal(seen.last_sequence, 6000);
}

/* The writer of two threads: appends, and waits for the keeper where it must. */
struct pair {
    struct journal *journal;
    const char *directory;
    uint64_t records;
    _Atomic bool is_written;
};

static void *write_all(void *argument) {
    struct pair *pair = argument;
    uint64_t sequence;
    for (uint64_t i = 0; i < pair->records;) {
        if (append_sized(pair->journal, i, 8 + i % 120, &sequence) == JOURNAL_APPENDED) {
            i++;
        }
    }
    atomic_store(&pair->is_written, true);
    return NULL;
}

static void *keep_all(void *argument) {
    struct pair *pair = argument;
    for (uint64_t now_ms = 0; !atomic_load(&pair->is_written); now_ms += 50) {
        keep_journal(pair->journal, now_ms);
        (void)journal_status(pair->journal);
    }
    return NULL;
}

static void test_reader_writer_and_keeper_run_beside_each_other(void **state) {
    struct pair pair = {.directory = *state, .records = 200000};
    struct journal_options options = small_options(*state);
    options.segment_bytes = 256 * 1024;
    pair.journal = journal_open(&options, NULL);
    assert_non_null(pair.journal);
    pthread_t writer;
    pthread_t keeper;
    assert_int_equal(pthread_create(&keeper, NULL, keep_all, &pair), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_all, &pair), 0);
    struct seen seen = {0};
    struct journal_reader *reader = journal_reader_open(*state, 0, NULL);
    while (!atomic_load(&pair.is_written)) {
        read_on(reader, &seen);
        assert_int_equal(seen.damages, 0);
    }
    read_on(reader, &seen);
    pthread_join(writer, NULL);
    pthread_join(keeper, NULL);
    assert_records(seen, pair.records, pair.records);
    assert_int_equal(seen.damages, 0);
    journal_reader_close(&reader);
    journal_close(&pair.journal);
}

static void test_a_swallowed_first_page_does_not_stop_a_reader_before_it(void **state) {
    struct journal *journal = open_small(*state);
    for (uint64_t i = 1; i <= 6000; i++) {
        append_one(journal, i);
        keep_journal(journal, i);
    }
    journal_close(&journal);
    static const uint8_t zeros[8192];
    poke(*state, "00000002.log", 0, zeros, sizeof(zeros)); /* its header as well */
    struct seen seen = read_all(*state);
    assert_int_equal(seen.last_sequence, 6000);
    assert_int_equal(seen.records + seen.missing, 6000);
    assert_true(seen.missing > 0);
}

static void test_damage_at_a_live_end_is_reported_once_and_passed_when_more_follows(void **state) {
    struct journal *journal = open_small(*state);
    for (uint64_t i = 1; i <= 3; i++) {
        append_one(journal, i);
    }
    uint8_t byte = 'X';
    poke(*state, FIRST_SEGMENT, offset_of(3) + 30, &byte, 1);
    struct seen seen = {0};
    struct journal_reader *reader = journal_reader_open(*state, 0, NULL);
    for (int i = 0; i < 10; i++) {
        read_on(reader, &seen);
        assert_records(seen, 2, 2);
        assert_int_equal(seen.damages, 1);
        assert_int_equal(seen.missing, 0); /* cannot be told yet */
    }
    append_one(journal, 4);
    for (int i = 0; i < 10; i++) {
        read_on(reader, &seen);
        assert_records(seen, 3, 4);
        assert_int_equal(seen.missing, 1); /* now it can */
    }
    for (uint64_t i = 5; i <= 3000; i++) {
        append_one(journal, i);
        keep_journal(journal, i);
    }
    read_on(reader, &seen);
    assert_records(seen, 2999, 3000);
    assert_int_equal(seen.missing, 1);
    journal_reader_close(&reader);
    journal_close(&journal);
}

static void test_a_record_that_was_only_half_copied_is_read_when_it_is_whole(void **state) {
    struct journal *journal = open_small(*state);
    append_one(journal, 1);
    append_one(journal, 2);
    uint8_t byte;
    uint8_t other = 'X';
    peek(*state, FIRST_SEGMENT, offset_of(2) + 30, &byte, 1);
    poke(*state, FIRST_SEGMENT, offset_of(2) + 30, &other, 1);
    struct seen seen = {0};
    struct journal_reader *reader = journal_reader_open(*state, 0, NULL);
    read_on(reader, &seen);
    assert_records(seen, 1, 1);
    poke(*state, FIRST_SEGMENT, offset_of(2) + 30, &byte, 1);
    read_on(reader, &seen);
    assert_records(seen, 2, 2);
    assert_int_equal(seen.missing, 0);
    journal_reader_close(&reader);
    journal_close(&journal);
}

static void test_a_long_damaged_end_is_searched_step_by_step(void **state) {
    struct journal *journal = open_small(*state);
    uint64_t sequence;
    for (uint64_t i = 1; i <= 15; i++) {
        assert_int_equal(append_sized(journal, i, 2000, &sequence), JOURNAL_APPENDED);
    }
    uint8_t noise[2];
    uint64_t size = segment_record_bytes(2000);
    for (uint64_t i = 1; i < 15; i++) { /* all but the first */
        memset(noise, (int)i, sizeof(noise));
        poke(*state, FIRST_SEGMENT, SEGMENT_HEADER_BYTES + i * size + 500, noise, sizeof(noise));
    }
    struct seen seen = {0};
    struct journal_reader *reader = journal_reader_open(*state, 0, NULL);
    read_on(reader, &seen);
    assert_records(seen, 1, 1);
    assert_int_equal(append_sized(journal, 16, 2000, &sequence), JOURNAL_APPENDED);
    for (int i = 0; i < 8; i++) {
        read_on(reader, &seen);
    }
    assert_records(seen, 2, 16);
    assert_int_equal(seen.missing, 14);
    journal_reader_close(&reader);
    journal_close(&journal);
}

static void test_other_files_in_the_directory_do_not_matter(void **state) {
    static const char *const names[] = {"00000000.log",  "1.log",         "0000000a.log",
                                        "00000001.logx", "000000001.log", "notes"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        close(open_file(*state, names[i], O_CREAT | O_WRONLY));
    }
    write_records(*state, RECORDS);
    assert_records(read_all(*state), RECORDS, RECORDS);
    assert_int_equal(count_files(*state, "", NULL), ARRAY_COUNT(names) + 3);
}

static void test_what_is_no_file_is_an_error_and_not_a_wait(void **state) {
    int fd = open(*state, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkfifoat(fd, "00000001.log", 0600), 0);
    close(fd);
    struct err err = {""};
    struct journal_options options = small_options(*state);
    assert_null(journal_open(&options, &err));
    struct journal_record record;
    struct journal_damage damage;
    struct journal_reader *reader = journal_reader_open(*state, 0, NULL);
    assert_int_equal(journal_reader_next(reader, &record, &damage, &err), JOURNAL_READ_FAILED);
    assert_non_null(strstr(err.text, "00000001.log"));
    journal_reader_close(&reader);
}

#define IN_DIRECTORY(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)

int main(void) {
    signal(SIGXFSZ, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_an_empty_directory_has_nothing_yet),
        IN_DIRECTORY(test_a_reader_follows_the_writer),
        IN_DIRECTORY(test_a_reader_begins_where_it_is_told),
        IN_DIRECTORY(test_a_deleted_segment_is_a_gap_of_known_size),
        IN_DIRECTORY(test_reader_writer_and_keeper_run_beside_each_other),
        IN_DIRECTORY(test_a_swallowed_first_page_does_not_stop_a_reader_before_it),
        IN_DIRECTORY(test_damage_at_a_live_end_is_reported_once_and_passed_when_more_follows),
        IN_DIRECTORY(test_a_record_that_was_only_half_copied_is_read_when_it_is_whole),
        IN_DIRECTORY(test_a_long_damaged_end_is_searched_step_by_step),
        IN_DIRECTORY(test_other_files_in_the_directory_do_not_matter),
        IN_DIRECTORY(test_what_is_no_file_is_an_error_and_not_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
