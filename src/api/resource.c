/*
 * resource.c - the handlers for one link or campaign.
 *
 * What is wrong with a request is a 400 that names the field; 422 is only for an Idempotency-Key
 * that was used for something else, 409 for what is in the way in Redis.
 */
#include "resource.h"

#include <stdio.h>

#include "base/err.h"
#include "base/random.h"
#include "idempotency.h"
#include "link/code.h"

/* Of 887 million: with so many tries, a code that is free is found long after the memory is full.
 */
enum { CODES_TRIED_MAX = 32 };

static const char *const json_types[] = {"application/json", NULL};
static const char *const patch_types[] = {"application/merge-patch+json", "application/json", NULL};
static const char *const no_fields[] = {NULL};

bool resource_takes(const struct call *call, struct answer *answer, const char *const *types) {
    struct slice rest = call->content_type;
    struct slice type = slice_trim(slice_split(&rest, ';'));
    char allowed[160] = "";
    size_t size = 0;
    if (type.size == 0) {
        return true;
    }
    for (size_t i = 0; types[i] != NULL; i++) {
        if (slice_equal_nocase(type, slice_of(types[i]))) {
            return true;
        }
        size += (size_t)snprintf(allowed + size, sizeof(allowed) - size, "%s%s", i > 0 ? ", " : "",
                                 types[i]);
        ENSURE(size < sizeof(allowed));
    }
    answer_problem(answer, 415, "Content-Type", "allowed is %s", allowed);
    return false;
}

static bool is_listed(struct slice name, const char *const *names) {
    for (size_t i = 0; names[i] != NULL; i++) {
        if (slice_equal(name, slice_of(names[i]))) {
            return true;
        }
    }
    return false;
}

bool resource_query(const struct call *call, struct answer *answer, const char *const *names) {
    for (size_t i = 0; i < call->query_count; i++) {
        char name[65];
        snprintf(name, sizeof(name), "%.*s", SLICE_ARG(call->query[i].name));
        if (!is_listed(call->query[i].name, names)) {
            answer_problem(answer, 400, name, "there is no such field of the query here");
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (slice_equal(call->query[i].name, call->query[k].name)) {
                answer_problem(answer, 400, name, "given twice");
                return false;
            }
        }
    }
    return true;
}

struct store resource_store(const struct call *call) {
    return (struct store){.pipe = call->pipe,
                          .key_prefix = call->key_prefix,
                          .hosts = call->allowed_hosts,
                          .author = {.who = slice_of(call->token.name),
                                     .via = SLICE("api"),
                                     .entries = call->history_entries,
                                     .retain_days = call->stats_retain_days}};
}

static void answer_not_found(enum record_kind kind, struct answer *answer) {
    answer_problem(answer, 404, NULL, "there is no such %s", record_shape(kind)->noun);
}

static void answer_no_hash(enum record_kind kind, struct answer *answer) {
    const struct record_shape *shape = record_shape(kind);
    answer_problem(answer, 409, shape->id_name, "what Redis has under its key is no %s",
                   shape->noun);
}

/* Where it is: in a header, since it was made. */
static void answer_location(enum record_kind kind, struct slice id, struct answer *answer) {
    char path[128];
    int size = snprintf(path, sizeof(path), "/v1/%ss/%.*s", record_shape(kind)->noun,
                        SLICE_ARG(slice_first(id, CODE_BYTES_MAX)));
    answer_header(answer, "Location", slice_make(path, (size_t)size));
}

/* It is written all the same. */
static void answer_warning(enum record_kind kind, const struct resource_outcome *outcome,
                           struct answer *answer) {
    char bytes[RESOURCE_WARNING_BYTES_MAX];
    struct buf text = buf_over(bytes, sizeof(bytes));
    resource_warning(kind, &outcome->plan, outcome->is_campaign_missing, &text);
    if (text.size > 0) {
        answer_header(answer, "Brinco-Warning", buf_slice(&text));
    }
}

static void answer_outcome(const struct resource_write *write, enum resource_result result,
                           const struct resource_outcome *outcome, struct answer *answer) {
    const struct record_shape *shape = record_shape(write->kind);
    switch (result) {
    case RESOURCE_CREATED:
    case RESOURCE_CHANGED:
    case RESOURCE_UNCHANGED:
        answer->status = result == RESOURCE_CREATED ? 201 : 200;
        answer->content_type = "application/json";
        buf_append(&answer->body, buf_slice(&outcome->json));
        answer_warning(write->kind, outcome, answer);
        if (result == RESOURCE_CREATED) {
            answer_location(write->kind, write->id, answer);
        }
        return;
    case RESOURCE_NOT_FOUND:
        answer_not_found(write->kind, answer);
        return;
    case RESOURCE_EXISTS:
        answer_problem(answer, 409, shape->id_name, "there is a %s with this %s already",
                       shape->noun, shape->id_name);
        return;
    case RESOURCE_REFUSED:
        answer_problem(answer, 400, outcome->fault.field, "%s", outcome->fault.err.text);
        return;
    case RESOURCE_NO_HASH:
        answer_no_hash(write->kind, answer);
        return;
    case RESOURCE_KEPT:
    case RESOURCE_CONTENDED:
        answer_problem(answer, 503, NULL, "others are changing it again and again: try again");
        answer_header(answer, "Retry-After", SLICE("1"));
        return;
    case RESOURCE_FAILED:
        answer_unavailable(answer, &outcome->err);
        return;
    }
}

