/*
 * click/journal_reader.c - a directory of segments, read as one journal while it grows.
 *
 * Within a segment segment_scan.c does the walking. What is decided here is when to leave a
 * segment. The writer leaves one for good before it begins the next, so a segment is complete
 * when a later one has begun: its header tells its first sequence, or a record stands in it.
 * A reader that sees this reads the rest of its segment once more, now knowing that a length of
 * 0 is final, and then goes on. Numbers may be left out: segments are deleted when their time
 * is over, and set aside when damaged.
 *
 * A prepared segment has a header without a first sequence, or, between two stores of the
 * writer, one whose checksum does not hold: both mean "nothing yet" until a record is there.
 *
 * Limits    At the live end a call costs six small system calls and four for each prepared
 *           segment; a directory is listed when the number that should follow is not there.
 */
#include "click/journal_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "segment.h"
#include "segment_scan.h"

struct journal_reader {
    char *directory;
    int directory_fd;
    int segment_fd;    /* -1: none is open */
    uint32_t number;   /* of the open segment; else the lowest that is wanted */
    bool has_begun;    /* the open segment's header was dealt with */
    bool is_complete;  /* the writer has left the open segment */
    uint64_t expected; /* first sequence of the open segment; 0: any will do */
    struct segment_scan scan;
    uint8_t buffer[JOURNAL_READER_BYTES];
};

enum step { STEP_ON, STEP_END, STEP_DAMAGED, STEP_FAILED };

struct journal_reader *journal_reader_open(const char *directory, uint32_t first_segment,
                                           struct err *err) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        err_set(err, "%s: %s", directory, strerror(errno));
        return NULL;
    }
    struct journal_reader *reader = malloc(sizeof(*reader));
    char *kept = strdup(directory);
    if (reader == NULL || kept == NULL) {
        err_set(err, "%s: out of memory", directory);
        free(reader);
        free(kept);
        close(fd);
        return NULL;
    }
    reader->directory = kept;
    reader->directory_fd = fd;
    reader->segment_fd = -1;
    reader->number = first_segment;
    reader->has_begun = false;
    reader->is_complete = false;
    reader->expected = 0;
    reader->scan = (struct segment_scan){.fd = -1, .buffer = reader->buffer};
    return reader;
}

void journal_reader_close(struct journal_reader **reader) {
    if (*reader == NULL) {
        return;
    }
    if ((*reader)->segment_fd >= 0) {
        close((*reader)->segment_fd);
    }
    close((*reader)->directory_fd);
    free((*reader)->directory);
    free(*reader);
    *reader = NULL;
}

static enum step fail(const struct journal_reader *reader, uint32_t number, struct err *err) {
    err_set(err, "%s/%08" PRIu32 ".log: %s", reader->directory, number, strerror(errno));
    return STEP_FAILED;
}

