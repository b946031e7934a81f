/*
 * caller.c - a connection's states, what makes them change, and their deadlines.
 *
 * The bufferevent reads ahead at most CALLER_INPUT_BYTES_MAX and is then silent until some of it
 * is used: nothing needs to be switched off while a request is being answered, and the end of the
 * input is noticed at any time.
 */
#include "caller.h"

#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "base/clock.h"
#include "caller_private.h"
#include "meter.h"
#include "reply.h"

static void on_read(struct bufferevent *stream, void *argument);
static void on_write(struct bufferevent *stream, void *argument);
static void on_event(struct bufferevent *stream, short what, void *argument);
static void on_deadline(evutil_socket_t fd, short what, void *argument);
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *argument);
static void next_request(struct caller *caller);
static void read_head(struct caller *caller);
static void begin_request(struct caller *caller);
static void take_request(struct caller *caller, const struct head *head);
static void read_body(struct caller *caller);

struct caller_loop *caller_loop_create(struct event_base *base, const struct caller_limits *limits,
                                       const struct caller_handler *handler,
                                       struct metric_set *metrics) {
    struct caller_loop *loop = calloc(1, sizeof(*loop));
    ENSURE(loop != NULL);
    loop->base = base;
    loop->limits = *limits;
    loop->handler = *handler;
    loop->metrics = metrics;
    list_init(&loop->callers);
    return loop;
}

void caller_loop_destroy(struct caller_loop **loop) {
    if (*loop != NULL) {
        while (!list_is_empty(&(*loop)->callers)) {
            caller_close(CONTAINER_OF((*loop)->callers.next, struct caller, node));
        }
        free(*loop);
        *loop = NULL;
    }
}

void caller_loop_drain(struct caller_loop *loop) {
    loop->is_draining = true;
    struct list_node *node = loop->callers.next;
    while (node != &loop->callers) {
        struct caller *caller = CONTAINER_OF(node, struct caller, node);
        node = node->next;
        caller->keep_alive = false;
        if (caller->state == CALLER_HEAD || caller->state == CALLER_LINGER) {
            caller_close(caller);
        }
    }
}

size_t caller_loop_count(const struct caller_loop *loop) {
    return loop->count;
}

void caller_open(struct caller_loop *loop, int fd, const struct sockaddr *peer) {
    struct caller *caller = calloc(1, sizeof(*caller));
    ENSURE(caller != NULL);
    caller->loop = loop;
    caller->peer.any.sa_family = peer->sa_family;
    if (peer->sa_family == AF_INET) {
        memcpy(&caller->peer.v4, peer, sizeof(caller->peer.v4));
    } else if (peer->sa_family == AF_INET6) {
        memcpy(&caller->peer.v6, peer, sizeof(caller->peer.v6));
    }
    caller->stream = bufferevent_socket_new(loop->base, fd, BEV_OPT_CLOSE_ON_FREE);
    caller->deadline = event_new(loop->base, -1, 0, on_deadline, caller);
    ENSURE(caller->stream != NULL && caller->deadline != NULL);
    bufferevent_setcb(caller->stream, on_read, on_write, on_event, caller);
    bufferevent_setwatermark(caller->stream, EV_READ, 0, CALLER_INPUT_BYTES_MAX);
    ENSURE(evbuffer_add_cb(bufferevent_get_output(caller->stream), on_output, caller) != NULL);
    list_append(&loop->callers, &caller->node);
    loop->count++;
    caller_arm(caller, loop->limits.idle_ms);
    if (bufferevent_enable(caller->stream, EV_READ | EV_WRITE) != 0) {
        caller_abort(caller); /* the kernel has no room for it */
        return;
    }
    loop->handler.on_count(loop->handler.argument, loop->count);
}

void caller_close(struct caller *caller) {
    void (*gone)(void *argument) = caller->gone;
    caller->gone = NULL;
    if (gone != NULL) {
        metric_add(caller->loop->metrics, METER_ABANDONED, 1);
        gone(caller->gone_argument);
    }
    caller_abort(caller);
}

void caller_abort(struct caller *caller) {
    struct caller_loop *loop = caller->loop;
    list_remove(&caller->node);
    loop->count--;
    event_free(caller->deadline);
    bufferevent_free(caller->stream);
    free(caller);
    loop->handler.on_count(loop->handler.argument, loop->count);
}

void caller_set_route(struct caller *caller, size_t route) {
    caller->route = route;
}

