/*
 * test_server.c - requests and answers: on one connection, in pieces, pipelined, streamed, and
 * with clients that leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_fixture.h"

static int set_up(void **state) {
    static struct bench bench;
    bench_prepare(&bench);
    bench_start(&bench);
    *state = &bench;
    return 0;
}

static int tear_down(void **state) {
    atomic_store(&shared.is_open, true);
    bench_end(*state);
    return 0;
}

static void assert_heard(int fd, int status, const char *content) {
    struct heard heard;
    hear(fd, &heard);
    assert_int_equal(heard.status, status);
    assert_true(content == NULL || slice_equal(buf_slice(&heard.body), slice_of(content)));
    heard_fini(&heard);
}

static void requests_follow_each_other_on_a_connection(void **state) {
    struct bench *bench = *state;
    int fd = dial_server(bench);
    for (int i = 0; i < 50; i++) {
        say_request(bench, fd, "GET /v1/echo/a?q=b%20c", "");
        assert_heard(fd, 200, "0 a 0 b c");
        say_request(bench, fd, "POST /v1/echo/a", "Content-Length: 5\r\n");
        say(fd, "hello");
        assert_heard(fd, 200, "3 a 5 ");
        say_request(bench, fd, "POST /v1/echo/a", "Transfer-Encoding: chunked\r\n");
        say(fd, "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n");
        assert_heard(fd, 200, "3 a 6 ");
        say(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_heard(fd, 200, "ok\n");
    }
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state) {
    struct bench *bench = *state;
    int fd = dial_server(bench);
    for (int i = 0; i < 20; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s /v1/echo/%d", i % 2 == 0 ? "GET" : "POST", i);
        say_request(bench, fd, line, i % 2 == 0 ? "" : "Content-Length: 2\r\n");
        say(fd, i % 2 == 0 ? "" : "xy");
    }
    for (int i = 0; i < 20; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "%d %d %d ", i % 2 == 0 ? 0 : 3, i, i % 2 == 0 ? 0 : 2);
        assert_heard(fd, 200, wanted);
    }
    close(fd);
}

static void a_request_may_come_byte_by_byte(void **state) {
    struct bench *bench = *state;
    char text[512];
    int fd = dial_server(bench);
    snprintf(text, sizeof text,
             "POST /v1/echo/slow HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
             bench->token);
    for (const char *at = text; *at != '\0'; at++) {
        assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
    }
    assert_heard(fd, 200, "3 slow 3 ");
    close(fd);
}

/* A half-closed connection is a client that has said all, and waits. */
static void a_client_that_has_said_all_is_answered(void **state) {
    struct bench *bench = *state;
    int fd = dial_server(bench);
    say_request(bench, fd, "GET /v1/wait", "");
    say_request(bench, fd, "GET /v1/echo/second", "");
    shutdown(fd, SHUT_WR);
    WAIT_UNTIL(atomic_load(&shared.waiting) == 1);
    atomic_store(&shared.is_open, true);
    assert_heard(fd, 200, "waited");
    assert_heard(fd, 200, "0 second 0 ");
    assert_true(is_ended(fd));
    close(fd);
}

static void who_waits_to_send_is_told_to_go_on(void **state) {
    struct bench *bench = *state;
    int fd = dial_server(bench);
    say_request(bench, fd, "POST /v1/echo/a", "Content-Length: 5\r\nExpect: 100-continue\r\n");
    assert_heard(fd, 100, "");
    say(fd, "hello");
    assert_heard(fd, 200, "3 a 5 ");
    say_request(bench, fd, "POST /v1/echo/a", "Content-Length: 5\r\nExpect: a miracle\r\n");
    assert_heard(fd, 417, NULL);
    assert_true(is_ended(fd));
    close(fd);
}

/* The head is refused, and nothing of the body is asked for. */
static void a_body_is_not_read_before_it_is_known_who_sends_it(void **state) {
    struct bench *bench = *state;
    int fd = dial_server(bench);
    say(fd, "POST /v1/bulk HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n"
            "Expect: 100-continue\r\n\r\n");
    assert_heard(fd, 401, NULL);
    assert_true(is_ended(fd));
    close(fd);
    fd = dial_server(bench);
    say_request(bench, fd, "GET /v1/nothing", "Content-Length: 60000000\r\n");
    assert_heard(fd, 404, NULL);
    assert_true(is_ended(fd));
    close(fd);
}

static void head_is_get_without_content(void **state) {
    struct bench *bench = *state;
    char text[256];
    int fd = dial_server(bench);
    say_request(bench, fd, "HEAD /v1/echo/a", "");
    say_request(bench, fd, "HEAD /v1/stream", "");
    say_request(bench, fd, "HEAD /v1/stats/live", "Connection: close\r\n");
    ssize_t n;
    size_t size = 0;
    char all[4096];
    while ((n = recv(fd, all + size, sizeof all - size - 1, 0)) > 0) {
        size += (size_t)n;
    }
    all[size] = '\0';
    snprintf(text, sizeof text, "Content-Length: %zu\r\n", strlen("0 a 0 "));
    assert_non_null(strstr(all, text));
    assert_non_null(strstr(all, "X-Kind: stream\r\n"));
    assert_non_null(strstr(all, "Content-Type: text/event-stream\r\n"));
    assert_string_equal(all + size - 4, "\r\n\r\n");
    assert_null(strstr(all, "0 a 0"));
    close(fd);
}

