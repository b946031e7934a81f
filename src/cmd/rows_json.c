/*
 * rows_json.c - links as JSON lines: one object (RFC 8259) a line.
 *
 * Threads   One.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "input.h"
#include "rows.h"

enum { INTEGER_BYTES = 24 };

struct json_rows {
    struct rows rows;
    struct input *input;
    uint64_t line;
    size_t size;    /* of text */
    json_t *object; /* what the last row points into */
    char integers[LINK_FIELD_COUNT][INTEGER_BYTES];
    char text[ROWS_LINE_BYTES_MAX];
};

static struct rows *create(struct input *input, struct err *err);
static void destroy(struct rows *rows);
static enum rows_result read_row(struct rows *rows, struct row *row, struct err *err);
static bool read_line(struct json_rows *own, bool *too_long);
static bool read_object(struct json_rows *own, struct row *row, struct err *err);
static bool take_member(struct json_rows *own, struct row *row, const char *name, json_t *value,
                        struct err *err);
static bool read_value(json_t *value, char integer[INTEGER_BYTES], struct slice *out);
static bool is_blank(struct slice text);

const struct rows_reader rows_json = {.create = create, .destroy = destroy, .read = read_row};

static struct rows *create(struct input *input, struct err *err) {
    (void)err; /* nothing to begin with that could fail */
    struct json_rows *own = calloc(1, sizeof *own);
    ENSURE(own != NULL);
    own->input = input;
    return &own->rows;
}

static void destroy(struct rows *rows) {
    struct json_rows *own = CONTAINER_OF(rows, struct json_rows, rows);
    json_decref(own->object);
    free(own);
}

static enum rows_result read_row(struct rows *rows, struct row *row, struct err *err) {
    struct json_rows *own = CONTAINER_OF(rows, struct json_rows, rows);
    bool too_long;
    *row = (struct row){0};
    do {
        if (!read_line(own, &too_long)) {
            return ROWS_END;
        }
    } while (!too_long && is_blank(slice_make(own->text, own->size)));
    row->line = own->line;
    if (too_long) {
        err_set(err, "longer than %d bytes", ROWS_LINE_BYTES_MAX);
        return ROWS_REFUSED;
    }
    return read_object(own, row, err) ? ROWS_ROW : ROWS_REFUSED;
}

/* False at the end. A line that is too long is read to its end and lost. */
static bool read_line(struct json_rows *own, bool *too_long) {
    *too_long = false;
    own->size = 0;
    int byte = input_next(own->input);
    if (byte == INPUT_END) {
        return false;
    }
    own->line++;
    for (; byte != '\n' && byte != INPUT_END; byte = input_next(own->input)) {
        if (own->size == sizeof own->text) {
            *too_long = true;
        } else {
            own->text[own->size++] = (char)byte;
        }
    }
    return true;
}

static bool read_object(struct json_rows *own, struct row *row, struct err *err) {
    json_error_t error;
    json_decref(own->object);
    own->object = json_loadb(own->text, own->size, JSON_REJECT_DUPLICATES, &error);
    if (own->object == NULL) {
        return err_set(err, "not JSON: %s at column %d", error.text, error.column);
    }
    if (!json_is_object(own->object)) {
        return err_set(err, "not an object {...}");
    }
    const char *name;
    json_t *value;
    json_object_foreach(own->object, name, value) {
        if (!take_member(own, row, name, value, err)) {
            return false;
        }
    }
    return true;
}

static bool take_member(struct json_rows *own, struct row *row, const char *name, json_t *value,
                        struct err *err) {
    int field = rows_find_field(slice_of(name));
    if (field == ROWS_UNKNOWN) {
        return err_set(err, "unknown member \"%.64s\"; allowed: " ROWS_NAMES, name);
    }
    if (field == ROWS_CODE) {
        row->code = slice_make(json_string_value(value), json_string_length(value));
        return json_is_string(value) || err_set(err, "code: not a string");
    }
    if (!read_value(value, own->integers[field], &row->fields.value[field])) {
        return err_set(err, "%s: neither a string, an integer from 0 up, nor null", name);
    }
    return true;
}

static bool read_value(json_t *value, char integer[INTEGER_BYTES], struct slice *out) {
    if (json_is_string(value)) {
        *out = slice_make(json_string_value(value), json_string_length(value));
        return true;
    }
    if (json_is_null(value)) {
        *out = slice_make("", 0);
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    int size = snprintf(integer, INTEGER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    *out = slice_make(integer, (size_t)size);
    return true;
}

static bool is_blank(struct slice text) {
    if (text.size > 0 && text.data[text.size - 1] == '\r') {
        text.size--;
    }
    return slice_trim(text).size == 0;
}
