/*
 * Compiled templates: what they render to, with and without the campaign and the token known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/defs.h"
#include "link/code.h"
#include "link/template.h"

#define TOKEN "0123456789abcdefghijklmnopqrstuv"

static const struct template_values values = {
    .code = {"AB12CD", 6},
    .campaign = {"spring-26", 9},
    .owner = {"Ana L\xC3\xB3pez & co", 15},
    .click = {TOKEN, 32},
};

struct compiled {
    char bytes[TEMPLATE_COMPILED_BYTES_MAX];
    struct slice slice;
};

/* As a campaign does it, or, without an id, as a link does. */
static void compile(struct compiled *to, struct slice text, struct slice campaign) {
    assert_true(template_check(text, SLICE("*"), NULL));
    to->slice = slice_make(to->bytes, template_compile(text, campaign, to->bytes));
    assert_true(to->slice.size <= sizeof(to->bytes));
}

static void assert_is(struct buf *out, struct slice expected, struct slice text) {
    if (!slice_equal(buf_slice(out), expected)) {
        fail_msg("%.*s\nrendered to %.*s\ninstead of  %.*s", SLICE_ARG(text),
                 SLICE_ARG(buf_slice(out)), SLICE_ARG(expected));
    }
}

/* Both forms, the token known or filled in later. */
static void assert_renders(const char *template, const char *expected) {
    struct slice text = slice_of(template);
    const struct slice campaigns[] = {values.campaign, SLICE_EMPTY};
    for (size_t i = 0; i < ARRAY_COUNT(campaigns); i++) {
        struct compiled compiled;
        char storage[LOCATION_BYTES_MAX];
        struct buf out = buf_over(storage, sizeof(storage));
        size_t click_at = 0;
        compile(&compiled, text, campaigns[i]);
        assert_true(template_render_open(compiled.slice, &values, &out, &click_at));
        assert_is(&out, slice_of(expected), text);
        assert_int_equal(click_at, SIZE_MAX);
        if (template_click_count(compiled.slice) > 1) {
            continue;
        }
        struct template_values open = values;
        open.click = SLICE_EMPTY;
        buf_clear(&out);
        memset(storage, 'x', sizeof(storage));
        assert_true(template_render_open(compiled.slice, &open, &out, &click_at));
        assert_int_equal(click_at != SIZE_MAX, template_click_count(compiled.slice));
        if (click_at != SIZE_MAX) {
            assert_true(click_at + TEMPLATE_CLICK_BYTES <= out.size);
            memcpy(storage + click_at, TOKEN, TEMPLATE_CLICK_BYTES);
        }
        assert_is(&out, slice_of(expected), text);
    }
}

static void values_are_put_in(void **state) {
    (void)state;
    assert_renders("https://a/x", "https://a/x");
    assert_renders("HTTPS://a/x", "HTTPS://a/x");
    assert_renders("https://a/{code}", "https://a/AB12CD");
    assert_renders("https://a/{code}/{campaign}?{click}#{code}",
                   "https://a/AB12CD/spring-26?" TOKEN "#AB12CD");
    assert_renders("https://a/{click}{click}{code}", "https://a/" TOKEN TOKEN "AB12CD");
    assert_renders("https://a/?o={owner}&x", "https://a/?o=Ana%20L%C3%B3pez%20%26%20co&x");
    assert_renders("bank://invite?c={code}", "bank://invite?c=AB12CD");
    assert_renders("https://play.google.com/store/apps/details?id=mx.a&referrer={referrer}",
                   "https://play.google.com/store/apps/details?id=mx.a&referrer="
                   "utm_source%3Dbrinco%26utm_medium%3Dreferral%26utm_campaign%3Dspring-26"
                   "%26utm_content%3DAB12CD%26click%3D" TOKEN);
}

static void literals_of_every_size_are_copied_whole(void **state) {
    (void)state;
    char text[TEMPLATE_BYTES_MAX + 1] = "https://a/";
    for (size_t size = strlen(text); size < 300; size++) {
        text[size] = (char)('a' + size % 26);
        text[size + 1] = '\0';
        assert_renders(text, text);
    }
    memset(text + 10, 'z', TEMPLATE_BYTES_MAX - 10);
    text[TEMPLATE_BYTES_MAX] = '\0';
    assert_renders(text, text);
}

static void codes_and_ids_of_every_size_are_copied_whole(void **state) {
    (void)state;
    char code[CODE_BYTES_MAX];
    for (size_t i = 0; i < sizeof(code); i++) {
        code[i] = (char)('a' + i % 26);
    }
    for (size_t size = 1; size <= sizeof(code); size++) {
        struct template_values few = {.code = slice_make(code, size),
                                      .campaign = slice_make(code, size)};
        struct compiled compiled;
        char expected[256];
        char storage[LOCATION_BYTES_MAX];
        struct buf out = buf_over(storage, sizeof(storage));
        size_t click_at;
        snprintf(expected, sizeof(expected), "https://a/%.*s?%.*s", (int)size, code, (int)size,
                 code);
        compile(&compiled, SLICE("https://a/{code}?{campaign}"), SLICE_EMPTY);
        assert_true(template_render_open(compiled.slice, &few, &out, &click_at));
        assert_is(&out, slice_of(expected), compiled.slice);
    }
}

