/*
 * webhook_list.c - listing deliveries, and taking them up again by hand: see
 * credit/webhook_store.h.
 *
 * A listing follows webhooks:all from the newest on, a piece at a time, and reads the hash of each.
 * What the list holds and no hash stands behind was forgotten, and is passed over.
 *
 * Threads   One at a time a pipe.
 * Limits    PIECE entries a command, WEBHOOK_PAGE_MAX pieces a call.
 */
#include "credit/webhook_store.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "redis/pipe.h"
#include "webhook_retry_lua.h"
#include "webhook_script.h"

enum { PIECE = 100, PIECE_BYTES_MAX = PIECE * 128, NUMBER_BYTES = 24 };

#define FIELD_NAME(name, text) [WEBHOOK_FIELD_##name] = (text),
static const char *const field_names[] = {WEBHOOK_FIELDS(FIELD_NAME)};

const char *webhook_field_name(enum webhook_field field) {
    return field_names[field];
}

bool webhook_id_is_valid(struct slice id) {
    for (size_t i = 0; i < id.size; i++) {
        char c = id.data[i];
        bool is_good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
        if (!is_good) {
            return false;
        }
    }
    return id.size > 0 && id.size <= WEBHOOK_ID_BYTES_MAX;
}

/* ---- JSON ---- */

static bool is_time(enum webhook_field field) {
    return field == WEBHOOK_FIELD_CREATED_AT || field == WEBHOOK_FIELD_LAST_AT ||
           field == WEBHOOK_FIELD_NEXT_AT || field == WEBHOOK_FIELD_RETRIED_AT;
}

void webhook_json(struct slice id, const struct slice value[WEBHOOK_FIELD_COUNT], struct buf *out) {
    buf_append(out, SLICE("{\"id\":\""));
    buf_append_json(out, id);
    buf_append_char(out, '"');
    for (size_t i = 0; i < WEBHOOK_FIELD_COUNT; i++) {
        enum webhook_field field = (enum webhook_field)i;
        bool is_count = field == WEBHOOK_FIELD_ATTEMPTS || field == WEBHOOK_FIELD_LAST_STATUS;
        char time[CLOCK_RFC3339_BYTES];
        uint64_t number;
        bool is_number = slice_to_u64(value[i], WEBHOOK_TIME_MS_MAX, &number);
        buf_printf(out, ",\"%s\":", field_names[i]);
        if (value[i].size == 0 || ((is_count || is_time(field)) && !is_number)) {
            buf_append(out, SLICE("null"));
        } else if (is_count) {
            buf_append_u64(out, number);
        } else if (is_time(field)) {
            clock_rfc3339(number, time);
            buf_printf(out, "\"%s\"", time);
        } else {
            buf_append_char(out, '"');
            buf_append_json(out, slice_first(value[i], WEBHOOK_URL_BYTES_MAX));
            buf_append_char(out, '"');
        }
    }
    buf_append_char(out, '}');
}

/* ---- listing ---- */

/* A piece of the list. */
struct piece {
    size_t count; /* entries, usable or not */
    size_t used;
    struct {
        struct slice id;
        uint64_t at_ms;
    } entry[PIECE];
    struct buf bytes; /* ids and numbers */
    char storage[PIECE_BYTES_MAX];
};

struct walk {
    const struct webhook_store *store;
    const struct webhook_list *list;
    uint64_t first_ms; /* entries are counted from here */
    size_t offset;
    size_t shown;
    bool is_over;
    struct webhook_place *place;
    struct piece piece;
};

static struct slice key_of(const struct walk *walk, const char *name, struct slice rest,
                           struct buf *key) {
    buf_clear(key);
    buf_append(key, walk->store->key_prefix);
    buf_append(key, slice_of(name));
    buf_append(key, rest);
    ENSURE(!key->overflowed);
    return buf_slice(key);
}

