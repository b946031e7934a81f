/*
 * test_route.c - paths and methods to routes; which role may go where; the table of /v1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "routes.h"

static struct slice parameter[CALL_PARAMETERS_MAX];
static bool is_known;

static const struct route *find(const char *method, const char *path) {
    char decoded[256];
    struct target target;
    assert_int_equal(target_read(slice_of(path), SLICE_EMPTY, decoded, &target), TARGET_OK);
    int index = route_find(api_routes(), slice_of(method), &target, parameter, &is_known);
    return index == ROUTE_NONE ? NULL : &api_routes()->routes[index];
}

static void assert_allow(const char *path, const char *wanted) {
    char decoded[256];
    char bytes[256];
    struct buf out = buf_over(bytes, sizeof bytes);
    struct target target;
    assert_int_equal(target_read(slice_of(path), SLICE_EMPTY, decoded, &target), TARGET_OK);
    route_allow(api_routes(), &target, &out);
    assert_true(slice_equal(buf_slice(&out), slice_of(wanted)));
}

static void methods_lead_to_handlers(void **state) {
    (void)state;
    assert_true(find("GET", "/v1/links/AB12CD")->handler == call_link_get);
    assert_true(find("HEAD", "/v1/links/AB12CD")->handler == call_link_get);
    assert_true(find("PUT", "/v1/links/AB12CD")->handler == call_link_put);
    assert_true(find("PATCH", "/v1/campaigns/spring")->handler == call_campaign_patch);
    assert_true(find("DELETE", "/v1/campaigns/spring")->handler == call_campaign_delete);
    assert_true(find("POST", "/v1/links")->handler == call_link_post);
    assert_true(find("GET", "/v1/stats/links/AB12CD")->handler == call_stats_link);
    assert_int_equal(find("GET", "/v1")->kind, ROUTE_INDEX);
    assert_int_equal(find("GET", "/v1/stats/live")->kind, ROUTE_SUBSCRIBE);
}

static void a_segment_becomes_a_parameter(void **state) {
    (void)state;
    assert_non_null(find("GET", "/v1/links/A%2FB"));
    assert_true(slice_equal(parameter[0], SLICE("A/B")));
    assert_non_null(find("GET", "/v1/links"));
    assert_int_equal(parameter[0].size, 0);
}

static void bulk_is_also_a_code(void **state) {
    (void)state;
    assert_int_equal(find("POST", "/v1/links/bulk")->kind, ROUTE_BULK);
    assert_true(find("GET", "/v1/links/bulk")->handler == call_link_get);
    assert_true(slice_equal(parameter[0], SLICE("bulk")));
    assert_null(find("POST", "/v1/links/other"));
    assert_true(is_known);
}

static void what_is_not_there_is_not_found(void **state) {
    (void)state;
    static const char *const paths[] = {"/",
                                        "/v2",
                                        "/v1/",
                                        "/v1/link",
                                        "/v1/links/",
                                        "/v1/links/a/b",
                                        "/v1/Stats",
                                        "/v1/stats/top/",
                                        "/1/2/3/4/5/6/7/8/9/10"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_null(find("GET", paths[i]));
        assert_false(is_known);
    }
}

static void a_known_path_says_what_it_is_there_for(void **state) {
    (void)state;
    assert_null(find("DELETE", "/v1/stats"));
    assert_true(is_known);
    assert_null(find("get", "/v1/stats"));
    assert_true(is_known);
    assert_allow("/v1/stats", "GET, HEAD");
    assert_allow("/v1/links", "GET, HEAD, POST");
    assert_allow("/v1/links/x", "GET, HEAD, PUT, PATCH, DELETE");
    assert_allow("/v1/links/bulk", "POST, GET, HEAD, PUT, PATCH, DELETE");
    assert_allow("/nothing", "");
}

static void roles_are_sets(void **state) {
    (void)state;
    assert_true(route_role_allows(API_ROLE_READ, API_ROLE_READ));
    assert_true(route_role_allows(API_ROLE_WRITE, API_ROLE_READ));
    assert_true(route_role_allows(API_ROLE_WRITE, API_ROLE_WRITE));
    assert_false(route_role_allows(API_ROLE_READ, API_ROLE_WRITE));
    assert_false(route_role_allows(API_ROLE_EVENTS, API_ROLE_READ));
    assert_false(route_role_allows(API_ROLE_EVENTS, API_ROLE_WRITE));
    assert_false(route_role_allows(API_ROLE_WRITE, API_ROLE_EVENTS));
}

static void reading_needs_read_and_changing_write(void **state) {
    (void)state;
    const struct route_table *table = api_routes();
    for (size_t i = 0; i < table->count; i++) {
        const struct route *route = &table->routes[i];
        bool is_get = strcmp(route->method, "GET") == 0;
        bool is_report = route->handler == call_conversions_post;
        assert_int_equal(route->role, is_report ? API_ROLE_EVENTS
                                      : is_get  ? API_ROLE_READ
                                                : API_ROLE_WRITE);
        assert_true(route->handler != NULL || route->kind == ROUTE_INDEX ||
                    route->kind == ROUTE_SUBSCRIBE);
    }
}

static void the_list_names_every_route(void **state) {
    (void)state;
    char bytes[8192];
    struct buf out = buf_over(bytes, sizeof bytes);
    route_list(api_routes(), &out);
    assert_true(slice_starts_with(buf_slice(&out), SLICE("{\"routes\":[{\"method\":\"GET\",")));
    size_t found = 0;
    for (struct slice rest = buf_slice(&out); slice_find(rest, SLICE("\"path\"")) != SIZE_MAX;
         rest = slice_from(rest, slice_find(rest, SLICE("\"path\"")) + 1)) {
        found++;
    }
    assert_int_equal(found, api_routes()->count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_lead_to_handlers),
        cmocka_unit_test(a_segment_becomes_a_parameter),
        cmocka_unit_test(bulk_is_also_a_code),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_known_path_says_what_it_is_there_for),
        cmocka_unit_test(roles_are_sets),
        cmocka_unit_test(reading_needs_read_and_changing_write),
        cmocka_unit_test(the_list_names_every_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
