/*
 * test_rule_weight.c - rules share out the visitors: everybody goes somewhere, and there again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/defs.h"
#include "decide/destination.h"
#include "decide/visitor.h"
#include "link/rules.h"
#include "rule_match.h"

static const uint8_t secret[VISITOR_SECRET_BYTES] = "thirty-two bytes of a secret....";
static const struct rule any = {.until_s = UINT64_MAX};

static struct rule_words one_word(const struct slice *word) {
    return (struct rule_words){.word = word, .count = 1};
}

struct asked {
    unsigned share;
    unsigned times;
};

static unsigned tell(void *argument) {
    struct asked *asked = argument;
    asked->times++;
    return asked->share;
}

/* Which of the rules fits, or count. */
static size_t first_fit(const struct rule *rules, size_t count, struct asked *asked,
                        struct slice country) {
    struct destination_share share = {.share = tell, .argument = asked};
    struct destination_input input = {.share = &share, .country = country};
    struct rule_match match;
    rule_match_begin(&match, &input);
    for (size_t i = 0; i < count; i++) {
        if (rule_match(&match, &rules[i])) {
            return i;
        }
    }
    return count;
}

static void weights_share_out_everybody(void **state) {
    (void)state;
    struct rule rules[] = {any, any, any};
    rules[0].weight = 30;
    rules[1].weight = 30;
    rules[2].weight = 40;
    for (unsigned share = 0; share < 100; share++) {
        struct asked asked = {.share = share};
        size_t expected = share < 30 ? 0 : share < 60 ? 1 : 2;
        assert_int_equal(first_fit(rules, 3, &asked, SLICE_EMPTY), expected);
        assert_int_equal(asked.times, 1);
    }
}

static void weights_that_leave_something_leave_it_to_the_rules_behind(void **state) {
    (void)state;
    struct rule rules[] = {any, any, any};
    rules[0].weight = 10;
    rules[1].weight = 1;
    for (unsigned share = 0; share < 100; share++) {
        struct asked asked = {.share = share};
        size_t expected = share < 10 ? 0 : share < 11 ? 1 : 2;
        assert_int_equal(first_fit(rules, 3, &asked, SLICE_EMPTY), expected);
    }
}

static void only_rules_that_fit_otherwise_take_a_share(void **state) {
    (void)state;
    struct slice mexico = SLICE("MX");
    struct rule rules[] = {any, any};
    rules[0].weight = 50;
    rules[0].countries = one_word(&mexico);
    rules[1].weight = 50;
    struct asked asked = {.share = 20};
    assert_int_equal(first_fit(rules, 2, &asked, SLICE("MX")), 0);
    assert_int_equal(first_fit(rules, 2, &asked, SLICE("US")), 1);
    asked.share = 60;
    assert_int_equal(first_fit(rules, 2, &asked, SLICE("MX")), 1);
    assert_int_equal(first_fit(rules, 2, &asked, SLICE("US")), 2);
}

static void nobody_is_asked_for_a_share_that_decides_nothing(void **state) {
    (void)state;
    struct slice mexico = SLICE("MX");
    struct rule rules[] = {any, any, any};
    rules[0].weight = 50;
    rules[0].countries = one_word(&mexico);
    rules[2].weight = 50;
    struct asked asked = {.share = 1};
    assert_int_equal(first_fit(rules, 3, &asked, SLICE("US")), 1);
    assert_int_equal(asked.times, 0);
}

static void weights_beyond_a_hundred_are_nobodys(void **state) {
    (void)state;
    struct rule rules[] = {any, any, any};
    rules[0].weight = rules[1].weight = rules[2].weight = 100;
    struct asked asked = {.share = 99};
    assert_int_equal(first_fit(rules, 3, &asked, SLICE_EMPTY), 0);
}

static void without_shares_no_weight_fits(void **state) {
    (void)state;
    struct rule rule = any;
    rule.weight = 100;
    struct rule_match match;
    rule_match_begin(&match, &(struct destination_input){0});
    assert_false(rule_match(&match, &rule));
}

/* --- visitors ------------------------------------------------------------------------------ */

struct visitor {
    struct sockaddr_in address;
    char agent[64];
};

static struct visitor visitor_number(uint32_t number) {
    struct visitor visitor = {.address = {.sin_family = AF_INET}};
    visitor.address.sin_addr.s_addr = htonl((uint32_t)0xbd000000 + number / 3);
    snprintf(visitor.agent, sizeof visitor.agent, "Mozilla/5.0 (Linux; Android 1%u) Chrome/%u",
             number % 7, 100 + number % 40);
    return visitor;
}

static unsigned share_of(const struct visitor_sharer *sharer, const struct visitor *visitor,
                         const char *campaign) {
    unsigned share = visitor_share(sharer, (const struct sockaddr *)&visitor->address,
                                   slice_of(visitor->agent), slice_of(campaign));
    assert_in_range(share, 0, VISITOR_SHARES - 1);
    return share;
}

enum { VISITORS = 100000 };

static void thirty_thirty_and_forty_are_what_they_say(void **state) {
    (void)state;
    struct visitor_sharer sharer;
    visitor_sharer_init(&sharer, secret);
    struct rule rules[] = {any, any, any};
    rules[0].weight = rules[1].weight = 30;
    rules[2].weight = 40;
    int went[4] = {0};
    for (uint32_t i = 0; i < VISITORS; i++) {
        struct visitor visitor = visitor_number(i);
        struct asked asked = {.share = share_of(&sharer, &visitor, "spring")};
        went[first_fit(rules, 3, &asked, SLICE_EMPTY)]++;
    }
    assert_in_range(went[0], VISITORS * 29 / 100, VISITORS * 31 / 100);
    assert_in_range(went[1], VISITORS * 29 / 100, VISITORS * 31 / 100);
    assert_in_range(went[2], VISITORS * 39 / 100, VISITORS * 41 / 100);
    assert_int_equal(went[3], 0);
}

