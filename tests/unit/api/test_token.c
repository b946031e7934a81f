/*
 * test_token.c - tokens against a real Redis: made once, found by their hash, listed, revoked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "api/token.h"
#include "base/buf.h"

#define PREFIX SLICE("t:")

struct bench {
    struct test_redis redis;
    struct redis_pipe *pipe;
};

static int set_up(void **state) {
    static struct bench bench;
    test_redis_init(&bench.redis);
    test_redis_start(&bench.redis, NULL);
    bench.pipe = admin_open(&bench.redis);
    *state = &bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    redis_pipe_destroy(&bench->pipe);
    test_redis_fini(&bench->redis);
    return 0;
}

static int empty(void **state) {
    struct bench *bench = *state;
    admin_ask(bench->pipe, "FLUSHALL");
    return 0;
}

static struct api_token make(struct bench *bench, const char *name, enum api_role role,
                             char text[API_TOKEN_BYTES + 1]) {
    struct api_token token = {.role = role, .created_at = 1700000000};
    struct err err;
    snprintf(token.name, sizeof token.name, "%s", name);
    assert_int_equal(api_token_new(bench->pipe, PREFIX, &token, text, &err), API_TOKEN_OK);
    return token;
}

static enum api_token_result find(struct bench *bench, const char *text, struct api_token *token) {
    struct err err;
    return api_token_find(bench->pipe, PREFIX, slice_of(text), token, &err);
}

static void a_token_is_found_by_what_was_shown(void **state) {
    struct bench *bench = *state;
    char text[API_TOKEN_BYTES + 1], other[API_TOKEN_BYTES + 1];
    struct api_token made = make(bench, "me", API_ROLE_WRITE, text);
    struct api_token found;
    make(bench, "other", API_ROLE_READ, other);
    assert_true(api_token_is_one(slice_of(text)));
    assert_string_not_equal(text, other);
    assert_int_equal(find(bench, text, &found), API_TOKEN_OK);
    assert_string_equal(found.name, "me");
    assert_string_equal(found.hash, made.hash);
    assert_int_equal(found.role, API_ROLE_WRITE);
    assert_int_equal(found.created_at, 1700000000);
}

/* Of printf TOKEN | sha256sum, with a token of its own, by any backend. */
static void the_hash_is_sha_256(void **state) {
    struct bench *bench = *state;
    struct api_token found;
    assert_int_equal(find(bench, "brinco_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &found),
                     API_TOKEN_NONE);
    admin_ask(
        bench->pipe,
        "HSET t:token:cbb44da4fc172cde1fdca38361bc065fa587bb66539ff6fb81d9227a30136ca6 name x "
        "role read");
    assert_int_equal(find(bench, "brinco_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &found),
                     API_TOKEN_OK);
    assert_int_equal(found.created_at, 0);
}

static void nothing_of_the_token_is_in_redis(void **state) {
    struct bench *bench = *state;
    char text[API_TOKEN_BYTES + 1], command[128];
    struct api_token made = make(bench, "me", API_ROLE_READ, text);
    const struct redis_reply *keys = admin_ask(bench->pipe, "KEYS *");
    assert_int_equal(redis_reply_count(keys), 1);
    assert_int_equal(slice_find(redis_reply_text(redis_reply_at(keys, 0)), slice_of(text + 7)),
                     SIZE_MAX);
    snprintf(command, sizeof command, "HVALS t:token:%s", made.hash);
    const struct redis_reply *values = admin_ask(bench->pipe, command);
    assert_int_equal(redis_reply_count(values), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            slice_find(redis_reply_text(redis_reply_at(values, i)), slice_of(text + 7)), SIZE_MAX);
    }
}

static void what_is_malformed_is_no_token(void **state) {
    struct bench *bench = *state;
    static const char *const commands[] = {"HDEL", "HDEL", "HSET", "HSET", "DEL"};
    static const char *const rests[] = {" role", " name", " role king", " name a\nb=c", ""};
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        char text[API_TOKEN_BYTES + 1], command[200];
        struct api_token found;
        struct api_token made = make(bench, "me", API_ROLE_WRITE, text);
        snprintf(command, sizeof command, "%s t:token:%s%s", commands[i], made.hash, rests[i]);
        admin_ask(bench->pipe, command);
        assert_int_equal(find(bench, text, &found), API_TOKEN_NONE);
        snprintf(command, sizeof command, "SET t:token:%s x", made.hash);
        admin_ask(bench->pipe, command);
        assert_int_equal(find(bench, text, &found), API_TOKEN_NONE);
    }
}

static void names_are_text(void **state) {
    (void)state;
    struct err err;
    assert_true(api_token_check_name(SLICE("a"), &err));
    assert_true(api_token_check_name(SLICE("caf\xc3\xa9 \xf0\x9f\x98\x80"), &err));
    assert_false(api_token_check_name(SLICE(""), &err));
    assert_false(api_token_check_name(SLICE("a\nb"), &err));
    assert_false(api_token_check_name(SLICE("a\0b"), &err));
    assert_false(api_token_check_name(SLICE("\x1b[31m"), &err));
    assert_false(api_token_check_name(SLICE("\xc2\x9b"), &err));
    assert_false(api_token_check_name(SLICE("\xff"), &err));
    char longest[API_TOKEN_NAME_MAX + 1];
    memset(longest, 'x', sizeof longest);
    assert_true(api_token_check_name(slice_make(longest, API_TOKEN_NAME_MAX), &err));
    assert_false(api_token_check_name(slice_make(longest, API_TOKEN_NAME_MAX + 1), &err));
}

static void note(void *argument, const struct api_token *token) {
    char *text = argument;
    snprintf(text + strlen(text), 4096 - strlen(text), "%s,", token->name);
}

