/*
 * redis/pipe.c - see redis/pipe.h.
 *
 * The socket never blocks; poll(2) waits, so that every wait has the deadline of its call. While
 * commands are being sent, replies are taken in: a server (or a proxy before it) that stops
 * reading until its replies are read cannot lock the two of us up, however long the pipeline.
 *
 *   socket ► input ► reader ► replies        or        socket ► input ◄► lent: raw replies
 *
 * A raw reply is lent in the very buffer that it arrived in: the next ones arrive in the other.
 */
#include "redis/pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "dial.h"
#include "redis/url.h"
#include "resp.h"

enum {
    READ_BYTES = 128 * 1024,
    REPLY_BYTES_MAX = 256 * 1024 * 1024, /* also of all replies not yet asked for */
    REPLY_ELEMENTS_MAX = 4 * 1024 * 1024,
    INPUT_BYTES_MAX = REPLY_BYTES_MAX + READ_BYTES,
    RESOLVE_POLL_NS = 2 * 1000 * 1000,
};

static const char too_large[] = "a reply larger than is allowed";

struct redis_pipe {
    struct redis_url url;
    char place[300]; /* for messages */
    uint32_t timeout_ms;
    uint64_t last_ns; /* of all waiting; 0: no such end */
    int fd;           /* -1: not connected */
    struct resp_reader *reader;
    struct buf output;
    size_t sent;      /* of output */
    size_t pending;   /* replies still to be read */
    struct buf input; /* arrived, and neither given to the reader nor lent */
    struct buf lent;  /* begins with the raw reply that was read last */
    bool is_parsing;  /* the reader may have bytes of a reply that is still to be read */
};

static int dial(struct redis_pipe *pipe, uint64_t deadline_ns, struct err *err);
static bool greet(struct redis_pipe *pipe, size_t replies, struct err *err);
static bool send_queued(struct redis_pipe *pipe, struct err *err);
static bool take_in(struct redis_pipe *pipe, struct err *err);
static bool wait_for(struct redis_pipe *pipe, short what, uint64_t deadline_ns, struct err *err);
static bool fail(struct redis_pipe *pipe, struct err *err, const char *reason);

static uint64_t deadline_of(const struct redis_pipe *pipe) {
    uint64_t deadline_ns = clock_monotonic_ns() + (uint64_t)pipe->timeout_ms * 1000000;
    return pipe->last_ns != 0 && pipe->last_ns < deadline_ns ? pipe->last_ns : deadline_ns;
}

struct redis_pipe *redis_pipe_create(const struct redis_url *url, uint32_t timeout_ms) {
    struct redis_pipe *pipe = calloc(1, sizeof(*pipe));
    ENSURE(pipe != NULL && timeout_ms > 0);
    pipe->url = *url;
    pipe->timeout_ms = timeout_ms;
    pipe->fd = -1;
    redis_url_describe(url, pipe->place, sizeof(pipe->place));
    buf_init(&pipe->output, REDIS_PIPE_QUEUE_BYTES_MAX);
    buf_init(&pipe->input, INPUT_BYTES_MAX);
    buf_init(&pipe->lent, INPUT_BYTES_MAX);
    return pipe;
}

void redis_pipe_destroy(struct redis_pipe **pipe) {
    if (*pipe != NULL) {
        redis_pipe_disconnect(*pipe);
        resp_reader_destroy(&(*pipe)->reader);
        buf_fini(&(*pipe)->output);
        buf_fini(&(*pipe)->input);
        buf_fini(&(*pipe)->lent);
        free(*pipe);
        *pipe = NULL;
    }
}

bool redis_pipe_connect(struct redis_pipe *pipe, struct err *err) {
    if (pipe->fd >= 0) {
        return true;
    }
    pipe->fd = dial(pipe, deadline_of(pipe), err);
    if (pipe->fd < 0) {
        return err_prefix(err, "Redis at %s", pipe->place);
    }
    resp_reader_destroy(&pipe->reader);
    pipe->reader = resp_reader_create(REPLY_BYTES_MAX, REPLY_ELEMENTS_MAX);
    size_t replies = 0;
    ENSURE(resp_append_greeting(&pipe->output, &pipe->url, &replies));
    pipe->pending = replies;
    return greet(pipe, replies, err);
}

void redis_pipe_set_deadline(struct redis_pipe *pipe, uint64_t deadline_ns) {
    pipe->last_ns = deadline_ns;
}

bool redis_pipe_is_connected(const struct redis_pipe *pipe) {
    return pipe->fd >= 0;
}

