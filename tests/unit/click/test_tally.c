/*
 * tally.h: counting, days, deletions, a reader beside the writer.
 */
#include "tally_fixture.h"

/* --- counting ------------------------------------------------------------------------------- */

static void test_counts_what_is_answered(void **state) {
    struct tally *tally = open_tally(*state, 1);
    assert_true(tally_is_there(tally));
    count_run(tally, NOON, 1, 1000);
    tally_count(tally, NOON, 0);
    tally_count(tally, NOON, 0);
    count_run(tally, NOON, 1001, 1010);
    struct tally_day day = sum_of(*state, 20260105); /* while it is open */
    assert_int_equal(day.answered, 1012);
    assert_int_equal(day.journaled, 1010);
    assert_int_equal(day.lost[TALLY_LOST_FULL], 2);
    assert_int_equal(day.recovered, 0);
    assert_int_equal(day.first_sequence, 1);
    assert_int_equal(day.last_sequence, 1010);
    assert_string_equal(read_view(*state)->edge_id, "edge-1");
    assert_int_equal(read_view(*state)->worker, WORKER);
    tally_close(&tally);
    assert_null(tally);
}

static void test_goes_on_after_a_restart(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 10);
    tally_close(&tally);
    tally = open_tally(*state, 11);
    count_run(tally, NOON + 1000, 11, 15);
    tally_close(&tally);
    assert_int_equal(sum_of(*state, 20260105).answered, 15);
    assert_int_equal(read_view(*state)->day_count, 1);
}

static void test_a_day_lost_whole_has_no_sequences(void **state) {
    struct tally *tally = open_tally(*state, 1);
    tally_count(tally, NOON, 0);
    struct tally_day day = sum_of(*state, 20260105);
    assert_int_equal(day.answered, 1);
    assert_int_equal(day.journaled, 0);
    assert_true(day.first_sequence > day.last_sequence);
    tally_close(&tally);
}

static void test_each_day_has_its_own_numbers(void **state) {
    struct tally *tally = open_tally(*state, 1);
    uint64_t midnight = clock_day_of(NOON).end_ms;
    count_run(tally, midnight - 1, 1, 4);
    count_run(tally, midnight, 5, 7);
    assert_int_equal(sum_of(*state, 20260105).answered, 4);
    assert_int_equal(sum_of(*state, 20260106).answered, 3);
    assert_int_equal(sum_of(*state, 20260106).first_sequence, 5);
    tally_close(&tally);
}

/* A clock that steps over midnight: the journal's time stands still, or jumps days. */
static void test_days_may_be_left_out(void **state) {
    struct tally *tally = open_tally(*state, 1);
    tally_count(tally, NOON, 1);
    tally_count(tally, NOON + UINT64_C(40) * DAY_MS, 2);
    tally_count(tally, NOON + UINT64_C(40) * DAY_MS, 3);
    assert_int_equal(sum_of(*state, 20260105).answered, 1);
    assert_int_equal(sum_of(*state, 20260214).answered, 2);
    tally_close(&tally);
}

/* After stats.timezone was changed the same moment can be of the day before. */
static void test_a_day_may_come_back(void **state) {
    struct tally *tally = open_tally(*state, 1);
    uint64_t midnight = clock_day_of(NOON).end_ms;
    tally_count(tally, midnight + 1000, 1);
    setenv("TZ", "America/Mexico_City", 1);
    tzset();
    tally_close(&tally);
    tally = open_tally(*state, 2);
    tally_count(tally, midnight + DAY_MS, 2); /* the 6th there */
    tally_close(&tally);
    setenv("TZ", "UTC", 1);
    tzset();
    struct tally_view *view = read_view(*state);
    assert_int_equal(view->day_count, 2);
    assert_int_equal(view->days[0].yyyymmdd, 20260106);
    assert_int_equal(view->days[1].yyyymmdd, 20260106);
    assert_int_not_equal(view->days[0].begin_ms, view->days[1].begin_ms);
    assert_int_equal(sum_of(*state, 20260106).answered, 2);
}

static void test_the_oldest_makes_room(void **state) {
    struct tally *tally = open_tally(*state, 1);
    for (uint64_t i = 0; i < TALLY_DAYS + 7; i++) {
        tally_count(tally, NOON + i * DAY_MS, i + 1);
        tally_count(tally, NOON + i * DAY_MS, 0);
    }
    struct tally_view *view = read_view(*state);
    assert_int_equal(view->day_count, TALLY_DAYS);
    assert_int_equal(view->days[0].first_sequence, 8);
    assert_int_equal(view->last_sequence, TALLY_DAYS + 7);
    tally_close(&tally);
    tally = open_tally(*state, TALLY_DAYS + 8);
    tally_count(tally, NOON + (TALLY_DAYS + 6) * (uint64_t)DAY_MS, TALLY_DAYS + 8);
    assert_int_equal(read_view(*state)->days[TALLY_DAYS - 1].answered, 3);
    tally_close(&tally);
}

