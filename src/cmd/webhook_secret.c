/*
 * webhook_secret.c - see webhook_secret.h.
 *
 * The key is derived from the secret under data.dir and the campaign's name alone
 * (docs/webhooks.md); Redis is asked only whether there is such a campaign.
 */
#include "webhook_secret.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "click/identity.h"
#include "cmd.h"
#include "conf/conf.h"
#include "credit/webhook_sign.h"
#include "link/code.h"
#include "redis/pipe.h"

enum { KEY_BYTES_MAX = 512 };

static const char secret_help[] =
    "Usage: brinco webhook secret CAMPAIGN\n"
    "\n"
    "Prints what a receiver of this campaign's webhooks verifies their signatures with, as\n"
    "libraries for Standard Webhooks take it: whsec_ and base64. It is derived from the secret\n"
    "under data.dir. Whoever has it can sign for the campaign: keep it well. Exit status 1: there\n"
    "is no such campaign.\n"
    "\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco webhook secret spring\n";

/* A receiver that is given the secret of a misspelt campaign refuses everything. Without Redis,
 * which is said, it is taken on trust. */
static bool is_campaign(const struct cmd_line *line, const struct conf *conf) {
    struct cmd_redis redis = {0};
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct err err;
    if (!cmd_redis_open(line, conf, &redis)) {
        return true;
    }
    ENSURE(buf_append(&key, slice_of(conf->text[CONF_redis_prefix])) &&
           buf_append(&key, SLICE("campaign:")) && buf_append(&key, slice_of(line->operands[0])));
    const struct slice exists[] = {SLICE("EXISTS"), buf_slice(&key)};
    const struct redis_reply *reply =
        redis_pipe_command(redis.pipe, ARRAY_COUNT(exists), exists, &err);
    bool is_there = reply == NULL || redis_reply_is_error(reply) || redis_reply_integer(reply) != 0;
    cmd_redis_close(&redis);
    return is_there;
}

static int print_secret(const struct cmd_line *line, const struct conf *conf) {
    uint8_t bytes[IDENTITY_SECRET_BYTES];
    char text[WEBHOOK_KEY_TEXT_SIZE + 1];
    struct err err = {""};
    if (!identity_read_secret(conf->text[CONF_data_dir], bytes, &err)) {
        return cmd_fail(line, "%s", err.text);
    }
    if (!is_campaign(line, conf)) {
        explicit_bzero(bytes, sizeof(bytes));
        cmd_fail(line, "there is no campaign \"%s\"", line->operands[0]);
        return CMD_PARTIAL;
    }
    struct webhook_key key = webhook_key_of(bytes, slice_of(line->operands[0]));
    webhook_key_text(&key, text);
    puts(text);
    explicit_bzero(bytes, sizeof(bytes));
    return CMD_OK;
}

int cmd_webhook_secret(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "webhook secret", .help = secret_help, .operands_min = 1, .operands_max = 1};
    struct cmd_line line;
    int status;
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    if (!code_is_valid(slice_of(line.operands[0]))) {
        return cmd_usage(&line, "\"%.64s\" is no campaign: allowed are 1 to 64 of A-Z a-z 0-9 - _",
                         line.operands[0]);
    }
    struct conf *conf = cmd_conf(&line);
    if (conf == NULL) {
        return CMD_USAGE;
    }
    status = print_secret(&line, conf);
    conf_destroy(&conf);
    return status;
}
