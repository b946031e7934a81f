/*
 * reconcile_streams.c - what the walk's numbers come to, for each stream.
 *
 *   answered ─tally─ journaled ─walk─ queued ─snapshot─ counted
 *
 * Counted is held against the entries up to the watermark, both of the same moment. Entries that
 * were deleted may have been counted before or not: all of them or none, as the number says.
 */
#include <inttypes.h>
#include <string.h>

#include "reconcile_private.h"

static bool check_one(struct reconciliation *recon, struct recon_stream *stream,
                      const struct recon_sink *sink, struct err *err);

bool recon_check_streams(struct reconciliation *recon, const struct recon_sink *sink,
                         struct err *err) {
    recon->is_recounted = !recon->has_no_streams;
    for (size_t i = 0; i < recon->stream_count; i++) {
        if (!check_one(recon, &recon->streams[i], sink, err)) {
            return false;
        }
        recon->is_recounted = recon->is_recounted && recon->streams[i].can_recount;
    }
    return true;
}

/* --- marks ---------------------------------------------------------------------------------- */

/* Whether all that the stream ever had is so old that it may be gone. */
static bool is_over(const struct reconciliation *recon, const struct recon_stream *stream) {
    return stream->mark.ms < recon->trimmed_before_ms && stream->last.ms < recon->trimmed_before_ms;
}

static void check_mark(struct reconciliation *recon, struct recon_stream *stream) {
    char mark[ENTRY_ID_BYTES];
    char last[ENTRY_ID_BYTES];
    struct recon_place place = {
        .stream = stream->index, .key = SLICE("mark"), .field = slice_of(stream->key)};
    if (!stream->has_mark && stream->total > 0) {
        recon_blame(recon, "mark_gone", &place,
                    "mark, field %s: it is gone, though %" PRIu64 " entries were counted: nothing "
                    "more is until it is set to the last of them",
                    stream->key, stream->total);
        stream->mark = stream->last; /* what it most likely was */
    } else if (!stream->exists && (stream->total > 0 || stream->has_mark) &&
               !is_over(recon, stream)) {
        place.key = slice_of(stream->key);
        place.field = SLICE_EMPTY;
        recon_blame(recon, "stream_gone", &place,
                    "%s is gone: %" PRIu64 " entries were counted, the last is %.*s", stream->key,
                    stream->total, SLICE_ARG(entry_id_format(stream->mark, mark)));
    } else if (stream->exists && entry_id_compare(stream->mark, stream->last) > 0) {
        recon_blame(recon, "mark_beyond", &place,
                    "mark, field %s: %.*s is beyond the stream's end, %.*s", stream->key,
                    SLICE_ARG(entry_id_format(stream->mark, mark)),
                    SLICE_ARG(entry_id_format(stream->last, last)));
    }
    if (stream->exists && !stream->is_announced && !is_over(recon, stream)) {
        place.key = SLICE("streams");
        recon_blame(recon, "stream_not_announced", &place, "streams does not name %s", stream->key);
    }
}

/* stats:total, against what was ever added: whichever was deleted or trimmed since. */
static void check_total(struct reconciliation *recon, const struct recon_stream *stream) {
    if (!stream->has_added || (!stream->has_mark && stream->total > 0) ||
        stream->added == stream->total + stream->behind) {
        return;
    }
    recon_blame(recon, "total_differs",
                &(struct recon_place){.stream = stream->index,
                                      .key = SLICE("stats:total"),
                                      .field = slice_of(stream->key)},
                "stats:total, field %s: %" PRIu64 "; the stream had %" PRIu64
                " entries, of which %" PRIu64 " %s not counted yet",
                stream->key, stream->total, stream->added, stream->behind,
                recon_plural(stream->behind, "is", "are"));
}

/* --- counted -------------------------------------------------------------------------------- */

/* What of the front is gone can only be told by what was counted: no tally and no record is at
 * hand. */
static bool has_unknown_front(const struct reconciliation *recon,
                              const struct recon_stream *stream) {
    bool has_numbers =
        (stream->tally_source == RECON_TALLY_FILE && !stream->tally_is_other_zone &&
         stream->before_tally == 0) ||
        (stream->tally_source == RECON_TALLY_PUBLISHED && stream->published_first != 0);
    bool may_be_trimmed = recon->begin_ms < recon->trimmed_before_ms &&
                          (stream->first.ms == 0 || stream->first.ms >= recon->begin_ms);
    return may_be_trimmed && !has_numbers;
}

