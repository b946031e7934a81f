/*
 * conversions_list.c - GET /v1/conversions: what was judged, the newest first.
 *
 * Read backwards out of the stream `judged`, which keeps the last hundred thousand: a page at a
 * time, until there are as many as were asked for. Whoever can write to Redis can write there, so
 * what is no number is not shown as one.
 *
 * Threads   The pool's.
 * Limits    LIMIT_MAX conversions an answer; SCAN_MAX entries looked at for it.
 */
#include <stdio.h>

#include "base/err.h"
#include "base/ulid.h"
#include "call.h"
#include "click/token.h"
#include "credit/judge.h"
#include "link/code.h"
#include "redis/pipe.h"
#include "resource.h"
#include "stats/keys.h"

enum {
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 1000,
    PAGE_ENTRIES = 500,
    SCAN_MAX = 200000, /* twice of what the stream keeps */
    FIELDS_MAX = 32,
    KEY_BYTES_MAX = 512,
    ENTRY_ID_BYTES_MAX = 48,
    BAD_REQUEST = 400,
    OK = 200,
};

/* In the order of the answer. */
enum field {
    FIELD_ID,
    FIELD_AT,
    FIELD_EVENT,
    FIELD_STATUS,
    FIELD_REASONS,
    FIELD_CODE,
    FIELD_CAMPAIGN,
    FIELD_OWNER,
    FIELD_CLICK_ID,
    FIELD_VALUE,
    FIELD_CURRENCY,
    FIELD_COUNTED,
    FIELD_COUNT,
};

static const char *const field_names[FIELD_COUNT] = {"id",       "at",    "event",    "status",
                                                     "reasons",  "code",  "campaign", "owner",
                                                     "click_id", "value", "currency", "counted"};

struct listing {
    struct slice code; /* empty: any, as with those below */
    struct slice status;
    struct slice click;
    char click_text[ULID_TEXT_SIZE];
    size_t limit;
    size_t count;
    size_t scanned;
    char from[ENTRY_ID_BYTES_MAX + 2]; /* where the next page begins: "+", or "(ID" */
    struct buf *body;
};

static bool read_query(const struct call *call, struct answer *answer, struct listing *listing);
static bool list(const struct call *call, struct listing *listing, bool *is_over, struct err *err);

void call_conversions_get(const struct call *call, struct answer *answer) {
    struct listing listing = {.limit = LIMIT_DEFAULT, .from = "+", .body = &answer->body};
    struct err err = {""};
    bool is_over = false;
    if (!read_query(call, answer, &listing)) {
        return;
    }
    buf_append(&answer->body, SLICE("{\"conversions\":["));
    while (!is_over) {
        if (!list(call, &listing, &is_over, &err)) {
            answer_unavailable(answer, &err);
            return;
        }
    }
    answer->status = OK;
    answer->content_type = "application/json";
    buf_append(&answer->body, listing.count > 0 ? SLICE("\n]}\n") : SLICE("]}\n"));
}

/* ---- what is asked for ---- */

static bool read_status(struct slice text, struct listing *listing) {
    for (unsigned i = 0; i < CREDIT_STATUS_COUNT; i++) {
        if (slice_equal(text, slice_of(credit_status_name((enum credit_status)i)))) {
            listing->status = text;
        }
    }
    return text.data == NULL || listing->status.size > 0;
}

/* A click's id, or its token. */
static bool read_click(struct slice text, struct listing *listing) {
    struct ulid id;
    if (text.data == NULL) {
        return true;
    }
    if (!ulid_parse(text, &id) && !token_read_id(text, &id)) {
        return false;
    }
    ulid_format(&id, listing->click_text);
    listing->click = slice_make(listing->click_text, sizeof(listing->click_text));
    return true;
}

static bool read_query(const struct call *call, struct answer *answer, struct listing *listing) {
    static const char *const names[] = {"code", "click", "status", "limit", NULL};
    struct slice limit = call_query(call, "limit");
    uint64_t number = LIMIT_DEFAULT;
    listing->code = call_query(call, "code");
    if (!resource_query(call, answer, names)) {
        return false;
    }
    if (listing->code.data != NULL && !code_is_valid(listing->code)) {
        answer_problem(answer, BAD_REQUEST, "code", "code: allowed are 1 to 64 of A-Z a-z 0-9 - _");
        return false;
    }
    if (!read_status(call_query(call, "status"), listing)) {
        answer_problem(answer, BAD_REQUEST, "status",
                       "status: allowed are verified, unverified and forged");
        return false;
    }
    if (!read_click(call_query(call, "click"), listing)) {
        answer_problem(answer, BAD_REQUEST, "click", "click: allowed are a click's id or token");
        return false;
    }
    if (limit.data != NULL && (!slice_to_u64(limit, LIMIT_MAX, &number) || number == 0)) {
        answer_problem(answer, BAD_REQUEST, "limit", "limit: allowed are numbers from 1 to %d",
                       LIMIT_MAX);
        return false;
    }
    listing->limit = (size_t)number;
    return true;
}

