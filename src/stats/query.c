/*
 * query.c - what was asked, checked.
 *
 * Every sentence says what is allowed, since it is what a person at a terminal and a program's
 * author get to see. Which choice is at fault is said beside it, for the API's `field`.
 */
#include "stats/query.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "days.h"
#include "link/code.h"
#include "query_lists.h"

enum { DEFAULT_DAYS = 7, HOURS_MAX = STATS_HOURS_RANGE_DAYS_MAX * 24, SHOWN_BYTES_MAX = 64 };

#define LAST_ALLOWED                                                                               \
    "allowed is a number and h, d, w, m or y, as 24h (hours, up to 744) or 7d, 4w, 3m, 1y (days "  \
    "up to today)"

#define LAST_ALLOWED_OF_TOP                                                                        \
    "allowed is a number and d, w, m or y, as 7d, 4w, 3m, 1y (days up to today; the first are by " \
    "the day)"

struct choice {
    const char *name;
    bool (*set)(struct stats_query *query, struct slice value, struct err *err);
};

static bool set_from(struct stats_query *query, struct slice value, struct err *err);
static bool set_to(struct stats_query *query, struct slice value, struct err *err);
static bool set_last(struct stats_query *query, struct slice value, struct err *err);
static bool set_interval(struct stats_query *query, struct slice value, struct err *err);
static bool set_by(struct stats_query *query, struct slice value, struct err *err);
static bool set_limit(struct stats_query *query, struct slice value, struct err *err);
static bool finish_range(struct stats_query *query, const struct stats_source *source,
                         const char **name, struct err *err);
static bool finish_hours(struct stats_query *query, const struct stats_source *source,
                         const char **name, struct err *err);
static bool finish_lists(struct stats_query *query, const char **name, struct err *err);

static const struct choice choices[] = {
    {"from", set_from},         {"to", set_to}, {"last", set_last},
    {"interval", set_interval}, {"by", set_by}, {"filter", query_set_filter},
    {"limit", set_limit},
};

static const char *const intervals[] = {
    [STATS_HOUR] = "hour",   [STATS_DAY] = "day",     [STATS_WEEK] = "week",
    [STATS_MONTH] = "month", [STATS_TOTAL] = "total",
};

const char *query_interval_name(enum stats_interval interval) {
    ENSURE((unsigned)interval < ARRAY_COUNT(intervals));
    return intervals[interval];
}

bool stats_query_init(struct stats_query *query, enum stats_scope_kind scope, struct slice id,
                      struct err *err) {
    *query = (struct stats_query){
        .scope = scope, .interval = STATS_DAY, .limit = STATS_ROWS_LIMIT_DEFAULT};
    if (scope == STATS_ALL) {
        return true;
    }
    if (!code_is_valid(id)) {
        return err_set(err, "\"%.*s\" is no %s: allowed are 1 to 64 of A-Z a-z 0-9 - _",
                       SLICE_ARG(slice_first(id, SHOWN_BYTES_MAX)),
                       scope == STATS_LINK ? "code" : "campaign's id");
    }
    memcpy(query->id, id.data, id.size);
    return true;
}

static const struct choice *find_choice(struct slice name) {
    for (size_t i = 0; i < ARRAY_COUNT(choices); i++) {
        if (slice_equal(name, slice_of(choices[i].name))) {
            return &choices[i];
        }
    }
    return NULL;
}

bool stats_query_has(struct slice name) {
    return find_choice(name) != NULL;
}

bool stats_query_set(struct stats_query *query, struct slice name, struct slice value,
                     struct err *err) {
    const struct choice *choice = find_choice(name);
    if (choice == NULL) {
        return err_set(err,
                       "there is no choice \"%.*s\": allowed are from, to, last, interval, by, "
                       "filter and limit",
                       SLICE_ARG(slice_first(name, SHOWN_BYTES_MAX)));
    }
    uint32_t bit = 1u << (choice - choices);
    if ((query->given & bit) != 0) {
        return err_set(err, "%s is given twice; allowed is once%s", choice->name,
                       choice->set == query_set_filter ? ", as country:MX,platform:ios" : "");
    }
    query->given |= bit;
    return choice->set(query, value, err);
}

bool stats_query_finish(struct stats_query *query, const struct stats_source *source,
                        const char **name, struct err *err) {
    return finish_range(query, source, name, err) && finish_hours(query, source, name, err) &&
           finish_lists(query, name, err);
}

