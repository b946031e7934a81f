/*
 * reconcile_snapshot.c - one look at all counters of Redis, in one transaction.
 *
 *   MULTI  XINFO STREAM ... (each)  HGET tally:EDGE:WORKER DAY (each)  HGETALL mark, stats:total,
 *   stats:streams:DAY  GET stats:zone  EXEC
 *
 * So entries, watermark and what was counted are of one moment. What was journaled and answered is
 * looked at afterwards: it can only be more.
 */
#include <stdlib.h>

#include "reconcile_private.h"
#include "redis/pipe.h"
#include "redis/reply.h"

enum { HASHES = 3, NUMBERS_OF_TALLY = 8, DAY_BYTES = 12 };

static bool take_all(struct reconciliation *recon, const struct redis_reply *exec, struct err *err);

/* --- asking --------------------------------------------------------------------------------- */

static bool append_tally(struct reconciliation *recon, const struct recon_stream *stream) {
    char key_bytes[RECON_KEY_BYTES_MAX];
    char day_bytes[DAY_BYTES];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    struct buf day = buf_over(day_bytes, sizeof(day_bytes));
    stats_key(&key, recon->options->source->key_prefix, "tally:");
    buf_append(&key, slice_of(stream->name));
    buf_append_u64(&day, (uint64_t)recon->day);
    return redis_pipe_append(
        recon->options->source->pipe, 3,
        (const struct slice[]){SLICE("HGET"), buf_slice(&key), buf_slice(&day)});
}

static bool append_all(struct reconciliation *recon) {
    const struct stats_source *source = recon->options->source;
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    bool is_good = redis_pipe_append(source->pipe, 1, (const struct slice[]){SLICE("MULTI")});
    for (size_t i = 0; i < recon->stream_count && is_good; i++) {
        is_good = redis_pipe_append(source->pipe, 3,
                                    (const struct slice[]){SLICE("XINFO"), SLICE("STREAM"),
                                                           slice_of(recon->streams[i].key)}) &&
                  append_tally(recon, &recon->streams[i]);
    }
    static const char *const names[] = {"mark", "stats:total", NULL};
    for (size_t i = 0; i < ARRAY_COUNT(names) && is_good; i++) {
        buf_clear(&key);
        if (names[i] != NULL) {
            stats_key(&key, source->key_prefix, names[i]);
        } else {
            stats_key_day(&key, source->key_prefix, "stats:streams", recon->day);
        }
        is_good = redis_pipe_append(source->pipe, 2,
                                    (const struct slice[]){SLICE("HGETALL"), buf_slice(&key)});
    }
    buf_clear(&key);
    stats_key(&key, source->key_prefix, "stats:zone");
    return is_good &&
           redis_pipe_append(source->pipe, 2,
                             (const struct slice[]){SLICE("GET"), buf_slice(&key)}) &&
           redis_pipe_append(source->pipe, 1, (const struct slice[]){SLICE("EXEC")});
}

bool recon_look(struct reconciliation *recon, struct err *err) {
    struct redis_pipe *pipe = recon->options->source->pipe;
    size_t commands = 2 * recon->stream_count + HASHES + 3;
    const struct redis_reply *reply = NULL;
    if (!append_all(recon)) {
        return err_set(err, "the connection to Redis was lost");
    }
    for (size_t i = 0; i < commands; i++) {
        reply = redis_pipe_read(pipe, err);
        if (reply == NULL) {
            return false;
        }
    }
    if (redis_reply_is_error(reply) || redis_reply_count(reply) != commands - 2) {
        return err_set(err, "Redis says: %.*s", SLICE_ARG(redis_reply_text(reply)));
    }
    return take_all(recon, reply, err);
}

/* --- taking --------------------------------------------------------------------------------- */

/* An entry: its id and its fields. */
static struct entry_id id_of_entry(const struct redis_reply *entry) {
    struct entry_id id = {0};
    if (!entry_id_parse(redis_reply_text(redis_reply_at(entry, 0)), &id)) {
        return (struct entry_id){0};
    }
    return id;
}

bool recon_take_info(struct recon_stream *stream, const struct redis_reply *reply) {
    if (redis_reply_is_error(reply)) {
        return slice_find(redis_reply_text(reply), SLICE("no such key")) != SIZE_MAX;
    }
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        const struct redis_reply *value = redis_reply_at(reply, i + 1);
        if (slice_equal(name, SLICE("last-generated-id"))) {
            stream->exists = entry_id_parse(redis_reply_text(value), &stream->last);
        } else if (slice_equal(name, SLICE("entries-added"))) {
            stream->added = (uint64_t)redis_reply_integer(value);
            stream->has_added = true;
        } else if (slice_equal(name, SLICE("first-entry"))) {
            stream->first = id_of_entry(value);
        }
    }
    return stream->exists;
}

