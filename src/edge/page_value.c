/*
 * page_value.c - the table of names.
 */
#include "page_value.h"

#include "base/defs.h"

struct row {
    const char *name;
    enum page_value_kind kind;
};

static const struct row *row_of(enum page_value value) {
#define PAGE_VALUE_ROW(name, text, kind) {text, PAGE_VALUE_##kind},
    static const struct row rows[PAGE_VALUE_COUNT] = {PAGE_VALUES(PAGE_VALUE_ROW)};
    ENSURE(value < PAGE_VALUE_COUNT);
    return &rows[value];
}

const char *page_value_name(enum page_value value) {
    return row_of(value)->name;
}

enum page_value_kind page_value_kind(enum page_value value) {
    return row_of(value)->kind;
}

enum page_value page_value_find(struct slice name) {
    enum page_value value = 0;
    while (value < PAGE_VALUE_COUNT && !slice_equal(name, slice_of(page_value_name(value)))) {
        value++;
    }
    return value;
}
