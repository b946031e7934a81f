/*
 * table.c - measuring a table, then writing it.
 *
 * A character is taken to be one column wide. That is wrong for some scripts, and moves what
 * stands behind them on that line; nothing else.
 */
#include "table.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"

enum {
    COLUMNS_DEFAULT = 80,
    COLUMNS_MAX = 1000,
    COLUMNS_HELPED_MIN = 30, /* narrower: a day and its clicks would hardly fit */
    CELL_BYTES_MAX = 512,
    GAP = 2,
    BAR_MIN = 8,
    BAR_MAX = 40,
    EIGHTHS = 8,
};

static bool terminal_is_utf8(void);
static size_t characters(struct slice text);
static uint32_t leave_out(const struct table *table, const struct table_style *style,
                          const size_t *widths);
static unsigned bar_width(const struct table_style *style, const size_t *widths, size_t count);
static void append_cell(struct slice text, size_t width, bool to_the_right, struct buf *out);
static void append_bar(double share, unsigned width, bool is_utf8, struct buf *out);

struct table_style table_style_of(int fd) {
    bool is_terminal = isatty(fd) == 1;
    struct table_style style = {.columns = COLUMNS_DEFAULT,
                                .has_bars = is_terminal,
                                .is_terminal = is_terminal,
                                .is_utf8 = terminal_is_utf8()};
    struct winsize size;
    uint64_t columns;
    if (slice_to_u64(slice_of(getenv("COLUMNS")), COLUMNS_MAX, &columns) && columns > 0) {
        style.columns = (unsigned)columns;
    } else if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        style.columns = size.ws_col;
    }
    return style;
}

/* A row's cell as it will stand there; the row row_count is the header. */
static struct slice cell_text(const struct table *table, size_t row, size_t column,
                              struct buf *scratch) {
    buf_clear(scratch);
    if (row == table->row_count) {
        buf_append(scratch, slice_of(table->column[column].name));
    } else {
        table->cell(table->argument, row, column, scratch);
    }
    return buf_slice(scratch);
}

uint32_t table_write(const struct table *table, const struct table_style *style, struct buf *out) {
    char bytes[CELL_BYTES_MAX];
    struct buf scratch = buf_over(bytes, sizeof(bytes));
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    uint64_t longest = 0;
    size_t bars = table->has_total ? table->row_count - 1 : table->row_count;
    ENSURE(table->column_count > 0 && table->column_count <= TABLE_COLUMNS_MAX);
    for (size_t row = 0; row <= table->row_count; row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            size_t width = characters(cell_text(table, row, i, &scratch));
            widths[i] = width > widths[i] ? width : widths[i];
        }
        uint64_t length = row < bars && table->bar ? table->bar(table->argument, row) : 0;
        longest = length > longest ? length : longest;
    }
    uint32_t left_out = leave_out(table, style, widths);
    unsigned bar = longest > 0 && left_out == 0 ? bar_width(style, widths, table->column_count) : 0;
    size_t last = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        last = (left_out & (1u << i)) == 0 ? i : last;
    }
    for (size_t line = 0; line <= table->row_count; line++) {
        size_t row = line == 0 ? table->row_count : line - 1;
        bool has_bar = bar > 0 && row < bars && table->bar(table->argument, row) > 0;
        for (size_t i = 0; i <= last; i++) {
            if ((left_out & (1u << i)) != 0) {
                continue;
            }
            struct slice text = cell_text(table, row, i, &scratch);
            bool is_last = i == last && !has_bar;
            bool to_the_right = table->column[i].is_number;
            append_cell(text, is_last && !to_the_right ? 0 : widths[i], to_the_right, out);
            buf_append(out, is_last ? SLICE("\n") : SLICE("  "));
        }
        if (has_bar) {
            append_bar((double)table->bar(table->argument, row) / (double)longest, bar,
                       style->is_utf8, out);
            buf_append_char(out, '\n');
        }
    }
    return left_out;
}

