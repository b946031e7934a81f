/*
 * What a campaign says of its app: ids, the stores' URLs made of them, and the intent: link.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "link/campaign.h"
#include "link/rules.h"
#include "link/template.h"

#define TOKEN    "0123456789abcdefghijklmnopqrstuv"
#define ID_64    "c234567890123456789012345678901234567890123456789012345678901234"
#define HALF_UP  "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89"
#define HALF_LOW "ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89"
#define SHA_UP   HALF_UP ":" HALF_UP
#define SHA_LOW  HALF_LOW ":" HALF_LOW

struct url {
    char bytes[LOCATION_BYTES_MAX + 1];
};

static const char *render(struct slice compiled, struct slice campaign, struct slice code,
                          struct url *url) {
    struct buf out = buf_over(url->bytes, LOCATION_BYTES_MAX);
    size_t click_at;
    const struct template_values values = {
        .code = code, .campaign = campaign, .owner = SLICE("a&b c"), .click = SLICE(TOKEN)};
    assert_true(template_render_open(compiled, &values, &out, &click_at));
    url->bytes[out.size] = '\0';
    return url->bytes;
}

static struct campaign *make(struct slice id, const struct slice *values) {
    struct campaign *campaign = campaign_create(id, values, SLICE_EMPTY);
    assert_int_equal(campaign->faults, 0);
    return campaign;
}

static bool is_good(enum campaign_field field, const char *value) {
    struct err err = {""};
    struct slice values[CAMPAIGN_FIELD_COUNT] = {{NULL, 0}};
    values[field] = slice_of(value);
    struct campaign *campaign = campaign_create(SLICE("c"), values, SLICE_EMPTY);
    bool good = campaign->faults == 0;
    assert_int_equal(campaign->faults, good ? 0 : 1U << field);
    assert_int_equal(campaign->text[field].size > 0, good);
    campaign_destroy(&campaign);
    assert_int_equal(campaign_field_check(field, slice_of(value), SLICE_EMPTY, SLICE_EMPTY, &err),
                     good);
    assert_int_equal(err.text[0] == '\0', good);
    return good;
}

static void assert_each(enum campaign_field field, const char *const *good,
                        const char *const *bad) {
    for (; *good != NULL; good++) {
        if (!is_good(field, *good)) {
            fail_msg("%s", *good);
        }
    }
    for (; *bad != NULL; bad++) {
        if (is_good(field, *bad)) {
            fail_msg("%s", *bad);
        }
    }
}

static void the_app_at_google_play(void **state) {
    (void)state;
    static const char *const packages[] = {"mx.example.app", "a.b", "A1_.b_2", NULL};
    static const char *const no_packages[] = {"app",         "mx.example.", ".mx.app", "mx..app",
                                              "mx.1app",     "mx._app",     "mx.a-b",  "mx.a b",
                                              "mx.app&id=x", "mx.{code}",   NULL};
    assert_each(CAMPAIGN_FIELD_ANDROID_PACKAGE, packages, no_packages);
    static const char *const fingerprints[] = {SHA_UP, SHA_LOW, SHA_UP " " SHA_LOW, NULL};
    static const char *const no_fingerprints[] = {"AB:CD",    SHA_UP ":00", SHA_UP "," SHA_LOW,
                                                  "G" SHA_UP, " ",          NULL};
    assert_each(CAMPAIGN_FIELD_ANDROID_FINGERPRINTS, fingerprints, no_fingerprints);

    char many[CAMPAIGN_TEXT_BYTES_MAX + 1] = "";
    struct buf ten = buf_over(many, sizeof(many) - 1);
    for (int i = 0; i < 10; i++) {
        buf_append(&ten, SLICE(SHA_UP " "));
    }
    assert_true(is_good(CAMPAIGN_FIELD_ANDROID_FINGERPRINTS, many));
    assert_true(buf_append(&ten, SLICE("AB")));
    assert_false(is_good(CAMPAIGN_FIELD_ANDROID_FINGERPRINTS, many));
    char long_one[300] = "mx.";
    memset(long_one + 3, 'a', 253);
    assert_false(is_good(CAMPAIGN_FIELD_ANDROID_PACKAGE, long_one));
    long_one[255] = '\0';
    assert_true(is_good(CAMPAIGN_FIELD_ANDROID_PACKAGE, long_one));
}

static void the_app_at_the_app_store(void **state) {
    (void)state;
    static const char *const good[] = {"123456789", "ABCDE12345.mx.example-app",
                                       "ABCDE12345.mx.example.app  123456789", NULL};
    static const char *const bad[] = {"0123",
                                      "1 2",
                                      "id123",
                                      "1234567890123456",
                                      "abcde12345.mx.app",
                                      "ABCDE1234.mx.app",
                                      "ABCDE12345.",
                                      "ABCDE12345..app",
                                      "ABCDE12345.a..b",
                                      "ABCDE12345.a_b",
                                      "ABCDE12345.a ABCDE12345.b",
                                      " ",
                                      NULL};
    assert_each(CAMPAIGN_FIELD_IOS_APP_ID, good, bad);
    static const char *const providers[] = {"117892", "1", NULL};
    static const char *const no_providers[] = {"0", "pt1", "1 2", "1234567890123456", NULL};
    assert_each(CAMPAIGN_FIELD_IOS_PROVIDER, providers, no_providers);
    static const char *const names[] = {"Spring 2026", "a", "[]/\\-~+=<>:;,._'\"*&$%#@?!|()", NULL};
    static const char *const no_names[] = {
        " a", "a ", "{code}", "a}b", "caf\xC3\xA9", "a^b", "1234567890123456789012345678901", NULL};
    assert_each(CAMPAIGN_FIELD_IOS_CAMPAIGN, names, no_names);
    assert_true(is_good(CAMPAIGN_FIELD_IOS_CAMPAIGN, "123456789012345678901234567890"));
}

static void lists_switches_and_webhooks(void **state) {
    (void)state;
    static const char *const desktops[] = {"page", "qr", "https://example.mx/{code}", NULL};
    static const char *const no_desktops[] = {"QR", "pages", "http://example.mx/", "{code}", NULL};
    assert_each(CAMPAIGN_FIELD_DESKTOP, desktops, no_desktops);
    static const char *const through[] = {"none", "all", "utm_source", "a b-c d.e f~g", NULL};
    static const char *const not_through[] = {"s", "a s b", "a=b", "a&b", " ", "caf\xC3\xA9", NULL};
    assert_each(CAMPAIGN_FIELD_PASSTHROUGH, through, not_through);
    static const char *const events[] = {"card_issued", "a b2 c_", NULL};
    static const char *const no_events[] = {
        "Card", "2nd", "_a", "a-b", " ", "a23456789012345678901234567890123", NULL};
    assert_each(CAMPAIGN_FIELD_EVENTS, events, no_events);
    static const char *const checks[] = {"too_soon_s=5 own_link=off", NULL};
    static const char *const no_checks[] = {"too_soon=5", NULL};
    assert_each(CAMPAIGN_FIELD_CHECKS, checks, no_checks);
    static const char *const hooks[] = {
        "https://example.mx/hook?x=1", "http://localhost:8080/h",          "HTTP://127.1.2.3:1",
        "http://[::1]:8080/h",         "http://hooks.intern.example.mx/h", NULL};
    static const char *const no_hooks[] = {"https://user:password@example.mx/",
                                           "http://user@example.mx/",
                                           "https://example.mx/{code}",
                                           "https://example.mx/#x",
                                           "ftp://example.mx/",
                                           NULL};
    assert_each(CAMPAIGN_FIELD_WEBHOOK, hooks, no_hooks);
}

static void values_are_read_into_members(void **state) {
    (void)state;
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_ANDROID_FINGERPRINTS] = SLICE(SHA_LOW),
        [CAMPAIGN_FIELD_DESKTOP] = SLICE("https://example.mx/d/{code}"),
        [CAMPAIGN_FIELD_RULES] = SLICE(" [ {\"to\" : \"https://example.mx/{code}\"} ] "),
        [CAMPAIGN_FIELD_PASSTHROUGH] = SLICE("utm_source"),
    };
    struct url url;
    struct campaign *campaign = make(SLICE("spring"), values);
    assert_true(slice_equal(campaign->text[CAMPAIGN_FIELD_ANDROID_FINGERPRINTS], SLICE(SHA_UP)));
    assert_int_equal(campaign->desktop, CAMPAIGN_DESKTOP_TEMPLATE);
    assert_string_equal(render(campaign->desktop_template, SLICE("spring"), SLICE("AB"), &url),
                        "https://example.mx/d/AB");
    assert_int_equal(campaign->passthrough, PASSTHROUGH_LIST);
    assert_true(slice_equal(campaign->text[CAMPAIGN_FIELD_RULES],
                            SLICE("[{\"to\":\"https://example.mx/{code}\"}]")));
    assert_int_equal(campaign->rules->count, 1);
    assert_string_equal(
        render(campaign->rules->rule[0].template, SLICE("spring"), SLICE("AB"), &url),
        "https://example.mx/AB");
    struct buf text;
    buf_init(&text, 65536);
    assert_true(campaign_write(campaign, &text));
    struct campaign *again = campaign_read(buf_slice(&text), SLICE_EMPTY);
    assert_non_null(again);
    assert_int_equal(again->faults, 0);
    assert_int_equal(again->rules->count, 1);
    campaign_destroy(&again);
    again = campaign_read(buf_slice(&text), SLICE("example.com"));
    assert_int_equal(again->faults, 1U << CAMPAIGN_FIELD_DESKTOP | 1U << CAMPAIGN_FIELD_RULES);
    campaign_destroy(&again);
    buf_fini(&text);
    campaign_destroy(&campaign);
}

/* What is written comes before what is made of an id. */
static void google_play_is_made_of_the_package(void **state) {
    (void)state;
    struct slice values[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_ANDROID_PACKAGE] =
                                                     SLICE("mx.example.app")};
    struct url url;
    struct campaign *campaign = make(SLICE("spring"), values);
    assert_string_equal(
        render(campaign->template[CAMPAIGN_FIELD_ANDROID], SLICE("spring"), SLICE("AB12CD"), &url),
        "https://play.google.com/store/apps/details?id=mx.example.app&referrer=utm_source%3Dbrinco"
        "%26utm_medium%3Dreferral%26utm_campaign%3Dspring%26utm_content%3DAB12CD%26click%3D" TOKEN);
    assert_int_equal(campaign->text[CAMPAIGN_FIELD_ANDROID].size, 0);
    campaign_destroy(&campaign);
    values[CAMPAIGN_FIELD_ANDROID] = SLICE("https://example.mx/android");
    campaign = make(SLICE("spring"), values);
    assert_string_equal(
        render(campaign->template[CAMPAIGN_FIELD_ANDROID], SLICE("spring"), SLICE("AB"), &url),
        "https://example.mx/android");
    assert_int_equal(campaign->intent.size, 0);
    campaign_destroy(&campaign);
}

