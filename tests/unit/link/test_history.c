/*
 * Who changed what: an entry a change, none for none, so many and no more; whatever other hands put
 * there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "link/edit.h"
#include "link/history.h"
#include "store_fixture.h"

enum { LINES_MAX = 2000, RETAIN_DAYS = 3 };

struct told {
    size_t count;
    size_t stop_at; /* 0: never */
    uint64_t at_ms[LINES_MAX];
    char text[256 * 1024]; /* "action who via before after" a line */
};

static struct told told;

static bool tell(void *argument, const struct history_entry *entry) {
    (void)argument;
    size_t size = strlen(told.text);
    assert_true(told.count < LINES_MAX);
    told.at_ms[told.count++] = entry->at_ms;
    snprintf(told.text + size, sizeof(told.text) - size, "%.*s %.*s %.*s %.*s %.*s\n",
             SLICE_ARG(entry->action), SLICE_ARG(entry->who), SLICE_ARG(entry->via),
             SLICE_ARG(entry->before), SLICE_ARG(entry->after));
    return told.count != told.stop_at;
}

static void begin(struct fixture *it, uint32_t entries) {
    fixture_begin(it);
    it->store.author = (struct store_author){
        .who = SLICE("ana"), .via = SLICE("api"), .entries = entries, .retain_days = RETAIN_DAYS};
}

static enum store_result read_some(struct fixture *it, enum record_kind kind, const char *id,
                                   size_t limit) {
    const struct history_query query = {
        .kind = kind, .id = slice_of(id), .limit = limit, .each = tell};
    told.count = 0;
    told.text[0] = '\0';
    return history_read(&it->store, &query, &it->err);
}

static const char *history_of(struct fixture *it, enum record_kind kind, const char *id) {
    told.stop_at = 0;
    assert_int_equal(read_some(it, kind, id, HISTORY_ENTRIES_MAX), STORE_OK);
    return told.text;
}

static void set_link(struct fixture *it, const char *owner) {
    struct link_fields fields = {.value = {[LINK_FIELD_CAMPAIGN] = SLICE("c"),
                                           [LINK_FIELD_OWNER] = slice_of(owner),
                                           [LINK_FIELD_CREATED_AT] = SLICE("5")}};
    assert_int_equal(store_link_set(&it->store, SLICE("AB"), &fields, &it->err), STORE_OK);
}

#define MADE(owner) "{\"code\":\"AB\",\"campaign\":\"c\",\"owner\":\"" owner "\",\"created_at\":5}"

static void every_change_is_told_once(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    set_link(&it, "ana");
    assert_string_equal(history_of(&it, RECORD_LINK, "AB"),
                        "create ana api null " MADE("ana") "\n");
    assert_int_equal(admin_do(&it.redis, "EXISTS p:history:link:AB"), 0);
    set_link(&it, "ana"); /* nothing changes */
    assert_int_equal(admin_do(&it.redis, "EXISTS p:history:link:AB"), 0);

    it.store.author.who = SLICE("eva@host");
    it.store.author.via = SLICE("cli");
    set_link(&it, "eva");
    assert_int_equal(admin_do(&it.redis, "HEXISTS p:link:AB made"), 0);
    assert_int_equal(store_link_delete(&it.store, SLICE("AB"), &it.err), STORE_OK);
    assert_string_equal(
        history_of(&it, RECORD_LINK, "AB"),
        "delete eva@host cli " MADE("eva") " null\n"
                                           "change eva@host cli " MADE("ana") " " MADE(
                                               "eva") "\n"
                                                      "create ana api null " MADE("ana") "\n");
    assert_true(told.at_ms[0] >= told.at_ms[1] && told.at_ms[1] >= told.at_ms[2]);
    assert_true(told.at_ms[2] > 1600000000000);
    fixture_end(&it);
}

static void what_is_deleted_is_remembered_for_a_while(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    set_link(&it, "ana");
    assert_int_equal(store_link_delete(&it.store, SLICE("AB"), &it.err), STORE_OK);
    assert_in_range(admin_do(&it.redis, "TTL p:history:link:AB"), RETAIN_DAYS * 86400 - 60,
                    RETAIN_DAYS * 86400);
    set_link(&it, "eva"); /* made again: its creation is in itself, above what is in the stream */
    assert_string_equal(
        history_of(&it, RECORD_LINK, "AB"),
        "create ana api null " MADE("eva") "\n"
                                           "delete ana api " MADE(
                                               "ana") " null\n"
                                                      "create ana api null " MADE("ana") "\n");
    set_link(&it, "ida");
    assert_int_equal(admin_do(&it.redis, "TTL p:history:link:AB"), -1);
    assert_int_equal(admin_do(&it.redis, "XLEN p:history:link:AB"), 4);
    fixture_end(&it);
}

