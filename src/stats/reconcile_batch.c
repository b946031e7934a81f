/*
 * reconcile_batch.c - see reconcile_batch.h.
 *
 * The whole is in the first part, a campaign's and a link's cells are in the part that their names
 * fall to, and the index is in the last one, with which the watermark moves.
 */
#include "reconcile_batch.h"

#include <stdlib.h>

#include "base/hash.h"
#include "fold_private.h"

struct taking {
    struct reconciliation *recon;
    struct recon_batch *batch;
};

uint32_t recon_part_of(struct slice name, uint32_t parts) {
    return (uint32_t)(hash_bytes(name, FOLD_SHARE_SEED) >> 32) % parts;
}

static void take(void *argument, const struct recon_click *click) {
    struct taking *taking = argument;
    struct recon_batch *batch = taking->batch;
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity == 0 ? 1024 : 2 * batch->capacity;
        batch->taps = realloc(batch->taps, batch->capacity * sizeof(*batch->taps));
        ENSURE(batch->taps != NULL);
    }
    batch->taps[batch->count++] = recon_model_tap(taking->recon->model, click);
}

static bool is_within(uint32_t part, uint32_t from, uint32_t to) {
    return part >= from && part < to;
}

/* Adds what the parts from .. to - 1 have. */
static void write(struct reconciliation *recon, struct recon_batch *batch, uint32_t to) {
    struct recon_model *model = recon->model;
    uint32_t from = batch->written;
    bool is_done = to == batch->parts;
    for (size_t i = 0; i < batch->count; i++) {
        const struct recon_tap *tap = &batch->taps[i];
        struct slice campaign = recon_model_scope(model, tap->campaign).id;
        unsigned pieces = is_done ? RECON_PIECE_INDEX : 0;
        pieces |= is_within(0, from, to) ? RECON_PIECE_WHOLE : 0;
        pieces |=
            is_within(recon_part_of(campaign, batch->parts), from, to) ? RECON_PIECE_CAMPAIGN : 0;
        if (tap->link != RECON_NONE) {
            struct slice link = recon_model_scope(model, tap->link).id;
            pieces |= is_within(recon_part_of(link, batch->parts), from, to) ? RECON_PIECE_LINK : 0;
        }
        recon_model_add(model, tap, pieces);
    }
    batch->written = to;
}

/* Reads a batch that is new. The stream's place stays where it is: the mark did not move. */
static bool begin(struct reconciliation *recon, struct recon_stream *stream,
                  struct recon_batch *batch, const struct apply_mark *to, struct err *err) {
    struct taking taking = {recon, batch};
    struct recon_sink sink = {take, &taking};
    struct entry_id mark = stream->fed;
    batch->last = to->batch_last;
    batch->parts = to->parts;
    batch->written = 0;
    batch->count = 0;
    bool is_good = recon_feed_on(recon, stream, to->batch_last, &sink, err);
    stream->fed = mark;
    return is_good;
}

static void end(struct reconciliation *recon, struct recon_stream *stream,
                struct recon_batch *batch) {
    write(recon, batch, batch->parts);
    stream->fed = batch->last;
    batch->parts = 0;
}

bool recon_advance(struct reconciliation *recon, struct recon_stream *stream,
                   struct recon_batch *batch, const struct apply_mark *to, struct err *err) {
    struct recon_sink sink = {recon_model_take, recon->model};
    struct entry_id id = to->has_id ? to->id : stream->fed;
    if (batch->parts > 0 && entry_id_compare(id, stream->fed) > 0) {
        recon->must_repeat |= entry_id_compare(id, batch->last) < 0;
        end(recon, stream, batch);
    }
    if (entry_id_compare(id, stream->fed) < 0 || (batch->parts > 0 && to->parts == 0)) {
        recon->must_repeat = true;
    }
    if (recon->must_repeat) {
        return true;
    }
    if (entry_id_compare(id, stream->fed) > 0 && !recon_feed_on(recon, stream, id, &sink, err)) {
        return false;
    }
    if (to->parts == 0) {
        return true;
    }
    if (batch->parts == 0 && !begin(recon, stream, batch, to, err)) {
        return false;
    }
    if (entry_id_compare(batch->last, to->batch_last) != 0 || batch->parts != to->parts ||
        batch->written > to->written) {
        recon->must_repeat = true;
    } else {
        write(recon, batch, to->written);
    }
    return true;
}
