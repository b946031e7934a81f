/*
 * link_set.c - `brinco link set` and `link new`: one link made or changed.
 *
 * The store checks each field by itself. What only the whole link and its campaign can tell is
 * looked at here: does it lead anywhere, and may its own URL have that scheme.
 *
 * Threads   The main thread.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "cmd.h"
#include "link/code.h"
#include "link/edit.h"
#include "link/record.h"
#include "link/values.h"
#include "session.h"
#include "show.h"

enum { CODES_TRIED_MAX = 32 };

static const char help[] =
    "Usage: brinco link set CODE [OPTIONS]\n"
    "\n"
    "Makes the link or changes what is given; the rest stays. An empty value removes a field.\n"
    "A link needs a campaign or a URL of its own.\n"
    "\n"
    "      --campaign ID          Whose templates say where its taps lead\n"
    "      --owner OWNER          Who shares it: {owner} in templates\n"
    "      --url URL              Leads there instead; a template as campaigns have them\n"
    "      --status STATUS        active or paused\n"
    "      --starts-at TIME       Unix seconds, 2026-01-31 (midnight in stats.timezone), or\n"
    "                             2026-01-31T23:59:59Z\n"
    "      --expires-at TIME      The same\n"
    "      --max-clicks N         After so many human taps, over all edges, its campaign's\n"
    "                             fallback; 0: as many as come\n" CMD_HELP_COMMON "\n"
    "Examples:\n"
    "  brinco link set AB12CD --campaign spring --owner ana --expires-at 2026-12-31\n"
    "  brinco link set AB12CD --max-clicks 100 --expires-at ''\n";

static const char new_help[] =
    "Usage: brinco link new [OPTIONS]\n"
    "\n"
    "Makes a link with a code of its own and prints the code: seven digits and capitals\n"
    "without 0 1 I L O, the last of which gives typing mistakes away.\n"
    "A link needs a campaign or a URL of its own.\n"
    "\n"
    "      --campaign ID          Whose templates say where its taps lead\n"
    "      --owner OWNER          Who shares it: {owner} in templates\n"
    "      --url URL              Leads there instead; a template as campaigns have them\n"
    "      --status STATUS        active or paused\n"
    "      --starts-at TIME       Unix seconds, 2026-01-31 (midnight in stats.timezone), or\n"
    "                             2026-01-31T23:59:59Z\n"
    "      --expires-at TIME      The same\n"
    "      --max-clicks N         After so many human taps, over all edges, its campaign's\n"
    "                             fallback; 0: as many as come\n"
    "      --json                 Prints the link as one JSON object\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco link new --campaign spring --owner ana\n";

static const struct cmd_option options[] = {
    {"campaign", true},  {"owner", true},      {"url", true},        {"status", true},
    {"starts-at", true}, {"expires-at", true}, {"max-clicks", true}, {NULL, false},
};
static const enum link_field field_of[] = {
    LINK_FIELD_CAMPAIGN,  LINK_FIELD_OWNER,      LINK_FIELD_URL,        LINK_FIELD_STATUS,
    LINK_FIELD_STARTS_AT, LINK_FIELD_EXPIRES_AT, LINK_FIELD_MAX_CLICKS,
};
enum { OPTION_COUNT = ARRAY_COUNT(options) - 1 };
_Static_assert(OPTION_COUNT == ARRAY_COUNT(field_of), "each option has a field");

/* Fields as they were given, and where times that were read stand. */
struct given {
    struct link_fields fields;
    char times[OPTION_COUNT][VALUES_TIME_BYTES];
};

static int make(struct session *session);
static int check_new(struct session *session, struct link_fields *fields);
static int set(struct session *session, struct slice code);
static bool read_options(const struct cmd_line *line, struct given *given);
static int check_whole(struct session *session, const struct link_fields *fields,
                       const struct link_fields *before);
static struct slice merged(const struct link_fields *fields, const struct link_fields *before,
                           enum link_field field);
static int check_with_campaign(struct session *session, struct slice id, struct slice url);

int cmd_link_new(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "link new", .help = new_help, .options = options, .json = true};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    return session_close(&session, make(&session));
}

int cmd_link_set(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "link set", .help = help, .options = options, .operands_min = 1, .operands_max = 1};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    return session_close(&session, set(&session, slice_of(session.line.operands[0])));
}

static int set(struct session *session, struct slice code) {
    struct given given = {0};
    if (!read_options(&session->line, &given)) {
        return CMD_USAGE;
    }
    struct err err = {0};
    struct link_fields before = {0};
    enum store_result found =
        store_link_get(&session->redis.store, code, &before, &session->scratch, &err);
    if (found != STORE_OK && found != STORE_NOT_FOUND) {
        return session_report(session, "link", code, found, &err);
    }
    int status = check_whole(session, &given.fields, &before);
    if (status != CMD_OK) {
        return status;
    }
    char now[VALUES_TIME_BYTES];
    if (found == STORE_NOT_FOUND) {
        snprintf(now, sizeof now, "%" PRIu64, clock_real_ms() / 1000);
        given.fields.value[LINK_FIELD_CREATED_AT] = slice_of(now);
    }
    enum store_result result = store_link_set(&session->redis.store, code, &given.fields, &err);
    return session_report(session, "link", code, result, &err);
}

