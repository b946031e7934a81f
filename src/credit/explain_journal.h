/*
 * explain_journal.h - one click in the journals of this edge: private to explain.c.
 */
#ifndef EXPLAIN_JOURNAL_H
#define EXPLAIN_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/ulid.h"

struct buf;

enum { EXPLAIN_DIRECTORY_BYTES = 4096 };

struct journal_sighting {
    char directory[EXPLAIN_DIRECTORY_BYTES];
    char edge_id[65];
    uint32_t worker;
    uint32_t segment;
    uint64_t sequence;
    struct buf *json; /* the caller's: the click, as click_to_json() writes it */
};

enum journal_search_result {
    JOURNAL_SEARCH_FOUND,
    JOURNAL_SEARCH_NONE,
    JOURNAL_SEARCH_NO_JOURNALS
};

/* Looks through data_dir/journal, live journals too. Times never step back within a journal, so it
 * goes to where the click must stand. *journals: how many were read, *unreadable: how many could
 * not be. */
enum journal_search_result journal_search(const char *data_dir, const struct ulid *id,
                                          struct journal_sighting *sighting, size_t *journals,
                                          size_t *unreadable);

#endif
