/* entries.h: clicks told from what is none, in whatever order and however cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "entries.h"
#include "entry_texts.h"

enum { REPLY_BYTES = 256 * 1024 };

static struct entry_reader reader;

static int make_reply(void **state) {
    struct buf *reply = malloc(sizeof(*reply));
    buf_init(reply, REPLY_BYTES);
    *state = reply;
    return 0;
}

static int free_reply(void **state) {
    buf_fini(*state);
    free(*state);
    return 0;
}

static void begin(const struct buf *reply) {
    struct slice error;
    assert_true(entries_begin(&reader, buf_slice(reply), &error));
}

static struct entry next(void) {
    struct entry entry;
    assert_int_equal(entries_next(&reader, &entry), ENTRY_READ);
    return entry;
}

static void expect_end(void) {
    struct entry entry;
    assert_int_equal(entries_next(&reader, &entry), ENTRY_END);
}

/* As first of two entries it is read on the fast path, as last on the slow one. */
static void clicks_are_read_in_the_order_of_our_writer(void **state) {
    struct buf *reply = *state;
    append_array(reply, 2);
    append_entry(reply, "1795000000000-7", NULL, SLICE_EMPTY);
    append_entry(reply, "1795000000001-8", NULL, SLICE_EMPTY);
    begin(reply);
    for (uint64_t i = 0; i < 2; i++) {
        struct entry entry = next();
        struct cell cell;
        assert_true(entry.is_click);
        assert_int_equal(entry.id.ms, 1795000000000 + i);
        assert_int_equal(entry.id.sequence, 7 + i);
        assert_true(slice_equal(entry.code, SLICE("AB12CD")));
        assert_true(slice_equal(entry.campaign, SLICE("spring")));
        assert_true(entry.visitor == UINT64_C(0x0123456789abcdef));
        assert_true(slice_equal(entry.tuple, SLICE("\5human\x0aplay_store\2MX\3CMX\7android\6chrome"
                                                   "\10whatsapp\5es-MX\0\0")));
        assert_true(entry_cell(entry.tuple, &cell));
        assert_int_equal(cell.hour, CELL_NO_HOUR);
        assert_int_equal(cell.platform, TAP_PLATFORM_ANDROID);
        assert_true(slice_equal(cell.text[CELL_IN_APP], SLICE("whatsapp")));
    }
    expect_end();
}

static void any_order_of_fields_is_the_same_click(void **state) {
    struct buf *reply = *state;
    append_array(reply, 2);
    append_entry_head(reply, "5-1", 2 * CLICK_FIELD_COUNT);
    for (size_t i = CLICK_FIELD_COUNT; i > 0; i--) {
        append_bulk(reply, slice_of(entry_fields[i - 1].name));
        append_bulk(reply, slice_of(entry_fields[i - 1].value));
    }
    append_entry(reply, "5-2", NULL, SLICE_EMPTY);
    begin(reply);
    struct entry turned = next();
    assert_true(turned.is_click);
    char tuple[ENTRY_TUPLE_BYTES_MAX];
    memcpy(tuple, turned.tuple.data, turned.tuple.size);
    struct entry straight = next();
    assert_true(slice_equal(slice_make(tuple, turned.tuple.size), straight.tuple));
    assert_true(turned.visitor == straight.visitor);
}

/* Of an earlier writer, who did not know the last three. */
static void clicks_of_an_earlier_writer_are_clicks(void **state) {
    struct buf *reply = *state;
    append_array(reply, 3);
    for (int i = 0; i < 3; i++) { /* the last one is read on the slow path */
        append_entry_head(reply, "5-1", 34);
        for (size_t field = 0; field < 17; field++) {
            append_bulk(reply, slice_of(entry_fields[field].name));
            append_bulk(reply, slice_of(entry_fields[field].value));
        }
    }
    begin(reply);
    for (int i = 0; i < 3; i++) {
        struct entry entry = next();
        assert_true(entry.is_click);
        assert_true(slice_equal(entry.code, SLICE("AB12CD")));
        assert_true(entry.visitor == UINT64_C(0x0123456789abcdef));
    }
    expect_end();
}

/* An entry of so many fields and values: those of a click, and behind them "more" "x". */
static void append_fields(struct buf *reply, size_t skipped, size_t elements) {
    append_entry_head(reply, "5-1", elements);
    for (size_t i = 0; i < CLICK_FIELD_COUNT && elements > 0; i++) {
        if (i != skipped) {
            append_bulk(reply, slice_of(entry_fields[i].name));
            append_bulk(reply, slice_of(entry_fields[i].value));
            elements -= 2;
        }
    }
    for (; elements > 0; elements--) {
        append_bulk(reply, elements % 2 == 0 ? SLICE("more") : SLICE("x"));
    }
}