static void no_more_than_so_many_are_kept(void **state) {
    (void)state;
    struct fixture it;
    char owner[16];
    begin(&it, 40);
    for (int i = 0; i < 60; i++) {
        snprintf(owner, sizeof(owner), "o%d", i);
        set_link(&it, owner);
    }
    assert_int_equal(admin_do(&it.redis, "XLEN p:history:link:AB"), 40);
    assert_non_null(strstr(history_of(&it, RECORD_LINK, "AB"), "\"o59\""));
    assert_int_equal(told.count, 40); /* over a page's border */
    assert_null(strstr(told.text, "\"o18\""));
    assert_int_equal(read_some(&it, RECORD_LINK, "AB", 33), STORE_OK);
    assert_int_equal(told.count, 33);
    told.stop_at = 2;
    assert_int_equal(read_some(&it, RECORD_LINK, "AB", 33), STORE_OK);
    assert_int_equal(told.count, 2);
    fixture_end(&it);
}

static void with_zero_nothing_is_kept(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 0);
    set_link(&it, "ana");
    set_link(&it, "eva");
    assert_int_equal(admin_do(&it.redis, "HLEN p:link:AB"), 3);
    assert_string_equal(history_of(&it, RECORD_LINK, "AB"), "");
    assert_int_equal(store_link_delete(&it.store, SLICE("AB"), &it.err), STORE_OK);
    assert_int_equal(admin_do(&it.redis, "DBSIZE"), 0);
    assert_int_equal(read_some(&it, RECORD_LINK, "AB", 9), STORE_NOT_FOUND);
    fixture_end(&it);
}

static void a_stream_takes_no_more_memory_than_it_needs(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    set_link(&it, "ana");
    set_link(&it, "eva");
    assert_in_range(admin_do(&it.redis, "MEMORY USAGE p:history:link:AB"), 100, 2000);
    assert_int_equal(admin_do(&it.redis, "EXISTS p:history:new"), 0);
    fixture_end(&it);
}

static void a_long_value_is_cut_between_characters_with_a_mark(void **state) {
    (void)state;
    struct fixture it;
    static char value[17002];
    begin(&it, 50);
    for (size_t i = 0; i + 1 < sizeof(value); i += 2) {
        memcpy(value + i, "\xC3\xB1", 2);
    }
    value[0] = '"'; /* so that the cut falls into a character */
    const struct slice before[CAMPAIGN_FIELD_COUNT] = {0};
    struct slice after[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_NAME] =
                                                    slice_make(value, sizeof(value))};
    value[1] = 'a';
    struct edit edit = {
        .kind = RECORD_CAMPAIGN, .id = SLICE("c"), .before = before, .after = after};
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_DONE);
    edit.before = after;
    struct slice shorter[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_NAME] = SLICE("x")};
    edit.after = shorter;
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_DONE);
    const char *text = history_of(&it, RECORD_CAMPAIGN, "c");
    assert_non_null(strstr(text, "... (17002 bytes)\"} {\"id\":\"c\",\"name\":\"x\"}"));
    assert_non_null(strstr(text, "{\"id\":\"c\",\"name\":\"\\\"a\xC3\xB1"));
    assert_null(strstr(text, "\xEF\xBF\xBD"));
    assert_in_range(strlen(text), 32000, 34000);
    fixture_end(&it);
}

static void rename_campaign(struct fixture *it, char *old, char *new, size_t size) {
    const struct slice before[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_NAME] =
                                                           slice_make(old, old != NULL ? size : 0)};
    const struct slice after[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_NAME] =
                                                          slice_make(new, size)};
    const struct edit edit = {
        .kind = RECORD_CAMPAIGN, .id = SLICE("c"), .before = before, .after = after};
    assert_int_equal(edit_run(&it->store, &edit, &it->err), EDIT_DONE);
}

