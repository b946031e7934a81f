/*
 * serve.c - `brinco serve`: the program's main job, from configuration to a drained exit.
 *
 * The main thread puts the roles together, then waits for signals and looks after what changes
 * slowly: the GeoIP file, reloads, and the end. All taps, shipping and the admin side happen on
 * other threads.
 *
 *   SIGHUP            configuration and GeoIP are read again; a bad file changes nothing
 *   SIGTERM, SIGINT   no new connections, what was read is answered, journals are synced, exit 0
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "click/identity.h"
#include "click/shipper.h"
#include "cmd.h"
#include "cmd/main.h"
#include "conf/conf.h"
#include "credit/ledger.h"
#include "credit/webhook.h"
#include "decide/geo.h"
#include "edge/edge.h"
#include "serve_private.h"
#include "stats/collector.h"

enum { TICK_S = 1, MIB = 1024 * 1024 };

static const char help[] =
    "Usage: brinco serve [-c FILE] [-o SECTION.KEY=VALUE ...]\n"
    "\n"
    "Answers taps, ships clicks to the queue and serves the admin side, until SIGTERM.\n"
    "SIGHUP reads the configuration and the GeoIP database again.\n"
    "\n"
    "  -c FILE                configuration file; default: conf/brinco.conf\n"
    "  -o SECTION.KEY=VALUE   overrides one key; `brinco config` lists them all\n"
    "\n"
    "Example:\n"
    "  brinco serve -o edge.listen=0.0.0.0:8080 -o redis.url=unix:///run/redis/redis.sock\n";

static const struct cmd_syntax syntax = {.name = "serve", .help = help};

enum process_metric {
    PROCESS_START_TIME,
    PROCESS_BUILD,
    PROCESS_LOG_DROPPED,
    PROCESS_GEO_LOADED,
    PROCESS_RELOADS_OK,
    PROCESS_RELOADS_FAILED,
    PROCESS_METRIC_COUNT,
};

static const struct metric process_metrics[PROCESS_METRIC_COUNT] = {
    [PROCESS_START_TIME] = {.name = "process_start_time_seconds",
                            .help = "Unix time at which the process started.",
                            .type = METRIC_GAUGE,
                            .scale = 0.001},
    [PROCESS_BUILD] = {.name = "brinco_build_info",
                       .labels = "version=\"" BRINCO_VERSION "\"",
                       .help = "Always 1; the label says which version runs.",
                       .type = METRIC_GAUGE},
    [PROCESS_LOG_DROPPED] = {.name = "brinco_log_lines_dropped_total",
                             .help = "Log lines that a full pipe on stderr cost.",
                             .type = METRIC_COUNTER},
    [PROCESS_GEO_LOADED] = {.name = "brinco_geo_loaded",
                            .help = "1 while a GeoIP database is in use.",
                            .type = METRIC_GAUGE},
    [PROCESS_RELOADS_OK] = {.name = "brinco_reloads_total",
                            .labels = "result=\"ok\"",
                            .help = "Reloads of the configuration, by their result.",
                            .type = METRIC_COUNTER},
    [PROCESS_RELOADS_FAILED] = {.name = "brinco_reloads_total",
                                .labels = "result=\"failed\"",
                                .help = "Reloads of the configuration, by their result.",
                                .type = METRIC_COUNTER},
};

static int run(const struct cmd_line *line, struct conf *conf);

int cmd_serve(const struct cmd *cmd) {
    struct cmd_line line;
    int status;
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    struct conf *conf = cmd_conf(&line);
    return conf == NULL ? CMD_USAGE : run(&line, conf);
}

/* --- starting ------------------------------------------------------------------------------- */

/* As many descriptors as we may have: connections are what we are for. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool start_edge(struct serve *serve, struct err *err) {
    struct edge_options options = {.conf = serve->conf,
                                   .identity = &serve->identity,
                                   .log = serve->log,
                                   .metrics = serve->metrics};
    struct slice edge_id = slice_of(serve->conf->text[CONF_edge_id]);
    if (!identity_open(serve->conf->text[CONF_data_dir], edge_id, &serve->identity, err)) {
        return false;
    }
    serve->has_identity = true;
    serve->edge = edge_create(&options, err);
    return serve->edge != NULL;
}

static uint64_t journal_bytes_max(const struct serve *serve, const struct conf *conf) {
    size_t journals;
    edge_journals(serve->edge, &journals);
    return conf->number[CONF_journal_max_mb] * MIB / journals;
}

static const struct queue_kind *queue_kind(const struct conf *conf) {
    /* In the order of the choices of queue.kind. */
    static const struct queue_kind *const kinds[] = {&queue_redis, &queue_kafka, NULL};
    ENSURE(conf->number[CONF_queue_kind] < ARRAY_COUNT(kinds));
    return kinds[conf->number[CONF_queue_kind]];
}

