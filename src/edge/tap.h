/*
 * tap.h - the story of one tap.
 *
 * Threads   The worker's own.
 */
#ifndef EDGE_TAP_H
#define EDGE_TAP_H

#include <stdbool.h>

#include "base/slice.h"

struct edge_worker;
struct request_context;
struct tap;

enum tap_purpose {
    TAP_TO_FOLLOW,  /* somebody wants to go there: recorded */
    TAP_TO_INSPECT, /* CODE+: somebody wants to know where it goes: not recorded */
};

/* Answers at once (true), or later through conn_resume() (false), when Redis must be asked. */
bool tap_begin(struct request_context *context, struct slice code, enum tap_purpose purpose);

/* The answers of this turn are ready: how long did that take? */
void tap_observe(struct edge_worker *worker);

/* The connection of a tap that waits is about to go: nothing of it is touched afterwards. */
void tap_cancel(struct tap *tap);

/* Frees the taps that the worker keeps for later use. */
void tap_free_spares(struct edge_worker *worker);

#endif
