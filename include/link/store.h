/*
 * link/store.h - links and campaigns in Redis, for those who write them.
 *
 * The command line (and later the API) checks every field before it writes, so that what
 * brinco wrote is never nonsense. Blocking: not for the hop, which has link/resolver.h.
 *
 * Threads   One at a time, as its redis_pipe.
 */
#ifndef LINK_STORE_H
#define LINK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "link/campaign.h"
#include "link/link.h"

struct buf;
struct err;
struct redis_pipe;

enum store_result { STORE_OK, STORE_NOT_FOUND, STORE_REFUSED, STORE_FAILED };

struct store {
    struct redis_pipe *pipe;
    struct slice key_prefix; /* redis.prefix */
};

/* A set of fields to write or as read: data NULL means absent (read) or leave alone (write);
 * an empty value on write removes the field. */
struct link_fields {
    struct slice value[LINK_FIELD_COUNT];
};
struct campaign_fields {
    struct slice value[CAMPAIGN_FIELD_COUNT];
};

/* REFUSED: a code or field is not allowed, err says which. FAILED: Redis, err says why. */
MUST_CHECK enum store_result store_link_set(struct store *store, struct slice code,
                                            const struct link_fields *fields, struct err *err);
/* Strings are copied into scratch, which the caller clears. */
MUST_CHECK enum store_result store_link_get(struct store *store, struct slice code,
                                            struct link_fields *fields, struct buf *scratch,
                                            struct err *err);
MUST_CHECK enum store_result store_link_delete(struct store *store, struct slice code,
                                               struct err *err);

MUST_CHECK enum store_result store_campaign_set(struct store *store, struct slice id,
                                                const struct campaign_fields *fields,
                                                struct err *err);
MUST_CHECK enum store_result store_campaign_get(struct store *store, struct slice id,
                                                struct campaign_fields *fields, struct buf *scratch,
                                                struct err *err);
MUST_CHECK enum store_result store_campaign_delete(struct store *store, struct slice id,
                                                   struct err *err);

/* Walks all links (SCAN: each that exists throughout is seen at least once; duplicates are
 * possible) and calls each() until it returns false. */
struct store_walk {
    bool (*each_link)(void *argument, struct slice code, const struct link_fields *fields);
    bool (*each_campaign)(void *argument, struct slice id, const struct campaign_fields *fields);
    void *argument;
};
MUST_CHECK enum store_result store_walk_links(struct store *store, const struct store_walk *walk,
                                              struct err *err);
MUST_CHECK enum store_result store_walk_campaigns(struct store *store,
                                                  const struct store_walk *walk, struct err *err);

#endif
