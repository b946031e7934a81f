/*
 * base/metrics.h - numbers that Prometheus reads.
 *
 * A room declares its metrics in one table with their prose; HELP and TYPE come from it. Each
 * thread that counts has a set of its own, so counting is a plain add on memory nobody else
 * writes; the registry sums the sets of a table when it is asked for the text.
 *
 *   static const struct metric link_metrics[LINK_METRIC_COUNT] = {
 *       [LINK_CACHE_HITS] = {.name = "brinco_cache_hits_total", .type = METRIC_COUNTER,
 *                            .help = "Look-ups answered from the link cache."},
 *   };
 *   struct metric_set *set = metric_set_create(registry, link_metrics, LINK_METRIC_COUNT);
 *   metric_add(set, LINK_CACHE_HITS, 1);
 *
 * Consecutive entries with the same name are one family and differ in `labels`
 * (`kind="human",outcome="web"`): written out, so that they can be searched.
 * A histogram takes METRIC_BUCKETS slots of its own and is observed in nanoseconds.
 *
 * Threads   A set has one writer thread; the registry may be read from any. Sets are created
 *           and destroyed under the registry's lock. What a destroyed set had counted stays
 *           in the totals of its counters.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct buf;
struct metric_registry;

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,     /* summed over the sets */
    METRIC_GAUGE_MAX, /* the largest of the sets */
    METRIC_HISTOGRAM, /* nanoseconds in, seconds out */
};

struct metric {
    const char *name;   /* Prometheus conventions: base unit, _total for counters */
    const char *labels; /* NULL or key="value",… */
    const char *help;   /* one sentence; the first entry of a family has it */
    enum metric_type type;
    double scale; /* 0: as it is; else what a value is multiplied by (0.001: ms to seconds) */
};

/* Upper bounds of the buckets double from 1 us: 1, 2, 4 ... us, the last is +Inf. */
enum { METRIC_BUCKETS = 24 };

struct metric_histogram {
    _Atomic uint64_t bucket[METRIC_BUCKETS];
    _Atomic uint64_t sum_ns;
};

struct metric_set {
    const struct metric *table;
    size_t count;
    struct metric_set *next; /* the registry's */
    struct metric_registry *registry;
    struct metric_histogram *histograms; /* one for each METRIC_HISTOGRAM of the table, in order */
    uint16_t *histogram_of;              /* index of the table to index of histograms */
    _Atomic uint64_t value[];
};

struct metric_registry *metric_registry_create(void);
void metric_registry_destroy(struct metric_registry **registry); /* every set must be gone */

/* table is kept, not copied: it lives as long as the program. registry may be NULL (tests):
 * then the set is nobody's but the caller's. */
struct metric_set *metric_set_create(struct metric_registry *registry, const struct metric *table,
                                     size_t count);
void metric_set_destroy(struct metric_set **set);

/* Set's thread only: a load and a store, no locked instruction. */
static inline void metric_add(struct metric_set *set, size_t index, uint64_t amount) {
    uint64_t old = atomic_load_explicit(&set->value[index], memory_order_relaxed);
    atomic_store_explicit(&set->value[index], old + amount, memory_order_relaxed);
}

static inline void metric_put(struct metric_set *set, size_t index, uint64_t value) {
    atomic_store_explicit(&set->value[index], value, memory_order_relaxed);
}

static inline uint64_t metric_get(const struct metric_set *set, size_t index) {
    return atomic_load_explicit(&set->value[index], memory_order_relaxed);
}

/* count: how many took that long. */
void metric_observe_many_ns(struct metric_set *set, size_t index, uint64_t duration_ns,
                            uint64_t count);

static inline void metric_observe_ns(struct metric_set *set, size_t index, uint64_t duration_ns) {
    metric_observe_many_ns(set, index, duration_ns, 1);
}

/* Sum (or largest) over all sets of the metric of this name and labels (NULL: of all labels). */
uint64_t metric_registry_total(struct metric_registry *registry, const char *name,
                               const char *labels);

/* The Prometheus text exposition format, version 0.0.4. */
void metric_registry_write(struct metric_registry *registry, struct buf *out);

#endif
