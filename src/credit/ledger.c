/*
 * ledger.c - see credit/ledger.h: the thread, its rounds, and what others see of it.
 *
 *   connect ► streams ► of each in turn: read, judge, book, until it has no more ► ...
 *      ▲                                                                            │
 *      └──── unreachable, refused: backoff with jitter ◄────────────────────────────┘
 *
 * A round that finds nothing is followed by 200 ms of sleep, one that finds something by the next.
 */
#include "credit/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ledger_private.h"

enum {
    TIMEOUT_MS = 2000,
    ROUND_MS = 200,
    BATCHES_A_TURN = 16, /* then it is another stream's turn */
    RETRY_FIRST_MS = 100,
    RETRY_MAX_MS = 2000,
    REPEAT_LOG_MS = 60000,
    FINISH_MS = 1000, /* after the end was asked for, to judge what is there */
    KEEP_INTERVAL_MS = 60 * 1000,
    MS_PER_HOUR = 3600 * 1000,
    FOUND_BYTES_MAX = 64 * 1024,
};

static void *run(void *argument);
static void release(struct ledger *l);

struct ledger *ledger_start(const struct ledger_options *options, struct err *err) {
    if (options->key_prefix.size > LEDGER_PREFIX_BYTES_MAX) {
        err_set(err, "redis.prefix is longer than %d bytes", LEDGER_PREFIX_BYTES_MAX);
        return NULL;
    }
    struct ledger *l = calloc(1, sizeof(*l));
    pthread_condattr_t attributes;
    ENSURE(l != NULL);
    l->key_prefix = options->key_prefix;
    l->zone = options->zone;
    l->webhooks_max = options->webhooks_max > 0 ? options->webhooks_max : LEDGER_WEBHOOKS_MAX;
    l->has_token_key = options->token_key != NULL;
    if (l->has_token_key) {
        l->token_key = *options->token_key;
    }
    l->log = options->log;
    l->metrics = metric_set_create(options->metrics, ledger_metrics, LEDGER_METRIC_COUNT);
    l->pipe = redis_pipe_create(options->url, TIMEOUT_MS);
    l->batch = calloc(1, sizeof(*l->batch));
    char *bytes = malloc(LEDGER_BYTES_MAX);
    ENSURE(l->batch != NULL && bytes != NULL);
    l->batch->bytes = buf_over(bytes, LEDGER_BYTES_MAX);
    buf_init(&l->found, FOUND_BYTES_MAX);
    random_init(&l->random);
    atomic_init(&l->queue_retain_hours, options->queue_retain_hours);
    atomic_init(&l->stats_retain_days, options->stats_retain_days);
    snprintf(l->status.sentence, sizeof(l->status.sentence), "not connected to Redis yet");
    pthread_mutex_init(&l->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int failure = pthread_create(&l->thread, NULL, run, l);
    if (failure != 0) {
        err_set(err, "the ledger's thread: %s", strerror(failure));
        release(l);
        return NULL;
    }
    pthread_setname_np(l->thread, "brinco-credit");
    return l;
}

void ledger_stop(struct ledger **ledger) {
    struct ledger *l = *ledger;
    if (l == NULL) {
        return;
    }
    pthread_mutex_lock(&l->mutex);
    l->is_stopping = true;
    l->stop_ns = clock_monotonic_ns() + FINISH_MS * LEDGER_NS_PER_MS;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->thread, NULL);
    release(l);
    *ledger = NULL;
}

void ledger_configure(struct ledger *ledger, uint32_t queue_retain_hours,
                      uint32_t stats_retain_days) {
    atomic_store(&ledger->queue_retain_hours, queue_retain_hours);
    atomic_store(&ledger->stats_retain_days, stats_retain_days);
}

bool ledger_check(void *ledger, struct buf *detail) {
    struct ledger *l = ledger;
    pthread_mutex_lock(&l->mutex);
    struct ledger_status status = l->status;
    pthread_mutex_unlock(&l->mutex);
    buf_append(detail, slice_of(status.sentence));
    return status.judges;
}

static void release(struct ledger *l) {
    free(l->batch->bytes.data);
    free(l->batch);
    buf_fini(&l->found);
    redis_pipe_destroy(&l->pipe);
    metric_set_destroy(&l->metrics);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->mutex);
    explicit_bzero(&l->token_key, sizeof(l->token_key));
    free(l);
}

/* ---- for the other parts ---- */

static void set_status(struct ledger *l, const struct ledger_status *status) {
    pthread_mutex_lock(&l->mutex);
    l->status = *status;
    pthread_mutex_unlock(&l->mutex);
}

