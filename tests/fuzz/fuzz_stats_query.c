/*
 * fuzz_stats_query.c - any bytes as a question, "name=value&name=value", and behind a NUL as the
 * field of a rollup: whatever is taken is within its limits, has rows of time that hold its days,
 * and can be written; whatever is refused says why. The first byte picks the scope.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "days.h"
#include "query_lists.h"
#include "stats/cell.h"
#include "stats/query.h"
#include "stats/report.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct stats_source source = {
    .zone = {"America/New_York", 16}, .retain_days = 400, .now_ms = 1795287600000};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    struct err err;
    (void)argc;
    (void)argv;
    ENSURE(clock_set_zone("America/New_York", &err));
    return 0;
}

static bool choose(struct stats_query *query, struct slice choices, struct err *err) {
    while (choices.size > 0) {
        struct slice value = slice_split(&choices, '&');
        struct slice name = slice_split(&value, '=');
        bool is_known = stats_query_has(name);
        if (!stats_query_set(query, name, value, err)) {
            ENSURE(err->text[0] != '\0');
            return false;
        }
        ENSURE(is_known);
    }
    return true;
}

static void check_periods(const struct stats_query *query) {
    struct periods periods;
    uint32_t period, before = 0;
    periods_init(&periods, query);
    ENSURE(periods.day_count > 0 && periods.day_count <= STATS_DAYS_MAX);
    for (size_t i = 0; i < periods.day_count; i++) {
        for (int hour = CELL_NO_HOUR; hour < CELL_HOURS_MAX; hour++) {
            if (periods_find(&periods, &periods.day[i], hour, &period)) {
                ENSURE(period < periods.count && period >= before);
                before = period;
            }
        }
        ENSURE(periods_done(&periods, i) <= periods.count);
    }
    ENSURE(periods_done(&periods, periods.day_count - 1) == periods.count);
    periods_fini(&periods);
}

/* What a cell shows in every list passes a filter for just that. */
static void check_cell(const struct cell *cell) {
    for (int list = 0; list < STATS_BY_CAMPAIGN; list++) {
        struct slice shown = query_shown((enum stats_list)list, cell);
        struct stats_query query = {.filter_count = 1};
        struct err err;
        char bytes[1024];
        struct buf filter = buf_over(bytes, sizeof(bytes));
        query.filter_count = 0;
        buf_printf(&filter, "%s:", stats_list_name((enum stats_list)list));
        for (size_t i = 0; i < shown.size; i++) {
            buf_append_char(&filter, '\\');
            buf_append_char(&filter, shown.data[i]);
        }
        if (!filter.overflowed) {
            ENSURE(query_set_filter(&query, buf_slice(&filter), &err));
            ENSURE(query.filter_count == 1 && query_passes(&query, cell));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice field = slice_make((const char *)data, size);
    struct slice choices = slice_from(slice_split(&field, '\0'), 1);
    struct stats_query query;
    struct err err = {0};
    struct cell cell;
    const char *name = NULL;
    if (size == 0) {
        return 0;
    }
    if (cell_decode(field, &cell)) {
        check_cell(&cell);
    }
    ENSURE(stats_query_init(&query, (enum stats_scope_kind)(data[0] % 3), SLICE("AB12"), &err));
    if (!choose(&query, choices, &err)) {
        return 0;
    }
    if (!stats_query_finish(&query, &source, &name, &err)) {
        ENSURE(err.text[0] != '\0' && name != NULL && stats_query_has(slice_of(name)));
        return 0;
    }
    ENSURE(query.from <= query.to && query.begin_ms < query.end_ms);
    ENSURE(query.by_count <= STATS_BY_MAX && query.filter_count <= STATS_FILTERS_MAX);
    check_periods(&query);
    struct stats_row row = {.value = {field, choices}};
    struct stats_report report = {.query = query, .rows = &row, .row_count = 1};
    struct buf out;
    buf_init(&out, 1024 * 1024);
    ENSURE(stats_report_json(&report, &out) && stats_report_csv(&report, &out));
    buf_fini(&out);
    return 0;
}
