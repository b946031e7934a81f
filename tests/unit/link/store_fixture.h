/*
 * store_fixture.h - a store over a private Redis, and a hand in it.
 */
#ifndef TESTS_LINK_STORE_FIXTURE_H
#define TESTS_LINK_STORE_FIXTURE_H

#include "../support/redis_admin.h"
#include "base/buf.h"
#include "link/store.h"

struct fixture {
    struct test_redis redis;
    struct redis_pipe *pipe;
    struct store store;
    struct buf scratch;
    struct err err;
};

static inline void fixture_begin(struct fixture *it) {
    *it = (struct fixture){0};
    test_redis_init(&it->redis);
    test_redis_start(&it->redis, NULL);
    it->pipe = admin_open(&it->redis);
    it->store = (struct store){.pipe = it->pipe, .key_prefix = SLICE("p:")};
    buf_init(&it->scratch, 1 << 20);
}

static inline void fixture_end(struct fixture *it) {
    buf_fini(&it->scratch);
    redis_pipe_destroy(&it->pipe);
    test_redis_fini(&it->redis);
}

/* The text of a reply to one command, its words separated by single spaces. */
static inline struct slice fixture_text(struct fixture *it, const char *words) {
    return redis_reply_text(admin_ask(it->pipe, words));
}

#endif