static void all_are_listed_the_oldest_first(void **state) {
    struct bench *bench = *state;
    char text[API_TOKEN_BYTES + 1], listed[4096] = "";
    struct err err;
    for (int i = 9; i > 0; i--) {
        struct api_token token = {.role = API_ROLE_READ, .created_at = (uint64_t)i};
        snprintf(token.name, sizeof token.name, "n%d", i);
        assert_int_equal(api_token_new(bench->pipe, PREFIX, &token, text, &err), API_TOKEN_OK);
    }
    admin_ask(bench->pipe, "SET t:token:short x");
    admin_ask(bench->pipe, "HSET other:token:x name y");
    assert_int_equal(api_token_list(bench->pipe, PREFIX, note, listed, &err), API_TOKEN_OK);
    assert_string_equal(listed, "n1,n2,n3,n4,n5,n6,n7,n8,n9,");
}

static void one_is_revoked_by_name_or_hash(void **state) {
    struct bench *bench = *state;
    char first[API_TOKEN_BYTES + 1], second[API_TOKEN_BYTES + 1];
    struct api_token made = make(bench, "one", API_ROLE_READ, first);
    struct api_token gone, found;
    struct err err;
    make(bench, "two", API_ROLE_READ, second);
    assert_int_equal(api_token_revoke(bench->pipe, PREFIX, slice_make(made.hash, 12), &gone, &err),
                     API_TOKEN_OK);
    assert_string_equal(gone.name, "one");
    assert_int_equal(find(bench, first, &found), API_TOKEN_NONE);
    assert_int_equal(find(bench, second, &found), API_TOKEN_OK);
    assert_int_equal(api_token_revoke(bench->pipe, PREFIX, SLICE("two"), &gone, &err),
                     API_TOKEN_OK);
    assert_int_equal(find(bench, second, &found), API_TOKEN_NONE);
    assert_int_equal(api_token_revoke(bench->pipe, PREFIX, SLICE("two"), &gone, &err),
                     API_TOKEN_NONE);
    assert_true(slice_find(slice_of(err.text), SLICE("two")) != SIZE_MAX);
}

static void what_means_several_revokes_none_and_lists_them(void **state) {
    struct bench *bench = *state;
    char text[API_TOKEN_BYTES + 1];
    struct api_token gone, found;
    struct err err;
    for (int i = 0; i < 7; i++) {
        make(bench, "same", API_ROLE_READ, text);
    }
    struct api_token last = make(bench, "same", API_ROLE_WRITE, text);
    assert_int_equal(api_token_revoke(bench->pipe, PREFIX, SLICE("same"), &gone, &err),
                     API_TOKEN_NONE);
    assert_true(slice_find(slice_of(err.text), SLICE("(same, read)")) != SIZE_MAX);
    assert_true(slice_find(slice_of(err.text), SLICE("3 more")) != SIZE_MAX);
    assert_int_equal(find(bench, text, &found), API_TOKEN_OK);
    /* Seven characters of a hash are too few. */
    assert_int_equal(api_token_revoke(bench->pipe, PREFIX, slice_make(last.hash, 7), &gone, &err),
                     API_TOKEN_NONE);
}

static void many_are_checked_at_once(void **state) {
    struct bench *bench = *state;
    char text[API_TOKEN_BYTES + 1];
    struct api_token there = make(bench, "a", API_ROLE_READ, text);
    struct api_token gone = make(bench, "b", API_ROLE_READ, text);
    struct err err;
    struct api_token revoked;
    assert_int_equal(api_token_revoke(bench->pipe, PREFIX, SLICE("b"), &revoked, &err),
                     API_TOKEN_OK);
    const char *hashes[] = {there.hash, gone.hash, there.hash};
    bool is_there[3] = {false, true, false};
    assert_int_equal(api_token_check(bench->pipe, PREFIX, hashes, 3, is_there), API_TOKEN_OK);
    assert_true(is_there[0] && !is_there[1] && is_there[2]);
}

static void without_redis_it_fails(void **state) {
    struct bench *bench = *state;
    struct redis_url url = test_redis_url(&bench->redis);
    struct redis_pipe *pipe = redis_pipe_create(&url, 100);
    struct api_token token = {.name = "x"};
    char text[API_TOKEN_BYTES + 1];
    struct err err;
    const char *hash = "x";
    bool is_there = true;
    assert_int_equal(api_token_new(pipe, PREFIX, &token, text, &err), API_TOKEN_FAILED);
    assert_int_equal(api_token_find(pipe, PREFIX, slice_of(text), &token, &err), API_TOKEN_FAILED);
    assert_int_equal(api_token_list(pipe, PREFIX, note, NULL, &err), API_TOKEN_FAILED);
    assert_int_equal(api_token_check(pipe, PREFIX, &hash, 1, &is_there), API_TOKEN_FAILED);
    assert_true(is_there);
    redis_pipe_destroy(&pipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_token_is_found_by_what_was_shown, empty),
        cmocka_unit_test_setup(the_hash_is_sha_256, empty),
        cmocka_unit_test_setup(nothing_of_the_token_is_in_redis, empty),
        cmocka_unit_test_setup(what_is_malformed_is_no_token, empty),
        cmocka_unit_test(names_are_text),
        cmocka_unit_test_setup(all_are_listed_the_oldest_first, empty),
        cmocka_unit_test_setup(one_is_revoked_by_name_or_hash, empty),
        cmocka_unit_test_setup(what_means_several_revokes_none_and_lists_them, empty),
        cmocka_unit_test_setup(many_are_checked_at_once, empty),
        cmocka_unit_test_setup(without_redis_it_fails, empty),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
