/*
 * Templates: what a value becomes where it stands, and what is refused, by line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/err.h"
#include "page_template.h"

enum { PAGE_BYTES = 64 * 1024 };

#define HOSTILE "<script>\"'&\x01\n%41"

static struct page_template *compile(const char *html, struct err *err) {
    const struct page_source source = {
        .name = "x.html", .html = slice_of(html), .style = SLICE("p{color:red}")};
    return page_template_compile(&source, err);
}

static struct page_bindings bindings(void) {
    struct page_bindings all = {0};
    all.value[PAGE_VALUE_OF_TITLE] = SLICE(HOSTILE);
    all.value[PAGE_VALUE_OF_CODE] = SLICE("AB12CD");
    all.value[PAGE_VALUE_OF_URL] = SLICE("https://go.example.mx/AB12CD?a=1&b='2'");
    all.value[PAGE_VALUE_OF_ES] = SLICE("1");
    return all;
}

static void assert_page(const char *html, const char *expected) {
    struct err err = {""};
    char bytes[4096];
    struct buf out = buf_over(bytes, sizeof(bytes) - 1);
    struct page_bindings all = bindings();
    struct page_template *template = compile(html, &err);
    assert_string_equal(err.text, "");
    assert_non_null(template);
    assert_true(page_template_render(template, &all, &out));
    bytes[out.size] = '\0';
    assert_string_equal(bytes, expected);
    page_template_destroy(&template);
    assert_null(template);
}

static void assert_refused(const char *html, const char *expected) {
    struct err err = {""};
    struct page_template *template = compile(html, &err);
    assert_null(template);
    if (strstr(err.text, expected) == NULL) {
        print_error("%s\nexpected: %s\n", err.text, expected);
    }
    assert_non_null(strstr(err.text, expected));
}

#define ESCAPED "&lt;script&gt;&quot;&#39;&amp;\n%41"

static void test_a_value_is_escaped_for_where_it_stands(void **state) {
    (void)state;
    assert_page("<p>{{title}}</p>", "<p>" ESCAPED "</p>");
    assert_page("<p title=\"{{title}}\">", "<p title=\"" ESCAPED "\">");
    assert_page("<p title='{{ title }}'>", "<p title='" ESCAPED "'>");
    assert_page("<title>{{title}}</title>", "<title>" ESCAPED "</title>");
    assert_page("<a href=\"{{url}}\">",
                "<a href=\"https://go.example.mx/AB12CD?a=1&amp;b=&#39;2&#39;\">");
    assert_page("<a HREF = '{{url}}#x'>",
                "<a HREF = 'https://go.example.mx/AB12CD?a=1&amp;b=&#39;2&#39;#x'>");
    assert_page("<a href=\"/find?q={{title}}\">",
                "<a href=\"/find?q=%3Cscript%3E%22%27%26%01%0A%2541\">");
    assert_page("<a href=\"https://x.mx/{{code}}\">", "<a href=\"https://x.mx/AB12CD\">");
    assert_page("<a href=\"{{url}}&amp;t={{code}}\">",
                "<a href=\"https://go.example.mx/AB12CD?a=1&amp;b=&#39;2&#39;&amp;t=AB12CD\">");
}

static void test_sections_stand_or_fall_whole(void **state) {
    (void)state;
    assert_page("a{{#code}}b{{/code}}c", "abc");
    assert_page("a{{#image}}b{{/image}}c", "ac");
    assert_page("a{{^image}}b{{/image}}c", "abc");
    assert_page("a{{^code}}b{{/code}}c", "ac");
    assert_page("{{#es}}s{{/es}}{{#en}}e{{#code}}f{{/code}}{{/en}}", "s");
    assert_page("{{#es}}s{{#en}}e{{/en}}{{#code}}f{{/code}}{{/es}}", "sf");
    assert_page("<p class=\"a{{#es}} b{{/es}}{{#en}} c{{/en}}\">", "<p class=\"a b\">");
    assert_page("{{#code}}<p>{{/code}}x", "<p>x");
}

static void test_comments_and_carriage_returns_are_left_out(void **state) {
    (void)state;
    assert_page("a<!-- {{nothing}} \n <p -->b\r\nc", "ab\nc");
    assert_page("<!doctype html>\n<p>x", "<!doctype html>\n<p>x");
    assert_page("<!-- head\n-->\n<p>x<!-- -->\n", "<p>x\n");
    assert_refused("<!-- head\n-->\n<p>{{x}}", "x.html:3:");
}

static void test_a_value_where_no_escaping_helps_is_refused(void **state) {
    (void)state;
    assert_refused("\n<p {{title}}>", "x.html:2: {{title}} cannot stand here");
    assert_refused("<{{code}}>", "{{code}} cannot stand here");
    assert_refused("<p class={{code}}>", "{{code}} cannot stand here");
    assert_refused("<p class=a>", "without quotes");
    assert_refused("<style>p{color:{{code}}}</style>", "{{code}} cannot stand here");
    assert_refused("<script>\n</script>", "no scripts");
    assert_refused("<SCRIPT src=\"x\">", "no scripts");
    assert_refused("<iframe src=\"x\">", "no scripts");
    assert_refused("<base href=\"/\">", "no scripts");
    assert_refused("<p onclick=\"x\">", "onclick");
    assert_refused("<p style=\"x\">", "the attribute style");
    assert_refused("<meta http-equiv=\"refresh\">", "http-equiv");
    assert_refused("<img srcset=\"{{url}}\">", "cannot stand here");
    assert_refused("<title><{{code}}</title>", "cannot stand here");
}

static void test_an_address_is_whole_or_begins_harmlessly(void **state) {
    (void)state;
    assert_refused("<a href=\"{{title}}\">", "{{title}} is no address");
    assert_refused("<a href=\"javascript:{{title}}\">", "{{title}} is no address");
    assert_refused("<a href=\"java{{code}}\">", "is no address");
    assert_refused("<a href=\"x{{url}}\">", "stands at the beginning");
    assert_refused("<a href=\"{{url}}{{url}}\">", "stands at the beginning");
    assert_refused("<a href=\"{{#es}}/{{/es}}{{code}}\">", "a section ends where it begins");
}

static void test_sections_that_would_move_what_follows_are_refused(void **state) {
    (void)state;
    assert_refused("{{#image}}<p class=\"{{/image}}x\">", "a section ends where it begins");
    assert_refused("<p title=\"{{#image}}\">\n{{/image}}", "x.html:2:");
    assert_refused("<p {{#image}}x{{/image}}>", "cannot begin here");
    assert_refused("{{#image}}<style>{{/image}}</style>", "a section ends where it begins");
    assert_refused("{{#image}}<title>{{/image}}</title>", "a section ends where it begins");
    assert_refused("a\n{{#image}}x", "x.html:2: {{#image}} is not ended by {{/image}}");
    assert_refused("{{/image}}", "ends no section; open is none");
    assert_refused("{{#image}}{{/title}}", "ends no section; open is image");
    assert_refused("{{#es}}{{#es}}{{#es}}{{#es}}{{#es}}{{#es}}{{#es}}{{#es}}{{#es}}",
                   "more than 8 sections");
}

static void test_names_and_syntax(void **state) {
    (void)state;
    assert_refused("<p>\n\n{{titel}}", "x.html:3: {{titel}}: there is no such value, but: lang");
    assert_refused("{{}}", "there is no such value");
    assert_refused("{{#}}", "there is no such value");
    assert_refused("{{title", "{{ without its }}");
    assert_refused("<!-- a", "<!-- without its -->");
    assert_refused("{{es}}", "{{es}} is no text");
    assert_refused("a < b", "'<' that begins no tag");
    assert_refused("<p a=\"b", "ends within a tag");
    assert_refused("<p a=\"b\"c=\"d\">", "without a space");
    assert_refused("<p =\"b\">", "'=' without an attribute");
    assert_refused("<p \"b\">", "attribute's name is expected");
    assert_refused("<style>p{}", "ends within");
    assert_refused("\xFF", "not UTF-8");
    assert_refused("<style>{{style}}</style><style></style>", "a second <style>");
    assert_refused("{{style}}", "{{style}} stands within <style>");
    assert_refused("<style>{{style}}{{style}}</style>", "{{style}} stands within <style>, once");
}

/* The hash was computed by: printf 'p{color:red}' | openssl dgst -sha256 -binary | base64 */
static void test_the_policy_allows_the_style_by_its_hash(void **state) {
    (void)state;
    static const char *const same[] = {"<style>{{style}}</style>", "<style>p{color:red}</style>",
                                       "<STYLE>p{color:red}</STYLE >"};
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        struct page_template *template = compile(same[i], NULL);
        assert_non_null(template);
        struct slice policy = page_template_policy(template);
        assert_non_null(strstr(policy.data,
                               "style-src 'sha256-p0bF+un5yUb9MBO6xRb8kPHlY2BdpHVtLiFkDrZPF64=';"));
        assert_null(strstr(policy.data, "unsafe"));
        page_template_destroy(&template);
    }
    struct page_template *bare = compile("<p>", NULL);
    assert_null(strstr(page_template_policy(bare).data, "style-src"));
    page_template_destroy(&bare);
}

