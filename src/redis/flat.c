/*
 * flat.c - see flat.h.
 */
#include "flat.h"

#include <stdint.h>
#include <string.h>

enum {
    LENGTH_DIGITS_MAX = 4,                        /* of FLAT_STRING_BYTES_MAX */
    HEADER_BYTES_MAX = 1 + LENGTH_DIGITS_MAX + 2, /* type, number, CRLF */
    NIL_BYTES = sizeof("$-1\r\n") - 1,
};

/* The number of the header at at, with no sign and no leading zero but of zero itself; where its
 * line ends in *next. False for anything else, which a header that is cut off is, too. */
static inline bool read_number(const char *at, const char *end, size_t *number, const char **next) {
    if (end - at < HEADER_BYTES_MAX) {
        return false;
    }
    const char *c = at + 1;
    size_t value = 0;
    for (; *c >= '0' && *c <= '9' && c - at <= LENGTH_DIGITS_MAX; c++) {
        value = value * 10 + (size_t)(*c - '0');
    }
    *number = value;
    *next = c + 2;
    return c > at + 1 && (at[1] != '0' || c == at + 2) && c[0] == '\r' && c[1] == '\n';
}

void flat_init(struct flat *flat) {
    *flat = (struct flat){.reply = {.type = REDIS_REPLY_ARRAY, .element = flat->elements}};
    for (size_t i = 0; i < FLAT_ELEMENTS_MAX; i++) {
        flat->elements[i] = &flat->element[i];
    }
}

/* Where the string or nil at at ends; NULL when it is neither, or goes on beyond end. */
static inline const char *read_element(redisReply *element, const char *at, const char *end) {
    size_t size;
    const char *text;
    if (end - at >= NIL_BYTES && memcmp(at, "$-1\r\n", NIL_BYTES) == 0) {
        element->type = REDIS_REPLY_NIL;
        element->str = NULL;
        element->len = 0;
        return at + NIL_BYTES;
    }
    if (!read_number(at, end, &size, &text) || *at != '$' || (size_t)(end - text) < size + 2 ||
        text[size] != '\r' || text[size + 1] != '\n') {
        return NULL;
    }
    element->type = REDIS_REPLY_STRING;
    element->str = (char *)(uintptr_t)text; /* read only: nobody looks but reply.c */
    element->len = size;
    return text + size + 2;
}

size_t flat_read(struct flat *flat, struct slice input, struct flat_limits limits) {
    const char *end = input.data + input.size;
    const char *at;
    size_t count;
    size_t bytes = 0;
    if (!read_number(input.data, end, &count, &at) || *input.data != '*' || count == 0 ||
        count > FLAT_ELEMENTS_MAX || count > limits.elements_max) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        at = read_element(&flat->element[i], at, end);
        if (at == NULL) {
            return 0;
        }
        bytes += flat->element[i].len;
    }
    flat->reply.elements = count;
    return bytes <= limits.bytes_max ? (size_t)(at - input.data) : 0;
}
