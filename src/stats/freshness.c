/*
 * freshness.c - how far the counting is.
 *
 * For each stream: heard first, then its last id, then the watermark. What an edge had shipped
 * when it was last heard is in the stream when that is looked at, and counted when the watermark,
 * which is looked at last, has reached its end.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "query_read.h"
#include "redis/pipe.h"
#include "redis/reply.h"
#include "stats/query.h"
#include "stats/report.h"

enum {
    STREAMS_MAX = 4096,
    HEARD_WITHIN_MS = 10 * 1000,
    FIXED_ARGUMENTS = 2, /* HMGET KEY */
};

struct stream_id {
    uint64_t ms;
    uint64_t sequence;
};

struct heard {
    uint64_t ms; /* 0: never */
    bool is_closed;
};

struct stream {
    struct heard heard;
    struct stream_id last;
    struct stream_id mark;
};

static bool read_names(const struct stats_source *source, struct slice **names, size_t *count,
                       struct buf *bytes, struct err *err);
static bool read_streams(const struct stats_source *source, const struct slice *names, size_t count,
                         struct stream *streams, struct err *err);
static void judge(const struct stream *streams, size_t count, uint64_t now_ms, uint64_t end_ms,
                  struct stats_freshness *freshness);

bool stats_freshness_read(const struct stats_source *source, uint64_t end_ms,
                          struct stats_freshness *freshness, struct err *err) {
    struct buf bytes;
    struct slice *names = NULL;
    size_t count = 0;
    *freshness = (struct stats_freshness){0};
    buf_init(&bytes, (size_t)STREAMS_MAX * READ_KEY_BYTES_MAX);
    bool is_read = read_names(source, &names, &count, &bytes, err);
    freshness->streams = (unsigned)count;
    freshness->silent = freshness->streams;
    if (is_read && count > 0 && count <= STREAMS_MAX) { /* else nothing is known of them */
        struct stream *streams = calloc(count, sizeof(*streams));
        ENSURE(streams != NULL);
        is_read = read_streams(source, names, count, streams, err);
        if (is_read) {
            judge(streams, count, source->now_ms, end_ms, freshness);
        }
        free(streams);
    }
    free(names);
    buf_fini(&bytes);
    return is_read;
}

bool stats_freshness_json(const struct stats_freshness *freshness, struct slice zone,
                          struct buf *out) {
    char through[CLOCK_RFC3339_BYTES];
    clock_rfc3339(freshness->through_ms, through);
    buf_append(out, SLICE("\"timezone\":\""));
    buf_append_json(out, zone);
    if (freshness->through_ms > 0) {
        buf_printf(out, "\",\"data_through\":\"%s\"", through);
    } else {
        buf_append(out, SLICE("\",\"data_through\":null"));
    }
    buf_printf(out, ",\"complete\":%s", freshness->complete ? "true" : "false");
    return !out->overflowed;
}

/* At most one more than STREAMS_MAX, in no order; copied into bytes. */
static bool read_names(const struct stats_source *source, struct slice **names, size_t *count,
                       struct buf *bytes, struct err *err) {
    char key_bytes[READ_KEY_BYTES_MAX], limit_bytes[16];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    struct buf limit = buf_over(limit_bytes, sizeof(limit_bytes));
    stats_key(&key, source->key_prefix, "streams");
    buf_append_u64(&limit, STREAMS_MAX + 1);
    if (!query_ask(source, "SRANDMEMBER", buf_slice(&key), buf_slice(&limit), err)) {
        return false;
    }
    const struct redis_reply *reply = query_reply(source, err);
    if (reply == NULL) {
        return err_prefix(err, "%.*s", SLICE_ARG(buf_slice(&key)));
    }
    size_t there = redis_reply_count(reply);
    *names = calloc(there + 1, sizeof(**names));
    ENSURE(*names != NULL);
    /* Room first: what is pointed to may not move any more. */
    bool fits = buf_reserve(bytes, bytes->limit);
    ENSURE(fits);
    for (size_t i = 0; i < there; i++) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        const char *begin = bytes->data + bytes->size;
        if (name.size <= READ_KEY_BYTES_MAX && buf_append(bytes, name)) {
            (*names)[(*count)++] = slice_make(begin, name.size);
        } else {
            *count = STREAMS_MAX + 1; /* not one of ours: then nothing can be said of all */
            return true;
        }
    }
    return true;
}

