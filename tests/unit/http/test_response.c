/*
 * Responses byte by byte, the Date field, and the bugs that are caught.
 */
#include "exact.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/defs.h"
#include "http/response.h"

#define DATE "Thu, 01 Jan 2026 00:00:00 GMT"

static struct http_date new_year(void) {
    struct http_date date = {0};
    http_date_set(&date, 1767225600123);
    return date;
}

static void assert_redirect(bool keep_alive, uint8_t minor_version, const char *expected) {
    struct http_date date = new_year();
    char storage[512];
    struct buf out = buf_over(storage, sizeof storage);
    assert_true(http_respond_redirect(&out, SLICE("https://play.example/a?b=c&d"), keep_alive,
                                      minor_version, &date));
    assert_slice(buf_slice(&out), expected);
}

#define REDIRECT                                                                                   \
    "HTTP/1.1 302 Found\r\nDate: " DATE "\r\nLocation: https://play.example/a?b=c&d\r\n"           \
    "Cache-Control: private, no-store\r\nContent-Length: 0\r\n"

static void test_a_redirect_says_connection_only_when_needed(void **state) {
    (void)state;
    assert_redirect(true, 1, REDIRECT "\r\n");
    assert_redirect(false, 1, REDIRECT "Connection: close\r\n\r\n");
    assert_redirect(true, 0, REDIRECT "Connection: keep-alive\r\n\r\n");
    assert_redirect(false, 0, REDIRECT "Connection: close\r\n\r\n");
}

static void test_a_redirect_is_written_whole_or_not_at_all(void **state) {
    (void)state;
    struct http_date date = new_year();
    const size_t size = sizeof(REDIRECT "\r\n") - 1;
    char storage[512];
    for (size_t room = 0; room <= size; room++) {
        struct buf out = buf_over(storage, 4 + room);
        assert_true(buf_append(&out, SLICE("kept")));
        bool fits =
            http_respond_redirect(&out, SLICE("https://play.example/a?b=c&d"), true, 1, &date);
        assert_int_equal(fits, room == size);
        assert_int_equal(out.size, fits ? 4 + size : 4);
        assert_int_equal(out.overflowed, !fits);
        assert_memory_equal(out.data, "kept", 4);
    }
}

/* The Location is written between the two; what does not fit leaves the buffer as it was. */
static void test_a_redirect_in_two_parts_is_the_same(void **state) {
    (void)state;
    struct http_date date = new_year();
    for (int i = 0; i < 4; i++) {
        bool keep_alive = i % 2 == 0;
        uint8_t minor_version = i < 2 ? 1 : 0;
        char whole[512];
        char parts[512];
        struct buf expected = buf_over(whole, sizeof whole);
        struct buf out = buf_over(parts, sizeof parts);
        assert_true(http_respond_redirect(&expected, SLICE("https://a.example/"), keep_alive,
                                          minor_version, &date));
        assert_true(http_redirect_begin(&out, &date));
        assert_int_equal(out.size, HTTP_REDIRECT_BEGIN_SIZE);
        assert_true(buf_append(&out, SLICE("https://a.example/")));
        assert_true(http_redirect_end(&out, keep_alive, minor_version));
        assert_true(slice_equal(buf_slice(&out), buf_slice(&expected)));

        size_t end_size = out.size - HTTP_REDIRECT_BEGIN_SIZE - (sizeof "https://a.example/" - 1);
        for (size_t room = 0; room <= end_size; room++) {
            struct buf narrow = buf_over(parts, 4 + room);
            narrow.size = 4;
            assert_int_equal(http_redirect_end(&narrow, keep_alive, minor_version),
                             room == end_size);
            assert_int_equal(narrow.size, room == end_size ? 4 + end_size : 4);
        }
    }
    char storage[HTTP_REDIRECT_BEGIN_SIZE];
    for (size_t room = 0; room <= sizeof storage; room++) {
        struct buf narrow = buf_over(storage, room);
        assert_int_equal(http_redirect_begin(&narrow, &date), room == sizeof storage);
        assert_int_equal(narrow.size, room == sizeof storage ? room : 0);
        assert_int_equal(narrow.overflowed, room < sizeof storage);
    }
}

static void assert_response(const struct http_response *response, const char *expected) {
    struct buf out;
    buf_init(&out, 4096);
    assert_true(http_respond(&out, response));
    assert_slice(buf_slice(&out), expected);
    buf_fini(&out);
}

