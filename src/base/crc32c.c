/*
 * crc32c.c - CRC-32C in hardware where there is SSE 4.2, else bit by bit.
 *
 * The choice is made at every call by __builtin_cpu_supports(), which is one load: a build for
 * any x86-64 runs everywhere.
 */
#include "base/crc32c.h"

#include <string.h>

enum { REFLECTED_POLYNOMIAL = (int)0x82F63B78 };

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size) {
    const uint8_t *at = data;
    crc = ~crc;
    for (; size > 0; size--) {
        crc ^= *at++;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((uint32_t)REFLECTED_POLYNOMIAL & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data,
                                                               size_t size) {
    const uint8_t *at = data;
    uint64_t state = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        state = __builtin_ia32_crc32di(state, word);
    }
    for (; size > 0; size--) {
        state = __builtin_ia32_crc32qi((uint32_t)state, *at++);
    }
    return ~(uint32_t)state;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t size) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, data, size)
                                            : crc32c_portable(crc, data, size);
}

#else

uint32_t crc32c(uint32_t crc, const void *data, size_t size) {
    return crc32c_portable(crc, data, size);
}

#endif
