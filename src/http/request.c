/*
 * request.c - reads what clients and proxies write into targets and fields.
 *
 * Nothing here is trusted: each function takes what follows the grammar and answers "none" to the
 * rest, so that junk neither fills statistics nor passes for an address.
 *
 * Limits   A referrer's host is at most HOST_BYTES_MAX long; of Accept-Language the first
 *          LANGUAGE_BYTES_MAX bytes are looked at. All else is linear in what the parser let in.
 */
#include "http/request.h"

#include <sys/socket.h>

#include "base/defs.h"
#include "host.h"
#include "scan.h"
#include "word.h"

enum {
    HOST_BYTES_MAX = 253, /* of a name in the DNS, RFC 1035 section 2.3.4 without its root */
    LANGUAGE_BYTES_MAX = 256,
    SUBTAG_BYTES_MAX = 8,     /* RFC 5646 section 2.1 */
    PLAIN_LANGUAGE_BYTES = 6, /* "es-419" */
    WEIGHT_ONE = 1000,        /* weights have at most three decimals */
};

/* What is left of a language tag: "es" and "MX" of es-Latn-MX. */
struct language {
    struct slice primary;
    struct slice region; /* may be empty */
};

__attribute__((cold, noinline)) static size_t decode_escaped(struct slice s, char *out,
                                                             size_t capacity);
static bool copy_plain(struct slice s, char *out);
static int hex_value(char c);
static struct slice after_scheme(struct slice referer);
__attribute__((cold, noinline)) static struct slice host_of(struct slice rest);
static void copy_lower(struct slice s, char *out);
static size_t plain_language(struct slice field, char *out, size_t capacity);
__attribute__((noinline)) static size_t best_language(struct slice accept_language, char *out,
                                                      size_t capacity);
static bool parse_language(struct slice element, struct language *language, unsigned *weight);
static bool parse_weight(struct slice text, unsigned *weight);
static bool parse_tag(struct slice tag, struct language *language);
static size_t copy_language(const struct language *language, char *out, size_t capacity);
static bool parse_node(struct slice node, struct slice *address);
static bool is_all(struct slice s, bool (*test)(char c));
static bool is_alnum(char c);
static bool is_alpha(char c);
static char to_lower(char c);
static char to_upper(char c);

size_t http_percent_decode(struct slice s, char *out, size_t capacity) {
    return LIKELY(s.size <= capacity && copy_plain(s, out)) ? s.size
                                                            : decode_escaped(s, out, capacity);
}

static size_t decode_escaped(struct slice s, char *out, size_t capacity) {
    size_t size = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (size == capacity) {
            return SIZE_MAX;
        }
        if (s.data[i] != '%') {
            out[size++] = s.data[i];
            continue;
        }
        if (s.size - i < 3 || !scan_is(s.data[i + 1], HTTP_CLASS_HEX) ||
            !scan_is(s.data[i + 2], HTTP_CLASS_HEX)) {
            return SIZE_MAX;
        }
        out[size++] = (char)(hex_value(s.data[i + 1]) * 16 + hex_value(s.data[i + 2]));
        i += 2;
    }
    return size;
}

/* Copies what holds no percent sign, as a code never does; false, with out begun, when there is
 * one. By words, the last of which may overlap the one before: 36 instructions for a code of six
 * characters, which byte by byte took 86. */
static inline bool copy_plain(struct slice s, char *out) {
    size_t i = 0;
    if (s.size < 4) {
        for (; i < s.size && s.data[i] != '%'; i++) {
            out[i] = s.data[i];
        }
        return i == s.size;
    }
    if (s.size < 8) {
        uint32_t first = word_load4(s.data);
        uint32_t last = word_load4(s.data + s.size - 4);
        memcpy(out, &first, sizeof first);
        memcpy(out + s.size - 4, &last, sizeof last);
        return !word_has((uint64_t)first << 32 | last, '%');
    }
    for (; s.size - i > 8; i += 8) {
        uint64_t word = word_load8(s.data + i);
        if (word_has(word, '%')) {
            return false;
        }
        memcpy(out + i, &word, sizeof word);
    }
    uint64_t last = word_load8(s.data + s.size - 8);
    memcpy(out + s.size - 8, &last, sizeof last);
    return !word_has(last, '%');
}

