/*
 * reconcile_walk.c - stream, journal and tally side by side, over a day.
 *
 * Entries and records are both in the order of their position, (time, sequence), and have the same
 * one. So they are merged, and each position is in both, in the stream alone or in the journal
 * alone; the tally says whether it must be.
 *
 *   journal alone    above the stream's end: waits to be shipped
 *                    before the stream's first entry, and old: trimmed
 *                    else somebody deleted the entry
 *   stream alone     its segment was deleted by right, or it was lost by a power cut: fine
 *                    else the record is missing, or a stranger wrote the entry
 *   neither          known by the tally: deleted and trimmed, or lost; else it is nowhere
 *
 * The stream's end is that of the snapshot, the tally was read after it, the journal after that.
 * So what is above the tally's last sequence came later, and is left out.
 *
 * The day's number of hours: since the day began, as the collector counts them.
 */
#include "reconcile_walk.h"

#include <stdlib.h>
#include <string.h>

enum { WORK_STEP = 1024 };

static bool step(struct recon_walk *walk, struct err *err);

static int hour_of(const struct reconciliation *recon, uint64_t at_ms) {
    uint64_t hour = at_ms > recon->begin_ms ? (at_ms - recon->begin_ms) / RECON_MS_PER_HOUR : 0;
    return (int)(hour < CELL_HOURS_MAX ? hour : CELL_HOURS_MAX - 1);
}

static void give_entry(const struct reconciliation *recon, struct recon_stream *stream,
                       const struct entry *entry, const struct recon_sink *sink) {
    struct recon_click click;
    if (recon_click_of_entry(entry, hour_of(recon, entry->id.ms), &click)) {
        sink->take(sink->argument, &click);
    } else {
        stream->not_clicks++;
    }
}

static void give_payload(const struct reconciliation *recon, uint64_t at_ms, struct slice payload,
                         const struct recon_sink *sink) {
    struct recon_click click;
    if (recon_click_of_payload(payload, hour_of(recon, at_ms), &click)) {
        sink->take(sink->argument, &click);
    }
}

static bool is_counted(const struct recon_stream *stream, struct entry_id id) {
    return entry_id_compare(id, stream->mark) <= 0;
}

/* --- the walk ------------------------------------------------------------------------------- */

/* In neither; told by the tally. */
static void on_passed(void *argument, uint64_t first, uint64_t last, enum recon_expected what) {
    struct recon_walk *walk = argument;
    struct recon_stream *stream = walk->stream;
    uint64_t count = last - first + 1;
    bool may_be_trimmed = walk->is_first && walk->recon->begin_ms < walk->recon->trimmed_before_ms;
    switch (what) {
    case RECON_KEPT:
    case RECON_DELETED:
        if (what == RECON_DELETED && (may_be_trimmed || walk->recon->has_no_streams)) {
            stream->trimmed += count;
            stream->trimmed_unknown += count;
        } else {
            recon_run_add_range(walk, RECON_NOWHERE, first, last);
            stream->holes_unknown += count;
        }
        break;
    case RECON_LOST_POWER: /* told with the tally */
    case RECON_LOST_HAND:
    case RECON_NOT_EXPECTED:
        break;
    }
}

static void begin(struct recon_walk *walk, struct reconciliation *recon,
                  struct recon_stream *stream, const struct recon_sink *sink) {
    struct entry_id from = {.ms = recon->begin_ms};
    struct entry_id end = {.ms = recon->end_ms - 1, .sequence = UINT64_MAX};
    memset(walk, 0, sizeof(*walk));
    walk->recon = recon;
    walk->stream = stream;
    walk->sink = sink;
    walk->is_first = true;
    walk->has_tally = stream->tally_source == RECON_TALLY_FILE && !stream->tally_is_other_zone;
    if (entry_id_compare(stream->last, end) < 0) {
        end = stream->last;
    }
    if (recon->has_no_streams || !stream->exists) {
        end = (struct entry_id){0};
    }
    recon_pages_begin(&walk->pages, recon, stream->key, from, end);
    stream->records = stream->present = stream->uncounted = stream->waiting = 0;
    stream->trimmed = stream->trimmed_unknown = stream->holes = stream->holes_unknown = 0;
    stream->lost_and_queued = stream->unanswered = stream->before_tally = 0;
    stream->not_clicks = 0;
    buf_clear(&stream->hole_payloads);
}

static bool next_entry(struct recon_walk *walk, struct err *err) {
    enum recon_next next = recon_pages_next(&walk->pages, err);
    walk->has_entry = next == RECON_NEXT;
    return next != RECON_FAILED;
}

