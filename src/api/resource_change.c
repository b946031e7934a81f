/*
 * resource_change.c - from fields to a written record.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "idempotency.h"
#include "link/code.h"
#include "link/edit.h"
#include "link/template.h"
#include "resource.h"

enum { SCRATCH_BYTES_MAX = 64 * 1024 * 1024 };

void resource_outcome_init(struct resource_outcome *outcome) {
    *outcome = (struct resource_outcome){0};
    buf_init(&outcome->before_bytes, SCRATCH_BYTES_MAX);
    buf_init(&outcome->scratch, SCRATCH_BYTES_MAX);
    buf_init(&outcome->json, RECORD_JSON_BYTES_MAX + 1);
}

void resource_outcome_fini(struct resource_outcome *outcome) {
    buf_fini(&outcome->before_bytes);
    buf_fini(&outcome->scratch);
    buf_fini(&outcome->json);
}

static bool is_merged(enum resource_how how) {
    return how == RESOURCE_MERGE || how == RESOURCE_UPSERT;
}

/* A link that is made gets a time. It stays, and so does its absence (other hands may have made the
 * link), until a request names the field; an empty one takes it away only in a merge. */
static void plan_created_at(const struct resource_write *write, struct resource_plan *plan) {
    bool is_given = (write->fields->given & 1U << LINK_FIELD_CREATED_AT) != 0;
    struct slice *created_at = &plan->after[LINK_FIELD_CREATED_AT];
    if (created_at->size > 0 || (is_given && is_merged(write->how))) {
        return;
    }
    *created_at = plan->before[LINK_FIELD_CREATED_AT];
    if (!plan->exists) {
        int size = snprintf(plan->created_at, sizeof(plan->created_at), "%" PRIu64, write->now_s);
        *created_at = slice_make(plan->created_at, (size_t)size);
    }
}

void resource_plan(const struct resource_write *write, struct resource_plan *plan) {
    for (size_t i = 0; i < record_shape(write->kind)->count; i++) {
        bool is_given = (write->fields->given & 1U << i) != 0;
        if (!plan->exists) {
            plan->before[i] = SLICE_EMPTY;
        }
        bool stays = record_field_is_ours(write->kind, i) || (!is_given && is_merged(write->how));
        plan->after[i] = stays ? plan->before[i] : is_given ? write->fields->value[i] : SLICE_EMPTY;
    }
    if (write->kind == RECORD_LINK) {
        plan_created_at(write, plan);
    }
    for (size_t i = 0; i < record_shape(write->kind)->count; i++) {
        if (plan->after[i].size == 0) {
            plan->after[i] = SLICE_EMPTY; /* absent: not shown */
        }
    }
}

bool resource_is_unchanged(enum record_kind kind, const struct resource_plan *plan) {
    for (size_t i = 0; i < record_shape(kind)->count; i++) {
        if (!slice_equal(plan->before[i], plan->after[i])) {
            return false;
        }
    }
    return true;
}

bool resource_check(const struct resource_write *write, const struct resource_plan *plan,
                    const struct resource_bounds *bounds, struct json_fault *fault) {
    const struct record_change change = {.kind = write->kind,
                                         .before = plan->before,
                                         .after = plan->after,
                                         .given = write->fields->given,
                                         .schemes = bounds->schemes,
                                         .hosts = bounds->hosts};
    size_t field;
    if (record_check(&change, &field, &fault->err)) {
        return true;
    }
    snprintf(fault->field, sizeof(fault->field), "%s", record_shape(write->kind)->names[field]);
    return false;
}

void resource_warning(enum record_kind kind, const struct resource_plan *plan,
                      bool is_campaign_missing, struct buf *out) {
    if (is_campaign_missing) {
        buf_printf(out, "there is no campaign \"%.*s\" yet",
                   SLICE_ARG(plan->after[LINK_FIELD_CAMPAIGN]));
    }
    if (record_never_opens(kind, plan->after)) {
        buf_printf(out, "%sit can never open: starts_at is not before expires_at",
                   out->size > 0 ? "; " : "");
    }
    if (kind == RECORD_CAMPAIGN &&
        slice_equal_nocase(slice_first(plan->after[CAMPAIGN_FIELD_WEBHOOK], 5), SLICE("http:"))) {
        buf_printf(out, "%shttp webhooks are sent only to hosts of webhooks.allowed_hosts",
                   out->size > 0 ? "; " : "");
    }
}

