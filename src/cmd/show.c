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

#include "base/buf.h"
#include "base/clock.h"
#include "base/defs.h"
#include "link/rules.h"

enum {
    VALUE_BYTES_MAX = 4096,
    NAME_WIDTH = 20,
    COLUMN_WIDTH = 20,
};

static void print_value(const char *name, struct slice value);
static void print_rules(struct slice value);
static size_t object_size(struct slice text);
static void print_padded(struct slice value, int width);
static struct slice printable(struct slice value, char storage[VALUE_BYTES_MAX]);

void show_text(const struct record_view *object) {
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

void show_json(const struct record_view *object) {
    struct buf out;
    buf_init(&out, RECORD_JSON_BYTES_MAX + 1);
    record_json(object, &out);
    buf_append_char(&out, '\n');
    fwrite(out.data, 1, out.size, stdout);
    buf_fini(&out);
}

void show_row(const struct record_view *object, const size_t *columns, size_t column_count) {
    print_padded(object->id, COLUMN_WIDTH);
    for (size_t i = 0; i < column_count; i++) {
        struct slice value = object->values[columns[i]];
        print_padded(value.size > 0 ? value : SLICE("-"), i + 1 < column_count ? COLUMN_WIDTH : 0);
    }
    putchar('\n');
}

void show_row_header(const struct record_view *object, const size_t *columns, size_t column_count) {
    print_padded(slice_of(object->id_name), COLUMN_WIDTH);
    for (size_t i = 0; i < column_count; i++) {
        print_padded(slice_of(object->names[columns[i]]), i + 1 < column_count ? COLUMN_WIDTH : 0);
    }
    putchar('\n');
}

void show_clean(struct slice text) {
    print_padded(text, 0);
}

static void print_value(const char *name, struct slice value) {
    uint64_t seconds;
    if (record_read_time(name, value, &seconds)) {
        char text[CLOCK_RFC3339_BYTES];
        clock_rfc3339(seconds * 1000, text);
        printf("%s (%" PRIu64 ")", text, seconds);
        return;
    }
    if (!record_is_json(name)) {
        print_padded(value, 0);
        return;
    }
    print_rules(value);
}

/* One a line; as it is when they make no sense. */
static void print_rules(struct slice value) {
    static const struct rules_terms any = {.schemes = {"*", 1}};
    struct buf text;
    buf_init(&text, RULES_BYTES_MAX);
    if (!rules_normalize(value, &any, &text, NULL)) {
        print_padded(value, 0);
    }
    struct slice rest = slice_from(buf_slice(&text), 1);
    for (size_t size = object_size(rest); size > 0; size = object_size(rest)) {
        print_padded(slice_first(rest, size), 0);
        rest = slice_from(rest, size + 1); /* behind the comma, or the last bracket */
        if (rest.size > 0) {
            printf("\n%-*s ", NAME_WIDTH, "");
        }
    }
    buf_fini(&text);
}

/* Of the JSON object at the front; 0: there is none. */
static size_t object_size(struct slice text) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        } else if (depth == 0) {
            break;
        }
    }
    return 0;
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
