/*
 * click/segment.h - one file of a journal: its name, its header page, its records.
 *
 * The layout that click/journal.h promises, in one place for the writer and the readers.
 * Nothing here trusts a file: sizes are bounded and checks recomputed.
 *
 * Threads   Pure functions on bytes, and functions on a directory that keep no state.
 */
#ifndef CLICK_SEGMENT_H
#define CLICK_SEGMENT_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "base/crc32c.h"
#include "base/defs.h"
#include "base/slice.h"
#include "click/journal.h"

struct err;

enum {
    SEGMENT_HEADER_BYTES = 4096, /* a page of its own; what is used of it is SEGMENT_HEADER_USED */
    SEGMENT_HEADER_USED = 100,
    SEGMENT_FORMAT_VERSION = 1,
    SEGMENT_EDGE_BYTES_MAX = 64,
    SEGMENT_NUMBER_MAX = 99999999,
    SEGMENT_NAME_BYTES = 13, /* NNNNNNNN.log and a NUL */

    SEGMENT_RECORD_HEAD = 16, /* length, crc, sequence */
    SEGMENT_PAYLOAD_MIN = 8,  /* its time */
    SEGMENT_RECORD_MIN = SEGMENT_RECORD_HEAD + SEGMENT_PAYLOAD_MIN,
    SEGMENT_RECORD_MAX = SEGMENT_RECORD_HEAD + JOURNAL_RECORD_BYTES_MAX,
};

#define SEGMENT_SEQUENCE_MAX (UINT64_MAX >> 1) /* no journal gets there: beyond it is damage */

struct segment_header {
    uint64_t first_sequence; /* 0: prepared, nothing written yet */
    uint32_t worker;
    char edge_id[SEGMENT_EDGE_BYTES_MAX + 1];
};

enum segment_header_state {
    SEGMENT_HEADER_VALID,
    SEGMENT_HEADER_BAD,
    SEGMENT_HEADER_NEWER, /* intact, of a format that this version cannot read */
};

/* page has SEGMENT_HEADER_USED bytes to write. */
void segment_header_encode(const struct segment_header *header, uint8_t *page);

/* Puts the first sequence into an encoded header and seals it again. */
void segment_header_begin(uint8_t *page, uint64_t first_sequence);

/* size may be anything. *header is zero unless the header is valid. */
enum segment_header_state segment_header_decode(const uint8_t *page, size_t size,
                                                struct segment_header *header);

/* Reads the header of an open segment; false: the file system, see errno. */
MUST_CHECK bool segment_header_read(int fd, enum segment_header_state *state,
                                    struct segment_header *header);

void segment_name(uint32_t number, char name[SEGMENT_NAME_BYTES]);

/* Opens a segment, which must be a regular file. -1: see errno. */
MUST_CHECK int segment_open(int directory_fd, uint32_t number, int flags);

/* The numbers of all segments of a directory, rising; *numbers is the caller's to free(). */
MUST_CHECK bool segment_numbers(int directory_fd, const char *directory, uint32_t **numbers,
                                size_t *count, struct err *err);

/* Fills the buffer from offset on as far as the file goes; the bytes read, or -1, see errno. */
MUST_CHECK ssize_t segment_pread(int fd, void *out, size_t size, uint64_t offset);

static inline uint32_t segment_load_u32(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return le32toh(value);
}

static inline uint64_t segment_load_u64(const uint8_t *from) {
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return le64toh(value);
}

static inline void segment_store_u32(uint8_t *to, uint32_t value) {
    value = htole32(value);
    memcpy(to, &value, sizeof(value));
}

static inline void segment_store_u64(uint8_t *to, uint64_t value) {
    value = htole64(value);
    memcpy(to, &value, sizeof(value));
}

/* What a record takes in the file. */
static inline size_t segment_record_bytes(size_t payload_size) {
    return (SEGMENT_RECORD_HEAD + payload_size + 7) & ~(size_t)7;
}

/* The check of a record whose sequence and payload stand in place. */
static inline uint32_t segment_record_crc(const uint8_t *record, uint32_t length) {
    return crc32c_behind_u32(length, record + 8, 8 + (size_t)length);
}

#endif
