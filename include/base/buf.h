/*
 * base/buf.h - bytes being written: into a given block, or into one that grows.
 *
 * Appending never fails half-way: what does not fit is left out whole, and the buffer says
 * so by `overflowed` until it is cleared. A buffer over fixed storage never allocates, which
 * is why the hop uses nothing else; a growing one doubles up to its limit.
 *
 * Threads   One owner at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct buf {
    char *data;
    size_t size;
    size_t capacity;
    size_t limit; /* a growing buffer's upper bound; 0: fixed storage */
    bool overflowed;
};

/* Over storage of the caller's, which must outlive the buffer. */
static inline struct buf buf_over(char *storage, size_t capacity) {
    return (struct buf){.data = storage, .capacity = capacity};
}

/* Grows on the heap up to limit bytes; buf_fini() frees it. */
void buf_init(struct buf *buf, size_t limit);
void buf_fini(struct buf *buf);

static inline void buf_clear(struct buf *buf) {
    buf->size = 0;
    buf->overflowed = false;
}

static inline struct slice buf_slice(const struct buf *buf) {
    return slice_make(buf->data, buf->size);
}

/* Makes room for extra bytes more; false, and overflowed, when the limit forbids it. */
bool buf_reserve(struct buf *buf, size_t extra);

static inline bool buf_append_bytes(struct buf *buf, const void *data, size_t size) {
    if (UNLIKELY(buf->capacity - buf->size < size) && !buf_reserve(buf, size)) {
        return false;
    }
    if (size > 0) {
        memcpy(buf->data + buf->size, data, size);
    }
    buf->size += size;
    return true;
}

static inline bool buf_append(struct buf *buf, struct slice s) {
    return buf_append_bytes(buf, s.data, s.size);
}

static inline bool buf_append_char(struct buf *buf, char c) {
    return buf_append_bytes(buf, &c, 1);
}

/* Decimal. */
bool buf_append_u64(struct buf *buf, uint64_t value);

/* Needs room for one byte more than it writes, the NUL that printf ends with. */
bool buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3. */
bool buf_append_percent(struct buf *buf, struct slice s);

/* The inside of a JSON string (RFC 8259 section 7): quotes, backslashes and control bytes
 * escaped, bytes that are not UTF-8 replaced by U+FFFD. The quotes are the caller's. */
bool buf_append_json(struct buf *buf, struct slice s);

/* For HTML text and quoted attribute values: & < > " ' as character references; control
 * bytes other than tab and line feed are left out. */
bool buf_append_html(struct buf *buf, struct slice s);

#endif
