/*
 * test_batch.c - rows on their way: what is set, what is removed, when a batch is full, which rows
 * are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/redis_admin.h"
#include "base/buf.h"
#include "batch.h"
#include "link/store.h"

struct fixture {
    struct test_redis redis;
    struct redis_pipe *pipe;
    struct redis_pipe *admin;
    struct store store;
    struct batch *batch;
    struct batch_outcome outcome;
    size_t refused;
    char refused_codes[256];
};

static void on_refused(void *argument, uint64_t line, struct slice code, struct slice reason) {
    struct fixture *it = argument;
    size_t size = strlen(it->refused_codes);
    assert_true(reason.size > 0);
    snprintf(it->refused_codes + size, sizeof(it->refused_codes) - size, "%u:%.*s ", (unsigned)line,
             SLICE_ARG(code));
    it->refused++;
}

static void begin(struct fixture *it) {
    *it = (struct fixture){0};
    test_redis_init(&it->redis);
    test_redis_start(&it->redis, NULL);
    it->pipe = admin_open(&it->redis);
    it->admin = admin_open(&it->redis);
    it->store = (struct store){.pipe = it->pipe, .key_prefix = SLICE("b:")};
    it->batch = malloc(sizeof *it->batch);
    assert_non_null(it->batch);
    batch_init(it->batch, &it->store, 1700000000);
    it->outcome = (struct batch_outcome){.on_refused = on_refused, .argument = it};
}

static void end(struct fixture *it) {
    batch_fini(it->batch);
    free(it->batch);
    redis_pipe_destroy(&it->pipe);
    redis_pipe_destroy(&it->admin);
    test_redis_fini(&it->redis);
}

static void write_batch(struct fixture *it) {
    struct err err = {""};
    if (!batch_write(it->batch, &it->outcome, &err)) {
        fail_msg("%s", err.text);
    }
}

static void assert_field(struct fixture *it, const char *words, const char *value) {
    struct slice is = redis_reply_text(admin_ask(it->admin, words));
    if (!slice_equal(is, slice_of(value))) {
        fail_msg("%s: %.*s", words, SLICE_ARG(is));
    }
}

static void a_row_sets_what_it_gives_and_when_it_was_made(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct row row = {.line = 2, .code = SLICE("AB12")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("spring");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_int_equal(it.outcome.written, 1);
    assert_int_equal(it.outcome.last_line, 2);
    assert_field(&it, "HGET b:link:AB12 campaign", "spring");
    assert_field(&it, "HGET b:link:AB12 created_at", "1700000000");
    assert_int_equal(admin_do(&it.redis, "HLEN b:link:AB12"), 2);
    end(&it);
}

static void an_empty_value_removes_its_field_and_what_is_not_said_stays(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    admin_do(&it.redis, "HSET b:link:A owner ana expires_at 9 status paused created_at 5 note n");
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_URL] = SLICE("https://a/\r\n");
    row.fields.value[LINK_FIELD_OWNER] = SLICE("");
    row.fields.value[LINK_FIELD_EXPIRES_AT] = SLICE("");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_field(&it, "HGET b:link:A url", "https://a/\r\n");
    assert_field(&it, "HGET b:link:A status", "paused");
    assert_field(&it, "HGET b:link:A created_at", "5");
    assert_field(&it, "HGET b:link:A note", "n");
    assert_int_equal(admin_do(&it.redis, "HEXISTS b:link:A owner"), 0);
    assert_int_equal(admin_do(&it.redis, "HEXISTS b:link:A expires_at"), 0);
    end(&it);
}

static void when_a_link_was_made_is_written_as_the_row_says(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    row.fields.value[LINK_FIELD_CREATED_AT] = SLICE("1600000000");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_field(&it, "HGET b:link:A created_at", "1600000000");
    row.fields.value[LINK_FIELD_CREATED_AT] = SLICE(""); /* removed, and not put there again */
    batch_add(it.batch, &row);
    row.code = SLICE("B");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_int_equal(admin_do(&it.redis, "HEXISTS b:link:A created_at"), 0);
    assert_int_equal(admin_do(&it.redis, "HEXISTS b:link:B created_at"), 0);
    assert_field(&it, "HGET b:link:B campaign", "s");
    end(&it);
}

static void what_the_collector_counts_is_not_written(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    admin_do(&it.redis, "HSET b:link:A campaign s used 7");
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    row.fields.value[LINK_FIELD_USED] = SLICE("0");
    batch_add(it.batch, &row);
    row.code = SLICE("B");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_field(&it, "HGET b:link:A used", "7");
    assert_int_equal(admin_do(&it.redis, "HEXISTS b:link:B used"), 0);
    end(&it);
}

