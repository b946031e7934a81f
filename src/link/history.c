/*
 * history.c - reading what edit.lua wrote.
 *
 * A page of entries at a time, so that an answer of Redis stays small whatever history.entries is.
 */
#include "link/history.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "link/code.h"
#include "redis/pipe.h"
#include "store_private.h"

enum {
    PAGE_ENTRIES = 32,
    STREAM_ID_BYTES = 48,
    WORD_BYTES_MAX = 16,
    MADE_BYTES_MAX = 200,
    UNREADABLE_BYTES_MAX = 200,
    VALUES_BYTES_MAX = 16 * 1024 * 1024,
    SCRATCH_BYTES_MAX = 2 * 1024 * 1024,
};

struct reading {
    struct store *store;
    const struct history_query *query;
    size_t left;
    bool goes_on;
    bool is_known;                /* there is an entry, or a record */
    char cursor[STREAM_ID_BYTES]; /* "(ID" of the last entry; "+": none yet */
    struct buf bytes;             /* of the entry at hand */
};

static bool read_made(struct reading *reading, enum store_result *result, struct err *err);
static bool read_page(struct reading *reading, struct err *err);

enum store_result history_read(struct store *store, const struct history_query *query,
                               struct err *err) {
    struct reading reading = {
        .store = store, .query = query, .left = query->limit, .goes_on = true, .cursor = "+"};
    enum store_result result = STORE_OK;
    ENSURE(query->limit > 0 && query->limit <= HISTORY_ENTRIES_MAX);
    if (!code_is_valid(query->id)) {
        err_set(err, "%s: allowed are 1 to %d of A-Z a-z 0-9 - _", record_shape(query->kind)->what,
                CODE_BYTES_MAX);
        return STORE_REFUSED;
    }
    buf_init(&reading.bytes, SCRATCH_BYTES_MAX);
    if (read_made(&reading, &result, err)) {
        while (reading.goes_on && reading.left > 0) {
            if (!read_page(&reading, err)) {
                result = STORE_FAILED;
                break;
            }
        }
    }
    buf_fini(&reading.bytes);
    return result == STORE_OK && !reading.is_known ? STORE_NOT_FOUND : result;
}

bool history_json(const struct history_entry *entry, struct buf *out) {
    buf_printf(out, "{\"at\":%" PRIu64 ",\"who\":\"", entry->at_ms);
    buf_append_json(out, entry->who);
    buf_append(out, SLICE("\",\"via\":\""));
    buf_append_json(out, entry->via);
    buf_append(out, SLICE("\",\"action\":\""));
    buf_append_json(out, entry->action);
    buf_append(out, SLICE("\",\"before\":"));
    buf_append(out, entry->before);
    buf_append(out, SLICE(",\"after\":"));
    buf_append(out, entry->after);
    buf_append_char(out, '}');
    return !out->overflowed;
}

static void tell(struct reading *reading, const struct history_entry *entry) {
    reading->is_known = true;
    reading->left--;
    reading->goes_on = reading->query->each(reading->query->argument, entry);
}

/* --- the entry that stands in the record ---------------------------------------------------- */

static bool is_word(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 'a' || text.data[i] > 'z') {
            return false;
        }
    }
    return text.size > 0 && text.size <= WORD_BYTES_MAX;
}

/* "MS VIA WHO"; what is none says nothing. */
static void tell_made(struct reading *reading, struct slice made, const struct slice *values) {
    const struct record_shape *shape = record_shape(reading->query->kind);
    struct slice shown[RECORD_FIELDS_MAX];
    struct history_entry entry = {.action = SLICE("create"), .before = SLICE("null")};
    if (made.size > MADE_BYTES_MAX ||
        !slice_to_u64(slice_split(&made, ' '), UINT64_MAX, &entry.at_ms)) {
        return;
    }
    entry.via = slice_split(&made, ' ');
    entry.who = slice_first(made, STORE_WHO_BYTES_MAX);
    if (!is_word(entry.via) || entry.who.size == 0) {
        return;
    }
    for (size_t i = 0; i < shape->count; i++) {
        shown[i] = record_field_is_ours(reading->query->kind, i) ? SLICE_EMPTY : values[i];
    }
    struct record_view view = record_view(reading->query->kind, reading->query->id, shown);
    buf_clear(&reading->bytes);
    entry.after = record_json(&view, &reading->bytes) ? buf_slice(&reading->bytes) : SLICE("null");
    tell(reading, &entry);
}

/* False: *result says how it ends. */
static bool read_made(struct reading *reading, enum store_result *result, struct err *err) {
    enum record_kind kind = reading->query->kind;
    const struct record_shape *shape = record_shape(kind);
    struct slice values[RECORD_FIELDS_MAX];
    char key_bytes[STORE_KEY_BYTES_MAX];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    struct buf scratch;
    buf_init(&scratch, VALUES_BYTES_MAX);
    *result = store_get(reading->store, kind, reading->query->id,
                        (struct store_values){values, &scratch}, err);
    if (*result == STORE_OK && store_key(reading->store, shape, reading->query->id, &key, NULL)) {
        const struct slice command[] = {SLICE("HGET"), buf_slice(&key), SLICE("made")};
        const struct redis_reply *reply =
            redis_pipe_command(reading->store->pipe, ARRAY_COUNT(command), command, err);
        reading->is_known = true;
        *result = store_answer(reply, err);
        if (*result == STORE_OK) {
            tell_made(reading, redis_reply_text(reply), values);
        }
    }
    buf_fini(&scratch);
    if (*result == STORE_NOT_FOUND) {
        *result = STORE_OK; /* maybe there was one */
    }
    return *result == STORE_OK;
}

