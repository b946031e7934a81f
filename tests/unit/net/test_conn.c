/* net/conn.h: bytes in, answers out, in order, whatever pieces they come in. */
#include "line_server.h"

static void answers_before_the_loop_ever_turns(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("echo hello\n"));
    assert_string_equal(take(client), "hello\n");
    assert_int_equal(conn_loop_count(server->loop), 1);
    close(client);
    turn(server);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "client"), 1);
    assert_int_equal(server->closed, 1);
}

static void answers_and_closes_without_the_loop(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("close\n"));
    assert_string_equal(take(client), "bye\n");
    assert_true(is_at_end(client));
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "answered"), 1);
    close(client);
}

static void lines_may_come_in_pieces_of_any_size(void **state) {
    static const char text[] = "echo one\necho two\necho a longer one, to be cut in more places\n"
                               "echo four\n";
    struct server *server = *state;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        struct slice rest = slice_of(text);
        char answers[256] = "";
        int client = client_open(server, SLICE_EMPTY);
        while (rest.size > 0) {
            put(client, slice_first(rest, piece));
            rest = slice_from(rest, piece);
            turn(server);
            strcat(answers, take(client));
        }
        assert_string_equal(answers, "one\ntwo\na longer one, to be cut in more places\nfour\n");
        assert_int_equal(server->loop->kept_bytes, 0);
        close(client);
        turn(server);
    }
    assert_int_equal(conn_loop_count(server->loop), 0);
}

static void a_first_piece_may_hold_part_of_a_line(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("echo whole\necho pa"));
    assert_string_equal(take(client), "whole\n");
    assert_true(server->loop->kept_bytes > 0);
    put(client, SLICE("rt\n"));
    turn(server);
    assert_string_equal(take(client), "part\n");
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

static void pipelined_lines_are_answered_in_order(void **state) {
    struct server *server = *state;
    char input[CONN_INPUT_BYTES_MAX], expected[CONN_INPUT_BYTES_MAX];
    struct buf in = buf_over(input, sizeof(input)), out = buf_over(expected, sizeof(expected));
    for (int i = 0; i < 1000; i++) {
        assert_true(buf_printf(&in, "echo %d\n", i) && buf_printf(&out, "%d\n", i));
    }
    expected[out.size] = '\0';
    int client = client_open(server, buf_slice(&in));
    char answers[CONN_INPUT_BYTES_MAX] = "";
    for (int i = 0; i < 100 && strlen(answers) < out.size; i++) {
        strcat(answers, take(client));
        turn(server);
    }
    assert_string_equal(answers, expected);
    close(client);
}

static void more_input_than_the_buffer_holds_is_taken_in_turns(void **state) {
    struct server *server = *state;
    char lines[60000];
    for (size_t i = 0; i < sizeof(lines); i++) {
        lines[i] = "echo 34\n"[i % 8];
    }
    int client = client_open(server, slice_make(lines, sizeof(lines)));
    size_t got = 0;
    for (int i = 0; i < 1000 && got < sizeof(lines) / 8 * 3; i++) {
        turn(server);
        got += strlen(take(client));
    }
    assert_int_equal(got, sizeof(lines) / 8 * 3);
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

/* Reads size bytes of what "big" answers, the loop turning; false when others come, or fewer. */
static bool read_big(struct server *server, int client, size_t size) {
    char text[4096];
    size_t got = 0;
    for (int i = 0; i < 1000 && got < size; i++) {
        size_t wanted = size - got < sizeof(text) ? size - got : sizeof(text);
        ssize_t taken = recv(client, text, wanted, MSG_DONTWAIT);
        for (ssize_t at = 0; at < taken; at++, got++) {
            if (text[at] != (char)('a' + got % 26)) {
                return false;
            }
        }
        turn(server);
    }
    return got == size;
}

static void a_full_output_buffer_is_emptied_and_the_rest_asked_again(void **state) {
    struct server *server = *state;
    int client =
        client_open(server, SLICE("big 65520\nbig 65520\nbig 65520\nbig 65520\necho end\n"));
    assert_true(read_big(server, client, 4 * 65520)); /* 65520 = 26 * 2520: the letters go on */
    assert_true(server->agains > 0);
    assert_string_equal(take(client), "end\n");
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

static void output_that_is_not_taken_is_kept_and_input_waits(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("big 65520\n"));
    assert_true(server->loop->kept_bytes > 0);
    put(client, SLICE("echo later\n"));
    turn(server);
    assert_int_equal(server->calls, 1);
    assert_true(read_big(server, client, 65520));
    turn(server);
    assert_string_equal(take(client), "later\n");
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

static void close_waits_for_output_that_is_not_taken(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("big 65520\nclose\n"));
    turn(server);
    assert_int_equal(conn_loop_count(server->loop), 1);
    assert_true(read_big(server, client, 65520));
    assert_string_equal(take(client), "bye\n");
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_true(is_at_end(client));
    assert_int_equal(ended(server, "answered"), 1);
    close(client);
}

static void a_client_that_leaves_unread_output_is_an_end(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("big 65520\n"));
    close(client);
    turn(server);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(server->loop->kept_bytes, 0);
    assert_int_equal(ended(server, "error") + ended(server, "client"), 1);
}