static int hex_value(char c) {
    return scan_is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10;
}

bool http_query_find(struct slice query, struct slice name, struct slice *value) {
    while (query.size > 0) {
        const char *found = memchr(query.data, '&', query.size);
        size_t size = found != NULL ? (size_t)(found - query.data) : query.size;
        struct slice parameter = slice_first(query, size);
        if (slice_starts_with(parameter, name) &&
            (size == name.size || query.data[name.size] == '=')) {
            *value = slice_from(parameter, name.size + 1);
            return true;
        }
        query = slice_from(query, size + 1);
    }
    return false;
}

size_t http_referer_host(struct slice referer, char *out, size_t capacity) {
    if (referer.size == 0) {
        return 0; /* a tap from within an app has none */
    }
    struct slice rest = after_scheme(referer);
    if (rest.size == 0) {
        return 0;
    }
    /* The block before the end may be read when there is one; a shorter URL is hardly any. */
    const char *end = rest.data + rest.size;
    const char *stop = referer.size >= SCAN_BLOCK ? scan_label(rest.data, end)
                                                  : scan_class(rest.data, end, HTTP_CLASS_LABEL);
    struct slice host = slice_make(rest.data, (size_t)(stop - rest.data));
    if (stop < end && *stop != '/' && *stop != '?' && *stop != '#') {
        host = host_of(rest);
    }
    if (host.size == 0 || host.size > HOST_BYTES_MAX || host.size > capacity ||
        !is_alnum(host.data[0])) {
        return 0;
    }
    copy_lower(host, out);
    return host.size;
}

/* What follows "scheme://" (RFC 3986 section 3); empty when the scheme is none of ours. */
static struct slice after_scheme(struct slice referer) {
    static const struct slice schemes[] = {
        {"https://", 8},
        {"http://", 7},
        {"android-app://", 14},
    };
    if (referer.size >= 8 && word_load8(referer.data) == word_load8("https://")) {
        return slice_from(referer, 8); /* what nearly all of them are */
    }
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        if (slice_equal_nocase(slice_first(referer, schemes[i].size), schemes[i])) {
            return slice_from(referer, schemes[i].size);
        }
    }
    return SLICE_EMPTY;
}

/* Of what follows the scheme, without user information and port; empty when it is no name of
 * letters, digits, '-' and '.'. */
static struct slice host_of(struct slice rest) {
    size_t size = 0;
    while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?' &&
           rest.data[size] != '#') {
        size++;
    }
    struct slice authority = slice_first(rest, size); /* RFC 3986 section 3.2 */
    struct slice host = authority;
    for (size_t i = host.size; i > 0; i--) {
        if (host.data[i - 1] == '@') {
            host = slice_from(host, i);
            break;
        }
    }
    struct slice port = host;
    host = slice_split(&port, ':');
    if (host.size == 0 || !http_port_is_valid(port)) {
        return SLICE_EMPTY;
    }
    const char *end = host.data + host.size;
    return scan_class(host.data, end, HTTP_CLASS_LABEL) == end ? host : SLICE_EMPTY;
}

/* Of letters, digits, '-' and '.', setting bit 5 changes capitals alone. */
static void copy_lower(struct slice s, char *out) {
    size_t i = 0;
    if (s.size >= 8) {
        for (; s.size - i > 8; i += 8) {
            uint64_t word = word_load8(s.data + i) | word_of(0x20);
            memcpy(out + i, &word, sizeof word);
        }
        uint64_t last = word_load8(s.data + s.size - 8) | word_of(0x20);
        memcpy(out + s.size - 8, &last, sizeof last);
        return;
    }
    for (; i < s.size; i++) {
        out[i] = (char)(s.data[i] | 0x20);
    }
}

/* Inline for the linker: every tap asks. */
inline size_t http_preferred_language(struct slice accept_language, char *out, size_t capacity) {
    size_t plain = plain_language(accept_language, out, capacity);
    return LIKELY(plain > 0) ? plain : best_language(accept_language, out, capacity);
}

