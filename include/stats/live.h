/*
 * stats/live.h - clicks by campaign, as they are counted, second by second.
 *
 * Looks at the day's index (stats/keys.h) and says what was added since the look before. The first
 * look says nothing but where it begins.
 *
 * Threads   One at a time.
 */
#ifndef STATS_LIVE_H
#define STATS_LIVE_H

#include <stdbool.h>

#include "base/defs.h"
#include "stats/query.h"

struct buf;
struct err;
struct stats_live;

struct stats_live *stats_live_create(void);
void stats_live_destroy(struct stats_live **live);

/* One JSON object, without a line break: {"at":…,"clicks":N,"previews":…,"bots":…,"prefetches":…,
 * "heads":…,"campaigns":{"ID":{…}}}. */
MUST_CHECK bool stats_live_poll(struct stats_live *live, const struct stats_source *source,
                                struct buf *out, struct err *err);

#endif
