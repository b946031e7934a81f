/*
 * reconcile_read.c - see reconcile_read.h.
 *
 * Which of a directory's segments is the first with records of the day is found by halving, with
 * a look at the first record of each that is tried: times never step back within a journal.
 */
#include "reconcile_read.h"

#include <stdlib.h>

#include "click/click.h"
#include "link/code.h"
#include "redis/pipe.h"

enum { PAGE_ENTRIES = 1000, REPLY_BYTES_MAX = 64 * 1024 * 1024 };

/* --- streams -------------------------------------------------------------------------------- */

void recon_pages_begin(struct recon_pages *pages, struct reconciliation *recon, const char *key,
                       struct entry_id from, struct entry_id end) {
    *pages = (struct recon_pages){.recon = recon, .key = key, .next = from, .end = end};
    pages->is_last = entry_id_compare(from, end) > 0;
}

/* Asks for the next page. */
static enum recon_next turn(struct recon_pages *pages, struct err *err) {
    struct redis_pipe *pipe = pages->recon->options->source->pipe;
    char from[ENTRY_ID_BYTES];
    char end[ENTRY_ID_BYTES];
    struct slice error;
    const struct slice arguments[] = {
        SLICE("XRANGE"),
        slice_of(pages->key),
        entry_id_format(pages->next, from),
        entry_id_format(pages->end, end),
        SLICE("COUNT"),
        SLICE("1000"),
    };
    if (!redis_pipe_append(pipe, ARRAY_COUNT(arguments), arguments)) {
        err_set(err, "the connection to Redis was lost");
        return RECON_FAILED;
    }
    struct slice reply = redis_pipe_read_raw(pipe, REPLY_BYTES_MAX, err);
    if (reply.data == NULL) {
        return RECON_FAILED;
    }
    if (!entries_begin(&pages->reader, reply, &error)) {
        err_set(err, "%s: Redis says: %.*s", pages->key, SLICE_ARG(slice_first(error, 200)));
        return RECON_FAILED;
    }
    pages->is_last = pages->reader.left < PAGE_ENTRIES;
    return pages->reader.left > 0 ? RECON_NEXT : RECON_END;
}

enum recon_next recon_pages_next(struct recon_pages *pages, struct err *err) {
    for (;;) {
        switch (entries_next(&pages->reader, &pages->entry)) {
        case ENTRY_READ:
            pages->next = entry_id_next(pages->entry.id);
            return RECON_NEXT;
        case ENTRY_BROKEN:
            redis_pipe_disconnect(pages->recon->options->source->pipe);
            err_set(err, "%s: XRANGE does not answer with entries", pages->key);
            return RECON_FAILED;
        case ENTRY_END:
            break;
        }
        if (pages->is_last) {
            return RECON_END;
        }
        enum recon_next result = turn(pages, err);
        if (result != RECON_NEXT) {
            return result;
        }
    }
}

/* --- journals ------------------------------------------------------------------------------- */

/* Of the first record from this segment on; false: there is none. */
static bool first_time(const char *directory, uint32_t number, uint64_t *at_ms) {
    struct err err;
    struct journal_record record = {0};
    struct journal_damage damage;
    struct journal_reader *reader = journal_reader_open(directory, number, &err);
    if (reader == NULL) {
        return false;
    }
    enum journal_read_result result;
    do {
        result = journal_reader_next(reader, &record, &damage, &err);
    } while (result == JOURNAL_READ_DAMAGED);
    journal_reader_close(&reader);
    *at_ms = record.at_ms;
    return result == JOURNAL_READ_RECORD;
}

/* The last segment whose first record is of a day before, or the first one. */
static uint32_t first_segment(const struct recon_records *records) {
    size_t low = 0;
    size_t high = records->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        uint64_t at_ms;
        if (first_time(records->stream->directory, records->segments[middle].number, &at_ms) &&
            at_ms < records->begin_ms) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high > 0 ? records->segments[low].number : 0;
}

static bool is_of(const struct journal_segment *segment, const struct recon_stream *stream) {
    return segment->worker == stream->worker &&
           slice_equal(slice_of(segment->edge_id), slice_of(stream->edge_id));
}