static void empty_values_render_to_nothing(void **state) {
    (void)state;
    struct template_values few = {.code = {"A", 1}};
    struct compiled compiled;
    char storage[LOCATION_BYTES_MAX];
    struct buf out = buf_over(storage, sizeof(storage));
    size_t click_at;
    compile(&compiled, SLICE("https://a/{code}?{campaign}&{owner}"), SLICE_EMPTY);
    assert_true(template_render_open(compiled.slice, &few, &out, &click_at));
    assert_is(&out, SLICE("https://a/A?&"), compiled.slice);
    assert_int_equal(click_at, SIZE_MAX);
}

static void a_campaigns_own_id_is_filled_in(void **state) {
    (void)state;
    struct template_values other = values;
    other.campaign = SLICE("autumn");
    struct compiled compiled;
    char storage[LOCATION_BYTES_MAX];
    struct buf out = buf_over(storage, sizeof(storage));
    size_t click_at;
    compile(&compiled, SLICE("https://a/{campaign}"), SLICE("spring"));
    assert_true(template_render_open(compiled.slice, &other, &out, &click_at));
    assert_is(&out, SLICE("https://a/spring"), compiled.slice);
}

static void a_longest_url_fits_a_location_exactly(void **state) {
    (void)state;
    char code[CODE_BYTES_MAX];
    char owner[OWNER_BYTES_MAX];
    memset(code, 'c', sizeof(code));
    memset(owner, 0xC3, sizeof(owner)); /* three bytes each when encoded */
    struct template_values worst = {
        .code = slice_make(code, sizeof(code)),
        .campaign = slice_make(code, sizeof(code)),
        .owner = slice_make(owner, sizeof(owner)),
        .click = values.click,
    };
    char text[TEMPLATE_BYTES_MAX];
    struct buf template = buf_over(text, sizeof(text));
    buf_append(&template, SLICE("https://a/"));
    for (int i = 0; i < 10; i++) {
        buf_append(&template, SLICE("{owner}"));
    }
    while (template.size - 10 * strlen("{owner}") + 10 * 384 < LOCATION_BYTES_MAX) {
        buf_append_char(&template, 'x');
    }
    struct compiled compiled;
    char storage[8 + LOCATION_BYTES_MAX];
    size_t click_at;
    compile(&compiled, buf_slice(&template), worst.campaign);
    for (size_t before = 0; before <= 8; before += 8) {
        struct buf out = buf_over(storage, before + LOCATION_BYTES_MAX);
        buf_append_bytes(&out, "Location", before);
        assert_true(template_render_open(compiled.slice, &worst, &out, &click_at));
        assert_int_equal(out.size, before + LOCATION_BYTES_MAX);
    }
}

static void the_most_tokens_are_counted(void **state) {
    (void)state;
    char text[TEMPLATE_BYTES_MAX];
    struct buf template = buf_over(text, sizeof(text));
    buf_append(&template, SLICE("https://a/"));
    const unsigned count = (LOCATION_BYTES_MAX - 10) / TEMPLATE_CLICK_BYTES;
    for (unsigned i = 0; i < count; i++) {
        buf_append(&template, SLICE("{click}"));
    }
    struct compiled compiled;
    char storage[LOCATION_BYTES_MAX];
    struct buf out = buf_over(storage, sizeof(storage));
    size_t click_at;
    compile(&compiled, buf_slice(&template), SLICE("spring"));
    assert_int_equal(template_click_count(compiled.slice), count);
    assert_true(template_render_open(compiled.slice, &values, &out, &click_at));
    assert_int_equal(out.size, 10 + count * TEMPLATE_CLICK_BYTES);
    buf_append(&template, SLICE("{click}"));
    assert_false(template_check(buf_slice(&template), SLICE_EMPTY, NULL));
}

static void the_referrer_is_under_256_bytes_at_the_maxima(void **state) {
    (void)state;
    char code[CODE_BYTES_MAX];
    memset(code, 'c', sizeof(code));
    struct template_values worst = {
        .code = slice_make(code, sizeof(code)),
        .campaign = slice_make(code, sizeof(code)),
        .click = values.click,
    };
    const struct slice campaigns[] = {worst.campaign, SLICE_EMPTY};
    for (size_t i = 0; i < ARRAY_COUNT(campaigns); i++) {
        struct compiled compiled;
        char storage[LOCATION_BYTES_MAX];
        struct buf out = buf_over(storage, sizeof(storage));
        size_t click_at;
        compile(&compiled, SLICE("https://a/?r={referrer}"), campaigns[i]);
        assert_int_equal(template_click_count(compiled.slice), 1);
        assert_true(template_render_open(compiled.slice, &worst, &out, &click_at));
        assert_int_equal(out.size - strlen("https://a/?r="), 249);
        assert_true(out.size - strlen("https://a/?r=") <= REFERRER_BYTES_MAX);
    }
}

