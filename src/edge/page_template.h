/*
 * page_template.h - one page's template: compiled once, rendered at every request for it.
 *
 *   {{title}}                 the value, escaped for where it stands
 *   {{#image}}...{{/image}}   only where the value is there; {{^image}} only where it is not
 *   {{style}}                 within <style>: the style sheet that all pages share
 *   <!-- ... -->              left out
 *
 * The compiler follows the HTML that the template is (page_place.h), so it knows what each value
 * has to be escaped for, and refuses a value where no escaping helps: in a style, in a tag, in an
 * attribute without quotes. The policy that goes with the page allows its own style by its hash,
 * and nothing else that could run or load.
 *
 * Threads   Immutable after page_template_compile().
 * Limits    PAGE_SOURCE_BYTES_MAX as written (the style sheet as much again), PAGE_OPS_MAX values
 *           and sections, PAGE_DEPTH_MAX sections within each other.
 */
#ifndef EDGE_PAGE_TEMPLATE_H
#define EDGE_PAGE_TEMPLATE_H

#include "base/buf.h"
#include "base/defs.h"
#include "base/slice.h"
#include "page_value.h"

struct err;
struct page_template;

enum { PAGE_SOURCE_BYTES_MAX = 32 * 1024, PAGE_OPS_MAX = 512, PAGE_DEPTH_MAX = 8 };

struct page_source {
    const char *name;   /* of the file, for messages */
    struct slice html;  /* UTF-8 */
    struct slice style; /* what {{style}} stands for */
};

/* NULL and err, which names file, line and what is allowed. */
MUST_CHECK struct page_template *page_template_compile(const struct page_source *source,
                                                       struct err *err);
void page_template_destroy(struct page_template **template);

/* Appends the page; false when out has no room for it: then out is as it was. */
bool page_template_render(const struct page_template *template,
                          const struct page_bindings *bindings, struct buf *out);

/* The value of Content-Security-Policy (https://www.w3.org/TR/CSP3/) that the page is sent with. */
struct slice page_template_policy(const struct page_template *template);

#endif