static void the_app_store_is_made_of_the_number(void **state) {
    (void)state;
    static const struct {
        const char *id;
        const char *provider;
        const char *campaign;
        const char *url;
    } cases[] = {
        {"spring", "117892", "",
         "https://apps.apple.com/app/apple-store/id123?pt=117892&ct=spring"
         "&mt=8"},
        {"spring", "117892", "Spring 50% & more",
         "https://apps.apple.com/app/apple-store/id123?pt=117892&ct=Spring%2050%25%20%26%20more&mt="
         "8"},
        {"spring", "", "Spring", "https://apps.apple.com/app/id123?mt=8"},
        {"spring", "", "", "https://apps.apple.com/app/id123?mt=8"},
        {"c23456789012345678901234567890", "1", "",
         "https://apps.apple.com/app/apple-store/id123?pt=1&ct=c23456789012345678901234567890&mt="
         "8"},
        {"c234567890123456789012345678901", "1", "", "https://apps.apple.com/app/id123?mt=8"},
        {"c", "1", "[]/\\-~+=<>:;,._'\"*&$%#@?!|()",
         "https://apps.apple.com/app/apple-store/id123?pt=1&ct=%5B%5D%2F%5C-~%2B%3D%3C%3E%3A%3B%2C"
         "._%27%22%2A%26%24%25%23%40%3F%21%7C%28%29&mt=8"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct slice values[CAMPAIGN_FIELD_COUNT] = {
            [CAMPAIGN_FIELD_IOS_APP_ID] = SLICE("ABCDE12345.mx.app 123"),
            [CAMPAIGN_FIELD_IOS_PROVIDER] = slice_of(cases[i].provider),
            [CAMPAIGN_FIELD_IOS_CAMPAIGN] = slice_of(cases[i].campaign),
        };
        struct url url;
        struct slice id = slice_of(cases[i].id);
        struct campaign *campaign = make(id, values);
        assert_string_equal(
            render(campaign->template[CAMPAIGN_FIELD_IOS], id, SLICE("AB12CD"), &url),
            cases[i].url);
        campaign_destroy(&campaign);
    }
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_IOS_APP_ID] =
                                                           SLICE("ABCDE12345.mx.app")};
    struct campaign *campaign = make(SLICE("c"), values);
    assert_int_equal(campaign->template[CAMPAIGN_FIELD_IOS].size, 0);
    campaign_destroy(&campaign);
}

