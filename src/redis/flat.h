/*
 * flat.h - the replies that nearly all are: an array of a few strings and nils, all of it there.
 *
 * The answer to an HMGET, read where it lies: no framing byte by byte, no object on the heap for
 * each string. A look-up's reply of seven fields takes 370 instructions this way and 4,700 by way
 * of hiredis (callgrind). What is anything else is none of ours, and says nothing of it being
 * right or wrong: resp.c has hiredis read it.
 *
 * Threads   One owner at a time.
 * Limits    FLAT_ELEMENTS_MAX elements, FLAT_STRING_BYTES_MAX bytes each.
 */
#ifndef REDIS_FLAT_H
#define REDIS_FLAT_H

#include <hiredis/hiredis.h>
#include <stddef.h>

#include "base/slice.h"

enum { FLAT_ELEMENTS_MAX = 24, FLAT_STRING_BYTES_MAX = 9999 };

/* reply is an array of element[…]; what their strings hold lies in the input, unterminated. */
struct flat {
    redisReply reply;
    redisReply element[FLAT_ELEMENTS_MAX];
    redisReply *elements[FLAT_ELEMENTS_MAX];
};

struct flat_limits {
    size_t bytes_max; /* of all strings together */
    size_t elements_max;
};

void flat_init(struct flat *flat);

/* How many bytes the reply takes at the front of input; 0 when it is not flat, or not all there. */
size_t flat_read(struct flat *flat, struct slice input, struct flat_limits limits);

#endif