struct shipper_options serve_shipper_options(const struct serve *serve) {
    const struct conf *conf = serve->conf;
    return (struct shipper_options){
        .kind = queue_kind(conf),
        .queue = {.url = &serve->redis,
                  .key_prefix = slice_of(conf->text[CONF_redis_prefix]),
                  .kafka_brokers = slice_of(conf->text[CONF_queue_kafka_brokers]),
                  .kafka_topic = slice_of(conf->text[CONF_queue_kafka_topic]),
                  .kafka_properties = conf->text[CONF_queue_kafka_properties],
                  .log = serve->log},
        .retain_hours = (uint32_t)conf->number[CONF_journal_retain_hours],
        .log = serve->log,
        .metrics = serve->metrics,
    };
}

static bool start_shipper(struct serve *serve, struct err *err) {
    char directory[4096];
    size_t journals;
    snprintf(directory, sizeof(directory), "%s/journal", serve->conf->text[CONF_data_dir]);
    struct shipper_options options = serve_shipper_options(serve);
    options.journal_directory = directory;
    options.journals = edge_journals(serve->edge, &journals);
    options.journal_count = journals;
    options.disk_bytes_max = journal_bytes_max(serve, serve->conf);
    serve->shipper = shipper_start(&options, err);
    return serve->shipper != NULL;
}

/* Without streams in Redis there is nothing to count from: that is said, and is no error. */
static bool start_collector(struct serve *serve, struct err *err) {
    const struct conf *conf = serve->conf;
    if (queue_kind(conf) != &queue_redis) {
        log_event(serve->log, LOG_INFO, "collector_idle", "queue=%s meaning=%s",
                  conf->text[CONF_queue_kind],
                  "clicks are counted from Redis streams, and queue.kind makes none");
        return true;
    }
    struct collector_options options = {
        .url = &serve->redis,
        .key_prefix = slice_of(conf->text[CONF_redis_prefix]),
        .zone = slice_of(conf->text[CONF_stats_timezone]),
        .queue_retain_hours = (uint32_t)conf->number[CONF_queue_retain_hours],
        .stats_retain_days = (uint32_t)conf->number[CONF_stats_retain_days],
        .log = serve->log,
        .metrics = serve->metrics,
    };
    serve->collector = collector_start(&options, err);
    return serve->collector != NULL;
}

static bool start_api(struct serve *serve, struct err *err) {
    struct api_check checks[API_CHECKS_MAX];
    struct api_options options = {
        .listen = slice_of(serve->conf->text[CONF_api_listen]),
        .checks = checks,
        .check_count = serve_checks(serve, checks),
        .url = &serve->redis,
        .redis_timeout_ms = (uint32_t)serve->conf->number[CONF_redis_timeout_ms],
        .key_prefix = slice_of(serve->conf->text[CONF_redis_prefix]),
        .zone = slice_of(serve->conf->text[CONF_stats_timezone]),
        .stats_retain_days = (uint32_t)serve->conf->number[CONF_stats_retain_days],
        .history_entries = (uint32_t)serve->conf->number[CONF_history_entries],
        .queue_retain_hours = (uint32_t)serve->conf->number[CONF_queue_retain_hours],
        .allowed_hosts = slice_of(serve->conf->text[CONF_links_allowed_hosts]),
        .intake = serve->intake,
        .intake_fault = slice_of(serve->intake_fault.text),
        .metrics = serve->metrics,
        .log = serve->log,
    };
    serve->api = api_start(&options, err);
    return serve->api != NULL;
}

static void poll_geo(struct serve *serve) {
    struct geo *geo = NULL;
    struct err err = {""};
    switch (geo_watch_poll(serve->geo_watch, &geo, &err)) {
    case GEO_UNCHANGED:
        break;
    case GEO_OPENED: {
        char text[256];
        geo_describe(geo, text, sizeof(text));
        log_event(serve->log, LOG_INFO, "geo_opened", "database=%s", text);
        edge_set_geo(serve->edge, geo);
        geo_unref(&geo);
        atomic_store(&serve->is_geo_current, true);
        metric_put(serve->process, PROCESS_GEO_LOADED, 1);
        break;
    }
    case GEO_FAILED:
        log_event(serve->log, LOG_ERROR, "geo_failed", "error=%s", err.text);
        atomic_store(&serve->is_geo_current, false);
        break;
    }
}

