/*
 * nonsense.c - telling people about links and campaigns that make no sense.
 */
#include "nonsense.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/template.h"
#include "link_metrics.h"

static const uint64_t interval_ns = UINT64_C(60) * 1000 * 1000 * 1000;

static const struct {
    enum link_metric metric;
    bool is_campaign;
} reasons[NONSENSE_REASON_COUNT] = {
    [NONSENSE_LINK_TYPE] = {LINK_NONSENSE_LINK_TYPE, false},
    [NONSENSE_LINK_TOO_LARGE] = {LINK_NONSENSE_LINK_TOO_LARGE, false},
    [NONSENSE_LINK_FIELD] = {LINK_NONSENSE_LINK_FIELD, false},
    [NONSENSE_LINK_EMPTY] = {LINK_NONSENSE_LINK_EMPTY, false},
    [NONSENSE_CAMPAIGN_TYPE] = {LINK_NONSENSE_CAMPAIGN_TYPE, true},
    [NONSENSE_CAMPAIGN_TOO_LARGE] = {LINK_NONSENSE_CAMPAIGN_TOO_LARGE, true},
    [NONSENSE_CAMPAIGN_FIELD] = {LINK_NONSENSE_CAMPAIGN_FIELD, true},
    [NONSENSE_CAMPAIGN_MISSING] = {LINK_NONSENSE_CAMPAIGN_MISSING, true},
};

/* Whether this may be logged now; notes that it was. */
static bool is_due(struct nonsense *nonsense, const struct nonsense_case *what, uint64_t now_ns) {
    uint64_t hash = hash_bytes(slice_of(what->field), (uint64_t)what->reason);
    hash = hash_bytes(what->key, hash);
    size_t place = hash % NONSENSE_REMEMBERED;
    if (nonsense->said[place].hash == hash && now_ns < nonsense->said[place].next_ns) {
        return false;
    }
    if (now_ns >= nonsense->minute_ends_ns) {
        nonsense->minute_ends_ns = now_ns + interval_ns;
        nonsense->lines = 0;
    }
    if (nonsense->lines == NONSENSE_LINES_MAX) {
        return false;
    }
    nonsense->lines++;
    nonsense->said[place].hash = hash;
    nonsense->said[place].next_ns = now_ns + interval_ns;
    return true;
}

void nonsense_report(struct nonsense *nonsense, const struct nonsense_case *what) {
    metric_add(nonsense->metrics, reasons[what->reason].metric, 1);
    if (!is_due(nonsense, what, clock_monotonic_ns())) {
        nonsense->held_back++;
        return;
    }
    unsigned long long held_back = nonsense->held_back;
    nonsense->held_back = 0;
    if (reasons[what->reason].is_campaign) {
        log_event(nonsense->log, LOG_WARN, "campaign_nonsense",
                  "campaign=%.*s field=%s reason=%s held_back=%llu", SLICE_ARG(what->key),
                  what->field, what->text, held_back);
    } else {
        log_event(nonsense->log, LOG_WARN, "link_nonsense",
                  "code=%.*s field=%s reason=%s held_back=%llu", SLICE_ARG(what->key), what->field,
                  what->text, held_back);
    }
}

void nonsense_report_link(struct nonsense *nonsense, struct slice code, const struct link *link,
                          const struct slice *values) {
    for (unsigned i = 0; i < LINK_FIELD_COUNT; i++) {
        if ((link_faults(link) & 1U << i) == 0) {
            continue;
        }
        struct err err = {{0}};
        (void)link_field_check((enum link_field)i, values[i], SLICE("*"), nonsense->hosts, &err);
        nonsense_report(nonsense, &(struct nonsense_case){
                                      .reason = NONSENSE_LINK_FIELD,
                                      .key = code,
                                      .field = link_field_name((enum link_field)i),
                                      .text = err.text,
                                  });
    }
    if (link_campaign(link).size == 0 && link_template(link).size == 0) {
        nonsense_report(nonsense, &(struct nonsense_case){
                                      .reason = NONSENSE_LINK_EMPTY,
                                      .key = code,
                                      .field = "",
                                      .text = "leads nowhere: a link needs a campaign or a url",
                                  });
    }
}

void nonsense_report_scheme(struct nonsense *nonsense, struct slice code, const struct link *link,
                            const struct campaign *campaign) {
    struct slice schemes = campaign == NULL ? SLICE_EMPTY : campaign->text[CAMPAIGN_FIELD_SCHEMES];
    struct slice template = link_template(link);
    if (template.size > 0 && !template_compiled_is_allowed(template, schemes)) {
        nonsense_report(nonsense, &(struct nonsense_case){
                                      .reason = NONSENSE_LINK_FIELD,
                                      .key = code,
                                      .field = link_field_name(LINK_FIELD_URL),
                                      .text = "the scheme is neither https nor one that the "
                                              "campaign lists in its field schemes",
                                  });
    }
}

void nonsense_report_campaign(struct nonsense *nonsense, const struct campaign *campaign,
                              const struct slice *values) {
    for (unsigned i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        if ((campaign->faults & 1U << i) == 0) {
            continue;
        }
        struct err err = {{0}};
        (void)campaign_field_read((enum campaign_field)i, values[i],
                                  campaign->text[CAMPAIGN_FIELD_SCHEMES], nonsense->hosts, &err);
        nonsense_report(nonsense, &(struct nonsense_case){
                                      .reason = NONSENSE_CAMPAIGN_FIELD,
                                      .key = campaign->id,
                                      .field = campaign_field_name((enum campaign_field)i),
                                      .text = err.text,
                                  });
    }
}
