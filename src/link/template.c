/*
 * link/template.c - the check of a template.
 *
 * It runs when a template is written and when it is read from Redis; the rendering
 * (template_compile.c) runs on the hop. So everything that can be wrong is looked for here, with a
 * sentence for the person who wrote it.
 *
 *   https://shop.example.mx:8443/invite?c={code}#top
 *   scheme  authority           rest: RFC 3986 characters and placeholders
 *
 * Limits    TEMPLATE_BYTES_MAX is checked before any byte is read. The worst case of every
 *           placeholder is added up, so what passed cannot render beyond LOCATION_BYTES_MAX.
 */
#include "link/template.h"

#include <arpa/inet.h>

#include "base/defs.h"
#include "base/err.h"
#include "link/code.h"
#include "scheme.h"
#include "template_private.h"

enum {
    HOST_BYTES_MAX = 253, /* RFC 1035 section 2.3.4, without the root's dot */
    LABEL_BYTES_MAX = 63,
    PORT_MAX = 65535,
};

/* Rendered. */
static size_t worst_bytes(enum template_placeholder which) {
    switch (which) {
    case PLACEHOLDER_CODE:
    case PLACEHOLDER_CAMPAIGN:
        return CODE_BYTES_MAX;
    case PLACEHOLDER_OWNER:
        return (size_t)3 * OWNER_BYTES_MAX;
    case PLACEHOLDER_CLICK:
        return TEMPLATE_CLICK_BYTES;
    case PLACEHOLDER_REFERRER:
        return REFERRER_WORST_BYTES;
    case PLACEHOLDER_COUNT:
        break;
    }
    ENSURE(which < PLACEHOLDER_COUNT);
    return 0;
}

static bool scheme_check(struct slice text, struct slice schemes, struct err *err);
static bool authority_check(struct slice authority, bool is_web, struct err *err);
static bool rest_check(struct slice text, size_t begin, struct err *err);

bool template_check(struct slice text, struct slice schemes, struct err *err) {
    if (text.size == 0) {
        return err_set(err, "empty; a URL like https://example.com/ is needed");
    }
    if (text.size > TEMPLATE_BYTES_MAX) {
        return err_set(err, "longer than %d bytes", TEMPLATE_BYTES_MAX);
    }
    if (!scheme_check(text, schemes, err)) {
        return false;
    }
    struct slice scheme = scheme_of(text);
    struct slice behind = slice_from(text, scheme.size + 1);
    if (!slice_starts_with(behind, SLICE("//"))) {
        return err_set(err, "\"%.*s:\" must be followed by // and a host", SLICE_ARG(scheme));
    }
    struct slice authority = slice_from(behind, 2);
    size_t size = 0;
    while (size < authority.size && memchr("/?#", authority.data[size], 3) == NULL) {
        size++;
    }
    bool is_web =
        slice_equal_nocase(scheme, SLICE("https")) || slice_equal_nocase(scheme, SLICE("http"));
    return authority_check(slice_first(authority, size), is_web, err) &&
           rest_check(text, scheme.size + 3 + size, err);
}

bool template_scheme_is_allowed(struct slice text, struct slice schemes) {
    struct slice scheme = scheme_of(text);
    return slice_equal_nocase(scheme, SLICE("https")) ||
           (scheme.size > 0 && !scheme_is_dangerous(scheme) && scheme_is_listed(scheme, schemes));
}

static bool scheme_check(struct slice text, struct slice schemes, struct err *err) {
    struct slice scheme = scheme_of(text);
    if (scheme.size == 0) {
        return err_set(err, "does not begin with a scheme; a URL like https://example.com/ is "
                            "needed");
    }
    if (scheme_is_dangerous(scheme)) {
        return err_set(err, "the scheme %.*s is never allowed: it can run code or read data",
                       SLICE_ARG(scheme));
    }
    if (!template_scheme_is_allowed(text, schemes)) {
        return err_set(err,
                       "the scheme %.*s is not allowed; allowed are https and what the campaign "
                       "lists in its field schemes",
                       SLICE_ARG(scheme));
    }
    return true;
}

/* ---- scheme://AUTHORITY ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The inside of [...]: what inet_pton() reads, so no zone and no IPvFuture. */
static bool address_check(struct slice address, struct err *err) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    if (address.size < sizeof(text) &&
        (address.size == 0 || memchr(address.data, 0, address.size) == NULL)) {
        if (address.size > 0) {
            memcpy(text, address.data, address.size);
        }
        text[address.size] = '\0';
        if (inet_pton(AF_INET6, text, &parsed) == 1) {
            return true;
        }
    }
    return err_set(err, "what stands in brackets is not an IPv6 address");
}

/* Labels of letters, digits and hyphens (RFC 1123 section 2.1); names that only an app reads
 * may have underscores. */
