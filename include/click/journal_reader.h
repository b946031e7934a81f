/*
 * click/journal_reader.h - reading journals, live ones too, while they are written.
 *
 * Files are read with pread(2), not mapped: a file that shrinks gives an error, not a SIGBUS.
 * Nothing in a file is trusted: lengths are bounded, checks recomputed.
 *
 * Threads   A reader belongs to one thread; any number of readers beside the writer.
 * Limits    One read buffer of JOURNAL_READER_BYTES a reader.
 */
#ifndef CLICK_JOURNAL_READER_H
#define CLICK_JOURNAL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct journal_reader;

enum { JOURNAL_READER_BYTES = 256 * 1024, JOURNAL_SEGMENTS_MAX = 100000 };

/* What the header and the file system say of one segment. */
struct journal_segment {
    uint32_t number;         /* NNNNNNNN of its name */
    uint64_t first_sequence; /* 0: prepared, nothing written yet */
    uint64_t file_bytes;
    uint64_t modified_ms; /* Unix time */
    uint32_t worker;
    char edge_id[65];
    bool header_is_valid; /* else the fields from the header are zero */
};

/* The segments of a directory in order of their numbers; *segments is the caller's to free().
 * An empty directory gives count 0. */
MUST_CHECK bool journal_list(const char *directory, struct journal_segment **segments,
                             size_t *count, struct err *err);

struct journal_record {
    uint64_t sequence;
    uint64_t at_ms;       /* the payload's first eight bytes */
    struct slice payload; /* valid until the reader's next call */
    uint32_t segment;     /* where it stands */
    uint64_t offset;
};

enum journal_read_result {
    JOURNAL_READ_RECORD,
    JOURNAL_READ_END,     /* nothing more yet: call again later */
    JOURNAL_READ_DAMAGED, /* a record that fails its check, or a gap: see the damage; the next
                             call goes on after it */
    JOURNAL_READ_FAILED,  /* the file system: see err */
};

struct journal_damage {
    uint32_t segment;
    uint64_t offset;         /* of the first bad byte's record */
    uint64_t resumed_offset; /* where valid records go on, or the end of what is written */
    uint64_t sequence;       /* of the record that should have stood there */
    uint64_t missing;        /* how many records are known to be gone; 0: cannot be told */
    char reason[96];
};

/* Reads a directory from the segment with this number (or the first one after it) on, over all
 * later ones as they appear. A segment that does not begin where the one before ended is a gap. A
 * header that does not hold is damage (offset 0), and the records behind it are read all the same.
 * Damage up to the live end is reported once, with missing 0; when records follow later, the gap
 * is reported with its size. */
MUST_CHECK struct journal_reader *journal_reader_open(const char *directory, uint32_t first_segment,
                                                      struct err *err);
void journal_reader_close(struct journal_reader **reader);

MUST_CHECK enum journal_read_result journal_reader_next(struct journal_reader *reader,
                                                        struct journal_record *record,
                                                        struct journal_damage *damage,
                                                        struct err *err);

#endif
