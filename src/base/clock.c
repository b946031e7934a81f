/*
 * clock.c - clocks, and calendar days by the C library's view of the zone database.
 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"

enum {
    MS_PER_S = 1000,
    SECONDS_PER_MINUTE = 60,
    SECONDS_PER_QUARTER = 900, /* of an hour */
    SECONDS_PER_DAY = 86400,
    DAYS_PER_WEEK = 7,
    WEEKDAY_OF_1970 = 3, /* January 1st was a Thursday */
    UNIX_SECONDS_MAX_DIGITS = 12
};

/* 9999-12-31T23:59:59Z: beyond it, dates have five-digit years. */
static const uint64_t unix_seconds_max = 253402300799;

uint64_t clock_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_real_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / 1000000u;
}

/* A name that cannot leave the zone database's directory. */
static bool is_zone_name(const char *name) {
    for (const char *c = name; *c != '\0'; c++) {
        bool is_allowed = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
                          (*c >= '0' && *c <= '9') || strchr("_+-/", *c) != NULL;
        if (!is_allowed) {
            return false;
        }
    }
    return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL;
}

/* What is no zone file (RFC 9636 section 3.1), the C library would silently take for UTC. */
static bool is_zone_file(const char *path) {
    char magic[4] = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = fread(magic, sizeof(magic), 1, file) == 1;
    fclose(file);
    return is_read && memcmp(magic, "TZif", sizeof(magic)) == 0;
}

bool clock_zone_exists(const char *name, struct err *err) {
    char path[256];
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    if (!is_zone_name(name) || !is_zone_file(path)) {
        return err_set(err,
                       "\"%s\" is not in the zone database (/usr/share/zoneinfo): "
                       "allowed is a name like America/Mexico_City; is tzdata installed?",
                       name);
    }
    return true;
}

bool clock_set_zone(const char *name, struct err *err) {
    if (!clock_zone_exists(name, err)) {
        return false;
    }
    setenv("TZ", name, 1);
    tzset();
    return true;
}

static int32_t yyyymmdd_of(const struct tm *date) {
    return (date->tm_year + 1900) * 10000 + (date->tm_mon + 1) * 100 + date->tm_mday;
}

static int32_t local_date(time_t when) {
    struct tm broken;
    localtime_r(&when, &broken);
    return yyyymmdd_of(&broken);
}

/* The first second of the day that stands in year, month and day of date, `days` later. Where
 * clocks change at midnight, there may be no 00:00 or two: what mktime() makes of it is only
 * where the search begins. */
static time_t midnight_of(const struct tm *date, int days) {
    struct tm day = {.tm_year = date->tm_year,
                     .tm_mon = date->tm_mon,
                     .tm_mday = date->tm_mday + days,
                     .tm_isdst = -1};
    struct tm name = day;
    timegm(&name);
    int32_t wanted = yyyymmdd_of(&name);
    time_t first = mktime(&day);
    if (local_date(first) == wanted && local_date(first - 1) < wanted) {
        return first;
    }
    time_t before = first - SECONDS_PER_DAY;
    first += SECONDS_PER_DAY;
    while (first - before > 1) {
        time_t middle = before + (first - before) / 2;
        if (local_date(middle) < wanted) {
            before = middle;
        } else {
            first = middle;
        }
    }
    return first;
}

static uint64_t ms_of(time_t seconds) {
    return seconds < 0 ? 0 : (uint64_t)seconds * MS_PER_S;
}

struct clock_day clock_day_of(uint64_t unix_ms) {
    uint64_t seconds = unix_ms / MS_PER_S;
    time_t when = (time_t)(seconds > unix_seconds_max ? unix_seconds_max : seconds);
    struct tm broken;
    localtime_r(&when, &broken);
    return (struct clock_day){
        .begin_ms = ms_of(midnight_of(&broken, 0)),
        .end_ms = ms_of(midnight_of(&broken, 1)),
        .yyyymmdd = yyyymmdd_of(&broken),
    };
}

static void find_offset(struct clock_local *local, uint64_t unix_s) {
    time_t when = (time_t)unix_s;
    struct tm broken;
    localtime_r(&when, &broken);
    local->begin_s = unix_s - unix_s % SECONDS_PER_QUARTER;
    local->end_s = local->begin_s + SECONDS_PER_QUARTER;
    local->east_s = broken.tm_gmtoff;
}

