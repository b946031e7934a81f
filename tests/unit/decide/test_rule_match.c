/*
 * test_rule_match.c - every condition of a rule, each at its edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/err.h"
#include "decide/destination.h"
#include "link/rules.h"
#include "rule_match.h"

static int set_up(void **state) {
    (void)state;
    struct err err = {0};
    assert_true(clock_set_zone("America/Mexico_City", &err));
    return 0;
}

static const struct rule any = {.until_s = UINT64_MAX};

static bool fits(const struct destination_input *input, const struct rule *rule) {
    struct rule_match match;
    rule_match_begin(&match, input);
    return rule_match(&match, rule);
}

static uint64_t at_s(const char *text) {
    uint64_t seconds = 0;
    assert_true(clock_parse_time(slice_of(text), &seconds));
    return seconds;
}

static void a_rule_without_conditions_fits_everybody(void **state) {
    (void)state;
    assert_true(fits(&(struct destination_input){0}, &any));
    assert_true(fits(&(struct destination_input){.now_s = UINT64_MAX - 1,
                                                 .platform = TAP_PLATFORM_OTHER,
                                                 .query = SLICE("a=b"),
                                                 .language = SLICE("es")},
                     &any));
}

static void platforms_are_a_set(void **state) {
    (void)state;
    struct rule rule = any;
    rule.platforms = 1U << TAP_PLATFORM_ANDROID | 1U << TAP_PLATFORM_OTHER;
    for (unsigned i = 0; i < TAP_PLATFORM_COUNT; i++) {
        struct destination_input input = {.platform = (enum tap_platform)i};
        assert_int_equal(fits(&input, &rule), i == TAP_PLATFORM_ANDROID || i == TAP_PLATFORM_OTHER);
    }
}

static void both_ends_of_a_version_fit_and_an_unknown_one_does_not(void **state) {
    (void)state;
    struct rule rule = any;
    rule.has_os_version = true;
    rule.os_version_min = 16 << 16 | 4 << 8;
    rule.os_version_max = 17 << 16 | 0xffff;
    static const struct {
        uint32_t version;
        bool fits;
    } cases[] = {{0, false},
                 {15 << 16, false},
                 {16 << 16 | 3 << 8 | 255, false},
                 {16 << 16 | 4 << 8, true},
                 {17 << 16, true},
                 {17 << 16 | 255 << 8 | 255, true},
                 {18 << 16, false}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct destination_input input = {.os_version = cases[i].version};
        assert_int_equal(fits(&input, &rule), cases[i].fits);
    }
    rule.os_version_min = 0; /* "<17": what is not known is not below it */
    assert_false(fits(&(struct destination_input){0}, &rule));
}

static struct rule_words one_word(const struct slice *word) {
    return (struct rule_words){.word = word, .count = 1};
}

static void countries_are_compared_without_case(void **state) {
    (void)state;
    static const struct slice words[] = {{"MX", 2}, {"co", 2}};
    struct rule rule = any;
    rule.countries = (struct rule_words){words, ARRAY_COUNT(words)};
    assert_true(fits(&(struct destination_input){.country = SLICE("MX")}, &rule));
    assert_true(fits(&(struct destination_input){.country = SLICE("CO")}, &rule));
    assert_false(fits(&(struct destination_input){.country = SLICE("US")}, &rule));
    assert_false(fits(&(struct destination_input){.country = SLICE("M")}, &rule));
    assert_false(fits(&(struct destination_input){0}, &rule));
}

