/*
 * test_destination_rules.c - rules, click limits, computers, and stores in browsers within apps:
 * where they lead, and what is told of why. What a rule's conditions fit is in test_rule_match.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/defs.h"
#include "decide/container.h"
#include "decide/destination.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/rules.h"
#include "link/template.h"

#define ANDROID  "https://play.google.com/store/apps/details?id=mx.example.app&referrer={referrer}"
#define IOS      "https://apps.apple.com/app/id1"
#define WEB      "https://example.mx/{code}"
#define FALLBACK "https://example.mx/gone"

enum { NOW = 1000000 };

struct scene {
    struct slice link_value[LINK_FIELD_COUNT];
    struct slice campaign_value[CAMPAIGN_FIELD_COUNT];
    struct slice default_value[CAMPAIGN_FIELD_COUNT];
    struct link *link;
    struct campaign *campaign;
    struct campaign *default_campaign;
    struct destination_input input;
};

static int set_up(void **state) {
    static struct scene scene;
    scene = (struct scene){.input = {.reachable = true, .now_s = NOW}};
    scene.link_value[LINK_FIELD_CAMPAIGN] = SLICE("spring");
    scene.campaign_value[CAMPAIGN_FIELD_ANDROID] = SLICE(ANDROID);
    scene.campaign_value[CAMPAIGN_FIELD_ANDROID_PACKAGE] = SLICE("mx.example.app");
    scene.campaign_value[CAMPAIGN_FIELD_IOS] = SLICE(IOS);
    scene.campaign_value[CAMPAIGN_FIELD_WEB] = SLICE(WEB);
    scene.campaign_value[CAMPAIGN_FIELD_FALLBACK] = SLICE(FALLBACK);
    *state = &scene;
    return 0;
}

static void discard(struct scene *scene) {
    link_destroy(&scene->link);
    campaign_destroy(&scene->campaign);
    campaign_destroy(&scene->default_campaign);
}

static int tear_down(void **state) {
    discard(*state);
    return 0;
}

static void set(struct scene *scene, enum campaign_field field, const char *value) {
    scene->campaign_value[field] = slice_of(value);
}

static struct destination choose(struct scene *scene, enum tap_platform platform) {
    discard(scene);
    scene->link = link_create(scene->link_value, SLICE_EMPTY);
    scene->campaign = campaign_create(SLICE("spring"), scene->campaign_value, SLICE_EMPTY);
    assert_int_equal(scene->campaign->faults, 0);
    assert_int_equal(link_faults(scene->link), 0);
    if (scene->default_value[CAMPAIGN_FIELD_ANDROID].size > 0) {
        scene->default_campaign =
            campaign_create(SLICE("default"), scene->default_value, SLICE_EMPTY);
    }
    scene->input.link = scene->link;
    scene->input.campaign = scene->campaign;
    scene->input.default_campaign = scene->default_campaign;
    scene->input.platform = platform;
    struct destination chosen;
    destination_choose(&scene->input, &chosen);
    return chosen;
}

static void assert_template(struct destination chosen, const char *text) {
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    size_t size = template_compile(slice_of(text), chosen.campaign->id, compiled);
    if (!slice_equal(chosen.template, slice_make(compiled, size))) {
        fail_msg("\"%.*s\" instead of %s", SLICE_ARG(chosen.template), text);
    }
}

static void assert_text(struct slice text, const char *expected) {
    if (!slice_equal(text, slice_of(expected))) {
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(text), expected);
    }
}

/* What is expected: by is "BY[:RULE][+CONTAINER]", as a click has it. */
static void assert_chosen(struct destination chosen, enum tap_outcome outcome, const char *template,
                          const char *by) {
    char told[64];
    snprintf(told, sizeof told, "%.*s%s%.*s%s%.*s", SLICE_ARG(chosen.by),
             chosen.rule.size > 0 ? ":" : "", SLICE_ARG(chosen.rule),
             chosen.container.size > 0 ? "+" : "", SLICE_ARG(chosen.container));
    assert_text(slice_of(told), by);
    assert_int_equal(chosen.outcome, outcome);
    assert_int_equal(chosen.page, PAGE_NONE);
    assert_template(chosen, template);
}

