/*
 * edge_worker.c - putting a worker together, its clock, and its end.
 */
#include "edge_worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "click/identity.h"
#include "click/journal.h"
#include "click/tally.h"
#include "conf/conf.h"
#include "decide/agent.h"
#include "decide/geo.h"
#include "decide/geo_cache.h"
#include "edge_metrics.h"
#include "link/resolver.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/worker.h"
#include "page_set.h"
#include "session.h"
#include "tap.h"

enum {
    HEAD_TIMEOUT_MS = 10000,
    IDLE_TIMEOUT_MS = 60000,
    WRITE_TIMEOUT_MS = 10000,
    REAL_CLOCK_MS = 10,           /* how old our view of the wall clock may be */
    REFUSE_BEFORE_CLOSE_MS = 200, /* a handshake that is under way is over by then */
    HOLD_TICK_MS = 2,
    HOLD_MS_MAX = 500,   /* how long the first taps may wait for Redis to be connected */
    IDLE_GRACE_MS = 300, /* for a request that is under way on an idle connection */
    DRAIN_TICK_MS = 10,
    MIB = 1024 * 1024,
};

static void on_hold_tick(void *argument);
static void on_drain_tick(void *argument);

void edge_settings_read(struct edge_settings *settings, const struct conf *conf) {
    *settings =
        (struct edge_settings){.redis_timeout_ms = (uint32_t)conf->number[CONF_redis_timeout_ms]};
    struct slice trusted = slice_of(conf->text[CONF_edge_trusted_proxies]);
    ENSURE(cidr_parse_list(trusted, settings->trusted, CIDR_LIST_MAX, &settings->trusted_count));
    snprintf(settings->home_url, sizeof(settings->home_url), "%s", conf->text[CONF_edge_home_url]);
    snprintf(settings->default_campaign, sizeof(settings->default_campaign), "%s",
             conf->text[CONF_edge_default_campaign]);
    snprintf(settings->allowed_hosts, sizeof(settings->allowed_hosts), "%s",
             conf->text[CONF_links_allowed_hosts]);
}

static bool open_journal(struct edge_worker *worker, const struct edge_worker_options *options,
                         struct err *err) {
    const struct conf *conf = options->conf;
    char directory[FILE_PATH_MAX];
    snprintf(directory, sizeof(directory), "%s/journal/%02u", conf->text[CONF_data_dir],
             options->index);
    struct journal_options journal = {
        .directory = directory,
        .edge_id = slice_of(options->identity->edge_id),
        .worker = options->index,
        .segment_bytes = conf->number[CONF_journal_segment_mb] * MIB,
        .disk_bytes_max = conf->number[CONF_journal_max_mb] * MIB / options->worker_count,
        .sync_interval_ms = (uint32_t)conf->number[CONF_journal_sync_ms],
        .log = options->log,
        .metrics = options->metrics,
    };
    if (!file_make_directory(directory, 0700, err)) {
        return false;
    }
    worker->journal = journal_open(&journal, err);
    if (worker->journal == NULL) {
        return false;
    }
    worker->tally = tally_open(&(struct tally_options){
        .directory = directory,
        .edge_id = journal.edge_id,
        .worker = options->index,
        .next_sequence = journal_status(worker->journal).next_sequence,
        .log = options->log,
        .metrics = options->metrics,
    });
    journal_use_tally(worker->journal, worker->tally);
    return true;
}

/* Taps that waited have been answered, several at once. */
static void on_answers_from_redis(void *argument) {
    struct edge_worker *worker = argument;
    conn_loop_flush(worker->conns);
}

static void make_resolver(struct edge_worker *worker, const struct edge_worker_options *options) {
    const struct conf *conf = options->conf;
    struct resolver_options resolver = {
        .base = worker_base(worker->thread),
        .url = options->redis,
        .key_prefix = slice_of(conf->text[CONF_redis_prefix]),
        .timeout_ms = worker->settings.redis_timeout_ms,
        .cache_bytes = conf->number[CONF_cache_max_mb] * MIB / options->worker_count,
        .default_campaign = slice_of(worker->settings.default_campaign),
        .log = options->log,
        .metrics = options->metrics,
        .allowed_hosts = slice_of(worker->settings.allowed_hosts),
        .on_batch_end = on_answers_from_redis,
        .batch_argument = worker,
    };
    worker->resolver = resolver_create(&resolver);
}

