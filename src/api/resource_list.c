/*
 * resource_list.c - links and campaigns, a page at a time.
 *
 * Redis has no index of them: a page is a bounded piece of a walk over its keys (link/store.h), and
 * may be short, or empty, before the end.
 */
#include <stdio.h>

#include "base/err.h"
#include "link/code.h"
#include "resource.h"

struct listing {
    enum record_kind kind;
    struct slice campaign; /* empty: any */
    struct slice owner;
    struct buf *body;
    size_t count;
};

static bool is_wanted(struct slice wanted, struct slice value) {
    return wanted.size == 0 || slice_equal(wanted, value);
}

static bool list_one(void *argument, struct slice id, const struct slice *values) {
    struct listing *listing = argument;
    if (listing->kind == RECORD_LINK &&
        (!is_wanted(listing->campaign, values[LINK_FIELD_CAMPAIGN]) ||
         !is_wanted(listing->owner, values[LINK_FIELD_OWNER]))) {
        return false;
    }
    struct record_view view = record_view(listing->kind, id, values);
    buf_append(listing->body, listing->count++ > 0 ? SLICE(",\n") : SLICE("\n"));
    record_json(&view, listing->body);
    return true;
}

/* An empty value would mean nothing, or all: whoever sends one means neither. */
static bool check_values(const struct call *call, const struct listing *listing,
                         struct answer *answer) {
    for (size_t i = 0; i < call->query_count; i++) {
        if (call->query[i].value.size == 0) {
            char name[16];
            snprintf(name, sizeof(name), "%.*s", SLICE_ARG(call->query[i].name));
            answer_problem(answer, 400, name, "%s: it is empty; leave it out for all", name);
            return false;
        }
    }
    if (listing->campaign.size > 0 && !code_is_valid(listing->campaign)) {
        answer_problem(answer, 400, "campaign", "campaign: allowed are 1 to 64 of A-Z a-z 0-9 - _");
        return false;
    }
    return true;
}

static bool read_limit(struct slice text, struct answer *answer, size_t *limit) {
    uint64_t number = RESOURCE_LIMIT_DEFAULT;
    if (text.data != NULL && (!slice_to_u64(text, STORE_PAGE_LIMIT_MAX, &number) || number == 0)) {
        answer_problem(answer, 400, "limit", "limit: allowed are numbers from 1 to %d",
                       STORE_PAGE_LIMIT_MAX);
        return false;
    }
    *limit = (size_t)number;
    return true;
}

static void list(const struct call *call, struct listing *listing, struct store_page *page,
                 struct answer *answer) {
    struct store store = {.pipe = call->pipe, .key_prefix = call->key_prefix};
    char bytes[STORE_CURSOR_BYTES_MAX];
    struct buf next = buf_over(bytes, sizeof(bytes));
    struct err err = {""};
    page->each = list_one;
    page->argument = listing;
    buf_printf(&answer->body, "{\"%ss\":[", record_shape(listing->kind)->noun);
    switch (store_page(&store, listing->kind, page, &next, &err)) {
    case STORE_OK:
    case STORE_NOT_FOUND:
        break;
    case STORE_REFUSED:
        answer_problem(answer, 400, "cursor", "cursor: %s", err.text);
        return;
    case STORE_FAILED:
        answer_unavailable(answer, &err);
        return;
    }
    answer->status = 200;
    answer->content_type = "application/json";
    buf_append(&answer->body,
               listing->count > 0 ? SLICE("\n],\"next_cursor\":") : SLICE("],\"next_cursor\":"));
    if (next.size == 0) {
        buf_append(&answer->body, SLICE("null}\n"));
    } else {
        buf_printf(&answer->body, "\"%.*s\"}\n", SLICE_ARG(buf_slice(&next)));
    }
}

void resource_list(enum record_kind kind, const struct call *call, struct answer *answer) {
    static const char *const fields[] = {"cursor", "limit", NULL};
    static const char *const link_fields[] = {"campaign", "owner", "cursor", "limit", NULL};
    struct listing listing = {.kind = kind,
                              .campaign = call_query(call, "campaign"),
                              .owner = call_query(call, "owner"),
                              .body = &answer->body};
    struct store_page page = {.cursor = call_query(call, "cursor")};
    if (resource_query(call, answer, kind == RECORD_LINK ? link_fields : fields) &&
        check_values(call, &listing, answer) &&
        read_limit(call_query(call, "limit"), answer, &page.limit)) {
        list(call, &listing, &page, answer);
    }
}
