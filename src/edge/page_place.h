/*
 * page_place.h - where in an HTML document the next byte stands.
 *
 * What a value has to be escaped for depends on that. The states are those of the HTML tokenizer
 * (https://html.spec.whatwg.org/multipage/parsing.html#tokenization) that a template may come
 * through; whatever leads out of them, or would run code, is refused with a sentence. Comments are
 * for the caller to leave out.
 *
 * Threads   Pure functions.
 */
#ifndef EDGE_PAGE_PLACE_H
#define EDGE_PAGE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct err;

enum { PAGE_NAME_BYTES_MAX = 24, PAGE_PREFIX_BYTES_MAX = 8 };

enum page_state {
    PAGE_IN_TEXT,
    PAGE_IN_TITLE, /* or textarea: tags are text there, references are not */
    PAGE_IN_STYLE, /* nothing but its end is anything but text */
    PAGE_AT_TAG,   /* behind "<" */
    PAGE_IN_TAG_NAME,
    PAGE_IN_TAG, /* between attributes */
    PAGE_IN_ATTRIBUTE_NAME,
    PAGE_BEHIND_ATTRIBUTE_NAME,
    PAGE_BEFORE_ATTRIBUTE_VALUE,
    PAGE_IN_QUOTES,
    PAGE_BEHIND_QUOTES,
    PAGE_IN_DECLARATION, /* <!doctype html> */
};

/* Of an attribute whose value is in quotes. */
enum page_attribute {
    PAGE_ATTRIBUTE_PLAIN,
    PAGE_ATTRIBUTE_URL,
    PAGE_ATTRIBUTE_FIXED, /* no value may stand in it */
};

struct page_place {
    enum page_state state;
    enum page_attribute attribute;
    char quote;
    bool is_end_tag;
    bool has_value; /* a whole address was put at the beginning of this URL attribute */
    uint8_t name_size;
    uint8_t prefix_size;               /* of the URL attribute's own text */
    uint8_t end_size;                  /* how much of "</style" was seen */
    char name[PAGE_NAME_BYTES_MAX];    /* of the tag or attribute, in lower case; cut */
    char element[PAGE_NAME_BYTES_MAX]; /* the tag's; NUL-terminated */
    char prefix[PAGE_PREFIX_BYTES_MAX];
};

static inline struct page_place page_place_begin(void) {
    return (struct page_place){.state = PAGE_IN_TEXT};
}

/* The template's next byte. err says what is not allowed. */
bool page_place_take(struct page_place *place, char c, struct err *err);

/* Whether sections may begin and end here. */
bool page_place_is_free(const struct page_place *place);

/* Whether two places, both free, are the same for all that follows. */
bool page_place_equal(const struct page_place *a, const struct page_place *b);

/* At the template's end; false and err when it ends within a tag or a style. */
bool page_place_end(const struct page_place *place, struct err *err);

#endif
