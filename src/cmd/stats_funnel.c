/*
 * stats_funnel.c - what became of the clicks, for people.
 *
 *   Funnel        verified  unverified  forged  repeated  value of verified ones, in minor units
 *   previews            12
 *   clicks             340
 *   people             280
 *   install             85           3       1         4
 *   first_loan          12           0       0         1  MXN 2400000
 */
#include <inttypes.h>

#include "base/buf.h"
#include "stats/report.h"
#include "stats_private.h"

static bool is_empty(const struct funnel_event *event) {
    uint64_t sum = event->repeated;
    for (int i = 0; i < FUNNEL_STATUS_COUNT; i++) {
        sum += event->count[i];
    }
    return sum == 0;
}

static void append_taps(const char *name, uint64_t count, struct buf *out) {
    buf_printf(out, "%-24s %10" PRIu64 "\n", name, count);
}

static void append_event(const struct funnel_event *event, struct buf *out) {
    buf_printf(out, "%-24s", event->name);
    for (int i = 0; i < FUNNEL_STATUS_COUNT; i++) {
        buf_printf(out, " %10" PRIu64, event->count[i]);
    }
    buf_printf(out, " %10" PRIu64, event->repeated);
    for (size_t i = 0; i < event->value_count; i++) {
        buf_printf(out, "  %s %" PRId64, event->value[i].currency,
                   event->value[i].sum[FUNNEL_VERIFIED]);
    }
    const char *before = "  marked: ";
    for (int i = 0; i < CHECK_REASON_COUNT; i++) {
        if (event->marked[i] > 0) {
            buf_printf(out, "%s%s %" PRIu64, before, check_reason_name((enum check_reason)i),
                       event->marked[i]);
            before = ", ";
        }
    }
    buf_append_char(out, '\n');
}

void stats_show_funnel(const struct stats_report *report, struct buf *out) {
    bool has_some = false;
    for (size_t i = 0; i < report->funnel.event_count; i++) {
        has_some = has_some || !is_empty(&report->funnel.event[i]);
    }
    if (!report->funnel.is_known || !has_some) {
        return;
    }
    buf_printf(out, "%-24s %10s %10s %10s %10s  %s\n", "Funnel", "verified", "unverified", "forged",
               "repeated", "value of verified ones, in minor units");
    append_taps("previews", report->totals.kind[TAP_KIND_PREVIEW], out);
    append_taps("clicks", report->totals.kind[TAP_KIND_HUMAN], out);
    if (report->totals.people >= 0) {
        append_taps("people", (uint64_t)report->totals.people, out);
    }
    for (size_t i = 0; i < report->funnel.event_count; i++) {
        append_event(&report->funnel.event[i], out);
    }
    if (report->funnel.is_cut) {
        buf_append(out, SLICE("There are more events or currencies than are shown.\n"));
    }
    buf_append_char(out, '\n');
}
