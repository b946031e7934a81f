/*
 * explain_reports.c - the conversions of a click that credit:CLICKID does not hold: what was judged
 * and gives no credit (the stream `judged`), and what waits to be judged (the streams of
 * conversions above their marks).
 *
 * Threads   As explain.c.
 * Limits    JUDGED_SCAN_MAX entries of `judged`, the newest first; STREAMS_MAX streams, of which
 *           WAITING_SCAN_MAX entries in all; EXPLAIN_EVENTS_MAX conversions in the document. That
 *           a limit was reached is said in `looked`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "explain_private.h"
#include "redis/pipe.h"

enum {
    JUDGED_SCAN_MAX = 200000, /* twice of what the stream keeps */
    WAITING_SCAN_MAX = 20000,
    STREAMS_MAX = 1024,
    STREAM_NAMES_BYTES_MAX = 512 * 1024,
    PAGE_ENTRIES = 500, /* "500" below */
    FIELDS_MAX = 64,
    TEXT_BYTES_MAX = 255,
    KEY_BYTES_MAX = 512,
    ENTRY_ID_BYTES_MAX = 48,
    MS_PER_DAY = 24 * 3600 * 1000,
};

/* One walk over one stream. */
struct walk {
    struct explanation *it;
    json_t *events;
    struct slice key;
    char from[ENTRY_ID_BYTES_MAX + 2]; /* where the next page begins */
    char until[ENTRY_ID_BYTES_MAX];
    bool is_backwards;
    void (*take)(struct walk *walk, const struct redis_reply *fields);
    size_t scanned;
    size_t scan_max;
    bool is_cut; /* there is more than may be looked at, or shown */
};

/* The value of a field; empty where there is none, or more than any has. */
static struct slice value_of(const struct redis_reply *fields, const char *name) {
    for (size_t i = 0; i + 1 < redis_reply_count(fields) && i < 2 * FIELDS_MAX; i += 2) {
        if (slice_equal(redis_reply_text(redis_reply_at(fields, i)), slice_of(name))) {
            struct slice value = redis_reply_text(redis_reply_at(fields, i + 1));
            return value.size <= TEXT_BYTES_MAX ? value : SLICE_EMPTY;
        }
    }
    return SLICE_EMPTY;
}

static bool is_of_click(const struct walk *walk, const struct redis_reply *fields) {
    char id[ULID_TEXT_SIZE];
    ulid_format(&walk->it->subject->id, id);
    return slice_equal(value_of(fields, "click_id"), slice_make(id, sizeof(id)));
}

static json_t *number_of(const struct redis_reply *fields, const char *name) {
    uint64_t number;
    bool is_number = slice_to_u64(value_of(fields, name), INT64_MAX, &number);
    return json_integer(is_number ? (json_int_t)number : 0);
}

static json_t *words_of(struct slice words) {
    json_t *list = json_array();
    while (words.size > 0) {
        struct slice word = slice_split(&words, ' ');
        if (word.size > 0) {
            json_array_append_new(list, explain_text(word));
        }
    }
    return list;
}

/* Whether one is there that has this text, and that status, if one is given. */
static bool is_shown(json_t *events, const char *name, struct slice text, const char *status) {
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event) {
        const char *shown = json_string_value(json_object_get(event, name));
        const char *stands = json_string_value(json_object_get(event, "status"));
        if (shown != NULL && slice_equal(text, slice_of(shown)) &&
            (status == NULL || (stands != NULL && strcmp(stands, status) == 0))) {
            return true;
        }
    }
    return false;
}

static void show(struct walk *walk, json_t *event) {
    if (json_array_size(walk->events) >= EXPLAIN_EVENTS_MAX) {
        walk->is_cut = true;
        json_decref(event);
        return;
    }
    explain_complete(event);
    json_array_append_new(walk->events, event);
}

