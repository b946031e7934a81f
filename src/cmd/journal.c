/*
 * journal.c - `brinco journal`: what the journals of this edge hold, listed and dumped.
 *
 * Journals are read as they stand, live ones too; nothing is written. Checking them is
 * journal_verify.c.
 *
 * Threads   The main thread.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "cmd.h"
#include "journal_source.h"
#include "journal_verify.h"

enum { LINE_BYTES_MAX = 64 * 1024, FOLLOW_INTERVAL_MS = 50 };

static const char group_help[] =
    "Usage: brinco journal COMMAND [ARGUMENTS]\n"
    "\n"
    "  ls       A line for each segment: what is in it, from when to when\n"
    "  dump     Clicks as JSON lines\n"
    "  verify   Check every record\n"
    "\n"
    "Journals stand under data.dir, one directory a worker; reports of conversions have one of\n"
    "their own, which --conversions is for. A running brinco is not disturbed.\n"
    "Each command has --help.\n"
    "\n"
    "Example:\n"
    "  brinco journal verify\n";

static const char ls_help[] =
    "Usage: brinco journal ls [--worker N] [--conversions] [--json] [FILE|DIR...]\n"
    "\n"
    "Shows the segments of journals: those of data.dir, or what is named. States: prepared\n"
    "(nothing in it yet), open (the last one with clicks), full, damaged.\n"
    "\n"
    "      --worker N             This worker's only\n"
    "      --conversions          The journal of conversions\n"
    "      --json                 One JSON object a line; times in milliseconds\n" CMD_HELP_COMMON
    "\n"
    "Examples:\n"
    "  brinco journal ls\n"
    "  brinco journal ls --json data/journal/00\n";

static const char dump_help[] =
    "Usage: brinco journal dump [--worker N] [--conversions] [--from SEQ] [--follow]\n"
    "                           [FILE|DIR...]\n"
    "\n"
    "Prints clicks as JSON lines, a journal after the other: sequence, worker and the click's\n"
    "fields. Exit status 1: something could not be read; stderr says what.\n"
    "\n"
    "      --worker N             This worker's only\n"
    "      --conversions          Reports of conversions, not clicks\n"
    "      --from SEQ             From this sequence on\n"
    "      --follow               Go on with what is appended, until interrupted\n"
    "      --json                 Nothing else is printed anyway\n" CMD_HELP_COMMON "\n"
    "Examples:\n"
    "  brinco journal dump --worker 0 --from 1000\n"
    "  brinco journal dump --conversions --follow\n"
    "  brinco journal dump data/journal/00/00000001.log | grep AB12CD\n";

/* Of one segment, gathered while it is walked through. */
struct segment_row {
    struct journal_segment segment;
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t first_ms;
    uint64_t last_ms;
    uint64_t records;
    uint64_t damages;
};

/* One row is held back until the next one shows whether it was the last with clicks. */
struct listing {
    const struct journal_source *source;
    struct segment_row row;
    bool has_row;
    bool json;
};

struct dump {
    const struct payload_kind *payload;
    const struct journal_source *source;
    const struct cmd_line *line;
    struct buf *out;
    uint64_t from;
    bool has_failed;
};

static int ls(const struct cmd *cmd);
static bool list_journal(const struct cmd_line *line, const struct journal_source *source);
static void list_segment(void *argument, const struct journal_segment *segment);
static void list_record(void *argument, const struct journal_segment *segment,
                        const struct journal_record *record);
static void list_damage(void *argument, const struct journal_damage *damage);
static void print_row(struct listing *listing, bool has_later);
static void print_row_text(const struct listing *listing, const char *state);
static void print_row_json(const struct listing *listing, const char *state);
static int dump(const struct cmd *cmd);
static bool dump_sources(const struct cmd_line *line, const struct journal_sources *sources,
                         uint64_t from, bool follow);
static bool dump_on(struct journal_walk *walk, struct dump *dump);
static void dump_record(void *argument, const struct journal_segment *segment,
                        const struct journal_record *record);
static void dump_damage(void *argument, const struct journal_damage *damage);

int cmd_journal(const struct cmd *cmd) {
    static const struct cmd_verb verbs[] = {
        {"ls", ls}, {"dump", dump}, {"verify", journal_verify}, {NULL, NULL}};
    static const struct cmd_group group = {.name = "journal", .help = group_help, .verbs = verbs};
    return cmd_dispatch(cmd, &group);
}

