/*
 * listener.c - accepting, and stopping to accept without a lost request.
 */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/err.h"
#include "conn_private.h"

/* How long the kernel keeps a connection whose client says nothing: one retransmission; then it is
 * ours, and the deadline of a head begins. */
enum { DEFER_ACCEPT_S = 1 };

struct listener {
    int fd;
    bool is_listening; /* connections may wait in the queue */
    struct conn_loop *conns;
    struct metric_set *metrics; /* the connections' own */
    struct event *readable;
    struct event *unpause;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool address_of(const char *host, uint16_t port, union address *address, socklen_t *size) {
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        *size = sizeof(address->v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        *size = sizeof(address->v6);
        return true;
    }
    return false;
}

static bool set_option(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* TCP_NODELAY is inherited by what is accepted, which saves a system call a connection. */
static int open_socket(const union address *address, socklen_t size) {
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    bool is_v6 = address->any.sa_family == AF_INET6;
    bool is_set = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                  set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
                  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
                  set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_ACCEPT_S) &&
                  (!is_v6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    if (!is_set || bind(fd, &address->any, size) != 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static void on_unpause(evutil_socket_t fd, short what, void *argument) {
    struct listener *listener = argument;
    (void)fd;
    (void)what;
    event_add(listener->readable, NULL);
}

/* A level-triggered event on a socket that cannot be accepted from would spin. */
static void pause_accepting(struct listener *listener) {
    struct timeval pause = {.tv_usec = LISTENER_PAUSE_MS * 1000};
    metric_add(listener->metrics, CONN_ACCEPT_PAUSES, 1);
    event_del(listener->readable);
    event_add(listener->unpause, &pause);
}

enum accept_result { ACCEPT_ONE, ACCEPT_AGAIN, ACCEPT_NOTHING, ACCEPT_NO_ROOM };

/* Whether a connection is there to be accepted. Asked at a limit only: the kernel reports the
 * lack of a descriptor before it looks at the queue, and nobody is to be evicted for nobody. */
static bool is_queued(const struct listener *listener) {
    struct pollfd target = {.fd = listener->fd, .events = POLLIN};
    return poll(&target, 1, 0) == 1;
}

static enum accept_result after_failure(struct listener *listener, int failure) {
    switch (failure) {
    case EAGAIN:
        return ACCEPT_NOTHING;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        if (!is_queued(listener)) {
            return ACCEPT_NOTHING;
        }
        metric_add(listener->metrics, CONN_LIMIT_DESCRIPTORS, 1);
        return conn_loop_evict(listener->conns) > 0 ? ACCEPT_AGAIN : ACCEPT_NO_ROOM;
    default:
        return ACCEPT_AGAIN; /* that one connection went away: ECONNABORTED and the like */
    }
}

static enum accept_result accept_one(struct listener *listener) {
    union address peer;
    socklen_t size = sizeof(peer);
    bool is_full = listener->conns->count >= listener->conns->options.connections_max;
    if (is_full && !is_queued(listener)) {
        return ACCEPT_NOTHING;
    }
    if (is_full && !conn_loop_has_room(listener->conns)) {
        return ACCEPT_NO_ROOM;
    }
    int fd = accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return after_failure(listener, errno);
    }
    conn_open(listener->conns, fd, &peer.any);
    return ACCEPT_ONE;
}

/* Accepts up to limit connections as one turn; returns how many. */
static unsigned accept_many(struct listener *listener, int limit) {
    unsigned accepted = 0;
    enum accept_result result = ACCEPT_ONE;
    conn_loop_turn(listener->conns);
    for (int i = 0; i < limit && (result == ACCEPT_ONE || result == ACCEPT_AGAIN); i++) {
        result = accept_one(listener);
        accepted += result == ACCEPT_ONE;
    }
    conn_loop_flush(listener->conns);
    if (result == ACCEPT_NO_ROOM) {
        pause_accepting(listener);
    }
    return accepted;
}

static void on_readable(evutil_socket_t fd, short what, void *argument) {
    (void)fd;
    (void)what;
    accept_many(argument, LISTENER_BATCH);
}

struct listener *listener_open(const struct listener_options *options, struct err *err) {
    union address address;
    socklen_t size;
    if (!address_of(options->host, options->port, &address, &size)) {
        err_set(err, "cannot listen on %s: not a numeric IPv4 or IPv6 address", options->host);
        return NULL;
    }
    int fd = open_socket(&address, size);
    if (fd < 0) {
        err_set(err, "cannot listen on %s port %u: %s", options->host, options->port,
                strerror(errno));
        return NULL;
    }
    struct listener *listener = calloc(1, sizeof(*listener));
    ENSURE(listener != NULL);
    listener->fd = fd;
    listener->conns = options->conns;
    listener->metrics = options->conns->metrics;
    listener->readable = event_new(options->base, fd, EV_READ | EV_PERSIST, on_readable, listener);
    listener->unpause = event_new(options->base, -1, 0, on_unpause, listener);
    ENSURE(listener->readable != NULL && listener->unpause != NULL);
    if (!options->is_held) {
        if (!listener_queue(listener, err)) {
            listener_close(&listener);
            return NULL;
        }
        listener_release(listener);
    }
    return listener;
}

uint16_t listener_port(const struct listener *listener) {
    union address address = {0};
    socklen_t size = sizeof(address);
    ENSURE(getsockname(listener->fd, &address.any, &size) == 0);
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

bool listener_queue(struct listener *listener, struct err *err) {
    if (listen(listener->fd, LISTENER_BACKLOG) != 0) {
        return err_set(err, "cannot listen on port %u: %s", listener_port(listener),
                       strerror(errno));
    }
    listener->is_listening = true;
    return true;
}

void listener_release(struct listener *listener) {
    ENSURE(event_add(listener->readable, NULL) == 0);
}

bool listener_refuse_new(struct listener *listener) {
    /* For TCP, a socket filter sees the segment from its TCP header on. Flags are byte 13:
     * SYN is 0x02, ACK 0x10 (RFC 9293 section 3.1). Drop a SYN that is no SYN-ACK. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),          BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
    };
    struct sock_fprog program = {.len = ARRAY_COUNT(code), .filter = code};
    return setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

unsigned listener_drain(struct listener *listener) {
    return accept_many(listener, LISTENER_BACKLOG);
}

void listener_close(struct listener **listener) {
    if (*listener == NULL) {
        return;
    }
    if ((*listener)->is_listening) {
        listener_drain(*listener);
    }
    event_free((*listener)->readable);
    event_free((*listener)->unpause);
    close((*listener)->fd);
    free(*listener);
    *listener = NULL;
}
