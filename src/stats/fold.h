/*
 * fold.h - a batch of clicks, counted in memory before Redis hears of them.
 *
 * A batch is a run of entries of one stream within one hour of one day. It is folded into counts by
 * tuple of attributes, once for the whole, once for each campaign and once for each link, so that
 * Redis gets one increment for all taps that are alike. The longer the batch, the more are alike;
 * but Redis must not be held for longer than a tap can wait. So a batch is written in parts: each
 * has the links and campaigns whose names fall to it (by a hash that is the same everywhere and for
 * ever), so that whoever finds a batch half written can fold the same entries again and write the
 * parts that are missing.
 *
 *   entry ► tuple (what tells cells apart) ► count                        the whole
 *         ► campaign ───────────────────────► pair (campaign, tuple) ► count
 *         ► link (code and campaign) ───────► pair (link, tuple) ► count
 *         ► visitor, if human ► lists of the whole, the campaign and the link
 *
 * fold_pack() writes a part as apply.lua reads it.
 *
 * Threads   One at a time.
 * Limits    FOLD_*_MAX: an entry that would go beyond one is the first of the next batch. They may
 *           become larger, never smaller: a batch that was begun must fit. Nothing is allocated an
 *           entry.
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
    FOLD_ENTRIES_MAX = 256 * 1024,
    FOLD_TUPLES_MAX = 16384,
    FOLD_LINKS_MAX = 65536,
    FOLD_CAMPAIGNS_MAX = 1024,
    FOLD_PAIRS_MAX = 256 * 1024,
    FOLD_TEXT_BYTES_MAX = 32 * 1024 * 1024,
    FOLD_PARTS_MAX = 256,

    /* What Redis takes for it, very roughly in tenths of a microsecond. */
    FOLD_COST_LINK = 50,
    FOLD_COST_CAMPAIGN = 100,
    FOLD_COST_LINK_PAIR = 8,
    FOLD_COST_CAMPAIGN_PAIR = 14, /* a day's and an hour's cell */
    FOLD_COST_TUPLE = 20,
    FOLD_COST_VISITOR = 4,
    FOLD_COST_OF_PART = 40000,
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

/* Makes an empty batch one of this time, which fold_add() would take from the first entry. */
void fold_begin(struct fold *fold, uint64_t at_ms);

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

/* In how many parts it is to be written. */
uint32_t fold_parts(const struct fold *fold);

/* Appends one of so many parts (MessagePack). people may be NULL: then all visitors are named.
 * False when out is full. */
struct fold_part {
    uint32_t number; /* from 0 */
    uint32_t parts;
    struct slice key_prefix;
    struct fold_people *people;
};
MUST_CHECK bool fold_pack(struct fold *fold, const struct fold_part *part, struct buf *out);

#endif
