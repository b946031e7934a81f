/* redis/client.h: a real Redis that goes away, freezes and comes back, and a hostile one. */
#include "client_fixture.h"

static void commands_before_it_is_up_are_refused(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    assert_false(redis_client_is_up(fixture.client));
    assert_false(send_words(&fixture, "PING"));
    assert_int_equal(failed(&fixture, "reason=\"refused\""), 1);
    run_until(&fixture, &fixture.ups, 1);
    assert_int_equal(fixture.answers + fixture.failures, 0);
    close_fixture(&fixture);
}

static void answers_come_later_and_in_order(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
        assert_true(send_numbered(&fixture, i));
    }
    assert_int_equal(fixture.answers, 0);
    run_until(&fixture, &fixture.answers, IN_FLIGHT_MAX);
    assert_false(fixture.wrong);
    assert_int_equal(counted(&fixture, "brinco_redis_commands_total", NULL), IN_FLIGHT_MAX);
    assert_int_equal(counted(&fixture, "brinco_redis_connects_total", NULL), 1);
    assert_int_equal(counted(&fixture, "brinco_redis_up", NULL), 1);
    close_fixture(&fixture);
}

static void beyond_in_flight_max_is_refused_and_counted(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
        assert_true(send_numbered(&fixture, i));
    }
    assert_false(send_numbered(&fixture, IN_FLIGHT_MAX));
    assert_int_equal(failed(&fixture, "reason=\"refused\""), 1);
    run_until(&fixture, &fixture.answers, IN_FLIGHT_MAX);
    assert_true(send_numbered(&fixture, IN_FLIGHT_MAX));
    run_until(&fixture, &fixture.answers, IN_FLIGHT_MAX + 1);
    assert_false(fixture.wrong);
    close_fixture(&fixture);
}

static void a_command_larger_than_the_output_is_refused(void **state) {
    struct fixture fixture;
    enum { BYTES = 17 * 1024 * 1024 };
    char *big = calloc(1, BYTES);
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    assert_false(command(&fixture, 2, (struct slice[]){SLICE("ECHO"), slice_make(big, BYTES)},
                         (struct redis_handler){on_reply, &fixture}));
    assert_true(send_words(&fixture, "PING"));
    run_until(&fixture, &fixture.answers, 1);
    assert_string_equal(fixture.last, "PONG");
    close_fixture(&fixture);
    free(big);
}

static void an_error_reply_is_a_reply(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    assert_true(send_words(&fixture, "NONSENSE"));
    run_until(&fixture, &fixture.answers, 1);
    assert_non_null(strstr(fixture.last, "unknown command"));
    assert_true(redis_client_is_up(fixture.client));
    close_fixture(&fixture);
}

static void handlers_may_issue_commands(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    fixture.again = true;
    assert_true(send_words(&fixture, "ECHO first"));
    run_until(&fixture, &fixture.answers, 2);
    assert_string_equal(fixture.last, "PONG");
    close_fixture(&fixture);
}

static void destroying_fails_what_is_in_flight_once(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    assert_true(send_words(&fixture, "PING"));
    assert_true(send_words(&fixture, "PING"));
    fixture.again = true; /* refused from within */
    close_fixture(&fixture);
    assert_int_equal(fixture.failures, 2);
    assert_int_equal(fixture.answers, 0);
    assert_int_equal(fixture.downs, 0);
}

static void destroying_before_it_is_up_is_safe(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    close_fixture(&fixture);
    open_fixture(&fixture, (struct redis_url){.host = "no-such-host.invalid", .port = 1});
    run_ms(&fixture, 2); /* its look-up is under way, or has failed */
    close_fixture(&fixture);
}

static void a_killed_redis_fails_what_is_in_flight_and_is_found_again(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    test_redis_freeze(redis);
    assert_true(send_words(&fixture, "PING"));
    test_redis_end(redis, SIGKILL);
    run_until(&fixture, &fixture.failures, 1);
    assert_int_equal(fixture.downs, 1);
    run_ms(&fixture, 50);
    assert_false(send_words(&fixture, "PING"));
    test_redis_start(redis, NULL);
    run_until(&fixture, &fixture.ups, 2);
    assert_true(send_words(&fixture, "ECHO back"));
    run_until(&fixture, &fixture.answers, 1);
    assert_string_equal(fixture.last, "back");
    assert_int_equal(failed(&fixture, "reason=\"lost\""), 1);
    close_fixture(&fixture);
}

