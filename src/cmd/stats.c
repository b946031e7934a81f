/*
 * stats.c - `brinco stats`: the numbers of a link, a campaign or the whole.
 *
 * The same question gets the same bytes as JSON and CSV from here and from the API: both forms are
 * written by stats/.
 *
 * Threads   The main thread.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cmd.h"
#include "conf/conf.h"
#include "session.h"
#include "stats/report.h"
#include "stats_private.h"

static const char help[] =
    "Usage: brinco stats CODE [OPTIONS]\n"
    "       brinco stats --campaign ID [OPTIONS]\n"
    "       brinco stats --all [OPTIONS]\n"
    "       brinco stats top|live [OPTIONS]      see brinco stats top --help\n"
    "\n"
    "Shows how many clicks, previews, bots, prefetches, HEAD requests and people there were.\n"
    "Exit status 1: there is no such link or campaign, and nothing was counted for it.\n"
    "\n"
    "      --campaign ID          Of a campaign\n"
    "      --all                  Of the whole\n"
    "      --from DATE, --to DATE YYYY-MM-DD, inclusive (default: the last 7 days)\n"
    "      --last N               7d, 4w, 3m or 1y up to today, or 24h\n"
    "      --interval I           hour, day (default), week, month or total\n"
    "      --by LIST[,LIST]       A row for each value of country, region, browser, in_app,\n"
    "                             language, referrer, source, platform, outcome or, with --all,\n"
    "                             campaign; two to cross them\n"
    "      --filter LIST:VALUE,...\n"
    "                             Only taps that have one of the values in each list; up to 16\n"
    "                             values with commas between them\n"
    "      --limit N              Rows of a list an interval (default 100); the rest is other\n"
    "      --json                 As the API's JSON\n"
    "      --csv                  As the API's CSV\n" CMD_HELP_COMMON "\n"
    "A code that is top, live or help, or begins with -, stands behind --.\n"
    "\n"
    "Examples:\n"
    "  brinco stats AB12CD\n"
    "  brinco stats --campaign spring --last 4w --interval week --by country\n"
    "  brinco stats --all --from 2026-11-01 --to 2026-11-30 --filter platform:android --csv\n";

enum {
    OPTION_FROM,
    OPTION_TO,
    OPTION_LAST,
    OPTION_INTERVAL,
    OPTION_BY,
    OPTION_FILTER,
    OPTION_LIMIT,
    CHOICES,
    OPTION_CAMPAIGN = CHOICES,
    OPTION_ALL,
    OPTION_CSV,
};

static const struct cmd_option options[] = {
    {"from", true}, {"to", true},     {"last", true},  {"interval", true},
    {"by", true},   {"filter", true}, {"limit", true}, {"campaign", true},
    {"all", false}, {"csv", false},   {NULL, false},
};

static int find_operand(const struct cmd *cmd);
static int show(const struct cmd *cmd);
static bool read_question(const struct cmd_line *line, struct stats_query *query);
static void print_report(const struct session *session, const struct stats_report *report);

int cmd_stats(const struct cmd *cmd) {
    static const struct cmd_verb verbs[] = {{"top", stats_top}, {"live", stats_live}, {NULL, NULL}};
    static char help_option[] = "--help";
    int index = find_operand(cmd);
    char *word = index < cmd->argc ? cmd->argv[index] : NULL;
    for (const struct cmd_verb *verb = verbs; word != NULL && verb->name != NULL; verb++) {
        if (strcmp(verb->name, word) == 0) {
            memmove(&cmd->argv[2], &cmd->argv[1], (size_t)(index - 1) * sizeof(*cmd->argv));
            cmd->argv[1] = word;
            return verb->run(&(struct cmd){.argc = cmd->argc - 1, .argv = cmd->argv + 1});
        }
    }
    if (word != NULL && strcmp(word, "help") == 0) {
        cmd->argv[index] = help_option;
    }
    return show(cmd);
}

struct stats_source stats_source_of(const struct session *session) {
    uint64_t days = session->conf->number[CONF_stats_retain_days];
    return (struct stats_source){.pipe = session->redis.pipe,
                                 .key_prefix = session->redis.store.key_prefix,
                                 .zone = slice_of(session->conf->text[CONF_stats_timezone]),
                                 .retain_days = (uint32_t)days,
                                 .now_ms = clock_real_ms()};
}

bool stats_choose(const struct cmd_line *line, struct stats_query *query, const char *name,
                  const char *value) {
    struct err err = {0};
    if (value == NULL || stats_query_set(query, slice_of(name), slice_of(value), &err)) {
        return true;
    }
    cmd_usage(line, "%s", err.text);
    return false;
}

bool stats_finish(const struct session *session, struct stats_query *query,
                  const struct stats_source *source) {
    const char *name;
    struct err err = {0};
    if (!stats_query_finish(query, source, &name, &err)) {
        cmd_usage(&session->line, "%s", err.text);
        return false;
    }
    return true;
}

int stats_refuse(const struct session *session, const struct stats_query *query,
                 enum stats_result result, const char *reason) {
    switch (result) {
    case STATS_OK:
        return CMD_OK;
    case STATS_UNKNOWN:
        cmd_fail(&session->line,
                 "there is no %s \"%s\", and nothing was counted for it in the range",
                 query->scope == STATS_LINK ? "link" : "campaign", query->id);
        return CMD_PARTIAL;
    case STATS_TOO_MUCH:
        return cmd_usage(&session->line, "%s", reason);
    case STATS_FAILED:
        return cmd_fail(&session->line, "%s", reason);
    }
    ENSURE(false && "a result that is not in enum stats_result");
    return CMD_USAGE;
}

void stats_warn(const struct cmd_line *line, const struct stats_freshness *freshness) {
    char bytes[512];
    struct buf warning = buf_over(bytes, sizeof(bytes));
    stats_show_warning(freshness, &warning);
    if (warning.size > 0) {
        fprintf(stderr, "brinco %s: %.*s", line->name, SLICE_ARG(buf_slice(&warning)));
    }
}

void stats_print(struct buf *out) {
    ENSURE(!out->overflowed); /* the number of rows is bounded */
    fwrite(out->data, 1, out->size, stdout);
    buf_fini(out);
}

