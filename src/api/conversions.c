/*
 * conversions.c - POST /v1/conversions: what happened in the app, one report or a list of them.
 *
 *   read ► prove offline ► reserve idempotency keys ► look up what is left ► journal ► keep answers
 *
 * All or nothing: a list with one report that is not taken is refused as a whole, so a sender has
 * one thing to do about any answer. 202 means that every report is in the journal, from where it
 * goes on by itself; what it is worth is judged when it is counted.
 *
 * Redis is asked for the token of the API (as for every request), for idempotency keys, for codes
 * of tokens that came without, and for events of a campaign's own. When it fails behind the first,
 * reports without a key are taken all the same.
 *
 * Threads   As all handlers.
 * Limits    INTAKE_BATCH_MAX reports a request, API_BODY_BYTES_MAX of content.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "answer.h"
#include "base/err.h"
#include "conversions_find.h"
#include "conversions_keys.h"
#include "conversions_read.h"
#include "credit/intake.h"
#include "resource.h"

enum { FIELD_BYTES = 96 };

struct intake_request {
    const struct call *call;
    struct answer *answer;
    json_t *root;
    bool is_list;
    size_t count;
    struct report *reports;
    struct report_keys keys;
};

static json_t *object_at(const struct intake_request *request, size_t index) {
    return request->is_list ? json_array_get(request->root, index) : request->root;
}

/* The field at fault: in a list with the report's place in front. */
static void refuse(struct intake_request *request, size_t index, const char *field,
                   const char *detail) {
    char name[FIELD_BYTES];
    const char *dot = field[0] != '\0' ? "." : "";
    if (!request->is_list) {
        answer_problem(request->answer, 422, field, "%s", detail);
        return;
    }
    snprintf(name, sizeof(name), "%zu%s%s", index, dot, field);
    answer_problem(request->answer, 422, name, "report %zu of the list, counted from 0: %s", index,
                   detail);
}

/* ---- reading ---- */

static bool read_root(struct intake_request *request) {
    struct json_fault fault = {.field = ""};
    struct slice body = request->call->body;
    request->root = json_fields_parse(body, &fault);
    if (request->root == NULL) {
        answer_problem(request->answer, 400, NULL, "%s", fault.err.text);
        return false;
    }
    request->is_list = json_is_array(request->root);
    request->count = request->is_list ? json_array_size(request->root) : 1;
    if (request->count == 0 || request->count > INTAKE_BATCH_MAX) {
        answer_problem(request->answer, 422, NULL, "a list has 1 to %d reports", INTAKE_BATCH_MAX);
        return false;
    }
    request->reports = calloc(request->count, sizeof(*request->reports));
    ENSURE(request->reports != NULL);
    return true;
}

/* The key of the header: that of the one report, or with its place behind it of each in a list
 * that has none of its own. */
static bool take_header_key(struct intake_request *request, size_t index) {
    struct report *report = &request->reports[index];
    struct slice *key = &report->conversion.text[CONVERSION_TEXT_KEY];
    struct slice header = request->call->idempotency_key;
    if (header.data == NULL || (request->is_list && key->size > 0)) {
        return true;
    }
    if (!request->is_list) {
        bool is_same = key->size == 0 || slice_equal(*key, header);
        *key = header;
        return is_same;
    }
    struct buf made = buf_over(report->key, sizeof(report->key));
    bool fits =
        buf_append(&made, header) && buf_append_char(&made, '/') && buf_append_u64(&made, index);
    *key = buf_slice(&made);
    return fits;
}

static bool check_header_key(const struct intake_request *request) {
    struct slice header = request->call->idempotency_key;
    if (header.data == NULL || report_key_is_valid(header)) {
        return true;
    }
    answer_problem(request->answer, 400, "Idempotency-Key",
                   "Idempotency-Key: allowed are 1 to %d printable ASCII characters",
                   CONVERSION_KEY_BYTES_MAX);
    return false;
}

static bool is_second(const struct intake_request *request, size_t index) {
    struct slice key = request->reports[index].conversion.text[CONVERSION_TEXT_KEY];
    for (size_t i = 0; i < index && key.size > 0; i++) {
        if (slice_equal(request->reports[i].conversion.text[CONVERSION_TEXT_KEY], key)) {
            return true;
        }
    }
    return false;
}

static bool read_reports(struct intake_request *request) {
    const struct call *call = request->call;
    const struct report_limits limits = {.now_ms = call->now_ms,
                                         .retain_days = call->stats_retain_days};
    for (size_t i = 0; i < request->count; i++) {
        struct report *report = &request->reports[i];
        struct json_fault fault;
        if (!report_read(object_at(request, i), &limits, report, &fault)) {
            refuse(request, i, fault.field, fault.err.text);
            return false;
        }
        if (!take_header_key(request, i)) {
            refuse(request, i, "idempotency_key",
                   request->is_list
                       ? "the Idempotency-Key of a list, with a slash and the place of "
                         "each report behind it, may have 128 characters"
                       : "it is not the header's Idempotency-Key: give one of them");
            return false;
        }
        if (is_second(request, i)) {
            refuse(request, i, "idempotency_key", "another report of the list has the same");
            return false;
        }
        report->conversion.text[CONVERSION_TEXT_REPORTER] = slice_of(call->token.name);
        intake_prove(call->intake, &report->conversion);
    }
    return true;
}

/* ---- keys ---- */

