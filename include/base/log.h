/*
 * base/log.h - what the people who run brinco read.
 *
 * One line an event on stderr, `key=value` (logfmt) or JSON. An event has a stable name, so
 * that it can be searched and alerted on, and fields. No address of a client is ever logged.
 *
 *   log_event(log, LOG_WARN, "redis_lost", "error=%s retry_ms=%u", text, delay);
 *
 * Fields are given as one printf format of `key=value` pairs separated by single spaces; a value
 * is conversions (s d i u x f g, with l, z, .* and a zero-filled width) and plain characters.
 * Arguments may hold any bytes: they are quoted and escaped as the format of the log needs.
 *
 * Threads   Any: a line is one write(2). A reader of the pipe that does not keep up is not
 *           waited for: the line is dropped and counted, a tap never waits for a log.
 * Limits    LOG_LINE_BYTES_MAX a line (from the field that does not fit on, fields are left out,
 *           and `cut=true` says so).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"

struct log;

enum { LOG_LINE_BYTES_MAX = 4000 };

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* Writes to fd, which stays the caller's. */
struct log *log_create(int fd, enum log_format format, enum log_level level);
void log_destroy(struct log **log);

/* Takes effect at once, for every thread. */
void log_configure(struct log *log, enum log_format format, enum log_level level);

/* fields may be NULL. log may be NULL: then nothing is written. */
void log_event(struct log *log, enum log_level level, const char *event, const char *fields, ...)
    PRINTF_LIKE(4, 5);

/* How many lines a full pipe cost. */
uint64_t log_dropped(const struct log *log);

/* Says at most once an interval_ms whether a repeating event may be logged, and how often it
 * was held back since. One a place in the code and thread; zero it before first use. */
struct log_limit {
    uint64_t next_ns;
    uint64_t held_back;
};

bool log_allowed(struct log_limit *limit, uint64_t now_ns, uint32_t interval_ms,
                 uint64_t *held_back);

#endif