enum ledger_step ledger_trouble(struct ledger *l, bool is_lost, const struct err *err) {
    struct ledger_status status = {.judges = false};
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    l->retry_ms = l->retry_ms == 0 ? RETRY_FIRST_MS : l->retry_ms * 2;
    l->retry_ms = l->retry_ms < RETRY_MAX_MS ? l->retry_ms : RETRY_MAX_MS;
    metric_add(l->metrics, is_lost ? LEDGER_UNREACHABLE : LEDGER_REFUSED, 1);
    snprintf(status.sentence, sizeof(status.sentence), "Redis %s: %.300s",
             is_lost ? "cannot be reached" : "refuses", err->text);
    if (log_allowed(&l->trouble_limit, now_ns, REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, is_lost ? LOG_WARN : LOG_ERROR,
                  is_lost ? "credit_redis_lost" : "credit_refused", "error=%s held_back=%lu",
                  err->text, (unsigned long)held_back);
    }
    redis_pipe_disconnect(l->pipe); /* what was asked is nobody's any more */
    metric_put(l->metrics, LEDGER_CONNECTED, 0);
    set_status(l, &status);
    uint64_t wait_ms = l->retry_ms / 2 + random_u64(&l->random) % (l->retry_ms / 2 + 1);
    l->retry_at_ns = now_ns + wait_ms * LEDGER_NS_PER_MS;
    return LEDGER_TROUBLE;
}

enum ledger_step ledger_stream_fails(struct ledger *l, struct slice stream, struct slice why) {
    uint64_t held_back;
    l->failing++;
    snprintf(l->why, sizeof(l->why), "%.*s: %.*s", SLICE_ARG(slice_first(stream, 100)),
             SLICE_ARG(slice_first(why, 180)));
    if (log_allowed(&l->stream_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, LOG_ERROR, "conversions_failing", "stream=%.*s error=%.*s held_back=%lu",
                  SLICE_ARG(stream), SLICE_ARG(why), (unsigned long)held_back);
    }
    return LEDGER_NOTHING;
}

/* ---- rounds ---- */

static enum ledger_step connect_redis(struct ledger *l) {
    struct err err = {""};
    if (redis_pipe_is_connected(l->pipe)) {
        return LEDGER_ON;
    }
    if (!redis_pipe_connect(l->pipe, &err)) {
        return ledger_trouble(l, true, &err);
    }
    return ledger_load(l);
}

/* Names of streams, each ended by a NUL: a key with one in it is nobody's. */
struct names {
    char *text;
    size_t count;
    size_t left_out;
};

static enum ledger_step list_streams(struct ledger *l, struct names *names) {
    char key[LEDGER_KEY_BYTES_MAX];
    struct err err = {""};
    struct slice members[] = {SLICE("SMEMBERS"), ledger_key(l, "conversion-streams", key)};
    const struct redis_reply *reply = redis_pipe_command(l->pipe, 2, members, &err);
    if (reply == NULL) {
        return ledger_trouble(l, true, &err);
    }
    if (!redis_reply_is_array(reply)) {
        err_set(&err, "%.*s", SLICE_ARG(slice_first(redis_reply_text(reply), 300)));
        return ledger_trouble(l, false, &err);
    }
    size_t count = redis_reply_count(reply);
    size_t kept = count < LEDGER_STREAMS_MAX ? count : LEDGER_STREAMS_MAX;
    names->text = calloc(kept + 1, LEDGER_KEY_BYTES_MAX + 1);
    ENSURE(names->text != NULL);
    for (size_t i = 0; i < kept; i++) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        if (name.size == 0 || name.size > LEDGER_KEY_BYTES_MAX ||
            memchr(name.data, '\0', name.size) != NULL) {
            continue;
        }
        memcpy(names->text + names->count * (LEDGER_KEY_BYTES_MAX + 1), name.data, name.size);
        names->count++;
    }
    names->left_out = count - names->count;
    return LEDGER_ON;
}

static struct slice name_at(const struct names *names, size_t i) {
    return slice_of(names->text + i * (LEDGER_KEY_BYTES_MAX + 1));
}

/* Judges what one stream has, or a good deal of it. */
static enum ledger_step pump(struct ledger *l, struct slice stream, bool *got_on) {
    for (unsigned i = 0; i < BATCHES_A_TURN; i++) {
        enum ledger_step step = ledger_read(l, stream);
        step = step == LEDGER_ON ? ledger_apply(l) : step;
        if (step != LEDGER_ON) {
            return step;
        }
        *got_on = true;
    }
    return LEDGER_NOTHING;
}

static enum ledger_step trim(struct ledger *l, struct slice stream) {
    char text[24];
    struct buf before = buf_over(text, sizeof(text));
    uint64_t now_ms = clock_real_ms();
    uint64_t kept_ms = (uint64_t)atomic_load(&l->queue_retain_hours) * MS_PER_HOUR;
    buf_append_u64(&before, now_ms > kept_ms ? now_ms - kept_ms : 0);
    struct slice arguments[] = {l->key_prefix, stream, buf_slice(&before)};
    const struct redis_reply *reply =
        ledger_call(l, LEDGER_TRIM, arguments, ARRAY_COUNT(arguments));
    if (reply == NULL) {
        return LEDGER_TROUBLE;
    }
    if (redis_reply_is_error(reply)) {
        return ledger_stream_fails(l, stream, redis_reply_text(reply));
    }
    int64_t gone = redis_reply_integer(reply);
    metric_add(l->metrics, LEDGER_TRIMMED, gone > 0 ? (uint64_t)gone : 0);
    return LEDGER_ON;
}

