/*
 * stats_show.c - numbers for people: a table, and how far to trust it.
 */
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "stats/report.h"
#include "stats/top.h"
#include "stats_private.h"

/* The columns of a report, in their order; not every report has all. */
struct report_columns {
    const struct stats_report *report;
    struct table_column column[TABLE_COLUMNS_MAX];
    size_t count;
    size_t first_kind; /* index of clicks; before it time and lists */
};

static struct report_columns columns_of(const struct stats_report *report);
static void report_cell(const void *argument, size_t row, size_t column, struct buf *out);
static uint64_t report_bar(const void *argument, size_t row);
static void top_cell(const void *argument, size_t row, size_t column, struct buf *out);
static uint64_t top_bar(const void *argument, size_t row);
static void append_title(const struct stats_query *query, struct buf *out);
static void append_left_out(const struct table *table, uint32_t left_out,
                            const struct table_style *style, struct buf *out);
static void append_footer(const struct stats_freshness *freshness, const char *zone,
                          struct buf *out);

void stats_show_report(const struct stats_report *report, const struct table_style *style,
                       struct buf *out) {
    struct report_columns columns = columns_of(report);
    const struct table table = {.column = columns.column,
                                .column_count = columns.count,
                                .row_count = report->row_count + 1,
                                .has_total = true,
                                .argument = &columns,
                                .cell = report_cell,
                                .bar = report_bar};
    append_title(&report->query, out);
    uint32_t left_out = table_write(&table, style, out);
    buf_append_char(out, '\n');
    append_left_out(&table, left_out, style, out);
    stats_show_funnel(report, out);
    if (report->totals.people >= 0 && report->query.from != report->query.to) {
        buf_append(out, SLICE("People are counted by the day: a range adds its days up.\n"));
    }
    if (report->folded > 0) {
        table_append_number(report->folded, out);
        buf_append(
            out,
            SLICE(" taps have values that are counted as other: the day's lists were full.\n"));
    }
    append_footer(&report->freshness, report->zone, out);
}

void stats_show_top(const struct stats_top *top, const struct table_style *style, struct buf *out) {
    static const struct table_column columns[] = {
        {"code", false, 0}, {"campaign", false, 0}, {"clicks", true, 0}};
    const struct table table = {.column = columns,
                                .column_count = ARRAY_COUNT(columns),
                                .row_count = top->row_count,
                                .argument = top,
                                .cell = top_cell,
                                .bar = top_bar};
    append_title(&top->query, out);
    (void)table_write(&table, style, out); /* all of its columns stay */
    buf_append_char(out, '\n');
    append_footer(&top->freshness, top->zone, out);
}

void stats_show_warning(const struct stats_freshness *freshness, struct buf *out) {
    if (freshness->complete) {
        return;
    }
    if (freshness->streams == 0) {
        buf_append(out, SLICE("NOT COMPLETE: no edge is known.\n"));
    } else if (freshness->silent > 0) {
        buf_printf(out,
                   "NOT COMPLETE: %u of %u streams of clicks not heard from; numbers may grow.\n",
                   freshness->silent, freshness->streams);
    } else {
        buf_append(out, SLICE("NOT COMPLETE: counting is behind; numbers may grow.\n"));
    }
}

static struct report_columns columns_of(const struct stats_report *report) {
    static const char *const kinds[] = {[TAP_KIND_HUMAN] = "clicks",
                                        [TAP_KIND_PREVIEW] = "previews",
                                        [TAP_KIND_BOT] = "bots",
                                        [TAP_KIND_HEAD] = "heads",
                                        [TAP_KIND_PREFETCH] = "prefetches"};
    static const unsigned may_leave[] = {[TAP_KIND_HUMAN] = 0,
                                         [TAP_KIND_PREVIEW] = 4,
                                         [TAP_KIND_BOT] = 3,
                                         [TAP_KIND_PREFETCH] = 2,
                                         [TAP_KIND_HEAD] = 1};
    struct report_columns columns = {.report = report};
    columns.column[columns.count++] = (struct table_column){"time", false, 0};
    for (unsigned i = 0; i < report->query.by_count; i++) {
        columns.column[columns.count++] =
            (struct table_column){stats_list_name(report->query.by[i]), false, 0};
    }
    columns.first_kind = columns.count;
    for (size_t i = 0; i < TAP_KIND_COUNT; i++) {
        columns.column[columns.count++] = (struct table_column){kinds[i], true, may_leave[i]};
    }
    if (report->totals.people >= 0) {
        columns.column[columns.count++] = (struct table_column){"people", true, 0};
    }
    return columns;
}

