/*
 * base/list.h - a doubly linked list whose links live in its members.
 *
 * A node that is on no list has next NULL; a list is a node that points at itself when empty.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next;
    struct list_node *previous;
};

static inline void list_init(struct list_node *list) {
    list->next = list->previous = list;
}

static inline bool list_is_empty(const struct list_node *list) {
    return list->next == list;
}

static inline bool list_is_linked(const struct list_node *node) {
    return node->next != NULL;
}

static inline void list_append(struct list_node *list, struct list_node *node) {
    node->next = list;
    node->previous = list->previous;
    list->previous->next = node;
    list->previous = node;
}

/* A node that is on no list stays so. */
static inline void list_remove(struct list_node *node) {
    if (node->next != NULL) {
        node->next->previous = node->previous;
        node->previous->next = node->next;
        node->next = node->previous = NULL;
    }
}

#endif
