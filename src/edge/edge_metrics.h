/*
 * edge_metrics.h - what a worker counts about taps and requests.
 */
#ifndef EDGE_EDGE_METRICS_H
#define EDGE_EDGE_METRICS_H

#include "base/metrics.h"
#include "base/vocabulary.h"

enum edge_metric {
    EDGE_TAPS, /* TAP_KIND_COUNT times TAP_OUTCOME_COUNT of them */
    EDGE_TAPS_END = EDGE_TAPS + TAP_KIND_COUNT * TAP_OUTCOME_COUNT - 1,
    EDGE_TAP_SECONDS,
    EDGE_REQUESTS_TAP,
    EDGE_REQUESTS_HOME,
    EDGE_REQUESTS_HEALTH,
    EDGE_REQUESTS_ASSOCIATION,
    EDGE_REQUESTS_ASSOCIATION_UNKNOWN, /* 503 */
    EDGE_REQUESTS_INSPECT,
    EDGE_REQUESTS_QR,
    EDGE_REQUESTS_QR_REFUSED,
    EDGE_REQUESTS_FIXED, /* robots.txt, favicon.ico */
    EDGE_REQUESTS_NOT_A_CODE,
    EDGE_REQUESTS_METHOD,
    EDGE_REQUESTS_MALFORMED,
    EDGE_REQUESTS_LINE_TOO_LONG,
    EDGE_REQUESTS_HEAD_TOO_LARGE,
    EDGE_PAGES_TOO_LARGE,
    EDGE_SUSPENDED,
    EDGE_AGENT_MISSES,
    EDGE_PLACE_MISSES,
    EDGE_PLACE_VALUE_MISSES,
    EDGE_PASSTHROUGH_DROPPED,
    EDGE_METRIC_COUNT,
};

extern const struct metric edge_metrics[EDGE_METRIC_COUNT];

static inline size_t edge_tap_metric(enum tap_kind kind, enum tap_outcome outcome) {
    return (size_t)EDGE_TAPS + (size_t)kind * TAP_OUTCOME_COUNT + (size_t)outcome;
}

#endif