static bool next_record(struct recon_walk *walk, struct err *err) {
    enum recon_next next = recon_records_next(&walk->records, err);
    walk->has_record = next == RECON_NEXT;
    if (walk->records.has_damage) {
        recon_run_damage(walk);
    }
    if (walk->has_record && walk->records.record.sequence > walk->highest) {
        walk->highest = walk->records.record.sequence;
    }
    return next != RECON_FAILED;
}

bool recon_walk(struct reconciliation *recon, struct recon_stream *stream,
                const struct recon_sink *sink, struct err *err) {
    struct recon_walk *walk = malloc(sizeof(*walk));
    ENSURE(walk != NULL);
    begin(walk, recon, stream, sink);
    bool is_good = recon_records_begin(&walk->records, recon, stream, err);
    recon_expect_init(&walk->expect, recon, stream, walk->records.first_sequence);
    walk->expect.passed = on_passed;
    walk->expect.argument = walk;
    is_good = is_good && next_entry(walk, err) && next_record(walk, err);
    uint64_t steps = 0;
    while (is_good && (walk->has_entry || walk->has_record)) {
        is_good = step(walk, err);
        if (++steps % WORK_STEP == 0) {
            recon_work(recon, WORK_STEP);
        }
    }
    if (is_good) {
        recon_expect_end(&walk->expect);
        if (stream->directory == NULL) {
            recon_remote_end(walk);
        }
        recon_run_end(walk);
        stream->highest_record = walk->highest;
    }
    recon_records_end(&walk->records);
    free(walk);
    return is_good;
}

/* --- one position --------------------------------------------------------------------------- */

/* In the stream, and not in the journal, which is at hand. */
static enum recon_wrong judge_entry(struct recon_walk *walk, struct entry_id id) {
    struct recon_stream *stream = walk->stream;
    uint64_t oldest = walk->records.first_sequence;
    enum recon_expected expected =
        walk->has_tally ? recon_expect_look(&walk->expect, id.sequence) : RECON_NOT_EXPECTED;
    if (expected == RECON_LOST_POWER || expected == RECON_LOST_HAND) {
        stream->lost_and_queued++; /* told with the tally */
        return RECON_FINE;
    }
    if (id.sequence == 0 || (walk->has_record && walk->records.record.sequence <= id.sequence)) {
        return RECON_STRANGER; /* the journal has, or will have, this number elsewhere */
    }
    if (expected != RECON_NOT_EXPECTED) {
        return expected == RECON_KEPT ? RECON_RECORD_MISSING : RECON_FINE;
    }
    if (walk->has_tally && id.sequence > stream->tally_begun_after) {
        return RECON_STRANGER;
    }
    return oldest == 0 || id.sequence < oldest ? RECON_FINE : RECON_RECORD_MISSING;
}

static void keep_hole(struct recon_walk *walk) {
    const struct journal_record *record = &walk->records.record;
    uint32_t size = (uint32_t)record->payload.size;
    struct buf *kept = &walk->stream->hole_payloads;
    if (buf_reserve(kept, sizeof(size) + size)) {
        buf_append_bytes(kept, &size, sizeof(size));
        buf_append(kept, record->payload);
        walk->stream->holes++;
    } else {
        kept->overflowed = false;
        walk->stream->holes_unknown++;
    }
}

/* In the journal, and not in the stream. */
static enum recon_wrong judge_record(struct recon_walk *walk, struct entry_id id) {
    struct recon_stream *stream = walk->stream;
    bool is_done = is_counted(stream, id);
    bool is_before = stream->first.ms == 0 || entry_id_compare(id, stream->first) < 0;
    if (walk->recon->has_no_streams) {
        return RECON_FINE;
    }
    if (entry_id_compare(id, stream->last) > 0 && !is_done) {
        stream->waiting++;
        return RECON_FINE;
    }
    if (is_before && is_done && id.ms < walk->recon->trimmed_before_ms) {
        stream->trimmed++;
        give_payload(walk->recon, id.ms, walk->records.record.payload, walk->sink);
        return RECON_FINE;
    }
    if (is_done) {
        keep_hole(walk);
    }
    return RECON_ENTRY_DELETED;
}

static void take_entry(struct recon_walk *walk) {
    struct recon_stream *stream = walk->stream;
    stream->present++;
    if (is_counted(stream, walk->pages.entry.id)) {
        give_entry(walk->recon, stream, &walk->pages.entry, walk->sink);
    } else {
        stream->uncounted++;
    }
}

