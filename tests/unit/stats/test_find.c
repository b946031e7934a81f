/*
 * test_find.c - clicks by their ids: found, gone, and among what others write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "base/buf.h"
#include "base/random.h"
#include "stats/find.h"

#define MS UINT64_C(1795284000000)

struct place {
    struct test_redis redis;
    struct redis_pipe *pipe;
    struct redis_pipe *admin;
    struct random random;
    struct buf bytes;
    struct found_click found;
    struct err err;
};

static struct place it;

static int begin(void **state) {
    (void)state;
    test_redis_init(&it.redis);
    test_redis_start(&it.redis, NULL);
    struct redis_url url = test_redis_url(&it.redis);
    it.pipe = redis_pipe_create(&url, 5000);
    it.admin = admin_open(&it.redis);
    random_init(&it.random);
    buf_init(&it.bytes, 64 * 1024);
    return 0;
}

static int end(void **state) {
    (void)state;
    buf_fini(&it.bytes);
    redis_pipe_destroy(&it.admin);
    redis_pipe_destroy(&it.pipe);
    test_redis_fini(&it.redis);
    return 0;
}

static enum find_result find(const struct ulid *id) {
    buf_clear(&it.bytes);
    it.err.text[0] = '\0';
    it.found.bytes = &it.bytes;
    return find_click(it.pipe, SLICE("p:"), id, &it.found, &it.err);
}

/* fields: more of the entry, or NULL. */
static void add(const char *stream, unsigned sequence, const struct ulid *id, const char *fields) {
    char words[1024], text[ULID_TEXT_SIZE];
    ulid_format(id, text);
    snprintf(words, sizeof(words), "XADD p:clicks:%s %lu-%u id %.26s%s%s", stream,
             (unsigned long)ulid_unix_ms(id), sequence, text, fields != NULL ? " " : "",
             fields != NULL ? fields : "");
    assert_false(redis_reply_is_error(admin_ask(it.admin, words)));
    snprintf(words, sizeof(words), "SADD p:streams p:clicks:%s", stream);
    admin_ask(it.admin, words);
}

static struct ulid make_id(void) {
    return ulid_make(MS, &it.random);
}

static void a_click_is_found_among_its_millisecond(void **state) {
    (void)state;
    struct ulid ids[50];
    for (unsigned i = 0; i < ARRAY_COUNT(ids); i++) {
        char fields[64];
        ids[i] = make_id();
        snprintf(fields, sizeof(fields), "code C%u at 5 rule web", i);
        add(i % 3 == 0 ? "e:0" : i % 3 == 1 ? "e:1" : "f:0", i + 1, &ids[i], fields);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(ids); i++) {
        char code[8];
        snprintf(code, sizeof(code), "C%u", i);
        assert_int_equal(find(&ids[i]), FIND_FOUND);
        assert_true(slice_equal(found_click_value(&it.found, "code"), slice_of(code)));
        assert_true(slice_equal(found_click_value(&it.found, "rule"), SLICE("web")));
        assert_int_equal(it.found.ms, MS);
        assert_int_equal(it.found.sequence, i + 1);
    }
    assert_true(slice_equal(it.found.stream, SLICE("p:clicks:e:1")));
    assert_true(slice_equal(it.found.value[1], SLICE("5")));
    assert_int_equal(found_click_value(&it.found, "owner").size, 0);
    assert_int_equal(found_click_value(&it.found, "no such field").size, 0);
}

static void what_is_not_there_is_none(void **state) {
    (void)state;
    struct ulid there = make_id(), other = make_id(), later = ulid_make(MS + 1, &it.random);
    assert_int_equal(find(&there), FIND_NONE); /* no streams at all */
    add("e:0", 1, &there, NULL);
    assert_int_equal(find(&other), FIND_NONE);
    assert_int_equal(find(&later), FIND_NONE);
    admin_ask(it.admin, "SADD p:streams p:clicks:never");
    assert_int_equal(find(&later), FIND_NONE);
    assert_int_equal(find(&there), FIND_FOUND);
}

static void a_stream_that_is_none_fails_only_what_is_not_found(void **state) {
    (void)state;
    struct ulid there = make_id(), other = make_id();
    add("e:0", 1, &there, NULL);
    admin_ask(it.admin, "SET p:clicks:bad text");
    admin_ask(it.admin, "SADD p:streams p:clicks:bad");
    assert_int_equal(find(&there), FIND_FOUND);
    assert_int_equal(find(&other), FIND_FAILED);
    assert_non_null(strstr(it.err.text, "p:clicks:bad: WRONGTYPE"));
    assert_int_equal(find(&there), FIND_FOUND); /* the pipe is as it was */
}

