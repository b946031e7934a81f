/*
 * stats/report.h - the answer to a question: rows of numbers, and how far they can be trusted.
 *
 * One answer, three forms: JSON and CSV are written here, so that API and command line cannot
 * differ; the table on a terminal is cmd/'s.
 *
 * Threads   One at a time.
 */
#ifndef STATS_REPORT_H
#define STATS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/vocabulary.h"
#include "stats/funnel.h"
#include "stats/query.h"

struct buf;

struct stats_counts {
    uint64_t kind[TAP_KIND_COUNT];         /* human: clicks */
    uint64_t outcome[TAP_OUTCOME_COUNT];   /* of human clicks */
    int64_t people;                        /* -1: not known for this row (hours, lists, filters) */
    uint64_t converted[FUNNEL_STEP_COUNT]; /* verified; of reports whose funnel is known */
};

struct stats_row {
    char time[32]; /* 2026-11-21, 2026-11-21T13:00-06:00, 2026-W47, 2026-11, or empty: total */
    struct slice value[STATS_BY_MAX]; /* of the lists asked for, as shown; the report's */
    struct stats_counts counts;
};

/* How far the counting is. */
struct stats_freshness {
    uint64_t through_ms; /* Unix time up to which the slowest stream is counted; 0: none known */
    bool complete; /* all edges known have been heard, and are counted up to the range's end */
    unsigned streams;
    unsigned silent; /* of them not heard */
};

struct stats_report {
    struct stats_query query; /* finished */
    char zone[65];
    struct stats_freshness freshness;
    struct stats_counts totals;
    struct stats_row *rows;
    size_t row_count;
    struct funnel funnel;
    uint64_t folded; /* taps of the range some of whose texts were given up as "other" */
    void *storage;   /* private */
};

void stats_report_destroy(struct stats_report **report);

/* False when out is full. */
bool stats_report_json(const struct stats_report *report, struct buf *out);

/* RFC 4180 with a header line; a text that a spreadsheet would take for a formula gets a "'" in
 * front. */
bool stats_report_csv(const struct stats_report *report, struct buf *out);

const char *stats_list_name(enum stats_list list);

/* Alone, for other replies that carry it. */
MUST_CHECK bool stats_freshness_read(const struct stats_source *source, uint64_t end_ms,
                                     struct stats_freshness *freshness, struct err *err);
/* "timezone":..,"data_through":..,"complete":.. without braces. */
bool stats_freshness_json(const struct stats_freshness *freshness, struct slice zone,
                          struct buf *out);

#endif