static void assert_page(struct destination chosen, enum tap_outcome outcome,
                        enum destination_page page, const char *by) {
    assert_int_equal(chosen.outcome, outcome);
    assert_int_equal(chosen.page, page);
    assert_int_equal(chosen.template.size, 0);
    assert_text(chosen.by, by);
    assert_false(destination_is_store(&chosen));
}

/* --- rules --------------------------------------------------------------------------------- */

static void without_rules_it_is_told_what_decided(void **state) {
    struct scene *scene = *state;
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_PLAY_STORE, ANDROID, "android");
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_APP_STORE, IOS, "ios");
    assert_chosen(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_WEB, WEB, "web");
    set(scene, CAMPAIGN_FIELD_WEB, "");
    assert_chosen(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_FALLBACK, FALLBACK, "fallback");
    set(scene, CAMPAIGN_FIELD_STATUS, "paused");
    assert_chosen(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_FALLBACK, FALLBACK, "fallback");
}

static void every_target_leads_where_it_says(void **state) {
    struct scene *scene = *state;
    static const struct {
        const char *rules;
        enum tap_outcome outcome;
        const char *template;
    } cases[] = {
        {"[{\"name\":\"r\",\"to\":\"android\"}]", TAP_OUTCOME_PLAY_STORE, ANDROID},
        {"[{\"name\":\"r\",\"to\":\"ios\"}]", TAP_OUTCOME_APP_STORE, IOS},
        {"[{\"name\":\"r\",\"to\":\"web\"}]", TAP_OUTCOME_WEB, WEB},
        {"[{\"name\":\"r\",\"to\":\"fallback\"}]", TAP_OUTCOME_FALLBACK, FALLBACK},
        {"[{\"name\":\"r\",\"to\":\"https://example.mx/r/{code}\"}]", TAP_OUTCOME_WEB,
         "https://example.mx/r/{code}"},
        {"[{\"name\":\"r\",\"to\":\"https://play.google.com/store/apps/details?id=a.b\"}]",
         TAP_OUTCOME_PLAY_STORE, "https://play.google.com/store/apps/details?id=a.b"},
        {"[{\"name\":\"r\",\"to\":\"https://apps.apple.com/app/id2\"}]", TAP_OUTCOME_APP_STORE,
         "https://apps.apple.com/app/id2"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        set(scene, CAMPAIGN_FIELD_RULES, cases[i].rules);
        struct destination chosen = choose(scene, TAP_PLATFORM_OTHER);
        assert_chosen(chosen, cases[i].outcome, cases[i].template, "rule:r");
        assert_int_equal(destination_is_store(&chosen),
                         cases[i].outcome == TAP_OUTCOME_PLAY_STORE ||
                             cases[i].outcome == TAP_OUTCOME_APP_STORE);
        assert_ptr_equal(chosen.campaign, scene->campaign);
    }
}

static void a_rule_may_lead_to_the_desktop_page(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_RULES, "[{\"to\":\"desktop\"}]");
    struct destination chosen = choose(scene, TAP_PLATFORM_OTHER);
    assert_page(chosen, TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "rule");
    assert_text(chosen.rule, "rule-1");
    set(scene, CAMPAIGN_FIELD_DESKTOP, "qr");
    assert_page(choose(scene, TAP_PLATFORM_OTHER), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP_QR, "rule");
    set(scene, CAMPAIGN_FIELD_DESKTOP, "https://example.mx/desk");
    assert_chosen(choose(scene, TAP_PLATFORM_OTHER), TAP_OUTCOME_DESKTOP, "https://example.mx/desk",
                  "rule:rule-1");
}

