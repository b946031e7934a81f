/*
 * limit.h - how many wrong tokens a source may send.
 *
 * A source is an IPv4 address or the /64 of an IPv6 one, which is what one household or server has.
 * Each has LIMIT_BURST tries, and one more every LIMIT_INTERVAL_MS (a leaky bucket, kept as the
 * time at which it will be empty again: the generic cell rate algorithm).
 *
 * The table is small and never grows. A source without a debt needs no place; when all places of
 * its set are taken, the one with the smallest debt is forgotten: whoever has many addresses can
 * make the table forget, but not those who try most.
 *
 * Threads   One at a time.
 * Limits    LIMIT_SETS * LIMIT_WAYS sources.
 */
#ifndef API_LIMIT_H
#define API_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit;
struct sockaddr;

enum { LIMIT_BURST = 30, LIMIT_INTERVAL_MS = 2000, LIMIT_SETS = 512, LIMIT_WAYS = 8 };

struct limit *limit_create(void);
void limit_destroy(struct limit **limit);

/* Counts one wrong token. 0: that is within the limit; else after how many seconds the next is. */
uint32_t limit_take(struct limit *limit, const struct sockaddr *source, uint64_t now_ns);

#endif
