/*
 * ledger_private.h - the parts of a ledger, for ledger*.c.
 *
 *   ledger.c         its thread, its rounds, what others may ask it
 *   ledger_redis.c   its scripts
 *   ledger_batch.c   one stream: entries, what is known of them, judging
 *   ledger_click.c   ... of their clicks
 *   ledger_apply.c   booking a batch
 */
#ifndef CREDIT_LEDGER_PRIVATE_H
#define CREDIT_LEDGER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "click/conversion.h"
#include "click/token.h"
#include "credit/judge.h"
#include "credit/ledger.h"
#include "redis/pipe.h"

enum {
    LEDGER_KEY_BYTES_MAX = 512, /* of a stream's key, and of any that is made here */
    LEDGER_PREFIX_BYTES_MAX = 256,
    LEDGER_ID_BYTES = 48,               /* "MS-SEQUENCE" and a NUL */
    LEDGER_BYTES_MAX = 8 * 1024 * 1024, /* of all texts of a batch */
    LEDGER_TEXT_BYTES_MAX = 255,        /* of a text that a click, link or campaign has */
    LEDGER_DIGEST_BYTES = 40,
    LEDGER_BATCH_ARGUMENTS = 11, /* of ledger_apply.lua, before the conversions */
    LEDGER_ENTRY_ARGUMENTS = 26, /* of each */
};

#define LEDGER_NS_PER_MS UINT64_C(1000000)

/* What may happen in an app, for metrics: a campaign's own events are all "other". */
#define LEDGER_EVENTS(X)                                                                           \
    X(INSTALL, "install")                                                                          \
    X(SIGNUP, "signup")                                                                            \
    X(FIRST_LOAN, "first_loan")                                                                    \
    X(OTHER, "other")

#define LEDGER_EVENT_ENUM(name, text) LEDGER_EVENT_##name,
enum ledger_event { LEDGER_EVENTS(LEDGER_EVENT_ENUM) LEDGER_EVENT_COUNT };

enum ledger_metric {
    LEDGER_JUDGED, /* by status, and each of these by event */
    LEDGER_REPEATED = LEDGER_JUDGED + (int)CREDIT_STATUS_COUNT * (int)LEDGER_EVENT_COUNT,
    LEDGER_MARKED, /* by reason */
    LEDGER_MALFORMED = LEDGER_MARKED + (int)CHECK_REASON_COUNT,
    LEDGER_UNLISTED,
    LEDGER_BATCHES,
    LEDGER_LOST_RACES,
    LEDGER_DAMAGED,
    LEDGER_WEBHOOKS_REFUSED,
    LEDGER_TRIMMED,
    LEDGER_REFUSED,
    LEDGER_UNREACHABLE,
    LEDGER_STREAMS,
    LEDGER_STREAMS_FAILING,
    LEDGER_STREAMS_LEFT_OUT,
    LEDGER_LAG_RECORDS,
    LEDGER_LAG_SECONDS,
    LEDGER_CONNECTED,
    LEDGER_METRIC_COUNT
};

extern const struct metric ledger_metrics[LEDGER_METRIC_COUNT];

enum ledger_script { LEDGER_READ, LEDGER_APPLY, LEDGER_TRIM, LEDGER_SCRIPTS };

/* One entry of a batch: what it says, what is known, what came of it. */
struct ledger_entry {
    struct conversion conversion;
    bool is_one;                          /* a conversion: else passed over */
    bool has_facts;                       /* click is set */
    struct judge_click click;             /* what is known of the click it names, proven or not */
    struct judge_proof proof;             /* whose it is */
    struct slice link_campaign;           /* of the link of the code; empty: none */
    struct slice link_owner;              /* likewise */
    struct slice campaign, owner;         /* that it counts for */
    struct slice events, checks, webhook; /* of the campaign */
    struct slice link_events;             /* of the link's campaign, where that is another */
    bool is_unlisted;                     /* its event is in neither */
    unsigned reasons;
    struct checks limits;
};

struct ledger_batch {
    struct slice stream;
    char mark[LEDGER_ID_BYTES];   /* before; empty: none */
    char last[LEDGER_ID_BYTES];   /* of its last entry */
    char newest[LEDGER_ID_BYTES]; /* of the stream's last entry */
    struct ledger_entry entry[LEDGER_BATCH_MAX];
    size_t count;
    size_t malformed;
    struct buf bytes; /* all texts; fixed storage */
};