static int ls(const struct cmd *cmd) {
    enum { OPTION_WORKER, OPTION_CONVERSIONS };
    static const struct cmd_option options[] = {
        {"worker", true}, {"conversions", false}, {NULL, false}};
    static const struct cmd_syntax syntax = {.name = "journal ls",
                                             .help = ls_help,
                                             .options = options,
                                             .operands_max = INT_MAX,
                                             .json = true};
    int status;
    struct cmd_line line;
    struct journal_sources sources;
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    const struct journal_choice choice = {line.value[OPTION_WORKER],
                                          line.value[OPTION_CONVERSIONS] != NULL};
    if (!journal_sources_find(&line, &choice, &sources, &status)) {
        return status;
    }
    if (!line.json) {
        printf("%-6s %-8s %-11s %12s %12s %10s  %-24s %-24s %12s  %s\n", "WORKER", "SEGMENT",
               "EDGE", "FIRST", "LAST", "RECORDS", "FROM", "TO", "BYTES", "STATE");
    }
    bool is_good = true;
    for (size_t i = 0; i < sources.count; i++) {
        is_good = list_journal(&line, &sources.source[i]) && is_good;
    }
    is_good = is_good && !sources.has_odd;
    journal_sources_free(&sources);
    return is_good ? CMD_OK : CMD_PARTIAL;
}

static bool list_journal(const struct cmd_line *line, const struct journal_source *source) {
    struct err err = {""};
    struct listing listing = {.source = source, .json = line->json};
    struct journal_walk *walk = journal_walk_open(source, 0, &err);
    const struct journal_view view = {list_segment, list_record, list_damage, &listing, true};
    bool is_good = walk != NULL && journal_walk_on(walk, &view, &err);
    print_row(&listing, false);
    journal_walk_close(&walk);
    if (!is_good) {
        cmd_fail(line, "%s", err.text);
    }
    return is_good;
}

static void list_segment(void *argument, const struct journal_segment *segment) {
    struct listing *listing = argument;
    print_row(listing, segment->first_sequence != 0);
    listing->row = (struct segment_row){.segment = *segment};
    listing->has_row = true;
}

static void list_record(void *argument, const struct journal_segment *segment,
                        const struct journal_record *record) {
    struct segment_row *row = &((struct listing *)argument)->row;
    (void)segment;
    if (row->records++ == 0) {
        row->first_sequence = record->sequence;
        row->first_ms = record->at_ms;
    }
    row->last_sequence = record->sequence;
    row->last_ms = record->at_ms;
}

static void list_damage(void *argument, const struct journal_damage *damage) {
    struct segment_row *row = &((struct listing *)argument)->row;
    row->damages += damage->segment == row->segment.number ? 1 : 0;
}

static void print_row(struct listing *listing, bool has_later) {
    if (!listing->has_row) {
        return;
    }
    const struct segment_row *row = &listing->row;
    const char *state = row->damages > 0    ? "damaged"
                        : row->records == 0 ? "prepared"
                        : has_later         ? "full"
                                            : "open";
    (listing->json ? print_row_json : print_row_text)(listing, state);
    listing->has_row = false;
}

static void print_row_text(const struct listing *listing, const char *state) {
    const struct segment_row *row = &listing->row;
    char worker[16] = "-";
    char first[CLOCK_RFC3339_BYTES] = "-";
    char last[CLOCK_RFC3339_BYTES] = "-";
    if (row->segment.header_is_valid) {
        snprintf(worker, sizeof(worker), "%" PRIu32, row->segment.worker);
    }
    if (row->records > 0) {
        clock_rfc3339(row->first_ms, first);
        clock_rfc3339(row->last_ms, last);
    }
    printf("%-6s %08" PRIu32 " %-11s %12" PRIu64 " %12" PRIu64 " %10" PRIu64
           "  %-24s %-24s %12" PRIu64 "  %s\n",
           worker, row->segment.number, row->segment.header_is_valid ? row->segment.edge_id : "-",
           row->first_sequence, row->last_sequence, row->records, first, last,
           row->segment.file_bytes, state);
}

static void print_row_json(const struct listing *listing, const char *state) {
    const struct segment_row *row = &listing->row;
    char storage[LINE_BYTES_MAX];
    struct buf out = buf_over(storage, sizeof(storage));
    buf_append(&out, SLICE("{\"directory\":\""));
    buf_append_json(&out, slice_of(listing->source->directory));
    buf_printf(&out, "\",\"worker\":%" PRIu32 ",\"segment\":%" PRIu32 ",\"edge\":\"",
               row->segment.header_is_valid ? row->segment.worker : listing->source->worker,
               row->segment.number);
    buf_append_json(&out, slice_of(row->segment.edge_id));
    buf_printf(&out,
               "\",\"first_sequence\":%" PRIu64 ",\"last_sequence\":%" PRIu64
               ",\"records\":%" PRIu64 ",\"first_at\":%" PRIu64 ",\"last_at\":%" PRIu64
               ",\"bytes\":%" PRIu64 ",\"state\":\"%s\"}",
               row->first_sequence, row->last_sequence, row->records, row->first_ms, row->last_ms,
               row->segment.file_bytes, state);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}

