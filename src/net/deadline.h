/*
 * deadline.h - many deadlines that all last equally long, in a list that is therefore sorted.
 *
 * Setting one is an append, ending one a removal, and asking for those that have passed looks at
 * the head: no heap, no timer of the loop a connection.
 *
 * Threads   One owner.
 */
#ifndef NET_DEADLINE_H
#define NET_DEADLINE_H

#include <stdint.h>

#include "base/list.h"

struct deadline {
    struct list_node node;
    uint64_t at_ns; /* monotonic */
};

struct deadline_queue {
    struct list_node list;
    uint64_t duration_ns;
};

static inline void deadline_queue_init(struct deadline_queue *queue, uint32_t duration_ms) {
    list_init(&queue->list);
    queue->duration_ns = (uint64_t)duration_ms * 1000000u;
}

/* Takes the deadline off the queue it is on, if any. */
static inline void deadline_cancel(struct deadline *deadline) {
    list_remove(&deadline->node);
}

static inline void deadline_set(struct deadline_queue *queue, struct deadline *deadline,
                                uint64_t now_ns) {
    deadline_cancel(deadline);
    deadline->at_ns = now_ns + queue->duration_ns;
    list_append(&queue->list, &deadline->node);
}

/* The one that ends first; NULL when the queue is empty. */
struct deadline *deadline_first(const struct deadline_queue *queue);

/* The first one if it has passed, else NULL. It stays on the queue. */
struct deadline *deadline_passed(const struct deadline_queue *queue, uint64_t now_ns);

#endif
