/*
 * reconcile_model.c - see reconcile_model.h.
 *
 * Scopes are found by name; cells and pairs by numbers (reconcile_counts.h), with a list of those
 * of each scope.
 */
#include "reconcile_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "reconcile_counts.h"

enum { FIRST_SLOTS = 1024, NAME_BYTES_MAX = 255 };

struct scope {
    size_t name; /* where it begins, in names */
    uint8_t name_bytes;
    uint8_t kind;
    uint32_t heads;          /* list */
    uint32_t pairs_as_link;  /* list */
    uint32_t pairs_as_other; /* list, of a campaign */
};

struct recon_model {
    struct scope *scopes;
    size_t scope_count;
    size_t scope_capacity;
    uint32_t *slots; /* number and 1 */
    size_t slot_count;
    uint64_t seed;
    char *names;
    size_t names_size;
    size_t names_capacity;
    struct recon_counts cells;
    struct recon_counts pairs;
    struct recon_counts index; /* campaign and kind of tap */
    size_t cells_max;
    bool gave_up;
    uint64_t taps;
};

struct cell recon_cell_of_head(uint32_t head) {
    struct cell cell = {.platform = (enum tap_platform)(head % TAP_PLATFORM_COUNT)};
    head /= TAP_PLATFORM_COUNT;
    cell.outcome = (enum tap_outcome)(head % TAP_OUTCOME_COUNT);
    head /= TAP_OUTCOME_COUNT;
    cell.kind = (enum tap_kind)(head % TAP_KIND_COUNT);
    cell.hour = (int)(head / TAP_KIND_COUNT) - 1;
    return cell;
}

/* --- scopes --------------------------------------------------------------------------------- */

static struct slice name_of(const struct recon_model *model, const struct scope *scope) {
    return slice_make(model->names + scope->name, scope->name_bytes);
}

static uint32_t *slot_of(const struct recon_model *model, struct stats_scope scope) {
    uint64_t hash = hash_bytes(scope.id, model->seed + (uint64_t)scope.kind);
    for (uint64_t i = hash;; i++) {
        uint32_t *slot = &model->slots[i & (model->slot_count - 1)];
        if (*slot == 0) {
            return slot;
        }
        const struct scope *there = &model->scopes[*slot - 1];
        if (there->kind == (uint8_t)scope.kind && slice_equal(name_of(model, there), scope.id)) {
            return slot;
        }
    }
}

static void make_room(struct recon_model *model) {
    if (model->scope_count == model->scope_capacity) {
        model->scope_capacity = model->scope_capacity == 0 ? 256 : 2 * model->scope_capacity;
        model->scopes = realloc(model->scopes, model->scope_capacity * sizeof(*model->scopes));
        ENSURE(model->scopes != NULL);
    }
    if (model->names_capacity - model->names_size < NAME_BYTES_MAX) {
        model->names_capacity = 2 * model->names_capacity + 64 * 1024;
        model->names = realloc(model->names, model->names_capacity);
        ENSURE(model->names != NULL);
    }
    if (2 * (model->scope_count + 1) <= model->slot_count) {
        return;
    }
    free(model->slots);
    model->slot_count = model->slot_count == 0 ? FIRST_SLOTS : 2 * model->slot_count;
    model->slots = calloc(model->slot_count, sizeof(*model->slots));
    ENSURE(model->slots != NULL && model->scope_count < RECON_NONE / 2);
    for (size_t i = 0; i < model->scope_count; i++) {
        const struct scope *scope = &model->scopes[i];
        struct stats_scope named = {(enum stats_scope_kind)scope->kind, name_of(model, scope)};
        *slot_of(model, named) = (uint32_t)i + 1;
    }
}

/* Its number; makes it where there is none. */
static uint32_t need(struct recon_model *model, struct stats_scope scope) {
    uint32_t *slot = slot_of(model, scope);
    if (*slot != 0) {
        return *slot - 1;
    }
    make_room(model);
    ENSURE(scope.id.size <= NAME_BYTES_MAX);
    slot = slot_of(model, scope);
    struct scope *made = &model->scopes[model->scope_count];
    *made = (struct scope){.name = model->names_size,
                           .name_bytes = (uint8_t)scope.id.size,
                           .kind = (uint8_t)scope.kind};
    if (scope.id.size > 0) {
        memcpy(model->names + model->names_size, scope.id.data, scope.id.size);
    }
    model->names_size += scope.id.size;
    *slot = (uint32_t)++model->scope_count;
    return *slot - 1;
}

struct recon_model *recon_model_create(size_t cells_max) {
    struct recon_model *model = calloc(1, sizeof(*model));
    ENSURE(model != NULL);
    model->cells_max = cells_max;
    random_bytes(&model->seed, sizeof(model->seed));
    recon_counts_init(&model->cells);
    recon_counts_init(&model->pairs);
    recon_counts_init(&model->index);
    make_room(model);
    need(model, (struct stats_scope){.kind = STATS_ALL});
    return model;
}

void recon_model_destroy(struct recon_model **model) {
    if (*model != NULL) {
        recon_counts_fini(&(*model)->cells);
        recon_counts_fini(&(*model)->pairs);
        recon_counts_fini(&(*model)->index);
        free((*model)->scopes);
        free((*model)->slots);
        free((*model)->names);
        free(*model);
        *model = NULL;
    }
}

/* --- counting ------------------------------------------------------------------------------- */

