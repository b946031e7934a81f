/*
 * metrics.c - sets of numbers, and the text Prometheus scrapes.
 *
 * The registry's mutex guards the list of sets, never their numbers: those are read with relaxed
 * loads while their threads count on, so a scrape costs the hop nothing. When a set goes, its
 * counters are folded into a set the registry keeps for that table, so that totals never fall.
 */
#include "base/metrics.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"

enum { METRIC_TABLES_MAX = 64, METRIC_FIRST_BUCKET_NS = 1000 };

struct metric_registry {
    pthread_mutex_t mutex;
    struct metric_set *sets; /* living ones */
    struct metric_set *gone; /* one a table: what destroyed sets had counted */
};

static uint64_t load(const _Atomic uint64_t *value) {
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void add(_Atomic uint64_t *value, uint64_t amount) {
    atomic_store_explicit(value, load(value) + amount, memory_order_relaxed);
}

struct metric_registry *metric_registry_create(void) {
    struct metric_registry *registry = calloc(1, sizeof(*registry));
    ENSURE(registry != NULL && pthread_mutex_init(&registry->mutex, NULL) == 0);
    return registry;
}

static void set_free(struct metric_set *set) {
    free(set->histograms);
    free(set->histogram_of);
    free(set);
}

void metric_registry_destroy(struct metric_registry **registry) {
    if (*registry == NULL) {
        return;
    }
    ENSURE((*registry)->sets == NULL);
    while ((*registry)->gone != NULL) {
        struct metric_set *set = (*registry)->gone;
        (*registry)->gone = set->next;
        set_free(set);
    }
    pthread_mutex_destroy(&(*registry)->mutex);
    free(*registry);
    *registry = NULL;
}

static struct metric_set *set_alloc(const struct metric *table, size_t count) {
    struct metric_set *set = calloc(1, sizeof(*set) + count * sizeof(set->value[0]));
    uint16_t histograms = 0;
    ENSURE(set != NULL);
    set->table = table;
    set->count = count;
    set->histogram_of = calloc(count, sizeof(set->histogram_of[0]));
    ENSURE(set->histogram_of != NULL);
    for (size_t i = 0; i < count; i++) {
        ENSURE(table[i].name != NULL);
        set->histogram_of[i] = histograms;
        histograms = (uint16_t)(histograms + (table[i].type == METRIC_HISTOGRAM));
    }
    set->histograms = calloc(histograms + 1u, sizeof(set->histograms[0]));
    ENSURE(set->histograms != NULL);
    return set;
}

struct metric_set *metric_set_create(struct metric_registry *registry, const struct metric *table,
                                     size_t count) {
    struct metric_set *set = set_alloc(table, count);
    set->registry = registry;
    if (registry != NULL) {
        pthread_mutex_lock(&registry->mutex);
        set->next = registry->sets;
        registry->sets = set;
        pthread_mutex_unlock(&registry->mutex);
    }
    return set;
}

/* Adds what from has counted to into; gauges end with the set they were of. */
static void fold(struct metric_set *into, const struct metric_set *from) {
    for (size_t i = 0; i < from->count; i++) {
        if (from->table[i].type == METRIC_COUNTER) {
            add(&into->value[i], load(&from->value[i]));
        }
        if (from->table[i].type == METRIC_HISTOGRAM) {
            struct metric_histogram *to = &into->histograms[into->histogram_of[i]];
            const struct metric_histogram *source = &from->histograms[from->histogram_of[i]];
            for (int bucket = 0; bucket < METRIC_BUCKETS; bucket++) {
                add(&to->bucket[bucket], load(&source->bucket[bucket]));
            }
            add(&to->sum_ns, load(&source->sum_ns));
        }
    }
}

static struct metric_set *gone_set(struct metric_registry *registry,
                                   const struct metric_set *like) {
    struct metric_set *set = registry->gone;
    while (set != NULL && set->table != like->table) {
        set = set->next;
    }
    if (set == NULL) {
        set = set_alloc(like->table, like->count);
        set->next = registry->gone;
        registry->gone = set;
    }
    return set;
}

void metric_set_destroy(struct metric_set **set) {
    if (*set == NULL) {
        return;
    }
    struct metric_registry *registry = (*set)->registry;
    if (registry != NULL) {
        pthread_mutex_lock(&registry->mutex);
        struct metric_set **at = &registry->sets;
        while (*at != *set) {
            at = &(*at)->next;
        }
        *at = (*set)->next;
        fold(gone_set(registry, *set), *set);
        pthread_mutex_unlock(&registry->mutex);
    }
    set_free(*set);
    *set = NULL;
}

void metric_observe_many_ns(struct metric_set *set, size_t index, uint64_t duration_ns,
                            uint64_t count) {
    struct metric_histogram *histogram = &set->histograms[set->histogram_of[index]];
    uint64_t units = duration_ns == 0 ? 0 : (duration_ns - 1) / METRIC_FIRST_BUCKET_NS;
    unsigned bucket = units == 0 ? 0 : 64u - (unsigned)__builtin_clzll(units);
    add(&histogram->bucket[bucket < METRIC_BUCKETS ? bucket : METRIC_BUCKETS - 1], count);
    add(&histogram->sum_ns, duration_ns * count);
}

/* --- reading ------------------------------------------------------------------------------- */

/* One table's numbers over all of its sets. */
static struct metric_set *sum_table(struct metric_registry *registry,
                                    const struct metric_set *like) {
    struct metric_set *sum = set_alloc(like->table, like->count);
    struct metric_set *lists[] = {registry->sets, registry->gone};
    for (size_t list = 0; list < ARRAY_COUNT(lists); list++) {
        for (struct metric_set *set = lists[list]; set != NULL; set = set->next) {
            if (set->table != like->table) {
                continue;
            }
            fold(sum, set);
            for (size_t i = 0; i < set->count; i++) {
                uint64_t value = load(&set->value[i]);
                if (set->table[i].type == METRIC_GAUGE) {
                    add(&sum->value[i], value);
                } else if (set->table[i].type == METRIC_GAUGE_MAX && value > load(&sum->value[i])) {
                    atomic_store_explicit(&sum->value[i], value, memory_order_relaxed);
                }
            }
        }
    }
    return sum;
}

/* Sums of all tables; returns how many. Call with the mutex held; free each with set_free(). */
static size_t sum_tables(struct metric_registry *registry,
                         struct metric_set *sums[METRIC_TABLES_MAX]) {
    size_t count = 0;
    struct metric_set *lists[] = {registry->sets, registry->gone};
    for (size_t list = 0; list < ARRAY_COUNT(lists); list++) {
        for (struct metric_set *set = lists[list]; set != NULL; set = set->next) {
            size_t i = 0;
            while (i < count && sums[i]->table != set->table) {
                i++;
            }
            if (i == count) {
                ENSURE(count < METRIC_TABLES_MAX);
                sums[count++] = sum_table(registry, set);
            }
        }
    }
    return count;
}

uint64_t metric_registry_total(struct metric_registry *registry, const char *name,
                               const char *labels) {
    struct metric_set *sums[METRIC_TABLES_MAX];
    uint64_t total = 0;
    pthread_mutex_lock(&registry->mutex);
    size_t count = sum_tables(registry, sums);
    pthread_mutex_unlock(&registry->mutex);
    for (size_t table = 0; table < count; table++) {
        for (size_t i = 0; i < sums[table]->count; i++) {
            const struct metric *metric = &sums[table]->table[i];
            bool is_asked = strcmp(metric->name, name) == 0 &&
                            (labels == NULL ||
                             strcmp(metric->labels == NULL ? "" : metric->labels, labels) == 0);
            total += is_asked ? load(&sums[table]->value[i]) : 0;
        }
        set_free(sums[table]);
    }
    return total;
}

static void write_value(struct buf *out, const struct metric *metric, uint64_t value) {
    buf_printf(out, "%s", metric->name);
    if (metric->labels != NULL) {
        buf_printf(out, "{%s}", metric->labels);
    }
    if (metric->scale > 0) {
        buf_printf(out, " %.15g\n", (double)value * metric->scale);
    } else {
        buf_append_char(out, ' ');
        buf_append_u64(out, value);
        buf_append_char(out, '\n');
    }
}

static void write_histogram(struct buf *out, const struct metric *metric,
                            const struct metric_histogram *histogram) {
    uint64_t total = 0;
    const char *labels = metric->labels == NULL ? "" : metric->labels;
    const char *comma = metric->labels == NULL ? "" : ",";
    for (int bucket = 0; bucket < METRIC_BUCKETS; bucket++) {
        total += load(&histogram->bucket[bucket]);
        if (bucket == METRIC_BUCKETS - 1) {
            buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} ", metric->name, labels, comma);
        } else {
            buf_printf(out, "%s_bucket{%s%sle=\"%.9g\"} ", metric->name, labels, comma,
                       1e-6 * (double)(1ull << bucket));
        }
        buf_append_u64(out, total);
        buf_append_char(out, '\n');
    }
    const char *open = metric->labels == NULL ? "" : "{";
    const char *close = metric->labels == NULL ? "" : "}";
    buf_printf(out, "%s_sum%s%s%s %.15g\n", metric->name, open, labels, close,
               1e-9 * (double)load(&histogram->sum_ns));
    buf_printf(out, "%s_count%s%s%s %lu\n", metric->name, open, labels, close,
               (unsigned long)total);
}

static void write_table(struct buf *out, const struct metric_set *sum) {
    static const char *const types[] = {"counter", "gauge", "gauge", "histogram"};
    const char *family = "";
    for (size_t i = 0; i < sum->count; i++) {
        const struct metric *metric = &sum->table[i];
        if (strcmp(metric->name, family) != 0) {
            family = metric->name;
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family, metric->help, family,
                       types[metric->type]);
        }
        if (metric->type == METRIC_HISTOGRAM) {
            write_histogram(out, metric, &sum->histograms[sum->histogram_of[i]]);
        } else {
            write_value(out, metric, load(&sum->value[i]));
        }
    }
}

void metric_registry_write(struct metric_registry *registry, struct buf *out) {
    struct metric_set *sums[METRIC_TABLES_MAX];
    pthread_mutex_lock(&registry->mutex);
    size_t count = sum_tables(registry, sums);
    pthread_mutex_unlock(&registry->mutex);
    for (size_t i = 0; i < count; i++) {
        write_table(out, sums[i]);
        set_free(sums[i]);
    }
}
