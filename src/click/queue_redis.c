/*
 * click/queue_redis.c - clicks into a Redis stream, exactly once.
 *
 *   <prefix>clicks:EDGE:WORKER   one entry a click, id AT_MS-SEQUENCE, the fields of click.h
 *   <prefix>streams              the set of all such keys, in full
 *
 * or, of conversions, what click/payload.h says.
 *
 * Redis refuses an id at or below a stream's last one (XADD, https://redis.io/commands/xadd/),
 * so what is sent twice is there once. That alone would not keep records from being left out: if
 * an early entry fails (out of memory) and a later one succeeds, the early one can never be put
 * in again. So a batch is one pipeline
 *
 *   MULTI, XADD ..., EXEC, WATCH key, XINFO STREAM key
 *
 * MULTI makes it all or nothing, in memory, in the append-only file and on replicas. WATCH makes
 * EXEC do nothing when anybody has touched the stream since the XINFO before it (which saw the
 * end where we expect it): an operator's DEL, FLUSHALL or XADD, a replica's data taking over, a
 * batch of our own that a frozen Redis executes after its connection was given up. When it was
 * touched and still ends at the same place, as after a collector's XTRIM, the batch is sent
 * again at once.
 *
 * What else is said of the stream (queue_redis_news.c) stands outside of that, in front of a batch
 * or alone; whether Redis takes it or not, the clicks go on.
 *
 * The entry's constant pieces are written by hand: at 200,000 clicks a second formatting them
 * is what costs.
 */
#include "click/queue.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "click/payload.h"
#include "queue_redis_news.h"
#include "redis/pipe.h"

enum {
    TIMEOUT_MS = 2000,
    BATCH_BYTES_MAX = 512 * 1024,
    ENTRY_BYTES_MAX = 8 * 1024, /* all texts at their longest, with every name and length */
    PREFIX_BYTES_MAX = 256,
    EDGE_BYTES_MAX = 64,
    KEY_BYTES_MAX = PREFIX_BYTES_MAX + EDGE_BYTES_MAX + 32,
    RESENDS_MAX = 16,
};

struct batch {
    struct buf entries; /* XADD commands */
    size_t count;
    struct queue_position last;
};

enum flight { NOTHING_SENT, ON_ITS_WAY, KEPT };

struct queue {
    struct redis_pipe *pipe;
    const struct payload_kind *payload;
    char prefix[PREFIX_BYTES_MAX + 1];
    char key[KEY_BYTES_MAX + 1];
    struct slice key_slice;
    char entry_head[KEY_BYTES_MAX + 64]; /* an XADD up to its id */
    size_t entry_head_size;
    struct queue_position end; /* of the stream, when last seen */
    struct batch filling;
    struct batch sent;
    enum flight flight;
    size_t told;           /* answers to tell() that come before those to the batch */
    bool news_was_refused; /* by any of them, since tell() was last asked */
};

/* What a batch's replies came to. */
struct outcome {
    bool refused;    /* nothing of it was taken */
    bool touched;    /* somebody touched the stream since it was watched */
    bool disordered; /* an entry failed in a transaction that was executed, or no end is known */
    struct queue_position end;
    char reason[200]; /* the first error */
};

static void set_key(struct queue *queue, struct slice edge_id, uint32_t worker);
static enum queue_result announce(struct queue *queue, struct err *err);
static enum queue_result read_end(struct queue *queue, struct queue_position *end, struct err *err);
static bool append_entry_field_value(struct buf *out, struct slice value);
static void append_entry_field(void *argument, struct slice name, struct slice value);
static bool queue_batch(struct queue *queue);
static bool hear_news_answers(struct queue *queue, struct err *err);
static enum queue_result read_outcome(struct queue *queue, struct outcome *outcome,
                                      struct err *err);

