/*
 * scheme.c - URL schemes, and lists of them.
 */
#include "scheme.h"

#include "base/defs.h"
#include "base/err.h"

/*
 * Never the target of a redirect, whoever lists them. javascript and vbscript run code; data,
 * blob and filesystem carry a page of their own making; file and content read what is on the
 * device; jar and mhtml unpack a page out of an archive; about, chrome, resource and view-source
 * are the browser's own; ws and wss are no place to go to.
 */
static const struct slice dangerous_schemes[] = {
    {"about", 5},    {"blob", 4}, {"chrome", 6}, {"content", 7},      {"data", 4},
    {"file", 4},     {"jar", 3},  {"mhtml", 5},  {"resource", 8},     {"javascript", 10},
    {"vbscript", 8}, {"ws", 2},   {"wss", 3},    {"view-source", 11}, {"filesystem", 10},
};

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_byte(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

struct slice scheme_of(struct slice url) {
    struct slice head = slice_first(url, SCHEME_BYTES_MAX + 1);
    const char *colon = head.size > 0 ? memchr(head.data, ':', head.size) : NULL;
    if (colon == NULL) {
        return SLICE_EMPTY;
    }
    struct slice scheme = slice_make(url.data, (size_t)(colon - url.data));
    return scheme_is_well_formed(scheme) ? scheme : SLICE_EMPTY;
}

bool scheme_is_well_formed(struct slice scheme) {
    if (scheme.size == 0 || scheme.size > SCHEME_BYTES_MAX || !is_letter(scheme.data[0])) {
        return false;
    }
    for (size_t i = 1; i < scheme.size; i++) {
        if (!is_scheme_byte(scheme.data[i])) {
            return false;
        }
    }
    return true;
}

bool scheme_is_dangerous(struct slice scheme) {
    for (size_t i = 0; i < ARRAY_COUNT(dangerous_schemes); i++) {
        if (slice_equal_nocase(scheme, dangerous_schemes[i])) {
            return true;
        }
    }
    return false;
}

bool scheme_is_listed(struct slice scheme, struct slice list) {
    if (slice_equal(list, SLICE("*"))) {
        return true;
    }
    while (list.size > 0) {
        struct slice word = slice_split(&list, ' ');
        if (word.size > 0 && slice_equal_nocase(word, scheme)) {
            return true;
        }
    }
    return false;
}

bool scheme_list_check(struct slice list, struct err *err) {
    if (list.size > SCHEME_LIST_BYTES_MAX) {
        return err_set(err, "longer than %d bytes", SCHEME_LIST_BYTES_MAX);
    }
    size_t count = 0;
    while (list.size > 0) {
        struct slice word = slice_split(&list, ' ');
        if (word.size == 0) {
            continue;
        }
        if (++count > SCHEME_LIST_MAX) {
            return err_set(err, "more than %d schemes", SCHEME_LIST_MAX);
        }
        if (!scheme_is_well_formed(word)) {
            return err_set(err,
                           "scheme number %zu is malformed; allowed is a letter, then letters, "
                           "digits, + - . (at most %d), separated by spaces",
                           count, SCHEME_BYTES_MAX);
        }
        if (scheme_is_dangerous(word)) {
            return err_set(err, "the scheme %.*s is never allowed: it can run code or read data",
                           SLICE_ARG(word));
        }
    }
    return true;
}
