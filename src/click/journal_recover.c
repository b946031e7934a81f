/*
 * click/journal_recover.c - finds where the last process stopped, and clears up behind it.
 *
 * From the last segment backwards, each is read to its end as if nobody wrote it any more
 * (the directory is locked) until one has records. What can stand at the end of a journal:
 *
 *   prepared, nothing in it      removed
 *   torn: bytes that are no      copied to NNNNNNNN.OFFSET.torn, synced, and zeroed, so that
 *   record, nothing valid behind the journal goes on in their place
 *   damage, valid records        left where it stands: readers pass over it and the records
 *   behind                       behind it stay in the journal, which goes on in a new segment
 *   a header that does not       the same: the records are read by their own checks
 *   hold, with records
 *   no header and no record      renamed to NNNNNNNN.0.torn. It may have been full of clicks: the
 *                                next sequence rises by as many as it had room for
 *
 * A prepared segment has a sound header that says so; whatever else has no record is damage.
 *
 * In every case the next sequence and time are above all that can be recognised as a record: a
 * queue may know them already. Segments before the last are left alone, whatever is in them;
 * readers deal with that.
 *
 * When a torn end cannot be kept aside (the disk is full), nothing is cut: the segment stays as
 * it is and the journal goes on in a new one.
 *
 * Threads   The opener's, before the journal is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "journal_private.h"
#include "segment_scan.h"

enum {
    COPY_BYTES = 64 * 1024,
    TORN_NAME_BYTES = 64,
    TORN_NAMES_MAX = 1000, /* torn ends at one and the same place */
};

/* What one segment holds. */
struct examined {
    int fd;
    uint32_t number;
    uint64_t file_bytes;
    enum segment_header_state state;
    struct segment_header header;
    uint64_t records;
    uint64_t first_sequence; /* of the first record */
    uint64_t last_sequence;
    uint64_t last_ms;
    uint64_t end;     /* behind the last record */
    uint64_t damages; /* with valid records behind */
    bool is_torn;     /* at the end: see damage */
    struct journal_damage damage;
};

static bool fail(const struct journal *journal, uint32_t number, struct err *err) {
    return err_set(err, "%s/%08u.log: %s", journal->directory, number, strerror(errno));
}

static void note_record(struct examined *segment, const struct journal_record *record,
                        uint64_t end) {
    if (segment->records == 0) {
        segment->first_sequence = record->sequence;
    }
    segment->damages += segment->is_torn ? 1 : 0; /* something valid came behind it */
    segment->is_torn = false;
    segment->records++;
    segment->last_sequence = record->sequence;
    segment->last_ms = record->at_ms > segment->last_ms ? record->at_ms : segment->last_ms;
    segment->end = end;
}

static bool scan_records(struct examined *segment, struct err *err) {
    struct journal_record record;
    struct journal_damage damage;
    struct segment_scan scan = {.buffer = malloc(JOURNAL_READER_BYTES)};
    if (scan.buffer == NULL) {
        return err_set(err, "out of memory");
    }
    segment_scan_begin(&scan, segment->fd, segment->number, segment->header.first_sequence);
    segment->end = scan.offset;
    enum segment_scan_result result;
    do {
        result = segment_scan_next(&scan, true, &record, &damage);
        if (result == SEGMENT_SCAN_RECORD) {
            note_record(segment, &record, scan.offset);
        } else if (result == SEGMENT_SCAN_DAMAGED) {
            segment->is_torn = true;
            segment->damage = damage;
        }
    } while (result == SEGMENT_SCAN_RECORD || result == SEGMENT_SCAN_DAMAGED);
    int error = errno;
    free(scan.buffer);
    errno = error;
    return result == SEGMENT_SCAN_END;
}

/* The segment stays open in segment->fd; -1: it vanished. */
static bool examine(const struct journal *journal, uint32_t number, struct examined *segment,
                    struct err *err) {
    *segment = (struct examined){.fd = -1, .number = number};
    segment->fd = segment_open(journal->directory_fd, number, O_RDWR);
    if (segment->fd < 0) {
        return errno == ENOENT || fail(journal, number, err);
    }
    struct stat status;
    if (fstat(segment->fd, &status) != 0 ||
        !segment_header_read(segment->fd, &segment->state, &segment->header)) {
        return fail(journal, number, err);
    }
    segment->file_bytes = (uint64_t)status.st_size;
    if (segment->state == SEGMENT_HEADER_NEWER) {
        return err_set(err, "%s/%08u.log: written in the format of a newer version of brinco",
                       journal->directory, number);
    }
    return scan_records(segment, err) || fail(journal, number, err);
}

