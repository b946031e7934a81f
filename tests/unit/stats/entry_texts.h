/*
 * entry_texts.h - entries of a stream as Redis answers them (RESP2), for tests.
 */
#ifndef TESTS_STATS_ENTRY_TEXTS_H
#define TESTS_STATS_ENTRY_TEXTS_H

#include "base/buf.h"
#include "click/click.h"

/* A field of a click, and what it says unless a test says otherwise. */
static const struct {
    const char *name;
    const char *value;
} entry_fields[CLICK_FIELD_COUNT] = {
    {"id", "01JD5T0000ABCDEFGHJKMNPQRS"},
    {"at", "1795000000000"},
    {"code", "AB12CD"},
    {"campaign", "spring"},
    {"owner", "ana"},
    {"kind", "human"},
    {"outcome", "play_store"},
    {"country", "MX"},
    {"region", "CMX"},
    {"platform", "android"},
    {"browser", "chrome"},
    {"in_app", "whatsapp"},
    {"language", "es-MX"},
    {"referrer", ""},
    {"source", ""},
    {"visitor", "0123456789abcdef"},
    {"version", "1"},
    {"network", "00000000000000aa"},
    {"agent", ""},
    {"rule", "android"},
};

static inline void append_bulk(struct buf *out, struct slice text) {
    buf_append_char(out, '$');
    buf_append_u64(out, text.size);
    buf_append(out, SLICE("\r\n"));
    buf_append(out, text);
    buf_append(out, SLICE("\r\n"));
}

static inline void append_array(struct buf *out, uint64_t count) {
    buf_append_char(out, '*');
    buf_append_u64(out, count);
    buf_append(out, SLICE("\r\n"));
}

/* The head of an entry: what follows are its fields. */
static inline void append_entry_head(struct buf *out, const char *id, uint64_t elements) {
    append_array(out, 2);
    append_bulk(out, slice_of(id));
    append_array(out, elements);
}

/* A whole entry, with one field that says something else (NULL: none). */
static inline void append_entry(struct buf *out, const char *id, const char *name,
                                struct slice value) {
    append_entry_head(out, id, 2 * CLICK_FIELD_COUNT);
    for (size_t i = 0; i < CLICK_FIELD_COUNT; i++) {
        bool is_it = name != NULL && strcmp(name, entry_fields[i].name) == 0;
        append_bulk(out, slice_of(entry_fields[i].name));
        append_bulk(out, is_it ? value : slice_of(entry_fields[i].value));
    }
}

#endif