static void a_links_form_is_hardly_longer_than_its_text(void **state) {
    (void)state;
    const struct slice texts[] = {
        SLICE("https://a.example/x"),
        SLICE("https://a.example/{code}"),
        SLICE("https://a.example/?r={referrer}&c={click}&o={owner}"),
        SLICE("https://a.example/{code}{code}{code}{code}{code}{code}"),
        SLICE("bank://invite/{code}{code}"),
    };
    struct compiled compiled;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        compile(&compiled, texts[i], SLICE_EMPTY);
        assert_true(compiled.slice.size < texts[i].size);
    }
    compile(&compiled, SLICE("bank://invite"), SLICE_EMPTY);
    assert_int_equal(compiled.slice.size, strlen("bank://invite") + 4);
}

static void without_room_nothing_is_appended(void **state) {
    (void)state;
    char storage[128];
    struct compiled compiled;
    struct template_values open = values;
    open.click = SLICE_EMPTY;
    compile(&compiled, SLICE("https://a/{code}/{owner}/{click}"), SLICE("spring"));
    size_t needed = strlen("https://a/AB12CD/Ana%20L%C3%B3pez%20%26%20co/") + TEMPLATE_CLICK_BYTES;
    for (size_t room = 0; room < sizeof(storage); room++) {
        struct buf out = buf_over(storage, room);
        size_t click_at = 0;
        bool fits = room >= 4 + needed;
        bool has_head = buf_append(&out, SLICE("Loc:"));
        assert_int_equal(template_render_open(compiled.slice, &open, &out, &click_at), fits);
        assert_true(fits || out.size == (has_head ? 4 : 0));
        assert_true(!fits || click_at == 4 + needed - TEMPLATE_CLICK_BYTES);
    }
}

static void a_buffer_that_grows_has_room(void **state) {
    (void)state;
    struct compiled compiled;
    struct buf out;
    size_t click_at;
    buf_init(&out, 1000);
    compile(&compiled, SLICE("https://a/{click}"), SLICE_EMPTY);
    assert_true(template_render_open(compiled.slice, &values, &out, &click_at));
    assert_is(&out, SLICE("https://a/" TOKEN), compiled.slice);
    buf_fini(&out);
}

static void tokens_are_for_click_and_referrer_only(void **state) {
    (void)state;
    const struct {
        struct slice text;
        unsigned count;
    } cases[] = {
        {SLICE("https://a/{click}"), 1},
        {SLICE("https://a/{code}{owner}?{referrer}&x"), 1},
        {SLICE("https://a/{click}?{referrer}&x"), 2},
        {SLICE("https://a/{code}{owner}{campaign}"), 0},
        {SLICE("https://a/click"), 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct compiled compiled;
        compile(&compiled, cases[i].text, SLICE_EMPTY);
        assert_int_equal(template_click_count(compiled.slice), cases[i].count);
        compile(&compiled, cases[i].text, SLICE("spring"));
        assert_int_equal(template_click_count(compiled.slice), cases[i].count);
    }
}

static void its_scheme_is_allowed_as_the_texts_is(void **state) {
    (void)state;
    const char *const texts[] = {"https://a/", "HTTPS://a/{code}", "bank://a/", "BANK://a?{code}",
                                 "http://a/x"};
    const char *const lists[] = {"", "bank", "market bank", "banker", "http", "*"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        for (size_t list = 0; list < ARRAY_COUNT(lists); list++) {
            struct compiled compiled;
            compile(&compiled, slice_of(texts[i]), SLICE_EMPTY);
            assert_int_equal(template_compiled_is_allowed(compiled.slice, slice_of(lists[list])),
                             template_scheme_is_allowed(slice_of(texts[i]), slice_of(lists[list])));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_put_in),
        cmocka_unit_test(literals_of_every_size_are_copied_whole),
        cmocka_unit_test(codes_and_ids_of_every_size_are_copied_whole),
        cmocka_unit_test(empty_values_render_to_nothing),
        cmocka_unit_test(a_campaigns_own_id_is_filled_in),
        cmocka_unit_test(a_longest_url_fits_a_location_exactly),
        cmocka_unit_test(the_most_tokens_are_counted),
        cmocka_unit_test(the_referrer_is_under_256_bytes_at_the_maxima),
        cmocka_unit_test(a_links_form_is_hardly_longer_than_its_text),
        cmocka_unit_test(without_room_nothing_is_appended),
        cmocka_unit_test(a_buffer_that_grows_has_room),
        cmocka_unit_test(tokens_are_for_click_and_referrer_only),
        cmocka_unit_test(its_scheme_is_allowed_as_the_texts_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
