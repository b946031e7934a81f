/*
 * Rules: every member read, every limit, and what is stored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/vocabulary.h"
#include "link/rules.h"
#include "link/template.h"

static const struct rules_terms plain = {.campaign = {"spring", 6}, .schemes = {"bank", 4}};

static struct rules *create(const char *json) {
    struct err err = {""};
    struct rules *rules = rules_create(slice_of(json), &plain, &err);
    if (rules == NULL) {
        fail_msg("%s: %s", json, err.text);
    }
    assert_string_equal(err.text, "");
    return rules;
}

/* A rule of this one member, and "to". */
static struct rules *create_one(const char *member) {
    char json[512];
    snprintf(json, sizeof(json), "[{%s,\"to\":\"web\"}]", member);
    struct rules *rules = create(json);
    assert_int_equal(rules->count, 1);
    return rules;
}

static void assert_words(struct rule_words words, const char *first, size_t count) {
    assert_int_equal(words.count, count);
    assert_true(slice_equal(words.word[0], slice_of(first)));
}

static void a_rule_with_every_member_reads_back(void **state) {
    (void)state;
    struct rules *rules = create(
        "[{\"name\":\"mexico-ios\",\"platform\":[\"ios\",\"macos\"],\"os_version\":\">=16.4\","
        "\"country\":[\"MX\",\"co\"],\"region\":\"MX-CMX\",\"language\":[\"es\",\"es-MX\"],"
        "\"in_app\":\"instagram\",\"query\":{\"ab\":\"1\",\"x\":null},"
        "\"from\":\"2026-12-01T00:00:00-06:00\",\"until\":1896130800,"
        "\"hours\":\"09:00-18:30\",\"days\":\"mon-fri\",\"weight\":50,"
        "\"to\":\"https://example.mx/{campaign}/{code}\"},{\"to\":\"fallback\"}]");
    assert_int_equal(rules->count, 2);
    const struct rule *rule = &rules->rule[0];
    assert_true(slice_equal(rule->name, SLICE("mexico-ios")));
    assert_int_equal(rule->platforms, 1U << TAP_PLATFORM_IOS | 1U << TAP_PLATFORM_MACOS);
    assert_true(rule->has_os_version);
    assert_int_equal(rule->os_version_min, 16 << 16 | 4 << 8);
    assert_int_equal(rule->os_version_max, UINT32_MAX);
    assert_words(rule->countries, "MX", 2);
    assert_words(rule->regions, "MX-CMX", 1);
    assert_words(rule->languages, "es", 2);
    assert_words(rule->in_app, "instagram", 1);
    assert_int_equal(rule->parameter_count, 2);
    assert_true(slice_equal(rule->parameters[0].name, SLICE("ab")));
    assert_true(slice_equal(rule->parameters[0].value, SLICE("1")));
    assert_false(rule->parameters[0].any_value);
    assert_true(rule->parameters[1].any_value);
    assert_int_equal(rule->from_s, 1796104800);
    assert_int_equal(rule->until_s, 1896130800);
    assert_true(rule->has_hours);
    assert_int_equal(rule->minute_from, 540);
    assert_int_equal(rule->minute_until, 1110);
    assert_int_equal(rule->days, 0x1F);
    assert_int_equal(rule->weight, 50);
    assert_int_equal(rule->target, RULE_TO_URL);
    assert_true(slice_equal(rule->text, SLICE("https://example.mx/{campaign}/{code}")));

    char bytes[LOCATION_BYTES_MAX];
    struct buf url = buf_over(bytes, sizeof(bytes));
    size_t click_at;
    const struct template_values values = {.code = SLICE("AB12CD")};
    assert_true(template_render_open(rule->template, &values, &url, &click_at));
    assert_true(slice_equal(buf_slice(&url), SLICE("https://example.mx/spring/AB12CD")));
    rules_destroy(&rules);
    assert_null(rules);
}

