/*
 * The values of pages: languages, addresses, hosts, and texts that are cut at a character.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/defs.h"
#include "link/campaign.h"
#include "page_bind.h"

static void test_spanish_unless_english_is_wanted_more(void **state) {
    (void)state;
    static const char *const spanish[] = {"",
                                          "es",
                                          "es-MX,es;q=0.9,en;q=0.8",
                                          "fr",
                                          "de-DE,fr;q=0.9",
                                          "es,en",
                                          "en;q=0,es",
                                          "*",
                                          "!!",
                                          "en;q=0",
                                          "fr,es;q=0.2,en;q=0.1",
                                          "en;q=2",
                                          "eng",
                                          "*, en;q=0.5"};
    static const char *const english[] = {
        "en",      "en-US",    "EN-gb,en;q=0.8,es;q=0.7", "fr,en;q=0.5",
        "en,es",   "en;q=0.5", "de,*;q=0.1,en;q=0.4",     "es;q=0.3,en;q=0.31",
        "es;q=0,*"};
    for (size_t i = 0; i < ARRAY_COUNT(spanish); i++) {
        assert_false(page_is_english(slice_of(spanish[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(english); i++) {
        assert_true(page_is_english(slice_of(english[i])));
    }
}

static void test_addresses_that_may_be_led_to(void **state) {
    (void)state;
    static const char *const good[] = {
        "https://x.mx/",         "HTTPS://x.mx",
        "http://x.mx",           "intent://d?id=x#Intent;scheme=market;end",
        "market://details?id=x", "mx.example-app+1:go"};
    static const char *const bad[] = {"",
                                      "x",
                                      "//x.mx/",
                                      "/path",
                                      "javascript:alert(1)",
                                      "JavaScript:x",
                                      "java\tscript:x",
                                      " https://x",
                                      "https://x y",
                                      "https://x\x7F",
                                      "data:text/html,x",
                                      "vbscript:x",
                                      "file:///x",
                                      "blob:x",
                                      "tel:1",
                                      "https\xC3\xB1://x",
                                      ":x",
                                      "view-source:https://x.mx"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_true(page_url_is_allowed(slice_of(good[i]), SLICE("market mx.example-app+1")));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(page_url_is_allowed(slice_of(bad[i]), SLICE("market javascript data")));
    }
    assert_false(page_url_is_allowed(SLICE("market:x"), SLICE_EMPTY));
    assert_true(page_url_is_allowed(SLICE("tel:1"), SLICE("*")));
    assert_false(page_url_is_allowed(SLICE("javascript:1"), SLICE("*")));
}

static void test_hosts_that_are_shown(void **state) {
    (void)state;
    char long_host[PAGE_HOST_BYTES_MAX + 1];
    memset(long_host, 'a', sizeof(long_host));
    assert_int_equal(page_host(SLICE("go.example.mx:8080")).size, 18);
    assert_int_equal(page_host(SLICE("[2001:db8::1]:80")).size, 16);
    assert_int_equal(page_host(SLICE("a'b")).size, 0);
    assert_int_equal(page_host(SLICE("a&b")).size, 0);
    assert_int_equal(page_host(SLICE("a%22b")).size, 0);
    assert_int_equal(page_host(slice_make(long_host, PAGE_HOST_BYTES_MAX)).size,
                     PAGE_HOST_BYTES_MAX);
    assert_int_equal(page_host(slice_make(long_host, sizeof(long_host))).size, 0);
}

static struct campaign *campaign_with(const char *title, const char *description,
                                      const char *image) {
    struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_NAME] = SLICE("Spring"),
        [CAMPAIGN_FIELD_OG_TITLE] = slice_of(title),
        [CAMPAIGN_FIELD_OG_DESCRIPTION] = slice_of(description),
        [CAMPAIGN_FIELD_OG_IMAGE] = slice_of(image),
    };
    return campaign_create(SLICE("spring"), values, SLICE_EMPTY);
}

static struct page_bound bind(const struct page_values *values) {
    struct page_bound bound;
    const struct page_context context = {
        .values = values, .host = SLICE("go.example.mx"), .accept_language = SLICE("en")};
    page_bind(&bound, &context);
    return bound;
}

static void assert_value(const struct page_bound *bound, enum page_value value,
                         const char *expected) {
    struct slice is = bound->bindings.value[value];
    assert_int_equal(is.size, strlen(expected));
    assert_memory_equal(is.size > 0 ? is.data : "", expected, is.size);
}

static void test_what_is_known_of_a_link(void **state) {
    (void)state;
    struct campaign *campaign = campaign_with("Ana invites you", "A present.", "https://x.mx/i");
    const struct page_values values = {.code = SLICE("AB12CD"),
                                       .campaign = campaign,
                                       .is_https = true,
                                       .href = SLICE("https://play.google.com/store?a=1"),
                                       .web_href = SLICE("javascript:alert(1)"),
                                       .has_qr = true};
    struct page_bound bound;
    const struct page_context context = {
        .values = &values, .host = SLICE("go.example.mx"), .accept_language = SLICE("en")};
    page_bind(&bound, &context);
    assert_value(&bound, PAGE_VALUE_OF_URL, "https://go.example.mx/AB12CD");
    assert_value(&bound, PAGE_VALUE_OF_LINK, "/AB12CD");
    assert_value(&bound, PAGE_VALUE_OF_QR, "/AB12CD/qr.svg");
    assert_value(&bound, PAGE_VALUE_OF_TITLE, "Ana invites you");
    assert_value(&bound, PAGE_VALUE_OF_CAMPAIGN, "Spring");
    assert_value(&bound, PAGE_VALUE_OF_IMAGE, "https://x.mx/i");
    assert_value(&bound, PAGE_VALUE_OF_STORE, "Google Play");
    assert_value(&bound, PAGE_VALUE_OF_DESTINATION_HOST, "play.google.com");
    assert_value(&bound, PAGE_VALUE_OF_WEB_HREF, "");
    assert_value(&bound, PAGE_VALUE_OF_LANG, "en");
    assert_value(&bound, PAGE_VALUE_OF_LOCALE, "en_US");
    assert_value(&bound, PAGE_VALUE_OF_ES, "");
    assert_value(&bound, PAGE_VALUE_OF_WORKS, "1");
    assert_value(&bound, PAGE_VALUE_OF_TO_PLAY_STORE, "1");
    assert_value(&bound, PAGE_VALUE_OF_TO_WEB, "");
    campaign_destroy(&campaign);
}

static void test_the_kinds_of_destinations(void **state) {
    (void)state;
    static const struct {
        const char *href;
        const char *store;
        const char *host;
    } rows[] = {
        {"https://apps.apple.com/app/id1", "App Store", "apps.apple.com"},
        {"itms-apps://x", "", ""}, /* not listed */
        {"intent://d#Intent;package=com.android.vending;end", "Google Play", ""},
        {"https://www.example.mx?x", "", "www.example.mx"},
        {"https://play.google.com@evil.example/", "", ""},
        {"https://evil.example/play.google.com", "", "evil.example"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct page_values values = {.href = slice_of(rows[i].href)};
        struct page_bound bound = bind(&values);
        assert_value(&bound, PAGE_VALUE_OF_STORE, rows[i].store);
        assert_value(&bound, PAGE_VALUE_OF_DESTINATION_HOST, rows[i].host);
    }
}

