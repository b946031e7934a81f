/*
 * link/edit.h - links and campaigns, written only if they still are what was read.
 *
 *   read ► decide ► edit: compares every field with what was read, and writes ► changed: read again
 *
 * One Lua call in Redis (src/link/edit.lua) compares and writes, so nobody's change is lost and
 * nobody sees half of one. The same call adds to the record's history (link/history.h) who did it,
 * what it was and what it is; with it, at will, an answer is kept under a key of its own, once.
 * Calls can be pipelined: edit_append() many, then edit_read() as many.
 *
 * Fields that brinco counts itself (record_field_is_ours()) are neither compared nor written.
 *
 * Threads   One at a time, as the store's redis_pipe.
 */
#ifndef LINK_EDIT_H
#define LINK_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/slice.h"
#include "link/store.h"

struct err;

enum edit_result {
    EDIT_DONE,
    EDIT_CHANGED, /* it is not what was read any more: nothing is written */
    EDIT_KEPT,    /* there is an answer under kept_key already: nothing is written */
    EDIT_REFUSED, /* the key is no hash */
    EDIT_FAILED,  /* Redis; err says why */
};

struct edit {
    enum record_kind kind;
    struct slice id;            /* valid */
    const struct slice *before; /* every field as it was read; NULL: there was none */
    const struct slice *after;  /* every field as it shall be; size 0: absent */
    struct slice kept_key;      /* the whole key; empty: nothing is kept */
    struct slice kept_value;
    uint32_t kept_s; /* for how long */
};

/* The script's name in Redis, for those who edit a lot. */
struct edit_script {
    char sha[41];
};
MUST_CHECK enum store_result edit_load(struct store *store, struct edit_script *script,
                                       struct err *err);

/* Queues it; script NULL sends the whole text. False: the pipe takes no more and is closed. */
MUST_CHECK bool edit_append(struct store *store, const struct edit_script *script,
                            const struct edit *edit);

/* The next answer. CHANGED also when Redis has lost the script: reading again and writing with the
 * whole text helps against either. */
MUST_CHECK enum edit_result edit_read(struct store *store, struct err *err);

/* Both in one. */
MUST_CHECK enum edit_result edit_run(struct store *store, const struct edit *edit, struct err *err);

/* Forgets a record; NOT_FOUND when there is none, REFUSED when the key is no hash. */
MUST_CHECK enum store_result edit_delete(struct store *store, enum record_kind kind,
                                         struct slice id, struct err *err);

/* Links that are written whatever is there, many in one call: of each, what is given is set, or
 * goes where it is empty, and what is not stays. */
enum { EDIT_MERGE_ROWS_MAX = 64 };

struct edit_merge {
    struct buf rows; /* as Redis takes it */
    size_t word_count;
    size_t row_count;
};

void edit_merge_init(struct edit_merge *merge, size_t bytes_max);
void edit_merge_fini(struct edit_merge *merge);

/* Not more than EDIT_MERGE_ROWS_MAX. given[i].data NULL: nothing is said of the field. */
void edit_merge_add(struct edit_merge *merge, struct slice code,
                    const struct slice given[LINK_FIELD_COUNT]);

/* Queues them and begins anew; created_at is that of links that have none. False: the pipe takes no
 * more and is closed. */
MUST_CHECK bool edit_merge_append(struct store *store, struct edit_merge *merge,
                                  struct slice created_at);

/* The next answer: refused gets a bit for every row whose key is no hash, the first one's lowest.
 * False and err: Redis is lost, or refuses to write. */
MUST_CHECK bool edit_merge_read(struct store *store, uint64_t *refused, struct err *err);

/* Many questions at once: as store_get(), in two halves. The id is valid. */
MUST_CHECK bool edit_ask(struct store *store, enum record_kind kind, struct slice id);
MUST_CHECK enum store_result edit_answer(struct store *store, enum record_kind kind,
                                         struct store_values into, struct err *err);

#endif
