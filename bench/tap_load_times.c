/*
 * tap_load_times.c - when taps are due, and how long they took.
 *
 * The schedule is free of what Gil Tene calls coordinated omission: it is made from rate and seed
 * alone, never from answers. A tap that could not be sent because the server kept all connections
 * busy was due all the same, and its latency counts from there.
 */
#include <math.h>

#include "tap_load.h"

enum { LINEAR = 1 << LOAD_HISTOGRAM_BITS };

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state) {
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void load_schedule_init(struct load_schedule *schedule, const struct load_options *options) {
    *schedule = (struct load_schedule){
        .gap_ns = (double)TAP_LOAD_NS_PER_S / options->rate,
        .is_constant = options->is_constant,
        .state = options->seed,
    };
}

void load_schedule_advance(struct load_schedule *schedule) {
    double gap_ns = schedule->gap_ns;
    if (!schedule->is_constant) {
        /* In (0, 1]: the logarithm of 0 is none. */
        double share = ((double)(next_random(&schedule->state) >> 11) + 1) * 0x1p-53;
        gap_ns *= -log(share);
    }
    schedule->exact_ns += gap_ns;
    schedule->next_ns = (uint64_t)schedule->exact_ns;
}

/* Values below LINEAR have a bucket each; above, the leading bit chooses the power and the
 * LOAD_HISTOGRAM_BITS bits behind it the bucket. */
static size_t bucket_of(uint64_t ns) {
    if (ns < LINEAR) {
        return (size_t)ns;
    }
    unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - LOAD_HISTOGRAM_BITS;
    if (shift >= LOAD_HISTOGRAM_POWERS) {
        return ((size_t)(LOAD_HISTOGRAM_POWERS + 1) << LOAD_HISTOGRAM_BITS) - 1;
    }
    return ((size_t)shift << LOAD_HISTOGRAM_BITS) + (size_t)(ns >> shift);
}

/* The largest value of a bucket. */
static uint64_t edge_of(size_t bucket) {
    if (bucket < LINEAR) {
        return bucket;
    }
    size_t shift = (bucket >> LOAD_HISTOGRAM_BITS) - 1;
    return ((uint64_t)(bucket - (shift << LOAD_HISTOGRAM_BITS) + 1) << shift) - 1;
}

void load_histogram_add(struct load_histogram *histogram, uint64_t ns) {
    histogram->count++;
    histogram->sum_ns += ns;
    histogram->max_ns = ns > histogram->max_ns ? ns : histogram->max_ns;
    histogram->bucket[bucket_of(ns)]++;
}

void load_histogram_merge(struct load_histogram *histogram, const struct load_histogram *other) {
    histogram->count += other->count;
    histogram->sum_ns += other->sum_ns;
    histogram->max_ns = other->max_ns > histogram->max_ns ? other->max_ns : histogram->max_ns;
    for (size_t i = 0; i < ARRAY_COUNT(histogram->bucket); i++) {
        histogram->bucket[i] += other->bucket[i];
    }
}

uint64_t load_histogram_at(const struct load_histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)ceil((double)histogram->count * share);
    uint64_t seen = 0;
    for (size_t i = 0; i < ARRAY_COUNT(histogram->bucket); i++) {
        seen += histogram->bucket[i];
        if (seen >= wanted && seen > 0) {
            uint64_t edge = edge_of(i);
            return edge < histogram->max_ns ? edge : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
