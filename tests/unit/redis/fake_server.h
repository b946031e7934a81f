/*
 * fake_server.h - a Redis that misbehaves, for tests of this room.
 *
 * A thread on a Unix socket that serves one connection after another. To every read it answers
 * with the next piece of its script, whatever was asked: the script is what a hostile or broken
 * server would say. After the last piece it keeps silent, or closes.
 */
#ifndef TESTS_REDIS_FAKE_SERVER_H
#define TESTS_REDIS_FAKE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "../support/redis_server.h"

enum { FAKE_PIECES_MAX = 8 };

struct fake_server {
    char directory[64];
    char socket_path[96];
    int listener;
    pthread_t thread;
    struct slice pieces[FAKE_PIECES_MAX]; /* an empty piece ends the script */
    bool close_at_end;                    /* else silent until the client closes */
    _Atomic unsigned connections;
    _Atomic bool stopped;
};

static inline void fake_serve_one(struct fake_server *server, int fd) {
    char bytes[4096];
    for (size_t i = 0; i < FAKE_PIECES_MAX && server->pieces[i].size > 0; i++) {
        if (recv(fd, bytes, sizeof(bytes), 0) <= 0 ||
            send(fd, server->pieces[i].data, server->pieces[i].size, MSG_NOSIGNAL) < 0) {
            return;
        }
    }
    while (!server->close_at_end && recv(fd, bytes, sizeof(bytes), 0) > 0) {
    }
}

static inline void *fake_serve(void *argument) {
    struct fake_server *server = argument;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&server->stopped)) {
            close(fd);
            return NULL;
        }
        atomic_fetch_add(&server->connections, 1);
        fake_serve_one(server, fd);
        close(fd);
    }
}

/* pieces and close_at_end are set by the caller before. */
static inline void fake_server_start(struct fake_server *server) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(server->directory, sizeof(server->directory), "/tmp/brinco-fake-XXXXXX");
    ENSURE(mkdtemp(server->directory) != NULL);
    snprintf(server->socket_path, sizeof(server->socket_path), "%s/s", server->directory);
    memcpy(address.sun_path, server->socket_path, sizeof(server->socket_path));
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ENSURE(bind(server->listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
    ENSURE(listen(server->listener, 16) == 0);
    ENSURE(pthread_create(&server->thread, NULL, fake_serve, server) == 0);
}

/* Every client must have closed its connection. */
static inline void fake_server_stop(struct fake_server *server) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    atomic_store(&server->stopped, true);
    memcpy(address.sun_path, server->socket_path, sizeof(server->socket_path));
    ENSURE(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    close(fd);
    pthread_join(server->thread, NULL);
    close(server->listener);
    unlink(server->socket_path);
    rmdir(server->directory);
}

static inline struct redis_url fake_server_url(const struct fake_server *server) {
    struct redis_url url = {.port = 6379};
    memcpy(url.socket_path, server->socket_path, sizeof(server->socket_path));
    return url;
}

#endif
