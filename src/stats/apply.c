/*
 * apply.c - see apply.h.
 */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>

#include "apply_compact_lua.h"
#include "apply_forget_lua.h"
#include "apply_lua.h"
#include "apply_trim_lua.h"
#include "base/buf.h"
#include "base/err.h"
#include "fold.h"
#include "redis/pipe.h"
#include "stats/keys.h"

enum {
    DIGEST_BYTES = 40, /* SHA-1 in hexadecimal, as Redis answers it */
    HEAD_BYTES_MAX = 4096,
    BATCH_ARGUMENTS = 11,
    SECONDS_PER_DAY = 86400,
    MS_PER_S = 1000,
};

static const struct script {
    struct slice text;
    size_t arguments;
} scripts[APPLY_SCRIPTS] = {
    [APPLY_BATCH] = {{apply_lua, sizeof(apply_lua) - 1}, BATCH_ARGUMENTS},
    [APPLY_TRIM] = {{apply_trim_lua, sizeof(apply_trim_lua) - 1}, 4},
    [APPLY_FORGET] = {{apply_forget_lua, sizeof(apply_forget_lua) - 1}, 3},
    [APPLY_COMPACT] = {{apply_compact_lua, sizeof(apply_compact_lua) - 1}, 3},
};

struct apply {
    struct apply_options options;
    char digest[APPLY_SCRIPTS][DIGEST_BYTES];
    char head_bytes[HEAD_BYTES_MAX]; /* the batch's short arguments */
    struct buf head;
    struct buf packed; /* its last argument */
    struct slice arguments[BATCH_ARGUMENTS];
};

struct apply *apply_create(const struct apply_options *options) {
    struct apply *apply = calloc(1, sizeof(*apply));
    ENSURE(apply != NULL);
    apply->options = *options;
    buf_init(&apply->packed, FOLD_PACKED_BYTES_MAX);
    return apply;
}

void apply_destroy(struct apply **apply) {
    if (*apply != NULL) {
        buf_fini(&(*apply)->packed);
        free(*apply);
        *apply = NULL;
    }
}

enum apply_result apply_open(struct apply *apply, struct err *err) {
    for (size_t i = 0; i < APPLY_SCRIPTS; i++) {
        struct slice load[] = {SLICE("SCRIPT"), SLICE("LOAD"), scripts[i].text};
        const struct redis_reply *reply = redis_pipe_command(apply->options.pipe, 3, load, err);
        struct slice text = redis_reply_text(reply);
        if (reply == NULL) {
            return APPLY_UNREACHABLE;
        }
        if (redis_reply_is_error(reply) || text.size != DIGEST_BYTES) {
            err_set(err, "SCRIPT LOAD: %.*s", SLICE_ARG(text));
            return APPLY_REFUSED;
        }
        memcpy(apply->digest[i], text.data, DIGEST_BYTES);
    }
    return APPLY_DONE;
}

/* EVALSHA, or EVAL when is_whole. */
static bool append_call(struct apply *apply, enum apply_script script,
                        const struct slice *arguments, bool is_whole) {
    struct slice all[3 + APPLY_ARGUMENTS_MAX] = {
        is_whole ? SLICE("EVAL") : SLICE("EVALSHA"),
        is_whole ? scripts[script].text : slice_make(apply->digest[script], DIGEST_BYTES),
        SLICE("0"),
    };
    size_t count = scripts[script].arguments;
    memcpy(all + 3, arguments, count * sizeof(*arguments));
    return redis_pipe_append(apply->options.pipe, 3 + count, all);
}

/* The answer to a script that was sent by its digest. */
static const struct redis_reply *read_reply(struct apply *apply, enum apply_script script,
                                            const struct slice *arguments, struct err *err) {
    const struct redis_reply *reply = redis_pipe_read(apply->options.pipe, err);
    if (reply == NULL || !redis_reply_is_error(reply) ||
        !slice_starts_with(redis_reply_text(reply), SLICE("NOSCRIPT"))) {
        return reply;
    }
    if (!append_call(apply, script, arguments, true)) {
        err_set(err, "the connection was lost");
        return NULL;
    }
    return redis_pipe_read(apply->options.pipe, err);
}

