/*
 * batch.h - links on their way to Redis, a thousand at a time.
 *
 * A batch is a pipeline of calls that write BATCH_CALL_ROWS links each (link/edit.h): of a row,
 * what it gives is set or removed, and created_at where neither the row nor the link says anything
 * of it. What is changed by that goes into the link's history. So many in one call cost a third of
 * what they do alone, and Redis is held up for less than a millisecond.
 *
 * Limits    BATCH_ROWS_MAX rows or BATCH_BYTES_MAX bytes, whichever comes first.
 */
#ifndef CMD_BATCH_H
#define CMD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "link/code.h"
#include "link/edit.h"
#include "rows.h"

struct err;
struct store;

enum {
    BATCH_ROWS_MAX = 1000,
    BATCH_BYTES_MAX = 1024 * 1024,
    BATCH_CALL_ROWS = 50,
    BATCH_CALLS_MAX = BATCH_ROWS_MAX / BATCH_CALL_ROWS,
};

struct batch_row {
    uint64_t line;
    uint8_t code_size;
    char code[CODE_BYTES_MAX];
};

struct batch {
    struct store *store;
    struct edit_merge call[BATCH_CALLS_MAX];
    size_t row_count;
    size_t bytes; /* of all calls' rows */
    char created_at[24];
    struct batch_row row[BATCH_ROWS_MAX];
};

/* store is borrowed. Its pipe is the batch's between the first and the last call of
 * batch_write(), not in between. */
void batch_init(struct batch *batch, struct store *store, uint64_t now_seconds);
void batch_fini(struct batch *batch);

bool batch_is_full(const struct batch *batch);

/* The row must have been checked: a valid code, a field that is given. Not when full. */
void batch_add(struct batch *batch, const struct row *row);

/* What came of writing a batch. */
struct batch_outcome {
    uint64_t written;   /* rows */
    uint64_t last_line; /* of the last row that Redis has answered for; 0: of none */
    void (*on_refused)(void *argument, uint64_t line, struct slice code, struct slice reason);
    void *argument;
};

/* Writes all rows and empties the batch. A key that is no hash refuses its row. False and err
 * when Redis is lost, or refuses to write at all (out of memory, read-only). */
MUST_CHECK bool batch_write(struct batch *batch, struct batch_outcome *outcome, struct err *err);

#endif
