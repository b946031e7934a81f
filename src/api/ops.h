/*
 * ops.h - health, readiness and metrics, for machines that watch.
 *
 * Threads   The server's own.
 */
#ifndef API_OPS_H
#define API_OPS_H

#include <stddef.h>

#include "api/server.h"

struct caller;
struct head;

struct ops {
    struct api_check checks[API_CHECKS_MAX];
    size_t check_count;
    struct metric_registry *metrics;
};

/* Each answers at once. */
void ops_health(struct caller *caller, const struct head *head);
void ops_ready(const struct ops *ops, struct caller *caller, const struct head *head);
void ops_metrics(const struct ops *ops, struct caller *caller, const struct head *head);

#endif