/* What ledger_check() tells. */
struct ledger_status {
    bool judges;
    char sentence[400];
};

struct ledger {
    struct slice key_prefix;
    struct slice zone;
    bool has_token_key;
    struct token_key token_key;
    uint32_t webhooks_max;
    struct log *log;
    struct metric_set *metrics;
    struct redis_pipe *pipe;
    char digest[LEDGER_SCRIPTS][LEDGER_DIGEST_BYTES];
    struct ledger_batch *batch;
    struct slice arguments[LEDGER_BATCH_ARGUMENTS + LEDGER_BATCH_MAX * LEDGER_ENTRY_ARGUMENTS];
    struct buf found; /* find_click()'s */
    struct random random;
    uint64_t kept_ns;       /* when the minute's work was begun; 0: never */
    uint32_t retry_ms;      /* 0: all is well */
    uint64_t retry_at_ns;   /* nothing before */
    uint64_t wait_until_ns; /* for clicks that are not there yet */
    uint64_t wait_again_ns; /* no waiting before */
    /* Of this round. */
    size_t streams, failing;
    uint64_t lag, oldest_ms;
    uint64_t stream_lag, stream_oldest_ms; /* of the stream read last */
    char why[300];                         /* of a stream that fails */
    struct log_limit trouble_limit, stream_limit, malformed_limit, damage_limit, secret_limit,
        checks_limit, webhook_limit, click_limit, event_limit;
    pthread_t thread;

    _Atomic uint32_t queue_retain_hours;
    _Atomic uint32_t stats_retain_days;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    bool is_stopping;
    uint64_t stop_ns;
    struct ledger_status status;
};

/* What became of a step. */
enum ledger_step {
    LEDGER_ON,
    LEDGER_NOTHING, /* there is nothing to do for this stream, or nothing that can be done now */
    LEDGER_TROUBLE, /* ledger_trouble() was called: this round is over */
};

/* Redis cannot be reached (is_lost), or takes nothing: says why in log, metrics and status, and
 * lets some time pass. */
enum ledger_step ledger_trouble(struct ledger *ledger, bool is_lost, const struct err *err);

/* A stream is not what it should be: said, and passed over. */
enum ledger_step ledger_stream_fails(struct ledger *ledger, struct slice stream, struct slice why);

/* ---- ledger_redis.c ---- */

/* Key of this name, with the prefix, in text of LEDGER_KEY_BYTES_MAX. */
struct slice ledger_key(const struct ledger *ledger, const char *name, char *text);

/* Makes the scripts known over a new connection. */
MUST_CHECK enum ledger_step ledger_load(struct ledger *ledger);

/* Runs one; the reply may be an error. NULL: ledger_trouble() was called. */
MUST_CHECK const struct redis_reply *ledger_call(struct ledger *ledger, enum ledger_script script,
                                                 const struct slice *arguments, size_t count);

/* ---- ledger_batch.c ---- */

/* Reads what a stream has above its mark and judges it, into ledger->batch. */
MUST_CHECK enum ledger_step ledger_read(struct ledger *ledger, struct slice stream);

/* A copy that lives as long as the batch; empty when it is longer than it may be. */
struct slice ledger_keep(struct ledger *ledger, struct slice text, size_t bytes_max);
struct slice ledger_keep_reply(struct ledger *ledger, const struct redis_reply *reply, size_t index,
                               size_t bytes_max);

/* Which hash of an entry is asked for which fields, and what is done with the answer. */
struct ledger_question {
    size_t field_count;
    const struct slice *fields;
    bool (*key)(const struct ledger_entry *entry, struct buf *out); /* false: do not ask */
    void (*take)(struct ledger *ledger, struct ledger_entry *entry,
                 const struct redis_reply *reply);
};

/* For all entries of the batch at once. */
MUST_CHECK enum ledger_step ledger_ask(struct ledger *ledger,
                                       const struct ledger_question *question);

/* ---- ledger_click.c ---- */

/* Finds what is known of the clicks of ledger->batch, whose entries have these ids, and cuts it
 * before one that is worth waiting for. */
MUST_CHECK enum ledger_step ledger_find_clicks(struct ledger *ledger,
                                               const char (*ids)[LEDGER_ID_BYTES]);

/* ---- ledger_apply.c ---- */

/* Books ledger->batch. LEDGER_NOTHING: the mark had moved. */
MUST_CHECK enum ledger_step ledger_apply(struct ledger *ledger);

#endif
