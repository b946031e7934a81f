/*
 * query_run.c - from a question to its report.
 *
 *   how far counting is ► cells of each day ► groups of each period ► rows ► people ► funnel
 *
 * Freshness is read first: what it says was counted is then in the cells that are read after it.
 * Groups live until their period is done, so that a year by the day never holds more than a day.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "days.h"
#include "query_funnel.h"
#include "query_groups.h"
#include "query_lists.h"
#include "query_names.h"
#include "query_people.h"
#include "query_read.h"
#include "redis/pipe.h"
#include "redis/reply.h"
#include "stats/cell.h"
#include "stats/query.h"
#include "stats/report.h"

enum { ROWS_FIRST = 64, DAMAGED_FIELD_BYTES = 96 };

struct run {
    const struct stats_source *source;
    struct stats_report *report;
    const struct stats_query *query; /* the report's */
    struct periods periods;
    struct groups *groups;
    struct names *names;  /* the report's storage */
    uint32_t period_next; /* whose rows are still to be written */
    size_t row_capacity;
    bool is_too_much;
    bool is_counted; /* anything at all, whatever is filtered */
    bool is_damaged; /* a field of damaged_day has no number */
    size_t damaged_day;
    char damaged_field[DAMAGED_FIELD_BYTES];
    struct people people;
};

static enum stats_result run_all(struct run *run, struct err *err);
static bool check_zone_and_scope(struct run *run, bool *exists, struct err *err);
static void take_field(void *argument, size_t day_index, struct slice field, struct slice value);
static void take_campaign(void *argument, size_t day_index, struct slice field, struct slice value);
static void finish_day(void *argument, size_t day_index);
static void append_rows(struct run *run, const struct group *group, size_t count);
static void append_row(struct run *run, uint32_t period, const uint32_t value[STATS_BY_MAX],
                       const struct stats_counts *counts);
static void give_people(struct run *run);
static enum stats_result refuse_rows(const struct stats_query *query, struct err *err);
static enum stats_result refuse_damage(const struct run *run, const struct reading *reading,
                                       struct err *err);

enum stats_result stats_query_run(const struct stats_source *source,
                                  const struct stats_query *query, struct stats_report **report,
                                  struct err *err) {
    ENSURE(query->end_ms > 0 || query->from > 0); /* finished */
    struct run run = {.source = source,
                      .report = calloc(1, sizeof(*run.report)),
                      .groups = groups_create(),
                      .names = names_create()};
    ENSURE(run.report != NULL);
    run.report->query = *query;
    run.query = &run.report->query;
    run.report->storage = run.names;
    run.report->totals.people = -1;
    struct slice zone = slice_first(source->zone, sizeof(run.report->zone) - 1);
    memcpy(run.report->zone, zone.data, zone.size);
    periods_init(&run.periods, run.query);
    enum stats_result result = run_all(&run, err);
    groups_destroy(&run.groups);
    people_fini(&run.people);
    periods_fini(&run.periods);
    if (result != STATS_OK) {
        stats_report_destroy(&run.report);
    }
    *report = run.report;
    return result;
}

void stats_report_destroy(struct stats_report **report) {
    if (*report != NULL) {
        struct names *names = (*report)->storage;
        names_destroy(&names);
        free((*report)->rows);
        free(*report);
        *report = NULL;
    }
}

static enum stats_result run_all(struct run *run, struct err *err) {
    const struct stats_query *query = run->query;
    bool exists = false;
    bool by_campaign = query->by_count > 0 && query->by[0] == STATS_BY_CAMPAIGN;
    struct reading reading = {
        .source = run->source,
        .scope = {.kind = query->scope, .id = slice_of(query->id)},
        .what = by_campaign                     ? READ_INDEX
                : query->interval == STATS_HOUR ? READ_HOURS
                                                : READ_CELLS,
        .periods = &run->periods,
        .fields_max = STATS_CELLS_READ_MAX,
        .argument = run,
        .each = by_campaign ? take_campaign : take_field,
        .day_done = finish_day,
    };
    people_init(&run->people, query, run->periods.day_count);
    if (!redis_pipe_connect(run->source->pipe, err) ||
        !stats_freshness_read(run->source, query->end_ms, &run->report->freshness, err) ||
        !check_zone_and_scope(run, &exists, err)) {
        return STATS_FAILED;
    }
    enum stats_result result = query_read(&reading, err);
    if (result != STATS_OK) {
        return result;
    }
    if (run->is_damaged) {
        return refuse_damage(run, &reading, err);
    }
    if (run->is_too_much) {
        return refuse_rows(query, err);
    }
    if (!people_read(&run->people, run->source, reading.scope, &run->periods, err)) {
        return STATS_FAILED;
    }
    give_people(run);
    if (!query_funnel_read(run->report, run->source, reading.scope, &run->periods, err)) {
        return STATS_FAILED;
    }
    return exists || run->is_counted ? STATS_OK : STATS_UNKNOWN;
}