enum apply_result apply_call(struct apply *apply, enum apply_script script,
                             const struct slice *arguments, int64_t *number, struct err *err) {
    if (!append_call(apply, script, arguments, false)) {
        err_set(err, "the connection was lost");
        return APPLY_UNREACHABLE;
    }
    const struct redis_reply *reply = read_reply(apply, script, arguments, err);
    if (reply == NULL) {
        return APPLY_UNREACHABLE;
    }
    if (!redis_reply_is_integer(reply)) {
        err_set(err, "%.*s", SLICE_ARG(redis_reply_text(reply)));
        return APPLY_REFUSED;
    }
    *number = redis_reply_integer(reply);
    return APPLY_DONE;
}

/* ---- batches ---- */

/* Appends a number and returns it as an argument. */
static struct slice add_number(struct buf *head, uint64_t number) {
    size_t begins = head->size;
    buf_append_u64(head, number);
    return slice_make(head->data + begins, head->size - begins);
}

static struct slice add_text(struct buf *head, struct slice text) {
    size_t begins = head->size;
    buf_append(head, text);
    return slice_make(head->data + begins, head->size - begins);
}

/* Unix seconds at which what is kept for so many days behind the day is over. */
static struct slice add_expiry(struct buf *head, uint64_t day_end_ms, uint32_t days) {
    return add_number(head, day_end_ms / MS_PER_S + (uint64_t)days * SECONDS_PER_DAY);
}

bool apply_pack(struct apply *apply, const struct apply_batch *batch) {
    const struct fold_summary *summary = fold_summary(batch->fold);
    struct buf *head = &apply->head;
    char mark[ENTRY_ID_BYTES];
    char last[ENTRY_ID_BYTES];
    uint32_t hours_days =
        batch->retain_days < STATS_HOURS_DAYS ? batch->retain_days : (uint32_t)STATS_HOURS_DAYS;
    *head = buf_over(apply->head_bytes, sizeof(apply->head_bytes));
    buf_clear(&apply->packed);
    if (!fold_pack(batch->fold, apply->options.key_prefix, batch->people, &apply->packed)) {
        return false;
    }
    ENSURE(summary->entries > 0 && summary->day >= 0);
    struct slice *arguments = apply->arguments;
    arguments[0] = apply->options.key_prefix;
    arguments[1] = add_text(head, batch->stream);
    arguments[2] =
        batch->has_mark ? add_text(head, entry_id_format(batch->mark, mark)) : SLICE_EMPTY;
    arguments[3] = add_text(head, entry_id_format(summary->last, last));
    arguments[4] = apply->options.zone;
    arguments[5] = add_number(head, (uint64_t)summary->day);
    arguments[6] = add_expiry(head, summary->day_end_ms, batch->retain_days);
    arguments[7] = add_expiry(head, summary->day_end_ms, hours_days);
    arguments[8] = add_number(head, summary->entries);
    arguments[9] = add_number(head, summary->malformed);
    arguments[10] = buf_slice(&apply->packed);
    return !head->overflowed;
}

bool apply_send(struct apply *apply, struct err *err) {
    if (!append_call(apply, APPLY_BATCH, apply->arguments, false)) {
        return err_set(err, "the connection was lost");
    }
    return redis_pipe_send(apply->options.pipe, err);
}

static void copy_text(char *to, size_t size, const struct redis_reply *reply) {
    struct slice text = redis_reply_text(reply);
    snprintf(to, size, "%.*s", SLICE_ARG(text));
}

enum apply_result apply_wait(struct apply *apply, struct apply_outcome *outcome, struct err *err) {
    *outcome = (struct apply_outcome){0};
    const struct redis_reply *reply = read_reply(apply, APPLY_BATCH, apply->arguments, err);
    if (reply == NULL) {
        return APPLY_UNREACHABLE;
    }
    struct slice word = redis_reply_text(redis_reply_at(reply, 0));
    copy_text(outcome->other, sizeof(outcome->other), redis_reply_at(reply, 1));
    if (slice_equal(word, SLICE("mark"))) {
        return APPLY_OTHER_MARK;
    }
    if (slice_equal(word, SLICE("zone"))) {
        return APPLY_OTHER_ZONE;
    }
    if (!slice_equal(word, SLICE("ok"))) {
        struct slice text = redis_reply_text(reply);
        err_set(err, "%.*s", SLICE_ARG(text));
        return APPLY_REFUSED;
    }
    outcome->other[0] = '\0';
    outcome->folded = (uint64_t)redis_reply_integer(redis_reply_at(reply, 1));
    outcome->damaged = (uint64_t)redis_reply_integer(redis_reply_at(reply, 2));
    copy_text(outcome->where, sizeof(outcome->where), redis_reply_at(reply, 3));
    return APPLY_DONE;
}
