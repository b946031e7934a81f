/*
 * test_visitor.c - who counts as the same visitor, and who does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/hash.h"
#include "decide/visitor.h"

static const uint8_t secret[VISITOR_SECRET_BYTES] = "thirty-two bytes of a secret....";
static const uint64_t noon_ms = 1767290400000; /* 2026-01-01T18:00:00Z, noon in Mexico City */
static const uint64_t day_ms = 24 * 3600 * 1000;
static const uint64_t hour_ms = 3600 * 1000;

static void set_zone(const char *name) {
    struct err err;
    assert_true(clock_set_zone(name, &err));
}

static int set_up(void **state) {
    (void)state;
    set_zone("America/Mexico_City");
    return 0;
}

static uint64_t hash_at(uint64_t now_ms, const char *address, const char *agent,
                        const char *language) {
    struct visitor_salt salt;
    visitor_salt_init(&salt, secret, now_ms);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(1234)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(4321)};
    const struct sockaddr *any = (const struct sockaddr *)&v4;
    if (inet_pton(AF_INET, address, &v4.sin_addr) != 1) {
        assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
        any = (const struct sockaddr *)&v6;
    }
    return visitor_hash(&salt, any, slice_of(agent), slice_of(language));
}

static uint64_t hash_of(const char *address) {
    return hash_at(noon_ms, address, "Mozilla/5.0", "es-MX");
}

static void the_same_tap_is_the_same_visitor(void **state) {
    (void)state;
    assert_int_equal(hash_of("189.203.1.1"), hash_of("189.203.1.1"));
    assert_int_equal(hash_at(noon_ms, "189.203.1.1", "a", "b"),
                     hash_at(noon_ms + 11 * hour_ms, "189.203.1.1", "a", "b"));
}

static void whatever_differs_makes_another_visitor(void **state) {
    (void)state;
    uint64_t hash = hash_at(noon_ms, "189.203.1.1", "agent", "es");
    assert_int_not_equal(hash, hash_at(noon_ms, "189.203.1.2", "agent", "es"));
    assert_int_not_equal(hash, hash_at(noon_ms, "189.203.1.1", "agent2", "es"));
    assert_int_not_equal(hash, hash_at(noon_ms, "189.203.1.1", "agent", "en"));
    assert_int_not_equal(hash, hash_at(noon_ms, "189.203.1.1", "agent", ""));
    assert_int_not_equal(hash, hash_at(noon_ms, "189.203.1.1", "", "es"));
    assert_int_not_equal(hash, hash_at(noon_ms, "189.203.1.1", "es", "agent"));
    assert_int_not_equal(hash, hash_at(noon_ms, "189.203.1.1", "agente", "s"));
    assert_int_not_equal(hash, hash_at(noon_ms + day_ms, "189.203.1.1", "agent", "es"));
    assert_int_not_equal(hash, hash_at(noon_ms - day_ms, "189.203.1.1", "agent", "es"));
}

static void another_secret_makes_another_visitor(void **state) {
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    for (size_t i = 0; i < VISITOR_SECRET_BYTES; i++) {
        uint8_t other[VISITOR_SECRET_BYTES];
        memcpy(other, secret, sizeof other);
        other[i] ^= 1;
        struct visitor_salt a;
        struct visitor_salt b;
        visitor_salt_init(&a, secret, noon_ms);
        visitor_salt_init(&b, other, noon_ms);
        assert_memory_not_equal(a.key, b.key, sizeof a.key);
        assert_int_not_equal(visitor_hash(&a, (struct sockaddr *)&v4, SLICE("a"), SLICE("b")),
                             visitor_hash(&b, (struct sockaddr *)&v4, SLICE("a"), SLICE("b")));
    }
}

/* Edges that share the secret agree, on any machine and in any version. These answers were computed
 * apart, with hashlib.blake2b of Python, the reference SipHash and libxxhash. */
static void the_hash_never_changes(void **state) {
    (void)state;
    assert_int_equal(hash_of("189.203.1.1"), 0x91c5fdc9954356b9u);
    assert_int_equal(hash_of("2806:10a0:1:2::3"), 0xdac1673c0d0970afu);
}

static void assert_as_told(const struct visitor_salt *salt, const struct sockaddr *address,
                           const uint8_t bytes[16]) {
    struct slice agent = SLICE("Mozilla/5.0 (Linux; Android 14; Pixel 8)");
    struct slice language = SLICE("es-MX");
    uint64_t hashes[2] = {hash_bytes(agent, salt->text_seed),
                          hash_bytes(language, salt->text_seed)};
    uint8_t input[32];
    memcpy(input, bytes, 16);
    memcpy(input + 16, hashes, sizeof hashes);
    uint64_t expected;
    assert_int_equal(crypto_shorthash((uint8_t *)&expected, input, sizeof input, salt->key), 0);
    assert_int_equal(visitor_text_hash(salt, agent), hashes[0]);
    assert_int_equal(visitor_hash_of(salt, address, hashes[0], language), expected);
    assert_int_equal(visitor_hash(salt, address, agent, language), expected);
}

