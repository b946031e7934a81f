/*
 * cmd.c - from argv to a subcommand, and what all of them do alike.
 *
 * getopt_long() reads the options. It knows one flat command line, so words are taken off the
 * front first: what stands before a word is rotated behind it, until a subcommand is reached that
 * knows all options of its line.
 *
 * Threads   The main thread alone; getopt's variables are the process'.
 * Limits    Those of cmd.h. Waiting for Redis: REDIS_TIMEOUT_MS a step, or redis.timeout_ms where
 *           that is more; what is right for a tap is too short for a person's import.
 */
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "cmd/main.h"
#include "conf/conf.h"
#include "redis/pipe.h"

enum {
    REDIS_TIMEOUT_MS = 5000,
    COMMON_OPTIONS = 4, /* --config, --option, --help, --json */
    OPTION_OWN = 256,   /* what getopt answers for a subcommand's own: above every character */
    OPTION_JSON = OPTION_OWN + CMD_OPTIONS_MAX,
};

static const char program_help[] =
    "Usage: brinco COMMAND [ARGUMENTS]\n"
    "\n"
    "Takes taps on shared links to where they should lead, and counts them.\n"
    "\n"
    "  serve      Answer taps, ship clicks, serve the admin side\n"
    "  link       Write and show links: new, set, get, list, pause, resume, delete,\n"
    "             import, history, test\n"
    "  campaign   Write and show campaigns: set, get, list, delete, history\n"
    "  journal    Look into the journals: ls, dump, verify\n"
    "  stats      Show what was counted: of a link, a campaign, the whole; top, live\n"
    "  explain    Why did a click count, or not: all that is known of one\n"
    "  reconcile  Prove that every tap is accounted for, or say where not\n"
    "  token      Make, show and revoke tokens of the API: new, list, revoke\n"
    "  webhook    What customers' backends were told: list, retry, secret\n"
    "  config     Show every configuration key with its value and meaning\n"
    "\n"
    "Options of every command:\n" CMD_HELP_COMMON
    "  -h, --help                 Help on a command, as brinco help COMMAND\n"
    "      --version              Version of brinco\n"
    "\n"
    "Exit status: 0, 1 (not found, some refused), 2 (usage, configuration, no Redis).\n"
    "\n"
    "Example:\n"
    "  brinco link set AB12CD --campaign spring && brinco serve\n";

static const struct cmd_verb program_verbs[] = {
    {"serve", cmd_serve},
    {"link", cmd_link},
    {"campaign", cmd_campaign},
    {"journal", cmd_journal},
    {"stats", cmd_stats},
    {"token", cmd_token},
    {"config", cmd_config},
    {"reconcile", cmd_reconcile},
    {"explain", cmd_explain},
    {"webhook", cmd_webhook},
    {NULL, NULL},
};

static const struct cmd_group program = {.name = "", .help = program_help, .verbs = program_verbs};

static bool check_redis_url(const struct conf *conf, struct err *err);
static bool check_zone(const struct conf *conf, struct err *err);
static int finish_output(int status);
static int find_word(const struct cmd *cmd);
static bool takes_next_argument(const char *argument);
static int run_without_word(const struct cmd *cmd, const struct cmd_group *group);
static int run_help(const struct cmd *cmd, const struct cmd_group *group, int index);
static void list_options(const struct cmd_syntax *syntax, struct option *table);
static bool take_option(const struct cmd_syntax *syntax, struct cmd_line *line, int answer);
static bool refuse_option(struct cmd_line *line, int answer, const char *argument);
static bool take_operands(const struct cmd *cmd, const struct cmd_syntax *syntax,
                          struct cmd_line *line);

int cmd_main(int argc, char **argv) {
    const struct cmd cmd = {.argc = argc, .argv = argv};
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("brinco " BRINCO_VERSION);
        return finish_output(CMD_OK);
    }
    if (argc < 1) {
        return CMD_USAGE;
    }
    return finish_output(cmd_dispatch(&cmd, &program));
}

int cmd_dispatch(const struct cmd *cmd, const struct cmd_group *group) {
    int index = find_word(cmd);
    if (index == cmd->argc) {
        return run_without_word(cmd, group);
    }
    char *word = cmd->argv[index];
    if (strcmp(word, "help") == 0) {
        return run_help(cmd, group, index);
    }
    for (const struct cmd_verb *verb = group->verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, word) != 0) {
            continue;
        }
        memmove(&cmd->argv[2], &cmd->argv[1], (size_t)(index - 1) * sizeof *cmd->argv);
        cmd->argv[1] = word;
        return verb->run(&(struct cmd){.argc = cmd->argc - 1, .argv = cmd->argv + 1});
    }
    const char *space = group->name[0] != '\0' ? " " : "";
    fprintf(stderr, "brinco%s%s: there is no command \"%.64s\"; see brinco%s%s --help\n", space,
            group->name, word, space, group->name);
    return CMD_USAGE;
}