static bool set_date(const char *name, struct slice value, int32_t *date, struct err *err) {
    return days_parse(value, date) ||
           err_set(err, "%s: \"%.*s\" is no date: allowed is YYYY-MM-DD, as 2026-01-31", name,
                   SLICE_ARG(slice_first(value, SHOWN_BYTES_MAX)));
}

static bool set_from(struct stats_query *query, struct slice value, struct err *err) {
    return set_date("from", value, &query->from, err);
}

static bool set_to(struct stats_query *query, struct slice value, struct err *err) {
    return set_date("to", value, &query->to, err);
}

/* A number, and 'h', 'd', 'w', 'm' or 'y' behind it. */
static bool parse_last(struct slice text, uint64_t *count, char *unit) {
    if (text.size < 2 || memchr("hdwmy", text.data[text.size - 1], 5) == NULL) {
        return false;
    }
    *unit = text.data[text.size - 1];
    uint64_t max = *unit == 'h' ? HOURS_MAX : STATS_DAYS_MAX;
    return slice_to_u64(slice_first(text, text.size - 1), max, count) && *count > 0;
}

static bool set_last(struct stats_query *query, struct slice value, struct err *err) {
    uint64_t count;
    char unit;
    if (value.size >= sizeof(query->last) || !parse_last(value, &count, &unit) ||
        (query->is_top && unit == 'h')) {
        return err_set(err, "last: \"%.*s\": %s", SLICE_ARG(slice_first(value, SHOWN_BYTES_MAX)),
                       query->is_top ? LAST_ALLOWED_OF_TOP : LAST_ALLOWED);
    }
    memcpy(query->last, value.data, value.size);
    query->last[value.size] = '\0';
    return true;
}

static bool set_interval(struct stats_query *query, struct slice value, struct err *err) {
    for (size_t i = 0; i < ARRAY_COUNT(intervals); i++) {
        if (slice_equal(value, slice_of(intervals[i]))) {
            query->interval = (enum stats_interval)i;
            query->has_interval = true;
            return true;
        }
    }
    return err_set(err, "interval: \"%.*s\": allowed are hour, day, week, month and total",
                   SLICE_ARG(slice_first(value, SHOWN_BYTES_MAX)));
}

static bool set_by(struct stats_query *query, struct slice value, struct err *err) {
    struct slice rest = value;
    if (value.size > 0 && value.data[value.size - 1] == ',') {
        return err_set(err, "by: a list is missing behind the comma");
    }
    do {
        struct slice name = slice_split(&rest, ',');
        if (query->by_count == STATS_BY_MAX) {
            return err_set(err, "by: allowed are %d lists at most", STATS_BY_MAX);
        }
        if (!query_find_list(name, &query->by[query->by_count++])) {
            return err_set(err, "by: \"%.*s\" is no list: allowed are " QUERY_LISTS_ALLOWED,
                           SLICE_ARG(slice_first(name, SHOWN_BYTES_MAX)));
        }
    } while (rest.size > 0);
    if (query->by_count == 2 && query->by[0] == query->by[1]) {
        return err_set(err, "by: the same list twice; allowed are two different ones");
    }
    return true;
}

static bool set_limit(struct stats_query *query, struct slice value, struct err *err) {
    uint64_t limit;
    if (!slice_to_u64(value, STATS_ROWS_LIMIT_MAX, &limit) || limit == 0) {
        return err_set(err, "limit: \"%.*s\": allowed is a number from 1 to %d",
                       SLICE_ARG(slice_first(value, SHOWN_BYTES_MAX)), STATS_ROWS_LIMIT_MAX);
    }
    query->limit = (uint32_t)limit;
    return true;
}

/* The first day of the last so many hours, days, weeks, months or years up to today. */
static void apply_last(struct stats_query *query, struct clock_day today, uint64_t now_ms) {
    uint64_t count = 0;
    char unit = 'd';
    bool was_checked = parse_last(slice_of(query->last), &count, &unit);
    ENSURE(was_checked);
    int32_t number = (int32_t)count;
    query->to = today.yyyymmdd;
    if (unit == 'h') {
        uint64_t hour = (now_ms - today.begin_ms) / DAYS_MS_PER_HOUR;
        uint64_t end_ms = today.begin_ms + (hour + 1) * DAYS_MS_PER_HOUR;
        query->begin_ms = end_ms > count * DAYS_MS_PER_HOUR ? end_ms - count * DAYS_MS_PER_HOUR : 0;
        query->from = clock_day_of(query->begin_ms).yyyymmdd;
        query->end_ms = end_ms;
        return;
    }
    if (unit == 'm' || unit == 'y') {
        int months = unit == 'y' ? number * 12 : number;
        int32_t same_day = days_add_months(today.yyyymmdd, -months);
        query->from = days_date(days_number(same_day) + 1);
        return;
    }
    int32_t days = unit == 'w' ? number * 7 : number;
    query->from = days_date(days_number(today.yyyymmdd) - days + 1);
}