static void the_first_rule_that_fits_decides(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_RULES,
        "[{\"name\":\"mx\",\"country\":\"MX\",\"to\":\"https://example.mx/mx\"},"
        "{\"name\":\"es\",\"language\":\"es\",\"to\":\"https://example.mx/es\"},"
        "{\"name\":\"phones\",\"platform\":[\"android\",\"ios\"],\"to\":\"web\"}]");
    scene->input.country = SLICE("MX");
    scene->input.language = SLICE("es-MX");
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_WEB, "https://example.mx/mx",
                  "rule:mx");
    scene->input.country = SLICE("ES");
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_WEB, "https://example.mx/es",
                  "rule:es");
    scene->input.language = SLICE("en");
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_WEB, WEB, "rule:phones");
    assert_chosen(choose(scene, TAP_PLATFORM_WINDOWS), TAP_OUTCOME_WEB, WEB, "web");
}

static void a_target_that_is_not_there_is_passed_over(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_RULES,
        "[{\"to\":\"ios\"},{\"to\":\"fallback\"},{\"to\":\"desktop\"},{\"to\":\"web\"}]");
    set(scene, CAMPAIGN_FIELD_IOS, "");
    set(scene, CAMPAIGN_FIELD_FALLBACK, "");
    set(scene, CAMPAIGN_FIELD_ANDROID, ""); /* no store: no page with links to them */
    set(scene, CAMPAIGN_FIELD_ANDROID_PACKAGE, "");
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_WEB, WEB, "rule:rule-4");
    set(scene, CAMPAIGN_FIELD_WEB, "");
    set(scene, CAMPAIGN_FIELD_RULES, "[{\"to\":\"ios\"},{\"to\":\"web\"}]");
    set(scene, CAMPAIGN_FIELD_FALLBACK, FALLBACK);
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_FALLBACK, FALLBACK, "fallback");
}

static void where_no_rule_fits_the_platform_decides(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_RULES, "[{\"country\":\"MX\",\"to\":\"web\"}]");
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_PLAY_STORE, ANDROID, "android");
}

static unsigned tell(void *argument) {
    unsigned *number = argument;
    return *number;
}

/* Its share is gone, too: others are not moved from where they were sent before. */
static void a_weighted_rule_that_leads_nowhere_passes_its_visitors_on(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_WEB, "");
    set(scene, CAMPAIGN_FIELD_RULES,
        "[{\"name\":\"a\",\"weight\":50,\"to\":\"web\"},"
        "{\"name\":\"b\",\"weight\":50,\"to\":\"https://example.mx/b\"}]");
    unsigned number = 49;
    struct destination_share share = {.share = tell, .argument = &number};
    scene->input.share = &share;
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_APP_STORE, IOS, "ios");
    number = 50;
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_WEB, "https://example.mx/b",
                  "rule:b");
}

static void the_links_own_url_comes_before_rules_and_computers(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_RULES, "[{\"to\":\"web\"}]");
    set(scene, CAMPAIGN_FIELD_DESKTOP, "page");
    scene->link_value[LINK_FIELD_URL] = SLICE("https://example.mx/special");
    scene->input.in_app = SLICE("wechat");
    assert_int_equal(choose(scene, TAP_PLATFORM_LINUX).outcome, TAP_OUTCOME_OVERRIDE);
    struct destination chosen = choose(scene, TAP_PLATFORM_ANDROID);
    assert_text(chosen.by, "url");
    assert_int_equal(chosen.container.size, 0);
}

/* Whoever gave a link a URL of its own has it, in whatever app. */
static void the_links_own_url_is_not_touched_in_a_container(void **state) {
    struct scene *scene = *state;
    scene->link_value[LINK_FIELD_URL] = SLICE(IOS);
    scene->input.in_app = SLICE("wechat");
    struct destination chosen = choose(scene, TAP_PLATFORM_IOS);
    assert_int_equal(chosen.page, PAGE_NONE);
    assert_int_equal(chosen.container.size, 0);
    assert_true(destination_is_store(&chosen));
}

/* --- click limits -------------------------------------------------------------------------- */

