/*
 * tally.h: what a kill or a power cut leaves, and files that cannot be gone on with.
 */
#include "tally_fixture.h"

/* --- kills ---------------------------------------------------------------------------------- */

static void write_journal(const char *directory, uint64_t at_ms, uint64_t count) {
    struct journal *journal = open_small(directory);
    for (uint64_t i = 0; i < count; i++) {
        append_one(journal, at_ms);
    }
    journal_close(&journal);
}

static void test_a_kill_between_append_and_count_is_recovered(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 4);
    kill_tally(&tally);
    write_journal(*state, NOON, 5);
    tally = open_tally(*state, 6);
    struct tally_day day = sum_of(*state, 20260105);
    assert_int_equal(day.answered, 4);
    assert_int_equal(day.recovered, 1);
    assert_int_equal(day.journaled, 5);
    assert_int_equal(metric_of("brinco_tally_recovered_total", NULL), 1);
    tally_count(tally, NOON, 6);
    assert_int_equal(sum_of(*state, 20260105).answered, 5);
    tally_close(&tally);
    tally = open_tally(*state, 7); /* once only */
    assert_int_equal(sum_of(*state, 20260105).recovered, 1);
    tally_close(&tally);
}

static void test_recovered_records_are_booked_on_their_days(void **state) {
    uint64_t midnight = clock_day_of(NOON).end_ms;
    struct tally *tally = open_tally(*state, 1);
    kill_tally(&tally);
    write_journal(*state, midnight - 1, 3);
    write_journal(*state, midnight, 2);
    tally = open_tally(*state, 6);
    assert_int_equal(sum_of(*state, 20260105).recovered, 3);
    assert_int_equal(sum_of(*state, 20260106).recovered, 2);
    tally_close(&tally);
}

/* `answered` was stored, `last` not. */
static void test_a_kill_between_the_two_stores_counts_nothing_twice(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 4);
    tally_store(&tally->current->answered, 5);
    struct tally_day day = sum_of(*state, 20260105); /* a reader in between */
    assert_int_equal(day.answered, 4);
    kill_tally(&tally);
    write_journal(*state, NOON, 5);
    tally = open_tally(*state, 6);
    day = sum_of(*state, 20260105);
    assert_int_equal(day.answered, 4);
    assert_int_equal(day.recovered, 1);
    assert_int_equal(day.journaled, 5);
    tally_close(&tally);
}

static void test_a_kill_in_the_midst_of_recovery_recovers_once(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 4);
    tally_store(&tally->current->recovered, 1);
    tally_store(&tally->header->is_recovering, 1);
    kill_tally(&tally);
    write_journal(*state, NOON, 6);
    tally = open_tally(*state, 7);
    assert_int_equal(sum_of(*state, 20260105).answered, 4);
    assert_int_equal(sum_of(*state, 20260105).recovered, 2);
    tally_close(&tally);
}

static void test_a_kill_while_room_is_made_is_no_damage(void **state) {
    struct tally *tally = open_tally(*state, 1);
    for (uint64_t i = 0; i < TALLY_DAYS; i++) {
        tally_count(tally, NOON + i * DAY_MS, i + 1);
    }
    tally_store(&tally->stretches[tally_index(TALLY_DAYS + 1)].number, 0);
    kill_tally(&tally);
    assert_int_equal(read_view(*state)->day_count, TALLY_DAYS - 1);
    tally = open_tally(*state, TALLY_DAYS + 1);
    assert_int_equal(metric_of("brinco_tally_set_aside_total", NULL), 0);
    tally_close(&tally);
}

/* --- power cuts and missing journals -------------------------------------------------------- */

static void test_a_power_cut_is_booked_as_lost(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 90);
    assert_true(tally_sync(tally, 90));
    count_run(tally, NOON, 91, 100);
    kill_tally(&tally);
    tally = open_tally(*state, 96); /* the journal ends with 95 */
    struct tally_day day = sum_of(*state, 20260105);
    assert_int_equal(day.answered, 100);
    assert_int_equal(day.journaled, 100);
    assert_int_equal(day.lost[TALLY_LOST_POWER], 5);
    assert_int_equal(day.lost[TALLY_LOST_MISSING], 0);
    assert_int_equal(metric_of("brinco_tally_lost_total", "reason=\"power_cut\""), 5);
    count_run(tally, NOON, 96, 97); /* the journal uses the numbers again */
    tally_close(&tally);
    tally = open_tally(*state, 98);
    day = sum_of(*state, 20260105);
    assert_int_equal(day.answered, 102);
    assert_int_equal(day.lost[TALLY_LOST_POWER], 5);
    tally_close(&tally);
}

