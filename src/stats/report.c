/*
 * report.c - a report as JSON.
 *
 * Numbers are numbers. A figure that a row cannot have (people by the hour, outcomes by campaign)
 * is null, so that every row has the same members.
 */
#include "stats/report.h"

#include "base/buf.h"
#include "query_lists.h"
#include "report_parts.h"

static void append_head(const struct stats_report *report, struct buf *out);
static void append_filters(const struct stats_query *query, struct buf *out);
static void append_row(const struct stats_report *report, const struct stats_row *row,
                       struct buf *out);
static void append_counts(const struct stats_report *report, const struct stats_counts *counts,
                          struct buf *out);
static void append_funnel(const struct stats_report *report, struct buf *out);
static void append_people(const struct stats_counts *counts, struct buf *out);
static void append_number(const char *name, uint64_t number, struct buf *out);

static const char *const kinds[] = {
    [TAP_KIND_HUMAN] = "clicks",        [TAP_KIND_PREVIEW] = "previews", [TAP_KIND_BOT] = "bots",
    [TAP_KIND_PREFETCH] = "prefetches", [TAP_KIND_HEAD] = "heads",
};

const char *report_kind_name(enum tap_kind kind) {
    ENSURE((unsigned)kind < ARRAY_COUNT(kinds));
    return kinds[kind];
}

bool report_has_outcomes(const struct stats_query *query) {
    return query->by_count == 0 || query->by[0] != STATS_BY_CAMPAIGN;
}

void report_append_text(struct slice text, struct buf *out) {
    buf_append_char(out, '"');
    buf_append_json(out, text);
    buf_append_char(out, '"');
}

void report_append_range(const struct stats_query *query, struct buf *out) {
    static const char *const scopes[] = {
        [STATS_ALL] = "all", [STATS_CAMPAIGN] = "campaign", [STATS_LINK] = "link"};
    static const char *const ids[] = {[STATS_CAMPAIGN] = "campaign", [STATS_LINK] = "code"};
    char from[DAYS_TEXT_BYTES], to[DAYS_TEXT_BYTES];
    days_format(query->from, from);
    days_format(query->to, to);
    buf_printf(out, "{\"scope\":\"%s\",", scopes[query->scope]);
    if (query->scope != STATS_ALL) {
        buf_printf(out, "\"%s\":\"%s\",", ids[query->scope], query->id);
    }
    buf_printf(out, "\"from\":\"%s\",\"to\":\"%s\",", from, to);
}

bool stats_report_json(const struct stats_report *report, struct buf *out) {
    append_head(report, out);
    for (size_t i = 0; i < report->row_count && !out->overflowed; i++) {
        if (i > 0) {
            buf_append_char(out, ',');
        }
        append_row(report, &report->rows[i], out);
    }
    buf_append(out, SLICE("]}\n"));
    return !out->overflowed;
}

static void append_head(const struct stats_report *report, struct buf *out) {
    const struct stats_query *query = &report->query;
    report_append_range(query, out);
    buf_printf(out, "\"interval\":\"%s\",\"by\":[", query_interval_name(query->interval));
    for (unsigned i = 0; i < query->by_count; i++) {
        buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", stats_list_name(query->by[i]));
    }
    buf_append(out, SLICE("],\"filter\":{"));
    append_filters(query, out);
    buf_append(out, SLICE("},"));
    stats_freshness_json(&report->freshness, slice_of(report->zone), out);
    if (report->totals.people < 0) {
        buf_append(out, SLICE(",\"people_are\":null"));
    } else {
        buf_printf(out, ",\"people_are\":\"%s\"",
                   query->from == query->to ? "of the day" : "sum of days");
    }
    buf_printf(out, ",\"folded\":%llu,\"totals\":{", (unsigned long long)report->folded);
    append_counts(report, &report->totals, out);
    buf_append(out, SLICE("},\"funnel\":"));
    append_funnel(report, out);
    buf_append(out, SLICE(",\"rows\":["));
}

