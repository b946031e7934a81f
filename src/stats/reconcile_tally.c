/*
 * reconcile_tally.c - the tally of each stream, before the walk and after it.
 *
 * Its days are those of the time zone that it was kept in. When that was another one, its numbers
 * of a day are others, and only what was published or journaled can be compared.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile_private.h"

static bool overlaps(const struct reconciliation *recon, const struct tally_day *day) {
    return day->begin_ms < recon->end_ms && day->end_ms > recon->begin_ms;
}

static bool is_of_day(const struct reconciliation *recon, const struct tally_day *day) {
    return day->begin_ms == recon->begin_ms && day->end_ms == recon->end_ms;
}

/* The day's sum. */
static void sum_up(const struct reconciliation *recon, struct recon_stream *stream) {
    const struct tally_view *view = stream->view;
    stream->tally = (struct tally_day){0};
    stream->tally_is_other_zone = false;
    for (size_t i = 0; i < view->day_count; i++) {
        stream->tally_is_other_zone |=
            overlaps(recon, &view->days[i]) && !is_of_day(recon, &view->days[i]);
    }
    if (!tally_sum(view, recon->day, &stream->tally)) {
        stream->tally = (struct tally_day){0};
    }
}

static bool read_file(struct recon_stream *stream, struct tally_view *view,
                      enum tally_read_result *result, struct err *err) {
    *result = tally_read(stream->directory, stream->tally_name, view, err);
    return *result != TALLY_FAILED;
}

bool recon_read_tally(struct reconciliation *recon, struct recon_stream *stream, struct err *err) {
    if (stream->directory == NULL || stream->tally_name[0] == '\0') {
        return true;
    }
    struct tally_view *view = malloc(sizeof(*view));
    enum tally_read_result result;
    ENSURE(view != NULL);
    if (!read_file(stream, view, &result, err)) {
        free(view);
        return false;
    }
    bool has_day = result == TALLY_READ &&
                   !(view->day_count == TALLY_DAYS && view->days[0].begin_ms > recon->begin_ms);
    if (!has_day) {
        free(view); /* damaged, which was said, or it does not reach back as far */
        return true;
    }
    stream->view = view;
    stream->tally_source = RECON_TALLY_FILE;
    stream->tally_last = view->last_sequence;
    stream->tally_begun_after = view->begun_after;
    sum_up(recon, stream);
    return true;
}

bool recon_read_tally_again(struct reconciliation *recon, struct recon_stream *stream,
                            struct err *err) {
    if (stream->tally_source != RECON_TALLY_FILE ||
        stream->highest_record <= stream->tally_last + 1) {
        return true;
    }
    struct tally_view *view = malloc(sizeof(*view));
    enum tally_read_result result;
    ENSURE(view != NULL);
    bool is_good = read_file(stream, view, &result, err);
    uint64_t last = is_good && result == TALLY_READ ? view->last_sequence : stream->tally_last;
    free(view);
    /* A worker can be between the record and the count, once. */
    if (is_good && stream->highest_record > last + 1) {
        uint64_t count = stream->highest_record - last;
        recon_blame(recon, "record_not_tallied",
                    &(struct recon_place){.stream = stream->index,
                                          .key = slice_of(stream->directory),
                                          .count = count},
                    "%" PRIu64 " records of the journal, from sequence %" PRIu64
                    " on, are not in its tally: it was not kept since then",
                    count, last + 1);
    }
    return is_good;
}

/* --- what it says --------------------------------------------------------------------------- */

static void say_lost(struct reconciliation *recon, struct recon_stream *stream) {
    const uint64_t *lost = stream->tally.lost;
    struct recon_place place = {.stream = stream->index};
    uint64_t queued = stream->lost_and_queued;
    place.count = lost[TALLY_LOST_FULL];
    if (place.count > 0) {
        recon_explain(recon, "lost_full", &place, "lost %" PRIu64 ": the journal was full",
                      place.count);
    }
    place.count = lost[TALLY_LOST_POWER];
    if (place.count > 0) {
        recon_explain(recon, "lost_power", &place,
                      "lost %" PRIu64 " from the journal: a power cut; %s has %" PRIu64 " of them",
                      place.count, "the stream", queued);
    }
    place.count = lost[TALLY_LOST_MISSING];
    if (place.count > 0) {
        place.key = slice_of(stream->directory != NULL ? stream->directory : "");
        recon_blame(recon, "record_missing", &place,
                    "%" PRIu64 " records were on the disk and then taken from the journal; "
                    "it ended before them at a start",
                    place.count);
    }
}

void recon_say_tally(struct reconciliation *recon, struct recon_stream *stream) {
    const struct tally_day *tally = &stream->tally;
    struct recon_place place = {.stream = stream->index};
    if (stream->tally_source == RECON_TALLY_NONE) {
        recon_explain(recon, "no_tally", &place, "no tally says how many were answered");
        return;
    }
    if (stream->tally_is_other_zone) {
        recon_explain(recon, "other_zone", &place,
                      "its tally was kept by the days of another time zone: not compared");
        return;
    }
    if (tally->answered + tally->recovered != tally->journaled + tally->lost[TALLY_LOST_FULL]) {
        recon_blame(recon, "tally_differs", &place,
                    "its tally does not add up: answered %" PRIu64 " + recovered %" PRIu64
                    " is not journaled %" PRIu64 " + lost %" PRIu64,
                    tally->answered, tally->recovered, tally->journaled,
                    tally->lost[TALLY_LOST_FULL]);
    }
    place.count = tally->recovered;
    if (place.count > 0) {
        recon_explain(recon, "recovered", &place,
                      "recovered %" PRIu64 ": journaled, and killed before they were counted",
                      place.count);
    }
    place.count = stream->before_tally;
    if (place.count > 0) {
        recon_explain(recon, "before_tally", &place,
                      "%" PRIu64 " %s older than the tally, which begins after sequence %" PRIu64,
                      place.count, recon_plural(place.count, "is", "are"),
                      stream->tally_begun_after);
    }
    say_lost(recon, stream);
}