static int make(struct session *session) {
    struct given given = {0};
    char now[VALUES_TIME_BYTES];
    char code[CODE_MADE_BYTES + 1];
    struct random random;
    struct err err = {0};
    if (!read_options(&session->line, &given)) {
        return CMD_USAGE;
    }
    int status = check_new(session, &given.fields);
    if (status != CMD_OK) {
        return status;
    }
    snprintf(now, sizeof now, "%" PRIu64, clock_real_ms() / 1000);
    given.fields.value[LINK_FIELD_CREATED_AT] = slice_of(now);
    random_init(&random);
    const struct edit edit = {
        .kind = RECORD_LINK, .id = slice_make(code, CODE_MADE_BYTES), .after = given.fields.value};
    enum edit_result result = EDIT_CHANGED; /* there is a link with this code */
    for (int i = 0; i < CODES_TRIED_MAX && result == EDIT_CHANGED; i++) {
        code_make(&random, code);
        result = edit_run(&session->redis.store, &edit, &err);
    }
    if (result != EDIT_DONE) {
        return cmd_fail(&session->line, "%s", err.text[0] != '\0' ? err.text : "no code is free");
    }
    struct record_view view = record_view_link(slice_of(code), &given.fields);
    if (session->line.json) {
        show_json(&view);
    } else {
        puts(code);
    }
    return CMD_OK;
}

/* Campaign and url as ever; the store, which checks the rest of what it sets, is not asked here.
 * Empty options are fields that are not there. */
static int check_new(struct session *session, struct link_fields *fields) {
    static const struct link_fields none = {0};
    const struct record_change change = {.kind = RECORD_LINK,
                                         .before = none.value,
                                         .after = fields->value,
                                         .schemes = SLICE("*"),
                                         .hosts = session->redis.store.hosts};
    struct err err;
    int status = check_whole(session, fields, &none);
    if (status == CMD_OK && !record_check(&change, NULL, &err)) {
        status = cmd_usage(&session->line, "%s", err.text);
    }
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        fields->value[i] = fields->value[i].size > 0 ? fields->value[i] : SLICE_EMPTY;
    }
    return status;
}

static bool read_options(const struct cmd_line *line, struct given *given) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (line->value[i] == NULL) {
            continue;
        }
        struct slice text = slice_of(line->value[i]);
        struct slice *value = &given->fields.value[field_of[i]];
        struct err err = {0};
        *value = text;
        if (record_is_time(link_field_name(field_of[i])) &&
            !values_read_time(text, given->times[i], value, &err)) {
            cmd_usage(line, "--%s: %s", options[i].name, err.text);
            return false;
        }
    }
    return true;
}

static int check_whole(struct session *session, const struct link_fields *fields,
                       const struct link_fields *before) {
    struct slice campaign = merged(fields, before, LINK_FIELD_CAMPAIGN);
    struct slice url = merged(fields, before, LINK_FIELD_URL);
    if (campaign.size == 0 && url.size == 0) {
        return cmd_usage(&session->line, "it would lead nowhere: --campaign or --url is needed");
    }
    return check_with_campaign(session, campaign, url);
}

/* What the field will be: as given, or as it was. */
static struct slice merged(const struct link_fields *fields, const struct link_fields *before,
                           enum link_field field) {
    return fields->value[field].data != NULL ? fields->value[field] : before->value[field];
}

/* A campaign that is not there yet is allowed, and said: someone may have mistyped it. */
static int check_with_campaign(struct session *session, struct slice id, struct slice url) {
    struct campaign_fields campaign = {0};
    struct err err = {0};
    if (id.size > 0 && !link_field_check(LINK_FIELD_CAMPAIGN, id, SLICE_EMPTY, SLICE_EMPTY, &err)) {
        return cmd_usage(&session->line, "%s", err.text);
    }
    struct buf scratch; /* not the session's: it holds the link, and moves when it grows */
    buf_init(&scratch, SESSION_SCRATCH_BYTES_MAX);
    int status = CMD_OK;
    enum store_result found = STORE_OK;
    if (id.size > 0) {
        found = store_campaign_get(&session->redis.store, id, &campaign, &scratch, &err);
    }
    if (found == STORE_NOT_FOUND) {
        cmd_fail(&session->line, "warning: there is no campaign \"%.*s\" yet", SLICE_ARG(id));
    } else if (found != STORE_OK) {
        status = session_report(session, "campaign", id, found, &err);
    }
    if (status == CMD_OK && url.size > 0 &&
        !link_field_check(LINK_FIELD_URL, url, campaign.value[CAMPAIGN_FIELD_SCHEMES],
                          session->redis.store.hosts, &err)) {
        status = cmd_usage(&session->line, "%s", err.text);
    }
    buf_fini(&scratch);
    return status;
}