/* "ANSWERED JOURNALED RECOVERED LOST_FULL LOST_POWER LOST_MISSING FIRST LAST" */
static void take_tally(struct recon_stream *stream, const struct redis_reply *reply) {
    struct slice rest = redis_reply_text(reply);
    uint64_t number[NUMBERS_OF_TALLY];
    for (size_t i = 0; i < NUMBERS_OF_TALLY; i++) {
        if (!slice_to_u64(slice_split(&rest, ' '), UINT64_MAX, &number[i])) {
            return;
        }
    }
    stream->tally_source = RECON_TALLY_PUBLISHED;
    stream->tally = (struct tally_day){
        .answered = number[0],
        .journaled = number[1],
        .recovered = number[2],
        .lost = {[TALLY_LOST_FULL] = number[3],
                 [TALLY_LOST_POWER] = number[4],
                 [TALLY_LOST_MISSING] = number[5]},
        .first_sequence = number[6],
        .last_sequence = number[7],
    };
    stream->published_first = number[6];
    stream->published_last = number[7];
}

static struct recon_stream *find_key(struct reconciliation *recon, struct slice key) {
    for (size_t i = 0; i < recon->stream_count; i++) {
        if (slice_equal(slice_of(recon->streams[i].key), key)) {
            return &recon->streams[i];
        }
    }
    return NULL;
}

/* What a hash has of streams. Whatever is not as it should be is somebody's hand. */
static void take_hash(struct reconciliation *recon, const struct redis_reply *hash,
                      const char *name,
                      void (*take)(struct recon_stream *stream, uint64_t number, struct slice text,
                                   bool is_malformed)) {
    if (redis_reply_is_error(hash)) {
        recon_blame(recon, "key_unreadable",
                    &(struct recon_place){.stream = -1, .key = slice_of(name)}, "%s: %.*s", name,
                    SLICE_ARG(redis_reply_text(hash)));
    }
    for (size_t i = 0; i + 1 < redis_reply_count(hash); i += 2) {
        struct slice field = redis_reply_text(redis_reply_at(hash, i));
        struct slice value = redis_reply_text(redis_reply_at(hash, i + 1));
        struct slice rest = field;
        struct recon_stream *stream = find_key(recon, slice_split(&rest, '\t'));
        bool is_malformed = slice_equal(rest, SLICE("malformed"));
        uint64_t number = 0;
        struct entry_id id;
        bool is_value = slice_to_u64(value, UINT64_MAX, &number) || entry_id_parse(value, &id);
        if (stream == NULL &&
            recon_stream_name(recon, slice_first(field, field.size - rest.size)).size > 0) {
            recon->must_repeat = true; /* it was begun since the names were read */
            continue;
        }
        if (stream == NULL || (rest.size > 0 && !is_malformed) || !is_value) {
            recon_blame(recon, "field_unknown",
                        &(struct recon_place){.stream = -1, .key = slice_of(name), .field = field},
                        "%s, field %.*s: \"%.*s\": %s", name, SLICE_ARG(slice_first(field, 120)),
                        SLICE_ARG(slice_first(value, 40)),
                        stream == NULL ? "there is no such stream" : "that is no value of it");
            continue;
        }
        take(stream, number, value, is_malformed);
    }
}

static void take_mark(struct recon_stream *stream, uint64_t number, struct slice text,
                      bool is_malformed) {
    (void)number;
    (void)is_malformed;
    stream->has_mark = entry_id_parse(text, &stream->mark);
}

static void take_total(struct recon_stream *stream, uint64_t number, struct slice text,
                       bool is_malformed) {
    (void)text;
    (void)is_malformed;
    stream->total = number;
}

static void take_counted(struct recon_stream *stream, uint64_t number, struct slice text,
                         bool is_malformed) {
    (void)text;
    if (is_malformed) {
        stream->malformed = number;
    } else {
        stream->counted = number;
    }
}

/* The rollups' days are those of another zone, or nobody knows of which. */
static void check_zone(struct reconciliation *recon, struct slice zone, bool has_counted) {
    struct recon_place place = {.stream = -1, .key = SLICE("stats:zone")};
    if (zone.size == 0 && has_counted) {
        recon_blame(recon, "zone_gone", &place, "stats:zone is gone: it says %s",
                    "whose days the rollups are");
    } else if (zone.size > 0 && !slice_equal(zone, slice_of(recon->zone))) {
        recon_blame(recon, "zone_differs", &place,
                    "stats:zone says %.*s, and stats.timezone %s: the rollups' days are others",
                    SLICE_ARG(slice_first(zone, 64)), recon->zone);
    }
}

static bool take_all(struct reconciliation *recon, const struct redis_reply *exec,
                     struct err *err) {
    bool has_counted = false;
    size_t at = 0;
    for (size_t i = 0; i < recon->stream_count; i++) {
        struct recon_stream *stream = &recon->streams[i];
        const struct redis_reply *info = redis_reply_at(exec, at++);
        if (!recon_take_info(stream, info)) {
            return err_set(err, "%s: Redis says: %.*s", stream->key,
                           SLICE_ARG(redis_reply_text(info)));
        }
        take_tally(stream, redis_reply_at(exec, at++));
    }
    take_hash(recon, redis_reply_at(exec, at++), "mark", take_mark);
    take_hash(recon, redis_reply_at(exec, at++), "stats:total", take_total);
    take_hash(recon, redis_reply_at(exec, at++), "stats:streams", take_counted);
    for (size_t i = 0; i < recon->stream_count; i++) {
        has_counted |= recon->streams[i].total > 0;
    }
    check_zone(recon, redis_reply_text(redis_reply_at(exec, at)), has_counted);
    return true;
}