static void test_responses(void **state) {
    (void)state;
    struct http_date date = new_year();
    struct http_response response = {
        .status = 405,
        .keep_alive = true,
        .minor_version = 1,
        .content_type = SLICE("text/plain; charset=utf-8"),
        .content = SLICE("Only GET and HEAD.\n"),
        .extra = SLICE("Allow: GET, HEAD\r\nRetry-After: 1\r\n"),
        .date = &date,
    };
#define HEAD_405                                                                                   \
    "HTTP/1.1 405 Method Not Allowed\r\nDate: " DATE "\r\nCache-Control: no-store\r\n"             \
    "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"               \
    "Content-Length: 19\r\nAllow: GET, HEAD\r\nRetry-After: 1\r\n"
    assert_response(&response, HEAD_405 "\r\nOnly GET and HEAD.\n");
    response.head_only = true;
    assert_response(&response, HEAD_405 "\r\n");
    response.keep_alive = false;
    assert_response(&response, HEAD_405 "Connection: close\r\n\r\n");
    response.head_only = false;
    response.keep_alive = true;
    response.minor_version = 0;
    assert_response(&response, HEAD_405 "Connection: keep-alive\r\n\r\nOnly GET and HEAD.\n");
}

static void test_a_response_without_content_has_no_type(void **state) {
    (void)state;
    struct http_date date = new_year();
    const struct http_response response = {.status = 200,
                                           .keep_alive = true,
                                           .minor_version = 1,
                                           .content_type = SLICE("text/plain"),
                                           .date = &date};
    assert_response(&response, "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nCache-Control: no-store\r\n"
                               "Content-Length: 0\r\n\r\n");
}

static void test_not_modified_announces_no_length(void **state) {
    (void)state;
    struct http_date date = new_year();
    const struct http_response response = {.status = 304,
                                           .keep_alive = true,
                                           .minor_version = 1,
                                           .content_type = SLICE("text/html"),
                                           .content = SLICE("never sent"),
                                           .date = &date};
    assert_response(&response, "HTTP/1.1 304 Not Modified\r\nDate: " DATE
                               "\r\nCache-Control: no-store\r\n\r\n");
}

static void test_every_status_has_its_reason(void **state) {
    (void)state;
    static const struct {
        uint16_t status;
        const char *line;
    } cases[] = {
        {200, "HTTP/1.1 200 OK\r\n"},
        {302, "HTTP/1.1 302 Found\r\n"},
        {304, "HTTP/1.1 304 Not Modified\r\n"},
        {400, "HTTP/1.1 400 Bad Request\r\n"},
        {404, "HTTP/1.1 404 Not Found\r\n"},
        {405, "HTTP/1.1 405 Method Not Allowed\r\n"},
        {408, "HTTP/1.1 408 Request Timeout\r\n"},
        {410, "HTTP/1.1 410 Gone\r\n"},
        {414, "HTTP/1.1 414 URI Too Long\r\n"},
        {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
        {503, "HTTP/1.1 503 Service Unavailable\r\n"},
    };
    struct http_date date = new_year();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char storage[512];
        struct buf out = buf_over(storage, sizeof storage);
        const struct http_response response = {.status = cases[i].status, .date = &date};
        assert_true(http_respond(&out, &response));
        assert_true(slice_starts_with(buf_slice(&out), slice_of(cases[i].line)));
    }
}

static void test_a_response_is_written_whole_or_not_at_all(void **state) {
    (void)state;
    struct http_date date = new_year();
    const struct http_response response = {
        .status = 404, .content_type = SLICE("text/html"), .content = SLICE("<p>"), .date = &date};
    char storage[512];
    struct buf whole = buf_over(storage, sizeof storage);
    assert_true(http_respond(&whole, &response));
    for (size_t room = 0; room <= whole.size; room++) {
        char less[512];
        struct buf out = buf_over(less, room);
        assert_int_equal(http_respond(&out, &response), room == whole.size);
        assert_int_equal(out.size, room == whole.size ? room : 0);
    }
}

/* Whether run(argument) aborts, as ENSURE does. */
static bool aborts(void (*run)(const void *argument), const void *argument) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka has a handler of its own */
        fclose(stderr);
        run(argument);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void redirect_to(const void *location) {
    struct http_date date = new_year();
    char storage[512];
    struct buf out = buf_over(storage, sizeof storage);
    (void)http_respond_redirect(&out, *(const struct slice *)location, true, 1, &date);
}

static void respond(const void *response) {
    char storage[512];
    struct buf out = buf_over(storage, sizeof storage);
    (void)http_respond(&out, response);
}

