/*
 * reconcile_model.h - what the rollups of a day must be, recounted from clicks.
 *
 * At the level (scope, hour, kind, outcome, platform), which no list that is full ever changes. A
 * cell has a head: the place of its hour, kind, outcome and platform.
 *
 * Threads   One at a time.
 * Limits    cells_max cells of links; beyond, links are given up, and only the whole and the
 *           campaigns go on.
 */
#ifndef STATS_RECONCILE_MODEL_H
#define STATS_RECONCILE_MODEL_H

#include "reconcile_private.h"

enum {
    RECON_HEADS = (CELL_HOURS_MAX + 1) * TAP_KIND_COUNT * TAP_OUTCOME_COUNT * TAP_PLATFORM_COUNT,
    RECON_NONE = UINT32_MAX >> 1,
};

/* 0 .. RECON_HEADS - 1; the whole day's come first. */
static inline uint32_t recon_head(const struct cell *cell) {
    return (uint32_t)((((cell->hour + 1) * TAP_KIND_COUNT + (int)cell->kind) * TAP_OUTCOME_COUNT +
                       (int)cell->outcome) *
                          TAP_PLATFORM_COUNT +
                      (int)cell->platform);
}

/* Without texts. */
struct cell recon_cell_of_head(uint32_t head);

/* The head of the same cell of the whole day. */
static inline uint32_t recon_head_of_day(uint32_t head) {
    return head % (TAP_KIND_COUNT * TAP_OUTCOME_COUNT * TAP_PLATFORM_COUNT);
}

static inline bool recon_has_link(enum tap_outcome outcome) {
    return outcome != TAP_OUTCOME_NOT_FOUND && outcome != TAP_OUTCOME_DEFAULT;
}

struct recon_model;

struct recon_model *recon_model_create(size_t cells_max);
void recon_model_destroy(struct recon_model **model);

/* Counts one more, everywhere; a recon_sink's take(). */
void recon_model_take(void *model, const struct recon_click *click);

/* The same in pieces: what a batch that is half written has written already. */
struct recon_tap {
    uint32_t campaign; /* scopes */
    uint32_t link;     /* RECON_NONE: of none */
    uint32_t head;
};
struct recon_tap recon_model_tap(struct recon_model *model, const struct recon_click *click);

enum {
    RECON_PIECE_WHOLE = 1,
    RECON_PIECE_CAMPAIGN = 2,
    RECON_PIECE_LINK = 4, /* and its pair with the campaign */
    RECON_PIECE_INDEX = 8,
    RECON_PIECES = 15,
};
void recon_model_add(struct recon_model *model, const struct recon_tap *tap, unsigned pieces);

/* Links were too many. */
bool recon_model_gave_up(const struct recon_model *model);
uint64_t recon_model_taps(const struct recon_model *model);
bool recon_model_has_index(const struct recon_model *model);

/* Scopes are numbered from 0, the whole; those of clicks that come later stand behind. A campaign
 * with an empty id are the taps without one. */
size_t recon_model_scopes(const struct recon_model *model);
struct stats_scope recon_model_scope(const struct recon_model *model, uint32_t number);
uint32_t recon_model_find(const struct recon_model *model, struct stats_scope scope); /* or NONE */

/* What a scope has: each is called for every head with hours that is not 0. */
typedef void recon_each_head(void *argument, uint32_t head, uint64_t count);
void recon_model_heads(const struct recon_model *model, uint32_t number, recon_each_head *each,
                       void *argument);
size_t recon_model_head_count(const struct recon_model *model, uint32_t number);

/* Human clicks of a link under each of its campaigns, or of a campaign by its links. */
typedef void recon_each_pair(void *argument, struct slice link, struct slice campaign,
                             uint64_t count);
void recon_model_pairs(const struct recon_model *model, uint32_t number, recon_each_pair *each,
                       void *argument);
uint64_t recon_model_pair(const struct recon_model *model, struct slice link,
                          struct slice campaign);
size_t recon_model_pair_count(const struct recon_model *model, uint32_t number);

/* Taps of a campaign by kind, as the index has them; for RECON_NONE 0. */
uint64_t recon_model_kind(const struct recon_model *model, uint32_t campaign, enum tap_kind kind);

#endif