/* Rollups of another zone than ours are of other days: no answer is better than a wrong one. */
static bool check_zone_and_scope(struct run *run, bool *exists, struct err *err) {
    static const char *const owners[] = {
        [STATS_ALL] = "", [STATS_CAMPAIGN] = "campaign:", [STATS_LINK] = "link:"};
    const struct stats_source *source = run->source;
    char zone_bytes[READ_KEY_BYTES_MAX], owner_bytes[READ_KEY_BYTES_MAX];
    struct buf zone = buf_over(zone_bytes, sizeof(zone_bytes));
    struct buf owner = buf_over(owner_bytes, sizeof(owner_bytes));
    stats_key(&zone, source->key_prefix, "stats:zone");
    stats_key(&owner, source->key_prefix, owners[run->query->scope]);
    buf_append(&owner, slice_of(run->query->id));
    ENSURE(!zone.overflowed && !owner.overflowed);
    if (!query_ask(source, "GET", buf_slice(&zone), SLICE_EMPTY, err) ||
        !query_ask(source, "EXISTS", buf_slice(&owner), SLICE_EMPTY, err)) {
        return false;
    }
    const struct redis_reply *reply = query_reply(source, err);
    if (reply == NULL) {
        return err_prefix(err, "%.*s", SLICE_ARG(buf_slice(&zone)));
    }
    struct slice counted_in = redis_reply_text(reply);
    if (counted_in.size > 0 && !slice_equal(counted_in, source->zone)) {
        err_set(err, "the days that are counted are those of %.*s, and stats.timezone is %.*s",
                SLICE_ARG(slice_first(counted_in, 64)), SLICE_ARG(source->zone));
        redis_pipe_disconnect(source->pipe);
        return false;
    }
    reply = query_reply(source, err);
    if (reply == NULL) {
        return false;
    }
    *exists = run->query->scope == STATS_ALL || redis_reply_integer(reply) > 0;
    return true;
}

static bool is_folded(const struct cell *cell) {
    for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
        if (cell->text[i].size == 1 && cell->text[i].data[0] == CELL_OTHER) {
            return true;
        }
    }
    return false;
}

static void count_cell(struct stats_counts *counts, const struct cell *cell, uint64_t count) {
    counts_add(&counts->kind[cell->kind], count);
    if (cell->kind == TAP_KIND_HUMAN) {
        counts_add(&counts->outcome[cell->outcome], count);
    }
}

/* False when it is 0, or no number: somebody changed it, and what it was nobody here knows. */
static bool take_count(struct run *run, size_t day_index, struct slice field, struct slice value,
                       uint64_t *count) {
    if (slice_to_u64(value, UINT64_MAX, count)) {
        return *count > 0;
    }
    if (!run->is_damaged) {
        struct buf text = buf_over(run->damaged_field, sizeof(run->damaged_field) - 1);
        buf_append(&text, slice_first(field, sizeof(run->damaged_field) - 1));
        for (size_t i = 0; i < text.size; i++) {
            text.data[i] = text.data[i] < ' ' || text.data[i] > '~' ? '|' : text.data[i];
        }
        run->is_damaged = true;
        run->damaged_day = day_index;
    }
    return false;
}

/* Of the hash of cells. What is not ours there is nobody's number. */
static void take_field(void *argument, size_t day_index, struct slice field, struct slice value) {
    struct run *run = argument;
    const struct periods_day *day = &run->periods.day[day_index];
    struct cell cell;
    uint64_t count;
    uint32_t period;
    if (slice_equal(field, SLICE("@"))) {
        people_take(&run->people, day_index, value);
        return;
    }
    if (field.size > CELL_BYTES_MAX || !cell_decode(field, &cell) ||
        !take_count(run, day_index, field, value, &count) ||
        !periods_find(&run->periods, day, cell.hour, &period)) {
        return;
    }
    run->is_counted = true;
    if (is_folded(&cell)) {
        counts_add(&run->report->folded, count);
    }
    if (!query_passes(run->query, &cell)) {
        return;
    }
    uint32_t shown[STATS_BY_MAX] = {NAME_OTHER, NAME_OTHER};
    for (unsigned i = 0; i < run->query->by_count; i++) {
        shown[i] = names_number(run->names, query_shown(run->query->by[i], &cell));
    }
    count_cell(groups_find(run->groups, period, shown), &cell, count);
    count_cell(&run->report->totals, &cell, count);
}