/* Those that were shown before, by whoever goes on from a place. */
static bool was_before(const struct walk *walk, struct slice id, uint64_t at_ms) {
    struct slice before = walk->list->before;
    if (at_ms != walk->list->before_ms || before.size == 0) {
        return false;
    }
    size_t size = id.size < before.size ? id.size : before.size;
    int order = memcmp(id.data, before.data, size);
    return order > 0 || (order == 0 && id.size >= before.size);
}

static enum webhook_store_result read_piece(struct walk *walk, struct err *err) {
    char key_bytes[256], first[NUMBER_BYTES] = "+inf", offset[NUMBER_BYTES];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    struct piece *piece = &walk->piece;
    if (walk->first_ms != 0) {
        snprintf(first, sizeof(first), "%lu", (unsigned long)walk->first_ms);
    }
    snprintf(offset, sizeof(offset), "%zu", walk->offset);
    struct slice words[] = {
        SLICE("ZREVRANGEBYSCORE"), key_of(walk, "webhooks:all", SLICE_EMPTY, &key),
        slice_of(first),           SLICE("-inf"),
        SLICE("WITHSCORES"),       SLICE("LIMIT"),
        slice_of(offset),          SLICE("100")};
    const struct redis_reply *reply =
        redis_pipe_command(walk->store->pipe, ARRAY_COUNT(words), words, err);
    piece->bytes = buf_over(piece->storage, sizeof(piece->storage));
    piece->count = redis_reply_count(reply) / 2;
    piece->used = 0;
    for (size_t i = 0; i < piece->count && piece->used < PIECE; i++) {
        struct slice id = redis_reply_text(redis_reply_at(reply, 2 * i));
        uint64_t at_ms;
        if (webhook_id_is_valid(id) &&
            slice_to_u64(redis_reply_text(redis_reply_at(reply, 2 * i + 1)), WEBHOOK_TIME_MS_MAX,
                         &at_ms) &&
            !was_before(walk, id, at_ms)) {
            size_t begins = piece->bytes.size;
            ENSURE(buf_append(&piece->bytes, id));
            piece->entry[piece->used].id = slice_make(piece->storage + begins, id.size);
            piece->entry[piece->used++].at_ms = at_ms;
        }
    }
    return webhook_reply_result(reply, err);
}

static bool is_wanted(const struct walk *walk, const struct slice *value) {
    const struct webhook_list *list = walk->list;
    return value[WEBHOOK_FIELD_STATE].size > 0 &&
           (list->state.size == 0 || slice_equal(list->state, value[WEBHOOK_FIELD_STATE])) &&
           (list->campaign.size == 0 || slice_equal(list->campaign, value[WEBHOOK_FIELD_CAMPAIGN]));
}

static bool ask_hashes(struct walk *walk, struct err *err) {
    struct slice words[2 + WEBHOOK_FIELD_COUNT] = {SLICE("HMGET")};
    char key_bytes[256];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    for (size_t i = 0; i < WEBHOOK_FIELD_COUNT; i++) {
        words[2 + i] = slice_of(field_names[i]);
    }
    for (size_t i = 0; i < walk->piece.used; i++) {
        words[1] = key_of(walk, "webhook:", walk->piece.entry[i].id, &key);
        if (!redis_pipe_append(walk->store->pipe, ARRAY_COUNT(words), words)) {
            return err_set(err, "the connection to Redis was lost");
        }
    }
    return true;
}

