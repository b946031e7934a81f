/*
 * test_journal_recover.c - reopening after a death or damage: what stays readable, what is cut and
 * kept aside, and that sequences and times go on.
 */
#include "journal_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/metrics.h"

/* What reopening must leave after damage: everything readable, and sequences that go on above
 * all that can be recognised. */
static void assert_goes_on(const char *directory, uint64_t readable, uint64_t last) {
    struct journal *journal = open_small(directory);
    assert_int_equal(journal_status(journal).next_sequence, last + 1);
    assert_int_equal(append_one(journal, 1), last + 1);
    journal_close(&journal);
    struct seen seen = read_all(directory);
    assert_records(seen, readable + 1, last + 1);
    assert_int_equal(seen.missing, last - readable);
    assert_true(seen.last_ms >= 100 + last - 1); /* times go on too */
}

static void test_torn_at_every_byte_the_whole_records_stay(void **state) {
    for (uint64_t cut = offset_of(4); cut < offset_of(6); cut++) {
        directory_clear(*state);
        write_records(*state, RECORDS);
        uint8_t before[2 * RECORD];
        static const uint8_t zeros[2 * RECORD];
        poke(*state, FIRST_SEGMENT, cut, zeros, offset_of(6) - cut);
        peek(*state, FIRST_SEGMENT, offset_of(4), before, sizeof(before));

        /* A payload's last bytes are not zero, so a cut inside a record is always seen. */
        uint64_t whole = cut >= offset_of(5) ? 4 : 3;
        bool is_torn = cut % 8 != 0 || (cut - SEGMENT_HEADER_BYTES) % RECORD != 0;
        struct seen seen = read_all(*state);
        assert_records(seen, whole, whole);
        bool has_length = (cut - SEGMENT_HEADER_BYTES) % RECORD > 0;
        assert_int_equal(seen.damages, has_length);

        assert_goes_on(*state, whole, whole);
        char name[256];
        assert_int_equal(count_files(*state, ".torn", name), is_torn);
        if (is_torn) {
            char expected[64];
            snprintf(expected, sizeof(expected), "00000001.%" PRIu64 ".torn", offset_of(whole + 1));
            assert_string_equal(name, expected);
            uint8_t kept;
            peek(*state, name, 0, &kept, 1);
            assert_int_equal(kept, before[offset_of(whole + 1) - offset_of(4)]);
        }
        assert_int_equal(read_all(*state).damages, 0);
        assert_int_equal(count_files(*state, ".log", NULL), 1);
    }
}

static void test_a_flipped_bit_costs_its_own_record_and_no_other(void **state) {
    struct journal_damage damage;
    for (uint64_t bit = 0; bit < (uint64_t)2 * RECORD * 8; bit++) {
        directory_clear(*state);
        write_records(*state, RECORDS);
        uint64_t offset = offset_of(4) + bit / 8;
        uint8_t byte;
        peek(*state, FIRST_SEGMENT, offset, &byte, 1);
        byte ^= (uint8_t)(1u << bit % 8);
        poke(*state, FIRST_SEGMENT, offset, &byte, 1);

        uint64_t hit = 4 + bit / 8 / RECORD;
        struct seen seen = read_all(*state);
        damage = seen.damage;
        if (hit == 4) { /* in the middle: passed over, and stays where it is */
            assert_records(seen, 4, 5);
            assert_int_equal(seen.damages, 1);
            assert_int_equal(damage.missing, 1);
            assert_int_equal(damage.sequence, 4);
            assert_int_equal(damage.offset, offset_of(4));
            assert_int_equal(damage.resumed_offset, offset_of(5));
            assert_goes_on(*state, 4, 5);
            assert_int_equal(count_files(*state, ".torn", NULL), 0);
            assert_int_equal(count_files(*state, ".log", NULL), 2);
        } else { /* at the end: cut, and kept aside */
            assert_records(seen, 4, 4);
            assert_int_equal(damage.offset, offset_of(5));
            assert_int_equal(damage.resumed_offset, offset_of(6));
            assert_goes_on(*state, 4, 4);
            char name[256];
            uint8_t kept[RECORD];
            assert_int_equal(count_files(*state, ".torn", name), 1);
            peek(*state, name, 0, kept, sizeof(kept));
            assert_int_equal(kept[offset - offset_of(5)], byte);
            assert_int_equal(count_files(*state, ".log", NULL), 1);
        }
    }
}

