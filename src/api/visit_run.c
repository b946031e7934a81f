/*
 * visit_run.c - the part of a visit that waits for Redis.
 *
 * The look-up of the token is the first command of every visit. A connection that Redis or
 * something between has closed since the last one is noticed there, and made anew: a restart of
 * Redis is nobody's failed request.
 *
 * The look-up, a second one, and what a handler asks for share the pool's deadline. Reports and
 * bulk read so much that for them every reply has the whole time again.
 */
#include "visit_private.h"

#include "api/server.h"
#include "base/clock.h"
#include "redis/pipe.h"

enum { FIELD_NAME_BYTES_MAX = 64 };

static enum visit_outcome enter(struct visit *visit, struct redis_pipe *pipe);
static enum api_token_result find_token(struct visit *visit, struct redis_pipe *pipe);
static enum visit_outcome lead(struct visit *visit);
static enum visit_outcome refuse_path(struct visit *visit, bool is_known);
static enum visit_outcome refuse_target(struct visit *visit, enum target_result result);
static void refuse_field(struct visit *visit, struct slice name, const char *detail);
static bool allows_query(struct visit *visit, enum route_kind kind);
static void call(struct visit *visit, struct redis_pipe *pipe);
static bool flush(struct answer_stream *stream, struct answer *answer);
static void note_failure(struct answer_stream *stream, const struct err *err);

void visit_run(struct pool_task *task, struct redis_pipe *pipe, const struct err *err) {
    struct visit *visit = CONTAINER_OF(task, struct visit, task);
    visit->stream.flush = flush;
    visit->stream.unavailable = note_failure;
    visit->answer.stream = &visit->stream;
    if (pipe == NULL) {
        visit->err = *err;
        visit->outcome = VISIT_UNAVAILABLE;
        return;
    }
    if (visit->step == VISIT_ENTER) {
        visit->outcome = enter(visit, pipe);
        return;
    }
    call(visit, pipe);
    visit->outcome = VISIT_ANSWER;
}

const struct route *visit_route(const struct visit *visit) {
    ENSURE(visit->route != ROUTE_NONE);
    return &visit->room->routes->routes[visit->route];
}

size_t visit_body_limit(const struct visit *visit) {
    bool is_bulk = visit_route(visit)->kind == ROUTE_BULK;
    return is_bulk ? (size_t)API_BULK_BYTES_MAX : (size_t)API_BODY_BYTES_MAX;
}

static enum visit_outcome enter(struct visit *visit, struct redis_pipe *pipe) {
    switch (find_token(visit, pipe)) {
    case API_TOKEN_FAILED:
        return VISIT_UNAVAILABLE;
    case API_TOKEN_NONE:
        return VISIT_WRONG_TOKEN;
    case API_TOKEN_OK:
        break;
    }
    enum visit_outcome outcome = lead(visit);
    if (outcome != VISIT_READ_BODY || visit->has_body) {
        return outcome;
    }
    call(visit, pipe);
    return VISIT_ANSWER;
}

static enum api_token_result find_token(struct visit *visit, struct redis_pipe *pipe) {
    struct slice prefix = visit->room->key_prefix;
    struct api_token *token = &visit->call.token;
    enum api_token_result result = api_token_find(pipe, prefix, visit->token, token, &visit->err);
    if (result == API_TOKEN_FAILED && !redis_pipe_is_connected(pipe) &&
        redis_pipe_connect(pipe, &visit->err)) {
        result = api_token_find(pipe, prefix, visit->token, token, &visit->err);
    }
    if (result != API_TOKEN_FAILED) {
        visit->err.text[0] = '\0'; /* nobody noticed */
    }
    return result;
}

/* From the path to a route that this token may use. READ_BODY: now the handler, if there is no
 * body. */
static enum visit_outcome lead(struct visit *visit) {
    const struct route_table *routes = visit->room->routes;
    enum target_result target =
        target_read(visit->path, visit->query, visit->decoded, &visit->target);
    bool is_known = false;
    if (!visit->target.has_path) {
        return refuse_target(visit, target);
    }
    visit->route =
        route_find(routes, visit->method, &visit->target, visit->call.parameter, &is_known);
    if (visit->route == ROUTE_NONE) {
        return refuse_path(visit, is_known);
    }
    const struct route *route = visit_route(visit);
    if (!route_role_allows(visit->call.token.role, route->role)) {
        visit->is_role_refused = true;
        answer_problem(&visit->answer, 403, NULL,
                       "this needs a token with the role %s; yours is %s",
                       api_role_name(route->role), api_role_name(visit->call.token.role));
        return VISIT_ANSWER;
    }
    if (target != TARGET_OK) {
        return refuse_target(visit, target);
    }
    if (!allows_query(visit, route->kind)) {
        return VISIT_ANSWER;
    }
    switch (route->kind) {
    case ROUTE_INDEX:
        route_list(routes, &visit->answer.body);
        return VISIT_ANSWER;
    case ROUTE_SUBSCRIBE:
        return VISIT_SUBSCRIBE;
    case ROUTE_CALL:
    case ROUTE_REPORT:
    case ROUTE_BULK:
        break;
    }
    return VISIT_READ_BODY;
}