static void report_cell(const void *argument, size_t row, size_t column, struct buf *out) {
    const struct report_columns *columns = argument;
    const struct stats_report *report = columns->report;
    bool is_total = row == report->row_count;
    const struct stats_counts *counts = is_total ? &report->totals : &report->rows[row].counts;
    if (column >= columns->first_kind + TAP_KIND_COUNT) {
        if (counts->people >= 0) {
            table_append_number((uint64_t)counts->people, out);
        }
    } else if (column >= columns->first_kind) {
        table_append_number(counts->kind[column - columns->first_kind], out);
    } else if (column > 0 && !is_total) {
        table_append_text(report->rows[row].value[column - 1], TABLE_TEXT_COLUMNS_MAX, out);
    } else if (column == 0) {
        const char *time = is_total ? "total" : report->rows[row].time;
        buf_append(out, slice_of(time[0] != '\0' ? time : "all days"));
    }
}

static uint64_t report_bar(const void *argument, size_t row) {
    const struct report_columns *columns = argument;
    return columns->report->rows[row].counts.kind[TAP_KIND_HUMAN];
}

static void top_cell(const void *argument, size_t row, size_t column, struct buf *out) {
    const struct stats_top_row *it = &((const struct stats_top *)argument)->rows[row];
    if (column == 0) {
        buf_append(out, slice_of(it->code));
    } else if (column == 1) {
        buf_append(out, slice_of(it->campaign[0] != '\0' ? it->campaign : "none"));
    } else {
        table_append_number(it->clicks, out);
    }
}

static uint64_t top_bar(const void *argument, size_t row) {
    return ((const struct stats_top *)argument)->rows[row].clicks;
}

static void append_date(int32_t date, struct buf *out) {
    buf_printf(out, "%04d-%02d-%02d", date / 10000, date / 100 % 100, date % 100);
}

static void append_title(const struct stats_query *query, struct buf *out) {
    static const char *const scopes[] = {
        [STATS_ALL] = "All links", [STATS_CAMPAIGN] = "Campaign ", [STATS_LINK] = "Link "};
    buf_printf(out, "%s%s, ", scopes[query->scope], query->id);
    append_date(query->from, out);
    if (query->from != query->to) {
        buf_append(out, SLICE(" to "));
        append_date(query->to, out);
    }
    for (unsigned i = 0; i < query->filter_count; i++) {
        buf_printf(out, "%s%s:", i == 0 ? ", only " : ", ", stats_list_name(query->filter[i].list));
        table_append_text(stats_query_filter(query, i), TABLE_TEXT_COLUMNS_MAX, out);
    }
    buf_append(out, SLICE("\n\n"));
}

/* What a narrow terminal does not show, so that nobody takes it for nothing. */
static void append_left_out(const struct table *table, uint32_t left_out,
                            const struct table_style *style, struct buf *out) {
    const char *before = "Left out: ";
    for (size_t i = 0; i < table->column_count; i++) {
        if ((left_out & (1u << i)) != 0) {
            buf_printf(out, "%s%s", before, table->column[i].name);
            before = ", ";
        }
    }
    if (left_out != 0) {
        buf_printf(out, " (%u columns are too few).\n", style->columns);
    }
}

static void append_footer(const struct stats_freshness *freshness, const char *zone,
                          struct buf *out) {
    buf_printf(out, "Days of %s", zone);
    if (freshness->through_ms > 0) {
        time_t through = (time_t)(freshness->through_ms / 1000);
        struct tm local;
        char text[40];
        localtime_r(&through, &local);
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &local);
        buf_printf(out, ", counted through %s", text);
    }
    buf_append(out, SLICE(".\n"));
    stats_show_warning(freshness, out);
}
