/* redis/pipe.h against a real Redis and against one that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "fake_server.h"
#include "redis/pipe.h"

static const struct redis_reply *command(struct redis_pipe *pipe, const char *words) {
    static struct slice arguments[8];
    static struct err err;
    struct slice rest = slice_of(words);
    size_t count = 0;
    while (rest.size > 0) {
        arguments[count++] = slice_split(&rest, ' ');
    }
    return redis_pipe_command(pipe, count, arguments, &err);
}

static void connects_and_answers(void **state) {
    struct redis_url url = test_redis_url(*state);
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    struct err err = {0};
    assert_false(redis_pipe_is_connected(pipe));
    assert_true(redis_pipe_connect(pipe, &err));
    assert_true(redis_pipe_connect(pipe, &err)); /* at once */
    assert_true(slice_equal(redis_reply_text(command(pipe, "SET k v")), SLICE("OK")));
    assert_true(slice_equal(redis_reply_text(command(pipe, "GET k")), SLICE("v")));
    assert_true(redis_reply_is_error(command(pipe, "NONSENSE")));
    assert_true(redis_pipe_is_connected(pipe)); /* an error is an answer */
    redis_pipe_destroy(&pipe);
    assert_null(pipe);
}

static void selects_its_database(void **state) {
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    url.db = 3;
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(pipe, &err));
    command(pipe, "SET only-in-3 x");
    assert_int_equal(redis_reply_integer(command(pipe, "EXISTS only-in-3")), 1);
    command(pipe, "SELECT 0");
    assert_int_equal(redis_reply_integer(command(pipe, "EXISTS only-in-3")), 0);
    redis_pipe_destroy(&pipe);

    url.db = 4000;
    pipe = redis_pipe_create(&url, 1000);
    assert_false(redis_pipe_connect(pipe, &err));
    assert_non_null(strstr(err.text, "DB index"));
    assert_false(redis_pipe_is_connected(pipe));
    redis_pipe_destroy(&pipe);
}

static void authenticates_with_and_without_a_user(void **state) {
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    struct redis_pipe *admin = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(admin, &err));
    command(admin, "ACL SETUSER edge on >hunter2 ~* +@all");
    command(admin, "CONFIG SET requirepass secret");

    snprintf(url.password, sizeof(url.password), "secret");
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(pipe, &err));
    assert_true(slice_equal(redis_reply_text(command(pipe, "ACL WHOAMI")), SLICE("default")));
    redis_pipe_destroy(&pipe);

    snprintf(url.user, sizeof(url.user), "edge");
    snprintf(url.password, sizeof(url.password), "hunter2");
    pipe = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(pipe, &err));
    assert_true(slice_equal(redis_reply_text(command(pipe, "ACL WHOAMI")), SLICE("edge")));
    redis_pipe_destroy(&pipe);

    snprintf(url.password, sizeof(url.password), "hunter3");
    pipe = redis_pipe_create(&url, 1000);
    assert_false(redis_pipe_connect(pipe, &err));
    assert_non_null(strstr(err.text, "WRONGPASS"));
    assert_null(strstr(err.text, "hunter"));
    redis_pipe_destroy(&pipe);

    struct slice reset[] = {SLICE("CONFIG"), SLICE("SET"), SLICE("requirepass"), SLICE("")};
    assert_false(redis_reply_is_error(redis_pipe_command(admin, 4, reset, &err)));
    redis_pipe_destroy(&admin);
}

static void replies_come_in_the_order_of_their_commands(void **state) {
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(pipe, &err));
    command(pipe, "DEL n");
    for (int i = 0; i < 1000; i++) {
        assert_true(redis_pipe_append(pipe, 2, (struct slice[]){SLICE("INCR"), SLICE("n")}));
    }
    assert_true(redis_pipe_append_resp(pipe, SLICE("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\nPING\r\n"), 2));
    for (int i = 1; i <= 1001; i++) {
        assert_int_equal(redis_reply_integer(redis_pipe_read(pipe, &err)), i);
    }
    assert_true(slice_equal(redis_reply_text(redis_pipe_read(pipe, &err)), SLICE("PONG")));
    redis_pipe_destroy(&pipe);
}

