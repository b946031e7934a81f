/*
 * batch.c - writing links in pipelines.
 *
 * Threads   The main thread.
 */
#include "batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "base/err.h"
#include "link/store.h"

enum { CALL_BYTES_MAX = 4 * 1024 * 1024 }; /* BATCH_BYTES_MAX and the largest row beyond it */

_Static_assert((int)BATCH_CALL_ROWS <= (int)EDIT_MERGE_ROWS_MAX, "a call takes its rows");

static bool write_calls(struct batch *batch, struct err *err);
static bool read_call(struct batch *batch, size_t first, struct batch_outcome *outcome,
                      struct err *err);

void batch_init(struct batch *batch, struct store *store, uint64_t now_seconds) {
    batch->store = store;
    batch->row_count = 0;
    batch->bytes = 0;
    snprintf(batch->created_at, sizeof batch->created_at, "%" PRIu64, now_seconds);
    for (size_t i = 0; i < BATCH_CALLS_MAX; i++) {
        edit_merge_init(&batch->call[i], CALL_BYTES_MAX);
    }
}

void batch_fini(struct batch *batch) {
    for (size_t i = 0; i < BATCH_CALLS_MAX; i++) {
        edit_merge_fini(&batch->call[i]);
    }
}

bool batch_is_full(const struct batch *batch) {
    return batch->row_count == BATCH_ROWS_MAX || batch->bytes >= BATCH_BYTES_MAX;
}

void batch_add(struct batch *batch, const struct row *row) {
    ENSURE(!batch_is_full(batch) && row->code.size <= CODE_BYTES_MAX);
    struct edit_merge *call = &batch->call[batch->row_count / BATCH_CALL_ROWS];
    struct batch_row *kept = &batch->row[batch->row_count++];
    kept->line = row->line;
    kept->code_size = (uint8_t)row->code.size;
    memcpy(kept->code, row->code.data, row->code.size);
    size_t bytes_before = call->rows.size;
    edit_merge_add(call, row->code, row->fields.value);
    batch->bytes += call->rows.size - bytes_before;
    ENSURE(!call->rows.overflowed);
}

bool batch_write(struct batch *batch, struct batch_outcome *outcome, struct err *err) {
    bool alive = write_calls(batch, err);
    for (size_t first = 0; first < batch->row_count && alive; first += BATCH_CALL_ROWS) {
        alive = read_call(batch, first, outcome, err);
    }
    batch->row_count = 0;
    batch->bytes = 0;
    return alive;
}

static bool write_calls(struct batch *batch, struct err *err) {
    struct slice created_at = slice_of(batch->created_at);
    for (size_t i = 0; i * BATCH_CALL_ROWS < batch->row_count; i++) {
        if (!edit_merge_append(batch->store, &batch->call[i], created_at)) {
            return err_set(err, "the connection to Redis is lost");
        }
    }
    return true;
}

static bool read_call(struct batch *batch, size_t first, struct batch_outcome *outcome,
                      struct err *err) {
    size_t left = batch->row_count - first;
    size_t count = left < BATCH_CALL_ROWS ? left : BATCH_CALL_ROWS;
    uint64_t refused;
    if (!edit_merge_read(batch->store, &refused, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct batch_row *row = &batch->row[first + i];
        bool is_refused = (refused >> i & 1) != 0;
        if (is_refused) {
            outcome->on_refused(outcome->argument, row->line, slice_make(row->code, row->code_size),
                                SLICE("its key in Redis is no hash"));
        }
        outcome->written += is_refused ? 0 : 1;
        outcome->last_line = row->line;
    }
    return true;
}
