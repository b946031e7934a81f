/*
 * address.c - HOST:PORT: a name, an IPv4 address, or an IPv6 address in brackets (RFC 3986
 * section 3.2.2), and a port, 0 for any free one.
 *
 * Threads   Pure functions.
 */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>

#include "conf/conf.h"
#include "key.h"

static bool read_host(struct slice host, char *out);
static bool is_ipv6(const char *host);
static bool is_name(struct slice host);

bool conf_next_address(struct slice *rest, struct conf_address *address) {
    struct slice word;
    return key_next_word(rest, &word) && address_parse(word, address);
}

bool address_parse(struct slice text, struct conf_address *address) {
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    uint64_t port;
    if (colon == 0 || !slice_to_u64(slice_from(text, colon), UINT16_MAX, &port)) {
        return false;
    }
    address->port = (uint16_t)port;
    return read_host(slice_first(text, colon - 1), address->host);
}

static bool read_host(struct slice host, char *out) {
    bool bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (bracketed) {
        host = slice_make(host.data + 1, host.size - 2);
    }
    if (host.size == 0 || host.size >= sizeof((struct conf_address *)NULL)->host ||
        memchr(host.data, '\0', host.size) != NULL) {
        return false;
    }
    memcpy(out, host.data, host.size);
    out[host.size] = '\0';
    return bracketed ? is_ipv6(out) : is_name(host);
}

static bool is_ipv6(const char *host) {
    struct in6_addr ignored;
    return inet_pton(AF_INET6, host, &ignored) == 1;
}

/* Whether there is such a host is found out by whoever opens it. */
static bool is_name(struct slice host) {
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return true;
}
