/*
 * webhook.c - `brinco webhook`: what was told to customers' backends, and telling it again.
 *
 * Threads   The main thread.
 * Limits    ROWS_MAX webhooks in a table; as JSON, any number.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cmd.h"
#include "conf/conf.h"
#include "credit/webhook_store.h"
#include "link/code.h"
#include "session.h"
#include "table.h"
#include "webhook_secret.h"

enum {
    LIMIT_DEFAULT = 100,
    ROWS_MAX = 10000,
    PAGE = 1000, /* webhooks taken up again at a time */
    TABLE_BYTES_MAX = 16 * 1024 * 1024,
    JSON_BYTES_MAX = WEBHOOK_JSON_BYTES_MAX,
    CELL_BYTES = 72,
};

static const char group_help[] =
    "Usage: brinco webhook COMMAND [ARGUMENTS]\n"
    "\n"
    "  list             Show webhooks, the newest first\n"
    "  retry ID...      Send them again\n"
    "  secret CAMPAIGN  Show what its receiver verifies signatures with\n"
    "\n"
    "A campaign's webhook is told of every conversion, and tried again for a day. Each command\n"
    "has --help.\n"
    "\n"
    "Example:\n"
    "  brinco webhook list --state failed\n";

static const char list_help[] =
    "Usage: brinco webhook list [--state STATE] [--campaign ID] [--limit N] [--json]\n"
    "\n"
    "Shows webhooks, the newest first. Delivered ones are kept for 7 days, failed ones for 30.\n"
    "\n"
    "      --state STATE          pending, delivered or failed\n"
    "      --campaign ID          Of this campaign only\n"
    "      --limit N              At most N (default 100; in a table at most 10000)\n"
    "      --json                 One JSON object a line\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco webhook list --state failed --campaign spring\n";

static const char retry_help[] =
    "Usage: brinco webhook retry ID... [--again]\n"
    "       brinco webhook retry --failed [--campaign ID]\n"
    "\n"
    "Makes failed webhooks pending again: they are sent at once, and tried for as long as in the\n"
    "beginning. Pending ones are sent at once, too, unless they are on their way. Exit status 1:\n"
    "one of them does not exist, is on its way, or was delivered.\n"
    "\n"
    "      --again                Delivered ones, too: the receiver knows them by their id\n"
    "      --failed               All that failed\n"
    "      --campaign ID          With --failed: of this campaign only\n" CMD_HELP_COMMON "\n"
    "Example:\n"
    "  brinco webhook retry --failed --campaign spring\n";

static int list(const struct cmd *cmd);
static int retry(const struct cmd *cmd);
static bool check_campaign(const struct cmd_line *line, const char *campaign);
static int report(const struct session *session, enum webhook_store_result result,
                  const struct err *err);

int cmd_webhook(const struct cmd *cmd) {
    static const struct cmd_verb verbs[] = {
        {"list", list}, {"retry", retry}, {"secret", cmd_webhook_secret}, {NULL, NULL}};
    static const struct cmd_group group = {.name = "webhook", .help = group_help, .verbs = verbs};
    return cmd_dispatch(cmd, &group);
}

static struct webhook_store store_of(const struct session *session) {
    return (struct webhook_store){.pipe = session->redis.pipe,
                                  .key_prefix = slice_of(session->conf->text[CONF_redis_prefix])};
}

/* --- list ----------------------------------------------------------------------------------- */

enum list_column {
    COLUMN_CREATED,
    COLUMN_ID,
    COLUMN_CAMPAIGN,
    COLUMN_STATE,
    COLUMN_ATTEMPTS,
    COLUMN_NEXT,
    COLUMN_ERROR,
    COLUMN_COUNT
};

struct list_row {
    char cell[COLUMN_COUNT][CELL_BYTES];
};

struct listing {
    bool json;
    uint64_t count;
    struct list_row *rows;      /* NULL: JSON */
    struct webhook_place place; /* where it ended; at_ms 0: there is no more */
};

/* To the second; nothing for what is no time. */
static void put_time(struct slice value, char cell[CELL_BYTES]) {
    uint64_t at_ms;
    char text[CLOCK_RFC3339_BYTES];
    cell[0] = '\0';
    if (slice_to_u64(value, WEBHOOK_TIME_MS_MAX, &at_ms)) {
        clock_rfc3339(at_ms, text);
        snprintf(cell, CELL_BYTES, "%.19sZ", text);
    }
}