static void a_frozen_redis_fails_within_the_timeout_then_refuses_at_once(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    test_redis_freeze(redis);
    uint64_t began_ms = now_ms();
    for (unsigned i = 0; i < 10; i++) {
        assert_true(send_numbered(&fixture, i));
    }
    run_until(&fixture, &fixture.failures, 10);
    assert_in_range(now_ms() - began_ms, TIMEOUT_MS, TIMEOUT_MS + 1000);
    assert_int_equal(failed(&fixture, "reason=\"timeout\""), 10);
    assert_int_equal(counted(&fixture, "brinco_redis_up", NULL), 0);
    run_ms(&fixture, 400); /* a frozen server still accepts: that must not count as up */
    assert_int_equal(fixture.ups, 1);
    assert_false(send_words(&fixture, "PING"));

    test_redis_thaw(redis);
    run_until(&fixture, &fixture.ups, 2);
    fixture.next = 100;
    for (unsigned i = 100; i < 110; i++) {
        assert_true(send_numbered(&fixture, i));
    }
    run_until(&fixture, &fixture.answers, 10);
    assert_false(fixture.wrong); /* the late answers met nobody */
    close_fixture(&fixture);
}

static void a_busy_client_never_times_out_while_answers_come(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    uint64_t deadline_ms = now_ms() + 3 * TIMEOUT_MS;
    for (unsigned i = 0; now_ms() < deadline_ms; i++) {
        assert_true(send_numbered(&fixture, i));
        run_until(&fixture, &fixture.answers, i + 1);
    }
    run_ms(&fixture, TIMEOUT_MS + 20); /* idle: the timer finds nothing */
    assert_int_equal(fixture.downs, 0);
    assert_false(fixture.wrong);
    close_fixture(&fixture);
}

static void the_timeout_can_be_changed(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    redis_client_set_timeout(fixture.client, 300);
    test_redis_freeze(redis);
    uint64_t began_ms = now_ms();
    assert_true(send_words(&fixture, "PING"));
    run_until(&fixture, &fixture.failures, 1);
    assert_in_range(now_ms() - began_ms, 300, 1300);
    test_redis_thaw(redis);
    close_fixture(&fixture);
}

static void an_error_to_the_greeting_means_down(void **state) {
    (void)state;
    struct test_redis redis;
    struct fixture fixture;
    test_redis_init(&redis);
    test_redis_start(&redis, (const char *const[]){"--requirepass", "secret", NULL});
    struct redis_url url = test_redis_url(&redis);
    open_fixture(&fixture, url); /* NOAUTH */
    run_ms(&fixture, 100);
    assert_int_equal(fixture.ups, 0);
    close_fixture(&fixture);

    snprintf(url.password, sizeof(url.password), "wrong");
    open_fixture(&fixture, url);
    run_ms(&fixture, 100);
    assert_int_equal(fixture.ups, 0);
    close_fixture(&fixture);

    snprintf(url.password, sizeof(url.password), "secret");
    url.db = 2;
    open_fixture(&fixture, url);
    run_until(&fixture, &fixture.ups, 1);
    close_fixture(&fixture);
    test_redis_fini(&redis);
}

/* Runs against a fake server until it was connected to at least `connections` times. */
static void against(struct fake_server *server, struct fixture *fixture, unsigned connections,
                    const char *words) {
    uint64_t deadline_ms = now_ms() + LOOP_PATIENCE_MS;
    fake_server_start(server);
    open_fixture(fixture, fake_server_url(server));
    while (atomic_load(&server->connections) < connections && now_ms() < deadline_ms) {
        if (redis_client_is_up(fixture->client) && words != NULL) {
            (void)send_words(fixture, words);
        }
        run_ms(fixture, 2);
    }
    assert_true(atomic_load(&server->connections) >= connections);
    close_fixture(fixture);
    fake_server_stop(server);
}

static void misconf_means_up_for_reads(void **state) {
    (void)state;
    struct fake_server server = {.pieces = {SLICE("-MISCONF Redis is configured to save\r\n")}};
    struct fixture fixture;
    fake_server_start(&server);
    open_fixture(&fixture, fake_server_url(&server));
    run_until(&fixture, &fixture.ups, 1);
    close_fixture(&fixture);
    fake_server_stop(&server);
}

static void loading_means_down(void **state) {
    (void)state;
    struct fake_server server = {.pieces = {SLICE("-LOADING Redis is loading the dataset\r\n")}};
    struct fixture fixture;
    against(&server, &fixture, 3, NULL);
    assert_int_equal(fixture.ups, 0);
}

