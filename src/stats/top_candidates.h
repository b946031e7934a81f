/*
 * top_candidates.h - who may be among the first of a range, by the firsts of its days.
 *
 *   day 1: A 90, B 50, C 40 (full)   day 2: B 70, D 60 (full)
 *   A has 90 .. 90 + 60 clicks, since on day 2 it has no more than the last that is listed
 *
 * A day's list that is not full has everybody. So each code has a number that it has at least and
 * one that it has at most, and who has at most less than the last of the first has at least need
 * not be looked up.
 *
 * Threads   One owner at a time.
 * Limits    STATS_TOP_MAX a day.
 */
#ifndef STATS_TOP_CANDIDATES_H
#define STATS_TOP_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct redis_reply;

struct candidate {
    struct slice code;
    struct slice campaign;
    uint64_t least; /* the days' lists that have it */
    uint64_t known; /* of these, what their full lists' last have */
    uint64_t most;  /* set by candidates_choose() */
};

struct candidates;

/* scope_campaign: whose lists these are; empty: of the whole, whose members name the campaign. */
struct candidates *candidates_create(struct slice scope_campaign);
void candidates_destroy(struct candidates **candidates);

/* A day: what ZREVRANGE ... WITHSCORES answers. */
void candidates_add_day(struct candidates *candidates, const struct redis_reply *reply);

/* Those that may be among the first `limit`, who may have most first. */
const struct candidate *candidates_choose(struct candidates *candidates, size_t limit,
                                          size_t *count);

#endif
