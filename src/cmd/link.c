/*
 * link.c - `brinco link`: what codes mean, shown, paused, resumed, deleted.
 *
 * All of it goes through link/store.h. Writing fields is link_set.c, writing many import.c.
 *
 * Threads   The main thread.
 * Limits    A listing is bounded by --limit alone: it prints as it reads.
 */
#include <limits.h>

#include "base/err.h"
#include "cmd.h"
#include "session.h"
#include "show.h"

static const char group_help[] =
    "Usage: brinco link COMMAND [ARGUMENTS]\n"
    "\n"
    "  new              Make a link, and a code for it\n"
    "  set CODE         Make or change a link\n"
    "  get CODE         Show one\n"
    "  list             Show all, or those of a campaign\n"
    "  pause CODE...    Send their taps to the campaign's fallback\n"
    "  resume CODE...   Undo that\n"
    "  delete CODE...   Forget them\n"
    "  import FILE      Make or change many, from CSV or JSON lines\n"
    "  history CODE     Who changed it, when, before and after\n"
    "  test CODE        Where a tap would lead, and why\n"
    "\n"
    "A change shows on every edge within milliseconds. Each command has --help.\n"
    "A code that begins with - stands behind --.\n"
    "\n"
    "Example:\n"
    "  brinco link set AB12CD --campaign spring --owner ana\n";

static const char get_help[] =
    "Usage: brinco link get CODE [--json]\n"
    "\n"
    "Shows a link. Exit status 1: there is no such link.\n"
    "\n"
    "      --json                 As one JSON object\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco link get AB12CD\n";

static const char list_help[] =
    "Usage: brinco link list [--campaign ID] [--limit N] [--json]\n"
    "\n"
    "Shows all links, in no order. While Redis grows or shrinks its table, a link may be\n"
    "shown twice.\n"
    "\n"
    "      --campaign ID          Those of this campaign only\n"
    "      --limit N              At most N\n"
    "      --json                 One JSON object a line\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco link list --campaign spring --limit 10\n";

static const char pause_help[] =
    "Usage: brinco link pause CODE...\n"
    "\n"
    "Pauses links: their taps lead to the campaign's fallback. Exit status 1: one of them\n"
    "does not exist; it is not made.\n"
    "\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco link pause AB12CD EF34GH\n";

static const char resume_help[] =
    "Usage: brinco link resume CODE...\n"
    "\n"
    "Makes paused links active again. Exit status 1: one of them does not exist; it is not\n"
    "made.\n"
    "\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco link resume AB12CD EF34GH\n";

static const char delete_help[] =
    "Usage: brinco link delete CODE...\n"
    "\n"
    "Deletes links; their clicks stay counted. Exit status 1: one of them did not exist.\n"
    "\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco link delete AB12CD\n";

static const size_t list_columns[] = {LINK_FIELD_CAMPAIGN, LINK_FIELD_OWNER, LINK_FIELD_STATUS,
                                      LINK_FIELD_URL};

struct listing {
    struct slice campaign; /* empty: all */
    uint64_t left;
    bool json;
};

static int get(const struct cmd *cmd);
static int list(const struct cmd *cmd);
static int pause_all(const struct cmd *cmd);
static int resume_all(const struct cmd *cmd);
static int delete_all(const struct cmd *cmd);
static bool list_one(void *argument, struct slice code, const struct link_fields *fields);
static enum store_result pause_one(struct session *session, struct slice code, struct err *err);
static enum store_result resume_one(struct session *session, struct slice code, struct err *err);
static enum store_result delete_one(struct session *session, struct slice code, struct err *err);
static enum store_result set_status(struct session *session, struct slice code, struct slice status,
                                    struct err *err);

