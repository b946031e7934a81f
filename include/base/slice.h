/*
 * base/slice.h - a borrowed run of bytes.
 *
 * Nothing is copied and nothing is owned: a slice is valid as long as what it points into.
 * A slice parameter is borrowed for the call; whoever keeps it longer says so. Bytes may be
 * any, NUL included; data may be NULL only where size is 0.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data;
    size_t size;
};

/* A slice of a string literal, its NUL left out. */
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_EMPTY    ((struct slice){NULL, 0})

/* For printf's %.*s; a log line or message is bounded anyway. */
#define SLICE_ARG(s) (int)(s).size, ((s).data ? (s).data : "")

static inline struct slice slice_of(const char *text) {
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline struct slice slice_make(const char *data, size_t size) {
    return (struct slice){data, size};
}

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Of an ASCII letter; any other byte stays. */
static inline char slice_lower_char(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ASCII only, as HTTP field names and schemes are compared; a NUL is a byte like any other. */
static inline bool slice_equal_nocase(struct slice a, struct slice b) {
    size_t i = 0;
    while (a.size == b.size && i < a.size &&
           slice_lower_char(a.data[i]) == slice_lower_char(b.data[i])) {
        i++;
    }
    return a.size == b.size && i == a.size;
}

static inline bool slice_starts_with(struct slice s, struct slice prefix) {
    return s.size >= prefix.size &&
           (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

static inline struct slice slice_from(struct slice s, size_t offset) {
    return offset >= s.size ? SLICE_EMPTY : slice_make(s.data + offset, s.size - offset);
}

static inline struct slice slice_first(struct slice s, size_t count) {
    return slice_make(s.data, count < s.size ? count : s.size);
}

struct slice_word {
    char bytes[16];
};

/* Copies s to where there is room for it and returns the byte behind. The texts of a tap are
 * shorter than a call of memcpy() is long: two words that overlap are written instead, and of
 * longer ones 32 bytes a turn. (Not memcpy(), which the compiler, told that it is not for little,
 * makes a `rep movs` of, and that takes 30 cycles to begin.) */
static inline char *slice_put(char *to, struct slice s) {
    const char *from = s.data;
    size_t size = s.size;
    struct slice_word a, b;
    if (size < 8) {
        if (size >= 4) {
            memcpy(&a, from, 4);
            memcpy(&b, from + size - 4, 4);
            memcpy(to, &a, 4);
            memcpy(to + size - 4, &b, 4);
        } else if (size > 0) {
            to[0] = from[0];
            to[size / 2] = from[size / 2];
            to[size - 1] = from[size - 1];
        }
    } else if (size <= 16) {
        memcpy(&a, from, 8);
        memcpy(&b, from + size - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + size - 8, &b, 8);
    } else {
        for (size_t at = 0; at + 32 < size; at += 32) {
            memcpy(&a, from + at, 16);
            memcpy(&b, from + at + 16, 16);
            memcpy(to + at, &a, 16);
            memcpy(to + at + 16, &b, 16);
        }
        size_t tail = size < 32 ? 0 : size - 32;
        memcpy(&a, from + tail, 16);
        memcpy(&b, from + size - 16, 16);
        memcpy(to + tail, &a, 16);
        memcpy(to + size - 16, &b, 16);
    }
    return to + size;
}

/* Without spaces and tabs at either end (OWS of RFC 9110 section 5.6.3). */
struct slice slice_trim(struct slice s);

/* Cuts what stands before the separator off the front of *rest and returns it; the whole of
 * *rest, which is then empty, when the separator is not there. */
struct slice slice_split(struct slice *rest, char separator);

/* Where needle begins, or SIZE_MAX. The second ignores the case of ASCII letters. */
size_t slice_find(struct slice s, struct slice needle);
size_t slice_find_nocase(struct slice s, struct slice needle);

/* Decimal digits only, no sign, no space; false when empty, malformed or over max. */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *value);

/* The size of the well-formed UTF-8 sequence (RFC 3629) at the front of s, which is not empty; 0
 * when there is none. */
size_t slice_utf8_size(struct slice s);

#endif
