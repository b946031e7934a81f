/*
 * test_stats.c - the handlers of /v1/stats: which form, which field is at fault, and what a reply
 * carries beside its rows. What the numbers are is tested with stats/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "answer.h"
#include "base/clock.h"

#define NOW_MS    1795287600000u /* 2026-11-21T19:00:00Z */
#define TEST_ZONE "America/Mexico_City"

static struct test_redis redis;
static struct redis_pipe *admin;
static struct call call;
static struct answer answer;

static int begin(void **state) {
    struct err err;
    (void)state;
    assert_true(clock_set_zone(TEST_ZONE, &err));
    test_redis_init(&redis);
    test_redis_start(&redis, NULL);
    admin = admin_open(&redis);
    call.pipe = admin_open(&redis);
    (void)admin_ask(admin, "HSET p:link:AB12 campaign spring");
    (void)admin_ask(admin, "HSET p:campaign:spring name Spring");
    (void)admin_ask(admin, "HSET p:stats:link:AB12:20261121 a000MX\t\t\t\t\t\t 7 =spring 7");
    (void)admin_ask(admin, "ZADD p:top:all:20261121 7 AB12\tspring");
    (void)admin_ask(admin, "ZADD p:top:campaign:spring:20261121 7 AB12");
    (void)admin_ask(admin, "SADD p:streams p:clicks:e:0");
    const struct slice heard[] = {SLICE("HSET"), SLICE("p:heard"), SLICE("p:clicks:e:0"),
                                  SLICE("1795287599500 up")};
    assert_non_null(redis_pipe_command(admin, 4, heard, &err));
    return 0;
}

static int end(void **state) {
    (void)state;
    redis_pipe_destroy(&call.pipe);
    redis_pipe_destroy(&admin);
    test_redis_fini(&redis);
    return 0;
}

static int begin_answer(void **state) {
    (void)state;
    answer_init(&answer);
    call = (struct call){.pipe = call.pipe,
                         .key_prefix = SLICE("p:"),
                         .zone = SLICE(TEST_ZONE),
                         .stats_retain_days = 400,
                         .now_ms = NOW_MS};
    return 0;
}

static int end_answer(void **state) {
    (void)state;
    answer_fini(&answer);
    return 0;
}

/* query: "name=value&name=value". */
static const char *ask(call_handler *handler, const char *parameter, const char *query) {
    struct slice rest = slice_of(query);
    call.parameter[0] = slice_of(parameter);
    call.query_count = 0;
    while (rest.size > 0) {
        struct slice value = slice_split(&rest, '&');
        struct slice name = slice_split(&value, '=');
        call.query[call.query_count++] = (struct call_field){.name = name, .value = value};
    }
    answer_fini(&answer);
    answer_init(&answer);
    handler(&call, &answer);
    buf_append_char(&answer.body, '\0');
    return answer.body.data;
}

static const char *header(const char *name) {
    for (size_t i = 0; i < answer.header_count; i++) {
        if (strcmp(answer.header[i].name, name) == 0) {
            return answer.header[i].value;
        }
    }
    return "(none)";
}

static void assert_contains(const char *text, const char *part) {
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, part);
    }
}

static void a_link_a_campaign_and_the_whole(void **state) {
    (void)state;
    const char *body = ask(call_stats_link, "AB12", "last=1d");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "application/json");
    assert_contains(body, "{\"scope\":\"link\",\"code\":\"AB12\",\"from\":\"2026-11-21\"");
    assert_contains(body, "\"totals\":{\"clicks\":7,");
    assert_contains(body, "\"data_through\":\"2026-11-21T18:59:59.500Z\",\"complete\":true");
    body = ask(call_stats_campaign, "spring", "");
    assert_contains(body, "{\"scope\":\"campaign\",\"campaign\":\"spring\",");
    body = ask(call_stats_all, "", "interval=total");
    assert_contains(body, "{\"scope\":\"all\",\"from\":\"2026-11-15\"");
    body = ask(call_stats_top, "", "limit=3&campaign=spring&last=2d");
    assert_contains(body, "\"rows\":[{\"code\":\"AB12\",\"campaign\":\"spring\",\"clicks\":7}]}");
}

