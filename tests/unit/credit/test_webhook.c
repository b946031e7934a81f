/*
 * test_webhook.c - how long after an attempt the next one is, and a sender that cannot send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../support/redis_server.h"
#include "base/err.h"
#include "base/metrics.h"
#include "credit/webhook.h"

enum { MS = 1000, TRIES = 10000 };

#define MISSING "brinco_webhook_secret_missing"
#define LOST    "brinco_webhook_redis_unreachable_total"

static void steps_grow_and_vary_by_a_fifth(void **state) {
    static const uint64_t seconds[] = {5, 30, 120, 600, 3600, 7200, 14400, 14400, 14400};
    for (uint64_t step = 1; step <= ARRAY_COUNT(seconds); step++) {
        uint64_t middle = seconds[step - 1] * MS;
        uint64_t least = UINT64_MAX, most = 0;
        for (uint64_t chance = 0; chance < 1000; chance++) {
            /* 2^64 over the golden ratio: even, whatever it is taken modulo. */
            uint64_t delay = webhook_delay_ms(step, 0, chance * UINT64_C(0x9E3779B97F4A7C15));
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
        }
        assert_in_range(least, middle - middle / 5, middle - middle / 6);
        assert_in_range(most, middle + middle / 6, middle + middle / 5);
    }
    assert_int_equal(webhook_delay_ms(1, 0, 0), 4000);
    assert_int_equal(webhook_delay_ms(0, 0, 0), 4000); /* there is no such step */
    assert_int_equal(webhook_delay_ms(UINT64_MAX, 0, 0), 14400 * MS * 4 / 5);
    (void)state;
}

static void retry_after_makes_it_longer_never_shorter(void **state) {
    assert_int_equal(webhook_delay_ms(1, 60, 0), 60 * MS);
    assert_int_equal(webhook_delay_ms(1, 1, 0), 4000);
    assert_int_equal(webhook_delay_ms(3, 60, 0), 96 * MS);
    assert_int_equal(webhook_delay_ms(1, WEBHOOK_RETRY_AFTER_S_MAX + 1, 0),
                     (uint64_t)WEBHOOK_RETRY_AFTER_S_MAX * MS);
    assert_int_equal(webhook_delay_ms(1, UINT64_MAX, 7), (uint64_t)WEBHOOK_RETRY_AFTER_S_MAX * MS);
    (void)state;
}

static void without_a_secret_that_is_said(void **state) {
    struct redis_url url = {.socket_path = "/nonexistent/redis.sock"};
    struct metric_registry *registry = metric_registry_create();
    struct webhook_options options = {.url = &url,
                                      .key_prefix = SLICE("b:"),
                                      .ca_file = "",
                                      .data_dir = "/nonexistent",
                                      .version = "0",
                                      .timeout_ms = 1000,
                                      .give_up_hours = 24,
                                      .metrics = registry};
    struct err err = {""};
    struct webhook *webhook = webhook_start(&options, &err);
    assert_non_null(webhook);
    for (int i = 0; i < TRIES && (metric_registry_total(registry, MISSING, NULL) == 0 ||
                                  metric_registry_total(registry, LOST, NULL) == 0);
         i++) {
        test_sleep_ms(1);
    }
    assert_int_equal(metric_registry_total(registry, MISSING, NULL), 1);
    assert_int_not_equal(metric_registry_total(registry, LOST, NULL), 0);
    webhook_drain(webhook);
    webhook_stop(&webhook, 0);
    assert_null(webhook);
    webhook_stop(&webhook, 0); /* none: nothing */
    webhook_drain(NULL);
    metric_registry_destroy(&registry);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_grow_and_vary_by_a_fifth),
        cmocka_unit_test(without_a_secret_that_is_said),
        cmocka_unit_test(retry_after_makes_it_longer_never_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
