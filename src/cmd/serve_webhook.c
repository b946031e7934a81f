/*
 * serve_webhook.c - the part of `brinco serve` that tells customers' backends.
 *
 * Threads   The main thread.
 */
#include "base/clock.h"
#include "cmd/main.h"
#include "credit/webhook.h"
#include "serve_private.h"

bool serve_start_webhook(struct serve *serve, struct err *err) {
    const struct conf *conf = serve->conf;
    struct webhook_options options = {
        .url = &serve->redis,
        .key_prefix = slice_of(conf->text[CONF_redis_prefix]),
        .allowed_hosts = slice_of(conf->text[CONF_webhooks_allowed_hosts]),
        .ca_file = conf->text[CONF_webhooks_ca_file],
        .data_dir = conf->text[CONF_data_dir],
        .version = BRINCO_VERSION,
        .secret = serve->identity.has_secret ? serve->identity.secret : NULL,
        .timeout_ms = (uint32_t)conf->number[CONF_webhooks_timeout_ms],
        .give_up_hours = (uint32_t)conf->number[CONF_webhooks_give_up_hours],
        .log = serve->log,
        .metrics = serve->metrics,
    };
    serve->webhook = webhook_start(&options, err);
    return serve->webhook != NULL;
}

void serve_stop_webhook(struct serve *serve, uint64_t begun_ns) {
    uint64_t spent_ms = (clock_monotonic_ns() - begun_ns) / 1000000u;
    webhook_stop(&serve->webhook,
                 spent_ms < serve->drain_ms ? serve->drain_ms - (uint32_t)spent_ms : 0);
}
