/*
 * live.c - one look a second, many listeners.
 */
#include "live.h"

#include <stdlib.h>

#include <event2/event.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "caller.h"
#include "meter.h"
#include "pool.h"
#include "stats/live.h"

enum { EVENT_BYTES_MAX = 1024 * 1024, SECOND_US = 1000000 };

_Static_assert((int)LIVE_SUBSCRIBERS_MAX <= (int)API_TOKEN_CHECKS_MAX, "one check is enough");

struct subscriber {
    struct list_node node;
    struct live *live;
    struct caller *caller;
    char token_hash[API_TOKEN_HASH_BYTES + 1];
    size_t place; /* of its token in the look that runs */
};

struct live {
    struct live_options options;
    struct event *tick;
    struct list_node subscribers;
    size_t count;

    /* The look. While it runs all of this is its own. */
    struct pool_task task;
    bool is_looking;
    struct stats_live *state;
    struct buf event;
    bool is_seen;
    bool are_checked;
    size_t token_count;
    char token_hash[LIVE_SUBSCRIBERS_MAX][API_TOKEN_HASH_BYTES + 1];
    bool is_token_there[LIVE_SUBSCRIBERS_MAX];
};

static void on_tick(evutil_socket_t fd, short what, void *argument);
static void look(struct live *live);
static void on_run(struct pool_task *task, struct redis_pipe *pipe, const struct err *err);
static void on_done(struct pool_task *task);
static void tell_all(struct live *live, struct slice text);
static void forget(struct subscriber *subscriber);
static void on_gone(void *argument);

struct live *live_create(const struct live_options *options) {
    struct live *live = calloc(1, sizeof(*live));
    ENSURE(live != NULL);
    live->options = *options;
    live->task.run = on_run;
    live->task.done = on_done;
    list_init(&live->subscribers);
    buf_init(&live->event, EVENT_BYTES_MAX);
    live->tick = event_new(options->base, -1, EV_PERSIST, on_tick, live);
    ENSURE(live->tick != NULL);
    return live;
}

void live_destroy(struct live **live) {
    struct live *gone = *live;
    if (gone == NULL) {
        return;
    }
    ENSURE(!gone->is_looking && gone->count == 0);
    event_free(gone->tick);
    stats_live_destroy(&gone->state);
    buf_fini(&gone->event);
    free(gone);
    *live = NULL;
}

bool live_subscribe(struct live *live, struct caller *caller, const char *token_hash) {
    static const struct reply reply = {.status = 200, .content_type = "text/event-stream"};
    char hello[32];
    if (live->count == LIVE_SUBSCRIBERS_MAX) {
        return false;
    }
    struct subscriber *subscriber = calloc(1, sizeof(*subscriber));
    ENSURE(subscriber != NULL);
    subscriber->live = live;
    subscriber->caller = caller;
    subscriber->place = SIZE_MAX;
    memcpy(subscriber->token_hash, token_hash, sizeof(subscriber->token_hash));
    list_append(&live->subscribers, &subscriber->node);
    live->count++;
    metric_put(live->options.metrics, METER_SUBSCRIBERS, live->count);
    caller_watch(caller, on_gone, subscriber);
    caller_end_with_input(caller);
    caller_begin(caller, &reply, NULL, NULL);
    struct buf text = buf_over(hello, sizeof(hello));
    buf_printf(&text, "retry: %d\n\n", LIVE_RETRY_MS);
    caller_send(caller, buf_slice(&text));
    if (live->count == 1) {
        uint32_t interval_ms = live->options.interval_ms;
        struct timeval interval = {.tv_sec = interval_ms / 1000,
                                   .tv_usec = interval_ms * 1000 % SECOND_US};
        ENSURE(event_add(live->tick, &interval) == 0);
        look(live);
    }
    return true;
}

