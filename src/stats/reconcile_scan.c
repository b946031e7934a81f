/*
 * reconcile_scan.c - see reconcile_scan.h.
 *
 * SCAN goes over all keys that Redis has; it names each that is there all the time, and perhaps
 * twice.
 */
#include "reconcile_scan.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile_model.h"
#include "redis/pipe.h"
#include "redis/reply.h"

enum { SCAN_COUNT_BYTES = 8, NAMES_BYTES_MAX = 1024 * 1024 * 1024 };

struct recon_scanned {
    size_t name;
    uint8_t name_bytes;
    uint8_t kind;
};

struct stats_scope recon_scan_scope(const struct recon_scan *scan, size_t number) {
    const struct recon_scanned *scanned = &scan->scanned[number];
    return (struct stats_scope){(enum stats_scope_kind)scanned->kind,
                                slice_make(scan->names.data + scanned->name, scanned->name_bytes)};
}

static int compare(const void *left, const void *right, void *argument) {
    const struct recon_scanned *a = left;
    const struct recon_scanned *b = right;
    const struct recon_scan *scan = argument;
    if (a->kind != b->kind || a->name_bytes != b->name_bytes) {
        return a->kind != b->kind ? a->kind - b->kind : a->name_bytes - b->name_bytes;
    }
    return memcmp(scan->names.data + a->name, scan->names.data + b->name, a->name_bytes);
}

void recon_scan_sort(struct recon_scan *scan) {
    if (scan->count > 1) {
        qsort_r(scan->scanned, scan->count, sizeof(*scan->scanned), compare, scan);
    }
}

bool recon_scan_is_repeated(const struct recon_scan *scan, size_t number) {
    if (number == 0) {
        return false;
    }
    struct stats_scope a = recon_scan_scope(scan, number - 1);
    struct stats_scope b = recon_scan_scope(scan, number);
    return a.kind == b.kind && slice_equal(a.id, b.id);
}

void recon_scan_fini(struct recon_scan *scan) {
    free(scan->scanned);
    buf_fini(&scan->names);
    *scan = (struct recon_scan){.scanned = NULL};
}

/* PREFIX as a pattern: what has a meaning there is escaped. */
static void append_pattern(const struct reconciliation *recon, struct buf *pattern) {
    struct slice prefix = recon->options->source->key_prefix;
    for (size_t i = 0; i < prefix.size; i++) {
        if (strchr("*?[]\\", prefix.data[i]) != NULL) {
            buf_append_char(pattern, '\\');
        }
        buf_append_char(pattern, prefix.data[i]);
    }
    buf_append(pattern, SLICE("stats:*:"));
    buf_append_u64(pattern, (uint64_t)recon->day);
    buf_append_char(pattern, '*');
}

static bool cut_end(struct slice *text, struct slice end) {
    if (text->size < end.size || !slice_equal(slice_from(*text, text->size - end.size), end)) {
        return end.size == 0;
    }
    text->size -= end.size;
    return true;
}

/* "stats:link:CODE:DAY", "stats:campaign:ID:DAY", "stats:campaign:ID:DAY:h" */
static bool parse_key(const struct reconciliation *recon, struct slice key,
                      struct stats_scope *scope) {
    char bytes[16];
    struct buf day = buf_over(bytes, sizeof(bytes));
    buf_append_char(&day, ':');
    buf_append_u64(&day, (uint64_t)recon->day);
    key = slice_from(key, recon->options->source->key_prefix.size);
    cut_end(&key, SLICE(":h"));
    static const struct slice link = {"stats:link:", 11};
    static const struct slice campaign = {"stats:campaign:", 15};
    bool is_link = slice_starts_with(key, link);
    if (!cut_end(&key, buf_slice(&day)) || (!is_link && !slice_starts_with(key, campaign))) {
        return false;
    }
    scope->kind = is_link ? STATS_LINK : STATS_CAMPAIGN;
    scope->id = slice_from(key, is_link ? link.size : campaign.size);
    return scope->id.size > 0 && scope->id.size <= UINT8_MAX;
}

/* False: there are too many. */
static bool note(struct reconciliation *recon, struct recon_scan *scan, struct slice key) {
    struct stats_scope scope;
    if (!parse_key(recon, key, &scope) ||
        (recon->model != NULL && recon_model_find(recon->model, scope) != RECON_NONE)) {
        return true;
    }
    if (scan->count == RECON_SCAN_MAX) {
        return false;
    }
    if (scan->count == scan->capacity) {
        scan->capacity = scan->capacity == 0 ? 1024 : 2 * scan->capacity;
        scan->scanned = realloc(scan->scanned, scan->capacity * sizeof(*scan->scanned));
        ENSURE(scan->scanned != NULL);
    }
    scan->scanned[scan->count] =
        (struct recon_scanned){scan->names.size, (uint8_t)scope.id.size, (uint8_t)scope.kind};
    if (!buf_append(&scan->names, scope.id)) {
        return false;
    }
    scan->count++;
    return true;
}

bool recon_scan(struct reconciliation *recon, struct recon_scan *scan, struct err *err) {
    char bytes[2 * RECON_KEY_BYTES_MAX];
    char cursor[24] = "0";
    struct buf pattern = buf_over(bytes, sizeof(bytes));
    append_pattern(recon, &pattern);
    *scan = (struct recon_scan){.scanned = NULL};
    buf_init(&scan->names, NAMES_BYTES_MAX);
    bool has_room = true;
    do {
        const struct slice arguments[] = {SLICE("SCAN"),       slice_of(cursor), SLICE("MATCH"),
                                          buf_slice(&pattern), SLICE("COUNT"),   SLICE("2000")};
        const struct redis_reply *reply = redis_pipe_command(
            recon->options->source->pipe, ARRAY_COUNT(arguments), arguments, err);
        const struct redis_reply *keys = redis_reply_at(reply, 1);
        if (reply == NULL) {
            return false;
        }
        struct slice next = redis_reply_text(redis_reply_at(reply, 0));
        if (redis_reply_is_error(reply) || next.size == 0 || next.size >= sizeof(cursor)) {
            return err_set(err, "SCAN: Redis says: %.*s", SLICE_ARG(redis_reply_text(reply)));
        }
        memcpy(cursor, next.data, next.size);
        cursor[next.size] = '\0';
        for (size_t i = 0; i < redis_reply_count(keys) && has_room; i++) {
            has_room = note(recon, scan, redis_reply_text(redis_reply_at(keys, i)));
        }
        recon_work(recon, 0);
    } while (strcmp(cursor, "0") != 0);
    if (!has_room) {
        recon_blame(recon, "too_many_keys", &(struct recon_place){.stream = -1},
                    "more than %d keys of rollups: those beyond were not looked at",
                    RECON_SCAN_MAX);
    }
    return true;
}
