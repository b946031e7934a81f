/*
 * click/journal_keep.c - segments, ready before the worker needs them.
 *
 * A worker without a next segment loses clicks, so nothing here waits for a sync; that is another
 * thread's (journal_sync.c). A failure to prepare is tried again every PREPARE_RETRY_MS, or as soon
 * as more is shipped, and logged at most once a second, as are lost clicks: the worker only counts
 * them.
 *
 * Where there is no room, neither below journal.max_mb nor on the disk, the oldest segments that
 * are shipped go at once: clicks that would be lost now weigh more than a copy of what the queue
 * has.
 *
 * now_ms may step: a step back makes what waits for a time due at once.
 *
 * Threads   One, the keeper's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "journal_private.h"

enum {
    PREPARE_RETRY_MS = 100,
    MEASURE_INTERVAL_MS = 5000, /* others delete segments */
    LOG_INTERVAL_MS = 1000,
};

#define DISK_BYTES_UNKNOWN (UINT64_MAX / 2) /* no more is taken */

static uint64_t bytes_of(const struct journal *journal, uint32_t number) {
    char name[SEGMENT_NAME_BYTES];
    struct stat status;
    segment_name(number, name);
    bool is_there = fstatat(journal->directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return is_there ? (uint64_t)status.st_size : 0;
}

static void measure(struct journal *journal) {
    uint32_t *numbers;
    size_t count;
    journal->disk_bytes = DISK_BYTES_UNKNOWN;
    if (!segment_numbers(journal->directory_fd, journal->directory, &numbers, &count, NULL)) {
        return;
    }
    journal->disk_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        journal->disk_bytes += bytes_of(journal, numbers[i]);
    }
    free(numbers);
}

/* Before a segment goes: it ends below the first of those behind it whose header holds. */
static void tell_tally(struct journal *journal, const uint32_t *numbers, size_t count) {
    struct segment_header header = {.first_sequence = 0};
    for (size_t i = 0; i < count && journal->tally != NULL && header.first_sequence == 0; i++) {
        enum segment_header_state state;
        int fd = segment_open(journal->directory_fd, numbers[i], O_RDONLY);
        if (fd >= 0) {
            bool is_read = segment_header_read(fd, &state, &header);
            close(fd);
            header.first_sequence = is_read ? header.first_sequence : 0;
        }
    }
    if (header.first_sequence > 1) {
        tally_deleted(journal->tally, header.first_sequence - 1);
    }
}

/* Deletes the oldest shipped segments until these bytes are free. False: there are not as many. */
static bool delete_shipped(struct journal *journal, uint64_t bytes) {
    uint32_t shipped_below = atomic_load_explicit(&journal->shipped_below, memory_order_relaxed);
    uint32_t *numbers;
    size_t count;
    uint64_t freed = 0;
    if (!segment_numbers(journal->directory_fd, journal->directory, &numbers, &count, NULL)) {
        return false;
    }
    for (size_t i = 0; i < count && numbers[i] < shipped_below && freed < bytes; i++) {
        char name[SEGMENT_NAME_BYTES];
        uint64_t size = bytes_of(journal, numbers[i]);
        segment_name(numbers[i], name);
        tell_tally(journal, numbers + i + 1, count - i - 1);
        if (unlinkat(journal->directory_fd, name, 0) == 0) {
            freed += size;
            atomic_fetch_add_explicit(&journal->deleted_early, 1, memory_order_relaxed);
            log_event(journal->log, LOG_INFO, "journal_segment_deleted",
                      "path=%s/%s reason=no_room", journal->directory, name);
        }
    }
    free(numbers);
    journal->disk_bytes -= freed < journal->disk_bytes ? freed : journal->disk_bytes;
    return freed >= bytes;
}

/* Whether journal.max_mb allows one more segment; deletes what is in its way. */
static bool is_allowed(struct journal *journal, struct err *err) {
    uint64_t bytes_max = journal->disk_bytes_max - journal->segment_bytes;
    if (journal->disk_bytes > bytes_max) {
        measure(journal);
    }
    if (journal->disk_bytes <= bytes_max ||
        (journal->disk_bytes < DISK_BYTES_UNKNOWN &&
         delete_shipped(journal, journal->disk_bytes - bytes_max))) {
        return true;
    }
    return err_set(err, "its segments take %" PRIu64 " bytes of %" PRIu64 " allowed",
                   journal->disk_bytes, journal->disk_bytes_max);
}

static bool make(struct journal *journal, struct journal_slot *slot, struct err *err) {
    if (journal_slot_prepare(journal, slot, journal->next_number, err)) {
        return true;
    }
    return (errno == ENOSPC || errno == EDQUOT) &&
           delete_shipped(journal, journal->segment_bytes) &&
           journal_slot_prepare(journal, slot, journal->next_number, err);
}

static struct journal_slot *find_slot(struct journal *journal, enum journal_slot_state wanted) {
    struct journal_slot *found = NULL;
    for (size_t i = 0; i < JOURNAL_SLOTS; i++) {
        struct journal_slot *slot = &journal->slot[i];
        if (atomic_load_explicit(&slot->state, memory_order_acquire) == (int)wanted &&
            (found == NULL || slot->number < found->number)) {
            found = slot;
        }
    }
    return found;
}

