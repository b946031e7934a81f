/*
 * test_webhook_policy.c - which hosts are listed, and which addresses are public.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/defs.h"
#include "webhook_policy.h"

static bool allows(const char *text) {
    struct webhook_policy policy;
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&storage;
    webhook_policy_init(&policy, SLICE_EMPTY);
    if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
        storage.ss_family = AF_INET6;
    }
    return webhook_policy_allows(&policy, (const struct sockaddr *)&storage);
}

static void public_addresses_are_allowed(void **state) {
    static const char *const texts[] = {
        "1.1.1.1",          "8.8.8.8",         "9.255.255.255",        "11.0.0.0",
        "100.63.255.255",   "100.128.0.0",     "126.255.255.255",      "128.0.0.0",
        "169.253.255.1",    "169.255.0.0",     "172.15.255.255",       "172.32.0.0",
        "192.167.1.1",      "192.169.0.0",     "198.17.255.255",       "198.20.0.0",
        "223.255.255.1",    "2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888",
        "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",  "2001:200::1",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (!allows(texts[i])) {
            fail_msg("%s", texts[i]);
        }
    }
    (void)state;
}

static void all_others_are_not(void **state) {
    static const char *const texts[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.1",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fdff:ffff::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (allows(texts[i])) {
            fail_msg("%s", texts[i]);
        }
    }
    (void)state;
}

static void what_is_no_internet_address_is_not_allowed(void **state) {
    struct webhook_policy policy;
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    webhook_policy_init(&policy, SLICE_EMPTY);
    assert_false(webhook_policy_allows(&policy, (const struct sockaddr *)&storage));
    (void)state;
}

static bool lists(const char *list, const char *host) {
    struct webhook_policy policy;
    webhook_policy_init(&policy, slice_of(list));
    return webhook_policy_lists(&policy, slice_of(host));
}

static void hosts_are_listed_by_name_or_by_what_they_are_below(void **state) {
    assert_true(lists("localhost", "localhost"));
    assert_true(lists("a.mx, LOCALHOST,[::1]", "localhost"));
    assert_true(lists("a.mx  [::1]", "[::1]"));
    assert_true(lists("Hooks.Example.mx", "hooks.example.mx."));
    assert_true(lists("hooks.example.mx.", "HOOKS.example.MX"));
    assert_true(lists("*.example.mx", "a.example.mx"));
    assert_true(lists("*.example.mx", "a.b.example.mx"));
    assert_true(lists("10.1.2.3", "10.1.2.3"));
    assert_false(lists("*.example.mx", "example.mx"));
    assert_false(lists("*.example.mx", "badexample.mx"));
    assert_false(lists("*.example.mx", ".example.mx.evil.mx"));
    assert_false(lists("example.mx", "a.example.mx"));
    assert_false(lists("example.mx", "example.mx.evil.mx"));
    assert_false(lists("", ""));
    assert_false(lists("", "localhost"));
    assert_false(lists(",, ,", ""));
    assert_false(lists("*.", "a."));
    assert_false(lists("*", "anything"));
    assert_false(lists(".", "."));
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_are_allowed),
        cmocka_unit_test(all_others_are_not),
        cmocka_unit_test(what_is_no_internet_address_is_not_allowed),
        cmocka_unit_test(hosts_are_listed_by_name_or_by_what_they_are_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