/* The lowest number of a segment from `from` on, in *number; 0: there is none. */
static bool find_number(const struct journal_reader *reader, uint32_t from, uint32_t *number,
                        struct err *err) {
    uint32_t *numbers;
    size_t count;
    *number = 0;
    if (!segment_numbers(reader->directory_fd, reader->directory, &numbers, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count && *number == 0; i++) {
        if (numbers[i] >= from) {
            *number = numbers[i];
        }
    }
    free(numbers);
    return true;
}

/* Opens the first segment from `from` on. STEP_END: there is none. */
static enum step open_from(const struct journal_reader *reader, uint32_t from, uint32_t *number,
                           int *fd, struct err *err) {
    *number = from;
    if (from > SEGMENT_NUMBER_MAX) {
        return STEP_END;
    }
    *fd = segment_open(reader->directory_fd, from, O_RDONLY);
    if (*fd < 0 && errno == ENOENT) {
        if (!find_number(reader, from, number, err)) {
            return STEP_FAILED;
        }
        if (*number == 0) {
            return STEP_END;
        }
        *fd = segment_open(reader->directory_fd, *number, O_RDONLY);
        if (*fd < 0 && errno == ENOENT) {
            return STEP_END; /* deleted meanwhile: the next call looks again */
        }
    }
    return *fd < 0 ? fail(reader, *number, err) : STEP_ON;
}

/* Whether a record stands, or is being written, at the front of a segment. */
static bool has_record(int fd, bool *has) {
    uint8_t length[4] = {0};
    *has = false;
    if (segment_pread(fd, length, sizeof(length), SEGMENT_HEADER_BYTES) < 0) {
        return false;
    }
    *has = segment_load_u32(length) != 0;
    return true;
}

/* Whether anything stands in the segment of this descriptor. */
static bool has_begun(int fd, bool *begun) {
    struct segment_header header;
    enum segment_header_state state;
    if (!segment_header_read(fd, &state, &header) || !has_record(fd, begun)) {
        return false;
    }
    *begun = *begun || header.first_sequence != 0;
    return true;
}

/* Whether the writer is done with the open segment. STEP_ON: it is. */
static enum step find_completion(const struct journal_reader *reader, struct err *err) {
    uint32_t next = reader->number;
    bool begun = false;
    while (!begun) {
        int fd;
        enum step step = open_from(reader, next + 1, &next, &fd, err);
        if (step != STEP_ON) {
            return step;
        }
        if (!has_begun(fd, &begun)) {
            step = fail(reader, next, err);
        }
        close(fd);
        if (step != STEP_ON) {
            return step;
        }
    }
    return STEP_ON;
}

static enum step report(const struct journal_reader *reader, uint64_t resumed_offset,
                        const char *reason, struct journal_damage *damage) {
    *damage = (struct journal_damage){
        .segment = reader->number,
        .resumed_offset = resumed_offset,
        .sequence = reader->expected,
    };
    snprintf(damage->reason, sizeof(damage->reason), "%s", reason);
    return STEP_DAMAGED;
}

/* The header is final: does the segment begin where the one before ended? */
static enum step compare_sequence(struct journal_reader *reader, uint64_t first_sequence,
                                  struct journal_damage *damage) {
    uint64_t expected = reader->expected;
    enum step step = STEP_ON;
    if (expected != 0 && first_sequence != expected) {
        char reason[sizeof(damage->reason)];
        snprintf(reason, sizeof(reason), "the segment begins with sequence %" PRIu64,
                 first_sequence);
        step = report(reader, SEGMENT_HEADER_BYTES, reason, damage);
        damage->missing = first_sequence > expected ? first_sequence - expected : 0;
    }
    reader->expected = first_sequence;
    return step;
}

/* A header that says nothing, with records behind it or a later segment that has begun. */
static enum step begin_without_header(struct journal_reader *reader,
                                      enum segment_header_state state,
                                      struct journal_damage *damage) {
    switch (state) {
    case SEGMENT_HEADER_BAD:
        return report(reader, SEGMENT_HEADER_BYTES, "the header's check does not hold", damage);
    case SEGMENT_HEADER_NEWER: {
        struct stat status = {0};
        uint64_t end = fstat(reader->segment_fd, &status) == 0 ? (uint64_t)status.st_size : 0;
        reader->scan.offset = end;
        return report(reader, end, "written in the format of a newer version", damage);
    }
    case SEGMENT_HEADER_VALID:
        break;
    }
    return STEP_ON;
}

/* Deals with the header of the segment that was opened, once it can be told what it says. */
static enum step begin(struct journal_reader *reader, struct journal_damage *damage,
                       struct err *err) {
    /* A record first, then the header: the writer stores them the other way round. */
    bool has;
    struct segment_header header;
    enum segment_header_state state;
    if (!has_record(reader->segment_fd, &has) ||
        !segment_header_read(reader->segment_fd, &state, &header)) {
        return fail(reader, reader->number, err);
    }
    bool is_silent = header.first_sequence == 0;
    if (is_silent && state != SEGMENT_HEADER_NEWER && !has) {
        enum step step = find_completion(reader, err);
        if (step != STEP_ON) {
            return step;
        }
        reader->is_complete = true;
    }
    segment_scan_begin(&reader->scan, reader->segment_fd, reader->number, 0);
    reader->has_begun = true;
    enum step step = is_silent ? begin_without_header(reader, state, damage)
                               : compare_sequence(reader, header.first_sequence, damage);
    reader->scan.expected = reader->expected;
    return step;
}

static void leave(struct journal_reader *reader) {
    reader->expected = reader->scan.expected;
    close(reader->segment_fd);
    reader->segment_fd = -1;
    reader->number++;
    reader->has_begun = false;
    reader->is_complete = false;
}

/* Opens and begins a segment where none is. */
static enum step enter(struct journal_reader *reader, struct journal_damage *damage,
                       struct err *err) {
    if (reader->segment_fd < 0) {
        int fd;
        uint32_t number;
        enum step step = open_from(reader, reader->number, &number, &fd, err);
        if (step != STEP_ON) {
            return step;
        }
        reader->number = number;
        reader->segment_fd = fd;
    }
    return reader->has_begun ? STEP_ON : begin(reader, damage, err);
}

/* At the end of what the open segment has. */
static enum step go_on(struct journal_reader *reader, struct err *err) {
    if (reader->is_complete) {
        leave(reader);
        return STEP_ON;
    }
    enum step step = find_completion(reader, err);
    reader->is_complete = step == STEP_ON; /* then the rest is read once more */
    return step;
}

static enum step advance(struct journal_reader *reader, struct journal_record *record,
                         struct journal_damage *damage, struct err *err) {
    record->payload = SLICE_EMPTY;
    enum step step = enter(reader, damage, err);
    if (step != STEP_ON) {
        return step;
    }
    switch (segment_scan_next(&reader->scan, reader->is_complete, record, damage)) {
    case SEGMENT_SCAN_RECORD:
        return STEP_ON;
    case SEGMENT_SCAN_DAMAGED:
        return STEP_DAMAGED;
    case SEGMENT_SCAN_FAILED:
        return fail(reader, reader->number, err);
    case SEGMENT_SCAN_END:
        break;
    }
    return go_on(reader, err);
}

enum journal_read_result journal_reader_next(struct journal_reader *reader,
                                             struct journal_record *record,
                                             struct journal_damage *damage, struct err *err) {
    for (;;) {
        switch (advance(reader, record, damage, err)) {
        case STEP_ON:
            if (record->payload.size > 0) {
                return JOURNAL_READ_RECORD;
            }
            break;
        case STEP_END:
            return JOURNAL_READ_END;
        case STEP_DAMAGED:
            return JOURNAL_READ_DAMAGED;
        case STEP_FAILED:
            return JOURNAL_READ_FAILED;
        }
    }
}

/* False: the segment is gone, or the file system failed; errno tells. */
static bool describe(int directory_fd, uint32_t number, struct journal_segment *segment) {
    int fd = segment_open(directory_fd, number, O_RDONLY);
    ENSURE(segment != NULL);
    if (fd < 0) {
        return false;
    }
    struct stat status;
    struct segment_header header;
    enum segment_header_state state;
    bool is_good = fstat(fd, &status) == 0 && segment_header_read(fd, &state, &header);
    close(fd);
    if (!is_good) {
        return false;
    }
    *segment = (struct journal_segment){
        .number = number,
        .first_sequence = header.first_sequence,
        .file_bytes = (uint64_t)status.st_size,
        .modified_ms =
            (uint64_t)status.st_mtim.tv_sec * 1000 + (uint64_t)status.st_mtim.tv_nsec / 1000000,
        .worker = header.worker,
        .header_is_valid = state == SEGMENT_HEADER_VALID,
    };
    memcpy(segment->edge_id, header.edge_id, sizeof(header.edge_id));
    return true;
}

static bool describe_all(int directory_fd, const char *directory, struct journal_segment **segments,
                         size_t *count, struct err *err) {
    uint32_t *numbers;
    size_t found;
    if (!segment_numbers(directory_fd, directory, &numbers, &found, err)) {
        return false;
    }
    bool is_good = true;
    if (found > 0) {
        *segments = calloc(found, sizeof(**segments));
        is_good = *segments != NULL || err_set(err, "%s: out of memory", directory);
    }
    for (size_t i = 0; i < found && is_good; i++) {
        if (describe(directory_fd, numbers[i], &(*segments)[*count])) {
            (*count)++;
        } else if (errno != ENOENT) {
            is_good =
                err_set(err, "%s/%08" PRIu32 ".log: %s", directory, numbers[i], strerror(errno));
        }
    }
    free(numbers);
    return is_good;
}

bool journal_list(const char *directory, struct journal_segment **segments, size_t *count,
                  struct err *err) {
    *segments = NULL;
    *count = 0;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, "%s: %s", directory, strerror(errno));
    }
    bool is_good = describe_all(fd, directory, segments, count, err);
    close(fd);
    if (!is_good) {
        free(*segments);
        *segments = NULL;
        *count = 0;
    }
    return is_good;
}
