/*
 * serve_ready.c - what must hold for this process to do its whole job.
 *
 * Every check says in a sentence how things stand, so that whoever reads /readyz at night need
 * not look further to know what is down.
 *
 * Threads   The admin side's: everything asked here may be asked from any thread.
 */
#include "serve_private.h"

#include "base/buf.h"
#include "click/shipper.h"
#include "credit/intake.h"
#include "credit/ledger.h"
#include "edge/edge.h"
#include "stats/collector.h"

static bool check_redis(void *argument, struct buf *detail) {
    const struct serve *serve = argument;
    struct edge_status status = edge_status(serve->edge);
    buf_printf(detail, "%zu of %zu workers reach Redis", status.redis_connected, status.workers);
    return status.redis_connected == status.workers;
}

static bool check_invalidations(void *argument, struct buf *detail) {
    const struct serve *serve = argument;
    struct edge_status status = edge_status(serve->edge);
    buf_printf(detail, "%zu of %zu workers hear of changed links", status.redis_tracking,
               status.workers);
    return status.redis_tracking == status.workers;
}

static bool check_journal(void *argument, struct buf *detail) {
    const struct serve *serve = argument;
    struct edge_status status = edge_status(serve->edge);
    buf_printf(detail, "%zu of %zu journals take clicks, %lu clicks lost since the start",
               status.journals_accepting, status.workers, (unsigned long)status.clicks_lost);
    return status.journals_accepting == status.workers;
}

static bool check_shipper(void *argument, struct buf *detail) {
    const struct serve *serve = argument;
    struct shipper_status status = shipper_status(serve->shipper);
    buf_printf(detail, "%s, %lu clicks wait, the oldest for %lu ms",
               !status.connected ? "the queue cannot be reached"
               : status.refusing ? "the queue refuses clicks (see queue_refused in the log)"
                                 : "the queue takes clicks",
               (unsigned long)status.lag_records, (unsigned long)status.lag_ms);
    return status.connected && !status.refusing;
}

static bool check_geo(void *argument, struct buf *detail) {
    struct serve *serve = argument;
    bool is_current = atomic_load(&serve->is_geo_current);
    bool is_named = atomic_load(&serve->is_geo_named);
    buf_printf(detail, "%s",
               !is_named    ? "geo.database names no file: countries stay empty"
               : is_current ? "the file that geo.database names is in use"
                            : "the file that geo.database names is unusable; see the log");
    return is_current;
}

static bool check_collector(void *argument, struct buf *detail) {
    const struct serve *serve = argument;
    if (serve->collector == NULL) {
        buf_printf(detail, "queue.kind = %s: there is no stream to count from",
                   serve->conf->text[CONF_queue_kind]);
        return true;
    }
    return collector_check(serve->collector, detail);
}

static bool check_conversions(void *argument, struct buf *detail) {
    const struct serve *serve = argument;
    if (serve->intake == NULL) {
        buf_printf(detail, "no reports are taken: %s", serve->intake_fault.text);
        return false;
    }
    struct intake_status intake = intake_status(serve->intake);
    struct shipper_status status = shipper_status(serve->conversions);
    buf_printf(detail, "%s, %lu reports taken since the start and %lu refused; %s, %lu wait",
               intake.accepting ? "the journal takes reports" : "the journal is full",
               (unsigned long)intake.taken, (unsigned long)intake.refused,
               !status.connected ? "the queue cannot be reached"
               : status.refusing ? "the queue refuses them (see queue_refused in the log)"
                                 : "the queue takes them",
               (unsigned long)status.lag_records);
    return intake.accepting && status.connected && !status.refusing;
}

static bool check_credit(void *argument, struct buf *detail) {
    const struct serve *serve = argument;
    if (serve->ledger == NULL) {
        buf_printf(detail, "queue.kind = %s: there is no stream to judge conversions from",
                   serve->conf->text[CONF_queue_kind]);
        return true;
    }
    return ledger_check(serve->ledger, detail);
}

static size_t add_check(const struct api_check *check, struct serve *serve, size_t count,
                        struct api_check checks[API_CHECKS_MAX]) {
    ENSURE(count < API_CHECKS_MAX);
    checks[count] = *check;
    checks[count].argument = serve;
    return count + 1;
}

size_t serve_checks(struct serve *serve, struct api_check checks[API_CHECKS_MAX]) {
    static const struct api_check edge_checks[] = {
        {.name = "redis", .check = check_redis},
        {.name = "invalidations", .check = check_invalidations},
        {.name = "journal", .check = check_journal},
        {.name = "shipper", .check = check_shipper},
        {.name = "geo", .check = check_geo},
    };
    static const struct api_check collector = {.name = "collector", .check = check_collector};
    static const struct api_check conversions = {.name = "conversions", .check = check_conversions};
    static const struct api_check credit = {.name = "credit", .check = check_credit};
    size_t count = 0;
    for (size_t i = 0; serve->edge != NULL && i < ARRAY_COUNT(edge_checks); i++) {
        count = add_check(&edge_checks[i], serve, count, checks);
    }
    if ((serve->conf->number[CONF_serve_roles] & CONF_ROLE_COLLECTOR) != 0) {
        count = add_check(&collector, serve, count, checks);
        count = add_check(&credit, serve, count, checks);
    }
    if ((serve->conf->number[CONF_serve_roles] & CONF_ROLE_API) != 0) {
        count = add_check(&conversions, serve, count, checks);
    }
    return count;
}