static bool host_check(struct slice host, bool is_web, struct err *err) {
    if (host.size == 0) {
        return err_set(err, "the host is missing behind //");
    }
    if (host.size > HOST_BYTES_MAX) {
        return err_set(err, "the host is longer than %d bytes", HOST_BYTES_MAX);
    }
    size_t label = 0;
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        if (c == '.' ? label == 0 : ++label > LABEL_BYTES_MAX) {
            return err_set(err, "the host has a part between dots that is empty or longer than %d",
                           LABEL_BYTES_MAX);
        }
        if (c == '.') {
            label = 0;
        } else if (!is_letter_or_digit(c) && c != '-' && (is_web || c != '_')) {
            return err_set(err, "byte 0x%02X in the host; allowed are letters, digits, - and .",
                           (unsigned char)c);
        }
    }
    if (label == 0) {
        return err_set(err, "the host ends with a dot");
    }
    return true;
}

static bool port_check(struct slice port, struct err *err) {
    uint64_t number = 0;
    if (port.size > 5 || !slice_to_u64(port, PORT_MAX, &number) || number == 0) {
        return err_set(err, "the port is not a number from 1 to %d", PORT_MAX);
    }
    return true;
}

static bool authority_check(struct slice authority, bool is_web, struct err *err) {
    if (authority.size > 0 && (memchr(authority.data, '@', authority.size) != NULL ||
                               memchr(authority.data, '{', authority.size) != NULL)) {
        return err_set(err, "neither user information (@) nor a placeholder may stand between // "
                            "and the path");
    }
    struct slice behind;
    if (slice_starts_with(authority, SLICE("["))) {
        size_t close = slice_find(authority, SLICE("]"));
        if (close == SIZE_MAX) {
            return err_set(err, "the host begins with [ and has no ]");
        }
        if (!address_check(slice_make(authority.data + 1, close - 1), err)) {
            return false;
        }
        behind = slice_from(authority, close + 1);
    } else {
        struct slice host = slice_first(authority, slice_find(authority, SLICE(":")));
        if (!host_check(host, is_web, err)) {
            return false;
        }
        behind = slice_from(authority, host.size);
    }
    if (behind.size == 0) {
        return true;
    }
    if (behind.data[0] != ':') {
        return err_set(err, "only a colon and a port may follow the ]");
    }
    return port_check(slice_from(behind, 1), err);
}

/* ---- what follows the authority ---- */

static int hex_digit(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool percent_check(struct slice text, size_t at, struct err *err) {
    int high = at + 2 < text.size ? hex_digit(text.data[at + 1]) : -1;
    int low = at + 2 < text.size ? hex_digit(text.data[at + 2]) : -1;
    if (high < 0 || low < 0) {
        return err_set(err, "the %% at byte %zu is not followed by two hexadecimal digits", at + 1);
    }
    int byte = high * 16 + low;
    if (byte < 0x20 || byte == 0x7F) {
        return err_set(err, "%%%02X at byte %zu is an encoded control byte", byte, at + 1);
    }
    return true;
}

static bool placeholder_check(struct slice text, size_t at, enum template_placeholder *which,
                              struct err *err) {
    struct slice braced = slice_from(text, at);
    if (memchr(braced.data, '}', braced.size) == NULL) {
        return err_set(err, "the { at byte %zu has no }", at + 1);
    }
    *which = template_placeholder_at(braced);
    if (*which == PLACEHOLDER_COUNT) {
        return err_set(err,
                       "unknown placeholder at byte %zu; known are {code} {campaign} {owner} "
                       "{click} {referrer}",
                       at + 1);
    }
    return true;
}

/* pchar / "/" / "?" of RFC 3986 section 3.4, percent sequences apart. */
static bool is_url_byte(char c) {
    return is_letter_or_digit(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/?", c) != NULL);
}

static bool rest_check(struct slice text, size_t begin, struct err *err) {
    size_t worst = begin;
    bool has_fragment = false;
    for (size_t at = begin; at < text.size; at++) {
        char c = text.data[at];
        enum template_placeholder which = PLACEHOLDER_COUNT;
        if (c == '{') {
            if (!placeholder_check(text, at, &which, err)) {
                return false;
            }
            worst += worst_bytes(which);
            at += template_placeholder_bytes(which) - 1;
            continue;
        }
        if (c == '%' && !percent_check(text, at, err)) {
            return false;
        }
        if (c == '#' && has_fragment) {
            return err_set(err, "a second # at byte %zu; write %%23", at + 1);
        }
        has_fragment = has_fragment || c == '#';
        if (c == '}') {
            return err_set(err, "the } at byte %zu has no {", at + 1);
        }
        if (c != '%' && c != '#' && !is_url_byte(c)) {
            return err_set(err, "byte 0x%02X at byte %zu; write %%%02X", (unsigned char)c, at + 1,
                           (unsigned char)c);
        }
        worst++;
    }
    if (worst > LOCATION_BYTES_MAX) {
        return err_set(err,
                       "could render to %zu bytes, more than %d; use fewer placeholders ({owner} "
                       "may take %d bytes)",
                       worst, LOCATION_BYTES_MAX, 3 * OWNER_BYTES_MAX);
    }
    return true;
}
