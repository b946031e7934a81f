/*
 * apply.c - see apply.h.
 */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>

#include "apply_compact_lua.h"
#include "apply_forget_lua.h"
#include "apply_huge_lua.h"
#include "apply_lua.h"
#include "apply_trim_lua.h"
#include "apply_used_lua.h"
#include "base/buf.h"
#include "base/err.h"
#include "fold.h"
#include "redis/pipe.h"
#include "stats/keys.h"

enum {
    DIGEST_BYTES = 40, /* SHA-1 in hexadecimal, as Redis answers it */
    HEAD_BYTES_MAX = 4096,
    PACKED_BYTES_MAX = 128 * 1024 * 1024,
    BATCH_ARGUMENTS = 13,
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
    [APPLY_HUGE] = {{apply_huge_lua, sizeof(apply_huge_lua) - 1}, 3},
    [APPLY_USED] = {{apply_used_lua, sizeof(apply_used_lua) - 1}, 3},
};

struct apply {
    struct apply_options options;
    char digest[APPLY_SCRIPTS][DIGEST_BYTES];
    char head_bytes[HEAD_BYTES_MAX]; /* the batch's short arguments */
    struct buf head;
    struct buf packed; /* its parts, one behind the other */
    size_t part_ends[FOLD_PARTS_MAX];
    uint32_t first; /* the part that packed begins with */
    uint32_t sent;  /* parts, those before the first included */
    uint32_t parts;
    char part_number[24];
    struct slice arguments[BATCH_ARGUMENTS];
};

