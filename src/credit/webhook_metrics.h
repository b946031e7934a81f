/*
 * webhook_metrics.h - what the sender of webhooks counts.
 */
#ifndef CREDIT_WEBHOOK_METRICS_H
#define CREDIT_WEBHOOK_METRICS_H

#include "base/metrics.h"
#include "webhook_wire.h"

enum webhook_metric {
    WEBHOOK_METRIC_ATTEMPTS, /* and the other endings, in their order */
    WEBHOOK_METRIC_DELIVERED = WEBHOOK_METRIC_ATTEMPTS + WEBHOOK_ENDING_COUNT,
    WEBHOOK_METRIC_FAILED,
    WEBHOOK_METRIC_OVERTAKEN,
    WEBHOOK_METRIC_HOPELESS,
    WEBHOOK_METRIC_STRAY,
    WEBHOOK_METRIC_PENDING,
    WEBHOOK_METRIC_OLDEST_MS,
    WEBHOOK_METRIC_LIMIT,
    WEBHOOK_METRIC_HOST_LIMIT,
    WEBHOOK_METRIC_NO_SECRET,
    WEBHOOK_METRIC_REFUSED,
    WEBHOOK_METRIC_UNREACHABLE,
    WEBHOOK_METRIC_COUNT,
};

struct metric_set *webhook_metrics_create(struct metric_registry *registry);

static inline size_t webhook_metric_of(enum webhook_ending ending) {
    return WEBHOOK_METRIC_ATTEMPTS + (size_t)ending;
}

#endif
