/*
 * shipper_news.c, queue_redis_news.c: what is said of a stream beside its clicks.
 */
#include "shipper_fixture.h"

#include "click/tally.h"

static struct tally *tallies[WORKERS];

static void open_tally(struct fixture *fixture, uint32_t worker) {
    char directory[96];
    snprintf(directory, sizeof(directory), "%s/%02u", fixture->data, worker);
    tallies[worker] = tally_open(&(struct tally_options){
        .directory = directory,
        .edge_id = slice_of(fixture->edge_id),
        .worker = worker,
        .next_sequence = journal_status(fixture->journals[worker]).next_sequence,
    });
    journal_use_tally(fixture->journals[worker], tallies[worker]);
}

static void close_tallies(void) {
    for (size_t i = 0; i < WORKERS; i++) {
        tally_close(&tallies[i]);
    }
}

/* As text, which is the caller's. */
static const char *ask(struct fixture *fixture, const char *command, char text[256]) {
    struct redis_pipe *admin = admin_open(&fixture->redis);
    struct slice answer = redis_reply_text(admin_ask(admin, command));
    snprintf(text, 256, "%.*s", SLICE_ARG(answer));
    redis_pipe_destroy(&admin);
    return text;
}

/* Waits until `heard` says this of the stream; returns the time that it says. */
static uint64_t wait_heard(struct fixture *fixture, const char *stream, const char *state) {
    char command[128];
    char text[256] = "";
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    snprintf(command, sizeof(command), "HGET t:heard t:clicks:%s", stream);
    while (strstr(ask(fixture, command, text), state) == NULL && now_ms() < until_ms) {
        test_sleep_ms(5);
    }
    if (strstr(text, state) == NULL) {
        fail_msg("%s: \"%s\", not %s", stream, text, state);
    }
    return strtoull(text, NULL, 10);
}

static void test_an_idle_stream_is_heard(void **state) {
    struct fixture *fixture = *state;
    uint64_t before_ms = clock_real_ms();
    open_and_start(fixture);
    uint64_t heard_ms = wait_heard(fixture, "edge-1:0", " up");
    wait_heard(fixture, "edge-1:1", " up");
    assert_true(heard_ms + 200 >= before_ms && heard_ms <= clock_real_ms());
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (wait_heard(fixture, "edge-1:0", " up") == heard_ms && now_ms() < until_ms) {
        test_sleep_ms(20);
    }
    assert_true(wait_heard(fixture, "edge-1:0", " up") > heard_ms);
}

static void test_an_orderly_stop_says_closed(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    append(fixture, 0, 100);
    uint64_t last_ms = clock_real_ms();
    wait_until_caught_up(fixture, 100);
    stop(fixture, 1000);
    assert_true(wait_heard(fixture, "edge-1:0", " closed") >= last_ms);
    wait_heard(fixture, "edge-1:1", " closed");
}

static void test_a_left_over_journal_is_closed_when_shipped(void **state) {
    struct fixture *fixture = *state;
    open_journal(fixture, 0);
    open_journal(fixture, 1);
    append(fixture, 1, 10);
    journal_close(&fixture->journals[1]);
    start(fixture, 1);
    wait_heard(fixture, "edge-1:1", " closed");
    wait_heard(fixture, "edge-1:0", " up");
    assert_stream(fixture, "edge-1:1", 1, 10);
}

