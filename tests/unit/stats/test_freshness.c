/*
 * test_freshness.c - how far counting is: streams that are up, closed, silent, behind, or nonsense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "numbers_fixture.h"

enum { SECOND_MS = 1000 };

static struct numbers it;

static int begin(void **state) {
    (void)state;
    numbers_begin(&it);
    return 0;
}

static int end(void **state) {
    (void)state;
    numbers_end(&it);
    return 0;
}

static int begin_anew(void **state) {
    (void)state;
    numbers_do(&it, "FLUSHALL");
    it.source.now_ms = NOW_MS;
    return 0;
}

/* A stream whose last entry and watermark are that long ago; heard may be NULL: never. */
static void add_stream(const char *name, int64_t last_ago_ms, int64_t mark_ago_ms,
                       const char *heard) {
    char words[256];
    snprintf(words, sizeof(words), "SADD p:streams p:clicks:%s", name);
    numbers_do(&it, words);
    snprintf(words, sizeof(words), "XADD p:clicks:%s %lld-7 a b", name,
             (long long)((int64_t)NOW_MS - last_ago_ms));
    numbers_do(&it, words);
    snprintf(words, sizeof(words), "HSET p:mark p:clicks:%s %lld-7", name,
             (long long)((int64_t)NOW_MS - mark_ago_ms));
    numbers_do(&it, words);
    if (heard != NULL) {
        snprintf(words, sizeof(words), "p:clicks:%s", name);
        numbers_set(&it, "p:heard", slice_of(words), slice_of(heard));
    }
}

static const char *heard_ago(int64_t ago_ms, const char *state) {
    static char text[64];
    snprintf(text, sizeof(text), "%lld %s", (long long)((int64_t)NOW_MS - ago_ms), state);
    return text;
}

static struct stats_freshness read_until(uint64_t end_ms) {
    struct stats_freshness freshness;
    struct err err = {0};
    if (!stats_freshness_read(&it.source, end_ms, &freshness, &err)) {
        fail_msg("%s", err.text);
    }
    return freshness;
}

static void assert_fresh(int64_t through_ago_ms, bool complete, unsigned silent) {
    struct stats_freshness freshness = read_until(NOW_MS + 5 * 3600 * SECOND_MS);
    assert_int_equal((int64_t)NOW_MS - (int64_t)freshness.through_ms, through_ago_ms);
    assert_int_equal(freshness.complete, complete);
    assert_int_equal(freshness.silent, silent);
}

static void where_no_edge_is_known_nothing_is(void **state) {
    (void)state;
    struct stats_freshness freshness = read_until(NOW_MS);
    assert_int_equal(freshness.through_ms, 0);
    assert_int_equal(freshness.streams, 0);
    assert_false(freshness.complete);
}

static void a_counted_stream_is_as_fresh_as_it_was_heard(void **state) {
    (void)state;
    add_stream("e:0", 60 * SECOND_MS, 60 * SECOND_MS, heard_ago(800, "up"));
    assert_fresh(800, true, 0);
    add_stream("e:1", 3 * SECOND_MS, 3 * SECOND_MS, heard_ago(4 * SECOND_MS, "up"));
    assert_fresh(3 * SECOND_MS, true, 0); /* its last click is newer than its last word */
}

static void a_stream_that_is_behind_is_as_fresh_as_its_watermark(void **state) {
    (void)state;
    add_stream("e:0", 1 * SECOND_MS, 30 * SECOND_MS, heard_ago(500, "up"));
    assert_fresh(30 * SECOND_MS, false, 0);
    /* A range that ended before that is complete all the same. */
    struct stats_freshness freshness = read_until(NOW_MS - 31 * SECOND_MS);
    assert_true(freshness.complete);
}

static void a_silent_edge_makes_the_numbers_incomplete(void **state) {
    (void)state;
    add_stream("e:0", 60 * SECOND_MS, 60 * SECOND_MS, heard_ago(500, "up"));
    add_stream("e:1", 60 * SECOND_MS, 60 * SECOND_MS, heard_ago(11 * SECOND_MS, "up"));
    add_stream("e:2", 90 * SECOND_MS, 90 * SECOND_MS, NULL);
    assert_fresh(90 * SECOND_MS, false, 2);
    assert_int_equal(read_until(NOW_MS).streams, 3);
    assert_false(read_until(NOW_MS - 3600 * SECOND_MS).complete);
}

static void a_closed_and_counted_stream_bounds_nothing(void **state) {
    (void)state;
    add_stream("e:0", 7200 * SECOND_MS, 7200 * SECOND_MS, heard_ago(7000 * SECOND_MS, "closed"));
    assert_fresh(0, true, 0);
    add_stream("e:1", 60 * SECOND_MS, 60 * SECOND_MS, heard_ago(700, "up"));
    assert_fresh(700, true, 0);
    /* Closed, and the last of it is not counted yet. */
    add_stream("e:2", 3600 * SECOND_MS, 3700 * SECOND_MS, heard_ago(3500 * SECOND_MS, "closed"));
    assert_fresh(3700 * SECOND_MS, false, 1);
}

