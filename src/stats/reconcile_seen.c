/*
 * reconcile_seen.c - one key of the rollups, as it was read.
 *
 * Redis may hold anything: whatever is no cell, no number, or of another type is said with its key
 * and field.
 */
#include "reconcile_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/reply.h"

enum {
    NUMBER_BYTES_MAX = 20,
    BYTES_MAX = 256 * 1024 * 1024,
    PEOPLE_BYTES = 8,
};

/* --- names ---------------------------------------------------------------------------------- */

struct slice recon_key_name(const struct reconciliation *recon, enum recon_key_kind kind,
                            struct stats_scope scope, struct buf *out) {
    size_t begin = out->size;
    switch (kind) {
    case RECON_KEY_DAY:
    case RECON_KEY_LINK:
        stats_key_cells(out, SLICE_EMPTY, scope, recon->day, false);
        break;
    case RECON_KEY_HOURS:
        stats_key_cells(out, SLICE_EMPTY, scope, recon->day, true);
        break;
    case RECON_KEY_INDEX:
        stats_key_day(out, SLICE_EMPTY, "stats:index", recon->day);
        break;
    case RECON_KEY_TOP:
        stats_key_top(out, SLICE_EMPTY, scope, recon->day);
        break;
    case RECON_KEY_UNIQUE:
        stats_key_unique(out, SLICE_EMPTY, scope, recon->day);
        break;
    }
    return slice_make(out->data + begin, out->size - begin);
}

void recon_show_field(struct slice field, char text[RECON_FIELD_TEXT_BYTES]) {
    size_t size = field.size < RECON_FIELD_TEXT_BYTES - 1 ? field.size : RECON_FIELD_TEXT_BYTES - 1;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)field.data[i];
        text[i] = (char)(c == '\t' ? '|' : c == CELL_OTHER ? '*' : c < ' ' || c > '~' ? '?' : c);
    }
    text[size] = '\0';
}

static void blame_field(struct reconciliation *recon, struct recon_seen *seen, struct slice field,
                        const char *what) {
    char bytes[RECON_KEY_BYTES_MAX];
    char text[RECON_FIELD_TEXT_BYTES];
    struct buf name = buf_over(bytes, sizeof(bytes));
    struct slice key = recon_key_name(recon, seen->kind, seen->scope, &name);
    recon_show_field(field, text);
    seen->has_bad = true;
    recon_blame(recon, "field_bad", &(struct recon_place){.stream = -1, .key = key, .field = field},
                "%.*s, field %s: %s", SLICE_ARG(key), text, what);
}

void recon_blame_head(struct reconciliation *recon, struct slice key, uint32_t head,
                      int64_t difference) {
    struct cell cell = recon_cell_of_head(head);
    char hour[24] = "";
    char field[5];
    if (cell.hour != CELL_NO_HOUR) {
        snprintf(hour, sizeof(hour), " in its hour %d", cell.hour);
    }
    snprintf(field, sizeof(field), "%c%c%c%c", cell.hour == CELL_NO_HOUR ? '-' : 'a' + cell.hour,
             '0' + (int)cell.kind, '0' + (int)cell.outcome, '0' + (int)cell.platform);
    recon_blame(
        recon, "cell_differs",
        &(struct recon_place){.stream = -1,
                              .key = key,
                              .field = slice_of(field),
                              .count = (uint64_t)(difference < 0 ? -difference : difference)},
        "%.*s, fields %s…: %" PRId64 " too %s of %s %s %s%s", SLICE_ARG(key), field,
        difference < 0 ? -difference : difference, difference < 0 ? "few" : "many",
        tap_kind_name(cell.kind), tap_outcome_name(cell.outcome), tap_platform_name(cell.platform),
        hour);
}

/* --- taking --------------------------------------------------------------------------------- */

void recon_scratch_add(struct recon_scratch *scratch, uint32_t head, int64_t amount) {
    if (!scratch->is_touched[head]) {
        scratch->is_touched[head] = true;
        scratch->touched[scratch->touched_count++] = head;
    }
    scratch->difference[head] += amount;
}

void recon_scratch_clear(struct recon_scratch *scratch) {
    for (size_t i = 0; i < scratch->touched_count; i++) {
        scratch->is_touched[scratch->touched[i]] = false;
        scratch->difference[scratch->touched[i]] = 0;
    }
    scratch->touched_count = 0;
}