static void a_link_that_is_used_up_goes_to_the_fallback_else_says_so(void **state) {
    struct scene *scene = *state;
    scene->link_value[LINK_FIELD_URL] = SLICE("https://example.mx/special");
    scene->link_value[LINK_FIELD_MAX_CLICKS] = SLICE("3");
    assert_int_equal(choose(scene, TAP_PLATFORM_IOS).outcome, TAP_OUTCOME_OVERRIDE);
    scene->link_value[LINK_FIELD_USED] = SLICE("2");
    assert_int_equal(choose(scene, TAP_PLATFORM_IOS).outcome, TAP_OUTCOME_OVERRIDE);
    scene->link_value[LINK_FIELD_USED] = SLICE("3");
    assert_chosen(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_FALLBACK, FALLBACK, "fallback");

    set(scene, CAMPAIGN_FIELD_FALLBACK, "");
    scene->default_value[CAMPAIGN_FIELD_ANDROID] = SLICE(ANDROID);
    scene->default_value[CAMPAIGN_FIELD_ANDROID_PACKAGE] = SLICE("mx.example.app");
    struct destination chosen = choose(scene, TAP_PLATFORM_IOS);
    assert_page(chosen, TAP_OUTCOME_USED_UP, PAGE_USED_UP, "");
    assert_ptr_equal(chosen.campaign, scene->campaign);
}

static void what_is_closed_is_closed_before_it_is_used_up(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_FALLBACK, "");
    scene->link_value[LINK_FIELD_MAX_CLICKS] = SLICE("1");
    scene->link_value[LINK_FIELD_USED] = SLICE("1");
    scene->link_value[LINK_FIELD_STATUS] = SLICE("paused");
    assert_page(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_PAUSED, PAGE_PAUSED, "");
}

/* --- computers ----------------------------------------------------------------------------- */

static void computers_get_the_desktop_page_and_nobody_else(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_DESKTOP, "page");
    for (unsigned i = 0; i < TAP_PLATFORM_COUNT; i++) {
        struct destination chosen = choose(scene, (enum tap_platform)i);
        if (i == TAP_PLATFORM_WINDOWS || i == TAP_PLATFORM_MACOS || i == TAP_PLATFORM_LINUX) {
            assert_page(chosen, TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "desktop");
            assert_ptr_equal(chosen.campaign, scene->campaign);
        } else {
            assert_int_equal(chosen.page, PAGE_NONE);
            assert_int_not_equal(chosen.outcome, TAP_OUTCOME_DESKTOP);
        }
    }
    set(scene, CAMPAIGN_FIELD_DESKTOP, "qr");
    assert_page(choose(scene, TAP_PLATFORM_MACOS), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP_QR, "desktop");
    set(scene, CAMPAIGN_FIELD_DESKTOP, "https://example.mx/desk");
    assert_chosen(choose(scene, TAP_PLATFORM_MACOS), TAP_OUTCOME_DESKTOP, "https://example.mx/desk",
                  "desktop");
}

static void lead_nowhere(struct scene *scene) {
    static const enum campaign_field fields[] = {CAMPAIGN_FIELD_ANDROID, CAMPAIGN_FIELD_IOS,
                                                 CAMPAIGN_FIELD_WEB, CAMPAIGN_FIELD_FALLBACK};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        set(scene, fields[i], "");
    }
}

/* A computer, or an iPhone where the app is for Android alone: no 404 for a link that works. */
static void an_app_that_is_not_for_this_device_has_its_page(void **state) {
    struct scene *scene = *state;
    lead_nowhere(scene);
    assert_int_equal(choose(scene, TAP_PLATFORM_ANDROID).outcome, TAP_OUTCOME_PLAY_STORE);
    assert_page(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "desktop");
    assert_page(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "desktop");
    set(scene, CAMPAIGN_FIELD_DESKTOP, "qr");
    assert_page(choose(scene, TAP_PLATFORM_OTHER), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP_QR, "desktop");
    set(scene, CAMPAIGN_FIELD_DESKTOP, "https://example.mx/desk"); /* for computers alone */
    assert_page(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "desktop");
    set(scene, CAMPAIGN_FIELD_ANDROID_PACKAGE, "");
    set(scene, CAMPAIGN_FIELD_IOS_APP_ID, "123456789");
    assert_page(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "desktop");
    set(scene, CAMPAIGN_FIELD_IOS_APP_ID, "ABCDE12345.mx.app"); /* leads to no store */
    assert_page(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, "");
    set(scene, CAMPAIGN_FIELD_IOS_APP_ID, "");
    set(scene, CAMPAIGN_FIELD_IOS, IOS); /* a template alone: as ever */
    assert_page(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, "");
}

