/*
 * The store against a real Redis: what it writes, what it refuses, and walking over it all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/redis_server.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "link/store.h"
#include "redis/pipe.h"

enum { PATIENCE_MS = 5000 };

struct fixture {
    struct test_redis redis;
    struct redis_pipe *pipe;
    struct store store;
    struct buf scratch;
};

static void begin(struct fixture *it, const char *prefix) {
    *it = (struct fixture){0};
    test_redis_init(&it->redis);
    test_redis_start(&it->redis, NULL);
    struct redis_url url = test_redis_url(&it->redis);
    struct err err;
    it->pipe = redis_pipe_create(&url, PATIENCE_MS);
    assert_true(redis_pipe_connect(it->pipe, &err));
    it->store = (struct store){.pipe = it->pipe, .key_prefix = slice_of(prefix)};
    buf_init(&it->scratch, 1 << 20);
}

static void end(struct fixture *it) {
    buf_fini(&it->scratch);
    redis_pipe_destroy(&it->pipe);
    test_redis_fini(&it->redis);
}

/* Runs a command whose words are separated by single spaces; the reply's text or integer. */
static const char *redis(struct fixture *it, const char *command) {
    static char text[256];
    struct slice rest = slice_of(command);
    struct slice words[32];
    size_t count = 0;
    while (rest.size > 0 && count < 32) {
        words[count++] = slice_split(&rest, ' ');
    }
    struct err err = {{0}};
    const struct redis_reply *reply = redis_pipe_command(it->pipe, count, words, &err);
    assert_non_null(reply);
    if (redis_reply_is_integer(reply)) {
        (void)snprintf(text, sizeof(text), "%lld", (long long)redis_reply_integer(reply));
    } else {
        (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(redis_reply_text(reply)));
    }
    return text;
}

static void set_link(struct fixture *it, const char *code, struct link_fields fields) {
    struct err err = {{0}};
    if (store_link_set(&it->store, slice_of(code), &fields, &err) != STORE_OK) {
        fail_msg("%s: %s", code, err.text);
    }
}

static void set_campaign(struct fixture *it, const char *id, struct campaign_fields fields) {
    struct err err = {{0}};
    if (store_campaign_set(&it->store, slice_of(id), &fields, &err) != STORE_OK) {
        fail_msg("%s: %s", id, err.text);
    }
}

static void assert_link_refused(struct fixture *it, const char *code, struct link_fields fields,
                                const char *because) {
    struct err err = {{0}};
    assert_int_equal(store_link_set(&it->store, slice_of(code), &fields, &err), STORE_REFUSED);
    if (strstr(err.text, because) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, because);
    }
    assert_true(redis_pipe_is_connected(it->pipe));
}

static void assert_campaign_refused(struct fixture *it, const char *id,
                                    struct campaign_fields fields, const char *because) {
    struct err err = {{0}};
    assert_int_equal(store_campaign_set(&it->store, slice_of(id), &fields, &err), STORE_REFUSED);
    if (strstr(err.text, because) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, because);
    }
}

#define LINK_OF(...)     ((struct link_fields){.value = {__VA_ARGS__}})
#define CAMPAIGN_OF(...) ((struct campaign_fields){.value = {__VA_ARGS__}})

/* ---- links ---- */

static void a_link_is_written_as_a_plain_hash_and_read_back(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    uint64_t before = clock_real_ms() / 1000;
    set_link(&it, "AB12",
             LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("spring"), [LINK_FIELD_OWNER] = SLICE("ana")));
    assert_string_equal(redis(&it, "HGET p:link:AB12 campaign"), "spring");
    assert_string_equal(redis(&it, "HLEN p:link:AB12"), "3");

    struct link_fields fields;
    struct err err = {{0}};
    assert_int_equal(store_link_get(&it.store, SLICE("AB12"), &fields, &it.scratch, &err),
                     STORE_OK);
    assert_true(slice_equal(fields.value[LINK_FIELD_CAMPAIGN], SLICE("spring")));
    assert_true(slice_equal(fields.value[LINK_FIELD_OWNER], SLICE("ana")));
    assert_null(fields.value[LINK_FIELD_URL].data);
    uint64_t created = 0;
    assert_true(slice_to_u64(fields.value[LINK_FIELD_CREATED_AT], UINT64_MAX, &created));
    assert_true(created >= before && created <= clock_real_ms() / 1000);
    end(&it);
}

