/*
 * Any bytes as a template, and any as its values. What compiles renders to HTML of the same build:
 * the values, whatever they hold, neither begin nor end a tag, a quote or a style.
 *
 * The input is the template, a NUL, and the text that all values have.
 */
#include <stdlib.h>

#include "base/defs.h"
#include "base/err.h"
#include "page_bind.h"
#include "page_place.h"
#include "page_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE_BYTES = 256 * 1024 };

/* Where a page with these values ends, without what the values themselves may be. */
static bool read_page(const struct page_template *template, const struct page_bindings *bindings,
                      struct page_place *place) {
    struct buf page;
    struct err err = {""};
    buf_init(&page, PAGE_BYTES);
    bool fits = page_template_render(template, bindings, &page);
    *place = page_place_begin();
    for (size_t i = 0; fits && i < page.size; i++) {
        ENSURE(page_place_take(place, page.data[i], &err));
    }
    buf_fini(&page);
    return fits;
}

static void check(const struct page_template *template, struct slice text) {
    struct page_bindings plain;
    struct page_bindings any;
    struct page_place with_plain;
    struct page_place with_any;
    for (enum page_value value = 0; value < PAGE_VALUE_COUNT; value++) {
        bool is_url = page_value_kind(value) == PAGE_VALUE_URL;
        bool is_there = !is_url || page_url_is_allowed(text, SLICE_EMPTY);
        plain.value[value] = is_there && text.size > 0 ? SLICE("https://x") : SLICE_EMPTY;
        any.value[value] = is_there ? text : SLICE_EMPTY;
    }
    if (read_page(template, &plain, &with_plain) && read_page(template, &any, &with_any)) {
        ENSURE(with_plain.state == PAGE_IN_TEXT && with_any.state == PAGE_IN_TEXT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_make((const char *)data, size);
    struct slice html = slice_split(&text, '\0');
    const struct page_source source = {
        .name = "fuzz.html", .html = html, .style = SLICE("p{color:red}")};
    struct err err = {""};
    struct page_template *template = page_template_compile(&source, &err);
    ENSURE((template == NULL) == (err.text[0] != '\0'));
    if (template != NULL) {
        check(template, text);
        page_template_destroy(&template);
    }
    return 0;
}
