/*
 * stats/funnel.h - what became of the clicks: installs, sign-ups, first loans, and their value.
 *
 * Counted by the day of `happened_at`, in hashes beside the rollups of clicks:
 *
 *   funnel:all:DAY, funnel:campaign:ID:DAY, funnel:link:CODE:DAY
 *     EVENT TAB STATUS           conversions; STATUS is verified, unverified or forged
 *     EVENT TAB STATUS TAB CUR   the sum of their values, in CUR's minor units
 *     EVENT TAB !REASON          verified ones that a check has marked (link/checks.h)
 *     EVENT TAB repeated         reports of what was counted already
 *
 * Threads   Pure functions.
 * Limits    FUNNEL_EVENTS_MAX events, FUNNEL_CURRENCIES_MAX currencies each; what goes beyond is
 * left out of an answer, and said (is_cut).
 */
#ifndef STATS_FUNNEL_H
#define STATS_FUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "link/checks.h"

struct buf;

enum { FUNNEL_EVENTS_MAX = 64, FUNNEL_CURRENCIES_MAX = 16, FUNNEL_NAME_BYTES_MAX = 32 };

/* What credit rests on: numbers of a stored order, new ones at the end. */
#define FUNNEL_STATUSES(X)                                                                         \
    X(VERIFIED, "verified")                                                                        \
    X(UNVERIFIED, "unverified")                                                                    \
    X(FORGED, "forged")

#define FUNNEL_STATUS_ENUM(name, text) FUNNEL_##name,
enum funnel_status { FUNNEL_STATUSES(FUNNEL_STATUS_ENUM) FUNNEL_STATUS_COUNT };
const char *funnel_status_name(enum funnel_status status);

/* The steps that every funnel has, in their order; a campaign's own events follow them. */
enum funnel_step { FUNNEL_INSTALL, FUNNEL_SIGNUP, FUNNEL_FIRST_LOAN, FUNNEL_STEP_COUNT };
const char *funnel_step_name(enum funnel_step step);

struct funnel_value {
    char currency[4];
    int64_t sum[FUNNEL_STATUS_COUNT]; /* minor units */
};

struct funnel_event {
    char name[FUNNEL_NAME_BYTES_MAX + 1];
    uint64_t count[FUNNEL_STATUS_COUNT];
    uint64_t repeated;
    uint64_t marked[CHECK_REASON_COUNT];
    struct funnel_value value[FUNNEL_CURRENCIES_MAX];
    size_t value_count;
};

struct funnel {
    bool is_known; /* false: the question has no funnel (hours, lists, filters) */
    bool is_cut;
    struct funnel_event event[FUNNEL_EVENTS_MAX]; /* the steps, then others by their names */
    size_t event_count;
};

/* Has the steps, with nothing in them. */
void funnel_init(struct funnel *funnel);

/* Adds a field of one of the hashes. Returns how many verified conversions of a step it was
 * (*step), else 0. What is none of ours there is nobody's number. */
uint64_t funnel_take(struct funnel *funnel, struct slice field, struct slice value,
                     enum funnel_step *step);

/* Puts the events behind the steps in the order of their names. */
void funnel_sort(struct funnel *funnel);

/* {"event":"install","verified":1,...,"marked":{...},"value":{"MXN":{"verified":1,...}}} of each,
 * in brackets. */
bool funnel_json(const struct funnel *funnel, struct buf *out);

#endif
