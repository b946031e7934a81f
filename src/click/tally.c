/*
 * click/tally.c - opening a tally, and the few instructions that count a tap.
 *
 * A tap that was journaled stores twice: `answered`, then `last`. Whoever is killed between has
 * answered == journaled + 1, which cannot come about otherwise; the next one takes it back, and
 * finds the record in the journal above `last`. Its reply was never sent, or was counted.
 *
 * A stretch is gone on with while its day lasts and sequences rise by one. All else, a new day, a
 * jump, the first tap after a start, begins another one: it is filled in and then published by its
 * number.
 *
 * Threads   tally_count(): the worker. The rest: see click/tally.h.
 */
#include "click/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "tally_private.h"

enum { NAME_BYTES = 128, PATH_BYTES = 4096, NAMES_MAX = 1000 };

static const char magic[8] = {'B', 'R', 'I', 'N', 'C', 'O', 'T', '1'};

static const struct metric tally_metrics[TALLY_METRIC_COUNT] = {
    [TALLY_RECOVERED] = {.name = "brinco_tally_recovered_total",
                         .help = "Records found in journals at start that no tally had counted: "
                                 "the process was killed.",
                         .type = METRIC_COUNTER},
    [TALLY_LOST_BY_POWER] = {.name = "brinco_tally_lost_total",
                             .labels = "reason=\"power_cut\"",
                             .help = "Clicks that were counted as answered and were not in the "
                                     "journal at start.",
                             .type = METRIC_COUNTER},
    [TALLY_LOST_AND_MISSING] = {.name = "brinco_tally_lost_total",
                                .labels = "reason=\"missing\"",
                                .type = METRIC_COUNTER},
    [TALLY_SET_ASIDE] = {.name = "brinco_tally_set_aside_total",
                         .help = "Tallies that were damaged or another edge's at start, and were "
                                 "begun anew.",
                         .type = METRIC_COUNTER},
    [TALLY_ABSENT_NOW] = {.name = "brinco_tally_absent",
                          .help = "Workers that answer without a tally: it could not be made.",
                          .type = METRIC_GAUGE},
};

static bool set_aside(const struct tally_options *options, struct metric_set *metrics,
                      const char *kept_name, const struct err *reason, struct err *err);
static bool make_file(const struct tally_options *options, struct err *err);
static bool find_file(const struct tally_options *options, struct metric_set *metrics,
                      struct err *err);
static bool map(struct tally *tally, const struct tally_options *options, struct err *err);

/* --- open and close ------------------------------------------------------------------------- */

static void go_on(struct tally *tally) {
    ENSURE(tally->header != NULL);
    struct tally_stretch *newest = tally_newest(tally->stretches);
    tally->next =
        1 + (newest != NULL ? tally_load(&newest->last) : le64toh(tally->header->begun_after));
    if (newest != NULL) {
        tally->current = newest;
        tally->begin_ms = tally_load(&newest->begin_ms);
        tally->length_ms = tally_load(&newest->end_ms) - tally->begin_ms;
    }
}

struct tally *tally_open(const struct tally_options *options) {
    struct tally *tally = calloc(1, sizeof(*tally));
    struct err err = {""};
    ENSURE(tally != NULL && options->next_sequence > 0);
    tally->fd = -1;
    tally->metrics = metric_set_create(options->metrics, tally_metrics, TALLY_METRIC_COUNT);
    if (find_file(options, tally->metrics, &err) && map(tally, options, &err)) {
        go_on(tally);
        tally_book(tally, options);
    } else {
        metric_put(tally->metrics, TALLY_ABSENT_NOW, 1);
        log_event(options->log, LOG_ERROR, "tally_absent", "directory=%s error=%s",
                  options->directory, err.text);
    }
    return tally;
}

bool tally_is_there(const struct tally *tally) {
    return tally->header != NULL;
}

void tally_close(struct tally **tally) {
    struct tally *closed = *tally;
    if (closed == NULL) {
        return;
    }
    if (closed->header != NULL) {
        msync(closed->header, TALLY_FILE_BYTES, MS_SYNC);
        munmap(closed->header, TALLY_FILE_BYTES);
    }
    if (closed->fd >= 0) {
        close(closed->fd);
    }
    metric_set_destroy(&closed->metrics);
    free(closed);
    *tally = NULL;
}

/* --- counting ------------------------------------------------------------------------------- */

static inline void add(uint64_t *to) {
    uint64_t value = le64toh(__atomic_load_n(to, __ATOMIC_RELAXED)) + 1;
    __atomic_store_n(to, htole64(value), __ATOMIC_RELEASE);
}

