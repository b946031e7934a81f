/*
 * collector_keep.c - what is done once a minute, beside counting.
 *
 * Trimming: what is counted and older than queue.retain_hours. Other readers of the streams may
 * rely on that time, and nothing is trimmed that is not counted, however old. Letting go: of
 * streams whose edge has been silent for that long, so that edges which come and go do not pile up.
 * Compacting: link-days that were registered as large, once their hours need not be told any more.
 *
 * Each is done in pieces that Redis hardly notices, and a piece that was done twice is no harm.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "collector_private.h"
#include "stats/keys.h"

enum {
    KEEP_INTERVAL_MS = 60 * 1000,
    COMPACT_INTERVAL_MS = 3600 * 1000,
    TRIM_ENTRIES = 10000, /* a call */
    TRIM_CALLS_MAX = 500, /* a stream and minute */
    SILENT_HOURS_MIN = 1, /* before a stream is let go of, whatever queue.retain_hours says */
    COMPACT_CODES = 64,   /* asked for at a time */
    COMPACT_DAYS_MAX = 1100,
    MS_PER_HOUR = 3600 * 1000,
};

static uint64_t hours_ago(uint64_t now_ms, uint64_t hours) {
    uint64_t ago_ms = hours * MS_PER_HOUR;
    return ago_ms < now_ms ? now_ms - ago_ms : 0;
}

static struct slice number_text(char text[24], uint64_t number) {
    struct buf out = buf_over(text, 24);
    buf_append_u64(&out, number);
    return buf_slice(&out);
}

/* Of one stream, where it is no stream: said, and passed over. */
static enum collector_step keep_failed(struct collector *c, struct collector_stream *stream,
                                       enum apply_result result, const struct err *err) {
    if (result == APPLY_REFUSED && slice_starts_with(slice_of(err->text), SLICE("WRONGTYPE"))) {
        collector_stream_fails(c, stream, slice_of(err->text));
        return COLLECTOR_ON;
    }
    return collector_trouble(c, result, err);
}

static enum collector_step trim(struct collector *c, struct collector_stream *stream,
                                uint64_t now_ms) {
    char before[24];
    char limit[24];
    uint64_t retain_hours = atomic_load(&c->queue_retain_hours);
    struct slice arguments[] = {c->key_prefix, stream->key,
                                number_text(before, hours_ago(now_ms, retain_hours)),
                                number_text(limit, TRIM_ENTRIES)};
    for (unsigned calls = 0; calls < TRIM_CALLS_MAX; calls++) {
        struct err err = {""};
        struct apply_answer answer;
        enum apply_result result = apply_call(c->apply, APPLY_TRIM, arguments, &answer, &err);
        if (result != APPLY_DONE) {
            return keep_failed(c, stream, result, &err);
        }
        metric_add(c->metrics, COLLECT_TRIMMED, answer.number > 0 ? (uint64_t)answer.number : 0);
        if (answer.number < TRIM_ENTRIES / 2) {
            break;
        }
    }
    return COLLECTOR_ON;
}

static enum collector_step let_go(struct collector *c, struct collector_stream *stream,
                                  uint64_t now_ms) {
    char since[24];
    struct err err = {""};
    struct apply_answer answer;
    uint64_t hours = atomic_load(&c->queue_retain_hours);
    hours = hours > SILENT_HOURS_MIN ? hours : SILENT_HOURS_MIN;
    struct slice arguments[] = {c->key_prefix, stream->key,
                                number_text(since, hours_ago(now_ms, hours))};
    enum apply_result result = apply_call(c->apply, APPLY_FORGET, arguments, &answer, &err);
    if (result != APPLY_DONE) {
        return keep_failed(c, stream, result, &err);
    }
    if (answer.number == 1) {
        metric_add(c->metrics, COLLECT_FORGOTTEN, 1);
        log_event(c->log, LOG_INFO, "stream_let_go", "stream=%.*s meaning=%s",
                  SLICE_ARG(stream->key),
                  "its edge has been silent for longer than queue.retain_hours, all is counted");
    }
    return COLLECTOR_ON;
}