static void test_a_jump_begins_a_stretch(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 5);
    count_run(tally, NOON, 101, 105);
    struct tally_day day = sum_of(*state, 20260105);
    assert_int_equal(day.answered, 10);
    assert_int_equal(day.journaled, 10);
    assert_int_equal(read_view(*state)->day_count, 2);
    tally_close(&tally);
}

/* --- deletions ------------------------------------------------------------------------------ */

static void test_deletions_are_noted(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 100);
    tally_deleted(tally, 50);
    tally_deleted(tally, 40); /* never back */
    assert_int_equal(read_view(*state)->days[0].deleted_sequence, 50);
    tally_close(&tally);
    tally_deleted_in(*state, 60);
    tally_deleted_in(*state, 55);
    assert_int_equal(read_view(*state)->days[0].deleted_sequence, 60);
    tally_deleted_in("/nowhere", 1);
}

static void test_a_journal_that_makes_room_says_so(void **state) {
    struct journal_options options = small_options(*state);
    struct err err = {""};
    options.disk_bytes_max = 4 * SMALL_SEGMENT;
    struct journal *journal = journal_open(&options, &err);
    assert_non_null(journal);
    struct tally *tally = open_tally(*state, 1);
    journal_use_tally(journal, tally);
    uint64_t sequence = 0;
    for (unsigned i = 0; i < 200; i++) {
        keep_journal(journal, i * 1000);
        assert_int_equal(append_sized(journal, NOON, 4000, &sequence), JOURNAL_APPENDED);
        tally_count(tally, NOON, sequence);
        atomic_store(&journal->shipped_below, journal->current->number);
    }
    struct seen seen = read_all(*state);
    assert_true(seen.first_sequence > 1);
    assert_int_equal(read_view(*state)->days[0].deleted_sequence, seen.first_sequence - 1);
    journal_close(&journal);
    tally_close(&tally);
}

static void test_a_sync_of_the_journal_brings_the_tally_along(void **state) {
    struct journal *journal = open_small(*state);
    struct tally *tally = open_tally(*state, 1);
    journal_use_tally(journal, tally);
    tally_count(tally, NOON, append_one(journal, NOON));
    tally_count(tally, NOON, append_one(journal, NOON));
    journal_sync(journal, 100000);
    assert_int_equal(tally_load(&tally->header->synced), 2);
    tally_count(tally, NOON, append_one(journal, NOON));
    journal_sync(journal, 100500); /* not due */
    assert_int_equal(tally_load(&tally->header->synced), 2);
    journal_close(&journal);
    tally_close(&tally);
}

/* --- a reader beside the writer ------------------------------------------------------------- */

static void test_a_reader_never_sees_half_a_tap(void **state) {
    struct tally *tally = open_tally(*state, 1);
    tally_count(tally, NOON, 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (uint64_t i = 2; i <= 3000000; i++) {
            tally_count(tally, NOON, i);
        }
        _exit(0);
    }
    unsigned reads = 0;
    uint64_t last = 0;
    while (waitpid(child, NULL, WNOHANG) == 0) {
        struct tally_day day = sum_of(*state, 20260105);
        assert_int_equal(day.answered, day.journaled);
        assert_true(day.last_sequence >= last);
        last = day.last_sequence;
        reads++;
    }
    assert_true(reads > 0);
    assert_int_equal(sum_of(*state, 20260105).answered, 3000000);
    tally_close(&tally);
}

int main(void) {
    tally_fixture_init();
    const struct CMUnitTest tests[] = {
        TALLYING(test_counts_what_is_answered),
        TALLYING(test_goes_on_after_a_restart),
        TALLYING(test_a_day_lost_whole_has_no_sequences),
        TALLYING(test_each_day_has_its_own_numbers),
        TALLYING(test_days_may_be_left_out),
        TALLYING(test_a_day_may_come_back),
        TALLYING(test_the_oldest_makes_room),
        TALLYING(test_a_jump_begins_a_stretch),
        TALLYING(test_deletions_are_noted),
        TALLYING(test_a_journal_that_makes_room_says_so),
        TALLYING(test_a_sync_of_the_journal_brings_the_tally_along),
        TALLYING(test_a_reader_never_sees_half_a_tap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
