/*
 * explain.c - `brinco explain`: why a click counted, or did not.
 *
 * The whole answer is one document (credit/explain.h); here it becomes lines of text. On an edge's
 * machine its journals are read, too, and its secret tells whether a token is ours.
 *
 * Threads   The main thread.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "click/identity.h"
#include "click/token.h"
#include "cmd.h"
#include "conf/conf.h"
#include "credit/explain.h"
#include "show.h"

enum { DOCUMENT_BYTES_MAX = 4 * 1024 * 1024, NAME_WIDTH = 12 };

static const char help[] =
    "Usage: brinco explain TOKEN|ULID [--code CODE] [--json]\n"
    "\n"
    "Tells all that is known of one click: what was tapped, when, who asked and how that is\n"
    "known, what chose where it led, whether it was shipped and counted, which conversions came\n"
    "and how they were judged, and whether the webhooks were told. TOKEN is the click token, from\n"
    "the destination's URL or the Play Store referrer; ULID the click's id.\n"
    "\n"
    "Looks into the queue in Redis and, on an edge's machine, into its journals under data.dir.\n"
    "Exit status 1: nothing is known of it; where was looked is said.\n"
    "\n"
    "      --code CODE            The code that the token is said to be for; default: as the\n"
    "                             click says\n"
    "      --json                 As one JSON object\n" CMD_HELP_COMMON "\n"
    "Examples:\n"
    "  brinco explain 01KAZ4T5E8Q7X3B2M9N6C1D0FG\n"
    "  brinco explain AZr-0qy1c2d3e4f5g6h7i8j9k0l1m2n3 --code AB12CD\n";

enum { OPTION_CODE };
static const struct cmd_option options[] = {{"code", true}, {NULL, false}};

static int explain(const struct cmd_line *line, const struct conf *conf,
                   const struct explain_subject *subject);
static bool read_key(const struct conf *conf, struct token_key *key);
static void print(json_t *document);
static void print_line(const char *name, const char *text);
static void print_when(json_t *document);
static void print_what(json_t *click, json_t *why);
static void print_place(json_t *document);
static void print_conversions(json_t *document);

int cmd_explain(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "explain",
                                             .help = help,
                                             .options = options,
                                             .operands_min = 1,
                                             .operands_max = 1,
                                             .json = true};
    struct cmd_line line;
    struct explain_subject subject;
    struct err err = {""};
    int status;
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    struct conf *conf = cmd_conf(&line);
    if (conf == NULL) {
        return CMD_USAGE;
    }
    status = CMD_USAGE;
    if (!explain_read(slice_of(line.operands[0]), slice_of(line.value[OPTION_CODE]), &subject,
                      &err)) {
        status = cmd_usage(&line, "%s", err.text);
    } else if (cmd_zone(&line, conf)) {
        status = explain(&line, conf, &subject);
    }
    conf_destroy(&conf);
    return status;
}

/* Without Redis, the journals are still there: then that is said, on stderr too. */
static int explain(const struct cmd_line *line, const struct conf *conf,
                   const struct explain_subject *subject) {
    struct cmd_redis redis = {0};
    struct token_key key;
    struct err err = {""};
    struct buf document;
    struct explain_source source = {.key_prefix = slice_of(conf->text[CONF_redis_prefix]),
                                    .data_dir = conf->text[CONF_data_dir],
                                    .token_key = read_key(conf, &key) ? &key : NULL,
                                    .queue_retain_hours = conf->number[CONF_queue_retain_hours],
                                    .journal_retain_hours = conf->number[CONF_journal_retain_hours],
                                    .stats_retain_days = conf->number[CONF_stats_retain_days]};
    if (cmd_redis_open(line, conf, &redis)) {
        source.pipe = redis.pipe;
    }
    buf_init(&document, DOCUMENT_BYTES_MAX);
    enum explain_result result = explain_click(&source, subject, &document, &err);
    int status = result == EXPLAIN_FOUND ? CMD_OK : CMD_PARTIAL;
    if (result == EXPLAIN_FAILED) {
        status = cmd_fail(line, "%s", err.text);
    } else if (line->json) {
        buf_append_char(&document, '\n');
        fwrite(document.data, 1, document.size, stdout);
    } else {
        json_t *root = json_loadb(document.data, document.size, 0, NULL);
        print(root);
        json_decref(root);
    }
    if (result == EXPLAIN_NOT_FOUND && source.pipe == NULL) {
        status = CMD_USAGE;
    }
    buf_fini(&document);
    if (source.pipe != NULL) {
        cmd_redis_close(&redis);
    }
    return status;
}