static struct queue *queue_redis_create(const struct queue_options *options, struct err *err) {
    if (options->key_prefix.size > PREFIX_BYTES_MAX) {
        err_set(err, "redis.prefix is longer than %d bytes", PREFIX_BYTES_MAX);
        return NULL;
    }
    struct queue *queue = calloc(1, sizeof(*queue));
    ENSURE(queue != NULL);
    queue->payload = options->payload != NULL ? options->payload : &payload_clicks;
    snprintf(queue->prefix, sizeof(queue->prefix), "%.*s", SLICE_ARG(options->key_prefix));
    queue->pipe = redis_pipe_create(options->url, TIMEOUT_MS);
    buf_init(&queue->filling.entries, BATCH_BYTES_MAX + ENTRY_BYTES_MAX);
    buf_init(&queue->sent.entries, BATCH_BYTES_MAX + ENTRY_BYTES_MAX);
    return queue;
}

static void queue_redis_destroy(struct queue **queue) {
    if (*queue != NULL) {
        redis_pipe_destroy(&(*queue)->pipe);
        buf_fini(&(*queue)->filling.entries);
        buf_fini(&(*queue)->sent.entries);
        free(*queue);
        *queue = NULL;
    }
}

static void batch_clear(struct batch *batch) {
    buf_clear(&batch->entries);
    batch->count = 0;
}

static enum queue_result queue_redis_attach(struct queue *queue, struct slice edge_id,
                                            uint32_t worker, struct queue_position *last,
                                            struct err *err) {
    if (queue->flight == ON_ITS_WAY || queue->told > 0) {
        redis_pipe_disconnect(queue->pipe); /* its replies are nobody's any more */
    }
    queue->told = 0;
    batch_clear(&queue->filling);
    batch_clear(&queue->sent);
    queue->flight = NOTHING_SENT;
    set_key(queue, edge_id, worker);
    if (!redis_pipe_connect(queue->pipe, err)) {
        return QUEUE_UNREACHABLE;
    }
    enum queue_result result = announce(queue, err);
    if (result == QUEUE_OK) {
        result = read_end(queue, last, err);
    }
    queue->end = *last;
    return result;
}

static void format_id(struct queue_position position, struct buf *out) {
    buf_append_u64(out, position.at_ms);
    buf_append_char(out, '-');
    buf_append_u64(out, position.sequence);
}

static enum queue_result queue_redis_contains(struct queue *queue, struct queue_position position,
                                              bool *found, struct err *err) {
    char text[48];
    struct buf id = buf_over(text, sizeof(text));
    ENSURE(queue->flight != ON_ITS_WAY);
    format_id(position, &id);
    struct slice arguments[] = {SLICE("XRANGE"), queue->key_slice, buf_slice(&id), buf_slice(&id)};
    const struct redis_reply *reply = redis_pipe_command(queue->pipe, 4, arguments, err);
    *found = redis_reply_count(reply) > 0;
    if (reply == NULL) {
        return QUEUE_UNREACHABLE;
    }
    if (redis_reply_is_error(reply)) {
        err_set(err, "%s: %.*s", queue->key, SLICE_ARG(redis_reply_text(reply)));
        return QUEUE_REFUSED;
    }
    return QUEUE_OK;
}

static bool queue_redis_add(struct queue *queue, struct queue_position position,
                            const union payload_record *record) {
    struct batch *batch = &queue->filling;
    if (batch->count == QUEUE_BATCH_CLICKS_MAX || batch->entries.size >= BATCH_BYTES_MAX ||
        !buf_reserve(&batch->entries, ENTRY_BYTES_MAX)) {
        return false;
    }
    char text[48];
    struct buf id = buf_over(text, sizeof(text));
    format_id(position, &id);
    buf_append_bytes(&batch->entries, queue->entry_head, queue->entry_head_size);
    append_entry_field_value(&batch->entries, buf_slice(&id));
    payload_fields(
        queue->payload, record,
        &(struct click_visitor){.field = append_entry_field, .argument = &batch->entries});
    ENSURE(!batch->entries.overflowed);
    batch->count++;
    batch->last = position;
    return true;
}

