/*
 * The resolver against a real Redis: one fetch for many waiters, and changes that are heard.
 */
#include "resolver_fixture.h"

/* ---- hits, misses ---- */

static void a_miss_is_fetched_once_and_then_a_hit(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "CONFIG RESETSTAT");
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
    assert_int_equal(tap.calls, 0);
    WAIT_FOR(&it, tap.calls == 1);
    assert_int_equal(tap.result, RESOLVE_DONE);
    assert_string_equal(tap.owner, "ana");
    assert_string_equal(tap.name, "Spring");
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_DONE);
    assert_string_equal(tap.owner, "ana");
    assert_string_equal(tap.name, "Spring");
    assert_string_equal(resolve(&it, "other").name, "Spring"); /* the campaign is known by now */
    assert_int_equal(hmgets(&it), 3);
    assert_int_equal(counted(&it, LINK_LOOKUP_HIT), 1);
    assert_int_equal(counted(&it, LINK_LOOKUP_MISS), 2);
    assert_int_equal(counted(&it, LINK_FLIGHTS), 0);
    end(&it);
}

static void a_thousand_waiters_on_one_code_make_one_fetch(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "CONFIG RESETSTAT");
    struct tap *taps = calloc(1000, sizeof(*taps));
    assert_non_null(taps);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(find(&it, "AB12", &taps[i]), RESOLVE_PENDING);
    }
    WAIT_FOR(&it, taps[999].calls == 1);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(taps[i].calls, 1);
        assert_int_equal(taps[i].result, RESOLVE_DONE);
        assert_string_equal(taps[i].owner, "ana");
        assert_string_equal(taps[i].name, "Spring");
    }
    assert_int_equal(hmgets(&it), 2); /* the link, its campaign */
    free(taps);
    end(&it);
}

static void two_links_of_one_campaign_share_its_fetch(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "CONFIG RESETSTAT");
    struct tap one = {0};
    struct tap two = {0};
    assert_int_equal(find(&it, "AB12", &one), RESOLVE_PENDING);
    assert_int_equal(find(&it, "other", &two), RESOLVE_PENDING);
    WAIT_FOR(&it, one.calls == 1 && two.calls == 1);
    assert_string_equal(one.name, "Spring");
    assert_string_equal(two.name, "Spring");
    assert_int_equal(hmgets(&it), 3);
    end(&it);
}

static void a_waiter_may_look_up_from_its_callback(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap inner = {0};
    struct tap outer = {.then = &inner};
    assert_int_equal(find(&it, "AB12", &outer), RESOLVE_PENDING);
    WAIT_FOR(&it, inner.calls == 1);
    assert_string_equal(outer.owner, "ana");
    assert_string_equal(inner.owner, "eva");
    end(&it);
}

static void a_cancelled_waiter_is_not_called(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap gone = {0};
    struct tap stays = {0};
    assert_int_equal(find(&it, "AB12", &gone), RESOLVE_PENDING);
    assert_int_equal(find(&it, "AB12", &stays), RESOLVE_PENDING);
    resolver_cancel(&gone.waiter);
    resolver_cancel(&gone.waiter);
    WAIT_FOR(&it, stays.calls == 1);
    resolver_cancel(&stays.waiter);
    assert_int_equal(gone.calls, 0);

    assert_int_equal(find(&it, "other", &gone), RESOLVE_PENDING); /* with nobody left to wait */
    resolver_cancel(&gone.waiter);
    WAIT_FOR(&it, counted(&it, LINK_FLIGHTS) == 0);
    assert_int_equal(gone.calls, 0);
    assert_int_equal(find(&it, "other", &gone), RESOLVE_DONE);
    end(&it);
}

static void destruction_calls_every_waiter(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap one = {0};
    struct tap two = {0};
    (void)resolve(&it, "AB12");
    redis(&it, "HSET t:link:AB12 owner eva");
    pump(&it, SEEN_MS);
    test_redis_freeze(&it.redis);
    assert_int_equal(find(&it, "AB12", &one), RESOLVE_PENDING); /* stale, yet not served now */
    assert_int_equal(find(&it, "new", &two), RESOLVE_PENDING);
    resolver_destroy(&it.resolver);
    assert_int_equal(one.calls, 1);
    assert_int_equal(two.calls, 1);
    assert_int_equal(one.result, RESOLVE_UNREACHABLE);
    assert_int_equal(two.result, RESOLVE_UNREACHABLE);
    make_resolver(&it, "", 1 << 20);
    end(&it);
}

/* ---- changes ---- */

/* Changes the owner and looks until it is seen. */
static uint64_t milliseconds_of_change(struct fixture *it, unsigned number) {
    char command[64];
    char owner[16];
    (void)resolve(it, "AB12");
    (void)snprintf(owner, sizeof(owner), "owner%u", number);
    (void)snprintf(command, sizeof(command), "HSET t:link:AB12 owner %s", owner);
    redis(it, command);
    return milliseconds_until_owner(it, "AB12", owner);
}

/* Every change is seen; on a machine that is busy otherwise, one of three may be late because
 * this test or its Redis had no turn. */
