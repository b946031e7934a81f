/*
 * Links and campaigns over the API, handler by handler.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "call_fixture.h"
#include "json_fields.h"
#include "link/code.h"

#define BODY(text) SLICE(text)

static void assert_says(const struct fixture *it, const char *part) {
    if (strstr(it->text, part) == NULL) {
        fail_msg("%d %s does not say %s", it->answer.status, it->text, part);
    }
}

static void assert_problem(const struct fixture *it, int status, const char *field) {
    char member[100];
    assert_int_equal(it->answer.status, status);
    assert_string_equal(it->answer.content_type, "application/problem+json");
    snprintf(member, sizeof(member), "\"status\":%d,", status);
    assert_says(it, member);
    if (field != NULL) {
        snprintf(member, sizeof(member), "\"field\":\"%s\"", field);
        assert_says(it, member);
    }
}

static void put_makes_and_replaces(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    assert_int_equal(
        fixture_call(&it, call_link_put, "AB", BODY("{\"campaign\":\"c\",\"owner\":\"ana\"}")),
        201);
    assert_string_equal(it.text, "{\"code\":\"AB\",\"campaign\":\"c\",\"owner\":\"ana\","
                                 "\"created_at\":1700000000}\n");
    assert_string_equal(fixture_header(&it, "Location"), "/v1/links/AB");
    assert_string_equal(fixture_header(&it, "Brinco-Warning"), "there is no campaign \"c\" yet");

    it.call.now_ms += 5000;
    assert_int_equal(
        fixture_call(&it, call_link_put, "AB", BODY("{\"code\":\"AB\",\"url\":\"https://a/\"}")),
        200);
    assert_string_equal(it.text,
                        "{\"code\":\"AB\",\"url\":\"https://a/\",\"created_at\":1700000000}\n");
    assert_null(fixture_header(&it, "Location"));
    assert_int_equal(fixture_count(&it, "HLEN p:link:AB"), 2);

    assert_int_equal(fixture_call(&it, call_link_get, "AB", SLICE_EMPTY), 200);
    assert_string_equal(it.text,
                        "{\"code\":\"AB\",\"url\":\"https://a/\",\"created_at\":1700000000}\n");
    fixture_end(&it);
}

static void patch_merges_and_null_removes(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    it.call.content_type = SLICE("application/merge-patch+json; charset=utf-8");
    assert_int_equal(fixture_call(&it, call_link_patch, "AB", BODY("{\"owner\":\"ana\"}")), 404);
    assert_int_equal(fixture_count(&it, "EXISTS p:link:AB"), 0);
    (void)fixture_redis(&it, "HSET p:link:AB campaign c owner ana expires_at 99 created_at 5");
    assert_int_equal(
        fixture_call(&it, call_link_patch, "AB",
                     BODY("{\"owner\":null,\"status\":\"paused\",\"starts_at\":\"1970-01-02T00:"
                          "00:00Z\"}")),
        200);
    assert_string_equal(it.text, "{\"code\":\"AB\",\"campaign\":\"c\",\"status\":\"paused\","
                                 "\"starts_at\":86400,\"expires_at\":99,\"created_at\":5}\n");
    assert_int_equal(fixture_count(&it, "HEXISTS p:link:AB owner"), 0);
    assert_int_equal(fixture_call(&it, call_link_patch, "AB", BODY("{\"campaign\":null}")), 400);
    assert_problem(&it, 400, "campaign");
    assert_int_equal(fixture_call(&it, call_link_patch, "AB", BODY("{}")), 200);
    fixture_end(&it);
}

static void delete_deletes_once(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    (void)fixture_redis(&it, "HSET p:link:AB campaign c");
    assert_int_equal(fixture_call(&it, call_link_delete, "AB", SLICE_EMPTY), 204);
    assert_int_equal(it.answer.body.size, 0);
    assert_int_equal(fixture_call(&it, call_link_delete, "AB", SLICE_EMPTY), 404);
    assert_int_equal(fixture_call(&it, call_link_get, "AB", SLICE_EMPTY), 404);
    fixture_end(&it);
}

static void post_makes_a_code(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    assert_int_equal(fixture_call(&it, call_link_post, NULL, BODY("{\"url\":\"https://a/\"}")),
                     201);
    assert_int_equal(strncmp(it.text, "{\"code\":\"", 9), 0);
    struct slice code = slice_make(it.text + 9, CODE_MADE_BYTES);
    assert_true(it.text[9 + CODE_MADE_BYTES] == '"' && code_is_valid(code));
    assert_false(code_is_mistyped(code));
    char words[64];
    snprintf(words, sizeof(words), "HGET p:link:%.*s url", SLICE_ARG(code));
    assert_true(slice_equal(fixture_redis(&it, words), SLICE("https://a/")));
    fixture_end(&it);
}

static void post_with_a_code_of_ones_own_makes_it_once(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    struct slice body = BODY("{\"code\":\"mine\",\"url\":\"https://a/\"}");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    assert_string_equal(fixture_header(&it, "Location"), "/v1/links/mine");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 409);
    assert_problem(&it, 409, "code");
    fixture_end(&it);
}

static void a_campaign_names_itself(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    struct slice body = BODY("{\"id\":\"spring\",\"web\":\"https://a/{code}\",\"name\":\"S\"}");
    fixture_call(&it, call_campaign_post, NULL, BODY("{\"web\":\"https://a/\"}"));
    assert_problem(&it, 400, "id");
    assert_int_equal(fixture_call(&it, call_campaign_post, NULL, body), 201);
    assert_string_equal(it.text,
                        "{\"id\":\"spring\",\"name\":\"S\",\"web\":\"https://a/{code}\"}\n");
    assert_int_equal(fixture_call(&it, call_campaign_post, NULL, body), 409);
    assert_int_equal(
        fixture_call(&it, call_campaign_patch, "spring", BODY("{\"ios\":\"bank://x/\"}")), 400);
    assert_problem(&it, 400, "ios");
    assert_int_equal(fixture_call(&it, call_campaign_patch, "spring",
                                  BODY("{\"ios\":\"bank://x/\",\"schemes\":\"bank\"}")),
                     200);
    assert_int_equal(fixture_call(&it, call_campaign_patch, "spring", BODY("{\"schemes\":null}")),
                     400);
    assert_problem(&it, 400, "schemes");
    /* Its links may use what it lists. */
    assert_int_equal(fixture_call(&it, call_link_put, "AB",
                                  BODY("{\"campaign\":\"spring\",\"url\":\"bank://y/\"}")),
                     201);
    assert_null(fixture_header(&it, "Brinco-Warning"));
    assert_int_equal(fixture_call(&it, call_campaign_get, "spring", SLICE_EMPTY), 200);
    assert_int_equal(fixture_call(&it, call_campaign_delete, "spring", SLICE_EMPTY), 204);
    assert_int_equal(fixture_call(&it, call_link_get, "AB", SLICE_EMPTY), 200);
    fixture_end(&it);
}