static void the_default_campaign_comes_before_the_page_of_an_app(void **state) {
    struct scene *scene = *state;
    lead_nowhere(scene);
    scene->default_value[CAMPAIGN_FIELD_ANDROID] = SLICE(ANDROID);
    assert_page(choose(scene, TAP_PLATFORM_IOS), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "desktop");
    scene->default_value[CAMPAIGN_FIELD_WEB] = SLICE(WEB);
    assert_int_equal(choose(scene, TAP_PLATFORM_IOS).outcome, TAP_OUTCOME_DEFAULT);
}

static void a_page_without_a_store_to_lead_to_is_none(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_DESKTOP, "page");
    set(scene, CAMPAIGN_FIELD_ANDROID, "");
    set(scene, CAMPAIGN_FIELD_ANDROID_PACKAGE, "");
    assert_page(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_DESKTOP, PAGE_DESKTOP, "desktop");
    set(scene, CAMPAIGN_FIELD_IOS, "");
    assert_chosen(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_WEB, WEB, "web");
    set(scene, CAMPAIGN_FIELD_DESKTOP, "qr");
    assert_chosen(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_WEB, WEB, "web");
}

/* --- browsers within apps ------------------------------------------------------------------ */

static void assert_row(struct scene *scene, const struct container *row) {
    scene->input.in_app = row->in_app;
    struct destination chosen = choose(scene, row->platform);
    bool is_android = row->platform == TAP_PLATFORM_ANDROID;
    assert_int_equal(chosen.outcome, is_android ? TAP_OUTCOME_PLAY_STORE : TAP_OUTCOME_APP_STORE);
    assert_text(chosen.by, is_android ? "android" : "ios");
    assert_true(destination_is_store(&chosen));
    switch (row->way) {
    case CONTAINER_DIRECT:
        assert_int_equal(chosen.page, PAGE_NONE);
        assert_template(chosen, is_android ? ANDROID : IOS);
        assert_int_equal(chosen.container.size, 0);
        return;
    case CONTAINER_INTENT:
        assert_int_equal(chosen.page, PAGE_NONE);
        assert_true(scene->campaign->intent.size > 0);
        assert_true(slice_equal(chosen.template, scene->campaign->intent));
        assert_text(chosen.container, "intent");
        return;
    case CONTAINER_BUTTON:
        assert_int_equal(chosen.page, PAGE_OPEN);
        assert_template(chosen, is_android ? ANDROID : IOS);
        assert_text(chosen.container, "button");
        return;
    }
    fail();
}

static void every_app_is_left_in_its_way(void **state) {
    for (size_t i = 0; i < container_count; i++) {
        assert_row(*state, &containers[i]);
    }
}

static void an_unknown_app_is_redirected(void **state) {
    struct scene *scene = *state;
    scene->input.in_app = SLICE("somebody");
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_PLAY_STORE, ANDROID, "android");
}

static void only_the_phones_own_store_needs_a_way(void **state) {
    struct scene *scene = *state;
    scene->input.in_app = SLICE("wechat");
    set(scene, CAMPAIGN_FIELD_ANDROID, "https://example.mx/app.apk");
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_PLAY_STORE,
                  "https://example.mx/app.apk", "android");
    set(scene, CAMPAIGN_FIELD_ANDROID, IOS); /* nothing an Android phone could open */
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_PLAY_STORE, IOS, "android");
    set(scene, CAMPAIGN_FIELD_WEB, ANDROID);
    assert_chosen(choose(scene, TAP_PLATFORM_WINDOWS), TAP_OUTCOME_WEB, ANDROID, "web");
    assert_chosen(choose(scene, TAP_PLATFORM_OTHER), TAP_OUTCOME_WEB, ANDROID, "web");
}

/* It is the package that says that it is the campaign's own app. */
static void without_a_package_there_is_no_intent(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_ANDROID_PACKAGE, "");
    scene->input.in_app = SLICE("instagram");
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_PLAY_STORE, ANDROID, "android");
}

