/* resp.h: bytes that are lent read as those that are fed, however they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "resp.h"

enum { BYTES_MAX = 40, ELEMENTS_MAX = 6, DUMP_BYTES_MAX = 4096 };

/* Flat replies and others, some of them too large, and in the end what is none. */
static const struct slice stream =
    SLICE("*2\r\n$3\r\nabc\r\n$-1\r\n"
          "+OK\r\n"
          "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n*1\r\n$3\r\nkey\r\n"
          "*1\r\n$0\r\n\r\n"
          "*1\r\n$50\r\n01234567890123456789012345678901234567890123456789\r\n"
          "*2\r\n$20\r\n01234567890123456789\r\n$21\r\n012345678901234567890\r\n"
          "*2\r\n$20\r\n01234567890123456789\r\n$20\r\n01234567890123456789\r\n"
          ":12\r\n"
          "*2\r\n$-1\r\n$-1\r\n"
          "-ERR no\r\n"
          "*1\r\n$1\r\na\r\n"
          "*7\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n");

static void dump(const struct redis_reply *reply, struct buf *out) {
    char type = redis_reply_is_array(reply)     ? '['
                : redis_reply_is_error(reply)   ? '!'
                : redis_reply_is_integer(reply) ? ':'
                : redis_reply_is_nil(reply)     ? '0'
                                                : '"';
    buf_append_char(out, type);
    buf_append(out, redis_reply_text(reply));
    buf_append_u64(out, (uint64_t)redis_reply_integer(reply));
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        dump(redis_reply_at(reply, i), out);
    }
    buf_append_char(out, ';');
}

/* All replies there are; returns how it ended. */
static enum resp_result dump_all(struct resp_reader *reader, struct buf *out) {
    const struct redis_reply *reply = NULL;
    enum resp_result result;
    while ((result = resp_reader_next(reader, &reply)) == RESP_REPLY) {
        dump(reply, out);
    }
    return result;
}

/* Lends it in pieces, each in a block of its own that is gone afterwards. */
static enum resp_result lend_in_pieces(struct slice bytes, size_t first, size_t others,
                                       struct buf *out) {
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    enum resp_result result = RESP_MORE;
    for (size_t piece = first; bytes.size > 0 && result == RESP_MORE; piece = others) {
        struct slice now = slice_first(bytes, piece);
        char *block = malloc(now.size);
        assert_non_null(block);
        memcpy(block, now.data, now.size);
        resp_reader_lend(reader, slice_make(block, now.size));
        result = dump_all(reader, out);
        bytes = slice_from(bytes, now.size);
        free(block);
    }
    resp_reader_destroy(&reader);
    return result;
}

static void however_they_are_cut(void **state) {
    (void)state;
    char expected_bytes[DUMP_BYTES_MAX];
    char lent_bytes[DUMP_BYTES_MAX];
    struct buf expected = buf_over(expected_bytes, sizeof(expected_bytes));
    enum resp_result result = RESP_MORE;
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    for (size_t i = 0; i < stream.size && result == RESP_MORE; i++) {
        assert_true(resp_reader_feed(reader, stream.data + i, 1));
        result = dump_all(reader, &expected);
    }
    resp_reader_destroy(&reader);
    assert_int_equal(result, RESP_BROKEN);
    assert_true(slice_starts_with(buf_slice(&expected), SLICE("[0\"abc0;00;;\"OK0;")));

    for (size_t first = 1; first <= stream.size; first++) {
        for (size_t others = 1; others <= 64; others += 7) {
            struct buf lent = buf_over(lent_bytes, sizeof(lent_bytes));
            assert_int_equal(lend_in_pieces(stream, first, others, &lent), RESP_BROKEN);
            assert_true(slice_equal(buf_slice(&lent), buf_slice(&expected)));
        }
    }
}

static void a_flat_reply_lies_in_what_was_lent(void **state) {
    (void)state;
    static const struct slice two = SLICE("*1\r\n$3\r\nabc\r\n*1\r\n$3\r\ndef\r\n");
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    const struct redis_reply *reply = NULL;
    resp_reader_lend(reader, two);
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    assert_ptr_equal(redis_reply_text(redis_reply_at(reply, 0)).data, two.data + 8);
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    assert_ptr_equal(redis_reply_text(redis_reply_at(reply, 0)).data, two.data + 21);
    assert_int_equal(resp_reader_next(reader, &reply), RESP_MORE);
    resp_reader_destroy(&reader);
}

static void what_is_no_reply_is_broken_and_stays_so(void **state) {
    (void)state;
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    const struct redis_reply *reply = NULL;
    resp_reader_lend(reader, SLICE("*1\r\n$1\r\na\r\nHTTP/1.1 200 OK\r\n\r\n"));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    assert_int_equal(resp_reader_next(reader, &reply), RESP_BROKEN);
    assert_int_equal(resp_reader_next(reader, &reply), RESP_BROKEN);
    resp_reader_destroy(&reader);
}

static void a_line_that_ends_in_a_bare_line_feed_is_not_the_end_of_reading(void **state) {
    (void)state;
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    const struct redis_reply *reply = NULL;
    resp_reader_lend(reader, SLICE("+a\n+b\r\n*1\r\n$1\r\nc\r\n+d\n"));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    assert_true(slice_equal(redis_reply_text(reply), SLICE("a\n+b")));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    assert_true(slice_equal(redis_reply_text(redis_reply_at(reply, 0)), SLICE("c")));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_MORE);
    resp_reader_lend(reader, SLICE("*1\r\n")); /* of the line that is not over yet */
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    assert_true(slice_equal(redis_reply_text(reply), SLICE("d\n*1")));
    resp_reader_destroy(&reader);
}

static void a_line_without_end_is_broken(void **state) {
    (void)state;
    char line[1024];
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    const struct redis_reply *reply = NULL;
    memset(line, 'x', sizeof(line));
    line[0] = '+';
    resp_reader_lend(reader, slice_make(line, sizeof(line)));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_BROKEN);
    resp_reader_destroy(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_they_are_cut),
        cmocka_unit_test(a_flat_reply_lies_in_what_was_lent),
        cmocka_unit_test(what_is_no_reply_is_broken_and_stays_so),
        cmocka_unit_test(a_line_that_ends_in_a_bare_line_feed_is_not_the_end_of_reading),
        cmocka_unit_test(a_line_without_end_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
