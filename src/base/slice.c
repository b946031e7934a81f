/*
 * slice.c - looking into borrowed bytes.
 */
#include "base/slice.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s) {
    while (s.size > 0 && is_blank(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size > 0 && is_blank(s.data[s.size - 1])) {
        s.size--;
    }
    return s;
}

struct slice slice_split(struct slice *rest, char separator) {
    const char *found = rest->size > 0 ? memchr(rest->data, separator, rest->size) : NULL;
    if (found == NULL) {
        struct slice whole = *rest;
        *rest = SLICE_EMPTY;
        return whole;
    }
    struct slice head = slice_make(rest->data, (size_t)(found - rest->data));
    *rest = slice_from(*rest, head.size + 1);
    return head;
}

size_t slice_find(struct slice s, struct slice needle) {
    if (needle.size == 0) {
        return 0;
    }
    const char *found =
        s.size >= needle.size ? memmem(s.data, s.size, needle.data, needle.size) : NULL;
    return found == NULL ? SIZE_MAX : (size_t)(found - s.data);
}

size_t slice_find_nocase(struct slice s, struct slice needle) {
    for (size_t i = 0; i + needle.size <= s.size; i++) {
        if (needle.size == 0 || slice_equal_nocase(slice_make(s.data + i, needle.size), needle)) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool slice_to_u64(struct slice s, uint64_t max, uint64_t *value) {
    uint64_t result = 0;
    if (s.size == 0 || s.size > 20) {
        return false;
    }
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (result > (UINT64_MAX - digit) / 10) {
            return false;
        }
        result = result * 10 + digit;
    }
    if (result > max) {
        return false;
    }
    *value = result;
    return true;
}

size_t slice_utf8_size(struct slice s) {
    const unsigned char *b = (const unsigned char *)s.data;
    if (b[0] < 0x80) {
        return 1;
    }
    size_t size = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (b[0] < 0xC2 || b[0] > 0xF4 || s.size < size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((b[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (b[0] == 0xE0 && b[1] < 0xA0) || (b[0] == 0xF0 && b[1] < 0x90);
    bool is_surrogate = b[0] == 0xED && b[1] >= 0xA0;
    bool is_too_high = b[0] == 0xF4 && b[1] >= 0x90;
    return is_overlong || is_surrogate || is_too_high ? 0 : size;
}
