/*
 * stats/live.h - clicks by campaign, as they are counted, second by second.
 *
 * Looks at the index of today and of yesterday (stats/keys.h), whose last clicks may still be on
 * their way, and says what was added since the look before. The first look says nothing but where
 * it begins. What became less (Redis came back older) says nothing either.
 *
 * Threads   One at a time; waits for Redis.
 * Limits    LIVE_CAMPAIGNS_MAX campaigns a day by name; the sums are of all.
 */
#ifndef STATS_LIVE_H
#define STATS_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "base/vocabulary.h"
#include "stats/query.h"

struct buf;
struct err;
struct stats_live;

enum { LIVE_CAMPAIGNS_MAX = 20 * 1000 };

struct stats_live_row {
    struct slice campaign; /* as shown: "none" for taps without one; until the next look */
    uint64_t kind[TAP_KIND_COUNT];
};

/* What was added; rows are the campaigns that something was added to, most clicks first. */
struct stats_live_look {
    uint64_t at_ms;
    uint64_t kind[TAP_KIND_COUNT];
    const struct stats_live_row *rows;
    size_t row_count;
};

struct stats_live *stats_live_create(void);
void stats_live_destroy(struct stats_live **live);

/* Looks. False when Redis cannot be asked; the next look then says what was added meanwhile. */
MUST_CHECK bool stats_live_take(struct stats_live *live, const struct stats_source *source,
                                struct stats_live_look *look, struct err *err);
bool stats_live_json(const struct stats_live_look *look, struct buf *out);

/* Both in one: one JSON object, without a line break:
 * {"at":…,"clicks":N,"previews":…,"bots":…,"prefetches":…, "heads":…,"campaigns":{"ID":{…}}}. */
MUST_CHECK bool stats_live_poll(struct stats_live *live, const struct stats_source *source,
                                struct buf *out, struct err *err);

#endif