/* Looks at the database named in conf from now on; none: country stays empty. */
static void watch_geo(struct serve *serve, const struct conf *conf) {
    const char *path = conf->text[CONF_geo_database];
    if (serve->geo_watch != NULL) {
        geo_watch_destroy(&serve->geo_watch);
    }
    if (serve->edge == NULL) {
        return;
    }
    atomic_store(&serve->is_geo_named, path[0] != '\0');
    if (path[0] == '\0') {
        edge_set_geo(serve->edge, NULL);
        metric_put(serve->process, PROCESS_GEO_LOADED, 0);
        atomic_store(&serve->is_geo_current, true);
        return;
    }
    serve->geo_watch = geo_watch_create(path);
    poll_geo(serve);
}

static bool start_roles(struct serve *serve, struct err *err) {
    const struct conf *conf = serve->conf;
    uint64_t roles = conf->number[CONF_serve_roles];
    if (!clock_set_zone(conf->text[CONF_stats_timezone], err) ||
        !redis_url_parse(slice_of(conf->text[CONF_redis_url]), &serve->redis, err)) {
        return false;
    }
    if ((roles & CONF_ROLE_EDGE) != 0) {
        if (!start_edge(serve, err)) {
            return false;
        }
        watch_geo(serve, conf);
        if (!start_shipper(serve, err)) {
            return false;
        }
    }
    if ((roles & CONF_ROLE_API) != 0) {
        serve_open_intake(serve); /* before those who ask for the secret */
    }
    if ((roles & CONF_ROLE_COLLECTOR) != 0 &&
        (!start_collector(serve, err) || !serve_start_ledger(serve, err) ||
         !serve_start_webhook(serve, err))) {
        return false;
    }
    if ((roles & CONF_ROLE_API) != 0 && !start_api(serve, err)) {
        return false;
    }
    /* Last: from here on there are taps. */
    return serve->edge == NULL || edge_start(serve->edge, err);
}

/* --- running -------------------------------------------------------------------------------- */

static void reload(struct serve *serve) {
    struct err err = {""};
    enum conf_key keys[CONF_KEY_COUNT];
    struct conf *conf = cmd_read_conf(&serve->source, &err);
    if (conf == NULL) {
        metric_add(serve->process, PROCESS_RELOADS_FAILED, 1);
        log_event(serve->log, LOG_ERROR, "reload_refused", "error=%s", err.text);
        return;
    }
    if (serve->edge != NULL && !edge_allows(serve->edge, conf, &err)) {
        metric_add(serve->process, PROCESS_RELOADS_FAILED, 1);
        log_event(serve->log, LOG_ERROR, "reload_refused", "error=%s", err.text);
        conf_destroy(&conf);
        return;
    }
    size_t count = conf_needs_restart(serve->conf, conf, keys, CONF_KEY_COUNT);
    for (size_t i = 0; i < count; i++) {
        log_event(serve->log, LOG_WARN, "reload_needs_restart", "key=%s", conf_key_name(keys[i]));
    }
    log_configure(serve->log, (enum log_format)conf->number[CONF_log_format],
                  (enum log_level)conf->number[CONF_log_level]);
    if (serve->edge != NULL) {
        edge_reload(serve->edge, conf);
        shipper_configure(serve->shipper, (uint32_t)conf->number[CONF_journal_retain_hours],
                          journal_bytes_max(serve, conf),
                          (uint32_t)conf->number[CONF_journal_sync_ms]);
    }
    serve_configure_intake(serve, conf);
    if (serve->collector != NULL) {
        collector_configure(serve->collector, (uint32_t)conf->number[CONF_queue_retain_hours],
                            (uint32_t)conf->number[CONF_stats_retain_days]);
    }
    if (serve->ledger != NULL) {
        ledger_configure(serve->ledger, (uint32_t)conf->number[CONF_queue_retain_hours],
                         (uint32_t)conf->number[CONF_stats_retain_days]);
    }
    if (serve->api != NULL) {
        api_configure(serve->api, (uint32_t)conf->number[CONF_stats_retain_days],
                      (uint32_t)conf->number[CONF_history_entries],
                      (uint32_t)conf->number[CONF_queue_retain_hours]);
        api_set_hosts(serve->api, slice_of(conf->text[CONF_links_allowed_hosts]));
    }
    watch_geo(serve, conf);
    serve->drain_ms = (uint32_t)conf->number[CONF_serve_drain_ms];
    conf_destroy(&conf);
    metric_add(serve->process, PROCESS_RELOADS_OK, 1);
    log_event(serve->log, LOG_INFO, "reloaded", NULL);
}

