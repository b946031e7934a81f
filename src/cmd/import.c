/*
 * import.c - `brinco link import`: many links from a file.
 *
 *   input ──► rows (CSV, JSON lines) ──► check ──► batch ──► Redis
 *                                          └──► FILE:LINE: code: what is wrong (stderr)
 *
 * What is refused does not stop the rest. A row sets the fields it gives and leaves the others
 * as they are, so an import can be repeated, and of two rows with one code the later wins, field
 * by field. Reading and writing take turns on one connection: while a batch is being answered
 * nothing else is asked, so that campaigns can be looked up in between.
 *
 * Threads   The main thread.
 * Limits    REFUSALS_SHOWN_MAX refusals and WARNINGS_SHOWN_MAX warnings are printed, the rest
 *           counted. Memory does not grow with the file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "batch.h"
#include "cmd.h"
#include "input.h"
#include "link/code.h"
#include "link/schemes.h"
#include "link/values.h"
#include "progress.h"
#include "rows.h"
#include "session.h"

enum { REFUSALS_SHOWN_MAX = 100, WARNINGS_SHOWN_MAX = 20, PROGRESS_ROWS = 256 };

static const enum link_field time_fields[] = {LINK_FIELD_STARTS_AT, LINK_FIELD_EXPIRES_AT,
                                              LINK_FIELD_CREATED_AT};

/* The digits that a row's times were read as. */
struct row_times {
    char text[ARRAY_COUNT(time_fields)][VALUES_TIME_BYTES];
};

static const char help[] =
    "Usage: brinco link import FILE|- [--format csv|jsonl] [--dry-run] [--json]\n"
    "\n"
    "Makes or changes many links. CSV (RFC 4180) begins with a line that names the columns:\n"
    "  " ROWS_NAMES "\n"
    "A record is one line: a quote that is not closed before its end is refused.\n"
    "JSON lines have one object a line with members of these names, as brinco link list --json\n"
    "prints them. Times are Unix seconds, 2026-01-31 (midnight in stats.timezone) or\n"
    "2026-01-31T23:59:59Z.\n"
    "\n"
    "Each row needs a code, and a campaign or a url. It sets the fields it gives; an empty\n"
    "value (in JSON also null) removes its field; a column that is not there changes nothing;\n"
    "without created_at, a link that has none gets the time of the import. used, which\n"
    "brinco link list --json prints, is brinco's own count: it is passed over.\n"
    "Of two rows with one code the later wins. A row that is refused is named with file and\n"
    "line, and the rest goes on. Exit status 1: some were refused. 2: Redis or the file could\n"
    "not be read to the end; what was written until then is said.\n"
    "\n"
    "      --format csv|jsonl     Default: JSON lines if the first byte is {, else CSV\n"
    "      --dry-run              Check everything, write nothing\n"
    "      --json                 The summary as one JSON object\n" CMD_HELP_COMMON "\n"
    "Examples:\n"
    "  brinco link import links.csv\n"
    "  brinco link list --json >links.jsonl && brinco link import links.jsonl\n"
    "  zcat links.jsonl.gz | brinco link import - --format jsonl\n";

enum { OPTION_FORMAT, OPTION_DRY_RUN };
static const struct cmd_option options[] = {{"format", true}, {"dry-run", false}, {NULL, false}};

struct import {
    struct session session;
    const char *path;
    bool dry_run;
    struct input *input;
    struct rows *rows;
    struct schemes schemes;
    struct batch batch;
    struct progress progress;
    struct batch_outcome outcome;
    uint64_t started_ns;
    uint64_t read;     /* rows, good or bad */
    uint64_t imported; /* of a dry run: that would be */
    uint64_t refused;
    uint64_t warned;
};

static int import_file(struct import *import);
static bool choose_format(const struct cmd_line *line, struct input *input,
                          enum rows_format *format);
static int import_rows(struct import *import);
static bool import_row(struct import *import, struct row *row, struct err *err);
static bool check_row(struct import *import, struct row *row, bool *is_good, struct err *err);
static bool check_fields(const struct row *row, struct slice schemes, struct slice hosts,
                         struct err *err);
static bool read_times(struct row *row, struct row_times *times, struct err *err);
static bool write_batch(struct import *import, struct err *err);
static void refuse(struct import *import, const struct row *row, const char *reason);
static void on_refused_by_redis(void *argument, uint64_t line, struct slice code,
                                struct slice reason);
static void warn_of_campaign(struct import *import, const struct row *row, struct slice id);
static void print_place(struct import *import, uint64_t line, struct slice code);
static void show_progress(struct import *import);
static int fail(struct import *import, const char *reason);
static int sum_up(struct import *import);

