/*
 * explain_conversions.c - which conversions came of a click, and who was told.
 *
 * Threads   As explain.c.
 * Limits    EXPLAIN_EVENTS_MAX fields of credit:CLICKID; a larger hash is not the ledger's. What
 *           is not there, explain_reports.c looks for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "credit/explain_words.h"
#include "explain_private.h"
#include "link/code.h"
#include "redis/pipe.h"

enum { EVENT_BYTES_MAX = 4096, LINE_BYTES_MAX = 1024, KEY_BYTES_MAX = 256, HOOK_ID_BYTES_MAX = 64 };

static bool take_credit(struct explanation *it, json_t *events, struct err *err);
static bool check_size(struct explanation *it, struct slice key, bool *is_there, struct err *err);
static void take_fields(struct explanation *it, const struct redis_reply *reply, json_t *events);
static bool add_webhooks(struct explanation *it, json_t *events, struct err *err);

bool explain_conversions(struct explanation *it, struct err *err) {
    json_t *events = json_array();
    json_t *waiting = json_array();
    json_object_set_new(it->document, "conversions", events);
    bool is_good = explain_waiting(it, waiting, err) && take_credit(it, events, err) &&
                   explain_judged(it, events, err);
    explain_add_waiting(events, waiting);
    it->has_reports = json_array_size(events) > 0;
    return is_good && add_webhooks(it, events, err);
}

static bool take_credit(struct explanation *it, json_t *events, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    char id[ULID_TEXT_SIZE];
    struct buf key = buf_over(bytes, sizeof(bytes));
    bool is_there = false;
    ulid_format(&it->subject->id, id);
    ENSURE(buf_append(&key, it->source->key_prefix) && buf_append(&key, SLICE("credit:")) &&
           buf_append_bytes(&key, id, sizeof(id)));
    if (!check_size(it, buf_slice(&key), &is_there, err)) {
        return false;
    }
    if (is_there) {
        const struct slice command[] = {SLICE("HGETALL"), buf_slice(&key)};
        const struct redis_reply *reply =
            redis_pipe_command(it->source->pipe, ARRAY_COUNT(command), command, err);
        if (reply == NULL) {
            return false;
        }
        take_fields(it, reply, events);
    }
    explain_looked(it,
                   "conversions that give this click credit: %s; they are kept for %" PRIu64
                   " days (stats.retain_days)",
                   json_array_size(events) > 0 ? "see there" : "none (any more)",
                   it->source->stats_retain_days);
    return true;
}

static bool check_size(struct explanation *it, struct slice key, bool *is_there, struct err *err) {
    const struct slice command[] = {SLICE("HLEN"), key};
    const struct redis_reply *reply =
        redis_pipe_command(it->source->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return false;
    }
    int64_t fields = redis_reply_integer(reply);
    if (fields > EXPLAIN_EVENTS_MAX) {
        explain_looked(it, "what Redis has of this click's conversions is larger than brinco "
                           "writes it: not read");
    }
    *is_there = fields > 0 && fields <= EXPLAIN_EVENTS_MAX;
    return true;
}

/* "verified: ...; too_soon: ..." */
static json_t *meaning_of(json_t *event) {
    char bytes[LINE_BYTES_MAX];
    struct buf line = buf_over(bytes, sizeof(bytes));
    const char *status = json_string_value(json_object_get(event, "status"));
    size_t index;
    json_t *reason;
    explain_status(slice_of(status), &line);
    json_array_foreach(json_object_get(event, "reasons"), index, reason) {
        const char *word = json_string_value(reason);
        if (word != NULL) {
            buf_append(&line, SLICE("; marked "));
            buf_append(&line, slice_first(slice_of(word), HOOK_ID_BYTES_MAX));
            buf_append(&line, SLICE(": "));
            explain_reason(slice_of(word), &line);
        }
    }
    return explain_text(buf_slice(&line));
}

void explain_complete(json_t *event) {
    json_object_set_new(event, "meaning", meaning_of(event));
    json_object_set_new(event, "webhook", json_null());
}

/* event:NAME holds a JSON object; what does not is not the ledger's. */
static void take_event(struct slice name, struct slice value, json_t *events) {
    json_t *event = NULL;
    if (value.size > 0 && value.size <= EVENT_BYTES_MAX) {
        event = json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES, NULL);
    }
    if (json_is_object(event)) {
        json_object_set_new(event, "event", explain_text(name));
        json_object_set_new(event, "counted", json_true());
        explain_complete(event);
        json_array_append(events, event);
    }
    json_decref(event);
}

static void take_fields(struct explanation *it, const struct redis_reply *reply, json_t *events) {
    static const struct slice event_prefix = {"event:", 6};
    it->has_credit = redis_reply_count(reply) > 0;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        struct slice value = redis_reply_text(redis_reply_at(reply, i + 1));
        if (slice_starts_with(name, event_prefix)) {
            take_event(slice_from(name, event_prefix.size), value, events);
        } else if (slice_equal(name, SLICE("code")) && code_is_valid(value)) {
            memcpy(it->credit_code, value.data, value.size);
            it->credit_code[value.size] = '\0';
        }
    }
}

/* --- webhooks ------------------------------------------------------------------------------- */

static const char *const hook_fields[] = {"state",   "attempts",    "next_at",
                                          "last_at", "last_status", "last_error"};

static bool add_webhook(struct explanation *it, struct slice id, json_t *event, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct slice command[2 + ARRAY_COUNT(hook_fields)];
    ENSURE(buf_append(&key, it->source->key_prefix) && buf_append(&key, SLICE("webhook:")) &&
           buf_append(&key, id));
    command[0] = SLICE("HMGET");
    command[1] = buf_slice(&key);
    for (size_t i = 0; i < ARRAY_COUNT(hook_fields); i++) {
        command[2 + i] = slice_of(hook_fields[i]);
    }
    const struct redis_reply *reply =
        redis_pipe_command(it->source->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return false;
    }
    if (redis_reply_text(redis_reply_at(reply, 0)).size == 0) {
        return true;
    }
    json_t *hook = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(hook_fields); i++) {
        struct slice value =
            slice_first(redis_reply_text(redis_reply_at(reply, i)), EVENT_BYTES_MAX);
        uint64_t number;
        bool is_number = slice_to_u64(value, INT64_MAX, &number);
        json_object_set_new(hook, hook_fields[i],
                            is_number ? json_integer((json_int_t)number) : explain_text(value));
    }
    json_object_set_new(event, "webhook", hook);
    return true;
}

static bool add_webhooks(struct explanation *it, json_t *events, struct err *err) {
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event) {
        const char *id = json_string_value(json_object_get(event, "id"));
        struct slice text = slice_of(id);
        bool is_id = code_is_valid(text) && text.size <= HOOK_ID_BYTES_MAX;
        if (is_id && !add_webhook(it, text, event, err)) {
            return false;
        }
    }
    return true;
}
