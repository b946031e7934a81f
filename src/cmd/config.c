/*
 * config.c - `brinco config`: every key with its value, default, range and meaning.
 *
 * What it prints is a configuration file: `brinco config --defaults` made conf/brinco.conf.
 *
 * Threads   The main thread.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "conf/conf.h"

enum { OUTPUT_BYTES_MAX = 1024 * 1024 };

static const char help[] =
    "Usage: brinco config [--defaults] [--json] [KEY]\n"
    "\n"
    "Prints every configuration key with its value, default, what is allowed and what it\n"
    "means, as a file that -c reads; or the value of KEY alone. A password is shown as ***:\n"
    "write the real one before the file is used, which is refused with ***.\n"
    "\n"
    "      --defaults             The defaults, whatever is configured\n"
    "      --json                 As JSON: an object; of KEY: a string\n" CMD_HELP_COMMON "\n"
    "Examples:\n"
    "  brinco config -o edge.workers=2 >conf/brinco.conf\n"
    "  brinco config edge.listen\n";

enum { OPTION_DEFAULTS };
static const struct cmd_option options[] = {{"defaults", false}, {NULL, false}};

static const struct cmd_syntax syntax = {
    .name = "config", .help = help, .options = options, .operands_max = 1, .json = true};

static int print(const struct cmd_line *line, const struct conf *conf);
static bool write_value(const struct cmd_line *line, const struct conf *conf, struct buf *out);

int cmd_config(const struct cmd *cmd) {
    int status;
    struct cmd_line line;
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    if (line.value[OPTION_DEFAULTS] != NULL) {
        return print(&line, NULL);
    }
    struct conf *conf = cmd_conf(&line);
    if (conf == NULL) {
        return CMD_USAGE;
    }
    status = print(&line, conf);
    conf_destroy(&conf);
    return status;
}

static int print(const struct cmd_line *line, const struct conf *conf) {
    struct buf out;
    buf_init(&out, OUTPUT_BYTES_MAX);
    int status = CMD_OK;
    if (line->operand_count == 1) {
        status = write_value(line, conf, &out) ? CMD_OK : CMD_USAGE;
    } else if (line->json) {
        conf_write_json(conf, &out);
    } else {
        conf_write(conf, &out);
    }
    ENSURE(!out.overflowed);
    if (out.size > 0) {
        fwrite(out.data, 1, out.size, stdout);
    }
    buf_fini(&out);
    return status;
}

static bool write_value(const struct cmd_line *line, const struct conf *conf, struct buf *out) {
    struct err err = {0};
    enum conf_key key;
    if (!conf_key_find(slice_of(line->operands[0]), &key, &err)) {
        cmd_fail(line, "%.64s: %s", line->operands[0], err.text);
        return false;
    }
    char storage[CONF_TEXT_BYTES_MAX];
    struct buf value = buf_over(storage, sizeof storage);
    conf_write_value(conf, key, &value);
    if (line->json) {
        buf_append_char(out, '"');
        buf_append_json(out, buf_slice(&value));
        buf_append_char(out, '"');
    } else {
        buf_append(out, buf_slice(&value));
    }
    buf_append_char(out, '\n');
    return true;
}
