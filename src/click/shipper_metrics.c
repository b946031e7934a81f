/*
 * click/shipper_metrics.c - what a shipper counts.
 *
 * Clicks and conversions have families of their own, brinco_shipper_... and
 * brinco_conversions_shipper_...: an alarm on clicks that wait must not go off for, or be hidden
 * by, conversions.
 */
#include "click/payload.h"
#include "shipper_private.h"

#define SHIP_TABLE(PREFIX, CAPITAL)                                                                \
    {                                                                                              \
        [SHIP_SHIPPED] = {.name = PREFIX "shipped_total",                                          \
                          .help = CAPITAL " that the queue acknowledged, or was found to have.",   \
                          .type = METRIC_COUNTER},                                                 \
        [SHIP_BATCHES] = {.name = PREFIX "batches_total",                                          \
                          .help = "Batches that the queue acknowledged.",                          \
                          .type = METRIC_COUNTER},                                                 \
        [SHIP_CONFLICTS] = {.name = PREFIX "conflicts_total",                                      \
                            .help = "Batches not taken because the stream did not end where it "   \
                                    "should.",                                                     \
                            .type = METRIC_COUNTER},                                               \
        [SHIP_REFUSED] = {.name = PREFIX "refused_total",                                          \
                          .help = "Times that the queue would not take anything: out of memory, "  \
                                  "read-only, loading, or not permitted.",                         \
                          .type = METRIC_COUNTER},                                                 \
        [SHIP_UNREACHABLE] = {.name = PREFIX "unreachable_total",                                  \
                              .help = "Times that the queue did not answer.",                      \
                              .type = METRIC_COUNTER},                                             \
        [SHIP_DAMAGED] = {.name = PREFIX "damaged_records_total",                                  \
                          .help =                                                                  \
                              "Records of journals that failed their check and were passed over.", \
                          .type = METRIC_COUNTER},                                                 \
        [SHIP_RESHIPPED] = {.name = PREFIX "reshipped_total",                                      \
                            .help =                                                                \
                                CAPITAL " shipped once more because the queue came back older.",   \
                            .type = METRIC_COUNTER},                                               \
        [SHIP_FOREIGN] = {.name = PREFIX "foreign_total",                                          \
                          .help =                                                                  \
                              "Times that a stream was found to end with somebody else's entry "   \
                              "above records of ours that it does not have.",                      \
                          .type = METRIC_COUNTER},                                                 \
        [SHIP_NEWS] = {.name = PREFIX "news_total",                                                \
                       .help = "Heartbeats, with what tallies have, that were sent.",              \
                       .type = METRIC_COUNTER},                                                    \
        [SHIP_NEWS_REFUSED] = {.name = PREFIX "news_refused_total",                                \
                               .help = "Heartbeats that the queue did not take.",                  \
                               .type = METRIC_COUNTER},                                            \
        [SHIP_DELETED_BY_AGE] = {.name = PREFIX "deleted_segments_total",                          \
                                 .labels = "reason=\"age\"",                                       \
                                 .help =                                                           \
                                     "Journal segments deleted: shipped and old, or shipped and "  \
                                     "in the way of new ones.",                                    \
                                 .type = METRIC_COUNTER},                                          \
        [SHIP_DELETED_EARLY] = {.name = PREFIX "deleted_segments_total",                           \
                                .labels = "reason=\"early\"",                                      \
                                .type = METRIC_COUNTER},                                           \
        [SHIP_LAG_RECORDS] = {.name = PREFIX "lag_records",                                        \
                              .help = CAPITAL " journaled and not yet in the queue.",              \
                              .type = METRIC_GAUGE},                                               \
        [SHIP_LAG_SECONDS] = {.name = PREFIX "lag_seconds",                                        \
                              .help = "Age of the oldest of them.",                                \
                              .type = METRIC_GAUGE_MAX,                                            \
                              .scale = 0.001},                                                     \
        [SHIP_CONNECTED] = {.name = PREFIX "connected",                                            \
                            .help = "1 when the queue answered last time.",                        \
                            .type = METRIC_GAUGE},                                                 \
    }

static const struct metric click_metrics[SHIP_METRIC_COUNT] =
    SHIP_TABLE("brinco_shipper_", "Clicks");
static const struct metric conversion_metrics[SHIP_METRIC_COUNT] =
    SHIP_TABLE("brinco_conversions_shipper_", "Conversions");

const struct metric *ship_metrics_of(const struct payload_kind *payload) {
    return payload == &payload_conversions ? conversion_metrics : click_metrics;
}
