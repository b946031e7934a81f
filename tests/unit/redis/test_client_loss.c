/* redis/client.h: connections that are closed while Redis is well, and replies that are too large.
 */
#include "client_fixture.h"

enum { KILLS = 30 };

static void kill_connections(struct test_redis *redis) {
    admin_do(redis, "CLIENT KILL TYPE normal SKIPME yes");
}

/* Turn by turn, so that nothing follows yet. */
static void until_down(struct fixture *fixture) {
    while (fixture->downs == 0) {
        event_base_loop(fixture->base, EVLOOP_ONCE);
    }
}

static void a_command_right_after_a_kill_waits_for_the_connection_to_return(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    run_ms(&fixture, 20);
    kill_connections(*state);
    until_down(&fixture);
    assert_false(redis_client_is_up(fixture.client));
    assert_true(redis_client_accepts(fixture.client));
    for (unsigned i = 0; i < 10; i++) {
        assert_true(send_numbered(&fixture, i));
    }
    run_until(&fixture, &fixture.answers, 10);
    assert_false(fixture.wrong);
    assert_int_equal(fixture.failures, 0);
    assert_int_equal(failed(&fixture, NULL), 0);
    close_fixture(&fixture);
}

/* Each kill may find the command before it, in flight or behind: only what was in flight may
 * fail, and issuing it once more then helps. */
static void kills_in_a_row_do_not_add_up(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    for (unsigned i = 0; i < KILLS; i++) {
        run_ms(&fixture, 30);
        kill_connections(*state);
        unsigned answers = fixture.answers;
        unsigned failures = fixture.failures;
        assert_true(send_words(&fixture, "PING"));
        run_ms(&fixture, 1);
        if (fixture.failures > failures) {
            assert_true(send_words(&fixture, "PING"));
        }
        run_until(&fixture, &fixture.answers, answers + 1);
        assert_int_equal(fixture.ups + (fixture.ups == fixture.downs), i + 2);
    }
    close_fixture(&fixture);
}

static void again_from_a_lost_command(void *argument, const struct redis_reply *reply) {
    struct fixture *fixture = argument;
    fixture->failures += reply == NULL;
    fixture->answers += reply != NULL;
    if (reply == NULL && redis_client_accepts(fixture->client)) {
        assert_true(send_numbered(fixture, fixture->failures - 1));
    }
}

static void handlers_of_lost_commands_may_issue_them_again(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    run_ms(&fixture, 20);
    kill_connections(redis); /* we have not read that yet */
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
        assert_true(command(&fixture, 1, &(struct slice){"PING", 4},
                            (struct redis_handler){again_from_a_lost_command, &fixture}));
    }
    run_until(&fixture, &fixture.answers, IN_FLIGHT_MAX);
    assert_int_equal(fixture.failures, IN_FLIGHT_MAX);
    assert_int_equal(fixture.next, IN_FLIGHT_MAX); /* every answer met its command */
    assert_false(fixture.wrong);
    close_fixture(&fixture);
}

static void what_waits_fails_with_the_first_attempt_and_then_all_is_refused(void **state) {
    (void)state;
    struct test_redis redis;
    struct fixture fixture;
    test_redis_init(&redis);
    test_redis_start(&redis, NULL);
    open_fixture(&fixture, test_redis_url(&redis));
    run_until(&fixture, &fixture.ups, 1);
    run_ms(&fixture, 20);
    uint64_t began_ms = now_ms();
    test_redis_end(&redis, SIGKILL);
    until_down(&fixture);
    if (redis_client_accepts(fixture.client)) { /* unless the attempt was made in the same turn */
        assert_true(send_words(&fixture, "PING"));
        run_until(&fixture, &fixture.failures, 1);
    }
    assert_true(now_ms() - began_ms < LOOP_PATIENCE_MS);
    assert_false(redis_client_accepts(fixture.client));
    assert_false(send_words(&fixture, "PING"));
    close_fixture(&fixture);
    test_redis_fini(&redis);
}

static void nothing_waits_longer_than_the_timeout(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    run_ms(&fixture, 20);
    kill_connections(redis);
    test_redis_freeze(redis);
    until_down(&fixture);
    uint64_t began_ms = now_ms();
    assert_true(send_words(&fixture, "PING"));
    run_until(&fixture, &fixture.failures, 1);
    assert_in_range(now_ms() - began_ms, TIMEOUT_MS - 10, TIMEOUT_MS + 1000);
    assert_int_equal(failed(&fixture, "reason=\"timeout\""), 1);
    assert_false(send_words(&fixture, "PING"));
    test_redis_thaw(redis);
    run_until(&fixture, &fixture.ups, 2);
    assert_true(send_words(&fixture, "ECHO back"));
    run_until(&fixture, &fixture.answers, 1);
    assert_string_equal(fixture.last, "back"); /* not the PING that was given up */
    close_fixture(&fixture);
}

