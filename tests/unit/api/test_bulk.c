/*
 * Many links at once: a result for each line, in order, whatever the lines are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/clock.h"
#include "call_fixture.h"
#include "link/code.h"

static void each_line_gets_a_result_in_order(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    (void)fixture_redis(&it, "HSET p:link:old campaign c owner ana created_at 5");
    (void)fixture_redis(&it, "HSET p:link:same campaign c created_at 5");
    (void)fixture_redis(&it, "HSET p:campaign:c web https://a/");
    (void)fixture_redis(&it, "SET p:link:text x");
    it.call.content_type = SLICE("application/x-ndjson");
    assert_int_equal(
        fixture_call(&it, call_links_bulk, NULL,
                     SLICE("{\"code\":\"new\",\"campaign\":\"c\"}\n"
                           "\n \r\n"
                           "{\"code\":\"old\",\"owner\":null,\"status\":\"paused\"}\r\n"
                           "nonsense\n"
                           "{\"code\":\"same\",\"campaign\":\"c\"}\n"
                           "{\"code\":\"bad\",\"campaign\":\"c\",\"owner\":\"\\n\"}\n"
                           "{\"code\":\"text\",\"campaign\":\"c\"}\n"
                           "{\"code\":\"a b\",\"campaign\":\"c\"}\n"
                           "{\"code\":\"nowhere\"}\n"
                           "{\"code\":\"w\",\"campaign\":\"later\"}")),
        200);
    assert_string_equal(it.answer.content_type, "application/x-ndjson");
    static const char *const expected[] = {
        "{\"line\":1,\"code\":\"new\",\"status\":\"created\"}\n",
        "{\"line\":4,\"code\":\"old\",\"status\":\"updated\"}\n",
        "{\"line\":5,\"error\":\"not JSON: ",
        "{\"line\":6,\"code\":\"same\",\"status\":\"unchanged\"}\n",
        "{\"line\":7,\"code\":\"bad\",\"error\":\"owner: ",
        "{\"line\":8,\"code\":\"text\",\"error\":\"what Redis has under its key is no link\","
        "\"field\":\"code\"}\n",
        "{\"line\":9,\"error\":\"code: allowed are",
        "{\"line\":10,\"code\":\"nowhere\",\"error\":\"it would lead nowhere",
        "{\"line\":11,\"code\":\"w\",\"status\":\"created\",\"warning\":\"there is no campaign "
        "\\\"later\\\" yet\"}\n",
    };
    const char *at = it.text;
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        if (strncmp(at, expected[i], strlen(expected[i])) != 0) {
            fail_msg("%s instead of %s", at, expected[i]);
        }
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
    assert_int_equal(fixture_count(&it, "HEXISTS p:link:old owner"), 0);
    assert_true(slice_equal(fixture_redis(&it, "HGET p:link:old created_at"), SLICE("5")));
    assert_true(slice_equal(fixture_redis(&it, "HGET p:link:new created_at"), SLICE("1700000000")));
    assert_int_equal(fixture_count(&it, "EXISTS p:link:bad p:link:nowhere"), 0);
    fixture_end(&it);
}

static void of_two_lines_with_one_code_the_later_wins(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    fixture_call(&it, call_links_bulk, NULL,
                 SLICE("{\"code\":\"a\",\"campaign\":\"c\",\"owner\":\"1\"}\n"
                       "{\"code\":\"a\",\"owner\":\"2\",\"status\":\"paused\"}\n"
                       "{\"code\":\"b\",\"campaign\":\"c\"}\n"
                       "{\"code\":\"a\",\"owner\":\"1\"}\n"));
    assert_true(slice_equal(fixture_redis(&it, "HGET p:link:a owner"), SLICE("1")));
    assert_true(slice_equal(fixture_redis(&it, "HGET p:link:a status"), SLICE("paused")));
    /* The second and third find what the first has made; alone they would lead nowhere. */
    assert_non_null(strstr(it.text, "{\"line\":1,\"code\":\"a\",\"status\":\"created\""));
    assert_non_null(strstr(it.text, "{\"line\":3,\"code\":\"b\",\"status\":\"created\""));
    fixture_end(&it);
}

static void lines_without_a_code_get_one_each(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    fixture_call(&it, call_links_bulk, NULL,
                 SLICE("{\"url\":\"https://a/\"}\n{\"url\":\"https://b/\"}\n{\"url\":\"x\"}\n"));
    unsigned line;
    char code[64], status[64];
    assert_int_equal(sscanf(it.text, "{\"line\":%u,\"code\":\"%7[^\"]\",\"status\":\"%10[a-z]",
                            &line, code, status),
                     3);
    assert_string_equal(status, "created");
    assert_false(code_is_mistyped(slice_of(code)));
    assert_int_equal(strlen(code), CODE_MADE_BYTES);
    assert_non_null(strstr(it.text, "{\"line\":3,\"error\":\"url: "));
    assert_int_equal(fixture_count(&it, "DBSIZE"), 2);
    fixture_end(&it);
}

