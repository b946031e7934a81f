/*
 * allowed.h - links.allowed_hosts, as handlers read it while a reload may change it.
 *
 * Threads   Any.
 */
#ifndef API_ALLOWED_H
#define API_ALLOWED_H

#include <pthread.h>

#include "base/slice.h"
#include "link/hosts.h"

struct allowed {
    pthread_mutex_t lock;
    size_t size;
    char bytes[HOSTS_BYTES_MAX];
};

void allowed_init(struct allowed *allowed);
void allowed_fini(struct allowed *allowed);

/* A list that passed hosts_check(); copied. */
void allowed_set(struct allowed *allowed, struct slice hosts);

/* The list as it is now, in to. */
struct slice allowed_copy(struct allowed *allowed, char to[HOSTS_BYTES_MAX]);

#endif
