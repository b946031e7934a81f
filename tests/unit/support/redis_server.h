/*
 * support/redis_server.h - a Redis of a test's own.
 *
 * redis-server on a Unix socket in a temporary directory, without persistence unless the test
 * asks for it. It can be frozen, killed, and started again over the same directory. It dies
 * with the test program, whatever happens to that.
 */
#ifndef TESTS_SUPPORT_REDIS_SERVER_H
#define TESTS_SUPPORT_REDIS_SERVER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/slice.h"
#include "redis/url.h"

enum { TEST_REDIS_ARGUMENTS_MAX = 32, TEST_REDIS_START_TRIES = 2000 };

struct test_redis {
    char directory[64];
    char socket_path[96];
    pid_t pid; /* 0: not running */
};

static inline void test_sleep_ms(unsigned milliseconds) {
    struct timespec pause = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
    }
}

/* Makes the directory; the server is not started yet. */
static inline void test_redis_init(struct test_redis *redis) {
    *redis = (struct test_redis){.directory = "/tmp/brinco-redis-XXXXXX"};
    ENSURE(mkdtemp(redis->directory) != NULL);
    snprintf(redis->socket_path, sizeof(redis->socket_path), "%s/redis.sock", redis->directory);
}

static inline bool test_redis_answers(const struct test_redis *redis) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[8] = "";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, redis->socket_path, sizeof(redis->socket_path));
    bool answers = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
                   send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                   recv(fd, answer, sizeof(answer) - 1, 0) > 0 &&
                   (answer[0] == '+' || strncmp(answer, "-NOAUTH", 7) == 0);
    close(fd);
    return answers;
}

/* extra: NULL-terminated list of further arguments, or NULL. Returns when it answers. */
static inline void test_redis_start(struct test_redis *redis, const char *const *extra) {
    const char *arguments[TEST_REDIS_ARGUMENTS_MAX] = {
        "redis-server",
        "--port",
        "0",
        "--unixsocket",
        redis->socket_path,
        "--dir",
        redis->directory,
        "--save",
        "",
        "--appendonly",
        "no",
    };
    size_t count = 11;
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++) {
        ENSURE(count < TEST_REDIS_ARGUMENTS_MAX - 1);
        arguments[count++] = extra[i];
    }
    ENSURE(redis->pid == 0);
    redis->pid = fork();
    ENSURE(redis->pid >= 0);
    if (redis->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDIN_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(arguments[0], (char *const *)(void *)arguments);
        _exit(127);
    }
    for (int i = 0; i < TEST_REDIS_START_TRIES; i++) {
        if (test_redis_answers(redis)) {
            return;
        }
        ENSURE(waitpid(redis->pid, NULL, WNOHANG) == 0); /* it must not have ended */
        test_sleep_ms(5);
    }
    ENSURE(false && "redis-server answers");
}

/* SIGKILL, or SIGTERM and a proper end. */
static inline void test_redis_end(struct test_redis *redis, int signal_number) {
    if (redis->pid > 0) {
        kill(redis->pid, signal_number);
        kill(redis->pid, SIGCONT);
        ENSURE(waitpid(redis->pid, NULL, 0) == redis->pid);
        redis->pid = 0;
    }
}

/* Returns when the kernel has stopped it: kill(2) alone only asks. */
static inline void test_redis_freeze(const struct test_redis *redis) {
    int status = 0;
    kill(redis->pid, SIGSTOP);
    ENSURE(waitpid(redis->pid, &status, WUNTRACED) == redis->pid && WIFSTOPPED(status));
}

static inline void test_redis_thaw(const struct test_redis *redis) {
    kill(redis->pid, SIGCONT);
}

/* Kills the server and removes the directory (files, and directories of files). */
static inline void test_redis_fini(struct test_redis *redis) {
    char command[160];
    test_redis_end(redis, SIGKILL);
    snprintf(command, sizeof(command), "rm -rf -- '%s'", redis->directory);
    ENSURE(system(command) == 0);
}

static inline struct redis_url test_redis_url(const struct test_redis *redis) {
    struct redis_url url = {.port = 6379};
    memcpy(url.socket_path, redis->socket_path, sizeof(redis->socket_path));
    return url;
}

#endif
