/*
 * parts.h - what a microbenchmark of bench/parts.c is made of.
 *
 * Each file parts_<room>.c has the parts of one room in one table. A part's operations read
 * nothing but what begin() made of fixed seeds: no clock, no file, no luck. So the same binary
 * counts the same instructions everywhere.
 */
#ifndef PARTS_H
#define PARTS_H

#include <stddef.h>
#include <stdint.h>

struct parts_options {
    const char *geo;       /* path of a database with PARTS_GEO_NETWORK; NULL: none */
    const char *directory; /* empty, for files; its owner removes it */
};

struct part {
    const char *name;
    const char *what;   /* one line of prose */
    uint64_t count_max; /* operations in all; 0: any number */
    /* NULL: it needs something that options do not name. Everything it makes is kept until end().
     */
    void *(*begin)(const struct parts_options *options);
    /* Does count operations more; the measured region. */
    void (*run)(void *state, uint64_t count);
    /* Between two runs, not measured; may be NULL. */
    void (*rest)(void *state);
    void (*end)(void *state);
};

extern const struct part parts_of_http[];
extern const struct part parts_of_link[];
extern const struct part parts_of_decide[];
extern const struct part parts_of_click[]; /* each ends with a part without a name */

/* The compiler must make this value, and may not know what becomes of it. */
static inline void parts_use(uint64_t value) {
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* SplitMix64: numbers from a seed, the same everywhere. */
static inline uint64_t parts_random(uint64_t *state) {
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Zeroed; never NULL. */
void *parts_allocate(size_t size);

#endif
