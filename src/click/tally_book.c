/*
 * click/tally_book.c - what a kill or a power cut left open in a tally.
 *
 * Held against the journal's end, as it was found at this start:
 *
 *   the same                     all is well
 *   the journal goes on          its records above the tally's last are read, and booked as
 *                                recovered, each on its day
 *   the journal ends before      what is gone was lost by power when it had not been synced yet,
 *                                and is missing otherwise; booked on the stretches that had it
 *
 * After the last, the journal uses the numbers of what is gone again, so a new stretch begins
 * there. When it goes on below what was deleted by right (the journal was wiped), a new numbering
 * begins, too: the stretches before keep what was deleted of them.
 *
 * A kill in the midst of this leaves numbers that the next start goes on from.
 *
 * Threads   The opener's, before the tally is used.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "click/journal_reader.h"
#include "tally_private.h"

static void undo_half(struct tally *tally);
static void recover(struct tally *tally, const struct tally_options *options);
static void lose(struct tally *tally, const struct tally_options *options);

void tally_book(struct tally *tally, const struct tally_options *options) {
    undo_half(tally);
    if (options->next_sequence > tally->next) {
        recover(tally, options);
    } else if (options->next_sequence < tally->next) {
        lose(tally, options);
    }
}

/* One more answered, or recovered, than journaled: killed between the two stores. */
static void undo_half(struct tally *tally) {
    struct tally_stretch *stretch = tally->current;
    if (stretch != NULL && tally_load(&stretch->answered) + tally_load(&stretch->recovered) ==
                               tally_journaled(stretch) + tally_load(&stretch->lost_full) + 1) {
        uint64_t *count =
            tally_load(&tally->header->is_recovering) ? &stretch->recovered : &stretch->answered;
        tally_store(count, tally_load(count) - 1);
    }
    tally_store(&tally->header->is_recovering, 0);
}

/* --- the journal goes on -------------------------------------------------------------------- */

/* The last segment that begins at or below the sequence, or the first one. */
static uint32_t segment_of(const char *directory, uint64_t sequence) {
    struct journal_segment *segments = NULL;
    size_t count = 0;
    struct err err;
    uint32_t number = 0;
    if (!journal_list(directory, &segments, &count, &err)) {
        return 0; /* so will opening a reader, which says why */
    }
    for (size_t i = 0; i < count; i++) {
        if (segments[i].first_sequence != 0 && segments[i].first_sequence <= sequence) {
            number = segments[i].number;
        }
    }
    free(segments);
    return number;
}

static void recover_one(struct tally *tally, const struct journal_record *record) {
    if (record->sequence != tally->next || record->at_ms - tally->begin_ms >= tally->length_ms) {
        tally_begin(tally, record->at_ms, record->sequence);
    }
    struct tally_stretch *stretch = tally->current;
    tally_store(&stretch->recovered, tally_load(&stretch->recovered) + 1);
    tally_store(&stretch->last, record->sequence);
    tally->next = record->sequence + 1;
    metric_add(tally->metrics, TALLY_RECOVERED, 1);
}

/* False: the file system, see err. */
static bool read_on(struct tally *tally, struct journal_reader *reader, struct err *err) {
    for (;;) {
        struct journal_record record;
        struct journal_damage damage;
        switch (journal_reader_next(reader, &record, &damage, err)) {
        case JOURNAL_READ_RECORD:
            if (record.sequence >= tally->next) {
                recover_one(tally, &record);
            }
            break;
        case JOURNAL_READ_DAMAGED: /* the journal's own start, the shipper and verify say so */
            break;
        case JOURNAL_READ_END:
            return true;
        case JOURNAL_READ_FAILED:
            return false;
        }
    }
}

