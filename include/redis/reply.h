/*
 * redis/reply.h - reading what Redis answered, without hiredis in sight.
 *
 * A reply is borrowed: valid for the callback or until the connection's next call. Redis is not
 * trusted: every accessor answers something harmless for a reply of another type.
 */
#ifndef REDIS_REPLY_H
#define REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct redis_reply; /* hiredis' redisReply behind the name */

bool redis_reply_is_error(const struct redis_reply *reply);
bool redis_reply_is_nil(const struct redis_reply *reply); /* NULL counts as nil */
bool redis_reply_is_integer(const struct redis_reply *reply);
bool redis_reply_is_array(const struct redis_reply *reply);

/* Of a string, status or error; empty otherwise. */
struct slice redis_reply_text(const struct redis_reply *reply);

/* Of an integer; otherwise 0. */
int64_t redis_reply_integer(const struct redis_reply *reply);

/* Of an array; otherwise 0 and NULL. An index beyond the end gives NULL. */
size_t redis_reply_count(const struct redis_reply *reply);
const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index);

#endif
