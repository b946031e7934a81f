/*
 * reconcile_keys.c - one key of the rollups, held against what was recounted.
 */
#include "reconcile_keys.h"

#include <inttypes.h>
#include <stdio.h>

struct comparison {
    struct reconciliation *recon;
    const struct recon_seen *seen;
    const struct recon_model *model;
    struct recon_scratch *scratch;
    uint32_t number; /* of the scope in the model */
    struct slice key;
    uint64_t humans;
    uint64_t taps;
    bool by_day; /* hours do not matter */
};

static void expect_head(void *argument, uint32_t head, uint64_t count) {
    struct comparison *comparison = argument;
    comparison->taps += count;
    comparison->humans += recon_cell_of_head(head).kind == TAP_KIND_HUMAN ? count : 0;
    recon_scratch_add(comparison->scratch, comparison->by_day ? recon_head_of_day(head) : head,
                      -(int64_t)count);
}

static void blame(struct comparison *comparison, const char *what, struct slice field,
                  const char *sentence) {
    char text[RECON_FIELD_TEXT_BYTES];
    recon_show_field(field, text);
    recon_blame(comparison->recon, what,
                &(struct recon_place){.stream = -1, .key = comparison->key, .field = field},
                "%.*s%s%s: %s", SLICE_ARG(comparison->key), field.size > 0 ? ", field " : "", text,
                sentence);
}

static void blame_number(struct comparison *comparison, struct slice field, int64_t there,
                         uint64_t expected) {
    char sentence[96];
    if (there == 0) {
        snprintf(sentence, sizeof(sentence), "it is gone; recounted %" PRIu64, expected);
    } else {
        snprintf(sentence, sizeof(sentence), "%" PRId64 "; recounted %" PRIu64, there, expected);
    }
    blame(comparison, "field_differs", field, sentence);
}

static bool compare_cells(struct comparison *comparison) {
    const struct recon_seen *seen = comparison->seen;
    struct recon_scratch *scratch = comparison->scratch;
    comparison->by_day = seen->kind == RECON_KEY_DAY;
    for (size_t i = 0; i < seen->sum_count && seen->kind == RECON_KEY_LINK; i++) {
        comparison->by_day |= recon_cell_of_head(seen->sums[i].head).hour == CELL_NO_HOUR;
    }
    for (size_t i = 0; i < seen->sum_count; i++) {
        uint32_t head = seen->sums[i].head;
        recon_scratch_add(scratch, comparison->by_day ? recon_head_of_day(head) : head,
                          seen->sums[i].count);
    }
    recon_model_heads(comparison->model, comparison->number, expect_head, comparison);
    if (!seen->is_there && comparison->taps > 0) {
        char sentence[64];
        snprintf(sentence, sizeof(sentence), "it is gone; recounted %" PRIu64 " taps",
                 comparison->taps);
        blame(comparison, "key_gone", SLICE_EMPTY, sentence);
        recon_scratch_clear(scratch);
        return false;
    }
    for (size_t i = 0; i < scratch->touched_count; i++) {
        if (scratch->difference[scratch->touched[i]] != 0) {
            return true;
        }
    }
    recon_scratch_clear(scratch);
    return false;
}

static const struct recon_named *find_named(const struct recon_seen *seen, struct slice name) {
    for (size_t i = 0; i < seen->named_count; i++) {
        if (slice_equal(seen->named[i].name, name)) {
            return &seen->named[i];
        }
    }
    return NULL;
}

static void expect_total(void *argument, struct slice link, struct slice campaign, uint64_t count) {
    struct comparison *comparison = argument;
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf field = buf_over(bytes, sizeof(bytes));
    const struct recon_named *total = find_named(comparison->seen, campaign);
    (void)link;
    if (total == NULL) { /* one that is there is compared from the other side */
        buf_append_char(&field, '=');
        buf_append(&field, campaign);
        blame_number(comparison, buf_slice(&field), 0, count);
    }
}

/* A link's "=CAMPAIGN" and "@". */
static void compare_totals(struct comparison *comparison) {
    const struct recon_seen *seen = comparison->seen;
    char bytes[RECON_KEY_BYTES_MAX];
    if (!seen->is_there) {
        return;
    }
    recon_model_pairs(comparison->model, comparison->number, expect_total, comparison);
    for (size_t i = 0; i < seen->named_count; i++) {
        const struct recon_named *total = &seen->named[i];
        uint64_t expected = recon_model_pair(comparison->model, seen->scope.id, total->name);
        if (total->count != (int64_t)expected) {
            struct buf field = buf_over(bytes, sizeof(bytes));
            buf_append_char(&field, '=');
            buf_append(&field, total->name);
            blame_number(comparison, buf_slice(&field), total->count, expected);
        }
    }
    if (comparison->humans > 0 && !seen->has_people) {
        blame(comparison, "field_differs", SLICE("@"), "it is gone: nobody knows its visitors");
    } else if (comparison->humans == 0 && seen->has_people) {
        blame(comparison, "field_differs", SLICE("@"), "there are visitors, and no click of one");
    }
}

/* "ID TAB KIND"; false: it is no such field. */
static bool parse_index(struct slice field, struct slice *campaign, enum tap_kind *kind) {
    int digit = field.size > 0 ? field.data[field.size - 1] - '0' : -1;
    if (field.size < 2 || field.data[field.size - 2] != '\t' || digit < 0 ||
        digit >= TAP_KIND_COUNT) {
        return false;
    }
    *campaign = slice_first(field, field.size - 2);
    *kind = (enum tap_kind)digit;
    return true;
}

