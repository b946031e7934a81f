/*
 * Request lines, targets, line ends, limits and cuts. Fields have test_fields.c.
 */
#include "exact.h"

#include "base/defs.h"

#define HOST "Host: go.example.mx\r\n"
#define REST " HTTP/1.1\r\n" HOST "\r\n"

struct verdict {
    const char *name;
    struct slice input;
    enum http_parse_result expected;
};

static void assert_verdicts(const struct verdict *verdicts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_result(verdicts[i].name, verdicts[i].input, verdicts[i].expected);
    }
}

static void test_a_plain_request_gives_its_parts(void **state) {
    (void)state;
    const struct slice input = SLICE("GET /AB12CD?s=wa&x HTTP/1.1\r\n"
                                     "Host: go.example.mx:8080\r\n"
                                     "User-Agent: \t WhatsApp/2.23 A \t\r\n"
                                     "\r\n"
                                     "GET /next HTTP/1.1\r\n");
    struct http_request request;
    assert_int_equal(http_parse(input, &request), HTTP_PARSE_DONE);
    assert_int_equal(request.method, HTTP_GET);
    assert_int_equal(request.minor_version, 1);
    assert_true(request.keep_alive);
    assert_false(request.has_body);
    assert_false(request.prefetch);
    assert_slice(request.target, "/AB12CD?s=wa&x");
    assert_slice(request.path, "/AB12CD");
    assert_slice(request.query, "s=wa&x");
    assert_slice(request.host, "go.example.mx:8080");
    assert_slice(request.user_agent, "WhatsApp/2.23 A");
    assert_int_equal(request.referer.size, 0);
    assert_slice(slice_from(input, request.head_bytes), "GET /next HTTP/1.1\r\n");
}

static void test_a_path_says_whether_it_is_escaped(void **state) {
    (void)state;
    static const struct {
        struct slice input;
        bool escaped;
    } cases[] = {
        {SLICE("GET /AB12CD" REST), false},
        {SLICE("GET /AB%31" REST), true},
        {SLICE("HEAD /%41" REST), true},
        {SLICE("GET /AB?s=%41" REST), false},
        {SLICE("GET http://h%41/a" REST), false},
        {SLICE("GET http://h/%61" REST), true},
        {SLICE("POST /%41" REST), true},
        {SLICE("POST /%41#" REST), false}, /* no origin-form: it has no path */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_request request;
        assert_int_equal(http_parse(cases[i].input, &request), HTTP_PARSE_DONE);
        assert_int_equal(request.path_escaped, cases[i].escaped);
    }
}

static void test_pipelined_requests_are_taken_one_by_one(void **state) {
    (void)state;
    struct slice input = SLICE("GET /a HTTP/1.1\r\n" HOST "\r\n"
                               "\r\nHEAD /b HTTP/1.1\r\n" HOST "\r\n"
                               "POST /c HTTP/1.0\r\n\r\n");
    const char *const paths[] = {"/a", "/b", "/c"};
    const enum http_method methods[] = {HTTP_GET, HTTP_HEAD, HTTP_OTHER};
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct http_request request;
        assert_int_equal(http_parse(input, &request), HTTP_PARSE_DONE);
        assert_slice(request.path, paths[i]);
        assert_int_equal(request.method, methods[i]);
        input = slice_from(input, request.head_bytes);
    }
    assert_int_equal(input.size, 0);
}

