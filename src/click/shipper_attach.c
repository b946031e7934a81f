/*
 * click/shipper_attach.c - where in its journal a stream is to be gone on with.
 *
 * The queue names the stream's last position. Positions rise over a journal, so the segment to
 * begin in is found by halving, looking at nothing but the first record of each segment tried;
 * from there records are read up to the first one above the stream's end.
 *
 * That end should be a record of ours. When it is not, there are harmless reasons: the journal
 * was wiped, or began after it; a power cut took records that the queue had already; the record
 * was damaged since. All of these leave the stream with our newest record below its end, so that
 * is what is asked for. When the stream does not have it, somebody else wrote there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "click/payload.h"
#include "shipper_private.h"

enum {
    FOREIGN_RETRY_MS = 5000,
    EMPTY_RETRY_MS = 200,
    READ_RETRY_MS = 1000,
};

/* The newest record that is not above the stream's end. */
struct reached {
    bool any;
    struct queue_position position;
    uint32_t segment;
};

static bool find_run(struct ship_stream *stream, const struct journal_segment *segments,
                     size_t count, size_t *begin, size_t *end);
static uint32_t find_segment(struct ship_stream *stream, const struct journal_segment *segments,
                             size_t count, struct queue_position position);
static bool read_up_to(struct ship_stream *stream, struct queue_position end,
                       struct reached *reached);
static bool is_ours(struct ship_stream *stream, struct queue_position end,
                    const struct reached *reached);
static void begin_shipping(struct ship_stream *stream, struct queue_position end,
                           const struct reached *reached, uint64_t first_sequence);
static void find_end(struct ship_stream *stream, const struct journal_segment *segments,
                     size_t count);

uint64_t ship_backoff_ms(struct ship_context *context, unsigned failures, uint64_t first_ms,
                         uint64_t max_ms) {
    uint64_t delay_ms = failures < 16 ? first_ms << failures : max_ms;
    delay_ms = delay_ms < max_ms ? delay_ms : max_ms;
    return delay_ms / 2 + random_u64(&context->random) % (delay_ms / 2 + 1);
}

/* Says what the queue answered; true: it answered with a position. */
static bool asked(struct ship_stream *stream, enum queue_result result, const struct err *err) {
    switch (result) {
    case QUEUE_OK:
        stream->context->is_connected = true;
        stream->context->failures = 0;
        stream->answered_ns = clock_monotonic_ns();
        return true;
    case QUEUE_UNREACHABLE:
        ship_stream_lose(stream, err);
        return false;
    case QUEUE_REFUSED:
    case QUEUE_CONFLICT:
        stream->context->is_connected = true;
        ship_stream_refuse(stream, err);
        ship_stream_detach(stream, 0);
        return false;
    }
    return false;
}

static enum queue_result ask(struct ship_stream *stream, struct queue_position *end,
                             struct err *err) {
    *end = (struct queue_position){0};
    return stream->context->kind->attach(stream->queue, slice_of(stream->run.edge_id),
                                         stream->run.worker, end, err);
}

static bool attach_to(struct ship_stream *stream, const struct journal_segment *segments,
                      size_t count) {
    size_t begin = 0;
    size_t end = 0;
    struct err err;
    struct queue_position last;
    struct reached reached = {0};

    find_end(stream, segments, count);
    if (!find_run(stream, segments, count, &begin, &end)) {
        ship_stream_detach(stream, EMPTY_RETRY_MS);
        stream->is_drained = stream->journal == NULL && count == 0;
        return false;
    }
    if (!asked(stream, ask(stream, &last, &err), &err)) {
        return false;
    }
    uint32_t from = find_segment(stream, segments + begin, end - begin, last);
    stream->reader = journal_reader_open(stream->directory, from, &err);
    if (stream->reader == NULL) {
        log_event(stream->context->log, LOG_ERROR, "journal_unreadable", "directory=%s error=%s",
                  stream->directory, err.text);
        ship_stream_detach(stream, READ_RETRY_MS);
        return false;
    }
    if (!read_up_to(stream, last, &reached) || !is_ours(stream, last, &reached)) {
        return false;
    }
    begin_shipping(stream, last, &reached, segments[begin].first_sequence);
    return true;
}

bool ship_stream_attach(struct ship_stream *stream) {
    struct journal_segment *segments = NULL;
    size_t count = 0;
    struct err err;
    uint64_t held_back;

    if (clock_monotonic_ns() < stream->context->retry_ns) {
        return false;
    }
    if (!journal_list(stream->directory, &segments, &count, &err)) {
        if (log_allowed(&stream->read_limit, clock_monotonic_ns(), SHIP_LOG_INTERVAL_MS,
                        &held_back)) {
            log_event(stream->context->log, LOG_ERROR, "journal_unreadable",
                      "directory=%s error=%s", stream->directory, err.text);
        }
        ship_stream_detach(stream, READ_RETRY_MS);
        return false;
    }
    bool is_attached = attach_to(stream, segments, count);
    free(segments);
    return is_attached;
}

