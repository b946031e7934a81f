/*
 * Which file replaces which page, and which mistakes are refused before anybody sees them.
 */
#include "pages_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "page_template.h"

struct folder {
    char path[64];
};

static int set_up(void **state) {
    struct folder *folder = calloc(1, sizeof(*folder));
    assert_non_null(folder);
    snprintf(folder->path, sizeof(folder->path), "/tmp/brinco-pages-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    *state = folder;
    return 0;
}

static int tear_down(void **state) {
    struct folder *folder = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", folder->path);
    assert_int_equal(system(command), 0);
    free(folder);
    return 0;
}

static void write_file(const struct folder *folder, const char *name, struct slice text) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    assert_true(file_write_atomically(path, text, 0600, NULL));
}

static void assert_rendered(const struct page_template *template, const char *part) {
    static char bytes[64 * 1024];
    const struct page_bindings bindings = {
        .value = {[PAGE_VALUE_OF_CODE] = SLICE("AB12CD"), [PAGE_VALUE_OF_ES] = SLICE("1")}};
    struct buf out = buf_over(bytes, sizeof(bytes) - 1);
    assert_true(page_template_render(template, &bindings, &out));
    bytes[out.size] = '\0';
    assert_holds(bytes, part);
}

static void assert_refused(const struct folder *folder, const char *sentence) {
    struct err err = {""};
    struct page_set *set = page_set_open(folder->path, &err);
    assert_null(set);
    assert_holds(err.text, sentence);
    assert_holds(err.text, folder->path);
}

static void test_without_a_folder_all_pages_are_built_in(void **state) {
    (void)state;
    static const char *const none[] = {"", "/nowhere/at/all"};
    for (size_t i = 0; i < 2; i++) {
        struct err err = {""};
        struct page_set *set = page_set_open(none[i], &err);
        assert_string_equal(err.text, "");
        for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
            assert_ptr_equal(page_set_template(set, page), page_set_builtin(set, page));
            assert_rendered(page_set_template(set, page), "<html lang=");
        }
        page_set_unref(&set);
        assert_null(set);
    }
}

static void test_a_file_replaces_its_page_alone(void **state) {
    const struct folder *folder = *state;
    write_file(folder, "paused.html", SLICE("<p>{{#es}}En pausa: {{code}}{{/es}}</p>"));
    write_file(folder, "README.md", SLICE("{{nothing"));
    struct page_set *set = page_set_open(folder->path, NULL);
    assert_non_null(set);
    assert_rendered(page_set_template(set, PAGE_NAME_PAUSED), "<p>En pausa: AB12CD</p>");
    assert_rendered(page_set_builtin(set, PAGE_NAME_PAUSED), "<!doctype html>");
    assert_ptr_equal(page_set_template(set, PAGE_NAME_EXPIRED),
                     page_set_builtin(set, PAGE_NAME_EXPIRED));
    page_set_unref(&set);
}

static void test_a_style_sheet_is_that_of_all_pages(void **state) {
    const struct folder *folder = *state;
    write_file(folder, "style.css", SLICE("h1{color:rebeccapurple}"));
    write_file(folder, "paused.html", SLICE("<style>{{style}}</style>mine"));
    write_file(folder, "open.html", SLICE("<style>p{}</style>mine"));
    struct page_set *set = page_set_open(folder->path, NULL);
    assert_non_null(set);
    for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
        const struct page_template *template = page_set_template(set, page);
        bool is_open = page == PAGE_NAME_OPEN;
        assert_rendered(template,
                        is_open ? "<style>p{}" : "<style>h1{color:rebeccapurple}</style>");
        assert_int_equal(slice_equal(page_template_policy(template),
                                     page_template_policy(page_set_builtin(set, page))),
                         false);
    }
    page_set_unref(&set);
}

static void test_a_mistake_is_refused_with_file_and_line(void **state) {
    const struct folder *folder = *state;
    write_file(folder, "busy.html", SLICE("<p>\n{{nobody}}"));
    assert_refused(folder, "/busy.html:2: {{nobody}}: there is no such value, but: lang");
    write_file(folder, "busy.html", SLICE("<p>"));
    write_file(folder, "not-found.html", SLICE("<p>"));
    assert_refused(folder, "/not-found.html: no page is called so; there are style.css and, as "
                           ".html, preview inspect not_found");
}

static void test_a_style_sheet_with_a_mistake_is_named(void **state) {
    const struct folder *folder = *state;
    write_file(folder, "style.css", SLICE("</style><script>"));
    assert_refused(folder, "/style.css, in the built-in preview.html:");
}

static void test_files_that_are_too_large_or_no_files_are_refused(void **state) {
    const struct folder *folder = *state;
    static char large[PAGE_SOURCE_BYTES_MAX + 1];
    char path[128];
    memset(large, 'x', sizeof(large));
    write_file(folder, "open.html", slice_make(large, sizeof(large)));
    assert_refused(folder, "/open.html");
    write_file(folder, "open.html", slice_make(large, sizeof(large) - 1));
    struct page_set *set = page_set_open(folder->path, NULL);
    assert_non_null(set);
    page_set_unref(&set);
    snprintf(path, sizeof(path), "%s/busy.html", folder->path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(folder, "/busy.html");
}

static void test_a_path_that_is_no_folder_is_refused(void **state) {
    const struct folder *folder = *state;
    struct err err = {""};
    char path[128];
    write_file(folder, "file", SLICE("x"));
    snprintf(path, sizeof(path), "%s/file", folder->path);
    assert_null(page_set_open(path, &err));
    assert_holds(err.text, "/file: Not a directory");
}

static void test_the_last_reference_frees(void **state) {
    (void)state;
    struct page_set *set = page_set_open("", NULL);
    struct page_set *other = page_set_ref(set);
    page_set_unref(&set);
    assert_rendered(page_set_template(other, PAGE_NAME_BUSY), "<html");
    page_set_unref(&other);
    page_set_unref(&other); /* none: nothing */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_folder_all_pages_are_built_in),
        TEST(test_a_file_replaces_its_page_alone),
        TEST(test_a_style_sheet_is_that_of_all_pages),
        TEST(test_a_mistake_is_refused_with_file_and_line),
        TEST(test_a_style_sheet_with_a_mistake_is_named),
        TEST(test_files_that_are_too_large_or_no_files_are_refused),
        TEST(test_a_path_that_is_no_folder_is_refused),
        cmocka_unit_test(test_the_last_reference_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