static void add(struct recon_model *model, uint32_t number, uint32_t head) {
    recon_counts_add(&model->cells, number, head, &model->scopes[number].heads, NULL);
}

struct recon_tap recon_model_tap(struct recon_model *model, const struct recon_click *click) {
    struct recon_tap tap = {
        .campaign = need(model, (struct stats_scope){STATS_CAMPAIGN, click->campaign}),
        .link = RECON_NONE,
        .head = recon_head(&click->cell),
    };
    if (model->cells.size >= model->cells_max) {
        model->gave_up = true;
    }
    if (recon_has_link(click->cell.outcome) && !model->gave_up) {
        tap.link = need(model, (struct stats_scope){STATS_LINK, click->code});
    }
    return tap;
}

void recon_model_add(struct recon_model *model, const struct recon_tap *tap, unsigned pieces) {
    enum tap_kind kind = recon_cell_of_head(tap->head).kind;
    if ((pieces & RECON_PIECE_WHOLE) != 0) {
        model->taps++;
        add(model, 0, tap->head);
    }
    if ((pieces & RECON_PIECE_CAMPAIGN) != 0) {
        add(model, tap->campaign, tap->head);
    }
    if ((pieces & RECON_PIECE_INDEX) != 0) {
        recon_counts_add(&model->index, tap->campaign, (uint32_t)kind, NULL, NULL);
    }
    if ((pieces & RECON_PIECE_LINK) == 0 || tap->link == RECON_NONE) {
        return;
    }
    add(model, tap->link, tap->head);
    if (kind == TAP_KIND_HUMAN) {
        recon_counts_add(&model->pairs, tap->link, tap->campaign,
                         &model->scopes[tap->link].pairs_as_link,
                         &model->scopes[tap->campaign].pairs_as_other);
    }
}

void recon_model_take(void *argument, const struct recon_click *click) {
    struct recon_tap tap = recon_model_tap(argument, click);
    recon_model_add(argument, &tap, RECON_PIECES);
}

/* --- asking --------------------------------------------------------------------------------- */

bool recon_model_gave_up(const struct recon_model *model) {
    return model->gave_up;
}

uint64_t recon_model_taps(const struct recon_model *model) {
    return model->taps;
}

bool recon_model_has_index(const struct recon_model *model) {
    return model->index.size > 0;
}

size_t recon_model_scopes(const struct recon_model *model) {
    return model->scope_count;
}

struct stats_scope recon_model_scope(const struct recon_model *model, uint32_t number) {
    const struct scope *scope = &model->scopes[number];
    return (struct stats_scope){(enum stats_scope_kind)scope->kind, name_of(model, scope)};
}

uint32_t recon_model_find(const struct recon_model *model, struct stats_scope scope) {
    uint32_t slot = *slot_of(model, scope);
    return slot != 0 ? slot - 1 : RECON_NONE;
}

void recon_model_heads(const struct recon_model *model, uint32_t number, recon_each_head *each,
                       void *argument) {
    uint32_t at = number != RECON_NONE ? model->scopes[number].heads : 0;
    while (at != 0) {
        const struct recon_count *count = &model->cells.entries[at - 1];
        each(argument, count->b, count->count);
        at = count->next_of_a;
    }
}

size_t recon_model_head_count(const struct recon_model *model, uint32_t number) {
    size_t heads = 0;
    uint32_t at = number != RECON_NONE ? model->scopes[number].heads : 0;
    for (; at != 0; at = model->cells.entries[at - 1].next_of_a) {
        heads++;
    }
    return heads;
}

void recon_model_pairs(const struct recon_model *model, uint32_t number, recon_each_pair *each,
                       void *argument) {
    if (number == RECON_NONE) {
        return;
    }
    const struct scope *scope = &model->scopes[number];
    bool is_link = scope->kind == STATS_LINK;
    uint32_t at = is_link ? scope->pairs_as_link : scope->pairs_as_other;
    while (at != 0) {
        const struct recon_count *count = &model->pairs.entries[at - 1];
        each(argument, name_of(model, &model->scopes[count->a]),
             name_of(model, &model->scopes[count->b]), count->count);
        at = is_link ? count->next_of_a : count->next_of_b;
    }
}

uint64_t recon_model_pair(const struct recon_model *model, struct slice link,
                          struct slice campaign) {
    uint32_t a = recon_model_find(model, (struct stats_scope){.kind = STATS_LINK, .id = link});
    uint32_t b =
        recon_model_find(model, (struct stats_scope){.kind = STATS_CAMPAIGN, .id = campaign});
    return a != RECON_NONE && b != RECON_NONE ? recon_counts_get(&model->pairs, a, b) : 0;
}

size_t recon_model_pair_count(const struct recon_model *model, uint32_t number) {
    if (number == 0) {
        return model->pairs.size;
    }
    if (number == RECON_NONE) {
        return 0;
    }
    const struct scope *scope = &model->scopes[number];
    bool is_link = scope->kind == STATS_LINK;
    size_t count = 0;
    uint32_t at = is_link ? scope->pairs_as_link : scope->pairs_as_other;
    while (at != 0) {
        count++;
        at = is_link ? model->pairs.entries[at - 1].next_of_a
                     : model->pairs.entries[at - 1].next_of_b;
    }
    return count;
}

uint64_t recon_model_kind(const struct recon_model *model, uint32_t campaign, enum tap_kind kind) {
    return campaign != RECON_NONE ? recon_counts_get(&model->index, campaign, (uint32_t)kind) : 0;
}