static void test_the_tally_is_published(void **state) {
    struct fixture *fixture = *state;
    char command[128];
    char text[256];
    uint64_t at_ms = clock_real_ms();
    open_journal(fixture, 0);
    open_journal(fixture, 1);
    open_tally(fixture, 0);
    append(fixture, 0, 3);
    for (uint64_t i = 1; i <= 3; i++) {
        tally_count(tallies[0], at_ms, i);
    }
    tally_count(tallies[0], at_ms, 0);
    admin_do(&fixture->redis, "HSET t:tally:edge-1:0 20010101 old");
    start(fixture, 2);
    snprintf(command, sizeof(command), "HGET t:tally:edge-1:0 %d", clock_day_of(at_ms).yyyymmdd);
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (strcmp(ask(fixture, command, text), "4 3 0 1 0 0 1 3") != 0 && now_ms() < until_ms) {
        test_sleep_ms(5);
    }
    assert_string_equal(text, "4 3 0 1 0 0 1 3");
    append(fixture, 0, 1);
    tally_count(tallies[0], at_ms, 4);
    while (strcmp(ask(fixture, command, text), "5 4 0 1 0 0 1 4") != 0 && now_ms() < until_ms) {
        test_sleep_ms(5);
    }
    assert_string_equal(text, "5 4 0 1 0 0 1 4");
    stop(fixture, 1000);
    close_tallies();
}

static void test_days_that_are_too_old_are_forgotten(void **state) {
    struct fixture *fixture = *state;
    char command[128];
    uint64_t at_ms = clock_real_ms();
    const uint64_t day_ms = 86400000;
    open_journal(fixture, 0);
    open_journal(fixture, 1);
    open_tally(fixture, 0);
    tally_count(tallies[0], at_ms, 0);
    for (uint64_t days = 499; days <= 501; days++) {
        snprintf(command, sizeof(command), "HSET t:tally:edge-1:0 %d x",
                 clock_day_of(at_ms - days * day_ms).yyyymmdd);
        admin_do(&fixture->redis, command);
    }
    start(fixture, 2);
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (admin_do(&fixture->redis, "HLEN t:tally:edge-1:0") != 2 && now_ms() < until_ms) {
        test_sleep_ms(5);
    }
    snprintf(command, sizeof(command), "HEXISTS t:tally:edge-1:0 %d",
             clock_day_of(at_ms - 499 * day_ms).yyyymmdd);
    assert_int_equal(admin_do(&fixture->redis, command), 1);
    assert_int_equal(admin_do(&fixture->redis, "HLEN t:tally:edge-1:0"), 2);
    stop(fixture, 1000);
    close_tallies();
}

/* `heard` is no hash: Redis refuses it each time, and the clicks go on. */
static void test_refused_news_hold_nothing_up(void **state) {
    struct fixture *fixture = *state;
    admin_do(&fixture->redis, "SET t:heard nonsense");
    open_and_start(fixture);
    append(fixture, 0, 100);
    wait_for_metric(fixture, "news_refused_total", 2);
    append(fixture, 0, 2000);
    assert_stream(fixture, "edge-1:0", 1, 2100);
    assert_false(shipper_status(fixture->shipper).refusing);
    admin_do(&fixture->redis, "DEL t:heard");
    wait_heard(fixture, "edge-1:0", " up");
}

/* Under load it goes along with batches, and says no more than what is in the stream. */
static void test_a_busy_stream_is_heard_of(void **state) {
    struct fixture *fixture = *state;
    open_and_start(fixture);
    uint64_t until_ms = now_ms() + 2500;
    uint64_t first_ms = 0;
    uint64_t heard_ms = 0;
    while (now_ms() < until_ms) {
        char text[256];
        append(fixture, 0, 20);
        test_sleep_ms(1);
        heard_ms = strtoull(ask(fixture, "HGET t:heard t:clicks:edge-1:0", text), NULL, 10);
        first_ms = first_ms == 0 ? heard_ms : first_ms;
    }
    assert_true(heard_ms > first_ms && heard_ms <= clock_real_ms());
    assert_stream(fixture, "edge-1:0", 1, fixture->clicks[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SHIPPING(test_an_idle_stream_is_heard),
        SHIPPING(test_an_orderly_stop_says_closed),
        SHIPPING(test_a_left_over_journal_is_closed_when_shipped),
        SHIPPING(test_the_tally_is_published),
        SHIPPING(test_days_that_are_too_old_are_forgotten),
        SHIPPING(test_refused_news_hold_nothing_up),
        SHIPPING(test_a_busy_stream_is_heard_of),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
