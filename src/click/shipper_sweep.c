/*
 * click/shipper_sweep.c - deleting segments whose time is over.
 *
 * A segment may go when nobody writes it any more, which shows by a later one that has begun,
 * and when all of it was shipped at least a minute ago: a queue that comes back some seconds older
 * gets the difference again. Of a left-over journal that is shipped to its end, the last segment
 * may go too. When there is no room for new ones, journal_keep.c does not wait for the minute.
 *
 * "Shipped more than a minute ago" is known without remembering every segment: once a minute
 * the boundary of what is shipped moves from `settling` to `settled`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal_private.h"
#include "segment.h"
#include "shipper_private.h"

#define SETTLE_NS (UINT64_C(60) * 1000 * SHIP_NS_PER_MS)

static void settle(struct ship_stream *stream, uint64_t now_ns) {
    bool is_all = stream->journal == NULL && stream->is_drained;
    uint32_t shipped = is_all ? UINT32_MAX : stream->shipped_segment;
    if (stream->settling_segment > shipped) { /* a queue that came back older */
        stream->settling_segment = shipped;
    }
    if (stream->settled_segment > shipped) {
        stream->settled_segment = shipped;
    }
    if (stream->settling_ns == 0 || now_ns - stream->settling_ns >= SETTLE_NS) {
        stream->settled_segment = stream->settling_ns == 0 ? 0 : stream->settling_segment;
        stream->settling_segment = shipped;
        stream->settling_ns = now_ns;
    }
}

/* Index of the segment that is being written: the last one that has begun. */
static size_t writing(const struct journal_segment *segments, size_t count) {
    for (size_t i = count; i > 0; i--) {
        if (segments[i - 1].first_sequence != 0) {
            return i - 1;
        }
    }
    return 0;
}

static bool delete_segment(struct ship_stream *stream, uint32_t number, const char *reason) {
    char name[SEGMENT_NAME_BYTES];
    char path[SHIP_DIRECTORY_BYTES + SEGMENT_NAME_BYTES + 1];
    segment_name(number, name);
    snprintf(path, sizeof(path), "%s/%s", stream->directory, name);
    if (unlink(path) != 0 && errno != ENOENT) { /* the keeper deletes too */
        log_event(stream->context->log, LOG_WARN, "journal_segment_not_deleted", "path=%s error=%s",
                  path, strerror(errno));
        return false;
    }
    log_event(stream->context->log, LOG_INFO, "journal_segment_deleted", "path=%s reason=%s", path,
              reason);
    return true;
}

/* Before a segment goes: up to where the one behind it begins, what is missing is no loss; nothing
 * is when it is the last of what was left over. */
static void tell_tally(struct ship_stream *stream, const struct journal_segment *behind,
                       size_t count) {
    uint64_t next = 0;
    for (size_t i = 0; i < count && next == 0; i++) {
        next = behind[i].first_sequence;
    }
    if (stream->journal == NULL) {
        tally_deleted_in(stream->directory, next > 1 ? next - 1 : SEGMENT_SEQUENCE_MAX);
    } else if (next > 1 && stream->journal->tally != NULL) {
        tally_deleted(stream->journal->tally, next - 1);
    }
}

static uint64_t bytes_of(const struct journal_segment *segments, size_t count, uint64_t *largest) {
    uint64_t total = 0;
    *largest = 0;
    for (size_t i = 0; i < count; i++) {
        total += segments[i].file_bytes;
        if (segments[i].file_bytes > *largest) {
            *largest = segments[i].file_bytes;
        }
    }
    return total;
}

/* What the keeper deleted, because there was no room. */
static void count_early(struct ship_stream *stream) {
    if (stream->journal != NULL) {
        metric_add(
            stream->context->metrics, SHIP_DELETED_EARLY,
            atomic_exchange_explicit(&stream->journal->deleted_early, 0, memory_order_relaxed));
    }
}

void ship_stream_sweep(struct ship_stream *stream, const struct ship_sweep_rules *rules) {
    struct journal_segment *segments = NULL;
    size_t count = 0;
    struct err err;
    uint64_t largest;

    settle(stream, rules->now_ns);
    count_early(stream);
    if (!journal_list(stream->directory, &segments, &count, &err)) {
        return; /* the reader says so too, and louder */
    }
    bool has_queue = stream->context->kind != NULL;
    bool is_left_over = stream->journal == NULL;
    size_t end =
        is_left_over && (!has_queue || stream->is_drained) ? count : writing(segments, count);
    uint64_t total = bytes_of(segments, count, &largest);

    for (size_t i = 0; i < end; i++) {
        const struct journal_segment *segment = &segments[i];
        bool is_settled = !has_queue || segment->number < stream->settled_segment;
        bool is_old = segment->modified_ms <= rules->now_ms &&
                      rules->now_ms - segment->modified_ms >= rules->retain_ms;
        bool is_in_the_way = has_queue && !is_left_over && total + largest > rules->disk_bytes_max;
        if (!is_settled || (!is_old && !is_in_the_way)) {
            continue;
        }
        tell_tally(stream, segments + i + 1, count - i - 1);
        if (delete_segment(stream, segment->number, is_old ? "age" : "size")) {
            metric_add(stream->context->metrics, is_old ? SHIP_DELETED_BY_AGE : SHIP_DELETED_EARLY,
                       1);
            total -= segment->file_bytes;
        }
    }
    free(segments);
}
