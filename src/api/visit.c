/*
 * visit.c - the part of a visit on the server's thread, which never waits.
 */
#include "visit.h"

#include <stdlib.h>

#include "api/server.h"
#include "auth.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "caller.h"
#include "limit.h"
#include "live.h"
#include "meter.h"
#include "reply.h"
#include "visit_private.h"

enum { FIELDS_BYTES_MAX = 2048, LOG_FAILURES_MS = 1000, LOG_REFUSALS_MS = 60000 };

#define CHALLENGE SLICE("WWW-Authenticate: Bearer realm=\"brinco\"\r\n")

static struct visit *create(struct visit_room *room, struct caller *caller, const struct head *head,
                            struct slice token);
static void copy_request(struct visit *visit, const struct head *head, struct slice token);
static void destroy(struct visit *visit);
static void submit(struct visit *visit);
static void on_gone(void *argument);
static void on_note(struct pool_task *task);
static void on_room(void *argument);
static void on_done(struct pool_task *task);
static void finish(struct visit *visit);
static void refuse_token(struct visit_room *room, struct caller *caller);
static void refuse_for_now(struct visit *visit, const char *detail);
static void read_body(struct visit *visit);
static void on_body(void *argument, enum body_result result);
static void refuse_size(struct visit *visit);
static void subscribe(struct visit *visit);
static void reply(struct visit *visit);

void visit_begin(struct visit_room *room, struct caller *caller, const struct head *head) {
    struct slice token = SLICE_EMPTY;
    enum auth_result result = auth_bearer(head->field[HEAD_AUTHORIZATION], &token);
    bool is_in_query = head->field[HEAD_AUTHORIZATION].data == NULL &&
                       slice_equal(head->http.path, SLICE("/v1/stats/live"));
    if (is_in_query) {
        result = auth_query(head->http.query, &token);
    }
    switch (result) {
    case AUTH_NONE:
        metric_add(room->metrics, METER_AUTH_MISSING, 1);
        reply_problem_with(caller, 401, CHALLENGE, "this needs a token that is valid");
        return;
    case AUTH_MALFORMED:
        refuse_token(room, caller);
        return;
    case AUTH_TOKEN:
        break;
    }
    struct visit *visit = create(room, caller, head, token);
    visit->has_query_token = is_in_query;
    submit(visit);
}

static struct visit *create(struct visit_room *room, struct caller *caller, const struct head *head,
                            struct slice token) {
    struct visit *visit = calloc(1, sizeof(*visit));
    ENSURE(visit != NULL);
    visit->room = room;
    visit->caller = caller;
    visit->route = ROUTE_NONE;
    visit->task.run = visit_run;
    visit->task.note = on_note;
    visit->task.done = on_done;
    copy_request(visit, head, token);
    answer_init(&visit->answer);
    buf_init(&visit->chunk, ANSWER_BYTES_MAX);
    buf_init(&visit->fields, FIELDS_BYTES_MAX);
    pthread_mutex_init(&visit->lock, NULL);
    pthread_cond_init(&visit->moved, NULL);
    caller_watch(caller, on_gone, visit);
    return visit;
}

static void copy_request(struct visit *visit, const struct head *head, struct slice token) {
    const struct {
        struct slice from;
        struct slice *to;
    } parts[] = {
        {token, &visit->token},
        {head->method, &visit->method},
        {head->http.path, &visit->path},
        {head->http.query, &visit->query},
        {head->field[HEAD_CONTENT_ENCODING], &visit->content_encoding},
        {head->field[HEAD_ACCEPT], &visit->call.accept},
        {head->field[HEAD_CONTENT_TYPE], &visit->call.content_type},
        {head->field[HEAD_IDEMPOTENCY_KEY], &visit->call.idempotency_key},
    };
    size_t size = 1;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        size += parts[i].from.size;
    }
    visit->text = malloc(size);
    visit->decoded = malloc(size);
    ENSURE(visit->text != NULL && visit->decoded != NULL);
    char *at = visit->text;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].from.size > 0) {
            memcpy(at, parts[i].from.data, parts[i].from.size);
        }
        *parts[i].to =
            parts[i].from.data == NULL ? SLICE_EMPTY : slice_make(at, parts[i].from.size);
        at += parts[i].from.size;
    }
    visit->is_head = head->http.method == HTTP_HEAD;
    visit->has_body = head->http.has_body;
    visit->is_chunked = head->is_chunked;
    visit->length = head->length;
}