bool cmd_parse(const struct cmd *cmd, const struct cmd_syntax *syntax, struct cmd_line *line,
               int *status) {
    struct option table[COMMON_OPTIONS + CMD_OPTIONS_MAX + 1] = {{0}};
    list_options(syntax, table);
    *line = (struct cmd_line){.name = syntax->name};
    *status = CMD_USAGE;
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    int answer;
    while ((answer = getopt_long(cmd->argc, cmd->argv, ":c:o:h", table, NULL)) != -1) {
        if (answer == 'h') {
            fputs(syntax->help, stdout);
            *status = CMD_OK;
            return false;
        }
        if (answer == '?' || answer == ':') {
            return refuse_option(line, answer, cmd->argv[optind - 1]);
        }
        if (!take_option(syntax, line, answer)) {
            return false;
        }
    }
    return take_operands(cmd, syntax, line);
}

int cmd_fail(const struct cmd_line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "brinco %s: ", line->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return CMD_USAGE;
}

int cmd_usage(const struct cmd_line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "brinco %s: ", line->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see brinco %s --help\n", line->name);
    va_end(arguments);
    return CMD_USAGE;
}

struct conf *cmd_read_conf(const struct conf_source *source, struct err *err) {
    struct conf *conf = conf_read(source, err);
    if (conf == NULL) {
        return NULL;
    }
    if (!check_redis_url(conf, err) || !check_zone(conf, err)) {
        conf_destroy(&conf);
    }
    return conf;
}

struct conf *cmd_conf(const struct cmd_line *line) {
    struct err err = {0};
    const struct conf_source source = {
        .path = line->config, .overrides = line->overrides, .override_count = line->override_count};
    struct conf *conf = cmd_read_conf(&source, &err);
    if (conf == NULL) {
        cmd_fail(line, "%s", err.text);
    }
    return conf;
}

bool cmd_redis_open(const struct cmd_line *line, const struct conf *conf, struct cmd_redis *redis) {
    struct err err = {0};
    *redis = (struct cmd_redis){0};
    bool was_checked = redis_url_parse(slice_of(conf->text[CONF_redis_url]), &redis->url, &err);
    ENSURE(was_checked); /* by cmd_read_conf() */
    uint64_t timeout_ms = conf->number[CONF_redis_timeout_ms];
    if (timeout_ms < REDIS_TIMEOUT_MS) {
        timeout_ms = REDIS_TIMEOUT_MS;
    }
    redis->pipe = redis_pipe_create(&redis->url, (uint32_t)timeout_ms);
    redis->store.pipe = redis->pipe;
    redis->store.key_prefix = slice_of(conf->text[CONF_redis_prefix]);
    redis->store.hosts = slice_of(conf->text[CONF_links_allowed_hosts]);
    if (!redis_pipe_connect(redis->pipe, &err)) {
        cmd_fail(line, "%s; is Redis running there? redis.url names it (-c, -o)", err.text);
        cmd_redis_close(redis);
        return false;
    }
    return true;
}

void cmd_redis_close(struct cmd_redis *redis) {
    redis_pipe_destroy(&redis->pipe);
}

bool cmd_zone(const struct cmd_line *line, const struct conf *conf) {
    struct err err = {0};
    if (!clock_set_zone(conf->text[CONF_stats_timezone], &err)) {
        conf_refuse(conf, CONF_stats_timezone, &err);
        cmd_fail(line, "%s", err.text);
        return false;
    }
    return true;
}

/* conf/ looks at the scheme alone; the rest is said here rather than at the first use. In a file
 * made of what `brinco config` prints the mask stands where the password was, and would be sent
 * as one. Whoever has that password writes it encoded, %2A%2A%2A. */
static bool check_redis_url(const struct conf *conf, struct err *err) {
    struct slice text = slice_of(conf->text[CONF_redis_url]);
    struct redis_url url;
    if (!redis_url_parse(text, &url, err)) {
        return conf_refuse(conf, CONF_redis_url, err);
    }
    bool is_masked = strcmp(url.password, CONF_PASSWORD_MASK) == 0 &&
                     slice_find(text, SLICE(":" CONF_PASSWORD_MASK "@")) != SIZE_MAX;
    if (is_masked) {
        err_set(err, "the password is masked: write the real one instead of " CONF_PASSWORD_MASK);
        return conf_refuse(conf, CONF_redis_url, err);
    }
    return true;
}

