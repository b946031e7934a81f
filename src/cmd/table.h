/*
 * table.h - rows and columns for a terminal, with a bar beside each row.
 *
 *   time        clicks  previews
 *   2026-11-20   1,204        31  ██████████▌
 *   2026-11-21   3,410        77  ██████████████████████████████
 *
 * Texts may be anybody's: control bytes never reach a terminal, and what is long is cut.
 *
 * Threads   Pure functions, but for table_style_of(), which looks at stdout and the environment.
 */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;

enum { TABLE_COLUMNS_MAX = 12, TABLE_TEXT_COLUMNS_MAX = 40 };

struct table_style {
    unsigned columns; /* of the terminal */
    bool has_bars;
    bool is_terminal; /* so that what is wider than it is would be broken */
    bool is_utf8;
};

struct table_column {
    const char *name;
    bool is_number;     /* to the right */
    unsigned may_leave; /* 1: the first to be left out where it is too narrow; 0: stays */
};

struct table {
    const struct table_column *column;
    size_t column_count; /* at most TABLE_COLUMNS_MAX */
    size_t row_count;    /* the last row may be a total: it has no bar */
    bool has_total;
    const void *argument;
    void (*cell)(const void *argument, size_t row, size_t column, struct buf *out);
    uint64_t (*bar)(const void *argument, size_t row); /* how long; NULL: no bars */
};

/* Bars on a terminal only; its width by COLUMNS or as it says itself, else 80. */
struct table_style table_style_of(int fd);

/* Returns the columns that were left out, a bit each: on a terminal that is too narrow for all,
 * unless it is so narrow that nothing helps. Where some are, there are no bars. */
uint32_t table_write(const struct table *table, const struct table_style *style, struct buf *out);

/* 1234567 as 1,234,567. */
void table_append_number(uint64_t number, struct buf *out);

/* Without control bytes, cut to so many characters with a mark at the end. */
void table_append_text(struct slice text, size_t columns_max, struct buf *out);

#endif