/* The campaign is looked at when its schemes matter, and when the request names it: then that it is
 * not there is worth saying. */
static bool read_schemes(struct store *store, const struct resource_write *write,
                         struct resource_outcome *outcome, struct slice *schemes) {
    struct slice campaign = outcome->plan.after[LINK_FIELD_CAMPAIGN];
    struct slice url = outcome->plan.after[LINK_FIELD_URL];
    bool is_named = (write->fields->given & 1U << LINK_FIELD_CAMPAIGN) != 0;
    *schemes = SLICE_EMPTY;
    outcome->is_campaign_missing = false;
    if (write->kind != RECORD_LINK || !code_is_valid(campaign) ||
        (!is_named && template_scheme_is_allowed(url, SLICE_EMPTY))) {
        return true;
    }
    buf_clear(&outcome->scratch);
    enum store_result found =
        store_schemes(store, campaign, &outcome->scratch, schemes, &outcome->err);
    outcome->is_campaign_missing = is_named && found == STORE_NOT_FOUND;
    return found != STORE_FAILED;
}

static enum resource_result write_plan(struct store *store, const struct resource_write *write,
                                       struct resource_outcome *outcome) {
    const struct resource_plan *plan = &outcome->plan;
    struct edit edit = {.kind = write->kind,
                        .id = write->id,
                        .before = plan->exists ? plan->before : NULL,
                        .after = plan->after};
    if (write->idempotency != NULL && write->idempotency->is_asked) {
        const struct idempotency_answer kept = {
            .status = 201, .id = write->id, .body = buf_slice(&outcome->json)};
        buf_clear(&outcome->scratch);
        idempotency_write(write->idempotency, &kept, &outcome->scratch);
        edit.kept_key = slice_of(write->idempotency->redis_key);
        edit.kept_value = buf_slice(&outcome->scratch);
        edit.kept_s = IDEMPOTENCY_KEPT_S;
    }
    switch (edit_run(store, &edit, &outcome->err)) {
    case EDIT_DONE:
        break;
    case EDIT_CHANGED:
        return RESOURCE_CONTENDED;
    case EDIT_KEPT:
        return RESOURCE_KEPT;
    case EDIT_REFUSED:
        return RESOURCE_NO_HASH;
    case EDIT_FAILED:
        return RESOURCE_FAILED;
    }
    return !plan->exists                              ? RESOURCE_CREATED
           : resource_is_unchanged(write->kind, plan) ? RESOURCE_UNCHANGED
                                                      : RESOURCE_CHANGED;
}

static enum resource_result try_once(struct store *store, const struct resource_write *write,
                                     struct resource_outcome *outcome) {
    struct resource_plan *plan = &outcome->plan;
    struct resource_bounds bounds = {.hosts = store->hosts};
    buf_clear(&outcome->before_bytes);
    enum store_result found =
        store_get(store, write->kind, write->id,
                  (struct store_values){plan->before, &outcome->before_bytes}, &outcome->err);
    if (found == STORE_FAILED || found == STORE_REFUSED) {
        return found == STORE_FAILED ? RESOURCE_FAILED : RESOURCE_NO_HASH;
    }
    plan->exists = found == STORE_OK;
    if (plan->exists && write->how == RESOURCE_CREATE) {
        return RESOURCE_EXISTS;
    }
    if (!plan->exists && write->how == RESOURCE_MERGE) {
        return RESOURCE_NOT_FOUND;
    }
    resource_plan(write, plan);
    if (!read_schemes(store, write, outcome, &bounds.schemes)) {
        return RESOURCE_FAILED;
    }
    if (!resource_check(write, plan, &bounds, &outcome->fault)) {
        return RESOURCE_REFUSED;
    }
    struct record_view view = record_view(write->kind, write->id, plan->after);
    buf_clear(&outcome->json);
    if (!record_json(&view, &outcome->json) || !buf_append_char(&outcome->json, '\n')) {
        return RESOURCE_NO_HASH; /* of sizes that only other hands can have written */
    }
    return write_plan(store, write, outcome);
}

enum resource_result resource_apply(struct store *store, const struct resource_write *write,
                                    struct resource_outcome *outcome) {
    enum resource_result result = RESOURCE_CONTENDED;
    for (int i = 0; i < RESOURCE_TRIES_MAX && result == RESOURCE_CONTENDED; i++) {
        result = try_once(store, write, outcome);
    }
    return result;
}
