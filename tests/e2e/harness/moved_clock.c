/*
 * moved_clock.c - a library to preload: the wall clock, moved by what a file says.
 *
 * MOVED_CLOCK names a file that begins with eight bytes, the milliseconds to add (a signed number
 * of this machine's byte order); it is mapped, so a test moves the clock of a running program by
 * writing it. The monotonic clock stays as it is: timeouts and waits are real.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *moved_ms;

__attribute__((constructor)) static void map_file(void) {
    const char *path = getenv("MOVED_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    void *map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    moved_ms = map == MAP_FAILED ? NULL : map;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long result = syscall(SYS_clock_gettime, clock, now);
    if (result != 0 || moved_ms == NULL ||
        (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) {
        return (int)result;
    }
    int64_t ms = now->tv_sec * INT64_C(1000) + atomic_load(moved_ms);
    now->tv_sec = ms / 1000;
    now->tv_nsec += ms % 1000 * 1000000;
    if (now->tv_nsec >= 1000000000) {
        now->tv_sec++;
        now->tv_nsec -= 1000000000;
    }
    return 0;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where != NULL) {
        *where = now.tv_sec;
    }
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict where, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    where->tv_sec = now.tv_sec;
    where->tv_usec = now.tv_nsec / 1000;
    return 0;
}
