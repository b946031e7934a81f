/*
 * test_top.c - the first of a day and of a range, with exact numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "numbers_fixture.h"
#include "stats/top.h"

static struct numbers it;

static int begin(void **state) {
    (void)state;
    numbers_begin(&it);
    return 0;
}

static int end(void **state) {
    (void)state;
    numbers_end(&it);
    return 0;
}

static int begin_anew(void **state) {
    (void)state;
    numbers_do(&it, "FLUSHALL");
    numbers_do(&it, "HSET p:campaign:spring name Spring");
    return 0;
}

/* A link's clicks of a day, in its rollup and, where it is listed, in the lists. */
static void add(const char *code, const char *campaign, int32_t day, unsigned clicks, bool listed) {
    char key[128], field[80], number[16], member[140];
    snprintf(key, sizeof(key), "p:stats:link:%s:%d", code, day);
    snprintf(field, sizeof(field), "=%s", campaign);
    snprintf(number, sizeof(number), "%u", clicks);
    numbers_set(&it, key, slice_of(field), slice_of(number));
    if (!listed) {
        return;
    }
    snprintf(member, sizeof(member), "%s\t%s", code, campaign);
    snprintf(key, sizeof(key), "p:top:all:%d", day);
    const struct slice all[] = {SLICE("ZADD"), slice_of(key), slice_of(number), slice_of(member)};
    struct err err;
    assert_non_null(redis_pipe_command(it.pipe, 4, all, &err));
    snprintf(key, sizeof(key), "p:top:campaign:%s:%d", campaign, day);
    const struct slice own[] = {SLICE("ZADD"), slice_of(key), slice_of(number), slice_of(code)};
    assert_non_null(redis_pipe_command(it.pipe, 4, own, &err));
}

/* Full lists: STATS_TOP_MAX codes, of which those beside ours have `clicks` each. */
static void fill(int32_t day, unsigned clicks, unsigned others) {
    char script[512], day_text[16], clicks_text[16], count[16];
    snprintf(script, sizeof(script),
             "for i = 1, tonumber(ARGV[3]) do "
             "redis.call('ZADD', 'p:top:all:' .. ARGV[1], ARGV[2], 'F' .. i .. '\\tspring') "
             "redis.call('HSET', 'p:stats:link:F' .. i .. ':' .. ARGV[1], '=spring', ARGV[2]) end "
             "return 1");
    snprintf(day_text, sizeof(day_text), "%d", day);
    snprintf(clicks_text, sizeof(clicks_text), "%u", clicks);
    snprintf(count, sizeof(count), "%u", others);
    const struct slice arguments[] = {SLICE("EVAL"),      slice_of(script),      SLICE("0"),
                                      slice_of(day_text), slice_of(clicks_text), slice_of(count)};
    struct err err;
    const struct redis_reply *reply = redis_pipe_command(it.pipe, 6, arguments, &err);
    assert_non_null(reply);
    assert_int_equal(redis_reply_integer(reply), 1);
}

/* False, with the choice at fault in *name where that is known at the end only. */
static bool read_query(struct stats_scope scope, const char *choices, struct stats_query *query,
                       const char **name, struct err *err) {
    *name = "";
    return stats_top_init(query, scope.id, err) && numbers_choose(query, choices, err) &&
           stats_query_finish(query, &it.source, name, err);
}

static struct stats_query top_query(struct stats_scope scope, const char *choices) {
    struct stats_query query;
    struct err err = {0};
    const char *name;
    if (!read_query(scope, choices, &query, &name, &err)) {
        fail_msg("%s: %s", choices, err.text);
    }
    return query;
}

static void assert_refused(const char *choices, const char *at, const char *because) {
    struct stats_query query;
    struct err err = {0};
    const char *name;
    if (read_query(numbers_all(), choices, &query, &name, &err)) {
        fail_msg("%s: was taken", choices);
    }
    assert_string_equal(name, at);
    assert_string_equal(err.text, because);
}

static struct stats_top *ask(struct stats_scope scope, const char *choices) {
    struct stats_query query = top_query(scope, choices);
    struct stats_top *top;
    struct err err = {0};
    if (stats_top_run(&it.source, &query, &top, &err) != STATS_OK) {
        fail_msg("%s: %s", choices, err.text);
    }
    return top;
}

