/*
 * serve_credit.c - the thread that judges conversions, beside the collector.
 *
 * What it judges them by comes from the same streams, so it runs where the collector does. It needs
 * the secret that edges sign with, which only they make: without one, tokens that were reported
 * without their code cannot be checked, and that is said.
 *
 * Threads   The main thread.
 */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "click/token.h"
#include "credit/ledger.h"
#include "serve_private.h"

static bool read_key(const struct serve *serve, struct token_key *key) {
    uint8_t secret[IDENTITY_SECRET_BYTES];
    struct err err = {""};
    if (serve->identity.has_secret) {
        token_key_init(key, serve->identity.secret, IDENTITY_SECRET_BYTES);
        return true;
    }
    if (!identity_read_secret(serve->conf->text[CONF_data_dir], secret, &err)) {
        log_event(serve->log, LOG_WARN, "credit_without_secret", "error=%s meaning=%s", err.text,
                  "tokens that are reported without their code stay unverified");
        return false;
    }
    token_key_init(key, secret, sizeof(secret));
    explicit_bzero(secret, sizeof(secret));
    return true;
}

bool serve_start_ledger(struct serve *serve, struct err *err) {
    const struct conf *conf = serve->conf;
    struct token_key key;
    if (serve->collector == NULL) {
        return true; /* there are no streams to judge from, which it has said */
    }
    bool has_key = read_key(serve, &key);
    struct ledger_options options = {
        .url = &serve->redis,
        .key_prefix = slice_of(conf->text[CONF_redis_prefix]),
        .zone = slice_of(conf->text[CONF_stats_timezone]),
        .token_key = has_key ? &key : NULL,
        .queue_retain_hours = (uint32_t)conf->number[CONF_queue_retain_hours],
        .stats_retain_days = (uint32_t)conf->number[CONF_stats_retain_days],
        .log = serve->log,
        .metrics = serve->metrics,
    };
    serve->ledger = ledger_start(&options, err);
    explicit_bzero(&key, sizeof(key));
    return serve->ledger != NULL;
}
