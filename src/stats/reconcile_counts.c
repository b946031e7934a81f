/*
 * reconcile_counts.c - open addressing, at most half full, over entries that stand in their order.
 */
#include "reconcile_counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/random.h"

enum { FIRST_SLOTS = 1024 };

static const uint64_t multiplier = UINT64_C(0x9E3779B97F4A7C15);

void recon_counts_init(struct recon_counts *counts) {
    *counts = (struct recon_counts){.slot_count = FIRST_SLOTS};
    counts->slots = calloc(counts->slot_count, sizeof(*counts->slots));
    ENSURE(counts->slots != NULL);
    random_bytes(&counts->seed, sizeof(counts->seed));
}

void recon_counts_fini(struct recon_counts *counts) {
    free(counts->entries);
    free(counts->slots);
    *counts = (struct recon_counts){0};
}

static uint32_t *slot_of(const struct recon_counts *counts, uint32_t a, uint32_t b) {
    uint64_t hash = (((uint64_t)a << 32 | b) ^ counts->seed) * multiplier;
    hash ^= hash >> 29;
    for (uint64_t i = hash * multiplier >> 24;; i++) {
        uint32_t *slot = &counts->slots[i & (counts->slot_count - 1)];
        if (*slot == 0 ||
            (counts->entries[*slot - 1].a == a && counts->entries[*slot - 1].b == b)) {
            return slot;
        }
    }
}

static void grow(struct recon_counts *counts) {
    if (counts->size == counts->capacity) {
        counts->capacity = counts->capacity == 0 ? FIRST_SLOTS / 2 : counts->capacity * 2;
        counts->entries = realloc(counts->entries, counts->capacity * sizeof(*counts->entries));
        ENSURE(counts->entries != NULL);
    }
    if (2 * (counts->size + 1) <= counts->slot_count) {
        return;
    }
    free(counts->slots);
    counts->slot_count *= 2;
    counts->slots = calloc(counts->slot_count, sizeof(*counts->slots));
    ENSURE(counts->slots != NULL && counts->size < UINT32_MAX / 4);
    for (size_t i = 0; i < counts->size; i++) {
        *slot_of(counts, counts->entries[i].a, counts->entries[i].b) = (uint32_t)i + 1;
    }
}

static uint32_t prepend(uint32_t *list, uint32_t number) {
    uint32_t next = list != NULL ? *list : 0;
    if (list != NULL) {
        *list = number;
    }
    return next;
}

void recon_counts_add(struct recon_counts *counts, uint32_t a, uint32_t b, uint32_t *list_of_a,
                      uint32_t *list_of_b) {
    uint32_t *slot = slot_of(counts, a, b);
    if (*slot == 0) {
        grow(counts);
        uint32_t number = (uint32_t)++counts->size;
        *slot_of(counts, a, b) = number; /* before it stands there: nothing else is compared */
        counts->entries[number - 1] = (struct recon_count){.a = a,
                                                           .b = b,
                                                           .next_of_a = prepend(list_of_a, number),
                                                           .next_of_b = prepend(list_of_b, number)};
        slot = slot_of(counts, a, b);
    }
    counts->entries[*slot - 1].count++;
}

uint64_t recon_counts_get(const struct recon_counts *counts, uint32_t a, uint32_t b) {
    uint32_t slot = *slot_of(counts, a, b);
    return slot != 0 ? counts->entries[slot - 1].count : 0;
}