void redis_pipe_disconnect(struct redis_pipe *pipe) {
    if (pipe->fd >= 0) {
        close(pipe->fd);
        pipe->fd = -1;
    }
    buf_clear(&pipe->output);
    buf_clear(&pipe->input);
    pipe->sent = 0;
    pipe->pending = 0;
    pipe->is_parsing = false;
}

bool redis_pipe_append(struct redis_pipe *pipe, size_t argument_count,
                       const struct slice *arguments) {
    if (pipe->fd < 0 || !resp_append_command(&pipe->output, argument_count, arguments)) {
        return false;
    }
    pipe->pending++;
    return true;
}

bool redis_pipe_append_resp(struct redis_pipe *pipe, struct slice resp, size_t command_count) {
    if (pipe->fd < 0) {
        return false;
    }
    if (!buf_append(&pipe->output, resp)) {
        pipe->output.overflowed = false; /* left out whole: nothing is cut */
        return false;
    }
    pipe->pending += command_count;
    return true;
}

bool redis_pipe_send(struct redis_pipe *pipe, struct err *err) {
    if (pipe->fd < 0) {
        return err_set(err, "Redis at %s: not connected", pipe->place);
    }
    return send_queued(pipe, err);
}

const struct redis_reply *redis_pipe_read(struct redis_pipe *pipe, struct err *err) {
    if (pipe->fd < 0) {
        err_set(err, "Redis at %s: not connected", pipe->place);
        return NULL;
    }
    ENSURE(pipe->pending > 0);
    if (pipe->output.size > 0 && !send_queued(pipe, err)) {
        return NULL;
    }
    const struct redis_reply *reply = NULL;
    uint64_t deadline_ns = deadline_of(pipe);
    for (;;) {
        switch (resp_reader_next(pipe->reader, &reply)) {
        case RESP_REPLY:
            pipe->pending--;
            pipe->is_parsing = pipe->pending > 0;
            return reply;
        case RESP_BROKEN:
            fail(pipe, err, "malformed or too large a reply");
            return NULL;
        case RESP_MORE:
            break;
        }
        if (pipe->input.size > 0) {
            pipe->is_parsing = true;
            if (!resp_reader_feed(pipe->reader, pipe->input.data, pipe->input.size)) {
                fail(pipe, err, too_large);
                return NULL;
            }
            buf_clear(&pipe->input);
        } else if (!wait_for(pipe, POLLIN, deadline_ns, err) || !take_in(pipe, err)) {
            return NULL;
        }
    }
}

/* The reply of this size, at the front of the input, is lent; what follows it stays. */
static struct slice lend(struct redis_pipe *pipe, size_t size) {
    struct buf lent = pipe->input;
    pipe->input = pipe->lent;
    pipe->lent = lent;
    buf_clear(&pipe->input);
    ENSURE(buf_append_bytes(&pipe->input, lent.data + size, lent.size - size));
    pipe->pending--;
    return slice_make(lent.data, size);
}

struct slice redis_pipe_read_raw(struct redis_pipe *pipe, size_t reply_bytes_max, struct err *err) {
    if (pipe->fd < 0) {
        err_set(err, "Redis at %s: not connected", pipe->place);
        return SLICE_EMPTY;
    }
    ENSURE(pipe->pending > 0 && !pipe->is_parsing);
    if (pipe->output.size > 0 && !send_queued(pipe, err)) {
        return SLICE_EMPTY;
    }
    struct resp_walk walk = {0};
    uint64_t deadline_ns = deadline_of(pipe);
    for (;;) {
        switch (resp_walk(&walk, buf_slice(&pipe->input))) {
        case RESP_REPLY:
            if (walk.at <= reply_bytes_max) {
                return lend(pipe, walk.at);
            }
            fail(pipe, err, too_large);
            return SLICE_EMPTY;
        case RESP_BROKEN:
            fail(pipe, err, "a malformed reply");
            return SLICE_EMPTY;
        case RESP_MORE:
            break;
        }
        if (pipe->input.size > reply_bytes_max) {
            fail(pipe, err, too_large);
            return SLICE_EMPTY;
        }
        if (!wait_for(pipe, POLLIN, deadline_ns, err) || !take_in(pipe, err)) {
            return SLICE_EMPTY;
        }
    }
}

