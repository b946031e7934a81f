/*
 * page_compile.h - a compiled template's insides, for compiler and renderer.
 */
#ifndef EDGE_PAGE_COMPILE_H
#define EDGE_PAGE_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "page_value.h"

enum { PAGE_POLICY_BYTES_MAX = 256 };

enum page_op_kind {
    PAGE_OP_LITERAL,
    PAGE_OP_ESCAPED, /* for text and values in quotes */
    PAGE_OP_PERCENT, /* for a part of an address */
    PAGE_OP_SECTION,
    PAGE_OP_UNLESS,
};

struct page_op {
    enum page_op_kind kind;
    enum page_value value; /* all but literals */
    uint32_t at;           /* literals: where in the text */
    uint32_t size;
    uint32_t end; /* sections: the step behind them */
};

struct page_template {
    struct page_op *ops;
    size_t op_count;
    char *text;
    char policy[PAGE_POLICY_BYTES_MAX];
};

#endif
