/*
 * What links and campaigns have in common: names, JSON, and what may be written over what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "link/record.h"
#include "link/store.h"

enum { ALL = ~0 };

static void fields_are_found_by_their_names(void **state) {
    (void)state;
    assert_int_equal(record_find_field(RECORD_LINK, SLICE("url")), LINK_FIELD_URL);
    assert_int_equal(record_find_field(RECORD_LINK, SLICE("code")), RECORD_ID);
    assert_int_equal(record_find_field(RECORD_LINK, SLICE("id")), RECORD_UNKNOWN);
    assert_int_equal(record_find_field(RECORD_CAMPAIGN, SLICE("id")), RECORD_ID);
    assert_int_equal(record_find_field(RECORD_CAMPAIGN, SLICE("schemes")), CAMPAIGN_FIELD_SCHEMES);
    assert_int_equal(record_find_field(RECORD_CAMPAIGN, SLICE("created_at")), RECORD_UNKNOWN);
    assert_int_equal(record_find_field(RECORD_CAMPAIGN, SLICE_EMPTY), RECORD_UNKNOWN);
    assert_int_equal(record_find_field(RECORD_CAMPAIGN, SLICE("Name")), RECORD_UNKNOWN);
    assert_true(record_is_time("starts_at"));
    assert_false(record_is_time("status"));
    assert_false(record_is_time("_at"));
}

static void json_has_what_is_there_and_nothing_else(void **state) {
    (void)state;
    char bytes[512];
    struct buf out = buf_over(bytes, sizeof(bytes));
    struct link_fields link = {.value = {[LINK_FIELD_OWNER] = SLICE("a\"\n"),
                                         [LINK_FIELD_EXPIRES_AT] = SLICE("1700000000"),
                                         [LINK_FIELD_CREATED_AT] = SLICE("once")}};
    struct record_view view = record_view_link(SLICE("AB12"), &link);
    assert_true(record_json(&view, &out));
    assert_true(
        slice_equal(buf_slice(&out), SLICE("{\"code\":\"AB12\",\"owner\":\"a\\\"\\n\","
                                           "\"expires_at\":1700000000,\"created_at\":\"once\"}")));
    struct buf small = buf_over(bytes, 10);
    assert_false(record_json(&view, &small));
}

/* What makes sense is shown as what it is; anything else as the text that is there. */
static void counts_are_numbers_and_rules_are_arrays(void **state) {
    (void)state;
    char bytes[512];
    struct buf out = buf_over(bytes, sizeof(bytes));
    struct link_fields link = {
        .value = {[LINK_FIELD_MAX_CLICKS] = SLICE("100"), [LINK_FIELD_USED] = SLICE("-7")}};
    struct record_view view = record_view_link(SLICE("AB"), &link);
    assert_true(record_json(&view, &out));
    assert_true(slice_equal(buf_slice(&out),
                            SLICE("{\"code\":\"AB\",\"max_clicks\":100,\"used\":\"-7\"}")));
    struct campaign_fields campaign = {
        .value = {[CAMPAIGN_FIELD_RULES] = SLICE(" [{ \"to\" : \"bank://x\"}]")}};
    view = record_view_campaign(SLICE("c"), &campaign);
    buf_clear(&out);
    assert_true(record_json(&view, &out));
    assert_true(
        slice_equal(buf_slice(&out), SLICE("{\"id\":\"c\",\"rules\":[{\"to\":\"bank://x\"}]}")));
    campaign.value[CAMPAIGN_FIELD_RULES] = SLICE("[{\"to\":\"no\"}]");
    buf_clear(&out);
    assert_true(record_json(&view, &out));
    assert_true(slice_equal(buf_slice(&out),
                            SLICE("{\"id\":\"c\",\"rules\":\"[{\\\"to\\\":\\\"no\\\"}]\"}")));
    assert_true(record_is_count("used") && !record_is_count("owner"));
    assert_true(record_is_json("rules") && !record_is_json("checks"));
    assert_true(record_field_is_ours(RECORD_LINK, LINK_FIELD_USED));
    assert_false(record_field_is_ours(RECORD_LINK, LINK_FIELD_MAX_CLICKS));
    assert_false(record_field_is_ours(RECORD_CAMPAIGN, LINK_FIELD_USED));
}

