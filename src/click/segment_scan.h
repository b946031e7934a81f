/*
 * click/segment_scan.h - the records of one segment, valid ones and what stands between them.
 *
 * What journal_reader.c goes through directory after directory, and what journal_open() looks
 * for the end of a journal with: both see the same records, or the same damage.
 *
 * Threads   A scan belongs to one thread; the segment may be written meanwhile.
 */
#ifndef CLICK_SEGMENT_SCAN_H
#define CLICK_SEGMENT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "click/journal_reader.h"

struct segment_scan {
    int fd; /* the owner's */
    uint32_t number;
    uint8_t *buffer;        /* the owner's, JOURNAL_READER_BYTES */
    uint64_t window_offset; /* what stands in the buffer */
    size_t window_size;
    bool window_is_last; /* the file ends where the window does */
    uint64_t offset;     /* of the next record */
    uint64_t expected;   /* its sequence; 0: any will do */

    /* Damage up to the end of what is written was reported; what may follow is searched from
     * here on. 0: not so. */
    uint64_t search_offset;
};

enum segment_scan_result {
    SEGMENT_SCAN_RECORD,
    SEGMENT_SCAN_END,
    SEGMENT_SCAN_DAMAGED,
    SEGMENT_SCAN_FAILED, /* the file system: see errno */
};

/* Begins behind the header page. */
void segment_scan_begin(struct segment_scan *scan, int fd, uint32_t number, uint64_t expected);

/* complete: nobody writes the segment any more, so a length of 0 is not the end of it when
 * something stands behind. Damage is reported once. */
MUST_CHECK enum segment_scan_result segment_scan_next(struct segment_scan *scan, bool complete,
                                                      struct journal_record *record,
                                                      struct journal_damage *damage);

#endif
