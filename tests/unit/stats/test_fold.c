/* fold.h: where a batch ends, what is no click after all, and how it falls into parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "fold_fixture.h"

enum { HOUR_MS = 3600 * 1000 };

static int make_fold(void **state) {
    *state = fold_create();
    return 0;
}

static int free_fold(void **state) {
    struct fold *fold = *state;
    fold_destroy(&fold);
    assert_null(fold);
    return 0;
}

static void set_zone(const char *zone) {
    struct err err;
    assert_true(clock_set_zone(zone, &err));
}

static void a_batch_says_what_is_in_it(void **state) {
    struct fold *fold = *state;
    set_zone("America/Mexico_City");
    take_tap(fold, 1, &(struct tap){0});
    take_tap(fold, 2, &(struct tap){.kind = "preview"});
    take_tap(fold, 5, &(struct tap){.kind = "nonsense"});
    const struct fold_summary *summary = fold_summary(fold);
    assert_int_equal(summary->day, 20261121);
    assert_int_equal(summary->hour, 12);
    assert_int_equal(summary->day_end_ms, noon_ms + 12 * HOUR_MS);
    assert_int_equal(summary->entries, 3);
    assert_int_equal(summary->malformed, 1);
    assert_int_equal(summary->first.sequence, 1);
    assert_int_equal(summary->last.sequence, 5);
    assert_int_equal(summary->last_malformed.sequence, 5);
    fold_clear(fold);
    assert_int_equal(fold_summary(fold)->entries, 0);
}

static void a_batch_ends_with_its_hour(void **state) {
    struct fold *fold = *state;
    set_zone("America/Mexico_City");
    struct tap last = {.at_ms = noon_ms + HOUR_MS - 1};
    struct tap next = {.at_ms = noon_ms + HOUR_MS};
    take_tap(fold, 1, &(struct tap){0});
    take_tap(fold, 2, &last);
    assert_int_equal(fold_tap(fold, 3, &next), FOLD_FULL);
    assert_int_equal(fold_summary(fold)->entries, 2);
    fold_clear(fold);
    take_tap(fold, 3, &next);
    assert_int_equal(fold_summary(fold)->hour, 13);
    assert_int_equal(fold_tap(fold, 4, &last), FOLD_FULL); /* nor does it go back */
}

/* Hours are counted from midnight on, whatever clocks on walls did. */
static void days_of_23_and_25_hours(void **state) {
    static const struct {
        uint64_t midnight_ms;
        int32_t day;
        int hours;
    } days[] = {
        {UINT64_C(1774738800000), 20260329, 23}, /* the last Sunday of March */
        {UINT64_C(1792879200000), 20261025, 25}, /* and of October */
    };
    struct fold *fold = *state;
    set_zone("Europe/Berlin");
    for (size_t i = 0; i < ARRAY_COUNT(days); i++) {
        for (int hour = 0; hour < days[i].hours; hour++) {
            uint64_t begins_ms = days[i].midnight_ms + (uint64_t)hour * HOUR_MS;
            fold_clear(fold);
            take_tap(fold, 1, &(struct tap){.at_ms = begins_ms});
            take_tap(fold, 2, &(struct tap){.at_ms = begins_ms + HOUR_MS - 1});
            assert_int_equal(fold_summary(fold)->day, days[i].day);
            assert_int_equal(fold_summary(fold)->hour, hour);
            assert_int_equal(fold_tap(fold, 3, &(struct tap){.at_ms = begins_ms + HOUR_MS}),
                             FOLD_FULL);
        }
        fold_clear(fold);
        take_tap(fold, 1,
                 &(struct tap){.at_ms = days[i].midnight_ms + (uint64_t)days[i].hours * HOUR_MS});
        assert_int_equal(fold_summary(fold)->day, days[i].day + 1);
        assert_int_equal(fold_summary(fold)->hour, 0);
    }
    set_zone("America/Mexico_City");
}

static void any_time_that_an_id_may_have_is_some_day(void **state) {
    static const uint64_t times[] = {
        0, 1, UINT64_C(253402300799999), UINT64_C(253402300800000), UINT64_C(1) << 60, UINT64_MAX};
    struct fold *fold = *state;
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct made_entry made;
        struct entry *entry = make_entry(&made, 1, &(struct tap){0});
        entry->id.ms = times[i];
        fold_clear(fold);
        assert_int_equal(fold_add(fold, entry), FOLD_TAKEN);
        assert_in_range(fold_summary(fold)->day, 19691231, 99991231);
        assert_in_range(fold_summary(fold)->hour, 0, CELL_HOURS_MAX - 1);
    }
}

static uint64_t malformed_after(struct fold *fold, const struct tap *tap) {
    fold_clear(fold);
    take_tap(fold, 1, tap);
    return fold_summary(fold)->malformed;
}

static void names_that_could_not_stand_in_a_key_make_no_click(void **state) {
    struct fold *fold = *state;
    assert_int_equal(malformed_after(fold, &(struct tap){.code = "A:20261121"}), 1);
    assert_int_equal(malformed_after(fold, &(struct tap){.code = ""}), 1);
    assert_int_equal(malformed_after(fold, &(struct tap){.campaign = "a\tb"}), 1);
    assert_int_equal(malformed_after(fold, &(struct tap){.campaign = ""}), 0);
    /* A code that is no link is only looked at by those who answered it. */
    assert_int_equal(malformed_after(fold, &(struct tap){.code = "a:b", .outcome = "not_found"}),
                     0);
    assert_int_equal(malformed_after(fold, &(struct tap){.code = "", .outcome = "default"}), 0);
    assert_int_equal(malformed_after(fold, &(struct tap){.platform = "amiga"}), 1);
}

