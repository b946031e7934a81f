/*
 * link/values.h - fields of links and campaigns as a person gives them.
 */
#ifndef LINK_VALUES_H
#define LINK_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buf;
struct err;

enum { VALUES_TIME_BYTES = 24 };

/* A time of a person's (clock_parse_time()) as the digits that Redis keeps, in storage. An empty
 * text stays empty: it removes the field. err says what is allowed. */
bool values_read_time(struct slice text, char storage[VALUES_TIME_BYTES], struct slice *value,
                      struct err *err);

/* A campaign's rules as Redis keeps them (rules_normalize()), in out; whether its campaign may lead
 * there is looked at with the campaign. An empty text or list removes the field. err says what is
 * allowed. */
bool values_read_rules(struct slice text, struct buf *out, struct slice *value, struct err *err);

#endif
