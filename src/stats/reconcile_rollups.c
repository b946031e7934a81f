/*
 * reconcile_rollups.c - what the rollups are, key by key.
 *
 * Some keys at a time are read in one transaction with the watermarks. Then the model is brought to
 * exactly these, and what of a batch is half written, from the streams, and the keys are compared.
 * Each key is so compared with what was counted when it was read; nothing is in between.
 *
 * Keys that no click accounts for are looked for with SCAN beforehand.
 *
 * Limits    KEYS_MAX keys and HEADS_MAX of their cells a transaction; EXTRA_MAX keys that nobody
 *           accounts for; RECON_SUSPECTS_MAX keys whose fields are named.
 */
#include "reconcile_rollups.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile_batch.h"
#include "reconcile_scan.h"

enum { KEYS_MAX = 64, HEADS_MAX = 4000, HEADS_NAMED_MAX = 8 };

struct rollups {
    struct reconciliation *recon;
    struct recon_scratch *scratch;
    struct recon_seen seen[KEYS_MAX];
    struct recon_request requests[KEYS_MAX];
    char ids[KEYS_MAX][RECON_ID_BYTES];
    size_t count;
    size_t heads;
    struct apply_mark *marks;
    struct recon_batch *batches; /* one for each stream */
    struct recon_suspects suspects;
};

static bool compare_chunk(struct rollups *rollups, struct err *err);

static void take_reply(void *argument, size_t number, const struct redis_reply *reply) {
    struct rollups *rollups = argument;
    struct recon_seen *seen = &rollups->seen[number];
    *seen = (struct recon_seen){.kind = rollups->requests[number].kind,
                                .scope = rollups->requests[number].scope};
    recon_seen_take(rollups->recon, seen, reply, rollups->scratch);
}

/* Asks for one more; what is full is compared. */
static bool ask(struct rollups *rollups, enum recon_key_kind kind, struct stats_scope scope,
                struct err *err) {
    if ((rollups->count == KEYS_MAX || rollups->heads >= HEADS_MAX) &&
        !compare_chunk(rollups, err)) {
        return false;
    }
    char *id = rollups->ids[rollups->count];
    ENSURE(scope.id.size <= RECON_ID_BYTES);
    memcpy(id, scope.id.data != NULL ? scope.id.data : "", scope.id.size);
    scope.id = slice_make(id, scope.id.size);
    rollups->requests[rollups->count++] = (struct recon_request){kind, scope};
    rollups->heads += 1 + recon_model_head_count(rollups->recon->model,
                                                 recon_model_find(rollups->recon->model, scope));
    return true;
}

/* --- comparing ------------------------------------------------------------------------------ */

static void note_suspect(struct rollups *rollups, const struct recon_seen *seen) {
    struct recon_suspects *suspects = &rollups->suspects;
    struct recon_scratch *scratch = rollups->scratch;
    if (suspects->count < RECON_SUSPECTS_MAX) {
        struct recon_suspect *suspect = &suspects->suspect[suspects->count++];
        suspect->kind = seen->kind;
        suspect->scope = seen->scope.kind;
        suspect->id_bytes = seen->scope.id.size;
        memcpy(suspect->id, seen->scope.id.data, seen->scope.id.size);
        return;
    }
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf name = buf_over(bytes, sizeof(bytes));
    struct slice key = recon_key_name(rollups->recon, seen->kind, seen->scope, &name);
    size_t heads = 0;
    for (size_t i = 0; i < scratch->touched_count && heads < HEADS_NAMED_MAX; i++) {
        int64_t difference = scratch->difference[scratch->touched[i]];
        if (difference != 0) {
            recon_blame_head(rollups->recon, key, scratch->touched[i], difference);
            heads++;
        }
    }
}

static bool feed_all(struct rollups *rollups, struct err *err) {
    struct reconciliation *recon = rollups->recon;
    bool is_good = true;
    for (size_t i = 0; i < recon->stream_count && is_good && !recon->must_repeat; i++) {
        is_good =
            recon_advance(recon, &recon->streams[i], &rollups->batches[i], &rollups->marks[i], err);
    }
    return is_good;
}