static void a_region_fits_with_and_without_its_country(void **state) {
    (void)state;
    static const struct {
        const char *word;
        const char *country;
        const char *region;
        bool fits;
    } cases[] = {
        {"CMX", "MX", "CMX", true},      {"mx-cmx", "MX", "CMX", true},
        {"MX-CMX", "MX", "JAL", false},  {"MX-CMX", "US", "CMX", false},
        {"MX-CMX", "", "CMX", false},    {"MX-CMX", "MX", "", false},
        {"CMX", "", "CMX", true},        {"CMX", "MX", "", false},
        {"MX-", "MX", "", false},        {"-", "", "", false},
        {"MX", "MX", "CMX", false},      {"", "", "", false},
        {"MX-CMXX", "MX", "CMX", false}, {"MXCMX", "MX", "CMX", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice word = slice_of(cases[i].word);
        struct rule rule = any;
        rule.regions = one_word(&word);
        struct destination_input input = {.country = slice_of(cases[i].country),
                                          .region = slice_of(cases[i].region)};
        if (fits(&input, &rule) != cases[i].fits) {
            fail_msg("%s for %s-%s", cases[i].word, cases[i].country, cases[i].region);
        }
    }
}

/* RFC 4647 section 3.3.1, with its own example. */
static void a_language_range_fits_what_begins_with_it(void **state) {
    (void)state;
    static const struct {
        const char *range;
        const char *tag;
        bool fits;
    } cases[] = {
        {"es", "es", true},
        {"es", "es-MX", true},
        {"ES", "es-mx", true},
        {"es-MX", "es", false},
        {"es-MX", "es-MX", true},
        {"es", "est", false},
        {"e", "es", false},
        {"de-de", "de-DE-1996", true},
        {"de-de", "de-Deva", false},
        {"de", "de-Latn-DE", true},
        {"de-DE", "de-Latn-DE", false},
        {"*", "nah", true},
        {"*", "", false},
        {"es", "", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice range = slice_of(cases[i].range);
        struct rule rule = any;
        rule.languages = one_word(&range);
        struct destination_input input = {.language = slice_of(cases[i].tag)};
        if (fits(&input, &rule) != cases[i].fits) {
            fail_msg("%s for %s", cases[i].range, cases[i].tag);
        }
    }
}

static void in_app_is_a_name_or_any_or_none(void **state) {
    (void)state;
    static const struct {
        const char *word;
        const char *in_app;
        bool fits;
    } cases[] = {
        {"instagram", "instagram", true},
        {"Instagram", "instagram", true},
        {"instagram", "tiktok", false},
        {"instagram", "", false},
        {"any", "tiktok", true},
        {"ANY", "", false},
        {"none", "", true},
        {"None", "tiktok", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice word = slice_of(cases[i].word);
        struct rule rule = any;
        rule.in_app = one_word(&word);
        struct destination_input input = {.in_app = slice_of(cases[i].in_app)};
        if (fits(&input, &rule) != cases[i].fits) {
            fail_msg("%s for \"%s\"", cases[i].word, cases[i].in_app);
        }
    }
}

static bool query_fits(struct slice query, const char *name, const char *value) {
    struct rule_parameter parameter = {
        .name = slice_of(name), .value = slice_of(value), .any_value = value == NULL};
    struct rule rule = any;
    rule.parameters = &parameter;
    rule.parameter_count = 1;
    struct destination_input input = {.query = query};
    return fits(&input, &rule);
}

static void a_parameter_is_compared_decoded(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *name;
        const char *value; /* NULL: any */
        bool fits;
    } cases[] = {
        {"ab=1", "ab", "1", true},
        {"ab=1", "ab", "2", false},
        {"ab=1", "ab", "", false},
        {"ab=1", "ab", NULL, true},
        {"ab", "ab", NULL, true},
        {"ab", "ab", "", true},
        {"ab=", "ab", "", true},
        {"abc=1", "ab", NULL, false},
        {"a=1", "ab", NULL, false},
        {"x=2&ab=1&y", "ab", "1", true},
        {"ab=2&ab=1", "ab", "1", true}, /* any of that name */
        {"&&ab=1&&", "ab", "1", true},
        {"=1", "ab", NULL, false},
        {"q=a+b", "q", "a b", true},
        {"q=a%20b", "q", "a b", true},
        {"q=a%2Bb", "q", "a+b", true},
        {"q=a%2bb", "q", "a+b", true},
        {"q=%C3%B3", "q", "\xc3\xb3", true},
        {"%71=1", "q", "1", true},
        {"q=1%", "q", "1%", true},
        {"q=1%4", "q", "1%4", true},
        {"q=1%zz", "q", "1%zz", true},
        {"q=%", "q", "", false},
        {"q=a=b", "q", "a=b", true},
        {"q=A", "q", "a", false},
        {"", "q", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (query_fits(slice_of(cases[i].query), cases[i].name, cases[i].value) != cases[i].fits) {
            fail_msg("%s for %s=%s", cases[i].query, cases[i].name,
                     cases[i].value ? cases[i].value : "(any)");
        }
    }
    assert_false(query_fits(slice_make("q=%00", 5), "q", ""));
    assert_false(query_fits(slice_make("q\0=1", 4), "q", NULL));
}

static void all_parameters_must_be_there(void **state) {
    (void)state;
    const struct rule_parameter parameters[] = {
        {.name = SLICE("a"), .value = SLICE("1")},
        {.name = SLICE("b"), .any_value = true},
    };
    struct rule rule = any;
    rule.parameters = parameters;
    rule.parameter_count = ARRAY_COUNT(parameters);
    assert_true(fits(&(struct destination_input){.query = SLICE("b&a=1")}, &rule));
    assert_false(fits(&(struct destination_input){.query = SLICE("a=1")}, &rule));
    assert_false(fits(&(struct destination_input){.query = SLICE("b&a=2")}, &rule));
}

/* The one in the last place that is looked at fits, the one behind it does not. */
static void only_so_many_parameters_are_looked_at(void **state) {
    (void)state;
    char query[256];
    size_t size = 0;
    for (int i = 0; i < RULE_MATCH_PARAMETERS_MAX - 1; i++) {
        query[size++] = 'x';
        query[size++] = '&';
    }
    memcpy(query + size, "ab=1", 4);
    assert_true(query_fits(slice_make(query, size + 4), "ab", "1"));
    memcpy(query + size, "x&ab=1", 6);
    assert_false(query_fits(slice_make(query, size + 6), "ab", "1"));
    memset(query, '&', RULE_MATCH_PARAMETERS_MAX);
    memcpy(query + RULE_MATCH_PARAMETERS_MAX, "ab=1", 4);
    assert_false(query_fits(slice_make(query, RULE_MATCH_PARAMETERS_MAX + 4), "ab", "1"));
}

static void the_first_second_fits_and_the_last_does_not(void **state) {
    (void)state;
    struct rule rule = any;
    rule.from_s = 1000;
    rule.until_s = 2000;
    assert_false(fits(&(struct destination_input){.now_s = 999}, &rule));
    assert_true(fits(&(struct destination_input){.now_s = 1000}, &rule));
    assert_true(fits(&(struct destination_input){.now_s = 1999}, &rule));
    assert_false(fits(&(struct destination_input){.now_s = 2000}, &rule));
}

static bool fits_at(const struct rule *rule, const char *time) {
    struct clock_local local = {0};
    struct destination_input input = {.now_s = at_s(time), .local = &local};
    bool with = fits(&input, rule);
    assert_true(local.end_s > 0); /* it is remembered there */
    input.local = NULL;
    assert_int_equal(fits(&input, rule), with);
    return with;
}

static void hours_are_of_the_zone_and_go_over_midnight(void **state) {
    (void)state;
    struct rule rule = any;
    rule.has_hours = true;
    rule.minute_from = 9 * 60;
    rule.minute_until = 18 * 60 + 30;
    assert_false(fits_at(&rule, "2026-11-20T08:59:59-06:00"));
    assert_true(fits_at(&rule, "2026-11-20T09:00:00-06:00"));
    assert_true(fits_at(&rule, "2026-11-20T18:29:59-06:00"));
    assert_false(fits_at(&rule, "2026-11-20T18:30:00-06:00"));

    rule.minute_from = 22 * 60;
    rule.minute_until = 2 * 60;
    assert_true(fits_at(&rule, "2026-11-20T22:00:00-06:00"));
    assert_true(fits_at(&rule, "2026-11-20T23:59:59-06:00"));
    assert_true(fits_at(&rule, "2026-11-21T00:00:00-06:00"));
    assert_false(fits_at(&rule, "2026-11-21T02:00:00-06:00"));
    assert_false(fits_at(&rule, "2026-11-20T21:59:59-06:00"));

    rule.minute_from = 0;
    rule.minute_until = RULE_MINUTES_A_DAY;
    assert_true(fits_at(&rule, "2026-11-20T00:00:00-06:00"));
    assert_true(fits_at(&rule, "2026-11-20T23:59:59-06:00"));
}

static void days_are_of_the_zone(void **state) {
    (void)state;
    struct rule rule = any;
    rule.days = 1U << 0 | 1U << 6; /* Monday, Sunday */
    assert_true(fits_at(&rule, "2026-11-16T00:00:00-06:00"));
    assert_true(fits_at(&rule, "2026-11-16T23:59:59-06:00"));
    assert_false(fits_at(&rule, "2026-11-17T00:00:00-06:00"));
    assert_false(fits_at(&rule, "2026-11-21T23:59:59-06:00"));
    assert_true(fits_at(&rule, "2026-11-22T00:00:00-06:00"));

    rule.days = 1U << 4; /* Friday, before two and from ten on */
    rule.has_hours = true;
    rule.minute_from = 22 * 60;
    rule.minute_until = 2 * 60;
    assert_true(fits_at(&rule, "2026-11-20T01:00:00-06:00"));
    assert_true(fits_at(&rule, "2026-11-20T23:00:00-06:00"));
    assert_false(fits_at(&rule, "2026-11-21T01:00:00-06:00"));
}

/* Nine in the morning is nine, whether or not the clocks were put forward in the night. */
static void hours_follow_the_summer_time(void **state) {
    (void)state;
    struct err err = {0};
    assert_true(clock_set_zone("Europe/Madrid", &err));
    struct rule rule = any;
    rule.has_hours = true;
    rule.minute_from = 9 * 60;
    rule.minute_until = 10 * 60;
    assert_true(fits_at(&rule, "2026-03-28T08:00:00Z"));
    assert_false(fits_at(&rule, "2026-03-28T07:59:59Z"));
    assert_true(fits_at(&rule, "2026-03-29T07:00:00Z"));
    assert_false(fits_at(&rule, "2026-03-29T08:00:00Z"));
    rule.minute_from = 2 * 60; /* an hour that there is not, and one that there is twice */
    rule.minute_until = 3 * 60;
    assert_false(fits_at(&rule, "2026-03-29T00:59:59Z"));
    assert_false(fits_at(&rule, "2026-03-29T01:00:00Z"));
    assert_true(fits_at(&rule, "2026-10-25T00:30:00Z"));
    assert_true(fits_at(&rule, "2026-10-25T01:30:00Z"));
    assert_true(clock_set_zone("America/Mexico_City", &err));
}

static unsigned tell(void *argument) {
    return *(const unsigned *)argument;
}

/* Everything at once fits, and each condition alone can spoil it. */
static void all_conditions_must_fit(void **state) {
    (void)state;
    unsigned number = 10;
    struct destination_share share = {.share = tell, .argument = &number};
    struct slice country = SLICE("MX"), region = SLICE("CMX"), language = SLICE("es"),
                 in_app = SLICE("tiktok");
    struct rule_parameter parameter = {.name = SLICE("a"), .value = SLICE("1")};
    struct rule rule = {
        .platforms = 1U << TAP_PLATFORM_IOS,
        .has_os_version = true,
        .os_version_min = 17 << 16,
        .os_version_max = 18 << 16,
        .countries = one_word(&country),
        .regions = one_word(&region),
        .languages = one_word(&language),
        .in_app = one_word(&in_app),
        .parameters = &parameter,
        .parameter_count = 1,
        .from_s = 1000,
        .until_s = UINT64_MAX,
        .has_hours = true,
        .minute_from = 9 * 60,
        .minute_until = 10 * 60,
        .days = 1U << 4,
        .weight = 11,
    };
    const struct destination_input good = {
        .platform = TAP_PLATFORM_IOS,
        .os_version = 17 << 16,
        .in_app = in_app,
        .country = country,
        .region = region,
        .language = SLICE("es-MX"),
        .query = SLICE("a=1"),
        .share = &share,
        .now_s = at_s("2026-11-20T09:30:00-06:00"),
    };
    assert_true(fits(&good, &rule));
    struct destination_input bad[11];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        bad[i] = good;
    }
    bad[0].platform = TAP_PLATFORM_ANDROID;
    bad[1].os_version = 19 << 16;
    bad[2].in_app = SLICE_EMPTY;
    bad[3].country = SLICE("US");
    bad[4].region = SLICE("JAL");
    bad[5].language = SLICE("en");
    bad[6].query = SLICE("a=2");
    bad[7].share = NULL;
    bad[8].now_s += 3600;
    bad[9].now_s += 24 * 3600;
    bad[10].now_s = 999;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(fits(&bad[i], &rule));
    }
    number = 11;
    assert_false(fits(&good, &rule));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_without_conditions_fits_everybody),
        cmocka_unit_test(platforms_are_a_set),
        cmocka_unit_test(both_ends_of_a_version_fit_and_an_unknown_one_does_not),
        cmocka_unit_test(countries_are_compared_without_case),
        cmocka_unit_test(a_region_fits_with_and_without_its_country),
        cmocka_unit_test(a_language_range_fits_what_begins_with_it),
        cmocka_unit_test(in_app_is_a_name_or_any_or_none),
        cmocka_unit_test(a_parameter_is_compared_decoded),
        cmocka_unit_test(all_parameters_must_be_there),
        cmocka_unit_test(only_so_many_parameters_are_looked_at),
        cmocka_unit_test(the_first_second_fits_and_the_last_does_not),
        cmocka_unit_test(hours_are_of_the_zone_and_go_over_midnight),
        cmocka_unit_test(days_are_of_the_zone),
        cmocka_unit_test(hours_follow_the_summer_time),
        cmocka_unit_test(all_conditions_must_fit),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