void table_append_number(uint64_t number, struct buf *out) {
    char digits[24];
    struct buf plain = buf_over(digits, sizeof(digits));
    buf_append_u64(&plain, number);
    for (size_t i = 0; i < plain.size; i++) {
        if (i > 0 && (plain.size - i) % 3 == 0) {
            buf_append_char(out, ',');
        }
        buf_append_char(out, digits[i]);
    }
}

void table_append_text(struct slice text, size_t columns_max, struct buf *out) {
    size_t left = columns_max;
    bool is_cut = characters(text) > columns_max;
    while (text.size > 0 && left > (is_cut ? 1u : 0u)) {
        size_t size = slice_utf8_size(text);
        unsigned char first = (unsigned char)text.data[0];
        /* U+0080..9F, as UTF-8, are control characters to a terminal, too. */
        bool is_control = first < ' ' || first == 0x7f ||
                          (size == 2 && first == 0xc2 && (unsigned char)text.data[1] < 0xa0);
        if (size == 0 || is_control) {
            buf_append_char(out, '?');
        } else {
            buf_append(out, slice_first(text, size));
        }
        text = slice_from(text, size > 0 ? size : 1);
        left--;
    }
    if (is_cut) {
        buf_append_char(out, '~');
    }
}

static bool terminal_is_utf8(void) {
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0) {
        return false;
    }
    bool is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return is_utf8;
}

static size_t characters(struct slice text) {
    size_t count = 0;
    while (text.size > 0) {
        size_t size = slice_utf8_size(text);
        text = slice_from(text, size > 0 ? size : 1);
        count++;
    }
    return count;
}

/* Those that may go, one after another, until the others fit. */
static uint32_t leave_out(const struct table *table, const struct table_style *style,
                          const size_t *widths) {
    uint32_t left_out = 0;
    size_t used = 1; /* as with bars */
    for (size_t i = 0; i < table->column_count; i++) {
        used += widths[i] + (i > 0 ? GAP : 0);
    }
    if (!style->is_terminal || style->columns < COLUMNS_HELPED_MIN) {
        return 0;
    }
    for (unsigned turn = 1; turn <= TABLE_COLUMNS_MAX && used > style->columns; turn++) {
        for (size_t i = 0; i < table->column_count; i++) {
            if (table->column[i].may_leave == turn) {
                left_out |= 1u << i;
                used -= widths[i] + GAP;
            }
        }
    }
    return left_out;
}

/* What the columns leave of the terminal; 0: too little, or not wanted. */
static unsigned bar_width(const struct table_style *style, const size_t *widths, size_t count) {
    size_t used = 1; /* the last column of a terminal stays free: some would break the line */
    for (size_t i = 0; i < count; i++) {
        used += widths[i] + GAP;
    }
    if (!style->has_bars || used + BAR_MIN > style->columns) {
        return 0;
    }
    size_t left = style->columns - used;
    return left < BAR_MAX ? (unsigned)left : BAR_MAX;
}

static void append_cell(struct slice text, size_t width, bool to_the_right, struct buf *out) {
    size_t size = characters(text);
    size_t blanks = width > size ? width - size : 0;
    if (!to_the_right) {
        buf_append(out, text);
    }
    for (size_t i = 0; i < blanks; i++) {
        buf_append_char(out, ' ');
    }
    if (to_the_right) {
        buf_append(out, text);
    }
}

/* Eighths of a block (U+2588 is whole, U+258F one eighth), or '#'. What is there is seen. */
static void append_bar(double share, unsigned width, bool is_utf8, struct buf *out) {
    unsigned eighths = (unsigned)(share * width * EIGHTHS + 0.5);
    eighths = eighths > 0 ? eighths : 1;
    if (!is_utf8) {
        unsigned hashes = (eighths + EIGHTHS / 2) / EIGHTHS;
        for (unsigned i = 0; i < (hashes > 0 ? hashes : 1); i++) {
            buf_append_char(out, '#');
        }
        return;
    }
    for (; eighths >= EIGHTHS; eighths -= EIGHTHS) {
        buf_append(out, SLICE("\xE2\x96\x88"));
    }
    if (eighths > 0) {
        const char part[] = {'\xE2', '\x96', (char)(0x90 - eighths)};
        buf_append_bytes(out, part, sizeof(part));
    }
}