/* --- waiting -------------------------------------------------------------------------------- */

static void waits_and_goes_on_with_what_is_pipelined_behind(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("echo a\nwait\necho b\nwait\necho c\nec"));
    assert_string_equal(take(client), "a\n");
    turn(server);
    assert_string_equal(take(client), "");
    server_resume(server, SLICE("first\n"), CONN_KEEP);
    assert_string_equal(take(client), "first\nb\n");
    assert_int_equal(server->waiting_count, 1);
    server_resume(server, SLICE("second\n"), CONN_KEEP);
    assert_string_equal(take(client), "second\nc\n");
    put(client, SLICE("ho d\n"));
    turn(server);
    assert_string_equal(take(client), "d\n");
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

static void nothing_is_read_while_waiting_and_nothing_spins(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE_EMPTY);
    put(client, SLICE("wait\n"));
    turn(server);
    put(client, SLICE("echo more\n"));
    turn(server);
    assert_int_equal(server->calls, 1);
    event_base_loop(server->base, EVLOOP_NONBLOCK);
    assert_int_equal(event_base_get_num_events(server->base, EVENT_BASE_COUNT_ACTIVE), 0);
    assert_true(is_quiet(server));
    server_resume(server, SLICE("answer\n"), CONN_KEEP);
    turn(server);
    assert_string_equal(take(client), "answer\nmore\n");
    close(client);
}

/* The kernel tells of input once: what comes together with it must not be forgotten. */
static void the_end_is_seen_when_it_comes_with_data(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE_EMPTY);
    put(client, SLICE("echo last\n"));
    shutdown(client, SHUT_WR);
    turn(server);
    assert_string_equal(take(client), "last\n");
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "client"), 1);
    close(client);
}

static void the_end_is_seen_when_it_comes_while_waiting(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("wait\n"));
    shutdown(client, SHUT_WR);
    turn(server);
    server_resume(server, SLICE("answer\n"), CONN_KEEP);
    turn(server);
    assert_string_equal(take(client), "answer\n");
    assert_int_equal(ended(server, "client"), 1);
    close(client);
}

static void more_than_one_buffer_is_read_without_another_event(void **state) {
    struct server *server = *state;
    static char lines[3 * CONN_INPUT_BYTES_MAX];
    for (size_t i = 0; i < sizeof(lines); i += 16) {
        memcpy(lines + i, "echo 1234567890\n", 16);
    }
    int client = client_open(server, SLICE_EMPTY);
    put(client, slice_make(lines, sizeof(lines)));
    size_t got = 0;
    for (int i = 0; i < 100 && got < sizeof(lines) / 16 * 11; i++) {
        turn(server);
        got += strlen(take(client));
    }
    assert_int_equal(got, sizeof(lines) / 16 * 11);
    assert_true(is_quiet(server));
    close(client);
}

/* --- many connections, one turn -------------------------------------------------------------- */

static unsigned flushes;

static void on_lines_flush(void *argument) {
    struct server *server = argument;
    flushes++;
    for (size_t i = 0; i < server->loop->out.size; i++) { /* what was left open */
        char *byte = &server->loop->out.data[i];
        *byte = *byte == '?' ? '!' : *byte;
    }
}

