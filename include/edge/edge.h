/*
 * edge/edge.h - the public side: all workers that answer taps.
 *
 * Each worker is a thread that shares nothing with the others: its own event loop, listeners,
 * link cache, Redis connections and journal (src/edge/edge_worker.h). This is what starts,
 * reconfigures and stops them.
 *
 *   edge_create ► sockets bound, journals open ► edge_start ► taps are answered ► edge_stop
 *
 * Threads   All functions from the main thread, but edge_status(), which any may call.
 * Stopping  New connections are refused, those that wait are accepted, what was read is
 *           answered, journals keep everything: no request is lost.
 */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"

struct conf;
struct edge;
struct err;
struct geo;
struct identity;
struct journal;
struct log;
struct metric_registry;

enum { EDGE_WORKERS_MAX = 64, EDGE_LISTENERS_MAX = 16 };

struct edge_options {
    const struct conf *conf;         /* read in edge_create(), not kept */
    const struct identity *identity; /* outlives the edge */
    struct log *log;
    struct metric_registry *metrics;
};

/* Opens journals and sockets. NULL and a sentence when one of them is unusable. */
MUST_CHECK struct edge *edge_create(const struct edge_options *options, struct err *err);

/* Starts the threads. */
MUST_CHECK bool edge_start(struct edge *edge, struct err *err);

/* The journals, one a worker, for the shipper. They live until edge_destroy(). */
struct journal *const *edge_journals(const struct edge *edge, size_t *count);

/* Hands each worker a reference of geo (NULL: none); the caller keeps its own. */
void edge_set_geo(struct edge *edge, struct geo *geo);

/* Whether edge_reload() may be given this; otherwise err names key and what is allowed. */
MUST_CHECK bool edge_allows(const struct edge *edge, const struct conf *conf, struct err *err);

/* Takes over what can change at run time. */
void edge_reload(struct edge *edge, const struct conf *conf);

/* Keeps a copy of edge.default_campaign in data.dir, so that an edge that is started while Redis is
 * away has somewhere to send people. Call every second or so. */
void edge_keep_default(struct edge *edge);

/* Drains and stops the workers, within about drain_ms. */
void edge_stop(struct edge *edge, uint32_t drain_ms);

/* After edge_stop(), or if it was never started; closes the journals. */
void edge_destroy(struct edge **edge);

struct edge_status {
    size_t workers;
    size_t redis_connected;    /* workers whose look-ups Redis answers */
    size_t redis_tracking;     /* workers that hear of changed links */
    size_t journals_accepting; /* workers whose clicks are written */
    uint64_t clicks_lost;      /* answered and not written, since the start */
};

struct edge_status edge_status(const struct edge *edge);

#endif