static void garbage_and_closing_never_come_up(void **state) {
    (void)state;
    static const struct slice greetings[] = {
        SLICE("HTTP/1.1 400 Bad Request\r\n\r\n"),
        SLICE("*2147483647\r\n"),
        SLICE("+PO"),
        SLICE("\0\0\0\0\0\0\0\0"),
        SLICE("$-2147483648\r\n"),
    };
    struct fixture fixture;
    for (size_t i = 0; i < ARRAY_COUNT(greetings); i++) {
        struct fake_server server = {.pieces = {greetings[i]}, .close_at_end = true};
        against(&server, &fixture, 3, NULL);
        assert_int_equal(fixture.ups, 0);
    }
    struct fake_server closing = {.close_at_end = true};
    against(&closing, &fixture, 3, NULL);
    assert_int_equal(fixture.ups, 0);
}

static void a_reply_to_no_command_drops_the_connection(void **state) {
    (void)state;
    struct fake_server server = {.pieces = {SLICE("+PONG\r\n"), SLICE("+one\r\n+two\r\n:3\r\n")}};
    struct fixture fixture;
    fake_server_start(&server);
    open_fixture(&fixture, fake_server_url(&server));
    run_until(&fixture, &fixture.ups, 1);
    assert_true(send_words(&fixture, "GET a"));
    run_until(&fixture, &fixture.downs, 1);
    assert_int_equal(fixture.answers, 1);
    assert_string_equal(fixture.last, "one");
    assert_int_equal(counted(&fixture, "brinco_redis_broken_replies_total", NULL), 1);
    close_fixture(&fixture);
    fake_server_stop(&server);
}

static void replies_beyond_the_greeting_drop_the_connection(void **state) {
    (void)state;
    struct fake_server server = {.pieces = {SLICE("+PONG\r\n*3\r\n+message\r\n+a\r\n+b\r\n")}};
    struct fixture fixture;
    against(&server, &fixture, 3, NULL);
    assert_true(fixture.downs >= 2);
}

static void half_a_reply_is_a_timeout(void **state) {
    (void)state;
    struct fake_server server = {.pieces = {SLICE("+PONG\r\n"), SLICE("*2\r\n$5\r\nhel")}};
    struct fixture fixture;
    fake_server_start(&server);
    open_fixture(&fixture, fake_server_url(&server));
    run_until(&fixture, &fixture.ups, 1);
    assert_true(send_words(&fixture, "GET a"));
    run_until(&fixture, &fixture.failures, 1);
    assert_int_equal(failed(&fixture, "reason=\"timeout\""), 1);
    close_fixture(&fixture);
    fake_server_stop(&server);
}

static void a_server_that_is_not_there_is_tried_again_with_backoff(void **state) {
    (void)state;
    struct fixture fixture;
    struct fake_server server = {.close_at_end = true};
    fake_server_start(&server);
    open_fixture(&fixture, fake_server_url(&server));
    run_ms(&fixture, 600);
    /* 10, 20, 40, ... ms, each times 0.5..1: 5.9 to 6.9 doublings fit into 600 ms. */
    assert_in_range(atomic_load(&server.connections), 5, 9);
    close_fixture(&fixture);
    fake_server_stop(&server);
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
        cmocka_unit_test(commands_before_it_is_up_are_refused),
        cmocka_unit_test(answers_come_later_and_in_order),
        cmocka_unit_test(beyond_in_flight_max_is_refused_and_counted),
        cmocka_unit_test(a_command_larger_than_the_output_is_refused),
        cmocka_unit_test(an_error_reply_is_a_reply),
        cmocka_unit_test(handlers_may_issue_commands),
        cmocka_unit_test(destroying_fails_what_is_in_flight_once),
        cmocka_unit_test(destroying_before_it_is_up_is_safe),
        cmocka_unit_test(a_killed_redis_fails_what_is_in_flight_and_is_found_again),
        cmocka_unit_test(a_frozen_redis_fails_within_the_timeout_then_refuses_at_once),
        cmocka_unit_test(a_busy_client_never_times_out_while_answers_come),
        cmocka_unit_test(the_timeout_can_be_changed),
        cmocka_unit_test(an_error_to_the_greeting_means_down),
        cmocka_unit_test(misconf_means_up_for_reads),
        cmocka_unit_test(loading_means_down),
        cmocka_unit_test(garbage_and_closing_never_come_up),
        cmocka_unit_test(a_reply_to_no_command_drops_the_connection),
        cmocka_unit_test(replies_beyond_the_greeting_drop_the_connection),
        cmocka_unit_test(half_a_reply_is_a_timeout),
        cmocka_unit_test(a_server_that_is_not_there_is_tried_again_with_backoff),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