static void a_rule_may_have_no_condition(void **state) {
    (void)state;
    struct rules *rules = create("[{\"to\":\"web\"}]");
    const struct rule *rule = &rules->rule[0];
    assert_true(slice_equal(rule->name, SLICE("rule-1")));
    assert_int_equal(rule->platforms, 0);
    assert_false(rule->has_os_version);
    assert_int_equal(rule->countries.count + rule->regions.count + rule->languages.count +
                         rule->in_app.count + rule->parameter_count,
                     0);
    assert_int_equal(rule->from_s, 0);
    assert_true(rule->until_s == UINT64_MAX);
    assert_false(rule->has_hours);
    assert_int_equal(rule->days + rule->weight, 0);
    assert_int_equal(rule->target, RULE_TO_WEB);
    assert_int_equal(rule->template.size, 0);
    rules_destroy(&rules);
    rules = create("[]");
    assert_int_equal(rules->count, 0);
    rules_destroy(&rules);
}

static void every_target_has_a_word(void **state) {
    (void)state;
    static const struct {
        const char *word;
        enum rule_target target;
    } cases[] = {
        {"android", RULE_TO_ANDROID},   {"ios", RULE_TO_IOS},         {"web", RULE_TO_WEB},
        {"fallback", RULE_TO_FALLBACK}, {"desktop", RULE_TO_DESKTOP}, {"https://a.mx", RULE_TO_URL},
        {"bank://invite", RULE_TO_URL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char json[128];
        snprintf(json, sizeof(json), "[{\"to\":\"%s\"}]", cases[i].word);
        struct rules *rules = create(json);
        assert_int_equal(rules->rule[0].target, cases[i].target);
        assert_int_equal(rules->rule[0].template.size > 0, cases[i].target == RULE_TO_URL);
        rules_destroy(&rules);
    }
}

static void versions_are_ranges(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t min;
        uint32_t max;
    } cases[] = {
        {"16", 16 << 16, 16 << 16 | 0xFFFF},
        {"16.4", 16 << 16 | 4 << 8, 16 << 16 | 4 << 8 | 0xFF},
        {"16.4.1", 16 << 16 | 4 << 8 | 1, 16 << 16 | 4 << 8 | 1},
        {">=16.4", 16 << 16 | 4 << 8, UINT32_MAX},
        {"<17", 0, (17 << 16) - 1},
        {"<17.2.1", 0, 17 << 16 | 2 << 8},
        {"14-16", 14 << 16, 16 << 16 | 0xFFFF},
        {"14.1-14.1", 14 << 16 | 1 << 8, 14 << 16 | 1 << 8 | 0xFF},
        {"999.255.255", 999U << 16 | 0xFFFF, 999U << 16 | 0xFFFF},
        {"0", 0, 0xFFFF},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char member[64];
        snprintf(member, sizeof(member), "\"os_version\":\"%s\"", cases[i].text);
        struct rules *rules = create_one(member);
        assert_true(rules->rule[0].has_os_version);
        assert_int_equal(rules->rule[0].os_version_min, cases[i].min);
        assert_int_equal(rules->rule[0].os_version_max, cases[i].max);
        rules_destroy(&rules);
    }
}

static void hours_may_go_over_midnight(void **state) {
    (void)state;
    struct rules *rules = create_one("\"hours\":\"22:00-06:00\"");
    assert_int_equal(rules->rule[0].minute_from, 22 * 60);
    assert_int_equal(rules->rule[0].minute_until, 6 * 60);
    rules_destroy(&rules);
    rules = create_one("\"hours\":\"00:00-24:00\"");
    assert_int_equal(rules->rule[0].minute_from, 0);
    assert_int_equal(rules->rule[0].minute_until, RULE_MINUTES_A_DAY);
    rules_destroy(&rules);
}

static void days_are_a_set(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned days;
    } cases[] = {
        {"\"mon\"", 0x01},        {"\"sat-sun\"", 0x60},           {"\"sat-mon\"", 0x61},
        {"\"Mon Wed\"", 0x05},    {"[\"mon\",\"wed-fri\"]", 0x1D}, {"\"mon-sun\"", 0x7F},
        {"\" mon  tue \"", 0x03}, {"[\"sun\",\"sun\"]", 0x40},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char member[64];
        snprintf(member, sizeof(member), "\"days\":%s", cases[i].text);
        struct rules *rules = create_one(member);
        assert_int_equal(rules->rule[0].days, cases[i].days);
        rules_destroy(&rules);
    }
}

