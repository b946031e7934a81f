/* flat.h: replies read where they lie, and what is left to hiredis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "flat.h"
#include "redis/reply.h"

static const struct flat_limits ample = {.bytes_max = 1 << 20, .elements_max = 1000};
static const struct slice three = SLICE("*3\r\n$6\r\nspring\r\n$-1\r\n$2\r\n\r\n\r\n");

static size_t read_exactly(struct flat *flat, struct slice input, struct flat_limits limits) {
    /* On the heap, so that the address sanitizer sees what is read beyond the end. */
    static char *copy = NULL;
    free(copy);
    copy = malloc(input.size + 1);
    assert_non_null(copy);
    memcpy(copy + 1, input.data, input.size);
    return flat_read(flat, slice_make(copy + 1, input.size), limits);
}

static struct slice text_at(const struct flat *flat, size_t index) {
    const struct redis_reply *reply = (const struct redis_reply *)(const void *)&flat->reply;
    return redis_reply_text(redis_reply_at(reply, index));
}

static void strings_and_nils_are_read_in_place(void **state) {
    (void)state;
    struct flat flat;
    flat_init(&flat);
    assert_int_equal(flat_read(&flat, three, ample), three.size);
    const struct redis_reply *reply = (const struct redis_reply *)(const void *)&flat.reply;
    assert_true(redis_reply_is_array(reply));
    assert_int_equal(redis_reply_count(reply), 3);
    assert_true(slice_equal(text_at(&flat, 0), SLICE("spring")));
    assert_ptr_equal(text_at(&flat, 0).data, three.data + 8);
    assert_true(redis_reply_is_nil(redis_reply_at(reply, 1)));
    assert_true(slice_equal(text_at(&flat, 2), SLICE("\r\n")));
    assert_null(redis_reply_at(reply, 3));
}

static void what_stood_there_before_does_not_show_through(void **state) {
    (void)state;
    struct flat flat;
    flat_init(&flat);
    assert_true(flat_read(&flat, three, ample) > 0);
    assert_true(flat_read(&flat, SLICE("*2\r\n$-1\r\n$3\r\nabc\r\n:1\r\n"), ample) == 18);
    const struct redis_reply *reply = (const struct redis_reply *)(const void *)&flat.reply;
    assert_int_equal(redis_reply_count(reply), 2);
    assert_true(redis_reply_is_nil(redis_reply_at(reply, 0)));
    assert_int_equal(text_at(&flat, 0).size, 0);
    assert_true(slice_equal(text_at(&flat, 1), SLICE("abc")));
}

static void a_reply_that_is_cut_off_anywhere_is_left(void **state) {
    (void)state;
    struct flat flat;
    flat_init(&flat);
    for (size_t size = 0; size < three.size; size++) {
        assert_int_equal(read_exactly(&flat, slice_first(three, size), ample), 0);
    }
    assert_int_equal(read_exactly(&flat, three, ample), three.size);
}

static void anything_else_is_left(void **state) {
    (void)state;
    static const struct slice others[] = {
        SLICE("+OK\r\n+OK\r\n"),
        SLICE("$3\r\nabc\r\n"),
        SLICE("*-1\r\n:1000000\r\n"),
        SLICE("*0\r\n:1000000\r\n"),
        SLICE("*01\r\n$1\r\na\r\n"),
        SLICE("*+1\r\n$1\r\na\r\n"),
        SLICE("*\r\n$1\r\na\r\n\r\n"),
        SLICE("*1\n$1\na\n:1000000\r\n"),
        SLICE("*1\r\n:1\r\n:1000000\r\n"),
        SLICE("*1\r\n*1\r\n$1\r\na\r\n"),
        SLICE("*1\r\n$-2\r\n:1000000\r\n"),
        SLICE("*1\r\n$01\r\na\r\n:1\r\n"),
        SLICE("*1\r\n$3\r\nabcd\r\n:1\r\n"),
        SLICE("*1\r\n$3\r\nab\r\n:1\r\n"),
        SLICE("*1\r\n$10000\r\nabcdefgh\r\n"),
        SLICE("*1\r\n$99999999999999999999\r\nabcdefgh\r\n"),
        SLICE("*99999999999999999999\r\n$1\r\na\r\n"),
    };
    struct flat flat;
    flat_init(&flat);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(read_exactly(&flat, others[i], ample), 0);
    }
}

static void each_limit_is_reached_and_not_passed(void **state) {
    (void)state;
    struct flat flat;
    struct buf reply;
    char *text = calloc(1, FLAT_STRING_BYTES_MAX + 1);
    flat_init(&flat);
    assert_int_equal(flat_read(&flat, three, (struct flat_limits){8, 3}), three.size);
    assert_int_equal(flat_read(&flat, three, (struct flat_limits){7, 3}), 0);
    assert_int_equal(flat_read(&flat, three, (struct flat_limits){8, 2}), 0);

    buf_init(&reply, 1 << 20);
    for (unsigned count = FLAT_ELEMENTS_MAX; count <= FLAT_ELEMENTS_MAX + 1; count++) {
        buf_clear(&reply);
        assert_true(buf_printf(&reply, "*%u\r\n", count));
        for (unsigned i = 0; i < count; i++) {
            assert_true(buf_append(&reply, SLICE("$3\r\nabc\r\n")));
        }
        assert_int_equal(flat_read(&flat, buf_slice(&reply), ample),
                         count > FLAT_ELEMENTS_MAX ? 0 : reply.size);
    }
    for (unsigned size = FLAT_STRING_BYTES_MAX; size <= FLAT_STRING_BYTES_MAX + 1; size++) {
        buf_clear(&reply);
        assert_true(buf_printf(&reply, "*1\r\n$%u\r\n", size));
        assert_true(buf_append_bytes(&reply, text, size));
        assert_true(buf_append(&reply, SLICE("\r\n")));
        assert_int_equal(flat_read(&flat, buf_slice(&reply), ample),
                         size > FLAT_STRING_BYTES_MAX ? 0 : reply.size);
    }
    buf_fini(&reply);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_and_nils_are_read_in_place),
        cmocka_unit_test(what_stood_there_before_does_not_show_through),
        cmocka_unit_test(a_reply_that_is_cut_off_anywhere_is_left),
        cmocka_unit_test(anything_else_is_left),
        cmocka_unit_test(each_limit_is_reached_and_not_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
