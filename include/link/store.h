/*
 * link/store.h - links and campaigns in Redis, for those who write them.
 *
 * Every field is checked before it is written (link/record.h), so that what brinco wrote is never
 * nonsense. Nothing is written over what somebody else wrote meanwhile (link/edit.h), and every
 * change goes into the record's history. Blocking: not for the hop, which has link/resolver.h.
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
#include "link/record.h"

struct buf;
struct err;
struct redis_pipe;

enum store_result { STORE_OK, STORE_NOT_FOUND, STORE_REFUSED, STORE_FAILED };

enum { STORE_WHO_BYTES_MAX = 128 };

/* Who writes, for what a record's history says (link/history.h). All zeros: none is kept. */
struct store_author {
    struct slice who;     /* an API token's name, or USER@HOST; STORE_WHO_BYTES_MAX at most */
    struct slice via;     /* "api", "cli" or "import" */
    uint32_t entries;     /* history.entries */
    uint32_t retain_days; /* stats.retain_days: how long the history of what is deleted stays */
};

struct store {
    struct redis_pipe *pipe;
    struct slice key_prefix; /* redis.prefix */
    struct slice hosts;      /* links.allowed_hosts (link/hosts.h), which bind what is written */
    struct store_author author;
};

/* A set of fields to write or as read: data NULL means absent (read) or leave alone (write);
 * an empty value on write removes the field. */
struct link_fields {
    struct slice value[LINK_FIELD_COUNT];
};
struct campaign_fields {
    struct slice value[CAMPAIGN_FIELD_COUNT];
};

/* Where the values of a record go, as many as its kind has fields; they lie in scratch. */
struct store_values {
    struct slice *value;
    struct buf *scratch;
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

/* The same for either kind. */
MUST_CHECK enum store_result store_get(struct store *store, enum record_kind kind, struct slice id,
                                       struct store_values into, struct err *err);
MUST_CHECK enum store_result store_delete(struct store *store, enum record_kind kind,
                                          struct slice id, struct err *err);

/* The schemes that a campaign's links may use; empty beside NOT_FOUND. */
MUST_CHECK enum store_result store_schemes(struct store *store, struct slice campaign,
                                           struct buf *scratch, struct slice *schemes,
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

/* A page of a walk: a bounded piece of it, and where the next one goes on. */
struct store_page {
    struct slice cursor; /* of the page before; empty: from the beginning */
    size_t limit;        /* records that a page may have, 1 .. STORE_PAGE_LIMIT_MAX */
    /* Whether the record belongs to the page. */
    bool (*each)(void *argument, struct slice id, const struct slice *values);
    void *argument;
};
enum {
    STORE_PAGE_LIMIT_MAX = 1000,
    STORE_PAGE_KEYS_MAX = 20000,  /* that Redis looks at for one page, of whatever kind */
    STORE_PAGE_CARRIED_MAX = 100, /* ids that a cursor carries */
    STORE_CURSOR_BYTES_MAX = 24 + STORE_PAGE_CARRIED_MAX * 65,
};

/* next is empty at the end, else letters, digits and . - _ alone. Pages may be short or empty
 * before that. Each record that exists from the first page to the last is in one at least. Only
 * while Redis moves its table can a page be larger than its limit. REFUSED: that is no cursor. */
MUST_CHECK enum store_result store_page(struct store *store, enum record_kind kind,
                                        const struct store_page *page, struct buf *next,
                                        struct err *err);

#endif