bool recon_records_begin(struct recon_records *records, const struct reconciliation *recon,
                         const struct recon_stream *stream, struct err *err) {
    *records = (struct recon_records){
        .stream = stream, .begin_ms = recon->begin_ms, .end_ms = recon->end_ms};
    if (stream->directory == NULL) {
        return true;
    }
    if (!journal_list(stream->directory, &records->segments, &records->segment_count, err)) {
        return false;
    }
    for (size_t i = 0; i < records->segment_count && records->first_sequence == 0; i++) {
        records->first_sequence = records->segments[i].first_sequence;
    }
    records->reader = journal_reader_open(stream->directory, first_segment(records), err);
    return records->reader != NULL;
}

void recon_records_end(struct recon_records *records) {
    journal_reader_close(&records->reader);
    free(records->segments);
    records->segments = NULL;
    records->segment_count = 0;
}

/* Whether the record's segment is the stream's. Headers that do not hold say nothing: then what the
 * next valid one says, or the one before. A segment that was not listed is the newest one's. */
static bool find_whose(const struct recon_records *records) {
    const struct journal_segment *before = NULL;
    for (size_t i = 0; i < records->segment_count; i++) {
        const struct journal_segment *segment = &records->segments[i];
        if (segment->header_is_valid && segment->number >= records->record.segment) {
            return is_of(segment, records->stream);
        }
        before = segment->header_is_valid ? segment : before;
    }
    return before == NULL || is_of(before, records->stream);
}

static bool is_ours(struct recon_records *records) {
    if (records->told_segment != records->record.segment) {
        records->told_segment = records->record.segment;
        records->told_ours = find_whose(records);
    }
    return records->told_ours;
}

enum recon_next recon_records_next(struct recon_records *records, struct err *err) {
    records->has_damage = false;
    if (records->record.segment != 0 && !records->is_past) {
        records->last_segment = records->record.segment;
    }
    while (records->reader != NULL && !records->is_past) {
        struct journal_damage damage;
        switch (journal_reader_next(records->reader, &records->record, &damage, err)) {
        case JOURNAL_READ_RECORD:
            records->is_past = records->record.at_ms >= records->end_ms;
            if (!is_ours(records)) {
                records->is_past = false;
            } else if (records->record.at_ms >= records->begin_ms) {
                return records->is_past ? RECON_END : RECON_NEXT;
            } else {
                records->last_segment = records->record.segment;
                records->has_damage = false;
            }
            break;
        case JOURNAL_READ_DAMAGED: /* a gap between two segments is seen by its sequences */
            if (damage.offset != 0 || damage.missing == 0) {
                records->has_damage = true;
                records->damage = damage;
            }
            break;
        case JOURNAL_READ_END:
            return RECON_END;
        case JOURNAL_READ_FAILED:
            return RECON_FAILED;
        }
    }
    return RECON_END;
}

/* --- clicks --------------------------------------------------------------------------------- */

static bool has_link(const struct cell *cell) {
    return cell->outcome != TAP_OUTCOME_NOT_FOUND && cell->outcome != TAP_OUTCOME_DEFAULT;
}

/* What the collector takes for a click, and nothing else. */
static bool is_click(const struct recon_click *click) {
    return (click->campaign.size == 0 || code_is_valid(click->campaign)) &&
           (!has_link(&click->cell) || code_is_valid(click->code));
}

bool recon_click_of_entry(const struct entry *entry, int hour, struct recon_click *click) {
    if (!entry->is_click || !entry_cell(entry->tuple, &click->cell)) {
        return false;
    }
    click->code = entry->code;
    click->campaign = entry->campaign;
    click->cell.hour = hour;
    return is_click(click);
}

bool recon_click_of_payload(struct slice payload, int hour, struct recon_click *click) {
    struct click decoded;
    if (!click_decode(payload, &decoded)) {
        return false;
    }
    click->code = decoded.text[CLICK_CODE];
    click->campaign = decoded.text[CLICK_CAMPAIGN];
    click->cell = cell_of(&decoded, hour);
    return is_click(click);
}