void ship_stream_ask_again(struct ship_stream *stream) {
    struct queue_position end;
    struct err err;
    if (asked(stream, ask(stream, &end, &err), &err) &&
        queue_position_compare(end, stream->end) != 0) {
        ship_stream_detach(stream, 0);
    }
}

/* As Redis writes them. */
struct names {
    char stream[96];
    char end[48];
    char highest[48];
};

static struct names name(const struct ship_stream *stream) {
    struct names names;
    snprintf(names.stream, sizeof(names.stream), "%s:%s:%u", stream->context->payload->name,
             stream->run.edge_id, stream->run.worker);
    snprintf(names.end, sizeof(names.end), "%" PRIu64 "-%" PRIu64, stream->end.at_ms,
             stream->end.sequence);
    snprintf(names.highest, sizeof(names.highest), "%" PRIu64 "-%" PRIu64, stream->highest.at_ms,
             stream->highest.sequence);
    return names;
}

void ship_stream_is_foreign(struct ship_stream *stream) {
    uint64_t held_back;
    stream->is_foreign = true;
    metric_add(stream->context->metrics, SHIP_FOREIGN, 1);
    if (log_allowed(&stream->foreign_limit, clock_monotonic_ns(), SHIP_LOG_INTERVAL_MS,
                    &held_back)) {
        struct names names = name(stream);
        log_event(stream->context->log, LOG_ERROR, "stream_has_foreign_entries",
                  "stream=%s last_id=%s directory=%s held_back=%" PRIu64, names.stream, names.end,
                  stream->directory, held_back);
    }
    ship_stream_detach(stream, FOREIGN_RETRY_MS);
}

static bool same_identity(const struct journal_segment *a, const struct journal_segment *b) {
    return a->worker == b->worker && strcmp(a->edge_id, b->edge_id) == 0;
}

/* Whose records a segment has: what its header says, else the next valid header, else the one
 * before. Where there is none at all, the records are this edge's. */
static struct journal_segment identity(const struct ship_stream *stream,
                                       const struct journal_segment *segments, size_t count,
                                       size_t at) {
    for (size_t i = at; i < count; i++) {
        if (segments[i].header_is_valid) {
            return segments[i];
        }
    }
    for (size_t i = at; i > 0; i--) {
        if (segments[i - 1].header_is_valid) {
            return segments[i - 1];
        }
    }
    struct journal_segment own = {.worker = stream->worker};
    memcpy(own.edge_id, stream->context->edge_id, sizeof(own.edge_id));
    return own;
}

/* The run with run_from, in [*begin, *end). */
static bool find_run(struct ship_stream *stream, const struct journal_segment *segments,
                     size_t count, size_t *begin, size_t *end) {
    size_t at = 0;
    while (at < count && segments[at].number < stream->run_from) {
        at++;
    }
    if (at == count) {
        return false;
    }
    struct journal_segment whose = identity(stream, segments, count, at);
    *begin = at;
    *end = at + 1;
    size_t i = at + 1;
    for (; i < count && (!segments[i].header_is_valid || same_identity(&segments[i], &whose));
         i++) {
        *end = segments[i].header_is_valid ? i + 1 : *end;
    }
    *end = i == count ? count : *end;
    stream->run = (struct ship_run){
        .first = segments[at].number,
        .last = *end < count ? segments[*end - 1].number : UINT32_MAX,
        .worker = whose.worker,
    };
    memcpy(stream->run.edge_id, whose.edge_id, sizeof(stream->run.edge_id));
    return true;
}

/* Of the first record from this segment on. False: there is none. */
static bool first_position(struct ship_stream *stream, uint32_t number,
                           struct queue_position *position) {
    struct err err;
    struct journal_record record = {0};
    struct journal_damage damage;
    struct journal_reader *reader = journal_reader_open(stream->directory, number, &err);
    enum journal_read_result result = JOURNAL_READ_FAILED;
    if (reader == NULL) {
        return false;
    }
    do {
        result = journal_reader_next(reader, &record, &damage, &err);
    } while (result == JOURNAL_READ_DAMAGED); /* read again, and reported, when shipping */
    journal_reader_close(&reader);
    *position = (struct queue_position){record.at_ms, record.sequence};
    return result == JOURNAL_READ_RECORD;
}

