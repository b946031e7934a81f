/* redis/tracking.h: hearing of changes, and knowing when one might have been missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "base/metrics.h"
#include "fake_server.h"
#include "loop.h"
#include "redis/tracking.h"

struct fixture {
    struct event_base *base;
    struct metric_registry *registry;
    struct redis_tracking *tracking;
    unsigned ups;
    unsigned downs;
    unsigned keys;
    unsigned flushes;
    char last_key[64];
};

static void on_state(void *argument, bool tracking) {
    struct fixture *fixture = argument;
    fixture->ups += tracking;
    fixture->downs += !tracking;
}

static void on_key(void *argument, struct slice key) {
    struct fixture *fixture = argument;
    fixture->keys++;
    snprintf(fixture->last_key, sizeof(fixture->last_key), "%.*s", SLICE_ARG(key));
}

static void on_flush(void *argument) {
    struct fixture *fixture = argument;
    fixture->flushes++;
}

static void open_fixture(struct fixture *fixture, struct redis_url url) {
    char link[] = "b:link:"; /* not a constant: prefixes are copied */
    char campaign[] = "b:campaign:";
    *fixture = (struct fixture){.base = event_base_new(), .registry = metric_registry_create()};
    fixture->tracking = redis_tracking_create(&(struct redis_tracking_options){
        .base = fixture->base,
        .url = &url,
        .prefixes = (struct slice[]){slice_of(link), slice_of(campaign)},
        .prefix_count = 2,
        .metrics = fixture->registry,
        .on_state = on_state,
        .on_key = on_key,
        .on_flush = on_flush,
        .argument = fixture,
    });
    memset(link, 'x', sizeof(link));
    memset(campaign, 'x', sizeof(campaign));
}

static void close_fixture(struct fixture *fixture) {
    redis_tracking_destroy(&fixture->tracking);
    assert_null(fixture->tracking);
    metric_registry_destroy(&fixture->registry);
    event_base_free(fixture->base);
}

static void run_ms(struct fixture *fixture, unsigned milliseconds) {
    loop_run_ms(fixture->base, milliseconds);
}

static void run_until(struct fixture *fixture, const unsigned *counter, unsigned value) {
    assert_true(loop_run_until(fixture->base, counter, value));
}

static void every_change_under_the_prefixes_is_heard(void **state) {
    struct fixture fixture;
    admin_do(*state, "FLUSHALL");
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    assert_int_equal(fixture.flushes, 0);

    admin_do(*state, "HSET b:link:A campaign c");
    run_until(&fixture, &fixture.keys, 1);
    assert_string_equal(fixture.last_key, "b:link:A");
    admin_do(*state, "HSET b:campaign:c name n");
    run_until(&fixture, &fixture.keys, 2);
    assert_string_equal(fixture.last_key, "b:campaign:c");
    admin_do(*state, "DEL b:link:A");
    run_until(&fixture, &fixture.keys, 3);
    admin_do(*state, "MSET b:link:1 x b:link:2 x b:link:3 x");
    run_until(&fixture, &fixture.keys, 6);

    admin_do(*state, "SET other x");
    admin_do(*state, "DEL b:link:never-was");
    run_ms(&fixture, 100);
    assert_int_equal(fixture.keys, 6);
    assert_int_equal(
        metric_registry_total(fixture.registry, "brinco_redis_tracking_keys_total", NULL), 6);
    assert_int_equal(metric_registry_total(fixture.registry, "brinco_redis_tracking_up", NULL), 1);
    close_fixture(&fixture);
}

static void a_flush_is_heard_as_such(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    admin_do(*state, "FLUSHALL");
    run_until(&fixture, &fixture.flushes, 1);
    assert_int_equal(fixture.keys, 0);
    close_fixture(&fixture);
}

static void idle_stays_up_by_pings(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    run_ms(&fixture, 1800);
    assert_int_equal(fixture.downs, 0);
    close_fixture(&fixture);
}

static void a_frozen_redis_is_lost_soon(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    test_redis_freeze(*state);
    uint64_t began_ms = now_ms();
    run_until(&fixture, &fixture.downs, 1);
    assert_in_range(now_ms() - began_ms, 900, 3000);
    test_redis_thaw(*state);
    run_until(&fixture, &fixture.ups, 2);
    admin_do(*state, "SET b:link:Z x");
    run_until(&fixture, &fixture.keys, 1);
    close_fixture(&fixture);
}

