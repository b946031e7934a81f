/*
 * reconcile.c - `brinco reconcile`: whether every tap is accounted for, and where not.
 *
 * Nothing is written, neither to Redis nor to disk, and nothing is locked: it runs beside a live
 * system.
 *
 * Threads   The main thread.
 * Limits    DATA_MAX data directories.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "cmd.h"
#include "conf/conf.h"
#include "progress.h"
#include "stats/reconcile.h"

static const char help[] =
    "Usage: brinco reconcile [--day DATE] [--data DIR]... [--json]\n"
    "\n"
    "Follows the taps of a day from answer to number: answered (tally), journaled, queued\n"
    "(stream), counted, rolled up. A line for each edge, what explains a difference, and, marked\n"
    "with !!, what nothing explains, with its place. Nothing is changed, and brinco may run.\n"
    "\n"
    "      --day DATE             YYYY-MM-DD, in stats.timezone (default: today)\n"
    "      --data DIR             data.dir of another edge; may be repeated\n"
    "      --json                 One JSON object\n" CMD_HELP_COMMON "\n"
    "Exit status: 0 all is accounted for, 1 it is not, 2 it cannot be told (no Redis, a file\n"
    "that cannot be read).\n"
    "\n"
    "Example:\n"
    "  brinco reconcile --day 2026-11-20\n";

enum { DATA_MAX = 256, OUTPUT_BYTES_MAX = 64 * 1024 * 1024, DATE_BYTES = 10 };

enum { OPTION_DAY, OPTION_DATA };

static const struct cmd_option own_options[] = {{"day", true}, {"data", true}, {NULL, false}};

struct directories {
    const char *path[DATA_MAX + 1];
    size_t count;
};

static bool find_directories(const struct cmd *cmd, struct directories *directories);
static bool check_directories(const struct cmd_line *line, const struct directories *directories);
static bool read_day(const struct cmd_line *line, int32_t *day);
static int run(const struct cmd_line *line, const struct conf *conf,
               const struct directories *directories);

int cmd_reconcile(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "reconcile", .help = help, .options = own_options, .json = true};
    struct directories directories = {.count = 1}; /* the first is data.dir */
    struct cmd_line line;
    int status;
    bool fits = find_directories(cmd, &directories);
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    if (!fits) {
        return cmd_usage(&line, "--data more than %d times", DATA_MAX);
    }
    if (!check_directories(&line, &directories)) {
        return CMD_USAGE;
    }
    struct conf *conf = cmd_conf(&line);
    if (conf == NULL) {
        return CMD_USAGE;
    }
    directories.path[0] = conf->text[CONF_data_dir];
    status = cmd_zone(&line, conf) ? run(&line, conf, &directories) : CMD_USAGE;
    conf_destroy(&conf);
    return status;
}

/* Of an option that is repeated, cmd_parse() keeps the last alone. */
static bool find_directories(const struct cmd *cmd, struct directories *directories) {
    static const char name[] = "--data";
    for (int i = 1; i < cmd->argc; i++) {
        const char *argument = cmd->argv[i];
        const char *path = NULL;
        if (strcmp(argument, name) == 0 && i + 1 < cmd->argc) {
            path = cmd->argv[++i];
        } else if (strncmp(argument, name, sizeof(name) - 1) == 0 &&
                   argument[sizeof(name) - 1] == '=') {
            path = argument + sizeof(name);
        }
        if (path != NULL && directories->count > DATA_MAX) {
            return false;
        }
        if (path != NULL) {
            directories->path[directories->count++] = path;
        }
    }
    return true;
}

/* Whoever names one wants it looked at. */
static bool check_directories(const struct cmd_line *line, const struct directories *directories) {
    for (size_t i = 1; i < directories->count; i++) {
        char path[FILE_PATH_MAX];
        struct stat status;
        snprintf(path, sizeof(path), "%s/journal", directories->path[i]);
        if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
            cmd_fail(line, "--data: %s has no journal", directories->path[i]);
            return false;
        }
    }
    return true;
}

static bool read_day(const struct cmd_line *line, int32_t *day) {
    const char *text = line->value[OPTION_DAY];
    uint64_t seconds = clock_real_ms() / 1000;
    if (text != NULL &&
        (strlen(text) != DATE_BYTES || !clock_parse_time(slice_of(text), &seconds))) {
        cmd_usage(line, "--day: \"%.32s\" is no date; allowed is one like 2026-11-20", text);
        return false;
    }
    *day = clock_day_of(seconds * 1000).yyyymmdd;
    return true;
}

static void show_progress(void *argument, uint64_t done, uint64_t all) {
    const struct progress_state state = {
        .done_bytes = done, .total_bytes = all, .count = done, .noun = "entries"};
    progress_show(argument, &state, clock_monotonic_ns());
}

static bool print(const struct cmd_line *line, const struct reconciliation *reconciliation) {
    struct buf out;
    buf_init(&out, OUTPUT_BYTES_MAX);
    bool is_whole = (line->json ? reconciliation_json : reconciliation_text)(reconciliation, &out);
    fwrite(out.data, 1, out.size, stdout);
    buf_fini(&out);
    if (!is_whole) {
        cmd_fail(line, "the answer is longer than %d bytes: it is cut", OUTPUT_BYTES_MAX);
    }
    return is_whole;
}

static int reconcile_with(const struct cmd_line *line, const struct reconcile_options *options,
                          struct progress *progress) {
    struct err err = {""};
    struct reconciliation *reconciliation = reconcile(options, &err);
    progress_clear(progress);
    if (reconciliation == NULL) {
        return cmd_fail(line, "%s", err.text);
    }
    bool is_printed = print(line, reconciliation);
    bool holds = reconciliation_holds(reconciliation);
    reconciliation_destroy(&reconciliation);
    return !is_printed ? CMD_USAGE : holds ? CMD_OK : CMD_PARTIAL;
}

static int run(const struct cmd_line *line, const struct conf *conf,
               const struct directories *directories) {
    struct cmd_redis redis = {.pipe = NULL};
    struct progress progress;
    struct reconcile_options options = {
        .data_directories = directories->path,
        .data_directory_count = directories->count,
        .queue_retain_hours = (uint32_t)conf->number[CONF_queue_retain_hours],
        .has_no_streams = strcmp(conf->text[CONF_queue_kind], "redis") != 0,
        .progress = show_progress,
        .argument = &progress,
    };
    if (!read_day(line, &options.day) ||
        (!options.has_no_streams && !cmd_redis_open(line, conf, &redis))) {
        return CMD_USAGE;
    }
    struct stats_source source = {
        .pipe = redis.pipe,
        .key_prefix = slice_of(conf->text[CONF_redis_prefix]),
        .zone = slice_of(conf->text[CONF_stats_timezone]),
        .retain_days = (uint32_t)conf->number[CONF_stats_retain_days],
        .now_ms = clock_real_ms(),
    };
    options.source = &source;
    progress_init(&progress, isatty(STDERR_FILENO) == 1, clock_monotonic_ns());
    int status = reconcile_with(line, &options, &progress);
    cmd_redis_close(&redis);
    return status;
}
