/*
 * redis/reply.c - struct redis_reply is hiredis' redisReply by another name.
 *
 * Replies are only ever made by hiredis' reader (see resp.c) and only ever looked into here.
 */
#include "redis/reply.h"

#include <hiredis/hiredis.h>

static const redisReply *inside(const struct redis_reply *reply) {
    return (const redisReply *)(const void *)reply;
}

static bool has_type(const struct redis_reply *reply, int type) {
    return reply != NULL && inside(reply)->type == type;
}

bool redis_reply_is_error(const struct redis_reply *reply) {
    return has_type(reply, REDIS_REPLY_ERROR);
}

bool redis_reply_is_nil(const struct redis_reply *reply) {
    return reply == NULL || has_type(reply, REDIS_REPLY_NIL);
}

bool redis_reply_is_integer(const struct redis_reply *reply) {
    return has_type(reply, REDIS_REPLY_INTEGER);
}

bool redis_reply_is_array(const struct redis_reply *reply) {
    return has_type(reply, REDIS_REPLY_ARRAY);
}

struct slice redis_reply_text(const struct redis_reply *reply) {
    bool has_text = has_type(reply, REDIS_REPLY_STRING) || has_type(reply, REDIS_REPLY_STATUS) ||
                    has_type(reply, REDIS_REPLY_ERROR);
    return has_text ? slice_make(inside(reply)->str, inside(reply)->len) : SLICE_EMPTY;
}

int64_t redis_reply_integer(const struct redis_reply *reply) {
    return redis_reply_is_integer(reply) ? (int64_t)inside(reply)->integer : 0;
}

size_t redis_reply_count(const struct redis_reply *reply) {
    return redis_reply_is_array(reply) ? inside(reply)->elements : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index) {
    if (index >= redis_reply_count(reply)) {
        return NULL;
    }
    return (const struct redis_reply *)(const void *)inside(reply)->element[index];
}
