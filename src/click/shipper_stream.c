/*
 * click/shipper_stream.c - one journal on its way into its stream.
 *
 *   detached ──attach──► fill ► wait for the batch on its way ► send ► fill ...
 *
 * The next batch is filled while Redis works on the one before, so neither waits for the other.
 * Whatever goes wrong with a batch that may have been taken, the way on is the same: attach
 * again, which asks the queue what it has. Only a batch that was refused as a whole is kept and
 * sent again.
 *
 * Limits    One batch being filled, one on its way.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "click/payload.h"
#include "journal_private.h"
#include "shipper_private.h"

enum {
    BACKOFF_FIRST_MS = 10,
    BACKOFF_MAX_MS = 1000,
    REFUSED_FIRST_MS = 100,
    READ_RETRY_MS = 1000,
    ASK_AGAIN_MS = 5000,
};

enum filled { FILLED_SOMETHING, FILLED_NOTHING, FILL_FAILED };

static enum filled fill(struct ship_stream *stream);
static bool settle(struct ship_stream *stream);
static bool send_batch(struct ship_stream *stream);

/* Idle streams ask now and then, and at once when the queue is back after it was lost to another
 * stream. While it is away they leave the trying to that one. */
static void ask_when_due(struct ship_stream *stream, uint64_t now_ns) {
    bool is_back = stream->answered_ns < stream->context->lost_ns && stream->context->is_connected;
    if (is_back || now_ns - stream->answered_ns >= (uint64_t)ASK_AGAIN_MS * SHIP_NS_PER_MS) {
        ship_stream_ask_again(stream);
    }
}

bool ship_stream_step(struct ship_stream *stream) {
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns < stream->retry_ns) {
        return false;
    }
    if (stream->reader == NULL && !ship_stream_attach(stream)) {
        return false;
    }
    stream->looked_ms = clock_real_ms();
    enum filled filled = fill(stream);
    if (filled == FILL_FAILED) {
        return false;
    }
    if (stream->is_sent && !settle(stream)) {
        return false;
    }
    if (stream->is_kept || stream->filling.count > 0) {
        return ship_stream_tell(stream, false, false) && send_batch(stream);
    }
    if (stream->run_is_over) { /* and all of it is in the stream */
        uint32_t next = stream->record.segment;
        if (!ship_stream_tell(stream, true, true)) {
            return false;
        }
        ship_stream_detach(stream, 0);
        stream->run_from = next;
        return true;
    }
    stream->is_drained = stream->journal == NULL;
    if (stream->shipped_sequence < stream->passed_sequence) {
        stream->shipped_sequence = stream->passed_sequence; /* damage at the very end */
    }
    ask_when_due(stream, now_ns);
    if (stream->reader != NULL && !ship_stream_tell(stream, true, stream->is_drained)) {
        return false;
    }
    return filled == FILLED_SOMETHING;
}

bool ship_stream_is_done(const struct ship_stream *stream) {
    return (stream->reader != NULL && stream->is_at_end && !stream->is_sent && !stream->is_kept &&
            stream->filling.count == 0 && !stream->has_record) ||
           stream->is_drained;
}

uint64_t ship_stream_lag(struct ship_stream *stream, uint64_t end, uint64_t *waiting_ms) {
    uint64_t lag = end > stream->shipped_sequence ? end - stream->shipped_sequence : 0;
    if (stream->is_sent || stream->is_kept) {
        stream->waiting_ms = stream->sent.first_ms;
    } else if (stream->filling.count > 0) {
        stream->waiting_ms = stream->filling.first_ms;
    } else if (stream->has_record) {
        stream->waiting_ms = stream->record.at_ms;
    } else if (lag == 0) {
        stream->waiting_ms = 0;
    } else if (stream->waiting_ms == 0) {
        stream->waiting_ms = clock_real_ms();
    }
    *waiting_ms = stream->waiting_ms;
    return lag;
}

void ship_stream_detach(struct ship_stream *stream, uint64_t delay_ms) {
    uint64_t retry_ns = clock_monotonic_ns() + delay_ms * SHIP_NS_PER_MS;
    journal_reader_close(&stream->reader);
    stream->has_record = false;
    stream->is_at_end = false;
    stream->run_is_over = false;
    stream->is_sent = false;
    stream->is_kept = false;
    stream->is_drained = false;
    stream->filling = (struct ship_note){0};
    stream->sent = (struct ship_note){0};
    stream->run_from = 0;
    stream->shipped_ms = 0;
    stream->told_ns = 0;
    stream->told_ms = 0;
    stream->told_day = 0;
    stream->told_closed = false;
    if (stream->retry_ns < retry_ns) {
        stream->retry_ns = retry_ns;
    }
}