static void test_a_location_that_would_split_the_response_is_a_bug(void **state) {
    (void)state;
    static const struct slice bad[] = {SLICE("https://a/\r\nSet-Cookie: b"), SLICE("https://a/\n"),
                                       SLICE("https://a/\r"), SLICE("https://a/\0")};
    static const struct slice good = SLICE("https://a/");
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_true(aborts(redirect_to, &bad[i]));
    }
    assert_false(aborts(redirect_to, &good));
}

static void test_extra_lines_that_would_split_the_response_are_a_bug(void **state) {
    (void)state;
    static const struct slice bad[] = {
        SLICE("A: b"),        SLICE("A: b\n"),       SLICE("A: b\r"),
        SLICE("\r\n"),        SLICE("A: b\r\n\r\n"), SLICE("A: b\nC\r\n"),
        SLICE("A: b\rc\r\n"), SLICE("A: \0\r\n"),    SLICE("A: b\r\nC: d"),
    };
    struct http_date date = new_year();
    struct http_response response = {.status = 200, .date = &date};
    assert_false(aborts(respond, &response));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        response.extra = bad[i];
        assert_true(aborts(respond, &response));
    }
    response.extra = SLICE("A: b\r\nC:\r\n");
    assert_false(aborts(respond, &response));
    response.content_type = SLICE("text/html\r\nA: b");
    assert_true(aborts(respond, &response));
}

static void test_an_unknown_status_is_a_bug(void **state) {
    (void)state;
    struct http_date date = new_year();
    const struct http_response response = {.status = 418, .date = &date};
    assert_true(aborts(respond, &response));
}

static void test_a_date_that_was_never_set_is_a_bug(void **state) {
    (void)state;
    const struct http_date date = {0};
    const struct http_response response = {.status = 200, .date = &date};
    assert_true(aborts(respond, &response));
}

static void assert_date(uint64_t unix_s) {
    char expected[64];
    struct tm tm;
    time_t time = (time_t)unix_s;
    assert_non_null(gmtime_r(&time, &tm));
    strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    struct http_date date = {0};
    http_date_set(&date, unix_s * 1000 + 999);
    assert_slice(slice_make(date.text, HTTP_DATE_SIZE), expected);
}

static void test_dates_are_those_of_the_calendar(void **state) {
    (void)state;
    static const uint64_t seconds[] = {
        0,          59,         951782399,  951782400,  951868799,  951868800,    1709164799,
        1709164800, 1709251200, 1767225599, 4107542399, 4107542400, 253402300799,
    };
    for (size_t i = 0; i < ARRAY_COUNT(seconds); i++) {
        assert_date(seconds[i]);
    }
    /* Every day of 400 years, and so of every year there is. */
    for (uint64_t day = 0; day <= 146097; day++) {
        assert_date(day * 86400 + day % 86400);
    }
}

static void test_a_clock_beyond_the_year_9999_gives_its_end(void **state) {
    (void)state;
    struct http_date date = {0};
    http_date_set(&date, UINT64_MAX);
    assert_slice(slice_make(date.text, HTTP_DATE_SIZE), "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void test_a_date_is_formatted_once_a_second(void **state) {
    (void)state;
    struct http_date date = new_year();
    date.text[0] = '?';
    http_date_set(&date, 1767225600999);
    assert_int_equal(date.text[0], '?');
    http_date_set(&date, 1767225601000);
    assert_slice(slice_make(date.text, HTTP_DATE_SIZE), "Thu, 01 Jan 2026 00:00:01 GMT");
    http_date_set(&date, 1767225600000);
    assert_slice(slice_make(date.text, HTTP_DATE_SIZE), DATE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_redirect_says_connection_only_when_needed),
        cmocka_unit_test(test_a_redirect_is_written_whole_or_not_at_all),
        cmocka_unit_test(test_a_redirect_in_two_parts_is_the_same),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_a_response_without_content_has_no_type),
        cmocka_unit_test(test_not_modified_announces_no_length),
        cmocka_unit_test(test_every_status_has_its_reason),
        cmocka_unit_test(test_a_response_is_written_whole_or_not_at_all),
        cmocka_unit_test(test_a_location_that_would_split_the_response_is_a_bug),
        cmocka_unit_test(test_extra_lines_that_would_split_the_response_are_a_bug),
        cmocka_unit_test(test_an_unknown_status_is_a_bug),
        cmocka_unit_test(test_a_date_that_was_never_set_is_a_bug),
        cmocka_unit_test(test_dates_are_those_of_the_calendar),
        cmocka_unit_test(test_a_clock_beyond_the_year_9999_gives_its_end),
        cmocka_unit_test(test_a_date_is_formatted_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
