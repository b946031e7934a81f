/*
 * edge.c - all workers: made, started, told what changed, stopped.
 *
 * What a running worker has to know is posted to its loop as a small message that it frees; the
 * main thread never touches a running worker's memory.
 */
#include "edge/edge.h"

#include <sched.h>
#include <stdlib.h>

#include "association.h"
#include "base/err.h"
#include "base/log.h"
#include "click/identity.h"
#include "click/journal.h"
#include "conf/conf.h"
#include "decide/agent.h"
#include "decide/geo.h"
#include "default_copy.h"
#include "edge_worker.h"
#include "link/resolver.h"
#include "net/worker.h"
#include "page_set.h"
#include "redis/url.h"

struct edge {
    struct default_copy *copy;
    struct association *association;
    struct edge_worker *workers[EDGE_WORKERS_MAX];
    struct journal *journals[EDGE_WORKERS_MAX];
    size_t worker_count;
    size_t running;
    struct agents *agents;
    struct page_set *pages;
    struct log *log;
    struct token_key tokens;
};

/* What is posted to a worker. */
struct message {
    struct edge_worker *worker;
    struct default_copy *copy;
    struct geo *geo;
    struct page_set *pages;
    struct edge_settings settings;
    uint32_t drain_ms;
};

static unsigned cores(void) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    int count = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    return count < 1 ? 1 : count > EDGE_WORKERS_MAX ? EDGE_WORKERS_MAX : (unsigned)count;
}

static bool limits_fit(const struct conf *conf, unsigned workers, struct err *err) {
    uint64_t segment_mb = conf->number[CONF_journal_segment_mb];
    uint64_t max_mb = conf->number[CONF_journal_max_mb];
    if (max_mb / workers < 2 * segment_mb) {
        return err_set(err,
                       "journal.max_mb: %lu is less than two segments of %lu MiB for each of %u "
                       "workers: raise journal.max_mb or lower journal.segment_mb",
                       (unsigned long)max_mb, (unsigned long)segment_mb, workers);
    }
    return true;
}

struct edge *edge_create(const struct edge_options *options, struct err *err) {
    struct edge *edge = calloc(1, sizeof(*edge));
    struct redis_url redis;
    uint16_t ports[EDGE_LISTENERS_MAX] = {0};
    uint64_t configured = options->conf->number[CONF_edge_workers];
    unsigned workers = configured == 0 ? cores() : (unsigned)configured;
    ENSURE(edge != NULL && workers <= EDGE_WORKERS_MAX);
    edge->log = options->log;
    edge->agents = agents_create();
    edge->copy = default_copy_create(options->conf->text[CONF_data_dir], options->log);
    token_key_init(&edge->tokens, options->identity->secret, IDENTITY_SECRET_BYTES);
    if (!redis_url_parse(slice_of(options->conf->text[CONF_redis_url]), &redis, err) ||
        !limits_fit(options->conf, workers, err)) {
        edge_destroy(&edge);
        return NULL;
    }
    edge->pages = page_set_open(options->conf->text[CONF_pages_dir], err);
    if (edge->pages == NULL) {
        edge_destroy(&edge);
        return NULL;
    }
    edge->association = association_create(
        &(struct association_options){
            .conf = options->conf, .url = &redis, .log = options->log, .metrics = options->metrics},
        err);
    if (edge->association == NULL) {
        edge_destroy(&edge);
        return NULL;
    }
    for (unsigned i = 0; i < workers; i++) {
        struct edge_worker_options worker = {
            .index = i,
            .conf = options->conf,
            .identity = options->identity,
            .redis = &redis,
            .agents = edge->agents,
            .pages = edge->pages,
            .association = edge->association,
            .tokens = &edge->tokens,
            .worker_count = workers,
            .ports = ports,
            .log = options->log,
            .metrics = options->metrics,
        };
        edge->workers[i] = edge_worker_create(&worker, err);
        if (edge->workers[i] == NULL) {
            edge_destroy(&edge);
            return NULL;
        }
        default_copy_seed(edge->copy, edge->workers[i]->resolver,
                          slice_of(options->conf->text[CONF_links_allowed_hosts]));
        edge->journals[i] = edge->workers[i]->journal;
        edge->worker_count++;
    }
    return edge;
}

bool edge_start(struct edge *edge, struct err *err) {
    if (!association_start(edge->association, err)) {
        return false;
    }
    for (; edge->running < edge->worker_count; edge->running++) {
        struct edge_worker *worker = edge->workers[edge->running];
        if (!edge_worker_begin(worker, err) || !worker_start(worker->thread, err)) {
            return false;
        }
    }
    return true;
}

