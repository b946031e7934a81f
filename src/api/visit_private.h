/*
 * visit_private.h - one visit, for visit.c (the server's thread) and visit_run.c (the pool's).
 */
#ifndef API_VISIT_PRIVATE_H
#define API_VISIT_PRIVATE_H

#include <pthread.h>

#include "answer.h"
#include "base/err.h"
#include "body.h"
#include "pool.h"
#include "route.h"
#include "target.h"
#include "visit.h"

enum visit_step { VISIT_ENTER, VISIT_CALL };

/* What a step on the pool came to. */
enum visit_outcome {
    VISIT_UNAVAILABLE, /* Redis */
    VISIT_WRONG_TOKEN,
    VISIT_ANSWER,
    VISIT_READ_BODY,
    VISIT_SUBSCRIBE,
};

struct visit {
    struct pool_task task;
    struct visit_room *room;
    struct caller *caller; /* NULL: the client is gone */
    bool is_in_pool;
    bool is_head;
    bool is_role_refused;
    enum visit_step step;
    enum visit_outcome outcome;

    /* Of the request; slices point into text. */
    char *text;
    struct slice token;
    bool has_query_token;
    struct slice method;
    struct slice path;
    struct slice query;
    struct slice content_encoding;
    bool has_body;
    bool is_chunked;
    uint64_t length;
    char *decoded; /* what target and call point into */
    struct target target;

    int route; /* ROUTE_NONE until it is known */
    struct body body;
    size_t reserved; /* of VISIT_BODIES_BYTES_MAX */
    struct call call;
    struct answer answer;
    struct err err; /* what Redis said */

    /* An answer that comes bit by bit. */
    struct answer_stream stream;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t moved;
    bool is_gone;
    bool has_begun;
    bool has_chunk;
    bool is_broken; /* something of the answer is missing */
    int status;
    const char *content_type;
    struct buf fields;
    struct buf chunk;
};

/* struct pool_task's run. */
void visit_run(struct pool_task *task, struct redis_pipe *pipe, const struct err *err);

/* The route of a visit, which has one. */
const struct route *visit_route(const struct visit *visit);
size_t visit_body_limit(const struct visit *visit);

#endif