/* ---- compacting ---- */

static enum collector_step compact(struct collector *c, struct slice day, struct slice code) {
    struct err err = {""};
    struct apply_answer answer;
    struct slice arguments[] = {c->key_prefix, code, day};
    enum apply_result result = apply_call(c->apply, APPLY_COMPACT, arguments, &answer, &err);
    if (result != APPLY_DONE) {
        return collector_trouble(c, result, &err);
    }
    metric_add(c->metrics, COLLECT_COMPACTED, 1);
    return COLLECTOR_ON;
}

/* Some of the large links of a day; *more when there may be others. */
static enum collector_step compact_day(struct collector *c, int32_t day, bool *more) {
    char key_text[COLLECTOR_STREAM_BYTES_MAX];
    char day_text[24];
    char codes[COMPACT_CODES][64];
    size_t sizes[COMPACT_CODES];
    size_t count = 0;
    struct buf key = buf_over(key_text, sizeof(key_text));
    struct err err = {""};
    ENSURE(stats_key_day(&key, c->key_prefix, "stats:large", day));
    struct slice ask[] = {SLICE("SRANDMEMBER"), buf_slice(&key), SLICE("64")};
    const struct redis_reply *reply = redis_pipe_command(c->writer, 3, ask, &err);
    *more = false;
    if (reply == NULL) {
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    for (size_t i = 0; i < redis_reply_count(reply) && count < COMPACT_CODES; i++) {
        struct slice code = redis_reply_text(redis_reply_at(reply, i));
        if (code.size <= sizeof(codes[0])) {
            memcpy(codes[count], code.data, code.size);
            sizes[count++] = code.size;
        }
    }
    for (size_t i = 0; i < count; i++) {
        enum collector_step step =
            compact(c, number_text(day_text, (uint64_t)day), slice_make(codes[i], sizes[i]));
        if (step != COLLECTOR_ON) {
            return step;
        }
    }
    *more = count == COMPACT_CODES;
    return COLLECTOR_ON;
}

/* From the first day whose hours are over, backwards. What is left over is done a minute later. */
static enum collector_step compact_days(struct collector *c, uint64_t now_ns, uint64_t now_ms) {
    uint32_t retain_days = atomic_load(&c->stats_retain_days);
    bool more = false;
    if (c->compacted_ns != 0 &&
        now_ns - c->compacted_ns < COMPACT_INTERVAL_MS * COLLECTOR_NS_PER_MS) {
        return COLLECTOR_ON;
    }
    struct clock_day day = clock_day_of(now_ms);
    for (uint32_t age = 1; age <= retain_days && age <= COMPACT_DAYS_MAX; age++) {
        day = clock_day_of(day.begin_ms - 1);
        if (age > STATS_HOURS_DAYS) {
            enum collector_step step = compact_day(c, day.yyyymmdd, &more);
            if (step != COLLECTOR_ON || more) {
                return step;
            }
        }
    }
    c->compacted_ns = now_ns;
    return COLLECTOR_ON;
}

enum collector_step collector_keep(struct collector *c, uint64_t now_ns) {
    uint64_t now_ms = clock_real_ms();
    enum collector_step step = COLLECTOR_ON;
    if (c->kept_ns != 0 && now_ns - c->kept_ns < KEEP_INTERVAL_MS * COLLECTOR_NS_PER_MS) {
        return COLLECTOR_ON;
    }
    c->kept_ns = now_ns;
    for (size_t i = 0; i < c->stream_count && step == COLLECTOR_ON; i++) {
        step = trim(c, &c->streams[i], now_ms);
        if (step == COLLECTOR_ON && !c->streams[i].has_news) {
            step = let_go(c, &c->streams[i], now_ms);
        }
    }
    return step == COLLECTOR_ON ? compact_days(c, now_ns, now_ms) : step;
}
