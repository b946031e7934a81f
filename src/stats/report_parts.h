/*
 * report_parts.h - what the written forms of reports and tops share.
 *
 * Threads   Pure functions.
 */
#ifndef STATS_REPORT_PARTS_H
#define STATS_REPORT_PARTS_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/vocabulary.h"
#include "days.h"

struct buf;
struct stats_query;

/* "clicks", "previews", ... */
const char *report_kind_name(enum tap_kind kind);

/* Not by campaign: the day's index has kinds alone. */
bool report_has_outcomes(const struct stats_query *query);

/* A JSON string. */
void report_append_text(struct slice text, struct buf *out);

/* {"scope":..,"code":..,"from":..,"to":.., */
void report_append_range(const struct stats_query *query, struct buf *out);

/* A field of RFC 4180: in quotes where it must be, and a spreadsheet's formula made a text. */
void report_append_csv(struct slice text, struct buf *out);

#endif
