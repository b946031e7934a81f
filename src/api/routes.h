/*
 * routes.h - everything that is under /v1: one table, from which requests find their handlers, GET
 * /v1 its answer and the metrics their labels.
 *
 *   X(METHOD, pattern, role, kind, handler)
 *
 * docs/openapi.yaml describes each.
 */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "route.h"

/* clang-format off */
#define API_ROUTES(X)                                                          \
    X(GET,    "/v1",                      READ,  INDEX,     NULL)              \
    X(GET,    "/v1/stats",                READ,  REPORT,    call_stats_all)    \
    X(GET,    "/v1/stats/links/{code}",   READ,  REPORT,    call_stats_link)   \
    X(GET,    "/v1/stats/campaigns/{campaign}", READ, REPORT, call_stats_campaign) \
    X(GET,    "/v1/stats/top",            READ,  REPORT,    call_stats_top)    \
    X(GET,    "/v1/stats/live",           READ,  SUBSCRIBE, NULL)              \
    X(GET,    "/v1/conversions",          READ,  REPORT,    call_conversions_get) \
    X(POST,   "/v1/conversions",          EVENTS, CALL,     call_conversions_post) \
    X(GET,    "/v1/links",                READ,  CALL,      call_links_get)    \
    X(POST,   "/v1/links",                WRITE, CALL,      call_link_post)    \
    X(POST,   "/v1/links/bulk",           WRITE, BULK,      call_links_bulk)   \
    X(GET,    "/v1/links/{code}",         READ,  CALL,      call_link_get)     \
    X(PUT,    "/v1/links/{code}",         WRITE, CALL,      call_link_put)     \
    X(PATCH,  "/v1/links/{code}",         WRITE, CALL,      call_link_patch)   \
    X(DELETE, "/v1/links/{code}",         WRITE, CALL,      call_link_delete)  \
    X(GET,    "/v1/links/{code}/history", READ,  CALL,      call_link_history) \
    X(GET,    "/v1/clicks/{id}",          READ,  CALL,      call_click_get)    \
    X(GET,    "/v1/campaigns",            READ,  CALL,      call_campaigns_get) \
    X(POST,   "/v1/campaigns",            WRITE, CALL,      call_campaign_post) \
    X(GET,    "/v1/campaigns/{id}",       READ,  CALL,      call_campaign_get) \
    X(PUT,    "/v1/campaigns/{id}",       WRITE, CALL,      call_campaign_put) \
    X(PATCH,  "/v1/campaigns/{id}",       WRITE, CALL,      call_campaign_patch) \
    X(GET,    "/v1/webhooks",             READ,  CALL,      call_webhooks_get) \
    X(POST,   "/v1/webhooks/{id}/retry",  WRITE, CALL,      call_webhook_retry) \
    X(DELETE, "/v1/campaigns/{id}",       WRITE, CALL,      call_campaign_delete) \
    X(GET,    "/v1/campaigns/{id}/history", READ, CALL,     call_campaign_history)
/* clang-format on */

const struct route_table *api_routes(void);

#endif
