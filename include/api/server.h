/*
 * api/server.h - the admin side: health, metrics and /v1, on addresses of its own.
 *
 *   GET /healthz   200 while the process is up
 *   GET /readyz    200 when every check holds, else 503; JSON that says what is down
 *   GET /metrics   Prometheus text exposition format
 *   /v1/...        numbers, links and campaigns, with a token: docs/api.md, docs/openapi.yaml
 *
 * Errors are problem documents (RFC 9457).
 *
 * Threads   One for all connections, which never waits; API_THREADS more that wait for Redis.
 *           Starting and stopping from the main thread. Checks are called on the server's thread.
 * Limits    The ones below. A client without a token costs its connection, the head of a request
 *           and what is read ahead, API_INPUT_BYTES_MAX: all of them together 256 times that.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct api_server;
struct buf;
struct err;
struct intake;
struct log;
struct metric_registry;
struct redis_url;

enum {
    API_CONNECTIONS_MAX = 256,
    API_INPUT_BYTES_MAX = 64 * 1024,
    API_BODY_BYTES_MAX = 1024 * 1024,
    API_BULK_BYTES_MAX = 64 * 1024 * 1024, /* of POST /v1/links/bulk */
    API_THREADS = 4,
    API_REDIS_TIMEOUT_MS = 3000, /* at least: what is right for a tap is too short for a year */
    API_STOP_MS = 2000,          /* that requests under way get at the end */
    API_CHECKS_MAX = 16,
};

/* One thing that must be so for the process to do its job. */
struct api_check {
    const char *name;
    /* Whether it is so; appends a sentence on its state to detail either way. Any thread. */
    bool (*check)(void *argument, struct buf *detail);
    void *argument;
};

struct api_options {
    struct slice listen;            /* conf's ADDRESSES */
    const struct api_check *checks; /* copied */
    size_t check_count;
    const struct redis_url *url; /* copied; Redis need not be there yet */
    uint32_t redis_timeout_ms;   /* API_REDIS_TIMEOUT_MS when it is less */
    struct slice key_prefix;     /* redis.prefix; outlives the server */
    struct slice zone;           /* stats.timezone, already the process' zone; outlives it */
    uint32_t stats_retain_days;
    uint32_t history_entries; /* history.entries */
    uint32_t queue_retain_hours;
    struct slice allowed_hosts; /* links.allowed_hosts (link/hosts.h); copied */
    struct intake *intake;      /* for POST /v1/conversions; outlives the server. NULL: refused, */
    struct slice intake_fault;  /* ... for this reason, which outlives it, too */
    struct metric_registry *metrics;
    struct log *log;
};

/* Binds and starts the threads. NULL and a sentence that names the address when it cannot. */
MUST_CHECK struct api_server *api_start(const struct api_options *options, struct err *err);

/* Answers what is being answered, for API_STOP_MS, then ends the threads. */
void api_stop(struct api_server **server);

/* What a reload may change. */
void api_configure(struct api_server *server, uint32_t stats_retain_days, uint32_t history_entries,
                   uint32_t queue_retain_hours);
void api_set_hosts(struct api_server *server, struct slice allowed_hosts);

#endif