/* What a good round comes to. */
static void publish(struct ledger *l, const struct names *names) {
    struct ledger_status status = {.judges = l->failing == 0 && names->left_out == 0};
    uint64_t now_ms = clock_real_ms();
    metric_put(l->metrics, LEDGER_CONNECTED, 1);
    metric_put(l->metrics, LEDGER_STREAMS, names->count);
    metric_put(l->metrics, LEDGER_STREAMS_FAILING, l->failing);
    metric_put(l->metrics, LEDGER_STREAMS_LEFT_OUT, names->left_out);
    metric_put(l->metrics, LEDGER_LAG_RECORDS, l->lag);
    metric_put(l->metrics, LEDGER_LAG_SECONDS,
               l->oldest_ms != 0 && l->oldest_ms < now_ms ? now_ms - l->oldest_ms : 0);
    if (l->failing > 0) {
        snprintf(status.sentence, sizeof(status.sentence),
                 "%zu of %zu streams of conversions cannot be judged, one of them %s", l->failing,
                 names->count, l->why);
    } else if (names->left_out > 0) {
        snprintf(status.sentence, sizeof(status.sentence),
                 "%zu names in the set of streams of conversions are left out: too long, or more "
                 "than %d",
                 names->left_out, LEDGER_STREAMS_MAX);
    } else {
        snprintf(status.sentence, sizeof(status.sentence),
                 "%zu streams of conversions are judged, %lu conversions wait", names->count,
                 (unsigned long)l->lag);
    }
    set_status(l, &status);
}

static enum ledger_step go_through(struct ledger *l, const struct names *names, bool *got_on) {
    uint64_t now_ns = clock_monotonic_ns();
    bool is_time = l->kept_ns == 0 || now_ns - l->kept_ns >= KEEP_INTERVAL_MS * LEDGER_NS_PER_MS;
    l->failing = 0;
    l->lag = l->oldest_ms = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct slice stream = name_at(names, i);
        size_t failing = l->failing;
        enum ledger_step step = pump(l, stream, got_on);
        l->lag += l->stream_lag;
        if (l->stream_oldest_ms != 0 && (l->oldest_ms == 0 || l->stream_oldest_ms < l->oldest_ms)) {
            l->oldest_ms = l->stream_oldest_ms;
        }
        if (is_time && step != LEDGER_TROUBLE && l->failing == failing) {
            step = trim(l, stream);
        }
        if (step == LEDGER_TROUBLE) {
            return step;
        }
    }
    l->kept_ns = is_time ? now_ns : l->kept_ns;
    l->retry_ms = 0;
    publish(l, names);
    return LEDGER_ON;
}

static enum ledger_step go_round(struct ledger *l, bool *got_on) {
    struct names names = {NULL, 0, 0};
    *got_on = false;
    if (clock_monotonic_ns() < l->retry_at_ns) {
        return LEDGER_TROUBLE;
    }
    enum ledger_step step = connect_redis(l);
    if (step == LEDGER_ON) {
        step = list_streams(l, &names);
    }
    if (step == LEDGER_ON) {
        step = go_through(l, &names, got_on);
    }
    free(names.text);
    return step;
}

static bool is_stopping(struct ledger *l, uint64_t *stop_ns) {
    pthread_mutex_lock(&l->mutex);
    bool is_stopping = l->is_stopping;
    *stop_ns = l->stop_ns;
    pthread_mutex_unlock(&l->mutex);
    return is_stopping;
}

static void rest(struct ledger *l) {
    uint64_t until_ns = clock_monotonic_ns() + ROUND_MS * LEDGER_NS_PER_MS;
    pthread_mutex_lock(&l->mutex);
    if (!l->is_stopping) {
        struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                                 .tv_nsec = (long)(until_ns % 1000000000)};
        pthread_cond_timedwait(&l->wake, &l->mutex, &until);
    }
    pthread_mutex_unlock(&l->mutex);
}

/* Asked to stop, it goes on until a round that was begun afterwards finds nothing any more, for
 * FINISH_MS at most; what is there then, it judges after the next start. */
static void *run(void *argument) {
    struct ledger *l = argument;
    for (;;) {
        uint64_t stop_ns = 0;
        bool got_on = false;
        bool is_last = is_stopping(l, &stop_ns);
        enum ledger_step step = go_round(l, &got_on);
        if (is_last && (step != LEDGER_ON || !got_on || clock_monotonic_ns() >= stop_ns)) {
            return NULL;
        }
        if (!got_on) {
            rest(l);
        }
    }
}
