/*
 * ledger_metrics.c - see ledger_private.h: what a ledger counts.
 */
#include "ledger_private.h"

#define JUDGED_INDEX(status, event)                                                                \
    (LEDGER_JUDGED + (int)CREDIT_##status * (int)LEDGER_EVENT_COUNT + (int)LEDGER_EVENT_##event)
#define JUDGED(status, status_text, event, event_text)                                             \
    [JUDGED_INDEX(status, event)] = {                                                              \
        .name = "brinco_conversions_total",                                                        \
        .labels = "status=\"" status_text "\",event=\"" event_text "\"",                           \
        .help = "Conversions counted, by what their tokens prove; a campaign's own events are "    \
                "other.",                                                                          \
        .type = METRIC_COUNTER},
#define JUDGED_VERIFIED(event, text)   JUDGED(VERIFIED, "verified", event, text)
#define JUDGED_UNVERIFIED(event, text) JUDGED(UNVERIFIED, "unverified", event, text)
#define JUDGED_FORGED(event, text)     JUDGED(FORGED, "forged", event, text)

#define MARKED(reason, text)                                                                       \
    [LEDGER_MARKED + (int)CHECK_##reason] = {                                                      \
        .name = "brinco_conversions_marked_total",                                                 \
        .labels = "reason=\"" text "\"",                                                           \
        .help = "Verified conversions that a check of their campaign marked; they count.",         \
        .type = METRIC_COUNTER},

const struct metric ledger_metrics[LEDGER_METRIC_COUNT] = {
    LEDGER_EVENTS(JUDGED_VERIFIED) LEDGER_EVENTS(JUDGED_UNVERIFIED) LEDGER_EVENTS(
        JUDGED_FORGED)[LEDGER_REPEATED] = {.name = "brinco_conversions_repeated_total",
                                           .help = "Conversions that had been counted before.",
                                           .type = METRIC_COUNTER},
    CHECK_REASONS(MARKED)[LEDGER_MALFORMED] =
        {.name = "brinco_credit_malformed_total",
         .help = "Entries of streams that are no conversions, and were passed over.",
         .type = METRIC_COUNTER},
    [LEDGER_UNLISTED] = {.name = "brinco_credit_unlisted_total",
                         .help = "Conversions of events that neither the click's nor the link's "
                                 "campaign lists: kept as unverified.",
                         .type = METRIC_COUNTER},
    [LEDGER_BATCHES] = {.name = "brinco_credit_batches_total",
                        .help = "Batches of conversions booked.",
                        .type = METRIC_COUNTER},
    [LEDGER_LOST_RACES] = {.name = "brinco_credit_lost_races_total",
                           .help = "Batches not booked because the stream's mark had moved.",
                           .type = METRIC_COUNTER},
    [LEDGER_DAMAGED] = {.name = "brinco_credit_damaged_total",
                        .help = "Times that a key of the books could not be written to.",
                        .type = METRIC_COUNTER},
    [LEDGER_WEBHOOKS_REFUSED] = {.name = "brinco_webhooks_refused_total",
                                 .help = "Webhooks not queued because there were too many.",
                                 .type = METRIC_COUNTER},
    [LEDGER_TRIMMED] = {.name = "brinco_credit_trimmed_total",
                        .help = "Entries taken off streams: judged, and old enough.",
                        .type = METRIC_COUNTER},
    [LEDGER_REFUSED] = {.name = "brinco_credit_refused_total",
                        .help = "Times that Redis would not take anything: out of memory, "
                                "read-only, loading, not permitted, or of another time zone.",
                        .type = METRIC_COUNTER},
    [LEDGER_UNREACHABLE] = {.name = "brinco_credit_unreachable_total",
                            .help = "Times that Redis did not answer.",
                            .type = METRIC_COUNTER},
    [LEDGER_STREAMS] = {.name = "brinco_credit_streams",
                        .help = "Streams of conversions known.",
                        .type = METRIC_GAUGE_MAX},
    [LEDGER_STREAMS_FAILING] = {.name = "brinco_credit_streams_failing",
                                .help = "Streams that cannot be judged; the log says why.",
                                .type = METRIC_GAUGE_MAX},
    [LEDGER_STREAMS_LEFT_OUT] = {.name = "brinco_credit_streams_left_out",
                                 .help = "Names in the set of streams that are too long, or more "
                                         "than can be judged.",
                                 .type = METRIC_GAUGE_MAX},
    [LEDGER_LAG_RECORDS] = {.name = "brinco_credit_lag_records",
                            .help = "Conversions not yet judged, by their sequences.",
                            .type = METRIC_GAUGE_MAX},
    [LEDGER_LAG_SECONDS] = {.name = "brinco_credit_lag_seconds",
                            .help = "Age of the oldest conversion not yet judged.",
                            .type = METRIC_GAUGE_MAX,
                            .scale = 0.001},
    [LEDGER_CONNECTED] = {.name = "brinco_credit_connected",
                          .help = "1 when Redis answered last time.",
                          .type = METRIC_GAUGE},
};