/* 32 MB out and as much back: neither side may wait for the other to read first. */
static void a_long_pipeline_does_not_lock_up(void **state) {
    enum { COMMANDS = 512, BYTES = 64 * 1024 };
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    static char big[BYTES];
    memset(big, 'x', sizeof(big));
    struct redis_pipe *pipe = redis_pipe_create(&url, 10000);
    assert_true(redis_pipe_connect(pipe, &err));
    for (int i = 0; i < COMMANDS; i++) {
        assert_true(
            redis_pipe_append(pipe, 2, (struct slice[]){SLICE("ECHO"), slice_make(big, BYTES)}));
    }
    for (int i = 0; i < COMMANDS; i++) {
        const struct redis_reply *reply = redis_pipe_read(pipe, &err);
        assert_int_equal(redis_reply_text(reply).size, BYTES);
    }
    redis_pipe_destroy(&pipe);
}

static void a_full_queue_is_refused_and_the_rest_goes_on(void **state) {
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    char *big = calloc(1, REDIS_PIPE_QUEUE_BYTES_MAX);
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(pipe, &err));
    struct slice huge = slice_make(big, REDIS_PIPE_QUEUE_BYTES_MAX);
    assert_false(redis_pipe_append(pipe, 2, (struct slice[]){SLICE("ECHO"), huge}));
    assert_true(redis_pipe_append(pipe, 1, (struct slice[]){SLICE("PING")}));
    assert_false(redis_pipe_append_resp(pipe, huge, 1));
    assert_true(slice_equal(redis_reply_text(redis_pipe_read(pipe, &err)), SLICE("PONG")));
    redis_pipe_destroy(&pipe);
    free(big);
}

static void nobody_there_is_said_with_the_place(void **state) {
    struct redis_url url = {.socket_path = "/nonexistent/redis.sock"};
    struct err err = {0};
    (void)state;
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    assert_false(redis_pipe_connect(pipe, &err));
    assert_non_null(strstr(err.text, "/nonexistent/redis.sock"));
    assert_false(redis_pipe_append(pipe, 1, (struct slice[]){SLICE("PING")}));
    assert_null(redis_pipe_read(pipe, &err));
    assert_non_null(strstr(err.text, "not connected"));
    assert_null(redis_pipe_command(pipe, 1, (struct slice[]){SLICE("PING")}, &err));
    redis_pipe_destroy(&pipe);

    url = (struct redis_url){.host = "127.0.0.1", .port = 1};
    pipe = redis_pipe_create(&url, 1000);
    assert_false(redis_pipe_connect(pipe, &err));
    assert_non_null(strstr(err.text, "127.0.0.1:1: Connection refused"));
    redis_pipe_destroy(&pipe);
}

static void a_host_without_an_address_is_said(void **state) {
    struct redis_url url = {.host = "no-such-host.invalid", .port = 6379};
    struct err err = {0};
    (void)state;
    uint64_t began_ns = clock_monotonic_ns();
    struct redis_pipe *pipe = redis_pipe_create(&url, 300);
    assert_false(redis_pipe_connect(pipe, &err));
    assert_non_null(strstr(err.text, "no-such-host.invalid"));
    assert_true(clock_monotonic_ns() - began_ns < UINT64_C(1500000000));
    redis_pipe_destroy(&pipe);
}

static struct slice read_raw(struct redis_pipe *pipe, size_t bytes_max) {
    struct err err = {0};
    struct slice reply = redis_pipe_read_raw(pipe, bytes_max, &err);
    if (reply.size == 0) {
        fail_msg("%s", err.text);
    }
    return reply;
}

/* With AUTH and SELECT before, which are read otherwise, and each kind of reply. */
static void replies_come_raw_as_they_came_over_the_wire(void **state) {
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    url.db = 2;
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(pipe, &err));
    assert_true(redis_pipe_append_resp(
        pipe,
        SLICE("PING\r\nNONSENSE\r\nDEL raw\r\nGET raw\r\nRPUSH raw a b\r\nLRANGE raw 0 -1\r\n"
              "LRANGE none 0 -1\r\nECHO 0123456789\r\n"),
        8));
    assert_true(slice_equal(read_raw(pipe, 100), SLICE("+PONG\r\n")));
    assert_true(slice_starts_with(read_raw(pipe, 100), SLICE("-ERR unknown command")));
    assert_true(slice_equal(read_raw(pipe, 100), SLICE(":0\r\n")));
    assert_true(slice_equal(read_raw(pipe, 100), SLICE("$-1\r\n")));
    assert_true(slice_equal(read_raw(pipe, 100), SLICE(":2\r\n")));
    assert_true(slice_equal(read_raw(pipe, 100), SLICE("*2\r\n$1\r\na\r\n$1\r\nb\r\n")));
    assert_true(slice_equal(read_raw(pipe, 100), SLICE("*0\r\n")));
    assert_true(slice_equal(read_raw(pipe, 17), SLICE("$10\r\n0123456789\r\n")));
    assert_true(slice_equal(redis_reply_text(command(pipe, "ECHO parsed")), SLICE("parsed")));
    redis_pipe_destroy(&pipe);
}