static void assert_top(struct stats_scope scope, const char *choices, const char *expected) {
    static char bytes[8192];
    struct buf out = buf_over(bytes, sizeof(bytes));
    struct stats_top *top = ask(scope, choices);
    assert_true(stats_top_csv(top, &out));
    buf_append_char(&out, '\0');
    assert_string_equal(bytes, expected);
    stats_top_destroy(&top);
}

static void of_a_day_most_first_then_by_code(void **state) {
    (void)state;
    add("BB", "spring", 20261121, 5, true);
    add("AA", "spring", 20261121, 5, true);
    add("CC", "autumn", 20261121, 9, true);
    add("DD", "", 20261121, 1, true);
    add("EE", "spring", 20261120, 100, true);
    assert_top(numbers_all(), "last=1d",
               "code,campaign,clicks\r\nCC,autumn,9\r\nAA,spring,5\r\nBB,spring,5\r\nDD,,1\r\n");
    assert_top(numbers_all(), "last=1d&limit=2",
               "code,campaign,clicks\r\nCC,autumn,9\r\nAA,spring,5\r\n");
    assert_top(numbers_campaign("spring"), "last=2d",
               "code,campaign,clicks\r\nEE,spring,100\r\nAA,spring,5\r\nBB,spring,5\r\n");
}

static void a_link_that_changed_its_campaign_is_a_row_for_each(void **state) {
    (void)state;
    add("AA", "spring", 20261120, 5, true);
    add("AA", "autumn", 20261121, 7, true);
    add("AA", "spring", 20261121, 1, true);
    assert_top(numbers_all(), "last=2d", "code,campaign,clicks\r\nAA,autumn,7\r\nAA,spring,6\r\n");
}

static void of_a_range_the_numbers_are_exact_even_where_a_list_left_one_out(void **state) {
    (void)state;
    /* AA is first of one day and just left out of the other's full list: 100 + 49. BB is in both,
     * with 70 + 75. By the lists alone, BB would be first. */
    fill(20261120, 50, 999);
    add("AA", "spring", 20261120, 49, false);
    add("BB", "spring", 20261120, 70, true);
    add("AA", "spring", 20261121, 100, true);
    add("BB", "spring", 20261121, 75, true);
    assert_top(numbers_all(), "last=2d&limit=3",
               "code,campaign,clicks\r\nAA,spring,149\r\nBB,spring,145\r\nF1,spring,50\r\n");
    assert_top(numbers_all(), "last=2d&limit=1", "code,campaign,clicks\r\nAA,spring,149\r\n");
}

static void only_those_are_looked_up_who_may_be_first(void **state) {
    (void)state;
    for (int32_t day = 20261101; day <= 20261121; day++) {
        fill(day, 10, 998);
        add("AA", "spring", day, 5000, true);
        add("BB", "spring", day, 4000, true);
    }
    numbers_do(&it, "CONFIG RESETSTAT");
    assert_top(numbers_all(), "from=2026-11-01&limit=2",
               "code,campaign,clicks\r\nAA,spring,105000\r\nBB,spring,84000\r\n");
    struct slice text = redis_reply_text(admin_ask(it.pipe, "INFO commandstats"));
    size_t at = slice_find(text, SLICE("cmdstat_hget:calls="));
    assert_true(at != SIZE_MAX);
    assert_int_equal(strtol(text.data + at + strlen("cmdstat_hget:calls="), NULL, 10), 2 * 21);
}

static void nonsense_in_a_list_is_no_row(void **state) {
    (void)state;
    add("AA", "spring", 20261121, 5, true);
    numbers_do(&it, "ZADD p:top:all:20261121 9 no!code 9 A\tB\tC 9 \t 1.5 CC\tspring -3 DD\tspring "
                    "1e300 EE\tspring");
    numbers_do(&it, "HSET p:stats:link:CC:20261121 =spring x");
    numbers_do(&it, "ZADD p:top:campaign:spring:20261121 9 AA\tspring");
    assert_top(numbers_all(), "last=1d", "code,campaign,clicks\r\nAA,spring,5\r\n");
    assert_top(numbers_campaign("spring"), "last=1d", "code,campaign,clicks\r\nAA,spring,5\r\n");
}