/* 16 KiB, as rules may have, are told whole; what is longer has an entry all the same. */
static void changes_far_behind_in_a_long_value_are_told(void **state) {
    (void)state;
    struct fixture it;
    static char first[20000], second[20000];
    static const size_t sizes[] = {16384, sizeof(first)};
    memset(first, 'a', sizeof(first));
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        begin(&it, 50);
        memcpy(second, first, sizes[i]);
        second[sizes[i] - 1] = 'b';
        rename_campaign(&it, NULL, first, sizes[i]);
        rename_campaign(&it, first, second, sizes[i]);
        assert_int_equal(admin_do(&it.redis, "XLEN p:history:campaign:c"), 2);
        assert_int_equal(admin_do(&it.redis, "HEXISTS p:campaign:c made"), 0);
        const char *text = history_of(&it, RECORD_CAMPAIGN, "c");
        assert_int_equal(told.count, 2);
        assert_true(strncmp(text, "change ana ", 11) == 0);
        assert_true((strstr(text, "aab\"}") != NULL) == (sizes[i] == 16384));
        fixture_end(&it);
    }
}

/* Who made it is not forgotten where there is no entry that says it. */
static void without_an_entry_it_is_known_who_made_it(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    set_link(&it, "ana");
    admin_do(&it.redis, "SET p:history:link:AB x");
    set_link(&it, "eva");
    assert_int_equal(admin_do(&it.redis, "HEXISTS p:link:AB made"), 1);
    admin_do(&it.redis, "DEL p:history:link:AB");
    admin_do(&it.redis, "HSET p:link:AB country \"\""); /* an empty text is as none: no change */
    set_link(&it, "eva");
    assert_int_equal(admin_do(&it.redis, "HEXISTS p:link:AB made"), 1);
    set_link(&it, "ida");
    assert_int_equal(admin_do(&it.redis, "HEXISTS p:link:AB made"), 0);
    assert_int_equal(admin_do(&it.redis, "XLEN p:history:link:AB"), 2);
    fixture_end(&it);
}

static void bytes_and_quotes_come_back_as_sound_json(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    struct redis_pipe *pipe = it.pipe;
    const struct slice command[] = {
        SLICE("HSET"),       SLICE("p:link:AB"), SLICE("owner"),    SLICE("\xFF\"\\\n\0\x1B[2J</"),
        SLICE("expires_at"), SLICE("007"),       SLICE("campaign"), SLICE("c")};
    assert_non_null(redis_pipe_command(pipe, ARRAY_COUNT(command), command, &it.err));
    struct link_fields fields = {
        .value = {[LINK_FIELD_OWNER] = SLICE("ok"), [LINK_FIELD_CREATED_AT] = SLICE("5")}};
    assert_int_equal(store_link_set(&it.store, SLICE("AB"), &fields, &it.err), STORE_OK);
    assert_string_equal(history_of(&it, RECORD_LINK, "AB"),
                        "change ana api {\"code\":\"AB\",\"campaign\":\"c\",\"owner\":"
                        "\"\xEF\xBF\xBD\\\"\\\\\\n\\u0000\\u001B[2J</\",\"expires_at\":\"007\"} "
                        "{\"code\":\"AB\",\"campaign\":\"c\",\"owner\":\"ok\",\"expires_at\":"
                        "\"007\",\"created_at\":5}\n");
    fixture_end(&it);
}

static void what_other_hands_put_there_is_harmless(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    admin_do(&it.redis, "HSET p:link:AB campaign c made nonsense");
    (void)admin_ask(it.pipe, "XADD p:history:link:AB 7-1 at x who \x1B before [1] after {");
    (void)admin_ask(it.pipe, "XADD p:history:link:AB 8-1 action DROP via ;; junk junk");
    assert_string_equal(history_of(&it, RECORD_LINK, "AB"),
                        "other  other {\"unreadable\":\"\"} {\"unreadable\":\"\"}\n"
                        "other \x1B other {\"unreadable\":\"[1]\"} {\"unreadable\":\"{\"}\n");
    assert_int_equal(told.at_ms[0], 8);
    assert_int_equal(told.at_ms[1], 7);
    set_link(&it, "eva"); /* a `made` that makes no sense is dropped */
    assert_int_equal(admin_do(&it.redis, "XLEN p:history:link:AB"), 3);

    admin_do(&it.redis, "DEL p:history:link:AB");
    admin_do(&it.redis, "SET p:history:link:AB x");
    assert_string_equal(history_of(&it, RECORD_LINK, "AB"), "");
    admin_do(&it.redis, "SET p:link:XY x");
    assert_int_equal(read_some(&it, RECORD_LINK, "XY", 9), STORE_REFUSED);
    assert_int_equal(read_some(&it, RECORD_LINK, "a b", 9), STORE_REFUSED);
    fixture_end(&it);
}

