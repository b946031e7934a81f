/*
 * collector_limits.c - clicks of links with max_clicks, as edges are to see them.
 *
 * apply.lua notes such links when it counts a click of one (the set stats:limited); here the sum of
 * their rollups is written into the link itself, whose change every edge hears of. A link that is
 * noted stays so until its sum is written, whoever dies meanwhile.
 *
 * Limits    LIMITED_CODES links a round; others wait for the next, some milliseconds later.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "collector_private.h"

enum {
    LIMITED_CODES = 64,
    LIMITED_CODE_BYTES = 64,
    LIMITED_DAYS_MAX = 400,
    LIMITED_IDLE_MS = 5000, /* when nothing was counted: what others left over */
    DAY_BYTES = 36,
};

/* The days whose rollups there can be, the last one first. */
static void write_days(uint64_t now_ms, uint32_t retain_days, struct buf *out) {
    struct clock_day day = clock_day_of(now_ms);
    for (uint32_t i = 0; i <= retain_days && i < LIMITED_DAYS_MAX; i++) {
        buf_append_u64(out, (uint64_t)day.yyyymmdd);
        buf_append_char(out, ' ');
        buf_append_u64(out, day.begin_ms / 1000);
        buf_append_char(out, ' ');
        buf_append_u64(out, day.end_ms / 1000);
        buf_append_char(out, ' ');
        day = clock_day_of(day.begin_ms - 1);
    }
    ENSURE(!out->overflowed);
}

static enum collector_step write_used(struct collector *c, const struct slice *codes,
                                      size_t count) {
    char days_text[LIMITED_DAYS_MAX * DAY_BYTES];
    struct buf days = buf_over(days_text, sizeof(days_text));
    write_days(clock_real_ms(), atomic_load(&c->stats_retain_days), &days);
    for (size_t i = 0; i < count; i++) {
        struct err err = {""};
        struct apply_answer answer;
        struct slice arguments[] = {c->key_prefix, codes[i], buf_slice(&days)};
        enum apply_result result = apply_call(c->apply, APPLY_USED, arguments, &answer, &err);
        if (result != APPLY_DONE) {
            return collector_trouble(c, result, &err);
        }
        metric_add(c->metrics, COLLECT_LIMITED, 1);
    }
    return COLLECTOR_ON;
}

enum collector_step collector_write_limits(struct collector *c, uint64_t now_ns, bool got_on) {
    char key[COLLECTOR_STREAM_BYTES_MAX];
    char bytes[LIMITED_CODES][LIMITED_CODE_BYTES];
    struct slice codes[LIMITED_CODES];
    size_t count = 0;
    struct err err = {""};
    if (!got_on && now_ns - c->limited_ns < LIMITED_IDLE_MS * COLLECTOR_NS_PER_MS) {
        return COLLECTOR_ON;
    }
    c->limited_ns = now_ns;
    struct slice ask[] = {SLICE("SRANDMEMBER"), collector_key(c, "stats:limited", key),
                          SLICE("64")};
    const struct redis_reply *reply = redis_pipe_command(c->writer, ARRAY_COUNT(ask), ask, &err);
    if (reply == NULL) {
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    for (size_t i = 0; i < redis_reply_count(reply) && count < LIMITED_CODES; i++) {
        struct slice code = redis_reply_text(redis_reply_at(reply, i));
        if (code.size <= LIMITED_CODE_BYTES) {
            memcpy(bytes[count], code.data, code.size);
            codes[count] = slice_make(bytes[count], code.size);
            count++;
        }
    }
    return count == 0 ? COLLECTOR_ON : write_used(c, codes, count);
}
