/*
 * test_query.c - the choices of a question: what is taken, what is refused, and with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "numbers_fixture.h"
#include "query_lists.h"

static struct stats_source source(void) {
    struct err err;
    assert_true(clock_set_zone(TEST_ZONE, &err));
    return (struct stats_source){.retain_days = 400, .now_ms = NOW_MS, .zone = SLICE(TEST_ZONE)};
}

static struct stats_query finished(enum stats_scope_kind scope, const char *choices) {
    struct stats_source it = source();
    struct stats_query query;
    struct err err = {0};
    const char *name;
    struct slice id = scope == STATS_ALL ? SLICE_EMPTY : SLICE("AB12");
    if (!stats_query_init(&query, scope, id, &err) || !numbers_choose(&query, choices, &err) ||
        !stats_query_finish(&query, &it, &name, &err)) {
        fail_msg("%s: %s", choices, err.text);
    }
    return query;
}

static void assert_range(const char *choices, int32_t from, int32_t to,
                         enum stats_interval interval) {
    struct stats_query query = finished(STATS_ALL, choices);
    if (query.from != from || query.to != to || query.interval != interval) {
        fail_msg("%s: %d to %d by %s", choices, query.from, query.to,
                 query_interval_name(query.interval));
    }
}

/* at: the choice that is at fault. */
static void assert_refused(enum stats_scope_kind scope, const char *choices, const char *at,
                           const char *because) {
    struct stats_source it = source();
    struct stats_query query;
    struct err err = {0};
    const char *name = "";
    assert_true(
        stats_query_init(&query, scope, scope == STATS_ALL ? SLICE_EMPTY : SLICE("AB12"), &err));
    if (numbers_choose(&query, choices, &err) && stats_query_finish(&query, &it, &name, &err)) {
        fail_msg("%s: was taken", choices);
    }
    if (strstr(err.text, because) == NULL || (name[0] != '\0' && strcmp(name, at) != 0)) {
        fail_msg("%s: \"%s\" (%s) instead of \"%s\" (%s)", choices, err.text, name, because, at);
    }
}

static void without_a_choice_it_is_the_last_seven_days_by_the_day(void **state) {
    (void)state;
    assert_range("", 20261115, 20261121, STATS_DAY);
    struct stats_query query = finished(STATS_ALL, "");
    assert_int_equal(query.begin_ms, 1794722400000);
    assert_int_equal(query.end_ms, 1795327200000);
    assert_int_equal(query.limit, STATS_ROWS_LIMIT_DEFAULT);
}

static void ranges_are_inclusive_and_half_of_one_is_enough(void **state) {
    (void)state;
    assert_range("from=2026-11-01&to=2026-11-03&interval=week", 20261101, 20261103, STATS_WEEK);
    assert_range("from=2026-11-19", 20261119, 20261121, STATS_DAY);
    assert_range("to=2026-10-31", 20261025, 20261031, STATS_DAY);
    assert_range("from=2026-11-21&to=2026-12-24", 20261121, 20261224, STATS_DAY);
    assert_range("from=2025-10-17&interval=total", 20251017, 20261121, STATS_TOTAL);
}

static void last_counts_today(void **state) {
    (void)state;
    assert_range("last=1d", 20261121, 20261121, STATS_DAY);
    assert_range("last=7d&interval=month", 20261115, 20261121, STATS_MONTH);
    assert_range("last=4w", 20261025, 20261121, STATS_DAY);
    assert_range("last=1m", 20261022, 20261121, STATS_DAY);
    assert_range("last=1y&interval=week", 20251122, 20261121, STATS_WEEK);
    assert_range("last=48h", 20261119, 20261121, STATS_HOUR);
    struct stats_query query = finished(STATS_ALL, "last=24h");
    assert_int_equal(query.end_ms, NOW_MS + 3600 * 1000); /* it is 13:00: that hour has begun */
    assert_int_equal(query.end_ms - query.begin_ms, 24 * 3600 * 1000);
    assert_range("last=13h", 20261121, 20261121, STATS_HOUR);
}