static void destroy(struct visit *visit) {
    struct visit_room *room = visit->room;
    ENSURE(!visit->is_in_pool);
    room->bodies_bytes -= visit->reserved;
    metric_put(room->metrics, METER_BODIES, room->bodies_bytes);
    answer_fini(&visit->answer);
    body_fini(&visit->body);
    buf_fini(&visit->chunk);
    buf_fini(&visit->fields);
    pthread_cond_destroy(&visit->moved);
    pthread_mutex_destroy(&visit->lock);
    free(visit->decoded);
    free(visit->text);
    free(visit);
}

static void submit(struct visit *visit) {
    struct visit_room *room = visit->room;
    visit->is_in_pool = true; /* before: the pool may be quick */
    if (pool_submit(room->pool, &visit->task)) {
        metric_put(room->metrics, METER_QUEUE, pool_queued(room->pool));
        return;
    }
    visit->is_in_pool = false;
    metric_add(room->metrics, METER_REFUSED_QUEUE, 1);
    refuse_for_now(visit, "there is too much to do at the moment: try again");
}

static void on_gone(void *argument) {
    struct visit *visit = argument;
    visit->caller = NULL;
    pthread_mutex_lock(&visit->lock);
    visit->is_gone = true;
    pthread_cond_signal(&visit->moved);
    pthread_mutex_unlock(&visit->lock);
    if (!visit->is_in_pool) {
        destroy(visit);
    }
}

/* --- answers that come bit by bit ----------------------------------------------------------- */

static void on_note(struct pool_task *task) {
    struct visit *visit = CONTAINER_OF(task, struct visit, task);
    if (visit->caller == NULL) {
        return;
    }
    pthread_mutex_lock(&visit->lock);
    bool is_first = visit->fields.limit > 0;
    if (is_first) {
        const struct reply head = {.status = visit->status,
                                   .content_type = visit->content_type,
                                   .fields = buf_slice(&visit->fields)};
        caller_set_route(visit->caller, (size_t)visit->route);
        caller_begin(visit->caller, &head, on_room, visit);
        buf_fini(&visit->fields);
    }
    if (visit->chunk.size > 0) {
        caller_send(visit->caller, buf_slice(&visit->chunk));
        buf_clear(&visit->chunk);
    }
    pthread_mutex_unlock(&visit->lock);
    on_room(visit);
}

static void on_room(void *argument) {
    struct visit *visit = argument;
    pthread_mutex_lock(&visit->lock);
    if (visit->has_chunk && visit->chunk.size == 0 &&
        caller_backlog(visit->caller) < VISIT_BACKLOG_BYTES_MAX) {
        visit->has_chunk = false;
        pthread_cond_signal(&visit->moved);
    }
    pthread_mutex_unlock(&visit->lock);
}

/* --- what the pool came to ------------------------------------------------------------------ */

static void on_done(struct pool_task *task) {
    struct visit *visit = CONTAINER_OF(task, struct visit, task);
    struct visit_room *room = visit->room;
    uint64_t held_back;
    visit->is_in_pool = false;
    metric_put(room->metrics, METER_QUEUE, pool_queued(room->pool));
    if (visit->err.text[0] != '\0') {
        metric_add(room->metrics, METER_REDIS_FAILURES, 1);
        if (log_allowed(&room->failures, clock_monotonic_ns(), LOG_FAILURES_MS, &held_back)) {
            log_event(room->log, LOG_WARN, "api_redis_failed", "error=%s held_back=%lu",
                      visit->err.text, (unsigned long)held_back);
        }
        visit->err.text[0] = '\0';
    }
    metric_add(room->metrics, METER_AUTH_ROLE, visit->is_role_refused ? 1 : 0);
    if (visit->caller == NULL) {
        destroy(visit);
        return;
    }
    if (visit->route != ROUTE_NONE) {
        caller_set_route(visit->caller, (size_t)visit->route);
    }
    finish(visit);
}

static void finish(struct visit *visit) {
    struct visit_room *room = visit->room;
    struct caller *caller = visit->caller;
    switch (visit->outcome) {
    case VISIT_UNAVAILABLE:
        refuse_for_now(visit, "Redis does not answer: try again");
        return;
    case VISIT_WRONG_TOKEN:
        caller_watch(caller, NULL, NULL);
        destroy(visit);
        refuse_token(room, caller);
        return;
    case VISIT_ANSWER:
        reply(visit);
        return;
    case VISIT_READ_BODY:
        read_body(visit);
        return;
    case VISIT_SUBSCRIBE:
        subscribe(visit);
        return;
    }
    ENSURE(false && "an outcome that is not in enum visit_outcome");
}