static void a_change_is_seen_within_100_ms(void **state) {
    (void)state;
    enum { CHANGES = 10, ATTEMPTS = 3 };
    struct fixture it;
    begin(&it);
    for (unsigned i = 0; i < CHANGES; i++) {
        unsigned attempt = 0;
        while (milliseconds_of_change(&it, i * ATTEMPTS + attempt) > SEEN_MS) {
            assert_true(++attempt < ATTEMPTS);
        }
    }
    redis(&it, "HSET t:campaign:spring name Summer");
    WAIT_FOR(&it, strcmp(resolve(&it, "AB12").name, "Summer") == 0);
    redis(&it, "DEL t:link:AB12");
    WAIT_FOR(&it, !resolve(&it, "AB12").has_link);
    assert_true(counted(&it, LINK_CACHE_INVALIDATIONS) >= CHANGES + 2);
    end(&it);
}

static void unknown_codes_are_remembered_until_they_are_created(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap tap = resolve(&it, "new");
    assert_int_equal(tap.result, RESOLVE_DONE);
    assert_false(tap.has_link);
    redis(&it, "CONFIG RESETSTAT");
    assert_int_equal(find(&it, "new", &tap), RESOLVE_DONE);
    assert_int_equal(counted(&it, LINK_LOOKUP_NEGATIVE), 1);
    assert_int_equal(hmgets(&it), 0);
    redis(&it, "HSET t:link:new campaign spring owner neu");
    assert_true(milliseconds_until_owner(&it, "new", "neu") <= SEEN_MS);
    end(&it);
}

static void an_invalidation_in_flight_wins(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
    (void)hmgets(&it); /* Redis has answered by now; we have not read it */
    redis(&it, "HSET t:link:AB12 owner eva");
    flight_invalidate(it.resolver, CACHE_LINK, SLICE("AB12"));
    WAIT_FOR(&it, tap.calls == 1);
    assert_string_equal(tap.owner, "eva");
    assert_true(counted(&it, LINK_FETCHES_AGAIN) >= 1);
    end(&it);
}

static void a_link_changed_while_its_campaign_is_fetched_is_fetched_again(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
    while (flight_find(it.resolver, CACHE_CAMPAIGN, SLICE("spring")) == NULL) {
        step(&it);
    }
    redis(&it, "HSET t:link:AB12 owner eva");
    flight_invalidate(it.resolver, CACHE_LINK, SLICE("AB12"));
    WAIT_FOR(&it, tap.calls == 1);
    assert_string_equal(tap.owner, "eva");
    assert_string_equal(tap.name, "Spring");
    end(&it);
}

static void a_campaign_changed_in_flight_is_fetched_again(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
    while (flight_find(it.resolver, CACHE_CAMPAIGN, SLICE("spring")) == NULL) {
        step(&it);
    }
    (void)hmgets(&it);
    redis(&it, "HSET t:campaign:spring name Summer");
    flight_invalidate(it.resolver, CACHE_CAMPAIGN, SLICE("spring"));
    WAIT_FOR(&it, tap.calls == 1);
    assert_string_equal(tap.name, "Summer");
    end(&it);
}

static void a_key_that_never_rests_is_answered_and_not_kept_as_fresh(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    for (unsigned i = 0; i < 2; i++) {
        struct tap tap = {0};
        assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
        while (tap.calls == 0) {
            flight_invalidate(it.resolver, CACHE_LINK, SLICE("AB12"));
            step(&it);
        }
        assert_string_equal(tap.owner, "ana");
    }
    assert_true(counted(&it, LINK_FETCHES_CHANGING) >= 2);
    assert_true(counted(&it, LINK_FETCHES_AGAIN) >= 2 * FLIGHT_REFETCHES_MAX);
    end(&it);
}

static void a_flush_makes_everything_stale(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    assert_true(resolve(&it, "AB12").has_link);
    redis(&it, "FLUSHALL");
    pump(&it, SEEN_MS);
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
    WAIT_FOR(&it, tap.calls == 1);
    assert_int_equal(tap.result, RESOLVE_DONE);
    assert_false(tap.has_link);
    end(&it);
}

static void a_flush_reaches_what_is_in_flight(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    struct tap tap = {0};
    assert_int_equal(find(&it, "AB12", &tap), RESOLVE_PENDING);
    (void)hmgets(&it);
    redis(&it, "FLUSHALL");
    flight_invalidate_all(it.resolver);
    WAIT_FOR(&it, tap.calls == 1);
    assert_false(tap.has_link);
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_miss_is_fetched_once_and_then_a_hit),
        cmocka_unit_test(a_thousand_waiters_on_one_code_make_one_fetch),
        cmocka_unit_test(two_links_of_one_campaign_share_its_fetch),
        cmocka_unit_test(a_waiter_may_look_up_from_its_callback),
        cmocka_unit_test(a_cancelled_waiter_is_not_called),
        cmocka_unit_test(destruction_calls_every_waiter),
        cmocka_unit_test(a_change_is_seen_within_100_ms),
        cmocka_unit_test(unknown_codes_are_remembered_until_they_are_created),
        cmocka_unit_test(an_invalidation_in_flight_wins),
        cmocka_unit_test(a_link_changed_while_its_campaign_is_fetched_is_fetched_again),
        cmocka_unit_test(a_campaign_changed_in_flight_is_fetched_again),
        cmocka_unit_test(a_key_that_never_rests_is_answered_and_not_kept_as_fresh),
        cmocka_unit_test(a_flush_makes_everything_stale),
        cmocka_unit_test(a_flush_reaches_what_is_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
