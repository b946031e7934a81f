/*
 * What fields say, and the ways in which they are used to smuggle.
 */
#include "exact.h"

#include "base/defs.h"

#define LINE_0 "GET /a HTTP/1.0\r\n"
#define LINE_1 "GET /a HTTP/1.1\r\n"
#define HOST   "Host: a.example\r\n"

/* The verdict on a request that has these field lines. */
struct verdict {
    const char *name;
    struct slice fields;
    enum http_parse_result expected;
};

static struct slice build(const char *line, struct slice fields, char *storage, size_t capacity) {
    size_t size = strlen(line);
    assert_true(size + fields.size + 2 <= capacity);
    memcpy(storage, line, size);
    if (fields.size > 0) {
        memcpy(storage + size, fields.data, fields.size);
    }
    memcpy(storage + size + fields.size, "\r\n", 2);
    return slice_make(storage, size + fields.size + 2);
}

static void assert_verdicts(const char *line, const struct verdict *verdicts, size_t count) {
    char storage[1024];
    for (size_t i = 0; i < count; i++) {
        assert_result(verdicts[i].name, build(line, verdicts[i].fields, storage, sizeof storage),
                      verdicts[i].expected);
    }
}

/* The fields of a good request. */
static struct http_request parse_good(const char *line, struct slice fields) {
    static char storage[1024];
    struct http_request request;
    struct slice input = build(line, fields, storage, sizeof storage);
    if (parse_all_ways(input) != HTTP_PARSE_DONE) {
        fail_msg("refused: %.*s", SLICE_ARG(input));
    }
    assert_int_equal(http_parse(input, &request), HTTP_PARSE_DONE);
    return request;
}

static void test_field_lines(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"empty value", SLICE(HOST "A:\r\n"), HTTP_PARSE_DONE},
        {"blank value", SLICE(HOST "A: \t \r\n"), HTTP_PARSE_DONE},
        {"no space", SLICE(HOST "A:b\r\n"), HTTP_PARSE_DONE},
        {"tab in value", SLICE(HOST "A: b\tc\r\n"), HTTP_PARSE_DONE},
        {"obs-text", SLICE(HOST "A: \x80\xff\xc3\xb1\r\n"), HTTP_PARSE_DONE},
        {"obs-text far in", SLICE(HOST "A: 0123456789abcdef0123456789\xff\x41\r\n"),
         HTTP_PARSE_DONE},
        {"odd name", SLICE(HOST "!#$%&'*+-.^_`|~19: b\r\n"), HTTP_PARSE_DONE},
        {"long odd name", SLICE(HOST "abcdefghijklmnopqr_0123456789-ABC: b\r\n"), HTTP_PARSE_DONE},
        {"space before colon", SLICE(HOST "A : b\r\n"), HTTP_PARSE_BAD},
        {"tab before colon", SLICE(HOST "A\t: b\r\n"), HTTP_PARSE_BAD},
        {"space in name", SLICE(HOST "A B: c\r\n"), HTTP_PARSE_BAD},
        {"no name", SLICE(HOST ": b\r\n"), HTTP_PARSE_BAD},
        {"no colon", SLICE(HOST "A\r\n"), HTTP_PARSE_BAD},
        {"fold by space", SLICE(HOST "A: b\r\n c\r\n"), HTTP_PARSE_BAD},
        {"fold by tab", SLICE(HOST "A: b\r\n\tc\r\n"), HTTP_PARSE_BAD},
        {"fold of the first line", SLICE(" A: b\r\n" HOST), HTTP_PARSE_BAD},
        {"NUL in value", SLICE(HOST "A: b\0c\r\n"), HTTP_PARSE_BAD},
        {"NUL in name", SLICE(HOST "A\0: b\r\n"), HTTP_PARSE_BAD},
        {"control byte in value", SLICE(HOST "A: b\x0b\r\n"), HTTP_PARSE_BAD},
        {"DEL in value", SLICE(HOST "A: b\x7f\r\n"), HTTP_PARSE_BAD},
        {"escape far in value", SLICE(HOST "A: 0123456789abcdef0123456789\x1b\r\n"),
         HTTP_PARSE_BAD},
        {"byte 0x80 in name", SLICE(HOST "A\x80: b\r\n"), HTTP_PARSE_BAD},
        {"quote in name", SLICE(HOST "\"A\": b\r\n"), HTTP_PARSE_BAD},
        {"slash in name", SLICE(HOST "A/B: c\r\n"), HTTP_PARSE_BAD},
    };
    assert_verdicts(LINE_1, verdicts, ARRAY_COUNT(verdicts));
}

