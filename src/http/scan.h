/*
 * scan.h - runs over bytes of one kind: what the parser spends its time on.
 *
 * Each scan_* gives the first byte of [at, end) that is not of its kind, or end. With SSE2 the
 * bulk goes sixteen bytes at a time; that loop may stop too early (at a byte that is rare but
 * allowed), since the table decides the rest byte by byte. Nothing is read at or beyond end.
 */
#ifndef HTTP_SCAN_H
#define HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/defs.h"

/* The bits of http_classes. */
enum {
    HTTP_CLASS_TOKEN = 1,   /* tchar, RFC 9110 section 5.6.2 */
    HTTP_CLASS_VALUE = 2,   /* VCHAR, SP, HTAB and obs-text, RFC 9110 section 5.5 */
    HTTP_CLASS_VISIBLE = 4, /* VCHAR: any request target */
    HTTP_CLASS_PATH = 8,    /* VCHAR but for % ? # */
    HTTP_CLASS_QUERY = 16,  /* VCHAR but for # */
    HTTP_CLASS_HOST = 32,   /* unreserved and sub-delims, RFC 3986 section 2.2 and 2.3 */
    HTTP_CLASS_HEX = 64,
    HTTP_CLASS_LABEL = 128, /* letters, digits, '-' and '.' */
};

extern const uint8_t http_classes[256];

static inline bool scan_is(char c, uint8_t classes) {
    return (http_classes[(unsigned char)c] & classes) != 0;
}

static inline bool scan_is_space(char c) {
    return c == ' ' || c == '\t';
}

static inline bool scan_is_digit(char c) {
    return c >= '0' && c <= '9';
}

static inline const char *scan_class(const char *at, const char *end, uint8_t class) {
    while (at < end && scan_is(*at, class)) {
        at++;
    }
    return at;
}

#ifdef __SSE2__

enum { SCAN_BLOCK = 16, SCAN_ALL = 0xffff };

static inline __m128i scan_load(const char *at) {
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Marks the bytes from low to 0x7e: one signed comparison, since adding one makes 0x7f and
 * whatever is above it negative. */
static inline __m128i scan_from(__m128i bytes, char low) {
    return _mm_cmpgt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(1)), _mm_set1_epi8(low));
}

static inline __m128i scan_without(__m128i marks, __m128i bytes, char c) {
    return _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)), marks);
}

/* Letters and '-': what names of fields are made of in practice. Setting bit 5 makes letters
 * lower-case; 'z' is then moved to the top of the signed range, so that one comparison with
 * what 'a' became finds them all. */
static inline __m128i scan_name_marks(__m128i bytes) {
    __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    __m128i moved = _mm_add_epi8(lower, _mm_set1_epi8(0x7f - 'z'));
    __m128i letters = _mm_cmpgt_epi8(moved, _mm_set1_epi8(0x7f - 'z' + 'a' - 1));
    return _mm_or_si128(letters, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
}

/* Goes over whole blocks as long as all of their bytes are marked; `bytes` names the block. Returns
 * when they end with the byte that usually follows, which is never one of the kind. */
#define SCAN_BLOCKS(at, end, marks, usual_end)                                                     \
    while ((end) - (at) >= SCAN_BLOCK) {                                                           \
        __m128i bytes = scan_load(at);                                                             \
        unsigned unmarked = ~(unsigned)_mm_movemask_epi8(marks) & SCAN_ALL;                        \
        if (unmarked == 0) {                                                                       \
            (at) += SCAN_BLOCK;                                                                    \
            continue;                                                                              \
        }                                                                                          \
        (at) += __builtin_ctz(unmarked);                                                           \
        if (LIKELY(*(at) == (usual_end))) {                                                        \
            return (at);                                                                           \
        }                                                                                          \
        break;                                                                                     \
    }

#else
#define SCAN_BLOCKS(at, end, marks, usual_end)
#endif

static inline const char *scan_name(const char *at, const char *end) {
    SCAN_BLOCKS(at, end, scan_name_marks(bytes), ':')
    return scan_class(at, end, HTTP_CLASS_TOKEN);
}

static inline const char *scan_value(const char *at, const char *end) {
    SCAN_BLOCKS(at, end, scan_from(bytes, ' '), '\r')
    return scan_class(at, end, HTTP_CLASS_VALUE);
}

static inline const char *scan_visible(const char *at, const char *end) {
    SCAN_BLOCKS(at, end, scan_from(bytes, '!'), ' ')
    return scan_class(at, end, HTTP_CLASS_VISIBLE);
}

static inline const char *scan_query(const char *at, const char *end) {
    SCAN_BLOCKS(at, end, scan_without(scan_from(bytes, '!'), bytes, '#'), ' ')
    return scan_class(at, end, HTTP_CLASS_QUERY);
}

/* Paths are short: a block seldom pays. */
static inline const char *scan_path(const char *at, const char *end) {
    return scan_class(at, end, HTTP_CLASS_PATH);
}

#endif
