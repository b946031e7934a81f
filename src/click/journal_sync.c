/*
 * click/journal_sync.c - what was written goes to the disk.
 *
 * Full segments go as soon as they are full, and are let go of; what was appended to the current
 * one, when it is due; the header of a prepared one, once, and then its name. A slow disk makes all
 * of this wait and nobody else (journal_keep.c).
 *
 * A sync that fails is counted and logged, and is tried again for the current segment. It
 * cannot be mended (Linux reports a failed write-back once): the records stay readable through
 * the page cache, and go on to the queue.
 *
 * now_ms may step: a step back makes what waits for a time due at once.
 *
 * Threads   One, the syncer's.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal_private.h"

enum { LOG_INTERVAL_MS = 1000 };

static void say_failed(struct journal *journal, uint32_t number) {
    int error = errno;
    uint64_t held_back;
    journal->has_failed = true;
    metric_add(journal->sync_metrics, JOURNAL_SYNC_FAILURES, 1);
    if (log_allowed(&journal->sync_limit, clock_monotonic_ns(), LOG_INTERVAL_MS, &held_back)) {
        log_event(journal->log, LOG_ERROR, "journal_sync_failed",
                  "directory=%s segment=%u error=%s held_back=%" PRIu64, journal->directory, number,
                  strerror(error), held_back);
    }
}

static void sync_records(struct journal *journal, struct journal_slot *slot) {
    if (atomic_load_explicit(&slot->written, memory_order_relaxed) == slot->synced) {
        return;
    }
    metric_add(journal->sync_metrics, JOURNAL_SYNCS, 1);
    if (!journal_slot_sync(slot)) {
        say_failed(journal, slot->number);
    }
}

static void sync_header(struct journal *journal, struct journal_slot *slot) {
    if (slot->header_is_synced) {
        return;
    }
    slot->header_is_synced = true;
    if (msync(slot->base, SEGMENT_HEADER_BYTES, MS_SYNC) != 0) {
        say_failed(journal, slot->number);
    }
}

static void visit(struct journal *journal, struct journal_slot *slot, bool current_is_due) {
    pthread_mutex_lock(&slot->syncing);
    switch ((enum journal_slot_state)atomic_load_explicit(&slot->state, memory_order_acquire)) {
    case SLOT_FREE:
        break;
    case SLOT_READY:
        sync_header(journal, slot);
        break;
    case SLOT_CURRENT:
        if (current_is_due) {
            sync_records(journal, slot);
        }
        break;
    case SLOT_FULL:
        sync_records(journal, slot);
        journal_slot_release(slot);
        break;
    }
    pthread_mutex_unlock(&slot->syncing);
}

/* Behind the records, so that it never says of more than there is that it is on the disk. */
static void sync_tally(struct journal *journal, uint64_t last_sequence) {
    if (!tally_sync(journal->tally, journal->has_failed ? 0 : last_sequence)) {
        say_failed(journal, journal->slot[0].number);
    }
}

void journal_sync(struct journal *journal, uint64_t now_ms) {
    uint32_t interval_ms = atomic_load_explicit(&journal->sync_interval_ms, memory_order_relaxed);
    bool current_is_due = journal_is_due(now_ms, journal->synced_ms, interval_ms);
    uint64_t last = atomic_load_explicit(&journal->next_sequence, memory_order_acquire) - 1;
    journal->has_failed = false;
    if (current_is_due) {
        journal->synced_ms = now_ms;
    }
    for (size_t i = 0; i < JOURNAL_SLOTS; i++) {
        visit(journal, &journal->slot[i], current_is_due);
    }
    if (atomic_exchange_explicit(&journal->directory_is_new, false, memory_order_acquire) &&
        fsync(journal->directory_fd) != 0) {
        say_failed(journal, journal->slot[0].number);
    }
    if (current_is_due && journal->tally != NULL) {
        sync_tally(journal, last);
    }
}