static void answers_of_a_turn_are_finished_together(void **state) {
    struct server *server = *state;
    int clients[10];
    server->loop->options.handler.on_flush = on_lines_flush;
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        clients[i] = client_open(server, SLICE_EMPTY);
    }
    flushes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        char line[32];
        snprintf(line, sizeof(line), "echo to %zu?\n", i);
        put(clients[i], slice_of(line));
    }
    turn(server);
    assert_int_equal(flushes, 1);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        char line[32];
        snprintf(line, sizeof(line), "to %zu!\n", i);
        assert_string_equal(take(clients[i]), line);
        close(clients[i]);
    }
    turn(server);
}

/* Together their answers are larger than the buffer; some ask for more than it holds alone. */
static void answers_of_a_turn_may_be_larger_than_the_buffer(void **state) {
    struct server *server = *state;
    enum { CLIENTS = 12, ANSWERS = 6, EACH = 60000 };
    int clients[CLIENTS];
    size_t got[CLIENTS] = {0};
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(server, SLICE_EMPTY);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        for (size_t k = 0; k < ANSWERS; k++) {
            put(clients[i], SLICE("big 60000\n"));
        }
    }
    for (int round = 0; round < 1000; round++) {
        turn(server);
        for (size_t i = 0; i < CLIENTS; i++) {
            const char *text = take(clients[i]);
            for (size_t k = 0; text[k] != '\0'; k++) {
                assert_int_equal(text[k], 'a' + (got[i] + k) % EACH % 26);
            }
            got[i] += strlen(text);
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(got[i], ANSWERS * EACH);
        close(clients[i]);
    }
    assert_true(server->agains > 0);
    turn(server);
    assert_int_equal(server->loop->kept_bytes, 0);
}

static void a_client_may_leave_while_its_answer_is_awaited(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE_EMPTY);
    put(client, SLICE("wait\n"));
    turn(server);
    close(client);
    turn(server);
    assert_int_equal(conn_loop_count(server->loop), 1);
    server_resume(server, SLICE("too late\n"), CONN_KEEP);
    turn(server);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "error") + ended(server, "client"), 1);
}

static void resumes_while_earlier_output_is_blocked(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("big 65520\nwait\necho behind\n"));
    turn(server);
    server_resume(server, SLICE("late\n"), CONN_KEEP);
    turn(server);
    assert_int_equal(server->calls, 1); /* what is behind waits for the client to read */
    char tail[64] = "";
    size_t got = 0;
    for (int i = 0; i < 1000 && got < 65520 + 12; i++) {
        const char *text = take(client);
        got += strlen(text);
        strncat(tail, strlen(text) > 12 ? text + strlen(text) - 12 : text, 24);
        memmove(tail, strlen(tail) > 12 ? tail + strlen(tail) - 12 : tail, 13);
        turn(server);
    }
    assert_int_equal(got, 65520 + 12);
    assert_string_equal(tail, "late\nbehind\n");
    assert_int_equal(server->loop->kept_bytes, 0);
    close(client);
}

static void waits_when_earlier_output_went_out_late(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("big 65520\nwait\n"));
    assert_true(read_big(server, client, 65520));
    turn(server);
    assert_int_equal(server->loop->kept_bytes, 0);
    assert_true(is_quiet(server));
    server_resume(server, SLICE("bye\n"), CONN_CLOSE);
    assert_string_equal(take(client), "bye\n");
    assert_true(is_at_end(client));
    close(client);
}

static void resuming_blocked_output_may_close_or_linger(void **state) {
    struct server *server = *state;
    static const enum conn_verdict verdicts[] = {CONN_CLOSE, CONN_LINGER};
    for (size_t i = 0; i < ARRAY_COUNT(verdicts); i++) {
        int client = client_open(server, SLICE("big 52000\nwait\necho never\n"));
        server_resume(server, SLICE("abcdefghij"), verdicts[i]); /* 52000 = 26 * 2000 */
        assert_true(read_big(server, client, 52010));
        turn(server);
        assert_true(is_at_end(client));
        close(client);
        turn(server);
    }
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "answered"), 2);
}

/* --- lingering, over TCP, where a reset destroys what was sent -------------------------------- */

static int tcp_client_open(struct server *server, struct slice first) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
    put(client, first);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    close(listener);
    conn_loop_turn(server->loop);
    conn_open(server->loop, fd, (struct sockaddr *)&address);
    conn_loop_flush(server->loop);
    return client;
}

