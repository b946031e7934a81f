/*
 * base/clock.h - the two clocks, and the days of stats.timezone.
 *
 * Deadlines and latencies use the monotonic clock, stamps on clicks the wall clock, which may
 * step. Code that a test wants to see at another time takes the time as a parameter instead
 * of calling these.
 *
 * The zone is the process' own (TZ): set once, before any thread is started.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;

uint64_t clock_monotonic_ns(void);
uint64_t clock_real_ms(void); /* Unix time */

/* Whether the zone database has a zone of this name; else err says so. */
MUST_CHECK bool clock_zone_exists(const char *name, struct err *err);

/* Makes name (of the zone database, "America/Mexico_City") the zone of this process. Call
 * before any thread is started. False, with err, when the database has no such zone. */
MUST_CHECK bool clock_set_zone(const char *name, struct err *err);

/* A calendar day of the process' zone: 23, 24 or 25 hours of Unix time. */
struct clock_day {
    uint64_t begin_ms;
    uint64_t end_ms;  /* first millisecond that is no longer of the day */
    int32_t yyyymmdd; /* 20260131 */
};

struct clock_day clock_day_of(uint64_t unix_ms);

/* What the clock on the wall shows in the process' zone. */
struct clock_wall {
    uint16_t minute; /* of the day, from 0 to 1439 */
    uint8_t weekday; /* Monday is 0 */
};

/* How far the zone is from Greenwich, remembered for the quarter of an hour that was asked for
 * last: clocks are put forward and back at its ends. All zeros: nothing yet. One thread's. */
struct clock_local {
    uint64_t begin_s;
    uint64_t end_s;
    int64_t east_s;
};

struct clock_wall clock_wall_of(struct clock_local *local, uint64_t unix_s);

/* "2026-01-31T23:59:59.123Z": 24 characters and a NUL. */
enum { CLOCK_RFC3339_BYTES = 25 };
void clock_rfc3339(uint64_t unix_ms, char text[CLOCK_RFC3339_BYTES]);

/* Reads Unix seconds ("1767225600") or RFC 3339 ("2026-01-01T00:00:00Z", with an offset, or a
 * date alone: midnight in the process' zone). False when it is neither. */
bool clock_parse_time(struct slice text, uint64_t *unix_seconds);

#endif
