/*
 * link_history.c - `brinco link history` and `brinco campaign history`: who changed what, when.
 *
 * Threads   The main thread.
 * Limits    HISTORY_ENTRIES_MAX entries.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "cmd.h"
#include "link/history.h"
#include "session.h"
#include "show.h"

enum { OPTION_LIMIT, NAME_WIDTH = 21, TIME_BYTES = 40, LIMIT_DEFAULT = 50 };

static const char link_help[] =
    "Usage: brinco link history CODE [--limit N] [--json]\n"
    "\n"
    "Shows who changed a link, when and how, the newest change first. history.entries says\n"
    "how many are kept. Changes by other programs, straight in Redis, are not known.\n"
    "Exit status 1: there is no such link, and nothing is known of one.\n"
    "\n"
    "      --limit N              At most N, default 50, up to 1000\n"
    "      --json                 One JSON object a change\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco link history AB12CD\n";

static const char campaign_help[] =
    "Usage: brinco campaign history ID [--limit N] [--json]\n"
    "\n"
    "Shows who changed a campaign, when and how, the newest change first. history.entries says\n"
    "how many are kept. Changes by other programs, straight in Redis, are not known.\n"
    "Exit status 1: there is no such campaign, and nothing is known of one.\n"
    "\n"
    "      --limit N              At most N, default 50, up to 1000\n"
    "      --json                 One JSON object a change\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco campaign history spring\n";

static const struct cmd_option options[] = {{"limit", true}, {NULL, false}};

static int history(enum record_kind kind, const struct cmd *cmd, const struct cmd_syntax *syntax);
static bool print_json(void *argument, const struct history_entry *entry);
static bool print_text(void *argument, const struct history_entry *entry);
static void print_time(uint64_t at_ms);
static void print_fields(enum record_kind kind, json_t *before, json_t *after);
static void print_field(const char *name, json_t *before, json_t *after);
static void print_value(char mark, const char *name, json_t *value);

int cmd_link_history(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "link history",
                                             .help = link_help,
                                             .options = options,
                                             .operands_min = 1,
                                             .operands_max = 1,
                                             .json = true};
    return history(RECORD_LINK, cmd, &syntax);
}

int cmd_campaign_history(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "campaign history",
                                             .help = campaign_help,
                                             .options = options,
                                             .operands_min = 1,
                                             .operands_max = 1,
                                             .json = true};
    return history(RECORD_CAMPAIGN, cmd, &syntax);
}

struct printing {
    enum record_kind kind;
    size_t count;
};

static int history(enum record_kind kind, const struct cmd *cmd, const struct cmd_syntax *syntax) {
    struct session session;
    struct err err = {""};
    uint64_t limit;
    int status;
    if (!session_open(cmd, syntax, &session, &status)) {
        return status;
    }
    if (!session_limit(&session, session.line.value[OPTION_LIMIT], &limit)) {
        return session_close(&session, CMD_USAGE);
    }
    if (session.line.value[OPTION_LIMIT] == NULL) {
        limit = LIMIT_DEFAULT;
    } else if (limit > HISTORY_ENTRIES_MAX) {
        cmd_usage(&session.line, "--limit: allowed are numbers from 1 to %d", HISTORY_ENTRIES_MAX);
        return session_close(&session, CMD_USAGE);
    }
    struct printing printing = {.kind = kind};
    struct slice id = slice_of(session.line.operands[0]);
    const struct history_query query = {.kind = kind,
                                        .id = id,
                                        .limit = (size_t)limit,
                                        .each = session.line.json ? print_json : print_text,
                                        .argument = &printing};
    enum store_result result = history_read(&session.redis.store, &query, &err);
    status = session_report(&session, record_shape(kind)->noun, id, result, &err);
    if (result == STORE_OK && printing.count == 0 && !session.line.json) {
        puts("no change is known");
    }
    return session_close(&session, status);
}

static bool print_json(void *argument, const struct history_entry *entry) {
    struct printing *printing = argument;
    struct buf out;
    buf_init(&out, RECORD_JSON_BYTES_MAX);
    history_json(entry, &out);
    buf_append_char(&out, '\n');
    fwrite(out.data, 1, out.size, stdout);
    buf_fini(&out);
    printing->count++;
    return true;
}

static bool print_text(void *argument, const struct history_entry *entry) {
    struct printing *printing = argument;
    json_t *before =
        json_loadb(entry->before.data, entry->before.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_t *after =
        json_loadb(entry->after.data, entry->after.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (printing->count++ > 0) {
        putchar('\n');
    }
    print_time(entry->at_ms);
    fputs("  ", stdout);
    show_clean(entry->action);
    fputs("  by ", stdout);
    show_clean(entry->who);
    fputs(" (", stdout);
    show_clean(entry->via);
    fputs(")\n", stdout);
    print_fields(printing->kind, before, after);
    json_decref(before);
    json_decref(after);
    return true;
}

/* In stats.timezone, which is the process' own. */
static void print_time(uint64_t at_ms) {
    char text[TIME_BYTES];
    struct tm local;
    time_t seconds = (time_t)(at_ms / 1000);
    if (localtime_r(&seconds, &local) != NULL &&
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &local) > 0) {
        fputs(text, stdout);
    } else {
        printf("%" PRIu64 " ms", at_ms);
    }
}

/* Known fields in their order, then whatever else there is. */
static void print_fields(enum record_kind kind, json_t *before, json_t *after) {
    const struct record_shape *shape = record_shape(kind);
    const char *name;
    json_t *value;
    for (size_t i = 0; i < shape->count; i++) {
        print_field(shape->names[i], before, after);
    }
    json_t *const sides[] = {before, after};
    for (size_t side = 0; side < ARRAY_COUNT(sides); side++) {
        json_object_foreach(sides[side], name, value) {
            bool is_known = record_find_field(kind, slice_of(name)) != RECORD_UNKNOWN;
            bool was_printed = side == 1 && json_object_get(before, name) != NULL;
            if (!is_known && !was_printed) {
                print_field(name, before, after);
            }
        }
    }
}

static void print_field(const char *name, json_t *before, json_t *after) {
    json_t *was = json_object_get(before, name);
    json_t *is = json_object_get(after, name);
    if (json_equal(was, is)) {
        return;
    }
    if (was != NULL) {
        print_value('-', name, was);
    }
    if (is != NULL) {
        print_value('+', name, is);
    }
}

static void print_value(char mark, const char *name, json_t *value) {
    printf("  %c ", mark);
    show_clean(slice_of(name));
    for (size_t i = strlen(name); i < NAME_WIDTH; i++) {
        putchar(' ');
    }
    if (json_is_integer(value) && record_is_time(name)) {
        char text[CLOCK_RFC3339_BYTES];
        clock_rfc3339((uint64_t)json_integer_value(value) * 1000, text);
        printf("%s (%" JSON_INTEGER_FORMAT ")", text, json_integer_value(value));
    } else if (json_is_string(value)) {
        show_clean(slice_make(json_string_value(value), json_string_length(value)));
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        show_clean(slice_of(text));
        free(text);
    }
    putchar('\n');
}