static void csv_carries_its_freshness_in_headers(void **state) {
    (void)state;
    const char *body = ask(call_stats_link, "AB12", "last=1d&format=csv&by=country");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "text/csv; charset=utf-8; header=present");
    assert_contains(body, "time,country,clicks,");
    assert_contains(body, "\r\n2026-11-21,MX,7,0,0,0,0,,7,");
    assert_string_equal(header("Brinco-Timezone"), TEST_ZONE);
    assert_string_equal(header("Brinco-Data-Through"), "2026-11-21T18:59:59.500Z");
    assert_string_equal(header("Brinco-Complete"), "true");
    assert_string_equal(header("Vary"), "Accept");
    body = ask(call_stats_top, "", "format=csv&last=1d");
    assert_string_equal(body, "code,campaign,clicks\r\nAB12,spring,7\r\n");
}

static void what_is_accepted_decides_and_format_decides_first(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        const char *query;
        bool is_csv;
    } cases[] = {
        {"", "", false},
        {"text/csv", "", true},
        {"*/*", "", false},
        {"text/csv, application/json", "", false},
        {"application/json;q=0.5, Text/CSV ; q=0.51", "", true},
        {"text/csv;q=0", "", false},
        {"text/csv;q=0.000", "", false},
        {"text/csv;q=0.001", "", true},
        {"text/csv;header=present;q=1", "", true},
        {"text/csv;q=x,;;,=,,", "", false},
        {"text/csv", "format=json", false},
        {"application/json", "format=csv", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        call.accept = slice_of(cases[i].accept);
        (void)ask(call_stats_all, "", cases[i].query);
        assert_int_equal(answer.status, 200);
        bool is_csv = strncmp(answer.content_type, "text/csv", 8) == 0;
        if (is_csv != cases[i].is_csv) {
            fail_msg("%s: %s", cases[i].accept, answer.content_type);
        }
    }
}

static void assert_problem(call_handler *handler, const char *parameter, const char *query,
                           const char *field) {
    char member[128];
    const char *body = ask(handler, parameter, query);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.content_type, ANSWER_PROBLEM_TYPE);
    snprintf(member, sizeof(member), "\"field\":\"%s\"", field);
    assert_contains(body, member);
}

static void a_problem_names_the_field(void **state) {
    (void)state;
    assert_problem(call_stats_link, "a b", "", "code");
    assert_problem(call_stats_campaign, "", "", "campaign");
    assert_problem(call_stats_all, "", "colour=red", "colour");
    assert_problem(call_stats_all, "", "x\"\r\n=red", "x\\\"\\r\\n");
    assert_problem(call_stats_all, "", "by=colour", "by");
    assert_problem(call_stats_all, "", "from=2026-11-21&from=2026-11-20", "from");
    assert_problem(call_stats_all, "", "from=2026-11-21&to=2026-11-20", "from");
    assert_problem(call_stats_all, "", "last=9999d", "last");
    assert_problem(call_stats_all, "", "format=xml", "format");
    assert_problem(call_stats_all, "", "format=csv&format=csv", "format");
    assert_problem(call_stats_all, "", "campaign=spring", "campaign");
    assert_problem(call_stats_link, "AB12", "interval=hour&from=2026-01-01", "interval");
    assert_problem(call_stats_top, "", "by=country", "by");
    assert_problem(call_stats_top, "", "interval=day", "interval");
    assert_problem(call_stats_top, "", "filter=country:MX", "filter");
    assert_problem(call_stats_top, "", "campaign=a b", "campaign");
    assert_problem(call_stats_top, "", "campaign=a&campaign=b", "campaign");
}

