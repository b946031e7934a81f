/*
 * ops.h - health, readiness and metrics, for machines that watch.
 *
 * Threads   The server's own.
 */
#ifndef API_OPS_H
#define API_OPS_H

#include <stddef.h>

#include "api/server.h"

struct evhttp_request;

struct ops {
    struct api_check checks[API_CHECKS_MAX];
    size_t check_count;
    struct metric_registry *metrics;
};

/* evhttp callbacks; argument is a struct ops. */
void ops_health(struct evhttp_request *request, void *argument);
void ops_ready(struct evhttp_request *request, void *argument);
void ops_metrics(struct evhttp_request *request, void *argument);

#endif
