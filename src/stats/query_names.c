/*
 * query_names.c - a table of hashes over blocks of bytes that never move.
 */
#include "query_names.h"

#include <stdlib.h>

#include "base/defs.h"
#include "base/hash.h"
#include "base/random.h"
#include "query_lists.h"

enum { BLOCK_BYTES = 64 * 1024, SLOTS_FIRST = 256 };

struct block {
    struct block *next;
    size_t used;
    char bytes[BLOCK_BYTES];
};

struct names {
    uint64_t seed;
    struct block *blocks;
    struct slice *text;
    uint32_t count;
    uint32_t *slot; /* number + 1; 0: free */
    uint32_t slot_count;
};

static void grow(struct names *names);
static uint32_t *find_slot(struct names *names, struct slice text);
static struct slice keep(struct names *names, struct slice text);

struct names *names_create(void) {
    struct names *names = calloc(1, sizeof(*names));
    ENSURE(names != NULL);
    random_bytes(&names->seed, sizeof(names->seed));
    grow(names);
    uint32_t other = names_number(names, QUERY_OTHER);
    ENSURE(other == NAME_OTHER);
    return names;
}

void names_destroy(struct names **names) {
    struct names *gone = *names;
    if (gone == NULL) {
        return;
    }
    while (gone->blocks != NULL) {
        struct block *next = gone->blocks->next;
        free(gone->blocks);
        gone->blocks = next;
    }
    free(gone->text);
    free(gone->slot);
    free(gone);
    *names = NULL;
}

uint32_t names_number(struct names *names, struct slice text) {
    uint32_t *slot = find_slot(names, text);
    if (*slot != 0) {
        return *slot - 1;
    }
    if (names->count == NAMES_MAX || text.size > NAME_BYTES_MAX) {
        return NAME_OTHER;
    }
    names->text[names->count++] = keep(names, text);
    *slot = names->count;
    uint32_t number = names->count - 1;
    if (names->count * 2 == names->slot_count) {
        grow(names);
    }
    return number;
}

struct slice names_text(const struct names *names, uint32_t number) {
    ENSURE(number < names->count);
    return names->text[number];
}

/* Doubles the table; there is always room for one text more than are there. */
static void grow(struct names *names) {
    free(names->slot);
    names->slot_count = names->slot_count > 0 ? names->slot_count * 2 : SLOTS_FIRST;
    names->slot = calloc(names->slot_count, sizeof(*names->slot));
    names->text = realloc(names->text, names->slot_count / 2 * sizeof(*names->text));
    ENSURE(names->slot != NULL && names->text != NULL);
    for (uint32_t i = 0; i < names->count; i++) {
        *find_slot(names, names->text[i]) = i + 1;
    }
}

static uint32_t *find_slot(struct names *names, struct slice text) {
    uint32_t mask = names->slot_count - 1;
    uint32_t at = (uint32_t)hash_bytes(text, names->seed) & mask;
    while (names->slot[at] != 0 && !slice_equal(names->text[names->slot[at] - 1], text)) {
        at = (at + 1) & mask;
    }
    return &names->slot[at];
}

static struct slice keep(struct names *names, struct slice text) {
    if (names->blocks == NULL || BLOCK_BYTES - names->blocks->used < text.size) {
        struct block *block = malloc(sizeof(*block));
        ENSURE(block != NULL);
        block->next = names->blocks;
        block->used = 0;
        names->blocks = block;
    }
    char *copy = names->blocks->bytes + names->blocks->used;
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    names->blocks->used += text.size;
    return slice_make(copy, text.size);
}
