/* base/buf.h: all or nothing, fixed and growing, plain and escaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buf.h"

static void assert_text(const struct buf *buf, struct slice expected) {
    assert_int_equal(buf->size, expected.size);
    if (expected.size > 0) {
        assert_memory_equal(buf->data, expected.data, expected.size);
    }
}

static void fixed_storage_takes_all_or_nothing(void **state) {
    char storage[5];
    struct buf buf = buf_over(storage, sizeof(storage));
    (void)state;
    assert_true(buf_append(&buf, SLICE("abc")));
    assert_false(buf_append(&buf, SLICE("def")));
    assert_true(buf.overflowed);
    assert_text(&buf, SLICE("abc"));
    assert_true(buf_append(&buf, SLICE("de")));
    assert_text(&buf, SLICE("abcde"));
    assert_true(buf.overflowed); /* until cleared */
    assert_false(buf_append_char(&buf, 'f'));
    assert_true(buf_append(&buf, SLICE_EMPTY));
    buf_clear(&buf);
    assert_false(buf.overflowed);
    assert_int_equal(buf_slice(&buf).size, 0);
    assert_false(buf_reserve(&buf, SIZE_MAX));
    buf_fini(&buf); /* frees nothing that is not its own */
}

static void growing_storage_ends_exactly_at_its_limit(void **state) {
    struct buf buf;
    (void)state;
    buf_init(&buf, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_true(buf_append_char(&buf, (char)('a' + i % 26)));
    }
    assert_false(buf_append_char(&buf, '!'));
    assert_true(buf.overflowed);
    assert_int_equal(buf.size, 1000);
    assert_true(buf.capacity <= 1000);
    assert_int_equal(buf.data[999], 'a' + 999 % 26);
    assert_false(buf_reserve(&buf, SIZE_MAX));
    buf_fini(&buf);
    assert_null(buf.data);
    buf_fini(&buf);
}

static void reserve_makes_room_or_says_no(void **state) {
    struct buf buf;
    (void)state;
    buf_init(&buf, 10);
    assert_true(buf_reserve(&buf, 10));
    assert_int_equal(buf.capacity, 10); /* the first block is larger than that limit */
    assert_false(buf_reserve(&buf, 11));
    assert_true(buf.overflowed);
    buf_fini(&buf);
}

static void u64_writes_every_width(void **state) {
    char storage[32];
    struct buf buf = buf_over(storage, sizeof(storage));
    (void)state;
    assert_true(buf_append_u64(&buf, 0));
    assert_true(buf_append_char(&buf, ' '));
    assert_true(buf_append_u64(&buf, UINT64_MAX));
    assert_text(&buf, SLICE("0 18446744073709551615"));
    buf = buf_over(storage, 2);
    assert_false(buf_append_u64(&buf, 100));
    assert_text(&buf, SLICE(""));
}

static void printf_needs_room_for_its_nul(void **state) {
    char storage[6];
    struct buf buf = buf_over(storage, sizeof(storage));
    (void)state;
    assert_true(buf_printf(&buf, "%d-%s", 12, "ab"));
    assert_text(&buf, SLICE("12-ab"));
    assert_false(buf_printf(&buf, "%c", 'x'));
    assert_true(buf.overflowed);
    assert_text(&buf, SLICE("12-ab"));
    buf_init(&buf, 4096);
    for (int i = 0; i < 500; i++) {
        assert_true(buf_printf(&buf, "%04d", i));
    }
    assert_int_equal(buf.size, 2000);
    assert_memory_equal(buf.data + 1996, "0499", 4);
    buf_fini(&buf);
}

static void percent_leaves_only_the_unreserved(void **state) {
    char storage[1024];
    struct buf buf = buf_over(storage, sizeof(storage));
    (void)state;
    assert_true(buf_append_percent(&buf, SLICE("aZ09-._~")));
    assert_text(&buf, SLICE("aZ09-._~"));
    buf_clear(&buf);
    assert_true(buf_append_percent(&buf, slice_make("\0 /%&=+\r\n\xFF", 10)));
    assert_text(&buf, SLICE("%00%20%2F%25%26%3D%2B%0D%0A%FF"));
    int plain = 0;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        buf_clear(&buf);
        assert_true(buf_append_percent(&buf, slice_make(&byte, 1)));
        plain += buf.size == 1;
        assert_true(buf.size == 1 || buf.size == 3);
    }
    assert_int_equal(plain, 26 + 26 + 10 + 4);
}

