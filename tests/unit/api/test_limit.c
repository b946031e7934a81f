/*
 * test_limit.c - a burst, then one at a time; sources; a table that forgets the right ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "limit.h"

#define SECOND_NS UINT64_C(1000000000)
#define BEGIN_NS  (1000 * SECOND_NS)

union source {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union source source_of(const char *text) {
    union source source = {0};
    if (inet_pton(AF_INET, text, &source.v4.sin_addr) == 1) {
        source.v4.sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &source.v6.sin6_addr), 1);
        source.v6.sin6_family = AF_INET6;
    }
    return source;
}

static uint32_t take(struct limit *limit, const char *text, uint64_t now_ns) {
    union source source = source_of(text);
    return limit_take(limit, &source.any, now_ns);
}

static void use_up(struct limit *limit, const char *text, uint64_t now_ns) {
    for (int i = 0; i < LIMIT_BURST; i++) {
        assert_int_equal(take(limit, text, now_ns), 0);
    }
    assert_int_equal(take(limit, text, now_ns), 2);
}

static void a_burst_then_one_every_two_seconds(void **state) {
    (void)state;
    struct limit *limit = limit_create();
    use_up(limit, "192.0.2.1", BEGIN_NS);
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS + SECOND_NS), 1);
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS + 2 * SECOND_NS), 0);
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS + 2 * SECOND_NS), 2);
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS + 6 * SECOND_NS), 0);
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS + 6 * SECOND_NS), 0);
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS + 6 * SECOND_NS), 2);
    use_up(limit, "192.0.2.1", BEGIN_NS + 3600 * SECOND_NS);
    limit_destroy(&limit);
}

static void what_is_refused_costs_nothing(void **state) {
    (void)state;
    struct limit *limit = limit_create();
    use_up(limit, "192.0.2.1", BEGIN_NS);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS), 2);
    }
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS + 2 * SECOND_NS), 0);
    limit_destroy(&limit);
}

static void sources_do_not_pay_for_each_other(void **state) {
    (void)state;
    struct limit *limit = limit_create();
    use_up(limit, "192.0.2.1", BEGIN_NS);
    assert_int_equal(take(limit, "192.0.2.2", BEGIN_NS), 0);
    assert_int_equal(take(limit, "2001:db8::1", BEGIN_NS), 0);
    limit_destroy(&limit);
}

static void an_ipv6_source_is_its_64(void **state) {
    (void)state;
    struct limit *limit = limit_create();
    use_up(limit, "2001:db8:1:2::1", BEGIN_NS);
    assert_int_equal(take(limit, "2001:db8:1:2:ffff::9", BEGIN_NS), 2);
    assert_int_equal(take(limit, "2001:db8:1:3::1", BEGIN_NS), 0);
    limit_destroy(&limit);
}

static void an_ipv4_source_is_the_same_over_ipv6(void **state) {
    (void)state;
    struct limit *limit = limit_create();
    use_up(limit, "192.0.2.1", BEGIN_NS);
    assert_int_equal(take(limit, "::ffff:192.0.2.1", BEGIN_NS), 2);
    assert_int_equal(take(limit, "::ffff:192.0.2.2", BEGIN_NS), 0);
    limit_destroy(&limit);
}

/* Ten times as many sources as there are places do not wash out the one that tries most. */
static void who_tries_most_is_remembered(void **state) {
    (void)state;
    struct limit *limit = limit_create();
    use_up(limit, "192.0.2.1", BEGIN_NS);
    for (uint32_t i = 0; i < 10u * LIMIT_SETS * LIMIT_WAYS; i++) {
        union source source = {.v4 = {.sin_family = AF_INET}};
        source.v4.sin_addr.s_addr = htonl(0x0a000000u + i);
        limit_take(limit, &source.any, BEGIN_NS);
    }
    assert_int_equal(take(limit, "192.0.2.1", BEGIN_NS), 2);
    limit_destroy(&limit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_one_every_two_seconds),
        cmocka_unit_test(what_is_refused_costs_nothing),
        cmocka_unit_test(sources_do_not_pay_for_each_other),
        cmocka_unit_test(an_ipv6_source_is_its_64),
        cmocka_unit_test(an_ipv4_source_is_the_same_over_ipv6),
        cmocka_unit_test(who_tries_most_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