static void ranges_that_make_no_sense_are_refused(void **state) {
    (void)state;
    assert_refused(STATS_ALL, "from=2026-02-30", "from", "from: \"2026-02-30\" is no date");
    assert_refused(STATS_ALL, "to=tomorrow", "to", "YYYY-MM-DD");
    assert_refused(STATS_ALL, "from=2026-11-20&to=2026-11-19", "from", "up to that of to");
    assert_refused(STATS_ALL, "from=2026-11-22", "from", "up to that of to");
    assert_refused(STATS_ALL, "from=2026-11-22&to=2026-11-23", "from", "up to today, 2026-11-21");
    assert_refused(STATS_ALL, "from=2025-10-16", "from", "kept for 400 days");
    assert_refused(STATS_ALL, "from=2025-10-16", "from", "from 2025-10-17 on");
    assert_refused(STATS_ALL, "to=2025-10-01", "to", "kept for 400 days");
    assert_refused(STATS_ALL, "last=2y", "last", "kept for 400 days");
    assert_refused(STATS_ALL, "from=2026-11-21&to=2099-01-01", "from", "up to 1100 days");
    assert_refused(STATS_ALL, "last=7d&from=2026-11-20", "last", "either last or from and to");
    static const char *const wrong[] = {
        "last=",    "last=d",    "last=0d",   "last=7",  "last=-7d",
        "last=7 d", "last=745h", "last=1e9d", "last=7D", "last=999999999999999999999999999999d"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_refused(STATS_ALL, wrong[i], "last", "allowed is a number and h, d, w, m or y");
    }
}

static void hours_are_for_short_and_recent_ranges(void **state) {
    (void)state;
    assert_range("interval=hour&from=2026-10-22", 20261022, 20261121, STATS_HOUR);
    assert_refused(STATS_ALL, "interval=hour&from=2026-10-21", "interval", "up to 31 days");
    assert_range("interval=hour&from=2026-08-24&to=2026-08-24", 20260824, 20260824, STATS_HOUR);
    assert_refused(STATS_ALL, "interval=hour&from=2026-08-23&to=2026-08-24", "interval",
                   "kept for 90 days");
    assert_refused(STATS_ALL, "interval=day&last=24h", "interval", "is hour alone");
    assert_range("interval=hour&last=744h", 20261021, 20261121, STATS_HOUR);
}

static void lists_are_named_and_crossed(void **state) {
    (void)state;
    struct stats_query query = finished(STATS_LINK, "by=country,platform&limit=1000");
    assert_int_equal(query.by_count, 2);
    assert_int_equal(query.by[0], STATS_BY_COUNTRY);
    assert_int_equal(query.by[1], STATS_BY_PLATFORM);
    assert_int_equal(query.limit, 1000);
    assert_int_equal(finished(STATS_ALL, "by=campaign").by[0], STATS_BY_CAMPAIGN);
    assert_refused(STATS_ALL, "by=", "by", "is no list: allowed are country, region");
    assert_refused(STATS_ALL, "by=country,", "by", "missing behind the comma");
    assert_refused(STATS_ALL, "by=,country", "by", "is no list");
    assert_refused(STATS_ALL, "by=Country", "by", "is no list");
    assert_refused(STATS_ALL, "by=country,country", "by", "twice");
    assert_refused(STATS_ALL, "by=country,region,browser", "by", "2 lists at most");
    assert_refused(STATS_LINK, "by=campaign", "by", "of the whole alone");
    assert_refused(STATS_CAMPAIGN, "by=campaign", "by", "of the whole alone");
    assert_refused(STATS_ALL, "by=campaign,country", "by", "cannot be crossed");
    assert_refused(STATS_ALL, "by=campaign&filter=country:MX", "filter", "not with by=campaign");
    assert_refused(STATS_ALL, "by=campaign&last=24h", "interval", "day, week, month");
    assert_refused(STATS_ALL, "limit=0", "limit", "from 1 to 1000");
    assert_refused(STATS_ALL, "limit=1001", "limit", "from 1 to 1000");
    assert_refused(STATS_ALL, "limit=ten", "limit", "from 1 to 1000");
    assert_refused(STATS_ALL, "interval=year", "interval", "hour, day, week, month and total");
}

