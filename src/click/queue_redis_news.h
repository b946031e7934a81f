/*
 * click/queue_redis_news.h - what an edge says of a stream beside its clicks, as commands.
 *
 * Threads   The shipper's.
 */
#ifndef CLICK_QUEUE_REDIS_NEWS_H
#define CLICK_QUEUE_REDIS_NEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/defs.h"
#include "base/slice.h"

struct queue_news;
struct redis_pipe;

struct queue_redis_names {
    struct slice prefix;
    struct slice stream; /* its whole key */
};

/* Appends the commands and adds how many to *count. False: the connection was lost. */
MUST_CHECK bool queue_redis_append_news(struct redis_pipe *pipe,
                                        const struct queue_redis_names *names,
                                        const struct queue_news *news, size_t *count);

#endif
