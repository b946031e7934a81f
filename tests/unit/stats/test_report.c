/*
 * test_report.c - the written forms, byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "numbers_fixture.h"
#include "query_lists.h"
#include "report_parts.h"

enum { OUT_BYTES = 16 * 1024 };

static char bytes[OUT_BYTES];

static struct stats_report report_of(struct stats_row *rows, size_t count) {
    return (struct stats_report){.query = {.scope = STATS_LINK,
                                           .id = "AB12",
                                           .from = 20261120,
                                           .to = 20261121,
                                           .interval = STATS_DAY},
                                 .zone = TEST_ZONE,
                                 .freshness = {.through_ms = NOW_MS, .complete = true},
                                 .totals = {.kind = {7, 6, 5, 4, 3}, .outcome = {7}, .people = 2},
                                 .rows = rows,
                                 .row_count = count,
                                 .folded = 1};
}

static const char *json_of(const struct stats_report *report) {
    struct buf out = buf_over(bytes, sizeof(bytes));
    assert_true(stats_report_json(report, &out));
    buf_append_char(&out, '\0');
    return bytes;
}

static const char *csv_of(const struct stats_report *report) {
    struct buf out = buf_over(bytes, sizeof(bytes));
    assert_true(stats_report_csv(report, &out));
    buf_append_char(&out, '\0');
    return bytes;
}

#define NO_OUTCOMES                                                                                \
    "\"app_store\":0,\"web\":0,\"override\":0,\"fallback\":0,\"default\":0,\"paused\":0,"          \
    "\"expired\":0,\"not_found\":0,\"unresolved\":0,\"desktop\":0,\"used_up\":0}"

static void json_has_numbers_and_what_they_are_worth(void **state) {
    (void)state;
    struct stats_row row = {.time = "2026-11-20",
                            .counts = {.kind = {7, 6, 5, 4, 3}, .outcome = {7}, .people = 2}};
    struct stats_report report = report_of(&row, 1);
    assert_string_equal(json_of(&report),
                        "{\"scope\":\"link\",\"code\":\"AB12\",\"from\":\"2026-11-20\","
                        "\"to\":\"2026-11-21\",\"interval\":\"day\",\"by\":[],\"filter\":{},"
                        "\"timezone\":\"America/Mexico_City\","
                        "\"data_through\":\"2026-11-21T19:00:00.000Z\",\"complete\":true,"
                        "\"people_are\":\"sum of days\",\"folded\":1,"
                        "\"totals\":{\"clicks\":7,\"previews\":6,\"bots\":5,\"prefetches\":4,"
                        "\"heads\":3,\"people\":2,\"converted\":null,"
                        "\"outcomes\":{\"play_store\":7," NO_OUTCOMES "},\"funnel\":null,"
                        "\"rows\":[{\"time\":\"2026-11-20\",\"clicks\":7,\"previews\":6,\"bots\":5,"
                        "\"prefetches\":4,\"heads\":3,\"people\":2,\"converted\":null,"
                        "\"outcomes\":{\"play_store\":7," NO_OUTCOMES "}]}\n");
    report.query.from = report.query.to;
    assert_non_null(strstr(json_of(&report), "\"people_are\":\"of the day\""));
}

static void json_names_lists_and_filters(void **state) {
    (void)state;
    struct stats_row row = {.value = {SLICE("MX"), SLICE("a\xff\"b\n")}, .counts = {.people = -1}};
    struct stats_report report = report_of(&row, 1);
    struct err err = {0};
    report.query.scope = STATS_CAMPAIGN;
    report.query.interval = STATS_TOTAL;
    report.query.by_count = 0;
    assert_true(numbers_choose(
        &report.query, "by=country,source&filter=platform:ios,country:MX,country:\xfe", &err));
    report.totals.people = -1;
    const char *json = json_of(&report);
    assert_non_null(strstr(json, "{\"scope\":\"campaign\",\"campaign\":\"AB12\","));
    assert_non_null(strstr(json, "\"interval\":\"total\",\"by\":[\"country\",\"source\"],"
                                 "\"filter\":{\"country\":[\"MX\",\"\xEF\xBF\xBD\"],"
                                 "\"platform\":[\"ios\"]},"));
    assert_non_null(strstr(json, "\"people_are\":null,"));
    assert_non_null(strstr(json, "\"rows\":[{\"time\":null,\"country\":\"MX\","
                                 "\"source\":\"a\xEF\xBF\xBD\\\"b\\n\",\"clicks\":0,"));
    assert_non_null(strstr(json, "\"people\":null,\"converted\":null,\"outcomes\":{"));
}

static void outcomes_by_campaign_are_not_known(void **state) {
    (void)state;
    struct stats_row row = {
        .time = "2026-11-20", .value = {SLICE("spring")}, .counts = {.kind = {1}, .people = -1}};
    struct stats_report report = report_of(&row, 1);
    report.query.by[0] = STATS_BY_CAMPAIGN;
    report.query.by_count = 1;
    assert_non_null(
        strstr(json_of(&report), "\"people\":null,\"converted\":null,\"outcomes\":null}]}"));
    assert_string_equal(csv_of(&report),
                        "time,campaign,clicks,previews,bots,prefetches,heads,people,play_store,"
                        "app_store,web,override,fallback,default,paused,expired,not_found,"
                        "unresolved,desktop,used_up,install,signup,first_loan\r\n"
                        "2026-11-20,spring,1,0,0,0,0,,,,,,,,,,,,,,,,\r\n");
}

static void csv_is_quoted_and_never_a_formula(void **state) {
    (void)state;
    struct stats_row rows[] = {
        {.time = "2026-11-20", .value = {SLICE("a,\"b\"")}, .counts = {.kind = {1}, .people = 3}},
        {.value = {SLICE("=HYPERLINK(\"x\")")}, .counts = {.people = -1}},
        {.value = {SLICE("+1")}, .counts = {.people = -1}},
        {.value = {SLICE("-1")}, .counts = {.people = -1}},
        {.value = {SLICE("@SUM")}, .counts = {.people = -1}},
        {.value = {SLICE("\tx")}, .counts = {.people = -1}},
        {.value = {SLICE("\rx")}, .counts = {.people = -1}},
        {.value = {SLICE("x=1")}, .counts = {.people = -1}},
        {.value = {SLICE("ni\xc3\xb1o\xff")}, .counts = {.people = -1}},
    };
    struct stats_report report = report_of(rows, ARRAY_COUNT(rows));
    report.query.by[0] = STATS_BY_SOURCE;
    report.query.by_count = 1;
    const char *csv = csv_of(&report);
#define ZEROS ",0,0,0,0,0,,0,0,0,0,0,0,0,0,0,0,0,0,,,\r\n"
    assert_string_equal(csv, "time,source,clicks,previews,bots,prefetches,heads,people,play_store,"
                             "app_store,web,override,fallback,default,paused,expired,not_found,"
                             "unresolved,desktop,used_up,install,signup,first_loan\r\n"
                             "2026-11-20,\"a,\"\"b\"\"\",1,0,0,0,0,3,0,0,0,0,0,0,0,0,0,0,0,0,,,\r\n"
                             ",\"'=HYPERLINK(\"\"x\"\")\"" ZEROS ",'+1" ZEROS ",'-1" ZEROS
                             ",'@SUM" ZEROS ",'\tx" ZEROS ",\"'\rx\"" ZEROS ",x=1" ZEROS
                             ",ni\xc3\xb1o\xEF\xBF\xBD" ZEROS);
}

static void the_funnel_stands_beside_the_taps(void **state) {
    (void)state;
    struct stats_row row = {.time = "2026-11-20",
                            .counts = {.kind = {7}, .people = 2, .converted = {3, 2, 1}}};
    struct stats_report report = report_of(&row, 1);
    funnel_init(&report.funnel);
    report.totals.converted[FUNNEL_INSTALL] = 3;
    const char *json = json_of(&report);
    assert_non_null(strstr(json, "\"funnel\":{\"previews\":6,\"clicks\":7,\"people\":2,"
                                 "\"cut\":false,\"events\":[{\"event\":\"install\","));
    assert_non_null(strstr(json, "\"converted\":{\"install\":3,\"signup\":2,\"first_loan\":1}"));
    assert_non_null(strstr(csv_of(&report), ",install,signup,first_loan\r\n"));
    assert_non_null(strstr(csv_of(&report), ",0,0,0,3,2,1\r\n"));
}

static void what_does_not_fit_is_said(void **state) {
    (void)state;
    struct stats_row row = {.time = "2026-11-20"};
    struct stats_report report = report_of(&row, 1);
    for (size_t room = 0; room < strlen(json_of(&report)); room += 7) {
        struct buf out = buf_over(bytes, room);
        assert_false(stats_report_json(&report, &out));
    }
    for (size_t room = 0; room < strlen(csv_of(&report)); room += 7) {
        struct buf out = buf_over(bytes, room);
        assert_false(stats_report_csv(&report, &out));
    }
}

static void every_list_has_its_name(void **state) {
    (void)state;
    for (int i = 0; i < STATS_LIST_COUNT; i++) {
        enum stats_list found;
        assert_true(query_find_list(slice_of(stats_list_name((enum stats_list)i)), &found));
        assert_int_equal(found, i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_numbers_and_what_they_are_worth),
        cmocka_unit_test(json_names_lists_and_filters),
        cmocka_unit_test(outcomes_by_campaign_are_not_known),
        cmocka_unit_test(csv_is_quoted_and_never_a_formula),
        cmocka_unit_test(the_funnel_stands_beside_the_taps),
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(every_list_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
