/*
 * test_webhook_store.c - claims, leases and outcomes, on a Redis of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "credit/webhook_store.h"

enum { LEASE_MS = 30000 };

#define NOW  UINT64_C(1795219200000)
#define HOUR UINT64_C(3600000)
#define DAY  (24 * HOUR)

struct bench {
    struct test_redis redis;
    struct redis_pipe *admin;
    struct webhook_store store;
    struct buf bytes;
    struct webhook_claimed claimed;
    struct err err;
};

static int start(void **state) {
    static struct bench bench;
    struct redis_url url;
    test_redis_init(&bench.redis);
    test_redis_start(&bench.redis, NULL);
    bench.admin = admin_open(&bench.redis);
    url = test_redis_url(&bench.redis);
    bench.store =
        (struct webhook_store){.pipe = redis_pipe_create(&url, 5000), .key_prefix = SLICE("b:")};
    ENSURE(redis_pipe_connect(bench.store.pipe, &bench.err));
    buf_init(&bench.bytes, 4 * 1024 * 1024);
    *state = &bench;
    return 0;
}

static int stop(void **state) {
    struct bench *bench = *state;
    buf_fini(&bench->bytes);
    redis_pipe_destroy(&bench->store.pipe);
    redis_pipe_destroy(&bench->admin);
    test_redis_fini(&bench->redis);
    return 0;
}

static int empty(void **state) {
    admin_ask(((struct bench *)*state)->admin, "FLUSHALL");
    return 0;
}

static void add(struct bench *bench, const char *id, const char *host, uint64_t due_ms) {
    char words[400];
    snprintf(words, sizeof(words),
             "HSET b:webhook:%s state pending campaign spring url https://%s/x body {} attempts 0 "
             "created_at %lu",
             id, host, (unsigned long)due_ms);
    admin_ask(bench->admin, words);
    snprintf(words, sizeof(words), "ZADD b:webhooks:due %lu %s", (unsigned long)due_ms, id);
    admin_ask(bench->admin, words);
    snprintf(words, sizeof(words), "ZADD b:webhooks:all %lu %s", (unsigned long)due_ms, id);
    admin_ask(bench->admin, words);
}

static struct slice field(struct bench *bench, const char *id, const char *name) {
    char words[200];
    snprintf(words, sizeof(words), "HGET b:webhook:%s %s", id, name);
    return redis_reply_text(admin_ask(bench->admin, words));
}

static void assert_field(struct bench *bench, const char *id, const char *name,
                         const char *expected) {
    struct slice value = field(bench, id, name);
    assert_int_equal(value.size, strlen(expected));
    assert_memory_equal(value.data, expected, value.size);
}

static uint64_t due_of(struct bench *bench, const char *id) {
    char words[200];
    uint64_t at_ms = 0;
    snprintf(words, sizeof(words), "ZSCORE b:webhooks:due %s", id);
    return slice_to_u64(redis_reply_text(admin_ask(bench->admin, words)), UINT64_MAX, &at_ms)
               ? at_ms
               : 0;
}

static void claim(struct bench *bench, uint64_t now_ms, size_t wanted, size_t offset) {
    struct webhook_claim claim = {
        .now_ms = now_ms, .lease_ms = LEASE_MS, .wanted = wanted, .per_host = 2, .offset = offset};
    assert_int_equal(
        webhook_claim(&bench->store, &claim, &bench->bytes, &bench->claimed, &bench->err),
        WEBHOOK_STORE_OK);
}

static enum webhook_settled settle(struct bench *bench, const char *id, uint64_t attempt,
                                   enum webhook_verdict verdict, uint64_t now_ms) {
    enum webhook_settled settled;
    struct webhook_settle settle = {.id = slice_of(id),
                                    .attempt = attempt,
                                    .verdict = verdict,
                                    .now_ms = now_ms,
                                    .delay_ms = 5000,
                                    .give_up_ms = DAY,
                                    .status = verdict == WEBHOOK_DELIVERED ? 200 : 500,
                                    .error =
                                        verdict == WEBHOOK_DELIVERED ? SLICE_EMPTY : SLICE("no")};
    assert_int_equal(webhook_settle(&bench->store, &settle, &settled, &bench->err),
                     WEBHOOK_STORE_OK);
    return settled;
}

static void a_claim_holds_for_its_lease(void **state) {
    struct bench *bench = *state;
    add(bench, "A", "a.mx", NOW - 10);
    add(bench, "later", "a.mx", NOW + 1);
    claim(bench, NOW, 16, 0);
    assert_int_equal(bench->claimed.count, 1);
    const struct webhook_delivery *delivery = &bench->claimed.delivery[0];
    assert_true(slice_equal(delivery->id, SLICE("A")));
    assert_true(slice_equal(delivery->campaign, SLICE("spring")));
    assert_true(slice_equal(delivery->url, SLICE("https://a.mx/x")));
    assert_true(slice_equal(delivery->host, SLICE("a.mx")));
    assert_true(slice_equal(delivery->body, SLICE("{}")));
    assert_int_equal(delivery->attempt, 1);
    assert_int_equal(delivery->step, 1);
    assert_int_equal(bench->claimed.pending, 2);
    assert_int_equal(bench->claimed.oldest_ms, NOW - 10);
    assert_int_equal(bench->claimed.next_ms, NOW + 1);
    claim(bench, NOW, 16, 0);
    assert_int_equal(bench->claimed.count, 0);
    claim(bench, NOW + LEASE_MS - 1, 16, 0); /* the other one */
    assert_int_equal(bench->claimed.count, 1);
    claim(bench, NOW + LEASE_MS, 16, 0);
    assert_int_equal(bench->claimed.count, 1);
    assert_true(slice_equal(bench->claimed.delivery[0].id, SLICE("A")));
    assert_int_equal(bench->claimed.delivery[0].attempt, 2);
}

