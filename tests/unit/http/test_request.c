/*
 * Decoding, queries, referrers, languages and forwarded addresses.
 */
#include "exact.h"

#include "base/defs.h"
#include "http/request.h"

static void test_percent_decoding(void **state) {
    (void)state;
    static const struct {
        struct slice encoded;
        struct slice decoded;
    } cases[] = {
        {SLICE(""), SLICE("")},
        {SLICE("AB12-_"), SLICE("AB12-_")},
        {SLICE("a+b"), SLICE("a+b")},
        {SLICE("%41%6a%6A"), SLICE("Ajj")},
        {SLICE("%2f%2F%00%0d%0A%ff"), SLICE("//\0\r\n\xff")},
        {SLICE("%2541"), SLICE("%41")},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[16];
        size_t size = http_percent_decode(cases[i].encoded, out, sizeof out);
        assert_true(slice_equal(slice_make(out, size), cases[i].decoded));
    }
}

/* Copies by words: any length, the percent sign at any place, in place as well. */
static void test_a_percent_sign_is_found_wherever_it_stands(void **state) {
    (void)state;
    for (size_t size = 0; size <= 40; size++) {
        for (size_t at = 0; at + 3 <= size + 3; at++) {
            char text[64];
            memset(text, 'a', sizeof text);
            bool escaped = at + 3 <= size;
            memcpy(text + (escaped ? at : size), "%62", 3);
            char *copy = exact_copy(slice_make(text, size));
            char out[64];
            size_t expected = escaped ? size - 2 : size;
            assert_int_equal(http_percent_decode(slice_make(copy, size), out, size), expected);
            assert_int_equal(http_percent_decode(slice_make(copy, size), copy, size), expected);
            for (size_t i = 0; i < expected; i++) {
                assert_int_equal(out[i], escaped && i == at ? 'b' : 'a');
                assert_int_equal(copy[i], out[i]);
            }
            free(copy);
        }
    }
}

static void test_malformed_percent_sequences_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"%", "a%", "%4", "%4g", "%g4", "%%41", "% 41", "%-1"};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[16];
        char *copy = exact_copy(slice_of(cases[i]));
        struct slice s = slice_make(copy, strlen(cases[i]));
        assert_int_equal(http_percent_decode(s, out, sizeof out), SIZE_MAX);
        free(copy);
    }
}

static void test_decoding_stops_at_the_capacity(void **state) {
    (void)state;
    char out[3];
    assert_int_equal(http_percent_decode(SLICE("a%62c"), out, sizeof out), 3);
    assert_memory_equal(out, "abc", 3);
    assert_int_equal(http_percent_decode(SLICE("a%62cd"), out, sizeof out), SIZE_MAX);
    assert_int_equal(http_percent_decode(SLICE(""), out, 0), 0);
    assert_int_equal(http_percent_decode(SLICE("a"), out, 0), SIZE_MAX);
}

static void test_query_parameters(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *value; /* of "s"; NULL: none */
    } cases[] = {
        {"s=wa", "wa"},    {"a=1&s=wa&s=fb", "wa"},
        {"s", ""},         {"s=", ""},
        {"s=&s=x", ""},    {"a&s=x=y", "x=y"},
        {"&&s=x&", "x"},   {"s=a%20b+c", "a%20b+c"},
        {"", NULL},        {"&", NULL},
        {"S=x", NULL},     {"ss=x", NULL},
        {"%73=x", NULL},   {"a=s", NULL},
        {"a=1;s=x", NULL}, {"=s", NULL},
        {"s%3Dx", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice value = SLICE("untouched");
        bool found = http_query_find(slice_of(cases[i].query), SLICE("s"), &value);
        assert_int_equal(found, cases[i].value != NULL);
        assert_slice(value, found ? cases[i].value : "untouched");
    }
}