/* All replies are read, whether or not they are wanted. */
static enum webhook_store_result read_hashes(struct walk *walk, struct err *err) {
    for (size_t i = 0; i < walk->piece.used; i++) {
        struct slice value[WEBHOOK_FIELD_COUNT];
        const struct redis_reply *reply = redis_pipe_read(walk->store->pipe, err);
        if (reply == NULL) {
            return WEBHOOK_STORE_UNREACHABLE;
        }
        for (size_t j = 0; j < WEBHOOK_FIELD_COUNT; j++) {
            value[j] = redis_reply_text(redis_reply_at(reply, j));
        }
        if (walk->is_over || !is_wanted(walk, value)) {
            continue;
        }
        walk->list->each(walk->list->argument, walk->piece.entry[i].id, value);
        if (++walk->shown == walk->list->limit) {
            walk->is_over = true;
            walk->place->at_ms = walk->piece.entry[i].at_ms;
            snprintf(walk->place->id, sizeof(walk->place->id), "%.*s",
                     SLICE_ARG(walk->piece.entry[i].id));
        }
    }
    return WEBHOOK_STORE_OK;
}

/* The rest of the list begins behind the last one of this piece. */
static void go_on(struct walk *walk) {
    const struct piece *piece = &walk->piece;
    if (walk->first_ms == 0 && piece->used > 0) {
        walk->first_ms = piece->entry[0].at_ms; /* what is newer now is not of this listing */
    }
    walk->offset += piece->count;
    if (!walk->is_over && piece->used > 0) {
        walk->place->at_ms = piece->entry[piece->used - 1].at_ms;
        snprintf(walk->place->id, sizeof(walk->place->id), "%.*s",
                 SLICE_ARG(piece->entry[piece->used - 1].id));
    }
    if (!walk->is_over && piece->count < PIECE) {
        walk->is_over = true;
        *walk->place = (struct webhook_place){0};
    }
}

enum webhook_store_result webhook_list(const struct webhook_store *store,
                                       const struct webhook_list *list, struct webhook_place *place,
                                       struct err *err) {
    struct walk walk = {.store = store, .list = list, .first_ms = list->before_ms, .place = place};
    *place = (struct webhook_place){0};
    size_t pieces_max = list->pieces_max > 0 ? list->pieces_max : WEBHOOK_PAGE_MAX;
    for (size_t pieces = 0; pieces < pieces_max && !walk.is_over; pieces++) {
        enum webhook_store_result result = read_piece(&walk, err);
        if (result != WEBHOOK_STORE_OK) {
            return result;
        }
        if (!ask_hashes(&walk, err)) {
            return WEBHOOK_STORE_UNREACHABLE;
        }
        result = read_hashes(&walk, err);
        if (result != WEBHOOK_STORE_OK) {
            return result;
        }
        go_on(&walk);
    }
    return WEBHOOK_STORE_OK;
}

/* ---- taking up again ---- */

enum webhook_store_result webhook_retry(const struct webhook_store *store,
                                        const struct webhook_retry *retry,
                                        enum webhook_retried *retried, struct err *err) {
    static const char *const answers[] = {[WEBHOOK_RETRY_DONE] = "done",
                                          [WEBHOOK_RETRY_SOONER] = "sooner",
                                          [WEBHOOK_RETRY_SENDING] = "sending",
                                          [WEBHOOK_RETRY_DELIVERED] = "delivered",
                                          [WEBHOOK_RETRY_NONE] = "none"};
    struct webhook_script script;
    const struct redis_reply *reply;
    *retried = WEBHOOK_RETRY_NONE;
    if (!webhook_id_is_valid(retry->id)) {
        return WEBHOOK_STORE_OK;
    }
    webhook_script_begin(&script, store,
                         slice_make(webhook_retry_lua, sizeof(webhook_retry_lua) - 1));
    webhook_script_add(&script, retry->id);
    webhook_script_add(&script, retry->again ? SLICE("1") : SLICE(""));
    webhook_script_add_number(&script, retry->now_ms);
    enum webhook_store_result result = webhook_script_call(store, &script, &reply, err);
    for (size_t i = 0; result == WEBHOOK_STORE_OK && i < ARRAY_COUNT(answers); i++) {
        if (slice_equal(redis_reply_text(reply), slice_of(answers[i]))) {
            *retried = (enum webhook_retried)i;
        }
    }
    return result;
}