static void a_loop_that_stood_still_loses_nothing(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    run_ms(&fixture, 600);
    test_sleep_ms(1500);
    admin_do(*state, "SET b:link:Y x");
    run_until(&fixture, &fixture.keys, 1);
    run_ms(&fixture, 100);
    assert_int_equal(fixture.downs, 0);
    close_fixture(&fixture);
}

static void a_restarted_redis_is_tracked_again(void **state) {
    struct test_redis *redis = *state;
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(redis));
    run_until(&fixture, &fixture.ups, 1);
    test_redis_end(redis, SIGKILL);
    run_until(&fixture, &fixture.downs, 1);
    test_redis_start(redis, NULL);
    run_until(&fixture, &fixture.ups, 2);
    admin_do(redis, "SET b:link:B x");
    run_until(&fixture, &fixture.keys, 1);
    close_fixture(&fixture);
}

static void a_killed_connection_is_made_again(void **state) {
    struct fixture fixture;
    open_fixture(&fixture, test_redis_url(*state));
    run_until(&fixture, &fixture.ups, 1);
    admin_do(*state, "CLIENT KILL TYPE pubsub");
    run_until(&fixture, &fixture.downs, 1);
    run_until(&fixture, &fixture.ups, 2);
    close_fixture(&fixture);
}

#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n"
#define MESSAGE    "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"

static void only_a_confirmed_subscription_counts(void **state) {
    (void)state;
    static const struct slice scripts[][4] = {
        {SLICE("+PONG\r\n"), SLICE("-ERR unknown command\r\n")},
        {SLICE("+PONG\r\n"), SLICE(":0\r\n")},
        {SLICE("+PONG\r\n"), SLICE(":7\r\n"), SLICE("-ERR Prefix overlaps\r\n")},
        {SLICE("+PONG\r\n"), SLICE(":7\r\n"), SLICE("+OK\r\n"), SLICE("+OK\r\n")},
        {SLICE("+PONG\r\n"), SLICE(":7\r\n"), SLICE("+OK\r\n"), SLICE("-NOPERM no\r\n")},
        {SLICE("+PONG\r\n"), SLICE("*-1\r\n")},
    };
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct fake_server server = {.close_at_end = true};
        struct fixture fixture;
        memcpy(server.pieces, scripts[i], sizeof(scripts[i]));
        fake_server_start(&server);
        open_fixture(&fixture, fake_server_url(&server));
        uint64_t deadline_ms = now_ms() + LOOP_PATIENCE_MS;
        while (atomic_load(&server.connections) < 2 && now_ms() < deadline_ms) {
            run_ms(&fixture, 5);
        }
        assert_true(atomic_load(&server.connections) >= 2);
        assert_int_equal(fixture.ups + fixture.downs, 0);
        close_fixture(&fixture);
        fake_server_stop(&server);
    }
}

static void strange_messages_do_no_harm(void **state) {
    (void)state;
    struct fake_server server = {
        .pieces = {SLICE("+PONG\r\n"), SLICE(":7\r\n"), SLICE("+OK\r\n"),
                   SLICE(SUBSCRIBED MESSAGE "$-1\r\n" MESSAGE ":5\r\n" MESSAGE "*0\r\n" MESSAGE
                                            "*3\r\n$-1\r\n:1\r\n*0\r\n"
                                            "*3\r\n$7\r\nmessage\r\n+other\r\n*1\r\n+k\r\n"
                                            "*1\r\n$7\r\nmessage\r\n"),
                   SLICE("+what is this\r\n")}};
    struct fixture fixture;
    fake_server_start(&server);
    open_fixture(&fixture, fake_server_url(&server));
    run_until(&fixture, &fixture.ups, 1);
    run_until(&fixture, &fixture.flushes, 2); /* anything but an array of keys: all of them */
    run_until(&fixture, &fixture.keys, 3);
    assert_string_equal(fixture.last_key, "");
    run_until(&fixture, &fixture.downs, 1); /* the last piece is no message */
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
        cmocka_unit_test(every_change_under_the_prefixes_is_heard),
        cmocka_unit_test(a_flush_is_heard_as_such),
        cmocka_unit_test(idle_stays_up_by_pings),
        cmocka_unit_test(a_frozen_redis_is_lost_soon),
        cmocka_unit_test(a_loop_that_stood_still_loses_nothing),
        cmocka_unit_test(a_restarted_redis_is_tracked_again),
        cmocka_unit_test(a_killed_connection_is_made_again),
        cmocka_unit_test(only_a_confirmed_subscription_counts),
        cmocka_unit_test(strange_messages_do_no_harm),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