static void test_two_power_cuts_in_a_row(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 10);
    kill_tally(&tally);
    tally = open_tally(*state, 9);
    kill_tally(&tally);
    tally = open_tally(*state, 9);
    assert_int_equal(sum_of(*state, 20260105).lost[TALLY_LOST_POWER], 2);
    count_run(tally, NOON, 9, 10);
    kill_tally(&tally);
    tally = open_tally(*state, 9);
    assert_int_equal(sum_of(*state, 20260105).lost[TALLY_LOST_POWER], 4);
    kill_tally(&tally);
    tally = open_tally(*state, 7); /* what the first one left on the disk is no power cut's */
    assert_int_equal(sum_of(*state, 20260105).lost[TALLY_LOST_POWER], 4);
    assert_int_equal(sum_of(*state, 20260105).lost[TALLY_LOST_MISSING], 2);
    tally_close(&tally);
}

static void test_a_power_cut_over_midnight(void **state) {
    uint64_t midnight = clock_day_of(NOON).end_ms;
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, midnight - 1, 1, 10);
    count_run(tally, midnight, 11, 13);
    kill_tally(&tally);
    tally = open_tally(*state, 9);
    assert_int_equal(sum_of(*state, 20260105).lost[TALLY_LOST_POWER], 2);
    assert_int_equal(sum_of(*state, 20260106).lost[TALLY_LOST_POWER], 3);
    tally_close(&tally);
}

static void test_what_was_synced_is_missing_and_no_power_cut(void **state) {
    struct tally *tally = open_tally(*state, 1);
    count_run(tally, NOON, 1, 100);
    tally_deleted(tally, 30);
    assert_true(tally_sync(tally, 100));
    kill_tally(&tally);
    tally = open_tally(*state, 1); /* somebody deleted the whole journal */
    struct tally_day day = sum_of(*state, 20260105);
    assert_int_equal(day.lost[TALLY_LOST_MISSING], 70);
    assert_int_equal(day.lost[TALLY_LOST_POWER], 0);
    assert_int_equal(metric_of("brinco_tally_lost_total", "reason=\"missing\""), 70);
    count_run(tally, NOON, 1, 20);
    struct tally_view *view = read_view(*state);
    assert_int_equal(view->days[0].deleted_sequence, 30); /* stays so */
    assert_int_equal(view->days[view->day_count - 1].deleted_sequence, 0);
    tally_close(&tally);
}

/* --- files that cannot be gone on with ------------------------------------------------------ */

static void assert_set_aside(const char *directory, const char *name) {
    struct tally *tally = open_tally(directory, 11);
    char path[FIXTURE_PATH * 2];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(access(path, F_OK), 0);
    count_run(tally, NOON, 11, 12); /* taps are counted all the same */
    assert_int_equal(read_view(directory)->begun_after, 10);
    assert_int_equal(sum_of(directory, 20260105).answered, 2);
    tally_close(&tally);
}

static void make_tally(const char *directory) {
    directory_clear(directory);
    struct tally *tally = open_tally(directory, 1);
    count_run(tally, NOON, 1, 5);
    count_run(tally, NOON + DAY_MS, 6, 10);
    tally_close(&tally);
}

