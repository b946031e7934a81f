/*
 * link/store.c - links and campaigns, written and read with plain commands.
 *
 * Both are a hash with a fixed list of fields (link/record.h), so one set of functions serves both.
 * A write is one MULTI, so that a reader never sees half of it; a deletion looks first. Walking
 * over all of them is store_walk.c, writing only what has not changed meanwhile edit.c.
 */
#include "link/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "field.h"
#include "link/code.h"
#include "link/template.h"
#include "redis/pipe.h"
#include "scheme.h"
#include "store_private.h"

enum { VALUES_BYTES_MAX = 64 * 1024 * 1024 };

/* What is no hash is nothing of ours: it stays. */
static const char delete_text[] =
    "local kind = redis.call('TYPE', KEYS[1]).ok\n"
    "if kind == 'hash' then return redis.call('DEL', KEYS[1]) end\n"
    "if kind == 'none' then return 0 end\n"
    "return redis.error_reply('WRONGTYPE the key holds another kind of value')\n";

/* --- keys ----------------------------------------------------------------------------------- */

bool store_key(const struct store *store, const struct record_shape *shape, struct slice id,
               struct buf *key, struct err *err) {
    struct err why = {""};
    if (!field_check_id(id, &why)) {
        return err_set(err, "%s: %s", shape->what, why.text);
    }
    ENSURE(buf_append(key, store->key_prefix) && buf_append(key, shape->key) &&
           buf_append(key, id));
    return true;
}

/* --- single commands ------------------------------------------------------------------------ */

enum store_result store_answer(const struct redis_reply *reply, struct err *err) {
    if (reply == NULL) {
        return STORE_FAILED;
    }
    if (redis_reply_is_error(reply)) {
        struct slice text = redis_reply_text(reply);
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(text, 300)));
        return slice_starts_with(text, SLICE("WRONGTYPE")) ? STORE_REFUSED : STORE_FAILED;
    }
    return STORE_OK;
}

