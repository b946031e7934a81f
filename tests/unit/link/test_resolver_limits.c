/*
 * The resolver and nonsense in Redis, its limits, and the default campaign.
 */
#include "resolver_fixture.h"

/* ---- nonsense ---- */

static void keys_of_the_wrong_type_are_counted_and_read_as_nothing(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "SET t:link:string x");
    redis(&it, "HSET t:link:listed campaign list owner ana");
    redis(&it, "RPUSH t:campaign:list x");
    struct tap tap = resolve(&it, "string");
    assert_int_equal(tap.result, RESOLVE_DONE);
    assert_false(tap.has_link);
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_TYPE), 1);
    tap = resolve(&it, "listed");
    assert_true(tap.has_link && !tap.has_campaign);
    assert_int_equal(counted(&it, LINK_NONSENSE_CAMPAIGN_TYPE), 1);
    redis(&it, "DEL t:link:string");
    redis(&it, "HSET t:link:string campaign spring owner mended");
    assert_true(milliseconds_until_owner(&it, "string", "mended") <= SEEN_MS);
    end(&it);
}

static void fields_that_make_no_sense_are_counted_and_marked(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:link:bad campaign sale starts_at soon status PAUSED");
    redis(&it, "HSET t:campaign:sale android javascript:alert(1) ios ftp://x/");
    struct tap tap = resolve(&it, "bad");
    assert_true(tap.has_link && tap.has_campaign);
    assert_int_equal(tap.faults, 1U << LINK_FIELD_STARTS_AT | 1U << LINK_FIELD_STATUS);
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_FIELD), 2);
    assert_int_equal(counted(&it, LINK_NONSENSE_CAMPAIGN_FIELD), 2);
    end(&it);
}

static void urls_whose_scheme_the_campaign_does_not_list_are_counted(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:campaign:bank name Bank schemes bank");
    redis(&it, "HSET t:link:good campaign bank url bank://x/");
    redis(&it, "HSET t:link:bad campaign spring url bank://x/");
    redis(&it, "HSET t:link:alone url bank://x/");
    assert_true(resolve(&it, "good").has_link);
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_FIELD), 0);
    assert_true(resolve(&it, "bad").has_link);
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_FIELD), 1);
    assert_true(resolve(&it, "alone").has_link);
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_FIELD), 2);
    end(&it);
}

static void links_that_lead_nowhere_are_counted(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:link:empty owner ana");
    redis(&it, "HSET t:link:lost campaign nowhere owner ana");
    assert_true(resolve(&it, "empty").has_link);
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_EMPTY), 1);
    struct tap tap = resolve(&it, "lost");
    assert_true(tap.has_link && !tap.has_campaign);
    assert_int_equal(counted(&it, LINK_NONSENSE_CAMPAIGN_MISSING), 1);
    assert_int_equal(find(&it, "lost", &tap), RESOLVE_DONE); /* that is remembered, too */
    redis(&it, "HSET t:campaign:nowhere name Found");
    pump(&it, SEEN_MS);
    assert_string_equal(resolve(&it, "lost").name, "Found");
    end(&it);
}

static void nonsense_is_logged_once_a_minute_and_key(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct log *log = log_create(ends[1], LOG_TEXT, LOG_WARN);
    it.resolver->nonsense.log = log;
    redis(&it, "HSET t:link:bad1 campaign spring url javascript:x");
    redis(&it, "HSET t:link:bad2 campaign spring url javascript:y");
    (void)resolve(&it, "bad1");
    redis(&it, "HSET t:link:bad1 url javascript:z");
    WAIT_FOR(&it, resolve(&it, "bad1").has_link && counted(&it, LINK_NONSENSE_LINK_FIELD) >= 2);
    (void)resolve(&it, "bad2");
    char text[LOG_LINE_BYTES_MAX];
    ssize_t size = read(ends[0], text, sizeof(text) - 1);
    assert_true(size > 0);
    text[size] = '\0';
    assert_non_null(strstr(text, "link_nonsense"));
    assert_non_null(strstr(text, "code=bad1 field=url reason="));
    assert_non_null(strstr(text, "never allowed"));
    assert_null(strstr(strstr(text, "code=bad1") + 1, "code=bad1"));
    assert_non_null(strstr(text, "code=bad2 field=url reason="));
    assert_non_null(strstr(text, "held_back="));
    assert_int_equal(it.resolver->nonsense.held_back, 0);
    it.resolver->nonsense.log = NULL;
    log_destroy(&log);
    close(ends[0]);
    close(ends[1]);
    end(&it);
}

/* ---- limits ---- */

static void beyond_10000_flights_a_miss_is_unreachable(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    test_redis_freeze(&it.redis);
    struct tap *taps = calloc(RESOLVER_FLIGHTS_MAX + 1, sizeof(*taps));
    assert_non_null(taps);
    for (unsigned i = 0; i <= RESOLVER_FLIGHTS_MAX; i++) {
        char code[16];
        (void)snprintf(code, sizeof(code), "c%u", i);
        assert_int_equal(find(&it, code, &taps[i]),
                         i < RESOLVER_FLIGHTS_MAX ? RESOLVE_PENDING : RESOLVE_UNREACHABLE);
    }
    assert_int_equal(counted(&it, LINK_FLIGHTS_LIMIT), 1);
    assert_int_equal(counted(&it, LINK_FLIGHTS), RESOLVER_FLIGHTS_MAX);
    WAIT_FOR(&it, counted(&it, LINK_FLIGHTS) == 0);
    for (unsigned i = 0; i <= RESOLVER_FLIGHTS_MAX; i++) {
        assert_int_equal(taps[i].calls, 1);
        assert_int_equal(taps[i].result, RESOLVE_UNREACHABLE);
    }
    free(taps);
    end(&it);
}

