/*
 * days.c - dates as numbers and back.
 *
 * The civil calendar by Howard Hinnant's algorithms: years begin in March, so that the leap day is
 * the last one.
 */
#include "days.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

enum {
    DAYS_PER_ERA = 146097, /* 400 years */
    EPOCH_SHIFT = 719468,  /* days from 0000-03-01 to 1970-01-01 */
    DAYS_PER_WEEK = 7,
    EPOCH_WEEKDAY = 3, /* 1970-01-01 was a Thursday; Monday is 0 */
    MONTHS = 12,
    DATE_BYTES = 10,
};

int32_t days_number(int32_t date) {
    int32_t month = date / 100 % 100;
    int32_t year = date / 10000 - (month <= 2 ? 1 : 0);
    int32_t era = year / 400;
    int32_t year_of_era = year - era * 400;
    int32_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date % 100 - 1;
    int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_SHIFT;
}

int32_t days_date(int32_t number) {
    int32_t shifted = number + EPOCH_SHIFT;
    int32_t era = shifted / DAYS_PER_ERA;
    int32_t day_of_era = shifted - era * DAYS_PER_ERA;
    int32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int32_t shifted_month = (5 * day_of_year + 2) / 153;
    int32_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    int32_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
    int32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    return year * 10000 + month * 100 + day;
}

bool days_parse(struct slice text, int32_t *date) {
    uint64_t year, month, day;
    if (text.size != DATE_BYTES || text.data[4] != '-' || text.data[7] != '-' ||
        !slice_to_u64(slice_first(text, 4), 9999, &year) || year < 1970 ||
        !slice_to_u64(slice_make(text.data + 5, 2), MONTHS, &month) || month == 0 ||
        !slice_to_u64(slice_make(text.data + 8, 2), 31, &day) || day == 0) {
        return false;
    }
    *date = (int32_t)(year * 10000 + month * 100 + day);
    return days_date(days_number(*date)) == *date; /* February 30th comes back as another */
}

void days_format(int32_t date, char text[DAYS_TEXT_BYTES]) {
    unsigned number = date > 0 && date <= 99991231 ? (unsigned)date : 0;
    snprintf(text, DAYS_TEXT_BYTES, "%04u-%02u-%02u", number / 10000, number / 100 % 100,
             number % 100);
}

int32_t days_add_months(int32_t date, int months) {
    int32_t count = date / 10000 * MONTHS + date / 100 % 100 - 1 + months;
    int32_t first = count / MONTHS * 10000 + (count % MONTHS + 1) * 100 + 1;
    int32_t next = (count + 1) / MONTHS * 10000 + ((count + 1) % MONTHS + 1) * 100 + 1;
    int32_t length = days_number(next) - days_number(first);
    int32_t day = date % 100;
    return first - 1 + (day < length ? day : length);
}

void days_week(int32_t date, int *year, int *week) {
    int32_t number = days_number(date);
    int32_t weekday = (number + EPOCH_WEEKDAY) % DAYS_PER_WEEK;
    int32_t thursday = number - weekday + EPOCH_WEEKDAY; /* whose year is the week's */
    *year = days_date(thursday) / 10000;
    *week = (thursday - days_number(*year * 10000 + 101)) / DAYS_PER_WEEK + 1;
}

uint64_t days_begin_ms(int32_t date) {
    char text[DAYS_TEXT_BYTES];
    uint64_t seconds;
    days_format(date, text);
    return clock_parse_time(slice_of(text), &seconds) ? seconds * 1000 : 0;
}

int days_hours(int32_t date) {
    uint64_t begin_ms = days_begin_ms(date);
    uint64_t end_ms = days_begin_ms(days_date(days_number(date) + 1));
    if (end_ms <= begin_ms) {
        return 0;
    }
    return (int)((end_ms - begin_ms + DAYS_MS_PER_HOUR - 1) / DAYS_MS_PER_HOUR);
}