/* What all kinds of entries have. */
static json_t *event_of(const struct redis_reply *fields, const char *at, const char *status) {
    json_t *event = json_object();
    json_object_set_new(event, "event", explain_text(value_of(fields, "event")));
    json_object_set_new(event, "id", explain_text(value_of(fields, "id")));
    json_object_set_new(event, "at", number_of(fields, at));
    json_object_set_new(event, "status",
                        status != NULL ? json_string(status)
                                       : explain_text(value_of(fields, "status")));
    json_object_set_new(event, "reasons", words_of(value_of(fields, "reasons")));
    json_object_set_new(event, "value", number_of(fields, "value"));
    json_object_set_new(event, "currency", explain_text(value_of(fields, "currency")));
    json_object_set_new(event, "reporter", explain_text(value_of(fields, "reporter")));
    json_object_set_new(event, "repeats", json_integer(0));
    return event;
}

/* A verified one whose event is there already is that, or a repetition of it. */
static void take_judged(struct walk *walk, const struct redis_reply *fields) {
    bool is_verified = slice_equal(value_of(fields, "status"), SLICE("verified"));
    if (!is_of_click(walk, fields) || is_shown(walk->events, "id", value_of(fields, "id"), NULL) ||
        (is_verified && is_shown(walk->events, "event", value_of(fields, "event"), "verified"))) {
        return;
    }
    json_t *event = event_of(fields, "at", NULL);
    json_object_set_new(event, "counted",
                        json_boolean(slice_equal(value_of(fields, "counted"), SLICE("1"))));
    show(walk, event);
}

static void take_waiting(struct walk *walk, const struct redis_reply *fields) {
    if (!is_of_click(walk, fields) || is_shown(walk->events, "id", value_of(fields, "id"), NULL)) {
        return;
    }
    json_t *event = event_of(fields, "happened_at", "waiting");
    json_object_set_new(event, "counted", json_null());
    show(walk, event);
}

/* One page. What is no stream, or is not given out, has none. */
static bool read_page(struct walk *walk, bool *is_over, struct err *err) {
    const struct slice command[] = {
        walk->is_backwards ? SLICE("XREVRANGE") : SLICE("XRANGE"),
        walk->key,
        slice_of(walk->from),
        slice_of(walk->until),
        SLICE("COUNT"),
        SLICE("500"),
    };
    _Static_assert((int)PAGE_ENTRIES == 500, "as above");
    const struct redis_reply *reply =
        redis_pipe_command(walk->it->source->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return false;
    }
    size_t count = redis_reply_is_array(reply) ? redis_reply_count(reply) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct redis_reply *entry = redis_reply_at(reply, i);
        struct slice id = redis_reply_text(redis_reply_at(entry, 0));
        snprintf(walk->from, sizeof(walk->from), "(%.*s",
                 SLICE_ARG(slice_first(id, ENTRY_ID_BYTES_MAX)));
        walk->take(walk, redis_reply_at(entry, 1));
    }
    walk->scanned += count;
    *is_over = count < PAGE_ENTRIES;
    if (!*is_over && (walk->is_cut || walk->scanned >= walk->scan_max)) {
        walk->is_cut = *is_over = true;
    }
    return true;
}

static bool read_all(struct walk *walk, struct err *err) {
    bool is_over = false;
    while (!is_over) {
        if (!read_page(walk, &is_over, err)) {
            return false;
        }
    }
    return true;
}

/* ---- judged ---- */

static struct slice key_of(const struct explanation *it, const char *name, char *bytes) {
    struct buf key = buf_over(bytes, KEY_BYTES_MAX);
    ENSURE(buf_append(&key, it->source->key_prefix) && buf_append(&key, slice_of(name)));
    return buf_slice(&key);
}