static bool compare_chunk(struct rollups *rollups, struct err *err) {
    struct reconciliation *recon = rollups->recon;
    struct recon_exec exec = {.requests = rollups->requests,
                              .count = rollups->count,
                              .each = take_reply,
                              .argument = rollups,
                              .marks = rollups->marks};
    if (rollups->count == 0) {
        return true;
    }
    memset(rollups->seen, 0, sizeof(rollups->seen));
    bool is_good = recon_exec(recon, &exec, err) && feed_all(rollups, err);
    for (size_t i = 0; i < rollups->count; i++) {
        struct recon_seen *seen = &rollups->seen[i];
        if (is_good && !recon->must_repeat &&
            recon_seen_compare(recon, seen, recon->model, rollups->scratch)) {
            note_suspect(rollups, seen);
            recon_scratch_clear(rollups->scratch);
        }
        recon_seen_fini(seen);
    }
    recon_work(recon, rollups->count);
    rollups->count = 0;
    rollups->heads = 0;
    return is_good;
}

/* --- which keys ----------------------------------------------------------------------------- */

static bool has_hours(const struct reconciliation *recon) {
    uint64_t age_ms = recon->options->source->now_ms > recon->end_ms
                          ? recon->options->source->now_ms - recon->end_ms
                          : 0;
    return age_ms < (uint64_t)STATS_HOURS_DAYS * 24 * RECON_MS_PER_HOUR;
}

static bool ask_scope(struct rollups *rollups, struct stats_scope scope, struct err *err) {
    char id[RECON_ID_BYTES]; /* the model's own names may move while a chunk is compared */
    ENSURE(scope.id.size <= sizeof(id));
    memcpy(id, scope.id.data != NULL ? scope.id.data : "", scope.id.size);
    scope.id.data = id;
    if (scope.kind == STATS_LINK) {
        return recon_model_gave_up(rollups->recon->model) ||
               ask(rollups, RECON_KEY_LINK, scope, err);
    }
    if (scope.kind == STATS_CAMPAIGN && scope.id.size == 0) {
        return true; /* taps without a campaign: only the index has them */
    }
    return ask(rollups, RECON_KEY_DAY, scope, err) &&
           (!has_hours(rollups->recon) || ask(rollups, RECON_KEY_HOURS, scope, err)) &&
           (recon_model_gave_up(rollups->recon->model) ||
            ask(rollups, RECON_KEY_TOP, scope, err)) &&
           ask(rollups, RECON_KEY_UNIQUE, scope, err);
}

static bool ask_all(struct rollups *rollups, struct recon_scan *scan, struct err *err) {
    struct recon_model *model = rollups->recon->model;
    bool is_good = ask(rollups, RECON_KEY_INDEX, (struct stats_scope){.kind = STATS_ALL}, err);
    for (uint32_t number = 0; is_good && number < recon_model_scopes(model); number++) {
        is_good = ask_scope(rollups, recon_model_scope(model, number), err);
        /* More may have come while the last ones were compared. */
        if (number + 1 == recon_model_scopes(model)) {
            is_good = is_good && compare_chunk(rollups, err);
        }
    }
    struct stats_scope scope;
    for (size_t i = 0; is_good && i < scan->count; i++) {
        scope = recon_scan_scope(scan, i);
        if (recon_model_find(model, scope) == RECON_NONE) {
            is_good = ask_scope(rollups, scope, err);
        }
    }
    return is_good && compare_chunk(rollups, err);
}

bool recon_check_rollups(struct reconciliation *recon, struct err *err) {
    struct rollups *rollups = calloc(1, sizeof(*rollups));
    struct recon_scan scan;
    ENSURE(rollups != NULL);
    rollups->recon = recon;
    rollups->scratch = calloc(1, sizeof(*rollups->scratch));
    rollups->marks = calloc(recon->stream_count + 1, sizeof(*rollups->marks));
    rollups->batches = calloc(recon->stream_count + 1, sizeof(*rollups->batches));
    ENSURE(rollups->scratch != NULL && rollups->marks != NULL && rollups->batches != NULL);
    bool is_good = recon_scan(recon, &scan, err) && ask_all(rollups, &scan, err);
    if (is_good && !recon->must_repeat && rollups->suspects.count > 0) {
        is_good = recon_name_fields(recon, &rollups->suspects, err);
    }
    if (is_good && recon_model_gave_up(recon->model)) {
        is_good = recon_check_links(recon, err);
    }
    recon->rolled_up = recon_model_taps(recon->model);
    recon_scan_fini(&scan);
    free(rollups->scratch);
    for (size_t i = 0; i < recon->stream_count; i++) {
        free(rollups->batches[i].taps);
    }
    free(rollups->batches);
    free(rollups->marks);
    free(rollups);
    return is_good;
}
