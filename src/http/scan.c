/*
 * scan.c - the table of character classes.
 *
 * Written as the grammar says it and computed by the compiler, so that nobody has to check 256
 * numbers by eye.
 */
#include "scan.h"

#define BETWEEN(c, low, high) ((c) >= (low) && (c) <= (high))

#define IS_ALNUM(c) (BETWEEN(c, '0', '9') || BETWEEN(c, 'A', 'Z') || BETWEEN(c, 'a', 'z'))
#define IS_HEX(c)   (BETWEEN(c, '0', '9') || BETWEEN(c, 'A', 'F') || BETWEEN(c, 'a', 'f'))

/* tchar, RFC 9110 section 5.6.2 */
#define IS_TOKEN(c)                                                                                \
    (IS_ALNUM(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || (c) == '&' ||          \
     (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' || (c) == '^' ||          \
     (c) == '_' || (c) == '`' || (c) == '|' || (c) == '~')

/* VCHAR, RFC 5234 appendix B.1 */
#define IS_VISIBLE(c) BETWEEN(c, 0x21, 0x7e)

/* field-vchar, SP and HTAB, RFC 9110 section 5.5 */
#define IS_VALUE(c) (IS_VISIBLE(c) || (c) == ' ' || (c) == '\t' || (c) >= 0x80)

/* unreserved and sub-delims, RFC 3986 sections 2.2 and 2.3 */
#define IS_HOST(c)                                                                                 \
    (IS_ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~' || (c) == '!' ||          \
     (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '(' || (c) == ')' || (c) == '*' ||          \
     (c) == '+' || (c) == ',' || (c) == ';' || (c) == '=')

#define CLASSES_OF(c)                                                                              \
    ((IS_TOKEN(c) ? HTTP_CLASS_TOKEN : 0) | (IS_VALUE(c) ? HTTP_CLASS_VALUE : 0) |                 \
     (IS_VISIBLE(c) ? HTTP_CLASS_VISIBLE : 0) |                                                    \
     (IS_VISIBLE(c) && (c) != '%' && (c) != '?' && (c) != '#' ? HTTP_CLASS_PATH : 0) |             \
     (IS_VISIBLE(c) && (c) != '#' ? HTTP_CLASS_QUERY : 0) | (IS_HOST(c) ? HTTP_CLASS_HOST : 0) |   \
     (IS_HEX(c) ? HTTP_CLASS_HEX : 0) |                                                            \
     (IS_ALNUM(c) || (c) == '-' || (c) == '.' ? HTTP_CLASS_LABEL : 0))

#define FOUR(c)    CLASSES_OF(c), CLASSES_OF((c) + 1), CLASSES_OF((c) + 2), CLASSES_OF((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
#define QUARTER(c) SIXTEEN(c), SIXTEEN((c) + 16), SIXTEEN((c) + 32), SIXTEEN((c) + 48)

const uint8_t http_classes[256] = {QUARTER(0), QUARTER(64), QUARTER(128), QUARTER(192)};
