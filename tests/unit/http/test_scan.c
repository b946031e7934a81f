/*
 * The scans against their grammar, written out a second time and byte by byte.
 */
#include "exact.h"

#include "scan.h"

static bool is_alnum(int c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_token(int c) {
    return is_alnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_value(int c) {
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool is_visible(int c) {
    return c > ' ' && c < 0x7f;
}

static bool is_query(int c) {
    return is_visible(c) && c != '#';
}

static bool is_path(int c) {
    return is_query(c) && c != '?' && c != '%';
}

static const struct scan {
    const char *(*run)(const char *at, const char *end);
    bool (*allows)(int c);
    uint8_t class;
} scans[] = {
    {scan_name, is_token, HTTP_CLASS_TOKEN},        {scan_value, is_value, HTTP_CLASS_VALUE},
    {scan_visible, is_visible, HTTP_CLASS_VISIBLE}, {scan_query, is_query, HTTP_CLASS_QUERY},
    {scan_path, is_path, HTTP_CLASS_PATH},
};

static void test_classes_are_those_of_the_grammar(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
            assert_int_equal(scan_is((char)c, scans[i].class), scans[i].allows(c));
        }
        assert_int_equal(scan_is((char)c, HTTP_CLASS_HOST),
                         is_alnum(c) || (c != 0 && strchr("-._~!$&'()*+,;=", c) != NULL));
        assert_int_equal(scan_is((char)c, HTTP_CLASS_HEX),
                         c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL);
        assert_int_equal(scan_is((char)c, HTTP_CLASS_LABEL), is_alnum(c) || c == '-' || c == '.');
    }
}

/* Every byte at every place of runs that are shorter, as long and longer than the blocks. */
static void test_a_scan_stops_exactly_at_the_first_byte_not_allowed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
        for (size_t size = 0; size <= 40; size++) {
            char *run = malloc(size > 0 ? size : 1);
            assert_non_null(run);
            memset(run, 'x', size);
            assert_ptr_equal(scans[i].run(run, run + size), run + size);
            for (size_t at = 0; at < size; at++) {
                for (int c = 0; c < 256; c++) {
                    run[at] = (char)c;
                    const char *expected = scans[i].allows(c) ? run + size : run + at;
                    assert_ptr_equal(scans[i].run(run, run + size), expected);
                }
                run[at] = 'x';
            }
            free(run);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_are_those_of_the_grammar),
        cmocka_unit_test(test_a_scan_stops_exactly_at_the_first_byte_not_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