/* Prepared by the writer, and never written to. */
static bool is_empty(const struct examined *segment) {
    return segment->state == SEGMENT_HEADER_VALID && segment->records == 0 && !segment->is_torn &&
           segment->header.first_sequence == 0 && segment->file_bytes >= SEGMENT_HEADER_BYTES;
}

/* Neither what it is nor what it had can be told. */
static bool is_lost(const struct examined *segment) {
    return segment->records == 0 &&
           (segment->state != SEGMENT_HEADER_VALID || segment->file_bytes < SEGMENT_HEADER_BYTES);
}

/* How many records a segment of which nothing is left can have had. */
static uint64_t records_at_most(const struct journal *journal, const struct examined *segment) {
    uint64_t bytes =
        segment->file_bytes > journal->segment_bytes ? segment->file_bytes : journal->segment_bytes;
    return bytes / SEGMENT_RECORD_MIN;
}

/* A name of its own for what is set aside at this place: NNNNNNNN.OFFSET.torn, or with .2, .3 …
 * when something was cut there before. */
static int create_torn(const struct journal *journal, const struct examined *segment,
                       uint64_t offset, char name[TORN_NAME_BYTES]) {
    for (unsigned i = 1; i <= TORN_NAMES_MAX; i++) {
        char again[16] = "";
        if (i > 1) {
            snprintf(again, sizeof(again), ".%u", i);
        }
        snprintf(name, TORN_NAME_BYTES, "%08u.%" PRIu64 "%s.torn", segment->number, offset, again);
        int fd = openat(journal->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

static bool write_at(int fd, const uint8_t *bytes, size_t size, uint64_t offset) {
    while (size > 0) {
        ssize_t put = pwrite(fd, bytes, size, (off_t)offset);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        bytes += put;
        size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return true;
}

/* Copies a range to the front of another file; to < 0: zeroes it instead. */
static bool copy_or_zero(int from, int to, uint64_t begin, uint64_t end) {
    uint8_t *block = calloc(1, COPY_BYTES);
    bool is_good = block != NULL;
    for (uint64_t at = begin; is_good && at < end; at += COPY_BYTES) {
        size_t size = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
        if (to < 0) {
            is_good = write_at(from, block, size, at);
        } else {
            is_good = segment_pread(from, block, size, at) == (ssize_t)size &&
                      write_at(to, block, size, at - begin);
        }
    }
    int error = errno;
    free(block);
    errno = error;
    return is_good && fsync(to < 0 ? from : to) == 0;
}

/* Keeps a torn end aside and zeroes it. False: it stands where it stood. */
static bool cut(struct journal *journal, const struct examined *segment) {
    uint64_t begin = segment->damage.offset;
    uint64_t end = segment->damage.resumed_offset;
    char name[TORN_NAME_BYTES];
    int fd = create_torn(journal, segment, begin, name);
    bool is_kept =
        fd >= 0 && copy_or_zero(segment->fd, fd, begin, end) && fsync(journal->directory_fd) == 0;
    int error = errno;
    if (fd >= 0) {
        close(fd);
        if (!is_kept) {
            unlinkat(journal->directory_fd, name, 0);
        }
    }
    bool is_cut = is_kept && copy_or_zero(segment->fd, -1, begin, end);
    metric_add(journal->keeper_metrics, JOURNAL_TORN, 1);
    log_event(journal->log, LOG_ERROR, "journal_torn",
              "directory=%s segment=%08u offset=%" PRIu64 " bytes=%" PRIu64
              " reason=%s kept_in=%s error=%s",
              journal->directory, segment->number, begin, end - begin, segment->damage.reason,
              is_kept ? name : "", is_cut ? "" : strerror(is_kept ? errno : error));
    return is_cut;
}

/* A segment of which nothing can be read. */
static bool set_aside(struct journal *journal, const struct examined *segment, struct err *err) {
    char name[TORN_NAME_BYTES];
    char old_name[SEGMENT_NAME_BYTES];
    segment_name(segment->number, old_name);
    int fd = create_torn(journal, segment, 0, name);
    bool is_good = fd >= 0 &&
                   renameat(journal->directory_fd, old_name, journal->directory_fd, name) == 0 &&
                   fsync(journal->directory_fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (!is_good) {
        return fail(journal, segment->number, err);
    }
    metric_add(journal->keeper_metrics, JOURNAL_TORN, 1);
    log_event(journal->log, LOG_ERROR, "journal_damaged",
              "directory=%s segment=%08u offset=0 bytes=%" PRIu64 " clicks_at_most=%" PRIu64
              " reason=%s kept_in=%s",
              journal->directory, segment->number, segment->file_bytes,
              records_at_most(journal, segment), "neither a header nor a record is left", name);
    return true;
}

/* After a power cut the header page can be older than the records: it is prepared, and not
 * begun. */
static bool begin_header(struct journal *journal, struct examined *segment, struct err *err) {
    uint8_t page[SEGMENT_HEADER_USED];
    segment->header.first_sequence = segment->first_sequence;
    segment_header_encode(&segment->header, page);
    return (write_at(segment->fd, page, sizeof(page), 0) && fsync(segment->fd) == 0) ||
           fail(journal, segment->number, err);
}

static bool is_ours(const struct journal *journal, const struct examined *segment) {
    return segment->state == SEGMENT_HEADER_VALID &&
           segment->header.worker == journal->header.worker &&
           strcmp(segment->header.edge_id, journal->header.edge_id) == 0;
}

/* The last segment with anything in it: sets *offset when the journal can go on in it. */
static bool clear_up(struct journal *journal, struct examined *segment, uint64_t *offset,
                     struct err *err) {
    *offset = 0;
    if (segment->state != SEGMENT_HEADER_VALID) {
        metric_add(journal->keeper_metrics, JOURNAL_TORN, 1);
        log_event(journal->log, LOG_ERROR, "journal_damaged",
                  "directory=%s segment=%08u offset=0 records=%" PRIu64 " reason=%s",
                  journal->directory, segment->number, segment->records,
                  "the header's check does not hold; its records are kept");
        return true;
    }
    if (segment->damages > 0) {
        log_event(journal->log, LOG_ERROR, "journal_damaged",
                  "directory=%s segment=%08u places=%" PRIu64, journal->directory, segment->number,
                  segment->damages);
    }
    bool is_whole = !segment->is_torn || cut(journal, segment);
    if (segment->header.first_sequence == 0 && segment->records > 0 &&
        !begin_header(journal, segment, err)) {
        return false;
    }
    bool has_room = segment->end + SEGMENT_RECORD_MAX <= segment->file_bytes;
    if (is_whole && segment->damages == 0 && has_room && is_ours(journal, segment) &&
        segment->header.first_sequence != 0) {
        *offset = segment->end;
    }
    return true;
}

/* What the segment adds to what is known of the journal's end; *done: nothing before matters. */
static bool account_for(struct journal *journal, struct examined *segment, struct journal_end *end,
                        bool *done, struct err *err) {
    uint64_t next =
        segment->records > 0 ? segment->last_sequence + 1 : segment->header.first_sequence;
    if (is_lost(segment)) {
        end->lost += records_at_most(journal, segment);
        end->next_sequence = next > end->next_sequence ? next : end->next_sequence;
        return set_aside(journal, segment, err);
    }
    if (end->number == 0 && !is_empty(segment)) {
        if (!clear_up(journal, segment, &end->offset, err)) {
            return false;
        }
        end->number = segment->number;
        end->next_sequence = next > end->next_sequence ? next : end->next_sequence;
    } else if (next > end->next_sequence) {
        end->next_sequence = next;
        end->offset = 0; /* the last segment, empty, begins lower than records before it */
    }
    end->last_ms = segment->last_ms > end->last_ms ? segment->last_ms : end->last_ms;
    *done = segment->records > 0;
    return true;
}

/* Prepared segments that nothing was written into, and one that was just being made. */
static void remove_empty(const struct journal *journal, const uint32_t *numbers, size_t count,
                         const struct journal_end *end) {
    unlinkat(journal->directory_fd, JOURNAL_UNNAMED, 0);
    for (size_t i = 0; i < count; i++) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(numbers[i], name);
        if (numbers[i] > end->number) {
            unlinkat(journal->directory_fd, name, 0);
        }
    }
}

bool journal_recover(struct journal *journal, struct journal_end *end, struct err *err) {
    *end = (struct journal_end){.number = 0};
    uint32_t *numbers;
    size_t count;
    if (!segment_numbers(journal->directory_fd, journal->directory, &numbers, &count, err)) {
        return false;
    }
    bool is_good = true;
    bool done = false;
    for (size_t i = count; i > 0 && is_good && !done; i--) {
        struct examined segment;
        is_good = examine(journal, numbers[i - 1], &segment, err);
        if (is_good && segment.fd >= 0) {
            is_good = account_for(journal, &segment, end, &done, err);
        }
        if (segment.fd >= 0) {
            close(segment.fd);
        }
    }
    if (is_good) {
        remove_empty(journal, numbers, count, end);
    }
    free(numbers);
    end->next_sequence = end->next_sequence > 0 ? end->next_sequence : 1;
    if (end->lost > 0) {
        end->next_sequence += end->lost;
        end->offset = 0; /* the gap stands between two segments */
    }
    if (is_good && end->next_sequence > SEGMENT_SEQUENCE_MAX) {
        is_good = err_set(err, "%s: has a record of sequence %" PRIu64 ", and none can follow",
                          journal->directory, end->next_sequence - 1);
    }
    return is_good;
}
