/*
 * caller_answer.c - how an answer is written: one head for all, content whole or in chunks.
 *
 * Every answer says no-store and nosniff. A request whose body was not read ends its connection:
 * what comes next could not be told from it.
 */
#include "caller_private.h"

#include <stdio.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "answer.h"
#include "base/clock.h"
#include "meter.h"

enum { ENDLESS_SEND_BYTES = 64 * 1024 };

static void put(struct caller *caller, struct slice bytes);
static void write_head(struct caller *caller, const struct reply *reply, const char *length);
static void finish(struct caller *caller);

void caller_reply(struct caller *caller, const struct reply *reply, struct slice content) {
    char length[48];
    ENSURE(caller->state == CALLER_BUSY);
    caller->keep_alive = caller->keep_alive && !caller->has_unread_body;
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n", content.size);
    write_head(caller, reply, reply->status == 204 ? "" : length);
    if (!caller->is_head && reply->status != 204) {
        put(caller, content);
    }
    finish(caller);
}

void caller_begin(struct caller *caller, const struct reply *reply, void (*room)(void *argument),
                  void *argument) {
    ENSURE(caller->state == CALLER_BUSY);
    caller->keep_alive =
        caller->keep_alive && !caller->has_unread_body && (caller->is_chunked || caller->is_head);
    write_head(caller, reply, caller->is_chunked ? "Transfer-Encoding: chunked\r\n" : "");
    caller->state = CALLER_STREAM;
    caller->room = room;
    caller->room_argument = argument;
    caller->moved = 0;
    bufferevent_setwatermark(caller->stream, EV_WRITE, CALLER_ROOM_BYTES, 0);
    caller_arm(caller, caller->loop->limits.pace_ms);
}

void caller_send(struct caller *caller, struct slice content) {
    ENSURE(caller->state == CALLER_STREAM);
    if (caller->is_head || content.size == 0) {
        return; /* an empty chunk would be the end */
    }
    if (caller->is_chunked) {
        evbuffer_add_printf(bufferevent_get_output(caller->stream), "%zx\r\n", content.size);
    }
    put(caller, content);
    if (caller->is_chunked) {
        put(caller, SLICE("\r\n"));
    }
}

void caller_end(struct caller *caller) {
    ENSURE(caller->state == CALLER_STREAM);
    if (caller->is_chunked && !caller->is_head) {
        put(caller, SLICE("0\r\n\r\n"));
    }
    finish(caller);
}

/* The kernel's buffer would grow to megabytes before a reader that is too slow could be noticed. */
void caller_end_with_input(struct caller *caller) {
    int bytes = ENDLESS_SEND_BYTES;
    caller->ends_with_input = true;
    setsockopt(bufferevent_getfd(caller->stream), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

size_t caller_backlog(const struct caller *caller) {
    return evbuffer_get_length(bufferevent_get_output(caller->stream));
}

static void put(struct caller *caller, struct slice bytes) {
    ENSURE(bytes.size == 0 || bufferevent_write(caller->stream, bytes.data, bytes.size) == 0);
}

static void write_head(struct caller *caller, const struct reply *reply, const char *length) {
    metric_add(caller->loop->metrics, meter_request(caller->route, reply->status), 1);
    struct evbuffer *output = bufferevent_get_output(caller->stream);
    http_date_set(&caller->loop->date, clock_real_ms());
    evbuffer_add_printf(output, "HTTP/1.1 %d %s\r\nDate: %.*s\r\n%s", reply->status,
                        answer_title(reply->status), HTTP_DATE_SIZE, caller->loop->date.text,
                        length);
    if (reply->content_type != NULL && reply->status != 204) {
        evbuffer_add_printf(output, "Content-Type: %s\r\n", reply->content_type);
    }
    put(caller, reply->fields);
    evbuffer_add_printf(output,
                        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s\r\n",
                        !caller->keep_alive   ? "Connection: close\r\n"
                        : !caller->is_chunked ? "Connection: keep-alive\r\n"
                                              : "");
}

/* Nobody waits for this request any more; the rest is between the kernel and the client. */
static void finish(struct caller *caller) {
    if (!caller->ends_with_input) {
        metric_observe_ns(caller->loop->metrics, METER_DURATION,
                          clock_monotonic_ns() - caller->began_ns);
    }
    caller->gone = NULL;
    caller->room = NULL;
    caller->state = CALLER_ANSWER;
    caller->moved = 0;
    bufferevent_setwatermark(caller->stream, EV_WRITE, 0, 0);
    caller_arm(caller, caller->loop->limits.pace_ms);
    if (caller_backlog(caller) == 0) {
        bufferevent_trigger(caller->stream, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
    }
}