bool explain_judged(struct explanation *it, json_t *events, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    struct walk walk = {.it = it,
                        .events = events,
                        .key = key_of(it, "judged", bytes),
                        .from = "+",
                        .until = "-",
                        .is_backwards = true,
                        .take = take_judged,
                        .scan_max = JUDGED_SCAN_MAX};
    /* Nothing was judged before the click; clocks may be a day apart. */
    uint64_t click_ms = ulid_unix_ms(&it->subject->id);
    if (click_ms > MS_PER_DAY && click_ms <= clock_real_ms()) {
        snprintf(walk.until, sizeof(walk.until), "%" PRIu64, click_ms - MS_PER_DAY);
    }
    if (!read_all(&walk, err)) {
        return false;
    }
    explain_looked(
        it,
        "what was judged, with or without credit (the stream judged): %zu entries looked "
        "at, the newest first; it keeps the last 100000 or so%s",
        walk.scanned, walk.is_cut ? "; there is more that was not looked at" : "");
    return true;
}

/* ---- waiting ---- */

/* Names of streams, each ended by a NUL: a key with one in it is nobody's. */
static bool list_streams(struct explanation *it, struct buf *names, bool *is_cut, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    const struct slice command[] = {SLICE("SMEMBERS"), key_of(it, "conversion-streams", bytes)};
    const struct redis_reply *reply =
        redis_pipe_command(it->source->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return false;
    }
    size_t count = redis_reply_is_array(reply) ? redis_reply_count(reply) : 0;
    *is_cut = count > STREAMS_MAX;
    for (size_t i = 0; i < count && i < STREAMS_MAX; i++) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        if (name.size > 0 && name.size < KEY_BYTES_MAX &&
            memchr(name.data, '\0', name.size) == NULL) {
            ENSURE(buf_append(names, name) && buf_append_char(names, '\0'));
        }
    }
    return true;
}

static bool is_place(struct slice text) {
    uint64_t ignored;
    struct slice first = slice_split(&text, '-');
    return slice_to_u64(first, UINT64_MAX, &ignored) && slice_to_u64(text, UINT64_MAX, &ignored);
}

static bool read_waiting(struct walk *walk, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    const struct slice command[] = {SLICE("HGET"), key_of(walk->it, "conversion-mark", bytes),
                                    walk->key};
    const struct redis_reply *reply =
        redis_pipe_command(walk->it->source->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return false;
    }
    struct slice mark = redis_reply_text(reply);
    snprintf(walk->from, sizeof(walk->from), "-");
    if (mark.size <= ENTRY_ID_BYTES_MAX && is_place(mark)) {
        snprintf(walk->from, sizeof(walk->from), "(%.*s", SLICE_ARG(mark));
    }
    return read_all(walk, err);
}

bool explain_waiting(struct explanation *it, json_t *events, struct err *err) {
    struct walk walk = {.it = it,
                        .events = events,
                        .until = "+",
                        .take = take_waiting,
                        .scan_max = WAITING_SCAN_MAX};
    struct buf names;
    buf_init(&names, STREAM_NAMES_BYTES_MAX + STREAMS_MAX);
    bool is_good = list_streams(it, &names, &walk.is_cut, err);
    struct slice rest = buf_slice(&names);
    while (is_good && rest.size > 0) {
        walk.key = slice_split(&rest, '\0');
        if (walk.scanned >= walk.scan_max) {
            walk.is_cut = true;
            break;
        }
        is_good = read_waiting(&walk, err);
    }
    buf_fini(&names);
    if (is_good) {
        explain_looked(it, "reports in the queue that are not judged yet: %zu looked at%s",
                       walk.scanned, walk.is_cut ? "; there are more that were not" : "");
    }
    return is_good;
}

void explain_add_waiting(json_t *events, json_t *waiting) {
    size_t index;
    json_t *event;
    json_array_foreach(waiting, index, event) {
        const char *id = json_string_value(json_object_get(event, "id"));
        if (json_array_size(events) < EXPLAIN_EVENTS_MAX &&
            !is_shown(events, "id", slice_of(id), NULL)) {
            json_array_append(events, event);
        }
    }
    json_decref(waiting);
}