static void created_at_is_set_once(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    set_link(&it, "AB12",
             LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("c"), [LINK_FIELD_CREATED_AT] = SLICE("17")));
    set_link(&it, "AB12", LINK_OF([LINK_FIELD_STATUS] = SLICE("paused")));
    assert_string_equal(redis(&it, "HGET p:link:AB12 created_at"), "17");
    assert_string_equal(redis(&it, "HGET p:link:AB12 status"), "paused");
    end(&it);
}

static void what_is_not_given_stays_and_what_is_given_empty_goes(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    set_link(&it, "AB12",
             LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("c"), [LINK_FIELD_OWNER] = SLICE("ana"),
                     [LINK_FIELD_EXPIRES_AT] = SLICE("99")));
    set_link(&it, "AB12",
             LINK_OF([LINK_FIELD_OWNER] = slice_make("", 0), [LINK_FIELD_STARTS_AT] = SLICE("5")));
    assert_string_equal(redis(&it, "HEXISTS p:link:AB12 owner"), "0");
    assert_string_equal(redis(&it, "HGET p:link:AB12 starts_at"), "5");
    assert_string_equal(redis(&it, "HGET p:link:AB12 expires_at"), "99");
    assert_string_equal(redis(&it, "HGET p:link:AB12 campaign"), "c");
    end(&it);
}

static void nonsense_is_refused_and_nothing_is_written(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    struct slice spring = SLICE("spring");
    assert_link_refused(&it, "not valid", LINK_OF([LINK_FIELD_CAMPAIGN] = spring), "code: allowed");
    assert_link_refused(&it, "AB", LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("a b")), "campaign: ");
    assert_link_refused(
        &it, "AB", LINK_OF([LINK_FIELD_CAMPAIGN] = spring, [LINK_FIELD_EXPIRES_AT] = SLICE("soon")),
        "expires_at: allowed");
    assert_link_refused(&it, "AB", LINK_OF([LINK_FIELD_URL] = SLICE("http://a/")), "url: ");
    assert_link_refused(&it, "AB", LINK_OF([LINK_FIELD_URL] = SLICE("javascript:x")), "never");
    assert_link_refused(&it, "AB", LINK_OF([LINK_FIELD_OWNER] = SLICE("ana")), "lead nowhere");
    assert_string_equal(redis(&it, "DBSIZE"), "0");

    set_link(&it, "AB", LINK_OF([LINK_FIELD_CAMPAIGN] = spring));
    assert_link_refused(&it, "AB", LINK_OF([LINK_FIELD_CAMPAIGN] = slice_make("", 0)),
                        "lead nowhere");
    assert_string_equal(redis(&it, "HGET p:link:AB campaign"), "spring");
    end(&it);
}

static void a_url_may_use_the_schemes_of_the_campaign_it_will_have(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    struct slice url = SLICE("bank://invite?c={code}");
    set_campaign(&it, "bank", CAMPAIGN_OF([CAMPAIGN_FIELD_SCHEMES] = SLICE("market bank")));
    set_campaign(&it, "plain", CAMPAIGN_OF([CAMPAIGN_FIELD_WEB] = SLICE("https://a/")));
    set_link(&it, "A", LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("bank"), [LINK_FIELD_URL] = url));
    set_link(&it, "B", LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("bank")));
    set_link(&it, "B", LINK_OF([LINK_FIELD_URL] = url)); /* the campaign it has already */
    assert_link_refused(&it, "C",
                        LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("plain"), [LINK_FIELD_URL] = url),
                        "scheme bank");
    assert_link_refused(&it, "C",
                        LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("missing"), [LINK_FIELD_URL] = url),
                        "scheme bank");
    assert_link_refused(&it, "C", LINK_OF([LINK_FIELD_URL] = url), "scheme bank");
    /* and the url it has already, with another campaign */
    assert_link_refused(&it, "A", LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("plain")), "scheme bank");
    set_link(&it, "A", LINK_OF([LINK_FIELD_STATUS] = SLICE("paused")));
    end(&it);
}