static void test_hosts(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"name", SLICE("Host: go.example.mx\r\n"), HTTP_PARSE_DONE},
        {"any case", SLICE("hOsT: GO.Example.MX\r\n"), HTTP_PARSE_DONE},
        {"port", SLICE("Host: a:65535\r\n"), HTTP_PARSE_DONE},
        {"empty port", SLICE("Host: a:\r\n"), HTTP_PARSE_DONE},
        {"zeros before port", SLICE("Host: a:0000000000080\r\n"), HTTP_PARSE_DONE},
        {"IPv4", SLICE("Host: 192.0.2.1:80\r\n"), HTTP_PARSE_DONE},
        {"IPv6", SLICE("Host: [2001:db8::1]\r\n"), HTTP_PARSE_DONE},
        {"IPv6 with port", SLICE("Host: [::ffff:192.0.2.1]:80\r\n"), HTTP_PARSE_DONE},
        {"underscore", SLICE("Host: a_b\r\n"), HTTP_PARSE_DONE},
        {"sub-delims", SLICE("Host: !$&'()*+,;=~\r\n"), HTTP_PARSE_DONE},
        {"percent", SLICE("Host: a%2Fb\r\n"), HTTP_PARSE_DONE},
        {"missing", SLICE("A: b\r\n"), HTTP_PARSE_BAD},
        {"no fields", SLICE_EMPTY, HTTP_PARSE_BAD},
        {"empty", SLICE("Host:\r\n"), HTTP_PARSE_BAD},
        {"blank", SLICE("Host: \t\r\n"), HTTP_PARSE_BAD},
        {"twice", SLICE("Host: a\r\nHost: b\r\n"), HTTP_PARSE_BAD},
        {"twice the same", SLICE("Host: a\r\nA: b\r\nhost: a\r\n"), HTTP_PARSE_BAD},
        {"list", SLICE("Host: a, b\r\n"), HTTP_PARSE_BAD},
        {"space", SLICE("Host: a b\r\n"), HTTP_PARSE_BAD},
        {"slash", SLICE("Host: a/b\r\n"), HTTP_PARSE_BAD},
        {"URL", SLICE("Host: http://a\r\n"), HTTP_PARSE_BAD},
        {"user", SLICE("Host: u@a\r\n"), HTTP_PARSE_BAD},
        {"query", SLICE("Host: a?b\r\n"), HTTP_PARSE_BAD},
        {"fragment", SLICE("Host: a#b\r\n"), HTTP_PARSE_BAD},
        {"backslash", SLICE("Host: a\\b\r\n"), HTTP_PARSE_BAD},
        {"bad percent", SLICE("Host: a%2\r\n"), HTTP_PARSE_BAD},
        {"bad percent digits", SLICE("Host: a%zz\r\n"), HTTP_PARSE_BAD},
        {"obs-text", SLICE("Host: \xc3\xb1.example\r\n"), HTTP_PARSE_BAD},
        {"port alone", SLICE("Host: :80\r\n"), HTTP_PARSE_BAD},
        {"port too high", SLICE("Host: a:65536\r\n"), HTTP_PARSE_BAD},
        {"port too long", SLICE("Host: a:99999999999999999999\r\n"), HTTP_PARSE_BAD},
        {"port not a number", SLICE("Host: a:8x\r\n"), HTTP_PARSE_BAD},
        {"negative port", SLICE("Host: a:-1\r\n"), HTTP_PARSE_BAD},
        {"two ports", SLICE("Host: a:1:2\r\n"), HTTP_PARSE_BAD},
        {"IPv6 without brackets", SLICE("Host: 2001:db8::1\r\n"), HTTP_PARSE_BAD},
        {"IPv6 not closed", SLICE("Host: [::1\r\n"), HTTP_PARSE_BAD},
        {"IPv6 empty", SLICE("Host: []\r\n"), HTTP_PARSE_BAD},
        {"IPv6 malformed", SLICE("Host: [1::2::3]\r\n"), HTTP_PARSE_BAD},
        {"IPv6 with zone", SLICE("Host: [fe80::1%25eth0]\r\n"), HTTP_PARSE_BAD},
        {"IPv6 too long", SLICE("Host: [0000000000000000000000000000000000000000000000:1]\r\n"),
         HTTP_PARSE_BAD},
        {"IPv6 and junk", SLICE("Host: [::1]x\r\n"), HTTP_PARSE_BAD},
        {"IPv4 in brackets", SLICE("Host: [192.0.2.1]\r\n"), HTTP_PARSE_BAD},
        {"IPvFuture", SLICE("Host: [v1.a]\r\n"), HTTP_PARSE_BAD},
    };
    assert_verdicts(LINE_1, verdicts, ARRAY_COUNT(verdicts));
}

