/*
 * decide/visitor.h - counting people without knowing them.
 *
 * A visitor is a 64-bit keyed hash of address, User-Agent and language. The key is derived from
 * the installation's secret and the calendar day, so an address is never stored and yesterday's
 * visitor cannot be linked to today's; edges that share the secret agree.
 *
 * SipHash-2-4 (libsodium's crypto_shorthash) over the 16-byte address and the XXH3 hashes of
 * User-Agent and language. SipHash's key and XXH3's seed are BLAKE2b("visitor" | day), keyed by
 * the secret; day is yyyymmdd, 4 bytes big-endian.
 *
 * Threads   Pure functions on a struct of the caller's.
 */
#ifndef DECIDE_VISITOR_H
#define DECIDE_VISITOR_H

#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

struct sockaddr;

enum { VISITOR_SECRET_BYTES = 32 };

struct visitor_salt {
    struct clock_day day;
    uint8_t key[16];
    uint64_t
        ipv4_state[4];  /* SipHash's, behind the eight zeros that every IPv4 address begins with */
    uint64_t text_seed; /* of the hashes of User-Agent and language */
};

/* Derives the day's key. Call again when now is outside of day. */
void visitor_salt_init(struct visitor_salt *salt, const uint8_t secret[VISITOR_SECRET_BYTES],
                       uint64_t now_ms);

/* The hash of a User-Agent or language that goes into a visitor's. Seeded by the day and the
 * secret, so nobody outside can choose what it comes to: good for tables, too. */
uint64_t visitor_text_hash(const struct visitor_salt *salt, struct slice text);

/* user_agent_hash is visitor_text_hash() of the User-Agent. IPv4 counts as its IPv4-mapped IPv6
 * address; of IPv6, the /64 network is what counts, since hosts change the rest by themselves. */
uint64_t visitor_hash_of(const struct visitor_salt *salt, const struct sockaddr *address,
                         uint64_t user_agent_hash, struct slice language);

/* The two in one. */
uint64_t visitor_hash(const struct visitor_salt *salt, const struct sockaddr *address,
                      struct slice user_agent, struct slice language);

#endif