static void assert_refused(const struct record_change *change, size_t field, const char *because) {
    struct err err = {""};
    size_t found = 99;
    assert_false(record_check(change, &found, &err));
    assert_int_equal(found, field);
    if (strstr(err.text, because) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, because);
    }
}

static void a_link_must_lead_somewhere(void **state) {
    (void)state;
    struct link_fields before = {.value = {[LINK_FIELD_CAMPAIGN] = SLICE("c")}};
    struct link_fields after = {.value = {[LINK_FIELD_OWNER] = SLICE("ana")}};
    struct record_change change = {
        .kind = RECORD_LINK, .before = before.value, .after = after.value};
    assert_refused(&change, LINK_FIELD_CAMPAIGN, "nowhere");
    after.value[LINK_FIELD_URL] = SLICE("https://a/");
    assert_true(record_check(&change, NULL, NULL));
}

static void what_stays_is_only_checked_when_it_is_asked_for(void **state) {
    (void)state;
    struct link_fields before = {
        .value = {[LINK_FIELD_CAMPAIGN] = SLICE("c"), [LINK_FIELD_STATUS] = SLICE("asleep")}};
    struct record_change change = {
        .kind = RECORD_LINK, .before = before.value, .after = before.value};
    assert_true(record_check(&change, NULL, NULL));
    change.given = 1U << LINK_FIELD_STATUS;
    assert_refused(&change, LINK_FIELD_STATUS, "active and paused");
}

static void a_url_that_stays_must_suit_a_campaign_that_does_not(void **state) {
    (void)state;
    struct link_fields before = {
        .value = {[LINK_FIELD_CAMPAIGN] = SLICE("c"), [LINK_FIELD_URL] = SLICE("bank://x/")}};
    struct link_fields after = before;
    struct record_change change = {
        .kind = RECORD_LINK, .before = before.value, .after = after.value};
    assert_true(record_check(&change, NULL, NULL));
    after.value[LINK_FIELD_CAMPAIGN] = SLICE("d");
    assert_refused(&change, LINK_FIELD_URL, "the scheme bank");
    change.schemes = SLICE("bank");
    assert_true(record_check(&change, NULL, NULL));
}

static void schemes_must_go_on_allowing_what_stays(void **state) {
    (void)state;
    struct campaign_fields before = {
        .value = {
            [CAMPAIGN_FIELD_IOS] = SLICE("bank://x/"), [CAMPAIGN_FIELD_SCHEMES] = SLICE("bank")}};
    struct campaign_fields after = before;
    struct record_change change = {
        .kind = RECORD_CAMPAIGN, .before = before.value, .after = after.value};
    after.value[CAMPAIGN_FIELD_SCHEMES] = SLICE("market");
    assert_refused(&change, CAMPAIGN_FIELD_SCHEMES, "ios");
    after.value[CAMPAIGN_FIELD_IOS] = SLICE("market://x/");
    assert_true(record_check(&change, NULL, NULL));
    change.given = (unsigned)ALL;
    assert_true(record_check(&change, NULL, NULL));
    after.value[CAMPAIGN_FIELD_SCHEMES] = SLICE("javascript");
    assert_false(record_check(&change, NULL, NULL));
}

