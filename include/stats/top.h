/*
 * stats/top.h - the codes with the most human clicks.
 *
 * Of a day the first STATS_TOP_MAX are exact. Of a range, the candidates are the union of the days'
 * firsts, and the number beside each is its exact number over the range, added up from the links'
 * own rollups. A link that changed its campaign is a row for each.
 *
 * Limits    STATS_TOP_DAYS_MAX days; the number of look-ups: where very many links have about the
 *           same number of clicks over many days, some of them that nobody could tell apart from
 *           the last row by their days' lists are left out.
 * Threads   Waits for Redis; one at a time a source.
 */
#ifndef STATS_TOP_H
#define STATS_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "stats/query.h"
#include "stats/report.h"

struct buf;
struct err;

struct stats_top_row {
    char code[65];
    char campaign[65]; /* empty: none */
    uint64_t clicks;
};

struct stats_top {
    struct stats_query query; /* scope, from, to, limit */
    char zone[65];
    struct stats_freshness freshness;
    struct stats_top_row *rows; /* most clicks first, then by code */
    size_t row_count;
};

/* stats_query_init() for a question about the first: of a campaign, or with {NULL, 0} of the whole.
 * Hours are then refused, and ranges of more than STATS_TOP_DAYS_MAX. */
MUST_CHECK bool stats_top_init(struct stats_query *query, struct slice campaign, struct err *err);

/* query: of stats_top_init(), with from, to, last, limit alone. */
MUST_CHECK enum stats_result stats_top_run(const struct stats_source *source,
                                           const struct stats_query *query, struct stats_top **top,
                                           struct err *err);
void stats_top_destroy(struct stats_top **top);
bool stats_top_json(const struct stats_top *top, struct buf *out);
bool stats_top_csv(const struct stats_top *top, struct buf *out);

#endif
