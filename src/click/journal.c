/*
 * click/journal.c - opening a journal, and the few instructions that make a click durable.
 *
 * journal_reserve() and journal_commit() are on the hop. The click is encoded right where the
 * current segment ends; then its sequence is stored, the check computed over both, and the record
 * published by storing its length last. Readers, in this process or another, see the length only
 * together with what it covers. A process that is killed in between leaves bytes behind a length of
 * 0, which the next one cuts away: that click's reply was never sent.
 *
 * A segment that has no room for a record is handed to the syncer and the next one that the keeper
 * prepared is taken: two exchanges of pointers, and the first sequence written into the mapped
 * header page.
 *
 * Threads   Appending and journal_time(): the worker. The rest: see click/journal.h.
 */
#include "click/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "journal_private.h"

/* The smallest has room for a few of the longest records. */
#define SEGMENT_BYTES_MIN ((uint64_t)SEGMENT_HEADER_BYTES + 4 * (uint64_t)SEGMENT_RECORD_MAX)
#define SEGMENT_BYTES_MAX ((uint64_t)1 << 33)
#define READY_BYTES       ((uint64_t)4 << 20)

static const struct metric worker_metrics[JOURNAL_WORKER_METRIC_COUNT] = {
    [JOURNAL_RECORDS] = {.name = "brinco_journal_records_total",
                         .help = "Clicks appended to journals.",
                         .type = METRIC_COUNTER},
    [JOURNAL_BYTES] = {.name = "brinco_journal_bytes_total",
                       .help = "Bytes that appended records take in journals.",
                       .type = METRIC_COUNTER},
    [JOURNAL_LOST] = {.name = "brinco_clicks_lost_total",
                      .help = "Clicks that were answered and could not be journaled.",
                      .type = METRIC_COUNTER},
};

static const struct metric keeper_metrics[JOURNAL_KEEPER_METRIC_COUNT] = {
    [JOURNAL_PREPARED] = {.name = "brinco_journal_segments_prepared_total",
                          .help = "Journal segments allocated ahead of need.",
                          .type = METRIC_COUNTER},
    [JOURNAL_PREPARE_FAILURES] = {.name = "brinco_journal_prepare_failures_total",
                                  .help = "Segments that could not be allocated: the disk is "
                                          "full, or journal.max_mb is reached.",
                                  .type = METRIC_COUNTER},
    [JOURNAL_SYNCS] = {.name = "brinco_journal_syncs_total",
                       .help = "Times that appended records were brought to the disk.",
                       .type = METRIC_COUNTER},
    [JOURNAL_SYNC_FAILURES] = {.name = "brinco_journal_sync_failures_total",
                               .help = "Times that the disk refused appended records.",
                               .type = METRIC_COUNTER},
    [JOURNAL_TORN] = {.name = "brinco_journal_torn_total",
                      .help = "Torn ends of journals that were set aside at start.",
                      .type = METRIC_COUNTER},
    [JOURNAL_DISK_BYTES] = {.name = "brinco_journal_disk_bytes",
                            .help = "What the segments of all journals take on the disk.",
                            .type = METRIC_GAUGE},
};