const struct sockaddr *caller_peer(const struct caller *caller) {
    return &caller->peer.any;
}

void caller_watch(struct caller *caller, void (*gone)(void *argument), void *argument) {
    caller->gone = gone;
    caller->gone_argument = argument;
}

void caller_arm(struct caller *caller, uint32_t timeout_ms) {
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    ENSURE(event_add(caller->deadline, &timeout) == 0);
}

int caller_status_of(enum http_parse_result result) {
    switch (result) {
    case HTTP_PARSE_LINE_TOO_LONG:
        return 414;
    case HTTP_PARSE_HEAD_TOO_LARGE:
        return 431;
    case HTTP_PARSE_BAD:
    case HTTP_PARSE_DONE:
    case HTTP_PARSE_MORE:
        break;
    }
    return 400;
}

/* --- what happens on the socket ------------------------------------------------------------- */

static void on_read(struct bufferevent *stream, void *argument) {
    struct caller *caller = argument;
    switch (caller->state) {
    case CALLER_HEAD:
        read_head(caller);
        break;
    case CALLER_BODY:
        read_body(caller);
        break;
    case CALLER_LINGER: {
        struct evbuffer *input = bufferevent_get_input(stream);
        evbuffer_drain(input, evbuffer_get_length(input));
        break;
    }
    case CALLER_BUSY:
    case CALLER_ANSWER:
    case CALLER_STREAM:
        break; /* it waits for its turn */
    }
}

static void on_write(struct bufferevent *stream, void *argument) {
    struct caller *caller = argument;
    (void)stream;
    if (caller->state == CALLER_ANSWER && caller_backlog(caller) == 0) {
        caller_answered(caller);
    } else if (caller->state == CALLER_STREAM && caller->room != NULL) {
        caller->room(caller->room_argument);
    }
}

/* The end of the input, or of the connection. */
static void on_event(struct bufferevent *stream, short what, void *argument) {
    struct caller *caller = argument;
    (void)stream;
    bool is_busy = caller->state == CALLER_BUSY || caller->state == CALLER_ANSWER ||
                   caller->state == CALLER_STREAM;
    if ((what & BEV_EVENT_EOF) != 0 && is_busy && !caller->ends_with_input) {
        caller->has_input_ended = true;
        return;
    }
    caller_close(caller);
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info,
                      void *argument) {
    struct caller *caller = argument;
    (void)output;
    caller->moved += info->n_deleted;
}

/* A body or an answer has to move on; everything else has had its time. */
static void on_deadline(evutil_socket_t fd, short what, void *argument) {
    struct caller *caller = argument;
    const struct caller_limits *limits = &caller->loop->limits;
    (void)fd;
    (void)what;
    bool is_answering = caller->state == CALLER_ANSWER || caller->state == CALLER_STREAM;
    /* A subscriber gets little, now and then; live.c looks at what waits for it. */
    size_t pace_bytes = caller->ends_with_input ? 1 : limits->pace_bytes;
    bool is_moving = caller->moved >= pace_bytes || (is_answering && caller_backlog(caller) == 0);
    if (is_moving && (is_answering || caller->state == CALLER_BODY)) {
        caller->moved = 0;
        caller_arm(caller, limits->pace_ms);
        return;
    }
    if (caller->state == CALLER_HEAD && caller->seen == 0) {
        caller_close(caller); /* idle: there is nothing to say */
        return;
    }
    if (caller->state != CALLER_LINGER) {
        metric_add(caller->loop->metrics, METER_TIMEOUTS, 1);
    }
    if (caller->state == CALLER_HEAD) {
        begin_request(caller);
        reply_problem(caller, 408, NULL, "the head of the request did not come in time");
        return;
    }
    caller_close(caller);
}

/* --- heads ---------------------------------------------------------------------------------- */

void caller_answered(struct caller *caller) {
    if (caller->keep_alive) {
        next_request(caller);
        return;
    }
    struct evbuffer *input = bufferevent_get_input(caller->stream);
    bool is_quiet = !caller->has_unread_body && evbuffer_get_length(input) == 0;
    if (caller->has_input_ended || (caller->loop->is_draining && is_quiet)) {
        caller_close(caller);
        return;
    }
    caller->state = CALLER_LINGER;
    shutdown(bufferevent_getfd(caller->stream), SHUT_WR);
    evbuffer_drain(input, evbuffer_get_length(input));
    caller_arm(caller, caller->loop->limits.linger_ms);
}