static void make_conns(struct edge_worker *worker, const struct edge_worker_options *options) {
    uint64_t connections = options->conf->number[CONF_edge_max_connections];
    struct conn_loop_options conns = {
        .base = worker_base(worker->thread),
        .handler = session_handler(worker),
        .connections_max = (uint32_t)(connections / options->worker_count),
        .head_timeout_ms = HEAD_TIMEOUT_MS,
        .idle_timeout_ms = IDLE_TIMEOUT_MS,
        .write_timeout_ms = WRITE_TIMEOUT_MS,
        .metrics = options->metrics,
    };
    worker->conns = conn_loop_create(&conns);
}

static bool open_listeners(struct edge_worker *worker, const struct edge_worker_options *options,
                           struct err *err) {
    struct slice rest = slice_of(options->conf->text[CONF_edge_listen]);
    struct conf_address address;
    while (conf_next_address(&rest, &address)) {
        struct listener_options listener = {
            .base = worker_base(worker->thread),
            .conns = worker->conns,
            .host = address.host,
            .port = address.port != 0 ? address.port : options->ports[worker->listener_count],
            .is_held = true,
        };
        if (worker->listener_count == EDGE_LISTENERS_MAX) {
            return err_set(err, "edge.listen: more than the %d addresses that are allowed",
                           EDGE_LISTENERS_MAX);
        }
        struct listener *opened = listener_open(&listener, err);
        if (opened == NULL) {
            return err_prefix(err, "edge.listen");
        }
        uint16_t port = listener_port(opened);
        if (worker->index == 0) {
            log_event(options->log, LOG_INFO, "edge_listening", "host=%s port=%u", address.host,
                      (unsigned)port);
        }
        options->ports[worker->listener_count] = port;
        worker->listeners[worker->listener_count++] = opened;
    }
    return true;
}

struct edge_worker *edge_worker_create(const struct edge_worker_options *options, struct err *err) {
    struct edge_worker *worker = calloc(1, sizeof(*worker));
    char name[16];
    ENSURE(worker != NULL);
    snprintf(name, sizeof(name), "edge-%u", options->index);
    worker->index = options->index;
    worker->log = options->log;
    worker->association = options->association;
    worker->tokens = options->tokens;
    worker->pages = page_set_ref(options->pages);
    worker->secret = options->identity->secret;
    visitor_sharer_init(&worker->sharer, worker->secret);
    edge_settings_read(&worker->settings, options->conf);
    random_init(&worker->random);
    worker->metrics = metric_set_create(options->metrics, edge_metrics, EDGE_METRIC_COUNT);
    worker->agents = agent_cache_create(options->agents, random_u64(&worker->random));
    worker->places = geo_cache_create();
    worker->thread = worker_create(name, err);
    if (worker->thread == NULL || !open_journal(worker, options, err)) {
        edge_worker_destroy(&worker);
        return NULL;
    }
    edge_worker_tick(worker, clock_monotonic_ns());
    make_resolver(worker, options);
    make_conns(worker, options);
    if (!open_listeners(worker, options, err)) {
        edge_worker_destroy(&worker);
        return NULL;
    }
    return worker;
}

/* --- the first moments ---------------------------------------------------------------------- */

/* A tap that comes before Redis is connected would get the answer for "Redis is down". So those
 * who connect right after a start wait in the sockets' queues for some milliseconds; when Redis
 * really is down, for HOLD_MS_MAX. */
bool edge_worker_begin(struct edge_worker *worker, struct err *err) {
    for (size_t i = 0; i < worker->listener_count; i++) {
        if (!listener_queue(worker->listeners[i], err)) {
            return err_prefix(err, "edge.listen");
        }
    }
    worker->begun_ns = clock_monotonic_ns();
    worker_tick(worker->thread, HOLD_TICK_MS, on_hold_tick, worker);
    return true;
}

static void on_hold_tick(void *argument) {
    struct edge_worker *worker = argument;
    bool is_ready = resolver_is_connected(worker->resolver) &&
                    resolver_is_tracking(worker->resolver) &&
                    (worker->settings.default_campaign[0] == '\0' ||
                     resolver_default_campaign(worker->resolver) != NULL);
    if (!is_ready && clock_monotonic_ns() - worker->begun_ns < HOLD_MS_MAX * 1000000ull) {
        return;
    }
    worker_tick(worker->thread, 0, NULL, NULL);
    for (size_t i = 0; i < worker->listener_count; i++) {
        listener_release(worker->listeners[i]);
    }
}

