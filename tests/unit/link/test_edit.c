/*
 * Compare and set: what is written is exactly what was decided on exactly what was read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/edit.h"
#include "store_fixture.h"

#define LINK_OF(...) ((struct link_fields){.value = {__VA_ARGS__}})

static const struct link_fields ana = {
    .value = {[LINK_FIELD_CAMPAIGN] = {"c", 1}, [LINK_FIELD_OWNER] = {"ana", 3}}};
static const struct link_fields eva = {.value = {[LINK_FIELD_CAMPAIGN] = {"c", 1},
                                                 [LINK_FIELD_OWNER] = {"eva", 3},
                                                 [LINK_FIELD_EXPIRES_AT] = {"9", 1}}};

static struct edit edit_of(const struct link_fields *before, const struct link_fields *after) {
    return (struct edit){.kind = RECORD_LINK,
                         .id = SLICE("AB"),
                         .before = before != NULL ? before->value : NULL,
                         .after = after->value};
}

static enum edit_result run(struct fixture *it, const struct link_fields *before,
                            const struct link_fields *after) {
    struct edit edit = edit_of(before, after);
    return edit_run(&it->store, &edit, &it->err);
}

static void what_is_not_there_is_made_once(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    assert_int_equal(run(&it, NULL, &ana), EDIT_DONE);
    assert_int_equal(run(&it, NULL, &eva), EDIT_CHANGED);
    assert_true(slice_equal(fixture_text(&it, "HGET p:link:AB owner"), SLICE("ana")));
    assert_int_equal(admin_do(&it.redis, "HLEN p:link:AB"), 2);
    fixture_end(&it);
}

static void what_was_read_becomes_what_was_decided(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    admin_do(&it.redis, "HSET p:link:AB campaign c owner ana note theirs");
    assert_int_equal(run(&it, &ana, &eva), EDIT_DONE);
    assert_true(slice_equal(fixture_text(&it, "HGET p:link:AB owner"), SLICE("eva")));
    assert_int_equal(run(&it, &ana, &eva), EDIT_CHANGED);
    assert_int_equal(run(&it, &eva, &ana), EDIT_DONE);
    assert_int_equal(admin_do(&it.redis, "HEXISTS p:link:AB expires_at"), 0);
    assert_true(slice_equal(fixture_text(&it, "HGET p:link:AB note"), SLICE("theirs")));
    fixture_end(&it);
}

static void a_field_more_or_less_is_a_change(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    admin_do(&it.redis, "HSET p:link:AB campaign c owner ana status paused");
    assert_int_equal(run(&it, &ana, &eva), EDIT_CHANGED);
    admin_do(&it.redis, "HDEL p:link:AB status owner");
    assert_int_equal(run(&it, &ana, &eva), EDIT_CHANGED);
    admin_do(&it.redis, "DEL p:link:AB");
    assert_int_equal(run(&it, &ana, &eva), EDIT_CHANGED);
    assert_int_equal(admin_do(&it.redis, "EXISTS p:link:AB"), 0);
    fixture_end(&it);
}

static void values_are_bytes_and_never_commands(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    struct slice rough = SLICE("a\r\nFLUSHALL\r\n\0\"$1\r\n");
    struct link_fields wild = LINK_OF([LINK_FIELD_OWNER] = rough);
    admin_do(&it.redis, "SET p:witness 1");
    assert_int_equal(run(&it, NULL, &wild), EDIT_DONE);
    assert_true(slice_equal(fixture_text(&it, "HGET p:link:AB owner"), rough));
    assert_int_equal(run(&it, &wild, &ana), EDIT_DONE);
    assert_int_equal(admin_do(&it.redis, "EXISTS p:witness"), 1);
    fixture_end(&it);
}

static void an_answer_is_kept_with_what_it_is_about_or_not_at_all(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    struct edit edit = edit_of(NULL, &ana);
    edit.kept_key = SLICE("p:kept");
    edit.kept_value = SLICE("made");
    edit.kept_s = 100;
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_DONE);
    assert_true(slice_equal(fixture_text(&it, "GET p:kept"), SLICE("made")));
    assert_in_range(admin_do(&it.redis, "TTL p:kept"), 90, 100);

    edit.id = SLICE("CD");
    edit.kept_value = SLICE("made again");
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_KEPT);
    assert_int_equal(admin_do(&it.redis, "EXISTS p:link:CD"), 0);

    edit.id = SLICE("AB");
    edit.kept_key = SLICE("p:other");
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_CHANGED);
    assert_int_equal(admin_do(&it.redis, "EXISTS p:other"), 0);
    fixture_end(&it);
}

enum { MANY = 2000 };

static void many_go_in_one_pipeline(void **state) {
    (void)state;
    struct fixture it;
    struct edit_script script;
    char id[16];
    fixture_begin(&it);
    assert_int_equal(edit_load(&it.store, &script, &it.err), STORE_OK);
    for (int i = 0; i < MANY; i++) {
        struct edit edit = edit_of(NULL, &ana);
        snprintf(id, sizeof(id), "c%d", i % (MANY / 2));
        edit.id = slice_of(id);
        assert_true(edit_append(&it.store, &script, &edit));
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(edit_read(&it.store, &it.err), i < MANY / 2 ? EDIT_DONE : EDIT_CHANGED);
    }
    struct slice values[LINK_FIELD_COUNT];
    struct store_values into = {values, &it.scratch};
    assert_true(edit_ask(&it.store, RECORD_LINK, SLICE("c7")));
    assert_true(edit_ask(&it.store, RECORD_LINK, SLICE("none")));
    assert_int_equal(edit_answer(&it.store, RECORD_LINK, into, &it.err), STORE_OK);
    assert_true(slice_equal(values[LINK_FIELD_OWNER], SLICE("ana")));
    assert_int_equal(edit_answer(&it.store, RECORD_LINK, into, &it.err), STORE_NOT_FOUND);
    fixture_end(&it);
}

/* SCRIPT FLUSH in between: the caller reads again and sends the text. */
static void a_script_that_redis_has_lost_is_a_change(void **state) {
    (void)state;
    struct fixture it;
    struct edit_script script;
    fixture_begin(&it);
    struct edit edit = edit_of(NULL, &ana);
    assert_int_equal(edit_load(&it.store, &script, &it.err), STORE_OK);
    (void)admin_ask(it.pipe, "SCRIPT FLUSH");
    assert_true(edit_append(&it.store, &script, &edit));
    assert_int_equal(edit_read(&it.store, &it.err), EDIT_CHANGED);
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_DONE);
    fixture_end(&it);
}

