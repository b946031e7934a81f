/*
 * meter.h - what the admin side counts.
 *
 * Requests by method and route (the pattern, never what a client sent) and class of status; a
 * request that reached no route (not authenticated, not found, malformed) has an empty one.
 *
 * Threads   The server's own writes; see base/metrics.h.
 */
#ifndef API_METER_H
#define API_METER_H

#include <stddef.h>

#include "base/metrics.h"
#include "routes.h"

enum { METER_CLASSES = 3 }; /* 2xx, 4xx, 5xx */

#define METER_COUNT_ROUTE(method, pattern, role, kind, handler) +1
enum {
    METER_V1_ROUTES = 0 API_ROUTES(METER_COUNT_ROUTE),
    /* Routes: those of routes.h by their index, and these. */
    METER_HEALTHZ = METER_V1_ROUTES,
    METER_READYZ,
    METER_METRICS,
    METER_NO_ROUTE,
    METER_ROUTES,
};

enum meter {
    METER_REQUESTS, /* METER_ROUTES * METER_CLASSES of them */
    METER_DURATION = METER_ROUTES * METER_CLASSES,
    METER_CONNECTIONS,
    METER_PAUSES_CONNECTIONS,
    METER_PAUSES_DESCRIPTORS,
    METER_TIMEOUTS,
    METER_ABANDONED,
    METER_QUEUE,
    METER_REFUSED_QUEUE,
    METER_REFUSED_MEMORY,
    METER_REFUSED_SUBSCRIBERS,
    METER_BODIES,
    METER_AUTH_MISSING,
    METER_AUTH_WRONG,
    METER_AUTH_ROLE,
    METER_RATE_LIMITED,
    METER_REDIS_FAILURES,
    METER_SUBSCRIBERS,
    METER_SUBSCRIBERS_SLOW,
    METER_COUNT,
};

extern const struct metric meter_table[METER_COUNT];

/* The counter of a route and status. */
size_t meter_request(size_t route, int status);

#endif