/* A read stops before urgent data, and no event tells of what is behind it. */
static void a_line_with_urgent_data_in_it_is_read_whole(void **state) {
    struct server *server = *state;
    int client = tcp_client_open(server, SLICE("echo first\n"));
    turn(server);
    assert_string_equal(take(client), "first\n");
    put(client, SLICE("echo se"));
    assert_int_equal(send(client, "!", 1, MSG_OOB), 1);
    put(client, SLICE("cond\n"));
    turn_for(server, 20);
    assert_string_equal(take(client), "second\n"); /* urgent data itself is not in the stream */
    close(client);
    turn(server);
}

static void lingering_delivers_the_answer_to_a_client_that_sends_on(void **state) {
    struct server *server = *state;
    static char body[100000];
    memset(body, 'x', sizeof(body));
    memcpy(body, "linger\n", 7);
    int client = tcp_client_open(server, slice_make(body, sizeof(body)));
    turn(server);
    put(client, slice_make(body, sizeof(body)));
    turn_for(server, 20);
    char answer[8] = "";
    assert_int_equal(recv(client, answer, sizeof(answer), 0), 4);
    assert_string_equal(answer, "bye\n");
    assert_true(is_at_end(client));
    assert_int_equal(conn_loop_count(server->loop), 1);
    close(client);
    turn(server);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "answered"), 1);
    assert_int_equal(server->calls, 1);
}

static void lingering_has_an_end_in_bytes(void **state) {
    struct server *server = *state;
    static char more[65536];
    int client = client_open(server, SLICE("linger\n"));
    fcntl(client, F_SETFL, O_NONBLOCK);
    size_t sent = 0;
    while (conn_loop_count(server->loop) > 0 && sent < (4u << 20)) {
        ssize_t taken = send(client, more, sizeof(more), MSG_NOSIGNAL);
        sent += taken > 0 ? (size_t)taken : 0;
        event_base_loop(server->base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_true(sent < (1u << 20));
    close(client);
}

static void lingering_has_an_end_in_time(void **state) {
    struct server *server = *state;
    int client = client_open(server, SLICE("linger\n"));
    turn_for(server, 500);
    assert_int_equal(conn_loop_count(server->loop), 1);
    turn_for(server, 800);
    assert_int_equal(conn_loop_count(server->loop), 0);
    assert_int_equal(ended(server, "answered"), 1);
    close(client);
}

int main(void) {
#define SERVED(test) cmocka_unit_test_setup_teardown(test, server_setup, server_teardown)
    const struct CMUnitTest tests[] = {
        SERVED(answers_before_the_loop_ever_turns),
        SERVED(answers_and_closes_without_the_loop),
        SERVED(lines_may_come_in_pieces_of_any_size),
        SERVED(a_first_piece_may_hold_part_of_a_line),
        SERVED(pipelined_lines_are_answered_in_order),
        SERVED(more_input_than_the_buffer_holds_is_taken_in_turns),
        SERVED(a_full_output_buffer_is_emptied_and_the_rest_asked_again),
        SERVED(output_that_is_not_taken_is_kept_and_input_waits),
        SERVED(close_waits_for_output_that_is_not_taken),
        SERVED(a_client_that_leaves_unread_output_is_an_end),
        SERVED(waits_and_goes_on_with_what_is_pipelined_behind),
        SERVED(nothing_is_read_while_waiting_and_nothing_spins),
        SERVED(a_line_with_urgent_data_in_it_is_read_whole),
        SERVED(the_end_is_seen_when_it_comes_with_data),
        SERVED(the_end_is_seen_when_it_comes_while_waiting),
        SERVED(more_than_one_buffer_is_read_without_another_event),
        SERVED(answers_of_a_turn_are_finished_together),
        SERVED(answers_of_a_turn_may_be_larger_than_the_buffer),
        SERVED(a_client_may_leave_while_its_answer_is_awaited),
        SERVED(resumes_while_earlier_output_is_blocked),
        SERVED(waits_when_earlier_output_went_out_late),
        SERVED(resuming_blocked_output_may_close_or_linger),
        SERVED(lingering_delivers_the_answer_to_a_client_that_sends_on),
        SERVED(lingering_has_an_end_in_bytes),
        SERVED(lingering_has_an_end_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
