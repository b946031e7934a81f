/*
 * click/shipper.c - see click/shipper.h: the shipping thread and what others see of it.
 *
 * The thread goes round its streams, one step each, as long as any of them gets on; when none
 * does it sleeps, 2 ms at first and up to 20 ms. The streams share nothing but the knowledge
 * that the queue cannot be reached, so that a dead one costs one timeout a round and not one a
 * stream.
 */
#include "click/shipper.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "click/payload.h"
#include "journal_private.h"
#include "shipper_private.h"

enum {
    IDLE_FIRST_MS = 2,
    IDLE_MAX_MS = 20,
    SWEEP_INTERVAL_MS = 1000,
    STOP_PATIENCE_MS = 1000, /* with a queue that takes nothing, when told to stop */
    STREAMS_MAX = 1024,
    MS_PER_HOUR = 3600 * 1000,
};

struct shipper {
    struct ship_context context;
    struct ship_keeper *keeper;
    struct ship_stream *streams;
    size_t stream_count;
    pthread_t thread;
    bool is_finished; /* the thread was joined; the main thread's */
    uint64_t swept_ns;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    bool is_stopping;
    uint64_t stop_ns;     /* ship no longer than this */
    uint64_t patience_ns; /* nor this, while the queue takes nothing */
    uint64_t retain_ms;
    uint64_t disk_bytes_max;

    /* What the last round found; shipper_status() goes on from there, as a round can take as
     * long as the queue's timeout. */
    _Atomic uint64_t lag_records;
    _Atomic uint64_t live_end;  /* the ends of the live journals, added up */
    _Atomic uint64_t oldest_ms; /* Unix time; 0: nothing waits */
};

static bool add_streams(struct shipper *shipper, const struct shipper_options *options,
                        struct err *err);
static void *ship(void *argument);
static uint64_t live_end(const struct shipper *shipper);
static void release(struct shipper *shipper);

/* Whoever looks at a process' threads sees which is which. */
static const char *thread_name(const struct shipper *shipper) {
    return shipper->context.payload == &payload_clicks ? "brinco-ship" : "brinco-ship-cv";
}

struct shipper *shipper_start(const struct shipper_options *options, struct err *err) {
    struct shipper *shipper = calloc(1, sizeof(*shipper));
    pthread_condattr_t attributes;

    ENSURE(shipper != NULL);
    shipper->context.kind = options->kind;
    shipper->context.payload =
        options->queue.payload != NULL ? options->queue.payload : &payload_clicks;
    shipper->context.log = options->log;
    shipper->context.metrics = metric_set_create(
        options->metrics, ship_metrics_of(shipper->context.payload), SHIP_METRIC_COUNT);
    random_init(&shipper->context.random);
    shipper->retain_ms = (uint64_t)options->retain_hours * MS_PER_HOUR;
    shipper->disk_bytes_max = options->disk_bytes_max;
    atomic_init(&shipper->context.is_connected, options->kind == NULL);
    pthread_mutex_init(&shipper->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&shipper->wake, &attributes);
    pthread_condattr_destroy(&attributes);

    if (!add_streams(shipper, options, err)) {
        release(shipper);
        return NULL;
    }
    atomic_init(&shipper->live_end, live_end(shipper));
    shipper->keeper = ship_keeper_start(options->journals, options->journal_count, err);
    if (shipper->keeper == NULL ||
        !ship_start_thread(&shipper->thread, thread_name(shipper), ship, shipper, err)) {
        release(shipper);
        return NULL;
    }
    return shipper;
}

