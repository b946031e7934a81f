/*
 * conf/cidr.h - networks in CIDR notation (RFC 4632, RFC 4291 section 2.3), and whether an
 * address is in one.
 *
 * Every address is kept as 16 bytes, an IPv4 one mapped into IPv6 (RFC 4291 section 2.5.5.2), so
 * that a peer is the same whether it came in through an IPv4 or a dual-stack socket. An IPv6
 * network never holds an IPv4 address, not even ::/0.
 *
 * Threads   Pure functions.
 */
#ifndef CONF_CIDR_H
#define CONF_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct sockaddr;

enum { CIDR_ADDRESS_BYTES = 16, CIDR_LIST_MAX = 256 };

struct cidr {
    uint8_t address[CIDR_ADDRESS_BYTES];
    uint8_t bits; /* of the 16 bytes: 10.0.0.0/8 has 96 + 8 */
};

/* "10.0.0.0/8", "2001:db8::/32", or an address alone, which is a network of one. False when it
 * is neither, or has address bits set beyond its prefix. */
MUST_CHECK bool cidr_parse(struct slice text, struct cidr *cidr);

/* Reads a list separated by spaces or commas into cidrs. False when one is malformed, or there
 * are more than capacity. What edge.trusted_proxies holds is well-formed and at most
 * CIDR_LIST_MAX. */
MUST_CHECK bool cidr_parse_list(struct slice list, struct cidr *cidrs, size_t capacity,
                                size_t *count);

/* False for an address of another family. */
bool cidr_contains(const struct cidr *cidrs, size_t count, const struct sockaddr *address);

/* The address as text: IPv4, IPv6, IPv6 in brackets; either with a port, as some proxies write
 * X-Forwarded-For. False when it is none of these. */
bool cidr_contains_text(const struct cidr *cidrs, size_t count, struct slice address);

#endif