static void test_request_lines(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"get", SLICE("GET /" REST), HTTP_PARSE_DONE},
        {"head", SLICE("HEAD /" REST), HTTP_PARSE_DONE},
        {"any token is a method", SLICE("X!#$%&'*+-.^_`|~9 /" REST), HTTP_PARSE_DONE},
        {"no host in 1.0", SLICE("GET / HTTP/1.0\r\n\r\n"), HTTP_PARSE_DONE},
        {"1.2 is read as 1.1", SLICE("GET / HTTP/1.2\r\n" HOST "\r\n"), HTTP_PARSE_DONE},
        {"1.9 needs a host", SLICE("GET / HTTP/1.9\r\n\r\n"), HTTP_PARSE_BAD},
        {"0.9", SLICE("GET /\r\n\r\n"), HTTP_PARSE_BAD},
        {"0.9 with space", SLICE("GET / \r\n\r\n"), HTTP_PARSE_BAD},
        {"2.0", SLICE("GET / HTTP/2.0\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"preface of HTTP/2", SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_PARSE_BAD},
        {"0.1", SLICE("GET / HTTP/0.1\r\n\r\n"), HTTP_PARSE_BAD},
        {"two digits", SLICE("GET / HTTP/1.10\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"two digits before", SLICE("GET / HTTP/11.1\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"no digit", SLICE("GET / HTTP/1.\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"letter for digit", SLICE("GET / HTTP/1.x\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"lower-case http", SLICE("GET / http/1.1\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"other protocol", SLICE("GET / ICAP/1.0\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"two spaces before target", SLICE("GET  /" REST), HTTP_PARSE_BAD},
        {"two spaces after target", SLICE("GET / " REST), HTTP_PARSE_BAD},
        {"space after version", SLICE("GET / HTTP/1.1 \r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"tab before target", SLICE("GET\t/" REST), HTTP_PARSE_BAD},
        {"tab after target", SLICE("GET /\tHTTP/1.1\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"space before method", SLICE(" GET /" REST), HTTP_PARSE_BAD},
        {"no method", SLICE("/" REST), HTTP_PARSE_BAD},
        {"empty method", SLICE(" /" REST), HTTP_PARSE_BAD},
        {"no target", SLICE("GET HTTP/1.1\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"empty target", SLICE("GET " REST), HTTP_PARSE_BAD},
        {"empty target of another method", SLICE("POST " REST), HTTP_PARSE_BAD},
        {"colon in method", SLICE("GE:T /" REST), HTTP_PARSE_BAD},
        {"byte 0x80 in method", SLICE("G\x80T /" REST), HTTP_PARSE_BAD},
        {"TLS hello", SLICE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), HTTP_PARSE_BAD},
        {"response", SLICE("HTTP/1.1 200 OK\r\n\r\n"), HTTP_PARSE_BAD},
    };
    assert_verdicts(verdicts, ARRAY_COUNT(verdicts));
}

static void test_methods_are_case_sensitive(void **state) {
    (void)state;
    struct http_request request;
    assert_int_equal(http_parse(SLICE("get /" REST), &request), HTTP_PARSE_DONE);
    assert_int_equal(request.method, HTTP_OTHER);
    assert_int_equal(http_parse(SLICE("HEADS /" REST), &request), HTTP_PARSE_DONE);
    assert_int_equal(request.method, HTTP_OTHER);
    assert_int_equal(http_parse(SLICE("GETS /" REST), &request), HTTP_PARSE_DONE);
    assert_int_equal(request.method, HTTP_OTHER);
}

static void test_line_ends(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"one empty line before", SLICE("\r\nGET /" REST), HTTP_PARSE_DONE},
        {"two empty lines before", SLICE("\r\n\r\nGET /" REST), HTTP_PARSE_BAD},
        {"bare LF before", SLICE("\nGET /" REST), HTTP_PARSE_BAD},
        {"bare CR before", SLICE("\rGET /" REST), HTTP_PARSE_BAD},
        {"bare LFs", SLICE("GET / HTTP/1.1\nHost: a\n\n"), HTTP_PARSE_BAD},
        {"bare LF after line", SLICE("GET / HTTP/1.1\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"bare LF after field", SLICE("GET / HTTP/1.1\r\nHost: a\n\r\n"), HTTP_PARSE_BAD},
        {"bare LF at the end", SLICE("GET / HTTP/1.1\r\n" HOST "\n"), HTTP_PARSE_BAD},
        {"bare CR after line", SLICE("GET / HTTP/1.1\r" HOST "\r\n"), HTTP_PARSE_BAD},
        {"bare CR in value", SLICE("GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n"), HTTP_PARSE_BAD},
        {"CR CR LF after value", SLICE("GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n"), HTTP_PARSE_BAD},
        {"CR CR LF after line", SLICE("GET / HTTP/1.1\r\r\n" HOST "\r\n"), HTTP_PARSE_BAD},
        {"bare CR at the end", SLICE("GET / HTTP/1.1\r\n" HOST "\rX"), HTTP_PARSE_BAD},
    };
    assert_verdicts(verdicts, ARRAY_COUNT(verdicts));
}

static void test_targets(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"percent-encoded path", SLICE("GET /%41%2f%e2%9C%93" REST), HTTP_PARSE_DONE},
        {"one digit", SLICE("GET /%4" REST), HTTP_PARSE_BAD},
        {"no digit", SLICE("GET /%" REST), HTTP_PARSE_BAD},
        {"not a digit", SLICE("GET /%4g" REST), HTTP_PARSE_BAD},
        {"not two digits", SLICE("GET /%zz" REST), HTTP_PARSE_BAD},
        {"percent before query", SLICE("GET /%?a=b" REST), HTTP_PARSE_BAD},
        {"junk percent in query", SLICE("GET /a?b=100%&c=%zz&%" REST), HTTP_PARSE_DONE},
        {"second question mark", SLICE("GET /a??b?c" REST), HTTP_PARSE_DONE},
        {"unwise characters", SLICE("GET /a|b{c}^`\"<>\\[]" REST), HTTP_PARSE_DONE},
        {"fragment in path", SLICE("GET /a#b" REST), HTTP_PARSE_BAD},
        {"fragment in query", SLICE("GET /a?b#c" REST), HTTP_PARSE_BAD},
        {"control byte in path", SLICE("GET /a\x01" REST), HTTP_PARSE_BAD},
        {"NUL in path", SLICE("GET /a\0b" REST), HTTP_PARSE_BAD},
        {"DEL in path", SLICE("GET /a\x7f" REST), HTTP_PARSE_BAD},
        {"byte 0x80 in path", SLICE("GET /a\x80" REST), HTTP_PARSE_BAD},
        {"UTF-8 in query", SLICE("GET /a?b=\xc3\xb1" REST), HTTP_PARSE_BAD},
        {"NUL in query", SLICE("GET /a?b\0c" REST), HTTP_PARSE_BAD},
        {"tab in query", SLICE("GET /a?b\tc" REST), HTTP_PARSE_BAD},
        {"relative", SLICE("GET a" REST), HTTP_PARSE_BAD},
        {"asterisk", SLICE("GET *" REST), HTTP_PARSE_BAD},
        {"authority", SLICE("GET go.example.mx:80" REST), HTTP_PARSE_BAD},
        {"query alone", SLICE("GET ?a" REST), HTTP_PARSE_BAD},
        {"absolute", SLICE("GET http://go.example.mx/a" REST), HTTP_PARSE_DONE},
        {"absolute https", SLICE("GET HttpS://go.example.mx/a" REST), HTTP_PARSE_DONE},
        {"absolute, other scheme", SLICE("GET ftp://go.example.mx/a" REST), HTTP_PARSE_BAD},
        {"absolute, httpss", SLICE("GET httpss://go.example.mx/a" REST), HTTP_PARSE_BAD},
        {"absolute, one slash", SLICE("GET http:/a" REST), HTTP_PARSE_BAD},
        {"absolute, no host", SLICE("GET http:///a" REST), HTTP_PARSE_BAD},
        {"absolute, port alone", SLICE("GET http://:80/a" REST), HTTP_PARSE_BAD},
        {"absolute, user", SLICE("GET http://u@go.example.mx/a" REST), HTTP_PARSE_BAD},
        {"absolute, user and password", SLICE("GET http://u:p@a/" REST), HTTP_PARSE_BAD},
        {"absolute, backslash", SLICE("GET http://a\\@b/" REST), HTTP_PARSE_BAD},
        {"absolute, fragment", SLICE("GET http://a#b" REST), HTTP_PARSE_BAD},
        {"absolute, bad port", SLICE("GET http://a:65536/" REST), HTTP_PARSE_BAD},
        {"absolute, IPv6", SLICE("GET http://[2001:db8::1]:8080/a" REST), HTTP_PARSE_DONE},
        {"absolute, open bracket", SLICE("GET http://[::1/" REST), HTTP_PARSE_BAD},
        {"absolute, bad percent in path", SLICE("GET http://a/%" REST), HTTP_PARSE_BAD},
        {"absolute needs Host too", SLICE("GET http://a/ HTTP/1.1\r\n\r\n"), HTTP_PARSE_BAD},
        {"absolute in 1.0 needs none", SLICE("GET http://a/ HTTP/1.0\r\n\r\n"), HTTP_PARSE_DONE},
        {"absolute, bad Host", SLICE("GET http://a/ HTTP/1.1\r\nHost: b/\r\n\r\n"), HTTP_PARSE_BAD},
        {"asterisk for options", SLICE("OPTIONS *" REST), HTTP_PARSE_DONE},
        {"authority for connect", SLICE("CONNECT a:443" REST), HTTP_PARSE_DONE},
        {"anything visible for others", SLICE("POST a@b#c%z" REST), HTTP_PARSE_DONE},
        {"byte 0x80 for others", SLICE("POST /\x80" REST), HTTP_PARSE_BAD},
        {"control byte for others", SLICE("POST /a\x1f" REST), HTTP_PARSE_BAD},
    };
    assert_verdicts(verdicts, ARRAY_COUNT(verdicts));
}

static void test_an_absolute_target_replaces_host(void **state) {
    (void)state;
    struct http_request request;
    assert_int_equal(http_parse(SLICE("GET http://real.example:81/a%20b?c=d HTTP/1.1\r\n"
                                      "Host: other.example\r\n\r\n"),
                                &request),
                     HTTP_PARSE_DONE);
    assert_slice(request.target, "http://real.example:81/a%20b?c=d");
    assert_slice(request.host, "real.example:81");
    assert_slice(request.path, "/a%20b");
    assert_slice(request.query, "c=d");
}

static void test_an_absolute_target_without_path_means_the_root(void **state) {
    (void)state;
    const struct slice inputs[] = {SLICE("GET https://a.example" REST),
                                   SLICE("GET https://a.example?s=x" REST)};
    const char *const queries[] = {"", "s=x"};
    for (size_t i = 0; i < ARRAY_COUNT(inputs); i++) {
        struct http_request request;
        assert_int_equal(http_parse(inputs[i], &request), HTTP_PARSE_DONE);
        assert_slice(request.path, "/");
        assert_slice(request.query, queries[i]);
        assert_in_range((uintptr_t)request.path.data, (uintptr_t)inputs[i].data,
                        (uintptr_t)inputs[i].data + inputs[i].size - 1);
    }
}

static void test_other_methods_have_a_path_when_their_target_is_well_formed(void **state) {
    (void)state;
    static const struct {
        struct slice input;
        const char *target;
        const char *path;
        const char *query;
    } cases[] = {
        {SLICE("POST /a?b=%" REST), "/a?b=%", "/a", "b=%"},
        {SLICE("POST /%zz" REST), "/%zz", "", ""},
        {SLICE("POST /%4" REST), "/%4", "", ""},
        {SLICE("POST /a#b" REST), "/a#b", "", ""},
        {SLICE("POST /a?b#c" REST), "/a?b#c", "", ""},
        {SLICE("OPTIONS *" REST), "*", "", ""},
        {SLICE("POST http://x/y" REST), "http://x/y", "", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_request request;
        assert_int_equal(http_parse(cases[i].input, &request), HTTP_PARSE_DONE);
        assert_int_equal(request.method, HTTP_OTHER);
        assert_slice(request.target, cases[i].target);
        assert_slice(request.path, cases[i].path);
        assert_slice(request.query, cases[i].query);
        assert_slice(request.host, "go.example.mx");
    }
}

/* A head of `size` bytes whose request line has `line` bytes and that has `fields` fields. */
static char *make_head(size_t line, size_t fields, size_t size, bool empty_line_first) {
    static const struct slice begin = SLICE("GET /");
    static const struct slice version = SLICE(" HTTP/1.1");
    char *head = malloc(size);
    assert_non_null(head);
    char *at = head;
    if (empty_line_first) {
        memcpy(at, "\r\n", 2);
        at += 2;
    }
    memcpy(at, begin.data, begin.size);
    memset(at + begin.size, 'p', line - begin.size - version.size);
    memcpy(at + line - version.size, version.data, version.size);
    memcpy(at + line, "\r\nHost:a\r\n", 10);
    at += line + 10;
    for (size_t i = 2; i < fields; i++) {
        memcpy(at, "a:b\r\n", 5);
        at += 5;
    }
    char *end = head + size;
    memcpy(at, "b:", 2);
    memset(at + 2, 'v', (size_t)(end - at) - 2);
    memcpy(end - 4, "\r\n\r\n", 4);
    return head;
}

static enum http_parse_result parse_made(size_t line, size_t fields, size_t size, bool empty) {
    char *head = make_head(line, fields, size, empty);
    enum http_parse_result result = parse_exact(slice_make(head, size));
    assert_int_equal(parse_dripping(slice_make(head, size)), result);
    free(head);
    return result;
}

static void test_a_request_line_may_have_exactly_8000_bytes(void **state) {
    (void)state;
    assert_int_equal(parse_made(8000, 2, 9000, false), HTTP_PARSE_DONE);
    assert_int_equal(parse_made(8000, 2, 9000, true), HTTP_PARSE_DONE);
    for (size_t over = 1; over <= 12; over++) {
        assert_int_equal(parse_made(8000 + over, 2, 9000, false), HTTP_PARSE_LINE_TOO_LONG);
        assert_int_equal(parse_made(8000 + over, 2, 9000, true), HTTP_PARSE_LINE_TOO_LONG);
    }
}

static void test_a_line_too_long_is_told_before_it_ends(void **state) {
    (void)state;
    char line[8001];
    const char *const beginnings[] = {"GET /", "GET http://", "POST ", "GET /?", "X"};
    for (size_t i = 0; i < ARRAY_COUNT(beginnings); i++) {
        memset(line, 'x', sizeof line);
        memcpy(line, beginnings[i], strlen(beginnings[i]));
        assert_int_equal(parse_exact(slice_make(line, 8000)), HTTP_PARSE_MORE);
        assert_int_equal(parse_exact(slice_make(line, 8001)), HTTP_PARSE_LINE_TOO_LONG);
        assert_false(head_end_exact(slice_make(line, 8000), 0));
        assert_true(head_end_exact(slice_make(line, 8001), 8000));
    }
}

static void test_a_head_may_have_exactly_16384_bytes(void **state) {
    (void)state;
    assert_int_equal(parse_made(100, 2, 16384, false), HTTP_PARSE_DONE);
    assert_int_equal(parse_made(100, 2, 16384, true), HTTP_PARSE_DONE);
    for (size_t over = 1; over <= 5; over++) {
        assert_int_equal(parse_made(100, 2, 16384 + over, false), HTTP_PARSE_HEAD_TOO_LARGE);
        assert_int_equal(parse_made(100, 2, 16384 + over, true), HTTP_PARSE_HEAD_TOO_LARGE);
    }
}

static void test_a_head_too_large_is_told_before_it_ends(void **state) {
    (void)state;
    char *head = make_head(100, 2, 20000, false);
    assert_int_equal(parse_exact(slice_make(head, 16383)), HTTP_PARSE_MORE);
    assert_false(head_end_exact(slice_make(head, 16383), 0));
    assert_int_equal(parse_exact(slice_make(head, 16384)), HTTP_PARSE_HEAD_TOO_LARGE);
    assert_true(head_end_exact(slice_make(head, 16384), 16383));
    free(head);
}

static void test_a_head_may_have_exactly_100_fields(void **state) {
    (void)state;
    assert_int_equal(parse_made(100, 100, 2000, false), HTTP_PARSE_DONE);
    assert_int_equal(parse_made(100, 101, 2000, false), HTTP_PARSE_HEAD_TOO_LARGE);
}

static void test_limits_do_not_depend_on_cuts(void **state) {
    (void)state;
    char *head = make_head(8003, 101, 17000, true);
    assert_result("line", slice_make(head, 8100), HTTP_PARSE_LINE_TOO_LONG);
    free(head);
    head = make_head(50, 101, 1200, false);
    assert_result("fields", slice_make(head, 1200), HTTP_PARSE_HEAD_TOO_LARGE);
    free(head);
}

static void test_the_first_error_counts_not_a_later_limit(void **state) {
    (void)state;
    char *head = make_head(9000, 2, 17000, false);
    head[7999] = '\x01';
    assert_int_equal(parse_exact(slice_make(head, 17000)), HTTP_PARSE_BAD);
    head[7999] = 'p';
    head[8001] = '\x01';
    assert_int_equal(parse_exact(slice_make(head, 17000)), HTTP_PARSE_LINE_TOO_LONG);
    free(head);
}

static void test_a_valid_beginning_asks_for_more(void **state) {
    (void)state;
    const struct slice input = SLICE("\r\nGET /%41?b HTTP/1.1\r\n" HOST "A: \t b \r\n\r\n");
    for (size_t size = 0; size < input.size; size++) {
        assert_int_equal(parse_exact(slice_first(input, size)), HTTP_PARSE_MORE);
    }
    assert_int_equal(parse_exact(input), HTTP_PARSE_DONE);
    assert_int_equal(http_parse(SLICE_EMPTY, &(struct http_request){0}), HTTP_PARSE_MORE);
}

static void test_an_error_is_told_as_soon_as_it_is_seen(void **state) {
    (void)state;
    static const char *const beginnings[] = {
        "\n",
        "\r\r",
        "\r\n\r",
        "G\x80",
        "GET  ",
        "GET x",
        "GET /%z",
        "GET /a#",
        "GET /a HTTP/2",
        "GET /a h",
        "GET httpx",
        "GET http://a@",
        "GET /a HTTP/1.1\n",
        "GET /a HTTP/1.1\r\n ",
        "GET /a HTTP/1.1\r\n:",
        "GET /a HTTP/1.1\r\nA ",
        "GET /a HTTP/1.1\r\nA: \x01",
        "GET /a HTTP/1.1\r\nA: b\n",
        "GET /a HTTP/1.1\r\nA: b\r\r",
    };
    for (size_t i = 0; i < ARRAY_COUNT(beginnings); i++) {
        struct slice all = slice_of(beginnings[i]);
        assert_result(beginnings[i], all, HTTP_PARSE_BAD);
        assert_int_equal(parse_exact(slice_first(all, all.size - 1)), HTTP_PARSE_MORE);
    }
}

static void test_head_end_finds_the_empty_line_wherever_the_search_begins(void **state) {
    (void)state;
    const struct slice head = SLICE("\r\nGET / HTTP/1.1\r\nA: b\r\n\r\n");
    for (size_t from = 0; from < head.size; from++) {
        assert_true(head_end_exact(head, from));
        assert_false(head_end_exact(slice_first(head, from), 0));
    }
}

static void test_head_end_does_not_let_a_client_with_bare_line_feeds_hang(void **state) {
    (void)state;
    assert_true(head_end_exact(SLICE("GET / HTTP/1.0\n\n"), 15));
    assert_true(head_end_exact(SLICE("GET / HTTP/1.0\n\r\n"), 16));
    assert_true(head_end_exact(SLICE("GET / HTTP/1.0\r\n\n"), 16));
    assert_true(head_end_exact(SLICE("\n\n"), 0));
    assert_false(head_end_exact(SLICE("GET / HTTP/1.0\n"), 0));
    assert_false(head_end_exact(SLICE("GET / HTTP/1.0\n\r"), 0));
    assert_false(http_head_end(SLICE_EMPTY, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_request_gives_its_parts),
        cmocka_unit_test(test_a_path_says_whether_it_is_escaped),
        cmocka_unit_test(test_pipelined_requests_are_taken_one_by_one),
        cmocka_unit_test(test_request_lines),
        cmocka_unit_test(test_methods_are_case_sensitive),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_an_absolute_target_replaces_host),
        cmocka_unit_test(test_an_absolute_target_without_path_means_the_root),
        cmocka_unit_test(test_other_methods_have_a_path_when_their_target_is_well_formed),
        cmocka_unit_test(test_a_request_line_may_have_exactly_8000_bytes),
        cmocka_unit_test(test_a_line_too_long_is_told_before_it_ends),
        cmocka_unit_test(test_a_head_may_have_exactly_16384_bytes),
        cmocka_unit_test(test_a_head_too_large_is_told_before_it_ends),
        cmocka_unit_test(test_a_head_may_have_exactly_100_fields),
        cmocka_unit_test(test_limits_do_not_depend_on_cuts),
        cmocka_unit_test(test_the_first_error_counts_not_a_later_limit),
        cmocka_unit_test(test_a_valid_beginning_asks_for_more),
        cmocka_unit_test(test_an_error_is_told_as_soon_as_it_is_seen),
        cmocka_unit_test(test_head_end_finds_the_empty_line_wherever_the_search_begins),
        cmocka_unit_test(test_head_end_does_not_let_a_client_with_bare_line_feeds_hang),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