static void test_a_style_sheet_cannot_end_the_style(void **state) {
    (void)state;
    struct err err = {""};
    struct page_source source = {.name = "x.html",
                                 .html = SLICE("<style>{{style}}</style>"),
                                 .style = SLICE("p{}</style><p>")};
    assert_null(page_template_compile(&source, &err));
    assert_non_null(strstr(err.text, "the style sheet holds"));
    source.style = SLICE("p{}</styl");
    assert_null(page_template_compile(&source, NULL));
    source.style = SLICE("p{}<");
    struct page_template *template = page_template_compile(&source, NULL);
    assert_non_null(template); /* "<</style>" still ends it once */
    page_template_destroy(&template);
}

static void test_limits(void **state) {
    (void)state;
    struct err err = {""};
    static char large[PAGE_SOURCE_BYTES_MAX + 2];
    memset(large, 'x', sizeof(large) - 2);
    struct page_template *template = compile(large, &err);
    assert_non_null(template);
    page_template_destroy(&template);
    large[sizeof(large) - 2] = 'x';
    assert_refused(large, "more than the 32768 bytes");

    static char many[(PAGE_OPS_MAX + 1) * sizeof("{{code}}") + 1];
    many[0] = '\0';
    for (size_t i = 0, at = 0; i < PAGE_OPS_MAX; i++, at += 8) {
        memcpy(many + at, "{{code}}", 9);
    }
    template = compile(many, &err);
    assert_non_null(template);
    page_template_destroy(&template);
    strcat(many, "{{code}}");
    assert_refused(many, "more than 512 values");
}

static void test_a_page_is_rendered_whole_or_not_at_all(void **state) {
    (void)state;
    struct page_bindings all = bindings();
    struct page_template *template = compile("<p>{{code}}</p>", NULL);
    char bytes[64];
    for (size_t room = 0; room <= 13; room++) {
        struct buf out = buf_over(bytes, room + 1);
        buf_append_char(&out, '!');
        bool fits = page_template_render(template, &all, &out);
        assert_int_equal(fits, room == 13);
        assert_int_equal(out.size, fits ? 14 : 1);
    }
    page_template_destroy(&template);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_escaped_for_where_it_stands),
        cmocka_unit_test(test_sections_stand_or_fall_whole),
        cmocka_unit_test(test_comments_and_carriage_returns_are_left_out),
        cmocka_unit_test(test_a_value_where_no_escaping_helps_is_refused),
        cmocka_unit_test(test_an_address_is_whole_or_begins_harmlessly),
        cmocka_unit_test(test_sections_that_would_move_what_follows_are_refused),
        cmocka_unit_test(test_names_and_syntax),
        cmocka_unit_test(test_the_policy_allows_the_style_by_its_hash),
        cmocka_unit_test(test_a_style_sheet_cannot_end_the_style),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_page_is_rendered_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
