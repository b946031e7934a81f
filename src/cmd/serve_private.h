/*
 * serve_private.h - the parts of one `brinco serve`, for serve.c and serve_ready.c.
 */
#ifndef CMD_SERVE_PRIVATE_H
#define CMD_SERVE_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/server.h"
#include "base/err.h"
#include "click/identity.h"
#include "conf/conf.h"
#include "redis/url.h"

struct collector;
struct edge;
struct geo_watch;
struct intake;
struct ledger;
struct metric_registry;
struct metric_set;
struct shipper;
struct shipper_options;
struct webhook;

struct serve {
    const struct conf *conf; /* as at the start */
    struct conf_source source;
    struct redis_url redis;
    struct log *log;
    struct metric_registry *metrics;
    struct metric_set *process; /* the main thread's */
    struct identity identity;
    bool has_identity;
    struct edge *edge;           /* NULL without the role */
    struct shipper *shipper;     /* with the edge */
    struct collector *collector; /* NULL without the role, and without streams to count from */
    struct ledger *ledger;       /* with the collector */
    struct webhook *webhook;     /* with the collector role */
    struct intake *intake;       /* with the API role, unless intake_fault says why not */
    struct shipper *conversions; /* of the intake */
    struct err intake_fault;
    struct api_server *api;
    struct geo_watch *geo_watch;
    _Atomic bool is_geo_named;   /* geo.database is not empty */
    _Atomic bool is_geo_current; /* what geo.database names now is in use */
    uint32_t drain_ms;
};

/* With the collector (else it does nothing): the thread that judges conversions (serve_credit.c).
 */
bool serve_start_ledger(struct serve *serve, struct err *err);

/* The thread that sends webhooks (serve_webhook.c). Stopping it, what is on its way may take what
 * is left of drain_ms since begun_ns, on the monotonic clock. */
bool serve_start_webhook(struct serve *serve, struct err *err);
void serve_stop_webhook(struct serve *serve, uint64_t begun_ns);

/* What all shippers of this process are started with; directory, journals and payload are left. */
struct shipper_options serve_shipper_options(const struct serve *serve);

/* With the API role (serve_intake.c): the journal of conversions and its shipper. That it cannot
 * be opened is logged, and then reports are refused with the reason; nothing else is held up. */
void serve_open_intake(struct serve *serve);
void serve_configure_intake(struct serve *serve, const struct conf *conf);
/* Nobody reports any more: ships what is left, for what is left of drain_ms since begun_ns. */
void serve_close_intake(struct serve *serve, uint64_t begun_ns);

/* What /readyz asks: fills checks and returns how many. */
size_t serve_checks(struct serve *serve, struct api_check checks[API_CHECKS_MAX]);

#endif