/* The secret is on an edge's machine alone. */
static bool read_key(const struct conf *conf, struct token_key *key) {
    uint8_t secret[IDENTITY_SECRET_BYTES];
    struct err err;
    if (!identity_read_secret(conf->text[CONF_data_dir], secret, &err)) {
        return false;
    }
    token_key_init(key, secret, sizeof(secret));
    explicit_bzero(secret, sizeof(secret));
    return true;
}

/* --- as text -------------------------------------------------------------------------------- */

static const char *text_of(json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static uint64_t number_of(json_t *object, const char *name) {
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void print(json_t *document) {
    json_t *token = json_object_get(document, "token");
    json_t *click = json_object_get(document, "click");
    size_t index;
    json_t *line;
    print_line("click", text_of(document, "id"));
    print_when(document);
    if (json_is_object(token)) {
        print_line("token", text_of(token, "meaning"));
        if (text_of(token, "code")[0] != '\0') {
            print_line("", text_of(token, "code"));
        }
    }
    if (json_is_object(click)) {
        print_what(click, json_object_get(document, "why"));
        print_place(document);
    } else {
        print_line("found", "the click itself is not known (any more)");
    }
    print_conversions(document);
    json_array_foreach(json_object_get(document, "looked"), index, line) {
        print_line(index == 0 ? "looked at" : "", json_string_value(line));
    }
}

static void print_line(const char *name, const char *text) {
    printf("%-*s", NAME_WIDTH, name);
    show_clean(slice_of(text));
    putchar('\n');
}

static void print_when(json_t *document) {
    char text[CLOCK_RFC3339_BYTES];
    clock_rfc3339(number_of(document, "at"), text);
    print_line("at", text);
}

/* The click's own words, each with what it means. */
static void print_what(json_t *click, json_t *why) {
    static const char *const shown[] = {"code",   "campaign", "owner",   "platform", "browser",
                                        "in_app", "country",  "region",  "language", "referrer",
                                        "source", "agent",    "visitor", "network"};
    static const char *const told[] = {"kind", "outcome", "rule"};
    for (size_t i = 0; i < ARRAY_COUNT(told); i++) {
        print_line(told[i], text_of(click, told[i]));
        print_line("", text_of(why, told[i]));
    }
    for (size_t i = 0; i < ARRAY_COUNT(shown); i++) {
        if (text_of(click, shown[i])[0] != '\0') {
            print_line(shown[i], text_of(click, shown[i]));
        }
    }
}

static void print_place(json_t *document) {
    json_t *shipped = json_object_get(document, "shipped");
    json_t *journal = json_object_get(document, "journal");
    if (json_is_object(shipped)) {
        print_line("shipped", text_of(shipped, "stream"));
        print_line("", text_of(shipped, "entry"));
    } else {
        print_line("shipped", "not seen in the queue");
    }
    if (json_is_object(journal)) {
        print_line("journal", text_of(journal, "directory"));
        printf("%-*ssegment %" PRIu64 ", sequence %" PRIu64 "\n", NAME_WIDTH, "",
               number_of(journal, "segment"), number_of(journal, "sequence"));
    }
    if (text_of(document, "counting")[0] != '\0') {
        print_line("counted", text_of(document, "counting"));
    }
}

static void print_conversion(json_t *event) {
    json_t *hook = json_object_get(event, "webhook");
    char at[CLOCK_RFC3339_BYTES];
    clock_rfc3339(number_of(event, "at"), at);
    print_line("conversion", text_of(event, "event"));
    print_line("", at);
    print_line("", text_of(event, "status"));
    print_line("", text_of(event, "meaning"));
    if (json_object_get(event, "value") != NULL && text_of(event, "currency")[0] != '\0') {
        printf("%-*s%" PRIu64 " ", NAME_WIDTH, "", number_of(event, "value"));
        show_clean(slice_of(text_of(event, "currency")));
        fputs(" (minor units)\n", stdout);
    }
    if (number_of(event, "repeats") > 0) {
        printf("%-*sreported again %" PRIu64 " times, which counts nothing\n", NAME_WIDTH, "",
               number_of(event, "repeats"));
    }
    if (json_is_false(json_object_get(event, "counted"))) {
        print_line("", "a repetition, which counts nothing");
    }
    if (json_is_object(hook)) {
        printf("%-*swebhook: ", NAME_WIDTH, "");
        show_clean(slice_of(text_of(hook, "state")));
        printf(", %" PRIu64 " attempts", number_of(hook, "attempts"));
        if (text_of(hook, "last_error")[0] != '\0') {
            fputs(", last error: ", stdout);
            show_clean(slice_of(text_of(hook, "last_error")));
        }
        putchar('\n');
    }
}

static void print_conversions(json_t *document) {
    json_t *events = json_object_get(document, "conversions");
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event) {
        print_conversion(event);
    }
}
