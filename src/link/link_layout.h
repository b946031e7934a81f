/*
 * link_layout.h - the bytes of a struct link: private to the room.
 *
 * A link has no pointers and needs an alignment of two bytes only, so that the cache can keep it
 * inside its own entry by copying link_bytes() bytes of it.
 */
#ifndef LINK_LAYOUT_H
#define LINK_LAYOUT_H

#include <stddef.h>

struct link;

enum { LINK_ALIGNMENT = 2 };

/* The whole object's size. */
size_t link_bytes(const struct link *link);

/* A heap copy. */
struct link *link_copy(const struct link *link);

#endif
