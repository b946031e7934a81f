/*
 * decide/geo_cache.h - where the networks of the last addresses lie.
 *
 * A look-up in the database walks a tree bit by bit and then reads maps of strings: 3,500
 * instructions. Most addresses share a network with one that was asked for lately, and almost all
 * share a value: a hit costs 40 instructions, a network whose value is known the walk alone, 600.
 *
 * Remembered are networks of a size that addresses are handed out in: of IPv4 the /24, of IPv6 the
 * /48, where the database says the same of all of it; else the IPv4 address or the IPv6 /64. What
 * differs within a /64 is looked up each time.
 *
 * Threads   One.
 * Limits    A fixed 224 KiB, never more: whoever comes last has the place. Somebody who taps from
 *           addresses everywhere makes each of these taps cost a look-up, and nothing more.
 */
#ifndef DECIDE_GEO_CACHE_H
#define DECIDE_GEO_CACHE_H

#include <stdint.h>

#include "decide/geo.h"

struct geo_cache;

struct geo_cache *geo_cache_create(void);
void geo_cache_destroy(struct geo_cache **cache);

/* What geo_find() says. With another database than the last time, everything remembered is
 * forgotten first; geo may be gone, and another be where it was, before the next call. What is
 * returned is valid until then. */
const struct geo_place *geo_cache_find(struct geo_cache *cache, const struct geo *geo,
                                       const struct sockaddr *address);

/* Since the creation. Whatever else was asked, with a database, was a hit. */
struct geo_cache_misses {
    uint64_t networks; /* the tree was walked */
    uint64_t values;   /* and the value read */
};

struct geo_cache_misses geo_cache_misses(const struct geo_cache *cache);

#endif