static void a_key_that_is_no_hash_refuses_its_row_alone(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    admin_do(&it.redis, "SET b:link:c51 x");
    admin_do(&it.redis, "SET b:link:c0 x");
    char code[16];
    for (unsigned i = 0; i < 60; i++) { /* two calls */
        snprintf(code, sizeof code, "c%u", i);
        struct row row = {.line = i + 1, .code = slice_of(code)};
        row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
        batch_add(it.batch, &row);
    }
    write_batch(&it);
    assert_int_equal(it.outcome.written, 58);
    assert_string_equal(it.refused_codes, "1:c0 52:c51 ");
    assert_int_equal(it.outcome.last_line, 60);
    assert_int_equal(admin_do(&it.redis, "EXISTS b:link:c59"), 1);
    end(&it);
}

static void of_two_rows_with_one_code_the_later_wins(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    row.fields.value[LINK_FIELD_OWNER] = SLICE("ana");
    batch_add(it.batch, &row);
    row.fields.value[LINK_FIELD_OWNER] = SLICE("eva");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_field(&it, "HGET b:link:A owner", "eva");
    assert_int_equal(it.outcome.written, 2);
    end(&it);
}

static void what_is_imported_has_a_history(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    it.store.author =
        (struct store_author){.who = SLICE("ana@host"), .via = SLICE("import"), .entries = 5};
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_int_equal(admin_do(&it.redis, "HEXISTS b:link:A made"), 1);
    assert_int_equal(admin_do(&it.redis, "EXISTS b:history:link:A"), 0);
    batch_add(it.batch, &row); /* as it is */
    write_batch(&it);
    assert_int_equal(admin_do(&it.redis, "EXISTS b:history:link:A"), 0);
    row.fields.value[LINK_FIELD_OWNER] = SLICE("eva");
    batch_add(it.batch, &row);
    write_batch(&it);
    assert_int_equal(admin_do(&it.redis, "XLEN b:history:link:A"), 2);
    assert_int_equal(admin_do(&it.redis, "HEXISTS b:link:A made"), 0);
    end(&it);
}

static void a_batch_is_full_at_its_rows(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    for (int i = 0; i < BATCH_ROWS_MAX; i++) {
        assert_false(batch_is_full(it.batch));
        batch_add(it.batch, &row);
    }
    assert_true(batch_is_full(it.batch));
    write_batch(&it);
    assert_int_equal(it.outcome.written, BATCH_ROWS_MAX);
    assert_false(batch_is_full(it.batch));
    end(&it);
}

static void a_batch_is_full_at_its_bytes(void **state) {
    (void)state;
    enum { VALUE_BYTES = 64 * 1024 };
    struct fixture it;
    begin(&it);
    char *value = malloc(VALUE_BYTES);
    memset(value, 'x', VALUE_BYTES);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_URL] = slice_make(value, VALUE_BYTES);
    while (!batch_is_full(it.batch)) {
        batch_add(it.batch, &row);
    }
    assert_int_equal(it.batch->row_count, BATCH_BYTES_MAX / VALUE_BYTES);
    write_batch(&it);
    assert_int_equal(it.outcome.written, BATCH_BYTES_MAX / VALUE_BYTES);
    free(value);
    end(&it);
}

static void a_redis_that_does_not_write_ends_it(void **state) {
    (void)state;
    struct fixture it;
    struct err err = {""};
    begin(&it);
    struct row row = {.line = 2, .code = SLICE("A")};
    row.fields.value[LINK_FIELD_CAMPAIGN] = SLICE("s");
    admin_do(&it.redis, "SET b:filler x");
    (void)admin_ask(it.admin, "CONFIG SET maxmemory 1");
    batch_add(it.batch, &row);
    assert_false(batch_write(it.batch, &it.outcome, &err));
    assert_non_null(strstr(err.text, "Redis refuses to write"));
    assert_int_equal(it.outcome.written, 0);
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_sets_what_it_gives_and_when_it_was_made),
        cmocka_unit_test(an_empty_value_removes_its_field_and_what_is_not_said_stays),
        cmocka_unit_test(when_a_link_was_made_is_written_as_the_row_says),
        cmocka_unit_test(what_the_collector_counts_is_not_written),
        cmocka_unit_test(a_key_that_is_no_hash_refuses_its_row_alone),
        cmocka_unit_test(of_two_rows_with_one_code_the_later_wins),
        cmocka_unit_test(what_is_imported_has_a_history),
        cmocka_unit_test(a_batch_is_full_at_its_rows),
        cmocka_unit_test(a_batch_is_full_at_its_bytes),
        cmocka_unit_test(a_redis_that_does_not_write_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
