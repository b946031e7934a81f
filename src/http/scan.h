/*
 * scan.h - runs over bytes of one kind: what the parser spends its time on.
 *
 * Each scan_* gives the first byte of [at, end) that is not of its kind, or end. The bulk goes
 * sixteen bytes at a time, as a mask of the bytes that stop the run; a mask may stop too early (at
 * a byte that is rare but allowed), since the table decides the rest byte by byte.
 *
 * Contract   The SCAN_BLOCK bytes before `end` may be read, also where they lie before `at`. The
 *            last block is then one that ends at `end`, its mask shifted, instead of up to
 *            fifteen single bytes. Nothing is read at or beyond `end`.
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

enum { SCAN_BLOCK = 16 };

#ifdef __SSE2__

static inline __m128i scan_load(const char *at) {
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Marks in its highest bit each byte that is not in low..high; above 0x7f none is. Moved up so
 * that high becomes the largest signed number, and low taken off with saturation, the bytes of
 * the range alone are not negative. */
static inline __m128i scan_outside(__m128i bytes, char low, char high) {
    const char up = (char)(0x7f - high);
    return _mm_subs_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(up)), _mm_set1_epi8((char)(low + up)));
}

static inline __m128i scan_equal(__m128i bytes, char c) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

/* Setting bit 5 makes letters lower-case, and nothing else a letter. */
static inline __m128i scan_outside_letters(__m128i bytes) {
    return scan_outside(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
}

static inline unsigned scan_mask(__m128i marks) {
    return (unsigned)_mm_movemask_epi8(marks);
}

/* All but letters and '-': what names of fields are made of in practice. */
static inline unsigned scan_name_stops(const char *at) {
    __m128i bytes = scan_load(at);
    return scan_mask(_mm_andnot_si128(scan_equal(bytes, '-'), scan_outside_letters(bytes)));
}

/* All but SP and VCHAR. */
static inline unsigned scan_value_stops(const char *at) {
    return scan_mask(scan_outside(scan_load(at), ' ', '~'));
}

/* The same, and SP too where a value begins: in the first byte. */
static inline unsigned scan_value_begin_stops(const char *at) {
    const __m128i low =
        _mm_setr_epi8('!' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1,
                      ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1, ' ' + 1);
    return scan_mask(_mm_subs_epi8(_mm_add_epi8(scan_load(at), _mm_set1_epi8(1)), low));
}

/* All but VCHAR above '%', and '?' of these too. */
static inline unsigned scan_path_stops(const char *at) {
    __m128i bytes = scan_load(at);
    return scan_mask(_mm_or_si128(scan_outside(bytes, '&', '~'), scan_equal(bytes, '?')));
}

/* All but VCHAR above '#'. */
static inline unsigned scan_query_stops(const char *at) {
    return scan_mask(scan_outside(scan_load(at), '$', '~'));
}

/* All but letters, digits, '-' and '.'; '/' lies between '.' and '0'. */
static inline unsigned scan_label_stops(const char *at) {
    __m128i bytes = scan_load(at);
    __m128i outside = _mm_and_si128(scan_outside_letters(bytes), scan_outside(bytes, '-', '9'));
    return scan_mask(_mm_or_si128(outside, scan_equal(bytes, '/')));
}

#else

static inline unsigned scan_stops_of(const char *at, uint8_t class) {
    unsigned stops = 0;
    for (unsigned i = 0; i < SCAN_BLOCK; i++) {
        stops |= (scan_is(at[i], class) ? 0U : 1U) << i;
    }
    return stops;
}

static inline unsigned scan_name_stops(const char *at) {
    return scan_stops_of(at, HTTP_CLASS_TOKEN);
}

static inline unsigned scan_value_stops(const char *at) {
    return scan_stops_of(at, HTTP_CLASS_VALUE);
}

static inline unsigned scan_value_begin_stops(const char *at) {
    return scan_value_stops(at) | (scan_is_space(*at) ? 1U : 0U);
}

static inline unsigned scan_path_stops(const char *at) {
    return scan_stops_of(at, HTTP_CLASS_PATH);
}

static inline unsigned scan_query_stops(const char *at) {
    return scan_stops_of(at, HTTP_CLASS_QUERY);
}

static inline unsigned scan_label_stops(const char *at) {
    return scan_stops_of(at, HTTP_CLASS_LABEL);
}

#endif

/* Where the first stop is; the one behind the block when there is none. */
static inline size_t scan_first(unsigned stops) {
    return (size_t)(unsigned)__builtin_ctz(stops | 1U << SCAN_BLOCK);
}

/* The body of a scan: `stops` is one of the masks above, `usual_end` the byte that usually follows,
 * which is never one of the class. */
#define SCAN_RUN(at, end, stops, class, usual_end)                                                 \
    unsigned found;                                                                                \
    for (;; (at) += SCAN_BLOCK) {                                                                  \
        size_t left = (size_t)((end) - (at));                                                      \
        if (UNLIKELY(left < SCAN_BLOCK)) {                                                         \
            found = stops((end)-SCAN_BLOCK) >> (SCAN_BLOCK - left);                                \
            if (found == 0) {                                                                      \
                return (end);                                                                      \
            }                                                                                      \
            break;                                                                                 \
        }                                                                                          \
        found = stops(at);                                                                         \
        if (found != 0) {                                                                          \
            break;                                                                                 \
        }                                                                                          \
    }                                                                                              \
    (at) += (unsigned)__builtin_ctz(found);                                                        \
    return LIKELY(*(at) == (usual_end)) ? (at) : scan_class(at, end, class);

static inline const char *scan_name(const char *at, const char *end) {
    SCAN_RUN(at, end, scan_name_stops, HTTP_CLASS_TOKEN, ':')
}

static inline const char *scan_value(const char *at, const char *end) {
    SCAN_RUN(at, end, scan_value_stops, HTTP_CLASS_VALUE, '\r')
}

static inline const char *scan_path(const char *at, const char *end) {
    SCAN_RUN(at, end, scan_path_stops, HTTP_CLASS_PATH, ' ')
}

static inline const char *scan_query(const char *at, const char *end) {
    SCAN_RUN(at, end, scan_query_stops, HTTP_CLASS_QUERY, ' ')
}

static inline const char *scan_label(const char *at, const char *end) {
    SCAN_RUN(at, end, scan_label_stops, HTTP_CLASS_LABEL, '/')
}

#endif