static void test_an_http_1_0_request_needs_no_host_but_no_bad_one(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"missing", SLICE_EMPTY, HTTP_PARSE_DONE},
        {"one", SLICE("Host: a\r\n"), HTTP_PARSE_DONE},
        {"two", SLICE("Host: a\r\nHost: a\r\n"), HTTP_PARSE_BAD},
        {"empty", SLICE("Host:\r\n"), HTTP_PARSE_BAD},
        {"invalid", SLICE("Host: a/\r\n"), HTTP_PARSE_BAD},
    };
    assert_verdicts(LINE_0, verdicts, ARRAY_COUNT(verdicts));
    assert_int_equal(parse_good(LINE_0, SLICE_EMPTY).host.size, 0);
    assert_slice(parse_good(LINE_0, SLICE("Host: a:1\r\n")).host, "a:1");
}

static void test_content_lengths(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"zero", SLICE(HOST "Content-Length: 0\r\n"), HTTP_PARSE_DONE},
        {"five", SLICE(HOST "Content-Length: 5\r\n"), HTTP_PARSE_DONE},
        {"zeros before", SLICE(HOST "Content-Length: 000000000000000000000005\r\n"),
         HTTP_PARSE_DONE},
        {"largest", SLICE(HOST "Content-Length: 9223372036854775807\r\n"), HTTP_PARSE_DONE},
        {"overflow by one", SLICE(HOST "Content-Length: 9223372036854775808\r\n"), HTTP_PARSE_BAD},
        {"overflow of 64 bits", SLICE(HOST "Content-Length: 18446744073709551616\r\n"),
         HTTP_PARSE_BAD},
        {"overflow by far", SLICE(HOST "Content-Length: 99999999999999999999999999\r\n"),
         HTTP_PARSE_BAD},
        {"empty", SLICE(HOST "Content-Length:\r\n"), HTTP_PARSE_BAD},
        {"blank", SLICE(HOST "Content-Length: \r\n"), HTTP_PARSE_BAD},
        {"plus", SLICE(HOST "Content-Length: +5\r\n"), HTTP_PARSE_BAD},
        {"minus", SLICE(HOST "Content-Length: -5\r\n"), HTTP_PARSE_BAD},
        {"hexadecimal", SLICE(HOST "Content-Length: 0x5\r\n"), HTTP_PARSE_BAD},
        {"fraction", SLICE(HOST "Content-Length: 5.0\r\n"), HTTP_PARSE_BAD},
        {"inner space", SLICE(HOST "Content-Length: 5 5\r\n"), HTTP_PARSE_BAD},
        {"list", SLICE(HOST "Content-Length: 5, 6\r\n"), HTTP_PARSE_BAD},
        {"list of equals", SLICE(HOST "Content-Length: 5, 5\r\n"), HTTP_PARSE_BAD},
        {"comma", SLICE(HOST "Content-Length: 5,\r\n"), HTTP_PARSE_BAD},
        {"quoted", SLICE(HOST "Content-Length: \"5\"\r\n"), HTTP_PARSE_BAD},
        {"obs-text digit", SLICE(HOST "Content-Length: \xb5\r\n"), HTTP_PARSE_BAD},
        {"repeated", SLICE(HOST "Content-Length: 5\r\nContent-Length: 6\r\n"), HTTP_PARSE_BAD},
        {"repeated equal", SLICE(HOST "Content-Length: 5\r\ncontent-length: 5\r\n"),
         HTTP_PARSE_BAD},
        {"repeated zero", SLICE(HOST "Content-Length: 0\r\nContent-Length: 0\r\n"), HTTP_PARSE_BAD},
        {"folded", SLICE(HOST "Content-Length:\r\n 5\r\n"), HTTP_PARSE_BAD},
        {"space before colon", SLICE(HOST "Content-Length : 5\r\n"), HTTP_PARSE_BAD},
    };
    assert_verdicts(LINE_1, verdicts, ARRAY_COUNT(verdicts));
    assert_verdicts("POST /a HTTP/1.1\r\n", verdicts, ARRAY_COUNT(verdicts));
}