__attribute__((cold, noinline)) static void count_slowly(struct tally *tally, uint64_t at_ms,
                                                         uint64_t sequence) {
    bool is_jump = sequence != 0 && sequence != tally->next;
    if (tally->header == NULL) {
        return;
    }
    if (at_ms - tally->begin_ms >= tally->length_ms || is_jump) {
        tally_begin(tally, at_ms, sequence != 0 ? sequence : tally->next);
    }
    add(&tally->current->answered);
    if (sequence == 0) {
        add(&tally->current->lost_full);
        return;
    }
    tally_store(&tally->current->last, sequence);
    tally->next = sequence + 1;
}

void tally_count(struct tally *tally, uint64_t at_ms, uint64_t sequence) {
    if (UNLIKELY(at_ms - tally->begin_ms >= tally->length_ms || sequence != tally->next)) {
        count_slowly(tally, at_ms, sequence);
        return;
    }
    struct tally_stretch *stretch = tally->current;
    add(&stretch->answered);
    tally_store(&stretch->last, sequence);
    tally->next = sequence + 1;
}

void tally_begin(struct tally *tally, uint64_t at_ms, uint64_t first_sequence) {
    struct tally_stretch *before = tally_newest(tally->stretches);
    uint64_t number = before != NULL ? tally_load(&before->number) + 1 : 1;
    struct tally_stretch *stretch = &tally->stretches[tally_index(number)];
    struct clock_day day = clock_day_of(at_ms);
    if (before != NULL) {
        tally_store(&before->seal, tally_seal(before));
    }
    tally_store(&stretch->number, 0);
    tally_store(&stretch->day, (uint64_t)day.yyyymmdd);
    tally_store(&stretch->begin_ms, day.begin_ms);
    tally_store(&stretch->end_ms, day.end_ms);
    tally_store(&stretch->before, first_sequence - 1);
    tally_store(&stretch->last, first_sequence - 1);
    tally_store(&stretch->numbering, tally_load(&tally->header->numbering));
    uint64_t *const zero[] = {&stretch->answered,   &stretch->lost_full,    &stretch->recovered,
                              &stretch->lost_power, &stretch->lost_missing, &stretch->deleted,
                              &stretch->seal};
    for (size_t i = 0; i < ARRAY_COUNT(zero); i++) {
        tally_store(zero[i], 0);
    }
    tally_store(&stretch->number, number);
    tally->current = stretch;
    tally->begin_ms = day.begin_ms;
    tally->length_ms = day.end_ms - day.begin_ms;
    tally->next = first_sequence;
}

/* --- deletions, and the disk ---------------------------------------------------------------- */

