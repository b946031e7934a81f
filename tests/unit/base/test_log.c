/* base/log.h: one event is one line, whatever its values hold, and nobody waits for a reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct fixture {
    struct log *log;
    int pipe[2];
    char text[65536]; /* what was read last */
};

static int open_log(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    if (f == NULL || pipe(f->pipe) != 0 || fcntl(f->pipe[0], F_SETFL, O_NONBLOCK) != 0) {
        return -1;
    }
    f->log = log_create(f->pipe[1], LOG_TEXT, LOG_INFO);
    *state = f;
    return 0;
}

static int close_log(void **state) {
    struct fixture *f = *state;
    log_destroy(&f->log);
    close(f->pipe[0]);
    close(f->pipe[1]);
    free(f);
    return 0;
}

/* What the log wrote since the last call. */
static const char *written(struct fixture *f) {
    ssize_t got = read(f->pipe[0], f->text, sizeof(f->text) - 1);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

/* The one line that was written, from its level on; times differ from run to run. */
static const char *line(struct fixture *f) {
    const char *text = written(f);
    const char *level = strstr(text, "level");
    size_t size = strlen(text);
    assert_true(size > 0 && text[size - 1] == '\n');
    assert_ptr_equal(strchr(text, '\n'), text + size - 1);
    assert_non_null(level);
    return level;
}

static void writes_text_with_plain_values_bare(void **state) {
    struct fixture *f = *state;
    log_event(f->log, LOG_WARN, "redis_lost", "error=%s retry_ms=%u left=%ld", "timeout", 250u,
              -3L);
    assert_string_equal(line(f),
                        "level=warn event=redis_lost error=timeout retry_ms=250 left=-3\n");
    log_event(f->log, LOG_INFO, "started", NULL);
    assert_string_equal(line(f), "level=info event=started\n");
    assert_int_equal(strncmp(f->text, "time=20", 7), 0);
    assert_int_equal(f->text[strlen("time=2026-01-01T00:00:00.000")], 'Z');
}

static void writes_json_with_numbers_bare(void **state) {
    struct fixture *f = *state;
    const char *volatile nothing = NULL;
    log_configure(f->log, LOG_JSON, LOG_INFO);
    log_event(f->log, LOG_ERROR, "e", "s=%s u=%lu d=%d x=%x none=%s", "a b", ~0ul, -1, 255u,
              nothing);
    assert_string_equal(line(f), "level\":\"error\",\"event\":\"e\",\"s\":\"a b\","
                                 "\"u\":18446744073709551615,\"d\":-1,\"x\":\"ff\","
                                 "\"none\":\"(null)\"}\n");
    assert_int_equal(strncmp(f->text, "{\"time\":\"20", 11), 0);
}

static void takes_every_kind_of_number(void **state) {
    struct fixture *f = *state;
    log_event(f->log, LOG_INFO, "e", "a=%zu b=%lld c=%llu d=%hu e=%i f=%g g=%f", (size_t)1, -2LL,
              3ULL, (unsigned short)4, 5, 0.25, 1e300);
    assert_string_equal(line(f), "level=info event=e a=1 b=-2 c=3 d=4 e=5 f=0.25 g=1e+300\n");
}

static void values_cannot_end_a_line_or_begin_a_field(void **state) {
    struct fixture *f = *state;
    const char *evil = "x level=error\nevent=forged \"q\" \\ \r\x1B[31m\x7F\xFF";
    log_event(f->log, LOG_INFO, "e", "v=%s after=%d", evil, 1);
    assert_string_equal(line(f), "level=info event=e v=\"x level=error\\nevent=forged \\\"q\\\" "
                                 "\\\\ \\r\\u001b[31m\\u007f\xEF\xBF\xBD\" after=1\n");
    log_configure(f->log, LOG_JSON, LOG_INFO);
    log_event(f->log, LOG_INFO, "e", "v=%s", "\",\"level\":\"error\n");
    assert_string_equal(line(f), "level\":\"info\",\"event\":\"e\","
                                 "\"v\":\"\\\",\\\"level\\\":\\\"error\\n\"}\n");
}

static void quotes_what_would_be_read_wrongly(void **state) {
    static const char *const values[] = {"", " ", "a=b", "\"", "\\", "\xC3\xA9", "a\tb"};
    static const char *const expected[] = {"\"\"",     "\" \"",        "\"a=b\"",  "\"\\\"\"",
                                           "\"\\\\\"", "\"\xC3\xA9\"", "\"a\\tb\""};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "level=info event=e v=%s\n", expected[i]);
        log_event(f->log, LOG_INFO, "e", "v=%s", values[i]);
        assert_string_equal(line(f), wanted);
    }
}

