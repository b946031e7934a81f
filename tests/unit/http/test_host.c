/*
 * Hosts, ports and addresses in memory that ends where they end. What a Host field may hold is
 * tested with the parser in test_fields.c.
 */
#include "exact.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "host.h"

static bool is_host(struct slice host) {
    char *copy = exact_copy(host);
    bool valid = http_host_is_valid(slice_make(copy, host.size));
    free(copy);
    return valid;
}

static bool is_address(struct slice text, int family) {
    char *copy = exact_copy(text);
    bool valid = http_is_address(slice_make(copy, text.size), family);
    free(copy);
    return valid;
}

static void test_a_host_cut_anywhere_is_read_to_its_end_and_no_further(void **state) {
    (void)state;
    static const struct {
        struct slice host;
        size_t valid_from; /* every beginning of at least so many bytes is valid … */
        size_t invalid[4]; /* … but for these sizes */
    } cases[] = {
        {SLICE("a.example:8080"), 1, {0}},
        {SLICE("a%41b%5Ac"), 1, {2, 3, 6, 7}},
        {SLICE("[2001:db8::1]:80"), 13, {0}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t size = 0; size <= cases[i].host.size; size++) {
            bool expected = size >= cases[i].valid_from;
            for (size_t j = 0; j < ARRAY_COUNT(cases[i].invalid); j++) {
                expected &= size == 0 || size != cases[i].invalid[j];
            }
            assert_int_equal(is_host(slice_first(cases[i].host, size)), expected);
        }
    }
}

static void test_an_address_longer_than_any_is_refused(void **state) {
    (void)state;
    char text[64];
    memset(text, '1', sizeof text);
    for (size_t size = 0; size <= sizeof text; size++) {
        assert_false(is_address(slice_make(text, size), AF_INET6));
        assert_false(is_address(slice_make(text, size), AF_INET));
    }
    const struct slice longest = SLICE("1111:2222:3333:4444:5555:6666:255.255.255.255");
    assert_int_equal(longest.size, INET6_ADDRSTRLEN - 1);
    assert_true(is_address(longest, AF_INET6));
    assert_false(is_address(longest, AF_INET));
}

static void test_ipv4_addresses_are_those_of_inet_pton(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",         "1",         "1.2.3",     "1.2.3.",     "1.2.3.4.",         ".1.2.3.4",
        "1..2.3",   "1.2.3.4.5", "1.2.3.4 ",  " 1.2.3.4",   "1.2.3.-4",         "1.2.3.+4",
        "1.2.3.x",  "0x1.2.3.4", "1.2.3.4:5", "1.2.3.4567", "1.2.3.0000004",    "1,2,3,4",
        "1.2.3.4/", "1.2.3.:",   "0.0.0.0",   "127.0.0.1",  "1.2.3.4294967297", "255.255.255.255",
        "00.1.2.3", "1.2.3.00"};
    struct in_addr address;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_int_equal(is_address(slice_of(texts[i]), AF_INET),
                         inet_pton(AF_INET, texts[i], &address) == 1);
    }
    for (int number = 0; number < 1100; number++) {
        static const char *const formats[] = {"%d.0.10.200", "1.%d.0.0", "1.2.3.%d", "1.2.%03d.4"};
        for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
            char text[32];
            snprintf(text, sizeof text, formats[i], number);
            assert_int_equal(is_address(slice_of(text), AF_INET),
                             inet_pton(AF_INET, text, &address) == 1);
        }
    }
}

static void test_a_port_is_at_most_65535(void **state) {
    (void)state;
    assert_true(http_port_is_valid(SLICE_EMPTY));
    assert_true(http_port_is_valid(SLICE("0")));
    assert_true(http_port_is_valid(SLICE("65535")));
    assert_true(http_port_is_valid(SLICE("000065535")));
    assert_false(http_port_is_valid(SLICE("65536")));
    assert_false(http_port_is_valid(SLICE("4294967296")));
    assert_false(http_port_is_valid(SLICE("8 ")));
    assert_false(http_port_is_valid(SLICE("+8")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_cut_anywhere_is_read_to_its_end_and_no_further),
        cmocka_unit_test(test_an_address_longer_than_any_is_refused),
        cmocka_unit_test(test_ipv4_addresses_are_those_of_inet_pton),
        cmocka_unit_test(test_a_port_is_at_most_65535),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
