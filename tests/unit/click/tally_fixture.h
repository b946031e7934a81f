/*
 * tally_fixture.h - what the tests of tallies share: one of their own, and what it says.
 */
#ifndef TALLY_FIXTURE_H
#define TALLY_FIXTURE_H

#include "journal_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "click/tally.h"
#include "journal_private.h"
#include "tally_private.h"

enum { DAY_MS = 86400 * 1000, WORKER = 3 };

/* 2026-01-05T12:00:00Z, a Monday. */
#define NOON UINT64_C(1767614400000)

static struct metric_registry *registry;

static inline struct tally *open_tally(const char *directory, uint64_t next_sequence) {
    struct tally *tally = tally_open(&(struct tally_options){
        .directory = directory,
        .edge_id = SLICE("edge-1"),
        .worker = WORKER,
        .next_sequence = next_sequence,
        .metrics = registry,
    });
    assert_non_null(tally);
    return tally;
}

static inline struct tally_view *read_view(const char *directory) {
    static struct tally_view view;
    struct err err = {""};
    if (tally_read(directory, TALLY_FILE, &view, &err) != TALLY_READ) {
        fail_msg("%s", err.text);
    }
    return &view;
}

static inline struct tally_day sum_of(const char *directory, int32_t day) {
    struct tally_day sum = {0};
    assert_true(tally_sum(read_view(directory), day, &sum));
    return sum;
}

static inline void count_run(struct tally *tally, uint64_t at_ms, uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) {
        tally_count(tally, at_ms, i);
    }
}

/* Ends without a word, as kill -9 does: the mapping is all that is left. */
static inline void kill_tally(struct tally **tally) {
    tally_close(tally);
}

static inline uint64_t metric_of(const char *name, const char *labels) {
    return metric_registry_total(registry, name, labels);
}

static inline int set_up(void **state) {
    registry = metric_registry_create();
    return directory_setup(state);
}

static inline int tear_down(void **state) {
    metric_registry_destroy(&registry);
    return directory_teardown(state);
}

static inline void tally_fixture_init(void) {
    setenv("TZ", "UTC", 1);
    tzset();
}

#define TALLYING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
