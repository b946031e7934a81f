/*
 * meter.c - the table.
 */
#include "meter.h"

#define REQUEST(method_, route_, class_)                                                           \
    {                                                                                              \
        .name = "brinco_api_requests_total",                                                       \
        .labels = "method=\"" method_ "\",route=\"" route_ "\",class=\"" class_ "\"",              \
        .help = "Requests to the admin side, by route and class of the answer's status.",          \
        .type = METRIC_COUNTER                                                                     \
    }
#define REQUESTS(method_, route_)                                                                  \
    REQUEST(method_, route_, "2xx"), REQUEST(method_, route_, "4xx"),                              \
        REQUEST(method_, route_, "5xx")
#define ROUTE_REQUESTS(method_, pattern_, role_, kind_, handler_) REQUESTS(#method_, pattern_),

#define COUNTER(name_, labels_, help_)                                                             \
    { .name = (name_), .labels = (labels_), .help = (help_), .type = METRIC_COUNTER }
#define GAUGE(name_, help_)                                                                        \
    { .name = (name_), .help = (help_), .type = METRIC_GAUGE }

#define PAUSES_HELP                                                                                \
    "How often the admin side stopped accepting: its connections or the process' file "            \
    "descriptors were used up."
#define REFUSED_HELP                                                                               \
    "Requests answered with 503: the queue to Redis, the memory for bodies or the places of live " \
    "subscribers were full."
#define AUTH_HELP                                                                                  \
    "Requests under /v1 that were not let in: without a token, with a wrong one, with one of "     \
    "another role."

const struct metric meter_table[METER_COUNT] = {
    /* In the order of the routes: first of the table. */
    API_ROUTES(ROUTE_REQUESTS) REQUESTS("GET", "/healthz"),
    REQUESTS("GET", "/readyz"),
    REQUESTS("GET", "/metrics"),
    REQUESTS("", ""),
    [METER_DURATION] = {.name = "brinco_api_request_duration_seconds",
                        .help = "From a request's head to its answer being written.",
                        .type = METRIC_HISTOGRAM},
    [METER_CONNECTIONS] = GAUGE("brinco_api_connections", "Open connections to the admin side."),
    [METER_PAUSES_CONNECTIONS] =
        COUNTER("brinco_api_accept_pauses_total", "reason=\"connections\"", PAUSES_HELP),
    [METER_PAUSES_DESCRIPTORS] =
        COUNTER("brinco_api_accept_pauses_total", "reason=\"descriptors\"", PAUSES_HELP),
    [METER_TIMEOUTS] = COUNTER("brinco_api_timeouts_total", NULL,
                               "Connections ended because a head, a body or the taking of an "
                               "answer was too slow."),
    [METER_ABANDONED] = COUNTER("brinco_api_abandoned_total", NULL,
                                "Requests whose client was gone before the answer."),
    [METER_QUEUE] = GAUGE("brinco_api_queue_length", "Requests that wait for a pool thread."),
    [METER_REFUSED_QUEUE] = COUNTER("brinco_api_refused_total", "reason=\"queue\"", REFUSED_HELP),
    [METER_REFUSED_MEMORY] = COUNTER("brinco_api_refused_total", "reason=\"memory\"", REFUSED_HELP),
    [METER_REFUSED_SUBSCRIBERS] =
        COUNTER("brinco_api_refused_total", "reason=\"subscribers\"", REFUSED_HELP),
    [METER_BODIES] = GAUGE("brinco_api_bodies_bytes", "Memory reserved for bodies of requests."),
    [METER_AUTH_MISSING] =
        COUNTER("brinco_api_auth_failures_total", "reason=\"missing\"", AUTH_HELP),
    [METER_AUTH_WRONG] = COUNTER("brinco_api_auth_failures_total", "reason=\"wrong\"", AUTH_HELP),
    [METER_AUTH_ROLE] = COUNTER("brinco_api_auth_failures_total", "reason=\"role\"", AUTH_HELP),
    [METER_RATE_LIMITED] = COUNTER("brinco_api_rate_limited_total", NULL,
                                   "Wrong tokens answered with 429: too many from one source."),
    [METER_REDIS_FAILURES] = COUNTER("brinco_api_redis_failures_total", NULL,
                                     "Requests that Redis did not answer, or refused."),
    [METER_SUBSCRIBERS] = GAUGE("brinco_api_live_subscribers", "Clients of /v1/stats/live."),
    [METER_SUBSCRIBERS_SLOW] = COUNTER("brinco_api_live_dropped_total", NULL,
                                       "Clients of /v1/stats/live that did not keep up."),
};

size_t meter_request(size_t route, int status) {
    size_t class = status < 400 ? 0 : status < 500 ? 1 : 2;
    ENSURE(route < METER_ROUTES);
    return METER_REQUESTS + route * METER_CLASSES + class;
}
