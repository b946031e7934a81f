/* net/conn.h: what bounds connections, and what counts each way in which one ends. */
#include "line_server.h"

static const struct conn_loop_options quick = {
    .connections_max = 4,
    .head_timeout_ms = 150,
    .idle_timeout_ms = 300,
    .write_timeout_ms = 200,
};

static int quick_setup(void **state) {
    *state = server_create(quick);
    return 0;
}

static void a_client_that_sends_nothing_ends_with_the_head_timeout(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE_EMPTY);
    turn_for(server, 100);
    assert_int_equal(conn_loop_count(server->loop), 1);
    turn_for(server, 200);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_true(is_at_end(client));
    assert_int_equal(ended(server, "head_timeout"), 1);
    close(client);
}

static void dripping_does_not_postpone_the_head_timeout(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE_EMPTY);
    for (int i = 0; i < 30 && conn_loop_count(server->loop) > 0; i++) {
        send(client, "x", 1, MSG_NOSIGNAL);
        turn_for(server, 10);
        assert_true(i < 29);
    }
    assert_int_equal(ended(server, "head_timeout"), 1);
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

static void each_head_has_a_time_of_its_own(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("echo a\nec"));
    for (int i = 0; i < 6; i++) { /* never a connection without a head that is on its way */
        turn_for(server, 60);
        put(client, SLICE("ho b\nec"));
    }
    turn(server);
    assert_string_equal(take(client), "a\nb\nb\nb\nb\nb\nb\n");
    turn_for(server, 300);
    assert_int_equal(ended(server, "head_timeout"), 1);
    close(client);
}

static void idle_connections_end_later_than_heads(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("echo a\n"));
    turn_for(server, 200);
    assert_int_equal(conn_loop_count(server->loop), 1);
    put(client, SLICE("echo b\n"));
    turn_for(server, 200);
    assert_int_equal(conn_loop_count(server->loop), 1);
    turn_for(server, 250);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "idle_timeout"), 1);
    close(client);
}

static void a_client_that_never_reads_ends_with_the_write_timeout(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("big 60000\n"));
    turn_for(server, 100);
    assert_int_equal(conn_loop_count(server->loop), 1);
    turn_for(server, 250);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "write_timeout"), 1);
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

static void a_write_timeout_reaches_a_connection_that_also_waits(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("big 60000\nwait\n"));
    assert_int_equal(server->waiting_count, 1);
    turn_for(server, 350);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(server->waiting_count, 0); /* told by on_close: nobody resumes it */
    assert_int_equal(ended(server, "write_timeout"), 1);
    close(client);
}

static void waiting_has_no_timeout_here(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("wait\n"));
    turn_for(server, 500);
    assert_int_equal(conn_loop_count(server->loop), 1);
    server_resume(server, SLICE("at last\n"), CONN_KEEP);
    assert_string_equal(take(client), "at last\n");
    turn_for(server, 450); /* idle now */
    assert_int_equal(ended(server, "idle_timeout"), 1);
    close(client);
}

static void the_longest_idle_make_room(void **state) {
    struct server *server = *state;
    int clients[4];
    for (int i = 0; i < 4; i++) {
        assert_true(conn_loop_has_room(server->loop));
        clients[i] = client_open(server, i == 1 ? SLICE("wait\n") : SLICE("echo a\n"));
    }
    assert_int_equal(conn_loop_count(server->loop), 4);
    assert_true(conn_loop_has_room(server->loop));
    assert_int_equal(ended(server, "evicted"), 3);
    assert_int_equal(conn_loop_count(server->loop), 1); /* the one that works stays */
    server_resume(server, SLICE("b\n"), CONN_KEEP);
    assert_string_equal(take(clients[1]), "b\n");
    assert_int_equal(metric_registry_total(server->metrics,
                                           "brinco_connections_limit_reached_total",
                                           "limit=\"connections\""),
                     1);
    for (int i = 0; i < 4; i++) {
        close(clients[i]);
    }
}