/* ---- what there is ---- */

static void sort_out(const struct redis_reply *fields, struct slice values[FIELD_COUNT]) {
    for (size_t i = 0; i + 1 < redis_reply_count(fields) && i < 2 * FIELDS_MAX; i += 2) {
        struct slice name = redis_reply_text(redis_reply_at(fields, i));
        for (size_t field = 0; field < FIELD_COUNT; field++) {
            if (slice_equal(name, slice_of(field_names[field]))) {
                values[field] = redis_reply_text(redis_reply_at(fields, i + 1));
            }
        }
    }
}

static bool is_wanted(struct slice wanted, struct slice value) {
    return wanted.size == 0 || slice_equal(wanted, value);
}

static void append_text(struct buf *body, struct slice value) {
    buf_append_char(body, '"');
    buf_append_json(body, value);
    buf_append_char(body, '"');
}

static void append_words(struct buf *body, struct slice words) {
    bool is_first = true;
    buf_append_char(body, '[');
    while (words.size > 0) {
        struct slice word = slice_split(&words, ' ');
        if (word.size > 0) {
            buf_append(body, is_first ? SLICE_EMPTY : SLICE(","));
            append_text(body, word);
            is_first = false;
        }
    }
    buf_append_char(body, ']');
}

static void append_number(struct buf *body, struct slice value) {
    uint64_t number;
    if (slice_to_u64(value, INT64_MAX, &number)) {
        buf_append_u64(body, number);
    } else {
        buf_append(body, SLICE("null"));
    }
}

static void append_field(struct buf *body, enum field field, struct slice value) {
    switch (field) {
    case FIELD_AT:
    case FIELD_VALUE:
        append_number(body, value);
        return;
    case FIELD_REASONS:
        append_words(body, value);
        return;
    case FIELD_COUNTED:
        buf_append(body, slice_equal(value, SLICE("1")) ? SLICE("true") : SLICE("false"));
        return;
    case FIELD_ID:
    case FIELD_EVENT:
    case FIELD_STATUS:
    case FIELD_CODE:
    case FIELD_CAMPAIGN:
    case FIELD_OWNER:
    case FIELD_CLICK_ID:
    case FIELD_CURRENCY:
        append_text(body, value);
        return;
    case FIELD_COUNT:
        break;
    }
    ENSURE(false && "a field that is not in enum field");
}

static void append_one(struct listing *listing, struct slice values[FIELD_COUNT],
                       struct slice judged_ms) {
    struct buf *body = listing->body;
    buf_append(body, listing->count++ > 0 ? SLICE(",\n{") : SLICE("\n{"));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        buf_append(body, i > 0 ? SLICE(",\"") : SLICE("\""));
        buf_append(body, slice_of(field_names[i]));
        buf_append(body, SLICE("\":"));
        append_field(body, (enum field)i, values[i]);
    }
    buf_append(body, SLICE(",\"judged_at\":"));
    append_number(body, judged_ms);
    buf_append_char(body, '}');
}

static void list_entry(struct listing *listing, const struct redis_reply *entry) {
    struct slice values[FIELD_COUNT] = {{NULL, 0}};
    struct slice id = redis_reply_text(redis_reply_at(entry, 0));
    snprintf(listing->from, sizeof(listing->from), "(%.*s",
             SLICE_ARG(slice_first(id, ENTRY_ID_BYTES_MAX)));
    listing->scanned++;
    sort_out(redis_reply_at(entry, 1), values);
    if (is_wanted(listing->code, values[FIELD_CODE]) &&
        is_wanted(listing->status, values[FIELD_STATUS]) &&
        is_wanted(listing->click, values[FIELD_CLICK_ID])) {
        append_one(listing, values, slice_split(&id, '-'));
    }
}

/* One page of the stream. False: Redis did not answer, or not with one. */
static bool list(const struct call *call, struct listing *listing, bool *is_over, struct err *err) {
    char text[KEY_BYTES_MAX];
    struct buf key = buf_over(text, sizeof(text));
    ENSURE(stats_key(&key, call->key_prefix, "judged")); /* the prefix is short */
    struct slice range[] = {SLICE("XREVRANGE"), buf_slice(&key), slice_of(listing->from),
                            SLICE("-"),         SLICE("COUNT"),  SLICE("500")};
    _Static_assert((int)PAGE_ENTRIES == 500, "as above");
    const struct redis_reply *reply =
        redis_pipe_command(call->pipe, ARRAY_COUNT(range), range, err);
    if (reply == NULL) {
        return false;
    }
    if (!redis_reply_is_array(reply)) {
        return err_set(err, "%.*s", SLICE_ARG(slice_first(redis_reply_text(reply), 300)));
    }
    size_t count = redis_reply_count(reply);
    for (size_t i = 0; i < count && listing->count < listing->limit; i++) {
        list_entry(listing, redis_reply_at(reply, i));
    }
    *is_over =
        count < PAGE_ENTRIES || listing->count == listing->limit || listing->scanned >= SCAN_MAX;
    return true;
}
