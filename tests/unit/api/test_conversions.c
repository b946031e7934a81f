/*
 * test_conversions.c - POST /v1/conversions by hand: proofs, lists, keys, look-ups, and what is
 * refused, over a private Redis and a journal of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/metrics.h"
#include "base/random.h"
#include "call_fixture.h"
#include "click/journal.h"
#include "click/token.h"
#include "conversions_find.h"
#include "conversions_keys.h"
#include "credit/intake.h"

static const uint8_t secret[32] = "0123456789abcdef0123456789abcde";

static struct fixture it;
static struct metric_registry *registry;
static char data[64];
static char token[TOKEN_SIZE + 1]; /* of AB12CD */

static int setup(void **state) {
    struct err err = {""};
    (void)state;
    fixture_begin(&it);
    it.call.method = API_POST;
    it.call.stats_retain_days = 400;
    snprintf(it.call.token.name, sizeof(it.call.token.name), "core");
    snprintf(data, sizeof(data), "/tmp/brinco-conversions-XXXXXX");
    registry = metric_registry_create();
    if (mkdtemp(data) == NULL) {
        return 1;
    }
    const struct intake_options options = {.data_dir = data,
                                           .edge_id = SLICE("edge-1"),
                                           .secret = secret,
                                           .secret_size = sizeof(secret),
                                           .disk_bytes_max = intake_disk_bytes_max(0),
                                           .sync_interval_ms = 1000,
                                           .metrics = registry};
    it.call.intake = intake_open(&options, &err);
    if (it.call.intake == NULL) {
        return 1;
    }
    struct random random;
    random_init(&random);
    struct ulid id = ulid_make((uint64_t)(FIXTURE_NOW_S - 60) * 1000, &random);
    token_make(intake_token_key(it.call.intake), &id, SLICE("AB12CD"), token);
    return 0;
}

static int teardown(void **state) {
    char command[96];
    (void)state;
    intake_close(&it.call.intake);
    fixture_end(&it);
    metric_registry_destroy(&registry);
    snprintf(command, sizeof(command), "rm -rf -- '%s'", data);
    return system(command);
}

/* % stands for the token, ' for ". */
static int post(const char *body) {
    static char text[64 * 1024];
    size_t size = 0;
    for (const char *c = body; *c != '\0'; c++) {
        if (*c == '%') {
            memcpy(text + size, token, TOKEN_SIZE);
            size += TOKEN_SIZE;
        } else {
            text[size++] = *c == '\'' ? '"' : *c;
        }
    }
    return fixture_call(&it, call_conversions_post, NULL, slice_make(text, size));
}

static void assert_says(const char *words) {
    char wanted[256];
    size_t size = 0;
    for (const char *c = words; *c != '\0'; c++) {
        wanted[size++] = *c == '\'' ? '"' : *c;
    }
    wanted[size] = '\0';
    if (strstr(it.text, wanted) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", wanted, it.text);
    }
}

static uint64_t taken(void) {
    return intake_status(it.call.intake).taken;
}

static uint64_t counted(const char *name, const char *labels) {
    char full[96];
    snprintf(full, sizeof(full), "brinco_conversions_%s", name);
    return metric_registry_total(registry, full, labels);
}

static void statuses_are_by_what_the_token_proves(void **state) {
    (void)state;
    assert_int_equal(post("{'event':'install','click':'%','code':'AB12CD'}"), 202);
    assert_says("'status':'verified','click':'0");
    assert_says("'code':'AB12CD'}");
    assert_int_equal(post("{'event':'install','click':'%','code':'AB12CE'}"), 202);
    assert_says("'status':'forged','click':'0");
    assert_int_equal(post("{'event':'install','click':'nonsense','code':'AB12CD'}"), 202);
    assert_says("'status':'forged','click':null,'code':'AB12CD'}");
    assert_int_equal(post("{'event':'install','code':'AB12CD'}"), 202);
    assert_says("'status':'unverified','click':null");
    assert_int_equal(post("{'event':'install','click':'%'}"), 202);
    assert_says("'status':'open','click':'0");
    assert_says("'code':null}");
    assert_int_equal(taken(), 5);
    assert_int_equal(counted("taken_total", "proof=\"forged\""), 2);
    assert_int_equal(counted("lookups_total", "result=\"none\""), 1);
}

