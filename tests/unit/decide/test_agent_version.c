/*
 * test_agent_version.c - current phones and apps, and which version of their system they tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent_phones.h"
#include "agent_version.h"
#include "base/defs.h"
#include "decide/agent.h"
#include "decide/visitor.h"

static int set_up(void **state) {
    *state = agents_create();
    return 0;
}

static int tear_down(void **state) {
    struct agents *agents = *state;
    agents_destroy(&agents);
    return 0;
}

static uint32_t version_of(const char *text) {
    uint32_t version = 0;
    for (unsigned shift = 16;; shift -= 8) {
        char *end;
        version |= (uint32_t)strtoul(text, &end, 10) << shift;
        if (*end == '\0' || shift == 0) {
            return version;
        }
        text = end + 1;
    }
}

static void assert_phone(const struct agent_phone *phone, struct agent agent) {
    const struct agent_string *is = &phone->is;
    if (agent.class != is->class || agent.platform != is->platform ||
        !slice_equal(agent.browser, slice_of(is->browser)) ||
        !slice_equal(agent.in_app, slice_of(is->in_app))) {
        fail_msg("class %d, platform %s, browser \"%.*s\", in \"%.*s\" for %s", (int)agent.class,
                 tap_platform_name(agent.platform), SLICE_ARG(agent.browser),
                 SLICE_ARG(agent.in_app), is->text);
    }
    if (agent.os_version != version_of(phone->version)) {
        fail_msg("version %#x instead of %s for %s", agent.os_version, phone->version, is->text);
    }
}

static void phones_and_apps_are_what_they_are(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(agent_phones); i++) {
        assert_phone(&agent_phones[i], agents_classify(*state, slice_of(agent_phones[i].is.text)));
    }
}

static void case_does_not_matter(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(agent_phones); i++) {
        char text[AGENT_BYTES_MAX];
        size_t size = strlen(agent_phones[i].is.text);
        assert_in_range(size, 1, sizeof text);
        for (size_t j = 0; j < size; j++) {
            text[j] = slice_lower_char(agent_phones[i].is.text[j]);
        }
        assert_phone(&agent_phones[i], agents_classify(*state, slice_make(text, size)));
    }
}

static void the_cache_remembers_the_version(void **state) {
    static const struct visitor_salt salt = {.text_seed = 1};
    struct agent_cache *cache = agent_cache_create(*state, 1);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(agent_phones); i++) {
            struct slice text = slice_of(agent_phones[i].is.text);
            assert_phone(&agent_phones[i], agent_cache_see(cache, text, &salt)->agent);
        }
    }
    agent_cache_destroy(&cache);
}

static uint32_t android(const char *text) {
    return agent_version(TAP_PLATFORM_ANDROID, slice_of(text));
}

static void what_is_no_version_is_none(void **state) {
    (void)state;
    static const char *const none[] = {
        "",
        "android",
        "Android ",
        "Android;",
        "Android x",
        "Android 1000",
        "Android 99999999",
        "Android 123456789012345678901234567890",
        "Android-9",
        "xAndroid (30/",
        "Android (30/x",
        "Android (30;11)",
        "Android (",
        "Android (9999/1",
        "NT 10.0 OS 17_4_1",
        "Android  9",
    };
    for (size_t i = 0; i < ARRAY_COUNT(none); i++) {
        if (android(none[i]) != 0) {
            fail_msg("%#x for %s", android(none[i]), none[i]);
        }
    }
    assert_int_equal(agent_version(TAP_PLATFORM_OTHER, SLICE("x Android 9 OS 9_1")), 0);
    assert_int_equal(agent_version(TAP_PLATFORM_LINUX, SLICE("x Android 9 OS 9_1")), 0);
    assert_int_equal(agent_version(TAP_PLATFORM_IOS, SLICE_EMPTY), 0);
}

static void numbers_are_cut_where_they_stop_making_sense(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *version;
    } cases[] = {
        {"x Android 9", "9"},
        {"x Android 9.", "9"},
        {"x Android 9.1.", "9.1"},
        {"x Android 9.1.2.3", "9.1.2"},
        {"x Android 999", "999"},
        {"x Android 9.300.256", "9.255.255"},
        {"x Android 9.1000.2", "9"},
        {"x Android 9_1_2", "9.1.2"},
        {"x Android (28/9.1; x", "9.1"},
        {"Android 0", "0"},
        {"x Android 10 Android 9", "10"},
        {"x Android 14 Android 16", "14"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (android(cases[i].text) != version_of(cases[i].version)) {
            fail_msg("%#x instead of %s for %s", android(cases[i].text), cases[i].version,
                     cases[i].text);
        }
    }
}

/* Else a rule for "<11" would take every phone of today, and one for "<11" on macOS every Mac. */
static void what_is_frozen_says_nothing_unless_the_truth_stands_behind_it(void **state) {
    (void)state;
    static const struct {
        enum tap_platform platform;
        const char *text;
        const char *version;
    } cases[] = {
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; K) Chrome/144.0.0.0 Mobile", "0"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; K; wv) Chrome/144.0.0.0 Mobile", "0"},
        {TAP_PLATFORM_ANDROID, "(linux; android 10; k) chrome/144.0.0.0 mobile", "0"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; K) X (Android 10; SDK 29)", "10"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; K) X (Android 9; SDK 28)", "9"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; K) Instagram 1 Android (34/14; 420dpi", "14"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; KB2001) Chrome/93.0.4577.82", "10"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; SM-A205G) Chrome/93.0.4577.82", "10"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 11; K) Chrome/129.0.6668.70", "11"},
        {TAP_PLATFORM_ANDROID, "(Linux; Android 10; K", "10"},
        {TAP_PLATFORM_MACOS, "(Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari", "0"},
        {TAP_PLATFORM_MACOS, "(Macintosh; Intel Mac OS X 10.15; rv:133.0) Firefox", "0"},
        {TAP_PLATFORM_MACOS, "(Macintosh; Intel Mac OS X 10_15_6) Version/13.1", "10.15.6"},
        {TAP_PLATFORM_MACOS, "(Macintosh; Intel Mac OS X 10_14_6) Version/14.1", "10.14.6"},
        {TAP_PLATFORM_MACOS, "(Macintosh; Intel Mac OS X 11_2_3) Version/14.0", "11.2.3"},
        {TAP_PLATFORM_WINDOWS, "(Windows NT 10.0; Win64; x64) Chrome/144.0.0.0", "10"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint32_t version = agent_version(cases[i].platform, slice_of(cases[i].text));
        if (version != version_of(cases[i].version)) {
            fail_msg("%#x instead of %s for %s", version, cases[i].version, cases[i].text);
        }
    }
}

/* Whatever ends within the first bytes that are looked at is cut there, not read beyond. */
static void only_the_first_512_bytes_are_looked_at(void **state) {
    char text[AGENT_BYTES_MAX + 16];
    memset(text, ' ', sizeof text);
    memcpy(text, "Chrome/1 Android", 16);
    memcpy(text + AGENT_BYTES_MAX - 9, "Android 16", 10);
    assert_int_equal(agents_classify(*state, slice_make(text, sizeof text)).os_version,
                     version_of("1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phones_and_apps_are_what_they_are),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(the_cache_remembers_the_version),
        cmocka_unit_test(what_is_no_version_is_none),
        cmocka_unit_test(numbers_are_cut_where_they_stop_making_sense),
        cmocka_unit_test(what_is_frozen_says_nothing_unless_the_truth_stands_behind_it),
        cmocka_unit_test(only_the_first_512_bytes_are_looked_at),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