static void a_key_of_another_type_is_refused(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    (void)redis(&it, "SET p:link:AB x");
    assert_link_refused(&it, "AB", LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("c")), "WRONGTYPE");
    struct link_fields fields;
    struct err err = {{0}};
    assert_int_equal(store_link_get(&it.store, SLICE("AB"), &fields, &it.scratch, &err),
                     STORE_REFUSED);
    assert_string_equal(redis(&it, "GET p:link:AB"), "x");
    end(&it);
}

static void what_is_not_there_is_not_found(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    struct link_fields link;
    struct campaign_fields campaign;
    struct err err = {{0}};
    assert_int_equal(store_link_get(&it.store, SLICE("AB"), &link, &it.scratch, &err),
                     STORE_NOT_FOUND);
    assert_int_equal(store_campaign_get(&it.store, SLICE("c"), &campaign, &it.scratch, &err),
                     STORE_NOT_FOUND);
    assert_int_equal(store_link_delete(&it.store, SLICE("AB"), &err), STORE_NOT_FOUND);
    assert_int_equal(store_campaign_delete(&it.store, SLICE("c"), &err), STORE_NOT_FOUND);
    assert_int_equal(store_link_delete(&it.store, SLICE("a/b"), &err), STORE_REFUSED);
    end(&it);
}

static void deleting_deletes_that_one(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    struct err err = {{0}};
    set_link(&it, "same", LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("same")));
    set_campaign(&it, "same", CAMPAIGN_OF([CAMPAIGN_FIELD_NAME] = SLICE("Same")));
    assert_int_equal(store_link_delete(&it.store, SLICE("same"), &err), STORE_OK);
    assert_string_equal(redis(&it, "EXISTS p:link:same"), "0");
    assert_string_equal(redis(&it, "EXISTS p:campaign:same"), "1");
    assert_int_equal(store_campaign_delete(&it.store, SLICE("same"), &err), STORE_OK);
    assert_string_equal(redis(&it, "DBSIZE"), "0");
    end(&it);
}

/* ---- campaigns ---- */

static void deleting_leaves_a_key_of_another_type(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    struct err err = {""};
    redis(&it, "SET p:link:A text");
    redis(&it, "SADD p:campaign:A member");
    assert_int_equal(store_link_delete(&it.store, SLICE("A"), &err), STORE_REFUSED);
    assert_non_null(strstr(err.text, "WRONGTYPE"));
    assert_int_equal(store_campaign_delete(&it.store, SLICE("A"), &err), STORE_REFUSED);
    assert_string_equal(redis(&it, "EXISTS p:link:A p:campaign:A"), "2");
    end(&it);
}

static void a_campaign_is_written_and_read_back(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "");
    set_campaign(&it, "spring",
                 CAMPAIGN_OF([CAMPAIGN_FIELD_NAME] = SLICE("Invita y gana"),
                             [CAMPAIGN_FIELD_ANDROID] = SLICE("market://details?id=mx.a"),
                             [CAMPAIGN_FIELD_SCHEMES] = SLICE("market")));
    assert_string_equal(redis(&it, "HLEN campaign:spring"), "3"); /* no created_at */
    struct campaign_fields fields;
    struct err err = {{0}};
    assert_int_equal(store_campaign_get(&it.store, SLICE("spring"), &fields, &it.scratch, &err),
                     STORE_OK);
    assert_true(slice_equal(fields.value[CAMPAIGN_FIELD_NAME], SLICE("Invita y gana")));
    assert_true(slice_equal(fields.value[CAMPAIGN_FIELD_SCHEMES], SLICE("market")));
    end(&it);
}

