/*
 * test_batch.c - the RESP of rows: what is set, what is removed, when a batch is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "link/store.h"

static struct batch *begin(struct store *store) {
    struct batch *batch = malloc(sizeof *batch);
    assert_non_null(batch);
    batch_init(batch, store, 1700000000);
    return batch;
}

static void end(struct batch *batch) {
    batch_fini(batch);
    free(batch);
}

static void a_row_sets_what_it_gives_and_when_it_was_made(void **state) {
    (void)state;
    struct store store = {.key_prefix = SLICE("b:")};
    struct batch *batch = begin(&store);
    struct row row = {.line = 2, .code = SLICE("AB12")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("spring");
    batch_add(batch, &row);
    assert_true(
        slice_equal(buf_slice(&batch->resp), SLICE("*4\r\n$4\r\nHSET\r\n$11\r\nb:link:AB12\r\n"
                                                   "$8\r\ncampaign\r\n$6\r\nspring\r\n"
                                                   "*4\r\n$6\r\nHSETNX\r\n$11\r\nb:link:AB12\r\n"
                                                   "$10\r\ncreated_at\r\n$10\r\n1700000000\r\n")));
    assert_int_equal(batch->command_count, 2);
    assert_int_equal(batch->row[0].command_count, 2);
    end(batch);
}

static void an_empty_value_removes_its_field(void **state) {
    (void)state;
    struct store store = {.key_prefix = SLICE("")};
    struct batch *batch = begin(&store);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_URL] = SLICE("https://a/\r\n");
    row.fields.value[LINK_FIELD_OWNER] = SLICE("");
    row.fields.value[LINK_FIELD_EXPIRES_AT] = SLICE("");
    batch_add(batch, &row);
    assert_true(
        slice_starts_with(buf_slice(&batch->resp), SLICE("*4\r\n$4\r\nHSET\r\n$6\r\nlink:A\r\n"
                                                         "$3\r\nurl\r\n$12\r\nhttps://a/\r\n\r\n"
                                                         "*4\r\n$4\r\nHDEL\r\n$6\r\nlink:A\r\n"
                                                         "$5\r\nowner\r\n$10\r\nexpires_at\r\n"
                                                         "*4\r\n$6\r\nHSETNX\r\n")));
    assert_int_equal(batch->row[0].command_count, 3);
    end(batch);
}

static void when_a_link_was_made_is_written_as_the_row_says(void **state) {
    (void)state;
    struct store store = {.key_prefix = SLICE("")};
    struct batch *batch = begin(&store);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    row.fields.value[LINK_FIELD_CREATED_AT] = SLICE("1600000000");
    batch_add(batch, &row);
    assert_true(
        slice_equal(buf_slice(&batch->resp), SLICE("*6\r\n$4\r\nHSET\r\n$6\r\nlink:A\r\n"
                                                   "$8\r\ncampaign\r\n$1\r\ns\r\n"
                                                   "$10\r\ncreated_at\r\n$10\r\n1600000000\r\n")));
    assert_int_equal(batch->row[0].command_count, 1);
    row.fields.value[LINK_FIELD_CREATED_AT] = SLICE(""); /* removed, and not put there again */
    batch_add(batch, &row);
    assert_true(slice_find(buf_slice(&batch->resp), SLICE("HDEL")) != SIZE_MAX);
    assert_true(slice_find(buf_slice(&batch->resp), SLICE("HSETNX")) == SIZE_MAX);
    assert_int_equal(batch->row[1].command_count, 2);
    end(batch);
}

static void a_batch_is_full_at_its_rows(void **state) {
    (void)state;
    struct store store = {.key_prefix = SLICE("")};
    struct batch *batch = begin(&store);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    for (int i = 0; i < BATCH_ROWS_MAX; i++) {
        assert_false(batch_is_full(batch));
        batch_add(batch, &row);
    }
    assert_true(batch_is_full(batch));
    end(batch);
}

static void a_batch_is_full_at_its_bytes(void **state) {
    (void)state;
    enum { VALUE_BYTES = 64 * 1024 };
    struct store store = {.key_prefix = SLICE("")};
    struct batch *batch = begin(&store);
    char *value = malloc(VALUE_BYTES);
    memset(value, 'x', VALUE_BYTES);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_URL] = slice_make(value, VALUE_BYTES);
    while (!batch_is_full(batch)) {
        batch_add(batch, &row);
    }
    assert_int_equal(batch->row_count, BATCH_BYTES_MAX / VALUE_BYTES);
    assert_false(batch->resp.overflowed);
    free(value);
    end(batch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_sets_what_it_gives_and_when_it_was_made),
        cmocka_unit_test(an_empty_value_removes_its_field),
        cmocka_unit_test(when_a_link_was_made_is_written_as_the_row_says),
        cmocka_unit_test(a_batch_is_full_at_its_rows),
        cmocka_unit_test(a_batch_is_full_at_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