static void what_has_other_fields_is_no_click_and_is_passed(void **state) {
    struct buf *reply = *state;
    append_array(reply, 7);
    append_fields(reply, 3, 38);                 /* one is missing */
    append_fields(reply, CLICK_FIELD_COUNT, 42); /* one more */
    append_fields(reply, 3, 40);                 /* another in its place */
    append_fields(reply, CLICK_FIELD_COUNT, 41); /* a name without a value */
    append_entry_head(reply, "5-1", 0);
    append_entry_head(reply, "5-1", 2 * CLICK_FIELD_COUNT);
    for (size_t i = 0; i < CLICK_FIELD_COUNT; i++) { /* one of them twice, another one not */
        append_bulk(reply, slice_of(entry_fields[i == 4 ? 3 : i].name));
        append_bulk(reply, slice_of(entry_fields[i].value));
    }
    append_entry(reply, "5-2", NULL, SLICE_EMPTY);
    begin(reply);
    for (int i = 0; i < 6; i++) {
        assert_false(next().is_click);
    }
    assert_true(next().is_click);
    expect_end();
}

static void expect_click(struct buf *reply, const char *name, struct slice value, bool is_click) {
    buf_clear(reply);
    append_array(reply, 3);
    append_entry(reply, "5-1", name, value);
    append_entry(reply, "5-2", NULL, SLICE_EMPTY);
    append_entry(reply, "5-3", name, value);
    begin(reply);
    for (int i = 0; i < 3; i++) {
        if (next().is_click != (is_click || i == 1)) {
            fail_msg("%s = '%.*s' (%zu bytes)", name, SLICE_ARG(value), value.size);
        }
    }
    expect_end();
}

static void values_that_no_click_has_make_it_none(void **state) {
    static char longest[300];
    memset(longest, 'x', sizeof(longest));
    expect_click(*state, "version", SLICE("2"), false);
    expect_click(*state, "version", SLICE(""), false);
    expect_click(*state, "version", SLICE("11"), false);
    expect_click(*state, "source", slice_make(longest, 255), true);
    expect_click(*state, "source", slice_make(longest, 256), false);
    expect_click(*state, "referrer", slice_make(longest, 17), true);
    expect_click(*state, "owner", slice_make(longest, 300), true); /* nobody counts by it */
    expect_click(*state, "source", SLICE("a\r\nb\0c"), true);
}

/* Each byte, in each half. */
static void a_visitor_is_sixteen_lower_case_hexadecimal_digits(void **state) {
    for (unsigned c = 0; c < 256; c++) {
        char text[17] = "0123456789abcdef";
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        text[c % 16] = (char)c;
        expect_click(*state, "visitor", slice_make(text, 16), is_digit);
    }
    expect_click(*state, "visitor", SLICE("0123456789abcde"), false);
    expect_click(*state, "visitor", SLICE("0123456789abcdef0"), false);
    expect_click(*state, "visitor", SLICE(""), false);
    struct buf *reply = *state;
    buf_clear(reply);
    append_array(reply, 1);
    append_entry(reply, "5-1", "visitor", SLICE("fedcba9876543210"));
    begin(reply);
    assert_true(next().visitor == UINT64_C(0xfedcba9876543210));
}

static void words_that_there_are_not_have_no_cell(void **state) {
    static const char *const names[] = {"kind", "outcome", "platform"};
    struct buf *reply = *state;
    struct cell cell;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        buf_clear(reply);
        append_array(reply, 1);
        append_entry(reply, "5-1", names[i], SLICE("nonsense"));
        begin(reply);
        struct entry entry = next();
        assert_true(entry.is_click);
        assert_false(entry_cell(entry.tuple, &cell));
    }
}

/* In memory of exactly that size, so that a sanitizer sees whoever reads beyond. */
static void a_reply_that_breaks_off_is_broken_at_every_byte(void **state) {
    struct buf *reply = *state;
    append_array(reply, 2);
    append_entry(reply, "1795000000000-7", NULL, SLICE_EMPTY);
    append_entry(reply, "1795000000001-8", NULL, SLICE_EMPTY);
    for (size_t size = 1; size < reply->size; size++) {
        char *cut = malloc(size);
        struct slice error;
        struct entry entry;
        memcpy(cut, reply->data, size);
        enum entry_result result = ENTRY_BROKEN;
        if (entries_begin(&reader, slice_make(cut, size), &error)) {
            while ((result = entries_next(&reader, &entry)) == ENTRY_READ) {
            }
        }
        assert_int_equal(result, ENTRY_BROKEN);
        free(cut);
    }
}

