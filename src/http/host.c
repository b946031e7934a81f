/*
 * host.c - checks hosts, ports and addresses (RFC 3986 section 3.2).
 *
 * A host that two programs read differently is how a request meant for one site reaches
 * another, so nothing beyond the grammar passes.
 */
#include "host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "scan.h"

static bool is_ipv4(struct slice text);
static const char *name_end(const char *at, const char *end);

bool http_host_is_valid(struct slice host) {
    if (host.size == 0) {
        return false;
    }
    const char *begin = host.data;
    const char *end = begin + host.size;
    const char *at;
    if (*begin == '[') {
        const char *close = memchr(begin, ']', host.size);
        if (close == NULL ||
            !http_is_address(slice_make(begin + 1, (size_t)(close - begin - 1)), AF_INET6)) {
            return false;
        }
        at = close + 1;
    } else {
        at = name_end(begin, end);
        if (at == begin) {
            return false;
        }
    }
    if (at == end) {
        return true;
    }
    return *at == ':' && http_port_is_valid(slice_make(at + 1, (size_t)(end - at - 1)));
}

bool http_is_address(struct slice text, int family) {
    if (family == AF_INET) {
        return is_ipv4(text);
    }
    char copy[INET6_ADDRSTRLEN];
    if (text.size < 2 || text.size >= sizeof copy || memchr(text.data, ':', text.size) == NULL) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    /* inet_pton() stops at a NUL and would not see what follows it. */
    struct in6_addr address;
    return strlen(copy) == text.size && inet_pton(family, copy, &address) == 1;
}

/* Four numbers up to 255 without leading zeros, as inet_pton() takes them. Behind a proxy every tap
 * has one: 250 instructions, where inet_pton(), asked for both families, took 840. */
static bool is_ipv4(struct slice text) {
    if (text.size == 0) {
        return false;
    }
    const char *at = text.data;
    const char *end = at + text.size;
    for (unsigned number = 0; number < 4; number++) {
        unsigned value = 0;
        unsigned digits = 0;
        while (at < end && scan_is_digit(*at) && digits < 3) {
            value = value * 10 + (unsigned)(*at - '0');
            at++;
            digits++;
        }
        bool has_zero = digits > 1 && at[-(ptrdiff_t)digits] == '0';
        if (digits == 0 || value > UINT8_MAX || has_zero) {
            return false;
        }
        if (number < 3 && (at == end || *at++ != '.')) {
            return false;
        }
    }
    return at == end;
}

bool http_port_is_valid(struct slice port) {
    unsigned value = 0;
    for (size_t i = 0; i < port.size; i++) {
        if (!scan_is_digit(port.data[i])) {
            return false;
        }
        value = value * 10 + (unsigned)(port.data[i] - '0');
        if (value > UINT16_MAX) {
            return false;
        }
    }
    return true;
}

/* The end of the registered name at `at`: where a character, or a percent sign that no two hex
 * digits follow, cannot belong to it. */
static const char *name_end(const char *at, const char *end) {
    for (;;) {
        at = scan_class(at, end, HTTP_CLASS_HOST);
        if (end - at < 3 || at[0] != '%' || !scan_is(at[1], HTTP_CLASS_HEX) ||
            !scan_is(at[2], HTTP_CLASS_HEX)) {
            return at;
        }
        at += 3;
    }
}