static void what_is_stored_is_one_line_in_one_order(void **state) {
    (void)state;
    char bytes[RULES_BYTES_MAX];
    struct buf out = buf_over(bytes, sizeof(bytes));
    struct err err = {""};
    assert_true(rules_normalize(
        SLICE(" [ {\"to\" : \"web\",\n\t\"query\":{\"b\":\"\\u00e9\\\"\",\"a\":null},"
              "\"weight\":5, \"name\":\"a\"},\r\n{\"to\":\"https:\\/\\/a.mx\\/\"} ]\n"),
        &plain, &out, &err));
    assert_true(slice_equal(
        buf_slice(&out),
        SLICE("[{\"name\":\"a\",\"query\":{\"b\":\"\xC3\xA9\\\"\",\"a\":null},\"weight\":5,"
              "\"to\":\"web\"},{\"to\":\"https://a.mx/\"}]")));
    assert_false(rules_normalize(SLICE("[{}]"), &plain, &out, &err));
    assert_string_equal(err.text, "rule 1: to: it is missing; allowed are android, ios, web, "
                                  "fallback, desktop, and URLs like https://example.com/");

    struct buf tight = buf_over(bytes, 4);
    assert_false(rules_normalize(SLICE("[{\"to\":\"web\"}]"), &plain, &tight, NULL));
    assert_int_equal(tight.size, 0);
}

/* So what fits as it was written fits as it is stored. */
static void it_is_never_longer_than_what_was_read(void **state) {
    (void)state;
    static const char *const texts[] = {
        "[{\"query\":{\"a\":\"\\u00ad\\\"\\\\\\/\"},\"to\":\"web\"}]",
        "[{\"query\":{\"\\ud83d\\ude00\":\"\xF0\x9F\x98\x80\"},\"to\":\"web\"}]",
        "[{\"from\":-0,\"until\":1,\"to\":\"web\"}]",
        "[{\"days\":[\"mon\"],\"to\":\"web\"}]",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        char bytes[1024];
        struct buf out = buf_over(bytes, sizeof(bytes));
        assert_true(rules_normalize(slice_of(texts[i]), &plain, &out, NULL));
        assert_true(out.size <= strlen(texts[i]));
        char again[1024];
        struct buf twice = buf_over(again, sizeof(again));
        assert_true(rules_normalize(buf_slice(&out), &plain, &twice, NULL));
        assert_true(slice_equal(buf_slice(&out), buf_slice(&twice)));
    }
}

static char *many(size_t count, const char *one, const char *separator) {
    size_t size = count * (strlen(one) + strlen(separator)) + 1;
    char *text = calloc(1, size);
    assert_non_null(text);
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        at += snprintf(at, size - (size_t)(at - text), "%s%s", i > 0 ? separator : "", one);
    }
    return text;
}

static bool reads(struct slice json, const char *because) {
    struct err err = {""};
    struct rules *rules = rules_create(json, &plain, &err);
    bool is_good = rules != NULL;
    if (!is_good && strstr(err.text, because) == NULL) {
        fail_msg("%s", err.text);
    }
    rules_destroy(&rules);
    return is_good;
}