/* Whether it stands in one, the other or both. */
static void meet(struct recon_walk *walk, struct entry_id id, bool in_stream, bool in_journal) {
    struct recon_stream *stream = walk->stream;
    enum recon_wrong wrong = RECON_FINE;
    /* A number that was used again can stand above the last one, too. */
    bool is_tallied =
        walk->has_tally && (id.sequence <= stream->tally_last ||
                            recon_expect_look(&walk->expect, id.sequence) != RECON_NOT_EXPECTED);
    if (in_journal && !in_stream && walk->has_tally && !is_tallied) {
        return; /* it came after the tally was read */
    }
    if (in_stream) {
        take_entry(walk);
    }
    if (walk->has_tally) {
        stream->unanswered += is_tallied ? 0 : 1;
        stream->before_tally += id.sequence <= stream->tally_begun_after ? 1 : 0;
    }
    if (in_stream && stream->directory == NULL) {
        recon_remote_entry(walk, id);
        walk->is_first = false;
        return;
    }
    if (in_stream && !in_journal) {
        wrong = judge_entry(walk, id);
    }
    if (walk->has_tally && wrong != RECON_STRANGER) {
        enum recon_expected expected = recon_expect_take(&walk->expect, id.sequence);
        bool is_untallied = in_journal && is_tallied && expected == RECON_NOT_EXPECTED &&
                            id.sequence > stream->tally_begun_after;
        wrong = is_untallied ? RECON_RECORD_UNTALLIED : wrong;
    }
    if (!in_stream) {
        enum recon_wrong missing = judge_record(walk, id);
        wrong = missing != RECON_FINE ? missing : wrong;
    }
    stream->records += in_journal ? 1 : 0;
    walk->is_first = walk->is_first && !in_stream;
    if (wrong != RECON_FINE) {
        recon_run_add(walk, wrong, id);
    }
}

static bool step(struct recon_walk *walk, struct err *err) {
    struct entry_id record = {walk->records.record.at_ms, walk->records.record.sequence};
    int order = !walk->has_entry    ? 1
                : !walk->has_record ? -1
                                    : entry_id_compare(walk->pages.entry.id, record);
    bool in_stream = order <= 0;
    bool in_journal = order >= 0;
    meet(walk, in_stream ? walk->pages.entry.id : record, in_stream, in_journal);
    return (!in_journal || next_record(walk, err)) && (!in_stream || next_entry(walk, err));
}

/* --- what is fed besides -------------------------------------------------------------------- */

void recon_feed_holes(const struct reconciliation *recon, const struct recon_stream *stream,
                      const struct recon_sink *sink) {
    struct slice rest = buf_slice(&stream->hole_payloads);
    uint32_t size;
    while (rest.size > sizeof(size)) {
        memcpy(&size, rest.data, sizeof(size));
        struct slice payload = slice_first(slice_from(rest, sizeof(size)), size);
        uint64_t at_ms;
        memcpy(&at_ms, payload.data, sizeof(at_ms));
        give_payload(recon, le64toh(at_ms), payload, sink);
        rest = slice_from(rest, sizeof(size) + size);
    }
}

bool recon_feed_on(struct reconciliation *recon, struct recon_stream *stream, struct entry_id mark,
                   const struct recon_sink *sink, struct err *err) {
    struct entry_id begin = {.ms = recon->begin_ms};
    struct entry_id end = {.ms = recon->end_ms - 1, .sequence = UINT64_MAX};
    struct entry_id from = entry_id_next(stream->fed);
    struct recon_pages *pages = malloc(sizeof(*pages));
    enum recon_next next;
    ENSURE(pages != NULL);
    from = entry_id_compare(from, begin) < 0 ? begin : from;
    end = entry_id_compare(mark, end) < 0 ? mark : end;
    recon_pages_begin(pages, recon, stream->key, from, end);
    while ((next = recon_pages_next(pages, err)) == RECON_NEXT) {
        give_entry(recon, stream, &pages->entry, sink);
    }
    free(pages);
    stream->fed = mark;
    return next == RECON_END;
}

bool recon_count_behind(struct reconciliation *recon, struct recon_stream *stream,
                        struct err *err) {
    struct recon_pages *pages = malloc(sizeof(*pages));
    enum recon_next next;
    ENSURE(pages != NULL);
    stream->behind = 0;
    recon_pages_begin(pages, recon, stream->key, entry_id_next(stream->mark), stream->last);
    while ((next = recon_pages_next(pages, err)) == RECON_NEXT) {
        stream->behind++;
    }
    free(pages);
    return next == RECON_END;
}