static void a_set_that_is_none_fails(void **state) {
    (void)state;
    struct ulid id = make_id();
    admin_ask(it.admin, "SET p:streams text");
    assert_int_equal(find(&id), FIND_FAILED);
    assert_non_null(strstr(it.err.text, "p:streams: WRONGTYPE"));
}

static void texts_that_no_edge_writes_are_none(void **state) {
    (void)state;
    static char long_text[CLICK_TEXT_BYTES_MAX + 2];
    char fields[400];
    struct ulid id = make_id();
    memset(long_text, 'x', CLICK_TEXT_BYTES_MAX + 1);
    snprintf(fields, sizeof(fields), "owner %s code AB", long_text);
    add("e:0", 1, &id, fields);
    assert_int_equal(find(&id), FIND_FOUND);
    assert_int_equal(found_click_value(&it.found, "owner").size, 0);
    assert_true(slice_equal(found_click_value(&it.found, "code"), SLICE("AB")));
}

static void more_than_there_is_room_for_fails(void **state) {
    (void)state;
    struct ulid id = make_id();
    struct buf little;
    add("e:0", 1, &id, "code ABCDEFGHIJKLMNOP");
    buf_init(&little, 16);
    it.found.bytes = &little;
    assert_int_equal(find_click(it.pipe, SLICE("p:"), &id, &it.found, &it.err), FIND_FAILED);
    assert_non_null(strstr(it.err.text, "larger than there is room for"));
    buf_fini(&little);
}

/* What stands in a stream behind more entries of one millisecond than are looked at. */
static void too_many_of_a_millisecond_fail(void **state) {
    (void)state;
    struct ulid first = make_id(), last = make_id();
    char script[256];
    add("e:0", 1, &first, NULL);
    snprintf(script, sizeof(script),
             "for i=2,%d do redis.call('XADD','p:clicks:e:0','%lu-'..i,'a','b') end",
             FIND_ENTRIES_MAX + 1, (unsigned long)MS);
    struct slice eval[] = {SLICE("EVAL"), slice_of(script), SLICE("0")};
    assert_non_null(redis_pipe_command(it.admin, 3, eval, &it.err));
    add("e:0", FIND_ENTRIES_MAX + 2, &last, NULL);
    assert_int_equal(find(&first), FIND_FOUND);
    assert_int_equal(find(&last), FIND_FAILED);
    assert_non_null(strstr(it.err.text, "entries of that millisecond"));
}

static void too_many_streams_fail(void **state) {
    (void)state;
    struct ulid id = make_id();
    char script[128];
    snprintf(script, sizeof(script), "for i=1,%d do redis.call('SADD','p:streams','s'..i) end",
             FIND_STREAMS_MAX);
    struct slice eval[] = {SLICE("EVAL"), slice_of(script), SLICE("0")};
    assert_non_null(redis_pipe_command(it.admin, 3, eval, &it.err));
    assert_int_equal(find(&id), FIND_NONE);
    admin_ask(it.admin, "SADD p:streams more");
    assert_int_equal(find(&id), FIND_FAILED);
    assert_non_null(strstr(it.err.text, "too many to look through"));
}

static void without_redis_it_fails(void **state) {
    (void)state;
    struct ulid id = make_id();
    add("e:0", 1, &id, NULL);
    assert_int_equal(find(&id), FIND_FOUND);
    test_redis_end(&it.redis, SIGKILL);
    assert_int_equal(find(&id), FIND_FAILED);
    assert_int_not_equal(it.err.text[0], '\0');
    assert_false(redis_pipe_is_connected(it.pipe));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_click_is_found_among_its_millisecond, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_none, begin, end),
        cmocka_unit_test_setup_teardown(a_stream_that_is_none_fails_only_what_is_not_found, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_set_that_is_none_fails, begin, end),
        cmocka_unit_test_setup_teardown(texts_that_no_edge_writes_are_none, begin, end),
        cmocka_unit_test_setup_teardown(more_than_there_is_room_for_fails, begin, end),
        cmocka_unit_test_setup_teardown(too_many_of_a_millisecond_fail, begin, end),
        cmocka_unit_test_setup_teardown(too_many_streams_fail, begin, end),
        cmocka_unit_test_setup_teardown(without_redis_it_fails, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
