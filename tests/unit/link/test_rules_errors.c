/*
 * What makes no sense in rules is said: which rule, which member, what is allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "link/rules.h"

static const struct rules_terms terms = {
    .campaign = {"c", 1}, .schemes = {"bank", 4}, .hosts = {"example.mx *.example.mx", 23}};

static void assert_refused(const char *json, const char *begin, const char *because) {
    struct err err = {""};
    struct rules *rules = rules_create(slice_of(json), &terms, &err);
    if (rules != NULL || strncmp(err.text, begin, strlen(begin)) != 0 ||
        strstr(err.text, because) == NULL) {
        fail_msg("%s: \"%s\"", json, rules != NULL ? "" : err.text);
    }
    assert_null(strpbrk(err.text, "\r\n"));
    assert_null(rules_create(slice_of(json), &terms, NULL));
    assert_false(rules_normalize(slice_of(json), &terms, &(struct buf){0}, NULL));
}

static void the_whole_is_an_array_of_objects(void **state) {
    (void)state;
    static const struct {
        const char *json;
        const char *begin;
        const char *because;
    } cases[] = {
        {"", "not JSON: ", "line 1"},
        {"[", "not JSON: ", "line 1"},
        {"nonsense", "not JSON: ", ""},
        {"[]x", "not JSON: ", ""},
        {"\"text\"", "not JSON: ", ""},
        {"{}", "allowed is a JSON array of rules", ""},
        {"[1]", "rule 1: allowed is an object", ""},
        {"[{\"to\":\"web\"},[]]", "rule 2: allowed is an object", ""},
        {"[{\"to\":\"web\",\"to\":\"ios\"}]", "not JSON: duplicate", ""},
        {"[{\"to\":\"web\",\"query\":{\"a\":\"1\",\"a\":\"2\"}}]", "not JSON: duplicate", ""},
        {"[{\"to\":\"a\\u0000b\"}]", "not JSON: ", "\\u0000"},
        {"[{\"to\":\"web\",\"county\":\"MX\"}]", "rule 1: \"county\": there is no such member",
         "allowed: name, platform, os_version, country"},
        {"[{\"to\":\"web\",\"a\\nb\":1}]", "rule 1: \"a b\"", ""},
        {"[{\"name\":\"x\"}]", "rule 1 (\"x\"): to: it is missing", "fallback"},
        {"[{\"to\":\"web\"},{\"name\":\"mx\",\"country\":7,\"to\":\"web\"}]",
         "rule 2 (\"mx\"): country: allowed are two letters", "up to 64"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_refused(cases[i].json, cases[i].begin, cases[i].because);
    }
    char deep[RULES_BYTES_MAX];
    memset(deep, '[', sizeof(deep));
    struct err err = {""};
    assert_null(rules_create(slice_make(deep, sizeof(deep)), &terms, &err));
    assert_non_null(strstr(err.text, "not JSON"));
}

/* Of each member: values that it does not take, and what is said. */
static void every_member_says_what_is_allowed(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *because;
        const char *values[12];
    } cases[] = {
        {"name", "1 to 32 of A-Z", {"7", "\"\"", "\"a b\"", "\"\xC3\xA9\"", "null"}},
        {"platform",
         "android, ios, windows, macos, linux and other",
         {"\"iphone\"", "\"iOS\"", "\"\"", "[]", "[\"ios\",7]", "null", "{}"}},
        {"os_version",
         ">=16.4",
         {"16", "\"\"", "\"v16\"", "\"16.\"", "\".1\"", "\"16.4.1.1\"", "\"16-14\"", "\">16\"",
          "\"16.256\"", "\"1000\"", "\"<0\"", "\"14-15-16\""}},
        {"country", "like MX", {"\"MEX\"", "\"M1\"", "\"M\"", "\"*\"", "[\"MX\",\"\"]", "true"}},
        {"region",
         "like CMX or MX-CMX",
         {"\"MEX-CMX\"", "\"MX-\"", "\"MX-ABCD\"", "\"-CMX\"", "\"ABCD\"", "\"MX-C-X\"", "\"\""}},
        {"language",
         "like es or es-MX",
         {"\"es_MX\"", "\"es-\"", "\"-es\"", "\"abcdefghi\"", "\"es-abcdefghi\"", "\"1a\"",
          "\"es--MX\""}},
        {"in_app", "any, none", {"\"Insta gram\"", "\"Instagram\"", "\"\"", "[[\"any\"]]"}},
        {"query",
         "up to 64 parameters",
         {"{}", "[]", "\"a=1\"", "{\"\":\"1\"}", "{\"a\":1}", "{\"a\":\"\\u0001\"}",
          "{\"a\\u0085\":null}", "{\"a\":[\"1\"]}"}},
        {"from",
         "RFC 3339",
         {"-1", "1.5", "\"soon\"", "\"2026-12-01\"", "\"2026-13-01T00:00:00Z\"", "253402300800",
          "true", "null", "\"2026-12-01T00:00:00\""}},
        {"until", "RFC 3339", {"\"\"", "{}", "\"2026-12-01\""}},
        {"until", "later than from", {"0"}},
        {"hours",
         "09:00-18:00",
         {"\"9:00-18:00\"", "\"09:00\"", "\"09:00-09:00\"", "\"24:00-06:00\"", "\"09:60-10:00\"",
          "\"09:00-24:01\"", "\"09:00-25:00\"", "9", "\"09-00-18-00\""}},
        {"days",
         "mon-fri",
         {"\"monday\"", "\"mon-\"", "\"-fri\"", "\"mon-fri-sun\"", "[]", "1", "\"mon,tue\""}},
        {"days", "no day in it", {"\" \""}},
        {"weight", "1 to 100", {"0", "101", "-1", "50.5", "\"50\"", "null"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(cases[i].values) && cases[i].values[k] != NULL; k++) {
            char json[256];
            char begin[64];
            snprintf(json, sizeof(json), "[{\"%s\":%s,\"to\":\"web\"}]", cases[i].name,
                     cases[i].values[k]);
            bool has_name = strcmp(cases[i].name, "name") == 0 && cases[i].values[k][0] == '"';
            snprintf(begin, sizeof(begin), "rule 1%s%s", has_name ? " (" : ": ",
                     has_name ? "" : cases[i].name);
            assert_refused(json, begin, cases[i].because);
        }
    }
}

