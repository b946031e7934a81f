/*
 * days.h - calendar arithmetic, and the rows of a range.
 *
 * A date is YYYYMMDD, as in the keys of the rollups; a day number counts from 1970-01-01. Only
 * where days begin depends on the zone, which is the process' own (base/clock.h).
 *
 *   range 2026-11-20 .. 2026-12-01 by week ► periods "2026-W47", "2026-W48", "2026-W49"
 *
 * Threads   Pure functions.
 * Limits    Years 1970 to 9999.
 */
#ifndef STATS_DAYS_H
#define STATS_DAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "stats/query.h"

enum { DAYS_TEXT_BYTES = 11, DAYS_MS_PER_HOUR = 3600 * 1000 };

int32_t days_number(int32_t date);
int32_t days_date(int32_t number);

/* YYYY-MM-DD and nothing else; false when there is no such day. */
MUST_CHECK bool days_parse(struct slice text, int32_t *date);
void days_format(int32_t date, char text[DAYS_TEXT_BYTES]);

/* The same day of another month, or that month's last one. */
int32_t days_add_months(int32_t date, int months);

/* ISO 8601: the week from Monday that holds the day, and the year that the week belongs to. */
void days_week(int32_t date, int *year, int *week);

/* The first millisecond of a day; 0 where that is before 1970 or beyond 9999. */
uint64_t days_begin_ms(int32_t date);

/* How many hours are begun within the day: 23, 24 or 25. */
int days_hours(int32_t date);

/* One row of time. */
struct period {
    char text[32];
};

/* Which rows a day's numbers go to. */
struct periods_day {
    int32_t date;
    uint32_t first; /* its period, or that of first_hour */
    uint8_t first_hour;
    uint8_t hour_count; /* by the hour: may be 0; else 1 */
};

struct periods {
    bool by_hour;
    size_t count;
    struct period *period;
    size_t day_count;
    struct periods_day *day;
};

/* Of a finished query. */
void periods_init(struct periods *periods, const struct stats_query *query);
void periods_fini(struct periods *periods);

/* The period of a cell's hour (CELL_NO_HOUR: none); false when it has none in the range. */
bool periods_find(const struct periods *periods, const struct periods_day *day, int hour,
                  uint32_t *period);

/* One beyond the last period that is done once this day is: nothing later goes to them. */
uint32_t periods_done(const struct periods *periods, size_t day_index);

#endif
