/*
 * test_body.c - content by length and in chunks, however it is cut, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "body.h"

enum { LIMIT = 100 };

/* Feeds text in pieces of this size, from a block that ends with the piece. */
static enum body_result feed(struct body *body, struct slice text, size_t piece, size_t *taken) {
    enum body_result result = BODY_MORE;
    *taken = 0;
    while (result == BODY_MORE && *taken < text.size) {
        size_t consumed;
        struct slice rest = slice_from(text, *taken);
        result = body_take(body, slice_first(rest, piece), &consumed);
        assert_true(result != BODY_MORE || consumed == slice_first(rest, piece).size);
        *taken += consumed;
    }
    return result;
}

static void assert_chunks(const char *text, const char *content, const char *rest) {
    for (size_t piece = 1; piece <= slice_of(text).size; piece++) {
        struct body body;
        size_t taken;
        assert_int_equal(body_begin(&body, true, 0, LIMIT), BODY_MORE);
        assert_int_equal(feed(&body, slice_of(text), piece, &taken), BODY_DONE);
        assert_true(slice_equal(buf_slice(&body.bytes), slice_of(content)));
        assert_string_equal(text + taken, rest);
        size_t more;
        assert_int_equal(body_take(&body, SLICE("x"), &more), BODY_DONE);
        assert_int_equal(more, 0);
        body_fini(&body);
    }
}

static void assert_refused(const char *text, enum body_result wanted) {
    for (size_t piece = 1; piece <= slice_of(text).size; piece++) {
        struct body body;
        size_t taken;
        assert_int_equal(body_begin(&body, true, 0, LIMIT), BODY_MORE);
        assert_int_equal(feed(&body, slice_of(text), piece, &taken), wanted);
        body_fini(&body);
    }
}

static void a_length_is_taken_and_no_more(void **state) {
    (void)state;
    for (size_t piece = 1; piece < 8; piece++) {
        struct body body;
        size_t taken;
        assert_int_equal(body_begin(&body, false, 5, LIMIT), BODY_MORE);
        assert_int_equal(feed(&body, SLICE("helloGET"), piece, &taken), BODY_DONE);
        assert_int_equal(taken, 5);
        assert_true(slice_equal(buf_slice(&body.bytes), SLICE("hello")));
        body_fini(&body);
    }
}

static void the_limit_is_the_limit(void **state) {
    (void)state;
    struct body body;
    assert_int_equal(body_begin(&body, false, LIMIT + 1, LIMIT), BODY_TOO_LARGE);
    body_fini(&body);
    assert_int_equal(body_begin(&body, false, LIMIT, LIMIT), BODY_MORE);
    body_fini(&body);
    assert_int_equal(body_begin(&body, false, 0, LIMIT), BODY_DONE);
    body_fini(&body);
}

static void chunks_are_put_together(void **state) {
    (void)state;
    assert_chunks("5\r\nhello\r\n0\r\n\r\n", "hello", "");
    assert_chunks("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world", "GET /");
    assert_chunks("0\r\n\r\n", "", "");
    assert_chunks("00005\r\nhello\r\n000\r\n\r\n", "hello", "");
    assert_chunks("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", "");
    assert_chunks("5;name=\"v\"\r\nhello\r\n0 ; x\r\n\r\n", "hello", "");
    assert_chunks("5\r\nhello\r\n0\r\nTrailer: a\r\nOther: b\r\n\r\nx", "hello", "x");
    assert_chunks("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", "");
}

static void chunks_that_are_none_are_refused(void **state) {
    (void)state;
    assert_refused("\r\nhello", BODY_BAD);
    assert_refused("x\r\n", BODY_BAD);
    assert_refused("-1\r\n", BODY_BAD);
    assert_refused("0x5\r\nhello", BODY_BAD);
    assert_refused("5\nhello", BODY_BAD);
    assert_refused("5\rhello", BODY_BAD);
    assert_refused("5;a\nhello", BODY_BAD);
    assert_refused("5\r\nhelloo\r\n", BODY_BAD);
    assert_refused("5\r\nhello\n0\r\n\r\n", BODY_BAD);
    assert_refused("0\r\n\n", BODY_BAD);
    assert_refused("0\r\nTrailer\n\r\n", BODY_BAD);
    assert_refused("0\r\nTrailer\rx\r\n\r\n", BODY_BAD);
}

static void what_would_be_too_large_is_refused_by_its_size(void **state) {
    (void)state;
    assert_refused("65\r\n", BODY_TOO_LARGE);
    assert_refused("64\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
                   "012345678901234567890123456789\r\n1\r\n",
                   BODY_TOO_LARGE);
    assert_refused("ffffffffffffffffffffffff\r\n", BODY_TOO_LARGE);
}

static void lines_and_trailers_end(void **state) {
    (void)state;
    char text[2 * BODY_TRAILER_BYTES_MAX];
    size_t taken;
    struct body body;
    snprintf(text, sizeof text, "%0300d", 0);
    assert_int_equal(body_begin(&body, true, 0, LIMIT), BODY_MORE);
    assert_int_equal(feed(&body, slice_of(text), 7, &taken), BODY_BAD);
    body_fini(&body);
    snprintf(text, sizeof text, "1;%0300d", 0);
    assert_int_equal(body_begin(&body, true, 0, LIMIT), BODY_MORE);
    assert_int_equal(feed(&body, slice_of(text), 7, &taken), BODY_BAD);
    body_fini(&body);
    snprintf(text, sizeof text, "0\r\nA: %0*d", BODY_TRAILER_BYTES_MAX, 0);
    assert_int_equal(body_begin(&body, true, 0, LIMIT), BODY_MORE);
    assert_int_equal(feed(&body, slice_of(text), 7, &taken), BODY_BAD);
    body_fini(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_is_taken_and_no_more),
        cmocka_unit_test(the_limit_is_the_limit),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(chunks_that_are_none_are_refused),
        cmocka_unit_test(what_would_be_too_large_is_refused_by_its_size),
        cmocka_unit_test(lines_and_trailers_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
