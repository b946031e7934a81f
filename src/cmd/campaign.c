/*
 * campaign.c - `brinco campaign`: where campaigns send people, written and shown.
 *
 * Threads   The main thread.
 * Limits    A listing is bounded by --limit alone: it prints as it reads.
 */
#include <limits.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "cmd.h"
#include "link/rules.h"
#include "link/values.h"
#include "session.h"
#include "show.h"

static const char group_help[] =
    "Usage: brinco campaign COMMAND [ARGUMENTS]\n"
    "\n"
    "  set ID           Make or change a campaign\n"
    "  get ID           Show one\n"
    "  list             Show all\n"
    "  delete ID...     Forget them; their links stay, and lead nowhere\n"
    "  history ID       Who changed it, when, before and after\n"
    "\n"
    "A change shows on every edge within milliseconds. Each command has --help.\n"
    "\n"
    "Example:\n"
    "  brinco campaign set spring --web 'https://www.example.mx/?code={code}'\n";

static const char set_help[] =
    "Usage: brinco campaign set ID [OPTIONS]\n"
    "\n"
    "Makes the campaign or changes what is given; the rest stays. An empty value removes a\n"
    "field. A template is an https URL that may hold {code}, {campaign}, {owner}, {click}\n"
    "(the click token) and {referrer} (the whole Play Store referrer).\n"
    "\n"
    "      --name TEXT            What people call it\n"
    "      --android TEMPLATE     Where Android phones are led\n"
    "      --ios TEMPLATE         Where iPhones and iPads are led\n"
    "      --web TEMPLATE         Where all others are led\n"
    "      --fallback TEMPLATE    Where taps lead that cannot go there: paused, expired\n"
    "      --status STATUS        active or paused\n"
    "      --starts-at TIME       Unix seconds, 2026-01-31 (midnight in stats.timezone), or\n"
    "                             2026-01-31T23:59:59Z\n"
    "      --expires-at TIME      The same\n"
    "      --og-title TEXT        Link preview: title\n"
    "      --og-description TEXT  Link preview: text\n"
    "      --og-image URL         Link preview: picture\n"
    "      --schemes LIST         Schemes allowed in templates beside https: 'bank'\n"
    "      --android-package NAME The app at Google Play: mx.example.app. Without --android,\n"
    "                             Android phones are led there, with the referrer\n"
    "      --android-fingerprints LIST\n"
    "                             SHA-256 of its signing certificates: 'AA:BB:... CC:DD:...'\n"
    "      --ios-app-id IDS       Its number at the App Store, and TEAMID.BUNDLE:\n"
    "                             '123456789 ABCDE12345.mx.example.app'. Without --ios, iPhones\n"
    "                             are led there\n"
    "      --ios-provider N       The App Store's pt: 117892\n"
    "      --ios-campaign TEXT    Its ct, up to 30 characters, never a person's code: 'Spring'.\n"
    "                             Left out: the campaign's id\n"
    "      --desktop WHERE        Where computers are led: page (links to the stores), qr (the\n"
    "                             same with a QR code), or a template. Left out: --web\n"
    "      --rules JSON|@FILE     Who is sent elsewhere; the first that fits decides:\n"
    "                             '[{\"country\":\"CO\",\"to\":\"https://example.co/\"}]'\n"
    "      --passthrough WHAT     What of a link's query goes on to web pages: none (as when it\n"
    "                             is left out), all, or names: 'utm_source utm_medium'\n"
    "      --events LIST          Names of conversions beside install, signup and first_loan:\n"
    "                             'card_issued second_loan'\n"
    "      --checks LIST          Thresholds of what looks odd: 'too_soon_s=10 own_link=off'\n"
    "      --webhook URL          Is told of conversions: https://example.mx/brinco\n" CMD_HELP_COMMON
    "\n"
    "Examples:\n"
    "  brinco campaign set spring --name 'Spring 2026' --web https://www.example.mx/ \\\n"
    "    --android-package mx.example.app --ios-app-id 123456789 --desktop qr\n"
    "  brinco campaign set spring --rules @rules.json\n"
    "  brinco campaign set spring --android 'bank://invite/{code}' --schemes bank\n";

static const char get_help[] =
    "Usage: brinco campaign get ID [--json]\n"
    "\n"
    "Shows a campaign. Exit status 1: there is no such campaign.\n"
    "\n"
    "      --json                 As one JSON object\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco campaign get spring\n";

static const char list_help[] =
    "Usage: brinco campaign list [--limit N] [--json]\n"
    "\n"
    "Shows all campaigns, in no order.\n"
    "\n"
    "      --limit N              At most N\n"
    "      --json                 One JSON object a line\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco campaign list --json\n";

static const char delete_help[] =
    "Usage: brinco campaign delete ID...\n"
    "\n"
    "Deletes campaigns; their links stay. Exit status 1: one of them did not exist.\n"
    "\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco campaign delete spring\n";

/* In the order of the fields, so that an option's index is its field. */
static const struct cmd_option set_options[] = {
    {"name", true},
    {"android", true},
    {"ios", true},
    {"web", true},
    {"fallback", true},
    {"status", true},
    {"starts-at", true},
    {"expires-at", true},
    {"og-title", true},
    {"og-description", true},
    {"og-image", true},
    {"schemes", true},
    {"android-package", true},
    {"android-fingerprints", true},
    {"ios-app-id", true},
    {"ios-provider", true},
    {"ios-campaign", true},
    {"desktop", true},
    {"rules", true},
    {"passthrough", true},
    {"events", true},
    {"checks", true},
    {"webhook", true},
    {NULL, false},
};
_Static_assert(ARRAY_COUNT(set_options) - 1 == (size_t)CAMPAIGN_FIELD_COUNT,
               "options follow the fields");

