/*
 * link_metrics.c - the table of what cache and resolver count.
 */
#include "link_metrics.h"

#include "base/metrics.h"

#define LOOKUPS  "brinco_link_lookups_total"
#define FETCHES  "brinco_link_fetches_total"
#define FAILED   "brinco_link_fetches_failed_total"
#define NONSENSE "brinco_link_nonsense_total"

static const struct metric link_metrics[LINK_METRIC_COUNT] = {
    [LINK_LOOKUP_HIT] = {.name = LOOKUPS,
                         .labels = "result=\"hit\"",
                         .help = "Look-ups of codes: hit and negative from the cache, miss after "
                                 "a fetch, stale from an outdated entry because Redis could not "
                                 "be asked, unreachable without an answer.",
                         .type = METRIC_COUNTER},
    [LINK_LOOKUP_NEGATIVE] = {.name = LOOKUPS,
                              .labels = "result=\"negative\"",
                              .type = METRIC_COUNTER},
    [LINK_LOOKUP_MISS] = {.name = LOOKUPS, .labels = "result=\"miss\"", .type = METRIC_COUNTER},
    [LINK_LOOKUP_STALE] = {.name = LOOKUPS, .labels = "result=\"stale\"", .type = METRIC_COUNTER},
    [LINK_LOOKUP_UNREACHABLE] = {.name = LOOKUPS,
                                 .labels = "result=\"unreachable\"",
                                 .type = METRIC_COUNTER},
    [LINK_CACHE_ENTRIES] = {.name = "brinco_link_cache_entries",
                            .help = "Links and campaigns in the cache, negative entries included.",
                            .type = METRIC_GAUGE},
    [LINK_CACHE_NEGATIVE_ENTRIES] = {.name = "brinco_link_cache_negative_entries",
                                     .help = "Keys remembered as unknown to Redis.",
                                     .type = METRIC_GAUGE},
    [LINK_CACHE_BYTES] = {.name = "brinco_link_cache_bytes",
                          .help = "Memory of the link cache, its table included.",
                          .type = METRIC_GAUGE},
    [LINK_CACHE_EVICTIONS] = {.name = "brinco_link_cache_evictions_total",
                              .help = "Entries evicted to stay within cache.max_mb.",
                              .type = METRIC_COUNTER},
    [LINK_CACHE_INVALIDATIONS] = {.name = "brinco_link_cache_invalidations_total",
                                  .help = "Entries that Redis reported as changed.",
                                  .type = METRIC_COUNTER},
    [LINK_CACHE_NEGATIVE_LIMIT] = {.name = "brinco_link_cache_negative_limit_total",
                                   .help = "Negative entries evicted because their share of the "
                                           "cache was full.",
                                   .type = METRIC_COUNTER},
    [LINK_FETCHES_LINK] = {.name = FETCHES,
                           .labels = "kind=\"link\"",
                           .help = "Hashes asked of Redis.",
                           .type = METRIC_COUNTER},
    [LINK_FETCHES_CAMPAIGN] = {.name = FETCHES,
                               .labels = "kind=\"campaign\"",
                               .type = METRIC_COUNTER},
    [LINK_FETCHES_AGAIN] = {.name = "brinco_link_fetches_again_total",
                            .help = "Fetches repeated because the key changed meanwhile.",
                            .type = METRIC_COUNTER},
    [LINK_FETCHES_FAILED] = {.name = FAILED,
                             .labels = "reason=\"unanswered\"",
                             .help = "Fetches that Redis did not answer, or refused with an error.",
                             .type = METRIC_COUNTER},
    [LINK_FETCHES_REFUSED] = {.name = FAILED,
                              .labels = "reason=\"refused\"",
                              .type = METRIC_COUNTER},
    [LINK_FETCHES_RESUMED] = {.name = "brinco_link_fetches_resumed_total",
                              .help = "Fetches issued again because their connection was closed.",
                              .type = METRIC_COUNTER},
    [LINK_FETCHES_CHANGING] = {.name = "brinco_link_fetches_changing_total",
                               .help = "Fetches given up because the key kept changing; the last "
                                       "answer was used once.",
                               .type = METRIC_COUNTER},
    [LINK_FLIGHTS] = {.name = "brinco_link_flights",
                      .help = "Keys being fetched.",
                      .type = METRIC_GAUGE},
    [LINK_FLIGHTS_LIMIT] = {.name = "brinco_link_flights_limit_total",
                            .help = "Fetches not begun because too many were under way.",
                            .type = METRIC_COUNTER},
    [LINK_NONSENSE_LINK_TYPE] = {.name = NONSENSE,
                                 .labels = "reason=\"link_type\"",
                                 .help = "Links and campaigns in Redis that make no sense, by "
                                         "what is wrong; counted when they are fetched.",
                                 .type = METRIC_COUNTER},
    [LINK_NONSENSE_LINK_TOO_LARGE] = {.name = NONSENSE,
                                      .labels = "reason=\"link_too_large\"",
                                      .type = METRIC_COUNTER},
    [LINK_NONSENSE_LINK_FIELD] = {.name = NONSENSE,
                                  .labels = "reason=\"link_field\"",
                                  .type = METRIC_COUNTER},
    [LINK_NONSENSE_LINK_EMPTY] = {.name = NONSENSE,
                                  .labels = "reason=\"link_leads_nowhere\"",
                                  .type = METRIC_COUNTER},
    [LINK_NONSENSE_CAMPAIGN_TYPE] = {.name = NONSENSE,
                                     .labels = "reason=\"campaign_type\"",
                                     .type = METRIC_COUNTER},
    [LINK_NONSENSE_CAMPAIGN_TOO_LARGE] = {.name = NONSENSE,
                                          .labels = "reason=\"campaign_too_large\"",
                                          .type = METRIC_COUNTER},
    [LINK_NONSENSE_CAMPAIGN_FIELD] = {.name = NONSENSE,
                                      .labels = "reason=\"campaign_field\"",
                                      .type = METRIC_COUNTER},
    [LINK_NONSENSE_CAMPAIGN_MISSING] = {.name = NONSENSE,
                                        .labels = "reason=\"campaign_missing\"",
                                        .type = METRIC_COUNTER},
};

struct metric_set *link_metrics_create(struct metric_registry *registry) {
    return metric_set_create(registry, link_metrics, LINK_METRIC_COUNT);
}