/* An integer as Redis writes it, or a score. */
static bool parse_number(struct slice text, int64_t *number) {
    uint64_t value;
    bool is_negative = text.size > 0 && text.data[0] == '-';
    if (text.size > NUMBER_BYTES_MAX ||
        !slice_to_u64(slice_from(text, is_negative ? 1 : 0), INT64_MAX, &value)) {
        return false;
    }
    *number = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static void add_named(struct recon_seen *seen, struct slice name, int64_t count) {
    if (!buf_append(&seen->bytes, name)) {
        seen->has_bad = true;
        return;
    }
    if ((seen->named_count & (seen->named_count - 1)) == 0) {
        size_t capacity = seen->named_count == 0 ? 1 : 2 * seen->named_count;
        seen->named = realloc(seen->named, capacity * sizeof(*seen->named));
        ENSURE(seen->named != NULL);
    }
    /* The bytes may still move: their place is put in when all are there. */
    seen->named[seen->named_count++] =
        (struct recon_named){.name = {.data = NULL, .size = name.size}, .count = count};
}

static void place_names(struct recon_seen *seen) {
    const char *at = seen->bytes.data;
    for (size_t i = 0; i < seen->named_count; i++) {
        seen->named[i].name.data = at;
        at += seen->named[i].name.size;
    }
}

static void take_people(struct reconciliation *recon, struct recon_seen *seen, struct slice value) {
    seen->has_people = true;
    seen->people_are_apart = slice_equal(value, SLICE("H"));
    if (!seen->people_are_apart && (value.size == 0 || value.size % PEOPLE_BYTES != 0 ||
                                    value.size > STATS_PEOPLE_MAX * PEOPLE_BYTES)) {
        blame_field(recon, seen, SLICE("@"), "it is no list of visitors");
    }
}

static bool may_stand(enum recon_key_kind kind, const struct cell *cell) {
    return kind == RECON_KEY_LINK || (cell->hour == CELL_NO_HOUR) == (kind == RECON_KEY_DAY);
}

static void take_field(struct reconciliation *recon, struct recon_seen *seen, struct slice field,
                       struct slice value, struct recon_scratch *scratch) {
    struct cell cell;
    int64_t number = 0;
    bool is_link = seen->kind == RECON_KEY_LINK;
    if (is_link && slice_equal(field, SLICE("@"))) {
        take_people(recon, seen, value);
        return;
    }
    bool is_total = is_link && field.size > 0 && field.data[0] == '=';
    if (!parse_number(value, &number)) {
        blame_field(recon, seen, field, "its value is no number");
    } else if (seen->kind == RECON_KEY_INDEX || seen->kind == RECON_KEY_TOP) {
        add_named(seen, field, number);
    } else if (is_total) {
        add_named(seen, slice_from(field, 1), number);
    } else if (!cell_decode(field, &cell) || !may_stand(seen->kind, &cell)) {
        blame_field(recon, seen, field, "it is no field of such a key");
    } else {
        recon_scratch_add(scratch, recon_head(&cell), number);
    }
}

void recon_seen_take(struct reconciliation *recon, struct recon_seen *seen,
                     const struct redis_reply *reply, struct recon_scratch *scratch) {
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf name = buf_over(bytes, sizeof(bytes));
    struct slice key = recon_key_name(recon, seen->kind, seen->scope, &name);
    buf_init(&seen->bytes, BYTES_MAX);
    if (redis_reply_is_error(reply)) {
        seen->has_bad = true;
        recon_blame(recon, "key_unreadable", &(struct recon_place){.stream = -1, .key = key},
                    "%.*s: %.*s", SLICE_ARG(key), SLICE_ARG(redis_reply_text(reply)));
        return;
    }
    seen->is_there = redis_reply_count(reply) > 0 || redis_reply_integer(reply) > 0;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        take_field(recon, seen, redis_reply_text(redis_reply_at(reply, i)),
                   redis_reply_text(redis_reply_at(reply, i + 1)), scratch);
    }
    place_names(seen);
    seen->sum_count = scratch->touched_count;
    seen->sums = calloc(seen->sum_count + 1, sizeof(*seen->sums));
    ENSURE(seen->sums != NULL);
    for (size_t i = 0; i < seen->sum_count; i++) {
        uint32_t head = scratch->touched[i];
        seen->sums[i] = (struct recon_sum){head, scratch->difference[head]};
    }
    recon_scratch_clear(scratch);
}

void recon_seen_fini(struct recon_seen *seen) {
    free(seen->sums);
    free(seen->named);
    buf_fini(&seen->bytes);
    *seen = (struct recon_seen){.kind = seen->kind};
}
