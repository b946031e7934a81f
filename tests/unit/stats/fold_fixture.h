/*
 * fold_fixture.h - entries as a fold takes them, without Redis' bytes around them, for tests.
 */
#ifndef TESTS_STATS_FOLD_FIXTURE_H
#define TESTS_STATS_FOLD_FIXTURE_H

#include "base/err.h"
#include "fold.h"

/* Noon of 2026-11-21 in Mexico City. */
static const uint64_t noon_ms = UINT64_C(1795284000000);

/* What a test says of a click; NULL: as below. */
struct tap {
    uint64_t at_ms; /* 0: noon */
    uint64_t visitor;
    const char *code, *campaign, *kind, *outcome, *country, *region, *platform, *browser, *in_app,
        *language, *referrer, *source;
};

struct made_entry {
    struct entry entry;
    char tuple[ENTRY_TUPLE_BYTES_MAX];
};

static inline const char *or_else(const char *text, const char *otherwise) {
    return text != NULL ? text : otherwise;
}

/* made is what the entry borrows from. */
static inline struct entry *make_entry(struct made_entry *made, uint64_t sequence,
                                       const struct tap *tap) {
    const char *const texts[ENTRY_TUPLE_TEXTS] = {
        or_else(tap->kind, "human"),       or_else(tap->outcome, "play_store"),
        or_else(tap->country, "MX"),       or_else(tap->region, "CMX"),
        or_else(tap->platform, "android"), or_else(tap->browser, "chrome"),
        or_else(tap->in_app, ""),          or_else(tap->language, "es-MX"),
        or_else(tap->referrer, ""),        or_else(tap->source, ""),
    };
    size_t size = 0;
    for (size_t i = 0; i < ENTRY_TUPLE_TEXTS; i++) {
        size_t text = strlen(texts[i]);
        made->tuple[size++] = (char)text;
        memcpy(made->tuple + size, texts[i], text);
        size += text;
    }
    made->entry = (struct entry){
        .id = {tap->at_ms != 0 ? tap->at_ms : noon_ms, sequence},
        .is_click = true,
        .code = slice_of(or_else(tap->code, "AB12CD")),
        .campaign = slice_of(or_else(tap->campaign, "spring")),
        .visitor = tap->visitor,
        .tuple = slice_make(made->tuple, size),
    };
    return &made->entry;
}

static inline enum fold_result fold_tap(struct fold *fold, uint64_t sequence,
                                        const struct tap *tap) {
    struct made_entry made;
    return fold_add(fold, make_entry(&made, sequence, tap));
}

/* The same, where the batch must have room for it. */
static inline void take_tap(struct fold *fold, uint64_t sequence, const struct tap *tap) {
    ENSURE(fold_tap(fold, sequence, tap) == FOLD_TAKEN);
}

#endif
