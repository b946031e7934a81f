/*
 * api/server.h - the admin side: one thread, libevent's evhttp, on addresses of its own.
 *
 *   GET /healthz   200 while the process is up
 *   GET /readyz    200 when every check holds, else 503; JSON that says what is down
 *   GET /metrics   Prometheus text exposition format
 *
 * Everything else is a 404 or 405 problem document (RFC 9457).
 *
 * Threads   Its own; starting and stopping from the main thread. Checks are called on the
 *           server's thread.
 * Limits    API_HEAD_BYTES_MAX, API_BODY_BYTES_MAX and API_TIMEOUT_S a request.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/defs.h"
#include "base/slice.h"

struct api_server;
struct buf;
struct err;
struct log;
struct metric_registry;

enum {
    API_HEAD_BYTES_MAX = 16384,
    API_BODY_BYTES_MAX = 1024 * 1024,
    API_TIMEOUT_S = 10,
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
    struct metric_registry *metrics;
    struct log *log;
};

/* Binds and starts the thread. NULL and a sentence that names the address when it cannot. */
MUST_CHECK struct api_server *api_start(const struct api_options *options, struct err *err);

/* Answers what is being answered, then ends the thread. */
void api_stop(struct api_server **server);

#endif
