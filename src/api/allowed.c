/*
 * allowed.c - a text behind a lock: a handler has a copy, so that one request is bound by one list.
 */
#include "allowed.h"

#include <string.h>

#include "base/defs.h"

void allowed_init(struct allowed *allowed) {
    ENSURE(pthread_mutex_init(&allowed->lock, NULL) == 0);
    allowed->size = 0;
}

void allowed_fini(struct allowed *allowed) {
    pthread_mutex_destroy(&allowed->lock);
}

void allowed_set(struct allowed *allowed, struct slice hosts) {
    ENSURE(hosts_check(hosts, NULL));
    pthread_mutex_lock(&allowed->lock);
    slice_put(allowed->bytes, hosts);
    allowed->size = hosts.size;
    pthread_mutex_unlock(&allowed->lock);
}

struct slice allowed_copy(struct allowed *allowed, char to[HOSTS_BYTES_MAX]) {
    pthread_mutex_lock(&allowed->lock);
    size_t size = allowed->size;
    memcpy(to, allowed->bytes, size);
    pthread_mutex_unlock(&allowed->lock);
    return slice_make(to, size);
}
