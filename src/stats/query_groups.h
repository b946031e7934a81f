/*
 * query_groups.h - counts by period and values, until the period is done.
 *
 * Threads   One owner at a time.
 * Limits    GROUPS_MAX groups at a time; what comes beyond is counted as "other" of its period.
 */
#ifndef STATS_QUERY_GROUPS_H
#define STATS_QUERY_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/query.h"
#include "stats/report.h"

struct names;

enum { GROUPS_MAX = 200 * 1000 };

struct group {
    uint32_t period;
    uint32_t value[STATS_BY_MAX]; /* of query_names.h; NAME_OTHER where there is no list */
    struct stats_counts counts;
};

struct groups;

struct groups *groups_create(void);
void groups_destroy(struct groups **groups);
void groups_clear(struct groups *groups);

/* Valid until the next call. */
struct stats_counts *groups_find(struct groups *groups, uint32_t period,
                                 const uint32_t value[STATS_BY_MAX]);

/* Sorts them: by period; in it by clicks, most first, then by name, and what is "other" in all its
 * lists last. Only groups_clear() may follow. */
struct group *groups_sort(struct groups *groups, const struct names *names, size_t *count);

/* Stays at the largest number rather than beginning anew. */
void counts_add(uint64_t *sum, uint64_t more);
void counts_add_all(struct stats_counts *sum, const struct stats_counts *more); /* not people */

#endif
