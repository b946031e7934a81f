/*
 * test_geo_cache.c - the cache says what the database says, and asks it as seldom as it promises.
 */
#include "geo_files.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "decide/geo_cache.h"

enum { NETWORKS = 1500, RANDOM_ADDRESSES = 100000 };

/* Of one family; an IPv4 network's address lies at the front. */
struct network {
    uint8_t address[16];
    unsigned bits;
    bool is_v6;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct world {
    struct geo_files files;
    struct network networks[NETWORKS];
    uint64_t random;
};

static struct world world;

/* Marsaglia, "Xorshift RNGs" (2003): the same in every run. */
static uint64_t next_random(void) {
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return world.random;
}

/* The address in the network whose other bits are those of fill. */
static void address_within(const struct network *network, const uint8_t *fill, uint8_t *out) {
    size_t size = network->is_v6 ? 16 : 4;
    for (size_t i = 0; i < size; i++) {
        unsigned kept = network->bits > 8 * i ? network->bits - (unsigned)(8 * i) : 0;
        uint8_t mask = (uint8_t)(kept >= 8 ? 0xff : 0xff00u >> kept);
        out[i] = (uint8_t)((network->address[i] & mask) | (fill[i] & ~mask));
    }
}

/* Networks of all sizes, most of them near others, so that they cut each other up. */
static void make_networks(void) {
    world.random = 88172645463325252u;
    for (size_t i = 0; i < NETWORKS; i++) {
        struct network *network = &world.networks[i];
        network->is_v6 = i % 3 == 2;
        uint64_t parts[2] = {next_random(), next_random()};
        memcpy(network->address, parts, sizeof parts);
        network->bits = network->is_v6 ? 16 + (unsigned)(next_random() % 113)
                                       : 8 + (unsigned)(next_random() % 25);
        if (network->is_v6) {
            network->address[0] = 0x20;
        }
        if (i >= 30 && i % 10 != 0) {
            address_within(&world.networks[i - 30], (const uint8_t *)parts, network->address);
        }
    }
}

static void write_networks(const char *path, unsigned shift, bool with_v6) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < NETWORKS; i++) {
        static const uint8_t zeros[16];
        const struct network *network = &world.networks[i];
        if (network->is_v6 && !with_v6) {
            continue;
        }
        uint8_t first[16];
        char text[INET6_ADDRSTRLEN];
        address_within(network, zeros, first);
        assert_non_null(inet_ntop(network->is_v6 ? AF_INET6 : AF_INET, first, text, sizeof text));
        unsigned place = (unsigned)(i + shift) % 676;
        fprintf(file, "%s/%u %c%c R%zu\n", text, network->bits, 'A' + (int)(place / 26),
                'A' + (int)(place % 26), i % 97);
    }
    assert_int_equal(fclose(file), 0);
}

static struct geo *open_made(const char *options, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/lines.txt", world.files.directory);
    if (strchr(text, '\n') != NULL) {
        geo_write(path, (const uint8_t *)text, strlen(text));
        text = path;
    }
    geo_make(world.files.path, options, text);
    struct err err = {{0}};
    struct geo *geo = geo_open(world.files.path, &err);
    if (geo == NULL) {
        fail_msg("%s", err.text);
    }
    return geo;
}

static struct geo *open_networks(unsigned shift, const char *options, bool with_v6) {
    char path[256];
    snprintf(path, sizeof path, "%s/networks.txt", world.files.directory);
    write_networks(path, shift, with_v6);
    return open_made(options, path);
}

static int set_up(void **state) {
    (void)state;
    geo_files_set_up(&world.files);
    make_networks();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    geo_files_tear_down(&world.files);
    return 0;
}

static union address address_of(const uint8_t *bytes, bool is_v6, bool mapped) {
    union address address = {0};
    if (is_v6) {
        address.v6.sin6_family = AF_INET6;
        memcpy(&address.v6.sin6_addr, bytes, 16);
    } else if (mapped) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_addr.s6_addr[10] = address.v6.sin6_addr.s6_addr[11] = 0xff;
        memcpy(&address.v6.sin6_addr.s6_addr[12], bytes, 4);
    } else {
        address.v4.sin_family = AF_INET;
        memcpy(&address.v4.sin_addr, bytes, 4);
    }
    return address;
}

static union address parse(const char *text) {
    uint8_t bytes[16];
    bool is_v6 = strchr(text, ':') != NULL;
    assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, bytes), 1);
    return address_of(bytes, is_v6, false);
}