static void decode(const char *from, char *to) {
    for (; *from != '\0'; from++) {
        unsigned byte = (unsigned char)*from;
        if (*from == '%') {
            assert_int_equal(sscanf(from + 1, "%2x", &byte), 1);
            from += 2;
        }
        *to++ = (char)byte;
    }
    *to = '\0';
}

/* Cuts the fallback out of an intent: link and decodes it. */
static void fallback_of(const char *intent, char *to) {
    static const char name[] = ";S.browser_fallback_url=";
    char encoded[LOCATION_BYTES_MAX + 1];
    const char *begin = strstr(intent, name);
    assert_non_null(begin);
    begin += strlen(name);
    const char *end = strstr(begin, ";end");
    assert_non_null(end);
    assert_int_equal(strlen(end), 4);
    memcpy(encoded, begin, (size_t)(end - begin));
    encoded[end - begin] = '\0';
    decode(encoded, to);
}

static void assert_intent(const char *android, const char *head, struct slice code) {
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_ANDROID] = slice_of(android),
        [CAMPAIGN_FIELD_ANDROID_PACKAGE] = SLICE("mx.app"),
    };
    struct url url;
    struct url expected;
    char fallback[LOCATION_BYTES_MAX + 1];
    struct campaign *campaign = make(SLICE(ID_64), values);
    assert_true(campaign->intent.size > 0);
    const char *intent = render(campaign->intent, SLICE(ID_64), code, &url);
    render(campaign->template[CAMPAIGN_FIELD_ANDROID], SLICE(ID_64), code, &expected);
    assert_int_equal(strncmp(intent, head, strlen(head)), 0);
    assert_non_null(strstr(intent, "#Intent;scheme=https;package=com.android.vending;"));
    assert_null(strchr(strchr(intent, '#') + 1, '#'));
    fallback_of(intent, fallback);
    assert_string_equal(fallback, expected.bytes);
    assert_int_equal(template_compiled_store(campaign->intent), TEMPLATE_GOOGLE_PLAY);
    campaign_destroy(&campaign);
}

