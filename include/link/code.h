/*
 * link/code.h - what a code, and a campaign's id, may consist of.
 */
#ifndef LINK_CODE_H
#define LINK_CODE_H

#include <stdbool.h>

#include "base/slice.h"

enum { CODE_BYTES_MAX = 64 };

/* 1 to CODE_BYTES_MAX of A-Z a-z 0-9 - _. Campaign ids follow the same rule, so that both can
 * stand in a URL, a Play Store referrer and a Redis key as they are. */
bool code_is_valid(struct slice code);

#endif
