/*
 * numbers_fixture.h - rollups written by hand into a Redis of the test's own, and questions to
 * them.
 *
 * It is 2026-11-21, 13:00:00 in Mexico City (UTC-6, no daylight saving), unless a test says
 * otherwise. Keys begin with "p:".
 */
#ifndef TESTS_STATS_NUMBERS_FIXTURE_H
#define TESTS_STATS_NUMBERS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "../support/redis_admin.h"
#include "base/buf.h"
#include "base/clock.h"
#include "stats/cell.h"
#include "stats/query.h"
#include "stats/report.h"

#define NOW_MS    1795287600000u /* 2026-11-21T19:00:00Z */
#define TEST_ZONE "America/Mexico_City"

struct numbers {
    struct test_redis redis;
    struct redis_pipe *pipe; /* the test's own hand */
    struct stats_source source;
};

static inline void numbers_begin(struct numbers *it) {
    *it = (struct numbers){0};
    struct err err;
    ENSURE(clock_set_zone(TEST_ZONE, &err));
    test_redis_init(&it->redis);
    test_redis_start(&it->redis, NULL);
    it->pipe = admin_open(&it->redis);
    it->source = (struct stats_source){.pipe = admin_open(&it->redis),
                                       .key_prefix = SLICE("p:"),
                                       .zone = SLICE(TEST_ZONE),
                                       .retain_days = 400,
                                       .now_ms = NOW_MS};
}

static inline void numbers_end(struct numbers *it) {
    redis_pipe_destroy(&it->pipe);
    redis_pipe_destroy(&it->source.pipe);
    test_redis_fini(&it->redis);
}

static inline void numbers_do(struct numbers *it, const char *words) {
    const struct redis_reply *reply = admin_ask(it->pipe, words);
    if (redis_reply_is_error(reply)) {
        fail_msg("%s: %.*s", words, SLICE_ARG(redis_reply_text(reply)));
    }
}

/* HSET with any bytes. */
static inline void numbers_set(struct numbers *it, const char *key, struct slice field,
                               struct slice value) {
    const struct slice arguments[] = {SLICE("HSET"), slice_of(key), field, value};
    struct err err;
    const struct redis_reply *reply = redis_pipe_command(it->pipe, 4, arguments, &err);
    ENSURE(reply != NULL && !redis_reply_is_error(reply));
}

/* Counts taps of a cell in the hash at key. */
static inline void numbers_add(struct numbers *it, const char *key, struct cell cell,
                               uint64_t count) {
    char field_bytes[CELL_BYTES_MAX], count_bytes[24];
    struct buf field = buf_over(field_bytes, sizeof(field_bytes));
    struct buf number = buf_over(count_bytes, sizeof(count_bytes));
    ENSURE(cell_encode(&cell, &field) && buf_append_u64(&number, count));
    const struct slice arguments[] = {SLICE("HINCRBY"), slice_of(key), buf_slice(&field),
                                      buf_slice(&number)};
    struct err err;
    const struct redis_reply *reply = redis_pipe_command(it->pipe, 4, arguments, &err);
    ENSURE(reply != NULL && !redis_reply_is_error(reply));
}

/* A human's tap to the Play Store at that hour, from a country. */
static inline struct cell numbers_tap(int hour, const char *country) {
    return (struct cell){.hour = hour,
                         .kind = TAP_KIND_HUMAN,
                         .outcome = TAP_OUTCOME_PLAY_STORE,
                         .platform = TAP_PLATFORM_ANDROID,
                         .text[CELL_COUNTRY] = slice_of(country)};
}

/* choices: "from=2026-11-20&by=country"; a value may hold what a query string may not. */
static inline bool numbers_choose(struct stats_query *query, const char *choices, struct err *err) {
    struct slice rest = slice_of(choices);
    while (rest.size > 0) {
        struct slice value = slice_split(&rest, '&');
        struct slice name = slice_split(&value, '=');
        if (!stats_query_set(query, name, value, err)) {
            return false;
        }
    }
    return true;
}

static inline struct stats_query numbers_query(struct numbers *it, struct stats_scope scope,
                                               const char *choices) {
    struct stats_query query;
    struct err err = {0};
    const char *name;
    if (!stats_query_init(&query, scope.kind, scope.id, &err) ||
        !numbers_choose(&query, choices, &err) ||
        !stats_query_finish(&query, &it->source, &name, &err)) {
        fail_msg("%s: %s", choices, err.text);
    }
    return query;
}

/* The answer; the test destroys it. */
static inline struct stats_report *numbers_ask(struct numbers *it, struct stats_scope scope,
                                               const char *choices) {
    struct stats_query query = numbers_query(it, scope, choices);
    struct stats_report *report;
    struct err err = {0};
    enum stats_result result = stats_query_run(&it->source, &query, &report, &err);
    if (result != STATS_OK) {
        fail_msg("%s: %d %s", choices, (int)result, err.text);
    }
    return report;
}

static inline struct stats_scope numbers_link(const char *code) {
    return (struct stats_scope){.kind = STATS_LINK, .id = slice_of(code)};
}

static inline struct stats_scope numbers_campaign(const char *id) {
    return (struct stats_scope){.kind = STATS_CAMPAIGN, .id = slice_of(id)};
}

static inline struct stats_scope numbers_all(void) {
    return (struct stats_scope){.kind = STATS_ALL};
}

/* Rows as "TIME VALUE VALUE clicks/previews/bots/prefetches/heads people", a line each. */
static inline const char *numbers_rows(const struct stats_report *report) {
    static char text[64 * 1024];
    struct buf out = buf_over(text, sizeof(text));
    for (size_t i = 0; i < report->row_count; i++) {
        const struct stats_row *row = &report->rows[i];
        buf_append(&out, slice_of(row->time));
        for (unsigned k = 0; k < report->query.by_count; k++) {
            buf_printf(&out, " %.*s", SLICE_ARG(row->value[k]));
        }
        for (size_t k = 0; k < TAP_KIND_COUNT; k++) {
            buf_printf(&out, "%c%llu", k == 0 ? ' ' : '/', (unsigned long long)row->counts.kind[k]);
        }
        buf_printf(&out, " %lld\n", (long long)row->counts.people);
    }
    buf_append_char(&out, '\0');
    ENSURE(!out.overflowed);
    return text;
}

/* The rows of the answer to a question, as numbers_rows() writes them. */
#define ASSERT_ROWS(it, scope, choices, expected)                                                  \
    do {                                                                                           \
        struct stats_report *report_ = numbers_ask(it, scope, choices);                            \
        assert_string_equal(numbers_rows(report_), expected);                                      \
        stats_report_destroy(&report_);                                                            \
    } while (0)

#endif
