/*
 * collector.c - see stats/collector.h: the thread, its rounds, and what others see of it.
 *
 *   connect ► zone ► streams and marks ► which have news ► pump one after the other ► ...
 *      ▲                                                                               │
 *      └──── unreachable, refused, another zone: backoff with jitter ◄─────────────────┘
 *
 * A round that finds nothing is followed by 200 ms of sleep, one that finds something by the next.
 * Two connections: what is read in bulk comes over one, so that it need not be parsed before
 * something else can be asked over the other.
 */
#include "stats/collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "collector_private.h"

enum {
    TIMEOUT_MS = 2000,
    ROUND_MS = 200,
    ZONE_INTERVAL_MS = 5000,
    RETRY_FIRST_MS = 100,
    RETRY_MAX_MS = 2000,
    ZONE_RETRY_MS = 5000,
    REPEAT_LOG_MS = 60000,
    FINISH_MS = 1000,      /* after the end was asked for, to count what is there */
    BEHIND_MAX_MS = 60000, /* further behind, it is said to be */
};

static const struct metric collector_metrics[COLLECT_METRIC_COUNT] = {
    [COLLECT_CLICKS] = {.name = "brinco_collector_clicks_total",
                        .help = "Clicks counted by this process.",
                        .type = METRIC_COUNTER},
    [COLLECT_MALFORMED] = {.name = "brinco_collector_malformed_total",
                           .help = "Entries of streams that are no clicks, and were passed over.",
                           .type = METRIC_COUNTER},
    [COLLECT_BATCHES] = {.name = "brinco_collector_batches_total",
                         .help = "Batches applied.",
                         .type = METRIC_COUNTER},
    [COLLECT_LOST_RACES] = {.name = "brinco_collector_lost_races_total",
                            .help = "Batches not applied because the stream's mark had moved.",
                            .type = METRIC_COUNTER},
    [COLLECT_DAMAGED] = {.name = "brinco_collector_damaged_total",
                         .help = "Times that a key or field of the rollups could not be added to.",
                         .type = METRIC_COUNTER},
    [COLLECT_FOLDED] = {.name = "brinco_collector_folded_total",
                        .help = "Taps some of whose texts were given up as \"other\", once for "
                                "each list of the day that was full: link, campaign, whole.",
                        .type = METRIC_COUNTER},
    [COLLECT_TRIMMED] = {.name = "brinco_collector_trimmed_total",
                         .help = "Entries taken off streams: counted, and old enough.",
                         .type = METRIC_COUNTER},
    [COLLECT_FORGOTTEN] = {.name = "brinco_collector_streams_let_go_total",
                           .help = "Streams let go of because their edges are silent.",
                           .type = METRIC_COUNTER},
    [COLLECT_COMPACTED] = {.name = "brinco_collector_compacted_total",
                           .help = "Days of links whose hours were made into the day.",
                           .type = METRIC_COUNTER},
    [COLLECT_LIMITED] = {.name = "brinco_collector_limits_written_total",
                         .help = "Times that the counted clicks of a link with max_clicks were "
                                 "looked up for its field `used`.",
                         .type = METRIC_COUNTER},
    [COLLECT_REFUSED] = {.name = "brinco_collector_refused_total",
                         .help = "Times that Redis would not take anything: out of memory, "
                                 "read-only, loading, or not permitted.",
                         .type = METRIC_COUNTER},
    [COLLECT_UNREACHABLE] = {.name = "brinco_collector_unreachable_total",
                             .help = "Times that Redis did not answer.",
                             .type = METRIC_COUNTER},
    [COLLECT_STREAMS] = {.name = "brinco_collector_streams",
                         .help = "Streams known.",
                         .type = METRIC_GAUGE_MAX},
    [COLLECT_STREAMS_FAILING] = {.name = "brinco_collector_streams_failing",
                                 .help = "Streams that cannot be counted; the log says why.",
                                 .type = METRIC_GAUGE_MAX},
    [COLLECT_STREAMS_LEFT_OUT] = {.name = "brinco_collector_streams_left_out",
                                  .help = "Names in the set of streams that are too long, or more "
                                          "than can be counted.",
                                  .type = METRIC_GAUGE_MAX},
    [COLLECT_LAG_RECORDS] = {.name = "brinco_collector_lag_records",
                             .help = "Entries of streams not yet counted, by their sequences.",
                             .type = METRIC_GAUGE_MAX},
    [COLLECT_LAG_SECONDS] = {.name = "brinco_collector_lag_seconds",
                             .help = "Age of the oldest entry not yet counted.",
                             .type = METRIC_GAUGE_MAX,
                             .scale = 0.001},
    [COLLECT_CONNECTED] = {.name = "brinco_collector_connected",
                           .help = "1 when Redis answered last time.",
                           .type = METRIC_GAUGE},
};