static void a_host_gets_its_share_and_no_more(void **state) {
    struct bench *bench = *state;
    char id[16];
    for (unsigned i = 0; i < WEBHOOK_WINDOW + 20; i++) {
        snprintf(id, sizeof(id), "a%u", i);
        add(bench, id, i % 2 == 0 ? "a.mx" : "A.MX", NOW - 10000 + i);
    }
    add(bench, "b", "b.mx:8443", NOW - 1);
    claim(bench, NOW, 16, 0);
    assert_int_equal(bench->claimed.count, 2);
    assert_int_equal(bench->claimed.held_by_host, WEBHOOK_WINDOW - 2);
    size_t offset = bench->claimed.next_offset;
    assert_int_equal(offset, WEBHOOK_WINDOW - 2); /* those two are no longer due */
    struct webhook_busy busy[] = {{.host = SLICE("a.mx"), .count = 2}};
    struct webhook_claim more = {.now_ms = NOW,
                                 .lease_ms = LEASE_MS,
                                 .wanted = 14,
                                 .per_host = 2,
                                 .offset = offset,
                                 .busy = busy,
                                 .busy_count = 1};
    assert_int_equal(
        webhook_claim(&bench->store, &more, &bench->bytes, &bench->claimed, &bench->err),
        WEBHOOK_STORE_OK);
    assert_int_equal(bench->claimed.count, 1);
    assert_true(slice_equal(bench->claimed.delivery[0].host, SLICE("b.mx:8443")));
    assert_int_equal(bench->claimed.next_offset, 0);
}

static void not_more_than_wanted_are_claimed(void **state) {
    struct bench *bench = *state;
    char id[16], host[16];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "n%u", i);
        snprintf(host, sizeof(host), "h%u.mx", i);
        add(bench, id, host, NOW - 100 + i);
    }
    claim(bench, NOW, 0, 0);
    assert_int_equal(bench->claimed.count, 0);
    assert_int_equal(bench->claimed.pending, 20);
    claim(bench, NOW, WEBHOOK_CLAIM_MAX, 0);
    assert_int_equal(bench->claimed.count, WEBHOOK_CLAIM_MAX);
    assert_true(slice_equal(bench->claimed.delivery[0].id, SLICE("n0"))); /* the longest due */
    claim(bench, NOW, WEBHOOK_CLAIM_MAX, 0);
    assert_int_equal(bench->claimed.count, 20 - WEBHOOK_CLAIM_MAX);
}

static void there_is_one_outcome(void **state) {
    struct bench *bench = *state;
    add(bench, "A", "a.mx", NOW);
    claim(bench, NOW, 1, 0);
    claim(bench, NOW + LEASE_MS, 1, 0); /* somebody else, when the lease was over */
    assert_int_equal(settle(bench, "A", 1, WEBHOOK_LATER, NOW), WEBHOOK_SETTLED_OTHERS);
    assert_int_equal(due_of(bench, "A"), NOW + 2 * (uint64_t)LEASE_MS);
    assert_int_equal(settle(bench, "A", 1, WEBHOOK_DELIVERED, NOW), WEBHOOK_SETTLED_DELIVERED);
    assert_int_equal(settle(bench, "A", 2, WEBHOOK_FAILED, NOW), WEBHOOK_SETTLED_BEFORE);
    assert_int_equal(settle(bench, "A", 2, WEBHOOK_LATER, NOW), WEBHOOK_SETTLED_BEFORE);
    assert_int_equal(settle(bench, "A", 2, WEBHOOK_DELIVERED, NOW), WEBHOOK_SETTLED_BEFORE);
    assert_field(bench, "A", "state", "delivered");
    assert_field(bench, "A", "last_status", "200");
    assert_int_equal(due_of(bench, "A"), 0);
    assert_int_equal(settle(bench, "nobody", 1, WEBHOOK_DELIVERED, NOW), WEBHOOK_SETTLED_BEFORE);
    assert_int_equal(redis_reply_integer(admin_ask(bench->admin, "EXISTS b:webhook:nobody")), 0);
}

