/*
 * apply_fixture.h - a Redis, and batches applied to it, for tests.
 */
#ifndef TESTS_STATS_APPLY_FIXTURE_H
#define TESTS_STATS_APPLY_FIXTURE_H

#include "../support/redis_admin.h"
#include "apply.h"
#include "base/clock.h"
#include "fold_fixture.h"
#include "fold_people.h"

/* The day of noon_ms. */
#define DAY "20261121"

enum { RETAIN_DAYS = 400 };

struct bench {
    struct test_redis redis;
    struct redis_pipe *pipe;  /* apply's */
    struct redis_pipe *admin; /* ours */
    struct apply *apply;
    struct fold *fold;
    struct apply_mark mark;
    struct slice prefix;
    struct apply_outcome outcome;
    struct err err;
};

static inline void bench_open(struct bench *bench, struct slice prefix) {
    struct redis_url url = test_redis_url(&bench->redis);
    bench->prefix = prefix;
    bench->mark = (struct apply_mark){0};
    bench->pipe = redis_pipe_create(&url, 5000);
    ENSURE(redis_pipe_connect(bench->pipe, &bench->err));
    bench->apply = apply_create(&(struct apply_options){
        .pipe = bench->pipe, .key_prefix = prefix, .zone = SLICE("America/Mexico_City")});
    ENSURE(apply_open(bench->apply, &bench->err) == APPLY_DONE);
    bench->fold = fold_create();
}

static inline void bench_close(struct bench *bench) {
    fold_destroy(&bench->fold);
    apply_destroy(&bench->apply);
    redis_pipe_destroy(&bench->pipe);
}

static inline int bench_start(void **state) {
    static struct bench bench;
    struct err err;
    test_redis_init(&bench.redis);
    test_redis_start(&bench.redis, NULL);
    bench.admin = admin_open(&bench.redis);
    ENSURE(clock_set_zone("America/Mexico_City", &err));
    *state = &bench;
    return 0;
}

static inline int bench_stop(void **state) {
    struct bench *bench = *state;
    redis_pipe_destroy(&bench->admin);
    test_redis_fini(&bench->redis);
    return 0;
}

/* For each test: an empty Redis. */
static inline int bench_setup(void **state) {
    struct bench *bench = *state;
    admin_ask(bench->admin, "FLUSHALL");
    bench_open(bench, SLICE("brinco:"));
    return 0;
}

static inline int bench_teardown(void **state) {
    bench_close(*state);
    return 0;
}

#define STREAM "brinco:clicks:e:0"

/* Writes down what is folded. */
static inline void bench_pack(struct bench *bench, struct fold_people *people) {
    struct entry_id last =
        bench->mark.parts > 0 ? bench->mark.batch_last : fold_summary(bench->fold)->last;
    ENSURE(apply_pack(bench->apply, &(struct apply_batch){.stream = SLICE(STREAM),
                                                          .mark = &bench->mark,
                                                          .last = last,
                                                          .fold = bench->fold,
                                                          .people = people,
                                                          .retain_days = RETAIN_DAYS}));
}

/* The next part. */
static inline enum apply_result bench_send(struct bench *bench) {
    ENSURE(apply_send(bench->apply, &bench->err));
    return apply_wait(bench->apply, &bench->outcome, &bench->err);
}

/* All of what is folded, up to the part that is not written. */
static inline enum apply_result bench_apply(struct bench *bench, struct fold_people *people) {
    enum apply_result result = APPLY_DONE;
    bench_pack(bench, people);
    while (result == APPLY_DONE && apply_left(bench->apply) > 0) {
        result = bench_send(bench);
    }
    if (result == APPLY_DONE) {
        bench->mark = (struct apply_mark){.has_id = true, .id = fold_summary(bench->fold)->last};
    }
    fold_clear(bench->fold);
    return result;
}

/* One tap, applied. */
static inline enum apply_result bench_tap(struct bench *bench, const struct tap *tap) {
    take_tap(bench->fold, bench->mark.id.sequence + 1, tap);
    return bench_apply(bench, NULL);
}

static inline void expect_text(struct bench *bench, const char *words, struct slice expected) {
    struct slice text = redis_reply_text(admin_ask(bench->admin, words));
    if (!slice_equal(text, expected)) {
        fail_msg("%s: '%.*s' instead of '%.*s'", words, SLICE_ARG(text), SLICE_ARG(expected));
    }
}

static inline void expect_number(struct bench *bench, const char *words, int64_t expected) {
    const struct redis_reply *reply = admin_ask(bench->admin, words);
    if (redis_reply_is_error(reply) || redis_reply_integer(reply) != expected) {
        fail_msg("%s: %ld instead of %ld (%.*s)", words, (long)redis_reply_integer(reply),
                 (long)expected, SLICE_ARG(redis_reply_text(reply)));
    }
}

/* Everything under a prefix as one number: contents, in whatever order, and expiry. */
static inline void bench_digest(struct bench *bench, const char *prefix, char digest[41]) {
    static const char script[] =
        "local keys, out = redis.call('KEYS', ARGV[1] .. '*'), {} "
        "local function add(list) for _, x in ipairs(list) do out[#out + 1] = tostring(x) end end "
        "local function sorted(list) local v = {} "
        "  for at = 1, #list, 8 do v[#v + 1] = string.sub(list, at, at + 7) end "
        "  table.sort(v) return table.concat(v) end "
        "table.sort(keys) "
        "for _, key in ipairs(keys) do "
        "  local type = redis.call('TYPE', key).ok "
        "  add({string.sub(key, #ARGV[1] + 1), type, redis.call('EXPIRETIME', key)}) "
        "  if type == 'hash' then "
        "    local flat, rows = redis.call('HGETALL', key), {} "
        "    for i = 1, #flat, 2 do "
        "      local value = flat[i + 1] "
        "      if flat[i] == '@' then value = sorted(value) end "
        "      rows[#rows + 1] = flat[i] .. ' ' .. value end "
        "    table.sort(rows) add(rows) "
        "  elseif type == 'zset' then add(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')) "
        "  elseif string.find(key, ':unique:') then add({redis.call('PFCOUNT', key)}) "
        "  elseif type == 'string' then add({redis.call('GET', key)}) end "
        "end return redis.sha1hex(table.concat(out, '|'))";
    struct slice arguments[] = {SLICE("EVAL"), slice_of(script), SLICE("0"), slice_of(prefix)};
    const struct redis_reply *reply = redis_pipe_command(bench->admin, 4, arguments, &bench->err);
    ENSURE(redis_reply_text(reply).size == 40);
    memcpy(digest, redis_reply_text(reply).data, 40);
    digest[40] = '\0';
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#endif