static void what_is_not_allowed_is_named_and_not_written(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *field;
    } cases[] = {
        {"{}", "campaign"},
        {"{\"owner\":\"ana\"}", "campaign"},
        {"{\"campaign\":\"a b\"}", "campaign"},
        {"{\"campaign\":\"c\\r\\nFLUSHALL\"}", "campaign"},
        {"{\"campaign\":\"c\",\"owner\":\"a\\u0000b\"}", "owner"},
        {"{\"campaign\":\"c\",\"owner\":\"a\\nb\"}", "owner"},
        {"{\"url\":\"http://a/\"}", "url"},
        {"{\"url\":\"javascript:alert(1)\"}", "url"},
        {"{\"url\":\"https://a/{nonsense}\"}", "url"},
        {"{\"campaign\":\"c\",\"status\":\"asleep\"}", "status"},
        {"{\"campaign\":\"c\",\"expires_at\":253402300800}", "expires_at"},
        {"{\"campaign\":\"c\",\"expires_at\":\"soon\"}", "expires_at"},
        {"{\"campaign\":\"c\",\"colour\":\"red\"}", "colour"},
        {"{\"code\":\"other\",\"campaign\":\"c\"}", "code"},
        {"nonsense", NULL},
    };
    struct fixture it;
    fixture_begin(&it);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        fixture_call(&it, call_link_put, "AB", slice_of(cases[i].body));
        assert_problem(&it, 400, cases[i].field);
    }
    fixture_call(&it, call_link_put, "a b", BODY("{\"campaign\":\"c\"}"));
    assert_problem(&it, 400, "code");
    fixture_call(&it, call_link_post, NULL, BODY("{\"code\":\"a/b\",\"campaign\":\"c\"}"));
    assert_problem(&it, 400, "code");
    assert_int_equal(fixture_count(&it, "DBSIZE"), 0);
    assert_int_equal(fixture_call(&it, call_link_get, "a\r\nb", SLICE_EMPTY), 404);
    assert_int_equal(fixture_call(&it, call_link_delete, "*", SLICE_EMPTY), 404);
    fixture_end(&it);
}