static void later_is_later_until_the_day_is_over(void **state) {
    struct bench *bench = *state;
    add(bench, "A", "a.mx", NOW);
    claim(bench, NOW, 1, 0);
    assert_int_equal(settle(bench, "A", 1, WEBHOOK_LATER, NOW + 7), WEBHOOK_SETTLED_LATER);
    assert_int_equal(due_of(bench, "A"), NOW + 5007);
    assert_field(bench, "A", "state", "pending");
    assert_field(bench, "A", "last_error", "no");
    claim(bench, NOW + DAY - 1000, 1, 0);
    assert_int_equal(settle(bench, "A", 2, WEBHOOK_LATER, NOW + DAY - 900), WEBHOOK_SETTLED_LATER);
    assert_int_equal(due_of(bench, "A"), NOW + DAY); /* once more, at the end */
    claim(bench, NOW + DAY, 1, 0);
    assert_int_equal(settle(bench, "A", 3, WEBHOOK_LATER, NOW + DAY + 1), WEBHOOK_SETTLED_FAILED);
    assert_field(bench, "A", "state", "failed");
    assert_field(bench, "A", "attempts", "3");
}

static enum webhook_retried retry(struct bench *bench, const char *id, bool again,
                                  uint64_t now_ms) {
    enum webhook_retried retried;
    struct webhook_retry retry = {.id = slice_of(id), .again = again, .now_ms = now_ms};
    assert_int_equal(webhook_retry(&bench->store, &retry, &retried, &bench->err), WEBHOOK_STORE_OK);
    return retried;
}

static void what_is_retried_begins_anew(void **state) {
    struct bench *bench = *state;
    add(bench, "A", "a.mx", NOW);
    claim(bench, NOW, 1, 0);
    assert_int_equal(retry(bench, "A", true, NOW + 1), WEBHOOK_RETRY_SENDING);
    assert_int_equal(settle(bench, "A", 1, WEBHOOK_FAILED, NOW), WEBHOOK_SETTLED_FAILED);
    assert_int_equal(retry(bench, "A", false, NOW + 3 * DAY), WEBHOOK_RETRY_DONE);
    assert_int_equal(retry(bench, "A", false, NOW + 3 * DAY + 1), WEBHOOK_RETRY_SOONER);
    claim(bench, NOW + 3 * DAY + 1, 1, 0);
    assert_int_equal(bench->claimed.delivery[0].attempt, 2);
    assert_int_equal(bench->claimed.delivery[0].step, 1);
    assert_int_equal(bench->claimed.oldest_ms, NOW + 3 * DAY);
    assert_int_equal(settle(bench, "A", 2, WEBHOOK_LATER, NOW + 4 * DAY - 6000),
                     WEBHOOK_SETTLED_LATER);
    claim(bench, NOW + 4 * DAY, 1, 0);
    assert_int_equal(settle(bench, "A", 3, WEBHOOK_LATER, NOW + 4 * DAY + 1),
                     WEBHOOK_SETTLED_FAILED);
    assert_int_equal(retry(bench, "A", false, NOW + 5 * DAY), WEBHOOK_RETRY_DONE);
    claim(bench, NOW + 5 * DAY, 1, 0);
    assert_int_equal(settle(bench, "A", 4, WEBHOOK_DELIVERED, NOW + 5 * DAY),
                     WEBHOOK_SETTLED_DELIVERED);
    assert_int_equal(retry(bench, "A", false, NOW + 5 * DAY), WEBHOOK_RETRY_DELIVERED);
    assert_int_equal(retry(bench, "A", true, NOW + 5 * DAY), WEBHOOK_RETRY_DONE);
    assert_int_equal(retry(bench, "B", true, NOW), WEBHOOK_RETRY_NONE);
    assert_int_equal(retry(bench, "no id", true, NOW), WEBHOOK_RETRY_NONE);
}

static uint64_t over_of(struct bench *bench, const char *id) {
    char words[200];
    uint64_t at_ms = 0;
    snprintf(words, sizeof(words), "ZSCORE b:webhooks:over %s", id);
    (void)slice_to_u64(redis_reply_text(admin_ask(bench->admin, words)), UINT64_MAX, &at_ms);
    return at_ms;
}

