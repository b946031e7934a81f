/*
 * test_destination.c - every row of the table, and what happens where two of them meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "decide/destination.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/template.h"

enum { NOW = 1000000 };

#define ANDROID  "https://play.google.com/store/apps/details?id=mx.example.app&referrer={referrer}"
#define IOS      "https://apps.apple.com/app/id1"
#define WEB      "https://example.mx/{code}"
#define FALLBACK "https://example.mx/gone"
#define URL      "https://example.mx/special"

/* What a test works with; both are taken down behind every test. */
struct scene {
    struct slice link_value[LINK_FIELD_COUNT];
    struct slice campaign_value[CAMPAIGN_FIELD_COUNT];
    struct slice default_value[CAMPAIGN_FIELD_COUNT];
    struct link *link;
    struct campaign *campaign;
    struct campaign *default_campaign;
    struct destination_input input;
};

/* A link to a campaign with everything; no default campaign. */
static int set_up(void **state) {
    static struct scene scene;
    scene = (struct scene){.input = {.reachable = true, .now_s = NOW}};
    scene.link_value[LINK_FIELD_CAMPAIGN] = SLICE("spring");
    scene.campaign_value[CAMPAIGN_FIELD_ANDROID] = SLICE(ANDROID);
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

static void give_default(struct scene *scene) {
    scene->default_value[CAMPAIGN_FIELD_ANDROID] = SLICE("https://default.example/android");
    scene->default_value[CAMPAIGN_FIELD_IOS] = SLICE("https://default.example/ios");
    scene->default_value[CAMPAIGN_FIELD_WEB] = SLICE("https://default.example/web");
    scene->default_value[CAMPAIGN_FIELD_FALLBACK] = SLICE("https://default.example/fallback");
}

static bool any_value(const struct slice *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (values[i].size > 0) {
            return true;
        }
    }
    return false;
}

/* Without a value there is no link, no campaign, no default campaign. */
static struct destination choose(struct scene *scene, enum tap_platform platform) {
    discard(scene);
    if (any_value(scene->link_value, LINK_FIELD_COUNT)) {
        scene->link = link_create(scene->link_value, SLICE_EMPTY);
    }
    if (any_value(scene->campaign_value, CAMPAIGN_FIELD_COUNT)) {
        scene->campaign = campaign_create(SLICE("spring"), scene->campaign_value, SLICE_EMPTY);
    }
    if (any_value(scene->default_value, CAMPAIGN_FIELD_COUNT)) {
        scene->default_campaign =
            campaign_create(SLICE("default"), scene->default_value, SLICE_EMPTY);
    }
    scene->input.link = scene->link;
    scene->input.campaign = scene->campaign;
    scene->input.default_campaign = scene->default_campaign;
    scene->input.platform = platform;
    struct destination chosen;
    destination_choose(&scene->input, &chosen);
    assert_int_equal(chosen.page == PAGE_NONE, chosen.template.size > 0);
    return chosen;
}

static void expect_redirect(struct scene *scene, enum tap_platform platform,
                            enum tap_outcome outcome, const char *template) {
    struct destination chosen = choose(scene, platform);
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    bool is_own = outcome == TAP_OUTCOME_OVERRIDE;
    struct slice campaign = is_own || chosen.campaign == NULL ? SLICE_EMPTY : chosen.campaign->id;
    size_t size = template_compile(slice_of(template), campaign, compiled);
    if (!slice_equal(chosen.template, slice_make(compiled, size))) {
        fail_msg("\"%.*s\" instead of %s", SLICE_ARG(chosen.template), template);
    }
    assert_int_equal(chosen.page, PAGE_NONE);
    assert_int_equal(chosen.outcome, outcome);
    bool is_default = outcome == TAP_OUTCOME_DEFAULT || outcome == TAP_OUTCOME_UNRESOLVED;
    assert_ptr_equal(chosen.campaign, is_default ? scene->default_campaign : scene->campaign);
}

static void expect_page(struct scene *scene, enum tap_outcome outcome, enum destination_page page,
                        const struct campaign *const *campaign) {
    struct destination chosen = choose(scene, TAP_PLATFORM_ANDROID);
    assert_int_equal(chosen.page, page);
    assert_int_equal(chosen.outcome, outcome);
    assert_int_equal(chosen.template.size, 0);
    assert_ptr_equal(chosen.campaign, campaign ? *campaign : NULL);
}

#define OF_LINK(scene) ((const struct campaign *const *)&(scene)->campaign)

static void set(struct slice *values, unsigned field, const char *value) {
    values[field] = slice_of(value);
}

