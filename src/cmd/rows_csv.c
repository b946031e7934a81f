/*
 * rows_csv.c - links in CSV: the header line says which column is which field.
 *
 * Threads   One.
 */
#include <stdlib.h>

#include "base/err.h"
#include "csv.h"
#include "rows.h"

struct csv_rows {
    struct rows rows;
    struct csv csv;
    size_t column_count;
    int field_of[CSV_FIELDS_MAX]; /* enum link_field or ROWS_CODE, by column */
};

static struct rows *create(struct input *input, struct err *err);
static void destroy(struct rows *rows);
static enum rows_result read_row(struct rows *rows, struct row *row, struct err *err);
static bool read_header(struct csv_rows *own, struct err *err);
static bool take_column(struct csv_rows *own, struct slice name, struct err *err);

const struct rows_reader rows_csv = {.create = create, .destroy = destroy, .read = read_row};

static struct rows *create(struct input *input, struct err *err) {
    struct csv_rows *own = calloc(1, sizeof *own);
    ENSURE(own != NULL);
    csv_init(&own->csv, input);
    if (!read_header(own, err)) {
        free(own);
        return NULL;
    }
    return &own->rows;
}

static void destroy(struct rows *rows) {
    free(CONTAINER_OF(rows, struct csv_rows, rows));
}

static enum rows_result read_row(struct rows *rows, struct row *row, struct err *err) {
    struct csv_rows *own = CONTAINER_OF(rows, struct csv_rows, rows);
    struct csv_record record;
    enum csv_result result = csv_read(&own->csv, &record, err);
    *row = (struct row){.line = record.line};
    if (result != CSV_RECORD) {
        return result == CSV_END ? ROWS_END : ROWS_REFUSED;
    }
    for (size_t i = 0; i < record.count && i < own->column_count; i++) {
        if (own->field_of[i] == ROWS_CODE) {
            row->code = record.field[i];
        } else {
            row->fields.value[own->field_of[i]] = record.field[i];
        }
    }
    if (record.count != own->column_count) {
        err_set(err, "%zu fields where the header line has %zu", record.count, own->column_count);
        return ROWS_REFUSED;
    }
    return ROWS_ROW;
}

static bool read_header(struct csv_rows *own, struct err *err) {
    struct csv_record record;
    switch (csv_read(&own->csv, &record, err)) {
    case CSV_END:
        return err_set(err, "it is empty; a header line names the columns: " ROWS_NAMES);
    case CSV_MALFORMED:
        return err_prefix(err, "header line");
    case CSV_RECORD:
        break;
    }
    bool has_code = false;
    for (size_t i = 0; i < record.count; i++) {
        if (!take_column(own, slice_trim(record.field[i]), err)) {
            return false;
        }
        has_code = has_code || own->field_of[i] == ROWS_CODE;
    }
    return has_code || err_set(err, "the header line has no column \"code\"");
}

static bool take_column(struct csv_rows *own, struct slice name, struct err *err) {
    int field = rows_find_field(name);
    if (field == ROWS_UNKNOWN) {
        return err_set(err, "the header line has an unknown column \"%.*s\"; allowed: " ROWS_NAMES,
                       SLICE_ARG(slice_first(name, 64)));
    }
    for (size_t i = 0; i < own->column_count; i++) {
        if (own->field_of[i] == field) {
            return err_set(err, "the header line has the column \"%.*s\" twice", SLICE_ARG(name));
        }
    }
    own->field_of[own->column_count++] = field;
    return true;
}
