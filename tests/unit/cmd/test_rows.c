/*
 * test_rows.c - links in CSV and JSON lines: what a row says, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "input.h"
#include "rows.h"

struct fixture {
    char path[64];
    struct input *input;
    struct rows *rows;
    struct row row;
    struct err err;
};

/* A file, so that a byte order mark and the end are met as they are in life. */
static struct fixture *begin(enum rows_format format, const char *text, size_t size) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->path, "/tmp/brinco-test-rows-XXXXXX");
    int fd = mkstemp(fixture->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
    fixture->input = input_open(fixture->path, &fixture->err);
    assert_non_null(fixture->input);
    assert_int_equal(fixture->input->total_bytes, size);
    fixture->rows = rows_create(fixture->input, format, &fixture->err);
    return fixture;
}

static struct fixture *begin_csv(const char *text) {
    return begin(ROWS_CSV, text, strlen(text));
}

static struct fixture *begin_json(const char *text) {
    return begin(ROWS_JSON, text, strlen(text));
}

static void end(struct fixture *fixture) {
    rows_destroy(&fixture->rows);
    input_close(&fixture->input);
    unlink(fixture->path);
    free(fixture);
}

static void assert_row(struct fixture *fixture, uint64_t line, const char *code) {
    enum rows_result result = rows_read(fixture->rows, &fixture->row, &fixture->err);
    assert_string_equal(fixture->err.text, "");
    assert_int_equal(result, ROWS_ROW);
    assert_int_equal(fixture->row.line, line);
    assert_true(slice_equal(fixture->row.code, slice_of(code)));
}

/* value NULL: nothing is said of the field. */
static void assert_field(const struct fixture *fixture, enum link_field field, const char *value) {
    struct slice found = fixture->row.fields.value[field];
    assert_int_equal(found.data == NULL, value == NULL);
    assert_true(slice_equal(found, slice_of(value)));
}

static void assert_refused(struct fixture *fixture, uint64_t line, const char *sentence) {
    assert_int_equal(rows_read(fixture->rows, &fixture->row, &fixture->err), ROWS_REFUSED);
    assert_int_equal(fixture->row.line, line);
    assert_string_equal(fixture->err.text, sentence);
    fixture->err.text[0] = '\0';
}

static void assert_end(struct fixture *fixture) {
    assert_int_equal(rows_read(fixture->rows, &fixture->row, &fixture->err), ROWS_END);
    assert_int_equal(fixture->input->error, 0);
}

static void assert_header_refused(const char *text, const char *sentence) {
    struct fixture *fixture = begin_csv(text);
    assert_null(fixture->rows);
    assert_string_equal(fixture->err.text, sentence);
    end(fixture);
}

static void the_header_line_says_which_column_is_which(void **state) {
    (void)state;
    struct fixture *fixture =
        begin_csv("\xef\xbb\xbfowner, code ,\"url\"\r\nana,AB12,\r\n,CD34,https://a/\r\n");
    assert_row(fixture, 2, "AB12");
    assert_field(fixture, LINK_FIELD_OWNER, "ana");
    assert_field(fixture, LINK_FIELD_URL, ""); /* to be removed */
    assert_field(fixture, LINK_FIELD_CAMPAIGN, NULL);
    assert_row(fixture, 3, "CD34");
    assert_field(fixture, LINK_FIELD_OWNER, "");
    assert_field(fixture, LINK_FIELD_URL, "https://a/");
    assert_end(fixture);
    end(fixture);
}

static void a_header_line_that_is_not_usable_is_refused(void **state) {
    (void)state;
    assert_header_refused("", "it is empty; a header line names the columns: " ROWS_NAMES);
    assert_header_refused("code,colour\n",
                          "the header line has an unknown column \"colour\"; allowed: " ROWS_NAMES);
    assert_header_refused("code,url,url\n", "the header line has the column \"url\" twice");
    assert_header_refused("campaign,url\n", "the header line has no column \"code\"");
    assert_header_refused("code,\"x\n",
                          "header line: a quote is not closed before the end of the line");
}

static void when_a_link_was_made_can_be_said_in_both_formats(void **state) {
    (void)state;
    struct fixture *fixture = begin_csv("code,created_at\nA,1700000000\nB,\n");
    assert_row(fixture, 2, "A");
    assert_field(fixture, LINK_FIELD_CREATED_AT, "1700000000");
    assert_row(fixture, 3, "B");
    assert_field(fixture, LINK_FIELD_CREATED_AT, "");
    end(fixture);
    fixture = begin_json("{\"code\":\"A\",\"created_at\":1700000000}\n{\"code\":\"B\"}\n");
    assert_row(fixture, 1, "A");
    assert_field(fixture, LINK_FIELD_CREATED_AT, "1700000000");
    assert_row(fixture, 2, "B");
    assert_field(fixture, LINK_FIELD_CREATED_AT, NULL);
    end(fixture);
}

static void a_quote_that_is_not_closed_refuses_its_row_alone(void **state) {
    (void)state;
    struct fixture *fixture = begin_csv("code,url\nA,https://a/\n\"B,https://a/\nC,https://a/\n");
    assert_row(fixture, 2, "A");
    assert_refused(fixture, 3, "a quote is not closed before the end of the line");
    assert_row(fixture, 4, "C");
    assert_end(fixture);
    end(fixture);
}

