/*
 * server_fixture.h - a server with routes of a test's own, and a client that sends bytes.
 */
#ifndef TESTS_API_SERVER_FIXTURE_H
#define TESTS_API_SERVER_FIXTURE_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../support/redis_admin.h"
#include "answer.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "body.h"
#include "server_private.h"

enum {
    PATIENCE_S = 20,
    STREAM_CHUNKS = 256,
    STREAM_CHUNK_BYTES = 64 * 1024,
    TEXT_BYTES_MAX = 32 * 1024 * 1024,
};

/* What handlers and tests share; handlers have no argument of their own. */
static struct {
    _Atomic unsigned waiting;
    _Atomic unsigned flushes;
    _Atomic unsigned streams_ended;
    _Atomic bool is_open; /* the gate at which handle_wait() waits */
} shared;

static inline void handle_echo(const struct call *call, struct answer *answer) {
    answer->content_type = "text/plain";
    buf_printf(&answer->body, "%d %.*s %zu %.*s", (int)call->method, SLICE_ARG(call->parameter[0]),
               call->body.size, SLICE_ARG(call_query(call, "q")));
}

static inline void handle_wait(const struct call *call, struct answer *answer) {
    (void)call;
    atomic_fetch_add(&shared.waiting, 1);
    while (!atomic_load(&shared.is_open)) {
        test_sleep_ms(1);
    }
    atomic_fetch_sub(&shared.waiting, 1);
    buf_append(&answer->body, SLICE("waited"));
}

static inline void handle_stream(const struct call *call, struct answer *answer) {
    static const char block[STREAM_CHUNK_BYTES];
    (void)call;
    answer_header(answer, "X-Kind", SLICE("stream"));
    for (unsigned i = 0; i < STREAM_CHUNKS; i++) {
        buf_append_bytes(&answer->body, block, sizeof(block));
        if (!answer_flush(answer)) {
            break;
        }
        atomic_fetch_add(&shared.flushes, 1);
    }
    buf_append(&answer->body, SLICE("end"));
    atomic_fetch_add(&shared.streams_ended, 1);
}

#define TEST_ROUTE(method_, pattern_, role_, kind_, handler_)                                      \
    {                                                                                              \
        .method = #method_, .pattern = (pattern_), .role = API_ROLE_##role_,                       \
        .kind = ROUTE_##kind_, .call_method = API_##method_, .handler = (handler_)                 \
    }

static const struct route test_routes[] = {
    TEST_ROUTE(GET, "/v1", READ, INDEX, NULL),
    TEST_ROUTE(GET, "/v1/echo/{x}", READ, CALL, handle_echo),
    TEST_ROUTE(POST, "/v1/echo/{x}", WRITE, CALL, handle_echo),
    TEST_ROUTE(POST, "/v1/bulk", WRITE, BULK, handle_echo),
    TEST_ROUTE(GET, "/v1/wait", READ, CALL, handle_wait),
    TEST_ROUTE(GET, "/v1/stream", READ, CALL, handle_stream),
    TEST_ROUTE(GET, "/v1/stats/live", READ, SUBSCRIBE, NULL),
};
static const struct route_table test_table = {test_routes, ARRAY_COUNT(test_routes)};

struct bench {
    struct test_redis redis;
    struct redis_url url;
    struct metric_registry *metrics;
    struct api_server *server;
    struct server_setup setup;
    uint16_t port;
    char token[API_TOKEN_BYTES + 1];
};