static void assert_same(struct geo_cache *cache, const struct geo *geo, const uint8_t *bytes,
                        bool is_v6) {
    for (int mapped = 0; mapped <= !is_v6; mapped++) {
        union address address = address_of(bytes, is_v6, mapped);
        struct geo_place expected = geo_find(geo, &address.any);
        const struct geo_place *place = geo_cache_find(cache, geo, &address.any);
        if (memcmp(place, &expected, sizeof expected) != 0) {
            char text[INET6_ADDRSTRLEN] = "";
            inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
            fail_msg("%s is in \"%s\"-\"%s\" instead of \"%s\"-\"%s\"", text, place->country,
                     place->region, expected.country, expected.region);
        }
    }
}

/* One up or down, over all bytes. */
static void step(uint8_t *bytes, size_t size, bool up) {
    for (size_t i = size; i-- > 0;) {
        bytes[i] = (uint8_t)(up ? bytes[i] + 1 : bytes[i] - 1);
        if (bytes[i] != (up ? 0 : 0xff)) {
            return;
        }
    }
}

/* The first and the last address of every network, and their neighbours outside. */
static void assert_boundaries(struct geo_cache *cache, const struct geo *geo) {
    for (size_t i = 0; i < NETWORKS; i++) {
        const struct network *network = &world.networks[i];
        for (int last = 0; last < 2; last++) {
            uint8_t fill[16];
            uint8_t bytes[16];
            memset(fill, last ? 0xff : 0, sizeof fill);
            address_within(network, fill, bytes);
            assert_same(cache, geo, bytes, network->is_v6);
            step(bytes, network->is_v6 ? 16 : 4, last);
            assert_same(cache, geo, bytes, network->is_v6);
        }
    }
}

static void assert_random_addresses(struct geo_cache *cache, const struct geo *geo, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t random = next_random();
        uint64_t fill[2] = {next_random(), next_random()};
        struct network network = world.networks[random % NETWORKS];
        uint8_t bytes[16];
        if (random >> 32 & 1) {
            network.bits = network.is_v6 ? 120 : 24; /* a neighbour of its first address */
        } else if (random >> 33 & 1) {
            network.bits = 0; /* anywhere */
        }
        address_within(&network, (const uint8_t *)fill, bytes);
        assert_same(cache, geo, bytes, network.is_v6);
    }
}

static void the_cache_says_what_the_database_says(void **state) {
    (void)state;
    static const struct {
        const char *options;
        bool with_v6;
    } kinds[] = {{"--record-size=24", true},
                 {"--record-size=32", true},
                 {"--ip-version=4 --record-size=28", false}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct geo *geo = open_networks(0, kinds[i].options, kinds[i].with_v6);
        struct geo_cache *cache = geo_cache_create();
        assert_boundaries(cache, geo);
        assert_boundaries(cache, geo);
        assert_random_addresses(cache, geo, RANDOM_ADDRESSES);
        geo_cache_destroy(&cache);
        assert_null(cache);
        geo_unref(&geo);
    }
}

/* Mostly where the last one lay in memory: its address alone does not tell a new one. */
static void another_database_is_never_answered_with_the_last_one_s(void **state) {
    (void)state;
    struct geo_cache *cache = geo_cache_create();
    for (unsigned round = 0; round < 6; round++) {
        struct geo *geo = open_networks(round, "", true);
        assert_boundaries(cache, geo);
        geo_unref(&geo);
        union address address = parse("189.203.1.1");
        assert_string_equal(geo_cache_find(cache, NULL, &address.any)->country, "");
    }
    struct geo *a = open_networks(0, "", true);
    struct geo *b = open_networks(1, "", true);
    for (unsigned round = 0; round < 4; round++) {
        assert_random_addresses(cache, a, 1000);
        assert_random_addresses(cache, b, 1000);
    }
    geo_unref(&a);
    geo_unref(&b);
    geo_cache_destroy(&cache);
}

static void assert_asked(struct geo_cache *cache, const struct geo *geo, const char *text,
                         const char *country, struct geo_cache_misses more) {
    struct geo_cache_misses before = geo_cache_misses(cache);
    union address address = parse(text);
    assert_string_equal(geo_cache_find(cache, geo, &address.any)->country, country);
    struct geo_cache_misses after = geo_cache_misses(cache);
    if (after.networks - before.networks != more.networks ||
        after.values - before.values != more.values) {
        fail_msg("%s took %llu walks and %llu values", text,
                 (unsigned long long)(after.networks - before.networks),
                 (unsigned long long)(after.values - before.values));
    }
}

