/*
 * show.h - links and campaigns on stdout: aligned for people, JSON for programs.
 *
 * What Redis holds may be anybody's: control bytes never reach a terminal.
 */
#ifndef CMD_SHOW_H
#define CMD_SHOW_H

#include <stddef.h>

#include "base/slice.h"
#include "link/record.h"

enum { SHOW_COLUMNS_MAX = 8 };

/* A line for each field, and for each rule. Times (names that end in _at) as RFC 3339 and as the
 * number. */
void show_text(const struct record_view *object);

/* One line, one JSON object; a time that is a number is one. */
void show_json(const struct record_view *object);

/* A line of a table: the id, then the fields with these indices; the last is not padded. */
void show_row(const struct record_view *object, const size_t *columns, size_t column_count);
void show_row_header(const struct record_view *object, const size_t *columns, size_t column_count);

/* A text as it is, without control bytes, cut at 4 KiB; no line break follows. */
void show_clean(struct slice text);

#endif
