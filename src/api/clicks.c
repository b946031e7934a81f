/*
 * clicks.c - GET /v1/clicks/ID: all that is known of one click (credit/explain.h).
 *
 * Threads   As all handlers (call.h).
 */
#include <jansson.h>
#include <string.h>

#include "answer.h"
#include "base/err.h"
#include "credit/explain.h"
#include "credit/intake.h"
#include "link/code.h"
#include "resource.h"

enum { DOCUMENT_BYTES_MAX = 4 * 1024 * 1024, DETAIL_BYTES_MAX = 480 };

/* Where was looked, as one sentence. */
static void answer_not_found(struct slice document, struct answer *answer) {
    char bytes[DETAIL_BYTES_MAX];
    struct buf detail = buf_over(bytes, sizeof(bytes));
    json_t *root = json_loadb(document.data, document.size, 0, NULL);
    size_t index;
    json_t *line;
    json_array_foreach(json_object_get(root, "looked"), index, line) {
        buf_append(&detail, index > 0 ? SLICE("; ") : SLICE("nothing is known of this click: "));
        buf_append(&detail, slice_of(json_string_value(line)));
    }
    json_decref(root);
    answer_problem(answer, 404, NULL, "%.*s", SLICE_ARG(buf_slice(&detail)));
}

void call_click_get(const struct call *call, struct answer *answer) {
    static const char *const fields[] = {"code", NULL};
    const struct explain_source source = {
        .pipe = call->pipe,
        .key_prefix = call->key_prefix,
        .token_key = call->intake != NULL ? intake_token_key(call->intake) : NULL,
        .queue_retain_hours = call->queue_retain_hours,
        .stats_retain_days = call->stats_retain_days};
    struct explain_subject subject;
    struct err err = {""};
    struct buf document;
    if (!resource_query(call, answer, fields)) {
        return;
    }
    if (call_query(call, "code").data != NULL && !code_is_valid(call_query(call, "code"))) {
        answer_problem(answer, 400, "code", "code: allowed are 1 to %d of A-Z a-z 0-9 - _",
                       CODE_BYTES_MAX);
        return;
    }
    if (!explain_read(call->parameter[0], call_query(call, "code"), &subject, &err)) {
        answer_problem(answer, 404, NULL, "%s", err.text);
        return;
    }
    buf_init(&document, DOCUMENT_BYTES_MAX);
    switch (explain_click(&source, &subject, &document, &err)) {
    case EXPLAIN_FOUND:
        answer->status = 200;
        answer->content_type = "application/json";
        buf_append(&answer->body, buf_slice(&document));
        buf_append_char(&answer->body, '\n');
        break;
    case EXPLAIN_NOT_FOUND:
        answer_not_found(buf_slice(&document), answer);
        break;
    case EXPLAIN_FAILED:
        answer_unavailable(answer, &err);
        break;
    }
    buf_fini(&document);
}
