/*
 * batch.c - writing links in pipelines of ready-made RESP.
 *
 * Threads   The main thread.
 */
#include "batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "link/store.h"
#include "redis/pipe.h"
#include "redis/reply.h"

enum {
    RESP_BYTES_MAX = 4 * 1024 * 1024, /* BATCH_BYTES_MAX and the largest row beyond it */
    KEY_BYTES_MAX = 256,              /* redis.prefix has 64 at most */
};

static void append_set(struct batch *batch, const struct row *row);
static void append_delete(struct batch *batch, const struct row *row);
static void append_created_at(struct batch *batch, const struct row *row);
static size_t count_fields(const struct row *row, bool removed);
static bool is_given(struct slice value, bool removed);
static void begin_command(struct batch *batch, const char *name, struct slice code,
                          size_t argument_count);
static void append_argument(struct buf *resp, struct slice argument);
static bool read_row(struct batch *batch, const struct batch_row *row,
                     struct batch_outcome *outcome, struct err *err);

void batch_init(struct batch *batch, struct store *store, uint64_t now_seconds) {
    batch->store = store;
    batch->row_count = 0;
    batch->command_count = 0;
    snprintf(batch->created_at, sizeof batch->created_at, "%" PRIu64, now_seconds);
    buf_init(&batch->resp, RESP_BYTES_MAX);
}

void batch_fini(struct batch *batch) {
    buf_fini(&batch->resp);
}

bool batch_is_full(const struct batch *batch) {
    return batch->row_count == BATCH_ROWS_MAX || batch->resp.size >= BATCH_BYTES_MAX;
}

void batch_add(struct batch *batch, const struct row *row) {
    ENSURE(!batch_is_full(batch) && row->code.size <= CODE_BYTES_MAX);
    struct batch_row *kept = &batch->row[batch->row_count++];
    kept->line = row->line;
    kept->code_size = (uint8_t)row->code.size;
    memcpy(kept->code, row->code.data, row->code.size);
    size_t commands_before = batch->command_count;
    append_set(batch, row);
    append_delete(batch, row);
    if (row->fields.value[LINK_FIELD_CREATED_AT].data == NULL) {
        append_created_at(batch, row);
    }
    kept->command_count = (uint8_t)(batch->command_count - commands_before);
    ENSURE(!batch->resp.overflowed);
}

bool batch_write(struct batch *batch, struct batch_outcome *outcome, struct err *err) {
    bool alive =
        redis_pipe_append_resp(batch->store->pipe, buf_slice(&batch->resp), batch->command_count) ||
        err_set(err, "the connection to Redis is lost");
    for (size_t i = 0; i < batch->row_count && alive; i++) {
        alive = read_row(batch, &batch->row[i], outcome, err);
    }
    buf_clear(&batch->resp);
    batch->row_count = 0;
    batch->command_count = 0;
    return alive;
}

static void append_set(struct batch *batch, const struct row *row) {
    size_t count = count_fields(row, false);
    ENSURE(count > 0);
    begin_command(batch, "HSET", row->code, count * 2);
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        if (is_given(row->fields.value[i], false)) {
            append_argument(&batch->resp, slice_of(link_field_name((enum link_field)i)));
            append_argument(&batch->resp, row->fields.value[i]);
        }
    }
}

static void append_delete(struct batch *batch, const struct row *row) {
    size_t count = count_fields(row, true);
    if (count == 0) {
        return;
    }
    begin_command(batch, "HDEL", row->code, count);
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        if (is_given(row->fields.value[i], true)) {
            append_argument(&batch->resp, slice_of(link_field_name((enum link_field)i)));
        }
    }
}

static void append_created_at(struct batch *batch, const struct row *row) {
    begin_command(batch, "HSETNX", row->code, 2);
    append_argument(&batch->resp, slice_of(link_field_name(LINK_FIELD_CREATED_AT)));
    append_argument(&batch->resp, slice_of(batch->created_at));
}

static size_t count_fields(const struct row *row, bool removed) {
    size_t count = 0;
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        count += is_given(row->fields.value[i], removed) ? 1 : 0;
    }
    return count;
}

/* A value that is there and empty removes its field. */
static bool is_given(struct slice value, bool removed) {
    return value.data != NULL && (value.size == 0) == removed;
}

/* The command's name, the link's key, and argument_count arguments to follow. */
static void begin_command(struct batch *batch, const char *name, struct slice code,
                          size_t argument_count) {
    batch->command_count++;
    buf_append_char(&batch->resp, '*');
    buf_append_u64(&batch->resp, argument_count + 2);
    buf_append(&batch->resp, SLICE("\r\n"));
    append_argument(&batch->resp, slice_of(name));
    char key_storage[KEY_BYTES_MAX];
    struct buf key = buf_over(key_storage, sizeof key_storage);
    buf_append(&key, batch->store->key_prefix);
    buf_append(&key, SLICE("link:"));
    buf_append(&key, code);
    ENSURE(!key.overflowed);
    append_argument(&batch->resp, buf_slice(&key));
}

static void append_argument(struct buf *resp, struct slice argument) {
    buf_append_char(resp, '$');
    buf_append_u64(resp, argument.size);
    buf_append(resp, SLICE("\r\n"));
    buf_append(resp, argument);
    buf_append(resp, SLICE("\r\n"));
}

/* All replies of a row are read, whatever the first of them says. */
static bool read_row(struct batch *batch, const struct batch_row *row,
                     struct batch_outcome *outcome, struct err *err) {
    bool refused = false;
    for (unsigned i = 0; i < row->command_count; i++) {
        const struct redis_reply *reply = redis_pipe_read(batch->store->pipe, err);
        if (reply == NULL) {
            return false;
        }
        if (!redis_reply_is_error(reply) || refused) {
            continue;
        }
        struct slice text = redis_reply_text(reply);
        if (!slice_starts_with(text, SLICE("WRONGTYPE"))) {
            return err_set(err, "Redis refuses to write: %.*s", SLICE_ARG(slice_first(text, 200)));
        }
        refused = true;
        outcome->on_refused(outcome->argument, row->line, slice_make(row->code, row->code_size),
                            SLICE("its key in Redis is no hash"));
    }
    outcome->written += refused ? 0 : 1;
    outcome->last_line = row->line;
    return true;
}
