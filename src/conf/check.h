/*
 * check.h - whether a value may stand for a key, and what may.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;
struct err;
struct key;

/* The value is trimmed. True, with struct conf's number for it (0 for kinds that have none);
 * else err says what is allowed, and never repeats a value of redis.url. */
bool check_value(const struct key *key, struct slice value, uint64_t *number, struct err *err);

/* "0 to 64 threads", "one of redis, none". */
void check_describe(const struct key *key, struct buf *out);

#endif
