/*
 * test_server_limits.c - every limit of the server, reached: what happens then, and that it is
 * counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_fixture.h"

static struct bench bench;

static int tear_down(void **state) {
    (void)state;
    atomic_store(&shared.is_open, true);
    bench_end(&bench);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    bench_prepare(&bench);
    return 0;
}

static int hear_status(int fd) {
    struct heard heard;
    hear(fd, &heard);
    heard_fini(&heard);
    return heard.status;
}

static void a_head_has_its_time(void **state) {
    (void)state;
    bench.setup.limits.head_ms = 100;
    bench_start(&bench);
    int fd = dial_server(&bench);
    say(fd, "GET /healthz HTTP/1.1\r\nHost:");
    assert_int_equal(hear_status(fd), 408);
    assert_true(is_ended(fd));
    close(fd);
    assert_int_equal(counted(&bench, "brinco_api_timeouts_total", NULL), 1);
}

/* A byte now and then does not buy more time. */
static void dripping_a_head_buys_nothing(void **state) {
    (void)state;
    bench.setup.limits.head_ms = 100;
    bench_start(&bench);
    int fd = dial_server(&bench);
    say(fd, "GET /healthz HTTP/1.1\r\nX: ");
    for (int i = 0; i < 1000 && send(fd, "x", 1, MSG_NOSIGNAL) == 1; i++) {
        test_sleep_ms(5);
    }
    assert_int_equal(counted(&bench, "brinco_api_timeouts_total", NULL), 1);
    close(fd);
}