static enum visit_outcome refuse_path(struct visit *visit, bool is_known) {
    char bytes[128];
    struct buf allow = buf_over(bytes, sizeof(bytes));
    if (!is_known) {
        answer_problem(&visit->answer, 404, NULL,
                       "there is nothing at this path; GET /v1 lists "
                       "what there is");
        return VISIT_ANSWER;
    }
    route_allow(visit->room->routes, &visit->target, &allow);
    answer_problem(&visit->answer, 405, NULL, "this path is there for %.*s",
                   SLICE_ARG(buf_slice(&allow)));
    answer_header(&visit->answer, "Allow", buf_slice(&allow));
    return VISIT_ANSWER;
}

static enum visit_outcome refuse_target(struct visit *visit, enum target_result result) {
    refuse_field(visit, visit->target.fault, target_fault(result));
    return VISIT_ANSWER;
}

/* The name is the client's: as much of it as helps. */
static void refuse_field(struct visit *visit, struct slice name, const char *detail) {
    char field[FIELD_NAME_BYTES_MAX + 1] = "";
    name = slice_first(name, FIELD_NAME_BYTES_MAX);
    if (name.size > 0) {
        memcpy(field, name.data, name.size);
    }
    answer_problem(&visit->answer, 400, field, "%s", detail);
}

/* Routes without a handler have no query; the token of a subscriber aside. */
static bool allows_query(struct visit *visit, enum route_kind kind) {
    if (kind == ROUTE_CALL || kind == ROUTE_REPORT || kind == ROUTE_BULK) {
        return true;
    }
    for (size_t i = 0; i < visit->target.query_count; i++) {
        struct slice name = visit->target.query[i].name;
        if (kind == ROUTE_SUBSCRIBE && visit->has_query_token &&
            slice_equal(name, SLICE("access_token"))) {
            continue;
        }
        refuse_field(visit, name, "there is no such field here");
        return false;
    }
    return true;
}

static void call(struct visit *visit, struct redis_pipe *pipe) {
    const struct route *route = visit_route(visit);
    struct call *to = &visit->call;
    char hosts[HOSTS_BYTES_MAX];
    to->method = route->call_method;
    memcpy(to->query, visit->target.query, sizeof(to->query));
    to->query_count = visit->target.query_count;
    to->body = buf_slice(&visit->body.bytes);
    to->pipe = pipe;
    to->key_prefix = visit->room->key_prefix;
    to->zone = visit->room->zone;
    to->intake = visit->room->intake;
    to->intake_fault = visit->room->intake_fault;
    to->stats_retain_days = atomic_load(&visit->room->stats_retain_days);
    to->history_entries = atomic_load(&visit->room->history_entries);
    to->queue_retain_hours = atomic_load(&visit->room->queue_retain_hours);
    to->allowed_hosts = allowed_copy(&visit->room->allowed_hosts, hosts);
    to->now_ms = clock_real_ms();
    if (route->kind != ROUTE_CALL) {
        redis_pipe_set_deadline(pipe, 0);
    }
    route->handler(to, &visit->answer);
    to->allowed_hosts = SLICE_EMPTY;
}

/* One chunk is on its way while the handler makes the next. */
static bool flush(struct answer_stream *stream, struct answer *answer) {
    struct visit *visit = CONTAINER_OF(stream, struct visit, stream);
    pthread_mutex_lock(&visit->lock);
    while (visit->has_chunk && !visit->is_gone) {
        pthread_cond_wait(&visit->moved, &visit->lock);
    }
    bool goes_on = !visit->is_gone && !answer->body.overflowed;
    visit->is_broken |= answer->body.overflowed;
    if (goes_on) {
        if (!visit->has_begun) {
            visit->has_begun = true;
            visit->status = answer->status;
            visit->content_type = answer->content_type;
            answer_write_headers(&visit->fields, answer);
        }
        struct buf empty = visit->chunk;
        visit->chunk = answer->body;
        answer->body = empty;
        visit->has_chunk = true;
    }
    bool wants_more = goes_on && !visit->is_head;
    pthread_mutex_unlock(&visit->lock);
    buf_clear(&answer->body);
    if (goes_on) {
        pool_note(visit->room->pool, &visit->task);
    }
    return wants_more;
}

static void note_failure(struct answer_stream *stream, const struct err *err) {
    struct visit *visit = CONTAINER_OF(stream, struct visit, stream);
    if (visit->err.text[0] == '\0') {
        visit->err = *err;
    }
}