static void other_questions_are_refused(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    it.call.content_type = SLICE("application/json");
    assert_int_equal(fixture_call(&it, call_links_bulk, NULL, SLICE("{}")), 415);
    it.call.content_type = SLICE_EMPTY;
    it.call.idempotency_key = SLICE("k");
    assert_int_equal(fixture_call(&it, call_links_bulk, NULL, SLICE("{}")), 400);
    assert_non_null(strstr(it.text, "\"field\":\"Idempotency-Key\""));
    it.call.idempotency_key = SLICE_EMPTY;
    assert_int_equal(fixture_call(&it, call_links_bulk, NULL, SLICE_EMPTY), 200);
    assert_string_equal(it.text, "");
    fixture_end(&it);
}

static void a_line_that_is_too_long_is_refused_alone(void **state) {
    (void)state;
    enum { LONG = 70000 };
    struct fixture it;
    char *body = malloc(LONG + 100);
    fixture_begin(&it);
    memset(body, ' ', LONG);
    memcpy(body, "{}", 2);
    strcpy(body + LONG, "\n{\"code\":\"a\",\"url\":\"https://a/\"}\n");
    fixture_call(&it, call_links_bulk, NULL, slice_of(body));
    assert_string_equal(it.text, "{\"line\":1,\"error\":\"a line may have up to 65536 bytes\"}\n"
                                 "{\"line\":2,\"code\":\"a\",\"status\":\"created\"}\n");
    free(body);
    fixture_end(&it);
}

/* Refused in the middle of a pipeline: lines say so, and the connection is not used on. */
static void a_redis_that_refuses_to_write_ends_it(void **state) {
    (void)state;
    struct fixture it;
    struct err err;
    char body[2000 * 48] = "";
    size_t size = 0;
    for (int i = 0; i < 1500; i++) {
        size += (size_t)snprintf(body + size, sizeof(body) - size,
                                 "{\"code\":\"c%d\",\"url\":\"https://a/\"}\n", i);
    }
    fixture_begin(&it);
    (void)fixture_redis(&it, "CONFIG SET maxmemory 1");
    assert_int_equal(fixture_call(&it, call_links_bulk, NULL, slice_make(body, size)), 200);
    assert_non_null(strstr(it.text, "{\"line\":500,\"code\":\"c499\",\"error\":\"Redis is lost"));
    assert_non_null(strstr(it.text, "{\"line\":501,\"error\":\"Redis is lost or refuses: nothing "
                                    "from this line on is written\"}\n"));
    assert_null(strstr(it.text, "{\"line\":502"));
    assert_int_equal(fixture_count(&it, "DBSIZE"), 0);
    (void)fixture_redis(&it, "CONFIG SET maxmemory 0");
    assert_true(redis_pipe_connect(it.pipe, &err));
    assert_int_equal(fixture_call(&it, call_links_bulk, NULL, slice_make(body, size)), 200);
    assert_int_equal(fixture_count(&it, "DBSIZE"), 1500);
    fixture_end(&it);
}

/* What the header of bulk.c promises, with room for a slow machine and sanitizers. */
static void a_hundred_thousand_links_take_seconds(void **state) {
    (void)state;
    enum { LINKS = 100000, LINE_BYTES = 96 };
    struct fixture it;
    char *body = malloc((size_t)LINKS * LINE_BYTES);
    size_t size = 0;
    for (int i = 0; i < LINKS; i++) {
        size += (size_t)snprintf(body + size, LINE_BYTES,
                                 "{\"code\":\"c%d\",\"campaign\":\"spring\",\"owner\":\"o%d\"}\n",
                                 i, i);
    }
    fixture_begin(&it);
    uint64_t begun_ns = clock_monotonic_ns();
    assert_int_equal(fixture_call(&it, call_links_bulk, NULL, slice_make(body, size)), 200);
    uint64_t taken_ms = (clock_monotonic_ns() - begun_ns) / 1000000;
    print_message("%d links in %llu ms\n", LINKS, (unsigned long long)taken_ms);
    assert_true(taken_ms < 60000);
    assert_int_equal(fixture_count(&it, "DBSIZE"), LINKS);
    free(body);
    fixture_end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_gets_a_result_in_order),
        cmocka_unit_test(of_two_lines_with_one_code_the_later_wins),
        cmocka_unit_test(lines_without_a_code_get_one_each),
        cmocka_unit_test(other_questions_are_refused),
        cmocka_unit_test(a_line_that_is_too_long_is_refused_alone),
        cmocka_unit_test(a_redis_that_refuses_to_write_ends_it),
        cmocka_unit_test(a_hundred_thousand_links_take_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
