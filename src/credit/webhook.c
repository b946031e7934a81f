/*
 * webhook.c - see credit/webhook.h: the thread and its rounds.
 *
 *   secret ► connect ► settle what has ended ► claim for free slots ► go on sending ► ...
 *               ▲                                                                      │
 *               └──── unreachable, refused: backoff with jitter, sending goes on ◄─────┘
 *
 * A slot is free only when its outcome is in Redis: while Redis is away, at most WEBHOOK_CLAIM_MAX
 * outcomes wait for it here, and nothing else is sent. A lease is longer than an attempt and a
 * short outage together; when it is over, somebody else may send it again, and the outcome that is
 * there first is the one.
 */
#include "credit/webhook.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "redis/pipe.h"
#include "webhook_metrics.h"
#include "webhook_wire.h"

enum {
    TIMEOUT_MS = 2000,
    LEASE_SPARE_MS = 20000,
    ROUND_MS = 200, /* between looks at what is due */
    SCAN_MS = 20,   /* ... within a list that is longer than a look */
    RETRY_FIRST_MS = 100,
    RETRY_MAX_MS = 2000,
    SECRET_RETRY_MS = 2000,
    TRIM_MS = 60000,
    TRIM_ON_MS = 1000, /* while there is more to look at */
    REPEAT_LOG_MS = 60000,
    FAILURE_LOG_MS = 1000,
    CLAIMED_BYTES_MAX = WEBHOOK_CLAIM_MAX * (WEBHOOK_BODY_BYTES_MAX + 4096),
    USER_AGENT_BYTES_MAX = 64,
    MS_PER_S = 1000,
    MS_PER_HOUR = 3600 * MS_PER_S,
};

#define NS_PER_MS UINT64_C(1000000)

struct webhook {
    struct webhook_store store;
    struct webhook_wire *wire;
    const char *data_dir;
    uint8_t secret[IDENTITY_SECRET_BYTES];
    bool has_secret;
    char user_agent[USER_AGENT_BYTES_MAX];
    uint64_t lease_ms;
    uint64_t give_up_ms;
    struct log *log;
    struct metric_set *metrics;
    struct random random;
    struct buf bytes; /* what was claimed */
    size_t offset;    /* where the next claim begins */
    uint64_t trim_offset;
    uint64_t claim_at_ns; /* monotonic: when which is next */
    uint64_t trim_at_ns;
    uint64_t redis_at_ns;
    uint64_t secret_at_ns;
    uint32_t retry_ms; /* the last wait for Redis; 0: all is well */
    struct log_limit trouble_limit, secret_limit, failure_limit, later_limit, stray_limit;
    _Atomic bool is_draining;
    _Atomic uint64_t stop_ns; /* 0: not yet; else when to stop waiting */
    pthread_t thread;
};

static void *run(void *argument);
static void release(struct webhook *w);

struct webhook *webhook_start(const struct webhook_options *options, struct err *err) {
    struct webhook *w = calloc(1, sizeof(*w));
    ENSURE(w != NULL);
    snprintf(w->user_agent, sizeof(w->user_agent), "brinco/%s", options->version);
    w->store = (struct webhook_store){.pipe = redis_pipe_create(options->url, TIMEOUT_MS),
                                      .key_prefix = options->key_prefix};
    w->wire =
        webhook_wire_create(&(struct webhook_wire_options){.allowed_hosts = options->allowed_hosts,
                                                           .ca_file = options->ca_file,
                                                           .user_agent = w->user_agent,
                                                           .timeout_ms = options->timeout_ms});
    w->data_dir = options->data_dir;
    w->has_secret = options->secret != NULL;
    if (w->has_secret) {
        memcpy(w->secret, options->secret, sizeof(w->secret));
    }
    w->lease_ms = (uint64_t)options->timeout_ms + LEASE_SPARE_MS;
    w->give_up_ms = (uint64_t)options->give_up_hours * MS_PER_HOUR;
    w->log = options->log;
    w->metrics = webhook_metrics_create(options->metrics);
    random_init(&w->random);
    buf_init(&w->bytes, CLAIMED_BYTES_MAX);
    atomic_init(&w->is_draining, false);
    atomic_init(&w->stop_ns, 0);
    int failure = pthread_create(&w->thread, NULL, run, w);
    if (failure != 0) {
        err_set(err, "the webhooks' thread: %s", strerror(failure));
        release(w);
        return NULL;
    }
    pthread_setname_np(w->thread, "brinco-webhook");
    return w;
}

void webhook_drain(struct webhook *webhook) {
    if (webhook != NULL) {
        atomic_store(&webhook->is_draining, true);
    }
}

