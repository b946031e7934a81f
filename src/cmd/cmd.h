/*
 * cmd.h - what the subcommands share: words, options, configuration, Redis.
 *
 *   brinco link set AB12CD --campaign spring -o redis.url=unix:///run/redis.sock
 *          │    │   │      └ options: anywhere behind `brinco`, in any order
 *          │    │   └ operands
 *          └────┴ words: each picks a function from a table (cmd_dispatch)
 *
 * A subcommand declares its syntax, lets cmd_parse() read its arguments, and returns one of
 * enum cmd_status. What a user asked for goes to stdout; every complaint is one line on stderr
 * that says what is wrong and, for usage errors, where help is.
 *
 *   static const struct cmd_option options[] = {{"limit", true}, {"all", false}, {NULL, false}};
 *   enum { OPTION_LIMIT, OPTION_ALL };
 *   static const struct cmd_syntax syntax = {
 *       .name = "journal ls", .help = "Usage: ...", .options = options, .json = true};
 *
 *   int status;
 *   struct cmd_line line;
 *   if (!cmd_parse(cmd, &syntax, &line, &status)) {
 *       return status;
 *   }
 *   struct conf *conf = cmd_conf(&line);
 *   if (conf == NULL) {
 *       return CMD_USAGE;
 *   }
 *
 * Threads   The main thread; all but cmd_read_conf() before any other is started.
 * Limits    CMD_OPTIONS_MAX options a subcommand, CMD_OVERRIDES_MAX times -o.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "link/store.h"
#include "redis/url.h"

struct conf;
struct conf_source;
struct err;
struct redis_pipe;

enum { CMD_OPTIONS_MAX = 32, CMD_OVERRIDES_MAX = 64 };

enum cmd_status {
    CMD_OK = 0,
    CMD_PARTIAL = 1, /* not found, some refused */
    CMD_USAGE = 2,   /* usage, configuration, or something needed (Redis, a file) is not there */
};

/* What every subcommand gets: argv[0] is its own name, the rest is still to be read. */
struct cmd {
    int argc;
    char **argv;
};

/* A table of words. */
struct cmd_verb {
    const char *name; /* NULL ends the table */
    int (*run)(const struct cmd *cmd);
};

struct cmd_group {
    const char *name; /* "link": how it is called after `brinco`; empty for the program */
    const char *help; /* the whole text that --help prints */
    const struct cmd_verb *verbs;
};

/* Reads the next word and runs what it names. Options that stand before the word are moved
 * behind it, so that they are read by whoever knows them. */
int cmd_dispatch(const struct cmd *cmd, const struct cmd_group *group);

/* An option of one subcommand, beside those that all have: -c FILE, -o section.key=value,
 * -h/--help, and --json where the syntax says so. Long options only. */
struct cmd_option {
    const char *name; /* without the dashes; NULL ends the table */
    bool takes_value;
};

struct cmd_syntax {
    const char *name;                 /* "link set" */
    const char *help;                 /* what --help prints: usage, options, an example */
    const struct cmd_option *options; /* NULL: none of its own; at most CMD_OPTIONS_MAX */
    int operands_min;
    int operands_max; /* INT_MAX: any number */
    bool json;        /* has --json */
    bool once;        /* an option with a value is taken once */
};

/* What the arguments said. Points into argv. */
struct cmd_line {
    const char *name;                   /* the syntax' */
    const char *config;                 /* -c; NULL: the default file */
    const char *value[CMD_OPTIONS_MAX]; /* by index of options: NULL where it was not given; ""
                                           for one that takes no value; the last one wins unless the
                                           syntax refuses it */
    const char *overrides[CMD_OVERRIDES_MAX];
    size_t override_count;
    char **operands;
    int operand_count;
    bool json;
};

/* False: return *status. Either help was printed (CMD_OK), or a usage error (CMD_USAGE). */
MUST_CHECK bool cmd_parse(const struct cmd *cmd, const struct cmd_syntax *syntax,
                          struct cmd_line *line, int *status);

/* "brinco NAME: sentence" on stderr; cmd_usage() adds where help is. Both return CMD_USAGE. */
int cmd_fail(const struct cmd_line *line, const char *format, ...) PRINTF_LIKE(2, 3);
int cmd_usage(const struct cmd_line *line, const char *format, ...) PRINTF_LIKE(2, 3);

/* conf_read(), and what only other rooms can tell of a value: redis.url names a place and a
 * password that is no mask, stats.timezone is in the zone database. NULL and err, which names
 * file and line, when something is not allowed. Also for `brinco serve` to read it again, with
 * other threads running. */
MUST_CHECK struct conf *cmd_read_conf(const struct conf_source *source, struct err *err);

/* Reads the configuration that -c and -o name. NULL after having said why: return CMD_USAGE.
 * Else conf_destroy() is the caller's. */
MUST_CHECK struct conf *cmd_conf(const struct cmd_line *line);

/* A connection to the configured Redis, for subcommands that ask and write. */
struct cmd_redis {
    struct redis_url url;
    struct redis_pipe *pipe;
    struct store store; /* over the pipe; borrows redis.prefix from the conf */
};

/* False after having said why: return CMD_USAGE. conf outlives the connection. */
MUST_CHECK bool cmd_redis_open(const struct cmd_line *line, const struct conf *conf,
                               struct cmd_redis *redis);
void cmd_redis_close(struct cmd_redis *redis);

/* Makes stats.timezone the zone in which dates are read. False after having said why. */
MUST_CHECK bool cmd_zone(const struct cmd_line *line, const struct conf *conf);

/* The lines on -c and -o that every help text has. */
#define CMD_HELP_COMMON                                                                            \
    "  -c, --config FILE          Configuration file (default: conf/brinco.conf)\n"                \
    "  -o, --option section.key=value\n"                                                           \
    "                             Overrides one key; may be repeated\n"

/* The subcommands, a file each. */
int cmd_serve(const struct cmd *cmd);
int cmd_link(const struct cmd *cmd);
int cmd_link_new(const struct cmd *cmd);
int cmd_link_set(const struct cmd *cmd);
int cmd_link_import(const struct cmd *cmd);
int cmd_link_history(const struct cmd *cmd);
int cmd_link_test(const struct cmd *cmd);
int cmd_campaign_history(const struct cmd *cmd);
int cmd_explain(const struct cmd *cmd);
int cmd_campaign(const struct cmd *cmd);
int cmd_journal(const struct cmd *cmd);
int cmd_reconcile(const struct cmd *cmd);
int cmd_stats(const struct cmd *cmd);
int cmd_token(const struct cmd *cmd);
int cmd_webhook(const struct cmd *cmd);
int cmd_config(const struct cmd *cmd);

#endif