/* Pages reach the disk in any order: a power cut can swallow one and leave those behind. */
static void test_a_swallowed_page_hides_nothing_behind_it(void **state) {
    struct journal *journal = open_small(*state);
    for (uint64_t i = 1; i <= 1000; i++) {
        append_one(journal, i);
    }
    journal_close(&journal);
    static const uint8_t zeros[4096];
    poke(*state, FIRST_SEGMENT, 8192, zeros, sizeof(zeros));
    /* Records 103 (which begins in the page before) to 205 touch the page. */
    uint64_t first = (8192 - SEGMENT_HEADER_BYTES) / RECORD + 1;
    uint64_t behind = (8192 + 4096 - SEGMENT_HEADER_BYTES - 1) / RECORD + 2;
    journal = open_small(*state);
    assert_int_equal(append_one(journal, 1), 1001);
    journal_close(&journal);
    struct seen seen = read_all(*state);
    assert_records(seen, 1001 - (behind - first), 1001);
    assert_int_equal(seen.missing, behind - first);
    assert_int_equal(seen.damages, 1);
    assert_int_equal(count_files(*state, ".torn", NULL), 0);
}

static void test_bytes_inside_a_payload_are_never_taken_for_a_far_record(void **state) {
    struct journal *journal = open_small(*state);
    append_one(journal, 100);
    uint8_t payload[128] = {0};
    segment_store_u64(payload, 101);
    uint8_t *forged = payload + 16; /* 8-aligned in the file */
    segment_store_u32(forged, 24);
    segment_store_u64(forged + 8, 1000000);
    segment_store_u32(forged + 4, segment_record_crc(forged, 24));
    uint64_t sequence;
    struct slice slice = slice_make((const char *)payload, sizeof(payload));
    assert_int_equal(journal_append(journal, slice, &sequence), JOURNAL_APPENDED);
    journal_close(&journal);
    uint8_t byte = 0xEE;
    poke(*state, FIRST_SEGMENT, offset_of(2) + 4, &byte, 1);
    struct seen seen = read_all(*state);
    assert_records(seen, 1, 1);
    assert_goes_on(*state, 1, 1);
}

static void test_records_of_a_last_segment_without_header_stay_and_numbers_go_on(void **state) {
    for (size_t offset = 0; offset < 100; offset += 3) {
        uint8_t byte;
        directory_clear(*state);
        write_records(*state, RECORDS);
        peek(*state, FIRST_SEGMENT, offset, &byte, 1);
        byte ^= 0x10;
        poke(*state, FIRST_SEGMENT, offset, &byte, 1);

        struct seen seen = read_all(*state); /* its records are read all the same */
        assert_records(seen, RECORDS, RECORDS);
        assert_int_equal(seen.damages, 1);
        assert_int_equal(seen.damage.offset, 0);

        struct journal *journal = open_small(*state);
        assert_int_equal(append_one(journal, 1), RECORDS + 1);
        journal_close(&journal);
        assert_int_equal(count_files(*state, ".torn", NULL), 0);
        seen = read_all(*state);
        assert_records(seen, RECORDS + 1, RECORDS + 1);
        assert_int_equal(seen.damages, 1);
    }
}

