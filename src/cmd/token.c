/*
 * token.c - `brinco token`: who may ask the API for what, and the key of click tokens.
 *
 * Threads   The main thread.
 * Limits    API_TOKENS_MAX tokens in a listing.
 */
#include <stdio.h>
#include <string.h>

#include "api/token.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "click/identity.h"
#include "click/token.h"
#include "cmd.h"
#include "conf/conf.h"
#include "session.h"

enum { LINE_BYTES_MAX = 1024 };

static const char group_help[] =
    "Usage: brinco token COMMAND [ARGUMENTS]\n"
    "\n"
    "  new              Make a token and print it, once\n"
    "  list             Show which there are\n"
    "  revoke WHICH     Forget one\n"
    "  key              Print the key that click tokens are verified with\n"
    "\n"
    "Tokens open the API (api.listen, /v1). What is kept of one is its hash, in Redis; making and\n"
    "revoking takes effect at once. Click tokens are something else: proof of a tap, in a link's\n"
    "destination. Each command has --help.\n"
    "\n"
    "Example:\n"
    "  brinco token new --role read --name dashboard\n";

static const char new_help[] =
    "Usage: brinco token new --role read|write|events --name NAME [--json]\n"
    "\n"
    "Makes a token and prints it on standard output, alone. It cannot be shown again.\n"
    "\n"
    "      --role ROLE            read: numbers, links and campaigns; write: and changes them;\n"
    "                             events: reports what happened in the app, nothing else\n"
    "      --name NAME            What people call it: 1 to 64 bytes\n"
    "      --json                 As one JSON object\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco token new --role write --name backoffice > backoffice.token\n";

static const char list_help[] =
    "Usage: brinco token list [--json]\n"
    "\n"
    "Shows all tokens, the oldest first: the beginning of the hash, role, time, name.\n"
    "\n"
    "      --json                 One JSON object a line\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco token list\n";

static const char revoke_help[] =
    "Usage: brinco token revoke WHICH\n"
    "\n"
    "Forgets the token of this name, or whose hash begins so (8 characters or more). Exit status\n"
    "1: there is none, or there are several.\n"
    "\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco token revoke dashboard\n";

static const char key_help[] =
    "Usage: brinco token key\n"
    "\n"
    "Prints the key of click tokens on standard output: 64 hexadecimal digits. An app's backend\n"
    "verifies tokens with it, offline (docs/attribution.md has a program for that).\n"
    "\n"
    "Whoever has the key can also make tokens, for any code and time, that pass as ours: give it\n"
    "to that backend alone, and keep it as you keep passwords. It is derived from the secret\n"
    "under data.dir, which it does not give away: the salts of visitors stay secret.\n"
    "\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  (umask 077 && brinco token key > click-token.key)\n";

static int make(const struct cmd *cmd);
static int key(const struct cmd *cmd);
static int list(const struct cmd *cmd);
static int revoke(const struct cmd *cmd);
static bool read_options(const struct cmd_line *line, struct api_token *token);
static void list_one(void *argument, const struct api_token *token);
static void print_json(const struct api_token *token, const char *text);

int cmd_token(const struct cmd *cmd) {
    static const struct cmd_verb verbs[] = {
        {"new", make}, {"list", list}, {"revoke", revoke}, {"key", key}, {NULL, NULL}};
    static const struct cmd_group group = {.name = "token", .help = group_help, .verbs = verbs};
    return cmd_dispatch(cmd, &group);
}

static struct slice prefix_of(const struct session *session) {
    return slice_of(session->conf->text[CONF_redis_prefix]);
}

enum { OPTION_ROLE, OPTION_NAME };

static int make(const struct cmd *cmd) {
    static const struct cmd_option options[] = {{"role", true}, {"name", true}, {NULL, false}};
    static const struct cmd_syntax syntax = {
        .name = "token new", .help = new_help, .options = options, .json = true};
    struct session session;
    struct api_token token = {.created_at = clock_real_ms() / 1000};
    char text[API_TOKEN_BYTES + 1];
    struct err err = {""};
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    if (!read_options(&session.line, &token)) {
        return session_close(&session, CMD_USAGE);
    }
    if (api_token_new(session.redis.pipe, prefix_of(&session), &token, text, &err) !=
        API_TOKEN_OK) {
        return session_close(&session, cmd_fail(&session.line, "%s", err.text));
    }
    if (session.line.json) {
        print_json(&token, text);
    } else {
        puts(text);
        fprintf(stderr, "This token (%s, role %s, hash %.*s) is shown this once: keep it well.\n",
                token.name, api_role_name(token.role), API_TOKEN_SHOWN_BYTES, token.hash);
    }
    return session_close(&session, CMD_OK);
}