static void a_body_may_have_so_many_bytes(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    enum { SIZE = 1024 * 1024 };
    char *body = malloc(SIZE);
    memset(body, 'a', SIZE);
    memcpy(body, "{\"owner\":\"", 10);
    memcpy(body + SIZE - 2, "\"}", 2);
    assert_int_equal(fixture_call(&it, call_link_put, "AB", slice_make(body, SIZE)), 413);
    memcpy(body + JSON_FIELDS_BYTES_MAX - 2, "\"}", 2);
    fixture_call(&it, call_link_put, "AB", slice_make(body, JSON_FIELDS_BYTES_MAX));
    assert_problem(&it, 400, "campaign");
    free(body);
    fixture_end(&it);
}

static void other_kinds_of_content_are_refused(void **state) {
    (void)state;
    struct fixture it;
    struct slice body = BODY("{\"url\":\"https://a/\"}");
    fixture_begin(&it);
    it.call.content_type = SLICE("text/plain");
    assert_int_equal(fixture_call(&it, call_link_put, "AB", body), 415);
    assert_problem(&it, 415, "Content-Type");
    assert_says(&it, "application/json");
    assert_int_equal(fixture_call(&it, call_link_patch, "AB", body), 415);
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 415);
    it.call.content_type = SLICE("application/merge-patch+json");
    assert_int_equal(fixture_call(&it, call_link_put, "AB", body), 415);
    it.call.content_type = SLICE("Application/JSON;charset=utf-8");
    assert_int_equal(fixture_call(&it, call_link_put, "AB", body), 201);
    it.call.query[0] = (struct call_field){SLICE("pretty"), SLICE("1")};
    it.call.query_count = 1;
    fixture_call(&it, call_link_get, "AB", SLICE_EMPTY);
    assert_problem(&it, 400, "pretty");
    fixture_end(&it);
}

/* --- the same answer twice --- */

static void a_key_gives_the_same_answer_and_makes_one_link(void **state) {
    (void)state;
    struct fixture it;
    char first[256];
    struct slice body = BODY("{\"url\":\"https://a/\"}");
    fixture_begin(&it);
    it.call.idempotency_key = SLICE("order 17 \"x\"");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    snprintf(first, sizeof(first), "%.200s", it.text);
    assert_null(fixture_header(&it, "Idempotency-Replayed"));
    it.call.now_ms += 5000;
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    assert_string_equal(it.text, first);
    assert_string_equal(fixture_header(&it, "Idempotency-Replayed"), "true");
    assert_int_equal(strncmp(fixture_header(&it, "Location"), "/v1/links/", 10), 0);
    assert_int_equal(strncmp(fixture_header(&it, "Location") + 10, first + 9, CODE_MADE_BYTES), 0);
    assert_int_equal(fixture_count(&it, "DBSIZE"), 2); /* the link and the answer */

    fixture_call(&it, call_link_post, NULL, BODY("{\"url\":\"https://b/\"}"));
    assert_problem(&it, 422, "Idempotency-Key");
    fixture_call(&it, call_campaign_post, NULL, body);
    assert_problem(&it, 422, "Idempotency-Key");
    assert_int_equal(fixture_count(&it, "DBSIZE"), 2);

    /* Another's key of the same name is another key. */
    it.call.token.hash[0] = '2';
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    assert_string_not_equal(it.text, first);
    assert_int_equal(fixture_count(&it, "DBSIZE"), 4);
    fixture_end(&it);
}

static void what_was_refused_may_be_put_right_under_the_same_key(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    it.call.idempotency_key = SLICE("k");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, BODY("{}")), 400);
    struct slice body = BODY("{\"url\":\"https://a/\"}");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    assert_int_equal(fixture_count(&it, "DBSIZE"), 2);
    fixture_end(&it);
}

static void a_key_with_a_code_of_ones_own_repeats_the_201(void **state) {
    (void)state;
    struct fixture it;
    struct slice body = BODY("{\"code\":\"mine\",\"url\":\"https://a/\"}");
    fixture_begin(&it);
    it.call.idempotency_key = SLICE("k");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 201);
    it.call.idempotency_key = SLICE("l");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, body), 409);
    fixture_end(&it);
}

