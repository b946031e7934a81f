/*
 * credit/ledger.h - from the conversions: streams to credit, each conversion exactly once.
 *
 *   streams ► read above conversion-mark ► what is known of click, link and campaign ► judge
 *           ► one Lua call: checks the mark, books everything, moves the mark ► ...
 *
 * The call is atomic in Redis, in its append-only file and on its replicas, so a batch is booked
 * with its mark or not at all, whoever dies when. Any number of ledgers may run: one wins each
 * batch, the others go on from there. Whether an event was reported before, and whether a visitor
 * or network has too many, is decided inside the call, too, so two streams that bring the same
 * first loan at the same moment make one of it.
 *
 * What is booked is described in docs/formats.md. Conversions come by the hundred a second at most:
 * all of it is plain.
 *
 * Also trims what is below the mark and older than queue.retain_hours.
 *
 * Threads   One of its own, which may wait for Redis. Functions below from the main thread,
 *           ledger_check() from any.
 * Limits    LEDGER_STREAMS_MAX streams; a batch of LEDGER_BATCH_MAX conversions a call; entries of
 *           more than LEDGER_ENTRY_BYTES_MAX are no conversions; LEDGER_WEBHOOKS_MAX webhooks.
 */
#ifndef CREDIT_LEDGER_H
#define CREDIT_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct buf;
struct err;
struct ledger;
struct log;
struct metric_registry;
struct redis_url;
struct token_key;

enum {
    LEDGER_STREAMS_MAX = 4096,
    LEDGER_BATCH_MAX = 64,
    LEDGER_ENTRY_BYTES_MAX = 4096,
    LEDGER_WEBHOOKS_MAX = 100000,
};

struct ledger_options {
    const struct redis_url *url;       /* copied */
    struct slice key_prefix;           /* redis.prefix; outlives the ledger */
    struct slice zone;                 /* stats.timezone, already the process' zone; outlives it */
    const struct token_key *token_key; /* copied; NULL: no secret here, tokens that came without
                                          their code stay unverified */
    uint32_t queue_retain_hours;
    uint32_t stats_retain_days;
    uint32_t webhooks_max; /* 0: LEDGER_WEBHOOKS_MAX */
    struct log *log;
    struct metric_registry *metrics;
};

/* Starts the thread. Redis need not be there yet. */
MUST_CHECK struct ledger *ledger_start(const struct ledger_options *options, struct err *err);

/* Ends the batch at hand and the thread. */
void ledger_stop(struct ledger **ledger);

/* What a reload may change. */
void ledger_configure(struct ledger *ledger, uint32_t queue_retain_hours,
                      uint32_t stats_retain_days);

/* For /readyz (struct api_check): whether it judges; appends a sentence either way. */
bool ledger_check(void *ledger, struct buf *detail);

#endif
