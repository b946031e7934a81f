/*
 * caller_private.h - what caller.c and caller_answer.c share.
 */
#ifndef API_CALLER_PRIVATE_H
#define API_CALLER_PRIVATE_H

#include <netinet/in.h>

#include "base/list.h"
#include "caller.h"
#include "http/response.h"

struct bufferevent;
struct event;

enum caller_state {
    CALLER_HEAD,
    CALLER_BUSY, /* whoever has the request answers it, or asks for its body */
    CALLER_BODY,
    CALLER_ANSWER, /* whole, on its way */
    CALLER_STREAM, /* begun, not ended */
    CALLER_LINGER,
};

struct caller_loop {
    struct event_base *base;
    struct caller_limits limits;
    struct caller_handler handler;
    struct metric_set *metrics;
    struct list_node callers;
    size_t count;
    struct http_date date;
    bool is_draining;
};

struct caller {
    struct list_node node;
    struct caller_loop *loop;
    struct bufferevent *stream;
    struct event *deadline;
    enum caller_state state;
    uint64_t began_ns; /* the request at hand */
    size_t route;      /* for the metrics */
    size_t seen;       /* of the input, searched for the end of a head */
    bool has_input_ended;
    bool ends_with_input;
    bool keep_alive; /* of the request at hand */
    bool is_head;
    bool is_chunked; /* the answer */
    bool expects_continue;
    bool has_unread_body;
    uint64_t moved; /* bytes of the body or the answer, since the last look at its pace */
    struct body *body;
    void (*body_done)(void *argument, enum body_result result);
    void *body_argument;
    void (*gone)(void *argument);
    void *gone_argument;
    void (*room)(void *argument);
    void *room_argument;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
};

/* Ends the connection now; the watcher is told. caller is gone. */
void caller_close(struct caller *caller);

/* Restarts the deadline. */
void caller_arm(struct caller *caller, uint32_t timeout_ms);

/* The answer has left: the next request, or the end. caller may be gone. */
void caller_answered(struct caller *caller);

#endif