static void platforms_go_to_their_stores_and_the_rest_to_the_web(void **state) {
    struct scene *scene = *state;
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_PLAY_STORE, ANDROID);
    expect_redirect(scene, TAP_PLATFORM_IOS, TAP_OUTCOME_APP_STORE, IOS);
    expect_redirect(scene, TAP_PLATFORM_WINDOWS, TAP_OUTCOME_WEB, WEB);
    expect_redirect(scene, TAP_PLATFORM_MACOS, TAP_OUTCOME_WEB, WEB);
    expect_redirect(scene, TAP_PLATFORM_LINUX, TAP_OUTCOME_WEB, WEB);
    expect_redirect(scene, TAP_PLATFORM_OTHER, TAP_OUTCOME_WEB, WEB);
}

static void an_empty_template_falls_to_web_then_to_fallback(void **state) {
    struct scene *scene = *state;
    set(scene->campaign_value, CAMPAIGN_FIELD_ANDROID, "");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_WEB, WEB);
    set(scene->campaign_value, CAMPAIGN_FIELD_WEB, "");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
    expect_redirect(scene, TAP_PLATFORM_LINUX, TAP_OUTCOME_FALLBACK, FALLBACK);
    expect_redirect(scene, TAP_PLATFORM_IOS, TAP_OUTCOME_APP_STORE, IOS);
}

static void a_faulty_template_reads_as_absent(void **state) {
    struct scene *scene = *state;
    set(scene->campaign_value, CAMPAIGN_FIELD_ANDROID, "javascript:alert(1)");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_WEB, WEB);
    set(scene->campaign_value, CAMPAIGN_FIELD_WEB, "http://example.mx/");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
    set(scene->campaign_value, CAMPAIGN_FIELD_FALLBACK, "https://example.mx/{nonsense}");
    expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, OF_LINK(scene));
    give_default(scene);
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_DEFAULT,
                    "https://default.example/android");
}

static void a_campaign_without_templates_falls_to_the_default(void **state) {
    struct scene *scene = *state;
    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    set(scene->campaign_value, CAMPAIGN_FIELD_NAME, "Spring");
    expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, OF_LINK(scene));
    give_default(scene);
    expect_redirect(scene, TAP_PLATFORM_IOS, TAP_OUTCOME_DEFAULT, "https://default.example/ios");
}

static void the_links_own_url_overrides(void **state) {
    struct scene *scene = *state;
    set(scene->link_value, LINK_FIELD_URL, URL);
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_OVERRIDE, URL);
    expect_redirect(scene, TAP_PLATFORM_LINUX, TAP_OUTCOME_OVERRIDE, URL);
    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_OVERRIDE, URL);
}

static void a_url_needs_a_scheme_that_its_campaign_lists(void **state) {
    struct scene *scene = *state;
    set(scene->link_value, LINK_FIELD_URL, "example://open/it");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
    set(scene->campaign_value, CAMPAIGN_FIELD_SCHEMES, "other example");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_OVERRIDE, "example://open/it");

    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, NULL);
    give_default(scene);
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_DEFAULT,
                    "https://default.example/android");
}

static void a_closed_link_goes_to_the_fallback(void **state) {
    struct scene *scene = *state;
    set(scene->link_value, LINK_FIELD_URL, URL);
    set(scene->link_value, LINK_FIELD_STATUS, "paused");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
    set(scene->link_value, LINK_FIELD_STATUS, "active");
    set(scene->link_value, LINK_FIELD_STARTS_AT, "1000001");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
    set(scene->link_value, LINK_FIELD_STARTS_AT, "");
    set(scene->link_value, LINK_FIELD_EXPIRES_AT, "1000000");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
}

/* The default campaign is for codes nobody knows, not for links that somebody closed. */
static void without_a_fallback_a_page_says_what_is_closed(void **state) {
    struct scene *scene = *state;
    give_default(scene);
    set(scene->campaign_value, CAMPAIGN_FIELD_FALLBACK, "");
    set(scene->link_value, LINK_FIELD_EXPIRES_AT, "999999");
    expect_page(scene, TAP_OUTCOME_EXPIRED, PAGE_EXPIRED, OF_LINK(scene));
    set(scene->link_value, LINK_FIELD_STARTS_AT, "1000001");
    expect_page(scene, TAP_OUTCOME_PAUSED, PAGE_NOT_STARTED, OF_LINK(scene));
    set(scene->link_value, LINK_FIELD_STATUS, "paused");
    expect_page(scene, TAP_OUTCOME_PAUSED, PAGE_PAUSED, OF_LINK(scene));
    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    expect_page(scene, TAP_OUTCOME_PAUSED, PAGE_PAUSED, NULL);
}

