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

enum {
    HOST_BYTES_MAX = 253, /* of a name in the DNS, RFC 1035 section 2.3.4 without its root */
    LANGUAGE_BYTES_MAX = 256,
    SUBTAG_BYTES_MAX = 8, /* RFC 5646 section 2.1 */
    WEIGHT_ONE = 1000,    /* weights have at most three decimals */
};

/* What is left of a language tag: "es" and "MX" of es-Latn-MX. */
struct language {
    struct slice primary;
    struct slice region; /* may be empty */
};

static int hex_value(char c);
static struct slice referer_authority(struct slice referer);
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

static int hex_value(char c) {
    return scan_is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10;
}

bool http_query_find(struct slice query, struct slice name, struct slice *value) {
    while (query.size > 0) {
        struct slice parameter = slice_split(&query, '&');
        if (slice_equal(slice_split(&parameter, '='), name)) {
            *value = parameter;
            return true;
        }
    }
    return false;
}

size_t http_referer_host(struct slice referer, char *out, size_t capacity) {
    struct slice host = referer_authority(referer);
    for (size_t i = host.size; i > 0; i--) {
        if (host.data[i - 1] == '@') {
            host = slice_from(host, i);
            break;
        }
    }
    struct slice port = host;
    host = slice_split(&port, ':');
    if (host.size == 0 || host.size > HOST_BYTES_MAX || host.size > capacity ||
        !is_alnum(host.data[0]) || !http_port_is_valid(port)) {
        return 0;
    }
    for (size_t i = 0; i < host.size; i++) {
        if (!scan_is(host.data[i], HTTP_CLASS_LABEL)) {
            return 0;
        }
        out[i] = to_lower(host.data[i]);
    }
    return host.size;
}

/* What stands between "scheme://" and the path, query, fragment or end (RFC 3986 section 3.2);
 * empty when the scheme is none of ours. */
static struct slice referer_authority(struct slice referer) {
    static const struct slice schemes[] = {
        {"https://", 8},
        {"http://", 7},
        {"android-app://", 14},
    };
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        if (!slice_equal_nocase(slice_first(referer, schemes[i].size), schemes[i])) {
            continue;
        }
        struct slice rest = slice_from(referer, schemes[i].size);
        size_t size = 0;
        while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?' &&
               rest.data[size] != '#') {
            size++;
        }
        return slice_first(rest, size);
    }
    return SLICE_EMPTY;
}

size_t http_preferred_language(struct slice accept_language, char *out, size_t capacity) {
    struct slice rest = slice_first(accept_language, LANGUAGE_BYTES_MAX);
    if (rest.size < accept_language.size) {
        while (rest.size > 0 && rest.data[rest.size - 1] != ',') {
            rest.size--; /* an element that may have been cut in two */
        }
    }
    struct language best = {SLICE_EMPTY, SLICE_EMPTY};
    unsigned best_weight = 0;
    while (rest.size > 0) {
        struct language language;
        unsigned weight;
        if (parse_language(slice_split(&rest, ','), &language, &weight) && weight > best_weight) {
            best = language;
            best_weight = weight;
        }
    }
    return copy_language(&best, out, capacity);
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
    if (http_is_address(node, AF_INET6)) {
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