static int list(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "token list", .help = list_help, .json = true};
    struct session session;
    struct err err = {""};
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    if (!session.line.json) {
        printf("%-*s  %-6s  %-20s  %s\n", API_TOKEN_SHOWN_BYTES, "HASH", "ROLE", "CREATED", "NAME");
    }
    if (api_token_list(session.redis.pipe, prefix_of(&session), list_one, &session, &err) !=
        API_TOKEN_OK) {
        status = cmd_fail(&session.line, "%s", err.text);
    }
    return session_close(&session, status);
}

static int revoke(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "token revoke", .help = revoke_help, .operands_min = 1, .operands_max = 1};
    struct session session;
    struct api_token token;
    struct err err = {""};
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct slice which = slice_of(session.line.operands[0]);
    switch (api_token_revoke(session.redis.pipe, prefix_of(&session), which, &token, &err)) {
    case API_TOKEN_OK:
        printf("revoked %.*s (%s, role %s)\n", API_TOKEN_SHOWN_BYTES, token.hash, token.name,
               api_role_name(token.role));
        break;
    case API_TOKEN_NONE:
        cmd_fail(&session.line, "%s", err.text);
        status = CMD_PARTIAL;
        break;
    case API_TOKEN_FAILED:
        status = cmd_fail(&session.line, "%s", err.text);
        break;
    }
    return session_close(&session, status);
}

/* Redis is not asked, and a server may run beside. */
static int key(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "token key", .help = key_help};
    struct cmd_line line;
    struct err err = {""};
    uint8_t secret[IDENTITY_SECRET_BYTES];
    struct token_key derived;
    int status;
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    struct conf *conf = cmd_conf(&line);
    if (conf == NULL) {
        return CMD_USAGE;
    }
    if (!identity_read_secret(conf->text[CONF_data_dir], secret, &err)) {
        conf_destroy(&conf);
        return cmd_fail(&line, "%s", err.text);
    }
    token_key_init(&derived, secret, sizeof(secret));
    for (size_t i = 0; i < TOKEN_KEY_BYTES; i++) {
        printf("%02x", derived.key[i]);
    }
    putchar('\n');
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(&derived, sizeof(derived));
    conf_destroy(&conf);
    return CMD_OK;
}

static bool read_options(const struct cmd_line *line, struct api_token *token) {
    const char *role = line->value[OPTION_ROLE];
    const char *name = line->value[OPTION_NAME];
    struct err err = {""};
    if (role == NULL || !api_role_find(slice_of(role), &token->role)) {
        cmd_usage(line, "--role is needed: read, write or events");
        return false;
    }
    if (name == NULL) {
        cmd_usage(line, "--name is needed: what people call the token");
        return false;
    }
    if (!api_token_check_name(slice_of(name), &err)) {
        cmd_usage(line, "--name: %s", err.text);
        return false;
    }
    memcpy(token->name, name, strlen(name));
    return true;
}

static void list_one(void *argument, const struct api_token *token) {
    const struct session *session = argument;
    char created[CLOCK_RFC3339_BYTES];
    if (session->line.json) {
        print_json(token, NULL);
        return;
    }
    clock_rfc3339(token->created_at * 1000, created);
    printf("%.*s  %-6s  %.19sZ  %s\n", API_TOKEN_SHOWN_BYTES, token->hash,
           api_role_name(token->role), created, token->name);
}

/* text: the token itself, or NULL. */
static void print_json(const struct api_token *token, const char *text) {
    char bytes[LINE_BYTES_MAX];
    struct buf out = buf_over(bytes, sizeof(bytes));
    buf_append_char(&out, '{');
    if (text != NULL) {
        buf_printf(&out, "\"token\":\"%s\",", text);
    }
    buf_append(&out, SLICE("\"name\":\""));
    buf_append_json(&out, slice_of(token->name));
    buf_printf(&out, "\",\"role\":\"%s\",\"created_at\":%lu,\"hash\":\"%.*s\"}",
               api_role_name(token->role), (unsigned long)token->created_at, API_TOKEN_SHOWN_BYTES,
               token->hash);
    ENSURE(!out.overflowed);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}
