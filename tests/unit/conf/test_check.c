/*
 * test_check.c - what may stand for each key: every limit from both sides, every kind of value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/cidr.h"
#include "conf/conf.h"
#include "key.h"

/* Whether key = value is allowed, and the number it is read as. */
static bool allows_slice(enum conf_key key, struct slice value, uint64_t *number) {
    struct buf text;
    buf_init(&text, CONF_FILE_BYTES_MAX);
    buf_printf(&text, "[%s]\n%s = ", key_table[key].section, key_table[key].name);
    buf_append(&text, value);
    struct conf_source source = {0};
    struct err err = {0};
    struct conf *conf = conf_read_text(buf_slice(&text), "test.conf", &source, &err);
    buf_fini(&text);
    bool allowed = conf != NULL;
    if (allowed) {
        *number = conf->number[key];
    } else {
        assert_memory_equal(err.text, "test.conf:2: ", 13);
        assert_non_null(strstr(err.text, conf_key_name(key)));
        assert_non_null(strstr(err.text, "allowed: "));
    }
    conf_destroy(&conf);
    return allowed;
}

static bool allows(enum conf_key key, const char *value) {
    uint64_t ignored;
    return allows_slice(key, slice_of(value), &ignored);
}

/* begin, then so many bytes of fill that it is size bytes. */
static bool allows_size(enum conf_key key, const char *begin, char fill, size_t size) {
    struct buf value;
    buf_init(&value, CONF_FILE_BYTES_MAX);
    buf_append(&value, slice_of(begin));
    while (value.size < size) {
        buf_append_char(&value, fill);
    }
    uint64_t ignored;
    bool allowed = allows_slice(key, buf_slice(&value), &ignored);
    buf_fini(&value);
    return allowed;
}

static void every_number_is_held_to_its_range(void **state) {
    (void)state;
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        const struct key *key = &key_table[i];
        if (key->kind != KEY_NUMBER) {
            continue;
        }
        char text[32];
        uint64_t number = 0;
        struct {
            uint64_t value;
            bool allowed;
        } cases[] = {{key->minimum, true},
                     {key->maximum, true},
                     {key->maximum + 1, false},
                     {key->minimum - 1, false}};
        for (size_t j = 0; j < ARRAY_COUNT(cases); j++) {
            snprintf(text, sizeof text, "%lu", cases[j].value);
            assert_int_equal(allows_slice((enum conf_key)i, slice_of(text), &number),
                             cases[j].allowed);
            if (cases[j].allowed) {
                assert_int_equal(number, cases[j].value);
            }
        }
        const char *nonsense[] = {"",    "-1",   "+1", "1.5", "0x10",
                                  "1 0", "many", "1;", "1ms", "99999999999999999999999999"};
        for (size_t j = 0; j < ARRAY_COUNT(nonsense); j++) {
            assert_false(allows((enum conf_key)i, nonsense[j]));
        }
    }
}

static void every_text_is_held_to_its_bytes(void **state) {
    (void)state;
    assert_true(allows_size(CONF_edge_id, "", 'a', 64));
    assert_false(allows_size(CONF_edge_id, "", 'a', 65));
    assert_true(allows_size(CONF_edge_default_campaign, "", '-', 64));
    assert_false(allows_size(CONF_edge_default_campaign, "", '-', 65));
    assert_true(allows_size(CONF_data_dir, "/", 'a', 1024));
    assert_false(allows_size(CONF_data_dir, "/", 'a', 1025));
    assert_true(allows_size(CONF_geo_database, "/", 'a', 1024));
    assert_false(allows_size(CONF_geo_database, "/", 'a', 1025));
    assert_true(allows_size(CONF_edge_home_url, "https://h/", 'a', 2048));
    assert_false(allows_size(CONF_edge_home_url, "https://h/", 'a', 2049));
    assert_true(allows_size(CONF_redis_url, "redis://", 'a', 1024));
    assert_false(allows_size(CONF_redis_url, "redis://", 'a', 1025));
    assert_true(allows_size(CONF_redis_prefix, "", ':', 64));
    assert_false(allows_size(CONF_redis_prefix, "", ':', 65));
    assert_true(allows_size(CONF_stats_timezone, "", 'Z', 64));
    assert_false(allows_size(CONF_stats_timezone, "", 'Z', 65));
    assert_true(allows_size(CONF_edge_trusted_proxies, "::1 ", ',', 4096 - 3));
    assert_false(allows_size(CONF_edge_listen, "[::1]:1", '0', 1025));
}

