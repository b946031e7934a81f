/*
 * The list of allowed hosts, and the ways around it that there are not.
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
#include "link/campaign.h"
#include "link/hosts.h"
#include "link/template.h"

static bool checks(const char *list) {
    struct err err = {""};
    bool is_good = hosts_check(slice_of(list), &err);
    assert_int_equal(is_good, err.text[0] == '\0');
    assert_int_equal(hosts_check(slice_of(list), NULL), is_good);
    return is_good;
}

static void a_list_is_hosts(void **state) {
    (void)state;
    assert_true(checks(""));
    assert_true(checks(" , \t"));
    assert_true(checks("example.mx"));
    assert_true(checks("example.mx,*.example.mx\tx.mx LOCALHOST 10.0.0.1 xn--mxico-bsa.mx"));
    static const char *const bad[] = {
        "https://example.mx", "example.mx/", "example.mx:443", "*",         "*.",
        "*example.mx",        "a.*.mx",      "example..mx",    ".mx",       "example.mx.",
        "ex\xC3\xA9.mx",      "a_b.mx",      "[::1]",          "a.mx;b.mx",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (checks(bad[i])) {
            fail_msg("%s", bad[i]);
        }
    }
}

static void a_list_is_bounded(void **state) {
    (void)state;
    char list[HOSTS_BYTES_MAX + 2] = "";
    memset(list, ' ', HOSTS_BYTES_MAX);
    assert_true(checks(list));
    list[HOSTS_BYTES_MAX] = ' ';
    assert_false(checks(list));
    struct buf words = buf_over(list, sizeof(list) - 1);
    for (int i = 0; i < HOSTS_MAX; i++) {
        buf_append(&words, SLICE("a.mx "));
    }
    list[words.size] = '\0';
    assert_true(checks(list));
    buf_append(&words, SLICE("b.mx"));
    list[words.size] = '\0';
    assert_false(checks(list));
    char label[70] = "";
    memset(label, 'a', 63);
    assert_true(checks(label));
    label[63] = 'a';
    assert_false(checks(label));
}

static bool allows(const char *list, const char *url) {
    struct err err = {""};
    assert_true(template_check(slice_of(url), SLICE("*"), NULL));
    bool is_allowed = hosts_allow(slice_of(list), slice_of(url), &err);
    assert_int_equal(is_allowed, err.text[0] == '\0');
    assert_int_equal(hosts_allow(slice_of(list), slice_of(url), NULL), is_allowed);
    return is_allowed;
}

static void only_what_is_listed_is_allowed(void **state) {
    (void)state;
    static const struct {
        const char *list;
        const char *url;
        bool is_allowed;
    } cases[] = {
        {"", "https://any.com/", true},
        {" , ", "https://any.com/", true},
        {"example.mx", "https://example.mx/", true},
        {"example.mx", "HTTPS://EXAMPLE.mx", true},
        {"EXAMPLE.MX", "https://example.mx:8443?c={code}", true},
        {"example.mx", "https://example.mx#x", true},
        {"example.mx", "https://www.example.mx/", false},
        {"example.mx", "https://example.mx.evil.com/", false},
        {"example.mx", "https://evil.com/example.mx", false},
        {"example.mx", "https://evil.com?https://example.mx/", false},
        {"example.mx", "https://evil.com#example.mx", false},
        {"example.mx", "https://notexample.mx/", false},
        {"example.mx", "http://evil.com/", false},
        {"*.example.mx", "https://a.example.mx/", true},
        {"*.example.mx", "https://a.b.Example.mx/", true},
        {"*.example.mx", "https://example.mx/", false},
        {"*.example.mx", "https://aexample.mx/", false},
        {"a.mx, b.mx\t*.c.mx", "https://b.mx/", true},
        {"a.mx, b.mx\t*.c.mx", "https://x.c.mx/", true},
        {"a.mx, b.mx\t*.c.mx", "https://d.mx/", false},
        {"10.0.0.1", "https://10.0.0.1:80/", true},
        {"example.mx", "https://[::1]/", false},
        {"example.mx", "bank://evil.com/", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (allows(cases[i].list, cases[i].url) != cases[i].is_allowed) {
            fail_msg("%s in %s", cases[i].url, cases[i].list);
        }
    }
}

/* A browser goes to the web from it when there is no app. */
static void an_intent_is_no_way_around(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool is_allowed;
    } cases[] = {
        {"intent://open/x#Intent;scheme=bank;package=mx.app;end", true},
        {"intent://example.mx/#Intent;scheme=https;end", true},
        {"intent://evil.com/#Intent;scheme=https;end", false},
        {"intent://evil.com/#Intent;scheme=http;end", false},
        {"intent://evil.com/#Intent;Scheme=HTTPS;end", false},
        {"intent://open/#Intent;scheme=bank;S.browser_fallback_url=https%3A%2F%2Fexample.mx%2F;end",
         true},
        {"intent://open/#Intent;scheme=bank;S.browser_fallback_url=https%3A%2F%2Fevil.com%2F;end",
         false},
        {"intent://open/#Intent;S.browser_fallback_url=http%3A%2F%2Fexample.mx%2F;end", false},
        {"intent://open/#Intent;S.browser_fallback_url=nonsense;end", false},
        {"intent://open/#Intent;S.browser_fallback_url=;end", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (allows("example.mx", cases[i].url) != cases[i].is_allowed) {
            fail_msg("%s", cases[i].url);
        }
    }
}

