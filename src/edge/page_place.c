/*
 * page_place.c - a byte at a time through a template.
 */
#include "page_place.h"

#include <stdio.h>

#include "base/defs.h"
#include "base/err.h"

static bool end_tag_name(struct page_place *place, struct err *err);
static bool end_attribute_name(struct page_place *place, struct err *err);
static bool take_in_tag(struct page_place *place, char c, struct err *err);
static bool take_before_value(struct page_place *place, char c, struct err *err);
static bool take_in_quotes(struct page_place *place, char c);
static void end_tag(struct page_place *place);

static bool is_letter(char c) {
    char lower = slice_lower_char(c);
    return lower >= 'a' && lower <= 'z';
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\f';
}

static struct slice name_of(const struct page_place *place) {
    return slice_make(place->name, place->name_size);
}

static void begin_name(struct page_place *place, enum page_state state) {
    place->state = state;
    place->name_size = 0;
}

/* A name that is cut is none of those that matter. */
static void add_to_name(struct page_place *place, char c) {
    if (place->name_size < PAGE_NAME_BYTES_MAX) {
        place->name[place->name_size++] = slice_lower_char(c);
    }
}

static bool is_one_of(struct slice name, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(name, slice_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool take_at_tag(struct page_place *place, char c, struct err *err) {
    if (is_letter(c)) {
        begin_name(place, PAGE_IN_TAG_NAME);
        add_to_name(place, c);
    } else if (c == '/' && !place->is_end_tag) {
        place->is_end_tag = true;
    } else if (c == '!' && !place->is_end_tag) {
        place->state = PAGE_IN_DECLARATION;
    } else {
        return err_set(err, "'<' that begins no tag; write &lt; where it is text");
    }
    return true;
}

/* In <title> and <style> only their own end tag is one: "</" and the name, then a space, a slash or
 * ">". The byte that ends the name is looked at as one within the tag. */
static bool take_raw(struct page_place *place, char c, struct err *err) {
    char end[PAGE_NAME_BYTES_MAX + 3];
    int size = snprintf(end, sizeof(end), "</%s", place->element);
    if (place->end_size == size) {
        if (is_space(c) || c == '/' || c == '>') {
            place->end_size = 0;
            place->is_end_tag = true;
            place->state = PAGE_IN_TAG;
            return take_in_tag(place, c, err);
        }
        place->end_size = 0;
    }
    if (slice_lower_char(c) == end[place->end_size]) {
        place->end_size++;
    } else {
        place->end_size = c == '<' ? 1 : 0;
    }
    return true;
}

bool page_place_take(struct page_place *place, char c, struct err *err) {
    switch (place->state) {
    case PAGE_IN_TEXT:
        if (c == '<') {
            place->state = PAGE_AT_TAG;
            place->is_end_tag = false;
        }
        return true;
    case PAGE_IN_TITLE:
    case PAGE_IN_STYLE:
        return take_raw(place, c, err);
    case PAGE_AT_TAG:
        return take_at_tag(place, c, err);
    case PAGE_IN_TAG_NAME:
        if (!is_space(c) && c != '/' && c != '>') {
            add_to_name(place, c);
            return true;
        }
        return end_tag_name(place, err) && take_in_tag(place, c, err);
    case PAGE_IN_TAG:
    case PAGE_IN_ATTRIBUTE_NAME:
    case PAGE_BEHIND_ATTRIBUTE_NAME:
        return take_in_tag(place, c, err);
    case PAGE_BEFORE_ATTRIBUTE_VALUE:
        return take_before_value(place, c, err);
    case PAGE_IN_QUOTES:
        return take_in_quotes(place, c);
    case PAGE_BEHIND_QUOTES:
        if (!is_space(c) && c != '/' && c != '>') {
            return err_set(err, "an attribute that follows the one before without a space");
        }
        place->state = PAGE_IN_TAG;
        return take_in_tag(place, c, err);
    case PAGE_IN_DECLARATION:
        if (c == '>') {
            place->state = PAGE_IN_TEXT;
        }
        return true;
    }
    return true;
}

/* Elements that run code, load documents, change what addresses mean, or whose content is read
 * in another way than this file does. */
static bool end_tag_name(struct page_place *place, struct err *err) {
    static const char *const refused[] = {
        "base",   "embed",    "frame",    "frameset",  "iframe", "math",     "noembed",
        "object", "noframes", "noscript", "plaintext", "script", "template", "xmp"};
    struct slice name = name_of(place);
    if (is_one_of(name, refused, ARRAY_COUNT(refused))) {
        return err_set(err, "<%.*s>: pages have no scripts, frames, objects or <base>",
                       SLICE_ARG(name));
    }
    if (!place->is_end_tag) {
        snprintf(place->element, sizeof(place->element), "%.*s", SLICE_ARG(name));
    }
    place->state = PAGE_IN_TAG;
    return true;
}

static bool take_in_tag(struct page_place *place, char c, struct err *err) {
    bool is_in_name = place->state == PAGE_IN_ATTRIBUTE_NAME;
    if (is_in_name && !is_space(c) && c != '/' && c != '>' && c != '=') {
        add_to_name(place, c);
        return true;
    }
    if (is_in_name && !end_attribute_name(place, err)) {
        return false;
    }
    if (c == '>') {
        end_tag(place);
    } else if (c == '/') {
        place->state = PAGE_IN_TAG;
    } else if (c == '=') {
        if (place->state == PAGE_IN_TAG) {
            return err_set(err, "'=' without an attribute before it");
        }
        place->state = PAGE_BEFORE_ATTRIBUTE_VALUE;
    } else if (!is_space(c)) {
        if (c == '"' || c == '\'' || c == '<') {
            return err_set(err, "%c within a tag, where an attribute's name is expected", c);
        }
        begin_name(place, PAGE_IN_ATTRIBUTE_NAME);
        add_to_name(place, c);
    }
    return true;
}

/* What an attribute's value is to the browser. */
static bool end_attribute_name(struct page_place *place, struct err *err) {
    static const char *const addresses[] = {"action",     "background", "cite",       "data",
                                            "href",       "poster",     "formaction", "manifest",
                                            "xlink:href", "src"};
    static const char *const fixed[] = {"imagesrcset", "ping", "srcset", "attributename",
                                        "values",      "to",   "from",   "by"};
    struct slice name = name_of(place);
    if (slice_equal(name, SLICE("style")) || slice_equal(name, SLICE("srcdoc")) ||
        slice_equal(name, SLICE("http-equiv")) || slice_starts_with(name, SLICE("on"))) {
        return err_set(err,
                       "the attribute %.*s: no scripts, styles or response fields in attributes; "
                       "styles stand in <style>",
                       SLICE_ARG(name));
    }
    place->attribute = is_one_of(name, addresses, ARRAY_COUNT(addresses)) ? PAGE_ATTRIBUTE_URL
                       : is_one_of(name, fixed, ARRAY_COUNT(fixed))       ? PAGE_ATTRIBUTE_FIXED
                                                                          : PAGE_ATTRIBUTE_PLAIN;
    place->state = PAGE_BEHIND_ATTRIBUTE_NAME;
    return true;
}

static bool take_before_value(struct page_place *place, char c, struct err *err) {
    if (is_space(c)) {
        return true;
    }
    if (c != '"' && c != '\'') {
        return err_set(err, "an attribute's value without quotes around it");
    }
    place->state = PAGE_IN_QUOTES;
    place->quote = c;
    place->prefix_size = 0;
    place->has_value = false;
    return true;
}

static bool take_in_quotes(struct page_place *place, char c) {
    if (c == place->quote) {
        place->state = PAGE_BEHIND_QUOTES;
    } else if (place->attribute == PAGE_ATTRIBUTE_URL &&
               place->prefix_size < PAGE_PREFIX_BYTES_MAX) {
        place->prefix[place->prefix_size++] = slice_lower_char(c);
    }
    return true;
}

static void end_tag(struct page_place *place) {
    struct slice element = slice_of(place->element);
    bool is_title = slice_equal(element, SLICE("title")) || slice_equal(element, SLICE("textarea"));
    place->end_size = 0;
    place->state = place->is_end_tag                      ? PAGE_IN_TEXT
                   : is_title                             ? PAGE_IN_TITLE
                   : slice_equal(element, SLICE("style")) ? PAGE_IN_STYLE
                                                          : PAGE_IN_TEXT;
}

bool page_place_is_free(const struct page_place *place) {
    return place->state == PAGE_IN_TEXT || place->state == PAGE_IN_QUOTES ||
           (place->state == PAGE_IN_TITLE && place->end_size == 0);
}

/* All that page_place_take() and those who put values here look at. */
bool page_place_equal(const struct page_place *a, const struct page_place *b) {
    if (a->state != b->state) {
        return false;
    }
    if (a->state == PAGE_IN_TITLE) {
        return strcmp(a->element, b->element) == 0;
    }
    return a->state != PAGE_IN_QUOTES ||
           (a->attribute == b->attribute && a->quote == b->quote && a->has_value == b->has_value &&
            slice_equal(slice_make(a->prefix, a->prefix_size),
                        slice_make(b->prefix, b->prefix_size)) &&
            strcmp(a->element, b->element) == 0);
}

bool page_place_end(const struct page_place *place, struct err *err) {
    return place->state == PAGE_IN_TEXT ||
           err_set(err, "the template ends within a tag, a <style> or a <title>");
}