static void a_timeout_is_no_loss_and_nothing_waits(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    run_ms(&fixture, 20);
    test_redis_freeze(redis);
    assert_true(send_words(&fixture, "PING"));
    run_until(&fixture, &fixture.failures, 1);
    assert_false(redis_client_accepts(fixture.client));
    assert_false(send_words(&fixture, "PING"));
    test_redis_thaw(redis);
    close_fixture(&fixture);
}

static void a_thawed_redis_is_found_within_the_longest_backoff(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    test_redis_freeze(redis);
    assert_true(send_words(&fixture, "PING"));
    run_ms(&fixture, 3000);
    assert_int_equal(fixture.downs, 1);
    uint64_t began_ms = now_ms();
    test_redis_thaw(redis);
    run_until(&fixture, &fixture.ups, 2);
    assert_true(now_ms() - began_ms < 500);
    close_fixture(&fixture);
}

/* Comes up and is closed at once, again and again. */
static void connections_that_hardly_begin_are_not_made_in_a_busy_loop(void **state) {
    (void)state;
    struct fake_server server = {.pieces = {SLICE("+PONG\r\n")}, .close_at_end = true};
    struct fixture fixture;
    fake_server_start(&server);
    open_fixture(&fixture, fake_server_url(&server));
    run_ms(&fixture, 500);
    assert_in_range(atomic_load(&server.connections), 5, 110);
    close_fixture(&fixture);
    fake_server_stop(&server);
}

static void more_than_may_wait_is_refused(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    enum { BYTES = 1024 * 1024 };
    char *big = calloc(1, BYTES);
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    redis_client_set_timeout(fixture.client, 5000); /* megabytes, on a machine that may be slow */
    run_ms(&fixture, 20);
    kill_connections(redis);
    until_down(&fixture);
    unsigned taken = 0;
    while (taken < 16 &&
           command(&fixture, 3,
                   (struct slice[]){SLICE("SETRANGE"), SLICE("big"), slice_make(big, BYTES)},
                   (struct redis_handler){on_reply, &fixture})) {
        taken++;
    }
    assert_in_range(taken, 6, 7);
    assert_true(send_words(&fixture, "PING"));
    run_until(&fixture, &fixture.answers, taken + 1);
    assert_string_equal(fixture.last, "PONG");
    close_fixture(&fixture);
    free(big);
}

static void too_large_a_reply_reads_as_toolarge_and_the_connection_stays(void **state) {
    struct fixture fixture;
    admin_do(*state, "SET big x");
    admin_do(*state, "SETRANGE big 1100000 x");
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    assert_true(send_words(&fixture, "GETRANGE big 0 1000000"));
    run_until(&fixture, &fixture.answers, 1);
    assert_true(send_words(&fixture, "GET big"));
    for (unsigned i = 0; i < 20; i++) {
        assert_true(send_numbered(&fixture, i));
    }
    run_until(&fixture, &fixture.answers, 2);
    assert_memory_equal(fixture.last, "TOOLARGE", 8);
    run_until(&fixture, &fixture.answers, 22);
    assert_false(fixture.wrong);
    assert_int_equal(fixture.downs, 0);
    assert_int_equal(counted(&fixture, "brinco_redis_too_large_replies_total", NULL), 1);
    assert_int_equal(counted(&fixture, "brinco_redis_broken_replies_total", NULL), 0);
    close_fixture(&fixture);
    admin_do(*state, "DEL big");
}

static void too_large_a_reply_that_never_ends_is_told_to_who_asked(void **state) {
    (void)state;
    struct fake_server server = {.pieces = {SLICE("+PONG\r\n"), SLICE("*2\r\n$400000000\r\nhel")}};
    struct fixture fixture;
    fake_server_start(&server);
    open_fixture(&fixture, fake_server_url(&server));
    run_until(&fixture, &fixture.ups, 1);
    assert_true(send_words(&fixture, "GET a"));
    assert_true(send_words(&fixture, "GET b"));
    run_until(&fixture, &fixture.failures, 1);
    assert_int_equal(fixture.answers, 1);
    assert_memory_equal(fixture.last, "TOOLARGE", 8);
    assert_int_equal(failed(&fixture, "reason=\"timeout\""), 1);
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
        cmocka_unit_test(a_command_right_after_a_kill_waits_for_the_connection_to_return),
        cmocka_unit_test(kills_in_a_row_do_not_add_up),
        cmocka_unit_test(handlers_of_lost_commands_may_issue_them_again),
        cmocka_unit_test(what_waits_fails_with_the_first_attempt_and_then_all_is_refused),
        cmocka_unit_test(nothing_waits_longer_than_the_timeout),
        cmocka_unit_test(a_timeout_is_no_loss_and_nothing_waits),
        cmocka_unit_test(a_thawed_redis_is_found_within_the_longest_backoff),
        cmocka_unit_test(connections_that_hardly_begin_are_not_made_in_a_busy_loop),
        cmocka_unit_test(more_than_may_wait_is_refused),
        cmocka_unit_test(too_large_a_reply_reads_as_toolarge_and_the_connection_stays),
        cmocka_unit_test(too_large_a_reply_that_never_ends_is_told_to_who_asked),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