static void what_is_no_list_of_entries_is_told(void **state) {
    static const char *const wrong[] = {
        "*1\r\n$3\r\n5-1\r\n",
        "*1\r\n*2\r\n$1\r\n5\r\n*0\r\n",
        "*1\r\n*2\r\n$3\r\nx-1\r\n*0\r\n",
        "*1\r\n*3\r\n$3\r\n5-1\r\n",
        "*1\r\n*2\r\n$3\r\n5-1\r\n*-1\r\n",
        "*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n:1\r\n:2\r\n",
        "*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$-1\r\n$-1\r\n",
        "*1\r\n*2\r\n$3\r\n5-1\r\n*99999999999\r\n",
    };
    struct slice error;
    struct entry entry;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_true(entries_begin(&reader, slice_of(wrong[i]), &error));
        assert_int_equal(entries_next(&reader, &entry), ENTRY_BROKEN);
    }
    assert_false(entries_begin(&reader, SLICE("-WRONGTYPE no stream\r\n"), &error));
    assert_true(slice_equal(error, SLICE("WRONGTYPE no stream")));
    assert_false(entries_begin(&reader, SLICE("$-1\r\n"), &error));
    assert_int_equal(error.size, 0);
    assert_true(entries_begin(&reader, SLICE("*0\r\n"), &error));
    assert_int_equal(entries_next(&reader, &entry), ENTRY_END);
}

static void the_last_id_is_guessed(void **state) {
    struct buf *reply = *state;
    struct entry_id id;
    append_array(reply, 2);
    append_entry(reply, "1795000000000-7", NULL, SLICE_EMPTY);
    append_entry(reply, "1795000000001-8", NULL, SLICE_EMPTY);
    assert_true(entries_guess_last(buf_slice(reply), &id));
    assert_int_equal(id.ms, 1795000000001);
    assert_int_equal(id.sequence, 8);
    assert_false(entries_guess_last(SLICE("*0\r\n"), &id));
    /* It may be wrong: whoever writes entries can make it so, and it must still end. */
    buf_clear(reply);
    append_array(reply, 1);
    append_entry(reply, "5-1", "source", SLICE("\r\n9-9\r\n*40\r\n$2\r\nid\r\n$"));
    assert_true(entries_guess_last(buf_slice(reply), &id));
    assert_int_equal(id.ms, 9);
}

static void ids_are_read_compared_and_followed(void **state) {
    struct entry_id id;
    char text[ENTRY_ID_BYTES];
    (void)state;
    assert_true(entry_id_parse(SLICE("18446744073709551615-18446744073709551615"), &id));
    assert_int_equal(entry_id_compare(entry_id_next(id), id), 0); /* there is none above */
    id = entry_id_next((struct entry_id){7, UINT64_MAX});
    assert_true(slice_equal(entry_id_format(id, text), SLICE("8-0")));
    id = entry_id_next((struct entry_id){0, 0});
    assert_true(slice_equal(entry_id_format(id, text), SLICE("0-1")));
    assert_true(entry_id_compare((struct entry_id){1, 9}, (struct entry_id){2, 0}) < 0);
    assert_true(entry_id_compare((struct entry_id){2, 1}, (struct entry_id){2, 0}) > 0);
    static const char *const wrong[] = {
        "", "-", "1", "1-", "-1", "1-2-3", "1-x", " 1-2", "18446744073709551616-0"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_false(entry_id_parse(slice_of(wrong[i]), &id));
    }
}

#define ENTRY_TEST(name) cmocka_unit_test_setup_teardown(name, make_reply, free_reply)

int main(void) {
    const struct CMUnitTest tests[] = {
        ENTRY_TEST(clicks_are_read_in_the_order_of_our_writer),
        ENTRY_TEST(any_order_of_fields_is_the_same_click),
        ENTRY_TEST(clicks_of_an_earlier_writer_are_clicks),
        ENTRY_TEST(what_has_other_fields_is_no_click_and_is_passed),
        ENTRY_TEST(values_that_no_click_has_make_it_none),
        ENTRY_TEST(a_visitor_is_sixteen_lower_case_hexadecimal_digits),
        ENTRY_TEST(words_that_there_are_not_have_no_cell),
        ENTRY_TEST(a_reply_that_breaks_off_is_broken_at_every_byte),
        ENTRY_TEST(what_is_no_list_of_entries_is_told),
        ENTRY_TEST(the_last_id_is_guessed),
        ENTRY_TEST(ids_are_read_compared_and_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