/* Each of the hundred numbers is given to about one in a hundred: 1,000 of 100,000, whose
 * deviation is 31. */
static void every_share_is_given_to_as_many(void **state) {
    (void)state;
    struct visitor_sharer sharer;
    visitor_sharer_init(&sharer, secret);
    int given[VISITOR_SHARES] = {0};
    for (uint32_t i = 0; i < VISITORS; i++) {
        struct visitor visitor = visitor_number(i);
        given[share_of(&sharer, &visitor, "spring")]++;
    }
    for (size_t i = 0; i < VISITOR_SHARES; i++) {
        assert_in_range(given[i], 1000 - 5 * 31, 1000 + 5 * 31);
    }
}

/* Another process with the same secret, on any day: what it is made of are the four arguments. */
static void a_visitor_keeps_the_share(void **state) {
    (void)state;
    struct visitor_sharer here;
    struct visitor_sharer there;
    visitor_sharer_init(&here, secret);
    visitor_sharer_init(&there, secret);
    for (uint32_t i = 0; i < 1000; i++) {
        struct visitor visitor = visitor_number(i);
        struct visitor again = visitor;
        again.address.sin_port = htons((uint16_t)i); /* another connection */
        assert_int_equal(share_of(&here, &visitor, "spring"), share_of(&there, &again, "spring"));
    }
}

/* How many of the visitors have the same number in both. */
static unsigned in_common(const struct visitor_sharer *a, const struct visitor_sharer *b,
                          const char *campaign_a, const char *campaign_b) {
    unsigned same = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        struct visitor visitor = visitor_number(i);
        same += share_of(a, &visitor, campaign_a) == share_of(b, &visitor, campaign_b);
    }
    return same;
}

/* Else the same people would be in the first part of every campaign's test. One in a hundred has
 * the same by chance. */
static void campaigns_and_secrets_share_out_on_their_own(void **state) {
    (void)state;
    uint8_t other_secret[VISITOR_SECRET_BYTES] = "another";
    struct visitor_sharer sharer;
    struct visitor_sharer other;
    visitor_sharer_init(&sharer, secret);
    visitor_sharer_init(&other, other_secret);
    assert_in_range(in_common(&sharer, &sharer, "spring", "autumn"), 50, 150);
    assert_in_range(in_common(&sharer, &other, "spring", "spring"), 50, 150);
}

/* Computed apart, with hashlib.blake2b of Python, another SipHash and libxxhash. */
static void the_share_never_changes(void **state) {
    (void)state;
    struct visitor_sharer sharer;
    visitor_sharer_init(&sharer, secret);
    struct visitor visitor = {.address = {.sin_family = AF_INET}, .agent = "Mozilla/5.0"};
    visitor.address.sin_addr.s_addr = htonl(0xbdcb0101); /* 189.203.1.1 */
    assert_int_equal(share_of(&sharer, &visitor, "spring"), 20);
    assert_int_equal(share_of(&sharer, &visitor, "autumn"), 79);
}

static void of_ipv6_the_network_counts_and_any_address_is_taken(void **state) {
    (void)state;
    struct visitor_sharer sharer;
    visitor_sharer_init(&sharer, secret);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    struct sockaddr_in6 b = {.sin6_family = AF_INET6};
    unsigned differ = 0;
    for (unsigned i = 0; i < 200; i++) {
        a.sin6_addr.s6_addr[7] = b.sin6_addr.s6_addr[7] = (uint8_t)i;
        b.sin6_addr.s6_addr[15] = 9;
        unsigned share = visitor_share(&sharer, (struct sockaddr *)&a, SLICE("x"), SLICE("c"));
        assert_int_equal(share,
                         visitor_share(&sharer, (struct sockaddr *)&b, SLICE("x"), SLICE("c")));
        b.sin6_addr.s6_addr[7] = (uint8_t)(i + 1);
        differ += share != visitor_share(&sharer, (struct sockaddr *)&b, SLICE("x"), SLICE("c"));
    }
    assert_in_range(differ, 150, 200);

    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xbdcb0101)};
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(mapped.sin6_addr.s6_addr + 12, &v4.sin_addr, 4);
    assert_int_equal(visitor_share(&sharer, (struct sockaddr *)&v4, SLICE("x"), SLICE("c")),
                     visitor_share(&sharer, (struct sockaddr *)&mapped, SLICE("x"), SLICE("c")));

    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_in_range(visitor_share(&sharer, (struct sockaddr *)&local, SLICE_EMPTY, SLICE_EMPTY), 0,
                    VISITOR_SHARES - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_share_out_everybody),
        cmocka_unit_test(weights_that_leave_something_leave_it_to_the_rules_behind),
        cmocka_unit_test(only_rules_that_fit_otherwise_take_a_share),
        cmocka_unit_test(nobody_is_asked_for_a_share_that_decides_nothing),
        cmocka_unit_test(weights_beyond_a_hundred_are_nobodys),
        cmocka_unit_test(without_shares_no_weight_fits),
        cmocka_unit_test(thirty_thirty_and_forty_are_what_they_say),
        cmocka_unit_test(every_share_is_given_to_as_many),
        cmocka_unit_test(a_visitor_keeps_the_share),
        cmocka_unit_test(campaigns_and_secrets_share_out_on_their_own),
        cmocka_unit_test(the_share_never_changes),
        cmocka_unit_test(of_ipv6_the_network_counts_and_any_address_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