/* Returns whether the field is one that must be there. */
static bool compare_index_field(struct comparison *comparison, const struct recon_named *field) {
    struct slice campaign;
    enum tap_kind kind;
    if (field->name.size == 1 && field->name.data[0] == CELL_OTHER) {
        return false; /* taps whose texts were given up: no recount can tell */
    }
    if (!parse_index(field->name, &campaign, &kind)) {
        blame(comparison, "field_bad", field->name, "it is no field of such a key");
        return false;
    }
    uint32_t number = recon_model_find(
        comparison->model, (struct stats_scope){.kind = STATS_CAMPAIGN, .id = campaign});
    uint64_t expected = recon_model_kind(comparison->model, number, kind);
    if (field->count != (int64_t)expected) {
        blame_number(comparison, field->name, field->count, expected);
    }
    return expected > 0;
}

/* The fields that a campaign must have; with names, those are said that are not there. */
static size_t expect_index(struct comparison *comparison, uint32_t number, bool names) {
    struct stats_scope scope = recon_model_scope(comparison->model, number);
    size_t fields = 0;
    for (int kind = 0; kind < TAP_KIND_COUNT && scope.kind == STATS_CAMPAIGN; kind++) {
        char bytes[RECON_KEY_BYTES_MAX];
        struct buf field = buf_over(bytes, sizeof(bytes));
        uint64_t expected = recon_model_kind(comparison->model, number, (enum tap_kind)kind);
        buf_append(&field, scope.id);
        buf_append_char(&field, '\t');
        buf_append_char(&field, (char)('0' + kind));
        fields += expected > 0 ? 1 : 0;
        if (names && expected > 0 && find_named(comparison->seen, buf_slice(&field)) == NULL) {
            blame_number(comparison, buf_slice(&field), 0, expected);
        }
    }
    return fields;
}

static void compare_index(struct comparison *comparison) {
    const struct recon_seen *seen = comparison->seen;
    size_t scopes = recon_model_scopes(comparison->model);
    size_t there = 0;
    size_t expected = 0;
    if (!seen->is_there && recon_model_has_index(comparison->model)) {
        blame(comparison, "key_gone", SLICE_EMPTY, "it is gone");
        return;
    }
    for (size_t i = 0; i < seen->named_count; i++) {
        there += compare_index_field(comparison, &seen->named[i]) ? 1 : 0;
    }
    for (uint32_t number = 0; number < scopes; number++) {
        expected += expect_index(comparison, number, false);
    }
    for (uint32_t number = 0; number < scopes && there < expected; number++) {
        expect_index(comparison, number, true);
    }
}

/* Every member has the number of its clicks; when there is room, every link is a member. */
static void compare_top(struct comparison *comparison) {
    const struct recon_seen *seen = comparison->seen;
    size_t expected = recon_model_pair_count(comparison->model, comparison->number);
    bool is_right = true;
    for (size_t i = 0; i < seen->named_count; i++) {
        struct slice campaign = seen->named[i].name;
        struct slice link = campaign;
        if (seen->scope.kind == STATS_ALL) {
            link = slice_split(&campaign, '\t');
        } else {
            campaign = seen->scope.id;
        }
        uint64_t clicks = recon_model_pair(comparison->model, link, campaign);
        if (seen->named[i].count != (int64_t)clicks) {
            blame_number(comparison, seen->named[i].name, seen->named[i].count, clicks);
            is_right = false;
        }
    }
    expected = expected < STATS_TOP_MAX ? expected : STATS_TOP_MAX;
    if (is_right && seen->named_count != expected) {
        char sentence[96];
        snprintf(sentence, sizeof(sentence), "it has %zu codes, and must have %zu",
                 seen->named_count, expected);
        blame(comparison, "key_differs", SLICE_EMPTY, sentence);
    }
}

/* How many they are is an estimate; that there are any is not. */
static void compare_unique(struct comparison *comparison) {
    recon_model_heads(comparison->model, comparison->number, expect_head, comparison);
    recon_scratch_clear(comparison->scratch);
    if (comparison->humans > 0 && !comparison->seen->is_there) {
        blame(comparison, "key_gone", SLICE_EMPTY, "it is gone: nobody knows its visitors");
    } else if (comparison->humans == 0 && comparison->seen->is_there) {
        blame(comparison, "key_unknown", SLICE_EMPTY, "there are visitors, and no click of one");
    }
}

bool recon_seen_compare(struct reconciliation *recon, const struct recon_seen *seen,
                        const struct recon_model *model, struct recon_scratch *scratch) {
    char bytes[RECON_KEY_BYTES_MAX];
    struct comparison comparison = {.recon = recon,
                                    .seen = seen,
                                    .model = model,
                                    .scratch = scratch,
                                    .number = recon_model_find(model, seen->scope)};
    bool differs = false;
    struct buf name = buf_over(bytes, sizeof(bytes));
    comparison.key = recon_key_name(recon, seen->kind, seen->scope, &name);
    recon->keys_compared++;
    if (seen->has_bad && !seen->is_there) {
        return false;
    }
    switch (seen->kind) {
    case RECON_KEY_DAY:
    case RECON_KEY_HOURS:
        differs = compare_cells(&comparison);
        break;
    case RECON_KEY_LINK:
        differs = compare_cells(&comparison);
        compare_totals(&comparison);
        break;
    case RECON_KEY_INDEX:
        compare_index(&comparison);
        break;
    case RECON_KEY_TOP:
        compare_top(&comparison);
        break;
    case RECON_KEY_UNIQUE:
        compare_unique(&comparison);
        break;
    }
    return differs;
}
