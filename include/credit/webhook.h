/*
 * credit/webhook.h - tells customers' backends what was judged: POSTs of webhook:ID, one thread.
 *
 *   due ► claim, with a lease ► POST, signed (webhook_sign.h) ► settle: delivered, failed, or later
 *
 * What is not answered with 2xx, a whole answer within timeout_ms, is tried again after 5 s, 30 s,
 * 2 min, 10 min, 1 h, 2 h, and then every 4 h, give or take a fifth, until give_up_hours after it
 * began; what is answered 410 is not. Retry-After is honoured up to WEBHOOK_RETRY_AFTER_S_MAX.
 *
 * Each delivery has one outcome, however many senders there are and whenever they die. That is not
 * to say that it arrives once: a delivery whose answer was lost is sent again, with the same
 * webhook-id, which is what a receiver knows it by.
 *
 * Threads   One of its own, which may wait for Redis. The functions below from the main thread.
 * Limits    WEBHOOK_CLAIM_MAX on their way at once, WEBHOOK_PER_HOST of them to a host, so that
 *           one that hangs does not hold up the others; see also webhook_store.h.
 */
#ifndef CREDIT_WEBHOOK_H
#define CREDIT_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct log;
struct metric_registry;
struct redis_url;
struct webhook;

enum { WEBHOOK_PER_HOST = 2, WEBHOOK_RETRY_AFTER_S_MAX = 4 * 3600 };

struct webhook_options {
    const struct redis_url *url; /* copied */
    struct slice key_prefix;     /* redis.prefix; this and the other texts outlive it */
    struct slice allowed_hosts;  /* webhooks.allowed_hosts */
    const char *ca_file;         /* webhooks.ca_file */
    const char *data_dir;        /* where the secret is */
    const char *version;         /* of brinco */
    const uint8_t *secret;       /* IDENTITY_SECRET_BYTES, copied; NULL: read from data_dir, again
                                    and again until it is there. Until then nothing is sent. */
    uint32_t timeout_ms;
    uint32_t give_up_hours;
    struct log *log;
    struct metric_registry *metrics;
};

/* Starts the thread. Redis need not be there yet. */
MUST_CHECK struct webhook *webhook_start(const struct webhook_options *options, struct err *err);

/* From now on nothing new is sent. webhook may be NULL. */
void webhook_drain(struct webhook *webhook);

/* What is on its way may take finish_ms to be answered; the rest is due at once for whoever comes
 * next. Ends the thread. */
void webhook_stop(struct webhook **webhook, uint32_t finish_ms);

/* How long after the step-th attempt (from 1) the next one is, in ms; chance is any number. */
uint64_t webhook_delay_ms(uint64_t step, uint64_t retry_after_s, uint64_t chance);

#endif
