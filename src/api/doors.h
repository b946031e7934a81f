/*
 * doors.h - the listening sockets of the admin side.
 *
 * They are shut while there are as many connections as there may be, and for a moment when the
 * process is out of file descriptors; who wants in waits in the kernel's queue.
 *
 * Threads   The server's own; opening before it runs.
 * Limits    DOORS_MAX addresses.
 */
#ifndef API_DOORS_H
#define API_DOORS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/defs.h"
#include "base/slice.h"

struct doors;
struct err;
struct event_base;
struct log;
struct metric_set;
struct sockaddr;

enum { DOORS_MAX = 16, DOORS_REST_MS = 100 };

struct doors_options {
    struct event_base *base;
    struct slice listen; /* conf's ADDRESSES */
    size_t connections_max;
    void (*on_accept)(void *argument, int fd, const struct sockaddr *peer);
    void *argument;
    struct metric_set *metrics;
    struct log *log;
};

/* NULL and a sentence that names the address when one cannot be listened on. */
MUST_CHECK struct doors *doors_open(const struct doors_options *options, struct err *err);
void doors_close(struct doors **doors);

/* How many connections there are now. */
void doors_count(struct doors *doors, size_t connections);

#endif
