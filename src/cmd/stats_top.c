/*
 * stats_top.c - `brinco stats top`: the codes with the most clicks.
 *
 * Threads   The main thread.
 */
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "session.h"
#include "stats/top.h"
#include "stats_private.h"

static const char help[] =
    "Usage: brinco stats top [--campaign ID] [OPTIONS]\n"
    "\n"
    "Shows the codes with the most clicks of people, most first. Exit status 1: there is no such\n"
    "campaign, and nothing was counted for it.\n"
    "\n"
    "      --campaign ID          Of a campaign only\n"
    "      --from DATE, --to DATE YYYY-MM-DD, inclusive (default: the last 7 days)\n"
    "      --last N               7d, 4w, 3m or 1y up to today\n"
    "      --limit N              How many (default 100, at most 1000)\n"
    "      --json                 As the API's JSON\n"
    "      --csv                  As the API's CSV\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco stats top --campaign spring --last 4w --limit 10\n";

enum { OPTION_FROM, OPTION_TO, OPTION_LAST, OPTION_LIMIT, CHOICES, OPTION_CAMPAIGN = CHOICES };
enum { OPTION_CSV = OPTION_CAMPAIGN + 1 };

static const struct cmd_option options[] = {
    {"from", true},     {"to", true},   {"last", true}, {"limit", true},
    {"campaign", true}, {"csv", false}, {NULL, false},
};

static bool read_question(const struct cmd_line *line, struct stats_query *query);
static void print_top(const struct session *session, const struct stats_top *top);

int stats_top(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "stats top", .help = help, .options = options, .json = true, .once = true};
    struct cmd_line line;
    struct session session;
    struct stats_query query;
    struct stats_top *top;
    struct err err = {0};
    int status;
    if (!cmd_parse(cmd, &syntax, &line, &status) || !read_question(&line, &query)) {
        return status;
    }
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct stats_source source = stats_source_of(&session);
    if (!stats_finish(&session, &query, &source)) {
        return session_close(&session, CMD_USAGE);
    }
    enum stats_result result = stats_top_run(&source, &query, &top, &err);
    if (result == STATS_OK) {
        print_top(&session, top);
        stats_top_destroy(&top);
    }
    return session_close(&session, stats_refuse(&session, &query, result, err.text));
}

static bool read_question(const struct cmd_line *line, struct stats_query *query) {
    const char *campaign = line->value[OPTION_CAMPAIGN];
    struct err err = {0};
    if (line->json && line->value[OPTION_CSV] != NULL) {
        cmd_usage(line, "allowed is one of --json and --csv");
        return false;
    }
    if (!stats_top_init(query, slice_of(campaign), &err)) {
        cmd_usage(line, "%s", err.text);
        return false;
    }
    for (size_t i = 0; i < CHOICES; i++) {
        if (!stats_choose(line, query, options[i].name, line->value[i])) {
            return false;
        }
    }
    return true;
}

static void print_top(const struct session *session, const struct stats_top *top) {
    struct buf out;
    buf_init(&out, STATS_OUTPUT_BYTES_MAX);
    if (session->line.json) {
        (void)stats_top_json(top, &out);
    } else if (session->line.value[OPTION_CSV] != NULL) {
        (void)stats_top_csv(top, &out);
    } else {
        struct table_style style = table_style_of(STDOUT_FILENO);
        stats_show_top(top, &style, &out);
    }
    stats_print(&out);
    stats_warn(&session->line, &top->freshness);
}