struct clock_wall clock_wall_of(struct clock_local *local, uint64_t unix_s) {
    if (unix_s > unix_seconds_max) {
        unix_s = unix_seconds_max;
    }
    if (unix_s < local->begin_s || unix_s >= local->end_s) {
        find_offset(local, unix_s);
    }
    /* A week more, which changes nothing, for what is west of Greenwich on January 1st, 1970. */
    uint64_t seconds =
        (uint64_t)((int64_t)unix_s + local->east_s + DAYS_PER_WEEK * SECONDS_PER_DAY);
    return (struct clock_wall){
        .minute = (uint16_t)(seconds % SECONDS_PER_DAY / SECONDS_PER_MINUTE),
        .weekday = (uint8_t)((seconds / SECONDS_PER_DAY + WEEKDAY_OF_1970) % DAYS_PER_WEEK),
    };
}

void clock_rfc3339(uint64_t unix_ms, char text[CLOCK_RFC3339_BYTES]) {
    uint64_t seconds = unix_ms / MS_PER_S;
    time_t when = (time_t)(seconds > unix_seconds_max ? unix_seconds_max : seconds);
    struct tm broken;
    gmtime_r(&when, &broken);
    char date[32];
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &broken);
    snprintf(text, CLOCK_RFC3339_BYTES, "%.19s.%03uZ", date, (unsigned)(unix_ms % MS_PER_S));
}

/* "Z", "+05:30" or "-06:00": seconds east of Greenwich. */
static bool parse_offset(struct slice text, int64_t *seconds_east) {
    if (slice_equal_nocase(text, SLICE("Z"))) {
        *seconds_east = 0;
        return true;
    }
    uint64_t hours, minutes;
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':' ||
        !slice_to_u64(slice_make(text.data + 1, 2), 23, &hours) ||
        !slice_to_u64(slice_make(text.data + 4, 2), 59, &minutes)) {
        return false;
    }
    int64_t east = (int64_t)(hours * 3600 + minutes * 60);
    *seconds_east = text.data[0] == '-' ? -east : east;
    return true;
}

static bool parse_number_at(struct slice text, size_t offset, size_t digits, uint64_t max,
                            int *value) {
    uint64_t number;
    if (text.size < offset + digits ||
        !slice_to_u64(slice_make(text.data + offset, digits), max, &number)) {
        return false;
    }
    *value = (int)number;
    return true;
}

/* "2026-01-31" at the front of text; false when there is no such day. */
static bool parse_date(struct slice text, struct tm *date) {
    int year, month, day;
    if (!parse_number_at(text, 0, 4, 9999, &year) || !parse_number_at(text, 5, 2, 12, &month) ||
        !parse_number_at(text, 8, 2, 31, &day) || text.data[4] != '-' || text.data[7] != '-') {
        return false;
    }
    *date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    struct tm normal = *date; /* in which February 30th is another day */
    timegm(&normal);
    return yyyymmdd_of(&normal) == yyyymmdd_of(date);
}

/* What follows the date: "T23:59:59Z", with a fraction (which is dropped) or an offset. */
static bool parse_time_of_day(struct slice text, struct tm *date, int64_t *seconds_east) {
    if (text.size < 10 || (text.data[0] != 'T' && text.data[0] != 't') || text.data[3] != ':' ||
        text.data[6] != ':' || !parse_number_at(text, 1, 2, 23, &date->tm_hour) ||
        !parse_number_at(text, 4, 2, 59, &date->tm_min) ||
        !parse_number_at(text, 7, 2, 59, &date->tm_sec)) {
        return false;
    }
    size_t end = 9;
    if (text.data[end] == '.') {
        do {
            end++;
        } while (end < text.size && text.data[end] >= '0' && text.data[end] <= '9');
        if (end == 10) {
            return false; /* a point, but no fraction */
        }
    }
    return parse_offset(slice_from(text, end), seconds_east);
}

bool clock_parse_time(struct slice text, uint64_t *unix_seconds) {
    if (text.size <= UNIX_SECONDS_MAX_DIGITS &&
        slice_to_u64(text, unix_seconds_max, unix_seconds)) {
        return true;
    }
    struct tm date;
    int64_t seconds;
    if (!parse_date(text, &date)) {
        return false;
    }
    if (text.size == 10) {
        seconds = midnight_of(&date, 0);
    } else {
        int64_t east;
        if (!parse_time_of_day(slice_from(text, 10), &date, &east)) {
            return false;
        }
        seconds = timegm(&date) - east;
    }
    if (seconds < 0 || (uint64_t)seconds > unix_seconds_max) {
        return false;
    }
    *unix_seconds = (uint64_t)seconds;
    return true;
}