static void next_request(struct caller *caller) {
    caller->state = CALLER_HEAD;
    caller->seen = 0;
    caller_arm(caller, caller->loop->limits.idle_ms);
    read_head(caller);
}

static void read_head(struct caller *caller) {
    struct evbuffer *input = bufferevent_get_input(caller->stream);
    size_t size = evbuffer_get_length(input);
    size = size < HTTP_HEAD_BYTES_MAX ? size : HTTP_HEAD_BYTES_MAX;
    struct slice bytes = slice_make((const char *)evbuffer_pullup(input, (ev_ssize_t)size), size);
    if (!http_head_end(bytes, caller->seen)) {
        if (caller->has_input_ended) {
            caller_close(caller);
            return;
        }
        if (caller->seen == 0 && size > 0) {
            caller_arm(caller, caller->loop->limits.head_ms);
        }
        caller->seen = size;
        return;
    }
    char copy[HTTP_HEAD_BYTES_MAX]; /* outlives what is drained from the input */
    struct head head;
    memcpy(copy, bytes.data, size);
    enum http_parse_result result = head_parse(slice_make(copy, size), &head);
    caller->seen = size;
    if (result == HTTP_PARSE_MORE) {
        return; /* an empty line before the request */
    }
    event_del(caller->deadline);
    begin_request(caller);
    if (result != HTTP_PARSE_DONE) {
        reply_problem(caller, caller_status_of(result), NULL,
                      "this is not a request that HTTP/1.1 allows here");
        return;
    }
    evbuffer_drain(input, head.http.head_bytes);
    take_request(caller, &head);
}

/* As long as nothing is known of it: an answer ends the connection. */
static void begin_request(struct caller *caller) {
    caller->state = CALLER_BUSY;
    caller->began_ns = clock_monotonic_ns();
    caller->route = METER_NO_ROUTE;
    caller->keep_alive = false;
    caller->is_head = false;
    caller->is_chunked = false;
    caller->ends_with_input = false;
    caller->has_unread_body = false;
    caller->expects_continue = false;
}

static void take_request(struct caller *caller, const struct head *head) {
    struct slice expect = head->field[HEAD_EXPECT];
    caller->is_head = head->http.method == HTTP_HEAD;
    caller->keep_alive = head->http.keep_alive && !caller->loop->is_draining;
    caller->is_chunked = head->http.minor_version >= 1;
    caller->has_unread_body = head->http.has_body;
    caller->expects_continue = slice_equal_nocase(expect, SLICE("100-continue"));
    if (expect.data != NULL && !caller->expects_continue) {
        reply_problem(caller, 417, "Expect", "this may be 100-continue");
    } else if (head->repeated != NULL) {
        reply_problem(caller, 400, head->repeated, "this header field may stand there once");
    } else if (head->is_coded) {
        reply_problem(caller, 501, "Transfer-Encoding", "chunked alone is understood");
    } else {
        caller->loop->handler.on_request(caller->loop->handler.argument, caller, head);
    }
}

/* --- bodies --------------------------------------------------------------------------------- */

void caller_read_body(struct caller *caller, struct body *body,
                      void (*done)(void *argument, enum body_result result), void *argument) {
    ENSURE(caller->state == CALLER_BUSY);
    caller->state = CALLER_BODY;
    caller->body = body;
    caller->body_done = done;
    caller->body_argument = argument;
    caller->moved = 0;
    caller_arm(caller, caller->loop->limits.pace_ms);
    struct evbuffer *input = bufferevent_get_input(caller->stream);
    if (caller->expects_continue && evbuffer_get_length(input) == 0) {
        bufferevent_write(caller->stream, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    read_body(caller);
}

static void read_body(struct caller *caller) {
    struct evbuffer *input = bufferevent_get_input(caller->stream);
    enum body_result result = BODY_MORE;
    size_t size;
    while (result == BODY_MORE && (size = evbuffer_get_contiguous_space(input)) > 0) {
        const char *bytes = (const char *)evbuffer_pullup(input, (ev_ssize_t)size);
        size_t consumed;
        result = body_take(caller->body, slice_make(bytes, size), &consumed);
        evbuffer_drain(input, consumed);
        caller->moved += consumed;
    }
    if (result == BODY_MORE) {
        if (caller->has_input_ended) {
            caller_close(caller);
        }
        return;
    }
    event_del(caller->deadline);
    caller->state = CALLER_BUSY;
    caller->has_unread_body = result != BODY_DONE;
    caller->body_done(caller->body_argument, result);
}