/* Android decodes names and values, and takes older forms, too. */
static void an_intents_encoding_is_no_way_around_the_list(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool is_allowed;
    } cases[] = {
        {"intent://evil.com/#Intent;scheme=%68ttps;end", false},
        {"intent://evil.com/#Intent;%73cheme=https;end", false},
        {"intent://evil.com/#Intent;scheme={code};end", false},
        {"intent://evil.com/#Intent;{code}=https;end", false},
        {"intent://evil.com/#Intent;scheme=;end", false},
        {"intent://open/#Intent;scheme=https%3A%2F%2Fevil.com%2F;end", false},
        {"intent://open/#Intent;scheme=%7Bcode%7D;end", false},
        {"intent://evil.com/#Intent;SEL;scheme=https;end", false},
        {"intent://evil.com/#Intent;end;scheme=https", false},
        {"intent://open/#Intent;S.browser%5Ffallback_url=https%3A%2F%2Fevil.com;end", false},
        {"intent://open/#Intent;S.browser_fallback_{code}=https%3A%2F%2Fevil.com;end", false},
        {"intent://open/#Intent;S%2Ebrowser_fallback_url=https%3A%2F%2Fevil.com;end", false},
        {"intent://open/#Intent;S.browser_fallback_url={owner};end", false},
        {"intent://open/#Intent;S.browser_fallback_url=https%3A%2F%2Fexample.mx{code};end", false},
        {"intent://open/#Intent;S.browser_fallback_url=https%3A%2F%2Fexample.mx%40evil.com;end",
         false},
        {"intent://open/#Intent;S.browser_fallback_url=https%3A%5C%5Cevil.com;end", false},
        {"intent://open/#{code};S.browser_fallback_url=https%3A%2F%2Fevil.com;end", false},
        {"intent://open/#extras(Sbrowser_fallback_url=https%3A%2F%2Fevil.com)", false},
        {"intent://open/#intent;scheme=https;end", false},
        {"intent://open/x", true},
        {"intent://EXAMPLE.mx/#Intent;scheme=%68ttps;package=mx.app;end", true},
        {"intent://open/#Intent;scheme=b%61nk;S.code={code};S.owner={owner};end", true},
        {"intent://open/#Intent;S.browser%5Ffallback_url=https%3A%2F%2Fexample.mx%2F{code};end",
         true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (allows("example.mx", cases[i].url) != cases[i].is_allowed) {
            fail_msg("%s", cases[i].url);
        }
        assert_true(allows("", cases[i].url)); /* without a list it is nobody's business */
    }
}

/* Whatever stands in Redis, an edge goes nowhere else; what brinco makes itself is not bound. */
static void links_and_campaigns_are_bound_when_they_are_read(void **state) {
    (void)state;
    const struct slice hosts = SLICE("example.mx");
    const struct slice elsewhere = SLICE("https://evil.com/{code}");
    const struct slice link_values[LINK_FIELD_COUNT] = {[LINK_FIELD_URL] = elsewhere};
    struct link *link = link_create(link_values, hosts);
    assert_int_equal(link_faults(link), 1U << LINK_FIELD_URL);
    assert_int_equal(link_template(link).size, 0);
    link_destroy(&link);
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_ANDROID] = elsewhere,
        [CAMPAIGN_FIELD_WEB] = SLICE("https://example.mx/"),
        [CAMPAIGN_FIELD_FALLBACK] = elsewhere,
        [CAMPAIGN_FIELD_DESKTOP] = elsewhere,
        [CAMPAIGN_FIELD_RULES] = SLICE("[{\"to\":\"https://evil.com/\"}]"),
        [CAMPAIGN_FIELD_OG_IMAGE] = SLICE("https://cdn.evil.com/a.jpg"),
        [CAMPAIGN_FIELD_ANDROID_PACKAGE] = SLICE("mx.example.app"),
        [CAMPAIGN_FIELD_IOS_APP_ID] = SLICE("123456789"),
    };
    struct campaign *campaign = campaign_create(SLICE("c"), values, hosts);
    assert_int_equal(campaign->faults,
                     1U << CAMPAIGN_FIELD_ANDROID | 1U << CAMPAIGN_FIELD_FALLBACK |
                         1U << CAMPAIGN_FIELD_DESKTOP | 1U << CAMPAIGN_FIELD_RULES);
    assert_null(campaign->rules);
    assert_int_equal(campaign->desktop, CAMPAIGN_DESKTOP_WEB);
    assert_int_equal(template_compiled_store(campaign->template[CAMPAIGN_FIELD_ANDROID]),
                     TEMPLATE_GOOGLE_PLAY);
    assert_int_equal(template_compiled_store(campaign->template[CAMPAIGN_FIELD_IOS]),
                     TEMPLATE_APP_STORE);
    assert_true(campaign->template[CAMPAIGN_FIELD_WEB].size > 0);
    campaign_destroy(&campaign);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_hosts),
        cmocka_unit_test(a_list_is_bounded),
        cmocka_unit_test(only_what_is_listed_is_allowed),
        cmocka_unit_test(an_intent_is_no_way_around),
        cmocka_unit_test(an_intents_encoding_is_no_way_around_the_list),
        cmocka_unit_test(links_and_campaigns_are_bound_when_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