static void an_entry_that_is_no_click_is_counted_as_such(void **state) {
    struct fold *fold = *state;
    struct entry none = {.id = {noon_ms, 9}, .is_click = false};
    assert_int_equal(fold_add(fold, &none), FOLD_TAKEN);
    assert_int_equal(fold_summary(fold)->entries, 1);
    assert_int_equal(fold_summary(fold)->malformed, 1);
    assert_int_equal(fold_parts(fold), 1);
}

/* Adds taps of another kind each until the batch is full; how many it took. */
static uint64_t fill(struct fold *fold, void (*vary)(uint64_t n, struct tap *tap, char *text)) {
    for (uint64_t n = 0;; n++) {
        char text[32];
        struct tap tap = {.visitor = n};
        vary(n, &tap, text);
        if (fold_tap(fold, n + 1, &tap) == FOLD_FULL) {
            return n;
        }
    }
}

static void vary_nothing(uint64_t n, struct tap *tap, char *text) {
    (void)n;
    (void)tap;
    (void)text;
}

static void vary_source(uint64_t n, struct tap *tap, char *text) {
    snprintf(text, 32, "%lu", (unsigned long)n);
    tap->source = text;
}

static void vary_code(uint64_t n, struct tap *tap, char *text) {
    snprintf(text, 32, "c%lu", (unsigned long)n);
    tap->code = text;
}

static void vary_campaign(uint64_t n, struct tap *tap, char *text) {
    snprintf(text, 32, "c%lu", (unsigned long)n);
    tap->campaign = text;
}

/* Many links, each with another tuple, in few of either. */
static void vary_pairs(uint64_t n, struct tap *tap, char *text) {
    snprintf(text, 16, "s%lu", (unsigned long)(n % 1000));
    snprintf(text + 16, 16, "c%lu", (unsigned long)(n / 1000 % 1000));
    tap->source = text;
    tap->code = text + 16;
    tap->campaign = "";
}

static void a_batch_is_full_at_each_of_its_limits(void **state) {
    struct fold *fold = *state;
    assert_int_equal(fill(fold, vary_nothing), FOLD_ENTRIES_MAX);
    fold_clear(fold);
    assert_in_range(fill(fold, vary_source), FOLD_TUPLES_MAX - 2, FOLD_TUPLES_MAX);
    fold_clear(fold);
    assert_int_equal(fill(fold, vary_code), FOLD_LINKS_MAX);
    fold_clear(fold);
    assert_int_equal(fill(fold, vary_campaign), FOLD_CAMPAIGNS_MAX);
    fold_clear(fold);
    assert_in_range(fill(fold, vary_pairs), FOLD_PAIRS_MAX - 2, FOLD_PAIRS_MAX);
    fold_clear(fold);
    take_tap(fold, 1, &(struct tap){0});
    assert_int_equal(fold_summary(fold)->entries, 1);
}

static void a_full_batch_can_be_written(void **state) {
    struct fold *fold = *state;
    struct buf out;
    buf_init(&out, 256 * 1024 * 1024);
    fill(fold, vary_code);
    uint32_t parts = fold_parts(fold);
    assert_in_range(parts, 2, FOLD_PARTS_MAX);
    for (uint32_t i = 0; i < parts; i++) {
        struct fold_part part = {.number = i, .parts = parts, .key_prefix = SLICE("brinco:")};
        size_t before = out.size;
        assert_true(fold_pack(fold, &part, &out));
        assert_true(out.size > before);
    }
    buf_fini(&out);
}

/* The same entries fall into the same parts, in whatever process: the table's seed has no say. */
static void parts_are_the_same_for_everybody(void **state) {
    struct fold *other = fold_create();
    struct fold *fold = *state;
    struct buf out[2];
    for (size_t i = 0; i < 2; i++) {
        struct fold *it = i == 0 ? fold : other;
        buf_init(&out[i], 64 * 1024 * 1024);
        for (uint64_t n = 0; n < 3000; n++) {
            char text[32];
            struct tap tap = {.visitor = n};
            vary_code(n % 1000, &tap, text);
            take_tap(it, n + 1, &tap);
        }
        for (uint32_t part = 0; part < 5; part++) {
            assert_true(fold_pack(
                it, &(struct fold_part){.number = part, .parts = 5, .key_prefix = SLICE("b:")},
                &out[i]));
        }
    }
    assert_true(slice_equal(buf_slice(&out[0]), buf_slice(&out[1])));
    buf_fini(&out[0]);
    buf_fini(&out[1]);
    fold_destroy(&other);
}

#define FOLD_TEST(name) cmocka_unit_test_setup_teardown(name, make_fold, free_fold)

int main(void) {
    const struct CMUnitTest tests[] = {
        FOLD_TEST(a_batch_says_what_is_in_it),
        FOLD_TEST(a_batch_ends_with_its_hour),
        FOLD_TEST(days_of_23_and_25_hours),
        FOLD_TEST(any_time_that_an_id_may_have_is_some_day),
        FOLD_TEST(names_that_could_not_stand_in_a_key_make_no_click),
        FOLD_TEST(an_entry_that_is_no_click_is_counted_as_such),
        FOLD_TEST(a_batch_is_full_at_each_of_its_limits),
        FOLD_TEST(a_full_batch_can_be_written),
        FOLD_TEST(parts_are_the_same_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