/* Of the day's index: "ID TAB KIND". */
static void take_campaign(void *argument, size_t day_index, struct slice field,
                          struct slice value) {
    struct run *run = argument;
    uint64_t count;
    uint32_t period;
    if (!take_count(run, day_index, field, value, &count) ||
        !periods_find(&run->periods, &run->periods.day[day_index], CELL_NO_HOUR, &period)) {
        return;
    }
    if (field.size == 1 && field.data[0] == CELL_OTHER) {
        counts_add(&run->report->folded, count);
        return;
    }
    struct slice kind = field;
    struct slice id = slice_split(&kind, '\t');
    int number = kind.size == 1 ? kind.data[0] - '0' : -1;
    if (number < 0 || number >= TAP_KIND_COUNT || id.size > NAME_BYTES_MAX) {
        return;
    }
    const uint32_t shown[STATS_BY_MAX] = {
        names_number(run->names, query_shown_text(STATS_BY_CAMPAIGN, id)), NAME_OTHER};
    counts_add(&groups_find(run->groups, period, shown)->kind[number], count);
    counts_add(&run->report->totals.kind[number], count);
}

/* Writes the rows of the periods that this day was the last of. */
static void finish_day(void *argument, size_t day_index) {
    struct run *run = argument;
    uint32_t end = periods_done(&run->periods, day_index);
    size_t count = 0;
    if (end == run->period_next) {
        return;
    }
    if (run->query->by_count == 0) { /* an interval without a tap is a row, too */
        const uint32_t none[STATS_BY_MAX] = {NAME_OTHER, NAME_OTHER};
        for (uint32_t period = run->period_next; period < end; period++) {
            (void)groups_find(run->groups, period, none);
        }
    }
    struct group *group = groups_sort(run->groups, run->names, &count);
    for (size_t i = 0; i < count;) {
        size_t begin = i;
        while (i < count && group[i].period == group[begin].period) {
            i++;
        }
        append_rows(run, group + begin, i - begin);
    }
    groups_clear(run->groups);
    run->period_next = end;
}

/* Of one period: the first `limit` values, and one row for all the rest. */
static void append_rows(struct run *run, const struct group *group, size_t count) {
    const uint32_t none[STATS_BY_MAX] = {NAME_OTHER, NAME_OTHER};
    struct stats_counts rest = {.people = -1};
    bool has_rest = false;
    for (size_t i = 0; i < count; i++) {
        bool is_other = group[i].value[0] == NAME_OTHER && group[i].value[1] == NAME_OTHER;
        if (run->query->by_count > 0 && (i >= run->query->limit || is_other)) {
            counts_add_all(&rest, &group[i].counts);
            has_rest = true;
        } else {
            append_row(run, group[i].period, group[i].value, &group[i].counts);
        }
    }
    if (has_rest) {
        append_row(run, group[0].period, none, &rest);
    }
}

static void append_row(struct run *run, uint32_t period, const uint32_t value[STATS_BY_MAX],
                       const struct stats_counts *counts) {
    struct stats_report *report = run->report;
    if (report->row_count == STATS_ROWS_MAX) {
        run->is_too_much = true;
        return;
    }
    if (report->row_count == run->row_capacity) {
        run->row_capacity = run->row_capacity > 0 ? run->row_capacity * 2 : ROWS_FIRST;
        report->rows = realloc(report->rows, run->row_capacity * sizeof(*report->rows));
        ENSURE(report->rows != NULL);
    }
    struct stats_row *row = &report->rows[report->row_count++];
    *row = (struct stats_row){.counts = *counts};
    memcpy(row->time, run->periods.period[period].text, sizeof(row->time));
    for (unsigned i = 0; i < STATS_BY_MAX; i++) {
        row->value[i] = i < run->query->by_count ? names_text(run->names, value[i]) : SLICE_EMPTY;
    }
}

/* Without lists there is a row for every period, in their order. */
static void give_people(struct run *run) {
    if (!run->people.is_asked) {
        return;
    }
    run->report->totals.people = 0;
    for (size_t i = 0; i < run->report->row_count; i++) {
        run->report->rows[i].counts.people = 0;
    }
    for (size_t i = 0; i < run->periods.day_count; i++) {
        int64_t people = run->people.of_day[i];
        people_add(&run->report->rows[run->periods.day[i].first].counts.people, people);
        people_add(&run->report->totals.people, people);
    }
}

static enum stats_result refuse_rows(const struct stats_query *query, struct err *err) {
    err_set(err,
            "the answer has more than %d rows: ask for fewer of a list, a longer "
            "interval than %s, or fewer days",
            STATS_ROWS_MAX, query_interval_name(query->interval));
    return STATS_TOO_MUCH;
}

static enum stats_result refuse_damage(const struct run *run, const struct reading *reading,
                                       struct err *err) {
    char bytes[READ_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    query_read_key(reading, run->damaged_day, &key);
    err_set(err,
            "%.*s, field %s, holds no number: somebody changed it; `brinco reconcile` says what "
            "it should be",
            SLICE_ARG(buf_slice(&key)), run->damaged_field);
    return STATS_FAILED;
}
