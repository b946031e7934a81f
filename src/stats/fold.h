/*
 * fold.h - a batch of clicks, counted in memory before Redis hears of them.
 *
 * A batch is a run of entries of one stream within one hour of one day. It is folded into counts by
 * tuple of attributes, once for the whole, once for each campaign and once for each link, so that
 * Redis gets one increment for all taps that are alike.
 *
 *   entry ► tuple (what tells cells apart) ► count                        the whole
 *         ► campaign ───────────────────────► pair (campaign, tuple) ► count
 *         ► link (code and campaign) ───────► pair (link, tuple) ► count
 *         ► visitor, if human ► lists of the whole, the campaign and the link
 *
 * fold_pack() writes it as apply.lua reads it.
 *
 * Threads   One at a time.
 * Limits    FOLD_*_MAX: an entry that would go beyond one is the first of the next batch. So is one
 *           that would make Redis work longer than FOLD_COST_MAX on the batch. Nothing is
 *           allocated an entry.
 */
#ifndef STATS_FOLD_H
#define STATS_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "base/vocabulary.h"
#include "entries.h"

struct buf;
struct fold_people;

enum {
    FOLD_CLICKS_MAX = 65535, /* counts are packed in two bytes */
    FOLD_TUPLES_MAX = 16384,
    FOLD_LINKS_MAX = 8192,
    FOLD_CAMPAIGNS_MAX = 1024,
    FOLD_PAIRS_MAX = 32768,
    FOLD_TEXT_BYTES_MAX = 8 * 1024 * 1024,
    FOLD_PACKED_BYTES_MAX = 32 * 1024 * 1024,

    /* What Redis takes for it, very roughly in tenths of a microsecond. */
    FOLD_COST_LINK = 25,
    FOLD_COST_CAMPAIGN = 100,
    FOLD_COST_LINK_PAIR = 5,
    FOLD_COST_CAMPAIGN_PAIR = 10, /* a day's and an hour's cell */
    FOLD_COST_TUPLE = 15,
    FOLD_COST_VISITOR = 7,
    FOLD_COST_MAX = 80000,
};

struct fold;

struct fold *fold_create(void);
void fold_destroy(struct fold **fold);

/* An empty batch. */
void fold_clear(struct fold *fold);

enum fold_result {
    FOLD_TAKEN,
    FOLD_FULL, /* not taken: it belongs to the next batch */
};

MUST_CHECK enum fold_result fold_add(struct fold *fold, const struct entry *entry);

/* What is in it so far. */
struct fold_summary {
    int32_t day; /* YYYYMMDD */
    int hour;    /* since the day began */
    uint64_t day_end_ms;
    uint64_t entries;
    uint64_t malformed;    /* of the entries */
    struct entry_id first; /* of the entries */
    struct entry_id last;
    struct entry_id last_malformed;
};
const struct fold_summary *fold_summary(const struct fold *fold);

/* Appends the batch (MessagePack). people may be NULL: then all visitors are named. False when out
 * is full. */
MUST_CHECK bool fold_pack(struct fold *fold, struct slice key_prefix, struct fold_people *people,
                          struct buf *out);

#endif
