/*
 * test_pool.c - tasks on their way there and back; a queue with an end; a Redis that is away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "../support/redis_admin.h"
#include "base/clock.h"
#include "pool.h"

enum { TIMEOUT_MS = 300, PATIENCE_MS = 20000 };

struct bench {
    struct test_redis redis;
    struct pool *pool;
    int wake_fd;
};

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool is_open;
};

struct job {
    struct pool_task task;
    struct bench *bench;
    struct gate *gate; /* to wait at, or NULL */
    unsigned notes;
    unsigned noted;
    bool had_redis;
    bool was_pinged;
    bool is_done;
    _Atomic bool has_begun;
};

static int set_up(void **state) {
    static struct bench bench;
    struct err err;
    bench = (struct bench){.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    test_redis_init(&bench.redis);
    test_redis_start(&bench.redis, NULL);
    struct redis_url url = test_redis_url(&bench.redis);
    const struct pool_options options = {
        .url = &url, .timeout_ms = TIMEOUT_MS, .wake_fd = bench.wake_fd};
    bench.pool = pool_start(&options, &err);
    assert_non_null(bench.pool);
    *state = &bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    pool_stop(&bench->pool);
    close(bench->wake_fd);
    test_redis_fini(&bench->redis);
    return 0;
}

static void run(struct pool_task *task, struct redis_pipe *pipe, const struct err *err) {
    struct job *job = CONTAINER_OF(task, struct job, task);
    const struct slice ping[] = {SLICE("PING")};
    struct err why;
    atomic_store(&job->has_begun, true);
    job->had_redis = pipe != NULL;
    assert_true(pipe != NULL || err->text[0] != '\0');
    job->was_pinged = pipe != NULL && redis_pipe_command(pipe, 1, ping, &why) != NULL;
    for (unsigned i = 0; i < job->notes; i++) {
        pool_note(job->bench->pool, task);
    }
    if (job->gate != NULL) {
        pthread_mutex_lock(&job->gate->lock);
        while (!job->gate->is_open) {
            pthread_cond_wait(&job->gate->moved, &job->gate->lock);
        }
        pthread_mutex_unlock(&job->gate->lock);
    }
}

static void noted(struct pool_task *task) {
    struct job *job = CONTAINER_OF(task, struct job, task);
    assert_false(job->is_done);
    job->noted++;
}

static void done(struct pool_task *task) {
    CONTAINER_OF(task, struct job, task)->is_done = true;
}

static struct job job_of(struct bench *bench) {
    return (struct job){.task = {.run = run, .note = noted, .done = done}, .bench = bench};
}

static void drain_until(struct bench *bench, const bool *is_done) {
    while (!*is_done) {
        struct pollfd polled = {.fd = bench->wake_fd, .events = POLLIN};
        uint64_t count;
        assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
        assert_int_equal(read(bench->wake_fd, &count, sizeof count), sizeof count);
        pool_drain(bench->pool);
    }
}

static void do_one(struct bench *bench, struct job *job) {
    *job = job_of(bench);
    assert_true(pool_submit(bench->pool, &job->task));
    drain_until(bench, &job->is_done);
}

static void open_gate(struct gate *gate) {
    pthread_mutex_lock(&gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->moved);
    pthread_mutex_unlock(&gate->lock);
}

static void a_task_runs_with_redis_and_is_done_here(void **state) {
    struct job job;
    do_one(*state, &job);
    assert_true(job.had_redis && job.was_pinged);
}

static void notes_come_before_the_end(void **state) {
    struct bench *bench = *state;
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct job job = job_of(bench);
    job.notes = 3;
    job.gate = &gate;
    assert_true(pool_submit(bench->pool, &job.task));
    while (job.noted == 0) {
        uint64_t count;
        struct pollfd polled = {.fd = bench->wake_fd, .events = POLLIN};
        assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
        assert_int_equal(read(bench->wake_fd, &count, sizeof count), sizeof count);
        pool_drain(bench->pool);
    }
    assert_false(job.is_done);
    open_gate(&gate);
    drain_until(bench, &job.is_done);
    assert_in_range(job.noted, 1, 3);
}

/* Four run, 64 wait, the next is refused; all that were taken are done. */
static void the_queue_has_an_end(void **state) {
    struct bench *bench = *state;
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    static struct job jobs[POOL_THREADS + POOL_QUEUE_MAX + 1];
    for (size_t i = 0; i < POOL_THREADS; i++) {
        jobs[i] = job_of(bench);
        jobs[i].gate = &gate;
        assert_true(pool_submit(bench->pool, &jobs[i].task));
        while (!atomic_load(&jobs[i].has_begun)) {
            test_sleep_ms(1);
        }
    }
    for (size_t i = POOL_THREADS; i < POOL_THREADS + POOL_QUEUE_MAX; i++) {
        jobs[i] = job_of(bench);
        assert_true(pool_submit(bench->pool, &jobs[i].task));
    }
    assert_int_equal(pool_queued(bench->pool), POOL_QUEUE_MAX);
    jobs[POOL_THREADS + POOL_QUEUE_MAX] = job_of(bench);
    assert_false(pool_submit(bench->pool, &jobs[POOL_THREADS + POOL_QUEUE_MAX].task));
    open_gate(&gate);
    for (size_t i = 0; i < POOL_THREADS + POOL_QUEUE_MAX; i++) {
        drain_until(bench, &jobs[i].is_done);
    }
    assert_int_equal(pool_queued(bench->pool), 0);
}

/* A full queue of tasks costs one or two timeouts, not one each. */
static void a_redis_that_hangs_is_noticed_once(void **state) {
    struct bench *bench = *state;
    static struct job jobs[POOL_QUEUE_MAX];
    struct job job;
    do_one(bench, &job);
    test_redis_freeze(&bench->redis);
    uint64_t begun_ns = clock_monotonic_ns();
    for (size_t i = 0; i < POOL_QUEUE_MAX; i++) {
        jobs[i] = job_of(bench);
        assert_true(pool_submit(bench->pool, &jobs[i].task));
    }
    for (size_t i = 0; i < POOL_QUEUE_MAX; i++) {
        drain_until(bench, &jobs[i].is_done);
        assert_false(jobs[i].was_pinged);
    }
    assert_true(clock_monotonic_ns() - begun_ns < 20u * TIMEOUT_MS * 1000000u);
    test_redis_thaw(&bench->redis);
    do {
        do_one(bench, &job);
    } while (!job.was_pinged);
}

/* However often it asks, in however many runs. */
static void ask_again_and_again(struct pool_task *task, struct redis_pipe *pipe,
                                const struct err *err) {
    struct job *job = CONTAINER_OF(task, struct job, task);
    const struct slice wait[] = {SLICE("BLPOP"), SLICE("nothing"), SLICE("0.1")};
    struct err why;
    (void)err;
    while (pipe != NULL && redis_pipe_command(pipe, ARRAY_COUNT(wait), wait, &why) != NULL) {
        job->notes++;
    }
}

static void all_waiting_of_a_task_has_one_end(void **state) {
    struct bench *bench = *state;
    struct job job;
    do_one(bench, &job);
    job = job_of(bench);
    job.task.run = ask_again_and_again;
    uint64_t begun_ns = clock_monotonic_ns();
    assert_true(pool_submit(bench->pool, &job.task));
    drain_until(bench, &job.is_done);
    uint64_t first_ns = clock_monotonic_ns() - begun_ns;
    assert_in_range(job.notes, 1, 3);
    assert_true(first_ns >= TIMEOUT_MS * 1000000u);
    job.is_done = false;
    job.notes = 0;
    test_sleep_ms(POOL_RETRY_MS);
    assert_true(pool_submit(bench->pool, &job.task));
    drain_until(bench, &job.is_done);
    assert_int_equal(job.notes, 0);
}

static void a_redis_that_is_gone_and_back_is_found_again(void **state) {
    struct bench *bench = *state;
    struct job job;
    do_one(bench, &job);
    test_redis_end(&bench->redis, SIGKILL);
    do {
        do_one(bench, &job);
        assert_false(job.was_pinged);
    } while (job.had_redis); /* each thread has to see it */
    test_redis_start(&bench->redis, NULL);
    do {
        do_one(bench, &job);
    } while (!job.was_pinged);
    assert_true(job.had_redis);
}

static void stopping_ends_what_waits(void **state) {
    struct bench *bench = *state;
    static struct job jobs[20];
    for (size_t i = 0; i < 20; i++) {
        jobs[i] = job_of(bench);
        assert_true(pool_submit(bench->pool, &jobs[i].task));
    }
    pool_stop(&bench->pool);
    for (size_t i = 0; i < 20; i++) {
        assert_true(jobs[i].is_done);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_task_runs_with_redis_and_is_done_here, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notes_come_before_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_queue_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_redis_that_hangs_is_noticed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_waiting_of_a_task_has_one_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_redis_that_is_gone_and_back_is_found_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stopping_ends_what_waits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
