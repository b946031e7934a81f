/*
 * entries.h - the entries of a stream, read where they lie in Redis' reply.
 *
 * At hundreds of thousands of clicks a second, making objects of a reply costs more than counting
 * it. So the reply of XRANGE is walked as bytes (RESP2), nothing is copied but the few bytes that
 * tell one cell from another, and the order of fields that our own writer keeps is tried first. It
 * is not relied upon: an entry with its fields in another order is read as well, one that is no
 * click is told from one that is, and whatever else comes is at worst the end of the reply.
 *
 * Threads   Pure functions.
 */
#ifndef STATS_ENTRIES_H
#define STATS_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "base/vocabulary.h"
#include "stats/cell.h"

struct entry_id {
    uint64_t ms;
    uint64_t sequence; /* both 0: before the first */
};

/* "MS-SEQUENCE"; a bare "MS" is not one. */
MUST_CHECK bool entry_id_parse(struct slice text, struct entry_id *id);

/* The smallest one above it. */
struct entry_id entry_id_next(struct entry_id id);
int entry_id_compare(struct entry_id a, struct entry_id b);

/* Room for it and a NUL. */
enum { ENTRY_ID_BYTES = 48 };
struct slice entry_id_format(struct entry_id id, char text[ENTRY_ID_BYTES]);

/* What tells cells apart, as it stands in the entry: ten times a byte of size and that many bytes:
 * kind, outcome, country, region, platform, browser, in_app, language, referrer, source. */
enum { ENTRY_TUPLE_TEXTS = 10, ENTRY_TUPLE_BYTES_MAX = ENTRY_TUPLE_TEXTS * 256 };

struct entry {
    struct entry_id id;
    bool is_click; /* else nothing below is set: not the fields of a click of a known version */
    struct slice code;
    struct slice campaign;
    uint64_t visitor;
    struct slice tuple; /* in the reader */
};

/* Borrows the reply. */
struct entry_reader {
    const char *at;
    const char *end;
    uint64_t left; /* entries still to come */
    char tuple[ENTRY_TUPLE_BYTES_MAX + 16];
};

/* False when the reply is not an array: *error is then an error reply's text, or empty. */
MUST_CHECK bool entries_begin(struct entry_reader *reader, struct slice reply, struct slice *error);

enum entry_result {
    ENTRY_READ,
    ENTRY_END,
    ENTRY_BROKEN, /* the reply is no list of entries: nothing more can be read of it */
};

/* Borrows from the reply, and from the reader until the next call. */
MUST_CHECK enum entry_result entries_next(struct entry_reader *reader, struct entry *entry);

/* A good guess at the id of the last entry, without reading those before it. The caller must hold
 * it against what entries_next() comes to: an entry may hold what looks like another one. */
MUST_CHECK bool entries_guess_last(struct slice reply, struct entry_id *id);

/* The cell of a tuple (texts borrow from it), without its hour. False: it names a kind, outcome or
 * platform that there is not. */
MUST_CHECK bool entry_cell(struct slice tuple, struct cell *cell);

#endif
