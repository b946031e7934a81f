/*
 * click/tally_read.c - reading a tally, live or not, and telling whether it is sound.
 *
 * A file is read whole, then its newest stretch again until it is twice the same: the worker may
 * be counting meanwhile. Nothing in it is trusted.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "tally_private.h"

enum {
    PATH_BYTES = 4096,
    TRIES_MAX = 1000,
    LONGEST_DAY_MS = 30 * 3600 * 1000, /* whatever clocks are put forward or back */
};

#define SEQUENCE_MAX (UINT64_MAX >> 1)
#define TIME_MAX_MS  (UINT64_C(253402300800) * 1000) /* the year 10000 */

static const char magic[8] = {'B', 'R', 'I', 'N', 'C', 'O', 'T', '1'};

static enum tally_read_result read_file(const char *path, char *bytes, struct err *err);

uint32_t tally_header_crc(const struct tally_header *header) {
    return crc32c(0, header, offsetof(struct tally_header, crc));
}

/* Of what never changes any more; deletions and losses that are booked later stand behind it. */
uint64_t tally_seal(const struct tally_stretch *stretch) {
    struct tally_stretch copy = *stretch;
    return TALLY_SEALED | crc32c(0, &copy, offsetof(struct tally_stretch, seal));
}

struct tally_stretch *tally_newest(struct tally_stretch *stretches) {
    struct tally_stretch *newest = NULL;
    uint64_t highest = 0;
    for (size_t i = 0; i < TALLY_DAYS; i++) {
        uint64_t number = tally_load(&stretches[i].number);
        if (number > highest) {
            newest = &stretches[i];
            highest = number;
        }
    }
    return newest;
}

/* --- checking ------------------------------------------------------------------------------- */

/* As it becomes part of file names and keys. */
static bool is_edge_id(const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return size <= TALLY_EDGE_BYTES;
}

static bool parse_header(const struct tally_header *header, struct tally_view *view,
                         struct err *err) {
    uint32_t edge_bytes = le32toh(header->edge_bytes);
    if (memcmp(header->magic, magic, sizeof(magic)) != 0 ||
        le32toh(header->crc) != tally_header_crc(header)) {
        return err_set(err, "its header's check does not hold");
    }
    if (le32toh(header->version) != TALLY_VERSION ||
        le32toh(header->header_bytes) != TALLY_HEADER_BYTES ||
        le32toh(header->stretches) != TALLY_DAYS ||
        le32toh(header->stretch_bytes) != TALLY_STRETCH_BYTES) {
        return err_set(err, "it is of a format that this version does not know");
    }
    if (edge_bytes > TALLY_EDGE_BYTES || !is_edge_id(header->edge, edge_bytes) ||
        le64toh(header->begun_after) > SEQUENCE_MAX) {
        return err_set(err, "its header makes no sense");
    }
    *view = (struct tally_view){.worker = le32toh(header->worker),
                                .begun_after = le64toh(header->begun_after)};
    memcpy(view->edge_id, header->edge, edge_bytes);
    view->last_sequence = view->begun_after;
    return true;
}

static bool is_date(uint64_t day) {
    return day >= 19700101 && day <= 99991231 && day / 100 % 100 >= 1 && day / 100 % 100 <= 12 &&
           day % 100 >= 1 && day % 100 <= 31;
}

/* Whether a day of this date can begin and end then, wherever on earth. */
static bool is_day(uint64_t date, uint64_t begin_ms, uint64_t end_ms) {
    if (!is_date(date) || begin_ms >= end_ms || end_ms - begin_ms > LONGEST_DAY_MS ||
        end_ms > TIME_MAX_MS) {
        return false;
    }
    struct tm noon = {.tm_year = (int)(date / 10000) - 1900,
                      .tm_mon = (int)(date / 100 % 100) - 1,
                      .tm_mday = (int)(date % 100),
                      .tm_hour = 12};
    int64_t distance_ms =
        (int64_t)timegm(&noon) * 1000 - (int64_t)(begin_ms + (end_ms - begin_ms) / 2);
    return distance_ms < LONGEST_DAY_MS && distance_ms > -LONGEST_DAY_MS;
}

/* Leaves out the tap that is just being counted. */
static bool parse_stretch(const struct tally_stretch *stretch, bool is_newest,
                          struct tally_day *day) {
    uint64_t before = tally_load(&stretch->before);
    uint64_t last = tally_load(&stretch->last);
    uint64_t date = tally_load(&stretch->day);
    uint64_t seal = tally_load(&stretch->seal);
    *day = (struct tally_day){
        .begin_ms = tally_load(&stretch->begin_ms),
        .end_ms = tally_load(&stretch->end_ms),
        .answered = tally_load(&stretch->answered),
        .journaled = last - before,
        .recovered = tally_load(&stretch->recovered),
        .lost = {[TALLY_LOST_FULL] = tally_load(&stretch->lost_full),
                 [TALLY_LOST_POWER] = tally_load(&stretch->lost_power),
                 [TALLY_LOST_MISSING] = tally_load(&stretch->lost_missing)},
        .first_sequence = before + 1,
        .last_sequence = last,
        .deleted_sequence = tally_load(&stretch->deleted),
    };
    uint64_t *lost = day->lost;
    uint64_t booked = day->journaled + lost[TALLY_LOST_FULL] - day->recovered;
    if (is_newest && day->answered == booked + 1) {
        day->answered = booked;
    }
    bool is_sound = is_day(date, day->begin_ms, day->end_ms) && before <= last &&
                    last <= SEQUENCE_MAX && lost[TALLY_LOST_FULL] <= SEQUENCE_MAX &&
                    day->recovered <= day->journaled && day->answered == booked &&
                    lost[TALLY_LOST_POWER] <= day->journaled &&
                    lost[TALLY_LOST_MISSING] <= day->journaled - lost[TALLY_LOST_POWER] &&
                    (seal == 0 || seal == tally_seal(stretch));
    day->yyyymmdd = is_sound ? (int32_t)date : 0;
    return is_sound;
}

