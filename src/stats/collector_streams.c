/*
 * collector_streams.c - which streams there are, where counting stands in each, which have news.
 *
 * One XREAD asks for all that have been counted to their ends, so that a hundred idle streams cost
 * one command a round.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "collector_private.h"

enum {
    LIST_INTERVAL_MS = 1000,
    FAILING_RETRY_MS = 5000,
    RACE_RETRY_MS = 1500,
    LOOK_STREAMS = 128, /* a command */
    REPEAT_LOG_MS = 60000,
};

static enum collector_step lost(struct collector *c, const struct err *err) {
    return collector_trouble(c, APPLY_UNREACHABLE, err);
}

static enum collector_step refused(struct collector *c, const struct redis_reply *reply) {
    struct err err;
    struct slice text = redis_reply_text(reply);
    err_set(&err, "%.*s", SLICE_ARG(text));
    return collector_trouble(c, APPLY_REFUSED, &err);
}

/* ---- marks ---- */

void collector_stream_fails(struct collector *c, struct collector_stream *stream,
                            struct slice why) {
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    stream->is_failing = true;
    stream->has_news = false;
    stream->not_before_ns = collector_after(c, now_ns, FAILING_RETRY_MS);
    snprintf(stream->why, sizeof(stream->why), "%.*s", SLICE_ARG(why));
    if (log_allowed(&c->trouble_limit, now_ns, REPEAT_LOG_MS, &held_back)) {
        log_event(c->log, LOG_ERROR, "stream_failing", "stream=%.*s error=%.*s held_back=%lu",
                  SLICE_ARG(stream->key), SLICE_ARG(why), (unsigned long)held_back);
    }
}

bool collector_take_mark(struct collector *c, struct collector_stream *stream, struct slice mark,
                         struct slice pending) {
    char why[200];
    if (apply_mark_parse(mark, pending, &stream->mark)) {
        return true;
    }
    if (slice_equal(mark, SLICE("gone"))) {
        collector_stream_fails(c, stream,
                               SLICE("its mark is gone, though entries of it were counted: HSET "
                                     "the hash `mark` to the last id that was counted, or HDEL the "
                                     "stream from `stats:total` to count all that it has again"));
        return false;
    }
    snprintf(why, sizeof(why),
             "its mark is '%.*s' and its pending batch '%.*s': no such thing was written here",
             SLICE_ARG(slice_first(mark, 48)), SLICE_ARG(slice_first(pending, 48)));
    collector_stream_fails(c, stream, slice_of(why));
    return false;
}

/* ---- the list ---- */

static int compare_streams(const void *a, const void *b) {
    struct slice left = ((const struct collector_stream *)a)->key;
    struct slice right = ((const struct collector_stream *)b)->key;
    size_t size = left.size < right.size ? left.size : right.size;
    int order = memcmp(left.data, right.data, size);
    return order != 0 ? order : (left.size > right.size) - (left.size < right.size);
}

static struct collector_stream *find(struct collector *c, struct slice key, size_t count) {
    struct collector_stream wanted = {.key = key};
    return bsearch(&wanted, c->streams, count, sizeof(*c->streams), compare_streams);
}

static void free_key(struct collector_stream *stream) {
    free((char *)(uintptr_t)stream->key.data);
    stream->key = SLICE_EMPTY;
}

void collector_free_streams(struct collector *c) {
    for (size_t i = 0; i < c->stream_count; i++) {
        free_key(&c->streams[i]);
    }
    c->stream_count = 0;
}

