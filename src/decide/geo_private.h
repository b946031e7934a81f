/*
 * geo_private.h - a look-up in its two halves, for geo_cache.c, which remembers each of them.
 *
 *   address ──geo_walk()──► network and where its value lies ──geo_read()──► place
 *            the tree's bits                                  the value's maps and strings
 */
#ifndef GEO_PRIVATE_H
#define GEO_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/geo.h"

/* An IPv4 address counts as ::a.b.c.d, whichever kind of tree the database has. */
enum { GEO_IPV4_BIT = 96 };

struct geo_network {
    unsigned bits;   /* all addresses that share this many of their first bits share the answer */
    bool has_value;  /* false: nothing is known of them */
    uint32_t offset; /* of the value */
};

/* Tells one opened database from any other, also from one that lay at the same address before:
 * random, never 0. */
uint64_t geo_id(const struct geo *geo);

/* False when the database says nothing of such addresses: no IP, or IPv6 in an IPv4 tree. */
bool geo_walk(const struct geo *geo, const struct sockaddr *address, struct geo_network *network);

/* offset is what geo_walk() gave for the same database. */
struct geo_place geo_read(const struct geo *geo, uint32_t offset);

#endif