const struct redis_reply *redis_pipe_command(struct redis_pipe *pipe, size_t argument_count,
                                             const struct slice *arguments, struct err *err) {
    ENSURE(pipe->pending == 0);
    if (!redis_pipe_append(pipe, argument_count, arguments)) {
        err_set(err, "Redis at %s: %s", pipe->place,
                pipe->fd < 0 ? "not connected" : "the command is too large");
        return NULL;
    }
    return redis_pipe_read(pipe, err);
}

static bool poll_until(struct pollfd *polled, uint64_t deadline_ns) {
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns();
        uint64_t left_ms = now_ns < deadline_ns ? (deadline_ns - now_ns) / 1000000 + 1 : 0;
        int ready = poll(polled, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

/* Connected to the first of the host's addresses that takes us, or -1. */
static int dial_any(struct dial *dial, uint64_t deadline_ns, struct err *err) {
    for (unsigned attempt = 0; attempt < DIAL_ADDRESSES_MAX; attempt++) {
        int fd = dial_connect(dial, attempt, err);
        struct pollfd polled = {.fd = fd, .events = POLLOUT};
        if (fd < 0) {
            continue;
        }
        if (!poll_until(&polled, deadline_ns)) {
            err_set(err, "timed out while connecting");
            close(fd);
            return -1;
        }
        if (dial_finish(fd, err)) {
            return fd;
        }
        close(fd);
    }
    return -1;
}

static int dial(struct redis_pipe *pipe, uint64_t deadline_ns, struct err *err) {
    struct dial *dial = dial_begin(&pipe->url);
    enum dial_result result = dial_ready(dial, err);
    int fd = -1;
    while (result == DIAL_PENDING && clock_monotonic_ns() < deadline_ns) {
        nanosleep(&(struct timespec){.tv_nsec = RESOLVE_POLL_NS}, NULL);
        result = dial_ready(dial, err);
    }
    if (result == DIAL_READY) {
        fd = dial_any(dial, deadline_ns, err);
    } else if (result == DIAL_PENDING) {
        err_set(err, "the host name could not be looked up in time");
    }
    dial_abandon(&dial);
    return fd;
}

/* Reads the answers to AUTH and SELECT. */
static bool greet(struct redis_pipe *pipe, size_t replies, struct err *err) {
    for (size_t i = 0; i < replies; i++) {
        const struct redis_reply *reply = redis_pipe_read(pipe, err);
        if (reply == NULL) {
            return false;
        }
        if (redis_reply_is_error(reply)) {
            struct slice text = redis_reply_text(reply);
            err_set(err, "Redis at %s: %.*s", pipe->place, SLICE_ARG(text));
            redis_pipe_disconnect(pipe);
            return false;
        }
    }
    return true;
}

static bool send_queued(struct redis_pipe *pipe, struct err *err) {
    uint64_t deadline_ns = deadline_of(pipe);
    while (pipe->sent < pipe->output.size) {
        ssize_t n = send(pipe->fd, pipe->output.data + pipe->sent, pipe->output.size - pipe->sent,
                         MSG_NOSIGNAL);
        if (n > 0) {
            pipe->sent += (size_t)n;
            continue;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return fail(pipe, err, strerror(errno));
        }
        if (!wait_for(pipe, POLLIN | POLLOUT, deadline_ns, err) || !take_in(pipe, err)) {
            return false;
        }
    }
    buf_clear(&pipe->output);
    pipe->sent = 0;
    return true;
}

/* What there is to read now, if anything. */
static bool take_in(struct redis_pipe *pipe, struct err *err) {
    if (!buf_reserve(&pipe->input, READ_BYTES)) {
        return fail(pipe, err, too_large);
    }
    ssize_t n = recv(pipe->fd, pipe->input.data + pipe->input.size, READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        return fail(pipe, err, n == 0 ? "the connection was closed" : strerror(errno));
    }
    pipe->input.size += (size_t)n;
    return true;
}

static bool wait_for(struct redis_pipe *pipe, short what, uint64_t deadline_ns, struct err *err) {
    struct pollfd polled = {.fd = pipe->fd, .events = what};
    return poll_until(&polled, deadline_ns) || fail(pipe, err, "no answer in time");
}

/* Closes with a reset instead of a farewell: over a broken network the kernel would otherwise go
 * on delivering, minutes later, commands that their sender has long given up. */
static bool fail(struct redis_pipe *pipe, struct err *err, const char *reason) {
    struct linger abandon = {.l_onoff = 1, .l_linger = 0};
    setsockopt(pipe->fd, SOL_SOCKET, SO_LINGER, &abandon, sizeof(abandon));
    redis_pipe_disconnect(pipe);
    return err_set(err, "Redis at %s: %s", pipe->place, reason);
}