static uint64_t deleted_of(const struct tally_header *header, const struct tally_stretch *stretch) {
    uint64_t deleted = tally_load(&stretch->deleted);
    uint64_t now = tally_load(&header->deleted);
    bool is_same = tally_load(&stretch->numbering) == tally_load(&header->numbering);
    return is_same && now > deleted ? now : deleted;
}

bool tally_parse(const struct tally_header *header, const struct tally_stretch *stretches,
                 struct tally_view *view, struct err *err) {
    if (!parse_header(header, view, err)) {
        return false;
    }
    uint64_t newest = 0;
    for (size_t i = 0; i < TALLY_DAYS; i++) {
        uint64_t number = tally_load(&stretches[i].number);
        newest = number > newest ? number : newest;
        if (number != 0 && tally_index(number) != i) {
            return err_set(err, "stretch %" PRIu64 " does not belong to offset %zu", number,
                           TALLY_HEADER_BYTES + i * TALLY_STRETCH_BYTES);
        }
    }
    uint64_t oldest = newest > TALLY_DAYS ? newest - TALLY_DAYS + 1 : 1;
    for (uint64_t number = oldest; newest > 0 && number <= newest; number++) {
        const struct tally_stretch *stretch = &stretches[tally_index(number)];
        struct tally_day *day = &view->days[view->day_count];
        bool is_next_begun = number == oldest && tally_load(&stretch->number) == 0;
        if (is_next_begun && newest >= TALLY_DAYS) {
            continue; /* killed while it made room */
        }
        if (tally_load(&stretch->number) != number ||
            !parse_stretch(stretch, number == newest, day)) {
            return err_set(err, "stretch %" PRIu64 " (offset %zu) does not add up", number,
                           TALLY_HEADER_BYTES + tally_index(number) * TALLY_STRETCH_BYTES);
        }
        day->deleted_sequence = deleted_of(header, stretch);
        view->last_sequence = day->last_sequence;
        view->day_count++;
    }
    return true;
}

/* --- reading -------------------------------------------------------------------------------- */

static bool read_at(int fd, void *out, size_t size, size_t offset) {
    return pread(fd, out, size, (off_t)offset) == (ssize_t)size;
}

/* Until the worker was not in the midst of it. */
static bool settle_newest(int fd, struct tally_stretch *stretches) {
    struct tally_stretch *newest = tally_newest(stretches);
    if (newest == NULL) {
        return true;
    }
    size_t offset = TALLY_HEADER_BYTES + (size_t)(newest - stretches) * TALLY_STRETCH_BYTES;
    struct tally_stretch before = *newest;
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        if (!read_at(fd, newest, sizeof(*newest), offset)) {
            return false;
        }
        if (memcmp(&before, newest, sizeof(before)) == 0) {
            return true;
        }
        before = *newest;
    }
    return true;
}

/* bytes: TALLY_FILE_BYTES. */
static enum tally_read_result read_file(const char *path, char *bytes, struct err *err) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        bool is_absent = errno == ENOENT;
        err_set(err, "%s: %s", path, is_absent ? "there is no tally" : strerror(errno));
        return is_absent ? TALLY_ABSENT : TALLY_FAILED;
    }
    struct tally_stretch *stretches = (struct tally_stretch *)(void *)(bytes + TALLY_HEADER_BYTES);
    enum tally_read_result result = TALLY_READ;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != TALLY_FILE_BYTES) {
        err_set(err, "%s: it is no file of %d bytes", path, TALLY_FILE_BYTES);
        result = TALLY_DAMAGED;
    } else if (!read_at(fd, bytes, TALLY_FILE_BYTES, 0) || !settle_newest(fd, stretches)) {
        err_set(err, "%s: %s", path, strerror(errno));
        result = TALLY_FAILED;
    }
    close(fd);
    return result;
}

enum tally_read_result tally_read(const char *directory, const char *name, struct tally_view *view,
                                  struct err *err) {
    char path[PATH_BYTES];
    char *bytes = malloc(TALLY_FILE_BYTES);
    ENSURE(bytes != NULL);
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    enum tally_read_result result = read_file(path, bytes, err);
    if (result == TALLY_READ) {
        const void *stretches = bytes + TALLY_HEADER_BYTES;
        if (!tally_parse((const void *)bytes, stretches, view, err)) {
            err_prefix(err, "%s", path);
            result = TALLY_DAMAGED;
        }
    }
    free(bytes);
    return result;
}

bool tally_sum(const struct tally_view *view, int32_t yyyymmdd, struct tally_day *sum) {
    bool is_there = false;
    for (size_t i = 0; i < view->day_count; i++) {
        const struct tally_day *day = &view->days[i];
        if (day->yyyymmdd != yyyymmdd) {
            continue;
        }
        if (!is_there) {
            *sum = *day;
            is_there = true;
            continue;
        }
        sum->answered += day->answered;
        sum->journaled += day->journaled;
        sum->recovered += day->recovered;
        for (size_t j = 0; j < TALLY_LOST_COUNT; j++) {
            sum->lost[j] += day->lost[j];
        }
        sum->last_sequence = day->last_sequence;
        sum->deleted_sequence = day->deleted_sequence;
        sum->end_ms = day->end_ms;
    }
    return is_there;
}
