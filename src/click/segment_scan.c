/*
 * click/segment_scan.c - walks the records of a segment with pread(2), through damage too.
 *
 * A record is valid when its length is possible, its checksum holds, and its sequence is not
 * one that was already passed. Where none stands:
 *
 *   length 0      the end, as long as somebody may still write. In a complete segment the rest
 *                 is searched: a page that a power cut swallowed can have records behind it.
 *   anything else looked at again, since pread(2) may have copied while the writer wrote; then
 *                 it is damage, and the rest is searched.
 *
 * The search takes the next 8-aligned offset where a valid record stands whose sequence could
 * have been reached: between here and there fit only so many records of SEGMENT_RECORD_MIN
 * bytes. That keeps bytes inside a payload that happen to look like a record from carrying the
 * sequence away. When nothing valid follows and somebody may still write, the damage is
 * reported once and every later call searches a little further (SEARCH_STEP).
 *
 * Limits    One window of JOURNAL_READER_BYTES; at the live end a call costs one pread of
 *           SEGMENT_RECORD_HEAD bytes.
 */
#include "segment_scan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "segment.h"

enum {
    LOOKS_MAX = 4,           /* at a record that does not hold, before it is called damage */
    SEARCH_STEP = 16 * 1024, /* what one call at a damaged live end reads */
};

static_assert((int)SEARCH_STEP > 2 * (int)SEGMENT_RECORD_MAX, "a step gets further");
static_assert((int)JOURNAL_READER_BYTES >= (int)SEARCH_STEP, "a step fits the buffer");

enum verdict { RECORD_VALID, RECORD_NONE, RECORD_BAD };

struct candidate {
    uint32_t length;
    uint64_t sequence;
    char reason[80]; /* why it is bad */
};

/* What a search came upon. */
struct finding {
    bool found;
    uint64_t offset;      /* of the valid record */
    uint64_t sequence;    /* its own */
    uint64_t written_end; /* behind the last byte that is not zero; 0: all are */
};

void segment_scan_begin(struct segment_scan *scan, int fd, uint32_t number, uint64_t expected) {
    scan->fd = fd;
    scan->number = number;
    scan->window_offset = 0;
    scan->window_size = 0;
    scan->window_is_last = false;
    scan->offset = SEGMENT_HEADER_BYTES;
    scan->expected = expected;
    scan->search_offset = 0;
}

/* Bad in words; kept apart because a search judges very many. */
PRINTF_LIKE(2, 3)
static enum verdict bad(struct candidate *candidate, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(candidate->reason, sizeof(candidate->reason), format, arguments);
    va_end(arguments);
    return RECORD_BAD;
}

static enum verdict judge(const uint8_t *bytes, size_t available, struct candidate *candidate) {
    if (available < SEGMENT_RECORD_HEAD) {
        return RECORD_NONE; /* too little room for a record: the segment's end */
    }
    uint32_t length = segment_load_u32(bytes);
    uint64_t sequence = segment_load_u64(bytes + 8);
    candidate->length = length;
    candidate->sequence = sequence;
    if (length == 0) {
        return RECORD_NONE;
    }
    if (length < SEGMENT_PAYLOAD_MIN || length > JOURNAL_RECORD_BYTES_MAX) {
        return bad(candidate, "a length of %" PRIu32, length);
    }
    if (length > available - SEGMENT_RECORD_HEAD) {
        return bad(candidate, "a length of %" PRIu32 " reaches beyond the file", length);
    }
    if (segment_load_u32(bytes + 4) != segment_record_crc(bytes, length)) {
        return bad(candidate, "the checksum does not hold");
    }
    if (sequence == 0 || sequence > SEGMENT_SEQUENCE_MAX) {
        return bad(candidate, "a sequence of %" PRIu64, sequence);
    }
    return RECORD_VALID;
}

/* Reads up to size bytes from offset on into the window. */
static bool read_window(struct segment_scan *scan, uint64_t offset, size_t size) {
    scan->window_size = 0;
    ssize_t got = segment_pread(scan->fd, scan->buffer, size, offset);
    if (got < 0) {
        return false;
    }
    scan->window_offset = offset;
    scan->window_size = (size_t)got;
    scan->window_is_last = (size_t)got < size;
    return true;
}

