/*
 * redis/dial.c - see dial.h.
 *
 * A look-up is shared by its owner and its thread; whoever lets go last frees it. The thread
 * touches nothing else, so it may outlive everything but the process.
 */
#include "dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "redis/url.h"

struct dial_address {
    struct sockaddr_storage address;
    socklen_t size;
};

struct dial {
    pthread_mutex_t mutex;
    unsigned holders;        /* the owner, and the thread while it runs */
    enum dial_result result; /* what follows is written before it leaves DIAL_PENDING */
    int lookup_error;        /* EAI_… */
    size_t count;
    struct dial_address at[DIAL_ADDRESSES_MAX];
    char host[256];
    char port[8];
};

static void begin_unix(struct dial *dial, const struct redis_url *url);
static void begin_tcp(struct dial *dial, const struct redis_url *url);
static void let_go(struct dial *dial);

struct dial *dial_begin(const struct redis_url *url) {
    struct dial *dial = calloc(1, sizeof(*dial));
    ENSURE(dial != NULL);
    pthread_mutex_init(&dial->mutex, NULL);
    dial->holders = 1;
    if (url->socket_path[0] != '\0') {
        begin_unix(dial, url);
    } else {
        begin_tcp(dial, url);
    }
    return dial;
}

void dial_abandon(struct dial **dial) {
    if (*dial != NULL) {
        let_go(*dial);
        *dial = NULL;
    }
}

enum dial_result dial_ready(struct dial *dial, struct err *err) {
    pthread_mutex_lock(&dial->mutex);
    enum dial_result result = dial->result;
    pthread_mutex_unlock(&dial->mutex);
    if (result == DIAL_FAILED) {
        err_set(err, "%s: %s", dial->host, gai_strerror(dial->lookup_error));
    }
    return result;
}

int dial_connect(const struct dial *dial, unsigned attempt, struct err *err) {
    const struct dial_address *to = &dial->at[attempt % dial->count];
    int fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        err_set(err, "no socket: %s", strerror(errno));
        return -1;
    }
    if (to->address.ss_family != AF_UNIX) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
    /* EAGAIN (a Unix socket whose backlog is full) is a failure like any other. */
    if (connect(fd, (const struct sockaddr *)&to->address, to->size) != 0 && errno != EINPROGRESS) {
        err_set(err, "%s", strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

bool dial_finish(int fd, struct err *err) {
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    return error == 0 || err_set(err, "%s", strerror(error));
}

static void begin_unix(struct dial *dial, const struct redis_url *url) {
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    _Static_assert(sizeof(url->socket_path) <= sizeof(local.sun_path), "a path fits");
    memcpy(local.sun_path, url->socket_path, sizeof(url->socket_path));
    memcpy(&dial->at[0].address, &local, sizeof(local));
    dial->at[0].size = sizeof(local);
    dial->count = 1;
    dial->result = DIAL_READY;
}

static void look_up(struct dial *dial, int flags) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(dial->host, dial->port, &hints, &found);

    pthread_mutex_lock(&dial->mutex);
    dial->lookup_error = error;
    for (struct addrinfo *i = found; i != NULL && dial->count < DIAL_ADDRESSES_MAX;
         i = i->ai_next) {
        if (i->ai_addrlen <= sizeof(dial->at[0].address)) {
            memcpy(&dial->at[dial->count].address, i->ai_addr, i->ai_addrlen);
            dial->at[dial->count++].size = i->ai_addrlen;
        }
    }
    dial->result = dial->count > 0 ? DIAL_READY : DIAL_FAILED;
    pthread_mutex_unlock(&dial->mutex);
    if (found != NULL) {
        freeaddrinfo(found);
    }
}

static void *look_up_on_thread(void *argument) {
    look_up(argument, 0);
    let_go(argument);
    return NULL;
}

static void begin_tcp(struct dial *dial, const struct redis_url *url) {
    pthread_attr_t attributes;
    pthread_t thread;

    snprintf(dial->host, sizeof(dial->host), "%s", url->host);
    snprintf(dial->port, sizeof(dial->port), "%u", (unsigned)url->port);
    look_up(dial, AI_NUMERICHOST);
    if (dial->result == DIAL_READY) {
        return;
    }
    dial->result = DIAL_PENDING;
    dial->holders = 2;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, look_up_on_thread, dial) != 0) {
        dial->holders = 1;
        dial->lookup_error = EAI_AGAIN;
        dial->result = DIAL_FAILED;
    }
    pthread_attr_destroy(&attributes);
}

static void let_go(struct dial *dial) {
    pthread_mutex_lock(&dial->mutex);
    bool is_last = --dial->holders == 0;
    pthread_mutex_unlock(&dial->mutex);
    if (is_last) {
        pthread_mutex_destroy(&dial->mutex);
        free(dial);
    }
}