static void a_kept_answer_goes_after_a_day(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    it.call.idempotency_key = SLICE("k");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, BODY("{\"url\":\"https://a/\"}")),
                     201);
    const struct redis_reply *keys = admin_ask(it.admin, "KEYS p:idempotency:*");
    assert_int_equal(redis_reply_count(keys), 1);
    char words[160];
    snprintf(words, sizeof(words), "TTL %.*s",
             SLICE_ARG(redis_reply_text(redis_reply_at(keys, 0))));
    assert_in_range(fixture_count(&it, words), 86400 - 60, 86400);
    fixture_end(&it);
}

static void what_is_no_key_is_refused(void **state) {
    (void)state;
    struct fixture it;
    char text[300];
    memset(text, 'k', sizeof(text));
    const struct slice keys[] = {SLICE(""), SLICE("a\tb"), SLICE("\xC3\xA9"), SLICE("a\0b"),
                                 slice_make(text, 256)};
    fixture_begin(&it);
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        it.call.idempotency_key = keys[i];
        fixture_call(&it, call_link_post, NULL, BODY("{\"url\":\"https://a/\"}"));
        assert_problem(&it, 400, "Idempotency-Key");
    }
    it.call.idempotency_key = slice_make(text, 255);
    assert_int_equal(fixture_call(&it, call_link_post, NULL, BODY("{\"url\":\"https://a/\"}")),
                     201);
    assert_int_equal(fixture_count(&it, "DBSIZE"), 2);
    fixture_end(&it);
}

/* --- lists --- */

static void ask_for(struct fixture *it, const char *name, struct slice value) {
    it->call.query[it->call.query_count++] = (struct call_field){slice_of(name), value};
}

static void lists_are_filtered_and_paged(void **state) {
    (void)state;
    struct fixture it;
    unsigned found = 0;
    char cursor[8192] = "";
    fixture_begin(&it);
    for (int i = 0; i < 100; i++) {
        char words[100];
        snprintf(words, sizeof(words), "HSET p:link:c%d campaign %s owner %s", i,
                 i % 2 == 0 ? "even" : "odd", i % 4 < 2 ? "ana" : "eva");
        (void)fixture_redis(&it, words);
    }
    for (int page = 0; page < 100 && (page == 0 || cursor[0] != '\0'); page++) {
        it.call.query_count = 0;
        ask_for(&it, "campaign", SLICE("even"));
        ask_for(&it, "owner", SLICE("ana"));
        ask_for(&it, "limit", SLICE("10"));
        if (cursor[0] != '\0') {
            ask_for(&it, "cursor", slice_of(cursor));
        }
        assert_int_equal(fixture_call(&it, call_links_get, NULL, SLICE_EMPTY), 200);
        for (char *at = it.text; (at = strstr(at, "\"campaign\":\"even\",\"owner\":\"ana\""));
             at++) {
            found++;
        }
        assert_null(strstr(it.text, "odd"));
        char *next = strstr(it.text, "\"next_cursor\":\"");
        assert_true(next != NULL || strstr(it.text, "\"next_cursor\":null}") != NULL);
        snprintf(cursor, sizeof(cursor), "%.*s", next == NULL ? 0 : (int)strcspn(next + 15, "\""),
                 next == NULL ? "" : next + 15);
    }
    assert_int_equal(found, 25);
    fixture_end(&it);
}

static void an_empty_list_is_one(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    assert_int_equal(fixture_call(&it, call_links_get, NULL, SLICE_EMPTY), 200);
    assert_string_equal(it.text, "{\"links\":[],\"next_cursor\":null}\n");
    assert_int_equal(fixture_call(&it, call_campaigns_get, NULL, SLICE_EMPTY), 200);
    assert_string_equal(it.text, "{\"campaigns\":[],\"next_cursor\":null}\n");
    fixture_end(&it);
}

static void a_list_takes_no_other_questions(void **state) {
    (void)state;
    static const struct call_field bad[] = {
        {{"limit", 5}, {"0", 1}},   {{"limit", 5}, {"1001", 4}},         {{"limit", 5}, {"", 0}},
        {{"limit", 5}, {"1e3", 3}}, {{"cursor", 6}, {"x\r\nKEYS *", 9}}, {{"offset", 6}, {"1", 1}}};
    struct fixture it;
    char name[16];
    fixture_begin(&it);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        it.call.query[0] = bad[i];
        it.call.query_count = 1;
        fixture_call(&it, call_links_get, NULL, SLICE_EMPTY);
        snprintf(name, sizeof(name), "%.*s", SLICE_ARG(bad[i].name));
        assert_problem(&it, 400, name);
    }
    it.call.query_count = 0;
    ask_for(&it, "limit", SLICE("1"));
    ask_for(&it, "limit", SLICE("2"));
    fixture_call(&it, call_links_get, NULL, SLICE_EMPTY);
    assert_problem(&it, 400, "limit");
    it.call.query_count = 0;
    ask_for(&it, "owner", SLICE("ana"));
    fixture_call(&it, call_campaigns_get, NULL, SLICE_EMPTY);
    assert_problem(&it, 400, "owner");
    fixture_end(&it);
}

