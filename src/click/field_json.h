/*
 * field_json.h - one JSON object of the fields that a visitor is shown.
 *
 * Clicks and conversions are written alike: `at` and `version` are numbers, all others strings; no
 * line break; what does not fit is left out whole.
 *
 *   field_json_begin ► the record's *_fields() with field_json_show ► field_json_end
 *
 * Threads   Pure functions.
 */
#ifndef CLICK_FIELD_JSON_H
#define CLICK_FIELD_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buf;

struct field_json {
    struct buf *out;
    size_t begin;
    bool was_overflowed;
};

struct field_json field_json_begin(struct buf *out);

/* The visitor's function; argument is the struct field_json. */
void field_json_show(void *argument, struct slice name, struct slice value);

/* False when it did not fit: nothing is left of it, and the buffer says `overflowed`. */
bool field_json_end(struct field_json *json);

#endif