static int dump(const struct cmd *cmd) {
    enum { OPTION_WORKER, OPTION_CONVERSIONS, OPTION_FROM, OPTION_FOLLOW };
    static const struct cmd_option options[] = {
        {"worker", true}, {"conversions", false}, {"from", true}, {"follow", false}, {NULL, false}};
    static const struct cmd_syntax syntax = {.name = "journal dump",
                                             .help = dump_help,
                                             .options = options,
                                             .operands_max = INT_MAX,
                                             .json = true};
    int status;
    struct cmd_line line;
    struct journal_sources sources;
    if (!cmd_parse(cmd, &syntax, &line, &status)) {
        return status;
    }
    uint64_t from = 0;
    const char *text = line.value[OPTION_FROM];
    if (text != NULL && !slice_to_u64(slice_of(text), UINT64_MAX, &from)) {
        return cmd_usage(&line, "--from takes a sequence, a number, not \"%.64s\"", text);
    }
    const struct journal_choice choice = {line.value[OPTION_WORKER],
                                          line.value[OPTION_CONVERSIONS] != NULL};
    if (!journal_sources_find(&line, &choice, &sources, &status)) {
        return status;
    }
    bool is_good = dump_sources(&line, &sources, from, line.value[OPTION_FOLLOW] != NULL);
    is_good = is_good && !sources.has_odd;
    journal_sources_free(&sources);
    return is_good ? CMD_OK : CMD_PARTIAL;
}

/* With follow, it ends when stdout does. */
static bool dump_sources(const struct cmd_line *line, const struct journal_sources *sources,
                         uint64_t from, bool follow) {
    struct buf out;
    buf_init(&out, LINE_BYTES_MAX);
    struct dump state = {.payload = sources->payload, .line = line, .out = &out, .from = from};
    struct journal_walk **walk = calloc(sources->count, sizeof(struct journal_walk *));
    ENSURE(walk != NULL);
    bool is_good = true;
    for (size_t i = 0; i < sources->count && is_good; i++) {
        struct err err = {""};
        walk[i] = journal_walk_open(&sources->source[i], from, &err);
        is_good = walk[i] != NULL;
        if (!is_good) {
            cmd_fail(line, "%s", err.text);
        }
    }
    bool is_first = true;
    while (is_good && (is_first || follow)) {
        for (size_t i = 0; i < sources->count && is_good; i++) {
            state.source = &sources->source[i];
            is_good = dump_on(walk[i], &state);
        }
        if (follow && is_good) {
            nanosleep(&(struct timespec){.tv_nsec = FOLLOW_INTERVAL_MS * 1000000L}, NULL);
        }
        is_first = false;
    }
    for (size_t i = 0; i < sources->count; i++) {
        journal_walk_close(&walk[i]);
    }
    free(walk);
    buf_fini(&out);
    return is_good && !state.has_failed;
}

static bool dump_on(struct journal_walk *walk, struct dump *dump) {
    struct err err = {""};
    const struct journal_view view = {NULL, dump_record, dump_damage, dump,
                                      isatty(STDOUT_FILENO) != 1};
    if (!journal_walk_on(walk, &view, &err)) {
        cmd_fail(dump->line, "%s", err.text);
        return false;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cmd_fail(dump->line, "stdout cannot be written");
        return false;
    }
    return true;
}

static void dump_record(void *argument, const struct journal_segment *segment,
                        const struct journal_record *record) {
    struct dump *dump = argument;
    union payload_record decoded;
    if (record->sequence < dump->from) {
        return;
    }
    if (!payload_decode(dump->payload, record->payload, &decoded)) {
        cmd_fail(dump->line,
                 JOURNAL_FILE_FORMAT ": offset %" PRIu64 ": sequence %" PRIu64
                                     " is %s that this version knows",
                 dump->source->directory, record->segment, record->offset, record->sequence,
                 dump->payload->fault);
        dump->has_failed = true;
        return;
    }
    buf_clear(dump->out);
    buf_printf(dump->out, "{\"sequence\":%" PRIu64 ",\"worker\":%" PRIu32 ",", record->sequence,
               segment->header_is_valid ? segment->worker : dump->source->worker);
    size_t object = dump->out->size;
    ENSURE(dump->payload->to_json(&decoded, dump->out));
    /* One object of both: the record's own opening brace is left out. */
    fwrite(dump->out->data, 1, object, stdout);
    fwrite(dump->out->data + object + 1, 1, dump->out->size - object - 1, stdout);
    putchar('\n');
}

static void dump_damage(void *argument, const struct journal_damage *damage) {
    struct dump *dump = argument;
    cmd_fail(dump->line, JOURNAL_FILE_FORMAT ": offset %" PRIu64 ": %s", dump->source->directory,
             damage->segment, damage->offset, damage->reason);
    dump->has_failed = true;
}
