/*
 * server_private.h - a server with routes, times and limits of a test's own.
 */
#ifndef API_SERVER_PRIVATE_H
#define API_SERVER_PRIVATE_H

#include "api/server.h"
#include "caller.h"
#include "route.h"

struct server_setup {
    const struct route_table *routes;
    struct caller_limits limits;
    size_t connections_max;
    uint32_t live_interval_ms;
    uint32_t redis_timeout_ms;
};

MUST_CHECK struct api_server *server_start(const struct api_options *options,
                                           const struct server_setup *setup, struct err *err);

#endif
