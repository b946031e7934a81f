/*
 * reconcile_exec.h - keys of the rollups, read at one moment with the watermarks.
 *
 * Threads   Waits for Redis.
 */
#ifndef STATS_RECONCILE_EXEC_H
#define STATS_RECONCILE_EXEC_H

#include "apply.h"
#include "reconcile_keys.h"

struct recon_request {
    enum recon_key_kind kind;
    struct stats_scope scope; /* borrowed */
};

struct recon_exec {
    const struct recon_request *requests;
    size_t count;
    /* For every request, with what Redis answered. */
    void (*each)(void *argument, size_t number, const struct redis_reply *reply);
    void *argument;
    struct apply_mark *marks; /* one for each stream */
};

/* A stream that nobody knew of sets recon->must_repeat. */
MUST_CHECK bool recon_exec(struct reconciliation *recon, const struct recon_exec *exec,
                           struct err *err);

#endif