static void check_counted(struct reconciliation *recon, struct recon_stream *stream) {
    struct recon_place place = {
        .stream = stream->index, .key = SLICE("stats:streams"), .field = slice_of(stream->key)};
    uint64_t there = stream->present - stream->uncounted + stream->trimmed;
    uint64_t holes = stream->holes + stream->holes_unknown;
    if (stream->counted > there && has_unknown_front(recon, stream)) {
        stream->trimmed += stream->counted - there;
        stream->trimmed_unknown += stream->counted - there;
        there = stream->counted;
    }
    stream->counts_holes = holes > 0 && stream->counted == there + holes;
    bool is_some = stream->counted > there && stream->counted < there + holes;
    stream->can_recount = stream->trimmed_unknown == 0 && !is_some &&
                          !(stream->counts_holes && stream->holes_unknown > 0);
    if (stream->counted != there && !stream->counts_holes && !is_some) {
        recon_blame(recon, "counted_differs", &place,
                    "stats:streams:%d, field %s: %" PRIu64 "; the stream %s %" PRIu64
                    " entries of the day up to its mark",
                    recon->day, stream->key, stream->counted,
                    stream->trimmed > 0 ? "has, or had," : "has", there);
    }
    if (stream->can_recount && !stream->counts_holes && stream->malformed != stream->not_clicks) {
        recon_blame(recon, "malformed_differs", &place,
                    "stats:streams:%d, field %s malformed: %" PRIu64 "; %" PRIu64
                    " entries are no clicks",
                    recon->day, stream->key, stream->malformed, stream->not_clicks);
    }
}

/* --- all of it ------------------------------------------------------------------------------ */

static void say_flight(struct reconciliation *recon, struct recon_stream *stream) {
    struct recon_place place = {.stream = stream->index};
    place.count = stream->waiting;
    if (place.count > 0) {
        recon_explain(recon, "waiting", &place, "in flight %" PRIu64 ": not in the stream yet",
                      place.count);
    }
    place.count = stream->uncounted;
    if (place.count > 0) {
        recon_explain(recon, "uncounted", &place, "in flight %" PRIu64 ": not counted yet",
                      place.count);
    }
    place.count = stream->unanswered;
    if (place.count > 0) {
        recon_explain(recon, "untold", &place, "in flight %" PRIu64 ": not in the tally yet",
                      place.count);
    }
    place.count = stream->trimmed;
    if (place.count > 0) {
        recon_explain(recon, "trimmed", &place,
                      "trimmed %" PRIu64 ": older than queue.retain_hours, and counted%s",
                      place.count,
                      stream->trimmed_unknown == 0 ? "; the journal still has them" : "");
    }
    place.count = stream->malformed;
    if (place.count > 0) {
        recon_explain(recon, "malformed", &place, "%" PRIu64 " %s no %s", place.count,
                      recon_plural(place.count, "entry was", "entries were"),
                      recon_plural(place.count, "click", "clicks"));
    }
    if (stream->directory == NULL) {
        recon_explain(recon, "no_journal", &place,
                      "its journal was not looked at: --data names more directories");
    }
}

/* Between journaled and queued, where nothing was found to be wrong with either. */
static void check_sum(struct reconciliation *recon, struct recon_stream *stream) {
    const struct tally_day *tally = &stream->tally;
    uint64_t lost = tally->lost[TALLY_LOST_POWER] + tally->lost[TALLY_LOST_MISSING];
    uint64_t right = stream->queued + stream->waiting + lost;
    uint64_t left =
        tally->journaled + stream->before_tally + stream->unanswered + stream->lost_and_queued;
    /* Elsewhere, it cannot be told how much of what the journal lost the stream has. */
    bool is_fine =
        left == right || (stream->directory == NULL && left < right && right - left <= lost);
    if (stream->tally_source == RECON_TALLY_NONE || stream->tally_is_other_zone ||
        stream->blamed > 0 || is_fine || recon->has_no_streams) {
        return;
    }
    recon_blame(recon, "queued_differs",
                &(struct recon_place){.stream = stream->index,
                                      .key = slice_of(stream->key),
                                      .count = left > right ? left - right : right - left},
                "journaled %" PRIu64 " and queued %" PRIu64 " do not go together: %" PRIu64
                " in flight, %" PRIu64 " lost",
                tally->journaled, stream->queued, stream->waiting, lost);
}

static bool check_one(struct reconciliation *recon, struct recon_stream *stream,
                      const struct recon_sink *sink, struct err *err) {
    if (!recon->has_no_streams) {
        check_mark(recon, stream);
    }
    if (!recon_read_tally(recon, stream, err) || !recon_walk(recon, stream, sink, err) ||
        !recon_read_tally_again(recon, stream, err)) {
        return false;
    }
    stream->fed = stream->mark;
    if (!recon->has_no_streams) {
        if (!recon_count_behind(recon, stream, err)) {
            return false;
        }
        check_total(recon, stream);
        check_counted(recon, stream);
        if (stream->counts_holes) {
            recon_feed_holes(recon, stream, sink);
        }
    }
    stream->queued = stream->present + stream->trimmed;
    recon_say_tally(recon, stream);
    say_flight(recon, stream);
    check_sum(recon, stream);
    return true;
}
