/*
 * query_read.h - the rollups of a range of days, field by field, in the order of the days.
 *
 * Sizes are asked first, all days in one pipeline. Then small hashes are read many in one, and
 * large ones a part at a time: they only ever grow, and a walk over a hash that does not shrink
 * sees each field once.
 *
 * Threads   Waits for Redis; one at a time a pipe.
 * Limits    READ_BATCH_FIELDS in memory at a time, fields_max in all.
 */
#ifndef STATS_QUERY_READ_H
#define STATS_QUERY_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "stats/query.h"

struct buf;
struct err;
struct periods;
struct redis_reply;

enum { READ_BATCH_FIELDS = 50 * 1000, READ_KEY_BYTES_MAX = 512 };

enum read_what { READ_CELLS, READ_HOURS, READ_INDEX };

struct reading {
    const struct stats_source *source;
    struct stats_scope scope;
    enum read_what what;
    const struct periods *periods;
    uint64_t fields_max; /* STATS_CELLS_READ_MAX, or less */
    void *argument;
    void (*each)(void *argument, size_t day_index, struct slice field, struct slice value);
    void (*day_done)(void *argument, size_t day_index); /* of every day, read or not */
};

/* TOO_MUCH: nothing was read. FAILED also when Redis holds something else than a hash there. */
MUST_CHECK enum stats_result query_read(const struct reading *reading, struct err *err);

/* Appends the key of a day of the reading. */
void query_read_key(const struct reading *reading, size_t day_index, struct buf *key);

/* Queues COMMAND KEY and, unless it is {NULL, 0}, an argument; false and err when it cannot be
 * queued. */
MUST_CHECK bool query_ask(const struct stats_source *source, const char *command, struct slice key,
                          struct slice argument, struct err *err);

/* Reads a reply; NULL and err, disconnected, when there is none or it is an error. */
MUST_CHECK const struct redis_reply *query_reply(const struct stats_source *source,
                                                 struct err *err);

#endif