int cmd_link_import(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "link import",
                                             .help = help,
                                             .options = options,
                                             .operands_min = 1,
                                             .operands_max = 1,
                                             .json = true};
    struct import *import = calloc(1, sizeof *import);
    ENSURE(import != NULL);
    int status;
    if (session_open(cmd, &syntax, &import->session, &status)) {
        import->path = import->session.line.operands[0];
        import->dry_run = import->session.line.value[OPTION_DRY_RUN] != NULL;
        status = session_close(&import->session, import_file(import));
    }
    free(import);
    return status;
}

static int import_file(struct import *import) {
    struct err err = {0};
    const struct cmd_line *line = &import->session.line;
    import->input = input_open(import->path, &err);
    if (import->input == NULL) {
        return cmd_fail(line, "%s", err.text);
    }
    int status = CMD_USAGE;
    enum rows_format format;
    if (choose_format(line, import->input, &format)) {
        import->rows = rows_create(import->input, format, &err);
        if (import->rows == NULL) {
            cmd_fail(line, "%s: %s", import->path, err.text);
        } else {
            status = import_rows(import);
        }
    }
    rows_destroy(&import->rows);
    input_close(&import->input);
    return status;
}

static bool choose_format(const struct cmd_line *line, struct input *input,
                          enum rows_format *format) {
    const char *name = line->value[OPTION_FORMAT];
    if (name == NULL) {
        *format = input_peek(input) == '{' ? ROWS_JSON : ROWS_CSV;
    } else if (strcmp(name, "csv") == 0) {
        *format = ROWS_CSV;
    } else if (strcmp(name, "jsonl") == 0) {
        *format = ROWS_JSON;
    } else {
        cmd_usage(line, "--format: \"%.32s\" is neither csv nor jsonl", name);
        return false;
    }
    return true;
}

static int import_rows(struct import *import) {
    struct store *store = &import->session.redis.store;
    store->author.via = SLICE("import");
    import->started_ns = clock_monotonic_ns();
    progress_init(&import->progress, isatty(STDERR_FILENO) == 1, import->started_ns);
    schemes_init(&import->schemes, store);
    batch_init(&import->batch, store, clock_real_ms() / 1000);
    import->outcome.on_refused = on_refused_by_redis;
    import->outcome.argument = import;

    struct err err = {0};
    struct row row;
    bool alive = true;
    enum rows_result result;
    while (alive && (result = rows_read(import->rows, &row, &err)) != ROWS_END &&
           import->input->error == 0) {
        import->read++;
        if (result == ROWS_ROW) {
            alive = import_row(import, &row, &err);
        } else {
            refuse(import, &row, err.text);
        }
        show_progress(import);
    }
    alive = alive && write_batch(import, &err);
    progress_clear(&import->progress);
    int status;
    if (!alive) {
        status = fail(import, err.text);
    } else if (import->input->error != 0) {
        status = fail(import, strerror(import->input->error));
    } else {
        status = sum_up(import);
    }
    batch_fini(&import->batch);
    schemes_fini(&import->schemes);
    return status;
}

/* False and err: Redis is lost. */
static bool import_row(struct import *import, struct row *row, struct err *err) {
    struct row_times times;
    struct err wrong = {0};
    row->fields.value[LINK_FIELD_USED] = SLICE_EMPTY; /* brinco's own count: see the help */
    bool is_good = read_times(row, &times, &wrong);
    if (!is_good) {
        refuse(import, row, wrong.text);
        return true;
    }
    if (!check_row(import, row, &is_good, err)) {
        return false;
    }
    if (!is_good) {
        return true;
    }
    if (import->dry_run) {
        import->imported++;
        return true;
    }
    batch_add(&import->batch, row);
    return !batch_is_full(&import->batch) || write_batch(import, err);
}

/* False and err: Redis is lost. Else *is_good, or the row was refused. */
static bool check_row(struct import *import, struct row *row, bool *is_good, struct err *err) {
    struct slice campaign = row->fields.value[LINK_FIELD_CAMPAIGN];
    struct slice schemes = SLICE_EMPTY;
    struct err wrong = {0};
    *is_good = false;
    if (!code_is_valid(row->code)) {
        refuse(import, row, "the code is not 1 to 64 of A-Z a-z 0-9 - _");
        return true;
    }
    if (campaign.size > 0 && code_is_valid(campaign)) {
        bool is_missing;
        if (!schemes_find(&import->schemes, campaign, &schemes, &is_missing, err)) {
            return false;
        }
        if (is_missing) {
            warn_of_campaign(import, row, campaign);
        }
    }
    *is_good = check_fields(row, schemes, import->session.redis.store.hosts, &wrong);
    if (!*is_good) {
        refuse(import, row, wrong.text);
    }
    return true;
}

