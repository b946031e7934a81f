/*
 * reconcile_batch.h - the model, brought to exactly where counting stood at a moment.
 *
 * A large batch is written in parts (fold.h): between them, the rollups have some of what stands
 * above the watermark. Which, follows from the names: so what the parts that are written have is
 * added to the model, and the rest when the batch is done.
 *
 * Threads   Waits for Redis.
 * Limits    The entries of one batch a stream are kept, 12 bytes each.
 */
#ifndef STATS_RECONCILE_BATCH_H
#define STATS_RECONCILE_BATCH_H

#include "apply.h"
#include "reconcile_model.h"

/* A batch of a stream of which the model has the parts below `written`. parts 0: none. */
struct recon_batch {
    struct entry_id last;
    uint32_t parts;
    uint32_t written;
    struct recon_tap *taps;
    size_t count;
    size_t capacity;
};

/* The part that a campaign or a link is written in. */
uint32_t recon_part_of(struct slice name, uint32_t parts);

/* From where the model is to where counting stood. Sets recon->must_repeat when that is before. */
MUST_CHECK bool recon_advance(struct reconciliation *recon, struct recon_stream *stream,
                              struct recon_batch *batch, const struct apply_mark *to,
                              struct err *err);

#endif
