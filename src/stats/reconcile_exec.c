/*
 * reconcile_exec.c - see reconcile_exec.h.
 *
 *   MULTI  HGETALL mark  HGETALL pending  HGETALL ... (each key)  EXEC
 */
#include "reconcile_exec.h"

#include "redis/pipe.h"
#include "redis/reply.h"

enum { HASHES = 2 };

static bool append_request(struct reconciliation *recon, const struct recon_request *request) {
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct redis_pipe *pipe = recon->options->source->pipe;
    buf_append(&key, recon->options->source->key_prefix);
    recon_key_name(recon, request->kind, request->scope, &key);
    ENSURE(!key.overflowed);
    switch (request->kind) {
    case RECON_KEY_TOP:
        return redis_pipe_append(pipe, 5,
                                 (const struct slice[]){SLICE("ZRANGE"), buf_slice(&key),
                                                        SLICE("0"), SLICE("-1"),
                                                        SLICE("WITHSCORES")});
    case RECON_KEY_UNIQUE:
        return redis_pipe_append(pipe, 2, (const struct slice[]){SLICE("EXISTS"), buf_slice(&key)});
    case RECON_KEY_DAY:
    case RECON_KEY_HOURS:
    case RECON_KEY_LINK:
    case RECON_KEY_INDEX:
        break;
    }
    return redis_pipe_append(pipe, 2, (const struct slice[]){SLICE("HGETALL"), buf_slice(&key)});
}

static bool append_all(struct reconciliation *recon, const struct recon_exec *exec) {
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct redis_pipe *pipe = recon->options->source->pipe;
    bool is_good = redis_pipe_append(pipe, 1, (const struct slice[]){SLICE("MULTI")});
    for (size_t i = 0; i < HASHES && is_good; i++) {
        buf_clear(&key);
        stats_key(&key, recon->options->source->key_prefix, i == 0 ? "mark" : "pending");
        is_good =
            redis_pipe_append(pipe, 2, (const struct slice[]){SLICE("HGETALL"), buf_slice(&key)});
    }
    for (size_t i = 0; i < exec->count && is_good; i++) {
        is_good = append_request(recon, &exec->requests[i]);
    }
    return is_good && redis_pipe_append(pipe, 1, (const struct slice[]){SLICE("EXEC")});
}

/* The value that a hash has of a stream; empty: none. */
static struct slice value_of(const struct redis_reply *hash, const char *key) {
    for (size_t i = 0; i + 1 < redis_reply_count(hash); i += 2) {
        if (slice_equal(redis_reply_text(redis_reply_at(hash, i)), slice_of(key))) {
            return redis_reply_text(redis_reply_at(hash, i + 1));
        }
    }
    return SLICE_EMPTY;
}

static bool is_known(const struct reconciliation *recon, struct slice key) {
    for (size_t i = 0; i < recon->stream_count; i++) {
        if (slice_equal(slice_of(recon->streams[i].key), key)) {
            return true;
        }
    }
    return recon_stream_name(recon, key).size == 0; /* nonsense, which was said */
}

static void take_marks(struct reconciliation *recon, const struct recon_exec *exec,
                       const struct redis_reply *marks, const struct redis_reply *pending) {
    for (size_t i = 0; i < recon->stream_count; i++) {
        const char *key = recon->streams[i].key;
        if (!apply_mark_parse(value_of(marks, key), value_of(pending, key), &exec->marks[i])) {
            exec->marks[i] = (struct apply_mark){.has_id = false}; /* said already */
        }
    }
    for (size_t i = 0; i + 1 < redis_reply_count(marks); i += 2) {
        recon->must_repeat |= !is_known(recon, redis_reply_text(redis_reply_at(marks, i)));
    }
    for (size_t i = 0; i + 1 < redis_reply_count(pending); i += 2) {
        recon->must_repeat |= !is_known(recon, redis_reply_text(redis_reply_at(pending, i)));
    }
}

bool recon_exec(struct reconciliation *recon, const struct recon_exec *exec, struct err *err) {
    struct redis_pipe *pipe = recon->options->source->pipe;
    const struct redis_reply *reply = NULL;
    if (!append_all(recon, exec)) {
        return err_set(err, "the connection to Redis was lost");
    }
    for (size_t i = 0; i < exec->count + HASHES + 2; i++) {
        reply = redis_pipe_read(pipe, err);
        if (reply == NULL) {
            return false;
        }
    }
    if (redis_reply_is_error(reply) || redis_reply_count(reply) != exec->count + HASHES) {
        return err_set(err, "Redis says: %.*s", SLICE_ARG(redis_reply_text(reply)));
    }
    take_marks(recon, exec, redis_reply_at(reply, 0), redis_reply_at(reply, 1));
    for (size_t i = 0; i < exec->count; i++) {
        exec->each(exec->argument, i, redis_reply_at(reply, i + HASHES));
    }
    return true;
}