static void lists_are_bounded(void **state) {
    (void)state;
    char json[RULES_BYTES_MAX];
    char *list = many(RULES_MAX, "{\"to\":\"web\"}", ",");
    snprintf(json, sizeof(json), "[%s]", list);
    assert_true(reads(slice_of(json), ""));
    snprintf(json, sizeof(json), "[%s,{\"to\":\"web\"}]", list);
    assert_false(reads(slice_of(json), "more than 32 rules"));
    free(list);

    list = many(RULE_WORDS_MAX, "\"MX\"", ",");
    snprintf(json, sizeof(json), "[{\"country\":[%s],\"to\":\"web\"}]", list);
    assert_true(reads(slice_of(json), ""));
    snprintf(json, sizeof(json), "[{\"country\":[%s,\"MX\"],\"to\":\"web\"}]", list);
    assert_false(reads(slice_of(json), "an array of up to 64 of them"));
    free(list);

    char *blanks = many(RULES_BYTES_MAX - 2, " ", "");
    char *text = calloc(1, RULES_BYTES_MAX + 2);
    snprintf(text, RULES_BYTES_MAX + 2, "[%s]", blanks);
    assert_true(reads(slice_make(text, RULES_BYTES_MAX), ""));
    text[RULES_BYTES_MAX] = ' ';
    assert_false(reads(slice_make(text, RULES_BYTES_MAX + 1), "longer than 16384 bytes"));
    free(text);
    free(blanks);
}

static void words_and_names_are_bounded(void **state) {
    (void)state;
    char json[512];
    char word[RULE_WORD_BYTES_MAX + 2] = "";
    memset(word, 'a', RULE_WORD_BYTES_MAX);
    snprintf(json, sizeof(json), "[{\"query\":{\"%s\":\"%s\"},\"to\":\"web\"}]", word, word);
    assert_true(reads(slice_of(json), ""));
    snprintf(json, sizeof(json), "[{\"in_app\":\"%s\",\"to\":\"web\"}]", word);
    assert_true(reads(slice_of(json), ""));
    word[RULE_WORD_BYTES_MAX] = 'a';
    snprintf(json, sizeof(json), "[{\"query\":{\"%s\":\"\"},\"to\":\"web\"}]", word);
    assert_false(reads(slice_of(json), "of 64 bytes at most"));
    snprintf(json, sizeof(json), "[{\"query\":{\"a\":\"%s\"},\"to\":\"web\"}]", word);
    assert_false(reads(slice_of(json), "of 64 bytes at most"));
    snprintf(json, sizeof(json), "[{\"in_app\":\"%s\",\"to\":\"web\"}]", word);
    assert_false(reads(slice_of(json), "in_app: allowed are"));
    word[RULE_NAME_BYTES_MAX] = '\0';
    snprintf(json, sizeof(json), "[{\"name\":\"%s\",\"to\":\"web\"}]", word);
    assert_true(reads(slice_of(json), ""));
    snprintf(json, sizeof(json), "[{\"name\":\"%sa\",\"to\":\"web\"}]", word);
    assert_false(reads(slice_of(json), "name: allowed are 1 to 32 of"));
}

/* 32 rules with templates as long as they may be: all in one block, whatever they compile to. */
static void the_largest_rules_fit(void **state) {
    (void)state;
    struct buf json;
    buf_init(&json, RULES_BYTES_MAX);
    buf_append_char(&json, '[');
    for (int i = 0; i < RULES_MAX; i++) {
        buf_printf(&json, "%s{\"to\":\"https://a.mx/", i > 0 ? "," : "");
        for (int k = 0; k < 40; k++) {
            buf_append(&json, SLICE("{campaign}/"));
        }
        buf_append(&json, SLICE("\"}"));
    }
    buf_append_char(&json, ']');
    assert_false(json.overflowed);
    struct rules *rules = rules_create(buf_slice(&json), &plain, NULL);
    assert_non_null(rules);
    for (size_t i = 0; i < RULES_MAX; i++) {
        assert_true(rules->rule[i].template.size > 40 * sizeof("spring"));
    }
    rules_destroy(&rules);
    buf_fini(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_with_every_member_reads_back),
        cmocka_unit_test(a_rule_may_have_no_condition),
        cmocka_unit_test(every_target_has_a_word),
        cmocka_unit_test(versions_are_ranges),
        cmocka_unit_test(hours_may_go_over_midnight),
        cmocka_unit_test(days_are_a_set),
        cmocka_unit_test(what_is_stored_is_one_line_in_one_order),
        cmocka_unit_test(it_is_never_longer_than_what_was_read),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(words_and_names_are_bounded),
        cmocka_unit_test(the_largest_rules_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
