/*
 * query_funnel.h - the funnel of a question's days, read from Redis.
 *
 * Threads   Waits for Redis; one at a time a pipe.
 * Limits    Fields of FUNNEL_* (stats/funnel.h); anybody may have written others, which are passed
 *           over.
 */
#ifndef STATS_QUERY_FUNNEL_H
#define STATS_QUERY_FUNNEL_H

#include "base/defs.h"
#include "stats/keys.h"

struct err;
struct periods;
struct stats_report;
struct stats_source;

/* Fills the report's funnel, and the conversions of its rows, of which there is one a period. A
 * question by the hour, by a list or with a filter has none. */
MUST_CHECK bool query_funnel_read(struct stats_report *report, const struct stats_source *source,
                                  struct stats_scope scope, const struct periods *periods,
                                  struct err *err);

#endif