static void an_old_client_gets_a_stream_until_the_end(void **state) {
    struct bench *bench = *state;
    char text[256];
    int fd = dial_server(bench);
    snprintf(text, sizeof text, "GET /v1/stream HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n",
             bench->token);
    say(fd, text);
    size_t size = 0;
    char block[65536], tail[4] = "";
    ssize_t n;
    while ((n = recv(fd, block, sizeof block, 0)) > 0) {
        size += (size_t)n;
        memcpy(tail, block + n - 3, 3);
    }
    assert_in_range(size, STREAM_CHUNKS * STREAM_CHUNK_BYTES,
                    STREAM_CHUNKS * STREAM_CHUNK_BYTES + 1000);
    assert_string_equal(tail, "end");
    close(fd);
}

/* 16 MiB to a client that does not read: the handler stands still, and goes on when it does. */
static void a_stream_waits_for_its_reader(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    int fd = dial_with(bench, 4096);
    say_request(bench, fd, "GET /v1/stream", "");
    unsigned before = 0, now = 1;
    while (before != now) {
        before = now;
        test_sleep_ms(100);
        now = atomic_load(&shared.flushes);
    }
    assert_in_range(now, 16, STREAM_CHUNKS * 3 / 4);
    assert_int_equal(atomic_load(&shared.streams_ended), 0);
    hear(fd, &heard);
    assert_int_equal(heard.status, 200);
    assert_int_equal(heard.body.size, STREAM_CHUNKS * STREAM_CHUNK_BYTES + 3);
    heard_fini(&heard);
    say_request(bench, fd, "GET /v1/echo/after", "");
    assert_heard(fd, 200, "0 after 0 ");
    close(fd);
}

static void a_stream_ends_when_its_reader_goes(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 1; i <= 10; i++) {
        int fd = dial_with(bench, 4096);
        char block[1000];
        say_request(bench, fd, "GET /v1/stream", "");
        assert_true(recv(fd, block, sizeof block, 0) > 0);
        close(fd);
        WAIT_UNTIL(atomic_load(&shared.streams_ended) == i);
    }
    assert_true(atomic_load(&shared.flushes) < 10 * STREAM_CHUNKS);
    assert_int_equal(ask(bench, "GET /v1/echo/a", ""), 200);
    assert_int_equal(counted(bench, "brinco_api_abandoned_total", NULL), 10);
}

static void a_client_that_goes_while_its_call_runs_harms_nobody(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 40; i++) {
        int fd = dial_server(bench);
        struct linger reset = {.l_onoff = 1};
        say_request(bench, fd, "GET /v1/wait", "");
        if (i < 4) {
            WAIT_UNTIL(atomic_load(&shared.waiting) == i + 1);
        }
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, i % 2 == 0 ? sizeof reset : 0);
        close(fd);
    }
    atomic_store(&shared.is_open, true);
    WAIT_UNTIL(atomic_load(&shared.waiting) == 0);
    assert_int_equal(ask(bench, "GET /v1/echo/a", ""), 200);
}

static void watchers_are_answered_while_everything_is_busy(void **state) {
    struct bench *bench = *state;
    int fds[API_THREADS];
    for (unsigned i = 0; i < API_THREADS; i++) {
        fds[i] = dial_server(bench);
        say_request(bench, fds[i], "GET /v1/wait", "");
    }
    WAIT_UNTIL(atomic_load(&shared.waiting) == API_THREADS);
    assert_int_equal(ask(bench, "GET /healthz", ""), 200);
    assert_int_equal(ask(bench, "GET /readyz", ""), 200);
    assert_int_equal(ask(bench, "GET /metrics", ""), 200);
    assert_int_equal(ask(bench, "GET /nothing", ""), 404);
    atomic_store(&shared.is_open, true);
    for (unsigned i = 0; i < API_THREADS; i++) {
        assert_heard(fds[i], 200, "waited");
        close(fds[i]);
    }
}

/* With a stream nobody reads, a call that runs, half a request and an idle connection. */
static void stopping_answers_what_runs_and_waits_for_nobody_else(void **state) {
    struct bench *bench = *state;
    int stream = dial_with(bench, 4096);
    int idle = dial_server(bench);
    int half = dial_server(bench);
    say(half, "GET /v1 HTT");
    say_request(bench, stream, "GET /v1/stream", "");
    WAIT_UNTIL(atomic_load(&shared.flushes) >= 16);
    atomic_store(&shared.is_open, true);
    api_stop(&bench->server);
    assert_int_equal(atomic_load(&shared.streams_ended), 1);
    assert_true(is_ended(idle) && is_ended(half));
    close(stream);
    close(idle);
    close(half);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(requests_follow_each_other_on_a_connection),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(a_request_may_come_byte_by_byte),
        TEST(a_client_that_has_said_all_is_answered),
        TEST(who_waits_to_send_is_told_to_go_on),
        TEST(a_body_is_not_read_before_it_is_known_who_sends_it),
        TEST(head_is_get_without_content),
        TEST(an_old_client_gets_a_stream_until_the_end),
        TEST(a_stream_waits_for_its_reader),
        TEST(a_stream_ends_when_its_reader_goes),
        TEST(a_client_that_goes_while_its_call_runs_harms_nobody),
        TEST(watchers_are_answered_while_everything_is_busy),
        TEST(stopping_answers_what_runs_and_waits_for_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