enum store_result store_delete(struct store *store, enum record_kind kind, struct slice id,
                               struct err *err) {
    char bytes[STORE_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (!store_key(store, record_shape(kind), id, &key, err)) {
        return STORE_REFUSED;
    }
    const struct slice command[] = {SLICE("EVAL"), slice_of(delete_text), SLICE("1"),
                                    buf_slice(&key)};
    const struct redis_reply *reply =
        redis_pipe_command(store->pipe, ARRAY_COUNT(command), command, err);
    enum store_result result = store_answer(reply, err);
    return result == STORE_OK && redis_reply_integer(reply) == 0 ? STORE_NOT_FOUND : result;
}

size_t store_fields_command(const struct record_shape *shape, struct slice key,
                            struct slice command[2 + RECORD_FIELDS_MAX]) {
    command[0] = SLICE("HMGET");
    command[1] = key;
    for (size_t i = 0; i < shape->count; i++) {
        command[2 + i] = slice_of(shape->names[i]);
    }
    return 2 + shape->count;
}

/* The buffer may move while it grows, so slices are taken only when all is in it. */
static bool copy_values(struct slice *values, size_t count, struct buf *scratch) {
    size_t offsets[RECORD_FIELDS_MAX];
    for (size_t i = 0; i < count; i++) {
        offsets[i] = scratch->size;
        if (!buf_append(scratch, values[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i].data != NULL) {
            values[i].data = scratch->data + offsets[i];
        }
    }
    return true;
}

enum store_result store_read_values(const struct redis_reply *reply,
                                    const struct record_shape *shape, struct store_values into,
                                    struct err *err) {
    enum store_result result = store_answer(reply, err);
    if (result != STORE_OK) {
        return result;
    }
    if (!field_read_reply(reply, into.value, shape->count)) {
        return STORE_NOT_FOUND;
    }
    if (!copy_values(into.value, shape->count, into.scratch)) {
        err_set(err, "its values are too large");
        return STORE_REFUSED;
    }
    return STORE_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Queues HSET of the values that are given and HDEL of those that are given empty. */
static bool append_changes(struct store *store, const struct record_shape *shape, struct slice key,
                           const struct slice *values, size_t *commands) {
    struct slice set[2 + 2 * RECORD_FIELDS_MAX] = {SLICE("HSET"), key};
    struct slice delete[2 + RECORD_FIELDS_MAX] = {SLICE("HDEL"), key};
    size_t set_count = 2;
    size_t delete_count = 2;
    for (size_t i = 0; i < shape->count; i++) {
        struct slice name = slice_of(shape->names[i]);
        if (values[i].data != NULL && values[i].size > 0) {
            set[set_count++] = name;
            set[set_count++] = values[i];
        } else if (values[i].data != NULL) {
            delete[delete_count++] = name;
        }
    }
    *commands += (set_count > 2 ? 1u : 0u) + (delete_count > 2 ? 1u : 0u);
    return (set_count == 2 || redis_pipe_append(store->pipe, set_count, set)) &&
           (delete_count == 2 || redis_pipe_append(store->pipe, delete_count, delete));
}

static bool append_created_at(struct store *store, struct slice key) {
    char now[24];
    int size = snprintf(now, sizeof(now), "%" PRIu64, clock_real_ms() / 1000);
    const struct slice command[] = {SLICE("HSETNX"), key, SLICE("created_at"),
                                    slice_make(now, (size_t)size)};
    return redis_pipe_append(store->pipe, ARRAY_COUNT(command), command);
}

/* Reads the replies of a MULTI with so many commands in it; the first error is the result's. */
static enum store_result read_transaction(struct store *store, size_t commands, struct err *err) {
    enum store_result result = STORE_OK;
    for (size_t i = 0; i < commands + 2; i++) {
        const struct redis_reply *reply = redis_pipe_read(store->pipe, err);
        if (reply == NULL) {
            return STORE_FAILED;
        }
        for (size_t part = 0; part < redis_reply_count(reply) && result == STORE_OK; part++) {
            result = store_answer(redis_reply_at(reply, part), err);
        }
        result = result == STORE_OK ? store_answer(reply, err) : result;
    }
    return result;
}

static enum store_result set_hash(struct store *store, const struct record_shape *shape,
                                  struct slice key, const struct slice *values, struct err *err) {
    const struct slice multi[] = {SLICE("MULTI")};
    const struct slice exec[] = {SLICE("EXEC")};
    size_t commands = 0;
    bool has_values = false;
    for (size_t i = 0; i < shape->count; i++) {
        has_values = has_values || values[i].size > 0;
    }
    bool is_created = shape == record_shape(RECORD_LINK) && has_values;
    bool is_queued = redis_pipe_append(store->pipe, 1, multi) &&
                     append_changes(store, shape, key, values, &commands) &&
                     (!is_created || append_created_at(store, key)) &&
                     redis_pipe_append(store->pipe, 1, exec);
    if (!is_queued) {
        redis_pipe_disconnect(store->pipe);
        err_set(err, "the connection to Redis is lost, or the values are too large");
        return STORE_FAILED;
    }
    return read_transaction(store, commands + (is_created ? 1 : 0), err);
}

/* --- the same for both ---------------------------------------------------------------------- */

enum store_result store_get(struct store *store, enum record_kind kind, struct slice id,
                            struct store_values into, struct err *err) {
    const struct record_shape *shape = record_shape(kind);
    char bytes[STORE_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct slice command[2 + RECORD_FIELDS_MAX];
    if (!store_key(store, shape, id, &key, err)) {
        return STORE_REFUSED;
    }
    size_t arguments = store_fields_command(shape, buf_slice(&key), command);
    const struct redis_reply *reply = redis_pipe_command(store->pipe, arguments, command, err);
    return store_read_values(reply, shape, into, err);
}

enum store_result store_schemes(struct store *store, struct slice campaign, struct buf *scratch,
                                struct slice *schemes, struct err *err) {
    struct slice values[CAMPAIGN_FIELD_COUNT];
    struct store_values into = {values, scratch};
    *schemes = SLICE_EMPTY;
    enum store_result result = STORE_NOT_FOUND;
    if (code_is_valid(campaign)) {
        result = store_get(store, RECORD_CAMPAIGN, campaign, into, err);
    }
    /* A list that makes no sense (written by other hands) allows nothing, as when it is read. */
    if (result == STORE_OK && scheme_list_check(values[CAMPAIGN_FIELD_SCHEMES], NULL)) {
        *schemes = values[CAMPAIGN_FIELD_SCHEMES];
    }
    return result == STORE_REFUSED ? STORE_OK : result; /* a key that is no hash lists none */
}

/* What a field will hold is what is given, or else what is there. */
static enum store_result check_set(struct store *store, enum record_kind kind,
                                   const struct slice *before, const struct slice *given,
                                   struct err *err) {
    struct slice after[RECORD_FIELDS_MAX];
    struct record_change change = {.kind = kind, .before = before, .after = after};
    struct buf scratch;
    buf_init(&scratch, VALUES_BYTES_MAX);
    for (size_t i = 0; i < record_shape(kind)->count; i++) {
        after[i] = given[i].data != NULL ? given[i] : before[i];
        change.given |= given[i].data != NULL ? 1U << i : 0;
    }
    enum store_result result = STORE_OK;
    if (kind == RECORD_LINK && !template_scheme_is_allowed(after[LINK_FIELD_URL], SLICE_EMPTY)) {
        result = store_schemes(store, after[LINK_FIELD_CAMPAIGN], &scratch, &change.schemes, err);
    }
    if (result != STORE_FAILED) {
        result = record_check(&change, NULL, err) ? STORE_OK : STORE_REFUSED;
    }
    buf_fini(&scratch);
    return result;
}

static enum store_result set(struct store *store, enum record_kind kind, struct slice id,
                             const struct slice *given, struct err *err) {
    char bytes[STORE_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (!store_key(store, record_shape(kind), id, &key, err)) {
        return STORE_REFUSED;
    }
    struct slice before[RECORD_FIELDS_MAX] = {{0}};
    struct buf scratch;
    buf_init(&scratch, VALUES_BYTES_MAX);
    enum store_result result =
        store_get(store, kind, id, (struct store_values){before, &scratch}, err);
    if (result == STORE_OK || result == STORE_NOT_FOUND) {
        result = check_set(store, kind, before, given, err);
    }
    buf_fini(&scratch);
    return result == STORE_OK ? set_hash(store, record_shape(kind), buf_slice(&key), given, err)
                              : result;
}

/* --- links, campaigns ----------------------------------------------------------------------- */

enum store_result store_link_set(struct store *store, struct slice code,
                                 const struct link_fields *fields, struct err *err) {
    return set(store, RECORD_LINK, code, fields->value, err);
}

enum store_result store_link_get(struct store *store, struct slice code, struct link_fields *fields,
                                 struct buf *scratch, struct err *err) {
    return store_get(store, RECORD_LINK, code, (struct store_values){fields->value, scratch}, err);
}

enum store_result store_link_delete(struct store *store, struct slice code, struct err *err) {
    return store_delete(store, RECORD_LINK, code, err);
}

enum store_result store_campaign_set(struct store *store, struct slice id,
                                     const struct campaign_fields *fields, struct err *err) {
    return set(store, RECORD_CAMPAIGN, id, fields->value, err);
}

enum store_result store_campaign_get(struct store *store, struct slice id,
                                     struct campaign_fields *fields, struct buf *scratch,
                                     struct err *err) {
    return store_get(store, RECORD_CAMPAIGN, id, (struct store_values){fields->value, scratch},
                     err);
}

enum store_result store_campaign_delete(struct store *store, struct slice id, struct err *err) {
    return store_delete(store, RECORD_CAMPAIGN, id, err);
}
