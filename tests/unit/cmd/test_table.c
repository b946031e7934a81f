/*
 * test_table.c - columns and bars, narrow and wide, with any bytes in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "table.h"

struct line {
    const char *name;
    uint64_t number;
};

static const struct table_column columns[] = {{"name", false, 0}, {"clicks", true, 0}};

static void cell(const void *argument, size_t row, size_t column, struct buf *out) {
    const struct line *line = &((const struct line *)argument)[row];
    if (column == 0) {
        table_append_text(slice_of(line->name), 10, out);
    } else {
        table_append_number(line->number, out);
    }
}

static uint64_t bar(const void *argument, size_t row) {
    return ((const struct line *)argument)[row].number;
}

static void assert_table(const struct line *lines, size_t count, struct table_style style,
                         const char *expected) {
    char bytes[4096];
    struct buf out = buf_over(bytes, sizeof(bytes));
    const struct table table = {.column = columns,
                                .column_count = 2,
                                .row_count = count,
                                .has_total = strcmp(lines[count - 1].name, "total") == 0,
                                .argument = lines,
                                .cell = cell,
                                .bar = bar};
    table_write(&table, &style, &out);
    buf_append_char(&out, '\0');
    assert_string_equal(bytes, expected);
}

static const struct line three[] = {{"a", 1}, {"bb", 1200}, {"none", 0}, {"total", 1201}};

static void columns_are_as_wide_as_they_must_be(void **state) {
    (void)state;
    assert_table(three, 4, (struct table_style){.columns = 80},
                 "name   clicks\n"
                 "a           1\n"
                 "bb      1,200\n"
                 "none        0\n"
                 "total   1,201\n");
}

static void bars_take_what_is_left_and_the_total_has_none(void **state) {
    (void)state;
    assert_table(three, 4, (struct table_style){.columns = 26, .has_bars = true},
                 "name   clicks\n"
                 "a           1  #\n"
                 "bb      1,200  ##########\n"
                 "none        0\n"
                 "total   1,201\n");
    const struct line halves[] = {{"a", 5}, {"b", 11}, {"c", 16}};
    assert_table(halves, 3, (struct table_style){.columns = 23, .has_bars = true, .is_utf8 = true},
                 "name  clicks\n"
                 "a          5  \xE2\x96\x88\xE2\x96\x88\xE2\x96\x8C\n"
                 "b         11  \xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88"
                 "\xE2\x96\x8C\n"
                 "c         16  \xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88"
                 "\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\n");
}

static void a_narrow_terminal_has_no_bars(void **state) {
    (void)state;
    assert_table(three, 1, (struct table_style){.columns = 20, .has_bars = true},
                 "name  clicks\na          1\n");
}

static void texts_are_cut_and_harmless(void **state) {
    (void)state;
    const struct line lines[] = {{"\x1b[31mred", 1}, {"ni\xc3\xb1o", 2}, {"c1 \xc2\x9b", 3},
                                 {"bad \xff", 4},    {"0123456789", 5},  {"0123456789a", 6}};
    assert_table(lines, 6, (struct table_style){.columns = 80},
                 "name        clicks\n"
                 "?[31mred         1\n"
                 "ni\xc3\xb1o             2\n"
                 "c1 ?             3\n"
                 "bad ?            4\n"
                 "0123456789       5\n"
                 "012345678~       6\n");
}

/* Five columns, of which three may go: the last first, then the second. */
static const struct table_column leaving[] = {{"name", false, 0},
                                              {"second", true, 2},
                                              {"third", true, 3},
                                              {"clicks", true, 0},
                                              {"fifth", true, 1}};

static void same_cell(const void *argument, size_t row, size_t column, struct buf *out) {
    cell(argument, row, column == 0 ? 0 : 1, out);
}

static uint32_t write_leaving(unsigned columns_of_terminal, bool is_terminal, char *text,
                              size_t size) {
    static const struct line lines[] = {{"0123456789", 7}};
    struct buf out = buf_over(text, size);
    const struct table table = {.column = leaving,
                                .column_count = ARRAY_COUNT(leaving),
                                .row_count = 1,
                                .argument = lines,
                                .cell = same_cell,
                                .bar = bar};
    const struct table_style style = {
        .columns = columns_of_terminal, .has_bars = is_terminal, .is_terminal = is_terminal};
    uint32_t left_out = table_write(&table, &style, &out);
    buf_append_char(&out, '\0');
    return left_out;
}

static void a_narrow_terminal_leaves_columns_out_until_the_rest_fits(void **state) {
    (void)state;
    char text[512];
    static const char whole[] = "name        second  third  clicks  fifth\n"
                                "0123456789       7      7       7      7\n";
    assert_int_equal(write_leaving(41, true, text, sizeof(text)), 0);
    assert_string_equal(text, whole);
    assert_int_equal(write_leaving(40, true, text, sizeof(text)), 1u << 4);
    assert_string_equal(text, "name        second  third  clicks\n"
                              "0123456789       7      7       7\n");
    assert_int_equal(write_leaving(34, true, text, sizeof(text)), 1u << 4);
    assert_int_equal(write_leaving(33, true, text, sizeof(text)), 1u << 4 | 1u << 1);
    assert_string_equal(text, "name        third  clicks\n"
                              "0123456789      7       7\n");
    assert_int_equal(write_leaving(29, true, text, sizeof(text)), 0); /* nothing would help */
    assert_string_equal(text, whole);
    assert_int_equal(write_leaving(33, false, text, sizeof(text)), 0); /* a pipe breaks no lines */
    assert_string_equal(text, whole);
}

static void numbers_are_grouped(void **state) {
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {
        {0, "0"}, {999, "999"}, {1000, "1,000"}, {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char bytes[32];
        struct buf out = buf_over(bytes, sizeof(bytes));
        table_append_number(cases[i].number, &out);
        buf_append_char(&out, '\0');
        assert_string_equal(bytes, cases[i].text);
    }
}

static void the_style_is_that_of_the_surroundings(void **state) {
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    setenv("COLUMNS", "123", 1);
    setenv("LC_ALL", "C", 1);
    struct table_style style = table_style_of(out[1]);
    assert_int_equal(style.columns, 123);
    assert_false(style.has_bars); /* a pipe is no terminal */
    assert_false(style.is_terminal);
    assert_false(style.is_utf8);
    setenv("COLUMNS", "wide", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    style = table_style_of(out[1]);
    assert_int_equal(style.columns, 80);
    assert_true(style.is_utf8);
    close(out[0]);
    close(out[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_they_must_be),
        cmocka_unit_test(bars_take_what_is_left_and_the_total_has_none),
        cmocka_unit_test(a_narrow_terminal_has_no_bars),
        cmocka_unit_test(texts_are_cut_and_harmless),
        cmocka_unit_test(a_narrow_terminal_leaves_columns_out_until_the_rest_fits),
        cmocka_unit_test(numbers_are_grouped),
        cmocka_unit_test(the_style_is_that_of_the_surroundings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