void shipper_finish(struct shipper *shipper, uint32_t drain_ms) {
    if (shipper->is_finished) {
        return;
    }
    pthread_mutex_lock(&shipper->mutex);
    shipper->is_stopping = true;
    uint64_t now_ns = clock_monotonic_ns();
    uint32_t patience_ms = drain_ms < STOP_PATIENCE_MS ? drain_ms : STOP_PATIENCE_MS;
    shipper->stop_ns = now_ns + (uint64_t)drain_ms * SHIP_NS_PER_MS;
    shipper->patience_ns = now_ns + (uint64_t)patience_ms * SHIP_NS_PER_MS;
    pthread_cond_signal(&shipper->wake);
    pthread_mutex_unlock(&shipper->mutex);
    pthread_join(shipper->thread, NULL);
    shipper->is_finished = true;
}

void shipper_stop(struct shipper **shipper, uint32_t drain_ms) {
    if (*shipper == NULL) {
        return;
    }
    shipper_finish(*shipper, drain_ms);
    release(*shipper);
    *shipper = NULL;
}

void shipper_configure(struct shipper *shipper, uint32_t retain_hours, uint64_t disk_bytes_max,
                       uint32_t sync_interval_ms) {
    pthread_mutex_lock(&shipper->mutex);
    shipper->retain_ms = (uint64_t)retain_hours * MS_PER_HOUR;
    shipper->disk_bytes_max = disk_bytes_max;
    pthread_mutex_unlock(&shipper->mutex);
    ship_keeper_configure(shipper->keeper, disk_bytes_max, sync_interval_ms);
}

static uint64_t live_end(const struct shipper *shipper) {
    uint64_t end = 0;
    for (size_t i = 0; i < shipper->stream_count; i++) {
        if (shipper->streams[i].journal != NULL) {
            end += ship_stream_end(&shipper->streams[i]);
        }
    }
    return end;
}

/* Whether any stream is held up although the queue answers. */
static bool is_refusing(const struct shipper *shipper) {
    for (size_t i = 0; i < shipper->stream_count; i++) {
        if (shipper->streams[i].is_foreign || shipper->streams[i].is_refused) {
            return true;
        }
    }
    return false;
}

struct shipper_status shipper_status(const struct shipper *shipper) {
    struct shipper_status status = {.connected = shipper->context.is_connected,
                                    .refusing = is_refusing(shipper)};
    uint64_t oldest_ms = atomic_load_explicit(&shipper->oldest_ms, memory_order_relaxed);
    uint64_t end_then = atomic_load_explicit(&shipper->live_end, memory_order_relaxed);
    uint64_t now_ms = clock_real_ms();

    if (shipper->context.kind != NULL) {
        uint64_t end = live_end(shipper);
        status.lag_records = atomic_load_explicit(&shipper->lag_records, memory_order_relaxed) +
                             (end > end_then ? end - end_then : 0);
        status.lag_ms = oldest_ms != 0 && oldest_ms < now_ms ? now_ms - oldest_ms : 0;
    }
    return status;
}

static void release(struct shipper *shipper) {
    ship_keeper_stop(&shipper->keeper);
    for (size_t i = 0; i < shipper->stream_count; i++) {
        ship_stream_fini(&shipper->streams[i]);
    }
    free(shipper->streams);
    metric_set_destroy(&shipper->context.metrics);
    pthread_cond_destroy(&shipper->wake);
    pthread_mutex_destroy(&shipper->mutex);
    free(shipper);
}

/* journal NULL: left over. */
static bool add_stream(struct shipper *shipper, const struct shipper_options *options,
                       const char *directory, struct journal *journal, struct err *err) {
    struct ship_stream *stream = &shipper->streams[shipper->stream_count];
    if (shipper->stream_count == STREAMS_MAX) {
        return err_set(err, "%s: more than %d journals", options->journal_directory, STREAMS_MAX);
    }
    stream->context = &shipper->context;
    stream->journal = journal;
    int size = snprintf(stream->directory, sizeof(stream->directory), "%s", directory);
    if (size < 0 || (size_t)size >= sizeof(stream->directory)) {
        return err_set(err, "%s: the path is too long", directory);
    }
    const char *slash = strrchr(directory, '/');
    stream->worker = (uint32_t)strtoul(slash != NULL ? slash + 1 : directory, NULL, 10);
    if (journal != NULL) {
        stream->worker = journal->header.worker;
        memcpy(shipper->context.edge_id, journal->header.edge_id, sizeof(shipper->context.edge_id));
        stream->shipped_sequence = journal_status(journal).next_sequence;
    }
    if (options->kind != NULL) {
        stream->queue = options->kind->create(&options->queue, err);
        if (stream->queue == NULL) {
            return false;
        }
    }
    shipper->stream_count++;
    return true;
}

