/*
 * link/history.h - who changed a link or a campaign, when, and what it was before.
 *
 * Every change through the API, the command line and the import adds an entry, in the same call
 * that writes it (link/edit.h). The newest history.entries are kept in the stream
 * history:link:CODE or history:campaign:ID; after a deletion they stay for stats.retain_days. Who
 * made a record stands in its own field `made` until it is first changed: that is read here as the
 * entry it will become. What other hands write to Redis is not seen, but as the `before` of the
 * next change.
 *
 * Threads   One at a time, as the store's redis_pipe.
 * Limits    HISTORY_ENTRIES_MAX entries; of what other hands wrote there, no more than
 *           HISTORY_JSON_BYTES_MAX a record.
 */
#ifndef LINK_HISTORY_H
#define LINK_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "link/record.h"
#include "link/store.h"

struct buf;
struct err;

enum { HISTORY_ENTRIES_MAX = 1000, HISTORY_JSON_BYTES_MAX = 256 * 1024 };

/* Whatever Redis holds: texts are UTF-8, the JSON is sound. */
struct history_entry {
    uint64_t at_ms;      /* Unix time, of Redis' clock */
    struct slice who;    /* an API token's name, or USER@HOST */
    struct slice via;    /* "api", "cli", "import" */
    struct slice action; /* "create", "change", "delete" */
    struct slice before; /* a JSON object as record_json() writes it, or null */
    struct slice after;
};

struct history_query {
    enum record_kind kind;
    struct slice id;
    size_t limit; /* 1 to HISTORY_ENTRIES_MAX */
    /* The newest first, until it returns false. Borrowed for the call. */
    bool (*each)(void *argument, const struct history_entry *entry);
    void *argument;
};

/* NOT_FOUND: there is no such record, and nothing is known of one. A record that no entry speaks of
 * was written by other hands: OK, and each() is not called. REFUSED: that is no id, or what Redis
 * has under its key is something else. */
MUST_CHECK enum store_result history_read(struct store *store, const struct history_query *query,
                                          struct err *err);

/* The entry as one JSON object without a line break. False when out is full. */
bool history_json(const struct history_entry *entry, struct buf *out);

#endif
