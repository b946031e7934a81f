/*
 * geo_check.h - whether a MaxMind DB image can be handed to libmaxminddb; private to decide/geo.
 */
#ifndef GEO_CHECK_H
#define GEO_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"

struct err;

/* Reads the whole image. True when no look-up in it can leave it, recurse deeply or take long.
 * err says what is wrong and where. */
MUST_CHECK bool geo_check(const uint8_t *image, size_t size, struct err *err);

#endif