static void test_referer_hosts(void **state) {
    (void)state;
    static const struct {
        const char *referer;
        const char *host;
    } cases[] = {
        {"https://l.facebook.com/l.php?u=x", "l.facebook.com"},
        {"http://M.Example.COM", "m.example.com"},
        {"HTTPS://example.com:8443/a", "example.com"},
        {"https://example.com:/a", "example.com"},
        {"https://example.com?q", "example.com"},
        {"https://example.com#f", "example.com"},
        {"https://user:pass@example.com/", "example.com"},
        {"https://a@b@example.com/", "example.com"},
        {"https://192.0.2.1/", "192.0.2.1"},
        {"https://xn--maana-pta.example/", "xn--maana-pta.example"},
        {"android-app://com.whatsapp/", "com.whatsapp"},
        {"android-app://com.google.android.gm", "com.google.android.gm"},
        {"https://example.com/path@x", "example.com"},
        {"", ""},
        {"example.com", ""},
        {"/local", ""},
        {"//example.com/", ""},
        {"ftp://example.com/", ""},
        {"about:blank", ""},
        {"https:/example.com/", ""},
        {"https://", ""},
        {"https:///a", ""},
        {"https://:80/", ""},
        {"https://user@/", ""},
        {"https://example.com:x/", ""},
        {"https://example.com:65536/", ""},
        {"https://[2001:db8::1]/", ""},
        {"https://exa mple.com/", ""},
        {"https://exam_ple.com/", ""},
        {"https://ex%61mple.com/", ""},
        {"https://ma\xc3\xb1"
         "ana.example/",
         ""},
        {"https://a\\b/", ""},
        {"https://a\tb/", ""},
        {"https://.../", ""},
        {"https://-a/", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[256];
        size_t size = http_referer_host(slice_of(cases[i].referer), out, sizeof out);
        assert_slice(slice_make(out, size), cases[i].host);
    }
}

static void test_a_referer_host_has_at_most_253_characters(void **state) {
    (void)state;
    char referer[8 + 254];
    char out[300];
    memset(referer, 'a', sizeof referer);
    memcpy(referer, "https://", 8);
    assert_int_equal(http_referer_host(slice_make(referer, 8 + 253), out, sizeof out), 253);
    assert_int_equal(http_referer_host(slice_make(referer, 8 + 254), out, sizeof out), 0);
    assert_int_equal(http_referer_host(slice_make(referer, 8 + 20), out, 20), 20);
    assert_int_equal(http_referer_host(slice_make(referer, 8 + 21), out, 20), 0);
}

static void test_preferred_languages(void **state) {
    (void)state;
    static const struct {
        const char *field;
        const char *language;
    } cases[] = {
        {"es-MX,es;q=0.9,en;q=0.8", "es-MX"},
        {"en;q=0.8,es-mx", "es-MX"},
        {"EN-us", "en-US"},
        {"es-419,es;q=0.9", "es-419"},
        {"zh-Hans-CN", "zh-CN"},
        {"zh-yue-HK", "zh-HK"},
        {"sr-Latn", "sr"},
        {"de-1996", "de"},
        {"de-CH-1996", "de-CH"},
        {"sl-rozaj-IT", "sl"},
        {"en-x-US", "en"},
        {"en-US-GB", "en-US"},
        {"es,en-US", "es"},
        {"es-41", "es"},
        {"es-41a,en", "es"},
        {"e1-MX,en", "en"},
        {"es-M1,en", "es"},
        {"es-\xcd\xd8,en", "en"},
        {"@s-MX,en", "en"},
        {"es-MX;q=0.5,en;q=0.6", "en"},
        {"es-419;q=0.5,en;q=0.6", "en"},
        {"es-419-MX", "es-419"},
        {"nah", "nah"},
        {"fr;q=0.5, de;q=0.5", "fr"},
        {"fr;q=0.499 , de;q=0.5", "de"},
        {"fr ; Q=0.2\t,\tde;q=0.3", "de"},
        {"fr;q=1.000,de", "fr"},
        {"fr;q=0.,de;q=0.001", "de"},
        {"*", ""},
        {"*,es;q=0.1", "es"},
        {"es;q=0", ""},
        {"es;q=0.000,en;q=0", ""},
        {"", ""},
        {",,", ""},
        {" , es", "es"},
        /* Malformed elements are left out, the others stay. */
        {"es;q=2,en;q=0.1", "en"},
        {"es;q=1.001,en;q=0.1", "en"},
        {"es;q=0.1234,en;q=0.1", "en"},
        {"es;q=,en;q=0.1", "en"},
        {"es;,en;q=0.1", "en"},
        {"es;q=.5,en;q=0.1", "en"},
        {"es;q=0.5;x=1,en;q=0.1", "en"},
        {"es;level=1,en;q=0.1", "en"},
        {"es q=1,en;q=0.1", "en"},
        {"es_MX,en;q=0.1", "en"},
        {"es-,en;q=0.1", "en"},
        {"es--MX,en;q=0.1", "en"},
        {"es-m!x,en;q=0.1", "en"},
        {"es-MX-toolongsubtag,en;q=0.1", "en"},
        {"e,english,3s,en;q=0.1", "en"},
        {"\xc3\xb1,en;q=0.1", "en"},
        {"../../etc", ""},
        {"i-klingon", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[16];
        struct slice field = slice_of(cases[i].field);
        size_t size = http_preferred_language(field, out, sizeof out);
        if (!slice_equal(slice_make(out, size), slice_of(cases[i].language))) {
            fail_msg("%s: %.*s", cases[i].field, (int)size, out);
        }
    }
}

static void test_a_language_must_fit(void **state) {
    (void)state;
    char out[6];
    assert_int_equal(http_preferred_language(SLICE("es-MX"), out, 5), 5);
    assert_int_equal(http_preferred_language(SLICE("es-419"), out, 5), 0);
    assert_int_equal(http_preferred_language(SLICE("es-419"), out, 6), 6);
}

static void test_only_256_bytes_of_languages_are_looked_at(void **state) {
    (void)state;
    char out[16];
    char field[300];
    memset(field, ',', sizeof field);
    memcpy(field, "en;q=0.1", 8);
    memcpy(field + 250, ",es-MX", 6);
    assert_int_equal(http_preferred_language(slice_make(field, 256), out, sizeof out), 5);
    assert_memory_equal(out, "es-MX", 5);
    /* Cut after its language, the region would be lost: the whole element is. */
    memset(field + 250, ',', 50);
    memcpy(field + 254, "es-MX", 5);
    assert_int_equal(http_preferred_language(slice_make(field, 300), out, sizeof out), 2);
    assert_memory_equal(out, "en", 2);
    memset(field, 'a', sizeof field);
    assert_int_equal(http_preferred_language(slice_make(field, 300), out, sizeof out), 0);
}

static void test_the_weights_of_languages(void **state) {
    (void)state;
    static const struct {
        const char *field;
        unsigned spanish;
    } rows[] = {
        {"", 0},
        {"es", 1000},
        {"es-MX,es;q=0.9", 1000},
        {"fr,ES-mx;q=0.25", 250},
        {"es;q=0.1, es-419;q=0.125", 125},
        {"en", 0},
        {"*", 1000},
        {"en, *;q=0.5", 500},
        {"es;q=0, *", 0}, /* named: what is said of all others is not for it */
        {"*;q=x", 0},
        {"est", 0},
        {"es;q=1.001", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(http_language_weight(slice_of(rows[i].field), SLICE("es")),
                         rows[i].spanish);
    }
}

/* Trusts addresses that begin like the argument. */
static bool trusts_prefix(struct slice address, const void *argument) {
    return slice_starts_with(address, slice_of(argument));
}

static void test_forwarded_clients(void **state) {
    (void)state;
    static const struct {
        const char *field;
        const char *client; /* NULL: refused */
    } cases[] = {
        {"203.0.113.7", "203.0.113.7"},
        {"203.0.113.7, 10.0.0.1", "203.0.113.7"},
        {"198.51.100.1, 203.0.113.7, 10.0.0.1,10.0.0.2", "203.0.113.7"},
        {"10.0.0.3, 10.0.0.2, 10.0.0.1", "10.0.0.3"},
        {"10.0.0.3, 203.0.113.7", "203.0.113.7"},
        {" 203.0.113.7:4711\t, 10.0.0.1:80", "203.0.113.7"},
        {"2001:db8::7, 10.0.0.1", "2001:db8::7"},
        {"[2001:db8::7], 10.0.0.1", "2001:db8::7"},
        {"[2001:db8::7]:443, 10.0.0.1", "2001:db8::7"},
        {"::ffff:203.0.113.7", "::ffff:203.0.113.7"},
        {"", NULL},
        {" ", NULL},
        {",", NULL},
        {"203.0.113.7,", NULL},
        {",203.0.113.7", NULL},
        {"unknown", NULL},
        {"_hidden, 203.0.113.7", NULL},
        {"203.0.113.7, junk", NULL},
        {"junk, 203.0.113.7", NULL},
        {"203.0.113", NULL},
        {"203.0.113.256", NULL},
        {"203.0.113.7:99999", NULL},
        {"203.0.113.7:x", NULL},
        {"203.0.113.7 10.0.0.1", NULL},
        {"[203.0.113.7]", NULL},
        {"[2001:db8::7", NULL},
        {"2001:db8::7]", NULL},
        {"[]", NULL},
        {"[", NULL},
        {"[2001:db8::7]443", NULL},
        {"[2001:db8::7]:x", NULL},
        {"fe80::1%eth0", NULL},
        {"\"203.0.113.7\"", NULL},
        {"for=203.0.113.7", NULL},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice client = SLICE_EMPTY;
        bool found = http_forwarded_client(slice_of(cases[i].field), trusts_prefix, "10.", &client);
        if (found != (cases[i].client != NULL)) {
            fail_msg("%s: %s", cases[i].field, found ? "accepted" : "refused");
        }
        if (found) {
            assert_slice(client, cases[i].client);
        }
    }
}

static void test_a_nul_does_not_end_an_address(void **state) {
    (void)state;
    struct slice client;
    assert_false(http_forwarded_client(SLICE("203.0.113.7\0x"), trusts_prefix, "10.", &client));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percent_decoding),
        cmocka_unit_test(test_a_percent_sign_is_found_wherever_it_stands),
        cmocka_unit_test(test_malformed_percent_sequences_are_refused),
        cmocka_unit_test(test_decoding_stops_at_the_capacity),
        cmocka_unit_test(test_query_parameters),
        cmocka_unit_test(test_referer_hosts),
        cmocka_unit_test(test_a_referer_host_has_at_most_253_characters),
        cmocka_unit_test(test_preferred_languages),
        cmocka_unit_test(test_a_language_must_fit),
        cmocka_unit_test(test_only_256_bytes_of_languages_are_looked_at),
        cmocka_unit_test(test_the_weights_of_languages),
        cmocka_unit_test(test_forwarded_clients),
        cmocka_unit_test(test_a_nul_does_not_end_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
