/*
 * edge_metrics.c - the table; taps are a grid of kind and outcome.
 */
#include "edge_metrics.h"

#define TAP(kind_name, kind_text, outcome_name, outcome_text)                                      \
    [EDGE_TAPS + TAP_KIND_##kind_name * TAP_OUTCOME_COUNT + TAP_OUTCOME_##                         \
        outcome_name] = {.name = "brinco_taps_total",                                              \
                         .labels = "kind=\"" kind_text "\",outcome=\"" outcome_text "\"",          \
                         .help = "Taps answered, by what made them and where they were sent.",     \
                         .type = METRIC_COUNTER},

#define TAP_HUMAN(name, text)    TAP(HUMAN, "human", name, text)
#define TAP_PREVIEW(name, text)  TAP(PREVIEW, "preview", name, text)
#define TAP_BOT(name, text)      TAP(BOT, "bot", name, text)
#define TAP_PREFETCH(name, text) TAP(PREFETCH, "prefetch", name, text)
#define TAP_HEAD(name, text)     TAP(HEAD, "head", name, text)

#define REQUESTS(answer)                                                                           \
    {                                                                                              \
        .name = "brinco_requests_total", .labels = "answer=\"" answer "\"",                        \
        .help = "Requests on public addresses, by what they got.", .type = METRIC_COUNTER          \
    }

const struct metric edge_metrics[EDGE_METRIC_COUNT] = {
    /* clang-format off */
    TAP_OUTCOMES(TAP_HUMAN)
    TAP_OUTCOMES(TAP_PREVIEW)
    TAP_OUTCOMES(TAP_BOT)
    TAP_OUTCOMES(TAP_PREFETCH)
    TAP_OUTCOMES(TAP_HEAD)
        /* clang-format on */
        [EDGE_TAP_SECONDS] = {.name = "brinco_tap_duration_seconds",
                              .help = "From a tap's request being read to its answer being ready.",
                              .type = METRIC_HISTOGRAM},
    [EDGE_REQUESTS_TAP] = REQUESTS("tap"),
    [EDGE_REQUESTS_HOME] = REQUESTS("home"),
    [EDGE_REQUESTS_HEALTH] = REQUESTS("health"),
    [EDGE_REQUESTS_ASSOCIATION] = REQUESTS("association"),
    [EDGE_REQUESTS_ASSOCIATION_UNKNOWN] = REQUESTS("association_unknown"),
    [EDGE_REQUESTS_INSPECT] = REQUESTS("inspect"),
    [EDGE_REQUESTS_QR] = REQUESTS("qr"),
    [EDGE_REQUESTS_QR_REFUSED] = REQUESTS("qr_refused"),
    [EDGE_REQUESTS_FIXED] = REQUESTS("fixed"),
    [EDGE_REQUESTS_NOT_A_CODE] = REQUESTS("not_a_code"),
    [EDGE_REQUESTS_METHOD] = REQUESTS("method_not_allowed"),
    [EDGE_REQUESTS_MALFORMED] = REQUESTS("malformed"),
    [EDGE_REQUESTS_LINE_TOO_LONG] = REQUESTS("uri_too_long"),
    [EDGE_REQUESTS_HEAD_TOO_LARGE] = REQUESTS("head_too_large"),
    [EDGE_PAGES_TOO_LARGE] = {.name = "brinco_pages_too_large_total",
                              .help = "Pages of a template in pages.dir that came out larger than "
                                      "48 KiB: the built-in one was sent.",
                              .type = METRIC_COUNTER},
    [EDGE_SUSPENDED] = {.name = "brinco_taps_waiting",
                        .help = "Taps that wait for Redis now.",
                        .type = METRIC_GAUGE},
    [EDGE_AGENT_MISSES] = {.name = "brinco_agent_cache_misses_total",
                           .help = "User-Agents that had to be read, not being among the last.",
                           .type = METRIC_COUNTER},
    [EDGE_PLACE_MISSES] = {.name = "brinco_geo_cache_misses_total",
                           .labels = "of=\"network\"",
                           .help =
                               "Addresses that were looked up in the database's tree, and values "
                               "that were read from it, not being among the last.",
                           .type = METRIC_COUNTER},
    [EDGE_PLACE_VALUE_MISSES] = {.name = "brinco_geo_cache_misses_total",
                                 .labels = "of=\"value\"",
                                 .type = METRIC_COUNTER},
    [EDGE_PASSTHROUGH_DROPPED] = {.name = "brinco_passthrough_dropped_total",
                                  .help = "Query parameters that a limit kept from going on.",
                                  .type = METRIC_COUNTER},
};