void live_end(struct live *live) {
    while (!list_is_empty(&live->subscribers)) {
        struct subscriber *subscriber =
            CONTAINER_OF(live->subscribers.next, struct subscriber, node);
        struct caller *caller = subscriber->caller;
        forget(subscriber);
        caller_end(caller);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *argument) {
    (void)fd;
    (void)what;
    look(argument);
}

/* A look that takes longer than a second is waited for. */
static void look(struct live *live) {
    if (live->is_looking) {
        return;
    }
    live->token_count = 0;
    for (struct list_node *node = live->subscribers.next; node != &live->subscribers;
         node = node->next) {
        struct subscriber *subscriber = CONTAINER_OF(node, struct subscriber, node);
        subscriber->place = live->token_count;
        memcpy(live->token_hash[live->token_count++], subscriber->token_hash,
               sizeof(subscriber->token_hash));
    }
    live->is_looking = pool_submit(live->options.pool, &live->task);
    if (!live->is_looking) {
        tell_all(live, SLICE(": too much to do at the moment\n\n"));
    }
}

/* On a pool thread. */
static void on_run(struct pool_task *task, struct redis_pipe *pipe, const struct err *err) {
    struct live *live = CONTAINER_OF(task, struct live, task);
    const char *hashes[LIVE_SUBSCRIBERS_MAX];
    struct err why;
    (void)err;
    buf_clear(&live->event);
    live->is_seen = live->are_checked = false;
    if (pipe == NULL) {
        return;
    }
    if (live->state == NULL) {
        live->state = stats_live_create();
    }
    const struct stats_source source = {.pipe = pipe,
                                        .key_prefix = live->options.key_prefix,
                                        .zone = live->options.zone,
                                        .now_ms = clock_real_ms()};
    buf_append(&live->event, SLICE("data: "));
    live->is_seen = stats_live_poll(live->state, &source, &live->event, &why);
    buf_append(&live->event, SLICE("\n\n"));
    live->is_seen = live->is_seen && !live->event.overflowed;
    for (size_t i = 0; i < live->token_count; i++) {
        hashes[i] = live->token_hash[i];
    }
    live->are_checked = api_token_check(pipe, live->options.key_prefix, hashes, live->token_count,
                                        live->is_token_there) == API_TOKEN_OK;
}

static void on_done(struct pool_task *task) {
    struct live *live = CONTAINER_OF(task, struct live, task);
    live->is_looking = false;
    struct list_node *node = live->subscribers.next;
    while (live->are_checked && node != &live->subscribers) {
        struct subscriber *subscriber = CONTAINER_OF(node, struct subscriber, node);
        node = node->next;
        if (subscriber->place != SIZE_MAX && !live->is_token_there[subscriber->place]) {
            struct caller *caller = subscriber->caller;
            forget(subscriber);
            caller_end(caller);
        }
    }
    tell_all(live, live->is_seen ? buf_slice(&live->event)
                                 : SLICE(": the numbers cannot be read at the moment\n\n"));
    if (live->count == 0) {
        stats_live_destroy(&live->state); /* the next subscriber begins anew */
    }
}

static void tell_all(struct live *live, struct slice text) {
    struct list_node *node = live->subscribers.next;
    while (node != &live->subscribers) {
        struct subscriber *subscriber = CONTAINER_OF(node, struct subscriber, node);
        node = node->next;
        subscriber->place = SIZE_MAX;
        if (caller_backlog(subscriber->caller) > LIVE_BACKLOG_BYTES_MAX) {
            struct caller *caller = subscriber->caller;
            metric_add(live->options.metrics, METER_SUBSCRIBERS_SLOW, 1);
            forget(subscriber);
            caller_abort(caller);
        } else {
            caller_send(subscriber->caller, text);
        }
    }
}

static void forget(struct subscriber *subscriber) {
    struct live *live = subscriber->live;
    list_remove(&subscriber->node);
    caller_watch(subscriber->caller, NULL, NULL);
    free(subscriber);
    live->count--;
    metric_put(live->options.metrics, METER_SUBSCRIBERS, live->count);
    if (live->count == 0) {
        event_del(live->tick);
        if (!live->is_looking) {
            stats_live_destroy(&live->state);
        }
    }
}

static void on_gone(void *argument) {
    forget(argument);
}