/* What stands in the window from offset on; NULL where it does not reach. */
static const uint8_t *in_window(const struct segment_scan *scan, uint64_t offset,
                                size_t *available) {
    uint64_t end = scan->window_offset + scan->window_size;
    *available = 0;
    if (offset < scan->window_offset || offset >= end) {
        return NULL;
    }
    *available = (size_t)(end - offset);
    return scan->buffer + (offset - scan->window_offset);
}

/* Judges what stands at scan->offset: from the window when that holds a valid record (which
 * never changes any more), else from the file, more than once. */
static bool look(struct segment_scan *scan, enum verdict *verdict, struct candidate *candidate) {
    size_t available;
    const uint8_t *bytes = in_window(scan, scan->offset, &available);
    *verdict = judge(bytes, available, candidate);
    if (*verdict == RECORD_VALID) {
        return true;
    }
    uint8_t head[SEGMENT_RECORD_HEAD] = {0};
    ssize_t got = segment_pread(scan->fd, head, sizeof(head), scan->offset);
    if (got < 0) {
        return false;
    }
    if ((size_t)got < sizeof(head) || segment_load_u32(head) == 0) {
        *verdict = RECORD_NONE;
        return true;
    }
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        if (!read_window(scan, scan->offset, JOURNAL_READER_BYTES)) {
            return false;
        }
        *verdict = judge(scan->buffer, scan->window_size, candidate);
        if (*verdict != RECORD_BAD) {
            return true;
        }
    }
    return true;
}

/* Whether a valid record stands there that may be the next one after the damage. */
static bool may_follow(const struct segment_scan *scan, uint64_t offset, const uint8_t *bytes,
                       size_t available, uint64_t *sequence) {
    uint64_t passed = (offset - scan->offset) / SEGMENT_RECORD_MIN;
    if (available < SEGMENT_RECORD_MIN) {
        return false;
    }
    *sequence = segment_load_u64(bytes + 8);
    if (scan->expected != 0 &&
        (*sequence < scan->expected || *sequence - scan->expected > passed)) {
        return false;
    }
    struct candidate candidate;
    return judge(bytes, available, &candidate) == RECORD_VALID;
}

/* Where the last byte that is not zero ends, of the eight or fewer at offset. */
static uint64_t end_of_bytes(const uint8_t *bytes, size_t size, uint64_t offset) {
    while (size > 0 && bytes[size - 1] == 0) {
        size--;
    }
    return size == 0 ? 0 : offset + size;
}

/* Searches one window; returns how far it got. */
static uint64_t search_window(struct segment_scan *scan, struct finding *finding) {
    size_t usable = scan->window_size;
    if (!scan->window_is_last) {
        usable -= SEGMENT_RECORD_MAX; /* what begins there is for the next window */
    }
    size_t at = 0;
    for (; at < usable; at += 8) {
        const uint8_t *bytes = scan->buffer + at;
        size_t available = scan->window_size - at;
        uint64_t offset = scan->window_offset + at;
        uint64_t end = available >= 8 && segment_load_u64(bytes) == 0
                           ? 0
                           : end_of_bytes(bytes, available < 8 ? available : 8, offset);
        if (end == 0) {
            continue;
        }
        finding->written_end = end;
        if (may_follow(scan, offset, bytes, available, &finding->sequence)) {
            finding->found = true;
            finding->offset = offset;
            break;
        }
    }
    return scan->window_offset + at;
}

/* Looks for the next valid record from offset on: to the end of the file, or in one step of
 * step bytes. */
static bool search(struct segment_scan *scan, uint64_t offset, size_t step,
                   struct finding *finding) {
    *finding = (struct finding){.found = false};
    bool is_one_step = step != 0;
    do {
        if (!read_window(scan, offset, is_one_step ? step : JOURNAL_READER_BYTES)) {
            return false;
        }
        offset = search_window(scan, finding);
    } while (!finding->found && !scan->window_is_last && !is_one_step);
    return true;
}

