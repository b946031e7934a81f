/*
 * Templates: what the check refuses, and why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/err.h"
#include "link/code.h"
#include "link/template.h"

static void assert_passes(const char *text, const char *schemes) {
    struct err err = {{0}};
    if (!template_check(slice_of(text), slice_of(schemes), &err)) {
        fail_msg("refused: %s: %s", text, err.text);
    }
}

static void assert_refused(struct slice text, const char *schemes, const char *because) {
    struct err err = {{0}};
    if (template_check(text, slice_of(schemes), &err)) {
        fail_msg("passed: %.*s", SLICE_ARG(text));
    }
    if (strstr(err.text, because) == NULL) {
        fail_msg("%.*s: the sentence \"%s\" does not say \"%s\"", SLICE_ARG(text), err.text,
                 because);
    }
    assert_null(strchr(err.text, '\n'));
    assert_false(template_check(text, slice_of(schemes), NULL));
}

static void usual_urls_pass(void **state) {
    (void)state;
    assert_passes(
        "https://play.google.com/store/apps/details?id=mx.example.app&referrer={referrer}", "");
    assert_passes("https://apps.apple.com/app/apple-store/id123456?pt=1&ct={campaign}&mt=8", "");
    assert_passes("https://example.mx", "");
    assert_passes("https://example.mx:8443/a/b;c=1,2/@x:y?q=%C3%B1&z='(!*~)'#frag?/{code}", "");
    assert_passes("HTTPS://EXAMPLE.mx/", "");
    assert_passes("https://[2001:db8::1]/", "");
    assert_passes("https://[::1]:65535?x", "");
    assert_passes("https://192.0.2.7#x", "");
    assert_passes("https://xn--maana-pta.example/", "");
}

static void schemes_of_the_campaign_pass(void **state) {
    (void)state;
    assert_passes("bank://invite?c={code}", "bank");
    assert_passes("bank://invite_friend/?c={code}", "market  Bank");
    assert_passes("market://details?id=mx.example.app&referrer={referrer}", "market");
    assert_passes("intent://scan/#Intent;scheme=bank;package=mx.example.app;end", "intent");
    assert_passes("http://example.mx/", "http");
    assert_passes("com.example.app+x-1://open/", "*");
}

static void schemes_that_nobody_listed_are_refused(void **state) {
    (void)state;
    assert_refused(SLICE("http://example.mx/"), "", "the scheme http is not allowed");
    assert_refused(SLICE("bank://invite"), "", "lists in its field schemes");
    assert_refused(SLICE("bank://invite"), "banks ban", "not allowed");
    assert_refused(SLICE("bank://invite"), "* market", "not allowed");
    assert_refused(SLICE("//example.mx/"), "*", "does not begin with a scheme");
    assert_refused(SLICE("example.mx/"), "*", "does not begin with a scheme");
    assert_refused(SLICE(" https://example.mx/"), "*", "does not begin with a scheme");
    assert_refused(SLICE("1bank://x/"), "*", "does not begin with a scheme");
    assert_refused(SLICE("b{code}://x/"), "*", "does not begin with a scheme");
    assert_refused(SLICE("https"), "*", "does not begin with a scheme");
    assert_refused(SLICE(":"), "*", "does not begin with a scheme");
    assert_refused(SLICE_EMPTY, "*", "empty");
}

static void dangerous_schemes_are_refused_even_when_listed(void **state) {
    (void)state;
    static const char *const schemes[] = {
        "javascript", "data", "vbscript", "file",   "blob",     "about", "content", "view-source",
        "filesystem", "jar",  "mhtml",    "chrome", "resource", "ws",    "wss",     "JavaScript",
    };
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        char url[64];
        (void)snprintf(url, sizeof(url), "%s://host/", schemes[i]);
        assert_refused(slice_of(url), "*", "never allowed");
        assert_refused(slice_of(url), schemes[i], "never allowed");
        assert_false(template_scheme_is_allowed(slice_of(url), slice_of(schemes[i])));
    }
    assert_refused(SLICE("javascript:alert(1)"), "*", "never allowed");
}

static void a_host_is_needed_and_is_a_host(void **state) {
    (void)state;
    assert_refused(SLICE("https:/example.mx"), "", "followed by //");
    assert_refused(SLICE("https:example.mx"), "", "followed by //");
    assert_refused(SLICE("https://"), "", "host is missing");
    assert_refused(SLICE("https:///path"), "", "host is missing");
    assert_refused(SLICE("https://?x"), "", "host is missing");
    assert_refused(SLICE("https://:443/"), "", "host is missing");
    assert_refused(SLICE("https://a..b/"), "", "empty");
    assert_refused(SLICE("https://.a/"), "", "empty");
    assert_refused(SLICE("https://a./"), "", "ends with a dot");
    assert_refused(SLICE("https://a_b.mx/"), "", "byte 0x5F");
    assert_refused(SLICE("https://a%41.mx/"), "", "byte 0x25");
    assert_refused(SLICE("https://a\\.mx/"), "", "byte 0x5C");
    assert_refused(SLICE("https://\xC3\xB1.mx/"), "", "byte 0xC3");
    assert_refused(SLICE("https://a\0b/"), "", "byte 0x00");
    assert_refused(SLICE("https://user@example.mx/"), "", "user information");
    assert_refused(SLICE("https://user:pw@example.mx/"), "", "user information");
    assert_refused(SLICE("https://example.mx:443@evil.example/"), "", "user information");
    assert_refused(SLICE("https://{code}.example.mx/"), "", "nor a placeholder");
    assert_refused(SLICE("https://example.mx{code}/"), "", "nor a placeholder");
    assert_refused(SLICE("bank://{code}"), "bank", "nor a placeholder");
}

static void names_are_at_most_253_and_labels_63(void **state) {
    (void)state;
    char url[400] = "https://";
    size_t size = strlen(url);
    for (int i = 0; i < 3; i++) {
        memset(url + size, 'a', 63);
        url[size + 63] = '.';
        size += 64;
    }
    memset(url + size, 'b', 61);
    assert_passes(url, ""); /* 3 * 64 + 61 = 253 */
    url[size + 61] = 'b';
    assert_refused(slice_of(url), "", "longer than 253");
    assert_refused(SLICE("https://"
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.mx/"),
                   "", "longer than 63");
}