static enum queue_result queue_redis_send(struct queue *queue, struct err *err) {
    ENSURE(queue->flight != ON_ITS_WAY);
    if (queue->flight == NOTHING_SENT) {
        struct batch filled = queue->filling;
        ENSURE(filled.count > 0);
        queue->filling = queue->sent;
        queue->sent = filled;
        batch_clear(&queue->filling);
    }
    if (!queue_batch(queue)) {
        err_set(err, "%s: the connection was lost", queue->key);
        return QUEUE_UNREACHABLE;
    }
    queue->flight = ON_ITS_WAY;
    return redis_pipe_send(queue->pipe, err) ? QUEUE_OK : QUEUE_UNREACHABLE;
}

/* What is to be done after an answer; QUEUE_OK and KEPT: send it again. */
static enum queue_result judge(struct queue *queue, const struct outcome *outcome,
                               struct err *err) {
    bool has_moved = queue_position_compare(outcome->end, queue->end) != 0;
    queue->end = outcome->end;
    queue->flight = NOTHING_SENT;
    if (outcome->disordered || ((outcome->refused || outcome->touched) && has_moved)) {
        err_set(err, "%s: %s", queue->key,
                outcome->reason[0] != '\0' ? outcome->reason : "somebody else changed the stream");
        return QUEUE_CONFLICT;
    }
    if (outcome->refused) {
        queue->flight = KEPT;
        err_set(err, "%s: %s", queue->key, outcome->reason);
        return QUEUE_REFUSED;
    }
    if (outcome->touched) {
        queue->flight = KEPT;
        return QUEUE_OK;
    }
    if (queue_position_compare(outcome->end, queue->sent.last) != 0) {
        err_set(err, "%s: somebody else adds to the stream", queue->key);
        return QUEUE_CONFLICT;
    }
    return QUEUE_OK;
}

static enum queue_result queue_redis_wait(struct queue *queue, struct err *err) {
    ENSURE(queue->flight == ON_ITS_WAY);
    for (unsigned resends = 0;; resends++) {
        struct outcome outcome = {0};
        enum queue_result result = read_outcome(queue, &outcome, err);
        if (result == QUEUE_OK) {
            result = judge(queue, &outcome, err);
        }
        if (result != QUEUE_OK || queue->flight == NOTHING_SENT) {
            return result;
        }
        if (resends == RESENDS_MAX) {
            err_set(err, "%s: somebody else keeps changing the stream", queue->key);
            return QUEUE_REFUSED;
        }
        result = queue_redis_send(queue, err);
        if (result != QUEUE_OK) {
            return result;
        }
    }
}

static enum queue_result queue_redis_tell(struct queue *queue, const struct queue_news *news,
                                          bool at_once, bool *was_refused, struct err *err) {
    ENSURE(queue->flight != ON_ITS_WAY && queue->told == 0);
    struct queue_redis_names names = {.prefix = slice_of(queue->prefix),
                                      .stream = queue->key_slice};
    if (!queue_redis_append_news(queue->pipe, &names, news, &queue->told)) {
        err_set(err, "%s: the connection was lost", queue->key);
        return QUEUE_UNREACHABLE;
    }
    if (at_once && !hear_news_answers(queue, err)) {
        return QUEUE_UNREACHABLE;
    }
    *was_refused = queue->news_was_refused;
    queue->news_was_refused = false;
    return QUEUE_OK;
}

const struct queue_kind queue_redis = {
    .name = "redis",
    .create = queue_redis_create,
    .destroy = queue_redis_destroy,
    .attach = queue_redis_attach,
    .contains = queue_redis_contains,
    .add = queue_redis_add,
    .send = queue_redis_send,
    .wait = queue_redis_wait,
    .tell = queue_redis_tell,
};