/* Nothing of it is left, and a prepared one follows: it is not taken for another prepared one. */
static void test_a_last_segment_wiped_to_zeros_is_loud_and_no_sequence_comes_again(void **state) {
    static const off_t sizes[] = {0, 50, SEGMENT_HEADER_BYTES, SMALL_SEGMENT};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        directory_clear(*state);
        struct journal *journal = open_small(*state);
        uint64_t had = 0;
        for (; count_files(*state, ".log", NULL) < 4; had++) {
            append_one(journal, 100 + had);
            keep_journal(journal, had);
        }
        journal_close(&journal);
        struct journal_segment *list;
        size_t count;
        assert_true(journal_list(*state, &list, &count, NULL));
        size_t last = count;
        while (list[last - 1].first_sequence == 0) {
            last--;
        }
        char name[SEGMENT_NAME_BYTES];
        segment_name(list[last - 1].number, name);
        uint64_t whole = list[last - 1].first_sequence - 1;
        free(list);
        int fd = open_file(*state, name, O_RDWR | O_TRUNC);
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        close(fd);

        struct metric_registry *registry = metric_registry_create();
        struct journal_options options = small_options(*state);
        options.metrics = registry;
        journal = journal_open(&options, NULL);
        assert_non_null(journal);
        assert_int_equal(metric_registry_total(registry, "brinco_journal_torn_total", NULL), 1);
        assert_true(append_one(journal, 1) > had);
        journal_close(&journal);
        metric_registry_destroy(&registry);
        assert_int_equal(count_files(*state, ".torn", NULL), 1);
        struct seen seen = read_all(*state);
        assert_int_equal(seen.records, whole + 1);
        assert_int_equal(seen.damages, whole > 0);
        assert_true(seen.missing >= had - whole || whole == 0);
    }
}

static void test_a_header_that_was_not_begun_is_begun_from_its_records(void **state) {
    write_records(*state, RECORDS);
    uint8_t page[SEGMENT_HEADER_USED];
    peek(*state, FIRST_SEGMENT, 0, page, sizeof(page));
    segment_header_begin(page, 0); /* as it was prepared: what a power cut can bring back */
    poke(*state, FIRST_SEGMENT, 0, page, sizeof(page));
    assert_records(read_all(*state), RECORDS, RECORDS);
    assert_goes_on(*state, RECORDS, RECORDS);
    struct journal_segment *list;
    size_t count;
    assert_true(journal_list(*state, &list, &count, NULL));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].first_sequence, 1);
    free(list);
}

static void test_a_newer_format_is_not_touched(void **state) {
    write_records(*state, RECORDS);
    uint8_t page[SEGMENT_HEADER_USED];
    peek(*state, FIRST_SEGMENT, 0, page, sizeof(page));
    segment_store_u32(page + 8, 2);
    segment_header_begin(page, 1); /* the same seal */
    poke(*state, FIRST_SEGMENT, 0, page, sizeof(page));
    struct journal_options options = small_options(*state);
    struct err err = {""};
    assert_null(journal_open(&options, &err));
    assert_non_null(strstr(err.text, "newer version"));
    struct seen seen = read_all(*state);
    assert_records(seen, 0, 0);
    assert_int_equal(seen.damages, 1);
}

static void test_files_cut_short_anywhere_are_read_as_far_as_they_go(void **state) {
    static const uint64_t sizes[] = {0, 1, 99, 100, 4095, 4096, 4097, 4100, 4135, 4136, 4150, 4296};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        directory_clear(*state);
        write_records(*state, RECORDS);
        int fd = open_file(*state, FIRST_SEGMENT, O_RDWR);
        assert_int_equal(ftruncate(fd, (off_t)sizes[i]), 0);
        close(fd);
        uint64_t whole = sizes[i] < 4096 ? 0 : (sizes[i] - 4096) / RECORD;
        assert_records(read_all(*state), whole, whole);
        struct journal *journal = open_small(*state);
        uint64_t next = append_one(journal, 1);
        if (sizes[i] < SEGMENT_HEADER_BYTES) { /* all may have been in it */
            assert_true(next > RECORDS);
        } else {
            assert_int_equal(next, whole + 1);
        }
        journal_close(&journal);
        assert_records(read_all(*state), whole + 1, next);
    }
}

static void test_a_torn_end_that_cannot_be_kept_aside_stays_in_place(void **state) {
    write_records(*state, RECORDS);
    uint8_t byte = 0xEE;
    poke(*state, FIRST_SEGMENT, offset_of(5) + 20, &byte, 1);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 8;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct journal *journal = open_small(*state);
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(count_files(*state, ".torn", NULL), 0);
    keep_journal(journal, 1);
    assert_int_equal(append_one(journal, 1), RECORDS); /* number 5 was never whole */
    journal_close(&journal);
    struct seen seen = read_all(*state);
    assert_records(seen, RECORDS, RECORDS);
    assert_int_equal(seen.damages, 1);
    assert_int_equal(seen.damage.resumed_offset, offset_of(6));
}