static void templates_are_held_to_the_schemes_the_campaign_will_have(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    struct slice bank = SLICE("bank://x/");
    assert_campaign_refused(&it, "c", CAMPAIGN_OF([CAMPAIGN_FIELD_IOS] = bank), "ios: the scheme");
    assert_campaign_refused(&it, "c", CAMPAIGN_OF([CAMPAIGN_FIELD_SCHEMES] = SLICE("*")),
                            "schemes: ");
    set_campaign(&it, "c",
                 CAMPAIGN_OF([CAMPAIGN_FIELD_SCHEMES] = SLICE("bank"), [CAMPAIGN_FIELD_WEB] =
                                                                           SLICE("https://a/")));
    set_campaign(&it, "c", CAMPAIGN_OF([CAMPAIGN_FIELD_IOS] = bank));
    assert_campaign_refused(&it, "c", CAMPAIGN_OF([CAMPAIGN_FIELD_SCHEMES] = SLICE("market")),
                            "ios");
    assert_campaign_refused(&it, "c", CAMPAIGN_OF([CAMPAIGN_FIELD_SCHEMES] = slice_make("", 0)),
                            "ios");
    set_campaign(
        &it, "c",
        CAMPAIGN_OF([CAMPAIGN_FIELD_SCHEMES] = slice_make("", 0), [CAMPAIGN_FIELD_IOS] =
                                                                      SLICE("https://b/")));
    end(&it);
}

static void a_list_of_schemes_that_makes_no_sense_allows_nothing(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    (void)redis(&it, "HSET p:campaign:c schemes *");
    assert_campaign_refused(&it, "c", CAMPAIGN_OF([CAMPAIGN_FIELD_IOS] = SLICE("bank://x/")),
                            "ios: the scheme");
    assert_link_refused(
        &it, "AB",
        LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("c"), [LINK_FIELD_URL] = SLICE("bank://x/")),
        "url: the scheme");
    end(&it);
}

/* ---- walking ---- */

enum { WALKED_MAX = 3000 };

struct walked {
    unsigned times[WALKED_MAX];
    unsigned calls;
    unsigned stop_after; /* 0: never */
};

static bool each_link(void *argument, struct slice code, const struct link_fields *fields) {
    struct walked *walked = argument;
    uint64_t number = 0;
    assert_true(slice_to_u64(slice_from(code, 1), WALKED_MAX - 1, &number));
    assert_true(slice_equal(fields->value[LINK_FIELD_OWNER], code));
    assert_null(fields->value[LINK_FIELD_URL].data);
    walked->times[number]++;
    return ++walked->calls != walked->stop_after;
}

static bool each_campaign(void *argument, struct slice id, const struct campaign_fields *fields) {
    struct walked *walked = argument;
    assert_true(slice_equal(id, SLICE("spring")));
    assert_true(slice_equal(fields->value[CAMPAIGN_FIELD_NAME], SLICE("Spring")));
    walked->calls++;
    return true;
}

