/* base/metrics.h: what Prometheus reads, summed over the sets of many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/metrics.h"

enum { TAPS_HUMAN, TAPS_BOT, OPEN, LAG, LATENCY, COUNT };

static const struct metric table[COUNT] = {
    [TAPS_HUMAN] = {.name = "t_taps_total", .labels = "kind=\"human\"", .help = "Taps."},
    [TAPS_BOT] = {.name = "t_taps_total", .labels = "kind=\"bot\"", .help = "Taps."},
    [OPEN] = {.name = "t_open", .help = "Open.", .type = METRIC_GAUGE},
    [LAG] = {.name = "t_lag_seconds", .help = "Lag.", .type = METRIC_GAUGE_MAX, .scale = 0.001},
    [LATENCY] = {.name = "t_latency_seconds", .help = "Latency.", .type = METRIC_HISTOGRAM},
};

static const struct metric labelled[] = {
    {.name = "t_step_seconds", .labels = "step=\"a\"", .help = "Step.", .type = METRIC_HISTOGRAM},
    {.name = "t_step_seconds", .labels = "step=\"b\"", .help = "Step.", .type = METRIC_HISTOGRAM},
};

static char text[65536];

static const char *scrape(struct metric_registry *registry) {
    struct buf buf = buf_over(text, sizeof(text) - 1);
    metric_registry_write(registry, &buf);
    assert_false(buf.overflowed);
    text[buf.size] = '\0';
    return text;
}

static int occurrences(const char *in, const char *what) {
    int count = 0;
    for (; (in = strstr(in, what)) != NULL; in++) {
        count++;
    }
    return count;
}

static void writes_families_with_help_and_type_once(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct metric_set *set = metric_set_create(registry, table, COUNT);
    (void)state;
    metric_add(set, TAPS_HUMAN, 3);
    metric_add(set, TAPS_HUMAN, UINT32_MAX);
    metric_put(set, OPEN, 7);
    metric_put(set, OPEN, 5);
    metric_put(set, LAG, 1763688927123);
    assert_int_equal(metric_get(set, OPEN), 5);
    const char *whole = scrape(registry);
    const char *beginning = "# HELP t_taps_total Taps.\n"
                            "# TYPE t_taps_total counter\n"
                            "t_taps_total{kind=\"human\"} 4294967298\n"
                            "t_taps_total{kind=\"bot\"} 0\n"
                            "# HELP t_open Open.\n"
                            "# TYPE t_open gauge\n"
                            "t_open 5\n"
                            "# HELP t_lag_seconds Lag.\n"
                            "# TYPE t_lag_seconds gauge\n"
                            "t_lag_seconds 1763688927.123\n"
                            "# HELP t_latency_seconds Latency.\n"
                            "# TYPE t_latency_seconds histogram\n"
                            "t_latency_seconds_bucket{le=\"1e-06\"} 0\n";
    assert_int_equal(strncmp(whole, beginning, strlen(beginning)), 0);
    metric_set_destroy(&set);
    assert_null(set);
    metric_registry_destroy(&registry);
    assert_null(registry);
}

static void an_empty_registry_writes_nothing(void **state) {
    struct metric_registry *registry = metric_registry_create();
    (void)state;
    assert_string_equal(scrape(registry), "");
    assert_int_equal(metric_registry_total(registry, "t_open", NULL), 0);
    metric_registry_destroy(&registry);
    metric_registry_destroy(&registry);
}

static void sets_are_summed_and_the_largest_found(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct metric_set *a = metric_set_create(registry, table, COUNT);
    struct metric_set *b = metric_set_create(registry, table, COUNT);
    (void)state;
    metric_add(a, TAPS_HUMAN, 2);
    metric_add(b, TAPS_HUMAN, 3);
    metric_add(b, TAPS_BOT, 10);
    metric_put(a, OPEN, 4);
    metric_put(b, OPEN, 6);
    metric_put(a, LAG, 900);
    metric_put(b, LAG, 1500);
    assert_int_equal(metric_registry_total(registry, "t_taps_total", "kind=\"human\""), 5);
    assert_int_equal(metric_registry_total(registry, "t_taps_total", NULL), 15);
    assert_int_equal(metric_registry_total(registry, "t_taps_total", "kind=\"cat\""), 0);
    assert_int_equal(metric_registry_total(registry, "t_open", ""), 10);
    assert_int_equal(metric_registry_total(registry, "t_lag_seconds", NULL), 1500);
    const char *whole = scrape(registry);
    assert_non_null(strstr(whole, "t_lag_seconds 1.5\n"));
    assert_int_equal(occurrences(whole, "# TYPE t_taps_total"), 1);
    metric_set_destroy(&a);
    metric_set_destroy(&b);
    metric_registry_destroy(&registry);
}

static void what_a_destroyed_set_counted_stays(void **state) {
    struct metric_registry *registry = metric_registry_create();
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct metric_set *set = metric_set_create(registry, table, COUNT);
        metric_add(set, TAPS_BOT, 5);
        metric_put(set, OPEN, 9);
        metric_put(set, LAG, 9);
        metric_observe_ns(set, LATENCY, 1500);
        metric_set_destroy(&set);
        metric_set_destroy(&set); /* of nothing */
    }
    assert_int_equal(metric_registry_total(registry, "t_taps_total", NULL), 15);
    assert_int_equal(metric_registry_total(registry, "t_open", NULL), 0);
    const char *whole = scrape(registry);
    assert_non_null(strstr(whole, "t_open 0\n"));
    assert_non_null(strstr(whole, "t_lag_seconds 0\n"));
    assert_non_null(strstr(whole, "t_latency_seconds_count 3\n"));
    assert_non_null(strstr(whole, "t_latency_seconds_sum 4.5e-06\n"));
    struct metric_set *again = metric_set_create(registry, table, COUNT);
    metric_add(again, TAPS_BOT, 1);
    assert_int_equal(metric_registry_total(registry, "t_taps_total", NULL), 16);
    assert_int_equal(occurrences(scrape(registry), "# TYPE t_taps_total"), 1);
    metric_set_destroy(&again);
    metric_registry_destroy(&registry);
}

