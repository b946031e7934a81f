/*
 * cell.c - a tuple of attributes as the field of a hash.
 */
#include "stats/cell.h"

#include "base/buf.h"
#include "base/defs.h"
#include "click/click.h"

enum { FIXED_BYTES = 4 };

static const enum click_text text_of_click[CELL_TEXT_COUNT] = {
    [CELL_COUNTRY] = CLICK_COUNTRY,   [CELL_REGION] = CLICK_REGION,
    [CELL_BROWSER] = CLICK_BROWSER,   [CELL_IN_APP] = CLICK_IN_APP,
    [CELL_LANGUAGE] = CLICK_LANGUAGE, [CELL_REFERRER] = CLICK_REFERRER,
    [CELL_SOURCE] = CLICK_SOURCE,
};

struct cell cell_of(const struct click *click, int hour) {
    struct cell cell = {
        .hour = hour, .kind = click->kind, .outcome = click->outcome, .platform = click->platform};
    for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
        cell.text[i] = click->text[text_of_click[i]];
    }
    return cell;
}

/* A lone CELL_OTHER stays: it is ours. In a click it cannot be, since '?' takes its place when the
 * text is longer, and a text of that one byte says nothing that anybody could miss. */
bool cell_clean(char *text, size_t size) {
    bool is_changed = false;
    if (size == 1 && text[0] == CELL_OTHER) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == 0x7F) {
            text[i] = '?';
            is_changed = true;
        }
    }
    return is_changed;
}

static void append_text(struct buf *out, struct slice text) {
    size_t begin = out->size;
    if (buf_append(out, text)) {
        cell_clean(out->data + begin, text.size);
    }
}

bool cell_encode(const struct cell *cell, struct buf *out) {
    char fixed[FIXED_BYTES] = {
        cell->hour == CELL_NO_HOUR ? '-' : (char)('a' + cell->hour),
        (char)('0' + cell->kind),
        (char)('0' + cell->outcome),
        (char)('0' + cell->platform),
    };
    ENSURE(cell->hour < CELL_HOURS_MAX);
    buf_append_bytes(out, fixed, sizeof(fixed));
    for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
        if (i > 0) {
            buf_append_char(out, '\t');
        }
        append_text(out, cell->text[i]);
    }
    return !out->overflowed;
}

/* A digit of the vocabulary: '0' + a number below count. */
static bool take_number(char c, int count, int *number) {
    *number = c - '0';
    return *number >= 0 && *number < count;
}

bool cell_decode(struct slice field, struct cell *cell) {
    int kind, outcome, platform;
    if (field.size < FIXED_BYTES || !take_number(field.data[1], TAP_KIND_COUNT, &kind) ||
        !take_number(field.data[2], TAP_OUTCOME_COUNT, &outcome) ||
        !take_number(field.data[3], TAP_PLATFORM_COUNT, &platform)) {
        return false;
    }
    int hour = field.data[0] == '-' ? CELL_NO_HOUR : field.data[0] - 'a';
    if (hour < CELL_NO_HOUR || hour >= CELL_HOURS_MAX ||
        (hour == CELL_NO_HOUR && field.data[0] != '-')) {
        return false;
    }
    *cell = (struct cell){.hour = hour,
                          .kind = (enum tap_kind)kind,
                          .outcome = (enum tap_outcome)outcome,
                          .platform = (enum tap_platform)platform};
    struct slice rest = slice_from(field, FIXED_BYTES);
    size_t tabs = 0;
    for (size_t i = 0; i < rest.size; i++) {
        tabs += rest.data[i] == '\t' ? 1 : 0;
    }
    if (tabs != CELL_TEXT_COUNT - 1) {
        return false;
    }
    for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
        cell->text[i] = slice_split(&rest, '\t');
    }
    return true;
}
