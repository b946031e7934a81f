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
#include "redis/pipe.h"
#include "store_private.h"

enum { WORDS_MAX = 3 + 2 + 1 + 3 * RECORD_FIELDS_MAX + 2, NUMBER_BYTES = 16 };

/* KEYS: the hash, and maybe where the answer is kept. ARGV: how many fields, their names, what was
 * read, what shall be (empty: absent), and maybe the answer and its seconds. */
static const char script_text[] =
    "local n = tonumber(ARGV[1])\n"
    "if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1 then return 2 end\n"
    "local now = redis.call('HMGET', KEYS[1], unpack(ARGV, 2, n + 1))\n"
    "local set, gone = {}, {}\n"
    "for i = 1, n do\n"
    "  local name, value = ARGV[1 + i], ARGV[2 * n + 1 + i]\n"
    "  if (now[i] or '') ~= ARGV[n + 1 + i] then return 1 end\n"
    "  if value == '' then\n"
    "    if now[i] then gone[#gone + 1] = name end\n"
    "  elseif value ~= now[i] then\n"
    "    set[#set + 1] = name\n"
    "    set[#set + 1] = value\n"
    "  end\n"
    "end\n"
    "if #set > 0 then redis.call('HSET', KEYS[1], unpack(set)) end\n"
    "if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end\n"
    "if KEYS[2] then\n"
    "  redis.call('SET', KEYS[2], ARGV[3 * n + 2], 'EX', ARGV[3 * n + 3])\n"
    "end\n"
    "return 0\n";

enum { SCRIPT_DONE, SCRIPT_CHANGED, SCRIPT_KEPT };

enum store_result edit_load(struct store *store, struct edit_script *script, struct err *err) {
    const struct slice command[] = {SLICE("SCRIPT"), SLICE("LOAD"), slice_of(script_text)};
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
    const struct record_shape *shape = record_shape(edit->kind);
    bool is_kept = edit->kept_key.size > 0;
    char key_bytes[STORE_KEY_BYTES_MAX];
    char count[NUMBER_BYTES];
    char seconds[NUMBER_BYTES];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    struct slice words[WORDS_MAX];
    size_t size = 0;
    ENSURE(store_key(store, shape, edit->id, &key, NULL));
    snprintf(count, sizeof(count), "%zu", shape->count);
    snprintf(seconds, sizeof(seconds), "%" PRIu32, edit->kept_s);

    words[size++] = script == NULL ? SLICE("EVAL") : SLICE("EVALSHA");
    words[size++] = slice_of(script == NULL ? script_text : script->sha);
    words[size++] = is_kept ? SLICE("2") : SLICE("1");
    words[size++] = buf_slice(&key);
    if (is_kept) {
        words[size++] = edit->kept_key;
    }
    words[size++] = slice_of(count);
    for (size_t i = 0; i < shape->count; i++) {
        words[size + i] = slice_of(shape->names[i]);
        words[size + shape->count + i] = text_of(edit->before, i);
        words[size + 2 * shape->count + i] = text_of(edit->after, i);
    }
    size += 3 * shape->count;
    if (is_kept) {
        words[size++] = edit->kept_value;
        words[size++] = slice_of(seconds);
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
