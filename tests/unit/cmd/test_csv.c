/*
 * test_csv.c - comma-separated values: quotes, line ends, limits, and going on after what is
 * malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "csv.h"
#include "input.h"

struct fixture {
    struct input *input;
    struct csv *csv;
    struct csv_record record;
    struct err err;
};

/* The text stands in the input's buffer: there is nothing behind it. */
static struct fixture *begin(const char *text, size_t size) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->input = calloc(1, sizeof *fixture->input);
    fixture->csv = calloc(1, sizeof *fixture->csv);
    fixture->input->fd = -1;
    fixture->input->size = size;
    assert_true(size <= sizeof fixture->input->data);
    memcpy(fixture->input->data, text, size);
    csv_init(fixture->csv, fixture->input);
    return fixture;
}

static void end(struct fixture *fixture) {
    free(fixture->csv);
    free(fixture->input);
    free(fixture);
}

/* fields are separated by | in what is expected. */
static void assert_record(struct fixture *fixture, uint64_t line, const char *fields) {
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_RECORD);
    assert_int_equal(fixture->record.line, line);
    struct slice rest = slice_of(fields);
    for (size_t i = 0; i < fixture->record.count; i++) {
        struct slice expected = slice_split(&rest, '|');
        assert_int_equal(fixture->record.field[i].size, expected.size);
        assert_true(slice_equal(fixture->record.field[i], expected));
    }
    assert_int_equal(rest.size, 0);
}

static void assert_malformed(struct fixture *fixture, uint64_t line, const char *sentence) {
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_MALFORMED);
    assert_int_equal(fixture->record.line, line);
    assert_string_equal(fixture->err.text, sentence);
}

static void assert_end(struct fixture *fixture) {
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_END);
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_END);
}

static void records_are_lines_and_fields_are_between_commas(void **state) {
    (void)state;
    const char text[] = "a,b,c\n1,,3\n,,\n x , y ,z";
    struct fixture *fixture = begin(text, sizeof text - 1);
    assert_record(fixture, 1, "a|b|c");
    assert_record(fixture, 2, "1||3");
    assert_record(fixture, 3, "||");
    assert_int_equal(fixture->record.count, 3);
    assert_record(fixture, 4, " x | y |z");
    assert_end(fixture);
    end(fixture);
}

static void quoted_fields_hold_commas_and_quotes(void **state) {
    (void)state;
    const char text[] = "\"a,b\",\"say \"\"hi\"\"\",\"\"\r\nnext,\"\"\"\"";
    struct fixture *fixture = begin(text, sizeof text - 1);
    assert_record(fixture, 1, "a,b|say \"hi\"|");
    assert_record(fixture, 2, "next|\"");
    assert_end(fixture);
    end(fixture);
}

static void lines_end_with_lf_or_crlf_and_empty_ones_are_no_records(void **state) {
    (void)state;
    const char text[] = "\n\r\na,b\r\n\r\n\nc,\"d\"\r\ne,f\rg";
    struct fixture *fixture = begin(text, sizeof text - 1);
    assert_record(fixture, 3, "a|b");
    assert_record(fixture, 6, "c|d");
    assert_record(fixture, 7, "e|f\rg");
    assert_end(fixture);
    end(fixture);
}

static void what_is_malformed_costs_its_own_line_alone(void **state) {
    (void)state;
    const char text[] = "a\"b,c\n1,2\n\"a\"b,c\n3,4\n\"x\"\"y\" ,\n5,6\n";
    struct fixture *fixture = begin(text, sizeof text - 1);
    assert_malformed(fixture, 1, "a quote inside a field that does not begin with one");
    assert_record(fixture, 2, "1|2");
    assert_malformed(fixture, 3, "text behind a closing quote");
    assert_record(fixture, 4, "3|4");
    assert_malformed(fixture, 5, "text behind a closing quote");
    assert_record(fixture, 6, "5|6");
    assert_end(fixture);
    end(fixture);
}

