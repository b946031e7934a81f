/*
 * reconcile.h: streams of edges elsewhere, counted by a collector, then held against each other.
 *
 * What needs journals and edges is in tests/e2e/test_reconcile.py.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "stats/collector.h"
#include "stats/reconcile.h"

enum { PATIENCE_MS = 10000, TAPS = 60, OUTPUT_BYTES = 1024 * 1024 };

#define STREAM "p:clicks:elsewhere:0"

static struct test_redis redis;
static struct redis_pipe *admin;
static uint64_t now_ms;

static void do_it(const char *words) {
    const struct redis_reply *reply = admin_ask(admin, words);
    if (redis_reply_is_error(reply)) {
        fail_msg("%s: %.*s", words, SLICE_ARG(redis_reply_text(reply)));
    }
}

/* A click of link Ln, entry MS-SEQUENCE. */
static void add_entry(uint64_t sequence, unsigned link) {
    char id[48];
    char code[16];
    char at[24];
    struct err err;
    snprintf(id, sizeof(id), "%lu-%lu", (unsigned long)now_ms, (unsigned long)sequence);
    snprintf(code, sizeof(code), "L%u", link);
    snprintf(at, sizeof(at), "%lu", (unsigned long)now_ms);
    const char *const fields[] = {"id",       "01JD0000000000000000000000",
                                  "at",       at,
                                  "code",     code,
                                  "campaign", "spring",
                                  "owner",    "",
                                  "kind",     "human",
                                  "outcome",  "web",
                                  "country",  "MX",
                                  "region",   "",
                                  "platform", "android",
                                  "browser",  "chrome",
                                  "in_app",   "",
                                  "language", "es",
                                  "referrer", "",
                                  "source",   "",
                                  "visitor",  "00000000000000ab",
                                  "version",  "1"};
    struct slice arguments[3 + ARRAY_COUNT(fields)] = {SLICE("XADD"), SLICE(STREAM), slice_of(id)};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        arguments[3 + i] = slice_of(fields[i]);
    }
    const struct redis_reply *reply =
        redis_pipe_command(admin, ARRAY_COUNT(arguments), arguments, &err);
    assert_non_null(reply);
    if (redis_reply_is_error(reply)) {
        fail_msg("%.*s", SLICE_ARG(redis_reply_text(reply)));
    }
}

static void add_entries(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) {
        add_entry(i, (unsigned)(i % 20));
    }
    do_it("SADD p:streams " STREAM);
}

/* Until the mark is at the end. */
static void collect(uint64_t last) {
    struct redis_url url = test_redis_url(&redis);
    struct metric_registry *metrics = metric_registry_create();
    struct err err = {""};
    char mark[48];
    struct collector *collector =
        collector_start(&(struct collector_options){.url = &url,
                                                    .key_prefix = SLICE("p:"),
                                                    .zone = SLICE("UTC"),
                                                    .queue_retain_hours = 72,
                                                    .stats_retain_days = 400,
                                                    .metrics = metrics},
                        &err);
    assert_non_null(collector);
    snprintf(mark, sizeof(mark), "%lu-%lu", (unsigned long)now_ms, (unsigned long)last);
    uint64_t until_ns = clock_monotonic_ns() + PATIENCE_MS * UINT64_C(1000000);
    while (
        !slice_equal(redis_reply_text(admin_ask(admin, "HGET p:mark " STREAM)), slice_of(mark)) &&
        clock_monotonic_ns() < until_ns) {
        test_sleep_ms(5);
    }
    collector_stop(&collector);
    metric_registry_destroy(&metrics);
    assert_true(
        slice_equal(redis_reply_text(admin_ask(admin, "HGET p:mark " STREAM)), slice_of(mark)));
}

struct run {
    struct reconciliation *reconciliation;
    char *text;
    char *json;
};

static char *written(const struct reconciliation *reconciliation,
                     bool (*write)(const struct reconciliation *reconciliation, struct buf *out)) {
    struct buf out;
    buf_init(&out, OUTPUT_BYTES);
    assert_true(write(reconciliation, &out));
    assert_true(buf_append_char(&out, '\0'));
    char *text = strdup(out.data);
    buf_fini(&out);
    return text;
}

