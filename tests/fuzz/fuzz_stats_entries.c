/* entries.h: what a hostile stream, or a hostile Redis, answers to XRANGE. Whatever is read of it
 * lies within it; entries that are clicks go into a batch, which can be written. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/defs.h"
#include "entries.h"
#include "fold.h"

enum { PACKED_BYTES_MAX = 16 * 1024 * 1024, ENTRIES_MAX = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct slice part, struct slice whole) {
    return part.size == 0 || (part.data >= whole.data && part.size <= whole.size &&
                              (size_t)(part.data - whole.data) <= whole.size - part.size);
}

static void look_at(const struct entry *entry, struct slice reply) {
    struct cell cell;
    size_t texts = 0;
    ENSURE(is_within(entry->code, reply) && is_within(entry->campaign, reply));
    ENSURE(entry->tuple.size >= ENTRY_TUPLE_TEXTS && entry->tuple.size <= ENTRY_TUPLE_BYTES_MAX);
    for (size_t i = 0; i < entry->tuple.size; texts++) {
        i += 1 + (unsigned char)entry->tuple.data[i];
        ENSURE(i <= entry->tuple.size);
    }
    ENSURE(texts == ENTRY_TUPLE_TEXTS);
    if (entry_cell(entry->tuple, &cell)) {
        for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
            ENSURE(is_within(cell.text[i], entry->tuple));
        }
    }
}

static void pack(struct fold *fold) {
    struct buf out;
    buf_init(&out, PACKED_BYTES_MAX);
    for (uint32_t i = 0; i < 3; i++) {
        struct fold_part part = {.number = i, .parts = 3, .key_prefix = SLICE("brinco:")};
        ENSURE(fold_pack(fold, &part, &out));
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fold *fold;
    static struct entry_reader reader;
    struct entry entry;
    struct entry_id id;
    struct slice error;
    char *exact = malloc(size > 0 ? size : 1);
    memcpy(exact, data, size);
    struct slice reply = slice_make(exact, size);
    fold = fold != NULL ? fold : fold_create();
    (void)entries_guess_last(reply, &id);
    if (entries_begin(&reader, reply, &error)) {
        for (size_t i = 0; i < ENTRIES_MAX && entries_next(&reader, &entry) == ENTRY_READ; i++) {
            if (entry.is_click) {
                look_at(&entry, reply);
            }
            if (fold_add(fold, &entry) == FOLD_FULL) {
                pack(fold);
                fold_clear(fold);
                ENSURE(fold_add(fold, &entry) == FOLD_TAKEN);
            }
        }
        if (fold_summary(fold)->entries > 0) {
            pack(fold);
            fold_clear(fold);
        }
    }
    free(exact);
    return 0;
}
