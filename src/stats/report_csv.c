/*
 * report_csv.c - a report as comma-separated values (RFC 4180).
 *
 * Many who open it do so in a spreadsheet, which runs what begins like a formula; and part of what
 * is counted (source, referrer) anybody may write. So such a text gets a "'" in front. Bytes that
 * are not UTF-8 become U+FFFD, as in JSON.
 */
#include "base/buf.h"
#include "query_lists.h"
#include "report_parts.h"
#include "stats/report.h"

static void append_header(const struct stats_query *query, struct buf *out);
static void append_row(const struct stats_report *report, const struct stats_row *row,
                       struct buf *out);

bool stats_report_csv(const struct stats_report *report, struct buf *out) {
    append_header(&report->query, out);
    for (size_t i = 0; i < report->row_count && !out->overflowed; i++) {
        append_row(report, &report->rows[i], out);
    }
    return !out->overflowed;
}

void report_append_csv(struct slice text, struct buf *out) {
    bool is_formula = text.size > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL;
    bool is_quoted = false;
    for (size_t i = 0; i < text.size && !is_quoted; i++) {
        is_quoted = memchr("\",\r\n", text.data[i], 4) != NULL;
    }
    if (is_quoted) {
        buf_append_char(out, '"');
    }
    if (is_formula) {
        buf_append_char(out, '\'');
    }
    while (text.size > 0) {
        size_t size = slice_utf8_size(text);
        if (text.data[0] == '"') {
            buf_append_char(out, '"');
        }
        buf_append(out, size > 0 ? slice_first(text, size) : SLICE("\xEF\xBF\xBD"));
        text = slice_from(text, size > 0 ? size : 1);
    }
    if (is_quoted) {
        buf_append_char(out, '"');
    }
}

static void append_header(const struct stats_query *query, struct buf *out) {
    buf_append(out, SLICE("time"));
    for (unsigned i = 0; i < query->by_count; i++) {
        buf_append_char(out, ',');
        buf_append(out, slice_of(stats_list_name(query->by[i])));
    }
    for (int i = 0; i < TAP_KIND_COUNT; i++) {
        buf_append_char(out, ',');
        buf_append(out, slice_of(report_kind_name((enum tap_kind)i)));
    }
    buf_append(out, SLICE(",people"));
    for (int i = 0; i < TAP_OUTCOME_COUNT; i++) {
        buf_append_char(out, ',');
        buf_append(out, slice_of(tap_outcome_name((enum tap_outcome)i)));
    }
    for (int i = 0; i < FUNNEL_STEP_COUNT; i++) {
        buf_append_char(out, ',');
        buf_append(out, slice_of(funnel_step_name((enum funnel_step)i)));
    }
    buf_append(out, SLICE("\r\n"));
}

static void append_row(const struct stats_report *report, const struct stats_row *row,
                       struct buf *out) {
    const struct stats_query *query = &report->query;
    report_append_csv(slice_of(row->time), out);
    for (unsigned i = 0; i < query->by_count; i++) {
        buf_append_char(out, ',');
        report_append_csv(row->value[i], out);
    }
    for (int i = 0; i < TAP_KIND_COUNT; i++) {
        buf_append_char(out, ',');
        buf_append_u64(out, row->counts.kind[i]);
    }
    buf_append_char(out, ',');
    if (row->counts.people >= 0) {
        buf_append_u64(out, (uint64_t)row->counts.people);
    }
    for (int i = 0; i < TAP_OUTCOME_COUNT; i++) {
        buf_append_char(out, ',');
        if (report_has_outcomes(query)) {
            buf_append_u64(out, row->counts.outcome[i]);
        }
    }
    for (int i = 0; i < FUNNEL_STEP_COUNT; i++) {
        buf_append_char(out, ',');
        if (report->funnel.is_known) {
            buf_append_u64(out, row->counts.converted[i]);
        }
    }
    buf_append(out, SLICE("\r\n"));
}
