/*
 * reconcile_scan.h - the links and campaigns that have rollups of a day, by their keys in Redis.
 *
 * Threads   Waits for Redis.
 * Limits    RECON_SCAN_MAX scopes; then the rest is left out, and that is said.
 */
#ifndef STATS_RECONCILE_SCAN_H
#define STATS_RECONCILE_SCAN_H

#include "reconcile_private.h"

enum { RECON_SCAN_MAX = 16 * 1000 * 1000 };

struct recon_scan {
    struct recon_scanned *scanned; /* a scope may be there more than once */
    size_t count;
    size_t capacity;
    struct buf names;
};

/* Those that the model does not have; all of them where there is no model. */
MUST_CHECK bool recon_scan(struct reconciliation *recon, struct recon_scan *scan, struct err *err);
struct stats_scope recon_scan_scope(const struct recon_scan *scan, size_t number);
/* So that those that are there twice stand side by side, and say so. */
void recon_scan_sort(struct recon_scan *scan);
bool recon_scan_is_repeated(const struct recon_scan *scan, size_t number);

void recon_scan_fini(struct recon_scan *scan);

#endif