/* What stands there since before the list is not in the way of another change. */
static void hosts_bind_what_is_written(void **state) {
    (void)state;
    struct link_fields before = {.value = {[LINK_FIELD_URL] = SLICE("https://b.mx/")}};
    struct link_fields after = before;
    struct record_change change = {
        .kind = RECORD_LINK, .before = before.value, .after = after.value, .hosts = SLICE("a.mx")};
    after.value[LINK_FIELD_OWNER] = SLICE("ana");
    assert_true(record_check(&change, NULL, NULL));
    after.value[LINK_FIELD_URL] = SLICE("https://c.mx/");
    assert_refused(&change, LINK_FIELD_URL, "url: the host c.mx is not one of links.allowed_hosts");
    struct campaign_fields none = {0};
    static const enum campaign_field fields[] = {CAMPAIGN_FIELD_ANDROID, CAMPAIGN_FIELD_IOS,
                                                 CAMPAIGN_FIELD_WEB, CAMPAIGN_FIELD_FALLBACK,
                                                 CAMPAIGN_FIELD_DESKTOP};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        struct campaign_fields campaign = {0};
        campaign.value[fields[i]] = SLICE("https://c.mx/");
        change = (struct record_change){.kind = RECORD_CAMPAIGN,
                                        .before = none.value,
                                        .after = campaign.value,
                                        .hosts = SLICE("a.mx")};
        assert_refused(&change, fields[i], "links.allowed_hosts");
        change.hosts = SLICE("c.mx");
        assert_true(record_check(&change, NULL, NULL));
    }
}

static void rules_and_desktop_must_suit_the_schemes_too(void **state) {
    (void)state;
    static const enum campaign_field fields[] = {CAMPAIGN_FIELD_DESKTOP, CAMPAIGN_FIELD_RULES};
    static const char *const values[] = {"bank://x", "[{\"to\":\"bank://x\"}]"};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        struct campaign_fields before = {.value = {[CAMPAIGN_FIELD_SCHEMES] = SLICE("bank")}};
        before.value[fields[i]] = slice_of(values[i]);
        struct campaign_fields after = before;
        struct record_change change = {
            .kind = RECORD_CAMPAIGN, .before = before.value, .after = after.value};
        after.value[CAMPAIGN_FIELD_SCHEMES] = SLICE_EMPTY;
        assert_refused(&change, CAMPAIGN_FIELD_SCHEMES, campaign_field_name(fields[i]));
        after.value[CAMPAIGN_FIELD_SCHEMES] = SLICE("bank market");
        assert_true(record_check(&change, NULL, NULL));
    }
}

static void times_that_leave_no_moment_are_noticed(void **state) {
    (void)state;
    static const struct {
        const char *starts_at;
        const char *expires_at;
        bool never;
    } cases[] = {{"9", "9", true},  {"9", "8", true},     {"8", "9", false},
                 {"9", "0", false}, {"soon", "8", false}, {"9", "", false},
                 {"", "9", false},  {"10", "9", true},    {"0", "1", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice link[LINK_FIELD_COUNT] = {
            [LINK_FIELD_STARTS_AT] = slice_of(cases[i].starts_at),
            [LINK_FIELD_EXPIRES_AT] = slice_of(cases[i].expires_at)};
        struct slice campaign[CAMPAIGN_FIELD_COUNT] = {
            [CAMPAIGN_FIELD_STARTS_AT] = slice_of(cases[i].starts_at),
            [CAMPAIGN_FIELD_EXPIRES_AT] = slice_of(cases[i].expires_at)};
        assert_int_equal(record_never_opens(RECORD_LINK, link), cases[i].never);
        assert_int_equal(record_never_opens(RECORD_CAMPAIGN, campaign), cases[i].never);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_by_their_names),
        cmocka_unit_test(json_has_what_is_there_and_nothing_else),
        cmocka_unit_test(counts_are_numbers_and_rules_are_arrays),
        cmocka_unit_test(a_link_must_lead_somewhere),
        cmocka_unit_test(hosts_bind_what_is_written),
        cmocka_unit_test(what_stays_is_only_checked_when_it_is_asked_for),
        cmocka_unit_test(a_url_that_stays_must_suit_a_campaign_that_does_not),
        cmocka_unit_test(schemes_must_go_on_allowing_what_stays),
        cmocka_unit_test(rules_and_desktop_must_suit_the_schemes_too),
        cmocka_unit_test(times_that_leave_no_moment_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
