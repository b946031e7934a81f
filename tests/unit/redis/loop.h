/*
 * loop.h - running an event loop for a while, for tests of this room.
 */
#ifndef TESTS_REDIS_LOOP_H
#define TESTS_REDIS_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { LOOP_PATIENCE_MS = 5000 };

static inline uint64_t now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

static inline void loop_run_ms(struct event_base *base, unsigned milliseconds) {
    struct timeval interval = {.tv_sec = milliseconds / 1000,
                               .tv_usec = (suseconds_t)(milliseconds % 1000) * 1000};
    event_base_loopexit(base, &interval);
    event_base_dispatch(base);
}

/* False when the counter has not got there within LOOP_PATIENCE_MS. */
static inline bool loop_run_until(struct event_base *base, const unsigned *counter,
                                  unsigned value) {
    uint64_t deadline_ms = now_ms() + LOOP_PATIENCE_MS;
    while (*counter < value && now_ms() < deadline_ms) {
        loop_run_ms(base, 2);
    }
    return *counter >= value;
}

#endif