/* So that a full list finds one that is over, wherever it stands. */
static void what_is_over_is_listed_until_it_is_gone(void **state) {
    struct bench *bench = *state;
    struct webhook_trim trim = {.now_ms = NOW + 8 * DAY, .kept_max = 100};
    add(bench, "A", "a.mx", NOW);
    add(bench, "B", "a.mx", NOW);
    admin_ask(bench->admin, "HDEL b:webhook:B body");
    claim(bench, NOW, 2, 0);
    assert_int_equal(over_of(bench, "A"), 0);
    assert_int_equal(over_of(bench, "B"), NOW); /* hopeless */
    assert_int_equal(settle(bench, "A", 1, WEBHOOK_LATER, NOW), WEBHOOK_SETTLED_LATER);
    assert_int_equal(over_of(bench, "A"), 0);
    assert_int_equal(settle(bench, "A", 1, WEBHOOK_DELIVERED, NOW + 1), WEBHOOK_SETTLED_DELIVERED);
    assert_int_equal(over_of(bench, "A"), NOW + 1);
    assert_int_equal(retry(bench, "B", false, NOW + 2), WEBHOOK_RETRY_DONE);
    assert_int_equal(over_of(bench, "B"), 0);
    admin_ask(bench->admin, "DEL b:webhook:A"); /* as when its week is over */
    assert_int_equal(webhook_trim(&bench->store, &trim, &bench->err), WEBHOOK_STORE_OK);
    assert_int_equal(over_of(bench, "A"), 0);
    admin_ask(bench->admin, "ZADD b:webhooks:over 5 C");
    assert_int_equal(webhook_trim(&bench->store, &trim, &bench->err), WEBHOOK_STORE_OK);
    assert_int_equal(over_of(bench, "C"), 0);
}

/* Whatever the script's answer is made of. */
static void strange_hosts_and_errors_are_borne(void **state) {
    struct bench *bench = *state;
    char error[1000];
    enum webhook_settled settled;
    admin_ask(bench->admin, "HSET b:webhook:odd state pending url no-url body x");
    admin_ask(bench->admin, "ZADD b:webhooks:due 1.5 odd");
    claim(bench, NOW, 16, 0);
    assert_int_equal(bench->claimed.count, 1);
    assert_int_equal(bench->claimed.delivery[0].host.size, 0);
    memset(error, 'e', sizeof(error));
    struct webhook_settle settle = {.id = SLICE("odd"),
                                    .attempt = 1,
                                    .verdict = WEBHOOK_LATER,
                                    .now_ms = NOW,
                                    .give_up_ms = DAY,
                                    .error = slice_make(error, sizeof(error))};
    assert_int_equal(webhook_settle(&bench->store, &settle, &settled, &bench->err),
                     WEBHOOK_STORE_OK);
    assert_int_equal(settled, WEBHOOK_SETTLED_LATER);
    assert_int_equal(field(bench, "odd", "last_error").size, WEBHOOK_ERROR_BYTES_MAX);
    assert_int_equal(field(bench, "odd", "last_status").size, 0);
}

static void the_list_is_cut_at_its_limit(void **state) {
    struct bench *bench = *state;
    struct webhook_trim trim = {.now_ms = NOW, .kept_max = 4};
    char id[16];
    for (unsigned i = 0; i < 9; i++) {
        snprintf(id, sizeof(id), "n%u", i);
        add(bench, id, "a.mx", NOW + i);
    }
    assert_int_equal(webhook_trim(&bench->store, &trim, &bench->err), WEBHOOK_STORE_OK);
    assert_int_equal(trim.trimmed, 5);
    assert_int_equal(redis_reply_integer(admin_ask(bench->admin, "ZCARD b:webhooks:all")), 4);
    assert_int_equal(redis_reply_text(admin_ask(bench->admin, "ZSCORE b:webhooks:all n4")).size, 0);
    assert_int_equal(webhook_trim(&bench->store, &trim, &bench->err), WEBHOOK_STORE_OK);
    assert_int_equal(trim.trimmed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_claim_holds_for_its_lease, empty),
        cmocka_unit_test_setup(a_host_gets_its_share_and_no_more, empty),
        cmocka_unit_test_setup(not_more_than_wanted_are_claimed, empty),
        cmocka_unit_test_setup(there_is_one_outcome, empty),
        cmocka_unit_test_setup(later_is_later_until_the_day_is_over, empty),
        cmocka_unit_test_setup(what_is_retried_begins_anew, empty),
        cmocka_unit_test_setup(what_is_over_is_listed_until_it_is_gone, empty),
        cmocka_unit_test_setup(strange_hosts_and_errors_are_borne, empty),
        cmocka_unit_test_setup(the_list_is_cut_at_its_limit, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
