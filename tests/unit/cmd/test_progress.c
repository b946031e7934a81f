/*
 * test_progress.c - the bar, its edges, and that it is drawn neither too often nor to a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture.h"
#include "progress.h"

enum { SECOND_NS = 1000 * 1000 * 1000 };

static void assert_drawn(struct progress_state state, uint64_t elapsed_ns, const char *expected) {
    char text[160];
    progress_format(&state, elapsed_ns, text, sizeof text);
    assert_string_equal(text, expected);
}

static void the_bar_follows_the_bytes(void **state) {
    (void)state;
    assert_drawn((struct progress_state){0, 1000, 0, NULL}, 0,
                 "[                        ]   0%  0 links, 0/s");
    assert_drawn((struct progress_state){500, 1000, 1234567, NULL}, SECOND_NS,
                 "[############            ]  50%  1,234,567 links, 1,234,567/s");
    assert_drawn((struct progress_state){1000, 1000, 999, NULL}, 2 * (uint64_t)SECOND_NS,
                 "[########################] 100%  999 links, 499/s");
}

static void a_file_that_grew_stays_within_the_bar(void **state) {
    (void)state;
    assert_drawn((struct progress_state){3000, 1000, 1000, NULL}, SECOND_NS,
                 "[########################] 100%  1,000 links, 1,000/s");
}

static void a_pipe_has_no_bar(void **state) {
    (void)state;
    assert_drawn((struct progress_state){500, 0, 20, NULL}, SECOND_NS / 2, "20 links, 40/s");
}

static void nothing_is_drawn_where_there_is_no_terminal(void **state) {
    (void)state;
    struct progress progress;
    progress_init(&progress, false, 0);
    progress_show(&progress, &(struct progress_state){1, 2, 3, NULL}, SECOND_NS);
    assert_false(progress.visible);
}

static void it_is_drawn_ten_times_a_second(void **state) {
    (void)state;
    struct progress progress;
    struct capture capture;
    const struct progress_state half = {1, 0, 3, NULL};
    progress_init(&progress, true, 0);
    capture_begin(&capture, STDERR_FILENO);
    progress_show(&progress, &half, SECOND_NS / 10 - 1);
    progress_show(&progress, &half, SECOND_NS / 10);
    progress_show(&progress, &half, SECOND_NS / 5 - 1);
    progress_show(&progress, &half, SECOND_NS / 5);
    capture_end(&capture);
    assert_string_equal(capture.text, "\r3 links, 30/s\x1b[K\r3 links, 15/s\x1b[K");
}

static void it_is_wiped_once_for_a_line(void **state) {
    (void)state;
    struct progress progress;
    struct capture capture;
    progress_init(&progress, true, 0);
    capture_begin(&capture, STDERR_FILENO);
    progress_clear(&progress);
    progress_show(&progress, &(struct progress_state){1, 0, 3, NULL}, SECOND_NS);
    progress_clear(&progress);
    progress_clear(&progress);
    capture_end(&capture);
    assert_string_equal(capture.text, "\r3 links, 3/s\x1b[K\r\x1b[K");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_follows_the_bytes),
        cmocka_unit_test(a_file_that_grew_stays_within_the_bar),
        cmocka_unit_test(a_pipe_has_no_bar),
        cmocka_unit_test(nothing_is_drawn_where_there_is_no_terminal),
        cmocka_unit_test(it_is_drawn_ten_times_a_second),
        cmocka_unit_test(it_is_wiped_once_for_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
