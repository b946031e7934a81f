/*
 * routes.c - the table as data.
 */
#include "routes.h"

#include "base/defs.h"

#define ROUTE(method_, pattern_, role_, kind_, handler_)                                           \
    {.method = #method_,                                                                           \
     .pattern = (pattern_),                                                                        \
     .role = API_ROLE_##role_,                                                                     \
     .kind = ROUTE_##kind_,                                                                        \
     .call_method = API_##method_,                                                                 \
     .handler = (handler_)},

const struct route_table *api_routes(void) {
    static const struct route routes[] = {API_ROUTES(ROUTE)};
    static const struct route_table table = {.routes = routes, .count = ARRAY_COUNT(routes)};
    return &table;
}
