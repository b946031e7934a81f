/*
 * cidr.c - reading networks, and comparing the leading bits of addresses.
 *
 * Threads   Pure functions.
 */
#include "conf/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "key.h"

enum {
    MAPPED_BITS = 96, /* of ::ffff:0:0/96, where IPv4 lives */
    TEXT_BYTES_MAX = INET6_ADDRSTRLEN,
};

static const uint8_t mapped_prefix[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static bool read_address(struct slice text, uint8_t address[CIDR_ADDRESS_BYTES], bool *is_ipv4);
static void map_ipv4(const void *ipv4, uint8_t address[CIDR_ADDRESS_BYTES]);
static bool is_mapped(const uint8_t address[CIDR_ADDRESS_BYTES]);
static bool contains(const struct cidr *cidrs, size_t count,
                     const uint8_t address[CIDR_ADDRESS_BYTES]);
static bool matches(const struct cidr *cidr, const uint8_t address[CIDR_ADDRESS_BYTES]);
static bool is_clear_beyond(const uint8_t address[CIDR_ADDRESS_BYTES], unsigned bits);
static struct slice without_port(struct slice text);

bool cidr_parse(struct slice text, struct cidr *cidr) {
    struct slice rest = text;
    struct slice address = slice_split(&rest, '/');
    bool has_prefix = address.size < text.size;
    bool is_ipv4;
    if (!read_address(address, cidr->address, &is_ipv4)) {
        return false;
    }
    uint64_t bits_max = is_ipv4 ? 32 : 128;
    uint64_t bits = bits_max;
    if (has_prefix && !slice_to_u64(rest, bits_max, &bits)) {
        return false;
    }
    cidr->bits = (uint8_t)(bits + (is_ipv4 ? MAPPED_BITS : 0));
    return is_clear_beyond(cidr->address, cidr->bits);
}

bool cidr_parse_list(struct slice list, struct cidr *cidrs, size_t capacity, size_t *count) {
    struct slice word;
    *count = 0;
    while (key_next_word(&list, &word)) {
        if (*count == capacity || !cidr_parse(word, &cidrs[*count])) {
            return false;
        }
        (*count)++;
    }
    return true;
}

bool cidr_contains(const struct cidr *cidrs, size_t count, const struct sockaddr *address) {
    uint8_t bytes[CIDR_ADDRESS_BYTES];
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const void *)address;
        map_ipv4(&ipv4->sin_addr, bytes);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const void *)address;
        memcpy(bytes, &ipv6->sin6_addr, sizeof bytes);
    } else {
        return false;
    }
    return contains(cidrs, count, bytes);
}

bool cidr_contains_text(const struct cidr *cidrs, size_t count, struct slice address) {
    uint8_t bytes[CIDR_ADDRESS_BYTES];
    bool is_ipv4;
    return read_address(without_port(address), bytes, &is_ipv4) && contains(cidrs, count, bytes);
}

static bool read_address(struct slice text, uint8_t address[CIDR_ADDRESS_BYTES], bool *is_ipv4) {
    char copy[TEXT_BYTES_MAX];
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    struct in_addr ipv4;
    *is_ipv4 = inet_pton(AF_INET, copy, &ipv4) == 1;
    if (*is_ipv4) {
        map_ipv4(&ipv4, address);
        return true;
    }
    return inet_pton(AF_INET6, copy, address) == 1;
}

static void map_ipv4(const void *ipv4, uint8_t address[CIDR_ADDRESS_BYTES]) {
    memcpy(address, mapped_prefix, sizeof mapped_prefix);
    memcpy(address + sizeof mapped_prefix, ipv4, CIDR_ADDRESS_BYTES - sizeof mapped_prefix);
}

static bool is_mapped(const uint8_t address[CIDR_ADDRESS_BYTES]) {
    return memcmp(address, mapped_prefix, sizeof mapped_prefix) == 0;
}

static bool contains(const struct cidr *cidrs, size_t count,
                     const uint8_t address[CIDR_ADDRESS_BYTES]) {
    for (size_t i = 0; i < count; i++) {
        if (matches(&cidrs[i], address)) {
            return true;
        }
    }
    return false;
}

static bool matches(const struct cidr *cidr, const uint8_t address[CIDR_ADDRESS_BYTES]) {
    if (cidr->bits < MAPPED_BITS && is_mapped(address)) {
        return false; /* an IPv6 network: an IPv4 address is not in it */
    }
    size_t whole = cidr->bits / 8;
    unsigned rest = cidr->bits % 8;
    if (memcmp(cidr->address, address, whole) != 0) {
        return false;
    }
    return rest == 0 || ((cidr->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool is_clear_beyond(const uint8_t address[CIDR_ADDRESS_BYTES], unsigned bits) {
    for (unsigned bit = bits; bit < CIDR_ADDRESS_BYTES * 8; bit++) {
        if ((address[bit / 8] >> (7 - bit % 8)) & 1) {
            return false;
        }
    }
    return true;
}

/* "[2001:db8::1]:443", "[2001:db8::1]", "192.0.2.1:443": the address in it. More than one colon
 * without brackets is an IPv6 address as it is. */
static struct slice without_port(struct slice text) {
    if (text.size > 0 && text.data[0] == '[') {
        struct slice rest = slice_from(text, 1);
        struct slice address = slice_split(&rest, ']');
        bool closed = address.size + 2 <= text.size;
        bool well_formed = closed && (rest.size == 0 || rest.data[0] == ':');
        return well_formed ? address : SLICE_EMPTY;
    }
    struct slice rest = text;
    struct slice address = slice_split(&rest, ':');
    bool one_colon = address.size < text.size && slice_find(rest, SLICE(":")) == SIZE_MAX;
    return one_colon ? address : text;
}