/* Until it is time to stop. */
static void wait_for_signals(struct serve *serve, const sigset_t *signals) {
    struct timespec tick = {.tv_sec = TICK_S};
    for (;;) {
        int received = sigtimedwait(signals, NULL, &tick);
        if (received == SIGTERM || received == SIGINT) {
            log_event(serve->log, LOG_INFO, "stopping", "signal=%s", strsignal(received));
            return;
        }
        if (received == SIGHUP) {
            reload(serve);
        }
        if (serve->geo_watch != NULL) {
            poll_geo(serve);
        }
        if (serve->edge != NULL) {
            edge_keep_default(serve->edge);
        }
        metric_put(serve->process, PROCESS_LOG_DROPPED, log_dropped(serve->log));
    }
}

/* Workers first, then what they wrote is shipped, then who watches is told no more, and what was
 * shipped is counted. */
static void stop_roles(struct serve *serve) {
    uint64_t begun_ns = clock_monotonic_ns();
    webhook_drain(serve->webhook);
    if (serve->edge != NULL) {
        edge_stop(serve->edge, serve->drain_ms);
    }
    uint64_t spent_ms = (clock_monotonic_ns() - begun_ns) / 1000000u;
    if (serve->shipper != NULL) {
        shipper_finish(serve->shipper,
                       spent_ms < serve->drain_ms ? serve->drain_ms - (uint32_t)spent_ms : 0);
    }
    api_stop(&serve->api); /* it asks all others how they are */
    serve_close_intake(serve, begun_ns);
    collector_stop(&serve->collector);
    ledger_stop(&serve->ledger);
    serve_stop_webhook(serve, begun_ns);
    shipper_stop(&serve->shipper, 0);
    if (serve->geo_watch != NULL) {
        geo_watch_destroy(&serve->geo_watch);
    }
    edge_destroy(&serve->edge);
    if (serve->has_identity) {
        identity_close(&serve->identity);
    }
}

static int run(const struct cmd_line *line, struct conf *conf) {
    struct serve serve = {.conf = conf, .identity = {.lock_fd = -1}};
    struct err err = {""};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    raise_descriptor_limit();
    serve.source = (struct conf_source){
        .path = line->config, .overrides = line->overrides, .override_count = line->override_count};
    serve.drain_ms = (uint32_t)conf->number[CONF_serve_drain_ms];
    serve.log = log_create(STDERR_FILENO, (enum log_format)conf->number[CONF_log_format],
                           (enum log_level)conf->number[CONF_log_level]);
    serve.metrics = metric_registry_create();
    serve.process = metric_set_create(serve.metrics, process_metrics, PROCESS_METRIC_COUNT);
    metric_put(serve.process, PROCESS_START_TIME, clock_real_ms());
    metric_put(serve.process, PROCESS_BUILD, 1);

    bool is_started = start_roles(&serve, &err);
    if (is_started) {
        log_event(serve.log, LOG_INFO, "started", "version=%s roles=%s edge=%s listen=%s",
                  BRINCO_VERSION, conf->text[CONF_serve_roles],
                  serve.has_identity ? serve.identity.edge_id : "",
                  serve.edge != NULL ? conf->text[CONF_edge_listen] : "");
        wait_for_signals(&serve, &signals);
    }
    if (!is_started) {
        serve.drain_ms = 0; /* there is nothing to drain */
        log_event(serve.log, LOG_ERROR, "not_started", "error=%s", err.text);
    }
    stop_roles(&serve);
    if (is_started) {
        log_event(serve.log, LOG_INFO, "stopped", NULL);
    }
    metric_set_destroy(&serve.process);
    metric_registry_destroy(&serve.metrics);
    log_destroy(&serve.log);
    conf_destroy(&conf);
    return is_started ? CMD_OK : CMD_USAGE;
}