/* What is too long is cut between characters. */
static void put_text(struct slice value, char cell[CELL_BYTES]) {
    struct buf out = buf_over(cell, CELL_BYTES - 1);
    while (value.size > 0) {
        size_t size = slice_utf8_size(value);
        struct slice character = slice_first(value, size > 0 ? size : 1);
        if (!buf_append(&out, size > 0 ? character : SLICE("?"))) {
            break;
        }
        value = slice_from(value, character.size);
    }
    cell[out.size] = '\0';
}

static void list_one(void *argument, struct slice id, const struct slice *value) {
    struct listing *listing = argument;
    if (listing->json) {
        struct buf line;
        buf_init(&line, JSON_BYTES_MAX);
        webhook_json(id, value, &line);
        ENSURE(!line.overflowed);
        printf("%.*s\n", SLICE_ARG(buf_slice(&line)));
        buf_fini(&line);
    } else {
        struct list_row *row = &listing->rows[listing->count];
        put_time(value[WEBHOOK_FIELD_CREATED_AT], row->cell[COLUMN_CREATED]);
        put_text(id, row->cell[COLUMN_ID]);
        put_text(value[WEBHOOK_FIELD_CAMPAIGN], row->cell[COLUMN_CAMPAIGN]);
        put_text(value[WEBHOOK_FIELD_STATE], row->cell[COLUMN_STATE]);
        put_text(value[WEBHOOK_FIELD_ATTEMPTS], row->cell[COLUMN_ATTEMPTS]);
        put_time(value[WEBHOOK_FIELD_NEXT_AT], row->cell[COLUMN_NEXT]);
        put_text(value[WEBHOOK_FIELD_LAST_ERROR], row->cell[COLUMN_ERROR]);
    }
    listing->count++;
}

static void list_cell(const void *argument, size_t row, size_t column, struct buf *out) {
    const struct listing *listing = argument;
    table_append_text(slice_of(listing->rows[row].cell[column]), CELL_BYTES, out);
}

static void print_table(const struct listing *listing) {
    static const struct table_column columns[COLUMN_COUNT] = {
        [COLUMN_CREATED] = {.name = "CREATED", .may_leave = 2},
        [COLUMN_ID] = {.name = "ID"},
        [COLUMN_CAMPAIGN] = {.name = "CAMPAIGN", .may_leave = 3},
        [COLUMN_STATE] = {.name = "STATE"},
        [COLUMN_ATTEMPTS] = {.name = "ATTEMPTS", .is_number = true, .may_leave = 4},
        [COLUMN_NEXT] = {.name = "NEXT", .may_leave = 1},
        [COLUMN_ERROR] = {.name = "ERROR", .may_leave = 5},
    };
    struct table table = {.column = columns,
                          .column_count = COLUMN_COUNT,
                          .row_count = (size_t)listing->count,
                          .argument = listing,
                          .cell = list_cell};
    struct table_style style = table_style_of(STDOUT_FILENO);
    struct buf out;
    buf_init(&out, TABLE_BYTES_MAX);
    (void)table_write(&table, &style, &out);
    fwrite(out.data, 1, out.size, stdout);
    buf_fini(&out);
}

enum { OPTION_STATE, OPTION_CAMPAIGN, OPTION_LIMIT };

static bool read_list(const struct session *session, struct webhook_list *wanted) {
    const char *const *value = session->line.value;
    uint64_t limit = LIMIT_DEFAULT;
    wanted->state = slice_of(value[OPTION_STATE]);
    wanted->campaign = slice_of(value[OPTION_CAMPAIGN]);
    bool is_state = slice_equal(wanted->state, SLICE("pending")) ||
                    slice_equal(wanted->state, SLICE("delivered")) ||
                    slice_equal(wanted->state, SLICE("failed"));
    if (value[OPTION_STATE] != NULL && !is_state) {
        cmd_usage(&session->line, "--state: allowed are pending, delivered and failed");
        return false;
    }
    if (!check_campaign(&session->line, value[OPTION_CAMPAIGN]) ||
        (value[OPTION_LIMIT] != NULL && !session_limit(session, value[OPTION_LIMIT], &limit))) {
        return false;
    }
    if (!session->line.json && limit > ROWS_MAX) {
        cmd_usage(&session->line, "--limit: a table has at most %d; --json has more", ROWS_MAX);
        return false;
    }
    wanted->limit = limit < SIZE_MAX ? (size_t)limit : SIZE_MAX;
    return true;
}