void webhook_stop(struct webhook **webhook, uint32_t finish_ms) {
    struct webhook *w = *webhook;
    if (w == NULL) {
        return;
    }
    webhook_drain(w);
    atomic_store(&w->stop_ns, clock_monotonic_ns() + finish_ms * NS_PER_MS);
    webhook_wire_wake(w->wire);
    pthread_join(w->thread, NULL);
    release(w);
    *webhook = NULL;
}

static void release(struct webhook *w) {
    webhook_wire_destroy(&w->wire);
    redis_pipe_destroy(&w->store.pipe);
    metric_set_destroy(&w->metrics);
    buf_fini(&w->bytes);
    explicit_bzero(w->secret, sizeof(w->secret));
    free(w);
}

uint64_t webhook_delay_ms(uint64_t step, uint64_t retry_after_s, uint64_t chance) {
    static const uint32_t seconds[] = {5, 30, 120, 600, 3600, 7200, 14400};
    uint64_t index = step > 0 ? step - 1 : 0;
    index = index < ARRAY_COUNT(seconds) ? index : ARRAY_COUNT(seconds) - 1;
    uint64_t delay_ms = (uint64_t)seconds[index] * MS_PER_S;
    delay_ms = delay_ms - delay_ms / 5 + chance % (delay_ms / 5 * 2 + 1);
    uint64_t asked_s =
        retry_after_s < WEBHOOK_RETRY_AFTER_S_MAX ? retry_after_s : WEBHOOK_RETRY_AFTER_S_MAX;
    return delay_ms > asked_s * MS_PER_S ? delay_ms : asked_s * MS_PER_S;
}

/* ---- Redis ---- */