static void *collect(void *argument);
static void release(struct collector *c);

struct collector *collector_start(const struct collector_options *options, struct err *err) {
    if (options->key_prefix.size > COLLECTOR_PREFIX_BYTES_MAX) {
        err_set(err, "redis.prefix is longer than %d bytes", COLLECTOR_PREFIX_BYTES_MAX);
        return NULL;
    }
    struct collector *c = calloc(1, sizeof(*c));
    pthread_condattr_t attributes;
    ENSURE(c != NULL);
    c->key_prefix = options->key_prefix;
    c->zone = options->zone;
    c->log = options->log;
    c->metrics = metric_set_create(options->metrics, collector_metrics, COLLECT_METRIC_COUNT);
    c->reader = redis_pipe_create(options->url, TIMEOUT_MS);
    c->writer = redis_pipe_create(options->url, TIMEOUT_MS);
    c->apply = apply_create(&(struct apply_options){
        .pipe = c->writer, .key_prefix = options->key_prefix, .zone = options->zone});
    c->fold = fold_create();
    c->people = fold_people_create();
    c->entries = calloc(1, sizeof(*c->entries));
    c->streams = calloc(COLLECTOR_STREAMS_MAX, sizeof(*c->streams));
    ENSURE(c->entries != NULL && c->streams != NULL);
    random_init(&c->random);
    atomic_init(&c->queue_retain_hours, options->queue_retain_hours);
    atomic_init(&c->stats_retain_days, options->stats_retain_days);
    snprintf(c->status.sentence, sizeof(c->status.sentence), "not connected to Redis yet");
    pthread_mutex_init(&c->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int failure = pthread_create(&c->thread, NULL, collect, c);
    if (failure != 0) {
        err_set(err, "the collector's thread: %s", strerror(failure));
        release(c);
        return NULL;
    }
    pthread_setname_np(c->thread, "brinco-collect");
    return c;
}

void collector_stop(struct collector **collector) {
    struct collector *c = *collector;
    if (c == NULL) {
        return;
    }
    pthread_mutex_lock(&c->mutex);
    c->is_stopping = true;
    c->stop_ns = clock_monotonic_ns() + FINISH_MS * COLLECTOR_NS_PER_MS;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
    release(c);
    *collector = NULL;
}

void collector_configure(struct collector *collector, uint32_t queue_retain_hours,
                         uint32_t stats_retain_days) {
    atomic_store(&collector->queue_retain_hours, queue_retain_hours);
    atomic_store(&collector->stats_retain_days, stats_retain_days);
}

bool collector_check(void *collector, struct buf *detail) {
    struct collector *c = collector;
    pthread_mutex_lock(&c->mutex);
    struct collector_status status = c->status;
    pthread_mutex_unlock(&c->mutex);
    buf_append(detail, slice_of(status.sentence));
    return status.counts;
}

static void release(struct collector *c) {
    collector_free_streams(c);
    free(c->streams);
    free(c->entries);
    fold_people_destroy(&c->people);
    fold_destroy(&c->fold);
    apply_destroy(&c->apply);
    redis_pipe_destroy(&c->writer);
    redis_pipe_destroy(&c->reader);
    metric_set_destroy(&c->metrics);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

/* ---- for the other parts ---- */

struct slice collector_key(const struct collector *c, const char *name, char *text) {
    struct buf key = buf_over(text, COLLECTOR_STREAM_BYTES_MAX);
    buf_append(&key, c->key_prefix);
    buf_append(&key, slice_of(name));
    return buf_slice(&key);
}

uint64_t collector_after(struct collector *c, uint64_t now_ns, uint32_t ms) {
    uint64_t jitter_ms = ms / 2 + random_u64(&c->random) % (ms / 2 + 1);
    return now_ns + jitter_ms * COLLECTOR_NS_PER_MS;
}

static void set_status(struct collector *c, const struct collector_status *status) {
    pthread_mutex_lock(&c->mutex);
    c->status = *status;
    pthread_mutex_unlock(&c->mutex);
}

enum collector_step collector_trouble(struct collector *c, enum apply_result result,
                                      const struct err *err) {
    struct collector_status status = {.counts = false};
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    bool may_log = log_allowed(&c->trouble_limit, now_ns, REPEAT_LOG_MS, &held_back);
    c->retry_ms = c->retry_ms == 0 ? RETRY_FIRST_MS : c->retry_ms * 2;
    c->retry_ms = c->retry_ms < RETRY_MAX_MS ? c->retry_ms : RETRY_MAX_MS;
    c->listed_ns = 0;
    switch (result) {
    case APPLY_DONE:
    case APPLY_OTHER_MARK:
        ENSURE(false && "these are no trouble");
        break;
    case APPLY_OTHER_ZONE:
        c->retry_ms = ZONE_RETRY_MS;
        snprintf(
            status.sentence, sizeof(status.sentence),
            "counts nothing: the rollups in Redis are of days of %.64s, stats.timezone is %.*s; "
            "set that back, or %.*sstats:zone to this one",
            err->text, SLICE_ARG(c->zone), SLICE_ARG(c->key_prefix));
        if (may_log) {
            log_event(c->log, LOG_ERROR, "collector_other_zone",
                      "there=%s configured=%.*s meaning=%s", err->text, SLICE_ARG(c->zone),
                      status.sentence);
        }
        break;
    case APPLY_REFUSED:
        metric_add(c->metrics, COLLECT_REFUSED, 1);
        snprintf(status.sentence, sizeof(status.sentence), "Redis refuses: %.300s", err->text);
        if (may_log) {
            log_event(c->log, LOG_ERROR, "collector_refused", "error=%s held_back=%lu", err->text,
                      (unsigned long)held_back);
        }
        break;
    case APPLY_UNREACHABLE:
        metric_add(c->metrics, COLLECT_UNREACHABLE, 1);
        redis_pipe_disconnect(c->writer);
        snprintf(status.sentence, sizeof(status.sentence), "Redis cannot be reached: %.300s",
                 err->text);
        if (may_log) {
            log_event(c->log, LOG_WARN, "collector_redis_lost", "error=%s retry_ms=%u", err->text,
                      c->retry_ms);
        }
        break;
    }
    redis_pipe_disconnect(c->reader); /* what was asked there is nobody's any more */
    fold_people_forget(c->people);
    metric_put(c->metrics, COLLECT_CONNECTED, redis_pipe_is_connected(c->writer) ? 1 : 0);
    set_status(c, &status);
    c->retry_at_ns = collector_after(c, now_ns, c->retry_ms);
    return COLLECTOR_TROUBLE;
}

/* ---- rounds ---- */

/* Whose days the rollups are: ours, if they are nobody's yet. It is a write even where it changes
 * nothing, so a Redis that is full or read-only is found out while there is nothing to count. */
static enum collector_step check_zone(struct collector *c) {
    char text[COLLECTOR_STREAM_BYTES_MAX];
    struct slice key = collector_key(c, "stats:zone", text);
    struct slice set[] = {SLICE("SET"), key, c->zone, SLICE("NX")};
    struct slice get[] = {SLICE("GET"), key};
    struct err err = {""};
    const struct redis_reply *reply = redis_pipe_command(c->writer, 4, set, &err);
    if (reply != NULL && !redis_reply_is_error(reply)) {
        reply = redis_pipe_command(c->writer, 2, get, &err);
    }
    if (reply == NULL) {
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    struct slice zone = redis_reply_text(reply);
    if (slice_equal(zone, c->zone) && !redis_reply_is_error(reply)) {
        c->zone_ns = clock_monotonic_ns();
        return COLLECTOR_ON;
    }
    err_set(&err, "%.*s", SLICE_ARG(zone));
    return collector_trouble(c, redis_reply_is_error(reply) ? APPLY_REFUSED : APPLY_OTHER_ZONE,
                             &err);
}

/* Both connections, and what a new one begins with. */
static enum collector_step connect_redis(struct collector *c) {
    struct err err = {""};
    bool is_new = c->retry_ms != 0 || !redis_pipe_is_connected(c->writer);
    if (!redis_pipe_connect(c->writer, &err) || !redis_pipe_connect(c->reader, &err)) {
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    if (!is_new) {
        return clock_monotonic_ns() - c->zone_ns < ZONE_INTERVAL_MS * COLLECTOR_NS_PER_MS
                   ? COLLECTOR_ON
                   : check_zone(c);
    }
    enum apply_result result = apply_open(c->apply, &err);
    if (result != APPLY_DONE) {
        return collector_trouble(c, result, &err);
    }
    c->listed_ns = 0;
    return check_zone(c);
}

/* Entries not yet counted, by the last id that the stream ever had. */
static enum collector_step measure(struct collector *c, struct collector_stream *stream) {
    struct slice info[] = {SLICE("XINFO"), SLICE("STREAM"), stream->key};
    struct err err = {""};
    const struct redis_reply *reply = redis_pipe_command(c->writer, 3, info, &err);
    if (reply == NULL) {
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct entry_id last;
        if (slice_equal(redis_reply_text(redis_reply_at(reply, i)), SLICE("last-generated-id")) &&
            entry_id_parse(redis_reply_text(redis_reply_at(reply, i + 1)), &last)) {
            stream->lag_records = last.sequence > stream->mark.id.sequence
                                      ? last.sequence - stream->mark.id.sequence
                                      : 0;
        }
    }
    return COLLECTOR_ON;
}

/* What a good round comes to. */
static void publish(struct collector *c) {
    struct collector_status status = {.counts = true};
    const struct collector_stream *failing = NULL;
    uint64_t now_ms = clock_real_ms();
    uint64_t lag = 0, lag_ms = 0, failing_count = 0;
    for (size_t i = 0; i < c->stream_count; i++) {
        const struct collector_stream *stream = &c->streams[i];
        lag += stream->lag_records;
        if (stream->oldest_ms != 0 && stream->oldest_ms < now_ms &&
            now_ms - stream->oldest_ms > lag_ms) {
            lag_ms = now_ms - stream->oldest_ms;
        }
        failing_count += stream->is_failing ? 1 : 0;
        failing = stream->is_failing ? stream : failing;
    }
    metric_put(c->metrics, COLLECT_CONNECTED, 1);
    metric_put(c->metrics, COLLECT_STREAMS, c->stream_count);
    metric_put(c->metrics, COLLECT_STREAMS_FAILING, failing_count);
    metric_put(c->metrics, COLLECT_STREAMS_LEFT_OUT, c->left_out);
    metric_put(c->metrics, COLLECT_LAG_RECORDS, lag);
    metric_put(c->metrics, COLLECT_LAG_SECONDS, lag_ms);
    if (failing != NULL) {
        status.counts = false;
        snprintf(status.sentence, sizeof(status.sentence),
                 "%lu of %zu streams cannot be counted, one of them %.*s: %.200s",
                 (unsigned long)failing_count, c->stream_count,
                 SLICE_ARG(slice_first(failing->key, 100)), failing->why);
    } else if (c->left_out > 0) {
        status.counts = false;
        snprintf(status.sentence, sizeof(status.sentence),
                 "%zu names in the set of streams are not counted: too long, or more than %d",
                 c->left_out, COLLECTOR_STREAMS_MAX);
    } else {
        snprintf(status.sentence, sizeof(status.sentence),
                 "%zu streams are counted, %lu clicks wait%s", c->stream_count, (unsigned long)lag,
                 lag_ms > BEHIND_MAX_MS ? ", the oldest for minutes" : "");
    }
    set_status(c, &status);
}

/* Pumps every stream that has news, beginning with the one after the last of the round before.
 * *got_on: there was one. */
static enum collector_step pump_all(struct collector *c, uint64_t now_ns, bool *got_on) {
    for (size_t i = 0; i < c->stream_count; i++) {
        struct collector_stream *stream = &c->streams[(c->next_stream + i) % c->stream_count];
        if (!stream->has_news || now_ns < stream->not_before_ns) {
            continue;
        }
        enum collector_step step = collector_pump(c, stream);
        if (step == COLLECTOR_ON && stream->has_news) {
            step = measure(c, stream);
        }
        if (step != COLLECTOR_ON) {
            return step;
        }
        *got_on = *got_on || now_ns >= stream->not_before_ns;
    }
    c->next_stream++;
    return COLLECTOR_ON;
}

/* Whether something was counted, and all that there is. */
static enum collector_step go_round(struct collector *c, bool *got_on) {
    uint64_t now_ns = clock_monotonic_ns();
    *got_on = false;
    if (now_ns < c->retry_at_ns) {
        return COLLECTOR_TROUBLE;
    }
    enum collector_step step = connect_redis(c);
    if (step == COLLECTOR_ON) {
        step = collector_list_streams(c, now_ns);
    }
    if (step == COLLECTOR_ON) {
        step = collector_look(c, now_ns);
    }
    if (step == COLLECTOR_ON) {
        step = pump_all(c, now_ns, got_on);
    }
    if (step == COLLECTOR_ON) {
        step = collector_write_limits(c, now_ns, *got_on);
    }
    if (step == COLLECTOR_ON) {
        step = collector_keep(c, now_ns);
    }
    if (step == COLLECTOR_ON) {
        c->retry_ms = 0;
        publish(c);
    }
    return step;
}

static bool is_stopping(struct collector *c, uint64_t *stop_ns) {
    pthread_mutex_lock(&c->mutex);
    bool is_stopping = c->is_stopping;
    *stop_ns = c->stop_ns;
    pthread_mutex_unlock(&c->mutex);
    return is_stopping;
}

static void rest(struct collector *c) {
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t until_ns = now_ns + ROUND_MS * COLLECTOR_NS_PER_MS;
    pthread_mutex_lock(&c->mutex);
    if (!c->is_stopping) {
        struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                                 .tv_nsec = (long)(until_ns % 1000000000)};
        pthread_cond_timedwait(&c->wake, &c->mutex, &until);
    }
    pthread_mutex_unlock(&c->mutex);
}

/* Asked to stop, it goes on until a round that was begun afterwards finds nothing any more, for
 * FINISH_MS at most; what is there then, it counts after the next start. */
static void *collect(void *argument) {
    struct collector *c = argument;
    for (;;) {
        uint64_t stop_ns = 0;
        bool got_on = false;
        bool is_last = is_stopping(c, &stop_ns);
        c->listed_ns = is_last ? 0 : c->listed_ns; /* a stream may have been begun since */
        enum collector_step step = go_round(c, &got_on);
        if (is_last && (step != COLLECTOR_ON || !got_on || clock_monotonic_ns() >= stop_ns)) {
            return NULL;
        }
        if (!got_on) {
            rest(c);
        }
    }
}
