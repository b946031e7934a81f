/*
 * link/values.h - fields of links and campaigns as a person gives them.
 */
#ifndef LINK_VALUES_H
#define LINK_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct err;

enum { VALUES_TIME_BYTES = 24 };

/* A time of a person's (clock_parse_time()) as the digits that Redis keeps, in storage. An empty
 * text stays empty: it removes the field. err says what is allowed. */
bool values_read_time(struct slice text, char storage[VALUES_TIME_BYTES], struct slice *value,
                      struct err *err);

#endif
