/*
 * visit.h - the way of a request under /v1.
 *
 *   server ─ token? ─► pool: is it one of ours, and where does the path lead?
 *                        ├─ no ──────────────► 401, 429, 403, 404, 405, 400, 503
 *                        ├─ without a body: the handler
 *                        └─ server: reads the body ─► pool: the handler
 *                                                        └─► server: the answer
 *
 * Nobody learns anything, not even which paths exist, without a token; and nothing of a body is
 * read before. A visit whose client goes is finished on its pool thread and then dropped.
 *
 * Threads   A visit is the pool's while it is there, else the server's. What both touch meanwhile
 *           (an answer that comes bit by bit, and whether the client is there) has a lock.
 * Limits    VISIT_BODIES_BYTES_MAX reserved for bodies, over all visits.
 */
#ifndef API_VISIT_H
#define API_VISIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allowed.h"
#include "base/log.h"
#include "base/slice.h"

struct caller;
struct head;
struct intake;
struct limit;
struct live;
struct log;
struct metric_set;
struct pool;
struct route_table;

enum { VISIT_BODIES_BYTES_MAX = 256 * 1024 * 1024, VISIT_BACKLOG_BYTES_MAX = 1024 * 1024 };

/* What visits share. All of it is lent. */
struct visit_room {
    struct pool *pool;
    struct limit *limit;
    struct live *live;
    struct metric_set *metrics;
    struct log *log;
    const struct route_table *routes;
    struct slice key_prefix;
    struct slice zone;
    struct intake *intake;
    struct slice intake_fault;
    _Atomic uint32_t stats_retain_days;
    _Atomic uint32_t history_entries;
    _Atomic uint32_t queue_retain_hours;
    struct allowed allowed_hosts;
    size_t bodies_bytes;
    struct log_limit failures; /* of Redis, in the log */
    struct log_limit refusals; /* of tokens */
};

/* Answers, now or later. */
void visit_begin(struct visit_room *room, struct caller *caller, const struct head *head);

#endif
