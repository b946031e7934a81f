/*
 * support/redis_admin.h - a test's own hand in its Redis.
 */
#ifndef TESTS_SUPPORT_REDIS_ADMIN_H
#define TESTS_SUPPORT_REDIS_ADMIN_H

#include "base/err.h"
#include "redis/pipe.h"
#include "redis_server.h"

enum { ADMIN_WORDS_MAX = 16, ADMIN_TIMEOUT_MS = 5000 };

/* Connects; a bug when that fails. */
static inline struct redis_pipe *admin_open(const struct test_redis *redis) {
    struct redis_url url = test_redis_url(redis);
    struct redis_pipe *pipe = redis_pipe_create(&url, ADMIN_TIMEOUT_MS);
    struct err err;
    ENSURE(redis_pipe_connect(pipe, &err));
    return pipe;
}

/* One command, its words separated by single spaces. The reply is valid until the next. */
static inline const struct redis_reply *admin_ask(struct redis_pipe *pipe, const char *words) {
    struct slice arguments[ADMIN_WORDS_MAX];
    struct slice rest = slice_of(words);
    struct err err;
    size_t count = 0;
    while (rest.size > 0) {
        ENSURE(count < ADMIN_WORDS_MAX);
        arguments[count++] = slice_split(&rest, ' ');
    }
    const struct redis_reply *reply = redis_pipe_command(pipe, count, arguments, &err);
    ENSURE(reply != NULL);
    return reply;
}

/* The same on a connection of its own, where an error reply is a bug. Returns an integer
 * reply's number. */
static inline int64_t admin_do(const struct test_redis *redis, const char *words) {
    struct redis_pipe *pipe = admin_open(redis);
    const struct redis_reply *reply = admin_ask(pipe, words);
    ENSURE(!redis_reply_is_error(reply));
    int64_t number = redis_reply_integer(reply);
    redis_pipe_destroy(&pipe);
    return number;
}

#endif
