/* net/listener.h over real TCP: accepting, its limits, and stopping without a lost request. */
#include "line_server.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/err.h"
#include "net/listener.h"

static struct listener *listen_on(struct server *server, const char *host, uint16_t port,
                                  struct err *err) {
    return listener_open(
        &(struct listener_options){
            .base = server->base, .conns = server->loop, .host = host, .port = port},
        err);
}

static struct listener *listen_anywhere(struct server *server) {
    struct err err = {0};
    struct listener *listener = listen_on(server, "127.0.0.1", 0, &err);
    if (listener == NULL) {
        fail_msg("%s", err.text);
    }
    return listener;
}

static struct sockaddr_in address_of_port(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Connects without waiting; the handshake may still be under way. */
static int dial(uint16_t port) {
    struct sockaddr_in address = address_of_port(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        assert_int_equal(errno, EINPROGRESS);
    }
    return fd;
}

static bool is_connected_within(int fd, int timeout_ms) {
    struct pollfd target = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof(failure);
    return poll(&target, 1, timeout_ms) == 1 &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
}

static int dial_and_put(uint16_t port, struct slice bytes) {
    int fd = dial(port);
    assert_true(is_connected_within(fd, 1000));
    put(fd, bytes);
    return fd;
}

static uint64_t total(struct server *server, const char *name, const char *labels) {
    return metric_registry_total(server->metrics, name, labels);
}

static void accepts_and_serves_many_connections(void **state) {
    enum { CLIENTS = 20 };
    struct server *server = *state;
    struct listener *listener = listen_anywhere(server);
    int clients[CLIENTS];
    assert_true(listener_port(listener) > 0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = dial_and_put(listener_port(listener), SLICE("echo a\n"));
    }
    turn_for(server, 20);
    for (int i = 0; i < CLIENTS; i++) {
        assert_string_equal(take(clients[i]), "a\n");
        put(clients[i], SLICE("close\n"));
    }
    turn_for(server, 20);
    for (int i = 0; i < CLIENTS; i++) {
        assert_string_equal(take(clients[i]), "bye\n");
        close(clients[i]);
    }
    assert_int_equal(total(server, "brinco_connections_accepted_total", NULL), CLIENTS);
    assert_int_equal(ended(server, "answered"), CLIENTS);
    listener_close(&listener);
    assert_null(listener);
    listener_close(&listener);
}

static void what_is_accepted_sends_without_delay(void **state) {
    struct server *server = *state;
    struct listener *listener = listen_anywhere(server);
    int client = dial_and_put(listener_port(listener), SLICE("wait\n")), is_set = 0;
    socklen_t size = sizeof(is_set);
    turn_for(server, 20);
    assert_int_equal(server->waiting_count, 1);
    getsockopt(server->waiting[0]->fd, IPPROTO_TCP, TCP_NODELAY, &is_set, &size);
    assert_true(is_set);
    server_resume(server, SLICE_EMPTY, CONN_CLOSE);
    close(client);
    listener_close(&listener);
}

static void several_listeners_share_a_port(void **state) {
    struct server *server = *state;
    struct listener *first = listen_anywhere(server);
    struct err err = {0};
    struct listener *second = listen_on(server, "127.0.0.1", listener_port(first), &err);
    assert_non_null(second);
    assert_int_equal(listener_port(first), listener_port(second));
    listener_close(&first);
    listener_close(&second);
}

static void an_address_that_is_taken_is_named(void **state) {
    struct server *server = *state;
    struct sockaddr_in address = address_of_port(0);
    socklen_t size = sizeof(address);
    struct err err = {0};
    char port[32];
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(other, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(other, 1), 0);
    getsockname(other, (struct sockaddr *)&address, &size);
    snprintf(port, sizeof(port), "127.0.0.1 port %u", ntohs(address.sin_port));
    assert_null(listen_on(server, "127.0.0.1", ntohs(address.sin_port), &err));
    assert_non_null(strstr(err.text, port));
    assert_non_null(strstr(err.text, "Address already in use"));
    close(other);
}

static void what_is_no_address_is_refused(void **state) {
    static const char *const bad[] = {"", "localhost", "127.0.0.256", "[::1]", "1.2.3"};
    struct server *server = *state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct err err = {0};
        assert_null(listen_on(server, bad[i], 0, &err));
        assert_non_null(strstr(err.text, "not a numeric IPv4 or IPv6 address"));
    }
    struct err err = {0};
    assert_null(listen_on(server, "203.0.113.1", 0, &err)); /* of nobody's machine */
    assert_non_null(strstr(err.text, "203.0.113.1"));
}

