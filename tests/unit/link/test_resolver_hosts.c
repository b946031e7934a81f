/*
 * links.allowed_hosts binds what is fetched, and another list makes all of it be fetched again.
 */
#include "resolver_fixture.h"

static void another_list_is_heard_at_the_next_look_up(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:link:own url https://b.mx/{code} owner ana");
    assert_int_equal(resolve(&it, "own").faults, 0);
    redis(&it, "CONFIG RESETSTAT");
    assert_int_equal(resolve(&it, "own").faults, 0);
    assert_int_equal(hmgets(&it), 0);

    resolver_set_hosts(it.resolver, SLICE("a.mx *.a.mx"));
    assert_int_equal(resolve(&it, "own").faults, 1U << LINK_FIELD_URL);
    assert_int_equal(hmgets(&it), 1);
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_FIELD), 1);

    resolver_set_hosts(it.resolver, SLICE("a.mx *.a.mx")); /* the same: nothing is asked */
    assert_int_equal(resolve(&it, "own").faults, 1U << LINK_FIELD_URL);
    assert_int_equal(hmgets(&it), 1);

    resolver_set_hosts(it.resolver, SLICE_EMPTY);
    assert_int_equal(resolve(&it, "own").faults, 0);
    assert_int_equal(hmgets(&it), 2);
    end(&it);
}

static void the_default_campaign_is_bound_too(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:campaign:d web https://b.mx/ fallback https://a.mx/");
    resolver_configure(it.resolver, TIMEOUT_MS, SLICE("d"));
    const struct campaign *campaign = NULL;
    WAIT_FOR(&it, (campaign = resolver_default_campaign(it.resolver)) != NULL);
    assert_int_equal(campaign->faults, 0);
    resolver_set_hosts(it.resolver, SLICE("a.mx"));
    WAIT_FOR(&it, resolver_default_campaign(it.resolver)->faults == 1U << CAMPAIGN_FIELD_WEB);
    assert_true(resolver_default_campaign(it.resolver)->template[CAMPAIGN_FIELD_FALLBACK].size > 0);
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_list_is_heard_at_the_next_look_up),
        cmocka_unit_test(the_default_campaign_is_bound_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