/* --- asking and deleting -------------------------------------------------------------------- */

void resource_get(enum record_kind kind, const struct call *call, struct answer *answer) {
    struct store store = resource_store(call);
    struct slice id = call->parameter[0];
    struct resource_outcome outcome;
    if (!resource_query(call, answer, no_fields)) {
        return;
    }
    if (!code_is_valid(id)) {
        answer_not_found(kind, answer);
        return;
    }
    resource_outcome_init(&outcome);
    struct slice *values = outcome.plan.before;
    struct record_view view = record_view(kind, id, values);
    switch (store_get(&store, kind, id, (struct store_values){values, &outcome.before_bytes},
                      &outcome.err)) {
    case STORE_OK:
        answer->status = 200;
        answer->content_type = "application/json";
        record_json(&view, &answer->body);
        buf_append_char(&answer->body, '\n');
        break;
    case STORE_NOT_FOUND:
        answer_not_found(kind, answer);
        break;
    case STORE_REFUSED:
        answer_no_hash(kind, answer);
        break;
    case STORE_FAILED:
        answer_unavailable(answer, &outcome.err);
        break;
    }
    resource_outcome_fini(&outcome);
}

void resource_delete(enum record_kind kind, const struct call *call, struct answer *answer) {
    struct store store = resource_store(call);
    struct err err = {""};
    if (!resource_query(call, answer, no_fields)) {
        return;
    }
    enum store_result result = STORE_NOT_FOUND;
    if (code_is_valid(call->parameter[0])) {
        result = store_delete(&store, kind, call->parameter[0], &err);
    }
    switch (result) {
    case STORE_OK:
        answer->status = 204;
        return;
    case STORE_NOT_FOUND:
        answer_not_found(kind, answer);
        return;
    case STORE_REFUSED:
        answer_no_hash(kind, answer);
        return;
    case STORE_FAILED:
        answer_unavailable(answer, &err);
        return;
    }
}

/* --- writing -------------------------------------------------------------------------------- */

/* The body's fields; false when it has answered. */
static bool read_body(enum record_kind kind, const struct call *call, struct json_fields *fields,
                      struct answer *answer) {
    struct json_fault fault;
    if (call->body.size > JSON_FIELDS_BYTES_MAX) {
        answer_problem(answer, 413, NULL, "a body may have up to %d bytes here",
                       JSON_FIELDS_BYTES_MAX);
        return false;
    }
    if (!json_fields_read(kind, call->body, fields, &fault)) {
        answer_problem(answer, 400, fault.field, "%s", fault.err.text);
        return false;
    }
    return true;
}

/* The path's, which the body may repeat. */
static bool check_id(enum record_kind kind, const struct call *call,
                     const struct json_fields *fields, struct answer *answer) {
    const char *name = record_shape(kind)->id_name;
    if (!code_is_valid(call->parameter[0])) {
        answer_problem(answer, 400, name, "%s: allowed are 1 to 64 of A-Z a-z 0-9 - _", name);
        return false;
    }
    if (fields->has_id && !slice_equal(fields->id, call->parameter[0])) {
        answer_problem(answer, 400, name, "%s: the path has another one", name);
        return false;
    }
    return true;
}

static void change(const struct resource_write *request, const struct call *call,
                   struct answer *answer) {
    struct store store = resource_store(call);
    struct json_fields fields;
    struct resource_outcome outcome;
    if (!read_body(request->kind, call, &fields, answer)) {
        return;
    }
    if (check_id(request->kind, call, &fields, answer)) {
        struct resource_write write = *request;
        write.id = call->parameter[0];
        write.fields = &fields;
        write.now_s = call->now_ms / 1000;
        resource_outcome_init(&outcome);
        answer_outcome(&write, resource_apply(&store, &write, &outcome), &outcome, answer);
        resource_outcome_fini(&outcome);
    }
    json_fields_free(&fields);
}