/* A reply of many pieces stays as it is while further commands are sent and answered. */
static void a_raw_reply_is_borrowed_until_the_next_read(void **state) {
    enum { COMMANDS = 64, BYTES = 300 * 1024 };
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    static char big[BYTES];
    struct redis_pipe *pipe = redis_pipe_create(&url, 10000);
    assert_true(redis_pipe_connect(pipe, &err));
    for (int i = 0; i < COMMANDS; i++) {
        memset(big, 'a' + i % 26, sizeof(big));
        assert_true(
            redis_pipe_append(pipe, 2, (struct slice[]){SLICE("ECHO"), slice_make(big, BYTES)}));
    }
    for (int i = 0; i < COMMANDS; i++) {
        struct slice reply = read_raw(pipe, BYTES + 16);
        assert_int_equal(reply.size, BYTES + sizeof("$307200\r\n\r\n") - 1);
        assert_true(redis_pipe_append(pipe, 1, (struct slice[]){SLICE("PING")}));
        assert_true(redis_pipe_send(pipe, &err));
        memset(big, 'a' + i % 26, sizeof(big));
        assert_memory_equal(reply.data + 9, big, BYTES);
    }
    for (int i = 0; i < COMMANDS; i++) {
        assert_true(slice_equal(read_raw(pipe, 100), SLICE("+PONG\r\n")));
    }
    redis_pipe_destroy(&pipe);
}

static void expect_raw_failure(struct slice answer, size_t bytes_max, const char *why) {
    struct fake_server server = {.pieces = {answer}};
    struct err err = {0};
    fake_server_start(&server);
    struct redis_url url = fake_server_url(&server);
    struct redis_pipe *pipe = redis_pipe_create(&url, 150);
    assert_true(redis_pipe_connect(pipe, &err));
    assert_true(redis_pipe_append(pipe, 1, (struct slice[]){SLICE("PING")}));
    assert_int_equal(redis_pipe_read_raw(pipe, bytes_max, &err).size, 0);
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, why);
    }
    assert_false(redis_pipe_is_connected(pipe));
    assert_int_equal(redis_pipe_read_raw(pipe, bytes_max, &err).size, 0);
    assert_non_null(strstr(err.text, "not connected"));
    redis_pipe_destroy(&pipe);
    fake_server_stop(&server);
}

static void raw_replies_are_bounded_and_must_be_resp(void **state) {
    (void)state;
    expect_raw_failure(SLICE("$5\r\nhallo\r\n"), 10, "larger than is allowed");
    expect_raw_failure(SLICE("$999\r\nhallo, and so on"), 10, "larger than is allowed");
    expect_raw_failure(SLICE("HTTP/1.1 400 Bad Request\r\n"), 1000, "malformed");
    expect_raw_failure(SLICE("*1\r\n$x\r\n"), 1000, "malformed");
    expect_raw_failure(SLICE("$1234567890123456789012345678901234567890"), 1000, "malformed");
    expect_raw_failure(SLICE("*2\r\n$5\r\nhallo\r\n"), 1000, "no answer in time");
    expect_raw_failure(SLICE("$5\r\nhal"), 1000, "no answer in time");
}