/* The first argument that is no option and no option's value; argc: there is none, or only behind
 * `--`, where nothing is a word of ours. */
static int find_operand(const struct cmd *cmd) {
    static const char *const common[] = {"-c", "-o", "--config", "--option"};
    int index = 1;
    while (index < cmd->argc && cmd->argv[index][0] == '-') {
        const char *argument = cmd->argv[index++];
        bool takes_next = false;
        if (strcmp(argument, "--") == 0) {
            return cmd->argc;
        }
        for (size_t i = 0; i < ARRAY_COUNT(common); i++) {
            takes_next = takes_next || strcmp(argument, common[i]) == 0;
        }
        for (size_t i = 0; options[i].name != NULL; i++) {
            takes_next = takes_next || (options[i].takes_value && argument[1] == '-' &&
                                        strcmp(argument + 2, options[i].name) == 0);
        }
        index += takes_next ? 1 : 0;
    }
    return index < cmd->argc ? index : cmd->argc;
}

static int show(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "stats",
                                             .help = help,
                                             .options = options,
                                             .operands_max = 1,
                                             .json = true,
                                             .once = true};
    struct cmd_line line;
    struct session session;
    struct stats_query query;
    struct stats_report *report;
    struct err err = {0};
    int status;
    /* What is wrong with the question is said before Redis is asked for. */
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
    enum stats_result result = stats_query_run(&source, &query, &report, &err);
    if (result == STATS_OK) {
        print_report(&session, report);
        stats_report_destroy(&report);
    }
    return session_close(&session, stats_refuse(&session, &query, result, err.text));
}

static bool read_question(const struct cmd_line *line, struct stats_query *query) {
    const char *campaign = line->value[OPTION_CAMPAIGN];
    bool is_all = line->value[OPTION_ALL] != NULL;
    struct err err = {0};
    if (line->operand_count + (campaign != NULL) + is_all != 1) {
        cmd_usage(line, "allowed is one of CODE, --campaign ID and --all");
        return false;
    }
    if (line->json && line->value[OPTION_CSV] != NULL) {
        cmd_usage(line, "allowed is one of --json and --csv");
        return false;
    }
    const char *id = is_all ? "" : campaign != NULL ? campaign : line->operands[0];
    enum stats_scope_kind scope = is_all             ? STATS_ALL
                                  : campaign != NULL ? STATS_CAMPAIGN
                                                     : STATS_LINK;
    if (!stats_query_init(query, scope, slice_of(id), &err)) {
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

static void print_report(const struct session *session, const struct stats_report *report) {
    struct buf out;
    buf_init(&out, STATS_OUTPUT_BYTES_MAX);
    if (session->line.json) {
        (void)stats_report_json(report, &out);
    } else if (session->line.value[OPTION_CSV] != NULL) {
        (void)stats_report_csv(report, &out);
    } else {
        struct table_style style = table_style_of(STDOUT_FILENO);
        stats_show_report(report, &style, &out);
    }
    stats_print(&out);
    stats_warn(&session->line, &report->freshness);
}