static void what_stands_in_the_history_s_place_is_not_in_the_way(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    admin_do(&it.redis, "SET p:history:link:AB x");
    set_link(&it, "ana");
    set_link(&it, "eva");
    assert_true(slice_equal(fixture_text(&it, "HGET p:link:AB owner"), SLICE("eva")));
    assert_int_equal(store_link_delete(&it.store, SLICE("AB"), &it.err), STORE_OK);
    assert_true(slice_equal(fixture_text(&it, "GET p:history:link:AB"), SLICE("x")));
    fixture_end(&it);
}

static void a_change_that_redis_refuses_leaves_no_entry(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    set_link(&it, "ana");
    (void)admin_ask(it.pipe, "CONFIG SET maxmemory 1");
    struct link_fields fields = {.value = {[LINK_FIELD_OWNER] = SLICE("eva")}};
    assert_int_equal(store_link_set(&it.store, SLICE("AB"), &fields, &it.err), STORE_FAILED);
    assert_int_equal(store_link_delete(&it.store, SLICE("AB"), &it.err), STORE_OK);
    (void)admin_ask(it.pipe, "CONFIG SET maxmemory 0");
    assert_string_equal(history_of(&it, RECORD_LINK, "AB"),
                        "delete ana api " MADE("ana") " null\n"
                                                      "create ana api null " MADE("ana") "\n");
    fixture_end(&it);
}

static void what_is_counted_is_neither_compared_nor_told(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    set_link(&it, "ana");
    admin_do(&it.redis, "HSET p:link:AB used 7");
    assert_string_equal(history_of(&it, RECORD_LINK, "AB"),
                        "create ana api null " MADE("ana") "\n");
    struct slice before[LINK_FIELD_COUNT] = {[LINK_FIELD_CAMPAIGN] = SLICE("c"),
                                             [LINK_FIELD_OWNER] = SLICE("ana"),
                                             [LINK_FIELD_CREATED_AT] = SLICE("5"),
                                             [LINK_FIELD_USED] = SLICE("6")};
    struct slice after[LINK_FIELD_COUNT] = {
        [LINK_FIELD_CAMPAIGN] = SLICE("c"), [LINK_FIELD_CREATED_AT] = SLICE("5")};
    const struct edit edit = {
        .kind = RECORD_LINK, .id = SLICE("AB"), .before = before, .after = after};
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_DONE);
    assert_true(slice_equal(fixture_text(&it, "HGET p:link:AB used"), SLICE("7")));
    assert_null(strstr(history_of(&it, RECORD_LINK, "AB"), "used"));
    fixture_end(&it);
}

static void a_campaign_that_loses_its_last_field_is_gone(void **state) {
    (void)state;
    struct fixture it;
    begin(&it, 50);
    struct campaign_fields fields = {.value = {[CAMPAIGN_FIELD_NAME] = SLICE("x")}};
    assert_int_equal(store_campaign_set(&it.store, SLICE("c"), &fields, &it.err), STORE_OK);
    fields.value[CAMPAIGN_FIELD_NAME] = SLICE("");
    assert_int_equal(store_campaign_set(&it.store, SLICE("c"), &fields, &it.err), STORE_OK);
    assert_int_equal(admin_do(&it.redis, "EXISTS p:campaign:c"), 0);
    assert_string_equal(history_of(&it, RECORD_CAMPAIGN, "c"),
                        "delete ana api {\"id\":\"c\",\"name\":\"x\"} null\n"
                        "create ana api null {\"id\":\"c\",\"name\":\"x\"}\n");
    assert_true(admin_do(&it.redis, "TTL p:history:campaign:c") > 0);
    fixture_end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_told_once),
        cmocka_unit_test(what_is_deleted_is_remembered_for_a_while),
        cmocka_unit_test(no_more_than_so_many_are_kept),
        cmocka_unit_test(with_zero_nothing_is_kept),
        cmocka_unit_test(a_stream_takes_no_more_memory_than_it_needs),
        cmocka_unit_test(a_long_value_is_cut_between_characters_with_a_mark),
        cmocka_unit_test(changes_far_behind_in_a_long_value_are_told),
        cmocka_unit_test(without_an_entry_it_is_known_who_made_it),
        cmocka_unit_test(bytes_and_quotes_come_back_as_sound_json),
        cmocka_unit_test(what_other_hands_put_there_is_harmless),
        cmocka_unit_test(what_stands_in_the_history_s_place_is_not_in_the_way),
        cmocka_unit_test(a_change_that_redis_refuses_leaves_no_entry),
        cmocka_unit_test(what_is_counted_is_neither_compared_nor_told),
        cmocka_unit_test(a_campaign_that_loses_its_last_field_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