static void ipv6_listens_beside_ipv4(void **state) {
    struct server *server = *state;
    struct listener *v4 = listen_anywhere(server);
    struct err err = {0};
    struct listener *v6 = listen_on(server, "::", listener_port(v4), &err);
    if (v6 == NULL && strstr(err.text, "not supported") != NULL) {
        listener_close(&v4);
        skip();
    }
    assert_non_null(v6);
    assert_int_equal(listener_port(v6), listener_port(v4));
    listener_close(&v6);
    listener_close(&v4);
}

/* --- stopping ------------------------------------------------------------------------------- */

static void refusing_drops_new_connections_and_serves_the_earlier(void **state) {
    struct server *server = *state;
    struct listener *listener = listen_anywhere(server);
    uint16_t port = listener_port(listener);
    int queued = dial_and_put(port, SLICE("echo queued\n"));
    int silent = dial(port); /* made, but the server waits for its first bytes */
    assert_true(is_connected_within(silent, 1000));
    int open = dial_and_put(port, SLICE("echo open\n"));
    turn_for(server, 20);
    assert_string_equal(take(open), "open\n");

    assert_true(listener_refuse_new(listener));
    int late = dial(port);
    assert_false(is_connected_within(late, 150));
    put(silent, SLICE("echo silent\n"));
    put(open, SLICE("echo again\n"));
    turn_for(server, 20);
    assert_string_equal(take(queued), "queued\n");
    assert_string_equal(take(silent), "silent\n");
    assert_string_equal(take(open), "again\n");
    listener_close(&listener);
    put(silent, SLICE("close\n"));
    turn_for(server, 20);
    assert_string_equal(take(silent), "bye\n");
    close(queued);
    close(silent);
    close(open);
    close(late);
}

static void a_refused_client_reaches_who_listens_next(void **state) {
    struct server *server = *state;
    struct listener *listener = listen_anywhere(server);
    uint16_t port = listener_port(listener);
    assert_true(listener_refuse_new(listener));
    int client = dial(port);
    assert_false(is_connected_within(client, 100));
    struct err err = {0};
    struct listener *next = listen_on(server, "127.0.0.1", port, &err);
    assert_non_null(next);
    listener_close(&listener);
    assert_true(is_connected_within(client, 3000)); /* by the SYN that is sent again */
    put(client, SLICE("echo next\n"));
    turn_for(server, 20);
    assert_string_equal(take(client), "next\n");
    close(client);
    listener_close(&next);
}

static void closing_serves_what_is_queued(void **state) {
    struct server *server = *state;
    struct listener *listener = listen_anywhere(server);
    int clients[10];
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        clients[i] = dial_and_put(listener_port(listener), SLICE("close\n"));
    }
    usleep(10000);
    assert_int_equal(listener_drain(listener), ARRAY_COUNT(clients));
    assert_int_equal(listener_drain(listener), 0);
    int last = dial_and_put(listener_port(listener), SLICE("close\n"));
    usleep(10000);
    listener_close(&listener);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        assert_string_equal(take(clients[i]), "bye\n");
        close(clients[i]);
    }
    assert_string_equal(take(last), "bye\n");
    close(last);
}

static void held_connections_wait_and_are_served_when_released(void **state) {
    struct server *server = *state;
    struct err err = {""};
    struct listener *listener = listener_open(
        &(struct listener_options){
            .base = server->base, .conns = server->loop, .host = "127.0.0.1", .is_held = true},
        &err);
    assert_non_null(listener);
    assert_true(listener_queue(listener, &err));
    int client = dial_and_put(listener_port(listener), SLICE("echo a\n"));
    turn_for(server, 100);
    assert_int_equal(conn_loop_count(server->loop), 0);
    listener_release(listener);
    turn_for(server, 20);
    assert_string_equal(take(client), "a\n");
    close(client);
    listener_close(&listener);
}