struct journal *const *edge_journals(const struct edge *edge, size_t *count) {
    *count = edge->worker_count;
    return edge->journals;
}

static struct message *message_for(struct edge_worker *worker) {
    struct message *message = calloc(1, sizeof(*message));
    ENSURE(message != NULL);
    message->worker = worker;
    return message;
}

static void take_geo(void *argument) {
    struct message *message = argument;
    geo_unref(&message->worker->geo);
    message->worker->geo = message->geo;
    free(message);
}

void edge_set_geo(struct edge *edge, struct geo *geo) {
    for (size_t i = 0; i < edge->worker_count; i++) {
        struct message *message = message_for(edge->workers[i]);
        message->geo = geo == NULL ? NULL : geo_ref(geo);
        if (edge->running == 0) {
            take_geo(message);
        } else {
            worker_post(edge->workers[i]->thread, take_geo, message);
        }
    }
}

static void take_settings(void *argument) {
    struct message *message = argument;
    struct edge_worker *worker = message->worker;
    worker->settings = message->settings;
    page_set_unref(&worker->pages);
    worker->pages = message->pages;
    resolver_configure(worker->resolver, worker->settings.redis_timeout_ms,
                       slice_of(worker->settings.default_campaign));
    resolver_set_hosts(worker->resolver, slice_of(worker->settings.allowed_hosts));
    free(message);
}

bool edge_allows(const struct edge *edge, const struct conf *conf, struct err *err) {
    if (!limits_fit(conf, (unsigned)edge->worker_count, err) || !association_allows(conf, err)) {
        return false;
    }
    struct page_set *pages = page_set_open(conf->text[CONF_pages_dir], err);
    bool is_good = pages != NULL;
    page_set_unref(&pages);
    return is_good;
}

void edge_reload(struct edge *edge, const struct conf *conf) {
    struct err err = {""};
    struct page_set *pages = page_set_open(conf->text[CONF_pages_dir], &err);
    if (pages == NULL) { /* it has changed since edge_allows() */
        log_event(edge->log, LOG_ERROR, "pages_refused", "error=%s", err.text);
    } else {
        page_set_unref(&edge->pages);
        edge->pages = pages;
    }
    association_reload(edge->association, conf);
    for (size_t i = 0; i < edge->running; i++) {
        struct message *message = message_for(edge->workers[i]);
        edge_settings_read(&message->settings, conf);
        message->pages = page_set_ref(edge->pages);
        worker_post(edge->workers[i]->thread, take_settings, message);
    }
}

static void take_default(void *argument) {
    struct message *message = argument;
    default_copy_take(message->copy, resolver_default_campaign(message->worker->resolver));
    free(message);
}

/* One worker's is as good as another's; the file is written here, not on its thread. */
void edge_keep_default(struct edge *edge) {
    default_copy_save(edge->copy);
    if (edge->running > 0) {
        struct message *message = message_for(edge->workers[0]);
        message->copy = edge->copy;
        worker_post(edge->workers[0]->thread, take_default, message);
    }
}

static void begin_drain(void *argument) {
    struct message *message = argument;
    edge_worker_drain(message->worker, message->drain_ms);
    free(message);
}

void edge_stop(struct edge *edge, uint32_t drain_ms) {
    for (size_t i = 0; i < edge->running; i++) {
        struct message *message = message_for(edge->workers[i]);
        message->drain_ms = drain_ms;
        worker_post(edge->workers[i]->thread, begin_drain, message);
    }
    for (size_t i = 0; i < edge->running; i++) {
        worker_join(edge->workers[i]->thread);
    }
    edge->running = 0;
}

void edge_destroy(struct edge **edge) {
    if (*edge == NULL) {
        return;
    }
    ENSURE((*edge)->running == 0);
    for (size_t i = 0; i < (*edge)->worker_count; i++) {
        edge_worker_destroy(&(*edge)->workers[i]);
    }
    association_destroy(&(*edge)->association);
    agents_destroy(&(*edge)->agents);
    page_set_unref(&(*edge)->pages);
    default_copy_destroy(&(*edge)->copy);
    free(*edge);
    *edge = NULL;
}

struct edge_status edge_status(const struct edge *edge) {
    struct edge_status status = {.workers = edge->worker_count};
    for (size_t i = 0; i < edge->worker_count; i++) {
        struct journal_status journal = journal_status(edge->journals[i]);
        status.redis_connected += resolver_is_connected(edge->workers[i]->resolver);
        status.redis_tracking += resolver_is_tracking(edge->workers[i]->resolver);
        status.journals_accepting += journal.accepting;
        status.clicks_lost += journal.lost;
    }
    return status;
}
