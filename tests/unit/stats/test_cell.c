/* stats/cell.h: fields that every reader takes apart as they were put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "click/click.h"
#include "stats/cell.h"

static struct click spring_click(void) {
    return (struct click){.kind = TAP_KIND_HUMAN,
                          .outcome = TAP_OUTCOME_APP_STORE,
                          .platform = TAP_PLATFORM_IOS,
                          .text = {[CLICK_CODE] = SLICE("AB12CD"),
                                   [CLICK_CAMPAIGN] = SLICE("spring"),
                                   [CLICK_COUNTRY] = SLICE("MX"),
                                   [CLICK_REGION] = SLICE("CMX"),
                                   [CLICK_BROWSER] = SLICE("safari"),
                                   [CLICK_IN_APP] = SLICE("instagram"),
                                   [CLICK_LANGUAGE] = SLICE("es-MX"),
                                   [CLICK_REFERRER] = SLICE("l.instagram.com"),
                                   [CLICK_SOURCE] = SLICE("flyer")}};
}

static struct slice encoded(const struct cell *cell, char *text, size_t size) {
    struct buf out = buf_over(text, size);
    assert_true(cell_encode(cell, &out));
    return buf_slice(&out);
}

static void a_cell_is_written_as_described(void **state) {
    (void)state;
    char text[CELL_BYTES_MAX];
    struct click click = spring_click();
    struct cell cell = cell_of(&click, 13);
    assert_true(
        slice_equal(encoded(&cell, text, sizeof(text)),
                    SLICE("n011MX\tCMX\tsafari\tinstagram\tes-MX\tl.instagram.com\tflyer")));
    cell = cell_of(&click, CELL_NO_HOUR);
    assert_int_equal(encoded(&cell, text, sizeof(text)).data[0], '-');
    cell = cell_of(&(struct click){.kind = TAP_KIND_HEAD,
                                   .outcome = TAP_OUTCOME_UNRESOLVED,
                                   .platform = TAP_PLATFORM_OTHER},
                   CELL_HOURS_MAX - 1);
    assert_true(slice_equal(encoded(&cell, text, sizeof(text)), SLICE("z495\t\t\t\t\t\t")));
}

static void what_was_written_is_read(void **state) {
    (void)state;
    char text[CELL_BYTES_MAX];
    struct click click = spring_click();
    for (int hour = CELL_NO_HOUR; hour < CELL_HOURS_MAX; hour++) {
        struct cell cell = cell_of(&click, hour);
        struct cell read;
        assert_true(cell_decode(encoded(&cell, text, sizeof(text)), &read));
        assert_int_equal(read.hour, hour);
        assert_int_equal(read.kind, click.kind);
        assert_int_equal(read.outcome, click.outcome);
        assert_int_equal(read.platform, click.platform);
        for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
            assert_true(slice_equal(read.text[i], cell.text[i]));
        }
    }
}

static void control_bytes_cannot_make_another_cell(void **state) {
    (void)state;
    char text[CELL_BYTES_MAX];
    struct cell read;
    struct click click = spring_click();
    click.text[CLICK_SOURCE] = SLICE("a\tb\n\x01\x7F\xC3\xB1");
    click.text[CLICK_REFERRER] = SLICE("\x01");
    struct cell cell = cell_of(&click, 0);
    assert_true(cell_decode(encoded(&cell, text, sizeof(text)), &read));
    assert_true(slice_equal(read.text[CELL_SOURCE], SLICE("a?b???\xC3\xB1")));
    assert_true(slice_equal(read.text[CELL_REFERRER], SLICE("\x01"))); /* what "other" looks like */
}

static void cleaning_says_whether_it_changed_anything(void **state) {
    (void)state;
    char fine[] = "l.instagram.com";
    char other[] = {CELL_OTHER};
    char two[] = {CELL_OTHER, 'x'};
    assert_false(cell_clean(fine, sizeof(fine) - 1));
    assert_false(cell_clean(fine, 0));
    assert_false(cell_clean(other, 1));
    assert_true(cell_clean(two, 2));
    assert_memory_equal(two, "?x", 2);
    assert_false(cell_clean(two, 2));
}

static void the_longest_cell_fits_and_a_full_buffer_is_told(void **state) {
    (void)state;
    static char longest[CLICK_TEXT_BYTES_MAX];
    char text[CELL_BYTES_MAX];
    char small[16];
    struct cell cell = {.hour = 0};
    memset(longest, 'x', sizeof(longest));
    for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
        cell.text[i] = slice_make(longest, sizeof(longest));
    }
    struct buf out = buf_over(text, sizeof(text));
    assert_true(cell_encode(&cell, &out));
    struct buf full = buf_over(small, sizeof(small));
    assert_false(cell_encode(&cell, &full));
}

static void what_is_no_cell_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "@",
        "=spring",
        "a00",
        "a000",
        "a000MX\tCMX\tsafari\t\tes\t",     /* a text too few */
        "a000MX\tCMX\tsafari\t\tes\t\t\t", /* one too many */
        "{000MX\tCMX\tsafari\t\tes\t\t",   /* no such hour */
        "`000MX\tCMX\tsafari\t\tes\t\t",
        "a500MX\tCMX\tsafari\t\tes\t\t", /* no such kind */
        "a0<0MX\tCMX\tsafari\t\tes\t\t", /* outcome */
        "a006MX\tCMX\tsafari\t\tes\t\t", /* platform */
        "a/00MX\tCMX\tsafari\t\tes\t\t",
    };
    struct cell cell;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        if (cell_decode(slice_of(wrong[i]), &cell)) {
            fail_msg("'%s' was taken for a cell", wrong[i]);
        }
    }
    assert_true(cell_decode(SLICE("-000\t\t\t\t\t\t"), &cell));
    assert_int_equal(cell.hour, CELL_NO_HOUR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_written_as_described),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(control_bytes_cannot_make_another_cell),
        cmocka_unit_test(cleaning_says_whether_it_changed_anything),
        cmocka_unit_test(the_longest_cell_fits_and_a_full_buffer_is_told),
        cmocka_unit_test(what_is_no_cell_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