static void test_ends_torn_twice_at_one_place_are_both_kept(void **state) {
    for (int i = 1; i <= 3; i++) {
        write_records(*state, i == 1 ? RECORDS : 1);
        uint8_t byte = 0xEE;
        poke(*state, FIRST_SEGMENT, offset_of(5) + 20, &byte, 1);
        struct journal *journal = open_small(*state);
        journal_close(&journal);
        assert_int_equal(count_files(*state, ".torn", NULL), i);
    }
}

static void test_what_was_torn_is_counted(void **state) {
    write_records(*state, RECORDS);
    uint8_t byte = 0xEE;
    poke(*state, FIRST_SEGMENT, offset_of(5) + 20, &byte, 1);
    struct metric_registry *registry = metric_registry_create();
    struct journal_options options = small_options(*state);
    options.metrics = registry;
    struct journal *journal = journal_open(&options, NULL);
    assert_int_equal(metric_registry_total(registry, "brinco_journal_torn_total", NULL), 1);
    journal_close(&journal);
    metric_registry_destroy(&registry);
}

static void test_a_journal_of_the_highest_sequence_is_refused(void **state) {
    write_records(*state, 1);
    uint8_t page[SEGMENT_HEADER_USED];
    uint8_t record[RECORD];
    peek(*state, FIRST_SEGMENT, 0, page, sizeof(page));
    segment_header_begin(page, SEGMENT_SEQUENCE_MAX);
    poke(*state, FIRST_SEGMENT, 0, page, sizeof(page));
    peek(*state, FIRST_SEGMENT, offset_of(1), record, sizeof(record));
    segment_store_u64(record + 8, SEGMENT_SEQUENCE_MAX);
    segment_store_u32(record + 4, segment_record_crc(record, 24));
    poke(*state, FIRST_SEGMENT, offset_of(1), record, sizeof(record));
    struct journal_options options = small_options(*state);
    struct err err = {""};
    assert_null(journal_open(&options, &err));
    assert_non_null(strstr(err.text, "none can follow"));
}

static void test_the_last_possible_number_ends_the_journal_in_an_orderly_way(void **state) {
    close(open_file(*state, "99999999.log", O_CREAT | O_WRONLY));
    uint8_t page[SEGMENT_HEADER_USED];
    struct segment_header header = {.first_sequence = 7, .worker = 3, .edge_id = "edge-1"};
    segment_header_encode(&header, page);
    poke(*state, "99999999.log", 0, page, sizeof(page));
    poke(*state, "99999999.log", SEGMENT_HEADER_BYTES - 1, "", 1);
    struct journal *journal = open_small(*state);
    uint64_t sequence;
    assert_int_equal(append_sized(journal, 1, 24, &sequence), JOURNAL_FULL);
    assert_int_equal(journal_status(journal).next_sequence, 7);
    journal_close(&journal);
    assert_records(read_all(*state), 0, 0);
}

#define IN_DIRECTORY(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)

int main(void) {
    signal(SIGXFSZ, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_torn_at_every_byte_the_whole_records_stay),
        IN_DIRECTORY(test_a_flipped_bit_costs_its_own_record_and_no_other),
        IN_DIRECTORY(test_a_swallowed_page_hides_nothing_behind_it),
        IN_DIRECTORY(test_bytes_inside_a_payload_are_never_taken_for_a_far_record),
        IN_DIRECTORY(test_records_of_a_last_segment_without_header_stay_and_numbers_go_on),
        IN_DIRECTORY(test_a_last_segment_wiped_to_zeros_is_loud_and_no_sequence_comes_again),
        IN_DIRECTORY(test_a_header_that_was_not_begun_is_begun_from_its_records),
        IN_DIRECTORY(test_a_newer_format_is_not_touched),
        IN_DIRECTORY(test_files_cut_short_anywhere_are_read_as_far_as_they_go),
        IN_DIRECTORY(test_a_torn_end_that_cannot_be_kept_aside_stays_in_place),
        IN_DIRECTORY(test_ends_torn_twice_at_one_place_are_both_kept),
        IN_DIRECTORY(test_what_was_torn_is_counted),
        IN_DIRECTORY(test_a_journal_of_the_highest_sequence_is_refused),
        IN_DIRECTORY(test_the_last_possible_number_ends_the_journal_in_an_orderly_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
