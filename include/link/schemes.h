/*
 * link/schemes.h - which schemes campaigns allow, remembered for a run of many links.
 *
 * Limits    SCHEMES_SLOTS campaigns are remembered; one more takes another's place.
 */
#ifndef LINK_SCHEMES_H
#define LINK_SCHEMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/defs.h"
#include "link/store.h"

struct err;

enum { SCHEMES_SLOTS = 4096, SCHEMES_BYTES_MAX = 1024 };

struct schemes_slot {
    char *id;      /* NULL: free */
    char *schemes; /* as in the campaign; empty: https alone */
};

struct schemes {
    struct store *store; /* borrowed */
    struct buf scratch;
    uint64_t seed;
    struct schemes_slot slot[SCHEMES_SLOTS];
};

void schemes_init(struct schemes *schemes, struct store *store);
void schemes_fini(struct schemes *schemes);

/* The schemes of the campaign, valid until the next call; empty for an empty id. *is_missing:
 * there is no such campaign, and that was not said before. False and err: Redis failed. */
MUST_CHECK bool schemes_find(struct schemes *schemes, struct slice id, struct slice *found,
                             bool *is_missing, struct err *err);

#endif
