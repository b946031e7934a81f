/*
 * fold_private.h - what a batch is made of, for fold.c and fold_pack.c.
 *
 * Everything refers to everything else by number; NONE ends a list. Texts lie one behind the other
 * in one block that is emptied with the batch.
 */
#ifndef STATS_FOLD_PRIVATE_H
#define STATS_FOLD_PRIVATE_H

#include "base/buf.h"
#include "base/clock.h"
#include "fold.h"

enum {
    FOLD_SHARE_SEED = 20251121, /* never to be changed: batches may be half written */
    FOLD_NONE = INT32_MAX,
    FOLD_BODIES_BYTES_MAX = 64 * 1024 * 1024,
    FOLD_TUPLE_SLOTS = 2 * FOLD_TUPLES_MAX,
    FOLD_LINK_SLOTS = 2 * FOLD_LINKS_MAX,
    FOLD_CAMPAIGN_SLOTS = 2 * FOLD_CAMPAIGNS_MAX,
    FOLD_PAIR_SLOTS = 2 * FOLD_PAIRS_MAX,
};

struct fold_tuple {
    uint64_t hash;
    uint32_t *slot;
    struct slice key;
    struct slice cell; /* encoded, of the whole day; empty: it is no click's */
    uint32_t same_as;  /* the tuple that has the same cell, usually this one */
    uint32_t count;
    enum tap_kind kind;
    bool has_link;
};

/* Taps of one campaign or link that are alike, where the table has them. */
struct fold_pair {
    uint32_t scope; /* a campaign's number, or FOLD_CAMPAIGNS_MAX and a link's */
    uint32_t tuple;
    uint32_t count; /* 0: nothing stands here */
    uint32_t next;
};

struct fold_pairs {
    uint32_t first;
};

struct fold_visit {
    uint64_t visitor;
    uint32_t next_of_campaign;
    uint32_t next_of_link;
};

struct fold_visits {
    uint32_t first;
    uint32_t count;
};

struct fold_campaign {
    uint64_t hash;
    uint32_t share; /* which part it falls to, modulo their number */
    uint32_t *slot;
    struct slice id; /* empty: of taps without one */
    uint32_t kinds[TAP_KIND_COUNT];
    struct fold_pairs pairs;
    struct fold_visits visits;
};

struct fold_link {
    uint64_t hash;
    uint32_t share; /* as that of a campaign */
    uint32_t *slot;
    struct slice code;
    uint32_t campaign;
    struct fold_pairs pairs;
    struct fold_visits visits;
};

/* A slot is 0 or the number of what stands there and 1. Whatever stands in one knows it, so that
 * emptying a batch costs what is in it. */
struct fold {
    struct fold_summary summary;
    struct clock_day day;
    uint64_t hour_begin_ms;
    uint64_t hour_end_ms;
    uint64_t seed;
    uint64_t cost;
    struct buf texts;
    uint32_t tuple_count, link_count, campaign_count, pair_count, visit_count;
    struct fold_tuple tuples[FOLD_TUPLES_MAX];
    struct fold_link links[FOLD_LINKS_MAX];
    struct fold_campaign campaigns[FOLD_CAMPAIGNS_MAX];
    struct fold_visit visits[FOLD_ENTRIES_MAX];
    uint32_t tuple_slots[FOLD_TUPLE_SLOTS];
    uint32_t link_slots[FOLD_LINK_SLOTS];
    uint32_t campaign_slots[FOLD_CAMPAIGN_SLOTS];
    struct fold_pair pairs[FOLD_PAIR_SLOTS];

    /* For fold_pack(): cells are numbered anew in every part. */
    struct buf bodies;
    uint32_t number[FOLD_TUPLES_MAX];   /* 0: not in this part */
    uint32_t numbered[FOLD_TUPLES_MAX]; /* the tuples of this part, in the order of their numbers */
    uint32_t numbered_count;
};

#endif
