/* base/err.h: one line, always terminated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"

static void sets_and_replaces_a_sentence(void **state) {
    struct err err = {0};
    (void)state;
    assert_false(err_set(&err, "%s:%d: too large", "conf", 3));
    assert_string_equal(err.text, "conf:3: too large");
    assert_false(err_set(&err, "other"));
    assert_string_equal(err.text, "other");
    assert_false(err_set(NULL, "nobody listens"));
    assert_false(err_prefix(NULL, "nobody listens"));
}

static void control_bytes_become_spaces(void **state) {
    struct err err = {0};
    (void)state;
    err_set(&err, "a%sb", "\n\r\t\x1B\x7F");
    assert_string_equal(err.text, "a     b");
    err_set(&err, "key");
    err_prefix(&err, "file%s", "\n");
    assert_string_equal(err.text, "file : key");
    err_set(&err, "\xC3\xA9"); /* UTF-8 stays */
    assert_string_equal(err.text, "\xC3\xA9");
}

static void long_sentences_are_cut(void **state) {
    struct err err = {0};
    char text[2000];
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    err_prefix(&err, "here");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_memory_equal(err.text, "here: xxx", 9);
    err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* It once left the last byte to whatever stood there. */
static void a_prefix_terminates_what_was_never_zeroed(void **state) {
    struct err err;
    char text[600];
    (void)state;
    memset(&err, 'z', sizeof(err));
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, "short");
    err_prefix(&err, "%s", text);
    assert_int_equal(err.text[sizeof(err.text) - 1], '\0');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_and_replaces_a_sentence),
        cmocka_unit_test(control_bytes_become_spaces),
        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(a_prefix_terminates_what_was_never_zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