static void set_key(struct queue *queue, struct slice edge_id, uint32_t worker) {
    struct buf key = buf_over(queue->key, sizeof(queue->key) - 1);
    buf_append(&key, slice_of(queue->prefix));
    buf_append(&key, slice_of(queue->payload->name));
    buf_append_char(&key, ':');
    buf_append(&key, slice_first(edge_id, EDGE_BYTES_MAX));
    buf_append_char(&key, ':');
    buf_append_u64(&key, worker);
    queue->key[key.size] = '\0';
    queue->key_slice = buf_slice(&key);

    struct buf head = buf_over(queue->entry_head, sizeof(queue->entry_head));
    buf_append_char(&head, '*');
    buf_append_u64(&head, 3 + 2 * queue->payload->field_count);
    buf_append(&head, SLICE("\r\n$4\r\nXADD\r\n"));
    append_entry_field_value(&head, queue->key_slice);
    ENSURE(!key.overflowed && !head.overflowed);
    queue->entry_head_size = head.size;
}

/* Announces the stream, in a transaction: whoever may not use one would only find out with the
 * first batch, whose entries Redis would then take one by one. */
static enum queue_result announce(struct queue *queue, struct err *err) {
    char text[PREFIX_BYTES_MAX + 32];
    struct buf set = buf_over(text, sizeof(text));
    buf_append(&set, slice_of(queue->prefix));
    buf_append(&set, slice_of(queue->payload->set));
    const struct slice unwatch[] = {SLICE("UNWATCH")};
    const struct slice multi[] = {SLICE("MULTI")};
    const struct slice add[] = {SLICE("SADD"), buf_slice(&set), queue->key_slice};
    const struct slice exec[] = {SLICE("EXEC")};
    const struct slice watch[] = {SLICE("WATCH"), queue->key_slice};
    enum queue_result result = QUEUE_OK;

    if (!redis_pipe_append(queue->pipe, 1, unwatch) || !redis_pipe_append(queue->pipe, 1, multi) ||
        !redis_pipe_append(queue->pipe, 3, add) || !redis_pipe_append(queue->pipe, 1, exec) ||
        !redis_pipe_append(queue->pipe, 2, watch)) {
        err_set(err, "%s: the connection was lost", queue->key);
        return QUEUE_UNREACHABLE;
    }
    for (int i = 0; i < 5; i++) {
        const struct redis_reply *reply = redis_pipe_read(queue->pipe, err);
        const struct redis_reply *inner = redis_reply_at(reply, 0);
        const struct redis_reply *failed = redis_reply_is_error(inner) ? inner : reply;
        if (reply == NULL) {
            return QUEUE_UNREACHABLE;
        }
        if (redis_reply_is_error(failed) && result == QUEUE_OK) {
            err_set(err, "%s: %.*s", queue->key, SLICE_ARG(redis_reply_text(failed)));
            result = QUEUE_REFUSED;
        }
    }
    return result;
}

static bool parse_id(struct slice text, struct queue_position *position) {
    struct slice at_ms = slice_split(&text, '-');
    return slice_to_u64(at_ms, UINT64_MAX, &position->at_ms) &&
           slice_to_u64(text, UINT64_MAX, &position->sequence);
}

/* From XINFO STREAM; false, and the reason, when the reply is not what it should be. */
static bool parse_end(const struct redis_reply *reply, struct queue_position *end, char *reason,
                      size_t size) {
    *end = (struct queue_position){0};
    if (redis_reply_is_error(reply)) {
        struct slice text = redis_reply_text(reply);
        snprintf(reason, size, "%.*s", SLICE_ARG(text));
        return slice_starts_with(text, SLICE("ERR no such key"));
    }
    size_t count = redis_reply_count(reply);
    for (size_t i = 0; i + 1 < count; i += 2) {
        if (slice_equal(redis_reply_text(redis_reply_at(reply, i)), SLICE("last-generated-id")) &&
            parse_id(redis_reply_text(redis_reply_at(reply, i + 1)), end)) {
            return true;
        }
    }
    snprintf(reason, size, "XINFO STREAM does not name the last id");
    return false;
}

