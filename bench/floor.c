/*
 * floor.c - the least that a redirect can cost: one thread, epoll, and no work at all.
 *
 *   floor --port PORT [--close] [--journal FILE] [--level-triggered] [--no-defer]
 *
 * Accepts, reads at once, looks for the blank line, writes a constant 302 as long as brinco's. What
 * brinco costs is told as a ratio to this (bench/suites/hop.py).
 *
 *   --close            one request a connection; else connections are kept
 *   --journal FILE     copies 96 bytes into a file mapping before each answer
 *   --level-triggered  instead of edge-triggered: the kernel then looks at every connection that
 *                      it has just told of once more, in vain, when it is asked next
 *   --no-defer         without TCP_DEFER_ACCEPT: connections are told of before their request is
 *                      there, and have to be registered and waited for
 *
 * Limits    A request must come in one piece of at most READ_BYTES, and its answer fit the
 *           socket's buffer; pipelined ones are answered one by one. Anything else closes the
 *           connection: it is a yardstick, not a server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 16384,
    EVENTS = 256,
    BACKLOG = 4096,
    DEFER_ACCEPT_S = 1,
    RECORD_BYTES = 96,
    JOURNAL_BYTES = 64 * 1024 * 1024,
    PORT_MAX = 65535,
};

#define REPLY_HEAD                                                                                 \
    "HTTP/1.1 302 Found\r\nDate: Sat, 21 Nov 2026 13:00:00 GMT\r\n"                                \
    "Location: https://play.google.com/store/apps/details?id=mx.example.app&referrer="             \
    "utm_source%3Dbrinco%26utm_medium%3Dreferral%26utm_campaign%3Dspring%26utm_content%3DAB12CD"   \
    "%26click%3DAZqZqZqZqZqZqZqZqZqZqZqZqZqZqZqZ\r\n"                                              \
    "Cache-Control: private, no-store\r\nContent-Length: 0\r\n"

/* As long as what brinco answers to the same request. */
static const char kept_reply[] = REPLY_HEAD "\r\n";
static const char last_reply[] = REPLY_HEAD "Connection: close\r\n\r\n";

struct options {
    unsigned port;
    const char *journal_path; /* NULL: none */
    bool closes;
    bool is_level_triggered;
    bool is_not_deferred;
};

struct floor {
    int epoll;
    int listener;
    uint32_t interest;
    bool closes;
    const char *reply;
    size_t reply_bytes;
    char *journal; /* NULL: none */
    size_t journal_used;
};

static void die(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void append_record(struct floor *floor, const char *bytes) {
    if (floor->journal == NULL) {
        return;
    }
    if (floor->journal_used + RECORD_BYTES > JOURNAL_BYTES) {
        floor->journal_used = 0;
    }
    memcpy(floor->journal + floor->journal_used, bytes, RECORD_BYTES);
    floor->journal_used += RECORD_BYTES;
}

/* Where the first request in [at, end) ends, NULL if it does not. memchr() from line to line: a
 * memmem() of four bytes takes more than twice as long. */
static const char *after_head(const char *at, const char *end) {
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    while (feed != NULL) {
        at = feed + 1;
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
            return at + 2;
        }
        feed = memchr(at, '\n', (size_t)(end - at));
    }
    return NULL;
}

/* Reads and answers what is there. False: the connection is to be closed. A read that does not
 * fill the buffer has emptied the socket (epoll(7)), so that edge-triggered ones need no second. */
static bool serve(struct floor *floor, int fd) {
    static char input[READ_BYTES];
    ssize_t size = recv(fd, input, sizeof(input), 0);
    if (size < 0) {
        return errno == EAGAIN;
    }
    if (size == 0 || size == sizeof(input)) {
        return false;
    }
    const char *at = input;
    const char *end = input + size;
    while (at < end) {
        at = after_head(at, end);
        if (at == NULL) {
            return false;
        }
        append_record(floor, input);
        ssize_t sent = send(fd, floor->reply, floor->reply_bytes, MSG_NOSIGNAL);
        if (sent != (ssize_t)floor->reply_bytes || floor->closes) {
            return false;
        }
    }
    return true;
}

static void take_all(struct floor *floor) {
    for (;;) {
        int fd = accept4(floor->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        struct epoll_event event = {.events = floor->interest, .data = {.fd = fd}};
        if (!serve(floor, fd) || epoll_ctl(floor->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
            close(fd);
        }
    }
}

static void run(struct floor *floor) {
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(floor->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == floor->listener) {
                take_all(floor);
            } else if (!serve(floor, fd) || (events[i].events & EPOLLRDHUP) != 0) {
                close(fd);
            }
        }
    }
}

static int listen_on(const struct options *options) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    int defer_s = DEFER_ACCEPT_S;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options->port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    /* TCP_NODELAY is inherited by what is accepted. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0) {
        die("cannot make a socket");
    }
    if (!options->is_not_deferred &&
        setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_s, sizeof(defer_s)) != 0) {
        die("TCP_DEFER_ACCEPT");
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, BACKLOG) != 0) {
        die("cannot listen");
    }
    return fd;
}

static char *map_journal(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, JOURNAL_BYTES) != 0) {
        die(path);
    }
    char *map = mmap(NULL, JOURNAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED) {
        die(path);
    }
    close(fd);
    return map;
}

static bool parse(int count, char **words, struct options *options) {
    for (int i = 1; i < count; i++) {
        bool has_value = i + 1 < count;
        if (strcmp(words[i], "--close") == 0) {
            options->closes = true;
        } else if (strcmp(words[i], "--level-triggered") == 0) {
            options->is_level_triggered = true;
        } else if (strcmp(words[i], "--no-defer") == 0) {
            options->is_not_deferred = true;
        } else if (strcmp(words[i], "--journal") == 0 && has_value) {
            options->journal_path = words[++i];
        } else if (strcmp(words[i], "--port") == 0 && has_value) {
            char *end = NULL;
            unsigned long port = strtoul(words[++i], &end, 10);
            options->port = *end == '\0' && port <= PORT_MAX ? (unsigned)port : 0;
        } else {
            return false;
        }
    }
    return options->port > 0;
}

int main(int argc, char **argv) {
    struct options options = {0};
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: floor --port PORT [--close] [--journal FILE] [--level-triggered] "
                        "[--no-defer]\n");
        return 2;
    }
    struct floor floor = {
        .interest = EPOLLIN | EPOLLRDHUP | (options.is_level_triggered ? 0u : (unsigned)EPOLLET),
        .closes = options.closes,
        .reply = options.closes ? last_reply : kept_reply,
        .reply_bytes = options.closes ? sizeof(last_reply) - 1 : sizeof(kept_reply) - 1,
        .journal = options.journal_path != NULL ? map_journal(options.journal_path) : NULL,
    };
    floor.epoll = epoll_create1(EPOLL_CLOEXEC);
    floor.listener = listen_on(&options);
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = floor.listener}};
    if (floor.epoll < 0 || epoll_ctl(floor.epoll, EPOLL_CTL_ADD, floor.listener, &event) != 0) {
        die("epoll");
    }
    run(&floor);
}