/* "country":["MX","GT"] for each list that is filtered, in the order of the lists. */
static void append_filters(const struct stats_query *query, struct buf *out) {
    bool is_first = true;
    for (int list = 0; list < STATS_LIST_COUNT; list++) {
        unsigned values = 0;
        for (unsigned i = 0; i < query->filter_count; i++) {
            if ((int)query->filter[i].list != list) {
                continue;
            }
            if (values++ == 0) {
                buf_printf(out, "%s\"%s\":[", is_first ? "" : ",",
                           stats_list_name((enum stats_list)list));
                is_first = false;
            } else {
                buf_append_char(out, ',');
            }
            report_append_text(stats_query_filter(query, i), out);
        }
        if (values > 0) {
            buf_append_char(out, ']');
        }
    }
}

static void append_row(const struct stats_report *report, const struct stats_row *row,
                       struct buf *out) {
    buf_append(out, SLICE("{\"time\":"));
    if (row->time[0] != '\0') {
        report_append_text(slice_of(row->time), out);
    } else {
        buf_append(out, SLICE("null"));
    }
    buf_append_char(out, ',');
    for (unsigned i = 0; i < report->query.by_count; i++) {
        buf_printf(out, "\"%s\":", stats_list_name(report->query.by[i]));
        report_append_text(row->value[i], out);
        buf_append_char(out, ',');
    }
    append_counts(report, &row->counts, out);
    buf_append_char(out, '}');
}

static void append_number(const char *name, uint64_t number, struct buf *out) {
    buf_append_char(out, '"');
    buf_append(out, slice_of(name));
    buf_append(out, SLICE("\":"));
    buf_append_u64(out, number);
}

/* Previews, clicks and people first: what stands above the conversions. */
static void append_funnel(const struct stats_report *report, struct buf *out) {
    const struct stats_counts *totals = &report->totals;
    if (!report->funnel.is_known) {
        buf_append(out, SLICE("null"));
        return;
    }
    buf_append_char(out, '{');
    append_number("previews", totals->kind[TAP_KIND_PREVIEW], out);
    buf_append_char(out, ',');
    append_number("clicks", totals->kind[TAP_KIND_HUMAN], out);
    buf_append_char(out, ',');
    append_people(totals, out);
    buf_printf(out, ",\"cut\":%s,\"events\":", report->funnel.is_cut ? "true" : "false");
    funnel_json(&report->funnel, out);
    buf_append_char(out, '}');
}

static void append_people(const struct stats_counts *counts, struct buf *out) {
    if (counts->people < 0) {
        buf_append(out, SLICE("\"people\":null"));
    } else {
        append_number("people", (uint64_t)counts->people, out);
    }
}

static void append_converted(const struct stats_report *report, const struct stats_counts *counts,
                             struct buf *out) {
    if (!report->funnel.is_known) {
        buf_append(out, SLICE(",\"converted\":null"));
        return;
    }
    buf_append(out, SLICE(",\"converted\":{"));
    for (int i = 0; i < FUNNEL_STEP_COUNT; i++) {
        if (i > 0) {
            buf_append_char(out, ',');
        }
        append_number(funnel_step_name((enum funnel_step)i), counts->converted[i], out);
    }
    buf_append_char(out, '}');
}

static void append_counts(const struct stats_report *report, const struct stats_counts *counts,
                          struct buf *out) {
    const struct stats_query *query = &report->query;
    for (int i = 0; i < TAP_KIND_COUNT; i++) {
        append_number(kinds[i], counts->kind[i], out);
        buf_append_char(out, ',');
    }
    append_people(counts, out);
    append_converted(report, counts, out);
    if (!report_has_outcomes(query)) {
        buf_append(out, SLICE(",\"outcomes\":null"));
        return;
    }
    buf_append(out, SLICE(",\"outcomes\":{"));
    for (int i = 0; i < TAP_OUTCOME_COUNT; i++) {
        if (i > 0) {
            buf_append_char(out, ',');
        }
        append_number(tap_outcome_name((enum tap_outcome)i), counts->outcome[i], out);
    }
    buf_append_char(out, '}');
}
