/*
 * test_head.c - which fields of a head an API sees, and what of them may not be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "head.h"

#define LINE "POST /v1/links?a=b HTTP/1.1\r\nHost: a\r\n"

static void assert_text(struct slice got, const char *wanted) {
    assert_true(slice_equal(got, slice_of(wanted)));
}

static void fields_are_found_and_trimmed(void **state) {
    (void)state;
    struct head head;
    struct slice input =
        SLICE("\r\n" LINE "authorization:  Bearer x \r\nACCEPT:text/csv\r\n"
              "Content-Type: application/json\r\nIdempotency-Key: k\r\n"
              "Expect: 100-continue\r\nContent-Length: 12\r\nOther: 1\r\n\r\nrest");
    assert_int_equal(head_parse(input, &head), HTTP_PARSE_DONE);
    assert_text(head.method, "POST");
    assert_text(head.http.path, "/v1/links");
    assert_text(head.http.query, "a=b");
    assert_text(head.field[HEAD_AUTHORIZATION], "Bearer x");
    assert_text(head.field[HEAD_ACCEPT], "text/csv");
    assert_text(head.field[HEAD_CONTENT_TYPE], "application/json");
    assert_text(head.field[HEAD_IDEMPOTENCY_KEY], "k");
    assert_text(head.field[HEAD_EXPECT], "100-continue");
    assert_int_equal(head.length, 12);
    assert_null(head.repeated);
    assert_false(head.is_chunked);
    assert_int_equal(head.http.head_bytes, input.size - 4);
}

static void what_is_absent_is_not_what_is_empty(void **state) {
    (void)state;
    struct head head;
    assert_int_equal(head_parse(SLICE(LINE "Authorization:\r\n\r\n"), &head), HTTP_PARSE_DONE);
    assert_non_null(head.field[HEAD_AUTHORIZATION].data);
    assert_int_equal(head.field[HEAD_AUTHORIZATION].size, 0);
    assert_null(head.field[HEAD_ACCEPT].data);
}

static void a_field_that_matters_stands_there_once(void **state) {
    (void)state;
    static const char *const names[] = {"Authorization", "Content-Type", "Idempotency-Key",
                                        "Expect"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256];
        struct head head;
        snprintf(text, sizeof text, LINE "%s: a\r\n%s: a\r\n\r\n", names[i], names[i]);
        assert_int_equal(head_parse(slice_of(text), &head), HTTP_PARSE_DONE);
        assert_string_equal(head.repeated, names[i]);
    }
    struct head head;
    assert_int_equal(head_parse(SLICE(LINE "Accept: a\r\nAccept: b\r\n\r\n"), &head),
                     HTTP_PARSE_DONE);
    assert_null(head.repeated);
    assert_text(head.field[HEAD_ACCEPT], "a");
}

static void lengths_are_read_however_they_are_padded(void **state) {
    (void)state;
    struct head head;
    assert_int_equal(
        head_parse(SLICE(LINE "Content-Length: 0000000000000000000000000000007\r\n\r\n"), &head),
        HTTP_PARSE_DONE);
    assert_int_equal(head.length, 7);
    assert_int_equal(
        head_parse(SLICE(LINE "Content-Length: 000000000000000000000000\r\n\r\n"), &head),
        HTTP_PARSE_DONE);
    assert_int_equal(head.length, 0);
    assert_int_equal(head_parse(SLICE(LINE "Content-Length: 9223372036854775807\r\n\r\n"), &head),
                     HTTP_PARSE_DONE);
    assert_int_equal(head.length, INT64_MAX);
    assert_int_equal(head_parse(SLICE(LINE "Content-Length: 9223372036854775808\r\n\r\n"), &head),
                     HTTP_PARSE_BAD);
}

static void chunked_is_the_coding_there_is(void **state) {
    (void)state;
    struct head head;
    assert_int_equal(head_parse(SLICE(LINE "Transfer-Encoding: Chunked\r\n\r\n"), &head),
                     HTTP_PARSE_DONE);
    assert_true(head.is_chunked);
    assert_false(head.is_coded);
    assert_int_equal(head_parse(SLICE(LINE "Transfer-Encoding: gzip, chunked\r\n\r\n"), &head),
                     HTTP_PARSE_DONE);
    assert_true(head.is_coded);
    assert_int_equal(
        head_parse(SLICE(LINE "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
                   &head),
        HTTP_PARSE_DONE);
    assert_true(head.is_coded);
    assert_non_null(head.repeated);
}

static void what_smuggles_is_refused(void **state) {
    (void)state;
    struct head head;
    assert_int_equal(
        head_parse(SLICE(LINE "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), &head),
        HTTP_PARSE_BAD);
    assert_int_equal(
        head_parse(SLICE(LINE "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), &head),
        HTTP_PARSE_BAD);
    assert_int_equal(head_parse(SLICE(LINE "Authorization : x\r\n\r\n"), &head), HTTP_PARSE_BAD);
    assert_int_equal(head_parse(SLICE(LINE " folded: x\r\n\r\n"), &head), HTTP_PARSE_BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_and_trimmed),
        cmocka_unit_test(what_is_absent_is_not_what_is_empty),
        cmocka_unit_test(a_field_that_matters_stands_there_once),
        cmocka_unit_test(lengths_are_read_however_they_are_padded),
        cmocka_unit_test(chunked_is_the_coding_there_is),
        cmocka_unit_test(what_smuggles_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