/* Page after page, until there are enough. */
static enum webhook_store_result walk(const struct session *session, struct webhook_list *wanted,
                                      struct listing *listing, struct err *err) {
    struct webhook_store store = store_of(session);
    size_t limit = wanted->limit;
    struct webhook_place *place = &listing->place;
    enum webhook_store_result result;
    do {
        struct webhook_place from = *place;
        wanted->limit = limit - (size_t)listing->count;
        wanted->before_ms = from.at_ms;
        wanted->before = slice_of(from.id);
        result = webhook_list(&store, wanted, place, err);
    } while (result == WEBHOOK_STORE_OK && place->at_ms != 0 && listing->count < limit);
    return result;
}

static void list_none(void *argument, struct slice id, const struct slice *value) {
    bool *is_one = argument;
    (void)id;
    (void)value;
    *is_one = true;
}

/* Whether there are others behind those that were shown; on stderr, which no program reads. */
static void say_more(const struct session *session, const struct webhook_list *shown,
                     const struct webhook_place *place) {
    struct webhook_store store = store_of(session);
    bool is_one = false;
    struct webhook_list next = *shown;
    struct webhook_place ignored;
    struct err err;
    next.limit = 1;
    next.before_ms = place->at_ms;
    next.before = slice_of(place->id);
    next.each = list_none;
    next.argument = &is_one;
    if (place->at_ms != 0 && webhook_list(&store, &next, &ignored, &err) == WEBHOOK_STORE_OK &&
        is_one) {
        fputs("There are more: --limit shows as many as you say.\n", stderr);
    }
}

static int list(const struct cmd *cmd) {
    static const struct cmd_option options[] = {
        {"state", true}, {"campaign", true}, {"limit", true}, {NULL, false}};
    static const struct cmd_syntax syntax = {
        .name = "webhook list", .help = list_help, .options = options, .json = true, .once = true};
    struct session session;
    struct err err = {""};
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct listing listing = {.json = session.line.json};
    struct webhook_list wanted = {.each = list_one, .argument = &listing};
    if (!read_list(&session, &wanted)) {
        return session_close(&session, CMD_USAGE);
    }
    if (!listing.json) {
        listing.rows = calloc(wanted.limit, sizeof(*listing.rows));
        ENSURE(listing.rows != NULL);
    }
    enum webhook_store_result result = walk(&session, &wanted, &listing, &err);
    if (!listing.json && result == WEBHOOK_STORE_OK) {
        print_table(&listing);
    }
    if (result == WEBHOOK_STORE_OK) {
        say_more(&session, &wanted, &listing.place);
    }
    free(listing.rows);
    return session_close(&session, report(&session, result, &err));
}

/* --- retry ---------------------------------------------------------------------------------- */

enum { OPTION_AGAIN, OPTION_FAILED, OPTION_OF_CAMPAIGN };

/* Says what became of one; returns the exit status. */
static int say_retried(const struct session *session, struct slice id,
                       enum webhook_retried retried) {
    id = slice_first(id, 80);
    switch (retried) {
    case WEBHOOK_RETRY_DONE:
        printf("%.*s: pending again, sent at once\n", SLICE_ARG(id));
        return CMD_OK;
    case WEBHOOK_RETRY_SOONER:
        printf("%.*s: was pending, sent at once\n", SLICE_ARG(id));
        return CMD_OK;
    case WEBHOOK_RETRY_SENDING:
        cmd_fail(&session->line, "\"%.*s\" is on its way", SLICE_ARG(id));
        return CMD_PARTIAL;
    case WEBHOOK_RETRY_DELIVERED:
        cmd_fail(&session->line, "\"%.*s\" was delivered; --again sends it all the same",
                 SLICE_ARG(id));
        return CMD_PARTIAL;
    case WEBHOOK_RETRY_NONE:
        cmd_fail(&session->line, "there is no webhook \"%.*s\"", SLICE_ARG(id));
        return CMD_PARTIAL;
    }
    ENSURE(false && "a result that is not in enum webhook_retried");
    return CMD_USAGE;
}