static void say_trouble(struct webhook *w, enum webhook_store_result result,
                        const struct err *err) {
    uint64_t held_back;
    bool is_refused = result == WEBHOOK_STORE_REFUSED;
    metric_add(w->metrics, is_refused ? WEBHOOK_METRIC_REFUSED : WEBHOOK_METRIC_UNREACHABLE, 1);
    if (log_allowed(&w->trouble_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(w->log, is_refused ? LOG_ERROR : LOG_WARN,
                  is_refused ? "webhook_redis_refused" : "webhook_redis_lost",
                  "error=%s held_back=%lu", err->text, (unsigned long)held_back);
    }
}

/* True when all is well; else Redis is left alone for a while. */
static bool is_well(struct webhook *w, enum webhook_store_result result, const struct err *err) {
    if (result == WEBHOOK_STORE_OK) {
        w->retry_ms = 0;
        return true;
    }
    say_trouble(w, result, err);
    redis_pipe_disconnect(w->store.pipe);
    w->retry_ms = w->retry_ms == 0 ? RETRY_FIRST_MS : w->retry_ms * 2;
    w->retry_ms = w->retry_ms < RETRY_MAX_MS ? w->retry_ms : RETRY_MAX_MS;
    uint64_t wait_ms = w->retry_ms / 2 + random_u64(&w->random) % (w->retry_ms / 2 + 1);
    w->redis_at_ns = clock_monotonic_ns() + wait_ms * NS_PER_MS;
    return false;
}

static bool connect_redis(struct webhook *w) {
    struct err err = {""};
    if (clock_monotonic_ns() < w->redis_at_ns) {
        return false;
    }
    return redis_pipe_connect(w->store.pipe, &err) || is_well(w, WEBHOOK_STORE_UNREACHABLE, &err);
}

/* ---- settling ---- */

static enum webhook_verdict verdict_of(enum webhook_ending ending) {
    switch (ending) {
    case WEBHOOK_ENDING_OK:
        return WEBHOOK_DELIVERED;
    case WEBHOOK_ENDING_GONE:
        return WEBHOOK_FAILED;
    case WEBHOOK_ENDING_STATUS:
    case WEBHOOK_ENDING_UNREACHABLE:
    case WEBHOOK_ENDING_TIMEOUT:
    case WEBHOOK_ENDING_TLS:
    case WEBHOOK_ENDING_BROKEN:
    case WEBHOOK_ENDING_TOO_LARGE:
    case WEBHOOK_ENDING_FORBIDDEN:
    case WEBHOOK_ENDING_STOPPED:
        return WEBHOOK_LATER;
    case WEBHOOK_ENDING_COUNT:
        break;
    }
    ENSURE(false && "an ending that is not in enum webhook_ending");
    return WEBHOOK_LATER;
}

static void say_outcome(struct webhook *w, const struct webhook_answer *answer,
                        enum webhook_settled settled) {
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    switch (settled) {
    case WEBHOOK_SETTLED_DELIVERED:
        metric_add(w->metrics, WEBHOOK_METRIC_DELIVERED, 1);
        log_event(w->log, LOG_DEBUG, "webhook_delivered", "id=%.*s campaign=%.*s attempt=%lu",
                  SLICE_ARG(answer->id), SLICE_ARG(answer->campaign),
                  (unsigned long)answer->attempt);
        break;
    case WEBHOOK_SETTLED_FAILED:
        metric_add(w->metrics, WEBHOOK_METRIC_FAILED, 1);
        if (log_allowed(&w->failure_limit, now_ns, FAILURE_LOG_MS, &held_back)) {
            log_event(w->log, LOG_ERROR, "webhook_failed",
                      "id=%.*s campaign=%.*s host=%.*s attempts=%lu error=%.*s held_back=%lu",
                      SLICE_ARG(answer->id), SLICE_ARG(answer->campaign), SLICE_ARG(answer->host),
                      (unsigned long)answer->attempt, SLICE_ARG(answer->error),
                      (unsigned long)held_back);
        }
        break;
    case WEBHOOK_SETTLED_LATER:
        if (log_allowed(&w->later_limit, now_ns, FAILURE_LOG_MS, &held_back)) {
            log_event(w->log, LOG_WARN, "webhook_not_taken",
                      "id=%.*s campaign=%.*s host=%.*s attempt=%lu error=%.*s held_back=%lu",
                      SLICE_ARG(answer->id), SLICE_ARG(answer->campaign), SLICE_ARG(answer->host),
                      (unsigned long)answer->attempt, SLICE_ARG(answer->error),
                      (unsigned long)held_back);
        }
        break;
    case WEBHOOK_SETTLED_BEFORE:
    case WEBHOOK_SETTLED_OTHERS:
        metric_add(w->metrics, WEBHOOK_METRIC_OVERTAKEN, 1);
        break;
    }
}

/* False: Redis does not take them; they stay where they are. */
static bool settle_ended(struct webhook *w) {
    struct webhook_answer answer;
    while (webhook_wire_next(w->wire, &answer)) {
        bool is_stopped = answer.ending == WEBHOOK_ENDING_STOPPED;
        struct err err = {""};
        enum webhook_settled settled;
        struct webhook_settle settle = {
            .id = answer.id,
            .attempt = answer.attempt,
            .verdict = verdict_of(answer.ending),
            .now_ms = clock_real_ms(),
            .delay_ms = is_stopped ? 0
                                   : webhook_delay_ms(answer.step, answer.retry_after_s,
                                                      random_u64(&w->random)),
            .give_up_ms = w->give_up_ms,
            .status = answer.status,
            .error = answer.error,
        };
        if (!is_well(w, webhook_settle(&w->store, &settle, &settled, &err), &err)) {
            return false;
        }
        metric_add(w->metrics, webhook_metric_of(answer.ending), 1);
        say_outcome(w, &answer, settled);
        webhook_wire_release(w->wire, answer.slot);
        w->claim_at_ns = 0; /* there is room, and perhaps more for this host */
        w->offset = 0;
    }
    return true;
}

/* ---- claiming ---- */

static void start_claimed(struct webhook *w, const struct webhook_claimed *claimed) {
    for (size_t i = 0; i < claimed->count; i++) {
        const struct webhook_delivery *delivery = &claimed->delivery[i];
        struct webhook_key key = webhook_key_of(w->secret, delivery->campaign);
        /* What does not fit, which no script of ours gives, comes back when its lease is over. */
        if (!webhook_wire_start(w->wire, delivery, &key, clock_real_ms() / MS_PER_S)) {
            metric_add(w->metrics, WEBHOOK_METRIC_STRAY, 1);
        }
        explicit_bzero(&key, sizeof(key));
    }
}

static void say_claimed(struct webhook *w, const struct webhook_claimed *claimed, uint64_t now_ms) {
    uint64_t held_back;
    uint64_t since_ms = claimed->oldest_ms != 0 ? claimed->oldest_ms : now_ms;
    since_ms = claimed->next_ms != 0 && claimed->next_ms < since_ms ? claimed->next_ms : since_ms;
    metric_put(w->metrics, WEBHOOK_METRIC_PENDING, claimed->pending);
    metric_put(w->metrics, WEBHOOK_METRIC_OLDEST_MS, since_ms < now_ms ? now_ms - since_ms : 0);
    metric_add(w->metrics, WEBHOOK_METRIC_HOST_LIMIT, claimed->held_by_host);
    metric_add(w->metrics, WEBHOOK_METRIC_FAILED, claimed->failed);
    metric_add(w->metrics, WEBHOOK_METRIC_HOPELESS, claimed->failed);
    metric_add(w->metrics, WEBHOOK_METRIC_STRAY, claimed->stray);
    if (claimed->failed + claimed->stray > 0 &&
        log_allowed(&w->stray_limit, clock_monotonic_ns(), FAILURE_LOG_MS, &held_back)) {
        log_event(w->log, LOG_ERROR, "webhook_unusable",
                  "failed=%lu no_delivery=%lu id=%s error=%s held_back=%lu",
                  (unsigned long)claimed->failed, (unsigned long)claimed->stray,
                  claimed->example.id, claimed->example.why, (unsigned long)held_back);
    }
}

static void claim(struct webhook *w) {
    struct webhook_busy busy[WEBHOOK_CLAIM_MAX];
    struct webhook_claimed claimed;
    struct err err = {""};
    bool may_send = w->has_secret && !atomic_load(&w->is_draining);
    size_t room = WEBHOOK_CLAIM_MAX - webhook_wire_count(w->wire);
    struct webhook_claim claim = {.now_ms = clock_real_ms(),
                                  .lease_ms = w->lease_ms,
                                  .wanted = may_send ? room : 0,
                                  .per_host = WEBHOOK_PER_HOST,
                                  .offset = w->offset,
                                  .busy = busy,
                                  .busy_count = webhook_wire_busy(w->wire, busy)};
    if (!is_well(w, webhook_claim(&w->store, &claim, &w->bytes, &claimed, &err), &err)) {
        return;
    }
    if (may_send && room > 0 && claimed.count == room) {
        metric_add(w->metrics, WEBHOOK_METRIC_LIMIT, 1);
    }
    say_claimed(w, &claimed, claim.now_ms);
    start_claimed(w, &claimed);
    w->offset = claimed.next_offset;
    w->claim_at_ns = clock_monotonic_ns() + (w->offset != 0 ? SCAN_MS : ROUND_MS) * NS_PER_MS;
}

static void trim(struct webhook *w) {
    struct webhook_trim trim = {
        .now_ms = clock_real_ms(), .kept_max = WEBHOOKS_KEPT_MAX, .offset = w->trim_offset};
    struct err err = {""};
    if (is_well(w, webhook_trim(&w->store, &trim, &err), &err)) {
        w->trim_offset = trim.offset;
        w->trim_at_ns =
            clock_monotonic_ns() + (trim.offset != 0 ? TRIM_ON_MS : TRIM_MS) * NS_PER_MS;
    }
}

/* ---- rounds ---- */

static void look_for_secret(struct webhook *w) {
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    struct err err = {""};
    if (w->has_secret || now_ns < w->secret_at_ns) {
        return;
    }
    w->has_secret = identity_read_secret(w->data_dir, w->secret, &err);
    w->secret_at_ns = now_ns + SECRET_RETRY_MS * NS_PER_MS;
    metric_put(w->metrics, WEBHOOK_METRIC_NO_SECRET, w->has_secret ? 0 : 1);
    if (!w->has_secret && log_allowed(&w->secret_limit, now_ns, REPEAT_LOG_MS, &held_back)) {
        log_event(w->log, LOG_ERROR, "webhook_no_secret", "error=%s meaning=%s", err.text,
                  "webhooks are not sent until the secret of this system is there");
    }
}

static void round_with_redis(struct webhook *w) {
    if (!connect_redis(w) || !settle_ended(w)) {
        return;
    }
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns >= w->claim_at_ns) {
        claim(w);
    }
    if (now_ns >= w->trim_at_ns && w->retry_ms == 0) {
        trim(w);
    }
}

static bool is_over(const struct webhook *w) {
    uint64_t stop_ns = atomic_load(&w->stop_ns);
    return stop_ns != 0 && (webhook_wire_count(w->wire) == 0 || clock_monotonic_ns() >= stop_ns);
}

/* Until the next thing has to be done, or something happens on the wire. */
static uint32_t wait_ms(const struct webhook *w) {
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t at_ns = w->claim_at_ns > w->redis_at_ns ? w->claim_at_ns : w->redis_at_ns;
    uint64_t wait = at_ns > now_ns ? (at_ns - now_ns) / NS_PER_MS + 1 : 0;
    return wait < ROUND_MS ? (uint32_t)wait : ROUND_MS;
}

static void *run(void *argument) {
    struct webhook *w = argument;
    while (!is_over(w)) {
        look_for_secret(w);
        round_with_redis(w);
        webhook_wire_run(w->wire, wait_ms(w));
    }
    webhook_wire_abort(w->wire);
    w->redis_at_ns = 0;
    if (connect_redis(w) && !settle_ended(w)) {
        log_event(w->log, LOG_WARN, "webhook_outcomes_lost", "count=%zu meaning=%s",
                  webhook_wire_count(w->wire), "they are sent again when their leases are over");
    }
    return NULL;
}
