/*
 * test_target.c - paths and queries: split first, decoded then, refused where they are ambiguous.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "target.h"

static char decoded[4096];
static struct target target;

static enum target_result parse(const char *path, const char *query) {
    return target_read(slice_of(path), slice_of(query), decoded, &target);
}

static void assert_segments(const char *path, const char *joined) {
    char text[256] = "";
    assert_int_equal(parse(path, ""), TARGET_OK);
    assert_true(target.has_path);
    for (size_t i = 0; i < target.segment_count; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "[%.*s]",
                 SLICE_ARG(target.segment[i]));
    }
    assert_string_equal(text, joined);
}

static void assert_fields(const char *query, const char *joined) {
    char text[256] = "";
    assert_int_equal(parse("/v1", query), TARGET_OK);
    for (size_t i = 0; i < target.query_count; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "[%.*s|%.*s]",
                 SLICE_ARG(target.query[i].name), SLICE_ARG(target.query[i].value));
    }
    assert_string_equal(text, joined);
}

static void paths_are_split_before_they_are_decoded(void **state) {
    (void)state;
    assert_segments("/v1", "[v1]");
    assert_segments("/", "[]");
    assert_segments("/v1/", "[v1][]");
    assert_segments("/v1//x", "[v1][][x]");
    assert_segments("/v1/links/A%2FB", "[v1][links][A/B]");
    assert_segments("/%76%31/a%3Fb", "[v1][a?b]");
    assert_segments("/v1/a+b", "[v1][a+b]");
    assert_segments("/v1/../x", "[v1][..][x]");
    assert_segments("/v1/%C3%A9", "[v1][\xc3\xa9]");
}

static void a_path_may_be_longer_than_any_route(void **state) {
    (void)state;
    assert_int_equal(parse("/1/2/3/4/5/6/7/8", ""), TARGET_OK);
    assert_int_equal(target.segment_count, TARGET_SEGMENTS_MAX);
    assert_int_equal(parse("/1/2/3/4/5/6/7/8/9/10/11", ""), TARGET_OK);
    assert_int_equal(target.segment_count, TARGET_SEGMENTS_MAX + 1);
}

static void paths_that_cannot_be_decoded_are_refused(void **state) {
    (void)state;
    static const char *const malformed[] = {"/v1/%", "/v1/%4", "/v1/%4g", "/%zz", "/v1/a%%41"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        assert_int_equal(parse(malformed[i], ""), TARGET_ENCODING);
        assert_false(target.has_path);
    }
    static const char *const control[] = {"/v1/%00", "/v1/a%0d%0aSet-Cookie:x", "/v1/%7F",
                                          "/v1/%1b[31m"};
    for (size_t i = 0; i < sizeof control / sizeof *control; i++) {
        assert_int_equal(parse(control[i], ""), TARGET_CONTROL);
        assert_false(target.has_path);
    }
}

static void queries_are_split_before_they_are_decoded(void **state) {
    (void)state;
    assert_fields("", "");
    assert_fields("a=1&b=2", "[a|1][b|2]");
    assert_fields("a", "[a|]");
    assert_fields("a=", "[a|]");
    assert_fields("a=b=c", "[a|b=c]");
    assert_fields("&&a=1&&", "[a|1]");
    assert_fields("a=1%262&%61b=%3D", "[a|1&2][ab|=]");
    assert_fields("a=x+y%2Bz", "[a|x y+z]");
    assert_fields("filter=browser:Samsung+Internet", "[filter|browser:Samsung Internet]");
}

static void assert_fault(const char *query, enum target_result result, const char *field) {
    assert_int_equal(parse("/v1", query), result);
    assert_true(target.has_path);
    assert_true(slice_equal(target.fault, slice_of(field)));
    assert_true(strlen(target_fault(result)) > 0);
}

static void queries_at_fault_name_the_field(void **state) {
    (void)state;
    assert_fault("a=1&a=2", TARGET_TWICE, "a");
    assert_fault("a=1&%61=1", TARGET_TWICE, "a");
    assert_fault("b=1&a=%0", TARGET_ENCODING, "a");
    assert_fault("a=%00", TARGET_CONTROL, "a");
    assert_fault("a=%0A", TARGET_CONTROL, "a");
    assert_fault("%0A=a", TARGET_CONTROL, "");
    assert_fault("=1", TARGET_NAMELESS, "");
}

static void fields_are_counted(void **state) {
    (void)state;
    char query[1024] = "";
    for (unsigned i = 0; i < CALL_FIELDS_MAX; i++) {
        snprintf(query + strlen(query), sizeof query - strlen(query), "f%u=%u&", i, i);
    }
    assert_int_equal(parse("/v1", query), TARGET_OK);
    assert_int_equal(target.query_count, CALL_FIELDS_MAX);
    strcat(query, "more");
    assert_fault(query, TARGET_MANY, "");
}

static void the_first_segment_is_known_however_it_is_spelled(void **state) {
    (void)state;
    assert_true(target_is_under(SLICE("/v1"), SLICE("v1")));
    assert_true(target_is_under(SLICE("/v1/x%"), SLICE("v1")));
    assert_true(target_is_under(SLICE("/%761/x"), SLICE("v1")));
    assert_false(target_is_under(SLICE("/v12"), SLICE("v1")));
    assert_false(target_is_under(SLICE("/"), SLICE("v1")));
    assert_false(target_is_under(SLICE_EMPTY, SLICE("v1")));
    assert_false(target_is_under(SLICE("/v1%"), SLICE("v1")));
    assert_false(target_is_under(SLICE("/0123456789012345678901234567890123456789"), SLICE("v1")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_split_before_they_are_decoded),
        cmocka_unit_test(a_path_may_be_longer_than_any_route),
        cmocka_unit_test(paths_that_cannot_be_decoded_are_refused),
        cmocka_unit_test(queries_are_split_before_they_are_decoded),
        cmocka_unit_test(queries_at_fault_name_the_field),
        cmocka_unit_test(fields_are_counted),
        cmocka_unit_test(the_first_segment_is_known_however_it_is_spelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