static void only_what_has_a_minimum_of_nothing_may_be_empty(void **state) {
    (void)state;
    const enum conf_key may[] = {CONF_edge_id,
                                 CONF_edge_trusted_proxies,
                                 CONF_edge_default_campaign,
                                 CONF_edge_home_url,
                                 CONF_redis_prefix,
                                 CONF_geo_database,
                                 CONF_links_allowed_hosts,
                                 CONF_links_assetlinks_file,
                                 CONF_links_apple_association_file,
                                 CONF_pages_dir,
                                 CONF_webhooks_allowed_hosts,
                                 CONF_webhooks_ca_file,
                                 CONF_queue_kafka_brokers,
                                 CONF_queue_kafka_properties};
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        bool expected = false;
        for (size_t j = 0; j < ARRAY_COUNT(may); j++) {
            expected = expected || (size_t)may[j] == i;
        }
        assert_int_equal(allows((enum conf_key)i, ""), expected);
    }
}

static void choices_are_read_as_an_index_or_as_bits(void **state) {
    (void)state;
    uint64_t number = 0;
    assert_true(allows_slice(CONF_log_level, SLICE("error"), &number));
    assert_int_equal(number, 3);
    assert_true(allows_slice(CONF_log_format, SLICE("json"), &number));
    assert_int_equal(number, 1);
    assert_true(allows_slice(CONF_queue_kind, SLICE("none"), &number));
    assert_int_equal(number, 2);
    assert_true(allows_slice(CONF_serve_roles, SLICE("api,edge"), &number));
    assert_int_equal(number, CONF_ROLE_API | CONF_ROLE_EDGE);
    assert_true(allows_slice(CONF_serve_roles, SLICE("collector , collector"), &number));
    assert_int_equal(number, CONF_ROLE_COLLECTOR);
    assert_false(allows(CONF_serve_roles, "edge worker"));
    assert_false(allows(CONF_serve_roles, ","));
    assert_false(allows(CONF_log_level, "info warn"));
    assert_false(allows(CONF_log_level, "Info"));
}

static void names_prefixes_and_zones_keep_to_their_characters(void **state) {
    (void)state;
    assert_true(allows(CONF_edge_id, "Edge-1_mx"));
    assert_false(allows(CONF_edge_id, "edge:1"));
    assert_false(allows(CONF_edge_id, "edge 1"));
    assert_false(allows(CONF_edge_id, "m\xc3\xa9xico"));
    assert_true(allows(CONF_redis_prefix, "{brinco}/prod.1:"));
    const char *globs[] = {"a*", "a?", "a[", "a]", "a\\", "a b", "a\x7f", "\xc3\xa9"};
    for (size_t i = 0; i < ARRAY_COUNT(globs); i++) {
        assert_false(allows(CONF_redis_prefix, globs[i]));
    }
    assert_true(allows(CONF_stats_timezone, "Etc/GMT+6"));
    assert_true(allows(CONF_stats_timezone, "UTC"));
    assert_false(allows(CONF_stats_timezone, "../../etc/passwd"));
    assert_false(allows(CONF_stats_timezone, "/etc/localtime"));
    assert_false(allows(CONF_stats_timezone, "CST6CDT,M4.1.0"));
}

static void urls_keep_to_their_schemes_and_characters(void **state) {
    (void)state;
    assert_true(allows(CONF_edge_home_url, "https://example.mx/a?b=c;d#e"));
    assert_true(allows(CONF_edge_home_url, "http://[::1]:8080/"));
    const char *refused[] = {"ftp://example.mx/",   "javascript:alert(1)", "https://",
                             "https:///path",       "example.mx",          "https://a/ b",
                             "https://a/\"",        "https://a/<b>",       "https://a/\x01",
                             "HTTPS://example.mx/", "https://@/",          "https://a/\xc3\xa9",
                             "https://a/\\"};
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        assert_false(allows(CONF_edge_home_url, refused[i]));
    }
    assert_true(allows(CONF_redis_url, "unix:///run/redis.sock?db=1"));
    assert_false(allows(CONF_redis_url, "http://127.0.0.1:6379"));
    assert_false(allows(CONF_redis_url, "127.0.0.1:6379"));
}

static void addresses_need_host_and_port(void **state) {
    (void)state;
    assert_true(allows(CONF_edge_listen, "0.0.0.0:0"));
    assert_true(allows(CONF_edge_listen, "[::]:65535, localhost:80"));
    const char *refused[] = {"8080",         ":8080", "0.0.0.0",      "0.0.0.0:65536",
                             "0.0.0.0:-1",   "[::]",  "::1:80",       "[::1:80",
                             "[1.2.3.4]:80", "[]:80", "a/b:80",       "a:80 b",
                             "a:80,,b:81;",  ",",     "h\xc3\xa9:80", "0.0.0.0:"};
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        assert_false(allows(CONF_api_listen, refused[i]));
    }
}

