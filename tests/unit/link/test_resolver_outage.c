/*
 * The resolver before a Redis that freezes, forgets, refuses or goes away.
 */
#include "resolver_fixture.h"

static void a_link_paused_while_disconnected_is_seen_paused(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    assert_false(resolve(&it, "AB12").is_paused);
    redis(&it, "CLIENT KILL TYPE pubsub");
    redis(&it, "CLIENT KILL TYPE normal SKIPME yes");
    redis(&it, "HSET t:link:AB12 status paused");
    uint32_t epoch = it.resolver->last_epoch;
    WAIT_FOR(&it, it.resolver->last_epoch > epoch && resolver_is_connected(it.resolver));
    assert_true(resolve(&it, "AB12").is_paused);
    end(&it);
}

static void losing_the_tracking_connection_makes_entries_suspect(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    (void)resolve(&it, "AB12");
    redis(&it, "CLIENT KILL TYPE pubsub");
    uint32_t epoch = it.resolver->last_epoch;
    WAIT_FOR(&it, it.resolver->last_epoch > epoch);
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
    WAIT_FOR(&it, tap.calls == 1);
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_DONE);
    end(&it);
}

static void without_tracking_an_entry_is_trusted_for_100_ms(void **state) {
    (void)state;
    static const char *const arguments[] = {"--rename-command", "CLIENT", "NOT-CLIENT", NULL};
    struct fixture it;
    begin_with(&it, arguments);
    assert_false(resolver_is_tracking(it.resolver));
    (void)resolve(&it, "AB12");
    struct tap tap = resolve(&it, "AB12");
    uint64_t now_ns = clock_monotonic_ns();
    struct resolution resolution;
    assert_int_equal(resolver_find(it.resolver, SLICE("AB12"), now_ns, &resolution, &tap.waiter),
                     RESOLVE_DONE);
    now_ns += (uint64_t)RESOLVER_TRUST_MS * 1000000;
    assert_int_equal(resolver_find(it.resolver, SLICE("AB12"), now_ns, &resolution, &tap.waiter),
                     RESOLVE_PENDING);
    WAIT_FOR(&it, tap.calls == 2);
    end(&it);
}

static void without_redis_what_is_cached_is_served_and_the_rest_unreachable(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    (void)resolve(&it, "AB12");
    (void)resolve(&it, "never");
    test_redis_end(&it.redis, SIGKILL);
    WAIT_FOR(&it, !resolver_is_connected(it.resolver) && !resolver_is_tracking(it.resolver));
    pump(&it, 2 * RESOLVER_TRUST_MS);
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_DONE);
    assert_string_equal(tap.owner, "ana");
    assert_string_equal(tap.name, "Spring");
    assert_int_equal(find(&it, "never", &tap), RESOLVE_DONE);
    assert_false(tap.has_link);
    assert_int_equal(find(&it, "other", &tap), RESOLVE_UNREACHABLE);
    assert_int_equal(counted(&it, LINK_LOOKUP_STALE), 2);
    assert_int_equal(counted(&it, LINK_LOOKUP_UNREACHABLE), 1);
    end(&it);
}

static void a_frozen_redis_costs_a_timeout_and_then_nothing(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    (void)resolve(&it, "AB12");
    redis(&it, "HSET t:link:AB12 owner eva");
    pump(&it, SEEN_MS);
    test_redis_freeze(&it.redis);
    struct tap stale = {0};
    struct tap unknown = {0};
    uint64_t began = clock_monotonic_ns();
    assert_int_equal(find(&it, "AB12", &stale), RESOLVE_PENDING);
    assert_int_equal(find(&it, "other", &unknown), RESOLVE_PENDING);
    WAIT_FOR(&it, stale.calls == 1 && unknown.calls == 1);
    assert_true(clock_monotonic_ns() - began < (uint64_t)10 * TIMEOUT_MS * 1000000);
    assert_int_equal(stale.result, RESOLVE_DONE);
    assert_string_equal(stale.owner, "ana"); /* what it was before the change */
    assert_int_equal(unknown.result, RESOLVE_UNREACHABLE);
    assert_int_equal(find(&it, "other", &unknown), RESOLVE_UNREACHABLE); /* at once */
    assert_int_equal(find(&it, "AB12", &stale), RESOLVE_DONE);
    test_redis_thaw(&it.redis);
    WAIT_FOR(&it, resolver_is_connected(it.resolver) && resolver_is_tracking(it.resolver));
    assert_string_equal(resolve(&it, "AB12").owner, "eva");
    end(&it);
}