static void a_row_has_as_many_fields_as_the_header(void **state) {
    (void)state;
    struct fixture *fixture = begin_csv("code,owner\nA\nB,x,y\nC,z\n");
    assert_refused(fixture, 2, "1 fields where the header line has 2");
    assert_true(slice_equal(fixture->row.code, SLICE("A")));
    assert_refused(fixture, 3, "3 fields where the header line has 2");
    assert_row(fixture, 4, "C");
    assert_end(fixture);
    end(fixture);
}

static void json_members_are_fields(void **state) {
    (void)state;
    struct fixture *fixture = begin_json(
        "{\"code\":\"AB12\",\"campaign\":\"spring\",\"owner\":null,\"expires_at\":1798696800}\n"
        "\n  \r\n{\"code\":\"CD34\",\"url\":\"\",\"starts_at\":\"2026-01-31\"}");
    assert_row(fixture, 1, "AB12");
    assert_field(fixture, LINK_FIELD_CAMPAIGN, "spring");
    assert_field(fixture, LINK_FIELD_OWNER, "");
    assert_field(fixture, LINK_FIELD_EXPIRES_AT, "1798696800");
    assert_field(fixture, LINK_FIELD_URL, NULL);
    assert_row(fixture, 4, "CD34");
    assert_field(fixture, LINK_FIELD_URL, "");
    assert_field(fixture, LINK_FIELD_STARTS_AT, "2026-01-31");
    assert_end(fixture);
    end(fixture);
}

static void json_that_is_no_link_is_refused_line_by_line(void **state) {
    (void)state;
    struct fixture *fixture = begin_json("[1]\n"
                                         "{\"code\":5}\n"
                                         "{\"code\":\"A\",\"colour\":\"red\"}\n"
                                         "{\"code\":\"A\",\"starts_at\":1.5}\n"
                                         "{\"code\":\"A\",\"starts_at\":-1}\n"
                                         "{\"code\":\"A\",\"owner\":{\"x\":1}}\n"
                                         "{\"code\":\"B\"}\n");
    assert_refused(fixture, 1, "not an object {...}");
    assert_refused(fixture, 2, "code: not a string");
    assert_refused(fixture, 3, "unknown member \"colour\"; allowed: " ROWS_NAMES);
    assert_true(slice_equal(fixture->row.code, SLICE("A")));
    assert_refused(fixture, 4, "starts_at: neither a string, an integer from 0 up, nor null");
    assert_refused(fixture, 5, "starts_at: neither a string, an integer from 0 up, nor null");
    assert_refused(fixture, 6, "owner: neither a string, an integer from 0 up, nor null");
    assert_row(fixture, 7, "B");
    assert_end(fixture);
    end(fixture);
}

static void json_that_is_none_is_refused(void **state) {
    (void)state;
    const char *texts[] = {"{",
                           "{\"code\":\"A\",\"code\":\"B\"}",
                           "{\"code\":\"A\\u0000\"}",
                           "{\"code\":\"\xff\"}",
                           "{\"code\":\"A\"} x",
                           "nonsense"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct fixture *fixture = begin_json(texts[i]);
        assert_int_equal(rows_read(fixture->rows, &fixture->row, &fixture->err), ROWS_REFUSED);
        assert_memory_equal(fixture->err.text, "not JSON: ", 10);
        assert_end(fixture);
        end(fixture);
    }
}

static void a_line_of_json_is_held_to_its_bytes(void **state) {
    (void)state;
    enum { SIZE = 2 * ROWS_LINE_BYTES_MAX + 2 };
    static const char link[] = "{\"code\":\"A\"}";
    char *text = malloc(SIZE);
    memset(text, ' ', SIZE);
    memcpy(text, link, sizeof link - 1);
    text[ROWS_LINE_BYTES_MAX] = '\n';
    memcpy(text + ROWS_LINE_BYTES_MAX + 1, link, sizeof link - 1);
    struct fixture *fixture = begin(ROWS_JSON, text, SIZE);
    assert_row(fixture, 1, "A");
    assert_refused(fixture, 2, "longer than 65536 bytes");
    assert_end(fixture);
    end(fixture);
    free(text);
}

static void what_cannot_be_opened_is_said(void **state) {
    (void)state;
    struct err err = {0};
    assert_null(input_open("/nonexistent/links.csv", &err));
    assert_string_equal(err.text, "/nonexistent/links.csv: No such file or directory");
    assert_null(input_open("/tmp", &err));
    assert_string_equal(err.text, "/tmp: it is a directory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_line_says_which_column_is_which),
        cmocka_unit_test(a_header_line_that_is_not_usable_is_refused),
        cmocka_unit_test(when_a_link_was_made_can_be_said_in_both_formats),
        cmocka_unit_test(a_quote_that_is_not_closed_refuses_its_row_alone),
        cmocka_unit_test(a_row_has_as_many_fields_as_the_header),
        cmocka_unit_test(json_members_are_fields),
        cmocka_unit_test(json_that_is_no_link_is_refused_line_by_line),
        cmocka_unit_test(json_that_is_none_is_refused),
        cmocka_unit_test(a_line_of_json_is_held_to_its_bytes),
        cmocka_unit_test(what_cannot_be_opened_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