/* What it says with so many cells allowed (0: the usual number), of today or yesterday. */
static struct run run_on(size_t cells_max, uint32_t retain_hours, int days_ago) {
    struct redis_pipe *pipe = admin_open(&redis);
    struct stats_source source = {.pipe = pipe,
                                  .key_prefix = SLICE("p:"),
                                  .zone = SLICE("UTC"),
                                  .retain_days = 400,
                                  .now_ms = now_ms};
    struct err err = {""};
    struct reconcile_options options = {
        .source = &source,
        .day = clock_day_of(now_ms - (uint64_t)days_ago * 86400000).yyyymmdd,
        .queue_retain_hours = retain_hours,
        .cells_max = cells_max};
    struct run run = {.reconciliation = reconcile(&options, &err)};
    if (run.reconciliation == NULL) {
        fail_msg("%s", err.text);
    }
    run.text = written(run.reconciliation, reconciliation_text);
    run.json = written(run.reconciliation, reconciliation_json);
    redis_pipe_destroy(&pipe);
    return run;
}

static void run_end(struct run *run) {
    reconciliation_destroy(&run->reconciliation);
    assert_null(run->reconciliation);
    free(run->text);
    free(run->json);
}

static void assert_says(size_t cells_max, bool holds, const char *words) {
    struct run run = run_on(cells_max, 72, 0);
    if (reconciliation_holds(run.reconciliation) != holds || strstr(run.text, words) == NULL) {
        fail_msg("not \"%s\" in:\n%s", words, run.text);
    }
    assert_non_null(strstr(run.json, holds ? "\"ok\":true" : "\"ok\":false"));
    run_end(&run);
}

static void test_what_was_counted_holds(void **state) {
    (void)state;
    add_entries(1, TAPS);
    collect(TAPS);
    assert_says(0, true, "Every number is accounted for.");
    assert_says(0, true, "taps 60");
}

static void test_an_empty_redis_holds(void **state) {
    (void)state;
    assert_says(0, true, "Every number is accounted for.");
}

static void test_sequences_tell_gaps_strangers_and_new_beginnings(void **state) {
    (void)state;
    add_entries(1, 5);
    add_entries(9, 12);
    now_ms++;
    add_entry(0, 1); /* a stranger's, as by XADD * */
    now_ms++;
    add_entry(13, 1);
    now_ms++;
    add_entry(777, 1); /* a stranger's, too */
    now_ms++;
    add_entries(14, 15);
    now_ms++;
    add_entries(10, 14); /* the journal began again */
    collect(14);
    struct run run = run_on(0, 72, 0);
    assert_false(reconciliation_holds(run.reconciliation));
    assert_non_null(strstr(run.text, "3 entries are gone: sequences 6 to 8"));
    assert_non_null(strstr(run.text, "-0\n"));
    assert_non_null(strstr(run.text, "-777\n"));
    assert_non_null(strstr(run.text, "sequences from 10 on again"));
    assert_non_null(strstr(run.text, "3 differences are not explained"));
    run_end(&run);
}

