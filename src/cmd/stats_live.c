/*
 * stats_live.c - `brinco stats live`: a line a second.
 *
 * SIGINT and SIGTERM are taken from the queue rather than by a handler: so the wait for the next
 * second is also the wait for the end, and the end is an orderly one.
 *
 * Threads   The main thread.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cmd.h"
#include "session.h"
#include "stats/live.h"
#include "stats_private.h"

static const char help[] =
    "Usage: brinco stats live [--seconds N] [--json]\n"
    "\n"
    "Shows a line a second: what was counted in it, and for which campaigns. Ctrl-C ends it.\n"
    "\n"
    "      --seconds N            Stop after N lines\n"
    "      --json                 One JSON object a line, as the API's events\n" CMD_HELP_COMMON
    "\n"
    "Example:\n"
    "  brinco stats live --seconds 60\n";

enum {
    OPTION_SECONDS,
    NS_PER_S = 1000 * 1000 * 1000,
    LINE_BYTES_MAX = 16 * 1024 * 1024,
    CAMPAIGNS_SHOWN = 5,
};

struct live_run {
    struct session *session;
    struct stats_live *live;
    uint64_t seconds_left;
    bool is_failing; /* it was said */
};

static void run_until_signal(struct live_run *run, const sigset_t *signals);
static bool wait_until(uint64_t at_ns, const sigset_t *signals);
static bool show_second(struct live_run *run);
static void append_line(const struct stats_live_look *look, struct buf *out);
static bool flush_line(void);

int stats_live(const struct cmd *cmd) {
    static const struct cmd_option options[] = {{"seconds", true}, {NULL, false}};
    static const struct cmd_syntax syntax = {
        .name = "stats live", .help = help, .options = options, .json = true};
    struct session session;
    struct err err = {0};
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct live_run run = {.session = &session, .seconds_left = UINT64_MAX};
    const char *seconds = session.line.value[OPTION_SECONDS];
    if (seconds != NULL && (!slice_to_u64(slice_of(seconds), UINT32_MAX, &run.seconds_left) ||
                            run.seconds_left == 0)) {
        cmd_usage(&session.line, "--seconds: \"%.32s\" is not a number from 1 up", seconds);
        return session_close(&session, CMD_USAGE);
    }
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);
    run.live = stats_live_create();
    struct stats_source source = stats_source_of(&session);
    struct stats_live_look first;
    if (!stats_live_take(run.live, &source, &first, &err)) {
        status = cmd_fail(&session.line, "%s", err.text);
    } else {
        run_until_signal(&run, &signals);
    }
    stats_live_destroy(&run.live);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return session_close(&session, status);
}

static void run_until_signal(struct live_run *run, const sigset_t *signals) {
    uint64_t next_ns = clock_monotonic_ns();
    if (!run->session->line.json) {
        puts("time        clicks  previews      bots  prefetches     heads  campaigns");
        if (!flush_line()) {
            return;
        }
    }
    while (run->seconds_left-- > 0) {
        next_ns += NS_PER_S;
        if (!wait_until(next_ns, signals) || !show_second(run)) {
            return;
        }
    }
}

/* False: a signal asked to end. */
static bool wait_until(uint64_t at_ns, const sigset_t *signals) {
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns();
        uint64_t left_ns = now_ns < at_ns ? at_ns - now_ns : 0;
        const struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                      .tv_nsec = (long)(left_ns % NS_PER_S)};
        if (sigtimedwait(signals, NULL, &left) > 0) {
            return false;
        }
        if (errno == EAGAIN) {
            return true;
        }
    }
}

/* False: nobody reads on. While Redis is away nothing is shown; what was counted meanwhile is in
 * the first line after it. */
static bool show_second(struct live_run *run) {
    struct stats_source source = stats_source_of(run->session);
    struct stats_live_look look;
    struct err err = {0};
    if (!stats_live_take(run->live, &source, &look, &err)) {
        if (!run->is_failing) {
            cmd_fail(&run->session->line, "%s; trying again", err.text);
        }
        run->is_failing = true;
        return true;
    }
    run->is_failing = false;
    struct buf out;
    buf_init(&out, LINE_BYTES_MAX);
    if (run->session->line.json) {
        (void)stats_live_json(&look, &out);
        buf_append_char(&out, '\n');
    } else {
        append_line(&look, &out);
    }
    stats_print(&out);
    return flush_line();
}

/* False: it cannot be written. That nobody reads any more is an end like another. */
static bool flush_line(void) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return true;
    }
    if (errno == EPIPE) {
        clearerr(stdout);
    }
    return false;
}

static void append_line(const struct stats_live_look *look, struct buf *out) {
    static const int widths[TAP_KIND_COUNT] = {8, 8, 8, 10, 8};
    time_t at = (time_t)(look->at_ms / 1000);
    struct tm local;
    char time_text[16];
    localtime_r(&at, &local);
    strftime(time_text, sizeof(time_text), "%H:%M:%S", &local);
    buf_append(out, slice_of(time_text));
    for (size_t i = 0; i < TAP_KIND_COUNT; i++) {
        buf_printf(out, "  %*llu", widths[i], (unsigned long long)look->kind[i]);
    }
    for (size_t i = 0; i < look->row_count && i < CAMPAIGNS_SHOWN; i++) {
        buf_append(out, i == 0 ? SLICE("  ") : SLICE(", "));
        table_append_text(look->rows[i].campaign, TABLE_TEXT_COLUMNS_MAX, out);
        buf_printf(out, " %llu", (unsigned long long)look->rows[i].kind[TAP_KIND_HUMAN]);
    }
    if (look->row_count > CAMPAIGNS_SHOWN) {
        buf_printf(out, " and %zu more", look->row_count - CAMPAIGNS_SHOWN);
    }
    buf_append_char(out, '\n');
}