/* With ids of 64 bytes: the fallback, decoded once, is the URL itself, to the last byte. */
static void an_intent_falls_back_to_the_url_itself(void **state) {
    (void)state;
    assert_intent("https://play.google.com/store/apps/details?id=mx.app&referrer={referrer}",
                  "intent://play.google.com/store/apps/details?id=mx.app&referrer=utm_source%3D",
                  SLICE(ID_64));
    assert_intent("https://play.google.com/store/apps/details?id=mx.app&a=%20{code}{click}"
                  "{campaign}&o={owner}",
                  "intent://play.google.com/store/apps/details?id=mx.app&a=%20c23", SLICE(ID_64));
    assert_intent("https://play.google.com/store/apps/details?id=mx.app#x{code}",
                  "intent://play.google.com/store/apps/details?id=mx.app#Intent;", SLICE("AB"));
}

static void the_longest_referrer_stays_below_256_bytes(void **state) {
    (void)state;
    char package[256] = "mx.";
    memset(package + 3, 'a', 252);
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_ANDROID_PACKAGE] =
                                                           slice_of(package)};
    struct url url;
    char decoded[LOCATION_BYTES_MAX + 1];
    char referrer[LOCATION_BYTES_MAX + 1];
    struct campaign *campaign = make(SLICE(ID_64), values);
    fallback_of(render(campaign->intent, SLICE(ID_64), SLICE(ID_64), &url), decoded);
    const char *once = strstr(decoded, "&referrer=") + strlen("&referrer=");
    assert_true(strlen(once) <= REFERRER_BYTES_MAX);
    decode(once, referrer);
    assert_string_equal(referrer, "utm_source=brinco&utm_medium=referral&utm_campaign=" ID_64
                                  "&utm_content=" ID_64 "&click=" TOKEN);
    assert_true(strlen(referrer) < 256);
    campaign_destroy(&campaign);
}

