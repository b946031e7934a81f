/*
 * webhooks.c - /v1/webhooks: what customers' backends were told, and telling it again.
 *
 * Threads   As all handlers (call.h).
 * Limits    WEBHOOKS_PIECES_MAX hundreds are looked at for a page, which may be short, or empty,
 *           before the end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "credit/webhook_store.h"
#include "link/code.h"
#include "resource.h"

enum { WEBHOOKS_PIECES_MAX = 20, CURSOR_BYTES_MAX = 96 };

struct listing {
    struct buf *body;
    size_t count;
};

static struct webhook_store store_of(const struct call *call) {
    return (struct webhook_store){.pipe = call->pipe, .key_prefix = call->key_prefix};
}

static void list_one(void *argument, struct slice id, const struct slice *value) {
    struct listing *listing = argument;
    buf_append(listing->body, listing->count++ > 0 ? SLICE(",\n") : SLICE("\n"));
    webhook_json(id, value, listing->body);
}

static bool is_state(struct slice text) {
    return slice_equal(text, SLICE("pending")) || slice_equal(text, SLICE("delivered")) ||
           slice_equal(text, SLICE("failed"));
}

/* "MS.ID", as next_cursor had it. */
static bool read_cursor(struct slice text, struct webhook_list *list) {
    struct slice id = text;
    struct slice at_ms = slice_split(&id, '.');
    list->before = id;
    return slice_to_u64(at_ms, WEBHOOK_TIME_MS_MAX, &list->before_ms) && list->before_ms > 0 &&
           webhook_id_is_valid(id);
}

static bool read_query(const struct call *call, struct webhook_list *list, struct answer *answer) {
    struct slice cursor = call_query(call, "cursor");
    struct slice limit = call_query(call, "limit");
    uint64_t number = RESOURCE_LIMIT_DEFAULT;
    list->state = call_query(call, "state");
    list->campaign = call_query(call, "campaign");
    if (list->state.data != NULL && !is_state(list->state)) {
        answer_problem(answer, 400, "state", "state: allowed are pending, delivered and failed");
        return false;
    }
    if (list->campaign.data != NULL && !code_is_valid(list->campaign)) {
        answer_problem(answer, 400, "campaign", "campaign: allowed are 1 to 64 of A-Z a-z 0-9 - _");
        return false;
    }
    if (limit.data != NULL &&
        (!slice_to_u64(limit, STORE_PAGE_LIMIT_MAX, &number) || number == 0)) {
        answer_problem(answer, 400, "limit", "limit: allowed are numbers from 1 to %d",
                       STORE_PAGE_LIMIT_MAX);
        return false;
    }
    if (cursor.data != NULL && !read_cursor(cursor, list)) {
        answer_problem(answer, 400, "cursor", "cursor: this is no next_cursor of ours");
        return false;
    }
    list->limit = (size_t)number;
    return true;
}

void call_webhooks_get(const struct call *call, struct answer *answer) {
    static const char *const fields[] = {"state", "campaign", "cursor", "limit", NULL};
    struct webhook_store store = store_of(call);
    struct listing listing = {.body = &answer->body};
    struct webhook_list list = {
        .pieces_max = WEBHOOKS_PIECES_MAX, .each = list_one, .argument = &listing};
    struct webhook_place place;
    struct err err = {""};
    if (!resource_query(call, answer, fields) || !read_query(call, &list, answer)) {
        return;
    }
    buf_append(&answer->body, SLICE("{\"webhooks\":["));
    if (webhook_list(&store, &list, &place, &err) != WEBHOOK_STORE_OK) {
        answer_unavailable(answer, &err);
        return;
    }
    answer->status = 200;
    answer->content_type = "application/json";
    buf_append(&answer->body, listing.count > 0 ? SLICE("\n]") : SLICE("]"));
    if (place.at_ms == 0) {
        buf_append(&answer->body, SLICE(",\"next_cursor\":null}\n"));
    } else {
        buf_printf(&answer->body, ",\"next_cursor\":\"%lu.%s\"}\n", (unsigned long)place.at_ms,
                   place.id);
    }
}

static void answer_retried(struct answer *answer, struct slice id, enum webhook_retried retried) {
    switch (retried) {
    case WEBHOOK_RETRY_DONE:
    case WEBHOOK_RETRY_SOONER:
        answer->status = 200;
        answer->content_type = "application/json";
        buf_append(&answer->body, SLICE("{\"id\":\""));
        buf_append_json(&answer->body, id);
        buf_append(&answer->body, SLICE("\",\"state\":\"pending\"}\n"));
        return;
    case WEBHOOK_RETRY_SENDING:
        answer_problem(answer, 409, "id", "it is on its way");
        return;
    case WEBHOOK_RETRY_DELIVERED:
        answer_problem(answer, 409, "id", "it was delivered; again=true sends it all the same");
        return;
    case WEBHOOK_RETRY_NONE:
        answer_problem(answer, 404, NULL, "there is no such webhook");
        return;
    }
    ENSURE(false && "a result that is not in enum webhook_retried");
}

void call_webhook_retry(const struct call *call, struct answer *answer) {
    static const char *const fields[] = {"again", NULL};
    struct webhook_store store = store_of(call);
    struct slice again = call_query(call, "again");
    struct webhook_retry retry = {.id = call->parameter[0],
                                  .again = slice_equal(again, SLICE("true")),
                                  .now_ms = call->now_ms};
    enum webhook_retried retried;
    struct err err = {""};
    if (!resource_query(call, answer, fields)) {
        return;
    }
    if (again.data != NULL && !retry.again && !slice_equal(again, SLICE("false"))) {
        answer_problem(answer, 400, "again", "again: allowed are true and false");
        return;
    }
    if (webhook_retry(&store, &retry, &retried, &err) != WEBHOOK_STORE_OK) {
        answer_unavailable(answer, &err);
        return;
    }
    answer_retried(answer, retry.id, retried);
}
