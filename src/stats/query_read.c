/*
 * query_read.c - pipelines of HLEN and HGETALL, and HSCAN for what is large.
 *
 * When something goes wrong in the middle of a pipeline, the connection is closed: what is still
 * under way would else be taken for the answers to the next question.
 */
#include "query_read.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "days.h"
#include "redis/pipe.h"

enum {
    LARGE_FIELDS = 20 * 1000, /* more are read by HSCAN */
    SCAN_COUNT = 5000,
    ARGUMENTS_MAX = 3,
};

static bool ask_of_day(const struct reading *reading, const char *command, size_t day_index,
                       struct err *err);
static enum stats_result read_sizes(const struct reading *reading, uint64_t *sizes,
                                    struct err *err);
static bool read_batch(const struct reading *reading, const uint64_t *sizes, size_t *next,
                       struct err *err);
static bool read_large(const struct reading *reading, size_t day_index, uint64_t size,
                       struct err *err);
static bool has_not_shrunk(const struct reading *reading, size_t day_index, uint64_t size,
                           struct err *err);
static void take_fields(const struct reading *reading, size_t day_index,
                        const struct redis_reply *fields);

enum stats_result query_read(const struct reading *reading, struct err *err) {
    size_t day_count = reading->periods->day_count;
    uint64_t *sizes = calloc(day_count, sizeof(*sizes));
    ENSURE(sizes != NULL);
    enum stats_result result = read_sizes(reading, sizes, err);
    for (size_t next = 0; result == STATS_OK && next < day_count;) {
        if (sizes[next] > LARGE_FIELDS) {
            if (!read_large(reading, next, sizes[next], err)) {
                result = STATS_FAILED;
            }
            reading->day_done(reading->argument, next++);
        } else if (!read_batch(reading, sizes, &next, err)) {
            result = STATS_FAILED;
        }
    }
    free(sizes);
    return result;
}

bool query_ask(const struct stats_source *source, const char *command, struct slice key,
               struct slice argument, struct err *err) {
    const struct slice arguments[ARGUMENTS_MAX] = {slice_of(command), key, argument};
    size_t count = argument.data != NULL ? 3 : 2;
    if (redis_pipe_append(source->pipe, count, arguments)) {
        return true;
    }
    redis_pipe_disconnect(source->pipe);
    return err_set(err, "Redis: not connected");
}

const struct redis_reply *query_reply(const struct stats_source *source, struct err *err) {
    const struct redis_reply *reply = redis_pipe_read(source->pipe, err);
    if (reply != NULL && redis_reply_is_error(reply)) {
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(redis_reply_text(reply), 200)));
        redis_pipe_disconnect(source->pipe);
        return NULL;
    }
    return reply;
}

void query_read_key(const struct reading *reading, size_t day_index, struct buf *key) {
    int32_t date = reading->periods->day[day_index].date;
    bool fits = reading->what == READ_INDEX
                    ? stats_key_day(key, reading->source->key_prefix, "stats:index", date)
                    : stats_key_cells(key, reading->source->key_prefix, reading->scope, date,
                                      reading->what == READ_HOURS);
    ENSURE(fits);
}