static void the_top_names_the_field_of_hours_long_ranges_and_no_campaign(void **state) {
    (void)state;
    assert_problem(call_stats_top, "", "last=24h", "last");
    assert_contains(answer.body.data, "allowed is a number and d, w, m or y");
    assert_problem(call_stats_top, "", "last=367d", "last");
    assert_contains(answer.body.data, "up to 366 days");
    assert_problem(call_stats_top, "", "from=2025-11-01", "from");
    assert_problem(call_stats_top, "", "campaign=", "campaign");
    assert_problem(call_stats_top, "", "campaign", "campaign");
}

static void a_filter_is_given_once_whole_and_of_lists_it_takes(void **state) {
    (void)state;
    assert_problem(call_stats_all, "", "filter=country:MX&filter=country:GT", "filter");
    assert_contains(answer.body.data, "filter is given twice; allowed is once");
    assert_problem(call_stats_all, "", "filter=source:a\\", "filter");
    assert_problem(call_stats_all, "", "filter=foo:MX", "filter");
    assert_null(strstr(answer.body.data, "campaign"));
}

static void a_problem_without_a_name_has_no_field(void **state) {
    (void)state;
    /* 310 values a day: a year has more than an answer's rows. */
    const struct slice fill[] = {
        SLICE("EVAL"),
        SLICE("for month = 1, 12 do for day = 1, 31 do for i = 1, 310 do "
              "redis.call('HSET', 'p:stats:link:FULL:' .. 20260000 + month * 100 + day, "
              "'a000MX\\t\\t\\t\\t\\t\\tS' .. i, '1') end end end return 1"),
        SLICE("0")};
    struct err err;
    const struct redis_reply *reply = redis_pipe_command(admin, ARRAY_COUNT(fill), fill, &err);
    assert_int_equal(redis_reply_integer(reply), 1);
    const char *body = ask(call_stats_link, "FULL", "from=2026-01-01&by=source&limit=1000");
    assert_int_equal(answer.status, 400);
    assert_contains(body, "more than 100000 rows");
    assert_null(strstr(body, "\"field\""));
}

static void unknown_is_404(void **state) {
    (void)state;
    const char *body = ask(call_stats_link, "NOBODY", "");
    assert_int_equal(answer.status, 404);
    assert_contains(body, "there is no link \\\"NOBODY\\\", and nothing was counted for it");
    (void)ask(call_stats_campaign, "nobody", "by=country");
    assert_int_equal(answer.status, 404);
    (void)ask(call_stats_top, "", "campaign=nobody");
    assert_int_equal(answer.status, 404);
}

static void what_redis_refuses_is_503(void **state) {
    (void)state;
    (void)admin_ask(admin, "SET p:stats:link:BAD:20261121 x");
    (void)ask(call_stats_link, "BAD", "");
    assert_int_equal(answer.status, 503);
    assert_string_equal(header("Retry-After"), "1");
    (void)ask(call_stats_link, "AB12", ""); /* it connects again by itself */
    assert_int_equal(answer.status, 200);
}

static void an_answer_that_does_not_fit_is_a_problem(void **state) {
    (void)state;
    call.parameter[0] = SLICE("AB12");
    call.query_count = 0;
    answer_fini(&answer);
    answer_init(&answer);
    answer.body.limit = 700;
    call_stats_link(&call, &answer);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.content_type, ANSWER_PROBLEM_TYPE);
    assert_int_equal(answer.header_count, 0);
    assert_true(answer.body.size > 0 && !answer.body.overflowed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_answer, end_answer)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_link_a_campaign_and_the_whole),
        TEST(csv_carries_its_freshness_in_headers),
        TEST(what_is_accepted_decides_and_format_decides_first),
        TEST(a_problem_names_the_field),
        TEST(the_top_names_the_field_of_hours_long_ranges_and_no_campaign),
        TEST(a_filter_is_given_once_whole_and_of_lists_it_takes),
        TEST(a_problem_without_a_name_has_no_field),
        TEST(unknown_is_404),
        TEST(what_redis_refuses_is_503),
        TEST(an_answer_that_does_not_fit_is_a_problem),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
