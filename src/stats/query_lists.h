/*
 * query_lists.h - the lists that can be asked for: their names, and their values as shown.
 *
 * A value that is not known is stored as an empty text and shown as "unknown" or, where there may
 * rightly be none, as "none"; what was given up is shown as "other". Filters look at what is
 * shown, so that whatever stands in a reply can be asked for.
 *
 * Threads   Pure functions.
 */
#ifndef STATS_QUERY_LISTS_H
#define STATS_QUERY_LISTS_H

#include <stdbool.h>

#include "base/slice.h"
#include "stats/query.h"

struct cell;

#define QUERY_LISTS_ALLOWED                                                                        \
    "country, region, browser, in_app, language, referrer, source, platform, outcome, and of the " \
    "whole campaign"
#define QUERY_FILTERS_ALLOWED                                                                      \
    "country, region, browser, in_app, language, referrer, source, platform and outcome"

#define QUERY_OTHER SLICE("other")

const char *query_interval_name(enum stats_interval interval);

bool query_find_list(struct slice name, enum stats_list *list);

/* A text of a list other than platform and outcome; borrows from text or is a constant. */
struct slice query_shown_text(enum stats_list list, struct slice text);

/* The value that a cell has in a list other than campaign. */
struct slice query_shown(enum stats_list list, const struct cell *cell);

/* The choice `filter`. */
bool query_set_filter(struct stats_query *query, struct slice value, struct err *err);

/* Whether a cell passes: of every list that is filtered, one of the values. */
bool query_passes(const struct stats_query *query, const struct cell *cell);

#endif
