/*
 * show.h - links and campaigns on stdout: aligned for people, JSON for programs.
 *
 * What Redis holds may be anybody's: control bytes never reach a terminal.
 */
#ifndef CMD_SHOW_H
#define CMD_SHOW_H

#include <stddef.h>

#include "base/slice.h"

enum { SHOW_COLUMNS_MAX = 8 };

/* An object as it is read: an id and the fields that are there. */
struct show_object {
    const char *id_name; /* "code" */
    struct slice id;
    const char *const *names;
    const struct slice *values; /* data NULL: absent, not shown */
    size_t count;
};

/* A line for each field. Times (names that end in _at) as RFC 3339 and as the number. */
void show_text(const struct show_object *object);

/* One line, one JSON object; a time that is a number is one. */
void show_json(const struct show_object *object);

/* A line of a table: the id, then the fields with these indices; the last is not padded. */
void show_row(const struct show_object *object, const size_t *columns, size_t column_count);
void show_row_header(const struct show_object *object, const size_t *columns, size_t column_count);

#endif