/* A port that was free a moment ago. */
static inline uint16_t bench_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ENSURE(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    ENSURE(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Redis, and a token that may write; the setup may be changed before bench_start(). */
static inline void bench_prepare(struct bench *bench) {
    struct api_token token = {.name = "test", .role = API_ROLE_WRITE};
    struct err err;
    *bench = (struct bench){.port = bench_port()};
    memset(&shared, 0, sizeof(shared));
    test_redis_init(&bench->redis);
    test_redis_start(&bench->redis, NULL);
    bench->url = test_redis_url(&bench->redis);
    bench->metrics = metric_registry_create();
    struct redis_pipe *pipe = admin_open(&bench->redis);
    ENSURE(api_token_new(pipe, SLICE("p:"), &token, bench->token, &err) == API_TOKEN_OK);
    redis_pipe_destroy(&pipe);
    bench->setup = (struct server_setup){.routes = &test_table,
                                         .limits = {.idle_ms = 20000,
                                                    .head_ms = 20000,
                                                    .pace_ms = 20000,
                                                    .linger_ms = 500,
                                                    .pace_bytes = 4096},
                                         .connections_max = 64,
                                         .live_interval_ms = 20,
                                         .redis_timeout_ms = 2000};
}

static inline void bench_start(struct bench *bench) {
    char listen[32];
    struct err err;
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", bench->port);
    const struct api_options options = {.listen = slice_of(listen),
                                        .url = &bench->url,
                                        .key_prefix = SLICE("p:"),
                                        .zone = SLICE("UTC"),
                                        .metrics = bench->metrics};
    bench->server = server_start(&options, &bench->setup, &err);
    ENSURE(bench->server != NULL);
}

static inline void bench_end(struct bench *bench) {
    api_stop(&bench->server);
    metric_registry_destroy(&bench->metrics);
    test_redis_fini(&bench->redis);
}

static inline uint64_t counted(const struct bench *bench, const char *name, const char *labels) {
    return metric_registry_total(bench->metrics, name, labels);
}

/* --- a client ------------------------------------------------------------------------------- */

static inline int dial_with(const struct bench *bench, int receive_bytes) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(bench->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_bytes > 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ENSURE(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static inline int dial_server(const struct bench *bench) {
    return dial_with(bench, 0);
}

static inline void say(int fd, const char *text) {
    ENSURE(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* A request head with the token; fields: whole lines. */
static inline void say_request(const struct bench *bench, int fd, const char *line,
                               const char *fields) {
    char text[1024];
    snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s\r\n",
             line, bench->token, fields);
    say(fd, text);
}

struct heard {
    int status;
    char head[2048];
    struct buf body;
};

static inline void heard_fini(struct heard *heard) {
    buf_fini(&heard->body);
}

static inline bool heard_has(const struct heard *heard, const char *text) {
    return strstr(heard->head, text) != NULL;
}

/* One answer, its head byte by byte; status 0: the connection ended (or was silent) instead. */
static inline void hear(int fd, struct heard *heard) {
    size_t size = 0;
    *heard = (struct heard){.status = 0};
    buf_init(&heard->body, TEXT_BYTES_MAX);
    while (size < 4 || memcmp(heard->head + size - 4, "\r\n\r\n", 4) != 0) {
        ENSURE(size < sizeof(heard->head) - 1);
        if (recv(fd, heard->head + size, 1, 0) != 1) {
            return;
        }
        size++;
    }
    struct body body;
    const char *length = strstr(heard->head, "Content-Length: ");
    bool is_chunked = heard_has(heard, "Transfer-Encoding: chunked");
    uint64_t bytes = length != NULL ? strtoull(length + 16, NULL, 10) : 0;
    enum body_result result = body_begin(&body, is_chunked, bytes, TEXT_BYTES_MAX);
    while (result == BODY_MORE) {
        char block[4096];
        size_t want = is_chunked ? 1 : body.left;
        if (is_chunked && body.step == BODY_DATA) {
            want = body.left;
        }
        ssize_t n = recv(fd, block, want < sizeof(block) ? want : sizeof(block), 0);
        if (n <= 0) {
            body_fini(&body);
            return;
        }
        size_t consumed;
        result = body_take(&body, slice_make(block, (size_t)n), &consumed);
    }
    ENSURE(result == BODY_DONE);
    heard->body = body.bytes;
    heard->status = (int)strtol(heard->head + 9, NULL, 10);
}

/* One request on a connection of its own; the status. */
static inline int ask(const struct bench *bench, const char *line, const char *fields) {
    struct heard heard;
    int fd = dial_server(bench);
    say_request(bench, fd, line, fields);
    hear(fd, &heard);
    heard_fini(&heard);
    close(fd);
    return heard.status;
}

/* Whether the other side ends the connection, whatever it still says. */
static inline bool is_ended(int fd) {
    char block[4096];
    ssize_t n;
    while ((n = recv(fd, block, sizeof(block), 0)) > 0) {
    }
    return n == 0 || errno == ECONNRESET;
}

#define WAIT_UNTIL(condition)                                                                      \
    for (unsigned tries = 0; !(condition); tries++) {                                              \
        ENSURE(tries < PATIENCE_S * 1000);                                                         \
        test_sleep_ms(1);                                                                          \
    }

#endif
