/*
 * show.c - printing what a hash in Redis holds.
 *
 * Threads   The main thread: stdout.
 * Limits    A value is cut at VALUE_BYTES_MAX in text, never in JSON.
 */
#include "show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/defs.h"

enum {
    VALUE_BYTES_MAX = 4096,
    JSON_BYTES_MAX = 16 * 1024 * 1024,
    NAME_WIDTH = 15,
    COLUMN_WIDTH = 20,
    UNIX_SECONDS_MAX = 253402300799, /* the end of 9999: what RFC 3339 can write */
};

static void print_value(const char *name, struct slice value);
static void print_padded(struct slice value, int width);
static struct slice printable(struct slice value, char storage[VALUE_BYTES_MAX]);
static void write_member(const char *name, struct slice value, struct buf *out);
static bool read_time(const char *name, struct slice value, uint64_t *seconds);

void show_text(const struct show_object *object) {
    print_padded(slice_of(object->id_name), NAME_WIDTH);
    print_padded(object->id, 0);
    putchar('\n');
    for (size_t i = 0; i < object->count; i++) {
        if (object->values[i].data != NULL) {
            print_padded(slice_of(object->names[i]), NAME_WIDTH);
            print_value(object->names[i], object->values[i]);
            putchar('\n');
        }
    }
}

void show_json(const struct show_object *object) {
    struct buf out;
    buf_init(&out, JSON_BYTES_MAX);
    buf_printf(&out, "{\"%s\":\"", object->id_name);
    buf_append_json(&out, object->id);
    buf_append_char(&out, '"');
    for (size_t i = 0; i < object->count; i++) {
        if (object->values[i].data != NULL) {
            write_member(object->names[i], object->values[i], &out);
        }
    }
    buf_append(&out, SLICE("}\n"));
    fwrite(out.data, 1, out.size, stdout);
    buf_fini(&out);
}

void show_row(const struct show_object *object, const size_t *columns, size_t column_count) {
    print_padded(object->id, COLUMN_WIDTH);
    for (size_t i = 0; i < column_count; i++) {
        struct slice value = object->values[columns[i]];
        print_padded(value.size > 0 ? value : SLICE("-"), i + 1 < column_count ? COLUMN_WIDTH : 0);
    }
    putchar('\n');
}

void show_row_header(const struct show_object *object, const size_t *columns, size_t column_count) {
    print_padded(slice_of(object->id_name), COLUMN_WIDTH);
    for (size_t i = 0; i < column_count; i++) {
        print_padded(slice_of(object->names[columns[i]]), i + 1 < column_count ? COLUMN_WIDTH : 0);
    }
    putchar('\n');
}

static void print_value(const char *name, struct slice value) {
    uint64_t seconds;
    if (read_time(name, value, &seconds)) {
        char text[CLOCK_RFC3339_BYTES];
        clock_rfc3339(seconds * 1000, text);
        printf("%s (%" PRIu64 ")", text, seconds);
        return;
    }
    print_padded(value, 0);
}

/* At least one space follows, whatever the value's size. */
static void print_padded(struct slice value, int width) {
    char storage[VALUE_BYTES_MAX];
    value = printable(value, storage);
    if (width == 0) {
        fwrite(value.data, 1, value.size, stdout);
        return;
    }
    printf("%-*.*s ", width, SLICE_ARG(value));
}

static struct slice printable(struct slice value, char storage[VALUE_BYTES_MAX]) {
    value = slice_first(value, VALUE_BYTES_MAX);
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        /* U+0080..9F, as UTF-8, are control characters to a terminal, too. */
        bool is_c1 = byte >= 0x80 && byte < 0xa0 && i > 0 && value.data[i - 1] == '\xc2';
        storage[i] = byte < ' ' || byte == 0x7f || is_c1 ? '?' : value.data[i];
    }
    return slice_make(storage, value.size);
}

static void write_member(const char *name, struct slice value, struct buf *out) {
    uint64_t seconds;
    if (read_time(name, value, &seconds)) {
        buf_printf(out, ",\"%s\":%" PRIu64, name, seconds);
        return;
    }
    buf_printf(out, ",\"%s\":\"", name);
    buf_append_json(out, value);
    buf_append_char(out, '"');
}

static bool read_time(const char *name, struct slice value, uint64_t *seconds) {
    size_t size = strlen(name);
    bool is_time = size > 3 && strcmp(name + size - 3, "_at") == 0;
    return is_time && slice_to_u64(value, UNIX_SECONDS_MAX, seconds);
}
