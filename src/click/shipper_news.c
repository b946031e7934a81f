/*
 * click/shipper_news.c - what is said of a stream beside its clicks.
 *
 * Once a second: up to when all taps are in the stream, and what the tally beside the journal has
 * of today. It goes along with a batch, or alone when there is nothing to ship; what the queue does
 * not take is said again a second later, and holds nothing up.
 *
 *   nothing waits     up to when the journal was last looked at, less HEARD_MARGIN_MS: a worker
 *                     stamps a tap, and a busy machine may let it append it a little later
 *   something waits   up to just before the last record that is in the stream
 *   closed            nobody will add any more: said once, after the last record
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "click/payload.h"
#include "click/tally.h"
#include "shipper_private.h"

enum {
    TELL_INTERVAL_MS = 1000,
    HEARD_MARGIN_MS = 200,
    NAME_BYTES = 96,
};

static bool read_tally(const struct ship_stream *stream, struct tally_view *view);
static size_t list_days(const struct tally_view *view, int32_t first, struct tally_day *days);

static uint64_t through_ms(const struct ship_stream *stream, bool has_all, bool is_closed) {
    uint64_t through = has_all ? stream->looked_ms : stream->shipped_ms;
    uint64_t margin = is_closed ? 0 : has_all ? HEARD_MARGIN_MS : 1;
    through = through > margin ? through - margin : 0;
    return through > stream->told_ms ? through : stream->told_ms;
}

static bool is_due(const struct ship_stream *stream, bool is_closed, uint64_t now_ns) {
    if (stream->context->kind->tell == NULL || !stream->context->payload->has_news) {
        return false;
    }
    if (is_closed) {
        return !stream->told_closed;
    }
    return stream->told_ns == 0 ||
           now_ns - stream->told_ns >= (uint64_t)TELL_INTERVAL_MS * SHIP_NS_PER_MS;
}

/* A left-over journal is not "up": nobody writes it. */
static bool may_say_up(const struct ship_stream *stream) {
    return stream->journal != NULL && stream->run.last == UINT32_MAX;
}

static bool tell(struct ship_stream *stream, struct queue_news *news, bool at_once) {
    struct ship_context *context = stream->context;
    struct err err;
    bool was_refused = false;
    metric_add(context->metrics, SHIP_NEWS, 1);
    if (context->kind->tell(stream->queue, news, at_once, &was_refused, &err) != QUEUE_OK) {
        ship_stream_lose(stream, &err);
        return false;
    }
    stream->told_ms = news->through_ms;
    stream->told_closed = news->is_closed;
    if (was_refused) {
        metric_add(context->metrics, SHIP_NEWS_REFUSED, 1);
        stream->told_day = 0;
        stream->told_closed = false;
    }
    return true;
}

bool ship_stream_tell(struct ship_stream *stream, bool at_once, bool is_closed) {
    uint64_t now_ns = clock_monotonic_ns();
    if (!is_due(stream, is_closed, now_ns)) {
        return true;
    }
    stream->told_ns = now_ns;
    struct tally_view *view = malloc(sizeof(*view));
    struct tally_day *days = calloc(TALLY_DAYS, sizeof(*days));
    struct queue_news news = {.is_closed = is_closed, .days = days};
    ENSURE(view != NULL && days != NULL);
    if (is_closed || may_say_up(stream)) {
        news.through_ms = through_ms(stream, at_once, is_closed);
    }
    if (read_tally(stream, view)) {
        news.day_count = list_days(view, stream->told_day, days);
    }
    if (news.day_count > 0) {
        int32_t newest = days[news.day_count - 1].yyyymmdd;
        news.today = newest != stream->told_day ? newest : 0;
        stream->told_day = newest;
    }
    bool is_told = tell(stream, &news, at_once);
    free(days);
    free(view);
    return is_told;
}

/* The one that was kept for this stream; a tally that cannot be read is for reconcile to say. */
static bool read_tally(const struct ship_stream *stream, struct tally_view *view) {
    struct err err;
    char name[NAME_BYTES] = TALLY_OTHER_BEGIN;
    struct slice edge_id = slice_of(stream->run.edge_id);
    strncat(name, stream->run.edge_id, sizeof(name) - sizeof(TALLY_OTHER_BEGIN) - 1);
    const char *const names[] = {TALLY_FILE, name};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (tally_read(stream->directory, names[i], view, &err) == TALLY_READ &&
            view->worker == stream->run.worker && slice_equal(slice_of(view->edge_id), edge_id)) {
            return true;
        }
    }
    return false;
}

static bool is_listed(const struct tally_day *days, size_t count, int32_t yyyymmdd) {
    for (size_t i = 0; i < count; i++) {
        if (days[i].yyyymmdd == yyyymmdd) {
            return true;
        }
    }
    return false;
}

/* Each day once, from the last stretch of the first day on (0: all of them); the newest last. */
static size_t list_days(const struct tally_view *view, int32_t first, struct tally_day *days) {
    size_t begin = 0;
    for (size_t i = 0; i < view->day_count; i++) {
        begin = view->days[i].yyyymmdd == first ? i : begin;
    }
    size_t count = 0;
    for (size_t i = view->day_count; i > begin; i--) {
        int32_t yyyymmdd = view->days[i - 1].yyyymmdd;
        if (!is_listed(days, count, yyyymmdd)) {
            tally_sum(view, yyyymmdd, &days[count++]);
        }
    }
    for (size_t i = 0; i < count / 2; i++) {
        struct tally_day swapped = days[i];
        days[i] = days[count - 1 - i];
        days[count - 1 - i] = swapped;
    }
    return count;
}