static enum queue_result read_end(struct queue *queue, struct queue_position *end,
                                  struct err *err) {
    char reason[200];
    const struct slice info[] = {SLICE("XINFO"), SLICE("STREAM"), queue->key_slice};
    const struct redis_reply *reply = redis_pipe_command(queue->pipe, 3, info, err);
    if (reply == NULL) {
        return QUEUE_UNREACHABLE;
    }
    if (!parse_end(reply, end, reason, sizeof(reason))) {
        err_set(err, "%s: %s", queue->key, reason);
        return QUEUE_REFUSED;
    }
    return QUEUE_OK;
}

static bool append_entry_field_value(struct buf *out, struct slice value) {
    buf_append_char(out, '$');
    buf_append_u64(out, value.size);
    buf_append(out, SLICE("\r\n"));
    buf_append(out, value);
    return buf_append(out, SLICE("\r\n"));
}

/* Room for the whole entry was made before, so that this is nothing but copying. */
static void append_entry_field(void *argument, struct slice name, struct slice value) {
    append_entry_field_value(argument, name);
    append_entry_field_value(argument, value);
}

static bool queue_batch(struct queue *queue) {
    const struct slice multi[] = {SLICE("MULTI")};
    const struct slice exec[] = {SLICE("EXEC")};
    const struct slice watch[] = {SLICE("WATCH"), queue->key_slice};
    const struct slice info[] = {SLICE("XINFO"), SLICE("STREAM"), queue->key_slice};
    return redis_pipe_append(queue->pipe, 1, multi) &&
           redis_pipe_append_resp(queue->pipe, buf_slice(&queue->sent.entries),
                                  queue->sent.count) &&
           redis_pipe_append(queue->pipe, 1, exec) && redis_pipe_append(queue->pipe, 2, watch) &&
           redis_pipe_append(queue->pipe, 3, info);
}

/* Whatever they are, the clicks go on. */
static bool hear_news_answers(struct queue *queue, struct err *err) {
    for (; queue->told > 0; queue->told--) {
        const struct redis_reply *reply = redis_pipe_read(queue->pipe, err);
        if (reply == NULL) {
            return false;
        }
        queue->news_was_refused |= redis_reply_is_error(reply);
    }
    return true;
}

static void note_error(struct outcome *outcome, const struct redis_reply *reply) {
    if (outcome->reason[0] == '\0') {
        snprintf(outcome->reason, sizeof(outcome->reason), "%.*s",
                 SLICE_ARG(redis_reply_text(reply)));
    }
}

/* The array of EXEC, one id an entry; nil when the stream was touched; or an error. */
static void read_exec(const struct redis_reply *reply, size_t count, struct outcome *outcome) {
    if (redis_reply_is_error(reply)) {
        outcome->refused = true;
        note_error(outcome, reply);
        return;
    }
    outcome->touched = redis_reply_is_nil(reply);
    outcome->disordered = !outcome->touched && redis_reply_count(reply) != count;
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        if (redis_reply_is_error(redis_reply_at(reply, i))) {
            outcome->disordered = true;
            note_error(outcome, redis_reply_at(reply, i));
        }
    }
}

static enum queue_result read_outcome(struct queue *queue, struct outcome *outcome,
                                      struct err *err) {
    size_t count = queue->sent.count;
    const struct redis_reply *reply = NULL;

    if (!hear_news_answers(queue, err)) {
        return QUEUE_UNREACHABLE;
    }
    for (size_t i = 0; i < count + 4; i++) {
        reply = redis_pipe_read(queue->pipe, err);
        if (reply == NULL) {
            return QUEUE_UNREACHABLE;
        }
        if (i == count + 1) {
            read_exec(reply, count, outcome);
        } else if (redis_reply_is_error(reply)) {
            note_error(outcome, reply);
        }
    }
    char reason[sizeof(outcome->reason)];
    if (!parse_end(reply, &outcome->end, reason, sizeof(reason))) {
        outcome->disordered = true;
        if (outcome->reason[0] == '\0') {
            memcpy(outcome->reason, reason, sizeof(reason));
        }
    }
    return QUEUE_OK;
}