static void the_code_is_found_where_the_click_had_a_conversion(void **state) {
    char id[ULID_TEXT_SIZE + 1] = "";
    char command[128];
    struct ulid ulid;
    (void)state;
    assert_true(token_read_id(slice_of(token), &ulid));
    ulid_format(&ulid, id);
    snprintf(command, sizeof(command), "HSET p:credit:%s code AB12CD", id);
    fixture_count(&it, command);
    assert_int_equal(post("{'event':'install','click':'%'}"), 202);
    assert_says("'status':'verified'");
    assert_says("'code':'AB12CD'}");
    snprintf(command, sizeof(command), "HSET p:credit:%s code AB12CE", id);
    fixture_count(&it, command);
    assert_int_equal(post("{'event':'install','click':'%'}"), 202);
    assert_says("'status':'forged'");
    assert_says("'code':null}");
    assert_int_equal(counted("lookups_total", "result=\"found\""), 2);
    /* What is no hash is as good as nothing. */
    snprintf(command, sizeof(command), "SET p:credit:%s x", id);
    fixture_redis(&it, command);
    assert_int_equal(post("{'event':'install','click':'%'}"), 202);
    assert_says("'status':'open'");
}

static void the_code_is_found_in_the_stream(void **state) {
    char id[ULID_TEXT_SIZE + 1] = "";
    char command[256];
    struct ulid ulid;
    (void)state;
    assert_true(token_read_id(slice_of(token), &ulid));
    ulid_format(&ulid, id);
    fixture_count(&it, "SADD p:streams p:clicks:edge-1:0");
    snprintf(command, sizeof(command), "XADD p:clicks:edge-1:0 %lu-1 id %s code AB12CD",
             (unsigned long)ulid_unix_ms(&ulid), id);
    fixture_redis(&it, command);
    assert_int_equal(post("{'event':'install','click':'%'}"), 202);
    assert_says("'status':'verified'");
}

static void only_so_many_clicks_are_looked_for(void **state) {
    static char body[32 * 1024];
    size_t size = 1;
    (void)state;
    body[0] = '[';
    for (int i = 0; i < FIND_CLICKS_MAX + 3; i++) {
        size += (size_t)snprintf(body + size, sizeof(body) - size,
                                 "%s{'event':'install','click':'%%'}", i > 0 ? "," : "");
    }
    body[size++] = ']';
    body[size] = '\0';
    assert_int_equal(post(body), 202);
    assert_int_equal(counted("lookups_total", "result=\"none\"") +
                         counted("lookups_total", "result=\"failed\""),
                     FIND_CLICKS_MAX + 3);
    assert_true(counted("lookups_total", "result=\"failed\"") >= 3);
    assert_int_equal(taken(), FIND_CLICKS_MAX + 3);
}

static void a_list_is_taken_whole_or_not_at_all(void **state) {
    (void)state;
    assert_int_equal(post("[{'event':'install','code':'A'},{'event':'signup','code':'B'}]"), 202);
    assert_true(it.text[0] == '[' && strstr(it.text, "]\n") != NULL);
    assert_says("'code':'A'},\n{'id':'");
    assert_int_equal(taken(), 2);
    assert_int_equal(post("[{'event':'install','code':'A'},{'event':'x y','code':'B'}]"), 422);
    assert_says("'field':'1.event'");
    assert_says("report 1 of the list");
    assert_int_equal(post("[{'event':'install','code':'A'},7]"), 422);
    assert_says("'field':'1'");
    assert_int_equal(post("[]"), 422);
    assert_int_equal(post("5"), 422);
    assert_says("a report is a JSON object");
    assert_int_equal(post("{"), 400);
    assert_int_equal(taken(), 2);
    assert_int_equal(counted("refused_total", "reason=\"invalid\""), 2 + 2 + 1 + 1 + 1);
}

static void a_list_has_a_limit(void **state) {
    static char body[48 * 1024];
    (void)state;
    for (size_t count = INTAKE_BATCH_MAX; count <= INTAKE_BATCH_MAX + 1; count++) {
        size_t size = 1;
        body[0] = '[';
        for (size_t i = 0; i < count; i++) {
            size += (size_t)snprintf(body + size, sizeof(body) - size,
                                     "%s{'event':'install','code':'A'}", i > 0 ? "," : "");
        }
        body[size++] = ']';
        body[size] = '\0';
        assert_int_equal(post(body), count == INTAKE_BATCH_MAX ? 202 : 422);
    }
    assert_int_equal(taken(), INTAKE_BATCH_MAX);
}

