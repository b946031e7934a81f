/*
 * call.h - one request under /v1, and its answer, as a handler sees them.
 *
 * Handlers run on the pool's threads (pool.h), since they wait for Redis, which the server's own
 * never does. A call is a copy of everything that a handler needs, and nothing of libevent's. A
 * handler leaves no reply unread on the pipe: it reads all, or disconnects.
 *
 * Threads   A call and its answer belong to the handler while it runs.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/token.h"
#include "base/buf.h"
#include "base/slice.h"

struct err;
struct intake;
struct redis_pipe;

enum api_method { API_GET, API_PUT, API_PATCH, API_POST, API_DELETE, API_METHOD_COUNT };

enum { CALL_FIELDS_MAX = 32, CALL_PARAMETERS_MAX = 2, ANSWER_HEADERS_MAX = 8 };

/* A field of the query, decoded. */
struct call_field {
    struct slice name;
    struct slice value;
};

struct call {
    enum api_method method;
    struct slice parameter[CALL_PARAMETERS_MAX]; /* CODE or ID of the path, decoded; not checked */
    struct call_field query[CALL_FIELDS_MAX];
    size_t query_count;
    struct slice body;
    struct slice accept; /* header fields; empty when missing */
    struct slice content_type;
    struct slice idempotency_key;
    struct api_token token;
    /* What the process lends. */
    struct redis_pipe *pipe; /* connected; of this thread */
    struct slice key_prefix;
    struct slice zone;
    uint32_t stats_retain_days;
    uint32_t history_entries;
    uint32_t queue_retain_hours;
    struct slice allowed_hosts; /* links.allowed_hosts */
    struct intake *intake;      /* NULL: this process takes no reports, and intake_fault says why */
    struct slice intake_fault;
    uint64_t now_ms;
};

struct answer {
    int status;
    const char *content_type; /* a constant */
    struct buf body;
    struct {
        const char *name; /* a constant */
        char value[256];
    } header[ANSWER_HEADERS_MAX];
    size_t header_count;
    void *stream; /* the pool's, for answer_flush() */
};

/* RFC 9457: status, title by the status, a sentence, and the field at fault (empty: none). */
void answer_problem(struct answer *answer, int status, const char *field, const char *format, ...)
    PRINTF_LIKE(4, 5);

void answer_header(struct answer *answer, const char *name, struct slice value);

/* Sends what the body has so far and clears it, for answers that come bit by bit; waits while the
 * client does not read. False: the client is gone, stop. The status and headers go with the first
 * flush. */
bool answer_flush(struct answer *answer);

/* The value of a query field, or SLICE_EMPTY. */
struct slice call_query(const struct call *call, const char *name);

/* Redis said nothing or no: a 503 problem with Retry-After. */
void answer_unavailable(struct answer *answer, const struct err *err);

typedef void call_handler(const struct call *call, struct answer *answer);

/* stats.c */
call_handler call_stats_link, call_stats_campaign, call_stats_all, call_stats_top;
/* links.c */
call_handler call_link_get, call_link_put, call_link_patch, call_link_delete, call_link_post,
    call_links_get, call_links_bulk;
/* history.c */
call_handler call_link_history, call_campaign_history;
/* conversions.c, conversions_list.c, clicks.c */
call_handler call_conversions_post, call_conversions_get, call_click_get;
/* campaigns.c */
call_handler call_campaign_get, call_campaign_put, call_campaign_patch, call_campaign_delete,
    call_campaign_post, call_campaigns_get;
/* webhooks.c */
call_handler call_webhooks_get, call_webhook_retry;

#endif