static void choices_are_known_by_name_and_given_once(void **state) {
    (void)state;
    assert_true(stats_query_has(SLICE("from")));
    assert_true(stats_query_has(SLICE("limit")));
    assert_false(stats_query_has(SLICE("format")));
    assert_false(stats_query_has(SLICE("")));
    assert_refused(STATS_ALL, "colour=red", "", "no choice \"colour\": allowed are from, to");
    assert_refused(STATS_ALL, "by=country&by=country", "", "by is given twice");
    assert_refused(STATS_ALL, "filter=country:MX&filter=country:GT", "",
                   "filter is given twice; allowed is once, as country:MX,platform:ios");
}

static void ids_are_those_of_links(void **state) {
    (void)state;
    struct stats_query query;
    struct err err = {0};
    assert_true(stats_query_init(&query, STATS_LINK, SLICE("a-b_C9"), &err));
    assert_string_equal(query.id, "a-b_C9");
    assert_false(stats_query_init(&query, STATS_LINK, SLICE(""), &err));
    assert_false(stats_query_init(&query, STATS_CAMPAIGN, SLICE("a b"), &err));
    assert_string_equal(err.text,
                        "\"a b\" is no campaign's id: allowed are 1 to 64 of A-Z a-z 0-9 - _");
    assert_false(stats_query_init(
        &query, STATS_LINK,
        SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &err));
    assert_non_null(strstr(err.text, "is no code"));
}

static void assert_filter(const struct stats_query *query, size_t i, enum stats_list list,
                          const char *value) {
    assert_true(i < query->filter_count);
    assert_int_equal(query->filter[i].list, list);
    assert_true(slice_equal(stats_query_filter(query, (unsigned)i), slice_of(value)));
}

static void filters_are_read_with_escapes(void **state) {
    (void)state;
    struct stats_query query =
        finished(STATS_ALL, "filter=country:MX,platform:Android,source:a\\,b:c\\\\d,outcome:web");
    assert_int_equal(query.filter_count, 4);
    assert_filter(&query, 0, STATS_BY_COUNTRY, "MX");
    assert_filter(&query, 1, STATS_BY_PLATFORM, "Android");
    assert_filter(&query, 2, STATS_BY_SOURCE, "a,b:c\\d");
    assert_filter(&query, 3, STATS_BY_OUTCOME, "web");
    assert_refused(STATS_ALL, "filter=", "filter", "list:value");
    assert_refused(STATS_ALL, "filter=MX", "filter", "list:value");
    assert_refused(STATS_ALL, "filter=country:MX,", "filter", "list:value");
    assert_refused(STATS_ALL, "filter=country:", "filter", "is country:unknown");
    assert_refused(STATS_ALL, "filter=source:", "filter", "is source:none");
    assert_refused(STATS_ALL, "filter=colour:red", "filter", "\"colour\" is no list");
    assert_refused(STATS_ALL, "filter=campaign:spring", "filter", "that campaign's own stats");
    assert_refused(STATS_ALL, "filter=platform:symbian", "filter", "android, ios, windows");
    assert_refused(STATS_ALL, "filter=outcome:lost", "filter", "play_store, app_store");
}

static void what_a_filter_takes_is_said_without_campaign(void **state) {
    (void)state;
    assert_refused(STATS_ALL, "filter=foo:MX", "filter",
                   "filter: \"foo\" is no list: allowed are country, region, browser, in_app, "
                   "language, referrer, source, platform and outcome");
    struct stats_query query;
    struct err err = {0};
    assert_true(stats_query_init(&query, STATS_ALL, SLICE_EMPTY, &err));
    assert_false(stats_query_set(&query, SLICE("filter"), SLICE("foo:MX"), &err));
    assert_null(strstr(err.text, "campaign"));
}