static void ports_are_1_to_65535(void **state) {
    (void)state;
    assert_passes("https://a:1", "");
    assert_passes("https://a:65535/", "");
    assert_refused(SLICE("https://a:0/"), "", "port");
    assert_refused(SLICE("https://a:65536/"), "", "port");
    assert_refused(SLICE("https://a:/"), "", "port");
    assert_refused(SLICE("https://a:+1/"), "", "port");
    assert_refused(SLICE("https://a:000001/"), "", "port");
    assert_refused(SLICE("https://a:1:2/"), "", "port");
    assert_refused(SLICE("https://a:{code}/"), "", "nor a placeholder");
}

static void brackets_hold_an_ipv6_address(void **state) {
    (void)state;
    assert_refused(SLICE("https://[::1/"), "", "has no ]");
    assert_refused(SLICE("https://[]/"), "", "not an IPv6 address");
    assert_refused(SLICE("https://[192.0.2.1]/"), "", "not an IPv6 address");
    assert_refused(SLICE("https://[fe80::1%25eth0]/"), "", "not an IPv6 address");
    assert_refused(SLICE("https://[::1\0]/"), "", "not an IPv6 address");
    assert_refused(SLICE("https://[::1]x/"), "", "follow the ]");
    assert_refused(SLICE("https://[11111111111111111111111111111111111111111111111111111]/"), "",
                   "not an IPv6 address");
    assert_refused(SLICE("https://user@[::1]/"), "", "user information");
}

static void bytes_that_no_url_has_are_refused(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char url[] = "https://a/x?y";
        url[10] = (char)byte;
        bool expected = byte > 0x20 && byte < 0x7F && strchr("\"<>\\^`{|}%[]", byte) == NULL;
        struct slice text = slice_make(url, sizeof(url) - 1);
        assert_int_equal(template_check(text, SLICE_EMPTY, NULL), expected);
    }
    assert_refused(SLICE("https://a/b c"), "", "byte 0x20 at byte 12; write %20");
    assert_refused(SLICE("https://a/#b#c"), "", "second #");
}

static void percent_sequences_are_well_formed_and_no_control_bytes(void **state) {
    (void)state;
    assert_passes("https://a/%20%7e%80%ff%250d", "");
    assert_refused(SLICE("https://a/%0d%0aSet-Cookie:x"), "", "encoded control byte");
    assert_refused(SLICE("https://a/%0D"), "", "encoded control byte");
    assert_refused(SLICE("https://a/?x=%00"), "", "encoded control byte");
    assert_refused(SLICE("https://a/#%1F"), "", "encoded control byte");
    assert_refused(SLICE("https://a/%7f"), "", "encoded control byte");
    assert_refused(SLICE("https://a/%"), "", "two hexadecimal digits");
    assert_refused(SLICE("https://a/%4"), "", "two hexadecimal digits");
    assert_refused(SLICE("https://a/%4g"), "", "two hexadecimal digits");
    assert_refused(SLICE("https://a/%{code}"), "", "two hexadecimal digits");
    assert_refused(SLICE("https://a/%2{code}"), "", "two hexadecimal digits");
}

