/*
 * route.h - which handler a path and a method lead to, and what may be done there.
 *
 * Patterns are written as in OpenAPI: /v1/links/{code}. Several patterns may match a path
 * (/v1/links/bulk is also a code): then the method decides.
 *
 * Threads   Pure functions.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "call.h"
#include "target.h"

struct buf;

/* What is done with a request, beyond its handler. */
enum route_kind {
    ROUTE_CALL,      /* a handler of call.h */
    ROUTE_REPORT,    /* the same, of so many replies that each has a time of its own */
    ROUTE_BULK,      /* the same, with a body of API_BULK_BYTES_MAX */
    ROUTE_INDEX,     /* GET /v1 */
    ROUTE_SUBSCRIBE, /* server-sent events; live.h */
};

struct route {
    const char *method;
    const char *pattern;
    enum api_role role;
    enum route_kind kind;
    enum api_method call_method;
    call_handler *handler; /* of ROUTE_CALL, ROUTE_REPORT and ROUTE_BULK */
};

struct route_table {
    const struct route *routes;
    size_t count;
};

enum { ROUTE_NONE = -1 };

/* The index of the route, or ROUTE_NONE. *is_path_known: a path that is there for other methods.
 * A HEAD is looked up as a GET. parameter gets the segments that stand for {...}. */
int route_find(const struct route_table *table, struct slice method, const struct target *target,
               struct slice parameter[CALL_PARAMETERS_MAX], bool *is_path_known);

/* Appends "GET, HEAD, PUT": what this path is there for. */
void route_allow(const struct route_table *table, const struct target *target, struct buf *out);

/* {"routes":[{"method":"GET","path":"/v1","role":"read"},...]} */
void route_list(const struct route_table *table, struct buf *out);

/* Whether a token of this role may use a route that asks for that one. */
bool route_role_allows(enum api_role has, enum api_role needed);

#endif