static bool check_options(const struct journal_options *options, struct err *err) {
    ENSURE(options->directory != NULL && options->edge_id.size <= SEGMENT_EDGE_BYTES_MAX);
    if (options->segment_bytes < SEGMENT_BYTES_MIN || options->segment_bytes > SEGMENT_BYTES_MAX) {
        return err_set(
            err, "%s: a segment of %" PRIu64 " bytes; allowed are %" PRIu64 " to %" PRIu64,
            options->directory, options->segment_bytes, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
    }
    if (options->disk_bytes_max < 2 * options->segment_bytes) {
        return err_set(err,
                       "%s: a journal of at most %" PRIu64 " bytes (journal.max_mb) does not hold "
                       "two segments of %" PRIu64 " (journal.segment_mb)",
                       options->directory, options->disk_bytes_max, options->segment_bytes);
    }
    return true;
}

/* Ready are a quarter of a second's worth of clicks at the highest rate, but no more than a
 * quarter of what the journal may take. */
static size_t ready_count(const struct journal *journal) {
    uint64_t count = READY_BYTES / journal->segment_bytes + 1;
    uint64_t count_max = journal->disk_bytes_max / journal->segment_bytes / 4;
    count = count < count_max ? count : count_max;
    count = count < JOURNAL_READY_MAX ? count : JOURNAL_READY_MAX;
    return count > 0 ? (size_t)count : 1;
}

static struct journal *create(const struct journal_options *options) {
    struct journal *journal = aligned_alloc(alignof(struct journal), sizeof(*journal));
    char *directory = strdup(options->directory);
    ENSURE(journal != NULL && directory != NULL);
    *journal = (struct journal){
        .directory = directory,
        .directory_fd = -1,
        .header = {.worker = options->worker},
        .segment_bytes =
            (options->segment_bytes + JOURNAL_PAGE_BYTES - 1) & ~(uint64_t)(JOURNAL_PAGE_BYTES - 1),
        .disk_bytes_max = options->disk_bytes_max,
        .disk_bytes = UINT64_MAX / 2, /* to be measured */
        .sync_interval_ms = options->sync_interval_ms,
        .log = options->log,
    };
    for (size_t i = 0; i < JOURNAL_SLOTS; i++) {
        journal->slot[i].fd = -1;
        pthread_mutex_init(&journal->slot[i].syncing, NULL);
        pthread_mutex_init(&journal->slot[i].mapping, NULL);
    }
    journal->ready_count = ready_count(journal);
    if (options->edge_id.size > 0) {
        memcpy(journal->header.edge_id, options->edge_id.data, options->edge_id.size);
    }
    journal->worker_metrics =
        metric_set_create(options->metrics, worker_metrics, JOURNAL_WORKER_METRIC_COUNT);
    journal->keeper_metrics =
        metric_set_create(options->metrics, keeper_metrics, JOURNAL_KEEPER_METRIC_COUNT);
    journal->sync_metrics =
        metric_set_create(options->metrics, keeper_metrics, JOURNAL_KEEPER_METRIC_COUNT);
    return journal;
}

/* The lock is on the directory itself and goes with the process, however that ends. */
static bool lock_directory(struct journal *journal, struct err *err) {
    if (!file_make_directory(journal->directory, 0700, err)) {
        return false;
    }
    journal->directory_fd = open(journal->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->directory_fd < 0) {
        return err_set(err, "%s: %s", journal->directory, strerror(errno));
    }
    if (flock(journal->directory_fd, LOCK_EX | LOCK_NB) != 0) {
        return err_set(err, "%s: %s", journal->directory,
                       errno == EWOULDBLOCK ? "another process writes this journal"
                                            : strerror(errno));
    }
    return true;
}

/* Goes on with the last segment where that can be, and else prepares a new one. */
static void start_after(struct journal *journal, const struct journal_end *end) {
    journal->next_number = end->number + 1;
    journal->last_ms = end->last_ms;
    atomic_store_explicit(&journal->next_sequence, end->next_sequence, memory_order_relaxed);

    struct err err = {""};
    struct journal_slot *slot = &journal->slot[0];
    if (end->offset != 0 && journal_slot_adopt(journal, slot, end, &err)) {
        atomic_store_explicit(&slot->state, SLOT_CURRENT, memory_order_relaxed);
        journal->current = slot;
    } else {
        if (end->offset != 0) {
            log_event(journal->log, LOG_WARN, "journal_segment_left", "error=%s", err.text);
        }
        journal_prepare(journal); /* a failure is logged, and tried again by the keeper */
    }
    log_event(journal->log, LOG_INFO, "journal_opened",
              "directory=%s segment=%u next_sequence=%" PRIu64, journal->directory,
              journal->current != NULL ? end->number : end->number + 1, end->next_sequence);
}

struct journal *journal_open(const struct journal_options *options, struct err *err) {
    if (!check_options(options, err)) {
        return NULL;
    }
    struct journal *journal = create(options);
    struct journal_end end;
    if (!lock_directory(journal, err) || !journal_recover(journal, &end, err)) {
        journal_close(&journal);
        return NULL;
    }
    start_after(journal, &end);
    return journal;
}

void journal_close(struct journal **journal) {
    struct journal *closed = *journal;
    if (closed == NULL) {
        return;
    }
    for (size_t i = 0; i < JOURNAL_SLOTS; i++) {
        struct journal_slot *slot = &closed->slot[i];
        if (slot->base != NULL && !journal_slot_sync(slot)) {
            log_event(closed->log, LOG_ERROR, "journal_sync_failed",
                      "directory=%s segment=%u error=%s", closed->directory, slot->number,
                      strerror(errno));
        }
        if (slot->base != NULL) {
            journal_slot_release(slot);
        }
        pthread_mutex_destroy(&slot->syncing);
        pthread_mutex_destroy(&slot->mapping);
    }
    if (closed->directory_fd >= 0) {
        close(closed->directory_fd);
    }
    metric_set_destroy(&closed->worker_metrics);
    metric_set_destroy(&closed->keeper_metrics);
    metric_set_destroy(&closed->sync_metrics);
    free(closed->directory);
    free(closed);
    *journal = NULL;
}

uint64_t journal_time(struct journal *journal, uint64_t now_ms) {
    return now_ms > journal->last_ms ? now_ms : journal->last_ms;
}

/* Leaves the current segment, if any, for the one that is ready; NULL: none is. */
static struct journal_slot *take_next(struct journal *journal) {
    size_t place = journal->taken % journal->ready_count;
    struct journal_slot *next =
        atomic_exchange_explicit(&journal->ready[place], NULL, memory_order_acquire);
    if (next == NULL) {
        return NULL;
    }
    journal->taken++;
    if (journal->current != NULL) {
        atomic_store_explicit(&journal->current->state, SLOT_FULL, memory_order_release);
    }
    segment_header_begin(next->base,
                         atomic_load_explicit(&journal->next_sequence, memory_order_relaxed));
    atomic_store_explicit(&next->state, SLOT_CURRENT, memory_order_release);
    atomic_store_explicit(&journal->is_refusing, false, memory_order_relaxed);
    journal->current = next;
    return next;
}

__attribute__((cold)) static void refuse(struct journal *journal) {
    uint64_t lost = atomic_load_explicit(&journal->lost, memory_order_relaxed);
    atomic_store_explicit(&journal->lost, lost + 1, memory_order_relaxed);
    atomic_store_explicit(&journal->is_refusing, true, memory_order_relaxed);
    metric_add(journal->worker_metrics, JOURNAL_LOST, 1);
}

static inline bool has_room(const struct journal_slot *slot, size_t bytes) {
    return slot != NULL &&
           slot->size - atomic_load_explicit(&slot->written, memory_order_relaxed) >= bytes;
}

/* What does not fit behind the current end goes into the next segment, which is empty. */
bool journal_has_room(const struct journal *journal, size_t size, size_t count) {
    size_t bytes = segment_record_bytes(size) * count;
    return has_room(journal->current, bytes) ||
           (journal_has_ready(journal) && journal->segment_bytes - SEGMENT_HEADER_BYTES >= bytes);
}

/* Both are inline for the linker, which takes them into the hop, whoever else calls them. */
inline uint8_t *journal_reserve(struct journal *journal, size_t size_max) {
    ENSURE(size_max >= SEGMENT_PAYLOAD_MIN && size_max <= JOURNAL_RECORD_BYTES_MAX);
    ENSURE(journal->reserved == 0);
    struct journal_slot *slot = journal->current;
    if (UNLIKELY(!has_room(slot, segment_record_bytes(size_max)))) {
        slot = take_next(journal);
        if (slot == NULL) {
            refuse(journal);
            return NULL;
        }
    }
    journal->reserved = size_max;
    return slot->base + atomic_load_explicit(&slot->written, memory_order_relaxed) +
           SEGMENT_RECORD_HEAD;
}

inline uint64_t journal_commit(struct journal *journal, size_t size) {
    struct journal_slot *slot = journal->current;
    uint64_t written = atomic_load_explicit(&slot->written, memory_order_relaxed);
    uint8_t *record = slot->base + written;
    ENSURE(size >= SEGMENT_PAYLOAD_MIN && size <= journal->reserved);
    uint64_t at_ms = segment_load_u64(record + SEGMENT_RECORD_HEAD);
    ENSURE(at_ms >= journal->last_ms);
    uint64_t number = atomic_load_explicit(&journal->next_sequence, memory_order_relaxed);
    uint32_t length = (uint32_t)size;
    segment_store_u64(record + 8, number);
    segment_store_u32(record + 4, segment_record_crc(record, length));
    __atomic_store_n((uint32_t *)(void *)record, htole32(length), __ATOMIC_RELEASE);

    size_t bytes = segment_record_bytes(size);
    atomic_store_explicit(&slot->written, written + bytes, memory_order_release);
    atomic_store_explicit(&journal->next_sequence, number + 1, memory_order_release);
    journal->last_ms = at_ms;
    journal->reserved = 0;
    metric_add(journal->worker_metrics, JOURNAL_RECORDS, 1);
    metric_add(journal->worker_metrics, JOURNAL_BYTES, bytes);
    return number;
}

enum journal_append_result journal_append(struct journal *journal, struct slice payload,
                                          uint64_t *sequence) {
    ENSURE(payload.size >= SEGMENT_PAYLOAD_MIN);
    ENSURE(segment_load_u64((const uint8_t *)payload.data) >= journal->last_ms);
    uint8_t *place = journal_reserve(journal, payload.size);
    if (place == NULL) {
        return JOURNAL_FULL;
    }
    memcpy(place, payload.data, payload.size);
    *sequence = journal_commit(journal, payload.size);
    return JOURNAL_APPENDED;
}

void journal_use_tally(struct journal *journal, struct tally *tally) {
    journal->tally = tally;
}

struct journal_status journal_status(const struct journal *journal) {
    bool is_refusing = atomic_load_explicit(&journal->is_refusing, memory_order_relaxed);
    return (struct journal_status){
        .next_sequence = atomic_load_explicit(&journal->next_sequence, memory_order_acquire),
        .lost = atomic_load_explicit(&journal->lost, memory_order_relaxed),
        .accepting = !is_refusing || journal_has_ready(journal),
        .sync_interval_ms = atomic_load_explicit(&journal->sync_interval_ms, memory_order_relaxed),
    };
}