static void the_cache_keeps_its_budget_and_answers_stay_right(void **state) {
    (void)state;
    enum { LINKS = 2000, BUDGET = 64 * 1024 };
    struct fixture it;
    begin(&it);
    resolver_destroy(&it.resolver);
    make_resolver(&it, "", BUDGET);
    WAIT_FOR(&it, resolver_is_connected(it.resolver) && resolver_is_tracking(it.resolver));
    for (unsigned i = 0; i < LINKS; i++) {
        char command[80];
        char code[16];
        (void)snprintf(command, sizeof(command), "HSET t:link:n%u campaign c%u owner o%u", i,
                       i % 500, i);
        redis(&it, command);
        (void)snprintf(command, sizeof(command), "HSET t:campaign:c%u name N%u", i % 500, i % 500);
        redis(&it, command);
        (void)snprintf(code, sizeof(code), "n%u", i);
        struct tap tap = resolve(&it, code);
        assert_string_equal(tap.owner + 1, code + 1);
        assert_int_equal(strtoul(tap.name + 1, NULL, 10), i % 500);
        assert_true(cache_bytes(it.resolver->cache) <= BUDGET);
    }
    assert_true(counted(&it, LINK_CACHE_EVICTIONS) > LINKS);
    end(&it);
}

/* ---- the default campaign ---- */

static void the_default_campaign_is_fetched_at_start_and_kept(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    assert_null(resolver_default_campaign(it.resolver));
    resolver_destroy(&it.resolver);
    make_resolver(&it, "spring", 1 << 20);
    WAIT_FOR(&it, resolver_default_campaign(it.resolver) != NULL);
    WAIT_FOR(&it, resolver_is_tracking(it.resolver));
    redis(&it, "HSET t:campaign:spring name Summer");
    WAIT_FOR(&it, slice_equal(resolver_default_campaign(it.resolver)->text[CAMPAIGN_FIELD_NAME],
                              SLICE("Summer")));
    redis(&it, "FLUSHALL");
    pump(&it, SEEN_MS);
    assert_non_null(resolver_default_campaign(it.resolver)); /* the last good one */
    test_redis_end(&it.redis, SIGKILL);
    WAIT_FOR(&it, !resolver_is_connected(it.resolver));
    assert_non_null(resolver_default_campaign(it.resolver));
    end(&it);
}

static void the_default_campaign_appears_when_it_is_created_or_redis_comes_back(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    resolver_destroy(&it.resolver);
    make_resolver(&it, "late", 1 << 20);
    WAIT_FOR(&it, resolver_is_tracking(it.resolver));
    pump(&it, SEEN_MS);
    assert_null(resolver_default_campaign(it.resolver));
    redis(&it, "HSET t:campaign:late name Late");
    pump(&it, SEEN_MS);
    assert_non_null(resolver_default_campaign(it.resolver));
    test_redis_end(&it.redis, SIGKILL);
    WAIT_FOR(&it, !resolver_is_connected(it.resolver));
    redis_pipe_disconnect(it.pipe);
    test_redis_start(&it.redis, NULL);
    redis(&it, "HSET t:campaign:late name Later");
    WAIT_FOR(&it, slice_equal(resolver_default_campaign(it.resolver)->text[CAMPAIGN_FIELD_NAME],
                              SLICE("Later")));
    end(&it);
}

static void a_reload_changes_the_default_campaign(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:campaign:summer name Summer");
    resolver_configure(it.resolver, TIMEOUT_MS, SLICE("spring"));
    WAIT_FOR(&it, resolver_default_campaign(it.resolver) != NULL);
    resolver_configure(it.resolver, TIMEOUT_MS, SLICE("summer"));
    assert_non_null(resolver_default_campaign(it.resolver)); /* the old one until then */
    WAIT_FOR(&it, slice_equal(resolver_default_campaign(it.resolver)->id, SLICE("summer")));
    resolver_configure(it.resolver, TIMEOUT_MS, SLICE("not valid"));
    assert_null(resolver_default_campaign(it.resolver));
    resolver_configure(it.resolver, TIMEOUT_MS, SLICE_EMPTY);
    assert_null(resolver_default_campaign(it.resolver));
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_wrong_type_are_counted_and_read_as_nothing),
        cmocka_unit_test(fields_that_make_no_sense_are_counted_and_marked),
        cmocka_unit_test(urls_whose_scheme_the_campaign_does_not_list_are_counted),
        cmocka_unit_test(links_that_lead_nowhere_are_counted),
        cmocka_unit_test(nonsense_is_logged_once_a_minute_and_key),
        cmocka_unit_test(beyond_10000_flights_a_miss_is_unreachable),
        cmocka_unit_test(the_cache_keeps_its_budget_and_answers_stay_right),
        cmocka_unit_test(the_default_campaign_is_fetched_at_start_and_kept),
        cmocka_unit_test(the_default_campaign_appears_when_it_is_created_or_redis_comes_back),
        cmocka_unit_test(a_reload_changes_the_default_campaign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