static void a_walk_sees_every_link_of_its_prefix_and_nothing_else(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p*[x]?\\:"); /* as a glob it would match the keys below, too */
    struct err err = {{0}};
    for (unsigned i = 0; i < WALKED_MAX; i++) {
        char command[96];
        (void)snprintf(command, sizeof(command), "HSET p*[x]?\\:link:n%u campaign c owner n%u", i,
                       i);
        (void)redis(&it, command);
    }
    (void)redis(&it, "HSET pyxz:link:n1 campaign c owner other");
    (void)redis(&it, "HSET p*[x]?\\:link:n1:more campaign c owner other");
    (void)redis(&it, "SET p*[x]?\\:link:string x");
    (void)redis(&it, "HSET p*[x]?\\:link:others field ours-not");
    (void)redis(&it, "HSET p*[x]?\\:campaign:spring name Spring");

    struct walked *walked = calloc(1, sizeof(*walked));
    assert_non_null(walked);
    const struct store_walk walk = {each_link, each_campaign, walked};
    assert_int_equal(store_walk_links(&it.store, &walk, &err), STORE_OK);
    for (unsigned i = 0; i < WALKED_MAX; i++) {
        assert_true(walked->times[i] >= 1);
    }
    *walked = (struct walked){0};
    assert_int_equal(store_walk_campaigns(&it.store, &walk, &err), STORE_OK);
    assert_int_equal(walked->calls, 1);

    *walked = (struct walked){.stop_after = 5};
    assert_int_equal(store_walk_links(&it.store, &walk, &err), STORE_OK);
    assert_int_equal(walked->calls, 5);
    assert_string_equal(redis(&it, "PING"), "PONG"); /* the pipe is in step */
    free(walked);
    end(&it);
}

/* ---- failures ---- */

static void without_redis_everything_fails_and_says_so(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    test_redis_end(&it.redis, SIGKILL);
    struct link_fields link = LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("c"));
    struct campaign_fields campaign = CAMPAIGN_OF([CAMPAIGN_FIELD_NAME] = SLICE("n"));
    struct walked walked = {0};
    const struct store_walk walk = {each_link, each_campaign, &walked};
    for (unsigned round = 0; round < 2; round++) { /* as the connection breaks, and broken */
        struct err err = {{0}};
        assert_int_equal(store_link_set(&it.store, SLICE("A"), &link, &err), STORE_FAILED);
        assert_true(err.text[0] != '\0');
        err.text[0] = '\0';
        assert_int_equal(store_campaign_set(&it.store, SLICE("A"), &campaign, &err), STORE_FAILED);
        assert_true(err.text[0] != '\0');
        err.text[0] = '\0';
        assert_int_equal(store_link_delete(&it.store, SLICE("A"), &err), STORE_FAILED);
        assert_true(err.text[0] != '\0');
        err.text[0] = '\0';
        assert_int_equal(store_walk_links(&it.store, &walk, &err), STORE_FAILED);
        assert_true(err.text[0] != '\0');
    }
    end(&it);
}

static void what_redis_refuses_is_said(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, "p:");
    (void)redis(&it, "ACL SETUSER default -hset");
    struct link_fields link = LINK_OF([LINK_FIELD_CAMPAIGN] = SLICE("c"));
    struct err err = {{0}};
    assert_int_equal(store_link_set(&it.store, SLICE("A"), &link, &err), STORE_FAILED);
    assert_non_null(strstr(err.text, "can't run this command"));
    assert_string_equal(redis(&it, "EXISTS p:link:A"), "0"); /* all or nothing */
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_written_as_a_plain_hash_and_read_back),
        cmocka_unit_test(created_at_is_set_once),
        cmocka_unit_test(what_is_not_given_stays_and_what_is_given_empty_goes),
        cmocka_unit_test(nonsense_is_refused_and_nothing_is_written),
        cmocka_unit_test(a_url_may_use_the_schemes_of_the_campaign_it_will_have),
        cmocka_unit_test(a_key_of_another_type_is_refused),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(deleting_deletes_that_one),
        cmocka_unit_test(deleting_leaves_a_key_of_another_type),
        cmocka_unit_test(a_campaign_is_written_and_read_back),
        cmocka_unit_test(templates_are_held_to_the_schemes_the_campaign_will_have),
        cmocka_unit_test(a_list_of_schemes_that_makes_no_sense_allows_nothing),
        cmocka_unit_test(a_walk_sees_every_link_of_its_prefix_and_nothing_else),
        cmocka_unit_test(without_redis_everything_fails_and_says_so),
        cmocka_unit_test(what_redis_refuses_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