static void what_cannot_be_answered_is_said(void **state) {
    (void)state;
    struct stats_top *top;
    struct err err = {0};
    struct stats_query query = top_query(numbers_campaign("nobody"), "");
    assert_int_equal(stats_top_run(&it.source, &query, &top, &err), STATS_UNKNOWN);
    assert_null(top);
    query = top_query(numbers_all(), "last=366d");
    assert_int_equal(stats_top_run(&it.source, &query, &top, &err), STATS_OK);
    assert_int_equal(top->row_count, 0);
    stats_top_destroy(&top);
    numbers_do(&it, "SET p:top:all:20261121 x");
    assert_int_equal(stats_top_run(&it.source, &query, &top, &err), STATS_FAILED);
    assert_non_null(strstr(err.text, "WRONGTYPE"));
}

static void hours_are_refused_since_the_first_are_by_the_day(void **state) {
    (void)state;
    assert_refused(
        "last=24h", "",
        "last: \"24h\": allowed is a number and d, w, m or y, as 7d, 4w, 3m, 1y (days up "
        "to today; the first are by the day)");
    assert_refused("last=1x", "",
                   "last: \"1x\": allowed is a number and d, w, m or y, as 7d, 4w, 3m, 1y (days up "
                   "to today; the first are by the day)");
}

static void a_range_of_more_than_366_days_is_refused_by_name(void **state) {
    (void)state;
    assert_refused("last=367d", "last", "last: allowed is a range of up to 366 days");
    assert_refused("from=2025-11-20", "from", "from: allowed is a range of up to 366 days");
    assert_int_equal(top_query(numbers_all(), "from=2025-11-21").from, 20251121);
    assert_int_equal(top_query(numbers_all(), "last=366d").from, 20251121);
}

static void an_empty_campaign_is_not_the_whole(void **state) {
    (void)state;
    struct stats_query query;
    struct err err = {0};
    assert_false(stats_top_init(&query, SLICE(""), &err));
    assert_non_null(strstr(err.text, "is no campaign's id"));
    assert_true(stats_top_init(&query, SLICE_EMPTY, &err));
    assert_int_equal(query.scope, STATS_ALL);
}

static void json_has_code_campaign_and_clicks(void **state) {
    (void)state;
    char bytes[1024];
    struct buf out = buf_over(bytes, sizeof(bytes));
    add("AA", "spring", 20261121, 5, true);
    struct stats_top *top = ask(numbers_campaign("spring"), "last=1d&limit=7");
    assert_true(stats_top_json(top, &out));
    buf_append_char(&out, '\0');
    assert_string_equal(bytes,
                        "{\"scope\":\"campaign\",\"campaign\":\"spring\",\"from\":\"2026-11-21\","
                        "\"to\":\"2026-11-21\",\"limit\":7,\"timezone\":\"America/Mexico_City\","
                        "\"data_through\":null,\"complete\":false,\"rows\":[{\"code\":\"AA\","
                        "\"campaign\":\"spring\",\"clicks\":5}]}\n");
    stats_top_destroy(&top);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_a_day_most_first_then_by_code, begin_anew),
        cmocka_unit_test_setup(a_link_that_changed_its_campaign_is_a_row_for_each, begin_anew),
        cmocka_unit_test_setup(of_a_range_the_numbers_are_exact_even_where_a_list_left_one_out,
                               begin_anew),
        cmocka_unit_test_setup(only_those_are_looked_up_who_may_be_first, begin_anew),
        cmocka_unit_test_setup(nonsense_in_a_list_is_no_row, begin_anew),
        cmocka_unit_test_setup(what_cannot_be_answered_is_said, begin_anew),
        cmocka_unit_test_setup(hours_are_refused_since_the_first_are_by_the_day, begin_anew),
        cmocka_unit_test_setup(a_range_of_more_than_366_days_is_refused_by_name, begin_anew),
        cmocka_unit_test_setup(an_empty_campaign_is_not_the_whole, begin_anew),
        cmocka_unit_test_setup(json_has_code_campaign_and_clicks, begin_anew),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