static void a_quote_that_is_not_closed_costs_its_own_line_alone(void **state) {
    (void)state;
    const char text[] = "a,b\n1,\"2\n3,4\n\"5,6\r\n7,8\n\"\"\"\n9,\"two\nlines\"\n10,\"";
    struct fixture *fixture = begin(text, sizeof text - 1);
    assert_record(fixture, 1, "a|b");
    assert_malformed(fixture, 2, "a quote is not closed before the end of the line");
    assert_record(fixture, 3, "3|4");
    assert_malformed(fixture, 4, "a quote is not closed before the end of the line");
    assert_record(fixture, 5, "7|8");
    assert_malformed(fixture, 6, "a quote is not closed before the end of the line");
    assert_malformed(fixture, 7, "a quote is not closed before the end of the line");
    assert_malformed(fixture, 8, "a quote inside a field that does not begin with one");
    assert_malformed(fixture, 9, "a quote is not closed before the end of the line");
    assert_end(fixture);
    end(fixture);
}

static void a_record_is_held_to_its_bytes(void **state) {
    (void)state;
    enum { SIZE = 2 * (CSV_RECORD_BYTES_MAX + 8) };
    char *text = malloc(SIZE);
    memset(text, 'x', SIZE);
    text[CSV_RECORD_BYTES_MAX] = '\n';
    text[CSV_RECORD_BYTES_MAX + 1 + CSV_RECORD_BYTES_MAX + 1] = '\n';
    struct fixture *fixture = begin(text, SIZE);
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_RECORD);
    assert_int_equal(fixture->record.field[0].size, CSV_RECORD_BYTES_MAX);
    assert_malformed(fixture, 2, "longer than 65536 bytes");
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_RECORD);
    assert_int_equal(fixture->record.line, 3);
    assert_end(fixture);
    end(fixture);
    free(text);
}

static void a_record_in_quotes_is_held_to_its_bytes(void **state) {
    (void)state;
    enum { SIZE = CSV_RECORD_BYTES_MAX + 1000 };
    char *text = malloc(SIZE);
    memset(text, 'x', SIZE);
    text[0] = '"';
    text[SIZE - 3] = '"';
    text[SIZE - 2] = '\n';
    struct fixture *fixture = begin(text, SIZE);
    assert_malformed(fixture, 1, "longer than 65536 bytes");
    assert_record(fixture, 2, "x");
    assert_end(fixture);
    end(fixture);
    free(text);
}

static void a_record_is_held_to_its_fields(void **state) {
    (void)state;
    /* As many commas less one as fields are allowed, then one more. */
    char text[2 * CSV_FIELDS_MAX + 8];
    size_t second = CSV_FIELDS_MAX;
    size_t third = second + CSV_FIELDS_MAX + 1;
    memset(text, ',', sizeof text);
    text[second - 1] = '\n';
    text[third - 1] = '\n';
    text[third] = 'a';
    struct fixture *fixture = begin(text, third + 1);
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_RECORD);
    assert_int_equal(fixture->record.count, CSV_FIELDS_MAX);
    assert_malformed(fixture, 2, "more than 32 fields");
    assert_record(fixture, 3, "a");
    assert_end(fixture);
    end(fixture);
}

static void bytes_of_any_kind_are_kept(void **state) {
    (void)state;
    const char text[] = "a\0b,\xff\xfe,\xc3\xa9\n";
    struct fixture *fixture = begin(text, sizeof text - 1);
    assert_int_equal(csv_read(fixture->csv, &fixture->record, &fixture->err), CSV_RECORD);
    assert_int_equal(fixture->record.count, 3);
    assert_true(slice_equal(fixture->record.field[0], slice_make("a\0b", 3)));
    assert_true(slice_equal(fixture->record.field[1], SLICE("\xff\xfe")));
    end(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_lines_and_fields_are_between_commas),
        cmocka_unit_test(quoted_fields_hold_commas_and_quotes),
        cmocka_unit_test(lines_end_with_lf_or_crlf_and_empty_ones_are_no_records),
        cmocka_unit_test(what_is_malformed_costs_its_own_line_alone),
        cmocka_unit_test(a_quote_that_is_not_closed_costs_its_own_line_alone),
        cmocka_unit_test(a_record_is_held_to_its_bytes),
        cmocka_unit_test(a_record_in_quotes_is_held_to_its_bytes),
        cmocka_unit_test(a_record_is_held_to_its_fields),
        cmocka_unit_test(bytes_of_any_kind_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