static void the_same_key_has_the_same_answer(void **state) {
    char first[256];
    (void)state;
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 202);
    snprintf(first, sizeof(first), "%.*s", (int)sizeof(first) - 1, it.text);
    assert_int_equal(post("{'code':'A', 'event':'install','idempotency_key':'k'}"), 202);
    assert_string_equal(it.text, first);
    assert_string_equal(fixture_header(&it, "Idempotency-Replayed"), "true");
    assert_int_equal(taken(), 1);
    assert_int_equal(counted("answered_again_total", NULL), 1);
    assert_int_equal(post("{'event':'signup','code':'A','idempotency_key':'k'}"), 422);
    assert_says("'field':'idempotency_key'");
    assert_int_equal(counted("refused_total", "reason=\"key\""), 1);
    /* Another's key is another key. */
    snprintf(it.call.token.hash, sizeof(it.call.token.hash), "%064d", 2);
    assert_int_equal(post("{'event':'signup','code':'A','idempotency_key':'k'}"), 202);
    assert_int_equal(taken(), 2);
}

static void the_header_is_the_key_of_the_report(void **state) {
    char first[256];
    (void)state;
    it.call.idempotency_key = SLICE("h");
    assert_int_equal(post("{'event':'install','code':'A'}"), 202);
    snprintf(first, sizeof(first), "%.*s", (int)sizeof(first) - 1, it.text);
    assert_int_equal(post("{'event':'install','code':'A'}"), 202);
    assert_string_equal(it.text, first);
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'g'}"), 422);
    assert_int_equal(taken(), 1);
    it.call.idempotency_key = SLICE("\xff");
    assert_int_equal(post("{'event':'install','code':'A'}"), 400);
    assert_says("'field':'Idempotency-Key'");
    it.call.idempotency_key = SLICE_EMPTY;
}

static void a_list_with_a_header_has_a_key_each(void **state) {
    static const char list[] = "[{'event':'install','code':'A'},{'event':'signup','code':'A'},"
                               "{'event':'signup','code':'B','idempotency_key':'own'}]";
    char first[1024];
    char longest[CONVERSION_KEY_BYTES_MAX];
    (void)state;
    it.call.idempotency_key = SLICE("h");
    assert_int_equal(post(list), 202);
    snprintf(first, sizeof(first), "%.*s", (int)sizeof(first) - 1, it.text);
    assert_int_equal(post(list), 202);
    assert_string_equal(it.text, first);
    assert_int_equal(taken(), 3);
    /* One more behind them: the others are answered as before. */
    assert_int_equal(post("[{'event':'install','code':'A'},{'event':'signup','code':'A'},"
                          "{'event':'signup','code':'B','idempotency_key':'own'},"
                          "{'event':'signup','code':'C'}]"),
                     202);
    assert_memory_equal(it.text, first, strlen(first) - 2);
    assert_int_equal(taken(), 4);
    memset(longest, 'h', sizeof(longest));
    it.call.idempotency_key = slice_make(longest, sizeof(longest));
    assert_int_equal(post(list), 422);
    assert_says("'field':'0.idempotency_key'");
    it.call.idempotency_key = SLICE_EMPTY;
    assert_int_equal(post("[{'event':'install','code':'A','idempotency_key':'x'},"
                          "{'event':'signup','code':'A','idempotency_key':'x'}]"),
                     422);
    assert_says("'field':'1.idempotency_key'");
    assert_int_equal(taken(), 4);
}

/* The name under which the key of the only report stands. */
static const char *key_name(void) {
    static char name[256];
    const struct redis_reply *reply = admin_ask(it.admin, "KEYS p:idempotency:*");
    assert_int_equal(redis_reply_count(reply), 1);
    struct slice text = redis_reply_text(redis_reply_at(reply, 0));
    snprintf(name, sizeof(name), "%.*s", SLICE_ARG(text));
    return name;
}