struct apply *apply_create(const struct apply_options *options) {
    struct apply *apply = calloc(1, sizeof(*apply));
    ENSURE(apply != NULL);
    apply->options = *options;
    buf_init(&apply->packed, PACKED_BYTES_MAX);
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

static void copy_text(char *to, size_t size, const struct redis_reply *reply) {
    struct slice text = redis_reply_text(reply);
    snprintf(to, size, "%.*s", SLICE_ARG(text));
}

enum apply_result apply_call(struct apply *apply, enum apply_script script,
                             const struct slice *arguments, struct apply_answer *answer,
                             struct err *err) {
    *answer = (struct apply_answer){0};
    if (!append_call(apply, script, arguments, false)) {
        err_set(err, "the connection was lost");
        return APPLY_UNREACHABLE;
    }
    const struct redis_reply *reply = read_reply(apply, script, arguments, err);
    if (reply == NULL) {
        return APPLY_UNREACHABLE;
    }
    if (redis_reply_is_error(reply)) {
        struct slice text = redis_reply_text(reply);
        err_set(err, "%.*s", SLICE_ARG(text));
        return APPLY_REFUSED;
    }
    answer->number = redis_reply_integer(reply);
    copy_text(answer->text, sizeof(answer->text), reply);
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

bool apply_mark_parse(struct slice mark, struct slice pending, struct apply_mark *out) {
    char text[ENTRY_ID_BYTES];
    uint64_t parts = 0, written = 0;
    *out = (struct apply_mark){.has_id = mark.size > 0};
    if (out->has_id &&
        (!entry_id_parse(mark, &out->id) || !slice_equal(entry_id_format(out->id, text), mark))) {
        return false;
    }
    if (pending.size == 0) {
        return true;
    }
    struct slice last = slice_split(&pending, ' ');
    if (!entry_id_parse(last, &out->batch_last) ||
        !slice_equal(entry_id_format(out->batch_last, text), last) ||
        entry_id_compare(out->batch_last, out->id) <= 0 ||
        !slice_to_u64(slice_split(&pending, ' '), FOLD_PARTS_MAX, &parts) ||
        !slice_to_u64(pending, FOLD_PARTS_MAX, &written) || written == 0 || written >= parts) {
        return false;
    }
    out->parts = (uint32_t)parts;
    out->written = (uint32_t)written;
    return true;
}

/* The arguments that all parts share. */
static void set_arguments(struct apply *apply, const struct apply_batch *batch) {
    const struct fold_summary *summary = fold_summary(batch->fold);
    struct buf *head = &apply->head;
    struct slice *arguments = apply->arguments;
    char text[ENTRY_ID_BYTES];
    uint32_t hours_days =
        batch->retain_days < STATS_HOURS_DAYS ? batch->retain_days : (uint32_t)STATS_HOURS_DAYS;
    *head = buf_over(apply->head_bytes, sizeof(apply->head_bytes));
    ENSURE(summary->day >= 0);
    arguments[0] = apply->options.key_prefix;
    arguments[1] = batch->stream;
    arguments[2] = SLICE_EMPTY;
    if (batch->mark->has_id) {
        arguments[2] = add_text(head, entry_id_format(batch->mark->id, text));
    }
    arguments[3] = add_text(head, entry_id_format(batch->last, text));
    arguments[4] = apply->options.zone;
    arguments[5] = add_number(head, (uint64_t)summary->day);
    arguments[6] = add_expiry(head, summary->day_end_ms, batch->retain_days);
    arguments[7] = add_expiry(head, summary->day_end_ms, hours_days);
    arguments[8] = add_number(head, summary->entries);
    arguments[9] = add_number(head, summary->malformed);
    arguments[11] = add_number(head, apply->parts);
    ENSURE(!head->overflowed);
}

bool apply_pack(struct apply *apply, const struct apply_batch *batch) {
    bool is_begun = batch->mark->parts > 0;
    apply->parts = is_begun ? batch->mark->parts : fold_parts(batch->fold);
    apply->first = apply->sent = is_begun ? batch->mark->written : 0;
    ENSURE(apply->parts <= FOLD_PARTS_MAX && apply->first < apply->parts);
    set_arguments(apply, batch);
    buf_clear(&apply->packed);
    for (uint32_t i = apply->first; i < apply->parts; i++) {
        struct fold_part part = {.number = i,
                                 .parts = apply->parts,
                                 .key_prefix = apply->options.key_prefix,
                                 .people = batch->people};
        if (!fold_pack(batch->fold, &part, &apply->packed)) {
            return false;
        }
        apply->part_ends[i] = apply->packed.size;
    }
    return true;
}

void apply_reset(struct apply *apply) {
    apply->parts = apply->sent = 0;
}

uint32_t apply_left(const struct apply *apply) {
    return apply->parts - apply->sent;
}

bool apply_send(struct apply *apply, struct err *err) {
    struct buf number = buf_over(apply->part_number, sizeof(apply->part_number));
    uint32_t part = apply->sent;
    ENSURE(part < apply->parts);
    size_t begins = part == apply->first ? 0 : apply->part_ends[part - 1];
    apply->arguments[10] = add_number(&number, part);
    apply->arguments[12] = slice_make(apply->packed.data + begins, apply->part_ends[part] - begins);
    if (!append_call(apply, APPLY_BATCH, apply->arguments, false)) {
        return err_set(err, "the connection was lost");
    }
    apply->sent++;
    return redis_pipe_send(apply->options.pipe, err);
}

enum apply_result apply_wait(struct apply *apply, struct apply_outcome *outcome, struct err *err) {
    *outcome = (struct apply_outcome){0};
    const struct redis_reply *reply = read_reply(apply, APPLY_BATCH, apply->arguments, err);
    if (reply == NULL) {
        return APPLY_UNREACHABLE;
    }
    struct slice word = redis_reply_text(redis_reply_at(reply, 0));
    if (slice_equal(word, SLICE("mark"))) {
        copy_text(outcome->mark, sizeof(outcome->mark), redis_reply_at(reply, 1));
        copy_text(outcome->pending, sizeof(outcome->pending), redis_reply_at(reply, 2));
        return APPLY_OTHER_MARK;
    }
    if (slice_equal(word, SLICE("zone"))) {
        copy_text(outcome->zone, sizeof(outcome->zone), redis_reply_at(reply, 1));
        return APPLY_OTHER_ZONE;
    }
    if (!slice_equal(word, SLICE("ok"))) {
        struct slice text = redis_reply_text(reply);
        err_set(err, "%.*s", SLICE_ARG(text));
        return APPLY_REFUSED;
    }
    outcome->folded = (uint64_t)redis_reply_integer(redis_reply_at(reply, 1));
    outcome->damaged = (uint64_t)redis_reply_integer(redis_reply_at(reply, 2));
    copy_text(outcome->where, sizeof(outcome->where), redis_reply_at(reply, 3));
    return APPLY_DONE;
}