/* There is no intent: link where one could be longer than a Location may be. */
static void an_intent_never_outgrows_a_location(void **state) {
    (void)state;
    bool was_made = false;
    bool was_left_out = false;
    for (size_t owners = 0; owners <= 9; owners++) {
        char bytes_of_text[TEMPLATE_BYTES_MAX];
        struct buf text = buf_over(bytes_of_text, sizeof(bytes_of_text));
        buf_append(&text, SLICE("https://play.google.com/store/apps/details?id=mx.app"));
        for (size_t i = 0; i < owners; i++) {
            buf_append(&text, SLICE("&{owner}"));
        }
        const struct slice values[CAMPAIGN_FIELD_COUNT] = {
            [CAMPAIGN_FIELD_ANDROID] = buf_slice(&text),
            [CAMPAIGN_FIELD_ANDROID_PACKAGE] = SLICE("mx.app"),
        };
        struct campaign *campaign = make(SLICE("c"), values);
        was_made = was_made || campaign->intent.size > 0;
        was_left_out = was_left_out || campaign->intent.size == 0;
        if (campaign->intent.size > 0) {
            char owner[OWNER_BYTES_MAX];
            char bytes[LOCATION_BYTES_MAX];
            struct buf out = buf_over(bytes, sizeof(bytes));
            size_t click_at;
            memset(owner, '&', sizeof(owner));
            const struct template_values worst = {.code = SLICE("AB"),
                                                  .owner = slice_make(owner, sizeof(owner))};
            assert_true(template_render_open(campaign->intent, &worst, &out, &click_at));
            assert_true(out.size <= LOCATION_BYTES_MAX);
        }
        campaign_destroy(&campaign);
    }
    assert_true(was_made && was_left_out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_app_at_google_play),
        cmocka_unit_test(the_app_at_the_app_store),
        cmocka_unit_test(lists_switches_and_webhooks),
        cmocka_unit_test(values_are_read_into_members),
        cmocka_unit_test(google_play_is_made_of_the_package),
        cmocka_unit_test(the_app_store_is_made_of_the_number),
        cmocka_unit_test(an_intent_falls_back_to_the_url_itself),
        cmocka_unit_test(the_longest_referrer_stays_below_256_bytes),
        cmocka_unit_test(an_intent_never_outgrows_a_location),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