/* Nobody waits, though all that is cached becomes suspect while Redis seems to be connected. */
static void a_frozen_redis_costs_nothing_when_every_tap_is_a_hit(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    (void)resolve(&it, "AB12");
    test_redis_freeze(&it.redis);
    struct tap tap = {0};
    bool was_in_doubt = false;
    WAIT_FOR(&it, find(&it, "AB12", &tap) == RESOLVE_DONE && !resolver_is_tracking(it.resolver));
    while (resolver_is_connected(it.resolver)) {
        was_in_doubt = was_in_doubt || it.resolver->doubts == 1;
        assert_int_equal(find(&it, "AB12", &tap), RESOLVE_DONE);
        assert_string_equal(tap.owner, "ana");
        turn(&it);
    }
    assert_true(was_in_doubt);
    assert_int_equal(it.resolver->doubts, 0);
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_DONE);
    assert_true(counted(&it, LINK_LOOKUP_STALE) > 0);
    assert_int_equal(it.called, 1);
    test_redis_thaw(&it.redis);
    redis(&it, "HSET t:link:AB12 owner eva");
    WAIT_FOR(&it, resolver_is_connected(it.resolver) && resolver_is_tracking(it.resolver));
    assert_string_equal(resolve(&it, "AB12").owner, "eva");
    end(&it);
}

/* Only the connection that tracks was lost in silence: the PING is answered, and nothing suspect is
 * used from then on. */
static void doubt_ends_with_the_answer_to_its_ping(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    (void)resolve(&it, "AB12");
    test_redis_freeze(&it.redis);
    WAIT_FOR(&it, it.resolver->doubts == 1);
    struct tap tap = {0};
    assert_int_equal(find(&it, "other", &tap), RESOLVE_PENDING); /* not cached: it waits as ever */
    test_redis_thaw(&it.redis);
    WAIT_FOR(&it, it.resolver->doubts == 0 && tap.calls == 1);
    redis(&it, "HSET t:link:AB12 owner eva");
    WAIT_FOR(&it, resolver_is_connected(it.resolver));
    assert_string_equal(resolve(&it, "AB12").owner, "eva");
    end(&it);
}

static void a_link_with_a_url_is_served_though_its_campaign_is_unreachable(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:link:url campaign autumn url https://a/");
    redis(&it, "HSET t:link:no-url campaign autumn");
    (void)resolve(&it, "url");
    (void)resolve(&it, "no-url");
    cache_invalidate(it.resolver->cache, CACHE_CAMPAIGN, SLICE("autumn")); /* it was negative */
    test_redis_end(&it.redis, SIGKILL);
    WAIT_FOR(&it, !resolver_is_connected(it.resolver));
    pump(&it, 2 * TIMEOUT_MS); /* longer than a look-up waits for it to return */
    struct tap tap = {0};
    assert_int_equal(find(&it, "url", &tap), RESOLVE_DONE);
    assert_true(tap.has_link && !tap.has_campaign);
    assert_int_equal(find(&it, "no-url", &tap), RESOLVE_UNREACHABLE);
    end(&it);
}

static void an_error_reply_counts_as_unreachable(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "ACL SETUSER default -hmget");
    struct tap tap = resolve(&it, "AB12");
    assert_int_equal(tap.result, RESOLVE_UNREACHABLE);
    assert_int_equal(counted(&it, LINK_FETCHES_REFUSED), 1);
    redis(&it, "ACL SETUSER default +hmget");
    assert_true(resolve(&it, "AB12").has_link);
    redis(&it, "HSET t:link:AB12 owner eva");
    redis(&it, "ACL SETUSER default -hmget");
    pump(&it, SEEN_MS);
    assert_string_equal(resolve(&it, "AB12").owner, "ana"); /* stale */
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_paused_while_disconnected_is_seen_paused),
        cmocka_unit_test(losing_the_tracking_connection_makes_entries_suspect),
        cmocka_unit_test(without_tracking_an_entry_is_trusted_for_100_ms),
        cmocka_unit_test(without_redis_what_is_cached_is_served_and_the_rest_unreachable),
        cmocka_unit_test(a_frozen_redis_costs_a_timeout_and_then_nothing),
        cmocka_unit_test(a_frozen_redis_costs_nothing_when_every_tap_is_a_hit),
        cmocka_unit_test(doubt_ends_with_the_answer_to_its_ping),
        cmocka_unit_test(a_link_with_a_url_is_served_though_its_campaign_is_unreachable),
        cmocka_unit_test(an_error_reply_counts_as_unreachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