static void recover(struct tally *tally, const struct tally_options *options) {
    struct err err = {""};
    uint64_t before = tally->next;
    uint32_t first = segment_of(options->directory, tally->next);
    struct journal_reader *reader = journal_reader_open(options->directory, first, &err);
    tally_store(&tally->header->is_recovering, 1);
    bool is_good = reader != NULL && read_on(tally, reader, &err);
    tally_store(&tally->header->is_recovering, 0);
    journal_reader_close(&reader);
    log_event(options->log, is_good ? LOG_WARN : LOG_ERROR, "tally_recovered",
              "directory=%s first_sequence=%" PRIu64 " records=%" PRIu64 " error=%s",
              options->directory, before, metric_get(tally->metrics, TALLY_RECOVERED), err.text);
}

/* --- the journal ends before ---------------------------------------------------------------- */

/* The first sequence of the stretch that its journal may still have, less one. */
static uint64_t gone_by_right(const struct tally *tally, const struct tally_stretch *stretch) {
    uint64_t before = tally_load(&stretch->before);
    uint64_t deleted = tally_load(&stretch->deleted);
    if (tally_load(&stretch->numbering) == tally_load(&tally->header->numbering)) {
        uint64_t now = tally_load(&tally->header->deleted);
        deleted = now > deleted ? now : deleted;
    }
    return before > deleted ? before : deleted;
}

/* Books what this stretch has above end; returns how much that is. */
static uint64_t lose_above(struct tally *tally, struct tally_stretch *stretch, uint64_t end,
                           bool by_power) {
    uint64_t floor = gone_by_right(tally, stretch);
    uint64_t last = tally_load(&stretch->last) - tally_load(&stretch->lost_power) -
                    tally_load(&stretch->lost_missing);
    floor = floor > end ? floor : end;
    if (last <= floor) {
        return 0;
    }
    uint64_t *lost = by_power ? &stretch->lost_power : &stretch->lost_missing;
    tally_store(lost, tally_load(lost) + (last - floor));
    return last - floor;
}

/* Ends what was deleted by right with the stretches that there are. */
static void begin_numbering(struct tally *tally) {
    struct tally_header *header = tally->header;
    for (size_t i = 0; i < TALLY_DAYS; i++) {
        struct tally_stretch *stretch = &tally->stretches[i];
        if (tally_load(&stretch->number) != 0 &&
            tally_load(&stretch->numbering) == tally_load(&header->numbering)) {
            tally_store(&stretch->deleted, tally_load(&header->deleted));
        }
    }
    tally_store(&header->numbering, tally_load(&header->numbering) + 1);
    tally_store(&header->deleted, 0);
}

static void lose(struct tally *tally, const struct tally_options *options) {
    uint64_t end = options->next_sequence - 1;
    uint64_t synced = tally_load(&tally->header->synced);
    bool by_power = end >= synced;
    uint64_t lost = 0;
    uint64_t newest = tally->current != NULL ? tally_load(&tally->current->number) : 0;
    uint64_t oldest = newest > TALLY_DAYS ? newest - TALLY_DAYS + 1 : 1;
    for (uint64_t number = newest; number >= oldest && number > 0; number--) {
        lost += lose_above(tally, &tally->stretches[tally_index(number)], end, by_power);
    }
    if (end < tally_load(&tally->header->deleted)) {
        begin_numbering(tally);
    }
    tally_store(&tally->header->synced, end);
    metric_add(tally->metrics, by_power ? TALLY_LOST_BY_POWER : TALLY_LOST_AND_MISSING, lost);
    log_event(options->log, lost > 0 ? LOG_ERROR : LOG_INFO, "tally_lost",
              "directory=%s tally_last=%" PRIu64 " journal_last=%" PRIu64 " clicks=%" PRIu64
              " reason=%s",
              options->directory, tally->next - 1, end, lost,
              by_power ? "a power cut took what was not synced yet"
                       : "they were on the disk, and were taken away");
    if (tally->current != NULL) {
        tally_begin(tally, tally->begin_ms, end + 1);
    } else {
        tally->next = end + 1;
    }
}
