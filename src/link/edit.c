/*
 * edit.c - compare and set, by a script.
 *
 * WATCH would do as well, but one connection watches for one change at a time; a script can stand
 * a thousand times in a pipeline.
 */
#include "link/edit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "edit_lua.h"
#include "link/code.h"
#include "redis/pipe.h"
#include "store_private.h"

enum {
    HEAD_WORDS_MAX = 10 + RECORD_FIELDS_MAX,
    WORDS_MAX = 3 + HEAD_WORDS_MAX + 4 + 2 * RECORD_FIELDS_MAX,
    NUMBER_BYTES = 16,
    DAY_S = 24 * 60 * 60,
    RESP_HEAD_BYTES_MAX = 16 * 1024, /* of a merge: the script and what stands before its rows */
};

enum { SCRIPT_DONE, SCRIPT_CHANGED, SCRIPT_KEPT };

/* What stands before the arguments of every call, and where its numbers stand. */
struct head {
    struct slice word[HEAD_WORDS_MAX];
    size_t count;
    char entries[NUMBER_BYTES];
    char gone_s[NUMBER_BYTES];
    char fields[NUMBER_BYTES];
};

static struct slice script_text(void) {
    return slice_make(edit_lua, sizeof(edit_lua) - 1);
}

static void write_head(const struct store *store, const char *how, enum record_kind kind,
                       struct head *head) {
    const struct record_shape *shape = record_shape(kind);
    const struct store_author *author = &store->author;
    size_t fields = 0;
    for (size_t i = 0; i < shape->count; i++) {
        if (!record_field_is_ours(kind, i)) {
            head->word[9 + fields++] = slice_of(shape->names[i]);
        }
    }
    snprintf(head->entries, sizeof(head->entries), "%" PRIu32, author->entries);
    snprintf(head->gone_s, sizeof(head->gone_s), "%" PRIu64, (uint64_t)author->retain_days * DAY_S);
    snprintf(head->fields, sizeof(head->fields), "%zu", fields);
    head->word[0] = slice_of(how);
    head->word[1] = store->key_prefix;
    head->word[2] = slice_of(shape->noun);
    head->word[3] = slice_of(shape->id_name);
    head->word[4] = slice_first(author->who, STORE_WHO_BYTES_MAX);
    head->word[5] = author->via;
    head->word[6] = slice_of(head->entries);
    head->word[7] = slice_of(head->gone_s);
    head->word[8] = slice_of(head->fields);
    head->count = 9 + fields;
}

/* How a call begins: EVAL with the text, or EVALSHA; then the head. */
static size_t begin_call(const struct edit_script *script, const struct head *head,
                         struct slice *words) {
    size_t size = 0;
    words[size++] = script == NULL ? SLICE("EVAL") : SLICE("EVALSHA");
    words[size++] = script == NULL ? script_text() : slice_of(script->sha);
    words[size++] = SLICE("0");
    memcpy(words + size, head->word, head->count * sizeof(*words));
    return size + head->count;
}

enum store_result edit_load(struct store *store, struct edit_script *script, struct err *err) {
    const struct slice command[] = {SLICE("SCRIPT"), SLICE("LOAD"), script_text()};
    const struct redis_reply *reply =
        redis_pipe_command(store->pipe, ARRAY_COUNT(command), command, err);
    enum store_result result = store_answer(reply, err);
    struct slice sha = redis_reply_text(reply);
    if (result == STORE_OK && sha.size != sizeof(script->sha) - 1) {
        err_set(err, "Redis answers SCRIPT LOAD with something else");
        result = STORE_FAILED;
    }
    if (result == STORE_OK) {
        memcpy(script->sha, sha.data, sha.size);
        script->sha[sha.size] = '\0';
    }
    return result;
}

/* An absent field and an empty one are the same. */
static struct slice text_of(const struct slice *values, size_t field) {
    return values == NULL || values[field].size == 0 ? SLICE("") : values[field];
}

bool edit_append(struct store *store, const struct edit_script *script, const struct edit *edit) {
    size_t fields = record_shape(edit->kind)->count;
    char seconds[NUMBER_BYTES];
    struct head head;
    struct slice words[WORDS_MAX];
    ENSURE(code_is_valid(edit->id));
    snprintf(seconds, sizeof(seconds), "%" PRIu32, edit->kept_s);
    write_head(store, "edit", edit->kind, &head);
    size_t size = begin_call(script, &head, words);
    words[size++] = edit->id;
    words[size++] = edit->kept_key;
    words[size++] = edit->kept_value;
    words[size++] = slice_of(seconds);
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = 0; i < fields; i++) {
            if (!record_field_is_ours(edit->kind, i)) {
                words[size++] = text_of(part == 0 ? edit->before : edit->after, i);
            }
        }
    }
    if (!redis_pipe_append(store->pipe, size, words)) {
        redis_pipe_disconnect(store->pipe);
        return false;
    }
    return true;
}

enum edit_result edit_read(struct store *store, struct err *err) {
    const struct redis_reply *reply = redis_pipe_read(store->pipe, err);
    if (slice_starts_with(redis_reply_text(reply), SLICE("NOSCRIPT"))) {
        return EDIT_CHANGED;
    }
    switch (store_answer(reply, err)) {
    case STORE_OK:
    case STORE_NOT_FOUND:
        break;
    case STORE_REFUSED:
        return EDIT_REFUSED;
    case STORE_FAILED:
        return EDIT_FAILED;
    }
    int64_t said = redis_reply_is_integer(reply) ? redis_reply_integer(reply) : -1;
    if (said == SCRIPT_DONE) {
        return EDIT_DONE;
    }
    if (said == SCRIPT_CHANGED || said == SCRIPT_KEPT) {
        return said == SCRIPT_CHANGED ? EDIT_CHANGED : EDIT_KEPT;
    }
    err_set(err, "Redis answers a script with something else");
    return EDIT_FAILED;
}