/* The last segment whose first record is not above the position, or the first one. */
static uint32_t find_segment(struct ship_stream *stream, const struct journal_segment *segments,
                             size_t count, struct queue_position position) {
    size_t low = 0; /* the answer is at or after */
    size_t high = count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        struct queue_position first;
        if (first_position(stream, segments[middle].number, &first) &&
            queue_position_compare(first, position) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return segments[low].number;
}

/* Leaves the first record above the end, if there is one already, in stream->record. */
static bool read_up_to(struct ship_stream *stream, struct queue_position end,
                       struct reached *reached) {
    for (;;) {
        switch (ship_stream_read(stream)) {
        case SHIP_READ_FAILED:
            return false;
        case SHIP_READ_END:
            return true;
        case SHIP_READ_RECORD:
            break;
        }
        struct queue_position position = {stream->record.at_ms, stream->record.sequence};
        if (stream->record.segment > stream->run.last ||
            queue_position_compare(position, end) > 0) {
            return true;
        }
        *reached =
            (struct reached){.any = true, .position = position, .segment = stream->record.segment};
        stream->has_record = false;
    }
}

/* False also when the queue could not say. */
static bool is_ours(struct ship_stream *stream, struct queue_position end,
                    const struct reached *reached) {
    struct err err;
    bool found = false;
    if (!reached->any || queue_position_compare(reached->position, end) == 0) {
        return true;
    }
    if (stream->context->kind->contains != NULL &&
        !asked(stream,
               stream->context->kind->contains(stream->queue, reached->position, &found, &err),
               &err)) {
        return false;
    }
    if (!found) {
        stream->end = end;
        ship_stream_is_foreign(stream);
    }
    return found;
}

static bool is_highest_of(const struct ship_stream *stream) {
    return stream->highest_run.worker == stream->run.worker &&
           strcmp(stream->highest_run.edge_id, stream->run.edge_id) == 0;
}

static void begin_shipping(struct ship_stream *stream, struct queue_position end,
                           const struct reached *reached, uint64_t first_sequence) {
    stream->is_foreign = false;
    stream->is_refused = false;
    stream->end = end;
    stream->shipped_ms = reached->any ? reached->position.at_ms : 0;
    stream->read = reached->any ? reached->position : (struct queue_position){0};
    ship_stream_set_shipped(stream, reached->any ? reached->segment : stream->run.first);
    if (reached->any) {
        stream->shipped_sequence = reached->position.sequence + 1;
    } else if (stream->has_record) {
        stream->shipped_sequence = stream->record.sequence;
    } else if (first_sequence != 0) {
        stream->shipped_sequence = first_sequence;
    }
    if (!is_highest_of(stream)) {
        stream->highest = end;
        stream->highest_run = stream->run;
    }
    if (queue_position_compare(end, stream->highest) > 0) {
        /* A batch whose answer was lost, or came too late for us, had been taken. */
        uint64_t before = stream->highest.sequence;
        metric_add(stream->context->metrics, SHIP_SHIPPED,
                   stream->shipped_sequence > before + 1 ? stream->shipped_sequence - before - 1
                                                         : 0);
        stream->highest = end;
    }
    if (queue_position_compare(end, stream->highest) < 0) {
        uint64_t next = stream->highest.sequence + 1;
        uint64_t records = next > stream->shipped_sequence ? next - stream->shipped_sequence : 0;
        struct names names = name(stream);
        log_event(stream->context->log, LOG_WARN, "redis_came_back_older",
                  "stream=%s last_id=%s had=%s records=%" PRIu64, names.stream, names.end,
                  names.highest, records);
    }
}

/* Once, of a left-over journal: the sequence behind its last record, so that its lag is known. */
static void find_end(struct ship_stream *stream, const struct journal_segment *segments,
                     size_t count) {
    if (stream->journal != NULL || stream->end_sequence != 0) {
        return;
    }
    for (size_t i = count; i > 0 && stream->end_sequence == 0; i--) {
        struct err err;
        struct journal_record record;
        struct journal_damage damage;
        enum journal_read_result result = JOURNAL_READ_END;
        struct journal_reader *reader =
            journal_reader_open(stream->directory, segments[i - 1].number, &err);
        if (reader == NULL) {
            return;
        }
        while ((result = journal_reader_next(reader, &record, &damage, &err)) ==
                   JOURNAL_READ_RECORD ||
               result == JOURNAL_READ_DAMAGED) {
            if (result == JOURNAL_READ_RECORD) {
                stream->end_sequence = record.sequence + 1;
            }
        }
        journal_reader_close(&reader);
    }
}