static void a_key_that_is_being_handled_is_busy_for_a_while(void **state) {
    char command[512];
    (void)state;
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 202);
    const char *name = key_name();
    snprintf(command, sizeof(command), "GET %s", name);
    struct slice kept = fixture_redis(&it, command);
    assert_true(kept.size > IDEMPOTENCY_DIGEST_BYTES);
    char digest[IDEMPOTENCY_DIGEST_BYTES + 1];
    snprintf(digest, sizeof(digest), "%.*s", SLICE_ARG(slice_first(kept, 64)));
    /* As a process leaves it that was killed between reserving and keeping. */
    snprintf(command, sizeof(command), "SET %s %s_102_ffffffffffffffff PX 60000", name, digest);
    fixture_redis(&it, command);
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 422);
    const struct slice set[] = {SLICE("SETRANGE"), slice_of(name), SLICE("64"), SLICE(" 102 ")};
    assert_non_null(redis_pipe_command(it.admin, ARRAY_COUNT(set), set, NULL));
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 503);
    assert_string_equal(fixture_header(&it, "Retry-After"), "1");
    assert_int_equal(counted("refused_total", "reason=\"busy\""), 1);
    assert_int_equal(taken(), 1);
    /* It ran out: taken once more, and left to those who count to see that it is the same. */
    snprintf(command, sizeof(command), "DEL %s", name);
    fixture_count(&it, command);
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 202);
    assert_int_equal(taken(), 2);
}

static void a_refused_list_gives_its_keys_back(void **state) {
    (void)state;
    assert_int_equal(post("[{'event':'install','code':'A','idempotency_key':'a'},"
                          "{'event':'mine','code':'A','idempotency_key':'b'}]"),
                     422);
    assert_says("'field':'1.event'");
    assert_int_equal(fixture_count(&it, "DBSIZE"), 0);
    assert_int_equal(taken(), 0);
}

static void events_of_a_campaigns_own_are_those_that_it_lists(void **state) {
    (void)state;
    assert_int_equal(post("{'event':'card_first_use','code':'AB12CD'}"), 422);
    assert_says("'field':'event'");
    fixture_count(&it, "HSET p:link:AB12CD campaign spring");
    assert_int_equal(post("{'event':'card_first_use','code':'AB12CD'}"), 422);
    admin_do(&it.redis, "HSET p:campaign:spring events card_first_use");
    assert_int_equal(post("{'event':'card_first_use','code':'AB12CD'}"), 202);
    assert_int_equal(post("{'event':'card_first_us','code':'AB12CD'}"), 422);
    /* Whose link it is, is not known: judged when it is counted. */
    assert_int_equal(post("{'event':'whatever','click':'%'}"), 202);
    /* Neither does Redis say it here. */
    fixture_redis(&it, "SET p:link:ODD x");
    assert_int_equal(post("{'event':'whatever','code':'ODD'}"), 202);
    assert_int_equal(taken(), 3);
}

/* The link was moved since the tap: its click's campaign lists the event, whether the click is
 * known from a conversion before, or only by its own entry. */
static void events_of_the_clicks_campaign_are_taken(void **state) {
    char id[ULID_TEXT_SIZE + 1] = "";
    char command[256];
    struct ulid click;
    (void)state;
    assert_true(token_read_id(slice_make(token, TOKEN_SIZE), &click));
    ulid_format(&click, id);
    fixture_count(&it, "HSET p:link:AB12CD campaign autumn");
    fixture_count(&it, "HSET p:campaign:spring events card");
    assert_int_equal(post("{'event':'card','click':'%','code':'AB12CD'}"), 422);
    snprintf(command, sizeof(command), "XADD p:clicks:e:0 %lu-1 id %s code AB12CD campaign spring",
             (unsigned long)ulid_unix_ms(&click), id);
    fixture_redis(&it, command);
    fixture_count(&it, "SADD p:streams p:clicks:e:0");
    assert_int_equal(post("{'event':'card','click':'%','code':'AB12CD'}"), 202);
    assert_int_equal(post("{'event':'cord','click':'%','code':'AB12CD'}"), 422);
    assert_int_equal(post("{'event':'card','code':'AB12CD'}"), 422);
    fixture_count(&it, "DEL p:clicks:e:0");
    snprintf(command, sizeof(command), "HSET p:credit:%s campaign spring", id);
    fixture_count(&it, command);
    assert_int_equal(post("{'event':'card','click':'%','code':'AB12CD'}"), 202);
    fixture_count(&it, "HSET p:campaign:autumn events visit");
    assert_int_equal(post("{'event':'visit','click':'%','code':'AB12CD'}"), 202);
    assert_int_equal(taken(), 3);
}

