/*
 * conn_metrics.h - what a worker's connections count; shared by conn.c and listener.c.
 */
#ifndef NET_CONN_METRICS_H
#define NET_CONN_METRICS_H

#include "base/metrics.h"

enum conn_metric {
    CONN_ACCEPTED,
    CONN_OPEN,
    CONN_KEPT_BYTES,
    CONN_ENDED_BY_ANSWER, /* from here on in the order of enum conn_end */
    CONN_ENDED_BY_CLIENT,
    CONN_ENDED_BY_ERROR,
    CONN_ENDED_BY_HEAD_TIMEOUT,
    CONN_ENDED_BY_IDLE_TIMEOUT,
    CONN_ENDED_BY_WRITE_TIMEOUT,
    CONN_ENDED_BY_EVICTION,
    CONN_ENDED_BY_MEMORY,
    CONN_ENDED_BY_DRAIN,
    CONN_LIMIT_CONNECTIONS,
    CONN_LIMIT_DESCRIPTORS,
    CONN_ACCEPT_PAUSES,
    CONN_METRIC_COUNT,
};

extern const struct metric conn_metrics[CONN_METRIC_COUNT];

#endif
