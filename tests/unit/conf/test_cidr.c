/*
 * test_cidr.c - networks: what is one, and which addresses are in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "conf/cidr.h"

static bool parses(const char *text) {
    struct cidr cidr;
    return cidr_parse(slice_of(text), &cidr);
}

static bool is_in(const char *network, const char *address) {
    struct cidr cidr;
    assert_true(cidr_parse(slice_of(network), &cidr));
    return cidr_contains_text(&cidr, 1, slice_of(address));
}

static void networks_and_lone_addresses_are_read(void **state) {
    (void)state;
    assert_true(parses("10.0.0.0/8"));
    assert_true(parses("10.1.2.3"));
    assert_true(parses("10.1.2.3/32"));
    assert_true(parses("0.0.0.0/0"));
    assert_true(parses("::/0"));
    assert_true(parses("2001:db8::/32"));
    assert_true(parses("::1/128"));
}

static void nonsense_is_refused(void **state) {
    (void)state;
    const char *refused[] = {"",
                             "/8",
                             "10.0.0.0/",
                             "10.0.0.0/33",
                             "::/129",
                             "10.0.0/8",
                             "10.0.0.0/a",
                             "10.0.0.0/-1",
                             "10.0.0.0/8/8",
                             "host/8",
                             "[::1]",
                             "10.0.0.0 /8",
                             "fe80::1%eth0",
                             "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(parses(refused[i]));
    }
    struct cidr cidr;
    assert_false(cidr_parse(slice_make("10.0.0.0\0/8", 11), &cidr));
    assert_false(cidr_parse(SLICE_EMPTY, &cidr));
}

static void bits_beyond_the_prefix_are_refused(void **state) {
    (void)state;
    assert_false(parses("10.0.0.1/8"));
    assert_false(parses("10.128.0.0/8"));
    assert_true(parses("10.128.0.0/9"));
    assert_false(parses("2001:db8:8000::/32"));
    assert_true(parses("2001:db8:8000::/33"));
}

static void the_edges_of_a_network_are_exact(void **state) {
    (void)state;
    assert_true(is_in("10.16.0.0/12", "10.16.0.0"));
    assert_true(is_in("10.16.0.0/12", "10.31.255.255"));
    assert_false(is_in("10.16.0.0/12", "10.15.255.255"));
    assert_false(is_in("10.16.0.0/12", "10.32.0.0"));
    assert_true(is_in("192.0.2.1", "192.0.2.1"));
    assert_false(is_in("192.0.2.1", "192.0.2.0"));
    assert_true(is_in("2001:db8::/29", "2001:dbf:ffff::"));
    assert_false(is_in("2001:db8::/29", "2001:dc0::"));
    assert_true(is_in("0.0.0.0/0", "255.255.255.255"));
}

static void ipv4_and_ipv6_are_kept_apart(void **state) {
    (void)state;
    assert_false(is_in("::/0", "10.0.0.1"));
    assert_false(is_in("::/0", "::ffff:10.0.0.1"));
    assert_true(is_in("::/0", "::1"));
    assert_false(is_in("0.0.0.0/0", "::1"));
    assert_true(is_in("10.0.0.0/8", "::ffff:10.0.0.1"));
    assert_true(is_in("::ffff:10.0.0.0/104", "10.0.0.1"));
}

static void text_may_have_brackets_and_a_port(void **state) {
    (void)state;
    assert_true(is_in("10.0.0.0/8", "10.0.0.1:4711"));
    assert_true(is_in("2001:db8::/32", "[2001:db8::1]"));
    assert_true(is_in("2001:db8::/32", "[2001:db8::1]:443"));
    const char *refused[] = {"", "[2001:db8::1", "[2001:db8::1]x", "[]", "unknown", "_hidden", ":"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(is_in("2001:db8::/32", refused[i]));
    }
}

static void socket_addresses_of_both_families_are_found(void **state) {
    (void)state;
    struct cidr cidrs[2];
    size_t count;
    assert_true(cidr_parse_list(SLICE(" 10.0.0.0/8,\t2001:db8::/32 "), cidrs, 2, &count));
    assert_int_equal(count, 2);

    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, "10.9.8.7", &ipv4.sin_addr), 1);
    assert_true(cidr_contains(cidrs, count, (const struct sockaddr *)&ipv4));
    assert_false(cidr_contains(cidrs + 1, 1, (const struct sockaddr *)&ipv4));

    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", &ipv6.sin6_addr), 1);
    assert_true(cidr_contains(cidrs, count, (const struct sockaddr *)&ipv6));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.9.8.7", &ipv6.sin6_addr), 1);
    assert_true(cidr_contains(cidrs, 1, (const struct sockaddr *)&ipv6));

    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_false(cidr_contains(cidrs, count, (const struct sockaddr *)&local));
}

static void a_list_beyond_its_capacity_is_refused(void **state) {
    (void)state;
    struct cidr cidrs[2];
    size_t count;
    assert_true(cidr_parse_list(SLICE_EMPTY, cidrs, 0, &count));
    assert_int_equal(count, 0);
    assert_true(cidr_parse_list(SLICE("::1 ::2"), cidrs, 2, &count));
    assert_false(cidr_parse_list(SLICE("::1 ::2 ::3"), cidrs, 2, &count));
    assert_false(cidr_parse_list(SLICE("::1 x"), cidrs, 2, &count));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_and_lone_addresses_are_read),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(bits_beyond_the_prefix_are_refused),
        cmocka_unit_test(the_edges_of_a_network_are_exact),
        cmocka_unit_test(ipv4_and_ipv6_are_kept_apart),
        cmocka_unit_test(text_may_have_brackets_and_a_port),
        cmocka_unit_test(socket_addresses_of_both_families_are_found),
        cmocka_unit_test(a_list_beyond_its_capacity_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
