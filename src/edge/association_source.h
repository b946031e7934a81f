/*
 * association_source.h - keeps the association files as the campaigns in Redis say.
 *
 * A thread of its own: it walks over all campaigns once, is told by Redis of every change from
 * then on (redis/tracking.h), and asks for what changed. After a time without news it walks again.
 *
 *   start, tracking again, FLUSHALL ► walk, a page at a time ─┐
 *   campaign:ID changed ► 200 ms ► HMGET of three fields ─────┴► association_apps ► made()
 *
 * Until the first walk is over nothing is made: half a file would tell telephones that the other
 * half's apps are not ours. While Redis is away what was made last stands.
 *
 * Threads   Everything below from the main thread; made() is called on the thread in here.
 * Limits    A walk leaves Redis three times as long alone as it keeps it busy. Changed campaigns
 *           are noted up to ASSOCIATION_PENDING_MAX; more at once cost a walk.
 */
#ifndef EDGE_ASSOCIATION_SOURCE_H
#define EDGE_ASSOCIATION_SOURCE_H

#include <stdbool.h>

#include "association_document.h"
#include "base/defs.h"
#include "base/slice.h"

struct association_source;
struct err;
struct log;
struct metric_registry;
struct redis_url;

enum { ASSOCIATION_PENDING_MAX = 1000 };

struct association_source_options {
    const struct redis_url *url; /* copied */
    struct slice key_prefix;     /* redis.prefix; copied */
    struct log *log;
    struct metric_registry *metrics;
    /* Gives a reference of each document that differs from the one before; NULL: it does not. */
    void (*made)(void *argument, struct association_document *documents[ASSOCIATION_FILE_COUNT]);
    void *argument;
};

/* The thread does not run yet. */
MUST_CHECK struct association_source *
association_source_create(const struct association_source_options *options, struct err *err);
MUST_CHECK bool association_source_start(struct association_source *source, struct err *err);

/* Ends the thread, which may take as long as Redis is waited for. */
void association_source_destroy(struct association_source **source);

#endif