/* What nearly every client begins with: "es-MX", "es-419" or "es" without a weight, which nothing
 * behind it can then exceed. 0 says nothing. 40 instructions, where a list took 740. */
static inline size_t plain_language(struct slice field, char *out, size_t capacity) {
    const char *at = field.data;
    if (field.size < 2 || capacity < PLAIN_LANGUAGE_BYTES) {
        return 0;
    }
    uint16_t lower = (uint16_t)(word_load2(at) | 0x2020);
    uint32_t primary = lower;
    memcpy(out, &lower, sizeof lower);
    if (UNLIKELY(field.size == 2 || at[2] == ',')) {
        return word_is_lower(primary | primary << 16) ? 2 : 0;
    }
    if (field.size < 5 || at[2] != '-') {
        return 0;
    }
    out[2] = '-';
    if (LIKELY(field.size == 5 || at[5] == ',')) {
        uint32_t region = word_load2(at + 3) | 0x2020U;
        uint16_t upper = (uint16_t)(region ^ 0x2020);
        memcpy(out + 3, &upper, sizeof upper);
        return word_is_lower(primary | region << 16) ? 5 : 0;
    }
    memcpy(out + 3, at + 3, 3);
    bool is_area = scan_is_digit(at[3]) && scan_is_digit(at[4]) && scan_is_digit(at[5]) &&
                   (field.size == 6 || at[6] == ',');
    return is_area && word_is_lower(primary | primary << 16) ? 6 : 0;
}

/* What is looked at of the field: whole elements. */
static struct slice language_ranges(struct slice accept_language) {
    struct slice rest = slice_first(accept_language, LANGUAGE_BYTES_MAX);
    if (rest.size < accept_language.size) {
        while (rest.size > 0 && rest.data[rest.size - 1] != ',') {
            rest.size--; /* an element that may have been cut in two */
        }
    }
    return rest;
}

static size_t best_language(struct slice accept_language, char *out, size_t capacity) {
    struct slice rest = language_ranges(accept_language);
    struct language best = {SLICE_EMPTY, SLICE_EMPTY};
    unsigned best_weight = 0;
    while (rest.size > 0 && best_weight < WEIGHT_ONE) {
        struct language language;
        unsigned weight;
        if (parse_language(slice_split(&rest, ','), &language, &weight) && weight > best_weight) {
            best = language;
            best_weight = weight;
        }
    }
    return copy_language(&best, out, capacity);
}

unsigned http_language_weight(struct slice accept_language, struct slice primary) {
    struct slice rest = language_ranges(accept_language);
    unsigned best = 0;
    unsigned others = 0; /* of "*" */
    bool is_named = false;
    while (rest.size > 0) {
        struct slice element = slice_split(&rest, ',');
        struct slice parameter = element;
        struct slice range = slice_split(&parameter, ';');
        struct language language;
        unsigned weight = WEIGHT_ONE;
        if (parse_language(element, &language, &weight)) {
            if (slice_equal_nocase(language.primary, primary)) {
                best = weight > best ? weight : best;
                is_named = true;
            }
        } else if (slice_equal(slice_trim(range), SLICE("*")) &&
                   (range.size == element.size || parse_weight(slice_trim(parameter), &weight))) {
            others = weight > others ? weight : others;
        }
    }
    return is_named ? best : others;
}

/* language-range [ OWS ";" OWS "q=" qvalue ], RFC 9110 section 12.4.2. */
static bool parse_language(struct slice element, struct language *language, unsigned *weight) {
    struct slice parameter = element;
    struct slice tag = slice_split(&parameter, ';');
    *weight = WEIGHT_ONE;
    if (tag.size < element.size && !parse_weight(slice_trim(parameter), weight)) {
        return false;
    }
    return parse_tag(slice_trim(tag), language);
}

