/* click/shipper.h: each click exactly once and in order, whatever Redis does meanwhile. */
#include "shipper_fixture.h"

static void clicks_of_all_workers_arrive_in_order(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    for (int i = 0; i < 20; i++) { /* many segments */
        append(fixture, 0, 150);
        append(fixture, 1, 70);
    }
    assert_stream(fixture, "edge-1:0", 1, 3000);
    assert_stream(fixture, "edge-1:1", 1, 1400);
    wait_until_caught_up(fixture, 4400);
    assert_int_equal(metric(fixture, "shipped_total"), 4400);
    assert_int_equal(metric(fixture, "reshipped_total"), 0);
    assert_int_equal(metric(fixture, "conflicts_total"), 0);
    assert_int_equal(metric(fixture, "connected"), 1);
    assert_int_equal(admin_do(&fixture->redis, "SCARD t:streams"), 2);
}

static void a_single_click_is_shipped_at_once(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 1);
    wait_for_metric(fixture, "shipped_total", 1);
    test_sleep_ms(200); /* it idles by now */
    uint64_t began_ms = now_ms();
    append(fixture, 0, 1);
    wait_for_metric(fixture, "shipped_total", 2);
    assert_in_range(now_ms() - began_ms, 0, 500);
    assert_stream(fixture, "edge-1:0", 1, 2);
}

static void a_restarted_shipper_goes_on_where_it_was(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 4; i++) {
        open_and_start(fixture);
        append(fixture, 0, 333);
        append(fixture, 1, 1);
        stop(fixture, i % 2 == 0 ? 0 : 5000); /* at any point of its work */
    }
    open_and_start(fixture);
    assert_stream(fixture, "edge-1:0", 1, 4 * 333);
    assert_stream(fixture, "edge-1:1", 1, 4);
    assert_int_equal(metric(fixture, "reshipped_total"), 0);
}

static void stopping_ships_what_is_left(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 2000);
    stop(fixture, 10000);
    assert_int_equal(admin_do(&fixture->redis, "XLEN t:clicks:edge-1:0"), 2000);
    assert_stream(fixture, "edge-1:0", 1, 2000);
}

static void stopping_without_redis_is_bounded(void **state) {
    struct fixture *fixture = *state;
    test_redis_end(&fixture->redis, SIGKILL);
    open_and_start(fixture);
    append(fixture, 0, 10);
    uint64_t began_ms = now_ms();
    stop(fixture, 300);
    assert_in_range(now_ms() - began_ms, 290, 3000);
    test_redis_start(&fixture->redis, NULL);
    open_and_start(fixture);
    assert_stream(fixture, "edge-1:0", 1, 10);
}

static void a_redis_that_came_back_empty_gets_everything_again(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 700);
    append(fixture, 1, 5);
    wait_until_caught_up(fixture, 705);
    test_redis_end(&fixture->redis, SIGKILL);
    append(fixture, 0, 100);
    test_redis_start(&fixture->redis, NULL);
    assert_stream(fixture, "edge-1:0", 1, 800);
    assert_stream(fixture, "edge-1:1", 1, 5);
    wait_until_caught_up(fixture, 1510);
    assert_int_equal(metric(fixture, "reshipped_total"), 705);
    assert_int_equal(metric(fixture, "shipped_total"), 705 + 805);
    assert_true(metric(fixture, "unreachable_total") > 0);
}

static void a_redis_that_came_back_older_gets_the_difference_again(void **state) {
    struct fixture *fixture = *state;
    char copy[96];
    open_and_start(fixture);
    append(fixture, 0, 300);
    wait_until_caught_up(fixture, 300);
    admin_do(&fixture->redis, "SAVE");
    append(fixture, 0, 400);
    wait_until_caught_up(fixture, 700);
    test_redis_end(&fixture->redis, SIGKILL);
    test_redis_start(&fixture->redis, NULL); /* over the same dump.rdb */
    append(fixture, 0, 50);
    assert_stream(fixture, "edge-1:0", 1, 750);
    snprintf(copy, sizeof(copy), "%s/dump.rdb", fixture->redis.directory);
    assert_int_equal(unlink(copy), 0); /* the next test's Redis begins empty */
    assert_int_equal(metric(fixture, "reshipped_total"), 400);
}

static void a_redis_that_froze_under_load_has_everything_once(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 500);
    wait_for_metric(fixture, "shipped_total", 500);
    test_redis_freeze(&fixture->redis);
    for (uint64_t until_ms = now_ms() + 2500; now_ms() < until_ms; test_sleep_ms(20)) {
        append(fixture, 0, 40); /* segment after segment: the keeper must not wait */
    }
    assert_true(fixture->clicks[0] > 4000);
    struct shipper_status status = shipper_status(fixture->shipper);
    assert_false(status.connected);
    assert_true(status.lag_records > 3000);
    assert_true(status.lag_ms > 1500);
    test_redis_thaw(&fixture->redis);
    append(fixture, 0, 500);
    assert_stream(fixture, "edge-1:0", 1, fixture->clicks[0]);
    wait_until_caught_up(fixture, fixture->clicks[0]);
}

