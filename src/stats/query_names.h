/*
 * query_names.h - each value of a list once, and a number for it.
 *
 * The numbers are what rows are grouped by; the bytes stay where they are until the end, so that a
 * report's rows can point to them.
 *
 * Threads   One owner at a time.
 * Limits    NAMES_MAX values of NAME_BYTES_MAX bytes; what comes beyond is "other".
 */
#ifndef STATS_QUERY_NAMES_H
#define STATS_QUERY_NAMES_H

#include <stdint.h>

#include "base/slice.h"

enum { NAMES_MAX = 400 * 1000, NAME_BYTES_MAX = 256, NAME_OTHER = 0 };

struct names;

/* Has "other" in it, as NAME_OTHER. */
struct names *names_create(void);
void names_destroy(struct names **names);

/* The number of a value; NAME_OTHER when there is no room for it. */
uint32_t names_number(struct names *names, struct slice text);

/* Stays valid until names_destroy(). */
struct slice names_text(const struct names *names, uint32_t number);

#endif