/* --- the stream ----------------------------------------------------------------------------- */

/* What is not UTF-8 is replaced: then it may be sound JSON. */
static void append_utf8(struct buf *out, struct slice text) {
    while (text.size > 0) {
        size_t size = slice_utf8_size(text);
        buf_append(out, size > 0 ? slice_first(text, size) : SLICE("\xEF\xBF\xBD"));
        text = slice_from(text, size > 0 ? size : 1);
    }
}

static void append_unreadable(struct buf *out, struct slice text) {
    buf_append(out, SLICE("{\"unreadable\":\""));
    buf_append_json(out, slice_first(text, UNREADABLE_BYTES_MAX));
    buf_append(out, SLICE("\"}"));
}

/* Redis has texts; records are shown with numbers, and rules as the array that they are. */
static void show_as_record(json_t *root) {
    const char *name;
    void *next;
    json_t *value;
    json_object_foreach_safe(root, next, name, value) {
        struct slice text = slice_of(json_string_value(value));
        uint64_t number;
        json_t *shown = NULL;
        if (record_is_count(name) && slice_to_u64(text, INT64_MAX, &number)) {
            shown = json_integer((json_int_t)number);
        } else if (record_is_json(name) && text.size > 0) {
            shown = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
        }
        if (shown != NULL) {
            json_object_set_new(root, name, shown);
        }
    }
}

/* As it was written, on one line; anybody may have written it. */
static void append_record(struct buf *out, struct slice text) {
    struct buf sound;
    json_t *root = NULL;
    buf_init(&sound, 4 * (size_t)HISTORY_JSON_BYTES_MAX);
    if (slice_equal(text, SLICE("null"))) {
        buf_append(out, text);
    } else if (text.size > 0 && text.size <= HISTORY_JSON_BYTES_MAX) {
        append_utf8(&sound, text);
        root = json_loadb(sound.data, sound.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    }
    show_as_record(root);
    char *line = json_is_object(root) ? json_dumps(root, JSON_COMPACT) : NULL;
    if (line != NULL) {
        buf_append(out, slice_of(line));
    } else if (!slice_equal(text, SLICE("null"))) {
        append_unreadable(out, text);
    }
    free(line);
    json_decref(root);
    buf_fini(&sound);
}

static struct slice field_of(const struct redis_reply *fields, const char *name) {
    for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2) {
        if (slice_equal(redis_reply_text(redis_reply_at(fields, i)), slice_of(name))) {
            return redis_reply_text(redis_reply_at(fields, i + 1));
        }
    }
    return SLICE_EMPTY;
}

static void tell_entry(struct reading *reading, struct slice id, const struct redis_reply *fields) {
    struct history_entry entry = {.via = field_of(fields, "via"),
                                  .action = field_of(fields, "action")};
    struct buf *bytes = &reading->bytes;
    struct slice ms = id;
    if (!slice_to_u64(field_of(fields, "at"), UINT64_MAX, &entry.at_ms) &&
        !slice_to_u64(slice_split(&ms, '-'), UINT64_MAX, &entry.at_ms)) {
        entry.at_ms = 0;
    }
    entry.via = is_word(entry.via) ? entry.via : SLICE("other");
    entry.action = is_word(entry.action) ? entry.action : SLICE("other");
    buf_clear(bytes);
    append_utf8(bytes, slice_first(field_of(fields, "who"), STORE_WHO_BYTES_MAX));
    size_t who_end = bytes->size;
    append_record(bytes, field_of(fields, "before"));
    size_t before_end = bytes->size;
    append_record(bytes, field_of(fields, "after"));
    if (bytes->overflowed) {
        return;
    }
    entry.who = slice_first(buf_slice(bytes), who_end);
    entry.before = slice_first(slice_from(buf_slice(bytes), who_end), before_end - who_end);
    entry.after = slice_from(buf_slice(bytes), before_end);
    tell(reading, &entry);
}

static bool read_page(struct reading *reading, struct err *err) {
    const struct record_shape *shape = record_shape(reading->query->kind);
    char key_bytes[STORE_KEY_BYTES_MAX];
    char count[16];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    size_t wanted = reading->left < PAGE_ENTRIES ? reading->left : PAGE_ENTRIES;
    snprintf(count, sizeof(count), "%zu", wanted);
    ENSURE(buf_append(&key, reading->store->key_prefix) && buf_append(&key, SLICE("history:")) &&
           buf_append(&key, shape->key) && buf_append(&key, reading->query->id));
    const struct slice command[] = {SLICE("XREVRANGE"), buf_slice(&key), slice_of(reading->cursor),
                                    SLICE("-"),         SLICE("COUNT"),  slice_of(count)};
    const struct redis_reply *reply =
        redis_pipe_command(reading->store->pipe, ARRAY_COUNT(command), command, err);
    enum store_result result = store_answer(reply, err);
    if (result != STORE_OK) {
        reading->goes_on = false;
        return result == STORE_REFUSED; /* the key is no stream: there is no history */
    }
    size_t entries = redis_reply_count(reply);
    for (size_t i = 0; i < entries && reading->goes_on; i++) {
        const struct redis_reply *entry = redis_reply_at(reply, i);
        struct slice id = redis_reply_text(redis_reply_at(entry, 0));
        snprintf(reading->cursor, sizeof(reading->cursor), "(%.*s",
                 SLICE_ARG(slice_first(id, STREAM_ID_BYTES - 2)));
        tell_entry(reading, id, redis_reply_at(entry, 1));
    }
    reading->goes_on = reading->goes_on && entries == wanted;
    return true;
}
