/*
 * link/store.c - links and campaigns, read and written.
 *
 * Both are a hash with a fixed list of fields (link/record.h), so one set of functions serves both.
 * A write reads, checks and goes through edit.c, again when somebody else wrote in between. Walking
 * over all of them is store_walk.c.
 */
#include "link/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "field.h"
#include "link/code.h"
#include "link/edit.h"
#include "link/template.h"
#include "redis/pipe.h"
#include "scheme.h"
#include "store_private.h"

enum { VALUES_BYTES_MAX = 64 * 1024 * 1024, TRIES_MAX = 16 };

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

enum store_result store_delete(struct store *store, enum record_kind kind, struct slice id,
                               struct err *err) {
    char bytes[STORE_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    return store_key(store, record_shape(kind), id, &key, err) ? edit_delete(store, kind, id, err)
                                                               : STORE_REFUSED;
}

/* --- writing -------------------------------------------------------------------------------- */

/* One attempt to write: what is given, what is there, and what it will be. */
struct attempt {
    enum record_kind kind;
    struct slice id;
    const struct slice *given;
    struct slice before[RECORD_FIELDS_MAX];
    struct slice after[RECORD_FIELDS_MAX];
    char created_at[24];
};

/* What a field will hold is what is given, or else what is there. A link that says nothing of when
 * it was made was made now. */
static void plan(struct attempt *attempt) {
    bool has_values = false;
    for (size_t i = 0; i < record_shape(attempt->kind)->count; i++) {
        struct slice given = attempt->given[i];
        bool is_given = given.data != NULL && !record_field_is_ours(attempt->kind, i);
        attempt->after[i] = is_given ? given : attempt->before[i];
        has_values = has_values || (is_given && given.size > 0);
    }
    if (attempt->kind == RECORD_LINK && has_values &&
        attempt->after[LINK_FIELD_CREATED_AT].data == NULL) {
        int size = snprintf(attempt->created_at, sizeof(attempt->created_at), "%" PRIu64,
                            clock_real_ms() / 1000);
        attempt->after[LINK_FIELD_CREATED_AT] = slice_make(attempt->created_at, (size_t)size);
    }
}

static enum store_result check_set(struct store *store, const struct attempt *attempt,
                                   struct err *err) {
    const struct slice *after = attempt->after;
    struct record_change change = {
        .kind = attempt->kind, .before = attempt->before, .after = after, .hosts = store->hosts};
    struct buf scratch;
    buf_init(&scratch, VALUES_BYTES_MAX);
    for (size_t i = 0; i < record_shape(attempt->kind)->count; i++) {
        change.given |= attempt->given[i].data != NULL ? 1U << i : 0;
    }
    enum store_result result = STORE_OK;
    if (attempt->kind == RECORD_LINK &&
        !template_scheme_is_allowed(after[LINK_FIELD_URL], SLICE_EMPTY)) {
        result = store_schemes(store, after[LINK_FIELD_CAMPAIGN], &scratch, &change.schemes, err);
    }
    if (result != STORE_FAILED) {
        result = record_check(&change, NULL, err) ? STORE_OK : STORE_REFUSED;
    }
    buf_fini(&scratch);
    return result;
}

/* CHANGED: somebody else wrote meanwhile. */
static enum edit_result write_attempt(struct store *store, const struct attempt *attempt,
                                      bool exists, struct err *err) {
    const struct edit edit = {.kind = attempt->kind,
                              .id = attempt->id,
                              .before = exists ? attempt->before : NULL,
                              .after = attempt->after};
    return edit_run(store, &edit, err);
}

/* Reads, checks and writes. *is_contended: somebody else wrote in between. */
static enum store_result try_set(struct store *store, struct attempt *attempt, bool *is_contended,
                                 struct err *err) {
    struct buf scratch;
    buf_init(&scratch, VALUES_BYTES_MAX);
    memset(attempt->before, 0, sizeof(attempt->before));
    enum store_result found = store_get(store, attempt->kind, attempt->id,
                                        (struct store_values){attempt->before, &scratch}, err);
    enum store_result result = found;
    *is_contended = false;
    if (found == STORE_OK || found == STORE_NOT_FOUND) {
        plan(attempt);
        result = check_set(store, attempt, err);
    }
    if (result == STORE_OK) {
        switch (write_attempt(store, attempt, found == STORE_OK, err)) {
        case EDIT_DONE:
            break;
        case EDIT_CHANGED:
        case EDIT_KEPT:
            *is_contended = true;
            break;
        case EDIT_REFUSED:
            result = STORE_REFUSED;
            break;
        case EDIT_FAILED:
            result = STORE_FAILED;
            break;
        }
    }
    buf_fini(&scratch);
    return result;
}

static enum store_result set(struct store *store, enum record_kind kind, struct slice id,
                             const struct slice *given, struct err *err) {
    struct attempt attempt = {.kind = kind, .id = id, .given = given};
    bool is_contended = true;
    enum store_result result = STORE_OK;
    for (int i = 0; i < TRIES_MAX && is_contended && result == STORE_OK; i++) {
        result = try_set(store, &attempt, &is_contended, err);
    }
    if (result == STORE_OK && is_contended) {
        err_set(err, "others are changing it again and again: try again");
        result = STORE_FAILED;
    }
    return result;
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