static void refuse_token(struct visit_room *room, struct caller *caller) {
    char bytes[48];
    struct buf fields = buf_over(bytes, sizeof(bytes));
    uint64_t held_back;
    uint64_t now_ns = clock_monotonic_ns();
    uint32_t wait_s = limit_take(room->limit, caller_peer(caller), now_ns);
    metric_add(room->metrics, METER_AUTH_WRONG, 1);
    if (wait_s == 0) {
        reply_problem_with(caller, 401, CHALLENGE, "this needs a token that is valid");
        return;
    }
    metric_add(room->metrics, METER_RATE_LIMITED, 1);
    if (log_allowed(&room->refusals, now_ns, LOG_REFUSALS_MS, &held_back)) {
        log_event(room->log, LOG_WARN, "api_wrong_tokens", "meaning=%s held_back=%lu",
                  "one source sends one wrong token after the other", (unsigned long)held_back);
    }
    buf_printf(&fields, "Retry-After: %u\r\n", wait_s);
    reply_problem_with(caller, 429, buf_slice(&fields),
                       "too many wrong tokens came from your address: wait");
}

static void refuse_for_now(struct visit *visit, const char *detail) {
    struct caller *caller = visit->caller;
    caller_watch(caller, NULL, NULL);
    destroy(visit);
    reply_problem_with(caller, 503, SLICE("Retry-After: 1\r\n"), detail);
}

static void read_body(struct visit *visit) {
    struct visit_room *room = visit->room;
    struct slice encoding = visit->content_encoding;
    size_t limit = visit_body_limit(visit);
    if (encoding.size > 0 && !slice_equal_nocase(encoding, SLICE("identity"))) {
        answer_problem(&visit->answer, 415, "Content-Encoding", "send the content as it is");
        reply(visit);
        return;
    }
    if (!visit->is_chunked && visit->length > limit) {
        refuse_size(visit);
        return;
    }
    size_t size = visit->is_chunked ? limit : (size_t)visit->length;
    if (size > VISIT_BODIES_BYTES_MAX - room->bodies_bytes) {
        metric_add(room->metrics, METER_REFUSED_MEMORY, 1);
        refuse_for_now(visit, "too much is being sent at the moment: try again");
        return;
    }
    visit->reserved = size;
    room->bodies_bytes += size;
    metric_put(room->metrics, METER_BODIES, room->bodies_bytes);
    enum body_result begun = body_begin(&visit->body, visit->is_chunked, visit->length, size);
    ENSURE(begun == BODY_MORE);
    caller_read_body(visit->caller, &visit->body, on_body, visit);
}

static void on_body(void *argument, enum body_result result) {
    struct visit *visit = argument;
    switch (result) {
    case BODY_DONE:
        visit->step = VISIT_CALL;
        submit(visit);
        return;
    case BODY_TOO_LARGE:
        refuse_size(visit);
        return;
    case BODY_BAD:
    case BODY_MORE:
        break;
    }
    answer_problem(&visit->answer, 400, NULL, "the content is not chunked as HTTP/1.1 says");
    reply(visit);
}

static void refuse_size(struct visit *visit) {
    answer_problem(&visit->answer, 413, NULL, "the content may have at most %zu bytes here",
                   visit_body_limit(visit));
    reply(visit);
}

static void subscribe(struct visit *visit) {
    struct visit_room *room = visit->room;
    struct caller *caller = visit->caller;
    char hash[API_TOKEN_HASH_BYTES + 1];
    memcpy(hash, visit->call.token.hash, sizeof(hash));
    if (visit->is_head) {
        visit->answer.content_type = "text/event-stream";
        reply(visit);
        return;
    }
    caller_watch(caller, NULL, NULL);
    destroy(visit);
    if (!live_subscribe(room->live, caller, hash)) {
        metric_add(room->metrics, METER_REFUSED_SUBSCRIBERS, 1);
        reply_problem_with(caller, 503, SLICE("Retry-After: 5\r\n"),
                           "all places of live subscribers are taken: try again later");
    }
}

/* The answer, or the rest of it. */
static void reply(struct visit *visit) {
    struct caller *caller = visit->caller;
    struct answer *answer = &visit->answer;
    caller_watch(caller, NULL, NULL);
    if (visit->has_begun && (visit->is_broken || answer->body.overflowed)) {
        caller_abort(caller); /* a cut answer must not look whole */
    } else if (visit->has_begun) {
        caller_send(caller, buf_slice(&answer->body));
        caller_end(caller);
    } else {
        if (answer->body.overflowed) {
            answer->header_count = 0;
            answer_problem(answer, 500, NULL, "the answer is too large: ask for less");
        }
        answer_write_headers(&visit->fields, answer);
        const struct reply head = {.status = answer->status,
                                   .content_type = answer->content_type,
                                   .fields = buf_slice(&visit->fields)};
        caller_reply(caller, &head, buf_slice(&answer->body));
    }
    destroy(visit);
}
