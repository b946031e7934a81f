/*
 * history.c - GET /v1/links/CODE/history and /v1/campaigns/ID/history: the newest change first.
 *
 * Threads   As all handlers (call.h).
 */
#include "link/history.h"

#include "answer.h"
#include "base/err.h"
#include "link/code.h"
#include "resource.h"

enum { LIMIT_DEFAULT = 50 };

struct listing {
    struct buf *body;
    size_t count;
};

static bool list_one(void *argument, const struct history_entry *entry) {
    struct listing *listing = argument;
    buf_append(listing->body, listing->count++ > 0 ? SLICE(",\n") : SLICE("\n"));
    return history_json(entry, listing->body);
}

static bool read_limit(struct slice text, struct answer *answer, size_t *limit) {
    uint64_t number = LIMIT_DEFAULT;
    if (text.data != NULL && (!slice_to_u64(text, HISTORY_ENTRIES_MAX, &number) || number == 0)) {
        answer_problem(answer, 400, "limit", "limit: allowed are numbers from 1 to %d",
                       HISTORY_ENTRIES_MAX);
        return false;
    }
    *limit = (size_t)number;
    return true;
}

static void list(enum record_kind kind, const struct call *call, size_t limit,
                 struct answer *answer) {
    const struct record_shape *shape = record_shape(kind);
    struct store store = resource_store(call);
    struct listing listing = {.body = &answer->body};
    const struct history_query query = {.kind = kind,
                                        .id = call->parameter[0],
                                        .limit = limit,
                                        .each = list_one,
                                        .argument = &listing};
    struct err err = {""};
    buf_printf(&answer->body, "{\"%s\":\"%.*s\",\"history\":[", shape->id_name,
               SLICE_ARG(call->parameter[0]));
    switch (history_read(&store, &query, &err)) {
    case STORE_OK:
        answer->status = 200;
        answer->content_type = "application/json";
        buf_append(&answer->body, listing.count > 0 ? SLICE("\n]}\n") : SLICE("]}\n"));
        return;
    case STORE_NOT_FOUND:
        answer_problem(answer, 404, NULL, "there is no such %s, and nothing is known of one",
                       shape->noun);
        return;
    case STORE_REFUSED:
        answer_problem(answer, 409, shape->id_name, "what Redis has under its key is no %s",
                       shape->noun);
        return;
    case STORE_FAILED:
        answer_unavailable(answer, &err);
        return;
    }
}

static void history(enum record_kind kind, const struct call *call, struct answer *answer) {
    static const char *const fields[] = {"limit", NULL};
    size_t limit;
    if (!resource_query(call, answer, fields) ||
        !read_limit(call_query(call, "limit"), answer, &limit)) {
        return;
    }
    if (!code_is_valid(call->parameter[0])) {
        answer_problem(answer, 404, NULL, "there is no such %s", record_shape(kind)->noun);
        return;
    }
    list(kind, call, limit, answer);
}

void call_link_history(const struct call *call, struct answer *answer) {
    history(RECORD_LINK, call, answer);
}

void call_campaign_history(const struct call *call, struct answer *answer) {
    history(RECORD_CAMPAIGN, call, answer);
}