static void test_a_published_tally_says_where_a_day_begins_and_ends(void **state) {
    (void)state;
    char command[128];
    char value[64];
    add_entries(3, TAPS);
    collect(TAPS);
    const struct {
        const char *value;
        bool holds;
        const char *words;
    } cases[] = {
        {"58 58 0 0 0 0 3 60", true, "answered          58"},
        {"60 60 0 0 0 0 1 60", false, "sequences 1 to 2"},
        {"63 63 0 0 0 0 3 65", true, "in flight 5: not in the stream yet"},
        {"55 55 0 0 0 0 3 57", true, "in flight 3: not in the tally yet"},
        {"60 58 0 2 0 0 3 60", true, "lost 2: the journal was full"},
        {"57 58 1 0 0 0 3 60", true, "recovered 1"},
        {"59 58 0 0 0 0 3 60", false, "does not add up"},
        {"70 70 0 0 0 0 0 60", false, "do not go together"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct err err;
        snprintf(command, sizeof(command), "%d", clock_day_of(now_ms).yyyymmdd);
        snprintf(value, sizeof(value), "%s", cases[i].value);
        const struct slice set[] = {SLICE("HSET"), SLICE("p:tally:elsewhere:0"), slice_of(command),
                                    slice_of(value)};
        assert_non_null(redis_pipe_command(admin, 4, set, &err));
        assert_says(0, cases[i].holds, cases[i].words);
    }
}

static void test_more_cells_than_allowed_are_held_against_their_sum(void **state) {
    (void)state;
    char command[128];
    add_entries(1, TAPS);
    collect(TAPS);
    assert_says(10, true, "more than 10 cells of links");
    snprintf(command, sizeof(command), "HINCRBY p:stats:link:L7:%d =spring 1",
             clock_day_of(now_ms).yyyymmdd);
    do_it(command);
    assert_says(10, false, "in its fields =CAMPAIGN");
    snprintf(command, sizeof(command), "DEL p:stats:link:L7:%d", clock_day_of(now_ms).yyyymmdd);
    do_it(command);
    assert_says(10, false, "the sum of all links");
}

/* Only the first so many are listed; the rest is counted. */
static void test_a_great_deal_of_damage(void **state) {
    (void)state;
    char command[128];
    add_entries(1, TAPS);
    collect(TAPS);
    for (unsigned i = 0; i < RECONCILE_FINDINGS_MAX + 50; i++) {
        snprintf(command, sizeof(command), "HSET p:stats:index:%d x%u 1",
                 clock_day_of(now_ms).yyyymmdd, i);
        do_it(command);
    }
    struct run run = run_on(0, 72, 0);
    assert_false(reconciliation_holds(run.reconciliation));
    assert_non_null(strstr(run.text, "1050 differences are not explained."));
    run_end(&run);
}

static void test_control_bytes_never_reach_a_terminal(void **state) {
    (void)state;
    struct err err;
    const struct slice add[] = {SLICE("SADD"), SLICE("p:streams"), SLICE("p:clicks:\x1b[2J\n:x")};
    assert_non_null(redis_pipe_command(admin, 3, add, &err));
    struct run run = run_on(0, 72, 0);
    assert_false(reconciliation_holds(run.reconciliation));
    assert_null(strchr(run.text, '\x1b'));
    assert_null(strchr(run.json, '\x1b'));
    assert_non_null(strstr(run.text, "streams names"));
    run_end(&run);
}

static void test_yesterday_holds_as_well(void **state) {
    (void)state;
    add_entries(1, TAPS);
    collect(TAPS);
    struct run run = run_on(0, 72, 1);
    assert_true(reconciliation_holds(run.reconciliation));
    assert_non_null(strstr(run.text, "taps 0"));
    run_end(&run);
}

static void test_what_is_no_hash_is_said(void **state) {
    (void)state;
    do_it("SET p:stats:total x");
    struct redis_pipe *pipe = admin_open(&redis);
    struct stats_source source = {.pipe = pipe,
                                  .key_prefix = SLICE("p:"),
                                  .zone = SLICE("UTC"),
                                  .retain_days = 400,
                                  .now_ms = now_ms};
    struct err err = {""};
    struct reconcile_options options = {.source = &source, .day = 20260105};
    assert_null(reconcile(&options, &err));
    assert_non_null(strstr(err.text, "p:stats:total"));
    redis_pipe_destroy(&pipe);
}

static int start_redis(void **state) {
    struct err err;
    (void)state;
    ENSURE(clock_set_zone("UTC", &err));
    test_redis_init(&redis);
    test_redis_start(&redis, NULL);
    admin = admin_open(&redis);
    return 0;
}

static int stop_redis(void **state) {
    (void)state;
    redis_pipe_destroy(&admin);
    test_redis_fini(&redis);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    do_it("FLUSHALL");
    now_ms = clock_real_ms();
    struct clock_day day = clock_day_of(now_ms);
    if (now_ms + PATIENCE_MS > day.end_ms) {
        now_ms = day.begin_ms; /* a test does not run over midnight */
    }
    return 0;
}

#define RECONCILING(test) cmocka_unit_test_setup(test, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        RECONCILING(test_an_empty_redis_holds),
        RECONCILING(test_what_was_counted_holds),
        RECONCILING(test_sequences_tell_gaps_strangers_and_new_beginnings),
        RECONCILING(test_a_published_tally_says_where_a_day_begins_and_ends),
        RECONCILING(test_more_cells_than_allowed_are_held_against_their_sum),
        RECONCILING(test_a_great_deal_of_damage),
        RECONCILING(test_control_bytes_never_reach_a_terminal),
        RECONCILING(test_yesterday_holds_as_well),
        RECONCILING(test_what_is_no_hash_is_said),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