static void placeholders_are_known_and_closed(void **state) {
    (void)state;
    assert_passes("https://a/{code}{campaign}{owner}{click}", "");
    assert_refused(SLICE("https://a/{Code}"), "", "unknown placeholder");
    assert_refused(SLICE("https://a/{codes}"), "", "unknown placeholder");
    assert_refused(SLICE("https://a/{}"), "", "unknown placeholder");
    assert_refused(SLICE("https://a/{{code}}"), "", "unknown placeholder");
    assert_refused(SLICE("https://a/{code"), "", "has no }");
    assert_refused(SLICE("https://a/{"), "", "has no }");
    assert_refused(SLICE("https://a/code}"), "", "has no {");
    assert_refused(SLICE("https://a/{code}}"), "", "has no {");
}

static void templates_are_at_most_2048_bytes(void **state) {
    (void)state;
    char *text = malloc(TEMPLATE_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, 'x', TEMPLATE_BYTES_MAX + 1);
    memcpy(text, "https://a/", 10);
    assert_true(template_check(slice_make(text, TEMPLATE_BYTES_MAX), SLICE_EMPTY, NULL));
    assert_refused(slice_make(text, TEMPLATE_BYTES_MAX + 1), "", "longer than 2048");
    free(text);
}

/* count times {owner}, then padding to size bytes in all. */
static size_t fill(char *text, size_t count, size_t size) {
    size_t at = (size_t)sprintf(text, "https://a/");
    for (size_t i = 0; i < count; i++) {
        at += (size_t)sprintf(text + at, "{owner}");
    }
    memset(text + at, 'x', size - at);
    return size;
}

static void what_could_render_beyond_a_location_is_refused(void **state) {
    (void)state;
    char text[TEMPLATE_BYTES_MAX];
    /* 10 + 10 * 384 bytes and as much padding as makes 4096 */
    size_t size = fill(text, 10, 10 + 10 * 7 + (LOCATION_BYTES_MAX - 10 - 3840));
    assert_true(template_check(slice_make(text, size), SLICE_EMPTY, NULL));
    text[size] = 'x';
    assert_refused(slice_make(text, size + 1), "", "could render to 4097 bytes");
}

static void a_scheme_is_allowed_when_https_or_listed(void **state) {
    (void)state;
    assert_true(template_scheme_is_allowed(SLICE("https://a/"), SLICE_EMPTY));
    assert_true(template_scheme_is_allowed(SLICE("bank://a/"), SLICE("market bank")));
    assert_true(template_scheme_is_allowed(SLICE("BANK://a/"), SLICE("bank")));
    assert_true(template_scheme_is_allowed(SLICE("bank://a/"), SLICE("*")));
    assert_false(template_scheme_is_allowed(SLICE("bank://a/"), SLICE("banker")));
    assert_false(template_scheme_is_allowed(SLICE("bank://a/"), SLICE_EMPTY));
    assert_false(template_scheme_is_allowed(SLICE("nothing"), SLICE("*")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_urls_pass),
        cmocka_unit_test(schemes_of_the_campaign_pass),
        cmocka_unit_test(schemes_that_nobody_listed_are_refused),
        cmocka_unit_test(dangerous_schemes_are_refused_even_when_listed),
        cmocka_unit_test(a_host_is_needed_and_is_a_host),
        cmocka_unit_test(names_are_at_most_253_and_labels_63),
        cmocka_unit_test(ports_are_1_to_65535),
        cmocka_unit_test(brackets_hold_an_ipv6_address),
        cmocka_unit_test(bytes_that_no_url_has_are_refused),
        cmocka_unit_test(percent_sequences_are_well_formed_and_no_control_bytes),
        cmocka_unit_test(placeholders_are_known_and_closed),
        cmocka_unit_test(templates_are_at_most_2048_bytes),
        cmocka_unit_test(what_could_render_beyond_a_location_is_refused),
        cmocka_unit_test(a_scheme_is_allowed_when_https_or_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
