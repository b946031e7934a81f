/*
 * rows.c - what the two formats have in common.
 *
 * Threads   One.
 */
#include "rows.h"

#include <stddef.h>

static const struct rows_reader *const readers[] = {
    [ROWS_CSV] = &rows_csv, [ROWS_JSON] = &rows_json};

int rows_find_field(struct slice name) {
    return record_find_field(RECORD_LINK, name);
}

struct rows *rows_create(struct input *input, enum rows_format format, struct err *err) {
    struct rows *rows = readers[format]->create(input, err);
    if (rows != NULL) {
        rows->reader = readers[format];
    }
    return rows;
}

void rows_destroy(struct rows **rows) {
    if (*rows != NULL) {
        (*rows)->reader->destroy(*rows);
        *rows = NULL;
    }
}

enum rows_result rows_read(struct rows *rows, struct row *row, struct err *err) {
    return rows->reader->read(rows, row, err);
}
