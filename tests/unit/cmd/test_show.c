/*
 * test_show.c - objects as text, JSON and rows, whatever bytes Redis holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "show.h"

static const char *const names[] = {"campaign", "owner", "starts_at"};
enum { NAME_COUNT = 3 };

static struct record_view object_of(const struct slice values[NAME_COUNT]) {
    return (struct record_view){.id_name = "code",
                                .id = SLICE("AB12"),
                                .names = names,
                                .values = values,
                                .count = NAME_COUNT};
}

static void assert_shown(void (*show)(const struct record_view *object),
                         const struct slice values[NAME_COUNT], const char *expected) {
    struct capture capture;
    struct record_view object = object_of(values);
    capture_begin(&capture, STDOUT_FILENO);
    show(&object);
    capture_end(&capture);
    assert_string_equal(capture.text, expected);
}

static void text_is_aligned_and_leaves_out_what_is_absent(void **state) {
    (void)state;
    const struct slice values[] = {SLICE("spring"), SLICE_EMPTY, SLICE("1700000000")};
    assert_shown(show_text, values,
                 "code                 AB12\n"
                 "campaign             spring\n"
                 "starts_at            2023-11-14T22:13:20.000Z (1700000000)\n");
}

static void json_is_one_line_with_times_as_numbers(void **state) {
    (void)state;
    const struct slice values[] = {SLICE("a\"b\n\xff"), SLICE_EMPTY, SLICE("1700000000")};
    assert_shown(show_json, values,
                 "{\"code\":\"AB12\",\"campaign\":\"a\\\"b\\n\xef\xbf\xbd\","
                 "\"starts_at\":1700000000}\n");
}

static void a_time_that_is_none_is_shown_as_it_is(void **state) {
    (void)state;
    const struct slice values[] = {SLICE_EMPTY, SLICE_EMPTY, SLICE("soon")};
    assert_shown(show_json, values, "{\"code\":\"AB12\",\"starts_at\":\"soon\"}\n");
    assert_shown(show_text, values, "code                 AB12\nstarts_at            soon\n");
    const struct slice beyond[] = {SLICE_EMPTY, SLICE_EMPTY, SLICE("253402300800")};
    assert_shown(show_text, beyond,
                 "code                 AB12\nstarts_at            253402300800\n");
}

static void no_control_byte_reaches_a_terminal(void **state) {
    (void)state;
    const struct slice values[] = {SLICE("a\x1b[2J\r\n\x7f"), slice_make("b\0c\xc2\x9b\xc3\xa9", 7),
                                   SLICE_EMPTY};
    /* The first byte of a two-byte control character is harmless alone. */
    assert_shown(show_text, values,
                 "code                 AB12\n"
                 "campaign             a?[2J???\n"
                 "owner                b?c\xc2?\xc3\xa9\n");
}

static void rows_are_padded_but_for_the_last_column(void **state) {
    (void)state;
    const struct slice values[] = {SLICE("spring"), SLICE_EMPTY, SLICE_EMPTY};
    const size_t columns[] = {0, 1};
    struct capture capture;
    struct record_view object = object_of(values);
    capture_begin(&capture, STDOUT_FILENO);
    show_row_header(&object, columns, 2);
    show_row(&object, columns, 2);
    capture_end(&capture);
    assert_string_equal(capture.text, "code                 campaign             owner\n"
                                      "AB12                 spring               -\n");
}

static void a_long_value_is_cut_in_text_and_whole_in_json(void **state) {
    (void)state;
    enum { SIZE = 5000 };
    char *text = malloc(SIZE);
    memset(text, 'x', SIZE);
    const struct slice values[] = {slice_make(text, SIZE), SLICE_EMPTY, SLICE_EMPTY};
    struct record_view object = object_of(values);
    struct capture capture;
    capture_begin(&capture, STDOUT_FILENO);
    show_text(&object);
    capture_end(&capture);
    assert_int_equal(strlen(capture.text),
                     strlen("code                 AB12\ncampaign             \n") + 4096);
    capture_begin(&capture, STDOUT_FILENO);
    show_json(&object);
    capture_end(&capture);
    assert_int_equal(strlen(capture.text),
                     strlen("{\"code\":\"AB12\",\"campaign\":\"\"}\n") + SIZE);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_aligned_and_leaves_out_what_is_absent),
        cmocka_unit_test(json_is_one_line_with_times_as_numbers),
        cmocka_unit_test(a_time_that_is_none_is_shown_as_it_is),
        cmocka_unit_test(no_control_byte_reaches_a_terminal),
        cmocka_unit_test(rows_are_padded_but_for_the_last_column),
        cmocka_unit_test(a_long_value_is_cut_in_text_and_whole_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