/* One that was free a moment ago. */
static uint16_t free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void tcp_by_name(void **state) {
    (void)state;
    struct test_redis redis;
    struct redis_url url = {.host = "localhost", .port = free_port()};
    struct err err = {0};
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)url.port);
    test_redis_init(&redis);
    test_redis_start(&redis, (const char *const[]){"--port", port, "--bind", "127.0.0.1", NULL});
    struct redis_pipe *pipe = redis_pipe_create(&url, 2000);
    if (!redis_pipe_connect(pipe, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(slice_equal(redis_reply_text(command(pipe, "PING")), SLICE("PONG")));
    redis_pipe_destroy(&pipe);
    test_redis_fini(&redis);
}

static void a_frozen_redis_costs_one_timeout_and_its_late_answer_is_never_read(void **state) {
    struct redis_url url = test_redis_url(*state);
    struct err err = {0};
    struct redis_pipe *pipe = redis_pipe_create(&url, 200);
    assert_true(redis_pipe_connect(pipe, &err));
    command(pipe, "SET k late");
    test_redis_freeze(*state);
    uint64_t began_ns = clock_monotonic_ns();
    assert_null(command(pipe, "GET k"));
    uint64_t took_ms = (clock_monotonic_ns() - began_ns) / 1000000;
    assert_in_range(took_ms, 200, 1500);
    assert_false(redis_pipe_is_connected(pipe));
    test_redis_thaw(*state);
    assert_true(redis_pipe_connect(pipe, &err));
    assert_true(slice_equal(redis_reply_text(command(pipe, "ECHO fresh")), SLICE("fresh")));
    redis_pipe_destroy(&pipe);
}

static void a_killed_redis_is_an_error_not_a_signal(void **state) {
    struct test_redis redis;
    struct err err = {0};
    (void)state;
    test_redis_init(&redis);
    test_redis_start(&redis, NULL);
    struct redis_url url = test_redis_url(&redis);
    struct redis_pipe *pipe = redis_pipe_create(&url, 1000);
    assert_true(redis_pipe_connect(pipe, &err));
    test_redis_end(&redis, SIGKILL);
    for (int i = 0; i < 3; i++) {
        assert_false(redis_pipe_append(pipe, 1, (struct slice[]){SLICE("PING")}) &&
                     redis_pipe_read(pipe, &err) != NULL);
    }
    assert_false(redis_pipe_is_connected(pipe));
    test_redis_fini(&redis);
    redis_pipe_destroy(&pipe);
}

static void expect_failure(struct slice answer, bool close_at_end, const char *why) {
    struct fake_server server = {.pieces = {answer}, .close_at_end = close_at_end};
    struct err err = {0};
    fake_server_start(&server);
    struct redis_url url = fake_server_url(&server);
    struct redis_pipe *pipe = redis_pipe_create(&url, 150);
    assert_true(redis_pipe_connect(pipe, &err));
    assert_null(redis_pipe_command(pipe, 1, (struct slice[]){SLICE("PING")}, &err));
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, why);
    }
    assert_false(redis_pipe_is_connected(pipe));
    redis_pipe_destroy(&pipe);
    fake_server_stop(&server);
}

static void hostile_answers_close_the_connection(void **state) {
    (void)state;
    expect_failure(SLICE("HTTP/1.1 400 Bad Request\r\n"), false, "malformed");
    expect_failure(SLICE("*2147483647\r\n"), false, "malformed or too large");
    expect_failure(SLICE("$5\r\nhal"), false, "no answer in time");
    expect_failure(SLICE("$5\r\nhal"), true, "closed");
    expect_failure(SLICE("$536870912\r\nx"), false, "no answer in time");
}

static int start_redis(void **state) {
    static struct test_redis redis;
    test_redis_init(&redis);
    test_redis_start(&redis, NULL);
    *state = &redis;
    return 0;
}

static int stop_redis(void **state) {
    test_redis_fini(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_and_answers),
        cmocka_unit_test(selects_its_database),
        cmocka_unit_test(authenticates_with_and_without_a_user),
        cmocka_unit_test(replies_come_in_the_order_of_their_commands),
        cmocka_unit_test(a_long_pipeline_does_not_lock_up),
        cmocka_unit_test(a_full_queue_is_refused_and_the_rest_goes_on),
        cmocka_unit_test(replies_come_raw_as_they_came_over_the_wire),
        cmocka_unit_test(a_raw_reply_is_borrowed_until_the_next_read),
        cmocka_unit_test(raw_replies_are_bounded_and_must_be_resp),
        cmocka_unit_test(nobody_there_is_said_with_the_place),
        cmocka_unit_test(a_host_without_an_address_is_said),
        cmocka_unit_test(tcp_by_name),
        cmocka_unit_test(a_frozen_redis_costs_one_timeout_and_its_late_answer_is_never_read),
        cmocka_unit_test(a_killed_redis_is_an_error_not_a_signal),
        cmocka_unit_test(hostile_answers_close_the_connection),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
