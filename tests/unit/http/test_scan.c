/*
 * The scans against their grammar, written out a second time and byte by byte; and that the parser,
 * which is made of them, looks at each byte of a field.
 */
#include "exact.h"

#include "base/defs.h"
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

static bool is_label(int c) {
    return is_alnum(c) || c == '-' || c == '.';
}

static const struct scan {
    const char *(*run)(const char *at, const char *end);
    bool (*allows)(int c);
    uint8_t class;
} scans[] = {
    {scan_name, is_token, HTTP_CLASS_TOKEN},  {scan_value, is_value, HTTP_CLASS_VALUE},
    {scan_path, is_path, HTTP_CLASS_PATH},    {scan_query, is_query, HTTP_CLASS_QUERY},
    {scan_label, is_label, HTTP_CLASS_LABEL},
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
        assert_int_equal(scan_is((char)c, HTTP_CLASS_VISIBLE), is_visible(c));
    }
}

/* Every byte at every place of runs that are shorter, as long and longer than the blocks. What lies
 * before a run may be read but says nothing: it holds what would stop each of the scans. */
static void test_a_scan_stops_exactly_at_the_first_byte_not_allowed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
        for (size_t size = 0; size <= 40; size++) {
            char *memory = malloc(SCAN_BLOCK + size);
            assert_non_null(memory);
            memset(memory, '\n', SCAN_BLOCK);
            char *run = memory + SCAN_BLOCK;
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
            free(memory);
        }
    }
}

/* A mask may stop at what is allowed, never pass what is not; what clients usually send passes. */
static void test_a_mask_passes_nothing_that_its_class_does_not_allow(void **state) {
    (void)state;
    static const struct {
        unsigned (*stops)(const char *at);
        uint8_t class;
        const char *usual;
    } masks[] = {
        {scan_name_stops, HTTP_CLASS_TOKEN, "Accept-Language-"},
        {scan_value_stops, HTTP_CLASS_VALUE, "Mozilla/5.0 (\"~!"},
        {scan_value_begin_stops, HTTP_CLASS_VALUE, "Mozilla/5.0 (\"~!"},
        {scan_path_stops, HTTP_CLASS_PATH, "/AB-12_cd~zZ09az"},
        {scan_query_stops, HTTP_CLASS_QUERY, "s=a%20&b=?/~$+.:"},
        {scan_label_stops, HTTP_CLASS_LABEL, "Go-09.example.MX"},
    };
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        assert_int_equal(masks[i].stops(masks[i].usual), 0);
        for (int c = 0; c < 256; c++) {
            char block[SCAN_BLOCK];
            memcpy(block, masks[i].usual, sizeof block);
            for (unsigned at = 0; at < SCAN_BLOCK; at++) {
                block[at] = (char)c;
                unsigned stops = masks[i].stops(block);
                assert_int_equal(stops & ~(1U << at), 0);
                assert_true(stops != 0 || scan_is((char)c, masks[i].class));
                block[at] = masks[i].usual[at];
            }
        }
    }
    assert_int_equal(scan_value_begin_stops(" a value        "), 1);
    assert_int_equal(scan_first(0), SCAN_BLOCK);
    assert_int_equal(scan_first(0x8000), 15);
    assert_int_equal(scan_first(0x8001), 0);
}

/* A head with a field of this name and size, and one more after it when `after` is not 0. */
static size_t write_head(char out[static 256], const char *name, size_t value_size, size_t after) {
    int size = sprintf(out, "GET / HTTP/1.1\r\nHost: a\r\n%s: ", name);
    memset(out + size, 'v', value_size);
    size += (int)value_size;
    size += sprintf(out + size, "\r\n");
    if (after > 0) {
        size += sprintf(out + size, "X: %0*d\r\n", (int)after, 0);
    }
    size += sprintf(out + size, "\r\n");
    return (size_t)size;
}

/* Blocks of sixteen bytes, two of them in a turn, and what is left before the end of the input:
 * each byte of a value is looked at, whichever of them it falls into. */
static void test_every_byte_of_a_value_counts_wherever_it_stands(void **state) {
    (void)state;
    static const size_t afters[] = {0, 1, 12, 40};
    for (size_t i = 0; i < ARRAY_COUNT(afters) * 90; i++) {
        char head[256];
        size_t value_size = i / ARRAY_COUNT(afters);
        size_t size = write_head(head, "User-Agent", value_size, afters[i % ARRAY_COUNT(afters)]);
        char *copy = exact_copy(slice_make(head, size));
        struct http_request request;
        assert_int_equal(http_parse(slice_make(copy, size), &request), HTTP_PARSE_DONE);
        assert_int_equal(request.user_agent.size, value_size);
        char *value = strstr(head, "Agent: ") + 7;
        char *in_copy = copy + (value - head);
        for (size_t at = 0; at < value_size; at++) {
            in_copy[at] = (char)0x7f;
            assert_int_equal(http_parse(slice_make(copy, size), &request), HTTP_PARSE_BAD);
            in_copy[at] = (char)0x80;
            assert_int_equal(http_parse(slice_make(copy, size), &request), HTTP_PARSE_DONE);
            assert_int_equal(request.user_agent.size, value_size);
            in_copy[at] = ' ';
            assert_int_equal(http_parse(slice_make(copy, size), &request), HTTP_PARSE_DONE);
            bool at_an_end = at == 0 || at == value_size - 1;
            assert_int_equal(request.user_agent.size, value_size - (at_an_end ? 1 : 0));
            in_copy[at] = 'v';
        }
        free(copy);
    }
}

static void test_every_byte_of_a_name_counts_wherever_it_stands(void **state) {
    (void)state;
    static const char bad[] = {' ', '\t', '@', '[', '`' + 27, '/', (char)0x80, '\0'};
    static const char good[] = {'Z', '0', '_', '`', '~'};
    for (size_t i = 0; i < 40; i++) {
        char head[256];
        size_t name_size = 1 + i;
        char name[41] = "";
        memset(name, 'n', name_size);
        size_t size = write_head(head, name, 3, i % 4 * 10);
        size_t begin = (size_t)(strchr(head, 'n') - head);
        for (size_t at = 0; at < name_size; at++) {
            for (size_t j = 0; j < sizeof bad; j++) {
                head[begin + at] = bad[j];
                assert_int_equal(parse_exact(slice_make(head, size)), HTTP_PARSE_BAD);
            }
            for (size_t j = 0; j < sizeof good; j++) {
                head[begin + at] = good[j];
                assert_int_equal(parse_exact(slice_make(head, size)), HTTP_PARSE_DONE);
            }
            head[begin + at] = 'n';
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_are_those_of_the_grammar),
        cmocka_unit_test(test_a_scan_stops_exactly_at_the_first_byte_not_allowed),
        cmocka_unit_test(test_a_mask_passes_nothing_that_its_class_does_not_allow),
        cmocka_unit_test(test_every_byte_of_a_value_counts_wherever_it_stands),
        cmocka_unit_test(test_every_byte_of_a_name_counts_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