static void busy_and_fresh_connections_are_not_evicted(void **state) {
    struct server *server = *state;
    int clients[4];
    clients[0] = client_open(server, SLICE("wait\n"));
    clients[1] = client_open(server, SLICE("big 60000\n"));
    clients[2] = client_open(server, SLICE("hal"));
    clients[3] = client_open(server, SLICE_EMPTY);
    assert_false(conn_loop_has_room(server->loop));
    assert_int_equal(conn_loop_evict(server->loop), 0);
    assert_int_equal(conn_loop_count(server->loop), 4);
    server_resume(server, SLICE_EMPTY, CONN_CLOSE);
    for (int i = 0; i < 4; i++) {
        close(clients[i]);
    }
}

static void heads_that_take_over_a_second_are_evicted(void **state) {
    struct server *server = *state;
    int slow = client_open(server, SLICE("hal"));
    turn_for(server, 1100);
    int fresh = client_open(server, SLICE("hal"));
    assert_int_equal(conn_loop_evict(server->loop), 1);
    assert_true(is_at_end(slow));
    assert_false(is_at_end(fresh));
    assert_int_equal(ended(server, "evicted"), 1);
    close(slow);
    close(fresh);
}

/* --- memory --------------------------------------------------------------------------------- */

/* As if other connections kept all but `left` bytes. */
static size_t fill_memory(struct server *server, size_t left) {
    size_t others = CONN_KEPT_BYTES_MAX - left - server->loop->kept_bytes;
    server->loop->kept_bytes += others;
    return others;
}

static void input_beyond_the_memory_of_all_ends_the_connection(void **state) {
    struct server *server = *state;
    size_t others = fill_memory(server, 1024);
    int first = client_open(server, SLICE("hal")), second = client_open(server, SLICE("hal"));
    assert_int_equal(conn_loop_count(server->loop), 1);
    assert_true(is_at_end(second));
    assert_int_equal(ended(server, "memory_limit"), 1);
    server->loop->kept_bytes -= others;
    put(first, SLICE("f\necho a\n"));
    turn(server);
    assert_string_equal(take(first), "\na\n");
    close(first);
    close(second);
}

static void kept_input_that_would_grow_beyond_it_does_too(void **state) {
    struct server *server = *state;
    static char more[4000];
    int client = client_open(server, SLICE("hal"));
    memset(more, 'x', sizeof(more));
    size_t others = fill_memory(server, 0);
    for (int i = 0; i < 4; i++) {
        send(client, more, sizeof(more), MSG_NOSIGNAL);
        turn(server);
    }
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "memory_limit"), 1);
    server->loop->kept_bytes -= others;
    close(client);
}

/* It once counted as an error of the connection's. */
static void output_beyond_the_memory_of_all_ends_the_connection(void **state) {
    struct server *server = *state;
    size_t others = fill_memory(server, 1024);
    int client = client_open(server, SLICE("big 65000\n"));
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "memory_limit"), 1);
    server->loop->kept_bytes -= others;
    close(client);
    client = client_open(server, SLICE("big 65000\nwait\n"));
    others = fill_memory(server, 1);
    server_resume(server, SLICE("more\n"), CONN_KEEP);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "memory_limit"), 2);
    server->loop->kept_bytes -= others;
    close(client);
}

/* Input behind the last answer was kept, and at the limit cost the answer. */
static void a_last_answer_needs_no_memory_for_what_follows_it(void **state) {
    struct server *server = *state;
    size_t others = fill_memory(server, 0);
    int client = client_open(server, SLICE("linger\necho never read\n"));
    assert_string_equal(take(client), "bye\n");
    close(client);
    client = client_open(server, SLICE("close\necho never read\n"));
    assert_string_equal(take(client), "bye\n");
    close(client);
    turn(server);
    assert_int_equal(ended(server, "answered"), 2);
    server->loop->kept_bytes -= others;
}