/* Those of the reply that are new stand behind the known ones until all are there. */
static void take_names(struct collector *c, const struct redis_reply *reply) {
    size_t known = c->stream_count;
    c->left_out = 0;
    for (size_t i = 0; i < known; i++) {
        c->streams[i].is_there = false;
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct slice key = redis_reply_text(redis_reply_at(reply, i));
        struct collector_stream *stream = find(c, key, known);
        if (stream != NULL) {
            stream->is_there = true;
        } else if (key.size == 0 || key.size > COLLECTOR_STREAM_BYTES_MAX ||
                   c->stream_count == COLLECTOR_STREAMS_MAX) {
            c->left_out++;
        } else {
            char *copy = malloc(key.size);
            ENSURE(copy != NULL);
            memcpy(copy, key.data, key.size);
            c->streams[c->stream_count++] =
                (struct collector_stream){.key = slice_make(copy, key.size),
                                          .is_there = true,
                                          .read_count = COLLECTOR_READ_COUNT};
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < c->stream_count; i++) {
        if (c->streams[i].is_there) {
            c->streams[kept++] = c->streams[i];
        } else {
            free_key(&c->streams[i]);
        }
    }
    c->stream_count = kept;
    qsort(c->streams, kept, sizeof(*c->streams), compare_streams);
}

static bool is_same_mark(const struct apply_mark *a, const struct apply_mark *b) {
    return entry_id_compare(a->id, b->id) == 0 && a->parts == b->parts && a->written == b->written;
}

/* What was read of a stream, which is not being counted at the moment. */
static void meet_mark(struct collector *c, struct collector_stream *stream,
                      const struct apply_mark *before, uint64_t now_ns) {
    if (entry_id_compare(stream->mark.id, before->id) < 0) {
        fold_people_forget(c->people); /* Redis has less than it had */
    }
    stream->is_failing = stream->is_failing && now_ns < stream->not_before_ns;
    /* Another collector counts it, or is at a batch of it: as long as it gets on, it need not be
     * read here. */
    stream->is_rivalled = stream->is_rivalled || stream->mark.parts > 0;
    if (stream->is_rivalled && !is_same_mark(&stream->mark, before)) {
        stream->not_before_ns =
            collector_after(c, now_ns + LIST_INTERVAL_MS * COLLECTOR_NS_PER_MS, RACE_RETRY_MS);
    }
}

static bool append_get(struct collector *c, struct slice key, struct slice field) {
    return redis_pipe_append(c->writer, 3, (struct slice[]){SLICE("HGET"), key, field});
}

/* Reads one stream's mark and pending batch. */
static enum collector_step read_mark(struct collector *c, struct collector_stream *stream,
                                     uint64_t now_ns) {
    char mark[ENTRY_ID_BYTES + 32];
    struct err err = {""};
    struct apply_mark before = stream->mark;
    const struct redis_reply *reply = redis_pipe_read(c->writer, &err);
    if (reply == NULL) {
        return lost(c, &err);
    }
    bool is_error = redis_reply_is_error(reply);
    if (is_error) {
        collector_stream_fails(c, stream, redis_reply_text(reply));
    }
    snprintf(mark, sizeof(mark), "%.*s", SLICE_ARG(redis_reply_text(reply)));
    reply = redis_pipe_read(c->writer, &err);
    if (reply == NULL) {
        return lost(c, &err);
    }
    if (redis_reply_is_error(reply)) {
        collector_stream_fails(c, stream, redis_reply_text(reply));
    } else if (!is_error &&
               collector_take_mark(c, stream, slice_of(mark), redis_reply_text(reply))) {
        meet_mark(c, stream, &before, now_ns);
    }
    return COLLECTOR_ON;
}

static enum collector_step read_marks(struct collector *c, uint64_t now_ns) {
    char mark_text[COLLECTOR_STREAM_BYTES_MAX];
    char pending_text[COLLECTOR_STREAM_BYTES_MAX];
    struct slice mark = collector_key(c, "mark", mark_text);
    struct slice pending = collector_key(c, "pending", pending_text);
    struct err err = {""};
    for (size_t i = 0; i < c->stream_count; i++) {
        if (!append_get(c, mark, c->streams[i].key) || !append_get(c, pending, c->streams[i].key)) {
            err_set(&err, "the connection was lost");
            return lost(c, &err);
        }
    }
    enum collector_step step = COLLECTOR_ON;
    for (size_t i = 0; i < c->stream_count && step == COLLECTOR_ON; i++) {
        step = read_mark(c, &c->streams[i], now_ns);
    }
    return step;
}

enum collector_step collector_list_streams(struct collector *c, uint64_t now_ns) {
    char text[COLLECTOR_STREAM_BYTES_MAX];
    struct err err = {""};
    if (c->listed_ns != 0 && now_ns - c->listed_ns < LIST_INTERVAL_MS * COLLECTOR_NS_PER_MS) {
        return COLLECTOR_ON;
    }
    struct slice members[] = {SLICE("SMEMBERS"), collector_key(c, "streams", text)};
    const struct redis_reply *reply = redis_pipe_command(c->writer, 2, members, &err);
    if (reply == NULL) {
        return lost(c, &err);
    }
    if (redis_reply_is_error(reply)) {
        return refused(c, reply);
    }
    take_names(c, reply);
    c->listed_ns = now_ns;
    return read_marks(c, now_ns);
}

/* ---- news ---- */

static bool is_due(const struct collector_stream *stream, uint64_t now_ns) {
    return now_ns >= stream->not_before_ns && !stream->has_news;
}

/* XREAD COUNT 1 STREAMS key ... id ...: answers with those that have something. */
static bool append_look(struct collector *c, struct collector_stream *const *due, size_t count) {
    struct slice arguments[4 + 2 * LOOK_STREAMS] = {SLICE("XREAD"), SLICE("COUNT"), SLICE("1"),
                                                    SLICE("STREAMS")};
    char ids[LOOK_STREAMS][ENTRY_ID_BYTES];
    for (size_t i = 0; i < count; i++) {
        arguments[4 + i] = due[i]->key;
        arguments[4 + count + i] = entry_id_format(due[i]->mark.id, ids[i]);
    }
    return redis_pipe_append(c->writer, 4 + 2 * count, arguments);
}

static enum collector_step look_at(struct collector *c, struct collector_stream *const *due,
                                   size_t count) {
    struct err err = {""};
    if (!append_look(c, due, count)) {
        err_set(&err, "the connection was lost");
        return lost(c, &err);
    }
    const struct redis_reply *reply = redis_pipe_read(c->writer, &err);
    if (reply == NULL) {
        return lost(c, &err);
    }
    if (redis_reply_is_error(reply)) {
        /* One of them is no stream, perhaps. Each is asked alone: whose fault it is shows then. */
        for (size_t i = 0; i < count; i++) {
            due[i]->has_news = true;
        }
        return COLLECTOR_ON;
    }
    for (size_t i = 0; i < count; i++) {
        due[i]->oldest_ms = 0;
        due[i]->lag_records = 0;
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        const struct redis_reply *one = redis_reply_at(reply, i);
        const struct redis_reply *entry = redis_reply_at(redis_reply_at(one, 1), 0);
        struct collector_stream *stream =
            find(c, redis_reply_text(redis_reply_at(one, 0)), c->stream_count);
        struct entry_id id;
        if (stream != NULL) {
            stream->has_news = true;
            if (entry_id_parse(redis_reply_text(redis_reply_at(entry, 0)), &id)) {
                stream->oldest_ms = id.ms;
            }
        }
    }
    return COLLECTOR_ON;
}

enum collector_step collector_look(struct collector *c, uint64_t now_ns) {
    struct collector_stream *due[LOOK_STREAMS];
    size_t count = 0;
    for (size_t i = 0; i < c->stream_count; i++) {
        /* A batch half written is to be finished even if its entries are gone. */
        if (now_ns >= c->streams[i].not_before_ns && c->streams[i].mark.parts > 0) {
            c->streams[i].has_news = true;
        } else if (is_due(&c->streams[i], now_ns)) {
            due[count++] = &c->streams[i];
        }
        if (count > 0 && (count == LOOK_STREAMS || i + 1 == c->stream_count)) {
            enum collector_step step = look_at(c, due, count);
            if (step != COLLECTOR_ON) {
                return step;
            }
            count = 0;
        }
    }
    return COLLECTOR_ON;
}
