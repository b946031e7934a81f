/*
 * reconcile_exec.c - see reconcile_exec.h.
 *
 *   MULTI  HGETALL mark  HGETALL ... (each key)  EXEC
 */
#include "reconcile_exec.h"

#include "redis/pipe.h"
#include "redis/reply.h"

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
    stats_key(&key, recon->options->source->key_prefix, "mark");
    bool is_good =
        redis_pipe_append(pipe, 1, (const struct slice[]){SLICE("MULTI")}) &&
        redis_pipe_append(pipe, 2, (const struct slice[]){SLICE("HGETALL"), buf_slice(&key)});
    for (size_t i = 0; i < exec->count && is_good; i++) {
        is_good = append_request(recon, &exec->requests[i]);
    }
    return is_good && redis_pipe_append(pipe, 1, (const struct slice[]){SLICE("EXEC")});
}

static void take_marks(struct reconciliation *recon, const struct recon_exec *exec,
                       const struct redis_reply *reply) {
    for (size_t i = 0; i < recon->stream_count; i++) {
        exec->marks[i] = recon->streams[i].fed;
    }
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct slice key = redis_reply_text(redis_reply_at(reply, i));
        struct entry_id mark;
        size_t at = 0;
        if (!entry_id_parse(redis_reply_text(redis_reply_at(reply, i + 1)), &mark)) {
            continue; /* said already */
        }
        while (at < recon->stream_count && !slice_equal(slice_of(recon->streams[at].key), key)) {
            at++;
        }
        if (at == recon->stream_count) {
            recon->must_repeat |= recon_stream_name(recon, key).size > 0;
        } else if (entry_id_compare(mark, recon->streams[at].fed) < 0) {
            recon->must_repeat = true;
        } else {
            exec->marks[at] = mark;
        }
    }
}

bool recon_exec(struct reconciliation *recon, const struct recon_exec *exec, struct err *err) {
    struct redis_pipe *pipe = recon->options->source->pipe;
    const struct redis_reply *reply = NULL;
    if (!append_all(recon, exec)) {
        return err_set(err, "the connection to Redis was lost");
    }
    for (size_t i = 0; i < exec->count + 3; i++) {
        reply = redis_pipe_read(pipe, err);
        if (reply == NULL) {
            return false;
        }
    }
    if (redis_reply_is_error(reply) || redis_reply_count(reply) != exec->count + 1) {
        return err_set(err, "Redis says: %.*s", SLICE_ARG(redis_reply_text(reply)));
    }
    take_marks(recon, exec, redis_reply_at(reply, 0));
    for (size_t i = 0; i < exec->count; i++) {
        exec->each(exec->argument, i, redis_reply_at(reply, i + 1));
    }
    return true;
}