static void a_closed_campaign_closes_its_links(void **state) {
    struct scene *scene = *state;
    set(scene->link_value, LINK_FIELD_URL, URL);
    set(scene->campaign_value, CAMPAIGN_FIELD_EXPIRES_AT, "5");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
    set(scene->campaign_value, CAMPAIGN_FIELD_FALLBACK, "");
    expect_page(scene, TAP_OUTCOME_EXPIRED, PAGE_EXPIRED, OF_LINK(scene));
    set(scene->campaign_value, CAMPAIGN_FIELD_STARTS_AT, "2000000");
    expect_page(scene, TAP_OUTCOME_PAUSED, PAGE_NOT_STARTED, OF_LINK(scene));
    set(scene->campaign_value, CAMPAIGN_FIELD_STATUS, "paused");
    expect_page(scene, TAP_OUTCOME_PAUSED, PAGE_PAUSED, OF_LINK(scene));
}

static void the_link_is_asked_before_its_campaign(void **state) {
    struct scene *scene = *state;
    set(scene->campaign_value, CAMPAIGN_FIELD_FALLBACK, "");
    set(scene->campaign_value, CAMPAIGN_FIELD_STATUS, "paused");
    set(scene->link_value, LINK_FIELD_EXPIRES_AT, "5");
    expect_page(scene, TAP_OUTCOME_EXPIRED, PAGE_EXPIRED, OF_LINK(scene));
}

static void the_first_second_is_open_and_the_last_is_not(void **state) {
    struct scene *scene = *state;
    set(scene->link_value, LINK_FIELD_STARTS_AT, "1000000");
    set(scene->link_value, LINK_FIELD_EXPIRES_AT, "1000010");
    set(scene->campaign_value, CAMPAIGN_FIELD_STARTS_AT, "1000000");
    set(scene->campaign_value, CAMPAIGN_FIELD_EXPIRES_AT, "1000010");
    static const struct {
        uint64_t now_s;
        enum tap_outcome outcome;
    } cases[] = {{999999, TAP_OUTCOME_FALLBACK},
                 {1000000, TAP_OUTCOME_PLAY_STORE},
                 {1000009, TAP_OUTCOME_PLAY_STORE},
                 {1000010, TAP_OUTCOME_FALLBACK}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        scene->input.now_s = cases[i].now_s;
        assert_int_equal(choose(scene, TAP_PLATFORM_ANDROID).outcome, cases[i].outcome);
    }
}

static void a_faulty_link_goes_to_the_fallback_whatever_the_fault(void **state) {
    struct scene *scene = *state;
    static const struct {
        unsigned field;
        const char *value;
    } faults[] = {{LINK_FIELD_URL, "javascript:alert(1)"},
                  {LINK_FIELD_STATUS, "sleeping"},
                  {LINK_FIELD_STARTS_AT, "tomorrow"},
                  {LINK_FIELD_EXPIRES_AT, "-1"},
                  {LINK_FIELD_CREATED_AT, "x"},
                  {LINK_FIELD_OWNER, "\r\n"}};
    for (size_t i = 0; i < ARRAY_COUNT(faults); i++) {
        (void)set_up(state);
        set(scene->link_value, LINK_FIELD_URL, URL);
        set(scene->link_value, faults[i].field, faults[i].value);
        expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);

        set(scene->campaign_value, CAMPAIGN_FIELD_FALLBACK, "");
        expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, OF_LINK(scene));
        give_default(scene);
        expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_DEFAULT,
                        "https://default.example/android");
        discard(scene);
    }
}

static void a_link_known_to_be_closed_is_closed_whatever_its_faults(void **state) {
    struct scene *scene = *state;
    give_default(scene);
    set(scene->link_value, LINK_FIELD_STATUS, "paused");
    set(scene->link_value, LINK_FIELD_EXPIRES_AT, "never");
    set(scene->campaign_value, CAMPAIGN_FIELD_FALLBACK, "");
    expect_page(scene, TAP_OUTCOME_PAUSED, PAGE_PAUSED, OF_LINK(scene));
}

static void a_campaign_that_may_be_closed_is_used_for_its_fallback_alone(void **state) {
    struct scene *scene = *state;
    static const unsigned fields[] = {CAMPAIGN_FIELD_STATUS, CAMPAIGN_FIELD_STARTS_AT,
                                      CAMPAIGN_FIELD_EXPIRES_AT};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        (void)set_up(state);
        set(scene->link_value, LINK_FIELD_URL, URL);
        set(scene->campaign_value, fields[i], "nonsense");
        expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_FALLBACK, FALLBACK);
        set(scene->campaign_value, CAMPAIGN_FIELD_FALLBACK, "");
        expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, OF_LINK(scene));
        give_default(scene);
        expect_redirect(scene, TAP_PLATFORM_IOS, TAP_OUTCOME_DEFAULT,
                        "https://default.example/ios");
        discard(scene);
    }
}

