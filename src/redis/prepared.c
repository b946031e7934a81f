/*
 * redis/prepared.c - see redis/prepared.h.
 */
#include "redis/prepared.h"

#include <string.h>

#include "base/buf.h"
#include "base/defs.h"

enum { KEY_REST_BYTES_MAX = 256, KEY_DIGITS_MAX = 3 };

static void append_word(struct buf *out, struct slice word) {
    buf_append(out, SLICE("\r\n$"));
    buf_append_u64(out, word.size);
    buf_append(out, SLICE("\r\n"));
    buf_append(out, word);
}

void redis_prepare(struct redis_prepared *prepared, struct slice name, struct slice key_prefix,
                   const struct slice *after, size_t after_count) {
    size_t room = sizeof(prepared->bytes) - KEY_REST_BYTES_MAX - KEY_DIGITS_MAX;
    struct buf out = buf_over(prepared->bytes, room);
    buf_append_char(&out, '*');
    buf_append_u64(&out, 2 + after_count);
    append_word(&out, name);
    buf_append(&out, SLICE("\r\n$"));
    prepared->start_size = (uint16_t)out.size;
    buf_append(&out, SLICE("\r\n"));
    buf_append(&out, key_prefix);
    prepared->prefix_size = (uint16_t)key_prefix.size;
    for (size_t i = 0; i < after_count; i++) {
        append_word(&out, after[i]);
    }
    buf_append(&out, SLICE("\r\n"));
    ENSURE(!out.overflowed && key_prefix.size + KEY_REST_BYTES_MAX <= 999);
    prepared->tail_size = (uint16_t)(out.size - prepared->start_size - 2 - prepared->prefix_size);
}

size_t redis_prepared_encode(const struct redis_prepared *prepared, struct slice key_rest,
                             char out[REDIS_PREPARED_BYTES_MAX]) {
    ENSURE(key_rest.size <= KEY_REST_BYTES_MAX);
    size_t key_size = prepared->prefix_size + key_rest.size;
    const char *from = prepared->bytes;
    char *at = out;
    memcpy(at, from, prepared->start_size);
    at += prepared->start_size;
    from += prepared->start_size;
    if (key_size >= 100) {
        *at++ = (char)('0' + key_size / 100);
    }
    if (key_size >= 10) {
        *at++ = (char)('0' + key_size / 10 % 10);
    }
    *at++ = (char)('0' + key_size % 10);
    memcpy(at, from, 2u + prepared->prefix_size);
    at += 2 + prepared->prefix_size;
    from += 2 + prepared->prefix_size;
    memcpy(at, key_rest.data, key_rest.size);
    at += key_rest.size;
    memcpy(at, from, prepared->tail_size);
    return (size_t)(at - out) + prepared->tail_size;
}
