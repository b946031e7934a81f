/*
 * test_answer.c - problems, headers and query fields, with whatever a client sent in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "answer.h"
#include "base/err.h"

static void assert_body(const struct answer *answer, const char *wanted) {
    assert_true(slice_equal(buf_slice(&answer->body), slice_of(wanted)));
}

static void a_problem_says_what_and_where(void **state) {
    (void)state;
    struct answer answer;
    answer_init(&answer);
    buf_append(&answer.body, SLICE("half an answer"));
    answer_problem(&answer, 400, "from", "\"%s\" is no date", "x\n");
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.content_type, "application/problem+json");
    assert_body(&answer, "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                         "\"detail\":\"\\\"x\\n\\\" is no date\",\"field\":\"from\"}\n");
    answer_problem(&answer, 404, NULL, "nothing");
    assert_body(&answer, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                         "\"detail\":\"nothing\"}\n");
    answer_fini(&answer);
}

static void every_status_in_use_has_a_title(void **state) {
    (void)state;
    static const int statuses[] = {200, 201, 204, 400, 401, 403, 404, 405, 408, 409,
                                   413, 414, 415, 417, 422, 429, 431, 500, 501, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        assert_string_not_equal(answer_title(statuses[i]), answer_title(999));
    }
}

static void headers_cannot_be_injected(void **state) {
    (void)state;
    struct answer answer;
    char bytes[2048], large[300];
    struct buf out = buf_over(bytes, sizeof bytes);
    memset(large, 'x', sizeof large);
    answer_init(&answer);
    answer_header(&answer, "Location", SLICE("/a\r\nSet-Cookie: x\0\x7f\xff"));
    answer_header(&answer, "Large", slice_make(large, sizeof large));
    answer_header(&answer, "ETag", SLICE_EMPTY);
    answer_write_headers(&out, &answer);
    assert_true(
        slice_equal(buf_slice(&out), SLICE("Location: /a??Set-Cookie: x???\r\nETag: \r\n")));
    answer_fini(&answer);
}

static void where_redis_is_stays_here(void **state) {
    (void)state;
    struct answer answer;
    const struct err err = {"Redis at unix:///secret/place: no answer in time"};
    answer_init(&answer);
    answer_unavailable(&answer, &err);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.header[0].name, "Retry-After");
    assert_int_equal(slice_find(buf_slice(&answer.body), SLICE("secret")), SIZE_MAX);
    answer_fini(&answer);
}

static void query_fields_are_found_by_name(void **state) {
    (void)state;
    struct call call = {.query = {{SLICE("a"), SLICE("1")}, {SLICE("b"), SLICE("")}},
                        .query_count = 2};
    assert_true(slice_equal(call_query(&call, "a"), SLICE("1")));
    assert_non_null(call_query(&call, "b").data);
    assert_null(call_query(&call, "c").data);
}

static void without_a_client_a_flush_keeps_everything(void **state) {
    (void)state;
    struct answer answer;
    answer_init(&answer);
    buf_append(&answer.body, SLICE("x"));
    assert_true(answer_flush(&answer));
    assert_body(&answer, "x");
    answer_fini(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_says_what_and_where),
        cmocka_unit_test(every_status_in_use_has_a_title),
        cmocka_unit_test(headers_cannot_be_injected),
        cmocka_unit_test(where_redis_is_stays_here),
        cmocka_unit_test(query_fields_are_found_by_name),
        cmocka_unit_test(without_a_client_a_flush_keeps_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
