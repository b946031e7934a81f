/*
 * webhook_wire.h - deliveries on their way: HTTP, on libcurl's multi interface.
 *
 *   start ──► slot ──► POST ──► answer, or why there is none ──► next ──► release
 *
 * Nothing on this way is trusted: the URL may lead inside, the name may resolve to anything, and
 * the server may fail, hang, drip and lie. Only 2xx with a whole answer is a delivery.
 *
 *   https alone, TLS 1.2 or later, certificates checked; http to hosts of webhooks.allowed_hosts
 *   addresses are checked when a socket is opened (webhook_policy.h): nothing can change afterwards
 *   redirects are not followed, proxies, .netrc and cookies not used, whatever the environment says
 *   connecting in WEBHOOK_CONNECT_MS, all in timeout_ms, WEBHOOK_ANSWER_BYTES_MAX of an answer
 *
 * Threads   One; webhook_wire_wake() any.
 * Limits    WEBHOOK_CLAIM_MAX at once.
 */
#ifndef CREDIT_WEBHOOK_WIRE_H
#define CREDIT_WEBHOOK_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "credit/webhook_sign.h"
#include "credit/webhook_store.h"

struct err;
struct webhook_wire;

enum { WEBHOOK_CONNECT_MS = 3000, WEBHOOK_ANSWER_BYTES_MAX = 64 * 1024 };

struct webhook_wire_options {
    struct slice allowed_hosts; /* webhooks.allowed_hosts; outlives it */
    const char *ca_file;        /* webhooks.ca_file; empty: the system's; outlives it */
    const char *user_agent;
    uint32_t timeout_ms;
};

struct webhook_wire *webhook_wire_create(const struct webhook_wire_options *options);
void webhook_wire_destroy(struct webhook_wire **wire);

/* How it ended. */
enum webhook_ending {
    WEBHOOK_ENDING_OK,          /* 2xx, and the whole answer */
    WEBHOOK_ENDING_GONE,        /* 410 */
    WEBHOOK_ENDING_STATUS,      /* any other */
    WEBHOOK_ENDING_UNREACHABLE, /* no such name, no connection */
    WEBHOOK_ENDING_TIMEOUT,
    WEBHOOK_ENDING_TLS,
    WEBHOOK_ENDING_BROKEN,    /* no HTTP, or an answer without its end */
    WEBHOOK_ENDING_TOO_LARGE, /* an answer */
    WEBHOOK_ENDING_FORBIDDEN, /* by webhook_policy.h, or a URL that is none */
    WEBHOOK_ENDING_STOPPED,   /* by us */
    WEBHOOK_ENDING_COUNT,
};

struct webhook_answer {
    size_t slot;
    struct slice id; /* this and the other texts: until the slot is released */
    struct slice campaign;
    struct slice host;
    uint64_t attempt;
    uint64_t step;
    enum webhook_ending ending;
    unsigned status;        /* 0: none was read */
    uint64_t retry_after_s; /* 0: nothing was said */
    struct slice error;     /* a sentence; empty when it is OK */
};

/* Takes a slot and begins. False: none is free. */
MUST_CHECK bool webhook_wire_start(struct webhook_wire *wire,
                                   const struct webhook_delivery *delivery,
                                   const struct webhook_key *key, uint64_t unix_s);

/* Goes on with all that are on their way, and waits up to wait_ms for news of them. */
void webhook_wire_run(struct webhook_wire *wire, uint32_t wait_ms);
void webhook_wire_wake(struct webhook_wire *wire);

/* Ends all that are on their way: STOPPED. */
void webhook_wire_abort(struct webhook_wire *wire);

/* One that has ended, again and again the same until it is released. False: none has. */
MUST_CHECK bool webhook_wire_next(struct webhook_wire *wire, struct webhook_answer *answer);
void webhook_wire_release(struct webhook_wire *wire, size_t slot);

/* Slots that are taken; hosts (at most WEBHOOK_CLAIM_MAX) and how many slots each has. */
size_t webhook_wire_count(const struct webhook_wire *wire);
size_t webhook_wire_busy(const struct webhook_wire *wire,
                         struct webhook_busy busy[WEBHOOK_CLAIM_MAX]);

#endif