static bool ask_hash(const struct stats_source *source, const char *name, const struct slice *names,
                     size_t count, struct err *err) {
    char bytes[READ_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct slice *arguments = calloc(count + FIXED_ARGUMENTS, sizeof(*arguments));
    ENSURE(arguments != NULL);
    stats_key(&key, source->key_prefix, name);
    arguments[0] = SLICE("HMGET");
    arguments[1] = buf_slice(&key);
    memcpy(arguments + FIXED_ARGUMENTS, names, count * sizeof(*names));
    bool is_asked = redis_pipe_append(source->pipe, count + FIXED_ARGUMENTS, arguments);
    free(arguments);
    if (!is_asked) {
        redis_pipe_disconnect(source->pipe);
        return err_set(err, "Redis: not connected");
    }
    return true;
}

/* "MS-SEQUENCE"; 0-0 when it is none. */
static struct stream_id parse_id(struct slice text) {
    struct stream_id id;
    struct slice ms = slice_split(&text, '-');
    if (!slice_to_u64(ms, UINT64_MAX, &id.ms) || !slice_to_u64(text, UINT64_MAX, &id.sequence)) {
        return (struct stream_id){0};
    }
    return id;
}

/* "MS up" or "MS closed"; never heard when it is neither. */
static struct heard parse_heard(struct slice text) {
    struct heard heard = {0};
    struct slice ms = slice_split(&text, ' ');
    heard.is_closed = slice_equal(text, SLICE("closed"));
    bool is_state = heard.is_closed || slice_equal(text, SLICE("up"));
    if (!is_state || !slice_to_u64(ms, UINT64_MAX, &heard.ms)) {
        return (struct heard){0};
    }
    return heard;
}

/* The value behind "last-generated-id" in what XINFO STREAM answers. A stream that is not there
 * has had no entry; of something else than a stream nothing is known, so it has no end. */
static struct stream_id last_id_of(const struct redis_reply *reply) {
    if (redis_reply_is_error(reply)) {
        bool is_missing = slice_find(redis_reply_text(reply), SLICE("no such key")) != SIZE_MAX;
        return is_missing ? (struct stream_id){0} : (struct stream_id){UINT64_MAX, UINT64_MAX};
    }
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        if (slice_equal(name, SLICE("last-generated-id"))) {
            return parse_id(redis_reply_text(redis_reply_at(reply, i + 1)));
        }
    }
    return (struct stream_id){UINT64_MAX, UINT64_MAX};
}

static bool read_streams(const struct stats_source *source, const struct slice *names, size_t count,
                         struct stream *streams, struct err *err) {
    if (!ask_hash(source, "heard", names, count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!query_ask(source, "XINFO", SLICE("STREAM"), names[i], err)) {
            return false;
        }
    }
    if (!ask_hash(source, "mark", names, count, err)) {
        return false;
    }
    const struct redis_reply *reply = query_reply(source, err);
    for (size_t i = 0; reply != NULL && i < count; i++) {
        streams[i].heard = parse_heard(redis_reply_text(redis_reply_at(reply, i)));
    }
    for (size_t i = 0; reply != NULL && i < count; i++) {
        reply = redis_pipe_read(source->pipe, err);
        if (reply != NULL) {
            streams[i].last = last_id_of(reply);
        }
    }
    reply = reply != NULL ? query_reply(source, err) : NULL;
    for (size_t i = 0; reply != NULL && i < count; i++) {
        streams[i].mark = parse_id(redis_reply_text(redis_reply_at(reply, i)));
    }
    return reply != NULL;
}

static bool is_counted(const struct stream *stream) {
    return stream->mark.ms != stream->last.ms ? stream->mark.ms > stream->last.ms
                                              : stream->mark.sequence >= stream->last.sequence;
}

static void judge(const struct stream *streams, size_t count, uint64_t now_ms, uint64_t end_ms,
                  struct stats_freshness *freshness) {
    uint64_t recently_ms = now_ms > HEARD_WITHIN_MS ? now_ms - HEARD_WITHIN_MS : 0;
    uint64_t wanted_ms = end_ms < recently_ms ? end_ms : recently_ms;
    freshness->through_ms = now_ms;
    freshness->silent = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stream *stream = &streams[i];
        uint64_t through_ms = stream->mark.ms;
        if (is_counted(stream) && stream->heard.is_closed) {
            continue;
        }
        if (is_counted(stream) && stream->heard.ms > through_ms) {
            through_ms = stream->heard.ms;
        }
        if (through_ms < freshness->through_ms) {
            freshness->through_ms = through_ms;
        }
        if (stream->heard.ms < recently_ms) {
            freshness->silent++;
        }
    }
    freshness->complete = freshness->silent == 0 && freshness->through_ms >= wanted_ms;
}