/* A handler that lets a line grow beyond the buffer leaves the connection nothing to read into. */
static void input_beyond_the_limit_of_one_ends_the_connection(void **state) {
    struct server *server = *state;
    static char endless[CONN_INPUT_BYTES_MAX + 1];
    memset(endless, 'x', sizeof(endless));
    int client = client_open(server, slice_make(endless, 1000));
    for (size_t sent = 1000; sent < sizeof(endless) - 1000; sent += 1000) {
        put(client, slice_make(endless, 1000));
        turn(server);
    }
    assert_int_equal(conn_loop_count(server->loop), 1);
    assert_true(server->loop->kept_bytes <= CONN_INPUT_BYTES_MAX);
    send(client, endless, 2000, MSG_NOSIGNAL);
    turn(server);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "memory_limit"), 1);
    close(client);
}

/* --- draining and destroying ---------------------------------------------------------------- */

static void draining_ends_idle_connections_after_the_grace(void **state) {
    struct server *server = *state;
    int idle = client_open(server, SLICE("echo a\n")),
        waiting = client_open(server, SLICE("wait\n"));
    assert_false(conn_loop_is_draining(server->loop));
    conn_loop_drain(server->loop, 50);
    assert_true(conn_loop_is_draining(server->loop));
    assert_int_equal(conn_loop_count(server->loop), 2);
    turn_for(server, 200);
    assert_int_equal(conn_loop_count(server->loop), 1);
    assert_string_equal(take(idle), "a\n");
    assert_true(is_at_end(idle));
    assert_int_equal(ended(server, "drained"), 1);
    server_resume(server, SLICE("b\n"), CONN_KEEP);
    assert_string_equal(take(waiting), "b\n");
    turn_for(server, 200);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "drained"), 2);
    close(idle);
    close(waiting);
}

static void destroying_closes_connections_of_every_class(void **state) {
    struct server *server = server_create(quick);
    int clients[] = {
        client_open(server, SLICE("echo a\n")),
        client_open(server, SLICE("echo a\nhal")),
        client_open(server, SLICE_EMPTY),
        client_open(server, SLICE("big 65000\n")),
        client_open(server, SLICE("big 65000\nwait\n")),
        client_open(server, SLICE("linger\n")),
    };
    (void)state;
    conn_loop_destroy(&server->loop);
    assert_int_equal(server->closed, ARRAY_COUNT(clients));
    assert_int_equal(ended(server, "drained"), ARRAY_COUNT(clients));
    server_destroy(server);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        take(clients[i]);
        assert_true(is_at_end(clients[i]));
        close(clients[i]);
    }
}

int main(void) {
#define QUICK(test)  cmocka_unit_test_setup_teardown(test, quick_setup, server_teardown)
#define SERVED(test) cmocka_unit_test_setup_teardown(test, server_setup, server_teardown)
    const struct CMUnitTest tests[] = {
        QUICK(a_client_that_sends_nothing_ends_with_the_head_timeout),
        QUICK(dripping_does_not_postpone_the_head_timeout),
        QUICK(each_head_has_a_time_of_its_own),
        QUICK(idle_connections_end_later_than_heads),
        QUICK(a_client_that_never_reads_ends_with_the_write_timeout),
        QUICK(a_write_timeout_reaches_a_connection_that_also_waits),
        QUICK(waiting_has_no_timeout_here),
        QUICK(the_longest_idle_make_room),
        QUICK(busy_and_fresh_connections_are_not_evicted),
        SERVED(heads_that_take_over_a_second_are_evicted),
        SERVED(input_beyond_the_memory_of_all_ends_the_connection),
        SERVED(kept_input_that_would_grow_beyond_it_does_too),
        SERVED(output_beyond_the_memory_of_all_ends_the_connection),
        SERVED(a_last_answer_needs_no_memory_for_what_follows_it),
        SERVED(input_beyond_the_limit_of_one_ends_the_connection),
        QUICK(draining_ends_idle_connections_after_the_grace),
        cmocka_unit_test(destroying_closes_connections_of_every_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