static void a_stream_without_an_entry_is_counted(void **state) {
    (void)state;
    numbers_do(&it, "SADD p:streams p:clicks:e:0");
    numbers_set(&it, "p:heard", SLICE("p:clicks:e:0"), slice_of(heard_ago(600, "up")));
    assert_fresh(600, true, 0);
}

static void the_sequence_decides_within_a_millisecond(void **state) {
    (void)state;
    char words[128];
    add_stream("e:0", 60 * SECOND_MS, 60 * SECOND_MS, heard_ago(800, "up"));
    snprintf(words, sizeof(words), "XADD p:clicks:e:0 %llu-8 a b",
             (unsigned long long)(NOW_MS - 60 * SECOND_MS));
    numbers_do(&it, words);
    assert_fresh(60 * SECOND_MS, false, 0);
}

static void the_future_is_not_counted(void **state) {
    (void)state;
    add_stream("e:0", -60 * SECOND_MS, -60 * SECOND_MS, heard_ago(-30 * SECOND_MS, "up"));
    assert_fresh(0, true, 0);
}

static void nonsense_is_taken_for_the_worst(void **state) {
    (void)state;
    static const char *const heard[] = {"",       "soon",  "5",  "5 asleep",
                                        "-5 up",  "5  up", "up", "99999999999999999999999 up",
                                        "5 up up"};
    for (size_t i = 0; i < ARRAY_COUNT(heard); i++) {
        begin_anew(NULL);
        add_stream("e:0", 60 * SECOND_MS, 60 * SECOND_MS, heard[i]);
        assert_fresh(60 * SECOND_MS, false, 1);
    }
    static const char *const marks[] = {"soon", "5", "-", "5-x", "1-2-3", ""};
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        begin_anew(NULL);
        add_stream("e:0", 60 * SECOND_MS, 60 * SECOND_MS, heard_ago(500, "up"));
        numbers_set(&it, "p:mark", SLICE("p:clicks:e:0"), slice_of(marks[i]));
        struct stats_freshness freshness = read_until(NOW_MS);
        assert_int_equal(freshness.through_ms, 0);
        assert_false(freshness.complete);
    }
    begin_anew(NULL);
    add_stream("e:0", 60 * SECOND_MS, 0, heard_ago(500, "up"));
    numbers_do(&it, "SET p:clicks:e:0 text");
    numbers_do(&it, "HSET p:mark p:clicks:e:0 5-5");
    assert_int_equal(read_until(NOW_MS).through_ms, 5); /* no stream: nothing is known of its end */
}

static void more_streams_than_are_looked_at_are_never_complete(void **state) {
    (void)state;
    const struct slice arguments[] = {
        SLICE("EVAL"),
        SLICE("for i = 1, 4097 do redis.call('SADD', KEYS[1], 'p:clicks:e:' .. i) end return 1"),
        SLICE("1"), SLICE("p:streams")};
    struct err err;
    assert_non_null(redis_pipe_command(it.pipe, 4, arguments, &err));
    struct stats_freshness freshness = read_until(NOW_MS);
    assert_false(freshness.complete);
    assert_int_equal(freshness.streams, 4097);
    assert_int_equal(freshness.through_ms, 0);
    numbers_do(&it, "SPOP p:streams");
    assert_int_equal(read_until(NOW_MS).streams, 4096);
}

static void it_is_written_as_json(void **state) {
    (void)state;
    char bytes[256];
    struct buf out = buf_over(bytes, sizeof(bytes));
    struct stats_freshness freshness = {.through_ms = NOW_MS - 250, .complete = true};
    assert_true(stats_freshness_json(&freshness, SLICE(TEST_ZONE), &out));
    buf_append_char(&out, '\n');
    freshness = (struct stats_freshness){0};
    assert_true(stats_freshness_json(&freshness, SLICE("U\"C"), &out));
    buf_append_char(&out, '\0');
    assert_string_equal(bytes, "\"timezone\":\"America/Mexico_City\","
                               "\"data_through\":\"2026-11-21T18:59:59.750Z\",\"complete\":true\n"
                               "\"timezone\":\"U\\\"C\",\"data_through\":null,\"complete\":false");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(where_no_edge_is_known_nothing_is, begin_anew),
        cmocka_unit_test_setup(a_counted_stream_is_as_fresh_as_it_was_heard, begin_anew),
        cmocka_unit_test_setup(a_stream_that_is_behind_is_as_fresh_as_its_watermark, begin_anew),
        cmocka_unit_test_setup(a_silent_edge_makes_the_numbers_incomplete, begin_anew),
        cmocka_unit_test_setup(a_closed_and_counted_stream_bounds_nothing, begin_anew),
        cmocka_unit_test_setup(a_stream_without_an_entry_is_counted, begin_anew),
        cmocka_unit_test_setup(the_sequence_decides_within_a_millisecond, begin_anew),
        cmocka_unit_test_setup(the_future_is_not_counted, begin_anew),
        cmocka_unit_test_setup(nonsense_is_taken_for_the_worst, begin_anew),
        cmocka_unit_test_setup(more_streams_than_are_looked_at_are_never_complete, begin_anew),
        cmocka_unit_test(it_is_written_as_json),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
