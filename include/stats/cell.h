/*
 * stats/cell.h - one number of a rollup: what it counts, and its name in Redis.
 *
 * A rollup is a Redis hash of one scope and day; each of its fields is a cell: a whole tuple of
 * attributes, and how many taps had it. One increment a tap allows any filter and any crossing
 * of lists later; docs/stats.md says what that costs.
 *
 *   field   HOUR KIND OUTCOME PLATFORM country TAB region TAB browser TAB in_app TAB language
 *           TAB referrer TAB source
 *   HOUR    'a' + hours since the day began (a day may have 25), or '-': the whole day
 *   KIND, OUTCOME, PLATFORM   '0' + their number in base/vocabulary.h
 *
 * Bytes below ' ' and DEL in a text become '?', so that a TAB always separates. A text that was
 * given up because its list was full is the one byte CELL_OTHER.
 *
 * Threads   Pure functions.
 */
#ifndef STATS_CELL_H
#define STATS_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/vocabulary.h"

struct buf;
struct click;

/* The texts of a cell, in the order in which they are encoded. */
#define CELL_TEXTS(X)                                                                              \
    X(COUNTRY, "country")                                                                          \
    X(REGION, "region")                                                                            \
    X(BROWSER, "browser")                                                                          \
    X(IN_APP, "in_app")                                                                            \
    X(LANGUAGE, "language")                                                                        \
    X(REFERRER, "referrer")                                                                        \
    X(SOURCE, "source")

#define CELL_TEXT_ENUM(name, text) CELL_##name,
enum cell_text { CELL_TEXTS(CELL_TEXT_ENUM) CELL_TEXT_COUNT };

enum {
    CELL_NO_HOUR = -1,
    CELL_HOURS_MAX = 26, /* hours of a day, numbered from 0 */
    CELL_OTHER = 1,      /* the byte that stands for "other" */
    CELL_BYTES_MAX = 4 + CELL_TEXT_COUNT * 256,
};

struct cell {
    int hour; /* CELL_NO_HOUR, or 0 .. CELL_HOURS_MAX - 1 */
    enum tap_kind kind;
    enum tap_outcome outcome;
    enum tap_platform platform;
    struct slice text[CELL_TEXT_COUNT]; /* borrowed */
};

/* The cell of a click; texts borrow from it. */
struct cell cell_of(const struct click *click, int hour);

/* Puts '?' in the place of bytes that may not stand in a cell's text; whether there were any. */
bool cell_clean(char *text, size_t size);

/* Appends the field; false when out is full. */
bool cell_encode(const struct cell *cell, struct buf *out);

/* Texts borrow from field. False when it is no cell: Redis may hold anything. */
bool cell_decode(struct slice field, struct cell *cell);

#endif