static int retry_each(const struct session *session) {
    struct webhook_store store = store_of(session);
    int status = CMD_OK;
    for (int i = 0; i < session->line.operand_count; i++) {
        struct webhook_retry one = {.id = slice_of(session->line.operands[i]),
                                    .again = session->line.value[OPTION_AGAIN] != NULL,
                                    .now_ms = clock_real_ms()};
        enum webhook_retried retried;
        struct err err = {""};
        enum webhook_store_result result = webhook_retry(&store, &one, &retried, &err);
        if (result != WEBHOOK_STORE_OK) {
            return report(session, result, &err);
        }
        int outcome = say_retried(session, one.id, retried);
        status = outcome > status ? outcome : status;
    }
    return status;
}

struct page {
    size_t count;
    char id[PAGE][WEBHOOK_ID_BYTES_MAX + 1];
};

static void collect(void *argument, struct slice id, const struct slice *value) {
    struct page *page = argument;
    (void)value;
    ENSURE(page->count < PAGE);
    snprintf(page->id[page->count], sizeof(page->id[0]), "%.*s", SLICE_ARG(id));
    page->count++;
}

static enum webhook_store_result retry_page(const struct session *session, const struct page *page,
                                            uint64_t *count, struct err *err) {
    struct webhook_store store = store_of(session);
    enum webhook_store_result result = WEBHOOK_STORE_OK;
    for (size_t i = 0; i < page->count && result == WEBHOOK_STORE_OK; i++) {
        struct webhook_retry one = {.id = slice_of(page->id[i]), .now_ms = clock_real_ms()};
        enum webhook_retried retried;
        result = webhook_retry(&store, &one, &retried, err);
        *count += result == WEBHOOK_STORE_OK && retried == WEBHOOK_RETRY_DONE;
    }
    return result;
}

/* Those that were taken up stand at the front of the list, so going on from a place never meets
 * them again. */
static int retry_failed(const struct session *session) {
    struct webhook_store store = store_of(session);
    struct webhook_place place = {0};
    struct page *page = calloc(1, sizeof(*page));
    uint64_t count = 0;
    struct err err = {""};
    enum webhook_store_result result;
    ENSURE(page != NULL);
    do {
        struct webhook_place from = place;
        struct webhook_list wanted = {.state = SLICE("failed"),
                                      .campaign = slice_of(session->line.value[OPTION_OF_CAMPAIGN]),
                                      .limit = PAGE,
                                      .before_ms = from.at_ms,
                                      .before = slice_of(from.id),
                                      .each = collect,
                                      .argument = page};
        page->count = 0;
        result = webhook_list(&store, &wanted, &place, &err);
        if (result == WEBHOOK_STORE_OK) {
            result = retry_page(session, page, &count, &err);
        }
    } while (result == WEBHOOK_STORE_OK && place.at_ms != 0);
    free(page);
    printf("%lu failed webhook%s pending again, sent at once\n", (unsigned long)count,
           count == 1 ? " is" : "s are");
    return report(session, result, &err);
}

static int retry(const struct cmd *cmd) {
    static const struct cmd_option options[] = {
        {"again", false}, {"failed", false}, {"campaign", true}, {NULL, false}};
    static const struct cmd_syntax syntax = {.name = "webhook retry",
                                             .help = retry_help,
                                             .options = options,
                                             .operands_max = INT_MAX,
                                             .once = true};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    const struct cmd_line *line = &session.line;
    bool all_failed = line->value[OPTION_FAILED] != NULL;
    if (all_failed == (line->operand_count > 0)) {
        status = cmd_usage(line, "wanted are ids, or --failed");
    } else if (all_failed ? line->value[OPTION_AGAIN] != NULL
                          : line->value[OPTION_OF_CAMPAIGN] != NULL) {
        status = cmd_usage(line, "--campaign goes with --failed, --again with ids");
    } else if (!check_campaign(line, line->value[OPTION_OF_CAMPAIGN])) {
        status = CMD_USAGE;
    } else {
        status = all_failed ? retry_failed(&session) : retry_each(&session);
    }
    return session_close(&session, status);
}

/* --- what they share ------------------------------------------------------------------------ */

/* NULL is none. */
static bool check_campaign(const struct cmd_line *line, const char *campaign) {
    if (campaign == NULL || code_is_valid(slice_of(campaign))) {
        return true;
    }
    cmd_usage(line, "\"%.64s\" is no campaign: allowed are 1 to 64 of A-Z a-z 0-9 - _", campaign);
    return false;
}

static int report(const struct session *session, enum webhook_store_result result,
                  const struct err *err) {
    return result == WEBHOOK_STORE_OK ? CMD_OK : cmd_fail(&session->line, "%s", err->text);
}