static bool is_live(const struct shipper *shipper, const char *name) {
    for (size_t i = 0; i < shipper->stream_count; i++) {
        const char *slash = strrchr(shipper->streams[i].directory, '/');
        const char *last = slash != NULL ? slash + 1 : shipper->streams[i].directory;
        if (shipper->streams[i].journal != NULL && strcmp(last, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_journal_name(const char *name) {
    return name[0] >= '0' && name[0] <= '9' && name[1] >= '0' && name[1] <= '9' && name[2] == '\0';
}

static bool add_left_over(struct shipper *shipper, const struct shipper_options *options,
                          DIR *stream, struct err *err) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        char path[SHIP_DIRECTORY_BYTES + 4];
        if (entry == NULL) {
            return errno == 0 ||
                   err_set(err, "%s: %s", options->journal_directory, strerror(errno));
        }
        if (!is_journal_name(entry->d_name) || is_live(shipper, entry->d_name)) {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", options->journal_directory, entry->d_name);
        if (!add_stream(shipper, options, path, NULL, err)) {
            return false;
        }
    }
}

static bool add_streams(struct shipper *shipper, const struct shipper_options *options,
                        struct err *err) {
    shipper->streams = calloc(STREAMS_MAX + 1, sizeof(*shipper->streams));
    ENSURE(shipper->streams != NULL);
    for (size_t i = 0; i < options->journal_count; i++) {
        struct journal *journal = options->journals[i];
        if (!add_stream(shipper, options, journal->directory, journal, err)) {
            return false;
        }
    }
    DIR *stream = opendir(options->journal_directory);
    if (stream == NULL) {
        return err_set(err, "%s: %s", options->journal_directory, strerror(errno));
    }
    bool is_added = add_left_over(shipper, options, stream, err);
    closedir(stream);
    return is_added;
}

static void publish(struct shipper *shipper) {
    struct ship_context *context = &shipper->context;
    uint64_t now_ms = clock_real_ms();
    uint64_t oldest_ms = 0;
    uint64_t lag = 0;
    uint64_t live = 0;

    for (size_t i = 0; i < shipper->stream_count && context->kind != NULL; i++) {
        struct ship_stream *stream = &shipper->streams[i];
        uint64_t end = ship_stream_end(stream);
        uint64_t waiting_ms = 0;
        lag += ship_stream_lag(stream, end, &waiting_ms);
        live += stream->journal != NULL ? end : 0;
        if (waiting_ms != 0 && (oldest_ms == 0 || waiting_ms < oldest_ms)) {
            oldest_ms = waiting_ms;
        }
    }
    atomic_store_explicit(&shipper->lag_records, lag, memory_order_relaxed);
    atomic_store_explicit(&shipper->live_end, live, memory_order_relaxed);
    atomic_store_explicit(&shipper->oldest_ms, oldest_ms, memory_order_relaxed);
    metric_put(context->metrics, SHIP_CONNECTED, context->is_connected);
    metric_put(context->metrics, SHIP_LAG_RECORDS, lag);
    metric_put(context->metrics, SHIP_LAG_SECONDS,
               oldest_ms != 0 && oldest_ms < now_ms ? now_ms - oldest_ms : 0);
}

static void sweep(struct shipper *shipper, uint64_t now_ns) {
    if (shipper->swept_ns != 0 &&
        now_ns - shipper->swept_ns < (uint64_t)SWEEP_INTERVAL_MS * SHIP_NS_PER_MS) {
        return;
    }
    shipper->swept_ns = now_ns;
    pthread_mutex_lock(&shipper->mutex);
    struct ship_sweep_rules rules = {
        .retain_ms = shipper->retain_ms,
        .disk_bytes_max = shipper->disk_bytes_max,
        .now_ms = clock_real_ms(),
        .now_ns = now_ns,
    };
    pthread_mutex_unlock(&shipper->mutex);
    for (size_t i = 0; i < shipper->stream_count; i++) {
        ship_stream_sweep(&shipper->streams[i], &rules);
    }
}

/* One step of every stream; true when any of them got on. */
static bool go_round(struct shipper *shipper) {
    bool got_on = false;
    for (size_t i = 0; i < shipper->stream_count && shipper->context.kind != NULL; i++) {
        got_on |= ship_stream_step(&shipper->streams[i]);
    }
    return got_on;
}

static bool is_done(const struct shipper *shipper) {
    for (size_t i = 0; i < shipper->stream_count && shipper->context.kind != NULL; i++) {
        if (!ship_stream_is_done(&shipper->streams[i])) {
            return false;
        }
    }
    return true;
}

/* Whether to end, and when to end at the latest: what a queue that is away, or refuses, does not
 * get now, it gets after the next start. */
static bool is_stopping(struct shipper *shipper, uint64_t *stop_ns) {
    bool is_taking = shipper->context.is_connected && !is_refusing(shipper);
    pthread_mutex_lock(&shipper->mutex);
    bool is_stopping = shipper->is_stopping;
    *stop_ns = is_taking ? shipper->stop_ns : shipper->patience_ns;
    pthread_mutex_unlock(&shipper->mutex);
    return is_stopping;
}

/* Told to stop, it wakes, and then sleeps no longer than IDLE_FIRST_MS at a time. */
static void rest(struct shipper *shipper, uint32_t sleep_ms) {
    pthread_mutex_lock(&shipper->mutex);
    uint64_t time_ms = shipper->is_stopping ? IDLE_FIRST_MS : sleep_ms;
    uint64_t until_ns = clock_monotonic_ns() + time_ms * SHIP_NS_PER_MS;
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    pthread_cond_timedwait(&shipper->wake, &shipper->mutex, &until);
    pthread_mutex_unlock(&shipper->mutex);
}

/* The workers have stopped, and nothing is left. */
static void tell_closed(struct shipper *shipper) {
    for (size_t i = 0; i < shipper->stream_count && shipper->context.kind != NULL; i++) {
        struct ship_stream *stream = &shipper->streams[i];
        stream->looked_ms = clock_real_ms();
        if (stream->reader != NULL && !ship_stream_tell(stream, true, true)) {
            return; /* logged; nobody is there to tell any more */
        }
    }
}

static void *ship(void *argument) {
    struct shipper *shipper = argument;
    uint32_t sleep_ms = IDLE_FIRST_MS;
    for (;;) {
        /* Asked before the round: only a round that began after the workers had stopped can
         * find that nothing is left. */
        uint64_t stop_ns = 0;
        bool is_last = is_stopping(shipper, &stop_ns);
        bool got_on = go_round(shipper);
        publish(shipper);
        sweep(shipper, clock_monotonic_ns());
        if (is_last && is_done(shipper)) {
            tell_closed(shipper);
            return NULL;
        }
        if (is_last && clock_monotonic_ns() >= stop_ns) {
            return NULL;
        }
        if (got_on) {
            sleep_ms = IDLE_FIRST_MS;
        } else {
            rest(shipper, sleep_ms);
            sleep_ms = sleep_ms * 2 < IDLE_MAX_MS ? sleep_ms * 2 : IDLE_MAX_MS;
        }
    }
}