static bool ask_of_day(const struct reading *reading, const char *command, size_t day_index,
                       struct err *err) {
    char bytes[READ_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    query_read_key(reading, day_index, &key);
    return query_ask(reading->source, command, buf_slice(&key), SLICE_EMPTY, err);
}

/* Says which day's key is meant. */
static bool name_key(const struct reading *reading, size_t day_index, struct err *err) {
    char bytes[READ_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    query_read_key(reading, day_index, &key);
    return err_prefix(err, "%.*s", SLICE_ARG(buf_slice(&key)));
}

static enum stats_result read_sizes(const struct reading *reading, uint64_t *sizes,
                                    struct err *err) {
    uint64_t sum = 0;
    for (size_t i = 0; i < reading->periods->day_count; i++) {
        if (!ask_of_day(reading, "HLEN", i, err)) {
            return STATS_FAILED;
        }
    }
    for (size_t i = 0; i < reading->periods->day_count; i++) {
        const struct redis_reply *reply = query_reply(reading->source, err);
        if (reply == NULL) {
            name_key(reading, i, err);
            return STATS_FAILED;
        }
        int64_t size = redis_reply_integer(reply);
        sizes[i] = size > 0 ? (uint64_t)size : 0;
        sum += sizes[i] < UINT32_MAX ? sizes[i] : UINT32_MAX;
    }
    if (sum > reading->fields_max) {
        err_set(
            err,
            "the range has %llu cells, and allowed are %llu in one question: ask for fewer days",
            (unsigned long long)sum, (unsigned long long)reading->fields_max);
        return STATS_TOO_MUCH;
    }
    return STATS_OK;
}

/* The days from *next on, as many as a batch may hold; empty ones cost nothing. */
static bool read_batch(const struct reading *reading, const uint64_t *sizes, size_t *next,
                       struct err *err) {
    size_t end = *next;
    uint64_t fields = 0;
    while (end < reading->periods->day_count && sizes[end] <= LARGE_FIELDS &&
           fields + sizes[end] <= READ_BATCH_FIELDS) {
        if (sizes[end] > 0 && !ask_of_day(reading, "HGETALL", end, err)) {
            return false;
        }
        fields += sizes[end++];
    }
    for (; *next < end; (*next)++) {
        if (sizes[*next] > 0) {
            const struct redis_reply *reply = query_reply(reading->source, err);
            if (reply == NULL) {
                return name_key(reading, *next, err);
            }
            take_fields(reading, *next, reply);
        }
        reading->day_done(reading->argument, *next);
    }
    return true;
}

/* HSCAN KEY CURSOR COUNT SCAN_COUNT until the cursor is 0 again. */
static bool read_large(const struct reading *reading, size_t day_index, uint64_t size,
                       struct err *err) {
    char key_bytes[READ_KEY_BYTES_MAX], cursor_bytes[32], count[16];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    struct buf cursor = buf_over(cursor_bytes, sizeof(cursor_bytes));
    struct buf scan_count = buf_over(count, sizeof(count));
    query_read_key(reading, day_index, &key);
    buf_append_char(&cursor, '0');
    buf_append_u64(&scan_count, SCAN_COUNT);
    /* A walk that goes on and on is none: something else than Redis answers. */
    uint64_t left = size / SCAN_COUNT * 8 + 1000;
    do {
        const struct slice arguments[] = {SLICE("HSCAN"), buf_slice(&key), buf_slice(&cursor),
                                          SLICE("COUNT"), buf_slice(&scan_count)};
        bool is_asked = redis_pipe_append(reading->source->pipe, ARRAY_COUNT(arguments), arguments);
        ENSURE(is_asked); /* connected, and nothing is queued */
        const struct redis_reply *reply = query_reply(reading->source, err);
        if (reply == NULL) {
            return name_key(reading, day_index, err);
        }
        struct slice position = redis_reply_text(redis_reply_at(reply, 0));
        take_fields(reading, day_index, redis_reply_at(reply, 1));
        buf_clear(&cursor);
        if (position.size == 0 || !buf_append(&cursor, position) || left-- == 0) {
            redis_pipe_disconnect(reading->source->pipe);
            err_set(err, "Redis: HSCAN does not come to an end");
            return name_key(reading, day_index, err);
        }
    } while (!slice_equal(buf_slice(&cursor), SLICE("0")));
    return has_not_shrunk(reading, day_index, size, err);
}

/* A day whose hours were made into one while it was walked over may have been counted both ways. */
static bool has_not_shrunk(const struct reading *reading, size_t day_index, uint64_t size,
                           struct err *err) {
    if (!ask_of_day(reading, "HLEN", day_index, err)) {
        return false;
    }
    const struct redis_reply *reply = query_reply(reading->source, err);
    if (reply == NULL) {
        return name_key(reading, day_index, err);
    }
    int64_t now = redis_reply_integer(reply);
    if (now < 0 || (uint64_t)now < size) {
        err_set(err, "it was made smaller while it was read: ask again");
        return name_key(reading, day_index, err);
    }
    return true;
}

static void take_fields(const struct reading *reading, size_t day_index,
                        const struct redis_reply *fields) {
    size_t count = redis_reply_count(fields);
    for (size_t i = 0; i + 1 < count; i += 2) {
        struct slice field = redis_reply_text(redis_reply_at(fields, i));
        struct slice value = redis_reply_text(redis_reply_at(fields, i + 1));
        reading->each(reading->argument, day_index, field, value);
    }
}
