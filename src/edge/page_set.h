/*
 * page_set.h - the templates of all pages, compiled.
 *
 * Each page has a built-in template (src/edge/pages/NAME.html), which the file NAME.html in
 * `pages.dir` replaces; style.css there replaces the style sheet of all pages. A folder or file
 * that is not there is no mistake; one that cannot be used is, and so is an .html or .css file that
 * is called like no page: it would be a typing mistake that nobody sees.
 *
 * Threads   Immutable and counted: share it between threads by page_set_ref().
 * Limits    PAGE_SOURCE_BYTES_MAX a file.
 */
#ifndef EDGE_PAGE_SET_H
#define EDGE_PAGE_SET_H

#include "base/defs.h"
#include "base/slice.h"
#include "pages.h"

struct err;
struct page_set;
struct page_template;

/* Reads and compiles everything; directory may be empty: built-in pages only. NULL and err, which
 * names file, line and what is allowed. Not on a worker's thread. */
MUST_CHECK struct page_set *page_set_open(const char *directory, struct err *err);
struct page_set *page_set_ref(struct page_set *set); /* any thread */
void page_set_unref(struct page_set **set);          /* any thread; the last one frees */

const struct page_template *page_set_template(const struct page_set *set, enum page_name page);

/* For a page that came out too long. */
const struct page_template *page_set_builtin(const struct page_set *set, enum page_name page);

/* "preview", and what status the page is sent with. */
const char *page_file_name(enum page_name page);
uint16_t page_status(enum page_name page);

#endif