static void what_cannot_be_written_says_so_and_changes_nothing(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    (void)admin_ask(it.pipe, "SET p:link:AB text");
    assert_int_equal(run(&it, NULL, &ana), EDIT_REFUSED);
    (void)admin_ask(it.pipe, "DEL p:link:AB");
    (void)admin_ask(it.pipe, "CONFIG SET maxmemory 1");
    struct edit edit = edit_of(NULL, &ana);
    edit.kept_key = SLICE("p:kept");
    edit.kept_value = SLICE("made");
    edit.kept_s = 100;
    assert_int_equal(edit_run(&it.store, &edit, &it.err), EDIT_FAILED);
    assert_non_null(strstr(it.err.text, "OOM"));
    assert_int_equal(admin_do(&it.redis, "EXISTS p:link:AB p:kept"), 0);
    test_redis_end(&it.redis, SIGKILL);
    assert_int_equal(run(&it, NULL, &ana), EDIT_FAILED);
    assert_int_equal(run(&it, NULL, &ana), EDIT_FAILED);
    fixture_end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_made_once),
        cmocka_unit_test(what_was_read_becomes_what_was_decided),
        cmocka_unit_test(a_field_more_or_less_is_a_change),
        cmocka_unit_test(values_are_bytes_and_never_commands),
        cmocka_unit_test(an_answer_is_kept_with_what_it_is_about_or_not_at_all),
        cmocka_unit_test(many_go_in_one_pipeline),
        cmocka_unit_test(a_script_that_redis_has_lost_is_a_change),
        cmocka_unit_test(what_cannot_be_written_says_so_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