static bool reserve(struct intake_request *request) {
    struct report_keys *keys = &request->keys;
    struct err err = {""};
    size_t which = 0;
    *keys = (struct report_keys){
        .call = request->call, .reports = request->reports, .count = request->count};
    for (size_t i = 0; i < request->count; i++) {
        if (request->reports[i].conversion.text[CONVERSION_TEXT_KEY].size > 0) {
            report_keys_name(keys, &request->reports[i], object_at(request, i));
        }
    }
    switch (report_keys_reserve(keys, &which, &err)) {
    case REPORT_KEYS_OK:
        return true;
    case REPORT_KEYS_BUSY:
        intake_note(request->call->intake, INTAKE_BUSY, request->count);
        answer_problem(request->answer, 503, "idempotency_key",
                       "a request with the same key is being handled: try again");
        answer_header(request->answer, "Retry-After", SLICE("1"));
        return false;
    case REPORT_KEYS_OTHER:
        intake_note(request->call->intake, INTAKE_KEY_MISUSED, request->count);
        refuse(request, which, "idempotency_key", "this key was used for another report");
        return false;
    case REPORT_KEYS_FAILED:
        intake_note(request->call->intake, INTAKE_UNAVAILABLE, request->count);
        answer_unavailable(request->answer, &err);
        return false;
    }
    return false;
}

static bool check_events(struct intake_request *request) {
    size_t which = 0;
    if (report_check_events(request->call, request->reports, request->count, &which)) {
        return true;
    }
    intake_note(request->call->intake, INTAKE_INVALID, request->count);
    refuse(
        request, which, "event",
        "event: allowed are install, signup, first_loan, and the names that the campaign's field "
        "events lists");
    return false;
}

/* ---- taking ---- */

static bool append(struct intake_request *request) {
    const struct call *call = request->call;
    struct conversion **conversions = calloc(request->count, sizeof(*conversions));
    size_t count = 0;
    ENSURE(conversions != NULL);
    for (size_t i = 0; i < request->count; i++) {
        if (request->reports[i].state == REPORT_NEW) {
            conversions[count++] = &request->reports[i].conversion;
        }
    }
    intake_note(call->intake, INTAKE_REPEATED, request->count - count);
    bool is_taken =
        count == 0 || intake_append(call->intake, call->now_ms, conversions, count) == INTAKE_TAKEN;
    free(conversions);
    if (!is_taken) {
        answer_problem(request->answer, 503, NULL,
                       "the journal of conversions is full, until some of it is shipped: nothing "
                       "is taken; try again later");
        answer_header(request->answer, "Retry-After", SLICE("5"));
    }
    return is_taken;
}

static void write_result(struct report *report) {
    const struct conversion *conversion = &report->conversion;
    struct slice code = conversion->text[CONVERSION_TEXT_CODE];
    char id[ULID_TEXT_SIZE];
    struct buf out = buf_over(report->answer, sizeof(report->answer));
    ulid_format(&conversion->id, id);
    buf_printf(&out, "{\"id\":\"%.*s\",\"status\":\"%s\",\"click\":", ULID_TEXT_SIZE, id,
               conversion_proof_name(conversion->proof));
    if (conversion->has_click_id) {
        ulid_format(&conversion->click_id, id);
        buf_printf(&out, "\"%.*s\"", ULID_TEXT_SIZE, id);
    } else {
        buf_append(&out, SLICE("null"));
    }
    if (code.size > 0) {
        buf_printf(&out, ",\"code\":\"%.*s\"}", SLICE_ARG(code));
    } else {
        buf_append(&out, SLICE(",\"code\":null}"));
    }
    ENSURE(!out.overflowed);
    report->answer_size = out.size;
}

static void answer_all(struct intake_request *request) {
    struct buf *out = &request->answer->body;
    bool is_again = true;
    request->answer->status = 202;
    request->answer->content_type = "application/json";
    buf_append(out, request->is_list ? SLICE("[") : SLICE_EMPTY);
    for (size_t i = 0; i < request->count; i++) {
        const struct report *report = &request->reports[i];
        is_again = is_again && report->state == REPORT_AGAIN;
        buf_append(out, i > 0 ? SLICE(",\n") : SLICE_EMPTY);
        buf_append(out, slice_make(report->answer, report->answer_size));
    }
    buf_append(out, request->is_list ? SLICE("]\n") : SLICE("\n"));
    if (is_again) {
        answer_header(request->answer, "Idempotency-Replayed", SLICE("true"));
    }
}

/* What is reserved is given back, or kept. */
static void take(struct intake_request *request) {
    if (!check_events(request) || !append(request)) {
        report_keys_release(&request->keys);
        return;
    }
    for (size_t i = 0; i < request->count; i++) {
        if (request->reports[i].state == REPORT_NEW) {
            write_result(&request->reports[i]);
        }
    }
    (void)report_keys_keep(&request->keys); /* they are in the journal, and that is what counts */
    answer_all(request);
}

static bool is_acceptable(const struct call *call, struct answer *answer) {
    static const char *const types[] = {"application/json", NULL};
    static const char *const no_fields[] = {NULL};
    if (!resource_query(call, answer, no_fields) || !resource_takes(call, answer, types)) {
        return false;
    }
    if (call->intake == NULL) {
        answer_problem(answer, 503, NULL, "this process takes no reports: %.*s",
                       SLICE_ARG(call->intake_fault));
        answer_header(answer, "Retry-After", SLICE("60"));
        return false;
    }
    return true;
}

void call_conversions_post(const struct call *call, struct answer *answer) {
    struct intake_request request = {.call = call, .answer = answer};
    if (!is_acceptable(call, answer)) {
        return;
    }
    if (check_header_key(&request) && read_root(&request) && read_reports(&request)) {
        if (reserve(&request)) {
            report_find_codes(call, request.reports, request.count);
            take(&request);
        }
    } else {
        intake_note(call->intake, INTAKE_INVALID, request.count > 0 ? request.count : 1);
    }
    json_decref(request.root);
    free(request.reports);
}
