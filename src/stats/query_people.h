/*
 * query_people.h - how many people, day by day.
 *
 * A day's number is a HyperLogLog's or, of a link with few visitors, the number of those that its
 * hash lists. Visitors have another name every day, so days can only be added up.
 *
 * Threads   Waits for Redis; one at a time.
 */
#ifndef STATS_QUERY_PEOPLE_H
#define STATS_QUERY_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "stats/keys.h"

struct err;
struct periods;
struct stats_query;
struct stats_source;

struct people {
    bool is_asked; /* the question has people in its answer */
    int64_t *of_day;
};

void people_init(struct people *people, const struct stats_query *query, size_t day_count);
void people_fini(struct people *people);

/* The field "@" of a link's day. */
void people_take(struct people *people, size_t day_index, struct slice value);

/* Asks for what the hashes did not say. Something else than a HyperLogLog: -1, not known. */
MUST_CHECK bool people_read(struct people *people, const struct stats_source *source,
                            struct stats_scope scope, const struct periods *periods,
                            struct err *err);

/* -1 is more than any number: a sum with something unknown in it is unknown. */
void people_add(int64_t *sum, int64_t more);

#endif
