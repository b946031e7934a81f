/* resp.h: commands out, replies in, and what one reply may cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "redis/url.h"
#include "resp.h"

static const struct redis_reply *only_reply(struct resp_reader *reader, struct slice bytes) {
    const struct redis_reply *reply = NULL;
    assert_true(resp_reader_feed(reader, bytes.data, bytes.size));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    return reply;
}

static void command_is_an_array_of_bulk_strings(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 1024);
    assert_true(resp_append_command(
        &out, 3, (struct slice[]){SLICE("SET"), SLICE("a\r\n\0b"), SLICE_EMPTY}));
    assert_true(
        slice_equal(buf_slice(&out), SLICE("*3\r\n$3\r\nSET\r\n$5\r\na\r\n\0b\r\n$0\r\n\r\n")));
    buf_fini(&out);
}

static void command_beyond_the_limit_is_left_out_whole(void **state) {
    (void)state;
    struct buf out;
    char big[512] = "";
    buf_init(&out, 600);
    assert_true(resp_append_command(&out, 1, (struct slice[]){SLICE("PING")}));
    size_t size = out.size;
    assert_false(resp_append_command(&out, 1, (struct slice[]){slice_make(big, 600)}));
    assert_int_equal(out.size, size);
    assert_false(out.overflowed);
    assert_true(resp_append_command(&out, 1, (struct slice[]){SLICE("PING")}));
    buf_fini(&out);
}

static void greeting_is_what_the_url_asks_for(void **state) {
    (void)state;
    struct redis_url url = {.host = "h"};
    struct buf out;
    size_t count = 7;
    buf_init(&out, 1024);
    assert_true(resp_append_greeting(&out, &url, &count));
    assert_int_equal(count, 0);
    assert_int_equal(out.size, 0);

    snprintf(url.password, sizeof(url.password), "pw");
    assert_true(resp_append_greeting(&out, &url, &count));
    assert_int_equal(count, 1);
    assert_true(slice_equal(buf_slice(&out), SLICE("*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n")));

    buf_clear(&out);
    snprintf(url.user, sizeof(url.user), "me");
    url.db = 12;
    assert_true(resp_append_greeting(&out, &url, &count));
    assert_int_equal(count, 2);
    assert_true(slice_equal(buf_slice(&out), SLICE("*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n"
                                                   "*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n")));
    buf_fini(&out);
}

static void every_type_of_reply_reads(void **state) {
    (void)state;
    struct resp_reader *reader = resp_reader_create(1000, 100);
    const struct redis_reply *reply = only_reply(reader, SLICE("+OK\r\n"));
    assert_true(slice_equal(redis_reply_text(reply), SLICE("OK")));
    assert_false(redis_reply_is_error(reply));

    reply = only_reply(reader, SLICE("-ERR no\r\n"));
    assert_true(redis_reply_is_error(reply));
    assert_true(slice_equal(redis_reply_text(reply), SLICE("ERR no")));

    reply = only_reply(reader, SLICE(":-42\r\n"));
    assert_true(redis_reply_is_integer(reply));
    assert_int_equal(redis_reply_integer(reply), -42);
    assert_int_equal(redis_reply_text(reply).size, 0);

    reply = only_reply(reader, SLICE("$-1\r\n"));
    assert_true(redis_reply_is_nil(reply));

    reply = only_reply(reader, SLICE("*2\r\n$3\r\na\0b\r\n*1\r\n:7\r\n"));
    assert_true(redis_reply_is_array(reply));
    assert_int_equal(redis_reply_count(reply), 2);
    assert_true(slice_equal(redis_reply_text(redis_reply_at(reply, 0)), SLICE("a\0b")));
    assert_int_equal(redis_reply_integer(redis_reply_at(redis_reply_at(reply, 1), 0)), 7);
    resp_reader_destroy(&reader);
    assert_null(reader);
}

static void accessors_answer_something_harmless_for_other_types(void **state) {
    (void)state;
    struct resp_reader *reader = resp_reader_create(1000, 100);
    const struct redis_reply *reply = only_reply(reader, SLICE("*1\r\n+x\r\n"));
    assert_null(redis_reply_at(reply, 1));
    assert_null(redis_reply_at(reply, SIZE_MAX));
    assert_int_equal(redis_reply_integer(reply), 0);
    assert_int_equal(redis_reply_text(reply).size, 0);
    assert_null(redis_reply_at(redis_reply_at(reply, 0), 0));
    assert_int_equal(redis_reply_count(redis_reply_at(reply, 0)), 0);
    assert_true(redis_reply_is_nil(NULL));
    assert_false(redis_reply_is_error(NULL));
    assert_false(redis_reply_is_array(NULL));
    assert_int_equal(redis_reply_count(NULL), 0);
    assert_int_equal(redis_reply_text(NULL).size, 0);
    resp_reader_destroy(&reader);
}

static void replies_may_come_byte_by_byte(void **state) {
    (void)state;
    static const struct slice bytes = SLICE("*2\r\n$3\r\nabc\r\n$-1\r\n:1\r\n");
    struct resp_reader *reader = resp_reader_create(100, 10);
    const struct redis_reply *reply = NULL;
    unsigned replies = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        assert_true(resp_reader_feed(reader, bytes.data + i, 1));
        enum resp_result result = resp_reader_next(reader, &reply);
        assert_int_not_equal(result, RESP_BROKEN);
        replies += result == RESP_REPLY;
    }
    assert_int_equal(replies, 2);
    assert_int_equal(redis_reply_integer(reply), 1);
    resp_reader_destroy(&reader);
}

static void broken(struct slice bytes) {
    struct resp_reader *reader = resp_reader_create(1000, 100);
    const struct redis_reply *reply = NULL;
    assert_true(resp_reader_feed(reader, bytes.data, bytes.size));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_BROKEN);
    resp_reader_destroy(&reader);
}

static void garbage_is_broken(void **state) {
    (void)state;
    broken(SLICE("HTTP/1.1 400 Bad Request\r\n\r\n"));
    broken(SLICE("$x\r\n"));
    broken(SLICE("*-7\r\n"));
    broken(SLICE("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"));
    broken(SLICE("\0\0\0\0"));
    broken(SLICE("$0000000000000000000000000000000000000000"));
    broken(SLICE("$5\nhello\r\n"));
    broken(SLICE("$2147483647\r\n"));
}

static void arrays_are_bounded_before_they_are_allocated(void **state) {
    (void)state;
    broken(SLICE("*101\r\n"));
    broken(SLICE("*2147483647\r\n"));
    broken(SLICE("*2147483648\r\n"));
    broken(SLICE("*9223372036854775807\r\n"));
}

static void elements_are_counted_over_the_whole_reply_and_anew_for_the_next(void **state) {
    (void)state;
    struct resp_reader *reader = resp_reader_create(1000, 4);
    only_reply(reader, SLICE("*2\r\n*2\r\n:1\r\n:2\r\n:3\r\n"));
    only_reply(reader, SLICE("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n"));
    const struct redis_reply *reply = NULL;
    assert_true(resp_reader_feed(reader, "*2\r\n*3\r\n", 8));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_BROKEN);
    resp_reader_destroy(&reader);
}

static void too_long_a_string_is_skipped_and_reads_as_toolarge(void **state) {
    (void)state;
    static const struct slice bytes = SLICE(
        "*3\r\n$3\r\nabc\r\n$33\r\n*1\r\n$9\r\n0123456789abcdefghijklmno\r\n*1\r\n$4\r\ntail\r\n"
        "+next\r\n");
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        struct resp_reader *reader = resp_reader_create(32, 8);
        const struct redis_reply *reply = NULL;
        unsigned replies = 0;
        for (size_t at = 0; at < bytes.size; at += piece) {
            struct slice now = slice_first(slice_from(bytes, at), piece);
            assert_true(resp_reader_feed(reader, now.data, now.size));
            enum resp_result result;
            while ((result = resp_reader_next(reader, &reply)) == RESP_REPLY) {
                assert_int_equal(resp_is_too_large(reply), replies == 0);
                assert_int_equal(redis_reply_is_error(reply), replies == 0);
                replies++;
            }
            assert_int_equal(result, RESP_MORE);
        }
        assert_int_equal(replies, 2);
        resp_reader_destroy(&reader);
    }
}

static void skipping_takes_no_memory_and_ends_with_the_reply(void **state) {
    (void)state;
    enum { BYTES = 100 * 1000 * 1000, PIECE = 1000 };
    struct resp_reader *reader = resp_reader_create(32, 4);
    const struct redis_reply *reply = NULL;
    char zeros[PIECE] = {0};
    only_reply(reader, SLICE("$32\r\n0123456789abcdef0123456789abcdef\r\n"));
    assert_true(resp_reader_feed(reader, "$100000000\r\n", 12));
    assert_true(resp_reader_is_skipping(reader));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_MORE);
    for (size_t i = 0; i < BYTES; i += PIECE) {
        assert_true(resp_reader_feed(reader, zeros, PIECE));
    }
    assert_true(resp_reader_feed(reader, "\r\n", 2));
    assert_false(resp_reader_is_skipping(reader));
    assert_int_equal(resp_reader_next(reader, &reply), RESP_REPLY);
    assert_true(resp_is_too_large(reply));
    reply = only_reply(reader, SLICE("$3\r\nabc\r\n"));
    assert_true(slice_equal(redis_reply_text(reply), SLICE("abc")));
    resp_reader_destroy(&reader);
}

static void the_strings_of_a_reply_are_bounded_together_and_anew_for_the_next(void **state) {
    (void)state;
    struct resp_reader *reader = resp_reader_create(32, 4);
    for (int i = 0; i < 10; i++) {
        const struct redis_reply *reply = only_reply(
            reader, SLICE("*2\r\n$16\r\n0123456789abcdef\r\n$16\r\n0123456789abcdef\r\n"));
        assert_int_equal(redis_reply_count(reply), 2);
    }
    const struct redis_reply *reply = only_reply(
        reader, SLICE("*3\r\n$16\r\n0123456789abcdef\r\n$17\r\n0123456789abcdefg\r\n$-1\r\n"));
    assert_true(resp_is_too_large(reply));
    resp_reader_destroy(&reader);
}

static void a_line_without_end_is_too_much(void **state) {
    (void)state;
    struct resp_reader *reader = resp_reader_create(32, 4);
    assert_true(resp_reader_feed(reader, "+", 1));
    unsigned fed = 1;
    while (fed < 1000 && resp_reader_feed(reader, "x", 1)) {
        fed++;
    }
    assert_in_range(fed, 32, 32 + 5 * 32);
    resp_reader_destroy(&reader);
}

/* However it is cut up, and whatever follows. */
static void the_end_of_a_reply_is_found(void **state) {
    static const struct slice replies[] = {
        SLICE("+OK\r\n"),
        SLICE("-ERR no\r\n"),
        SLICE(":-12\r\n"),
        SLICE("$0\r\n\r\n"),
        SLICE("$-1\r\n"),
        SLICE("*-1\r\n"),
        SLICE("*0\r\n"),
        SLICE("$13\r\n$3\r\nabc\r\n+x\r\n\r\n"),
        SLICE("*2\r\n*2\r\n$1\r\na\r\n*0\r\n*1\r\n*1\r\n:1\r\n"),
        SLICE("*3\r\n$104\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
              "0123456789012345678901234567890123\r\n$2\r\nab\r\n$-1\r\n"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(replies); i++) {
        char bytes[512];
        size_t size = replies[i].size;
        memset(bytes, '$', sizeof(bytes));
        memcpy(bytes, replies[i].data, size);
        struct resp_walk whole = {0};
        assert_int_equal(resp_walk(&whole, slice_make(bytes, sizeof(bytes))), RESP_REPLY);
        assert_int_equal(whole.at, size);
        struct resp_walk grows = {0};
        for (size_t there = 0; there < size; there++) {
            assert_int_equal(resp_walk(&grows, slice_make(bytes, there)), RESP_MORE);
        }
        assert_int_equal(resp_walk(&grows, slice_make(bytes, size)), RESP_REPLY);
        assert_int_equal(grows.at, size);
    }
}

static void what_is_no_reply_has_no_end(void **state) {
    static const char *const wrong[] = {"x\r\n",        "$x\r\n",           "$\r\n\r\n",
                                        "*1\r\n?x\r\n", "$1\rx12\r\n",      "$-2\r\n",
                                        "*-5\r\n",      "$99999999999\r\n", "*1\r\n$1 \r\na\r\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct resp_walk walk = {0};
        assert_int_equal(resp_walk(&walk, slice_of(wrong[i])), RESP_BROKEN);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_is_an_array_of_bulk_strings),
        cmocka_unit_test(command_beyond_the_limit_is_left_out_whole),
        cmocka_unit_test(greeting_is_what_the_url_asks_for),
        cmocka_unit_test(every_type_of_reply_reads),
        cmocka_unit_test(accessors_answer_something_harmless_for_other_types),
        cmocka_unit_test(replies_may_come_byte_by_byte),
        cmocka_unit_test(garbage_is_broken),
        cmocka_unit_test(arrays_are_bounded_before_they_are_allocated),
        cmocka_unit_test(elements_are_counted_over_the_whole_reply_and_anew_for_the_next),
        cmocka_unit_test(too_long_a_string_is_skipped_and_reads_as_toolarge),
        cmocka_unit_test(skipping_takes_no_memory_and_ends_with_the_reply),
        cmocka_unit_test(the_strings_of_a_reply_are_bounded_together_and_anew_for_the_next),
        cmocka_unit_test(a_line_without_end_is_too_much),
        cmocka_unit_test(the_end_of_a_reply_is_found),
        cmocka_unit_test(what_is_no_reply_has_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