static void a_redis_out_of_memory_gets_everything_later(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 100);
    wait_until_caught_up(fixture, 100);
    admin_do(&fixture->redis, "CONFIG SET maxmemory 1");
    append(fixture, 0, 1500);
    wait_for_metric(fixture, "refused_total", 3);
    assert_int_equal(admin_do(&fixture->redis, "XLEN t:clicks:edge-1:0"), 100);
    struct shipper_status status = shipper_status(fixture->shipper);
    assert_true(status.connected);
    assert_int_equal(status.lag_records, 1500);
    admin_do(&fixture->redis, "CONFIG SET maxmemory 0");
    assert_stream(fixture, "edge-1:0", 1, 1600);
    assert_int_equal(metric(fixture, "shipped_total"), 1600);
}

static void a_stream_flushed_under_load_is_filled_again_without_a_hole(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    for (int i = 0; i < 10; i++) {
        append(fixture, 0, 200);
        if (i % 3 == 2) {
            admin_do(&fixture->redis, "FLUSHALL");
        }
    }
    assert_stream(fixture, "edge-1:0", 1, 2000);
}

static void a_stream_flushed_when_idle_is_noticed(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 100);
    wait_until_caught_up(fixture, 100);
    admin_do(&fixture->redis, "DEL t:clicks:edge-1:0");
    wait_for_metric(fixture, "reshipped_total", 100);
    assert_stream(fixture, "edge-1:0", 1, 100);
}

static void readers_that_trim_disturb_nothing(void **state) {
    struct fixture *fixture = *state;
    uint64_t had = 0;
    open_and_start(fixture);
    for (int i = 0; i < 50; i++) {
        append(fixture, 0, 40);
        had += (uint64_t)admin_do(&fixture->redis, "XTRIM t:clicks:edge-1:0 MAXLEN 0");
    }
    wait_for_metric(fixture, "shipped_total", 2000);
    had += (uint64_t)admin_do(&fixture->redis, "XLEN t:clicks:edge-1:0");
    assert_int_equal(had, 2000);
    assert_int_equal(metric(fixture, "conflicts_total"), 0);
}

/* Somebody else's entry from the future: nothing below it could ever be put in. */
static void a_foreign_entry_stops_the_stream_until_somebody_mends_it(void **state) {
    struct fixture *fixture = *state;
    char command[128];
    open_and_start(fixture);
    append(fixture, 0, 10);
    append(fixture, 1, 10);
    wait_until_caught_up(fixture, 20);
    struct redis_pipe *admin = admin_open(&fixture->redis);
    const struct redis_reply *last = redis_reply_at(
        redis_reply_at(admin_ask(admin, "XREVRANGE t:clicks:edge-1:0 + - COUNT 1"), 0), 0);
    snprintf(command, sizeof(command), "XSETID t:clicks:edge-1:0 %.*s",
             SLICE_ARG(redis_reply_text(last)));
    admin_do(&fixture->redis, "XADD t:clicks:edge-1:0 9999999999999-1 foreign entry");

    append(fixture, 0, 10);
    append(fixture, 1, 10);
    wait_for_metric(fixture, "foreign_total", 1);
    assert_stream(fixture, "edge-1:1", 1, 20); /* the other one goes on */
    assert_int_equal(admin_do(&fixture->redis, "XLEN t:clicks:edge-1:0"), 11);
    assert_int_equal(shipper_status(fixture->shipper).lag_records, 10);
    assert_true(shipper_status(fixture->shipper).refusing);

    admin_do(&fixture->redis, "XDEL t:clicks:edge-1:0 9999999999999-1");
    admin_ask(admin, command);
    redis_pipe_destroy(&admin);
    assert_stream(fixture, "edge-1:0", 1, 20);
}

static void a_missing_directory_is_a_failure_to_start(void **state) {
    struct fixture *fixture = *state;
    struct redis_url url = test_redis_url(&fixture->redis);
    struct err err = {0};
    assert_null(shipper_start(&(struct shipper_options){.journal_directory = "/nonexistent/journal",
                                                        .kind = &queue_redis,
                                                        .queue = {.url = &url}},
                              &err));
    assert_non_null(strstr(err.text, "/nonexistent/journal"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SHIPPING(clicks_of_all_workers_arrive_in_order),
        SHIPPING(a_single_click_is_shipped_at_once),
        SHIPPING(a_restarted_shipper_goes_on_where_it_was),
        SHIPPING(stopping_ships_what_is_left),
        SHIPPING(stopping_without_redis_is_bounded),
        SHIPPING(a_redis_that_came_back_empty_gets_everything_again),
        SHIPPING(a_redis_that_came_back_older_gets_the_difference_again),
        SHIPPING(a_redis_that_froze_under_load_has_everything_once),
        SHIPPING(a_redis_out_of_memory_gets_everything_later),
        SHIPPING(a_stream_flushed_under_load_is_filled_again_without_a_hole),
        SHIPPING(a_stream_flushed_when_idle_is_noticed),
        SHIPPING(readers_that_trim_disturb_nothing),
        SHIPPING(a_foreign_entry_stops_the_stream_until_somebody_mends_it),
        SHIPPING(a_missing_directory_is_a_failure_to_start),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
