/*
 * test_conversions_read.c - a report out of JSON: what each member may be, and what is said of
 * what it may not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "conversions_read.h"

#define NOW_S 1700000000ULL
#define TOKEN "AaH_tRGcTSGJ5Rw1PKF03oFQ9Sztlfm1"

struct read {
    json_t *root;
    struct report report;
    struct json_fault fault;
    bool is_good;
};

static struct read *read_text(const char *text) {
    static struct read read;
    const struct report_limits limits = {.now_ms = NOW_S * 1000, .retain_days = 400};
    json_decref(read.root);
    read = (struct read){.root = json_fields_parse(slice_of(text), &read.fault)};
    if (read.root == NULL) {
        fail_msg("%s: %s", text, read.fault.err.text);
    }
    read.is_good = report_read(read.root, &limits, &read.report, &read.fault);
    return &read;
}

static const struct conversion *good(const char *text) {
    const struct read *read = read_text(text);
    if (!read->is_good) {
        fail_msg("%s: %s: %s", text, read->fault.field, read->fault.err.text);
    }
    return &read->report.conversion;
}

static void assert_text(const struct conversion *conversion, enum conversion_text which,
                        const char *text) {
    if (!slice_equal(conversion->text[which], slice_of(text))) {
        fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARG(conversion->text[which]), text);
    }
}

static void everything_that_can_be_said(void **state) {
    (void)state;
    const struct conversion *conversion =
        good("{\"click\":\"" TOKEN "\",\"code\":\"AB12CD\",\"event\":\"first_loan\","
             "\"at\":\"2023-11-14T22:00:00Z\",\"value\":150000,\"currency\":\"MXN\","
             "\"install_begin_at\":1699999000,\"referrer_click_at\":\"1699998000\","
             "\"user\":\"u-1 \\u00f1\",\"idempotency_key\":\"loan 77\"}");
    assert_text(conversion, CONVERSION_TEXT_CLICK, TOKEN);
    assert_text(conversion, CONVERSION_TEXT_CODE, "AB12CD");
    assert_text(conversion, CONVERSION_TEXT_EVENT, "first_loan");
    assert_text(conversion, CONVERSION_TEXT_CURRENCY, "MXN");
    assert_text(conversion, CONVERSION_TEXT_USER, "u-1 \xc3\xb1");
    assert_text(conversion, CONVERSION_TEXT_KEY, "loan 77");
    assert_int_equal(conversion->happened_ms, 1699999200000);
    assert_int_equal(conversion->install_begin_ms, 1699999000000);
    assert_int_equal(conversion->referrer_click_ms, 1699998000000);
    assert_int_equal(conversion->value, 150000);
}

static void null_is_not_said(void **state) {
    (void)state;
    const struct conversion *conversion =
        good("{\"code\":\"A\",\"event\":\"install\",\"click\":null,\"at\":null,\"value\":null,"
             "\"currency\":null,\"user\":null,\"install_begin_at\":0,\"referrer_click_at\":null}");
    assert_int_equal(conversion->happened_ms, 0);
    assert_int_equal(conversion->install_begin_ms, 0);
    assert_int_equal(conversion->text[CONVERSION_TEXT_CLICK].size, 0);
    assert_int_equal(conversion->text[CONVERSION_TEXT_CURRENCY].size, 0);
}

static void events_of_a_campaigns_own_are_marked(void **state) {
    (void)state;
    static const char *const known[] = {"install", "signup", "first_loan"};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        char text[96];
        snprintf(text, sizeof(text), "{\"code\":\"A\",\"event\":\"%s\"}", known[i]);
        good(text);
        assert_false(read_text(text)->report.is_own_event);
    }
    assert_true(read_text("{\"code\":\"A\",\"event\":\"second_loan\"}")->report.is_own_event);
}

static void a_value_may_be_nothing_or_very_much(void **state) {
    (void)state;
    assert_int_equal(
        good("{\"code\":\"A\",\"event\":\"install\",\"value\":0,\"currency\":\"JPY\"}")->value, 0);
    assert_int_equal(good("{\"code\":\"A\",\"event\":\"install\",\"value\":1000000000000000,"
                          "\"currency\":\"JPY\"}")
                         ->value,
                     REPORT_VALUE_MAX);
}

static void times_are_taken_up_to_their_limits(void **state) {
    (void)state;
    static const struct {
        const char *at;
        bool is_good;
    } cases[] = {
        {"1700086400", true},
        {"1700086401", false},
        {"1665440000", true},
        {"1665439999", false},
        {"0", false},
        {"-1", false},
        {"1.5", false},
        {"\"2023-11-14\"", true},
        {"\"2023-11-14T22:00:00\"", false},
        {"\"yesterday\"", false},
        {"true", false},
        {"99999999999999999", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"code\":\"A\",\"event\":\"install\",\"at\":%s}",
                 cases[i].at);
        const struct read *read = read_text(text);
        if (read->is_good != cases[i].is_good) {
            fail_msg("%s: %s", cases[i].at, read->fault.err.text);
        }
    }
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *field;
        const char *words;
    } cases[] = {
        {"[]", "", "a report is a JSON object"},
        {"5", "", "a report is a JSON object"},
        {"{}", "event", "missing"},
        {"{\"event\":\"install\"}", "click", "missing"},
        {"{\"event\":\"Install\",\"code\":\"A\"}", "event", "install, signup, first_loan"},
        {"{\"event\":5,\"code\":\"A\"}", "event", "install, signup, first_loan"},
        {"{\"event\":\"install\",\"code\":\"A B\"}", "code", "1 to 64"},
        {"{\"event\":\"install\",\"code\":\"\"}", "code", "1 to 64"},
        {"{\"event\":\"install\",\"code\":7}", "code", "1 to 64"},
        {"{\"event\":\"install\",\"click\":\"\"}", "click", "1 to 128"},
        {"{\"event\":\"install\",\"click\":\"a\\u0000b\"}", "click", "control characters"},
        {"{\"event\":\"install\",\"click\":[]}", "click", "1 to 128"},
        {"{\"event\":\"install\",\"code\":\"A\",\"user\":\"a\\nb\"}", "user", "control"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":1}", "currency", "together"},
        {"{\"event\":\"install\",\"code\":\"A\",\"currency\":\"MXN\"}", "value", "together"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":-1,\"currency\":\"MXN\"}", "value",
         "minor units"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":1.0,\"currency\":\"MXN\"}", "value",
         "integer"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":\"1\",\"currency\":\"MXN\"}", "value",
         "integer"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":1000000000000001,\"currency\":\"MXN\"}",
         "value", "1000000000000000"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":1,\"currency\":\"mxn\"}", "currency",
         "ISO 4217"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":1,\"currency\":\"ZZZ\"}", "currency",
         "ISO 4217"},
        {"{\"event\":\"install\",\"code\":\"A\",\"value\":1,\"currency\":\"N M\"}", "currency",
         "ISO 4217"},
        {"{\"event\":\"install\",\"code\":\"A\",\"install_begin_at\":\"x\"}", "install_begin_at",
         "Unix seconds"},
        {"{\"event\":\"install\",\"code\":\"A\",\"referrer_click_at\":1700090000}",
         "referrer_click_at", "a day ahead"},
        {"{\"event\":\"install\",\"code\":\"A\",\"idempotency_key\":\"\"}", "idempotency_key",
         "1 to 128"},
        {"{\"event\":\"install\",\"code\":\"A\",\"idempotency_key\":\"\\u00f1\"}",
         "idempotency_key", "ASCII"},
        {"{\"event\":\"install\",\"code\":\"A\",\"clik\":\"x\"}", "clik", "there is no such field"},
        {"{\"event\":\"install\",\"code\":\"A\",\"\":1}", "\"\"", "there is no such field"},
        {"{\"event\":\"install\",\"referrer\":\"utm_source=google-play&utm_medium=organic\"}",
         "referrer", "did not come by a link of ours"},
        {"{\"event\":\"install\",\"code\":\"A\",\"referrer\":\"utm_content=B&click=x\"}",
         "referrer", "another code"},
        {"{\"event\":\"install\",\"click\":\"y\",\"referrer\":\"utm_content=B&click=x\"}",
         "referrer", "another code, or click"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct read *read = read_text(cases[i].text);
        assert_false(read->is_good);
        assert_string_equal(read->fault.field, cases[i].field);
        if (strstr(read->fault.err.text, cases[i].words) == NULL) {
            fail_msg("%s: \"%s\" is not in: %s", cases[i].text, cases[i].words,
                     read->fault.err.text);
        }
    }
}

static void texts_have_a_limit(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t size_max;
    } members[] = {
        {"code", 64}, {"click", 128}, {"user", 128}, {"idempotency_key", 128}, {"event", 32}};
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        for (size_t more = 0; more < 2; more++) {
            char value[160] = "";
            char text[320];
            memset(value, 'a', members[i].size_max + more);
            bool is_event = strcmp(members[i].name, "event") == 0;
            bool is_code = strcmp(members[i].name, "code") == 0;
            snprintf(text, sizeof(text), "{%s%s\"%s\":\"%s\"}",
                     is_event ? "" : "\"event\":\"install\",", is_code ? "" : "\"code\":\"A\",",
                     members[i].name, value);
            assert_int_equal(read_text(text)->is_good, more == 0);
        }
    }
}

static void a_referrer_has_code_and_click(void **state) {
    (void)state;
    static const char *const referrers[] = {
        "utm_source=brinco&utm_medium=referral&utm_campaign=spring&utm_content=AB12CD&click=" TOKEN,
        "click=" TOKEN "&utm_content=AB12CD",
        "utm_content=%41B12CD&click=" TOKEN "&x=%zz",
        /* Not decoded yet, as it stands in the link to the store. */
        "utm_content%3DAB12CD%26click%3D" TOKEN,
    };
    for (size_t i = 0; i < ARRAY_COUNT(referrers); i++) {
        char text[512];
        snprintf(text, sizeof(text), "{\"event\":\"install\",\"referrer\":\"%s\"}", referrers[i]);
        const struct conversion *conversion = good(text);
        assert_text(conversion, CONVERSION_TEXT_CODE, "AB12CD");
        assert_text(conversion, CONVERSION_TEXT_CLICK, TOKEN);
    }
    const struct conversion *conversion =
        good("{\"event\":\"install\",\"referrer\":\"utm_content=no%20code&click=x\"}");
    assert_int_equal(conversion->text[CONVERSION_TEXT_CODE].size, 0);
    assert_text(conversion, CONVERSION_TEXT_CLICK, "x");
    conversion = good("{\"event\":\"install\",\"code\":\"B\",\"referrer\":\"gclid=1\"}");
    assert_text(conversion, CONVERSION_TEXT_CODE, "B");
    conversion = good("{\"event\":\"install\",\"code\":\"B\",\"referrer\":\"click=a%0Ab\"}");
    assert_int_equal(conversion->text[CONVERSION_TEXT_CLICK].size, 0);
}

static void currencies_are_those_of_iso_4217(void **state) {
    (void)state;
    static const char *const good_ones[] = {"AED", "MXN", "USD", "EUR", "ZWG", "VED"};
    static const char *const bad_ones[] = {"", "MX", "mxn", "XAU", "AAA", "D M", "MXNN"};
    for (size_t i = 0; i < ARRAY_COUNT(good_ones); i++) {
        assert_true(report_currency_is_known(slice_of(good_ones[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad_ones); i++) {
        assert_false(report_currency_is_known(slice_of(bad_ones[i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_can_be_said),
        cmocka_unit_test(null_is_not_said),
        cmocka_unit_test(events_of_a_campaigns_own_are_marked),
        cmocka_unit_test(a_value_may_be_nothing_or_very_much),
        cmocka_unit_test(times_are_taken_up_to_their_limits),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(texts_have_a_limit),
        cmocka_unit_test(a_referrer_has_code_and_click),
        cmocka_unit_test(currencies_are_those_of_iso_4217),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