static void nobody_reaches_a_held_listener(void **state) {
    struct server *server = *state;
    struct err err = {""};
    struct listener *listener = listener_open(
        &(struct listener_options){
            .base = server->base, .conns = server->loop, .host = "127.0.0.1", .is_held = true},
        &err);
    assert_non_null(listener);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(listener_port(listener)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(client);
    listener_close(&listener);
}

/* --- limits --------------------------------------------------------------------------------- */

static int small_setup(void **state) {
    struct conn_loop_options options = server_options;
    options.connections_max = 3;
    *state = server_create(options);
    return 0;
}

static void at_the_limit_idle_connections_go_or_accepting_pauses(void **state) {
    struct server *server = *state;
    struct listener *listener = listen_anywhere(server);
    uint16_t port = listener_port(listener);
    int clients[4];
    for (int i = 0; i < 3; i++) {
        clients[i] = dial_and_put(port, SLICE("wait\n"));
    }
    turn_for(server, 30);
    assert_int_equal(conn_loop_count(server->loop), 3);
    assert_int_equal(total(server, "brinco_accept_pauses_total", NULL), 0); /* nobody is queued */
    clients[3] = dial_and_put(port, SLICE("echo d\n"));
    turn_for(server, 180);
    assert_int_equal(conn_loop_count(server->loop), 3);
    uint64_t pauses = total(server, "brinco_accept_pauses_total", NULL);
    assert_in_range(pauses, 1, 6);                  /* one in 50 ms: no spin */
    server_resume(server, SLICE("a\n"), CONN_KEEP); /* idle now: makes room */
    turn_for(server, 120);
    assert_string_equal(take(clients[3]), "d\n");
    assert_string_equal(take(clients[0]), "a\n");
    assert_true(is_at_end(clients[0]));
    assert_int_equal(ended(server, "evicted"), 1);
    for (int i = 0; i < 4; i++) {
        close(clients[i]);
    }
    listener_close(&listener);
}

/* Having accepted the last one there was room for, it closed idle ones for nobody. */
static void a_connection_that_fills_the_limit_evicts_nobody(void **state) {
    struct server *server = *state;
    struct listener *listener = listen_anywhere(server);
    int clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = dial_and_put(listener_port(listener), SLICE("echo a\n"));
        turn_for(server, 20);
    }
    assert_int_equal(conn_loop_count(server->loop), 3);
    assert_int_equal(ended(server, "evicted"), 0);
    assert_int_equal(listener_drain(listener), 0);
    assert_int_equal(conn_loop_count(server->loop), 3);
    for (int i = 0; i < 3; i++) {
        close(clients[i]);
    }
    listener_close(&listener);
}

/* From here on, file descriptors end at the next free one. */
static void exhaust_descriptors(void) {
    int next = dup(0);
    close(next);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next, 4096});
}

/* In a process of its own: the client holds the descriptors that the limit counts. */
static void run_out_of_descriptors(struct server *server) {
    struct listener *listener = listen_anywhere(server);
    uint16_t port = listener_port(listener);
    const char *descriptors = "limit=\"file_descriptors\"";
    int busy = dial_and_put(port, SLICE("wait\n"));
    turn_for(server, 20);
    int queued = dial_and_put(port, SLICE("echo queued\n"));
    exhaust_descriptors();
    turn_for(server, 220);
    assert_int_equal(conn_loop_count(server->loop), 1);
    assert_string_equal(take(queued), "");
    assert_in_range(total(server, "brinco_accept_pauses_total", NULL), 2, 6); /* no spin */
    assert_in_range(total(server, "brinco_connections_limit_reached_total", descriptors), 2, 6);

    server_resume(server, SLICE("a\n"), CONN_KEEP); /* idle now: its descriptor is taken over */
    turn_for(server, 120);
    assert_string_equal(take(queued), "queued\n");
    assert_string_equal(take(busy), "a\n");
    assert_true(is_at_end(busy));
    assert_int_equal(ended(server, "evicted"), 1);

    turn_for(server, 120); /* full to the last one, but nobody waits: nobody has to go */
    assert_int_equal(conn_loop_count(server->loop), 1);
    close(busy);
    close(queued);
    turn_for(server, 20);
    int after = dial_and_put(port, SLICE("close\n"));
    turn_for(server, 120);
    assert_string_equal(take(after), "bye\n");
    close(after);
    listener_close(&listener);
}

static void running_out_of_descriptors_does_not_spin_and_recovers(void **state) {
    int status = 0;
    pid_t child = fork();
    (void)state;
    if (child == 0) {
        struct server *server = server_create(server_options);
        run_out_of_descriptors(server);
        server_destroy(server);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
#define SERVED(test) cmocka_unit_test_setup_teardown(test, server_setup, server_teardown)
#define SMALL(test)  cmocka_unit_test_setup_teardown(test, small_setup, server_teardown)
    const struct CMUnitTest tests[] = {
        SERVED(accepts_and_serves_many_connections),
        SERVED(what_is_accepted_sends_without_delay),
        SERVED(several_listeners_share_a_port),
        SERVED(an_address_that_is_taken_is_named),
        SERVED(what_is_no_address_is_refused),
        SERVED(ipv6_listens_beside_ipv4),
        SERVED(refusing_drops_new_connections_and_serves_the_earlier),
        SERVED(a_refused_client_reaches_who_listens_next),
        SERVED(closing_serves_what_is_queued),
        SERVED(held_connections_wait_and_are_served_when_released),
        SERVED(nobody_reaches_a_held_listener),
        SMALL(at_the_limit_idle_connections_go_or_accepting_pauses),
        SMALL(a_connection_that_fills_the_limit_evicts_nobody),
        cmocka_unit_test(running_out_of_descriptors_does_not_spin_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