void resource_put(enum record_kind kind, const struct call *call, struct answer *answer) {
    const struct resource_write write = {.kind = kind, .how = RESOURCE_REPLACE};
    if (resource_query(call, answer, no_fields) && resource_takes(call, answer, json_types)) {
        change(&write, call, answer);
    }
}

void resource_patch(enum record_kind kind, const struct call *call, struct answer *answer) {
    const struct resource_write write = {.kind = kind, .how = RESOURCE_MERGE};
    if (!resource_query(call, answer, no_fields) || !resource_takes(call, answer, patch_types)) {
        return;
    }
    if (!code_is_valid(call->parameter[0])) {
        answer_not_found(kind, answer);
        return;
    }
    change(&write, call, answer);
}

/* --- making --------------------------------------------------------------------------------- */

/* With the id that is given; or, a link, with the first made code that is free. */
static enum resource_result create(struct store *store, struct resource_write *write,
                                   struct resource_outcome *outcome,
                                   char code[CODE_MADE_BYTES + 1]) {
    enum resource_result result = RESOURCE_EXISTS;
    if (write->fields->has_id) {
        write->id = write->fields->id;
        return resource_apply(store, write, outcome);
    }
    struct random random;
    random_init(&random);
    for (int i = 0; i < CODES_TRIED_MAX && result == RESOURCE_EXISTS; i++) {
        code_make(&random, code);
        write->id = slice_make(code, CODE_MADE_BYTES);
        result = resource_apply(store, write, outcome);
    }
    return result == RESOURCE_EXISTS ? RESOURCE_CONTENDED : result;
}

/* True when there was an answer to give already. */
static bool answer_again(enum record_kind kind, const struct call *call,
                         const struct idempotency *idempotency, struct answer *answer) {
    struct idempotency_answer kept;
    struct err err = {""};
    struct buf scratch;
    buf_init(&scratch, RECORD_JSON_BYTES_MAX + JSON_FIELDS_BYTES_MAX);
    enum idempotency_result result = idempotency_find(call, idempotency, &scratch, &kept, &err);
    switch (result) {
    case IDEMPOTENCY_NEW:
        break;
    case IDEMPOTENCY_AGAIN:
        answer->status = kept.status;
        answer->content_type = "application/json";
        buf_append(&answer->body, kept.body);
        answer_location(kind, kept.id, answer);
        answer_header(answer, "Idempotency-Replayed", SLICE("true"));
        break;
    case IDEMPOTENCY_OTHER:
        answer_problem(answer, 422, "Idempotency-Key",
                       "this key was used for another request within the last 24 hours");
        break;
    case IDEMPOTENCY_FAILED:
        answer_unavailable(answer, &err);
        break;
    }
    buf_fini(&scratch);
    return result != IDEMPOTENCY_NEW;
}

static bool has_usable_id(enum record_kind kind, const struct json_fields *fields,
                          struct answer *answer) {
    const char *name = record_shape(kind)->id_name;
    if (!fields->has_id && kind == RECORD_CAMPAIGN) {
        answer_problem(answer, 400, name, "%s: a campaign needs one", name);
        return false;
    }
    if (fields->has_id && !code_is_valid(fields->id)) {
        answer_problem(answer, 400, name, "%s: allowed are 1 to 64 of A-Z a-z 0-9 - _", name);
        return false;
    }
    return true;
}

static void make(enum record_kind kind, const struct call *call, const struct json_fields *fields,
                 const struct idempotency *idempotency, struct answer *answer) {
    struct store store = resource_store(call);
    char code[CODE_MADE_BYTES + 1];
    struct resource_outcome outcome;
    struct resource_write write = {.kind = kind,
                                   .how = RESOURCE_CREATE,
                                   .fields = fields,
                                   .now_s = call->now_ms / 1000,
                                   .idempotency = idempotency};
    resource_outcome_init(&outcome);
    enum resource_result result = create(&store, &write, &outcome, code);
    if (result != RESOURCE_KEPT || !answer_again(kind, call, idempotency, answer)) {
        answer_outcome(&write, result, &outcome, answer);
    }
    resource_outcome_fini(&outcome);
}

void resource_post(enum record_kind kind, const struct call *call, struct answer *answer) {
    struct idempotency idempotency;
    struct json_fields fields;
    struct err err;
    if (!resource_query(call, answer, no_fields) || !resource_takes(call, answer, json_types)) {
        return;
    }
    if (!idempotency_begin(call, record_shape(kind)->noun, &idempotency, &err)) {
        answer_problem(answer, 400, "Idempotency-Key", "%s", err.text);
        return;
    }
    if (answer_again(kind, call, &idempotency, answer) || !read_body(kind, call, &fields, answer)) {
        return;
    }
    if (has_usable_id(kind, &fields, answer)) {
        make(kind, call, &fields, &idempotency, answer);
    }
    json_fields_free(&fields);
}
