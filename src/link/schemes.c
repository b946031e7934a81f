/*
 * schemes.c - a small direct-mapped cache of campaigns' schemes.
 *
 * A file names few campaigns a million times; one that names a million still costs a bounded
 * amount of memory, and a look-up for each.
 *
 * Threads   One.
 */
#include "link/schemes.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"

enum { SCRATCH_BYTES_MAX = 16 * 1024 * 1024 };

static void fill(struct schemes_slot *slot, struct slice id, struct slice schemes);
static void empty(struct schemes_slot *slot);
static char *copy_text(struct slice text);

void schemes_init(struct schemes *schemes, struct store *store) {
    *schemes = (struct schemes){.store = store};
    random_bytes(&schemes->seed, sizeof schemes->seed);
    buf_init(&schemes->scratch, SCRATCH_BYTES_MAX);
}

void schemes_fini(struct schemes *schemes) {
    for (size_t i = 0; i < SCHEMES_SLOTS; i++) {
        empty(&schemes->slot[i]);
    }
    buf_fini(&schemes->scratch);
}

bool schemes_find(struct schemes *schemes, struct slice id, struct slice *found, bool *is_missing,
                  struct err *err) {
    *found = SLICE_EMPTY;
    *is_missing = false;
    if (id.size == 0) {
        return true;
    }
    struct schemes_slot *slot = &schemes->slot[hash_bytes(id, schemes->seed) % SCHEMES_SLOTS];
    if (slot->id == NULL || !slice_equal(slice_of(slot->id), id)) {
        struct slice words;
        buf_clear(&schemes->scratch);
        enum store_result result =
            store_schemes(schemes->store, id, &schemes->scratch, &words, err);
        if (result == STORE_FAILED) {
            return false;
        }
        *is_missing = result == STORE_NOT_FOUND;
        fill(slot, id, words);
    }
    *found = slice_of(slot->schemes);
    return true;
}

/* Schemes that are too long to be a campaign's are none. */
static void fill(struct schemes_slot *slot, struct slice id, struct slice schemes) {
    empty(slot);
    slot->id = copy_text(id);
    slot->schemes = copy_text(schemes.size <= SCHEMES_BYTES_MAX ? schemes : SLICE_EMPTY);
}

static void empty(struct schemes_slot *slot) {
    free(slot->id);
    free(slot->schemes);
    *slot = (struct schemes_slot){0};
}

static char *copy_text(struct slice text) {
    char *copy = strndup(text.data != NULL ? text.data : "", text.size);
    ENSURE(copy != NULL);
    return copy;
}
