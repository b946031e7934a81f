/*
 * csv.c - reading comma-separated values.
 *
 * One pass, byte by byte: fields are copied, unquoted, into csv->text.
 *
 * Threads   One.
 */
#include "csv.h"

#include "base/err.h"
#include "input.h"

/* What stands behind a field. */
enum field_end { FIELD_COMMA, FIELD_LINE_END, FIELD_BAD };

static void skip_empty_lines(struct csv *csv);
static bool read_fields(struct csv *csv, struct csv_record *record, struct err *err);
static enum field_end read_field(struct csv *csv, struct err *err);
static enum field_end read_plain(struct csv *csv, struct err *err);
static enum field_end read_quoted(struct csv *csv, struct err *err);
static bool take_separator(struct csv *csv, int byte, enum field_end *end);
static int next(struct csv *csv);
static bool put(struct csv *csv, int byte, struct err *err);
static void skip_line(struct csv *csv);

void csv_init(struct csv *csv, struct input *input) {
    csv->input = input;
    csv->line = 1;
    csv->size = 0;
}

enum csv_result csv_read(struct csv *csv, struct csv_record *record, struct err *err) {
    skip_empty_lines(csv);
    *record = (struct csv_record){.line = csv->line};
    if (input_peek(csv->input) == INPUT_END) {
        return CSV_END;
    }
    csv->size = 0;
    return read_fields(csv, record, err) ? CSV_RECORD : CSV_MALFORMED;
}

static void skip_empty_lines(struct csv *csv) {
    int byte = input_peek(csv->input);
    while (byte == '\n' || byte == '\r') {
        next(csv);
        byte = input_peek(csv->input);
    }
}

static bool read_fields(struct csv *csv, struct csv_record *record, struct err *err) {
    enum field_end end;
    do {
        if (record->count == CSV_FIELDS_MAX) {
            skip_line(csv);
            return err_set(err, "more than %d fields", CSV_FIELDS_MAX);
        }
        size_t begin = csv->size;
        end = read_field(csv, err);
        if (end == FIELD_BAD) {
            return false;
        }
        record->field[record->count++] = slice_make(csv->text + begin, csv->size - begin);
    } while (end == FIELD_COMMA);
    return true;
}

static enum field_end read_field(struct csv *csv, struct err *err) {
    if (input_peek(csv->input) != '"') {
        return read_plain(csv, err);
    }
    next(csv);
    return read_quoted(csv, err);
}

static enum field_end read_plain(struct csv *csv, struct err *err) {
    enum field_end end;
    for (;;) {
        int byte = next(csv);
        if (take_separator(csv, byte, &end)) {
            return end;
        }
        if (byte == '"') {
            err_set(err, "a quote inside a field that does not begin with one");
            skip_line(csv);
            return FIELD_BAD;
        }
        if (!put(csv, byte, err)) {
            skip_line(csv);
            return FIELD_BAD;
        }
    }
}

/* Behind the opening quote. */
static enum field_end read_quoted(struct csv *csv, struct err *err) {
    enum field_end end;
    for (;;) {
        int byte = next(csv);
        if (byte == '\n' || byte == INPUT_END) {
            err_set(err, "a quote is not closed before the end of the line");
            return FIELD_BAD;
        }
        if (byte == '"' && input_peek(csv->input) != '"') {
            break;
        }
        if (byte == '"') {
            next(csv); /* doubled: stands for one */
        }
        if (!put(csv, byte, err)) {
            skip_line(csv);
            return FIELD_BAD;
        }
    }
    if (take_separator(csv, next(csv), &end)) {
        return end;
    }
    err_set(err, "text behind a closing quote");
    skip_line(csv);
    return FIELD_BAD;
}

/* Whether byte, which was taken, ends a field; a CR does with the LF behind it. */
static bool take_separator(struct csv *csv, int byte, enum field_end *end) {
    if (byte == ',') {
        *end = FIELD_COMMA;
        return true;
    }
    if (byte == '\r' && input_peek(csv->input) == '\n') {
        byte = next(csv);
    }
    *end = FIELD_LINE_END;
    return byte == '\n' || byte == INPUT_END;
}

static int next(struct csv *csv) {
    int byte = input_next(csv->input);
    csv->line += byte == '\n';
    return byte;
}

static bool put(struct csv *csv, int byte, struct err *err) {
    if (csv->size == sizeof csv->text) {
        return err_set(err, "longer than %d bytes", CSV_RECORD_BYTES_MAX);
    }
    csv->text[csv->size++] = (char)byte;
    return true;
}

static void skip_line(struct csv *csv) {
    int byte;
    do {
        byte = next(csv);
    } while (byte != '\n' && byte != INPUT_END);
}