static void a_precision_bounds_what_is_read(void **state) {
    struct fixture *f = *state;
    char *unterminated = test_malloc(3);
    memcpy(unterminated, "abc", 3);
    log_event(f->log, LOG_INFO, "e", "v=%.*s w=%.*s", 3, unterminated, 0, "x");
    assert_string_equal(line(f), "level=info event=e v=abc w=\"\"\n");
    test_free(unterminated);
}

static void json_stays_json_for_what_is_no_number(void **state) {
    struct fixture *f = *state;
    log_configure(f->log, LOG_JSON, LOG_INFO);
    log_event(f->log, LOG_INFO, "e", "a=%f b=%f c=%f", __builtin_nan(""), __builtin_inf(), 1e300);
    assert_string_equal(line(f), "level\":\"info\",\"event\":\"e\","
                                 "\"a\":\"nan\",\"b\":\"inf\",\"c\":1e+300}\n");
}

static void zeros_in_front_are_no_json_number(void **state) {
    struct fixture *f = *state;
    log_configure(f->log, LOG_JSON, LOG_INFO);
    log_event(f->log, LOG_INFO, "e", "a=%08u b=%d c=%g d=%04d e=%u", 12u, 0, 0.5, -1, 70u);
    assert_string_equal(line(f), "level\":\"info\",\"event\":\"e\",\"a\":\"00000012\",\"b\":0,"
                                 "\"c\":0.5,\"d\":\"-001\",\"e\":70}\n");
}

static void a_value_may_mix_conversions_and_characters(void **state) {
    struct fixture *f = *state;
    log_event(f->log, LOG_INFO, "e", "range=%u-%u at=%s:%lu x=plain", 1u, 2u, "a b", 3ul);
    assert_string_equal(line(f), "level=info event=e range=1-2 at=\"a b:3\" x=plain\n");
    log_configure(f->log, LOG_JSON, LOG_INFO);
    log_event(f->log, LOG_INFO, "e", "range=%u-%u ms=%ums n=%u", 1u, 2u, 5u, 6u);
    assert_string_equal(line(f), "level\":\"info\",\"event\":\"e\","
                                 "\"range\":\"1-2\",\"ms\":\"5ms\",\"n\":6}\n");
}

static void levels_below_the_configured_are_silent(void **state) {
    struct fixture *f = *state;
    log_event(f->log, LOG_DEBUG, "e", NULL);
    assert_string_equal(written(f), "");
    log_configure(f->log, LOG_TEXT, LOG_DEBUG);
    log_event(f->log, LOG_DEBUG, "e", NULL);
    assert_string_equal(line(f), "level=debug event=e\n");
    log_configure(f->log, LOG_TEXT, LOG_ERROR);
    log_event(f->log, LOG_WARN, "e", NULL);
    assert_string_equal(written(f), "");
    log_event(NULL, LOG_ERROR, "e", NULL);
    assert_int_equal(log_dropped(f->log), 0);
}

/* A value that does not fit is left out whole, with all behind it, and the line says so. */
static void long_lines_are_cut_at_a_field(void **state) {
    struct fixture *f = *state;
    static const char *const ends[] = {" cut=true\n", ",\"cut\":true}\n"};
    char value[LOG_LINE_BYTES_MAX + 100];
    memset(value, 'v', sizeof(value));
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        size_t whole = 0;
        log_configure(f->log, (enum log_format)format, LOG_INFO);
        for (int size = LOG_LINE_BYTES_MAX - 200; size < LOG_LINE_BYTES_MAX + 100; size++) {
            log_event(f->log, LOG_INFO, "e", "a=%d v=%.*s z=%d", 1, size, value, 2);
            const char *text = line(f);
            bool is_cut = strstr(text, "cut") != NULL;
            assert_true(strlen(f->text) <= LOG_LINE_BYTES_MAX);
            assert_non_null(strstr(text, format == LOG_JSON ? "\"a\":1" : "a=1"));
            assert_int_equal(is_cut, strstr(text, format == LOG_JSON ? "\"z\":2" : "z=2") == NULL);
            assert_true(!is_cut ||
                        strcmp(text + strlen(text) - strlen(ends[format]), ends[format]) == 0);
            whole += !is_cut;
        }
        assert_true(whole > 50 && whole < 200);
    }
    assert_int_equal(log_dropped(f->log), 0);
}