static void an_escape_that_does_not_fit_is_taken_back(void **state) {
    char storage[6] = "??????";
    struct buf buf = buf_over(storage, sizeof(storage));
    (void)state;
    assert_true(buf_append_char(&buf, '='));
    assert_false(buf_append_percent(&buf, SLICE("a//")));
    assert_text(&buf, SLICE("="));
    assert_false(buf_append_json(&buf, SLICE("a\x01")));
    assert_text(&buf, SLICE("="));
    assert_false(buf_append_html(&buf, SLICE("a<b>")));
    assert_text(&buf, SLICE("="));
    assert_true(buf.overflowed);
}

static void assert_json(struct slice input, struct slice expected) {
    char storage[256];
    struct buf buf = buf_over(storage, sizeof(storage));
    assert_true(buf_append_json(&buf, input));
    assert_text(&buf, expected);
}

static void json_escapes_quotes_and_control_bytes(void **state) {
    (void)state;
    assert_json(SLICE("a\"b\\c/"), SLICE("a\\\"b\\\\c/"));
    assert_json(SLICE("\n\r\t"), SLICE("\\n\\r\\t"));
    assert_json(slice_make("\0\x1F\x7F ", 4), SLICE("\\u0000\\u001f\\u007f "));
    assert_json(SLICE_EMPTY, SLICE(""));
}

static void json_keeps_utf8_and_replaces_what_is_not(void **state) {
    struct slice good = SLICE("\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"
                              "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
    (void)state;
    assert_json(good, good);
#define BAD "\xEF\xBF\xBD"
    assert_json(SLICE("a\x80z"), SLICE("a" BAD "z")); /* lone continuation */
    assert_json(SLICE("\xC0\xAF"), SLICE(BAD BAD));   /* overlong slash */
    assert_json(SLICE("\xC1\xBF"), SLICE(BAD BAD));
    assert_json(SLICE("\xE0\x9F\xBF"), SLICE(BAD BAD BAD));         /* overlong */
    assert_json(SLICE("\xED\xA0\x80"), SLICE(BAD BAD BAD));         /* surrogate */
    assert_json(SLICE("\xF0\x8F\xBF\xBF"), SLICE(BAD BAD BAD BAD)); /* overlong */
    assert_json(SLICE("\xF4\x90\x80\x80"), SLICE(BAD BAD BAD BAD)); /* beyond U+10FFFF */
    assert_json(SLICE("\xF5\xFF"), SLICE(BAD BAD));
    assert_json(SLICE("\xC3"), SLICE(BAD)); /* cut at the end */
    assert_json(SLICE("\xE2\x82"), SLICE(BAD BAD));
    assert_json(SLICE("\xC3\""), SLICE(BAD "\\\"")); /* a quote is not eaten */
#undef BAD
}

/* Heap blocks of the exact size, so that the sanitizer sees a read too far. */
static void json_does_not_read_behind_a_cut_sequence(void **state) {
    static const unsigned char leads[] = {0xC3, 0xE2, 0xF0};
    (void)state;
    for (size_t i = 0; i < sizeof(leads); i++) {
        char *bytes = malloc(1);
        assert_non_null(bytes);
        bytes[0] = (char)leads[i];
        assert_json(slice_make(bytes, 1), SLICE("\xEF\xBF\xBD"));
        free(bytes);
    }
}

static void html_is_safe_as_text_and_as_attribute(void **state) {
    char storage[256];
    struct buf buf = buf_over(storage, sizeof(storage));
    (void)state;
    assert_true(buf_append_html(&buf, SLICE("<a href=\"x\">'&\xC3\xA9")));
    assert_text(&buf, SLICE("&lt;a href=&quot;x&quot;&gt;&#39;&amp;\xC3\xA9"));
    buf_clear(&buf);
    assert_true(buf_append_html(&buf, slice_make("a\0b\rc\td\ne\x7F\x1B", 11)));
    assert_text(&buf, SLICE("abc\td\ne"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_storage_takes_all_or_nothing),
        cmocka_unit_test(growing_storage_ends_exactly_at_its_limit),
        cmocka_unit_test(reserve_makes_room_or_says_no),
        cmocka_unit_test(u64_writes_every_width),
        cmocka_unit_test(printf_needs_room_for_its_nul),
        cmocka_unit_test(percent_leaves_only_the_unreserved),
        cmocka_unit_test(an_escape_that_does_not_fit_is_taken_back),
        cmocka_unit_test(json_escapes_quotes_and_control_bytes),
        cmocka_unit_test(json_keeps_utf8_and_replaces_what_is_not),
        cmocka_unit_test(json_does_not_read_behind_a_cut_sequence),
        cmocka_unit_test(html_is_safe_as_text_and_as_attribute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
