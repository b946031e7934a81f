/*
 * stats/keys.h - what the rollups are called in Redis.
 *
 *   mark                        hash   stream (its whole key) ► last counted id, MS-SEQUENCE
 *   pending                     hash   stream ► "MS-SEQUENCE PARTS WRITTEN": a batch of the entries
 *                                      above its mark, up to this id, of whose parts so many are
 *                                      written to the rollups; the mark moves with the last one
 *   stats:zone                  string stats.timezone, whose days the rollups are
 *   stats:total                 hash   stream ► entries counted ever
 *   stats:streams:DAY           hash   stream ► entries counted of that day; "stream TAB malformed"
 *                                      ► those of them that were no clicks
 *   stats:index:DAY             hash   "ID TAB KIND" (KIND: a digit, as in a cell) ► taps of that
 *                                      campaign; an empty ID: taps without one; CELL_OTHER ►
 *                                      taps some of whose texts were given up as "other"
 *   stats:all:DAY[:h]           hash   cells of the whole; with :h by the hour
 *   stats:campaign:ID:DAY[:h]   hash   cells of a campaign
 *   stats:link:CODE:DAY         hash   cells of a link, always with their hours; and
 *                                      "=CAMPAIGN" ► its human clicks under that campaign;
 *                                      "@" ► its visitors, 8 bytes each, up to STATS_PEOPLE_MAX,
 *                                      or "H": they are counted in unique:link
 *   unique:all:DAY  unique:campaign:ID:DAY  unique:link:CODE:DAY      HyperLogLog of visitors of
 *                                      human clicks (8 bytes each, big-endian)
 *   top:all:DAY                 zset   "CODE TAB CAMPAIGN" by human clicks, STATS_TOP_MAX
 *   top:campaign:ID:DAY         zset   CODE by human clicks, STATS_TOP_MAX
 *   funnel:all:DAY  funnel:campaign:ID:DAY  funnel:link:CODE:DAY      hash; stats/funnel.h
 *   stats:limited               set    codes of links with max_clicks whose `used` is to be written
 *   stats:used                  hash   such a link's code ► "USED CREATED_AT", as written last
 *   heard                       hash   stream ► "MS STATE", written by its edge every second:
 *                                      everything up to MS is in the stream; STATE is "up" or
 *                                      "closed" (stopped in order, nothing left to ship)
 *   tally:EDGE:WORKER           hash   DAY ► "ANSWERED JOURNALED RECOVERED LOST_FULL LOST_POWER
 *                                      LOST_MISSING FIRST LAST" (sequences)
 *
 * All stand after redis.prefix. DAY: YYYYMMDD in stats.timezone. Taps of codes that are no links
 * (outcome not_found or default) have no stats:link rollup: whoever guesses codes would fill the
 * memory. Day rollups expire stats.retain_days after their day, those with :h after
 * STATS_HOURS_DAYS.
 *
 * Threads   Pure functions.
 */
#ifndef STATS_KEYS_H
#define STATS_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;

enum {
    STATS_HOURS_DAYS = 90,
    STATS_TOP_MAX = 1000,
    STATS_PEOPLE_MAX = 8,
    STATS_VISITOR_BYTES = 8,
};

enum stats_scope_kind { STATS_ALL, STATS_CAMPAIGN, STATS_LINK };

struct stats_scope {
    enum stats_scope_kind kind;
    struct slice id; /* of the campaign, or code; empty for STATS_ALL; borrowed */
};

/* Each appends a whole key; false when out is full. */
bool stats_key(struct buf *out, struct slice prefix, const char *name); /* "mark" */
bool stats_key_day(struct buf *out, struct slice prefix, const char *name, int32_t day);
bool stats_key_cells(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day,
                     bool hours); /* hours is without meaning for a link */
bool stats_key_unique(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day);
bool stats_key_funnel(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day);
bool stats_key_top(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day);

#endif