static void close_listeners(struct edge_worker *worker) {
    while (worker->listener_count > 0) {
        listener_close(&worker->listeners[--worker->listener_count]);
    }
}

/* What is missing of the journal at the next start was on the disk: no power cut takes that. */
static void close_journal(struct edge_worker *worker) {
    uint64_t last = journal_status(worker->journal).next_sequence - 1;
    journal_close(&worker->journal);
    if (!tally_sync(worker->tally, last)) {
        log_event(worker->log, LOG_ERROR, "tally_sync_failed", "worker=%u error=%s", worker->index,
                  strerror(errno));
    }
    tally_close(&worker->tally);
}

/* Listeners go first, since closing them accepts who waits there; then the resolver, which answers
 * every tap that waits for it. */
void edge_worker_destroy(struct edge_worker **worker) {
    struct edge_worker *gone = *worker;
    if (gone == NULL) {
        return;
    }
    close_listeners(gone);
    if (gone->resolver != NULL) {
        resolver_destroy(&gone->resolver);
    }
    conn_loop_destroy(&gone->conns);
    tap_free_spares(gone);
    worker_destroy(&gone->thread);
    if (gone->journal != NULL) {
        close_journal(gone);
    }
    geo_unref(&gone->geo);
    page_set_unref(&gone->pages);
    geo_cache_destroy(&gone->places);
    agent_cache_destroy(&gone->agents);
    metric_set_destroy(&gone->metrics);
    free(gone);
    *worker = NULL;
}

static void tell_misses(struct edge_worker *worker) {
    struct geo_cache_misses misses = geo_cache_misses(worker->places);
    metric_put(worker->metrics, EDGE_AGENT_MISSES, agent_cache_misses(worker->agents));
    metric_put(worker->metrics, EDGE_PLACE_MISSES, misses.networks);
    metric_put(worker->metrics, EDGE_PLACE_VALUE_MISSES, misses.values);
}

__attribute__((noinline)) static void read_real_clock(struct edge_worker *worker) {
    uint64_t real_ms = clock_real_ms();
    worker->real_synced_ns = worker->now_ns;
    worker->real_offset_ms = real_ms - worker->now_ns / 1000000u;
    http_date_set(&worker->date, real_ms);
    tell_misses(worker);
    if (real_ms < worker->salt.day.begin_ms || real_ms >= worker->salt.day.end_ms) {
        visitor_salt_init(&worker->salt, worker->secret, real_ms);
    }
}

/* The wall clock is asked a hundred times a second at most; between, it goes as fast as the
 * monotonic one. */
void edge_worker_tick(struct edge_worker *worker, uint64_t now_ns) {
    worker->now_ns = now_ns;
    if (UNLIKELY(worker->now_ns - worker->real_synced_ns >= REAL_CLOCK_MS * 1000000ull ||
                 worker->real_synced_ns == 0)) {
        read_real_clock(worker);
    }
}

/* --- draining ------------------------------------------------------------------------------- */

void edge_worker_drain(struct edge_worker *worker, uint32_t drain_ms) {
    for (size_t i = 0; i < worker->listener_count; i++) {
        if (!listener_refuse_new(worker->listeners[i])) {
            log_event(worker->log, LOG_WARN, "drain_filter_refused", "worker=%u", worker->index);
        }
    }
    conn_loop_drain(worker->conns, IDLE_GRACE_MS);
    worker->drain_since_ns = clock_monotonic_ns();
    worker->drain_until_ns = worker->drain_since_ns + (uint64_t)drain_ms * 1000000u;
    worker_tick(worker->thread, DRAIN_TICK_MS, on_drain_tick, worker);
}

static void on_drain_tick(void *argument) {
    struct edge_worker *worker = argument;
    uint64_t now_ns = clock_monotonic_ns();
    bool is_out_of_time = now_ns >= worker->drain_until_ns;
    if (now_ns - worker->drain_since_ns >= REFUSE_BEFORE_CLOSE_MS * 1000000ull || is_out_of_time) {
        close_listeners(worker);
    }
    bool is_done = worker->listener_count == 0 && conn_loop_count(worker->conns) == 0;
    if (is_done || is_out_of_time) {
        worker_tick(worker->thread, 0, NULL, NULL);
        worker_exit(worker->thread);
    }
}