static void a_full_pipe_drops_and_counts(void **state) {
    struct fixture *f = *state;
    char value[1000];
    memset(value, 'v', sizeof(value));
    int sent = 0;
    while (log_dropped(f->log) < 3) {
        log_event(f->log, LOG_INFO, "e", "v=%.*s", (int)sizeof(value), value);
        assert_true(++sent < 1000);
    }
    int lines = 0;
    for (char byte; read(f->pipe[0], &byte, 1) == 1;) {
        lines += byte == '\n';
    }
    assert_int_equal(lines, sent - 3); /* whole lines only, and none lost that was not counted */
    log_event(f->log, LOG_INFO, "again", NULL);
    assert_string_equal(line(f), "level=info event=again\n");
}

struct shouter {
    pthread_t thread;
    struct log *log;
    pthread_barrier_t *start;
};

static void *shout(void *argument) {
    struct shouter *shouter = argument;
    char value[3000];
    memset(value, 'v', sizeof(value));
    pthread_barrier_wait(shouter->start);
    log_event(shouter->log, LOG_INFO, "e", "v=%.*s", (int)sizeof(value), value);
    return NULL;
}

/* Threads that were all promised the one page of the pipe: all but the first waited for ever. */
static void threads_do_not_wait_for_a_reader_that_stopped(void **state) {
    enum { SHOUTERS = 3, ROUNDS = 300 };
    struct fixture *f = *state;
    struct shouter shouters[SHOUTERS];
    pthread_barrier_t start;
    uint64_t lines = 0;
    assert_int_equal(fcntl(f->pipe[1], F_SETPIPE_SZ, 4096), 4096);
    pthread_barrier_init(&start, NULL, SHOUTERS);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SHOUTERS; i++) {
            shouters[i] = (struct shouter){.log = f->log, .start = &start};
            assert_int_equal(pthread_create(&shouters[i].thread, NULL, shout, &shouters[i]), 0);
        }
        for (int i = 0; i < SHOUTERS; i++) {
            pthread_join(shouters[i].thread, NULL);
        }
        line(f); /* exactly one, and whole */
        lines++;
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(lines + log_dropped(f->log), SHOUTERS * ROUNDS);
}

static void a_pipe_without_a_reader_is_no_signal(void **state) {
    struct fixture *f = *state;
    struct sigaction standard = {.sa_handler = SIG_DFL}, old;
    sigaction(SIGPIPE, &standard, &old);
    close(f->pipe[0]);
    log_event(f->log, LOG_INFO, "e", NULL);
    assert_int_equal(log_dropped(f->log), 1);
    sigaction(SIGPIPE, &old, NULL);
    f->pipe[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void a_repeating_event_is_allowed_once_an_interval(void **state) {
    struct log_limit limit = {0};
    uint64_t held_back = 99;
    const uint64_t ms = 1000000;
    (void)state;
    assert_true(log_allowed(&limit, 5 * ms, 1000, &held_back));
    assert_int_equal(held_back, 0);
    assert_false(log_allowed(&limit, 5 * ms, 1000, &held_back));
    assert_false(log_allowed(&limit, 1004 * ms, 1000, &held_back));
    assert_true(log_allowed(&limit, 1005 * ms, 1000, &held_back));
    assert_int_equal(held_back, 2);
    assert_true(log_allowed(&limit, 9000 * ms, 1000, &held_back));
    assert_int_equal(held_back, 0);
    assert_true(log_allowed(&limit, 10000 * ms, 0, &held_back));
    assert_true(log_allowed(&limit, 10000 * ms, 0, &held_back));
}

int main(void) {
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, open_log, close_log)
    const struct CMUnitTest tests[] = {
        WITH_LOG(writes_text_with_plain_values_bare),
        WITH_LOG(writes_json_with_numbers_bare),
        WITH_LOG(takes_every_kind_of_number),
        WITH_LOG(values_cannot_end_a_line_or_begin_a_field),
        WITH_LOG(quotes_what_would_be_read_wrongly),
        WITH_LOG(a_precision_bounds_what_is_read),
        WITH_LOG(json_stays_json_for_what_is_no_number),
        WITH_LOG(zeros_in_front_are_no_json_number),
        WITH_LOG(a_value_may_mix_conversions_and_characters),
        WITH_LOG(levels_below_the_configured_are_silent),
        WITH_LOG(long_lines_are_cut_at_a_field),
        WITH_LOG(a_full_pipe_drops_and_counts),
        WITH_LOG(threads_do_not_wait_for_a_reader_that_stopped),
        WITH_LOG(a_pipe_without_a_reader_is_no_signal),
        cmocka_unit_test(a_repeating_event_is_allowed_once_an_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