static void without_redis_what_needs_it_not_is_taken(void **state) {
    (void)state;
    redis_pipe_disconnect(it.pipe);
    assert_int_equal(post("{'event':'install','click':'%','code':'AB12CD'}"), 202);
    assert_says("'status':'verified'");
    assert_int_equal(post("{'event':'install','click':'%'}"), 202);
    assert_says("'status':'open'");
    assert_int_equal(counted("lookups_total", "result=\"failed\""), 1);
    assert_int_equal(post("{'event':'mine','code':'AB12CD'}"), 202);
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 503);
    assert_int_equal(counted("refused_total", "reason=\"redis\""), 1);
    assert_int_equal(taken(), 3);
}

static void a_redis_that_keeps_nothing_is_no_place_for_keys(void **state) {
    (void)state;
    admin_do(&it.redis, "CONFIG SET maxmemory 1");
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 503);
    assert_int_equal(post("{'event':'install','code':'A'}"), 202);
    admin_do(&it.redis, "CONFIG SET maxmemory 0");
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 202);
    assert_int_equal(taken(), 2);
}

static void a_full_journal_takes_nothing_and_gives_keys_back(void **state) {
    static char body[48 * 1024];
    size_t size = 1;
    int status = 202;
    (void)state;
    body[0] = '[';
    for (size_t i = 0; i < INTAKE_BATCH_MAX; i++) {
        size += (size_t)snprintf(body + size, sizeof(body) - size,
                                 "%s{'event':'install','code':'A'}", i > 0 ? "," : "");
    }
    body[size++] = ']';
    body[size] = '\0';
    for (int i = 0; i < 100 && status == 202; i++) {
        status = post(body); /* nobody keeps this journal, so that one segment is all it has */
    }
    assert_int_equal(status, 503);
    assert_non_null(fixture_header(&it, "Retry-After"));
    assert_int_equal(counted("refused_total", "reason=\"full\""), INTAKE_BATCH_MAX);
    while (post("{'event':'install','code':'A','idempotency_key':'k'}") == 202) {
        fixture_redis(&it, "FLUSHALL");
    }
    assert_int_equal(fixture_count(&it, "DBSIZE"), 0);
    uint64_t before = taken();
    journal_keep(*intake_journal(it.call.intake), 1);
    assert_int_equal(post("{'event':'install','code':'A','idempotency_key':'k'}"), 202);
    assert_int_equal(taken(), before + 1);
}

static void without_a_journal_nothing_is_taken(void **state) {
    struct intake *intake = it.call.intake;
    (void)state;
    it.call.intake = NULL;
    it.call.intake_fault = SLICE("for a reason");
    assert_int_equal(post("{'event':'install','code':'A'}"), 503);
    assert_says("this process takes no reports: for a reason");
    it.call.intake = intake;
}

static void requests_are_json_without_a_query(void **state) {
    (void)state;
    it.call.content_type = SLICE("text/plain");
    assert_int_equal(post("{'event':'install','code':'A'}"), 415);
    it.call.content_type = SLICE("application/json; charset=utf-8");
    it.call.query[0] = (struct call_field){SLICE("x"), SLICE("1")};
    it.call.query_count = 1;
    assert_int_equal(post("{'event':'install','code':'A'}"), 400);
    assert_int_equal(taken(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(statuses_are_by_what_the_token_proves),
        TEST(the_code_is_found_where_the_click_had_a_conversion),
        TEST(the_code_is_found_in_the_stream),
        TEST(only_so_many_clicks_are_looked_for),
        TEST(a_list_is_taken_whole_or_not_at_all),
        TEST(a_list_has_a_limit),
        TEST(the_same_key_has_the_same_answer),
        TEST(the_header_is_the_key_of_the_report),
        TEST(a_list_with_a_header_has_a_key_each),
        TEST(a_key_that_is_being_handled_is_busy_for_a_while),
        TEST(a_refused_list_gives_its_keys_back),
        TEST(events_of_a_campaigns_own_are_those_that_it_lists),
        TEST(events_of_the_clicks_campaign_are_taken),
        TEST(without_redis_what_needs_it_not_is_taken),
        TEST(a_redis_that_keeps_nothing_is_no_place_for_keys),
        TEST(a_full_journal_takes_nothing_and_gives_keys_back),
        TEST(without_a_journal_nothing_is_taken),
        TEST(requests_are_json_without_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
