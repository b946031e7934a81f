/*
 * days_periods.c - the rows of time that a question asks for.
 *
 * Hours are counted from where the day begins, not read off a clock: so the hour that comes twice
 * when clocks go back is two rows, told apart by their distance from UTC, and the one that is left
 * out in spring is none.
 */
#include "days.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stats/cell.h"

static void append_hours(struct periods *periods, struct periods_day *day,
                         const struct stats_query *query);
static void format_hour(uint64_t at_ms, char *text, size_t size);
static void format_period(enum stats_interval interval, int32_t date, struct period *period);

void periods_init(struct periods *periods, const struct stats_query *query) {
    int32_t first = days_number(query->from);
    int32_t last = days_number(query->to);
    ENSURE(first <= last && last - first < STATS_DAYS_MAX);
    periods->by_hour = query->interval == STATS_HOUR;
    periods->count = 0;
    periods->day_count = (size_t)(last - first) + 1;
    size_t rows_a_day = periods->by_hour ? CELL_HOURS_MAX : 1;
    periods->day = calloc(periods->day_count, sizeof(*periods->day));
    periods->period = calloc(periods->day_count * rows_a_day, sizeof(*periods->period));
    ENSURE(periods->day != NULL && periods->period != NULL);
    for (size_t i = 0; i < periods->day_count; i++) {
        struct periods_day *day = &periods->day[i];
        *day = (struct periods_day){.date = days_date(first + (int32_t)i),
                                    .first = (uint32_t)periods->count};
        if (periods->by_hour) {
            append_hours(periods, day, query);
            continue;
        }
        struct period period;
        format_period(query->interval, day->date, &period);
        day->hour_count = 1;
        if (i > 0 && strcmp(periods->period[periods->count - 1].text, period.text) == 0) {
            day->first--;
        } else {
            periods->period[periods->count++] = period;
        }
    }
}

void periods_fini(struct periods *periods) {
    free(periods->day);
    free(periods->period);
    *periods = (struct periods){0};
}

bool periods_find(const struct periods *periods, const struct periods_day *day, int hour,
                  uint32_t *period) {
    *period = day->first;
    if (!periods->by_hour) {
        return true;
    }
    if (hour < day->first_hour || hour >= day->first_hour + day->hour_count) {
        return false;
    }
    *period += (uint32_t)(hour - day->first_hour);
    return true;
}

uint32_t periods_done(const struct periods *periods, size_t day_index) {
    return day_index + 1 < periods->day_count ? periods->day[day_index + 1].first
                                              : (uint32_t)periods->count;
}

/* Those that begin within the query's time; with last=24h that is a part of the day. */
static void append_hours(struct periods *periods, struct periods_day *day,
                         const struct stats_query *query) {
    uint64_t begin_ms = days_begin_ms(day->date);
    int hours = days_hours(day->date);
    hours = hours < CELL_HOURS_MAX ? hours : CELL_HOURS_MAX;
    for (int hour = 0; hour < hours; hour++) {
        uint64_t at_ms = begin_ms + (uint64_t)hour * DAYS_MS_PER_HOUR;
        if (at_ms < query->begin_ms || at_ms >= query->end_ms) {
            continue;
        }
        if (day->hour_count++ == 0) {
            day->first_hour = (uint8_t)hour;
        }
        struct period *period = &periods->period[periods->count++];
        format_hour(at_ms, period->text, sizeof(period->text));
    }
}

/* 2026-11-21T13:00-06:00 */
static void format_hour(uint64_t at_ms, char *text, size_t size) {
    time_t at = (time_t)(at_ms / 1000);
    struct tm local;
    localtime_r(&at, &local);
    char date[20];
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M", &local);
    long east = local.tm_gmtoff / 60;
    long away = east < 0 ? -east : east;
    snprintf(text, size, "%.16s%c%02ld:%02ld", date, east < 0 ? '-' : '+', away / 60 % 100,
             away % 60);
}

static void format_period(enum stats_interval interval, int32_t date, struct period *period) {
    char day[DAYS_TEXT_BYTES];
    int year, week;
    days_format(date, day);
    switch (interval) {
    case STATS_DAY:
        snprintf(period->text, sizeof(period->text), "%s", day);
        return;
    case STATS_WEEK:
        days_week(date, &year, &week);
        snprintf(period->text, sizeof(period->text), "%04d-W%02d", year, week);
        return;
    case STATS_MONTH:
        snprintf(period->text, sizeof(period->text), "%.7s", day);
        return;
    case STATS_TOTAL:
        period->text[0] = '\0';
        return;
    case STATS_HOUR:
        break;
    }
    ENSURE(false && "hours have periods of their own");
}