void tally_deleted(struct tally *tally, uint64_t sequence) {
    if (tally->header == NULL) {
        return;
    }
    uint64_t *deleted = &tally->header->deleted;
    uint64_t old = __atomic_load_n(deleted, __ATOMIC_RELAXED);
    while (le64toh(old) < sequence &&
           !__atomic_compare_exchange_n(deleted, &old, htole64(sequence), true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    atomic_store_explicit(&tally->has_deleted, true, memory_order_relaxed);
}

void tally_deleted_in(const char *directory, uint64_t sequence) {
    struct tally_view *view = malloc(sizeof(*view));
    struct err err;
    char path[PATH_BYTES];
    uint64_t deleted = 0;
    off_t offset = (off_t)offsetof(struct tally_header, deleted);
    ENSURE(view != NULL);
    snprintf(path, sizeof(path), "%s/" TALLY_FILE, directory);
    int fd = -1;
    if (tally_read(directory, TALLY_FILE, view, &err) == TALLY_READ) {
        fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    }
    free(view);
    if (fd < 0) {
        return;
    }
    if (pread(fd, &deleted, sizeof(deleted), offset) == sizeof(deleted) &&
        le64toh(deleted) < sequence) {
        deleted = htole64(sequence);
        ssize_t written = pwrite(fd, &deleted, sizeof(deleted), offset);
        (void)written; /* the file has its size: it is there, or the disk is no more */
    }
    close(fd);
}

bool tally_sync(struct tally *tally, uint64_t synced_sequence) {
    if (tally->header == NULL) {
        return true;
    }
    const struct tally_stretch *newest = tally_newest(tally->stretches);
    uint64_t answered = newest != NULL ? tally_load(&newest->answered) : 0;
    uint64_t number = newest != NULL ? tally_load(&newest->number) : 0;
    bool has_deleted = atomic_exchange_explicit(&tally->has_deleted, false, memory_order_relaxed);
    if (answered == tally->synced_answered && number == tally->synced_number && !has_deleted &&
        synced_sequence <= tally_load(&tally->header->synced)) {
        return true;
    }
    if (synced_sequence > tally_load(&tally->header->synced)) {
        tally_store(&tally->header->synced, synced_sequence);
    }
    tally->synced_answered = answered;
    tally->synced_number = number;
    return msync(tally->header, TALLY_FILE_BYTES, MS_SYNC) == 0;
}

/* --- the file ------------------------------------------------------------------------------- */

static bool fail(const struct tally_options *options, const char *what, struct err *err) {
    return err_set(err, "%s/" TALLY_FILE ": %s: %s", options->directory, what, strerror(errno));
}

/* Gives a file that cannot be gone on with a name of its own: NAME, or NAME.2, NAME.3 ... */
static bool set_aside(const struct tally_options *options, struct metric_set *metrics,
                      const char *kept_name, const struct err *reason, struct err *err) {
    char from[PATH_BYTES];
    char to[PATH_BYTES];
    snprintf(from, sizeof(from), "%s/" TALLY_FILE, options->directory);
    snprintf(to, sizeof(to), "%s/%s", options->directory, kept_name);
    unsigned i = 1;
    while (link(from, to) != 0) {
        if (errno != EEXIST || i == NAMES_MAX) {
            return fail(options, "cannot be set aside", err);
        }
        snprintf(to, sizeof(to), "%s/%s.%u", options->directory, kept_name, ++i);
    }
    metric_add(metrics, TALLY_SET_ASIDE, 1);
    log_event(options->log, LOG_ERROR, "tally_set_aside", "kept_in=%s reason=%s", to, reason->text);
    return unlink(from) == 0 || fail(options, "cannot be set aside", err);
}

/* Not under its name before all of it is there. */
static bool make_file(const struct tally_options *options, struct err *err) {
    char path[PATH_BYTES];
    char name[PATH_BYTES];
    struct tally_header header = {
        .version = htole32(TALLY_VERSION),
        .header_bytes = htole32(TALLY_HEADER_BYTES),
        .stretches = htole32(TALLY_DAYS),
        .stretch_bytes = htole32(TALLY_STRETCH_BYTES),
        .worker = htole32(options->worker),
        .edge_bytes = htole32((uint32_t)options->edge_id.size),
        .begun_after = htole64(options->next_sequence - 1),
        .synced = htole64(options->next_sequence - 1),
    };
    ENSURE(options->edge_id.size <= TALLY_EDGE_BYTES);
    memcpy(header.magic, magic, sizeof(magic));
    memcpy(header.edge, options->edge_id.data, options->edge_id.size);
    header.crc = htole32(tally_header_crc(&header));
    snprintf(path, sizeof(path), "%s/unnamed-tally.tmp", options->directory);
    snprintf(name, sizeof(name), "%s/" TALLY_FILE, options->directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail(options, "cannot be made", err);
    }
    int error = posix_fallocate(fd, 0, TALLY_FILE_BYTES);
    errno = error;
    bool is_made = error == 0 &&
                   pwrite(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
                   fsync(fd) == 0 && rename(path, name) == 0;
    if (!is_made) {
        fail(options, "cannot be made", err);
        unlink(path);
    }
    close(fd);
    return is_made;
}

/* Makes sure that there is a file that is sound and this worker's. */
static bool find_file(const struct tally_options *options, struct metric_set *metrics,
                      struct err *err) {
    struct tally_view *view = malloc(sizeof(*view));
    char name[NAME_BYTES] = TALLY_BAD;
    ENSURE(view != NULL);
    enum tally_read_result result = tally_read(options->directory, TALLY_FILE, view, err);
    struct err reason = *err;
    bool is_same = result == TALLY_READ && view->worker == options->worker &&
                   slice_equal(slice_of(view->edge_id), options->edge_id);
    if (result == TALLY_READ && !is_same) {
        snprintf(name, sizeof(name), TALLY_OTHER_BEGIN "%s", view->edge_id);
        err_set(&reason, "it is of edge %s, worker %u", view->edge_id, view->worker);
    }
    free(view);
    switch (result) {
    case TALLY_READ:
        return is_same ||
               (set_aside(options, metrics, name, &reason, err) && make_file(options, err));
    case TALLY_ABSENT:
        return make_file(options, err);
    case TALLY_DAMAGED:
        return set_aside(options, metrics, name, &reason, err) && make_file(options, err);
    case TALLY_FAILED:
        break;
    }
    return false;
}

/* Its blocks are there, and its pages in memory: no tap waits for either. */
static bool map(struct tally *tally, const struct tally_options *options, struct err *err) {
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/" TALLY_FILE, options->directory);
    tally->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (tally->fd < 0) {
        return fail(options, "cannot be opened", err);
    }
    errno = posix_fallocate(tally->fd, 0, TALLY_FILE_BYTES);
    if (errno != 0) {
        return fail(options, "has no room", err);
    }
    void *base = mmap(NULL, TALLY_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                      tally->fd, 0);
    if (base == MAP_FAILED) {
        return fail(options, "cannot be mapped", err);
    }
    tally->header = base;
    tally->stretches = (struct tally_stretch *)(void *)((char *)base + TALLY_HEADER_BYTES);
    return true;
}
