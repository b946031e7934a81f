/*
 * stats/collector.h - from the clicks: streams to the rollups, each click exactly once.
 *
 *   streams ► read above the watermark ► fold in memory ► one Lua call: checks the watermark,
 *   adds everything, moves the watermark ► ...
 *
 * The call is atomic in Redis, in its append-only file and on its replicas, so a batch is there
 * with its watermark or not at all, whoever dies when. Any number of collectors may run: one wins
 * each batch, the others go on from there.
 *
 * Also trims what is below the watermark and older than queue.retain_hours, and makes the hours of
 * large links' days into days after STATS_HOURS_DAYS.
 *
 * Threads   One of its own, which may wait for Redis. Functions below from the main thread,
 *           collector_status() from any.
 * Limits    A batch and what is read ahead of it; a Lua call holds Redis for a few milliseconds.
 */
#ifndef STATS_COLLECTOR_H
#define STATS_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct buf;
struct collector;
struct err;
struct log;
struct metric_registry;
struct redis_url;

struct collector_options {
    const struct redis_url *url; /* copied */
    struct slice key_prefix;     /* redis.prefix; outlives the collector */
    struct slice zone;           /* stats.timezone, already the process' zone; outlives it */
    uint32_t queue_retain_hours;
    uint32_t stats_retain_days;
    struct log *log;
    struct metric_registry *metrics;
};

/* Starts the thread. Redis need not be there yet. */
MUST_CHECK struct collector *collector_start(const struct collector_options *options,
                                             struct err *err);

/* Ends the batch at hand and the thread. */
void collector_stop(struct collector **collector);

/* What a reload may change. */
void collector_configure(struct collector *collector, uint32_t queue_retain_hours,
                         uint32_t stats_retain_days);

/* For /readyz (struct api_check): whether it counts; appends a sentence either way: not connected,
 * the rollups are of another time zone, how far behind. */
bool collector_check(void *collector, struct buf *detail);

#endif
