/*
 * call_fixture.h - handlers called by hand, with a private Redis behind them.
 */
#ifndef TESTS_API_CALL_FIXTURE_H
#define TESTS_API_CALL_FIXTURE_H

#include "../support/redis_admin.h"
#include "answer.h"
#include "call.h"

enum { FIXTURE_NOW_S = 1700000000 };

struct fixture {
    struct test_redis redis;
    struct redis_pipe *pipe;  /* the handler's */
    struct redis_pipe *admin; /* the test's */
    struct call call;
    struct answer answer;
    char text[64 * 1024]; /* what was answered, as a string */
};

static inline void fixture_begin(struct fixture *it) {
    *it = (struct fixture){0};
    test_redis_init(&it->redis);
    test_redis_start(&it->redis, NULL);
    it->pipe = admin_open(&it->redis);
    it->admin = admin_open(&it->redis);
    it->call = (struct call){.pipe = it->pipe,
                             .key_prefix = SLICE("p:"),
                             .zone = SLICE("UTC"),
                             .now_ms = (uint64_t)FIXTURE_NOW_S * 1000};
    snprintf(it->call.token.hash, sizeof(it->call.token.hash), "%064d", 1);
    answer_init(&it->answer);
}

static inline void fixture_end(struct fixture *it) {
    answer_fini(&it->answer);
    redis_pipe_destroy(&it->pipe);
    redis_pipe_destroy(&it->admin);
    test_redis_fini(&it->redis);
}

/* Calls the handler; the status. id and body may be NULL. */
static inline int fixture_call(struct fixture *it, call_handler *handler, const char *id,
                               struct slice body) {
    answer_fini(&it->answer);
    answer_init(&it->answer);
    it->call.parameter[0] = slice_of(id);
    it->call.body = body;
    handler(&it->call, &it->answer);
    size_t size = it->answer.body.size;
    size = size < sizeof(it->text) ? size : sizeof(it->text) - 1;
    if (size > 0) {
        memcpy(it->text, it->answer.body.data, size);
    }
    it->text[size] = '\0';
    return it->answer.status;
}

static inline const char *fixture_header(const struct fixture *it, const char *name) {
    for (size_t i = 0; i < it->answer.header_count; i++) {
        if (strcmp(it->answer.header[i].name, name) == 0) {
            return it->answer.header[i].value;
        }
    }
    return NULL;
}

/* The text of a reply to one command, its words separated by single spaces. */
static inline struct slice fixture_redis(struct fixture *it, const char *words) {
    return redis_reply_text(admin_ask(it->admin, words));
}

static inline int64_t fixture_count(struct fixture *it, const char *words) {
    return redis_reply_integer(admin_ask(it->admin, words));
}

#endif