static void a_network_is_looked_up_once_and_a_value_is_read_once(void **state) {
    (void)state;
    static const struct geo_cache_misses hit = {0, 0};
    static const struct geo_cache_misses walk = {1, 0};
    static const struct geo_cache_misses read = {1, 1};
    struct geo *geo = open_made("", "10.0.0.0/16 MX CMX\n"
                                    "0.0.0.0/16 MX CMX\n"
                                    "11.0.0.0/25 ES MD\n"
                                    "11.0.0.128/25 FR 75\n"
                                    "2001:100::/48 MX CMX\n"
                                    "2001:101::/64 ES MD\n"
                                    "2001:102::/65 FR 75\n");
    struct geo_cache *cache = geo_cache_create();
    assert_asked(cache, geo, "10.0.0.1", "MX", read);
    assert_asked(cache, geo, "10.0.0.1", "MX", hit);
    assert_asked(cache, geo, "10.0.0.255", "MX", hit);
    assert_asked(cache, geo, "::ffff:10.0.0.7", "MX", hit);
    assert_asked(cache, geo, "10.0.1.0", "MX", walk);
    assert_asked(cache, geo, "2001:100::1", "MX", walk);
    assert_asked(cache, geo, "2001:100:0:ffff::1", "MX", hit);
    assert_asked(cache, geo, "2001:100:1::1", "", walk);

    /* A network of nothing but zeros is not what an empty place holds. */
    assert_asked(cache, geo, "0.0.0.1", "MX", walk);
    assert_asked(cache, geo, "0.0.0.2", "MX", hit);
    assert_asked(cache, geo, "::2", "MX", walk);

    assert_asked(cache, geo, "11.0.0.1", "ES", read);
    assert_asked(cache, geo, "11.0.0.1", "ES", hit);
    assert_asked(cache, geo, "11.0.0.2", "ES", walk);
    assert_asked(cache, geo, "11.0.0.129", "FR", read);
    assert_asked(cache, geo, "2001:101::1", "ES", walk);
    assert_asked(cache, geo, "2001:101::ffff:0:0:1", "ES", hit);
    assert_asked(cache, geo, "2001:101:0:1::1", "", walk);

    /* What differs within a /64 is not remembered. */
    assert_asked(cache, geo, "2001:102::1", "FR", walk);
    assert_asked(cache, geo, "2001:102::1", "FR", walk);
    assert_asked(cache, geo, "2001:102::8000:0:0:1", "", walk);

    /* Where there is nothing is worth remembering, too. */
    assert_asked(cache, geo, "12.0.0.1", "", walk);
    assert_asked(cache, geo, "12.0.0.2", "", hit);
    geo_cache_destroy(&cache);
    geo_unref(&geo);
}

static void what_is_no_address_of_the_database_s_kind_is_nowhere(void **state) {
    (void)state;
    struct geo *geo = open_made("--ip-version=4", "10.0.0.0/16 MX CMX\n");
    struct geo_cache *cache = geo_cache_create();
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    union address v6 = parse("2806:10a0::1");
    union address v4 = parse("10.0.0.1");
    for (int round = 0; round < 2; round++) {
        const struct sockaddr *any = (const struct sockaddr *)&local;
        assert_string_equal(geo_cache_find(cache, geo, any)->country, "");
        assert_string_equal(geo_cache_find(cache, geo, &v6.any)->country, "");
        assert_string_equal(geo_cache_find(cache, NULL, &v4.any)->country, "");
        assert_string_equal(geo_cache_find(cache, geo, &v4.any)->country, "MX");
    }
    geo_cache_destroy(&cache);
    geo_unref(&geo);
}

static void a_place_s_codes_have_their_sizes(void **state) {
    (void)state;
    static const struct geo_place nowhere;
    assert_true(slice_equal(geo_country(&nowhere), SLICE_EMPTY));
    assert_true(slice_equal(geo_region(&nowhere), SLICE_EMPTY));
    static const char *const regions[] = {"E", "75", "CMX"};
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        struct geo_place place = {.country = "MX"};
        memcpy(place.region, regions[i], strlen(regions[i]));
        assert_true(slice_equal(geo_country(&place), SLICE("MX")));
        assert_true(slice_equal(geo_region(&place), slice_of(regions[i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cache_says_what_the_database_says),
        cmocka_unit_test(another_database_is_never_answered_with_the_last_one_s),
        cmocka_unit_test(a_network_is_looked_up_once_and_a_value_is_read_once),
        cmocka_unit_test(what_is_no_address_of_the_database_s_kind_is_nowhere),
        cmocka_unit_test(a_place_s_codes_have_their_sizes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
