/*
 * made_clicks.h - made-up clicks, for the benchmarks of what comes behind the tap.
 *
 * LINKS of up to MADE_LINKS_AT_RANDOM_MAX are tapped at random, more of them one after the other.
 * The people are Mexicans with telephones: 32 states by their population, the browsers and apps
 * that they use, one tap in a hundred with a source. The same arguments make the same clicks.
 */
#ifndef MADE_CLICKS_H
#define MADE_CLICKS_H

#include <stdint.h>

#include "click/click.h"

enum { MADE_CLICKS_PER_MS = 200, MADE_LINKS_AT_RANDOM_MAX = 100 * 1000 };

/* Where a click's texts are. */
struct made_texts {
    char code[24];
    char campaign[24];
    char source[24];
};

/* Made of its sequence and the number of links alone; borrows from store. */
struct click made_click(uint64_t sequence, uint64_t links, uint64_t at_ms,
                        struct made_texts *store);

#endif