static void a_rules_store_is_left_in_the_apps_way_too(void **state) {
    struct scene *scene = *state;
    set(scene, CAMPAIGN_FIELD_RULES, "[{\"name\":\"r\",\"to\":\"android\"}]");
    scene->input.in_app = SLICE("instagram");
    struct destination chosen = choose(scene, TAP_PLATFORM_ANDROID);
    assert_true(slice_equal(chosen.template, scene->campaign->intent));
    assert_text(chosen.by, "rule");
    assert_text(chosen.rule, "r");
    assert_text(chosen.container, "intent");

    scene->input.in_app = SLICE("tiktok");
    chosen = choose(scene, TAP_PLATFORM_ANDROID);
    assert_int_equal(chosen.page, PAGE_OPEN);
    assert_template(chosen, ANDROID);
    assert_text(chosen.container, "button");
}

/* The intent: URL is of the campaign's own template: another app's page is not to open it. */
static void a_rules_own_url_has_no_intent(void **state) {
    struct scene *scene = *state;
    const char *other = "https://play.google.com/store/apps/details?id=a.b";
    set(scene, CAMPAIGN_FIELD_RULES,
        "[{\"name\":\"r\",\"to\":\"https://play.google.com/store/apps/details?id=a.b\"}]");
    scene->input.in_app = SLICE("instagram");
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_PLAY_STORE, other, "rule:r");
}

static void the_default_campaign_is_led_in_the_apps_way_by_platform_alone(void **state) {
    struct scene *scene = *state;
    scene->default_value[CAMPAIGN_FIELD_ANDROID] = SLICE(ANDROID);
    scene->default_value[CAMPAIGN_FIELD_ANDROID_PACKAGE] = SLICE("mx.example.app");
    scene->default_value[CAMPAIGN_FIELD_WEB] = SLICE(WEB);
    scene->default_value[CAMPAIGN_FIELD_DESKTOP] = SLICE("page");
    scene->default_value[CAMPAIGN_FIELD_RULES] = SLICE("[{\"to\":\"https://example.mx/rule\"}]");
    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    assert_chosen(choose(scene, TAP_PLATFORM_ANDROID), TAP_OUTCOME_DEFAULT, ANDROID, "default");
    assert_chosen(choose(scene, TAP_PLATFORM_LINUX), TAP_OUTCOME_DEFAULT, WEB, "default");
    scene->input.in_app = SLICE("facebook");
    struct destination chosen = choose(scene, TAP_PLATFORM_ANDROID);
    assert_true(slice_equal(chosen.template, scene->default_campaign->intent));
    assert_int_equal(chosen.outcome, TAP_OUTCOME_DEFAULT);
    assert_text(chosen.container, "intent");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(without_rules_it_is_told_what_decided),
        TEST(every_target_leads_where_it_says),
        TEST(a_rule_may_lead_to_the_desktop_page),
        TEST(the_first_rule_that_fits_decides),
        TEST(a_target_that_is_not_there_is_passed_over),
        TEST(where_no_rule_fits_the_platform_decides),
        TEST(a_weighted_rule_that_leads_nowhere_passes_its_visitors_on),
        TEST(the_links_own_url_comes_before_rules_and_computers),
        TEST(the_links_own_url_is_not_touched_in_a_container),
        TEST(a_link_that_is_used_up_goes_to_the_fallback_else_says_so),
        TEST(what_is_closed_is_closed_before_it_is_used_up),
        TEST(computers_get_the_desktop_page_and_nobody_else),
        TEST(an_app_that_is_not_for_this_device_has_its_page),
        TEST(the_default_campaign_comes_before_the_page_of_an_app),
        TEST(a_page_without_a_store_to_lead_to_is_none),
        TEST(every_app_is_left_in_its_way),
        TEST(an_unknown_app_is_redirected),
        TEST(only_the_phones_own_store_needs_a_way),
        TEST(without_a_package_there_is_no_intent),
        TEST(a_rules_store_is_left_in_the_apps_way_too),
        TEST(a_rules_own_url_has_no_intent),
        TEST(the_default_campaign_is_led_in_the_apps_way_by_platform_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
