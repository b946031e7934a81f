/*
 * query_groups.c - an open-addressed table of counts.
 */
#include "query_groups.h"

#include <stdlib.h>

#include "base/defs.h"
#include "query_names.h"
#include "stats/cell.h"

enum { SLOTS_FIRST = 128 };

struct groups {
    struct group *group;
    uint32_t count;
    uint32_t *slot; /* index + 1; 0: free */
    uint32_t slot_count;
};

static void grow(struct groups *groups);
static uint32_t *find_slot(struct groups *groups, const struct group *wanted);
static int compare(const void *a, const void *b, void *names);

struct groups *groups_create(void) {
    struct groups *groups = calloc(1, sizeof(*groups));
    ENSURE(groups != NULL);
    grow(groups);
    return groups;
}

void groups_destroy(struct groups **groups) {
    if (*groups != NULL) {
        free((*groups)->group);
        free((*groups)->slot);
        free(*groups);
        *groups = NULL;
    }
}

void groups_clear(struct groups *groups) {
    groups->count = 0;
    memset(groups->slot, 0, groups->slot_count * sizeof(*groups->slot));
}

struct stats_counts *groups_find(struct groups *groups, uint32_t period,
                                 const uint32_t value[STATS_BY_MAX]) {
    struct group wanted = {
        .period = period, .value = {value[0], value[1]}, .counts = {.people = -1}};
    uint32_t *slot = find_slot(groups, &wanted);
    if (*slot == 0 && groups->count >= GROUPS_MAX) {
        wanted.value[0] = wanted.value[1] = NAME_OTHER;
        slot = find_slot(groups, &wanted);
    }
    if (*slot == 0) {
        groups->group[groups->count++] = wanted;
        *slot = groups->count;
        uint32_t index = groups->count - 1;
        if (groups->count * 2 == groups->slot_count) {
            grow(groups);
        }
        return &groups->group[index].counts;
    }
    return &groups->group[*slot - 1].counts;
}

struct group *groups_sort(struct groups *groups, const struct names *names, size_t *count) {
    *count = groups->count;
    if (groups->count > 1) {
        qsort_r(groups->group, groups->count, sizeof(*groups->group), compare, (void *)names);
    }
    return groups->group;
}

void counts_add(uint64_t *sum, uint64_t more) {
    *sum = more > UINT64_MAX - *sum ? UINT64_MAX : *sum + more;
}

void counts_add_all(struct stats_counts *sum, const struct stats_counts *more) {
    for (size_t i = 0; i < TAP_KIND_COUNT; i++) {
        counts_add(&sum->kind[i], more->kind[i]);
    }
    for (size_t i = 0; i < TAP_OUTCOME_COUNT; i++) {
        counts_add(&sum->outcome[i], more->outcome[i]);
    }
}

/* Doubles the table; there is always room for one group more than are there. */
static void grow(struct groups *groups) {
    free(groups->slot);
    groups->slot_count = groups->slot_count > 0 ? groups->slot_count * 2 : SLOTS_FIRST;
    groups->slot = calloc(groups->slot_count, sizeof(*groups->slot));
    groups->group = realloc(groups->group, groups->slot_count / 2 * sizeof(*groups->group));
    ENSURE(groups->slot != NULL && groups->group != NULL);
    for (uint32_t i = 0; i < groups->count; i++) {
        *find_slot(groups, &groups->group[i]) = i + 1;
    }
}

/* The numbers are our own: nobody chooses them, so that a plain mix will do. */
static uint32_t *find_slot(struct groups *groups, const struct group *wanted) {
    uint64_t mixed = ((uint64_t)wanted->value[0] << 32 | wanted->value[1]) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 29) ^ wanted->period) * 0xBF58476D1CE4E5B9u;
    uint32_t mask = groups->slot_count - 1;
    uint32_t at = (uint32_t)(mixed >> 32) & mask;
    while (groups->slot[at] != 0) {
        const struct group *group = &groups->group[groups->slot[at] - 1];
        if (group->period == wanted->period && group->value[0] == wanted->value[0] &&
            group->value[1] == wanted->value[1]) {
            break;
        }
        at = (at + 1) & mask;
    }
    return &groups->slot[at];
}

static int compare_texts(struct slice a, struct slice b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_other(const struct group *group) {
    return group->value[0] == NAME_OTHER && group->value[1] == NAME_OTHER;
}

static int compare(const void *a, const void *b, void *names) {
    const struct group *left = a;
    const struct group *right = b;
    uint64_t left_clicks = left->counts.kind[TAP_KIND_HUMAN];
    uint64_t right_clicks = right->counts.kind[TAP_KIND_HUMAN];
    if (left->period != right->period) {
        return left->period < right->period ? -1 : 1;
    }
    if (is_other(left) != is_other(right)) {
        return is_other(right) ? -1 : 1;
    }
    if (left_clicks != right_clicks) {
        return left_clicks > right_clicks ? -1 : 1;
    }
    for (size_t i = 0; i < STATS_BY_MAX; i++) {
        int order =
            compare_texts(names_text(names, left->value[i]), names_text(names, right->value[i]));
        if (order != 0) {
            return order;
        }
    }
    return 0;
}
