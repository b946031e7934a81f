/*
 * click/queue_redis_news.c - heartbeats and tallies.
 *
 *   <prefix>streams             set    has the stream
 *   <prefix>heard               hash   stream ► "MS up" or "MS closed"
 *   <prefix>tally:EDGE:WORKER   hash   YYYYMMDD ► "ANSWERED JOURNALED RECOVERED LOST_FULL
 * LOST_POWER LOST_MISSING FIRST LAST"
 *
 * FIRST and LAST are sequences; FIRST is 0 where those of the day are not one unbroken run. A field
 * cannot expire by itself, so days that are TALLY_DAYS old are removed by name: those of a year, as
 * an edge may have been away.
 */
#include "queue_redis_news.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "click/queue.h"
#include "click/tally.h"
#include "redis/pipe.h"

enum {
    KEY_BYTES_MAX = 512,
    VALUE_BYTES_MAX = 192,
    DAY_BYTES = 12,
    FORGET_DAYS = 366,
    MS_PER_DAY = 24 * 3600 * 1000,
};

static struct slice heard_value(const struct queue_news *news, char *bytes, size_t size) {
    struct buf value = buf_over(bytes, size);
    buf_append_u64(&value, news->through_ms);
    buf_append(&value, news->is_closed ? SLICE(" closed") : SLICE(" up"));
    return buf_slice(&value);
}

static bool append_heard(struct redis_pipe *pipe, const struct queue_redis_names *names,
                         const struct queue_news *news) {
    char key_bytes[KEY_BYTES_MAX];
    char value_bytes[VALUE_BYTES_MAX];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    buf_append(&key, names->prefix);
    buf_append(&key, SLICE("heard"));
    struct slice value = heard_value(news, value_bytes, sizeof(value_bytes));
    return redis_pipe_append(
        pipe, 4, (const struct slice[]){SLICE("HSET"), buf_slice(&key), names->stream, value});
}

/* Whoever let go of a stream that was silent sees it again. */
static bool append_announcement(struct redis_pipe *pipe, const struct queue_redis_names *names) {
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    buf_append(&key, names->prefix);
    buf_append(&key, SLICE("streams"));
    return redis_pipe_append(pipe, 3,
                             (const struct slice[]){SLICE("SADD"), buf_slice(&key), names->stream});
}

/* PREFIXclicks:EDGE:WORKER ► PREFIXtally:EDGE:WORKER */
static struct slice tally_key(const struct queue_redis_names *names, struct buf *key) {
    struct slice rest = slice_from(names->stream, names->prefix.size);
    slice_split(&rest, ':');
    buf_append(key, names->prefix);
    buf_append(key, SLICE("tally:"));
    buf_append(key, rest);
    ENSURE(!key->overflowed);
    return buf_slice(key);
}

static struct slice tally_value(const struct tally_day *day, char *bytes) {
    bool is_unbroken = day->last_sequence + 1 - day->first_sequence == day->journaled &&
                       day->lost[TALLY_LOST_POWER] + day->lost[TALLY_LOST_MISSING] == 0;
    const uint64_t numbers[] = {
        day->answered,
        day->journaled,
        day->recovered,
        day->lost[TALLY_LOST_FULL],
        day->lost[TALLY_LOST_POWER],
        day->lost[TALLY_LOST_MISSING],
        is_unbroken ? day->first_sequence : 0,
        day->last_sequence,
    };
    struct buf value = buf_over(bytes, VALUE_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        if (i > 0) {
            buf_append_char(&value, ' ');
        }
        buf_append_u64(&value, numbers[i]);
    }
    return buf_slice(&value);
}

static struct slice day_name(int32_t yyyymmdd, char bytes[DAY_BYTES]) {
    struct buf name = buf_over(bytes, DAY_BYTES);
    buf_append_u64(&name, (uint64_t)yyyymmdd);
    return buf_slice(&name);
}

static bool append_days(struct redis_pipe *pipe, struct slice key, const struct queue_news *news) {
    char days[TALLY_DAYS][DAY_BYTES];
    char(*values)[VALUE_BYTES_MAX] = calloc(news->day_count, VALUE_BYTES_MAX);
    struct slice arguments[2 + 2 * TALLY_DAYS] = {SLICE("HSET"), key};
    size_t count = 2;
    ENSURE(values != NULL && news->day_count <= TALLY_DAYS);
    for (size_t i = 0; i < news->day_count; i++) {
        arguments[count++] = day_name(news->days[i].yyyymmdd, days[i]);
        arguments[count++] = tally_value(&news->days[i], values[i]);
    }
    bool is_appended = redis_pipe_append(pipe, count, arguments);
    free(values);
    return is_appended;
}

static bool append_forget(struct redis_pipe *pipe, struct slice key, int32_t today, size_t *count) {
    char days[FORGET_DAYS][DAY_BYTES];
    struct slice arguments[2 + FORGET_DAYS] = {SLICE("HDEL"), key};
    struct buf text = buf_over(days[0], DAY_BYTES);
    uint64_t seconds;
    buf_printf(&text, "%04d-%02d-%02d", today / 10000, today / 100 % 100, today % 100);
    if (!clock_parse_time(buf_slice(&text), &seconds) ||
        seconds < (TALLY_DAYS + FORGET_DAYS + UINT64_C(1)) * MS_PER_DAY / 1000) {
        return true; /* no day at all, or nothing can be that old */
    }
    uint64_t noon_ms = seconds * 1000 + MS_PER_DAY / 2;
    for (size_t i = 0; i < FORGET_DAYS; i++) {
        struct clock_day day = clock_day_of(noon_ms - (TALLY_DAYS + i) * (uint64_t)MS_PER_DAY);
        arguments[2 + i] = day_name(day.yyyymmdd, days[i]);
    }
    ++*count;
    return redis_pipe_append(pipe, ARRAY_COUNT(arguments), arguments);
}

bool queue_redis_append_news(struct redis_pipe *pipe, const struct queue_redis_names *names,
                             const struct queue_news *news, size_t *count) {
    char key_bytes[KEY_BYTES_MAX];
    struct buf buf = buf_over(key_bytes, sizeof(key_bytes));
    struct slice key = tally_key(names, &buf);
    if (news->through_ms != 0) {
        if (!append_heard(pipe, names, news)) {
            return false;
        }
        ++*count;
    }
    if (!news->is_closed) {
        if (!append_announcement(pipe, names)) {
            return false;
        }
        ++*count;
    }
    if (news->day_count > 0) {
        if (!append_days(pipe, key, news)) {
            return false;
        }
        ++*count;
    }
    return news->today == 0 || append_forget(pipe, key, news->today, count);
}