static void test_transfer_encodings(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"chunked", SLICE(HOST "Transfer-Encoding: chunked\r\n"), HTTP_PARSE_DONE},
        {"any case", SLICE(HOST "tRANSFER-eNCODING: ChUnKeD\r\n"), HTTP_PARSE_DONE},
        {"after another", SLICE(HOST "Transfer-Encoding: gzip, chunked\r\n"), HTTP_PARSE_DONE},
        {"tabs around", SLICE(HOST "Transfer-Encoding:\tgzip\t,\tchunked\t\r\n"), HTTP_PARSE_DONE},
        {"over two lines", SLICE(HOST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
         HTTP_PARSE_DONE},
        {"twice chunked", SLICE(HOST "Transfer-Encoding: chunked, chunked\r\n"), HTTP_PARSE_BAD},
        {"twice over lines",
         SLICE(HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         HTTP_PARSE_BAD},
        {"chunked not last", SLICE(HOST "Transfer-Encoding: chunked, gzip\r\n"), HTTP_PARSE_BAD},
        {"chunked not last over lines",
         SLICE(HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"), HTTP_PARSE_BAD},
        {"no chunked", SLICE(HOST "Transfer-Encoding: gzip\r\n"), HTTP_PARSE_BAD},
        {"identity", SLICE(HOST "Transfer-Encoding: identity\r\n"), HTTP_PARSE_BAD},
        {"identity first", SLICE(HOST "Transfer-Encoding: identity, chunked\r\n"), HTTP_PARSE_BAD},
        {"empty", SLICE(HOST "Transfer-Encoding:\r\n"), HTTP_PARSE_BAD},
        {"empty, then chunked", SLICE(HOST "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n"),
         HTTP_PARSE_BAD},
        {"comma first", SLICE(HOST "Transfer-Encoding: ,chunked\r\n"), HTTP_PARSE_BAD},
        {"comma last", SLICE(HOST "Transfer-Encoding: chunked,\r\n"), HTTP_PARSE_BAD},
        {"xchunked", SLICE(HOST "Transfer-Encoding: xchunked\r\n"), HTTP_PARSE_BAD},
        {"chunkedx", SLICE(HOST "Transfer-Encoding: chunkedx\r\n"), HTTP_PARSE_BAD},
        {"quoted", SLICE(HOST "Transfer-Encoding: \"chunked\"\r\n"), HTTP_PARSE_BAD},
        {"single-quoted", SLICE(HOST "Transfer-Encoding: 'chunked'\r\n"), HTTP_PARSE_BAD},
        {"parameter", SLICE(HOST "Transfer-Encoding: chunked;q=1\r\n"), HTTP_PARSE_BAD},
        {"parameter of another", SLICE(HOST "Transfer-Encoding: gzip;q=1, chunked\r\n"),
         HTTP_PARSE_BAD},
        {"space for comma", SLICE(HOST "Transfer-Encoding: gzip chunked\r\n"), HTTP_PARSE_BAD},
        {"semicolon for comma", SLICE(HOST "Transfer-Encoding: x;chunked\r\n"), HTTP_PARSE_BAD},
        {"obs-text", SLICE(HOST "Transfer-Encoding: \xe3hunked\r\n"), HTTP_PARSE_BAD},
        {"0xa0 before",
         SLICE(HOST "Transfer-Encoding: \xa0"
                    "chunked\r\n"),
         HTTP_PARSE_BAD},
    };
    assert_verdicts(LINE_1, verdicts, ARRAY_COUNT(verdicts));
    assert_verdicts("POST /a HTTP/1.1\r\n", verdicts, ARRAY_COUNT(verdicts));
}

/* Request smuggling: what two programs could count differently. */
static void test_smuggling_vectors(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"CL.TE", SLICE(HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
         HTTP_PARSE_BAD},
        {"TE.CL", SLICE(HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
         HTTP_PARSE_BAD},
        {"CL.0 TE", SLICE(HOST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
         HTTP_PARSE_BAD},
        {"TE.CL, TE not final", SLICE(HOST "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"),
         HTTP_PARSE_BAD},
        {"TE.TE", SLICE(HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
         HTTP_PARSE_BAD},
        {"TE.TE, reverse", SLICE(HOST "Transfer-Encoding: x\r\nTransfer-Encoding: identity\r\n"),
         HTTP_PARSE_BAD},
        {"space before colon", SLICE(HOST "Transfer-Encoding : chunked\r\n"), HTTP_PARSE_BAD},
        {"tab before colon", SLICE(HOST "Transfer-Encoding\t: chunked\r\n"), HTTP_PARSE_BAD},
        {"space before name", SLICE(HOST " Transfer-Encoding: chunked\r\n"), HTTP_PARSE_BAD},
        {"folded into another", SLICE(HOST "X: y\r\n Transfer-Encoding: chunked\r\n"),
         HTTP_PARSE_BAD},
        {"folded after the colon", SLICE(HOST "Transfer-Encoding:\r\n chunked\r\n"),
         HTTP_PARSE_BAD},
        {"folded second element",
         SLICE(HOST "Transfer-Encoding: chunked\r\n Transfer-Encoding: x\r\n"), HTTP_PARSE_BAD},
        {"vertical tab",
         SLICE(HOST "Transfer-Encoding:\x0b"
                    "chunked\r\n"),
         HTTP_PARSE_BAD},
        {"form feed",
         SLICE(HOST "Transfer-Encoding:\x0c"
                    "chunked\r\n"),
         HTTP_PARSE_BAD},
        {"NUL after", SLICE(HOST "Transfer-Encoding: chunked\0\r\n"), HTTP_PARSE_BAD},
        {"bare CR before name", SLICE(HOST "X: y\rTransfer-Encoding: chunked\r\n"), HTTP_PARSE_BAD},
        {"bare LF before name", SLICE(HOST "X: y\nTransfer-Encoding: chunked\r\n"), HTTP_PARSE_BAD},
        {"bare CR after", SLICE(HOST "Transfer-Encoding: chunked\r\r\n"), HTTP_PARSE_BAD},
        {"LF CR", SLICE(HOST "X: y\n\rTransfer-Encoding: chunked\r\n"), HTTP_PARSE_BAD},
        {"colon in name", SLICE(HOST "X:Transfer-Encoding: chunked\r\n"), HTTP_PARSE_DONE},
        {"underscores are another name", SLICE(HOST "Transfer_Encoding: x\r\n"), HTTP_PARSE_DONE},
        {"two hosts", SLICE("Host: a\r\nHost: evil\r\n"), HTTP_PARSE_BAD},
        {"two hosts, one in disguise", SLICE("Host: a\r\nHost : evil\r\n"), HTTP_PARSE_BAD},
        {"two hosts, one folded", SLICE("Host: a\r\n Host: evil\r\n"), HTTP_PARSE_BAD},
        {"host with a line of its own", SLICE("Host: a\x0bX-Host: b\r\n"), HTTP_PARSE_BAD},
    };
    assert_verdicts(LINE_1, verdicts, ARRAY_COUNT(verdicts));
    assert_verdicts("POST /a HTTP/1.1\r\n", verdicts, ARRAY_COUNT(verdicts));
    static const struct verdict absolute[] = {
        {"host too", SLICE("Host: b\r\n"), HTTP_PARSE_DONE},
        {"two hosts", SLICE("Host: a.example\r\nHost: b\r\n"), HTTP_PARSE_BAD},
        {"bad host", SLICE("Host: b@c\r\n"), HTTP_PARSE_BAD},
        {"no host", SLICE("A: b\r\n"), HTTP_PARSE_BAD},
    };
    assert_verdicts("GET http://a.example/ HTTP/1.1\r\n", absolute, ARRAY_COUNT(absolute));
}

static void test_transfer_encoding_in_http_1_0_is_refused(void **state) {
    (void)state;
    static const struct verdict verdicts[] = {
        {"chunked", SLICE("Transfer-Encoding: chunked\r\n"), HTTP_PARSE_BAD},
        {"length", SLICE("Content-Length: 5\r\n"), HTTP_PARSE_DONE},
    };
    assert_verdicts(LINE_0, verdicts, ARRAY_COUNT(verdicts));
}

static void test_a_body_is_announced_by_a_length_or_an_encoding(void **state) {
    (void)state;
    assert_false(parse_good(LINE_1, SLICE(HOST)).has_body);
    assert_false(parse_good(LINE_1, SLICE(HOST "Content-Length: 0\r\n")).has_body);
    assert_true(parse_good(LINE_1, SLICE(HOST "Content-Length: 1\r\n")).has_body);
    assert_true(parse_good(LINE_1, SLICE(HOST "Transfer-Encoding: chunked\r\n")).has_body);
}

static void test_connection(void **state) {
    (void)state;
    static const struct {
        const char *line;
        struct slice fields;
        bool keep_alive;
    } cases[] = {
        {LINE_1, SLICE(HOST), true},
        {LINE_1, SLICE(HOST "Connection: keep-alive\r\n"), true},
        {LINE_1, SLICE(HOST "Connection: close\r\n"), false},
        {LINE_1, SLICE(HOST "connection: CLOSE\r\n"), false},
        {LINE_1, SLICE(HOST "Connection: keep-alive, close\r\n"), false},
        {LINE_1, SLICE(HOST "Connection: close, keep-alive\r\n"), false},
        {LINE_1, SLICE(HOST "Connection: close\r\nConnection: keep-alive\r\n"), false},
        {LINE_1, SLICE(HOST "Connection: keep-alive\r\nConnection: close\r\n"), false},
        {LINE_1, SLICE(HOST "Connection: TE,\tclose\t, upgrade\r\n"), false},
        {LINE_1, SLICE(HOST "Connection: ,,close,\r\n"), false},
        {LINE_1, SLICE(HOST "Connection:\r\n"), true},
        {LINE_1, SLICE(HOST "Connection: closed\r\n"), true},
        {LINE_1, SLICE(HOST "Connection: not close\r\n"), true},
        {LINE_1, SLICE(HOST "Connection: \"close\"\r\n"), true},
        {LINE_1, SLICE(HOST "Proxy-Connection: close\r\n"), true},
        {"GET / HTTP/1.7\r\n", SLICE(HOST), true},
        {LINE_0, SLICE(HOST), false},
        {LINE_0, SLICE(HOST "Connection: keep-alive\r\n"), true},
        {LINE_0, SLICE(HOST "Connection: Keep-Alive\r\n"), true},
        {LINE_0, SLICE(HOST "Connection: te, KEEP-ALIVE\r\n"), true},
        {LINE_0, SLICE(HOST "Connection: keep-alive, close\r\n"), false},
        {LINE_0, SLICE(HOST "Connection: keepalive\r\n"), false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (parse_good(cases[i].line, cases[i].fields).keep_alive != cases[i].keep_alive) {
            fail_msg("%.*s", SLICE_ARG(cases[i].fields));
        }
    }
}

static void test_prefetches(void **state) {
    (void)state;
    static const struct {
        struct slice fields;
        bool prefetch;
    } cases[] = {
        {SLICE(HOST), false},
        {SLICE(HOST "Sec-Purpose: prefetch\r\n"), true},
        {SLICE(HOST "Sec-Purpose: prefetch;prerender\r\n"), true},
        {SLICE(HOST "sec-purpose: Prefetch ; anonymous-client-ip\r\n"), true},
        {SLICE(HOST "Sec-Purpose: prefetching\r\n"), false},
        {SLICE(HOST "Sec-Purpose: prerender;prefetch\r\n"), false},
        {SLICE(HOST "Sec-Purpose:\r\n"), false},
        {SLICE(HOST "Purpose: prefetch\r\n"), true},
        {SLICE(HOST "Purpose: PREFETCH\r\n"), true},
        {SLICE(HOST "Purpose: preview\r\n"), false},
        {SLICE(HOST "X-Purpose: preview\r\n"), true},
        {SLICE(HOST "X-Purpose: prefetch\r\n"), true},
        {SLICE(HOST "X-Purpose: instant\r\n"), false},
        {SLICE(HOST "X-Moz: prefetch\r\n"), true},
        {SLICE(HOST "X-Moz: microsummary\r\n"), false},
        {SLICE(HOST "Y-Moz: prefetch\r\nPurposf: prefetch\r\n"), false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (parse_good(LINE_1, cases[i].fields).prefetch != cases[i].prefetch) {
            fail_msg("%.*s", SLICE_ARG(cases[i].fields));
        }
    }
}

static void test_of_repeated_fields_the_first_is_kept(void **state) {
    (void)state;
    struct http_request request =
        parse_good(LINE_1, SLICE(HOST "USER-agent:  one \r\nUser-Agent: two\r\n"
                                      "accept-LANGUAGE: es-MX\r\nAccept-Language: en\r\n"
                                      "Referer:\r\nreferer: http://b/\r\n"));
    assert_slice(request.user_agent, "one");
    assert_slice(request.accept_language, "es-MX");
    assert_slice(request.referer, "");
}

static void test_of_repeated_forwarding_fields_the_last_is_kept(void **state) {
    (void)state;
    struct http_request request =
        parse_good(LINE_1, SLICE(HOST "X-Forwarded-For: 192.0.2.1\r\nX-FORWARDED-FOR: 192.0.2.2\r\n"
                                      "X-Forwarded-Proto: http\r\nx-forwarded-proto: https\r\n"));
    assert_slice(request.forwarded_for, "192.0.2.2");
    assert_slice(request.forwarded_proto, "https");
}

static void test_names_that_differ_in_one_character_are_others(void **state) {
    (void)state;
    static const char *const names[] = {"host",
                                        "referer",
                                        "user-agent",
                                        "connection",
                                        "accept-language",
                                        "x-forwarded-for",
                                        "sec-purpose",
                                        "x-forwarded-proto",
                                        "transfer-encoding",
                                        "content-length",
                                        "x-moz",
                                        "purpose",
                                        "x-purpose"};
    char fields[128];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        for (size_t at = 0; at < strlen(names[i]); at++) {
            int size = snprintf(fields, sizeof fields, HOST "%s: prefetch\r\n", names[i]);
            fields[sizeof(HOST) - 1 + at] = names[i][at] == '-' ? '_' : '~';
            struct http_request request = parse_good(LINE_1, slice_make(fields, (size_t)size));
            assert_slice(request.host, "a.example");
            assert_true(request.keep_alive);
            assert_false(request.has_body);
            assert_false(request.prefetch);
            assert_null(request.user_agent.data);
            assert_null(request.referer.data);
            assert_null(request.accept_language.data);
            assert_null(request.forwarded_for.data);
            assert_null(request.forwarded_proto.data);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field_lines),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_an_http_1_0_request_needs_no_host_but_no_bad_one),
        cmocka_unit_test(test_content_lengths),
        cmocka_unit_test(test_transfer_encodings),
        cmocka_unit_test(test_smuggling_vectors),
        cmocka_unit_test(test_transfer_encoding_in_http_1_0_is_refused),
        cmocka_unit_test(test_a_body_is_announced_by_a_length_or_an_encoding),
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_prefetches),
        cmocka_unit_test(test_of_repeated_fields_the_first_is_kept),
        cmocka_unit_test(test_of_repeated_forwarding_fields_the_last_is_kept),
        cmocka_unit_test(test_names_that_differ_in_one_character_are_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
