/* net/worker.h: a thread, its loop, and the one way in from other threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "net/worker.h"

enum { POSTERS = 3, POSTS = 60 };

/* What runs on the worker's thread writes here; the test reads it after worker_join(). */
struct record {
    struct worker *worker;
    pthread_t thread;
    int numbers[POSTERS * POSTS];
    int count;
    int ticks;
    sigset_t blocked;
    char name[16];
    atomic_int done; /* read while the worker runs */
};

struct note {
    struct record *record;
    int number;
};

static void write_down(void *argument) {
    struct note *note = argument;
    note->record->numbers[note->record->count++] = note->number;
}

static void leave(void *argument) {
    struct record *record = argument;
    record->thread = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &record->blocked);
    pthread_getname_np(pthread_self(), record->name, sizeof(record->name));
    worker_exit(record->worker);
}

static struct worker *create(struct record *record, const char *name) {
    struct err err = {0};
    record->worker = worker_create(name, &err);
    assert_non_null(record->worker);
    assert_non_null(worker_base(record->worker));
    return record->worker;
}

static void start(struct record *record) {
    struct err err = {0};
    assert_true(worker_start(record->worker, &err));
}

static void finish(struct record *record) {
    worker_join(record->worker);
    worker_join(record->worker); /* once more is nothing */
    worker_destroy(&record->worker);
    assert_null(record->worker);
    worker_destroy(&record->worker);
}

static void runs_posts_in_order_on_its_own_thread(void **state) {
    struct record record = {0};
    struct note notes[POSTS];
    (void)state;
    create(&record, "in-order");
    for (int i = 0; i < POSTS; i++) {
        notes[i] = (struct note){&record, i};
        if (i == POSTS / 2) {
            start(&record); /* what was posted before waits for the loop */
        }
        worker_post(record.worker, write_down, &notes[i]);
    }
    worker_post(record.worker, leave, &record);
    finish(&record);
    assert_int_equal(record.count, POSTS);
    for (int i = 0; i < POSTS; i++) {
        assert_int_equal(record.numbers[i], i);
    }
    assert_false(pthread_equal(record.thread, pthread_self()));
    assert_string_equal(record.name, "in-order");
}

static void leaves_signals_to_others(void **state) {
    struct record record = {0};
    sigset_t mine;
    (void)state;
    create(&record, "signals");
    start(&record);
    worker_post(record.worker, leave, &record);
    finish(&record);
    assert_int_equal(sigismember(&record.blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&record.blocked, SIGHUP), 1);
    pthread_sigmask(SIG_BLOCK, NULL, &mine);
    assert_int_equal(sigismember(&mine, SIGTERM), 0);
}

static void a_long_name_is_cut(void **state) {
    struct record record = {0};
    (void)state;
    create(&record, "a-name-beyond-fifteen-characters");
    start(&record);
    worker_post(record.worker, leave, &record);
    finish(&record);
    assert_string_equal(record.name, "a-name-beyond-f");
}

static void *post_all(void *argument) {
    struct note *notes = argument;
    for (int i = 0; i < POSTS; i++) {
        worker_post(notes[i].record->worker, write_down, &notes[i]);
    }
    return NULL;
}

static void each_poster_keeps_its_order(void **state) {
    struct record record = {0};
    struct note notes[POSTERS][POSTS];
    pthread_t posters[POSTERS];
    int next[POSTERS] = {0};
    (void)state;
    create(&record, "posters");
    start(&record);
    for (int poster = 0; poster < POSTERS; poster++) {
        for (int i = 0; i < POSTS; i++) {
            notes[poster][i] = (struct note){&record, poster * POSTS + i};
        }
        assert_int_equal(pthread_create(&posters[poster], NULL, post_all, notes[poster]), 0);
    }
    for (int poster = 0; poster < POSTERS; poster++) {
        pthread_join(posters[poster], NULL);
    }
    worker_post(record.worker, leave, &record);
    finish(&record);
    assert_int_equal(record.count, POSTERS * POSTS);
    for (int i = 0; i < record.count; i++) {
        int poster = record.numbers[i] / POSTS;
        assert_int_equal(record.numbers[i] % POSTS, next[poster]++);
    }
}

static void post_again(void *argument) {
    struct record *record = argument;
    record->count++;
    worker_post(record->worker, record->count < 10 ? post_again : leave, record);
}

static void a_post_may_post(void **state) {
    struct record record = {0};
    (void)state;
    create(&record, "again");
    worker_post(record.worker, post_again, &record);
    start(&record);
    finish(&record);
    assert_int_equal(record.count, 10);
}

static void as_many_may_wait_as_it_says(void **state) {
    struct record record = {0};
    struct note note = {&record, 0};
    (void)state;
    create(&record, "full");
    for (int i = 0; i < POSTERS * POSTS; i++) {
        worker_post(record.worker, write_down, &note);
    }
    for (int i = POSTERS * POSTS; i < WORKER_POSTS_MAX; i++) {
        worker_post(record.worker, leave, &record);
    }
    start(&record);
    finish(&record);
    assert_int_equal(record.count, POSTERS * POSTS);
}

/* --- ticks ---------------------------------------------------------------------------------- */

static void on_fast_tick(void *argument) {
    struct record *record = argument;
    if (++record->ticks == 5) {
        worker_tick(record->worker, 0, NULL, NULL);
        atomic_store(&record->done, 1);
    }
}

static void on_slow_tick(void *argument) {
    (void)argument;
    abort(); /* was replaced */
}

static void begin_ticking(void *argument) {
    struct record *record = argument;
    worker_tick(record->worker, 20, on_slow_tick, record);
    worker_tick(record->worker, 2, on_fast_tick, record);
}

static void ticks_until_it_is_ended(void **state) {
    struct record record = {0};
    (void)state;
    create(&record, "ticks");
    start(&record);
    worker_post(record.worker, begin_ticking, &record);
    for (int i = 0; i < 2000 && !atomic_load(&record.done); i++) {
        usleep(1000);
    }
    usleep(30000);
    worker_post(record.worker, leave, &record);
    finish(&record);
    assert_int_equal(record.ticks, 5);
}

static void leave_on_tick(void *argument) {
    struct record *record = argument;
    worker_tick(record->worker, 0, NULL, NULL);
    worker_exit(record->worker);
}

static void a_tick_may_be_set_before_the_start_and_end_it_all(void **state) {
    struct record record = {0};
    (void)state;
    create(&record, "tick-exit");
    worker_tick(record.worker, 1, leave_on_tick, &record);
    start(&record);
    finish(&record);
}

static void what_was_never_started_can_be_destroyed(void **state) {
    struct record record = {0};
    struct note note = {&record, 0};
    (void)state;
    create(&record, "unused");
    worker_post(record.worker, write_down, &note);
    finish(&record);
    assert_int_equal(record.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_posts_in_order_on_its_own_thread),
        cmocka_unit_test(leaves_signals_to_others),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(each_poster_keeps_its_order),
        cmocka_unit_test(a_post_may_post),
        cmocka_unit_test(as_many_may_wait_as_it_says),
        cmocka_unit_test(ticks_until_it_is_ended),
        cmocka_unit_test(a_tick_may_be_set_before_the_start_and_end_it_all),
        cmocka_unit_test(what_was_never_started_can_be_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