static bool check_fields(const struct row *row, struct slice schemes, struct slice hosts,
                         struct err *err) {
    if (row->fields.value[LINK_FIELD_CAMPAIGN].size == 0 &&
        row->fields.value[LINK_FIELD_URL].size == 0) {
        return err_set(err, "it has neither campaign nor url: it would lead nowhere");
    }
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        struct slice value = row->fields.value[i];
        if (value.size > 0 && !link_field_check((enum link_field)i, value, schemes, hosts, err)) {
            return false;
        }
    }
    return true;
}

static bool read_times(struct row *row, struct row_times *times, struct err *err) {
    for (size_t i = 0; i < ARRAY_COUNT(time_fields); i++) {
        struct slice *value = &row->fields.value[time_fields[i]];
        if (value->data != NULL && !values_read_time(*value, times->text[i], value, err)) {
            return err_prefix(err, "%s", link_field_name(time_fields[i]));
        }
    }
    return true;
}

static bool write_batch(struct import *import, struct err *err) {
    if (import->batch.row_count == 0) {
        return true;
    }
    bool alive = batch_write(&import->batch, &import->outcome, err);
    import->imported = import->outcome.written;
    return alive;
}

static void refuse(struct import *import, const struct row *row, const char *reason) {
    import->refused++;
    if (import->refused <= REFUSALS_SHOWN_MAX) {
        print_place(import, row->line, row->code);
        fprintf(stderr, "%s\n", reason);
    }
}

static void on_refused_by_redis(void *argument, uint64_t line, struct slice code,
                                struct slice reason) {
    const struct row row = {.line = line, .code = code};
    refuse(argument, &row, reason.data);
}

static void warn_of_campaign(struct import *import, const struct row *row, struct slice id) {
    import->warned++;
    if (import->warned <= WARNINGS_SHOWN_MAX) {
        print_place(import, row->line, row->code);
        fprintf(stderr, "warning: there is no campaign \"%.*s\" yet\n", SLICE_ARG(id));
    }
}

/* "FILE:LINE: code: "; a code that is none is whatever stands in the file. */
static void print_place(struct import *import, uint64_t line, struct slice code) {
    progress_clear(&import->progress);
    fprintf(stderr, "%s:%" PRIu64 ": ", import->path, line);
    code = slice_first(code, CODE_BYTES_MAX);
    for (size_t i = 0; i < code.size; i++) {
        fputc(code.data[i] > ' ' && code.data[i] < 0x7f ? code.data[i] : '?', stderr);
    }
    fputs(code.size > 0 ? ": " : "", stderr);
}

static void show_progress(struct import *import) {
    if (import->read % PROGRESS_ROWS != 0) {
        return;
    }
    const struct input *input = import->input;
    const struct progress_state state = {.done_bytes =
                                             input->read_bytes - (input->size - input->at),
                                         .total_bytes = input->total_bytes,
                                         .count = import->read};
    progress_show(&import->progress, &state, clock_monotonic_ns());
}

/* A row whose batch was not answered to the end may or may not have been written: to import the
 * file again does no harm. */
static int fail(struct import *import, const char *reason) {
    const struct cmd_line *line = &import->session.line;
    if (import->dry_run) {
        return cmd_fail(line, "%s: %s; %" PRIu64 " lines were checked", import->path, reason,
                        import->read);
    }
    if (import->outcome.last_line == 0) {
        return cmd_fail(line, "%s: %s; nothing is surely written", import->path, reason);
    }
    return cmd_fail(line,
                    "%s: %s; all up to line %" PRIu64 " is written (imported %" PRIu64
                    ", refused %" PRIu64 "); import it again to go on",
                    import->path, reason, import->outcome.last_line, import->imported,
                    import->refused);
}

static int sum_up(struct import *import) {
    if (import->refused > REFUSALS_SHOWN_MAX) {
        fprintf(stderr, "%s: %" PRIu64 " more were refused\n", import->path,
                import->refused - REFUSALS_SHOWN_MAX);
    }
    if (import->warned > WARNINGS_SHOWN_MAX) {
        fprintf(stderr, "%s: %" PRIu64 " more warnings\n", import->path,
                import->warned - WARNINGS_SHOWN_MAX);
    }
    double seconds = (double)(clock_monotonic_ns() - import->started_ns) / 1e9;
    if (import->session.line.json) {
        printf("{\"imported\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"lines\":%" PRIu64
               ",\"seconds\":%.3f,\"dry_run\":%s}\n",
               import->imported, import->refused, import->read, seconds,
               import->dry_run ? "true" : "false");
    } else {
        printf("%s %" PRIu64 ", refused %" PRIu64 " of %" PRIu64 " lines in %.1f s\n",
               import->dry_run ? "would import" : "imported", import->imported, import->refused,
               import->read, seconds);
    }
    return import->refused > 0 ? CMD_PARTIAL : CMD_OK;
}