/* --- Redis --- */

static void what_other_hands_wrote_does_no_harm(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    (void)fixture_redis(&it, "SET p:link:text x");
    assert_int_equal(fixture_call(&it, call_link_get, "text", SLICE_EMPTY), 409);
    assert_int_equal(fixture_call(&it, call_link_put, "text", BODY("{\"campaign\":\"c\"}")), 409);
    (void)fixture_redis(&it, "HSET p:link:odd campaign c starts_at soon status \x1b[2J\xff");
    assert_int_equal(fixture_call(&it, call_link_get, "odd", SLICE_EMPTY), 200);
    assert_string_equal(it.text, "{\"code\":\"odd\",\"campaign\":\"c\",\"status\":\"\\u001b[2J"
                                 "\xef\xbf\xbd\",\"starts_at\":\"soon\"}\n");
    assert_int_equal(fixture_call(&it, call_link_patch, "odd", BODY("{\"owner\":\"ana\"}")), 200);
    (void)fixture_redis(&it, "SET p:campaign:text x");
    assert_int_equal(fixture_call(&it, call_link_put, "AB", BODY("{\"campaign\":\"text\"}")), 201);
    fixture_end(&it);
}

static void without_redis_all_are_unavailable(void **state) {
    (void)state;
    struct fixture it;
    call_handler *handlers[] = {call_link_get,  call_link_put,  call_link_patch, call_link_delete,
                                call_link_post, call_links_get, call_links_bulk};
    fixture_begin(&it);
    test_redis_end(&it.redis, SIGKILL);
    for (size_t i = 0; i < ARRAY_COUNT(handlers); i++) {
        assert_int_equal(fixture_call(&it, handlers[i], "AB", BODY("{\"campaign\":\"c\"}")), 503);
        assert_string_equal(fixture_header(&it, "Retry-After"), "1");
    }
    it.call.idempotency_key = SLICE("k");
    assert_int_equal(fixture_call(&it, call_link_post, NULL, BODY("{\"campaign\":\"c\"}")), 503);
    fixture_end(&it);
}

static void a_redis_that_refuses_to_write_is_unavailable(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    (void)fixture_redis(&it, "CONFIG SET maxmemory 1");
    assert_int_equal(fixture_call(&it, call_link_put, "AB", BODY("{\"campaign\":\"c\"}")), 503);
    assert_int_equal(fixture_call(&it, call_link_post, NULL, BODY("{\"campaign\":\"c\"}")), 503);
    (void)fixture_redis(&it, "CONFIG SET maxmemory 0");
    assert_int_equal(fixture_call(&it, call_link_put, "AB", BODY("{\"campaign\":\"c\"}")), 201);
    fixture_end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_makes_and_replaces),
        cmocka_unit_test(patch_merges_and_null_removes),
        cmocka_unit_test(delete_deletes_once),
        cmocka_unit_test(post_makes_a_code),
        cmocka_unit_test(post_with_a_code_of_ones_own_makes_it_once),
        cmocka_unit_test(a_campaign_names_itself),
        cmocka_unit_test(what_is_not_allowed_is_named_and_not_written),
        cmocka_unit_test(a_body_may_have_so_many_bytes),
        cmocka_unit_test(other_kinds_of_content_are_refused),
        cmocka_unit_test(a_key_gives_the_same_answer_and_makes_one_link),
        cmocka_unit_test(what_was_refused_may_be_put_right_under_the_same_key),
        cmocka_unit_test(a_key_with_a_code_of_ones_own_repeats_the_201),
        cmocka_unit_test(a_kept_answer_goes_after_a_day),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(lists_are_filtered_and_paged),
        cmocka_unit_test(an_empty_list_is_one),
        cmocka_unit_test(a_list_takes_no_other_questions),
        cmocka_unit_test(what_other_hands_wrote_does_no_harm),
        cmocka_unit_test(without_redis_all_are_unavailable),
        cmocka_unit_test(a_redis_that_refuses_to_write_is_unavailable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
