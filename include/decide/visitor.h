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
 * A network is a 64-bit keyed hash of an IPv4 /24 or an IPv6 /48, salted with the day as visitors
 * are, under a key of its own: that many clicks came from one network can be seen, from which
 * cannot. SipHash-1-3 of one word: the network's bits, and 4 or 6 in the highest byte.
 *
 * A share is a number from 0 to 99 per visitor and campaign that no day changes, so that who was
 * sent somewhere once is sent there again. It is not stored and nothing that is can be told from
 * it: SipHash-2-4 over the address and the XXH3 hashes of User-Agent and campaign, under a key for
 * nothing else, brought to a hundredth.
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
        ipv4_state[4]; /* SipHash's, behind the eight zeros that every IPv4 address begins with */
    uint64_t network_state[4]; /* the other key's, before the first word */
    uint64_t text_seed;        /* of the hashes of User-Agent and language */
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

/* Whose /24 (IPv4, also mapped into IPv6) or /48 it is, today. 0: not IP. */
uint64_t visitor_network_hash(const struct visitor_salt *salt, const struct sockaddr *address);

enum { VISITOR_SHARES = 100 };

/* What shares are made with. Edges that have the secret in common have this in common. */
struct visitor_sharer {
    uint64_t state[4];
    uint64_t text_seed;
};

void visitor_sharer_init(struct visitor_sharer *sharer, const uint8_t secret[VISITOR_SECRET_BYTES]);

/* From 0 to VISITOR_SHARES - 1. Of the address counts what counts for visitor_hash(). */
unsigned visitor_share(const struct visitor_sharer *sharer, const struct sockaddr *address,
                       struct slice user_agent, struct slice campaign);

#endif
