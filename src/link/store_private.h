/*
 * store_private.h - what the parts of the store share: private to the room.
 */
#ifndef LINK_STORE_PRIVATE_H
#define LINK_STORE_PRIVATE_H

#include "link/record.h"
#include "link/store.h"

struct redis_reply;

enum { STORE_KEY_BYTES_MAX = 256 }; /* redis.prefix has 64 at most */

/* Appends the whole key. False, and err set, when id is none. */
bool store_key(const struct store *store, const struct record_shape *shape, struct slice id,
               struct buf *key, struct err *err);

/* What a reply alone tells; NULL: Redis is lost, and err was set with it. */
enum store_result store_answer(const struct redis_reply *reply, struct err *err);

/* HMGET of all fields; how many words it has. */
size_t store_fields_command(const struct record_shape *shape, struct slice key,
                            struct slice command[2 + RECORD_FIELDS_MAX]);

/* The answer to it, copied. */
enum store_result store_read_values(const struct redis_reply *reply,
                                    const struct record_shape *shape, struct store_values into,
                                    struct err *err);

#endif
