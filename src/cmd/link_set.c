/*
 * link_set.c - `brinco link set`: one link made or changed.
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
#include "cmd.h"
#include "session.h"
#include "values.h"

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
    "      --expires-at TIME      The same\n" CMD_HELP_COMMON "\n"
    "Examples:\n"
    "  brinco link set AB12CD --campaign spring --owner ana --expires-at 2026-12-31\n"
    "  brinco link set AB12CD --expires-at ''\n";

/* In the order of the fields, so that an option's index is its field. */
static const struct cmd_option options[] = {
    {"campaign", true},  {"owner", true},      {"url", true}, {"status", true},
    {"starts-at", true}, {"expires-at", true}, {NULL, false},
};
enum { OPTION_COUNT = ARRAY_COUNT(options) - 1 };
_Static_assert((int)OPTION_COUNT == (int)LINK_FIELD_CREATED_AT, "options follow the fields");

/* Fields as they were given, and where times that were read stand. */
struct given {
    struct link_fields fields;
    char times[OPTION_COUNT][VALUES_TIME_BYTES];
};

static int set(struct session *session, struct slice code);
static bool read_options(const struct cmd_line *line, struct given *given);
static int check_whole(struct session *session, const struct link_fields *fields,
                       const struct link_fields *before);
static struct slice merged(const struct link_fields *fields, const struct link_fields *before,
                           enum link_field field);
static int check_with_campaign(struct session *session, struct slice id, struct slice url);

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

static bool read_options(const struct cmd_line *line, struct given *given) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (line->value[i] == NULL) {
            continue;
        }
        struct slice text = slice_of(line->value[i]);
        given->fields.value[i] = text;
        struct err err = {0};
        bool is_time = i == LINK_FIELD_STARTS_AT || i == LINK_FIELD_EXPIRES_AT;
        if (is_time && !values_read_time(text, given->times[i], &given->fields.value[i], &err)) {
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
    if (id.size > 0 && !link_field_check(LINK_FIELD_CAMPAIGN, id, SLICE_EMPTY, &err)) {
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
        !link_field_check(LINK_FIELD_URL, url, campaign.value[CAMPAIGN_FIELD_SCHEMES], &err)) {
        status = cmd_usage(&session->line, "%s", err.text);
    }
    buf_fini(&scratch);
    return status;
}