static void a_backslash_at_the_end_is_refused(void **state) {
    (void)state;
    assert_refused(STATS_ALL, "filter=source:a\\", "filter", "nothing behind the backslash");
    assert_refused(STATS_ALL, "filter=source:\\", "filter", "nothing behind the backslash");
    assert_refused(STATS_ALL, "filter=source:a\\\\\\", "filter", "nothing behind the backslash");
    struct stats_query query = finished(STATS_ALL, "filter=source:a\\\\");
    assert_filter(&query, 0, STATS_BY_SOURCE, "a\\");
}

static void filters_have_limits(void **state) {
    (void)state;
    char choices[STATS_FILTER_BYTES_MAX + 64] = "filter=";
    struct buf out = buf_over(choices, sizeof(choices));
    out.size = strlen(choices);
    for (int i = 0; i < STATS_FILTERS_MAX; i++) {
        buf_append(&out, i > 0 ? SLICE(",country:MX") : SLICE("country:MX"));
    }
    buf_append_char(&out, '\0');
    assert_int_equal(finished(STATS_ALL, choices).filter_count, STATS_FILTERS_MAX);
    out.size--;
    buf_append(&out, SLICE(",country:MX"));
    buf_append_char(&out, '\0');
    assert_refused(STATS_ALL, choices, "filter", "up to 16 values");

    out.size = strlen("filter=");
    buf_append(&out, SLICE("source:"));
    while (out.size < strlen("filter=source:") + STATS_FILTER_BYTES_MAX) {
        buf_append_char(&out, 'x');
    }
    buf_append_char(&out, '\0');
    assert_int_equal(finished(STATS_ALL, choices).filter[0].size, STATS_FILTER_BYTES_MAX);
    out.size--;
    buf_append_char(&out, 'x');
    buf_append_char(&out, '\0');
    assert_refused(STATS_ALL, choices, "filter", "up to 2048 bytes");
}

static bool passes(const char *filter, struct cell cell) {
    char choices[256];
    snprintf(choices, sizeof(choices), "filter=%s", filter);
    struct stats_query query = finished(STATS_ALL, choices);
    return query_passes(&query, &cell);
}

static void values_of_a_list_are_any_and_lists_are_all(void **state) {
    (void)state;
    struct cell cell = {.platform = TAP_PLATFORM_IOS,
                        .outcome = TAP_OUTCOME_APP_STORE,
                        .text[CELL_COUNTRY] = SLICE("MX"),
                        .text[CELL_SOURCE] = SLICE("Poster"),
                        .text[CELL_BROWSER] = SLICE("\x01")};
    assert_true(passes("country:MX", cell));
    assert_true(passes("country:mx", cell));
    assert_true(passes("country:GT,country:MX", cell));
    assert_false(passes("country:GT", cell));
    assert_true(passes("country:MX,platform:ios", cell));
    assert_false(passes("country:MX,platform:android", cell));
    assert_true(passes("outcome:app_store", cell));
    assert_true(passes("source:Poster", cell));
    assert_false(passes("source:poster", cell));
    assert_true(passes("region:unknown,referrer:none,in_app:none,language:unknown", cell));
    assert_true(passes("browser:other", cell));
    assert_false(passes("browser:unknown", cell));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_choice_it_is_the_last_seven_days_by_the_day),
        cmocka_unit_test(ranges_are_inclusive_and_half_of_one_is_enough),
        cmocka_unit_test(last_counts_today),
        cmocka_unit_test(ranges_that_make_no_sense_are_refused),
        cmocka_unit_test(hours_are_for_short_and_recent_ranges),
        cmocka_unit_test(lists_are_named_and_crossed),
        cmocka_unit_test(choices_are_known_by_name_and_given_once),
        cmocka_unit_test(ids_are_those_of_links),
        cmocka_unit_test(filters_are_read_with_escapes),
        cmocka_unit_test(what_a_filter_takes_is_said_without_campaign),
        cmocka_unit_test(a_backslash_at_the_end_is_refused),
        cmocka_unit_test(filters_have_limits),
        cmocka_unit_test(values_of_a_list_are_any_and_lists_are_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