static void it_leads_to_a_word_or_an_allowed_url(void **state) {
    (void)state;
    static const struct {
        const char *to;
        const char *because;
    } cases[] = {
        {"7", "allowed are android, ios, web, fallback, desktop, and URLs"},
        {"\"\"", "allowed are android"},
        {"\"play\"", "allowed are android"},
        {"\"Web\"", "allowed are android"},
        {"\"http://example.mx/\"", "the scheme http is not allowed"},
        {"\"javascript:alert(1)\"", "never allowed"},
        {"\"https://example.mx/{who}\"", "unknown placeholder"},
        {"\"https://example.com/\"", "the host example.com is not one of links.allowed_hosts"},
        {"\"https://example.mx.evil.com/\"", "not one of links.allowed_hosts"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char json[256];
        snprintf(json, sizeof(json), "[{\"to\":%s}]", cases[i].to);
        assert_refused(json, "rule 1: to: ", cases[i].because);
    }
    struct rules *rules = rules_create(
        SLICE("[{\"to\":\"https://a.example.mx/\"},{\"to\":\"bank://x\"}]"), &terms, NULL);
    assert_non_null(rules);
    rules_destroy(&rules);
}

/* The edge tells a language and perhaps a region, so all others would wait for ever. What stands in
 * Redis goes on as before. */
static void a_language_that_can_never_fit_is_not_written(void **state) {
    (void)state;
    static const struct rules_terms written = {.is_written = true};
    static const char *const good[] = {"es", "ES", "es-MX", "es-419", "yue", "yue-hk", "*"};
    static const char *const never[] = {"zh-Hant", "zh-Hant-TW", "ca-valencia", "zh-yue",
                                        "es-MX-x", "es-1",       "e",           "espa",
                                        "es-4",    "es-41a",     "x-klingon",   "i-default"};
    char json[256];
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        snprintf(json, sizeof(json), "[{\"language\":[\"%s\"],\"to\":\"web\"}]", good[i]);
        struct rules *rules = rules_create(slice_of(json), &written, NULL);
        assert_non_null(rules);
        rules_destroy(&rules);
    }
    for (size_t i = 0; i < ARRAY_COUNT(never); i++) {
        struct err err = {""};
        snprintf(json, sizeof(json), "[{\"language\":[\"es\",\"%s\"],\"to\":\"web\"}]", never[i]);
        assert_null(rules_create(slice_of(json), &written, &err));
        assert_non_null(strstr(err.text, "rule 1: language: allowed are languages like es, es-MX"));
        assert_non_null(strstr(err.text, "* for any"));
        struct rules *rules = rules_create(slice_of(json), &terms, NULL);
        assert_non_null(rules);
        rules_destroy(&rules);
    }
}

/* What is counted by the name of a rule would be of two. */
static void names_are_not_given_twice(void **state) {
    (void)state;
    assert_refused("[{\"name\":\"a\",\"to\":\"web\"},{\"name\":\"A\",\"to\":\"ios\"}]",
                   "rule 2 (\"A\"): name: rule 1 has the same", "");
    assert_refused("[{\"name\":\"rule-2\",\"to\":\"web\"},{\"to\":\"ios\"}]",
                   "rule 2 (\"rule-2\"): name: rule 1 has the same", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_is_an_array_of_objects),
        cmocka_unit_test(every_member_says_what_is_allowed),
        cmocka_unit_test(it_leads_to_a_word_or_an_allowed_url),
        cmocka_unit_test(a_language_that_can_never_fit_is_not_written),
        cmocka_unit_test(names_are_not_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
