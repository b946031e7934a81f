/*
 * click/tally_private.h - the tally's file, and what its own files share.
 *
 *   tally.c          open, count, sync: the worker's side
 *   tally_book.c     what a kill or a power cut left open
 *   tally_read.c     reading and checking a file
 *
 * The file, little-endian: a page of header, then TALLY_DAYS stretches of 128 bytes, used in turn.
 * Of the header, what never changes is sealed; what changes stands apart from it. Each number is
 * stored whole, in an order that makes sense at every instruction: see tally_count().
 */
#ifndef CLICK_TALLY_PRIVATE_H
#define CLICK_TALLY_PRIVATE_H

#include <assert.h>
#include <endian.h>

#include "base/log.h"
#include "base/metrics.h"
#include "click/tally.h"

enum {
    TALLY_VERSION = 1,
    TALLY_HEADER_BYTES = 4096,
    TALLY_EDGE_BYTES = 64,
    TALLY_STRETCH_BYTES = 128,
    TALLY_FILE_BYTES = TALLY_HEADER_BYTES + TALLY_DAYS * TALLY_STRETCH_BYTES,
};

#define TALLY_SEALED (UINT64_C(1) << 32) /* above the checksum */

struct tally_header {
    char magic[8]; /* "BRINCOT1" */
    uint32_t version;
    uint32_t header_bytes;
    uint32_t stretches;
    uint32_t stretch_bytes;
    uint32_t worker;
    uint32_t edge_bytes;
    char edge[TALLY_EDGE_BYTES];
    uint64_t begun_after;
    uint32_t crc; /* of all that */
    uint32_t zero[37];

    /* At 256. */
    uint64_t deleted;       /* sequence; of stretches of this numbering */
    uint64_t synced;        /* sequence up to which the journal is on the disk */
    uint64_t numbering;     /* rises when the journal began again below what was deleted */
    uint64_t is_recovering; /* killed now, `recovered` is one too high and not `answered` */
};

/* Two cache lines; the first is what a tap touches. */
struct tally_stretch {
    uint64_t number; /* counted from 1; 0: unused, or being made */
    uint64_t day;    /* YYYYMMDD */
    uint64_t begin_ms;
    uint64_t end_ms;
    uint64_t before; /* the sequence before the first one of the stretch */
    uint64_t answered;
    uint64_t last;
    uint64_t lost_full;

    uint64_t recovered;
    uint64_t seal; /* TALLY_SEALED + the checksum of all above, once it is over; else 0 */
    uint64_t numbering;
    uint64_t lost_power;
    uint64_t lost_missing;
    uint64_t deleted; /* header.deleted, when a later numbering began */
    uint64_t zero[2];
};

static_assert(offsetof(struct tally_header, crc) == 104, "the header is as described");
static_assert(offsetof(struct tally_header, deleted) == 256, "the header is as described");
static_assert(sizeof(struct tally_stretch) == TALLY_STRETCH_BYTES, "stretches are as described");
static_assert(offsetof(struct tally_stretch, recovered) == 64, "a tap touches one cache line");

enum tally_metric {
    TALLY_RECOVERED,
    TALLY_LOST_BY_POWER,
    TALLY_LOST_AND_MISSING,
    TALLY_SET_ASIDE,
    TALLY_ABSENT_NOW,
    TALLY_METRIC_COUNT,
};

struct tally {
    /* The worker's, read at every tap. */
    struct tally_stretch *current; /* NULL: none yet */
    uint64_t begin_ms;             /* of current's day */
    uint64_t length_ms;            /* 0: no stretch is to be gone on with */
    uint64_t next;                 /* the sequence behind current's last */

    /* Set at open. */
    struct tally_header *header; /* the mapping */
    struct tally_stretch *stretches;
    int fd;
    struct metric_set *metrics;

    /* tally_sync()'s. */
    uint64_t synced_answered;
    uint64_t synced_number;
    _Atomic bool has_deleted; /* and it is not on the disk */
};

static inline uint64_t tally_load(const uint64_t *from) {
    return le64toh(__atomic_load_n(from, __ATOMIC_ACQUIRE));
}

static inline void tally_store(uint64_t *to, uint64_t value) {
    __atomic_store_n(to, htole64(value), __ATOMIC_RELEASE);
}

/* What of a stretch was journaled. */
static inline uint64_t tally_journaled(const struct tally_stretch *stretch) {
    return tally_load(&stretch->last) - tally_load(&stretch->before);
}

static inline size_t tally_index(uint64_t number) {
    return (size_t)(number % TALLY_DAYS);
}

/* The stretch with the highest number; NULL: there is none. */
struct tally_stretch *tally_newest(struct tally_stretch *stretches);

uint64_t tally_seal(const struct tally_stretch *stretch);
uint32_t tally_header_crc(const struct tally_header *header);

/* Checks and translates a whole file; false and err when it is damaged. */
MUST_CHECK bool tally_parse(const struct tally_header *header,
                            const struct tally_stretch *stretches, struct tally_view *view,
                            struct err *err);

/* Seals the stretch before and begins one in which sequence (0: not yet known) is the first. */
void tally_begin(struct tally *tally, uint64_t at_ms, uint64_t first_sequence);

/* tally_book.c: undoes what was half done, and holds the tally against the journal's end. */
void tally_book(struct tally *tally, const struct tally_options *options);

#endif