/* Each observation falls into the first bucket whose bound is not below it. */
static void observations_fall_into_their_buckets(void **state) {
    static const struct {
        uint64_t ns;
        int bucket;
    } cases[] = {
        {0, 0},
        {1, 0},
        {1000, 0},
        {1001, 1},
        {2000, 1},
        {2001, 2},
        {4000, 2},
        {4001, 3},
        {1000000, 10},
        {4194304000, 22},
        {4194304001, 23},
        {60000000000ul, 23},
        {UINT64_MAX / 2, 23},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct metric_set *set = metric_set_create(NULL, table, COUNT);
        metric_observe_ns(set, LATENCY, cases[i].ns);
        for (int bucket = 0; bucket < METRIC_BUCKETS; bucket++) {
            assert_int_equal(set->histograms[0].bucket[bucket], bucket == cases[i].bucket);
        }
        assert_true(set->histograms[0].sum_ns == cases[i].ns);
        metric_set_destroy(&set);
    }
}

static void histograms_are_cumulative_and_apart(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct metric_set *set = metric_set_create(registry, labelled, ARRAY_COUNT(labelled));
    (void)state;
    metric_observe_ns(set, 0, 500);
    metric_observe_many_ns(set, 0, 1550, 2);
    metric_observe_ns(set, 1, 60000000000);
    const char *whole = scrape(registry);
    assert_int_equal(occurrences(whole, "# TYPE t_step_seconds histogram\n"), 1);
    assert_non_null(strstr(whole, "t_step_seconds_bucket{step=\"a\",le=\"1e-06\"} 1\n"));
    assert_non_null(strstr(whole, "t_step_seconds_bucket{step=\"a\",le=\"2e-06\"} 3\n"));
    assert_non_null(strstr(whole, "t_step_seconds_bucket{step=\"a\",le=\"4.194304\"} 3\n"));
    assert_non_null(strstr(whole, "t_step_seconds_bucket{step=\"a\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(whole, "t_step_seconds_sum{step=\"a\"} 3.6e-06\n"));
    assert_non_null(strstr(whole, "t_step_seconds_count{step=\"a\"} 3\n"));
    assert_non_null(strstr(whole, "t_step_seconds_bucket{step=\"b\",le=\"4.194304\"} 0\n"));
    assert_non_null(strstr(whole, "t_step_seconds_bucket{step=\"b\",le=\"+Inf\"} 1\n"));
    assert_non_null(strstr(whole, "t_step_seconds_sum{step=\"b\"} 60\n"));
    assert_int_equal(occurrences(whole, "_bucket{step=\"b\""), METRIC_BUCKETS);
    metric_set_destroy(&set);
    metric_registry_destroy(&registry);
}

/* Nine digits are not enough for a sum that grows for months. */
static void large_sums_keep_their_precision(void **state) {
    struct metric_registry *registry = metric_registry_create();
    struct metric_set *set = metric_set_create(registry, table, COUNT);
    (void)state;
    metric_observe_ns(set, LATENCY, 12345678901234567);
    assert_non_null(strstr(scrape(registry), "t_latency_seconds_sum 12345678.9012346\n"));
    metric_set_destroy(&set);
    metric_registry_destroy(&registry);
}

enum { WRITERS = 3, ADDS = 20000 };

static void *count_on(void *argument) {
    struct metric_registry *registry = argument;
    struct metric_set *set = metric_set_create(registry, table, COUNT);
    for (uint64_t i = 0; i < ADDS; i++) {
        metric_add(set, TAPS_HUMAN, 1);
        metric_put(set, OPEN, i);
        metric_observe_ns(set, LATENCY, i);
    }
    metric_set_destroy(&set);
    return NULL;
}

static void is_scraped_while_threads_count_come_and_go(void **state) {
    struct metric_registry *registry = metric_registry_create();
    pthread_t writers[WRITERS];
    uint64_t last = 0;
    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, count_on, registry), 0);
    }
    for (int round = 0; round < 200; round++) {
        uint64_t now = metric_registry_total(registry, "t_taps_total", NULL);
        assert_true(now >= last); /* a counter never falls */
        last = now;
        scrape(registry);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i], NULL);
    }
    assert_int_equal(metric_registry_total(registry, "t_taps_total", NULL), WRITERS * ADDS);
    assert_non_null(strstr(scrape(registry), "t_latency_seconds_count 60000\n"));
    metric_registry_destroy(&registry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_families_with_help_and_type_once),
        cmocka_unit_test(an_empty_registry_writes_nothing),
        cmocka_unit_test(sets_are_summed_and_the_largest_found),
        cmocka_unit_test(what_a_destroyed_set_counted_stays),
        cmocka_unit_test(observations_fall_into_their_buckets),
        cmocka_unit_test(histograms_are_cumulative_and_apart),
        cmocka_unit_test(large_sums_keep_their_precision),
        cmocka_unit_test(is_scraped_while_threads_count_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