static void networks_are_looked_at_one_by_one(void **state) {
    (void)state;
    assert_true(allows(CONF_edge_trusted_proxies, "10.0.0.0/8, 192.0.2.1 2001:db8::/32"));
    assert_false(allows(CONF_edge_trusted_proxies, "10.0.0.0/8 10.0.0.0/33"));
    struct buf list;
    buf_init(&list, 4096);
    for (size_t i = 0; i < CIDR_LIST_MAX; i++) {
        buf_append(&list, SLICE("10.0.0.0/8 "));
    }
    uint64_t ignored;
    assert_true(allows_slice(CONF_edge_trusted_proxies, buf_slice(&list), &ignored));
    buf_append(&list, SLICE("::1"));
    assert_false(allows_slice(CONF_edge_trusted_proxies, buf_slice(&list), &ignored));
    buf_fini(&list);
}

/* The same lists as link/hosts.h. */
static void hosts_are_names_and_all_below_them(void **state) {
    (void)state;
    static const char *const good[] = {"example.mx", "*.example.mx,a.b\tlocalhost 10.0.0.1", " "};
    static const char *const bad[] = {"https://a.mx", "a.mx/",  "a.mx:443", "*",
                                      "*.",           "a.*.mx", "a..mx",    ".mx",
                                      "a.mx.",        "a_b.mx", "[::1]",    "a;b"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_true(allows(CONF_links_allowed_hosts, good[i]));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(allows(CONF_links_allowed_hosts, bad[i]));
    }
    struct buf list;
    buf_init(&list, 4096);
    for (size_t i = 0; i < 128; i++) {
        buf_append(&list, SLICE("a.mx "));
    }
    uint64_t ignored;
    assert_true(allows_slice(CONF_links_allowed_hosts, buf_slice(&list), &ignored));
    buf_append(&list, SLICE("b.mx"));
    assert_false(allows_slice(CONF_links_allowed_hosts, buf_slice(&list), &ignored));
    buf_fini(&list);
}

static void paths_hold_no_control_characters(void **state) {
    (void)state;
    assert_true(allows(CONF_data_dir, "/srv/m\xc3\xa9xico; a # b"));
    assert_false(allows(CONF_data_dir, "/srv/\x1b[31m"));
    assert_false(allows(CONF_data_dir, "/srv/\x7f"));
}

static void an_unknown_queue_is_refused_with_those_there_are(void **state) {
    (void)state;
    struct conf_source source = {0};
    struct err err = {0};
    assert_null(conf_read_text(SLICE("[queue]\nkind = rabbit\n"), "test.conf", &source, &err));
    assert_string_equal(err.text, "test.conf:2: queue.kind: \"rabbit\" is not allowed; allowed: "
                                  "one of redis, kafka, none");
    assert_true(allows(CONF_queue_kind, "kafka"));
    assert_true(allows(CONF_queue_kafka_brokers, "kafka-1:9092, [2001:db8::1]:9093"));
    assert_false(allows(CONF_queue_kafka_brokers, "kafka-1"));
    assert_false(allows(CONF_queue_kafka_topic, "clicks.mx"));
}

static void addresses_are_handed_out_one_by_one(void **state) {
    (void)state;
    struct slice rest = SLICE(" 0.0.0.0:80,[2001:db8::1]:0  go.example.mx:65535 ");
    struct conf_address address;
    assert_true(conf_next_address(&rest, &address));
    assert_string_equal(address.host, "0.0.0.0");
    assert_int_equal(address.port, 80);
    assert_true(conf_next_address(&rest, &address));
    assert_string_equal(address.host, "2001:db8::1");
    assert_int_equal(address.port, 0);
    assert_true(conf_next_address(&rest, &address));
    assert_string_equal(address.host, "go.example.mx");
    assert_int_equal(address.port, 65535);
    assert_false(conf_next_address(&rest, &address));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_held_to_its_range),
        cmocka_unit_test(every_text_is_held_to_its_bytes),
        cmocka_unit_test(only_what_has_a_minimum_of_nothing_may_be_empty),
        cmocka_unit_test(choices_are_read_as_an_index_or_as_bits),
        cmocka_unit_test(names_prefixes_and_zones_keep_to_their_characters),
        cmocka_unit_test(urls_keep_to_their_schemes_and_characters),
        cmocka_unit_test(addresses_need_host_and_port),
        cmocka_unit_test(networks_are_looked_at_one_by_one),
        cmocka_unit_test(hosts_are_names_and_all_below_them),
        cmocka_unit_test(paths_hold_no_control_characters),
        cmocka_unit_test(an_unknown_queue_is_refused_with_those_there_are),
        cmocka_unit_test(addresses_are_handed_out_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