/* "q=" and 0 or 1 with up to three decimals; those of 1 are zeros. */
static bool parse_weight(struct slice text, unsigned *weight) {
    if (text.size < 3 || text.size > 7 || to_lower(text.data[0]) != 'q' || text.data[1] != '=' ||
        (text.data[2] != '0' && text.data[2] != '1') || (text.size > 3 && text.data[3] != '.')) {
        return false;
    }
    unsigned value = text.data[2] == '1' ? WEIGHT_ONE : 0;
    unsigned unit = WEIGHT_ONE / 10;
    for (size_t i = 4; i < text.size; i++, unit /= 10) {
        if (!scan_is_digit(text.data[i])) {
            return false;
        }
        value += (unsigned)(text.data[i] - '0') * unit;
    }
    *weight = value;
    return value <= WEIGHT_ONE;
}

/* language ["-" extlang] ["-" script] ["-" region] …, RFC 5646 section 2.1. Primary subtags have
 * two or three letters: of longer ones none was ever registered. */
static bool parse_tag(struct slice tag, struct language *language) {
    if (tag.size == 0 || tag.data[tag.size - 1] == '-') {
        return false;
    }
    language->primary = slice_split(&tag, '-');
    language->region = SLICE_EMPTY;
    if (language->primary.size < 2 || language->primary.size > 3 ||
        !is_all(language->primary, is_alpha)) {
        return false;
    }
    bool before_region = true;
    while (tag.size > 0) {
        struct slice subtag = slice_split(&tag, '-');
        if (subtag.size == 0 || subtag.size > SUBTAG_BYTES_MAX || !is_all(subtag, is_alnum)) {
            return false;
        }
        bool letters = is_all(subtag, is_alpha);
        bool digits = is_all(subtag, scan_is_digit);
        if (before_region && ((subtag.size == 2 && letters) || (subtag.size == 3 && digits))) {
            language->region = subtag;
        }
        before_region &= letters && (subtag.size == 3 || subtag.size == 4);
    }
    return true;
}

static size_t copy_language(const struct language *language, char *out, size_t capacity) {
    size_t size = 0;
    size_t separator = language->region.size > 0 ? 1 : 0;
    if (language->primary.size + separator + language->region.size > capacity) {
        return 0;
    }
    for (size_t i = 0; i < language->primary.size; i++) {
        out[size++] = to_lower(language->primary.data[i]);
    }
    if (separator > 0) {
        out[size++] = '-';
    }
    for (size_t i = 0; i < language->region.size; i++) {
        out[size++] = to_upper(language->region.data[i]);
    }
    return size;
}

bool http_forwarded_client(struct slice forwarded_for,
                           bool (*is_trusted)(struct slice address, const void *argument),
                           const void *argument, struct slice *address) {
    bool found = false;
    struct slice rest = forwarded_for;
    for (bool more = true; more;) {
        size_t begin = rest.size;
        while (begin > 0 && rest.data[begin - 1] != ',') {
            begin--;
        }
        struct slice node;
        if (!parse_node(slice_trim(slice_from(rest, begin)), &node)) {
            return false;
        }
        if (!found) {
            *address = node; /* the left-most stays when none is found */
            found = !is_trusted(node, argument);
        }
        more = begin > 0;
        rest = slice_first(rest, more ? begin - 1 : 0);
    }
    return true;
}

/* An address as proxies write it: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] or
 * [2001:db8::1]:80. */
static bool parse_node(struct slice node, struct slice *address) {
    struct slice port = node;
    if (node.size > 0 && node.data[0] == '[') {
        struct slice inside = slice_split(&port, ']');
        *address = slice_from(inside, 1);
        bool closed = inside.size < node.size;
        return closed && http_is_address(*address, AF_INET6) &&
               (port.size == 0 || (port.data[0] == ':' && http_port_is_valid(slice_from(port, 1))));
    }
    *address = node;
    if (http_is_address(node, AF_INET) || http_is_address(node, AF_INET6)) {
        return true;
    }
    *address = slice_split(&port, ':');
    return http_is_address(*address, AF_INET) && http_port_is_valid(port);
}

static bool is_all(struct slice s, bool (*test)(char c)) {
    for (size_t i = 0; i < s.size; i++) {
        if (!test(s.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_alnum(char c) {
    return is_alpha(c) || scan_is_digit(c);
}

static bool is_alpha(char c) {
    return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

static char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}