static bool finish_range(struct stats_query *query, const struct stats_source *source,
                         const char **name, struct err *err) {
    struct clock_day today = clock_day_of(source->now_ms);
    int32_t today_number = days_number(today.yyyymmdd);
    bool has_last = query->last[0] != '\0';
    *name = has_last ? "last" : "from";
    if (has_last && (query->from != 0 || query->to != 0)) {
        return err_set(err, "last: allowed is either last or from and to");
    }
    if (has_last) {
        apply_last(query, today, source->now_ms);
    }
    query->to = query->to != 0 ? query->to : today.yyyymmdd;
    if (query->from == 0) {
        query->from = days_date(days_number(query->to) - DEFAULT_DAYS + 1);
        *name = "to";
    }
    int32_t first = days_number(query->from);
    char oldest[DAYS_TEXT_BYTES], text[DAYS_TEXT_BYTES];
    int32_t kept = source->retain_days < 36500 ? (int32_t)source->retain_days : 36500;
    days_format(today.yyyymmdd, text);
    if (query->from > query->to) {
        return err_set(err, "from: allowed is a date up to that of to");
    }
    if (query->from > today.yyyymmdd) {
        return err_set(err, "%s: the range lies in the future: allowed is up to today, %s", *name,
                       text);
    }
    if (first < today_number - kept) {
        days_format(days_date(today_number > kept ? today_number - kept : 0), oldest);
        return err_set(err,
                       "%s: numbers are kept for %d days (stats.retain_days): allowed is a range "
                       "from %s on",
                       *name, kept, oldest);
    }
    int32_t days_max = query->is_top ? STATS_TOP_DAYS_MAX : STATS_DAYS_MAX;
    if (days_number(query->to) - first >= days_max) {
        return err_set(err, "%s: allowed is a range of up to %d days", *name, days_max);
    }
    if (query->end_ms == 0) {
        query->begin_ms = days_begin_ms(query->from);
        query->end_ms = days_begin_ms(days_date(days_number(query->to) + 1));
    }
    return true;
}

static bool finish_hours(struct stats_query *query, const struct stats_source *source,
                         const char **name, struct err *err) {
    size_t last_size = strlen(query->last);
    bool last_is_hours = last_size > 0 && query->last[last_size - 1] == 'h';
    *name = "interval";
    if (last_is_hours && query->has_interval && query->interval != STATS_HOUR) {
        return err_set(err, "interval: allowed with last=%s is hour alone; for days ask last=7d",
                       query->last);
    }
    if (last_is_hours) {
        query->interval = STATS_HOUR;
    }
    if (query->interval != STATS_HOUR) {
        return true;
    }
    int32_t today = days_number(clock_day_of(source->now_ms).yyyymmdd);
    int32_t first = days_number(query->from);
    if (first <= today - STATS_HOURS_DAYS) {
        char oldest[DAYS_TEXT_BYTES];
        days_format(days_date(today - STATS_HOURS_DAYS + 1), oldest);
        return err_set(err,
                       "interval: hours are kept for %d days: allowed with hour is a range from "
                       "%s on, else day, week, month or total",
                       STATS_HOURS_DAYS, oldest);
    }
    if (!last_is_hours && days_number(query->to) - first >= STATS_HOURS_RANGE_DAYS_MAX) {
        return err_set(err, "interval: allowed with hour is a range of up to %d days",
                       STATS_HOURS_RANGE_DAYS_MAX);
    }
    return true;
}

static bool finish_lists(struct stats_query *query, const char **name, struct err *err) {
    for (unsigned i = 0; i < query->by_count; i++) {
        *name = "by";
        if (query->by[i] != STATS_BY_CAMPAIGN) {
            continue;
        }
        if (query->scope != STATS_ALL) {
            return err_set(err, "by: campaign is allowed of the whole alone");
        }
        if (query->by_count > 1) {
            return err_set(err, "by: campaign cannot be crossed with another list; ask for that "
                                "campaign's own stats by the other");
        }
        if (query->filter_count > 0) {
            *name = "filter";
            return err_set(err, "filter: not with by=campaign; ask for that campaign's own stats "
                                "with the filter");
        }
        if (query->interval == STATS_HOUR) {
            *name = "interval";
            return err_set(err, "interval: allowed with by=campaign are day, week, month and "
                                "total");
        }
    }
    return true;
}
