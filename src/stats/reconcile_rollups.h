/*
 * reconcile_rollups.h - what reconcile_rollups.c, reconcile_fields.c and reconcile_cross.c share.
 *
 * Threads   One at a time.
 */
#ifndef STATS_RECONCILE_ROLLUPS_H
#define STATS_RECONCILE_ROLLUPS_H

#include "reconcile_exec.h"

enum { RECON_SUSPECTS_MAX = 32, RECON_ID_BYTES = 256 };

/* A key whose cells are not what they must be. */
struct recon_suspect {
    enum recon_key_kind kind;
    enum stats_scope_kind scope;
    size_t id_bytes;
    char id[RECON_ID_BYTES];
};

struct recon_suspects {
    struct recon_suspect suspect[RECON_SUSPECTS_MAX];
    size_t count;
};

/* reconcile_fields.c: counts once more, with all texts, and says which fields differ. */
MUST_CHECK bool recon_name_fields(struct reconciliation *recon,
                                  const struct recon_suspects *suspects, struct err *err);

/* reconcile_cross.c: each link against itself, and their sum against the whole. */
MUST_CHECK bool recon_check_links(struct reconciliation *recon, struct err *err);

#endif
