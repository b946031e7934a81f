/*
 * deadline.c - looking at the head of a sorted list.
 */
#include "deadline.h"

#include "base/defs.h"

struct deadline *deadline_first(const struct deadline_queue *queue) {
    return list_is_empty(&queue->list) ? NULL
                                       : CONTAINER_OF(queue->list.next, struct deadline, node);
}

struct deadline *deadline_passed(const struct deadline_queue *queue, uint64_t now_ns) {
    struct deadline *first = deadline_first(queue);
    return first != NULL && first->at_ns <= now_ns ? first : NULL;
}
