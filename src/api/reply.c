/*
 * reply.c - answers that need no handler.
 */
#include "reply.h"

#include "answer.h"
#include "base/buf.h"

enum { PROBLEM_BYTES_MAX = 2048 };

void reply_send(struct caller *caller, int status, const char *content_type, struct slice content) {
    const struct reply reply = {.status = status, .content_type = content_type};
    caller_reply(caller, &reply, content);
}

void reply_problem(struct caller *caller, int status, const char *field, const char *detail) {
    char bytes[PROBLEM_BYTES_MAX];
    struct buf body = buf_over(bytes, sizeof(bytes));
    answer_write_problem(&body, status, slice_of(field), slice_of(detail));
    reply_send(caller, status, ANSWER_PROBLEM_TYPE, buf_slice(&body));
}

void reply_problem_with(struct caller *caller, int status, struct slice fields,
                        const char *detail) {
    char bytes[PROBLEM_BYTES_MAX];
    struct buf body = buf_over(bytes, sizeof(bytes));
    const struct reply reply = {
        .status = status, .content_type = ANSWER_PROBLEM_TYPE, .fields = fields};
    answer_write_problem(&body, status, SLICE_EMPTY, slice_of(detail));
    caller_reply(caller, &reply, buf_slice(&body));
}

bool reply_allows_get(struct caller *caller, const struct head *head) {
    if (slice_equal(head->method, SLICE("GET")) || slice_equal(head->method, SLICE("HEAD"))) {
        return true;
    }
    reply_problem_with(caller, 405, SLICE("Allow: GET, HEAD\r\n"), "use GET or HEAD here");
    return false;
}
