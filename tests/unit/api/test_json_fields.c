/*
 * Bodies become fields, or one sentence that names the member at fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "json_fields.h"

static void assert_value(const struct json_fields *fields, int field, const char *expected) {
    assert_true((fields->given & 1U << field) != 0);
    assert_true(slice_equal(fields->value[field], slice_of(expected)));
}

static void members_become_fields(void **state) {
    (void)state;
    struct json_fields fields;
    struct json_fault fault;
    struct slice text = SLICE("{\"code\":\"AB\",\"campaign\":\"c\",\"owner\":\"A\\u00f1a\","
                              "\"starts_at\":17,\"expires_at\":\"2026-01-31T23:59:59Z\","
                              "\"url\":null,\"status\":\"\"}");
    assert_true(json_fields_read(RECORD_LINK, text, &fields, &fault));
    assert_true(fields.has_id && slice_equal(fields.id, SLICE("AB")));
    assert_value(&fields, LINK_FIELD_CAMPAIGN, "c");
    assert_value(&fields, LINK_FIELD_OWNER,
                 "A\xc3\xb1"
                 "a");
    assert_value(&fields, LINK_FIELD_STARTS_AT, "17");
    assert_value(&fields, LINK_FIELD_EXPIRES_AT, "1769903999");
    assert_value(&fields, LINK_FIELD_URL, "");
    assert_value(&fields, LINK_FIELD_STATUS, "");
    assert_int_equal(fields.given & 1U << LINK_FIELD_CREATED_AT, 0);
    json_fields_free(&fields);
    json_fields_free(&fields);
    assert_true(json_fields_read(RECORD_CAMPAIGN, SLICE(" {} \r\n"), &fields, &fault));
    assert_int_equal(fields.given, 0);
    assert_false(fields.has_id);
    json_fields_free(&fields);
}

static void counts_are_numbers_and_rules_are_arrays(void **state) {
    (void)state;
    struct json_fields fields;
    struct json_fault fault;
    assert_true(json_fields_read(RECORD_LINK, SLICE("{\"max_clicks\":100}"), &fields, &fault));
    assert_value(&fields, LINK_FIELD_MAX_CLICKS, "100");
    json_fields_free(&fields);
    assert_true(json_fields_read(RECORD_LINK, SLICE("{\"max_clicks\":\"7\"}"), &fields, &fault));
    assert_value(&fields, LINK_FIELD_MAX_CLICKS, "7");
    json_fields_free(&fields);
    static const char *const texts[] = {
        "{\"rules\":[{\"to\": \"web\", \"country\":\"MX\"}]}",
        "{\"rules\":\"[ {\\\"to\\\":\\\"web\\\",\\\"country\\\":\\\"MX\\\"} ]\"}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_true(json_fields_read(RECORD_CAMPAIGN, slice_of(texts[i]), &fields, &fault));
        assert_value(&fields, CAMPAIGN_FIELD_RULES, "[{\"country\":\"MX\",\"to\":\"web\"}]");
        json_fields_free(&fields);
    }
    assert_true(json_fields_read(RECORD_CAMPAIGN, SLICE("{\"rules\":[]}"), &fields, &fault));
    assert_value(&fields, CAMPAIGN_FIELD_RULES, "");
    json_fields_free(&fields);
    assert_false(
        json_fields_read(RECORD_CAMPAIGN, SLICE("{\"rules\":[{\"to\":7}]}"), &fields, &fault));
    assert_string_equal(fault.field, "rules");
    assert_int_equal(strncmp(fault.err.text, "rules: rule 1: to: allowed are", 30), 0);
}

static void a_nul_stays_in_its_text(void **state) {
    (void)state;
    struct json_fields fields;
    struct json_fault fault;
    assert_true(json_fields_read(RECORD_LINK, SLICE("{\"owner\":\"a\\u0000b\"}"), &fields, &fault));
    assert_true(slice_equal(fields.value[LINK_FIELD_OWNER], SLICE("a\0b")));
    json_fields_free(&fields);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *field;
        const char *because;
    } cases[] = {
        {"", "", "not JSON"},
        {"nonsense", "", "not JSON"},
        {"{\"owner\":\"a\"", "", "not JSON"},
        {"{\"owner\":\"a\"}x", "", "not JSON"},
        {"{\"owner\":\"a\",\"owner\":\"b\"}", "", "duplicate"},
        {"{\"owner\":\"a\",\"\\u006fwner\":\"b\"}", "", "duplicate"},
        {"{\"owner\":\"\xff\"}", "", "not JSON"},
        {"{\"starts_at\":1e999}", "", "not JSON"},
        {"{\"starts_at\":99999999999999999999}", "", "not JSON"},
        {"[]", "", "not an object {...}: allowed is a JSON object"},
        {"\"text\"", "", "allowed is a JSON object"},
        {"null", "", "allowed is a JSON object"},
        {"{\"\":1}", "\"\"", "\"\": there is no such field"},
        {"{\"owners\":\"a\"}", "owners", "allowed: code, campaign, owner, url, status"},
        {"{\"ow\\r\\nner\":\"a\"}", "ow\r\nner", "allowed: code"},
        {"{\"owner\":7}", "owner", "allowed is a string"},
        {"{\"owner\":[]}", "owner", "allowed is a string"},
        {"{\"owner\":{\"a\":{}}}", "owner", "allowed is a string"},
        {"{\"owner\":true}", "owner", "allowed is a string"},
        {"{\"code\":null}", "code", "allowed is a string"},
        {"{\"starts_at\":-1}", "starts_at", "Unix seconds"},
        {"{\"starts_at\":1.5}", "starts_at", "Unix seconds"},
        {"{\"starts_at\":true}", "starts_at", "Unix seconds"},
        {"{\"starts_at\":\"soon\"}", "starts_at", "is not a time"},
        {"{\"max_clicks\":-1}", "max_clicks", "an integer from 0 up"},
        {"{\"max_clicks\":1.5}", "max_clicks", "an integer from 0 up"},
        {"{\"used\":1}", "used", "used: brinco counts it itself"},
        {"{\"used\":null}", "used", "used: brinco counts it itself"},
        {"[[[[[[[[[]]]]]]]]]", "", "nested deeper than 8"},
        {"{\"owner\":[[[[[[[[\"]]]", "", "nested deeper than 8"},
        {"{\"owner\":\"[[[[[[[[[[[[\\\"[[[\"}", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct json_fields fields;
        struct json_fault fault;
        bool read = json_fields_read(RECORD_LINK, slice_of(cases[i].text), &fields, &fault);
        if (cases[i].field == NULL) {
            assert_true(read);
            json_fields_free(&fields);
            continue;
        }
        if (read || strstr(fault.err.text, cases[i].because) == NULL) {
            fail_msg("%s: \"%s\"", cases[i].text, read ? "" : fault.err.text);
        }
        assert_string_equal(fault.field, cases[i].field);
        assert_null(strpbrk(fault.err.text, "\r\n"));
    }
}

static void sizes_are_bounded(void **state) {
    (void)state;
    struct json_fields fields;
    struct json_fault fault;
    char *text = malloc(JSON_FIELDS_BYTES_MAX + 1);
    memset(text, ' ', JSON_FIELDS_BYTES_MAX + 1);
    memcpy(text, "{}", 2);
    assert_true(
        json_fields_read(RECORD_LINK, slice_make(text, JSON_FIELDS_BYTES_MAX), &fields, &fault));
    json_fields_free(&fields);
    assert_false(json_fields_read(RECORD_LINK, slice_make(text, JSON_FIELDS_BYTES_MAX + 1), &fields,
                                  &fault));
    memset(text, '[', JSON_FIELDS_BYTES_MAX);
    assert_false(
        json_fields_read(RECORD_LINK, slice_make(text, JSON_FIELDS_BYTES_MAX), &fields, &fault));
    assert_non_null(strstr(fault.err.text, "deeper"));
    /* A name that is far too long is cut, in the field and in the sentence. */
    memset(text, 'n', JSON_FIELDS_BYTES_MAX);
    memcpy(text, "{\"", 2);
    memcpy(text + JSON_FIELDS_BYTES_MAX - 5, "\":\"\"}", 5);
    assert_false(
        json_fields_read(RECORD_LINK, slice_make(text, JSON_FIELDS_BYTES_MAX), &fields, &fault));
    assert_int_equal(strlen(fault.field), JSON_FIELDS_NAME_BYTES - 1);
    assert_non_null(strstr(fault.err.text, "allowed: code"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_become_fields),
        cmocka_unit_test(counts_are_numbers_and_rules_are_arrays),
        cmocka_unit_test(a_nul_stays_in_its_text),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