static void test_a_damaged_tally_is_set_aside(void **state) {
    static const size_t places[] = {
        0,                                             /* magic */
        40,                                            /* edge */
        TALLY_HEADER_BYTES + TALLY_STRETCH_BYTES,      /* number */
        TALLY_HEADER_BYTES + TALLY_STRETCH_BYTES + 8,  /* day */
        TALLY_HEADER_BYTES + TALLY_STRETCH_BYTES + 40, /* answered */
        TALLY_HEADER_BYTES + TALLY_STRETCH_BYTES + 48, /* last */
        TALLY_HEADER_BYTES + TALLY_STRETCH_BYTES + 80, /* numbering: no harm */
        TALLY_HEADER_BYTES + TALLY_STRETCH_BYTES + 88, /* lost_power: more than there was */
        TALLY_HEADER_BYTES + 2 * TALLY_STRETCH_BYTES + 40,
        TALLY_HEADER_BYTES + 2 * TALLY_STRETCH_BYTES + 56,
    };
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        make_tally(*state);
        poke(*state, TALLY_FILE, places[i], "\x77", 1);
        if (i == 6) {
            assert_int_equal(read_view(*state)->day_count, 2);
        } else {
            assert_set_aside(*state, TALLY_BAD);
        }
    }
    make_tally(*state);
    poke(*state, TALLY_FILE, 0, "x", 1);
    assert_set_aside(*state, TALLY_BAD);
    poke(*state, TALLY_FILE, 0, "x", 1);
    assert_set_aside(*state, TALLY_BAD ".2");
    assert_true(metric_of("brinco_tally_set_aside_total", NULL) >= 2);
}

static void test_a_cut_off_tally_is_set_aside(void **state) {
    make_tally(*state);
    char path[FIXTURE_PATH * 2];
    snprintf(path, sizeof(path), "%s/" TALLY_FILE, (const char *)*state);
    assert_int_equal(truncate(path, 5000), 0);
    assert_set_aside(*state, TALLY_BAD);
}

static void test_another_edges_tally_is_kept_under_its_name(void **state) {
    static struct tally_view view;
    struct err err = {""};
    struct tally *tally = tally_open(&(struct tally_options){
        .directory = *state, .edge_id = SLICE("edge-0"), .worker = WORKER, .next_sequence = 1});
    count_run(tally, NOON, 1, 10);
    tally_close(&tally);
    assert_set_aside(*state, TALLY_OTHER_BEGIN "edge-0");
    assert_int_equal(tally_read(*state, TALLY_OTHER_BEGIN "edge-0", &view, &err), TALLY_READ);
    assert_string_equal(view.edge_id, "edge-0");
    assert_int_equal(view.days[0].answered, 10);
}

static void test_taps_are_answered_without_a_tally(void **state) {
    struct rlimit old;
    struct rlimit none = {.rlim_cur = 1000};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    struct tally *tally = open_tally(*state, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(tally_is_there(tally));
    assert_int_equal(metric_of("brinco_tally_absent", NULL), 1);
    count_run(tally, NOON, 1, 3);
    tally_count(tally, NOON, 0);
    tally_deleted(tally, 2);
    assert_true(tally_sync(tally, 3));
    tally_close(&tally);
    assert_int_equal(count_files(*state, "tally", NULL), 0);
    assert_int_equal(count_files(*state, ".tmp", NULL), 0);
}

static void test_a_missing_file_is_told_from_a_bad_one(void **state) {
    static struct tally_view view;
    struct err err = {""};
    assert_int_equal(tally_read(*state, TALLY_FILE, &view, &err), TALLY_ABSENT);
    char path[FIXTURE_PATH * 2];
    snprintf(path, sizeof(path), "%s/" TALLY_FILE, (const char *)*state);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(tally_read(*state, TALLY_FILE, &view, &err), TALLY_DAMAGED);
    struct tally *tally = open_tally(*state, 1); /* it cannot be moved either */
    assert_false(tally_is_there(tally));
    tally_close(&tally);
    rmdir(path);
}

int main(void) {
    tally_fixture_init();
    const struct CMUnitTest tests[] = {
        TALLYING(test_a_kill_between_append_and_count_is_recovered),
        TALLYING(test_recovered_records_are_booked_on_their_days),
        TALLYING(test_a_kill_between_the_two_stores_counts_nothing_twice),
        TALLYING(test_a_kill_in_the_midst_of_recovery_recovers_once),
        TALLYING(test_a_kill_while_room_is_made_is_no_damage),
        TALLYING(test_a_power_cut_is_booked_as_lost),
        TALLYING(test_two_power_cuts_in_a_row),
        TALLYING(test_a_power_cut_over_midnight),
        TALLYING(test_what_was_synced_is_missing_and_no_power_cut),
        TALLYING(test_a_damaged_tally_is_set_aside),
        TALLYING(test_a_cut_off_tally_is_set_aside),
        TALLYING(test_another_edges_tally_is_kept_under_its_name),
        TALLYING(test_taps_are_answered_without_a_tally),
        TALLYING(test_a_missing_file_is_told_from_a_bad_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
