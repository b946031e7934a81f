/*
 * reconcile_counts.h - numbers by a pair of numbers, and all of those with the same first one.
 *
 * Threads   One at a time.
 */
#ifndef STATS_RECONCILE_COUNTS_H
#define STATS_RECONCILE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct recon_count {
    uint32_t a; /* each of these has a list ... */
    uint32_t b;
    uint64_t count;
    uint32_t next_of_a; /* ... number and 1; 0: the last */
    uint32_t next_of_b;
};

struct recon_counts {
    struct recon_count *entries;
    size_t size;
    size_t capacity;
    uint32_t *slots; /* number and 1 */
    size_t slot_count;
    uint64_t seed;
};

void recon_counts_init(struct recon_counts *counts);
void recon_counts_fini(struct recon_counts *counts);

/* One more of a number that may be new; lists may be NULL. */
void recon_counts_add(struct recon_counts *counts, uint32_t a, uint32_t b, uint32_t *list_of_a,
                      uint32_t *list_of_b);
uint64_t recon_counts_get(const struct recon_counts *counts, uint32_t a, uint32_t b);

#endif