/* As the header says: SipHash-2-4 of the address and the two texts' hashes. */
static void the_hash_is_what_the_header_says(void **state) {
    (void)state;
    struct visitor_salt salt;
    visitor_salt_init(&salt, secret, noon_ms);
    uint64_t random = 88172645463325252u; /* Marsaglia, "Xorshift RNGs" (2003) */
    for (size_t round = 0; round < 10000; round++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
        memcpy(bytes + 12, &random, 4);
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        memcpy(&v4.sin_addr, bytes + 12, 4);
        memcpy(&v6.sin6_addr, bytes, 16);
        assert_as_told(&salt, (struct sockaddr *)&v4, bytes);
        assert_as_told(&salt, (struct sockaddr *)&v6, bytes);

        memcpy(bytes, &random, 8);
        memcpy(&v6.sin6_addr, bytes, 16);
        memset(bytes + 8, 0, 8); /* not of the network */
        assert_as_told(&salt, (struct sockaddr *)&v6, bytes);
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_as_told(&salt, (struct sockaddr *)&local, (const uint8_t[16]){0});
}

static void ipv4_is_its_mapped_ipv6(void **state) {
    (void)state;
    assert_int_equal(hash_of("189.203.1.1"), hash_of("::ffff:189.203.1.1"));
    assert_int_not_equal(hash_of("::ffff:189.203.1.1"), hash_of("::ffff:189.203.1.2"));
}

static void of_ipv6_the_network_counts(void **state) {
    (void)state;
    assert_int_equal(hash_of("2806:10a0:1:2::3"), hash_of("2806:10a0:1:2:ffff:ffff:ffff:ffff"));
    assert_int_not_equal(hash_of("2806:10a0:1:2::3"), hash_of("2806:10a0:1:3::3"));
    assert_int_not_equal(hash_of("2806:10a0:1:2::3"), hash_of("2806:10a1:1:2::3"));
}

static void an_address_that_is_no_ip_is_taken(void **state) {
    (void)state;
    struct visitor_salt salt;
    visitor_salt_init(&salt, secret, noon_ms);
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    assert_int_equal(visitor_hash(&salt, (struct sockaddr *)&local, SLICE("a"), SLICE_EMPTY),
                     visitor_hash(&salt, (struct sockaddr *)&local, SLICE("a"), SLICE_EMPTY));
}

/* One bit of the input changes about half of the output: neighbours are not near each other. */
static void neighbours_share_nothing(void **state) {
    (void)state;
    unsigned bits = 0;
    for (unsigned i = 0; i < 256; i++) {
        char a[32];
        char b[32];
        snprintf(a, sizeof a, "10.0.0.%u", i);
        snprintf(b, sizeof b, "10.0.0.%u", i ^ 1);
        bits += (unsigned)__builtin_popcountll(hash_of(a) ^ hash_of(b));
    }
    assert_in_range(bits, 256 * 28, 256 * 36);
}

/* All day the same visitor, one hour before and after it another. */
static void assert_day(uint64_t begin_ms, uint64_t hours) {
    uint64_t hash = hash_at(begin_ms, "10.0.0.1", "a", "b");
    for (uint64_t hour = 0; hour < hours; hour++) {
        assert_int_equal(hash_at(begin_ms + hour * hour_ms, "10.0.0.1", "a", "b"), hash);
    }
    uint64_t end_ms = begin_ms + hours * hour_ms;
    assert_int_equal(hash_at(end_ms - 1, "10.0.0.1", "a", "b"), hash);
    assert_int_not_equal(hash_at(end_ms, "10.0.0.1", "a", "b"), hash);
    assert_int_not_equal(hash_at(begin_ms - 1, "10.0.0.1", "a", "b"), hash);

    struct visitor_salt salt;
    visitor_salt_init(&salt, secret, begin_ms + hour_ms);
    assert_int_equal(salt.day.begin_ms, begin_ms);
    assert_int_equal(salt.day.end_ms, end_ms);
}

static void a_day_is_the_zones_day(void **state) {
    (void)state;
    set_zone("America/Mexico_City");
    assert_day(1767247200000, 24); /* 2026-01-01 */
    assert_day(1648965600000, 23); /* 2022-04-03: summer time begins, for the last time */
    assert_day(1667106000000, 25); /* 2022-10-30: and ends for good */
    assert_day(1680415200000, 24); /* 2023-04-02: would have begun again */
    set_zone("Europe/Madrid");
    assert_day(1774738800000, 23); /* 2026-03-29 */
    assert_day(1792879200000, 25); /* 2026-10-25 */
    set_zone("America/Mexico_City");
}

static uint64_t network_at(uint64_t now_ms, const char *address) {
    struct visitor_salt salt;
    visitor_salt_init(&salt, secret, now_ms);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(1234)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(4321)};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        return visitor_network_hash(&salt, (struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return visitor_network_hash(&salt, (struct sockaddr *)&v6);
}

static uint64_t network_of(const char *address) {
    return network_at(noon_ms, address);
}

static void a_network_is_a_24_or_a_48(void **state) {
    (void)state;
    assert_int_equal(network_of("189.203.1.0"), network_of("189.203.1.255"));
    assert_int_not_equal(network_of("189.203.1.0"), network_of("189.203.0.0"));
    assert_int_not_equal(network_of("189.203.1.0"), network_of("189.202.1.0"));
    assert_int_not_equal(network_of("189.203.1.0"), network_of("188.203.1.0"));
    assert_int_equal(network_of("2806:10a0:1::"), network_of("2806:10a0:1:ffff:ffff::ffff"));
    assert_int_not_equal(network_of("2806:10a0:1::"), network_of("2806:10a0:2::"));
    assert_int_not_equal(network_of("2806:10a0:1::"), network_of("2806:10a1:1::"));
    assert_int_not_equal(network_of("2806:10a0:1::"), network_of("2807:10a0:1::"));
    assert_int_equal(network_of("189.203.1.7"), network_of("::ffff:189.203.1.9"));
    assert_int_not_equal(network_of("::ffff:189.203.1.9"), network_of("::ffff:189.203.2.9"));
    assert_int_not_equal(network_of("0.0.0.0"), network_of("::"));
}

/* Nor with yesterday's, nor with another secret's, nor with what a visitor's hash begins with. */
static void a_network_is_todays_and_the_secrets(void **state) {
    (void)state;
    assert_int_equal(network_of("189.203.1.1"), network_at(noon_ms + hour_ms, "189.203.1.1"));
    assert_int_not_equal(network_of("189.203.1.1"), network_at(noon_ms + day_ms, "189.203.1.1"));
    struct visitor_salt salt;
    struct visitor_salt other;
    visitor_salt_init(&salt, secret, noon_ms);
    visitor_salt_init(&other, (const uint8_t[VISITOR_SECRET_BYTES]){1}, noon_ms);
    assert_memory_not_equal(salt.network_state, other.network_state, sizeof salt.network_state);
    assert_memory_not_equal(salt.network_state, salt.ipv4_state, sizeof salt.network_state);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_int_equal(visitor_network_hash(&salt, (struct sockaddr *)&local), 0);
}

/* Computed apart, as above, with SipHash-1-3 of seven bytes. */
static void the_networks_hash_never_changes(void **state) {
    (void)state;
    assert_int_equal(network_of("189.203.1.1"), 0xd722626e7e1465afu);
    assert_int_equal(network_of("2806:10a0:1:2::3"), 0x89dad0fcc596d442u);
}

/* All of 10.0.0.0/8: of 65,536 networks, none is taken for another. */
static void networks_are_told_apart(void **state) {
    (void)state;
    struct visitor_salt salt;
    visitor_salt_init(&salt, secret, noon_ms);
    enum { NETWORKS = 65536, SLOTS = 4 * NETWORKS };
    uint64_t *seen = calloc(SLOTS, sizeof *seen);
    assert_non_null(seen);
    for (uint32_t i = 0; i < NETWORKS; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(10U << 24 | i << 8 | 1)};
        uint64_t hash = visitor_network_hash(&salt, (struct sockaddr *)&v4);
        assert_int_not_equal(hash, 0);
        size_t slot = hash % SLOTS;
        while (seen[slot] != 0) {
            assert_int_not_equal(seen[slot], hash);
            slot = (slot + 1) % SLOTS;
        }
        seen[slot] = hash;
    }
    free(seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_tap_is_the_same_visitor),
        cmocka_unit_test(whatever_differs_makes_another_visitor),
        cmocka_unit_test(another_secret_makes_another_visitor),
        cmocka_unit_test(the_hash_never_changes),
        cmocka_unit_test(the_hash_is_what_the_header_says),
        cmocka_unit_test(ipv4_is_its_mapped_ipv6),
        cmocka_unit_test(of_ipv6_the_network_counts),
        cmocka_unit_test(an_address_that_is_no_ip_is_taken),
        cmocka_unit_test(neighbours_share_nothing),
        cmocka_unit_test(a_day_is_the_zones_day),
        cmocka_unit_test(a_network_is_a_24_or_a_48),
        cmocka_unit_test(a_network_is_todays_and_the_secrets),
        cmocka_unit_test(the_networks_hash_never_changes),
        cmocka_unit_test(networks_are_told_apart),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