static enum segment_scan_result report(struct segment_scan *scan, uint64_t resumed_offset,
                                       uint64_t sequence, const char *reason,
                                       struct journal_damage *damage) {
    *damage = (struct journal_damage){
        .segment = scan->number,
        .offset = scan->offset,
        .resumed_offset = resumed_offset,
        .sequence = scan->expected,
        .missing = scan->expected == 0 || sequence == 0 ? 0 : sequence - scan->expected,
    };
    snprintf(damage->reason, sizeof(damage->reason), "%s", reason);
    return SEGMENT_SCAN_DAMAGED;
}

/* A record can begin in what was searched and be finished only later: steps back by one. */
static void search_from(struct segment_scan *scan, uint64_t written_end) {
    if (written_end > scan->search_offset + SEGMENT_RECORD_MAX) {
        scan->search_offset = (written_end - SEGMENT_RECORD_MAX) & ~(uint64_t)7;
    }
}

/* At scan->offset stands no valid record. */
static enum segment_scan_result pass_over(struct segment_scan *scan, bool complete,
                                          const char *reason, struct journal_damage *damage) {
    struct finding finding;
    if (!search(scan, scan->offset, 0, &finding)) {
        return SEGMENT_SCAN_FAILED;
    }
    if (finding.found) {
        enum segment_scan_result result =
            report(scan, finding.offset, finding.sequence, reason, damage);
        scan->offset = finding.offset;
        scan->expected = finding.sequence;
        return result;
    }
    if (finding.written_end == 0 && complete) {
        return SEGMENT_SCAN_END;
    }
    scan->search_offset = scan->offset;
    search_from(scan, finding.written_end);
    return report(scan, finding.written_end, 0, reason, damage);
}

/* The damage up to the end was reported: has anything valid come behind it? */
static bool search_again(struct segment_scan *scan, bool complete, bool *found) {
    struct finding finding;
    *found = false;
    if (!search(scan, scan->search_offset, complete ? 0 : SEARCH_STEP, &finding)) {
        return false;
    }
    if (finding.found) {
        *found = true;
        scan->offset = finding.offset;
        scan->search_offset = 0;
    } else {
        search_from(scan, finding.written_end);
    }
    return true;
}

static enum segment_scan_result deliver(struct segment_scan *scan,
                                        const struct candidate *candidate,
                                        struct journal_record *record) {
    size_t available;
    const uint8_t *bytes = in_window(scan, scan->offset, &available);
    *record = (struct journal_record){
        .sequence = candidate->sequence,
        .at_ms = segment_load_u64(bytes + SEGMENT_RECORD_HEAD),
        .payload = slice_make((const char *)bytes + SEGMENT_RECORD_HEAD, candidate->length),
        .segment = scan->number,
        .offset = scan->offset,
    };
    scan->offset += segment_record_bytes(candidate->length);
    scan->expected = candidate->sequence + 1;
    return SEGMENT_SCAN_RECORD;
}

enum segment_scan_result segment_scan_next(struct segment_scan *scan, bool complete,
                                           struct journal_record *record,
                                           struct journal_damage *damage) {
    if (scan->search_offset != 0) {
        bool found;
        if (!search_again(scan, complete, &found)) {
            return SEGMENT_SCAN_FAILED;
        }
        if (!found) {
            return SEGMENT_SCAN_END;
        }
    }
    enum verdict verdict;
    struct candidate candidate;
    if (!look(scan, &verdict, &candidate)) {
        return SEGMENT_SCAN_FAILED;
    }
    switch (verdict) {
    case RECORD_NONE:
        return complete ? pass_over(scan, complete, "a length of 0 with bytes behind it", damage)
                        : SEGMENT_SCAN_END;
    case RECORD_BAD:
        return pass_over(scan, complete, candidate.reason, damage);
    case RECORD_VALID:
        break;
    }
    if (candidate.sequence < scan->expected) {
        char reason[80];
        snprintf(reason, sizeof(reason), "sequence %" PRIu64 " once more", candidate.sequence);
        return pass_over(scan, complete, reason, damage);
    }
    if (scan->expected != 0 && candidate.sequence > scan->expected) {
        enum segment_scan_result result =
            report(scan, scan->offset, candidate.sequence, "sequences are left out", damage);
        scan->expected = candidate.sequence;
        return result;
    }
    return deliver(scan, &candidate, record);
}
