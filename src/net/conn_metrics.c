/*
 * conn_metrics.c - the table of what a worker's connections count.
 */
#include "conn_metrics.h"

#define ENDED(reason)                                                                              \
    {                                                                                              \
        .name = "brinco_connections_closed_total", .labels = "reason=\"" reason "\"",              \
        .help = "Connections that ended, by what ended them.", .type = METRIC_COUNTER              \
    }

const struct metric conn_metrics[CONN_METRIC_COUNT] = {
    [CONN_ACCEPTED] = {.name = "brinco_connections_accepted_total",
                       .help = "Connections accepted on public addresses.",
                       .type = METRIC_COUNTER},
    [CONN_OPEN] = {.name = "brinco_connections_open",
                   .help = "Connections open now.",
                   .type = METRIC_GAUGE},
    [CONN_KEPT_BYTES] = {.name = "brinco_connections_kept_bytes",
                         .help = "Memory that holds requests in pieces and answers not yet taken.",
                         .type = METRIC_GAUGE},
    [CONN_ENDED_BY_ANSWER] = ENDED("answered"),
    [CONN_ENDED_BY_CLIENT] = ENDED("client"),
    [CONN_ENDED_BY_ERROR] = ENDED("error"),
    [CONN_ENDED_BY_HEAD_TIMEOUT] = ENDED("head_timeout"),
    [CONN_ENDED_BY_IDLE_TIMEOUT] = ENDED("idle_timeout"),
    [CONN_ENDED_BY_WRITE_TIMEOUT] = ENDED("write_timeout"),
    [CONN_ENDED_BY_EVICTION] = ENDED("evicted"),
    [CONN_ENDED_BY_MEMORY] = ENDED("memory_limit"),
    [CONN_ENDED_BY_DRAIN] = ENDED("drained"),
    [CONN_LIMIT_CONNECTIONS] = {.name = "brinco_connections_limit_reached_total",
                                .labels = "limit=\"connections\"",
                                .help = "How often a limit on connections was reached.",
                                .type = METRIC_COUNTER},
    [CONN_LIMIT_DESCRIPTORS] = {.name = "brinco_connections_limit_reached_total",
                                .labels = "limit=\"file_descriptors\"",
                                .help = "How often a limit on connections was reached.",
                                .type = METRIC_COUNTER},
    [CONN_ACCEPT_PAUSES] = {.name = "brinco_accept_pauses_total",
                            .help = "How often accepting paused because a limit was reached and "
                                    "nothing idle could be closed.",
                            .type = METRIC_COUNTER},
};