static void an_idle_connection_is_closed_without_a_word(void **state) {
    (void)state;
    bench.setup.limits.idle_ms = 50;
    bench_start(&bench);
    int fd = dial_server(&bench);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    fd = dial_server(&bench);
    say(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(hear_status(fd), 200);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    assert_int_equal(counted(&bench, "brinco_api_timeouts_total", NULL), 0);
}

static void a_body_keeps_its_pace(void **state) {
    (void)state;
    bench.setup.limits.pace_ms = 100;
    bench.setup.limits.pace_bytes = 1000;
    bench_start(&bench);
    int fd = dial_server(&bench);
    say_request(&bench, fd, "POST /v1/echo/a", "Content-Length: 100000\r\n");
    for (int i = 0; i < 1000 && send(fd, "x", 1, MSG_NOSIGNAL) == 1; i++) {
        test_sleep_ms(5);
    }
    assert_int_equal(counted(&bench, "brinco_api_timeouts_total", NULL), 1);
    assert_int_equal(counted(&bench, "brinco_api_abandoned_total", NULL), 1);
    WAIT_UNTIL(counted(&bench, "brinco_api_bodies_bytes", NULL) == 0);
    close(fd);
}

/* Who takes nothing of a stream does not hold a pool thread for long. */
static void an_answer_is_taken_at_its_pace(void **state) {
    (void)state;
    bench.setup.limits.pace_ms = 100;
    bench_start(&bench);
    int fd = dial_with(&bench, 4096);
    say_request(&bench, fd, "GET /v1/stream", "");
    WAIT_UNTIL(atomic_load(&shared.streams_ended) == 1);
    assert_true(atomic_load(&shared.flushes) < STREAM_CHUNKS);
    assert_int_equal(counted(&bench, "brinco_api_timeouts_total", NULL), 1);
    close(fd);
}

static void connections_are_limited(void **state) {
    (void)state;
    enum { LIMIT = 4 };
    int fds[LIMIT + 1];
    bench.setup.connections_max = LIMIT;
    bench_start(&bench);
    for (size_t i = 0; i <= LIMIT; i++) {
        fds[i] = dial_server(&bench);
    }
    WAIT_UNTIL(counted(&bench, "brinco_api_connections", NULL) == LIMIT);
    assert_int_equal(counted(&bench, "brinco_api_accept_pauses_total", "reason=\"connections\""),
                     1);
    say(fds[LIMIT], "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    test_sleep_ms(20);
    char byte;
    assert_int_equal(recv(fds[LIMIT], &byte, 1, MSG_DONTWAIT), -1);
    close(fds[0]);
    assert_int_equal(hear_status(fds[LIMIT]), 200);
    for (size_t i = 1; i <= LIMIT; i++) {
        close(fds[i]);
    }
}

static void a_full_queue_says_so_at_once(void **state) {
    (void)state;
    enum { ALL = API_THREADS + 64 };
    int fds[ALL];
    bench.setup.connections_max = 200;
    bench_start(&bench);
    for (unsigned i = 0; i < ALL; i++) {
        fds[i] = dial_server(&bench);
        say_request(&bench, fds[i], "GET /v1/wait", "");
        if (i < API_THREADS) {
            WAIT_UNTIL(atomic_load(&shared.waiting) == i + 1);
        }
    }
    WAIT_UNTIL(counted(&bench, "brinco_api_queue_length", NULL) == 64);
    struct heard heard;
    int fd = dial_server(&bench);
    say_request(&bench, fd, "GET /v1/echo/a", "");
    hear(fd, &heard);
    assert_int_equal(heard.status, 503);
    assert_true(heard_has(&heard, "Retry-After: 1\r\n"));
    heard_fini(&heard);
    close(fd);
    assert_int_equal(counted(&bench, "brinco_api_refused_total", "reason=\"queue\""), 1);
    atomic_store(&shared.is_open, true);
    for (unsigned i = 0; i < ALL; i++) {
        assert_int_equal(hear_status(fds[i]), 200);
        close(fds[i]);
    }
}

static void bodies_are_limited_by_route(void **state) {
    (void)state;
    struct heard heard;
    char fields[64];
    bench_start(&bench);
    int fd = dial_server(&bench);
    snprintf(fields, sizeof fields, "Content-Length: %d\r\n", API_BODY_BYTES_MAX + 1);
    say_request(&bench, fd, "POST /v1/echo/a", fields);
    hear(fd, &heard);
    assert_int_equal(heard.status, 413);
    assert_true(slice_find(buf_slice(&heard.body), SLICE("1048576 bytes")) != SIZE_MAX);
    heard_fini(&heard);
    close(fd);
    snprintf(fields, sizeof fields, "Content-Length: %d\r\n", API_BULK_BYTES_MAX + 1);
    assert_int_equal(ask(&bench, "POST /v1/bulk", fields), 413);
    fd = dial_server(&bench);
    say_request(&bench, fd, "POST /v1/echo/a", "Transfer-Encoding: chunked\r\n");
    say(fd, "100001\r\n");
    assert_int_equal(hear_status(fd), 413);
    close(fd);
    fd = dial_server(&bench);
    say_request(&bench, fd, "POST /v1/echo/a", "Transfer-Encoding: chunked\r\n");
    say(fd, "nonsense\r\n");
    assert_int_equal(hear_status(fd), 400);
    close(fd);
    assert_int_equal(
        ask(&bench, "POST /v1/echo/a", "Content-Length: 5\r\nContent-Encoding: gzip\r\n"), 415);
    WAIT_UNTIL(counted(&bench, "brinco_api_bodies_bytes", NULL) == 0);
}

/* Four of the largest at a time; the memory is free again when they are gone. */
static void bodies_are_limited_together(void **state) {
    (void)state;
    enum { LARGEST = 4 };
    int fds[LARGEST];
    char fields[64];
    bench_start(&bench);
    snprintf(fields, sizeof fields, "Content-Length: %d\r\n", API_BULK_BYTES_MAX);
    for (size_t i = 0; i < LARGEST; i++) {
        fds[i] = dial_server(&bench);
        say_request(&bench, fds[i], "POST /v1/bulk", fields);
    }
    WAIT_UNTIL(counted(&bench, "brinco_api_bodies_bytes", NULL) ==
               (uint64_t)LARGEST * API_BULK_BYTES_MAX);
    assert_int_equal(ask(&bench, "POST /v1/echo/a", "Content-Length: 5\r\n"), 503);
    assert_int_equal(ask(&bench, "GET /v1/echo/a", ""), 200);
    assert_int_equal(counted(&bench, "brinco_api_refused_total", "reason=\"memory\""), 1);
    for (size_t i = 0; i < LARGEST; i++) {
        close(fds[i]);
    }
    WAIT_UNTIL(counted(&bench, "brinco_api_bodies_bytes", NULL) == 0);
    int fd = dial_server(&bench);
    say_request(&bench, fd, "POST /v1/echo/a", "Content-Length: 1\r\n");
    say(fd, "x");
    assert_int_equal(hear_status(fd), 200);
    close(fd);
}

static void subscribers_are_limited(void **state) {
    (void)state;
    enum { ALL = 64 };
    int fds[ALL];
    bench.setup.connections_max = 200;
    bench_start(&bench);
    for (size_t i = 0; i < ALL; i++) {
        fds[i] = dial_server(&bench);
        say_request(&bench, fds[i], "GET /v1/stats/live", "");
    }
    WAIT_UNTIL(counted(&bench, "brinco_api_live_subscribers", NULL) == ALL);
    assert_int_equal(ask(&bench, "GET /v1/stats/live", ""), 503);
    assert_int_equal(counted(&bench, "brinco_api_refused_total", "reason=\"subscribers\""), 1);
    for (size_t i = 0; i < ALL; i++) {
        close(fds[i]);
    }
    WAIT_UNTIL(counted(&bench, "brinco_api_live_subscribers", NULL) == 0);
}

/* Adds a tap to each of many campaigns, today in UTC: an event of some 100 KiB. */
static void count_taps(struct redis_pipe *pipe) {
    char day[40];
    time_t now = time(NULL);
    struct tm parts;
    struct err err;
    gmtime_r(&now, &parts);
    strftime(day, sizeof day, "p:stats:index:%Y%m%d", &parts);
    const struct slice command[] = {
        SLICE("EVAL"),
        SLICE(
            "for i = 1, 1000 do redis.call('HINCRBY', KEYS[1], 'campaign' .. i .. '\\t0', 1) end"),
        SLICE("1"), slice_of(day)};
    const struct redis_reply *reply = redis_pipe_command(pipe, 4, command, &err);
    assert_true(reply != NULL && !redis_reply_is_error(reply));
}

static void a_subscriber_that_does_not_read_is_dropped(void **state) {
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    bench_start(&bench);
    struct redis_pipe *pipe = admin_open(&bench.redis);
    int slow = dial_with(&bench, 4096);
    int quick = dial_server(&bench);
    say_request(&bench, slow, "GET /v1/stats/live", "");
    say_request(&bench, quick, "GET /v1/stats/live", "");
    while (counted(&bench, "brinco_api_live_dropped_total", NULL) == 0) {
        char block[65536];
        count_taps(pipe);
        assert_true(recv(quick, block, sizeof block, 0) > 0);
        while (recv(quick, block, sizeof block, MSG_DONTWAIT) > 0) {
        }
    }
    WAIT_UNTIL(counted(&bench, "brinco_api_live_subscribers", NULL) == 1);
    assert_int_equal(counted(&bench, "brinco_api_live_dropped_total", NULL), 1);
    close(slow);
    close(quick);
    redis_pipe_destroy(&pipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_head_has_its_time),
        TEST(dripping_a_head_buys_nothing),
        TEST(an_idle_connection_is_closed_without_a_word),
        TEST(a_body_keeps_its_pace),
        TEST(an_answer_is_taken_at_its_pace),
        TEST(connections_are_limited),
        TEST(a_full_queue_says_so_at_once),
        TEST(bodies_are_limited_by_route),
        TEST(bodies_are_limited_together),
        TEST(subscribers_are_limited),
        TEST(a_subscriber_that_does_not_read_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
