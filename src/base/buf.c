/*
 * buf.c - appending, plain and escaped.
 *
 * An escape writes into the buffer as it goes and takes everything back when the end does not
 * fit: callers see all or nothing.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST_BYTES = 256 };

void buf_init(struct buf *buf, size_t limit) {
    ENSURE(limit > 0);
    *buf = (struct buf){.limit = limit};
}

void buf_fini(struct buf *buf) {
    if (buf->limit > 0) {
        free(buf->data);
    }
    *buf = (struct buf){0};
}

bool buf_reserve(struct buf *buf, size_t extra) {
    if (buf->capacity - buf->size >= extra) {
        return true;
    }
    if (buf->limit == 0 || extra > buf->limit || buf->size > buf->limit - extra) {
        buf->overflowed = true;
        return false;
    }
    size_t wanted = buf->capacity > 0 ? buf->capacity : BUF_FIRST_BYTES;
    while (wanted < buf->size + extra) {
        wanted *= 2;
    }
    if (wanted > buf->limit) {
        wanted = buf->limit;
    }
    char *grown = realloc(buf->data, wanted);
    ENSURE(grown != NULL);
    buf->data = grown;
    buf->capacity = wanted;
    return true;
}

bool buf_append_u64(struct buf *buf, uint64_t value) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return buf_append_bytes(buf, digits + at, sizeof(digits) - at);
}

bool buf_printf(struct buf *buf, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    bool fits = size >= 0 && buf_reserve(buf, (size_t)size + 1);
    if (fits) {
        vsnprintf(buf->data + buf->size, (size_t)size + 1, format, again);
        buf->size += (size_t)size;
    }
    va_end(again);
    return fits;
}

/* RFC 3986 section 2.3. */
static bool is_unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Takes back what was written since start. */
static bool give_up(struct buf *buf, size_t start) {
    buf->size = start;
    return false;
}

bool buf_append_percent(struct buf *buf, struct slice s) {
    static const char hex[] = "0123456789ABCDEF";
    size_t start = buf->size;
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
        bool fits = is_unreserved(c) ? buf_append_char(buf, (char)c)
                                     : buf_append_bytes(buf, escaped, sizeof(escaped));
        if (!fits) {
            return give_up(buf, start);
        }
    }
    return true;
}

static bool append_json_char(struct buf *buf, unsigned char c) {
    switch (c) {
    case '"':
        return buf_append(buf, SLICE("\\\""));
    case '\\':
        return buf_append(buf, SLICE("\\\\"));
    case '\n':
        return buf_append(buf, SLICE("\\n"));
    case '\r':
        return buf_append(buf, SLICE("\\r"));
    case '\t':
        return buf_append(buf, SLICE("\\t"));
    default:
        return c < 0x20 || c == 0x7F ? buf_printf(buf, "\\u%04x", c)
                                     : buf_append_char(buf, (char)c);
    }
}

bool buf_append_json(struct buf *buf, struct slice s) {
    size_t start = buf->size;
    while (s.size > 0) {
        size_t size = slice_utf8_size(s);
        bool fits = size == 0   ? buf_append(buf, SLICE("\xEF\xBF\xBD"))
                    : size == 1 ? append_json_char(buf, (unsigned char)s.data[0])
                                : buf_append_bytes(buf, s.data, size);
        if (!fits) {
            return give_up(buf, start);
        }
        s = slice_from(s, size == 0 ? 1 : size);
    }
    return true;
}

static struct slice html_reference(char c) {
    switch (c) {
    case '&':
        return SLICE("&amp;");
    case '<':
        return SLICE("&lt;");
    case '>':
        return SLICE("&gt;");
    case '"':
        return SLICE("&quot;");
    case '\'':
        return SLICE("&#39;");
    default:
        return SLICE_EMPTY;
    }
}

bool buf_append_html(struct buf *buf, struct slice s) {
    size_t start = buf->size;
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F) {
            continue;
        }
        struct slice reference = html_reference((char)c);
        bool fits = reference.size > 0 ? buf_append(buf, reference) : buf_append_char(buf, (char)c);
        if (!fits) {
            return give_up(buf, start);
        }
    }
    return true;
}
