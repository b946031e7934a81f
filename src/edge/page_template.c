/*
 * page_template.c - what the compiler left: a list of steps, and the text between the values.
 */
#include "page_template.h"

#include <stdlib.h>

#include "page_compile.h"

void page_template_destroy(struct page_template **template) {
    if (*template == NULL) {
        return;
    }
    free((*template)->text);
    free((*template)->ops);
    free(*template);
    *template = NULL;
}

struct slice page_template_policy(const struct page_template *template) {
    return slice_of(template->policy);
}

/* The steps of a section that is left out are stepped over. */
static bool render_op(const struct page_template *template, size_t *at,
                      const struct page_bindings *bindings, struct buf *out) {
    const struct page_op *op = &template->ops[(*at)++];
    struct slice value = op->kind == PAGE_OP_LITERAL ? SLICE_EMPTY : bindings->value[op->value];
    switch (op->kind) {
    case PAGE_OP_LITERAL:
        return buf_append_bytes(out, template->text + op->at, op->size);
    case PAGE_OP_ESCAPED:
        return buf_append_html(out, value);
    case PAGE_OP_PERCENT:
        return buf_append_percent(out, value);
    case PAGE_OP_SECTION:
        *at = value.size > 0 ? *at : op->end;
        return true;
    case PAGE_OP_UNLESS:
        *at = value.size == 0 ? *at : op->end;
        return true;
    }
    return true;
}

bool page_template_render(const struct page_template *template,
                          const struct page_bindings *bindings, struct buf *out) {
    size_t begin = out->size;
    for (size_t at = 0; at < template->op_count;) {
        if (!render_op(template, &at, bindings, out)) {
            out->size = begin;
            return false;
        }
    }
    return true;
}