static void test_without_values_only_host_and_language_are_known(void **state) {
    (void)state;
    struct page_bound bound = bind(NULL);
    assert_value(&bound, PAGE_VALUE_OF_HOST, "go.example.mx");
    assert_value(&bound, PAGE_VALUE_OF_LINK, "");
    assert_value(&bound, PAGE_VALUE_OF_URL, "");
    assert_value(&bound, PAGE_VALUE_OF_QR, "");
    assert_value(&bound, PAGE_VALUE_OF_OUTCOME, "");
    assert_value(&bound, PAGE_VALUE_OF_TITLE, "go.example.mx");
}

/* "ñ" has two bytes and "😀" four; an ampersand takes five when it is sent. */
static void test_texts_for_cards_are_cut_at_a_character(void **state) {
    (void)state;
    static const char *const units[] = {"x", "\xC3\xB1", "\xF0\x9F\x98\x80", "&", "\"", "<", "'"};
    static const size_t sent[] = {1, 2, 4, 5, 6, 4, 5};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        char title[CAMPAIGN_TEXT_BYTES_MAX + 1] = "";
        size_t unit = strlen(units[i]);
        for (size_t at = 0; at + unit <= CAMPAIGN_TEXT_BYTES_MAX; at += unit) {
            memcpy(title + at, units[i], unit + 1);
        }
        struct campaign *campaign = campaign_with(title, title, "");
        const struct page_values values = {.campaign = campaign};
        struct page_bound bound = bind(&values);
        assert_int_equal(bound.bindings.value[PAGE_VALUE_OF_CARD_TITLE].size,
                         PAGE_CARD_TITLE_BYTES_MAX / sent[i] * unit);
        assert_int_equal(bound.bindings.value[PAGE_VALUE_OF_CARD_DESCRIPTION].size,
                         PAGE_CARD_DESCRIPTION_BYTES_MAX / sent[i] * unit);
        assert_int_equal(bound.bindings.value[PAGE_VALUE_OF_TITLE].size, strlen(title));
        campaign_destroy(&campaign);
    }
}

static void test_a_long_image_is_said_once_and_a_huge_one_not_at_all(void **state) {
    (void)state;
    static const struct {
        size_t size;
        char filler;
        bool has_image;
        bool has_card_image;
    } rows[] = {{300, 'x', true, true},
                {301, 'x', true, false},
                {1024, 'x', true, false},
                {300, '&', true, false},
                {800, '&', false, false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char image[CAMPAIGN_TEXT_BYTES_MAX + 1] = "https://x.mx/";
        memset(image + 13, rows[i].filler, rows[i].size - 13);
        image[rows[i].size] = '\0';
        struct campaign *campaign = campaign_with("x", "y", image);
        assert_int_equal(campaign->text[CAMPAIGN_FIELD_OG_IMAGE].size, rows[i].size);
        const struct page_values values = {.campaign = campaign};
        struct page_bound bound = bind(&values);
        assert_int_equal(bound.bindings.value[PAGE_VALUE_OF_IMAGE].size > 0, rows[i].has_image);
        assert_int_equal(bound.bindings.value[PAGE_VALUE_OF_CARD_IMAGE].size > 0,
                         rows[i].has_card_image);
        campaign_destroy(&campaign);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spanish_unless_english_is_wanted_more),
        cmocka_unit_test(test_addresses_that_may_be_led_to),
        cmocka_unit_test(test_hosts_that_are_shown),
        cmocka_unit_test(test_what_is_known_of_a_link),
        cmocka_unit_test(test_the_kinds_of_destinations),
        cmocka_unit_test(test_without_values_only_host_and_language_are_known),
        cmocka_unit_test(test_texts_for_cards_are_cut_at_a_character),
        cmocka_unit_test(test_a_long_image_is_said_once_and_a_huge_one_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
