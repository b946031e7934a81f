/*
 * batch.h - links on their way to Redis, a thousand at a time.
 *
 * For each row, in one pipeline: HSET of what it gives, HDEL of what it removes, HSETNX of
 * created_at where the row says nothing of it; so such a field stays as it was. In that order an
 * edge that looks in between sees a link that already leads somewhere.
 *
 * Limits    BATCH_ROWS_MAX rows or BATCH_BYTES_MAX bytes, whichever comes first.
 */
#ifndef CMD_BATCH_H
#define CMD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/defs.h"
#include "link/code.h"
#include "rows.h"

struct err;
struct store;

enum { BATCH_ROWS_MAX = 1000, BATCH_BYTES_MAX = 1024 * 1024 };

struct batch_row {
    uint64_t line;
    uint8_t command_count;
    uint8_t code_size;
    char code[CODE_BYTES_MAX];
};

struct batch {
    struct store *store;
    struct buf resp;
    size_t row_count;
    size_t command_count;
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
