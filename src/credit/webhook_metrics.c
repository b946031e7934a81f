/*
 * webhook_metrics.c - their names and prose.
 */
#include "webhook_metrics.h"

#define ATTEMPT(ending, text)                                                                      \
    [WEBHOOK_METRIC_ATTEMPTS + WEBHOOK_ENDING_##                                                   \
        ending] = {.name = "brinco_webhook_attempts_total",                                        \
                   .labels = "result=\"" text "\"",                                                \
                   .help = "Attempts to deliver a webhook, by how they ended.",                    \
                   .type = METRIC_COUNTER}

#define OUTCOME_HELP "Webhooks that got an outcome from this process; each has one."
#define LIMIT_HELP                                                                                 \
    "Times that a limit was reached: all slots taken, or a delivery held back since its host has " \
    "enough on its way."

static const struct metric webhook_metrics[WEBHOOK_METRIC_COUNT] = {
    ATTEMPT(OK, "ok"),
    ATTEMPT(GONE, "gone"),
    ATTEMPT(STATUS, "status"),
    ATTEMPT(UNREACHABLE, "unreachable"),
    ATTEMPT(TIMEOUT, "timeout"),
    ATTEMPT(TLS, "tls"),
    ATTEMPT(BROKEN, "broken"),
    ATTEMPT(TOO_LARGE, "too_large"),
    ATTEMPT(FORBIDDEN, "forbidden"),
    ATTEMPT(STOPPED, "stopped"),
    [WEBHOOK_METRIC_DELIVERED] = {.name = "brinco_webhooks_total",
                                  .labels = "state=\"delivered\"",
                                  .help = OUTCOME_HELP,
                                  .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_FAILED] = {.name = "brinco_webhooks_total",
                               .labels = "state=\"failed\"",
                               .help = OUTCOME_HELP,
                               .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_OVERTAKEN] = {.name = "brinco_webhook_overtaken_total",
                                  .help = "Attempts that ended after somebody else had written the "
                                          "outcome, or had begun another one.",
                                  .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_HOPELESS] = {.name = "brinco_webhook_hopeless_total",
                                 .help = "Webhooks that failed without being sent: no URL or body, "
                                         "too large, too many attempts.",
                                 .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_STRAY] = {.name = "brinco_webhook_stray_total",
                              .help = "Entries of the list of what is due that are no pending "
                                      "webhooks, and were taken off it.",
                              .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_PENDING] = {.name = "brinco_webhooks_pending",
                                .help = "Webhooks that wait to be delivered, over all processes.",
                                .type = METRIC_GAUGE_MAX},
    [WEBHOOK_METRIC_OLDEST_MS] = {.name = "brinco_webhooks_oldest_pending_seconds",
                                  .help = "Age of the oldest of them that was tried, or how long "
                                          "one that was not is due.",
                                  .type = METRIC_GAUGE_MAX,
                                  .scale = 0.001},
    [WEBHOOK_METRIC_LIMIT] = {.name = "brinco_webhook_limit_reached_total",
                              .labels = "limit=\"at_once\"",
                              .help = LIMIT_HELP,
                              .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_HOST_LIMIT] = {.name = "brinco_webhook_limit_reached_total",
                                   .labels = "limit=\"host\"",
                                   .help = LIMIT_HELP,
                                   .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_NO_SECRET] = {.name = "brinco_webhook_secret_missing",
                                  .help = "1 while nothing is sent, since the secret that signs is "
                                          "not there.",
                                  .type = METRIC_GAUGE},
    [WEBHOOK_METRIC_REFUSED] = {.name = "brinco_webhook_redis_refused_total",
                                .help = "Times that Redis refused what the sender wanted.",
                                .type = METRIC_COUNTER},
    [WEBHOOK_METRIC_UNREACHABLE] = {.name = "brinco_webhook_redis_unreachable_total",
                                    .help = "Times that Redis did not answer the sender.",
                                    .type = METRIC_COUNTER},
};

struct metric_set *webhook_metrics_create(struct metric_registry *registry) {
    return metric_set_create(registry, webhook_metrics, WEBHOOK_METRIC_COUNT);
}