/* All slots are taken: lets go of the oldest full one that is not just being synced. NULL: there
 * is none. */
static struct journal_slot *take_full_slot(struct journal *journal) {
    struct journal_slot *slot = find_slot(journal, SLOT_FULL);
    if (slot == NULL || pthread_mutex_trylock(&slot->syncing) != 0) {
        return find_slot(journal, SLOT_FREE);
    }
    if (atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_FULL) {
        uint64_t held_back;
        metric_add(journal->keeper_metrics, JOURNAL_SYNC_FAILURES, 1);
        if (log_allowed(&journal->behind_limit, clock_monotonic_ns(), LOG_INTERVAL_MS,
                        &held_back)) {
            log_event(journal->log, LOG_WARN, "journal_sync_behind",
                      "directory=%s segment=%u held_back=%" PRIu64, journal->directory,
                      slot->number, held_back);
        }
        journal_slot_release(slot);
    }
    pthread_mutex_unlock(&slot->syncing);
    return slot;
}

static void refuse(struct journal *journal, const struct err *err) {
    uint64_t held_back;
    metric_add(journal->keeper_metrics, JOURNAL_PREPARE_FAILURES, 1);
    if (log_allowed(&journal->no_room_limit, clock_monotonic_ns(), LOG_INTERVAL_MS, &held_back)) {
        log_event(journal->log, LOG_WARN, "journal_no_room",
                  "directory=%s error=%s held_back=%" PRIu64, journal->directory, err->text,
                  held_back);
    }
}

bool journal_prepare(struct journal *journal) {
    struct journal_slot *slot = find_slot(journal, SLOT_FREE);
    if (slot == NULL) {
        slot = take_full_slot(journal);
    }
    if (slot == NULL) {
        return true; /* the syncer lets go of the one it has */
    }
    struct err err = {""};
    if (!is_allowed(journal, &err) || !make(journal, slot, &err)) {
        refuse(journal, &err);
        return false;
    }
    journal->next_number++;
    journal->disk_bytes += journal->segment_bytes;
    metric_add(journal->keeper_metrics, JOURNAL_PREPARED, 1);
    metric_put(journal->keeper_metrics, JOURNAL_DISK_BYTES, journal->disk_bytes);
    atomic_store_explicit(&slot->state, SLOT_READY, memory_order_release);
    size_t place = journal->prepared++ % journal->ready_count;
    atomic_store_explicit(&journal->ready[place], slot, memory_order_release);
    return true;
}

static bool is_ring_full(const struct journal *journal) {
    size_t place = journal->prepared % journal->ready_count;
    return atomic_load_explicit(&journal->ready[place], memory_order_relaxed) != NULL;
}

static void prepare_when_due(struct journal *journal, uint64_t now_ms) {
    uint32_t shipped = atomic_load_explicit(&journal->shipped_below, memory_order_relaxed);
    if (journal->refused_ms != 0 && shipped == journal->refused_shipped &&
        !journal_is_due(now_ms, journal->refused_ms, PREPARE_RETRY_MS)) {
        return;
    }
    for (size_t i = 0; i < journal->ready_count && !is_ring_full(journal); i++) {
        journal->refused_ms = journal_prepare(journal) ? 0 : now_ms;
        journal->refused_shipped = shipped;
        if (journal->refused_ms != 0) {
            return;
        }
    }
}

static void log_lost(struct journal *journal) {
    uint64_t lost = atomic_load_explicit(&journal->lost, memory_order_relaxed);
    uint64_t held_back;
    if (lost == journal->lost_logged ||
        !log_allowed(&journal->lost_limit, clock_monotonic_ns(), LOG_INTERVAL_MS, &held_back)) {
        return;
    }
    const char *reason = journal->refused_ms != 0
                             ? "no room: free disk space, or raise journal.max_mb"
                             : "no segment was ready in time: raise journal.segment_mb";
    log_event(journal->log, LOG_ERROR, "clicks_lost",
              "directory=%s clicks=%" PRIu64 " total=%" PRIu64 " reason=%s", journal->directory,
              lost - journal->lost_logged, lost, reason);
    journal->lost_logged = lost;
}

void journal_keep(struct journal *journal, uint64_t now_ms) {
    prepare_when_due(journal, now_ms);
    for (size_t i = 0; i < JOURNAL_SLOTS; i++) {
        if (atomic_load_explicit(&journal->slot[i].state, memory_order_relaxed) == SLOT_CURRENT) {
            journal_slot_follow(&journal->slot[i]);
        }
    }
    log_lost(journal);
    if (journal_is_due(now_ms, journal->measured_ms, MEASURE_INTERVAL_MS)) {
        journal->measured_ms = now_ms;
        measure(journal);
        metric_put(journal->keeper_metrics, JOURNAL_DISK_BYTES,
                   journal->disk_bytes < DISK_BYTES_UNKNOWN ? journal->disk_bytes : 0);
    }
}

void journal_configure(struct journal *journal, uint64_t disk_bytes_max,
                       uint32_t sync_interval_ms) {
    journal->disk_bytes_max = disk_bytes_max;
    atomic_store_explicit(&journal->sync_interval_ms, sync_interval_ms, memory_order_relaxed);
    journal->refused_ms = 0; /* a limit that was raised takes effect at once */
}
