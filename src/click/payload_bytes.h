/*
 * payload_bytes.h - what the payloads of clicks and conversions are made of: numbers in
 * little-endian order, and texts of a byte of size and that many bytes.
 *
 * Threads   Pure functions.
 */
#ifndef CLICK_PAYLOAD_BYTES_H
#define CLICK_PAYLOAD_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

static inline uint64_t payload_u64(const uint8_t *from, size_t offset) {
    uint64_t number;
    memcpy(&number, from + offset, sizeof(number));
    return le64toh(number);
}

/* Reads count texts, borrowed, which must end where rest does; else false. */
static inline bool payload_take_texts(struct slice rest, size_t count, struct slice *texts) {
    for (size_t i = 0; i < count; i++) {
        if (rest.size == 0) {
            return false;
        }
        size_t size = (uint8_t)rest.data[0];
        if (size > rest.size - 1) {
            return false;
        }
        texts[i] = slice_make(rest.data + 1, size);
        rest = slice_make(rest.data + 1 + size, rest.size - 1 - size);
    }
    return rest.size == 0;
}

#endif