void ship_stream_set_shipped(struct ship_stream *stream, uint32_t segment) {
    stream->shipped_segment = segment;
    if (stream->journal != NULL) {
        atomic_store_explicit(&stream->journal->shipped_below, segment, memory_order_relaxed);
    }
}

void ship_stream_fini(struct ship_stream *stream) {
    journal_reader_close(&stream->reader);
    if (stream->queue != NULL) {
        stream->context->kind->destroy(&stream->queue);
    }
}

void ship_stream_lose(struct ship_stream *stream, const struct err *err) {
    struct ship_context *context = stream->context;
    uint64_t delay_ms =
        ship_backoff_ms(context, context->failures++, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    uint64_t held_back;
    context->is_connected = false;
    context->lost_ns = clock_monotonic_ns();
    context->retry_ns = context->lost_ns + delay_ms * SHIP_NS_PER_MS;
    metric_add(context->metrics, SHIP_UNREACHABLE, 1);
    if (log_allowed(&context->lost_limit, clock_monotonic_ns(), SHIP_LOG_INTERVAL_MS, &held_back)) {
        log_event(context->log, LOG_WARN, "queue_unreachable",
                  "error=%s retry_ms=%" PRIu64 " held_back=%" PRIu64, err->text, delay_ms,
                  held_back);
    }
    ship_stream_detach(stream, 0);
}

void ship_stream_refuse(struct ship_stream *stream, const struct err *err) {
    struct ship_context *context = stream->context;
    uint64_t delay_ms =
        ship_backoff_ms(context, stream->failures++, REFUSED_FIRST_MS, BACKOFF_MAX_MS);
    uint64_t held_back;
    stream->retry_ns = clock_monotonic_ns() + delay_ms * SHIP_NS_PER_MS;
    stream->is_refused = true;
    metric_add(context->metrics, SHIP_REFUSED, 1);
    if (log_allowed(&stream->refused_limit, clock_monotonic_ns(), SHIP_LOG_INTERVAL_MS,
                    &held_back)) {
        log_event(context->log, LOG_WARN, "queue_refused",
                  "error=%s retry_ms=%" PRIu64 " held_back=%" PRIu64, err->text, delay_ms,
                  held_back);
    }
}

/* Whether this place comes after all damage that was already logged and counted: a journal is
 * read again from the start of a segment whenever a stream is attached. */
static bool is_new_damage(struct ship_stream *stream, uint32_t segment, uint64_t offset) {
    if (segment < stream->damage_segment ||
        (segment == stream->damage_segment && offset <= stream->damage_offset)) {
        return false;
    }
    stream->damage_segment = segment;
    stream->damage_offset = offset;
    return true;
}

void ship_stream_pass_over(struct ship_stream *stream, const struct journal_damage *damage) {
    if (stream->passed_sequence < damage->sequence + damage->missing) {
        stream->passed_sequence = damage->sequence + damage->missing;
    }
    if (!is_new_damage(stream, damage->segment, damage->offset)) {
        return;
    }
    metric_add(stream->context->metrics, SHIP_DAMAGED, damage->missing > 0 ? damage->missing : 1);
    log_event(stream->context->log, LOG_ERROR, "journal_damaged",
              "directory=%s segment=%u offset=%" PRIu64 " resumed=%" PRIu64 " sequence=%" PRIu64
              " missing=%" PRIu64 " reason=%s",
              stream->directory, damage->segment, damage->offset, damage->resumed_offset,
              damage->sequence, damage->missing, damage->reason);
}

enum ship_read ship_stream_read(struct ship_stream *stream) {
    struct journal_damage damage;
    struct err err;
    uint64_t held_back;

    stream->is_at_end = false;
    for (;;) {
        switch (journal_reader_next(stream->reader, &stream->record, &damage, &err)) {
        case JOURNAL_READ_RECORD:
            stream->has_record = true;
            return SHIP_READ_RECORD;
        case JOURNAL_READ_END:
            stream->is_at_end = true;
            return SHIP_READ_END;
        case JOURNAL_READ_DAMAGED:
            ship_stream_pass_over(stream, &damage);
            break;
        case JOURNAL_READ_FAILED:
            if (log_allowed(&stream->read_limit, clock_monotonic_ns(), SHIP_LOG_INTERVAL_MS,
                            &held_back)) {
                log_event(stream->context->log, LOG_ERROR, "journal_unreadable",
                          "directory=%s error=%s", stream->directory, err.text);
            }
            ship_stream_detach(stream, READ_RETRY_MS);
            return SHIP_READ_FAILED;
        }
    }
}

/* Passes over a record whose frame is sound and whose content is not. */
static void refuse_record(struct ship_stream *stream, const char *reason) {
    struct journal_damage damage = {
        .segment = stream->record.segment,
        .offset = stream->record.offset,
        .resumed_offset = stream->record.offset,
        .sequence = stream->record.sequence,
        .missing = 1,
    };
    strncpy(damage.reason, reason, sizeof(damage.reason) - 1);
    ship_stream_pass_over(stream, &damage);
    stream->has_record = false;
}

/* Puts stream->record into the batch; false when that is full. */
static bool add_record(struct ship_stream *stream, const union payload_record *decoded) {
    const struct journal_record *record = &stream->record;
    struct ship_note *note = &stream->filling;
    struct queue_position position = {record->at_ms, record->sequence};

    if (!stream->context->kind->add(stream->queue, position, decoded)) {
        return false;
    }
    if (note->count == 0) {
        note->first_ms = record->at_ms;
    }
    note->count++;
    note->reshipped += queue_position_compare(position, stream->highest) <= 0;
    note->last = position;
    note->segment = record->segment;
    stream->read = position;
    stream->has_record = false;
    return true;
}

/* Reads until the batch is full, the journal is at its end, or the run is over. */
static enum filled fill(struct ship_stream *stream) {
    size_t before = stream->filling.count;
    while (!stream->run_is_over) {
        if (!stream->has_record) {
            enum ship_read result = ship_stream_read(stream);
            if (result == SHIP_READ_FAILED) {
                return FILL_FAILED;
            }
            if (result == SHIP_READ_END) {
                break;
            }
        }
        union payload_record decoded;
        struct queue_position position = {stream->record.at_ms, stream->record.sequence};
        stream->run_is_over = stream->record.segment > stream->run.last;
        if (stream->run_is_over) {
            break;
        }
        if (queue_position_compare(position, stream->read) <= 0) {
            refuse_record(stream, "a time before that of the record before");
        } else if (queue_position_compare(position, stream->end) <= 0) {
            ship_stream_is_foreign(stream);
            return FILL_FAILED;
        } else if (!payload_decode(stream->context->payload, stream->record.payload, &decoded)) {
            refuse_record(stream, stream->context->payload->fault);
        } else if (!add_record(stream, &decoded)) {
            break;
        }
    }
    return stream->filling.count > before ? FILLED_SOMETHING : FILLED_NOTHING;
}

static void acknowledge(struct ship_stream *stream) {
    struct ship_context *context = stream->context;
    metric_add(context->metrics, SHIP_SHIPPED, stream->sent.count);
    metric_add(context->metrics, SHIP_RESHIPPED, stream->sent.reshipped);
    metric_add(context->metrics, SHIP_BATCHES, 1);
    context->is_connected = true;
    stream->is_refused = false;
    context->failures = 0;
    stream->failures = 0;
    stream->answered_ns = clock_monotonic_ns();
    stream->end = stream->sent.last;
    stream->shipped_ms = stream->sent.last.at_ms;
    stream->shipped_sequence = stream->sent.last.sequence + 1;
    ship_stream_set_shipped(stream, stream->sent.segment);
    if (queue_position_compare(stream->end, stream->highest) > 0) {
        stream->highest = stream->end;
    }
    stream->sent = (struct ship_note){0};
}

/* Waits for the batch on its way; false when it did not arrive. */
static bool settle(struct ship_stream *stream) {
    struct ship_context *context = stream->context;
    struct err err;
    uint64_t held_back;

    stream->is_sent = false;
    switch (context->kind->wait(stream->queue, &err)) {
    case QUEUE_OK:
        acknowledge(stream);
        return true;
    case QUEUE_UNREACHABLE:
        ship_stream_lose(stream, &err);
        return false;
    case QUEUE_REFUSED:
        context->is_connected = true;
        stream->is_kept = true;
        ship_stream_refuse(stream, &err);
        return false;
    case QUEUE_CONFLICT:
        metric_add(context->metrics, SHIP_CONFLICTS, 1);
        if (log_allowed(&stream->conflict_limit, clock_monotonic_ns(), SHIP_LOG_INTERVAL_MS,
                        &held_back)) {
            log_event(context->log, LOG_WARN, "queue_conflict", "error=%s held_back=%" PRIu64,
                      err.text, held_back);
        }
        ship_stream_detach(
            stream, ship_backoff_ms(context, stream->failures++, BACKOFF_FIRST_MS, BACKOFF_MAX_MS));
        return false;
    }
    return false;
}

static bool send_batch(struct ship_stream *stream) {
    struct err err;
    if (!stream->is_kept) {
        stream->sent = stream->filling;
        stream->filling = (struct ship_note){0};
    }
    stream->is_kept = false;
    stream->is_sent = true;
    if (stream->context->kind->send(stream->queue, &err) != QUEUE_OK) {
        ship_stream_lose(stream, &err);
        return false;
    }
    return true;
}
