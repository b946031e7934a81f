/*
 * click/shipper_keeper.c - the threads that call journal_keep() and journal_sync().
 *
 * They stand apart from shipping because a worker that finds no prepared segment loses clicks,
 * while the shipping thread may wait seconds for a queue that does not answer; and apart from each
 * other because a sync may wait as long for a busy disk.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "shipper_private.h"

enum { KEEP_INTERVAL_MS = 5, KEEP_INTERVAL_IDLE_MS = 40, KEEP_NICE = 10 };

struct ship_keeper {
    pthread_t thread;
    pthread_t syncer;
    _Atomic bool syncer_is_stopping;
    struct journal **journals;
    size_t count;
    pthread_mutex_t mutex; /* guards what follows */
    bool is_stopping;
    bool is_configured; /* the values below are news */
    uint64_t disk_bytes_max;
    uint32_t sync_interval_ms;
};

/* Takes the news, if there are any; false when it is to stop. */
static bool take_orders(struct ship_keeper *keeper) {
    pthread_mutex_lock(&keeper->mutex);
    bool is_stopping = keeper->is_stopping;
    bool is_configured = keeper->is_configured;
    uint64_t disk_bytes_max = keeper->disk_bytes_max;
    uint32_t sync_interval_ms = keeper->sync_interval_ms;
    keeper->is_configured = false;
    pthread_mutex_unlock(&keeper->mutex);

    for (size_t i = 0; is_configured && i < keeper->count; i++) {
        journal_configure(keeper->journals[i], disk_bytes_max, sync_interval_ms);
    }
    return !is_stopping;
}

static uint64_t now_ms(void) {
    return clock_monotonic_ns() / SHIP_NS_PER_MS;
}

/* When to look again. Where nothing is appended, nor lost, there is nothing to do, and each look is
 * a wake: so it takes longer every time, to an eighth of them, but never longer than what is
 * appended next may wait to be synced. */
struct pace {
    uint64_t seen; /* what had been appended or lost at the last look */
    uint32_t interval_ms;
};

static void sleep_at_pace(const struct ship_keeper *keeper, struct pace *pace) {
    uint64_t seen = 0;
    uint32_t longest_ms = KEEP_INTERVAL_IDLE_MS;
    for (size_t i = 0; i < keeper->count; i++) {
        struct journal_status status = journal_status(keeper->journals[i]);
        seen += status.next_sequence + status.lost;
        longest_ms = status.sync_interval_ms < longest_ms ? status.sync_interval_ms : longest_ms;
    }
    bool is_idle = seen == pace->seen && pace->interval_ms != 0;
    uint32_t interval_ms = is_idle ? pace->interval_ms * 2 : KEEP_INTERVAL_MS;
    interval_ms = interval_ms < longest_ms ? interval_ms : longest_ms;
    pace->interval_ms = interval_ms < KEEP_INTERVAL_MS ? KEEP_INTERVAL_MS : interval_ms;
    pace->seen = seen;
    nanosleep(&(struct timespec){.tv_nsec = (long)(pace->interval_ms * SHIP_NS_PER_MS)}, NULL);
}

/* A segment lasts a worker for seconds, its preparation is some tens of milliseconds of work: with
 * a tenth of a busy processor it is still in time, and taps do not wait for it. Whether that is
 * permitted changes nothing else. */
static void step_back(void) {
    (void)setpriority(PRIO_PROCESS, 0 /* this thread */, KEEP_NICE);
}

static void *keep(void *argument) {
    struct ship_keeper *keeper = argument;
    struct pace pace = {0};
    step_back();
    while (take_orders(keeper)) {
        for (size_t i = 0; i < keeper->count; i++) {
            journal_keep(keeper->journals[i], now_ms());
        }
        sleep_at_pace(keeper, &pace);
    }
    return NULL;
}

static void *sync_journals(void *argument) {
    struct ship_keeper *keeper = argument;
    struct pace pace = {0};
    while (!atomic_load_explicit(&keeper->syncer_is_stopping, memory_order_relaxed)) {
        for (size_t i = 0; i < keeper->count; i++) {
            journal_sync(keeper->journals[i], now_ms());
        }
        sleep_at_pace(keeper, &pace);
    }
    return NULL;
}

bool ship_start_thread(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                       struct err *err) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        return err_set(err, "cannot start the thread %s: %s", name, strerror(error));
    }
    pthread_setname_np(*thread, name);
    return true;
}

static void release(struct ship_keeper *keeper) {
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper->journals);
    free(keeper);
}

static void stop_syncer(struct ship_keeper *keeper) {
    atomic_store_explicit(&keeper->syncer_is_stopping, true, memory_order_relaxed);
    pthread_join(keeper->syncer, NULL);
}

struct ship_keeper *ship_keeper_start(struct journal *const *journals, size_t count,
                                      struct err *err) {
    struct ship_keeper *keeper = calloc(1, sizeof(*keeper));
    ENSURE(keeper != NULL);
    keeper->journals = calloc(count + 1, sizeof(void *));
    ENSURE(keeper->journals != NULL);
    for (size_t i = 0; i < count; i++) {
        keeper->journals[i] = journals[i];
    }
    keeper->count = count;
    pthread_mutex_init(&keeper->mutex, NULL);
    if (!ship_start_thread(&keeper->syncer, "brinco-sync", sync_journals, keeper, err)) {
        release(keeper);
        return NULL;
    }
    if (!ship_start_thread(&keeper->thread, "brinco-keep", keep, keeper, err)) {
        stop_syncer(keeper);
        release(keeper);
        return NULL;
    }
    return keeper;
}

void ship_keeper_configure(struct ship_keeper *keeper, uint64_t disk_bytes_max,
                           uint32_t sync_interval_ms) {
    pthread_mutex_lock(&keeper->mutex);
    keeper->disk_bytes_max = disk_bytes_max;
    keeper->sync_interval_ms = sync_interval_ms;
    keeper->is_configured = true;
    pthread_mutex_unlock(&keeper->mutex);
}

void ship_keeper_stop(struct ship_keeper **keeper) {
    struct ship_keeper *old = *keeper;
    if (old == NULL) {
        return;
    }
    pthread_mutex_lock(&old->mutex);
    old->is_stopping = true;
    pthread_mutex_unlock(&old->mutex);
    pthread_join(old->thread, NULL);
    stop_syncer(old);
    release(old);
    *keeper = NULL;
}