int cmd_link(const struct cmd *cmd) {
    static const struct cmd_verb verbs[] = {
        {"new", cmd_link_new},
        {"set", cmd_link_set},
        {"get", get},
        {"list", list},
        {"pause", pause_all},
        {"resume", resume_all},
        {"delete", delete_all},
        {"import", cmd_link_import},
        {"history", cmd_link_history},
        {"test", cmd_link_test},
        {NULL, NULL},
    };
    static const struct cmd_group group = {.name = "link", .help = group_help, .verbs = verbs};
    return cmd_dispatch(cmd, &group);
}

static int get(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "link get", .help = get_help, .operands_min = 1, .operands_max = 1, .json = true};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct slice code = slice_of(session.line.operands[0]);
    struct link_fields fields;
    struct err err = {0};
    enum store_result result =
        store_link_get(&session.redis.store, code, &fields, &session.scratch, &err);
    status = session_report(&session, "link", code, result, &err);
    if (result == STORE_OK) {
        struct record_view object = record_view_link(code, &fields);
        (session.line.json ? show_json : show_text)(&object);
    }
    return session_close(&session, status);
}

static int list(const struct cmd *cmd) {
    enum { OPTION_CAMPAIGN, OPTION_LIMIT };
    static const struct cmd_option options[] = {{"campaign", true}, {"limit", true}, {NULL, false}};
    static const struct cmd_syntax syntax = {
        .name = "link list", .help = list_help, .options = options, .json = true};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct listing listing = {.campaign = slice_of(session.line.value[OPTION_CAMPAIGN]),
                              .json = session.line.json};
    if (!session_limit(&session, session.line.value[OPTION_LIMIT], &listing.left)) {
        return session_close(&session, CMD_USAGE);
    }
    if (!listing.json) {
        static const struct link_fields none = {0};
        struct record_view header = record_view_link(SLICE_EMPTY, &none);
        show_row_header(&header, list_columns, ARRAY_COUNT(list_columns));
    }
    struct err err = {0};
    const struct store_walk walk = {.each_link = list_one, .argument = &listing};
    enum store_result result = store_walk_links(&session.redis.store, &walk, &err);
    status = session_report(&session, "link", SLICE_EMPTY, result, &err);
    return session_close(&session, status);
}

static int pause_all(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "link pause", .help = pause_help, .operands_min = 1, .operands_max = INT_MAX};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    return session_close(&session, session_each(&session, "link", pause_one));
}

static int resume_all(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "link resume", .help = resume_help, .operands_min = 1, .operands_max = INT_MAX};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    return session_close(&session, session_each(&session, "link", resume_one));
}

static int delete_all(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {
        .name = "link delete", .help = delete_help, .operands_min = 1, .operands_max = INT_MAX};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    return session_close(&session, session_each(&session, "link", delete_one));
}

static bool list_one(void *argument, struct slice code, const struct link_fields *fields) {
    struct listing *listing = argument;
    if (listing->campaign.size > 0 &&
        !slice_equal(listing->campaign, fields->value[LINK_FIELD_CAMPAIGN])) {
        return true;
    }
    struct record_view object = record_view_link(code, fields);
    if (listing->json) {
        show_json(&object);
    } else {
        show_row(&object, list_columns, ARRAY_COUNT(list_columns));
    }
    return --listing->left > 0;
}

static enum store_result pause_one(struct session *session, struct slice code, struct err *err) {
    return set_status(session, code, SLICE("paused"), err);
}

static enum store_result resume_one(struct session *session, struct slice code, struct err *err) {
    return set_status(session, code, SLICE("active"), err);
}

static enum store_result delete_one(struct session *session, struct slice code, struct err *err) {
    return store_link_delete(&session->redis.store, code, err);
}

/* Looks first: a set would make what is not there. */
static enum store_result set_status(struct session *session, struct slice code, struct slice status,
                                    struct err *err) {
    struct link_fields fields;
    buf_clear(&session->scratch);
    enum store_result found =
        store_link_get(&session->redis.store, code, &fields, &session->scratch, err);
    if (found != STORE_OK) {
        return found;
    }
    fields = (struct link_fields){.value[LINK_FIELD_STATUS] = status};
    return store_link_set(&session->redis.store, code, &fields, err);
}