static bool check_zone(const struct conf *conf, struct err *err) {
    return clock_zone_exists(conf->text[CONF_stats_timezone], err) ||
           conf_refuse(conf, CONF_stats_timezone, err);
}

/* What could not be written was not said: a full disk behind `> file` is a failure. */
static int finish_output(int status) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    if (errno != EPIPE) {
        fprintf(stderr, "brinco: standard output: %s\n",
                errno != 0 ? strerror(errno) : "not everything could be written");
    }
    return CMD_USAGE;
}

/* Index of the first argument that is no option and no option's value; argc: there is none. */
static int find_word(const struct cmd *cmd) {
    int index = 1;
    while (index < cmd->argc && cmd->argv[index][0] == '-') {
        index += takes_next_argument(cmd->argv[index]) ? 2 : 1;
    }
    return index < cmd->argc ? index : cmd->argc;
}

static bool takes_next_argument(const char *argument) {
    static const char *const options[] = {"-c", "-o", "--config", "--option"};
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        if (strcmp(argument, options[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int run_without_word(const struct cmd *cmd, const struct cmd_group *group) {
    for (int i = 1; i < cmd->argc; i++) {
        if (strcmp(cmd->argv[i], "--help") == 0 || strcmp(cmd->argv[i], "-h") == 0) {
            fputs(group->help, stdout);
            return CMD_OK;
        }
    }
    const char *space = group->name[0] != '\0' ? " " : "";
    fprintf(stderr, "brinco%s%s: a command is missing; see brinco%s%s --help\n", space, group->name,
            space, group->name);
    return CMD_USAGE;
}

/* `brinco help link set` is `brinco link set --help`. */
static int run_help(const struct cmd *cmd, const struct cmd_group *group, int index) {
    char option[] = "--help";
    cmd->argv[index] = option;
    return cmd_dispatch(cmd, group);
}

static void list_options(const struct cmd_syntax *syntax, struct option *table) {
    *table++ = (struct option){"config", required_argument, NULL, 'c'};
    *table++ = (struct option){"option", required_argument, NULL, 'o'};
    *table++ = (struct option){"help", no_argument, NULL, 'h'};
    if (syntax->json) {
        *table++ = (struct option){"json", no_argument, NULL, OPTION_JSON};
    }
    for (int i = 0; syntax->options != NULL && syntax->options[i].name != NULL; i++) {
        ENSURE(i < CMD_OPTIONS_MAX);
        int value = syntax->options[i].takes_value ? required_argument : no_argument;
        *table++ = (struct option){syntax->options[i].name, value, NULL, OPTION_OWN + i};
    }
}

static bool take_option(const struct cmd_syntax *syntax, struct cmd_line *line, int answer) {
    if (answer == 'c') {
        line->config = optarg;
    } else if (answer == OPTION_JSON) {
        line->json = true;
    } else if (answer == 'o') {
        if (line->override_count == CMD_OVERRIDES_MAX) {
            cmd_usage(line, "-o more than %d times", CMD_OVERRIDES_MAX);
            return false;
        }
        line->overrides[line->override_count++] = optarg;
    } else {
        bool takes_value = syntax->options[answer - OPTION_OWN].takes_value;
        if (syntax->once && takes_value && line->value[answer - OPTION_OWN] != NULL) {
            cmd_usage(line, "--%s is given twice; allowed is once",
                      syntax->options[answer - OPTION_OWN].name);
            return false;
        }
        line->value[answer - OPTION_OWN] = takes_value ? optarg : "";
    }
    return true;
}

/* getopt leaves in optopt the letter of a short option that is not there, nothing for a long
 * one, and the value from the table for a long one that was given a value it does not take. */
static bool refuse_option(struct cmd_line *line, int answer, const char *argument) {
    if (answer == ':') {
        cmd_usage(line, "%.64s needs a value", argument);
    } else if (optopt == 0) {
        cmd_usage(line, "there is no option %.64s", argument);
    } else if (optopt == 'h' || optopt >= OPTION_OWN) {
        cmd_usage(line, "%.64s: this option takes no value", argument);
    } else {
        cmd_usage(line, "there is no option -%c", optopt);
    }
    return false;
}

static bool take_operands(const struct cmd *cmd, const struct cmd_syntax *syntax,
                          struct cmd_line *line) {
    line->operands = cmd->argv + optind;
    line->operand_count = cmd->argc - optind;
    if (line->operand_count < syntax->operands_min) {
        cmd_usage(line, "%s",
                  syntax->operands_min == 1 ? "an argument is missing" : "arguments are missing");
        return false;
    }
    if (line->operand_count > syntax->operands_max) {
        cmd_usage(line, "\"%.64s\" is one argument too many", line->operands[syntax->operands_max]);
        return false;
    }
    return true;
}
