/*
 * What is odd, handler by handler: records of other hands, questions that mean nothing, and times
 * at which nothing can open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call_fixture.h"

#define NEVER_OPENS "it can never open: starts_at is not before expires_at"

static int ask(struct fixture *it, call_handler *handler, const char *id, const char *body) {
    return fixture_call(it, handler, id, slice_of(body));
}

static void assert_says(const struct fixture *it, const char *part) {
    if (strstr(it->text, part) == NULL) {
        fail_msg("%d %s does not say %s", it->answer.status, it->text, part);
    }
}

static void created_at_that_is_not_there_stays_so(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    (void)fixture_redis(&it, "HSET p:link:old campaign spring");
    assert_int_equal(ask(&it, call_link_patch, "old", "{\"owner\":\"a\"}"), 200);
    assert_string_equal(it.text, "{\"code\":\"old\",\"campaign\":\"spring\",\"owner\":\"a\"}\n");
    assert_int_equal(ask(&it, call_link_put, "old", "{\"campaign\":\"spring\"}"), 200);
    assert_string_equal(it.text, "{\"code\":\"old\",\"campaign\":\"spring\"}\n");
    it.call.content_type = SLICE("application/x-ndjson");
    assert_int_equal(ask(&it, call_links_bulk, NULL, "{\"code\":\"old\",\"owner\":\"b\"}\n"), 200);
    assert_says(&it, "updated");
    assert_int_equal(fixture_count(&it, "HEXISTS p:link:old created_at"), 0);
    it.call.content_type = SLICE_EMPTY;
    assert_int_equal(ask(&it, call_link_patch, "old", "{\"created_at\":7}"), 200);
    assert_int_equal(ask(&it, call_link_put, "old", "{\"campaign\":\"c\",\"created_at\":null}"),
                     200);
    assert_says(&it, "\"created_at\":7}");
    fixture_end(&it);
}

static void deleting_leaves_what_is_no_record(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    (void)fixture_redis(&it, "SET p:link:WT x");
    (void)fixture_redis(&it, "SADD p:campaign:WT x");
    assert_int_equal(ask(&it, call_link_delete, "WT", ""), 409);
    assert_says(&it, "\"field\":\"code\"");
    assert_int_equal(ask(&it, call_campaign_delete, "WT", ""), 409);
    assert_says(&it, "\"field\":\"id\"");
    assert_int_equal(fixture_count(&it, "EXISTS p:link:WT p:campaign:WT"), 2);
    fixture_end(&it);
}

static void a_list_takes_no_empty_values(void **state) {
    (void)state;
    struct fixture it;
    const struct {
        const char *name;
        struct slice value;
    } fields[] = {{"campaign", SLICE("")}, {"owner", SLICE("")},       {"cursor", SLICE("")},
                  {"limit", SLICE("")},    {"campaign", SLICE("a b")}, {"campaign", SLICE("a:b")}};
    fixture_begin(&it);
    (void)fixture_redis(&it, "HSET p:link:AB campaign c");
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        char member[40];
        it.call.query_count = 1;
        it.call.query[0] = (struct call_field){slice_of(fields[i].name), fields[i].value};
        assert_int_equal(ask(&it, call_links_get, NULL, ""), 400);
        snprintf(member, sizeof(member), "\"field\":\"%s\"", fields[i].name);
        assert_says(&it, member);
    }
    it.call.query[0] = (struct call_field){SLICE("cursor"), SLICE("")};
    assert_int_equal(ask(&it, call_campaigns_get, NULL, ""), 400);
    fixture_end(&it);
}

static void what_can_never_open_is_said(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    assert_int_equal(
        ask(&it, call_link_put, "AB", "{\"url\":\"https://a/\",\"starts_at\":9,\"expires_at\":9}"),
        201);
    assert_string_equal(fixture_header(&it, "Brinco-Warning"), NEVER_OPENS);
    assert_int_equal(ask(&it, call_link_patch, "AB", "{\"campaign\":\"c\"}"), 200);
    assert_string_equal(fixture_header(&it, "Brinco-Warning"),
                        "there is no campaign \"c\" yet; " NEVER_OPENS);
    assert_int_equal(ask(&it, call_link_patch, "AB", "{\"expires_at\":10}"), 200);
    assert_null(fixture_header(&it, "Brinco-Warning"));
    assert_int_equal(ask(&it, call_campaign_put, "c", "{\"starts_at\":9,\"expires_at\":8}"), 201);
    assert_string_equal(fixture_header(&it, "Brinco-Warning"), NEVER_OPENS);
    it.call.content_type = SLICE("application/x-ndjson");
    assert_int_equal(ask(&it, call_links_bulk, NULL,
                         "{\"code\":\"AB\",\"expires_at\":2}\n{\"code\":\"AB\",\"owner\":\"x\"}\n"
                         "{\"code\":\"AB\",\"expires_at\":null}\n"),
                     200);
    assert_string_equal(
        it.text,
        "{\"line\":1,\"code\":\"AB\",\"status\":\"updated\",\"warning\":\"" NEVER_OPENS "\"}\n"
        "{\"line\":2,\"code\":\"AB\",\"status\":\"updated\",\"warning\":\"" NEVER_OPENS "\"}\n"
        "{\"line\":3,\"code\":\"AB\",\"status\":\"updated\"}\n");
    fixture_end(&it);
}

static void bodies_that_are_no_object_are_told_so(void **state) {
    (void)state;
    struct fixture it;
    const char *bodies[] = {"null", "\"x\"", "17", "true", "[]"};
    fixture_begin(&it);
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        assert_int_equal(ask(&it, call_link_put, "AB", bodies[i]), 400);
        assert_says(&it, "allowed is a JSON object");
    }
    assert_int_equal(ask(&it, call_link_put, "AB", "{\"campaign\":\"c\",\"\":1}"), 400);
    assert_says(&it, "\"detail\":\"\\\"\\\": there is no such field");
    assert_says(&it, "\"field\":\"\\\"\\\"\"");
    fixture_end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_at_that_is_not_there_stays_so),
        cmocka_unit_test(deleting_leaves_what_is_no_record),
        cmocka_unit_test(a_list_takes_no_empty_values),
        cmocka_unit_test(what_can_never_open_is_said),
        cmocka_unit_test(bodies_that_are_no_object_are_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