enum edit_result edit_run(struct store *store, const struct edit *edit, struct err *err) {
    if (!edit_append(store, NULL, edit)) {
        err_set(err, "the connection to Redis is lost, or the values are too large");
        return EDIT_FAILED;
    }
    return edit_read(store, err);
}

enum store_result edit_delete(struct store *store, enum record_kind kind, struct slice id,
                              struct err *err) {
    struct head head;
    struct slice words[WORDS_MAX];
    ENSURE(code_is_valid(id));
    write_head(store, "delete", kind, &head);
    size_t size = begin_call(NULL, &head, words);
    words[size++] = id;
    const struct redis_reply *reply = redis_pipe_command(store->pipe, size, words, err);
    enum store_result result = store_answer(reply, err);
    return result == STORE_OK && redis_reply_integer(reply) == 0 ? STORE_NOT_FOUND : result;
}

/* --- many at once --------------------------------------------------------------------------- */

void edit_merge_init(struct edit_merge *merge, size_t bytes_max) {
    *merge = (struct edit_merge){0};
    buf_init(&merge->rows, bytes_max);
}

void edit_merge_fini(struct edit_merge *merge) {
    buf_fini(&merge->rows);
}

static void append_word(struct buf *resp, struct slice word) {
    buf_append_char(resp, '$');
    buf_append_u64(resp, word.size);
    buf_append(resp, SLICE("\r\n"));
    buf_append(resp, word);
    buf_append(resp, SLICE("\r\n"));
}

/* Up to 99: there are no more fields. */
static void append_number(struct buf *resp, size_t number) {
    const char text[] = {(char)('0' + number / 10), (char)('0' + number % 10)};
    append_word(resp, slice_make(text, sizeof(text)));
}

static bool is_merged(const struct slice *given, size_t field) {
    return given[field].data != NULL && !record_field_is_ours(RECORD_LINK, field);
}

void edit_merge_add(struct edit_merge *merge, struct slice code,
                    const struct slice given[LINK_FIELD_COUNT]) {
    size_t count = 0;
    bool removes = false;
    ENSURE(merge->row_count < EDIT_MERGE_ROWS_MAX && code_is_valid(code));
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        count += is_merged(given, i) ? 1 : 0;
        removes = removes || (is_merged(given, i) && given[i].size == 0);
    }
    append_word(&merge->rows, code);
    append_word(&merge->rows, removes ? SLICE("1") : SLICE("0"));
    append_number(&merge->rows, count);
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        if (is_merged(given, i)) {
            append_word(&merge->rows, slice_of(link_field_name((enum link_field)i)));
            append_word(&merge->rows, given[i]);
        }
    }
    merge->word_count += 3 + 2 * count;
    merge->row_count++;
}

bool edit_merge_append(struct store *store, struct edit_merge *merge, struct slice created_at) {
    struct head head;
    struct slice words[WORDS_MAX];
    char bytes[RESP_HEAD_BYTES_MAX];
    struct buf resp = buf_over(bytes, sizeof(bytes));
    write_head(store, "merge", RECORD_LINK, &head);
    size_t size = begin_call(NULL, &head, words);
    words[size++] = created_at;
    buf_append_char(&resp, '*');
    buf_append_u64(&resp, size + merge->word_count);
    buf_append(&resp, SLICE("\r\n"));
    for (size_t i = 0; i < size; i++) {
        append_word(&resp, words[i]);
    }
    ENSURE(!resp.overflowed && !merge->rows.overflowed);
    bool is_queued = redis_pipe_append_resp(store->pipe, buf_slice(&resp), 1) &&
                     redis_pipe_append_resp(store->pipe, buf_slice(&merge->rows), 0);
    if (!is_queued) {
        redis_pipe_disconnect(store->pipe);
    }
    buf_clear(&merge->rows);
    merge->word_count = 0;
    merge->row_count = 0;
    return is_queued;
}

bool edit_merge_read(struct store *store, uint64_t *refused, struct err *err) {
    const struct redis_reply *reply = redis_pipe_read(store->pipe, err);
    *refused = 0;
    if (reply == NULL) {
        return false;
    }
    if (redis_reply_is_error(reply)) {
        struct slice text = redis_reply_text(reply);
        return err_set(err, "Redis refuses to write: %.*s", SLICE_ARG(slice_first(text, 200)));
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        int64_t row = redis_reply_integer(redis_reply_at(reply, i));
        if (row < 1 || row > EDIT_MERGE_ROWS_MAX) {
            return err_set(err, "Redis answers a script with something else");
        }
        *refused |= UINT64_C(1) << (row - 1);
    }
    return true;
}

/* --- asking --------------------------------------------------------------------------------- */

bool edit_ask(struct store *store, enum record_kind kind, struct slice id) {
    char bytes[STORE_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct slice command[2 + RECORD_FIELDS_MAX];
    ENSURE(store_key(store, record_shape(kind), id, &key, NULL));
    size_t words = store_fields_command(record_shape(kind), buf_slice(&key), command);
    if (!redis_pipe_append(store->pipe, words, command)) {
        redis_pipe_disconnect(store->pipe);
        return false;
    }
    return true;
}

enum store_result edit_answer(struct store *store, enum record_kind kind, struct store_values into,
                              struct err *err) {
    return store_read_values(redis_pipe_read(store->pipe, err), record_shape(kind), into, err);
}