static void faults_in_a_campaigns_texts_change_nothing(void **state) {
    struct scene *scene = *state;
    set(scene->campaign_value, CAMPAIGN_FIELD_OG_TITLE, "a\nb");
    set(scene->campaign_value, CAMPAIGN_FIELD_OG_IMAGE, "nowhere");
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_PLAY_STORE, ANDROID);
}

static void a_link_to_no_campaign_and_no_url_goes_to_the_default(void **state) {
    struct scene *scene = *state;
    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, NULL);
    give_default(scene);
    expect_redirect(scene, TAP_PLATFORM_LINUX, TAP_OUTCOME_DEFAULT, "https://default.example/web");
}

static void an_unknown_code_goes_to_the_default_else_nowhere(void **state) {
    struct scene *scene = *state;
    memset(scene->link_value, 0, sizeof scene->link_value);
    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, NULL);
    give_default(scene);
    expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_DEFAULT,
                    "https://default.example/android");
    expect_redirect(scene, TAP_PLATFORM_IOS, TAP_OUTCOME_DEFAULT, "https://default.example/ios");
    expect_redirect(scene, TAP_PLATFORM_OTHER, TAP_OUTCOME_DEFAULT, "https://default.example/web");
    set(scene->default_value, CAMPAIGN_FIELD_WEB, "");
    expect_redirect(scene, TAP_PLATFORM_OTHER, TAP_OUTCOME_DEFAULT,
                    "https://default.example/fallback");
}

static void of_a_closed_or_doubtful_default_only_the_fallback_is_used(void **state) {
    struct scene *scene = *state;
    memset(scene->link_value, 0, sizeof scene->link_value);
    memset(scene->campaign_value, 0, sizeof scene->campaign_value);
    static const struct {
        unsigned field;
        const char *value;
    } cases[] = {{CAMPAIGN_FIELD_STATUS, "paused"},     {CAMPAIGN_FIELD_STARTS_AT, "1000001"},
                 {CAMPAIGN_FIELD_EXPIRES_AT, "999999"}, {CAMPAIGN_FIELD_STATUS, "?"},
                 {CAMPAIGN_FIELD_EXPIRES_AT, "?"},      {CAMPAIGN_FIELD_STARTS_AT, "?"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        memset(scene->default_value, 0, sizeof scene->default_value);
        give_default(scene);
        set(scene->default_value, cases[i].field, cases[i].value);
        expect_redirect(scene, TAP_PLATFORM_ANDROID, TAP_OUTCOME_DEFAULT,
                        "https://default.example/fallback");
        set(scene->default_value, CAMPAIGN_FIELD_FALLBACK, "");
        expect_page(scene, TAP_OUTCOME_NOT_FOUND, PAGE_NOT_FOUND, NULL);
    }
}

static void an_unreachable_link_goes_to_the_default_else_to_a_busy_page(void **state) {
    struct scene *scene = *state;
    scene->input.reachable = false;
    expect_page(scene, TAP_OUTCOME_UNRESOLVED, PAGE_BUSY, NULL);
    give_default(scene);
    expect_redirect(scene, TAP_PLATFORM_IOS, TAP_OUTCOME_UNRESOLVED, "https://default.example/ios");
    set(scene->default_value, CAMPAIGN_FIELD_STATUS, "paused");
    expect_redirect(scene, TAP_PLATFORM_IOS, TAP_OUTCOME_UNRESOLVED,
                    "https://default.example/fallback");
    set(scene->default_value, CAMPAIGN_FIELD_FALLBACK, "");
    expect_page(scene, TAP_OUTCOME_UNRESOLVED, PAGE_BUSY, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(platforms_go_to_their_stores_and_the_rest_to_the_web),
        TEST(an_empty_template_falls_to_web_then_to_fallback),
        TEST(a_faulty_template_reads_as_absent),
        TEST(a_campaign_without_templates_falls_to_the_default),
        TEST(the_links_own_url_overrides),
        TEST(a_url_needs_a_scheme_that_its_campaign_lists),
        TEST(a_closed_link_goes_to_the_fallback),
        TEST(without_a_fallback_a_page_says_what_is_closed),
        TEST(a_closed_campaign_closes_its_links),
        TEST(the_link_is_asked_before_its_campaign),
        TEST(the_first_second_is_open_and_the_last_is_not),
        TEST(a_faulty_link_goes_to_the_fallback_whatever_the_fault),
        TEST(a_link_known_to_be_closed_is_closed_whatever_its_faults),
        TEST(a_campaign_that_may_be_closed_is_used_for_its_fallback_alone),
        TEST(faults_in_a_campaigns_texts_change_nothing),
        TEST(a_link_to_no_campaign_and_no_url_goes_to_the_default),
        TEST(an_unknown_code_goes_to_the_default_else_nowhere),
        TEST(of_a_closed_or_doubtful_default_only_the_fallback_is_used),
        TEST(an_unreachable_link_goes_to_the_default_else_to_a_busy_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