static const size_t list_columns[] = {CAMPAIGN_FIELD_STATUS, CAMPAIGN_FIELD_NAME};

struct listing {
    uint64_t left;
    bool json;
};

/* Fields as they were given, and where times and rules that were read stand. */
struct given {
    struct campaign_fields fields;
    char times[CAMPAIGN_FIELD_COUNT][VALUES_TIME_BYTES];
    struct buf rules;
};

static int set(const struct cmd *cmd);
static int get(const struct cmd *cmd);
static int list(const struct cmd *cmd);
static int delete_all(const struct cmd *cmd);
static bool read_options(const struct cmd_line *line, struct given *given);
static bool list_one(void *argument, struct slice id, const struct campaign_fields *fields);
static enum store_result delete_one(struct session *session, struct slice id, struct err *err);

int cmd_campaign(const struct cmd *cmd) {
    static const struct cmd_verb verbs[] = {
        {"set", set},
        {"get", get},
        {"list", list},
        {"delete", delete_all},
        {"history", cmd_campaign_history},
        {NULL, NULL},
    };
    static const struct cmd_group group = {.name = "campaign", .help = group_help, .verbs = verbs};
    return cmd_dispatch(cmd, &group);
}

static int set(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "campaign set",
                                             .help = set_help,
                                             .options = set_options,
                                             .operands_min = 1,
                                             .operands_max = 1};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct given given = {0};
    buf_init(&given.rules, RULES_BYTES_MAX);
    status = CMD_USAGE;
    if (read_options(&session.line, &given)) {
        struct slice id = slice_of(session.line.operands[0]);
        struct err err = {0};
        enum store_result result =
            store_campaign_set(&session.redis.store, id, &given.fields, &err);
        status = session_report(&session, "campaign", id, result, &err);
    }
    buf_fini(&given.rules);
    return session_close(&session, status);
}

static int get(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "campaign get",
                                             .help = get_help,
                                             .operands_min = 1,
                                             .operands_max = 1,
                                             .json = true};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct slice id = slice_of(session.line.operands[0]);
    struct campaign_fields fields;
    struct err err = {0};
    enum store_result result =
        store_campaign_get(&session.redis.store, id, &fields, &session.scratch, &err);
    status = session_report(&session, "campaign", id, result, &err);
    if (result == STORE_OK) {
        struct record_view object = record_view_campaign(id, &fields);
        (session.line.json ? show_json : show_text)(&object);
    }
    return session_close(&session, status);
}

static int list(const struct cmd *cmd) {
    enum { OPTION_LIMIT };
    static const struct cmd_option options[] = {{"limit", true}, {NULL, false}};
    static const struct cmd_syntax syntax = {
        .name = "campaign list", .help = list_help, .options = options, .json = true};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct listing listing = {.json = session.line.json};
    if (!session_limit(&session, session.line.value[OPTION_LIMIT], &listing.left)) {
        return session_close(&session, CMD_USAGE);
    }
    if (!listing.json) {
        static const struct campaign_fields none = {0};
        struct record_view header = record_view_campaign(SLICE_EMPTY, &none);
        show_row_header(&header, list_columns, ARRAY_COUNT(list_columns));
    }
    struct err err = {0};
    const struct store_walk walk = {.each_campaign = list_one, .argument = &listing};
    enum store_result result = store_walk_campaigns(&session.redis.store, &walk, &err);
    status = session_report(&session, "campaign", SLICE_EMPTY, result, &err);
    return session_close(&session, status);
}

static int delete_all(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "campaign delete", .help = delete_help, .operands_min = 1, .operands_max = INT_MAX};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    return session_close(&session, session_each(&session, "campaign", delete_one));
}

/* The JSON itself, or @ and the name of a file that holds it. */
static bool read_rules(const char *text, struct buf *out, struct slice *value, struct err *err) {
    struct buf file;
    if (text[0] != '@') {
        return values_read_rules(slice_of(text), out, value, err);
    }
    buf_init(&file, RULES_BYTES_MAX + 1);
    bool is_good =
        file_read(text + 1, &file, err) && values_read_rules(buf_slice(&file), out, value, err);
    buf_fini(&file);
    return is_good;
}

/* False, and err says why, when what is given cannot be a value. */
static bool read_value(size_t field, const char *text, struct given *given, struct err *err) {
    struct slice *value = &given->fields.value[field];
    *value = slice_of(text);
    if (field == CAMPAIGN_FIELD_STARTS_AT || field == CAMPAIGN_FIELD_EXPIRES_AT) {
        return values_read_time(*value, given->times[field], value, err);
    }
    return field != CAMPAIGN_FIELD_RULES || read_rules(text, &given->rules, value, err);
}

static bool read_options(const struct cmd_line *line, struct given *given) {
    size_t count = 0;
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        if (line->value[i] == NULL) {
            continue;
        }
        count++;
        struct err err = {0};
        if (!read_value(i, line->value[i], given, &err)) {
            cmd_usage(line, "--%s: %s", set_options[i].name, err.text);
            return false;
        }
    }
    if (count == 0) {
        cmd_usage(line, "nothing to set: at least one field is needed");
    }
    return count > 0;
}

static bool list_one(void *argument, struct slice id, const struct campaign_fields *fields) {
    struct listing *listing = argument;
    struct record_view object = record_view_campaign(id, fields);
    if (listing->json) {
        show_json(&object);
    } else {
        show_row(&object, list_columns, ARRAY_COUNT(list_columns));
    }
    return --listing->left > 0;
}

static enum store_result delete_one(struct session *session, struct slice id, struct err *err) {
    return store_campaign_delete(&session->redis.store, id, err);
}
