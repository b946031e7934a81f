/*
 * journal_verify.c - `brinco journal verify`: is everything that was journaled still there?
 *
 * What is checked: headers; the checksum and sequence of every record, over segments; that each
 * payload is a click, or a conversion, that this version knows; that times do not step back; and
 * that nothing was set aside (.torn), which is where clicks are that a damaged end cost. What a
 * running brinco is just writing is no failure.
 *
 * Threads   The main thread.
 */
#include "journal_verify.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd.h"
#include "journal_source.h"

enum {
    LINE_BYTES_MAX = 16 * 1024,
    REST_MAX = 64, /* headers named behind the last record */
};

static const char help[] =
    "Usage: brinco journal verify [--worker N] [--conversions] [--json] [FILE|DIR...]\n"
    "\n"
    "Checks every record of the journals of data.dir, or of what is named. Prints file, offset\n"
    "and reason of whatever fails, then a summary. Exit status 1: something failed.\n"
    "\n"
    "      --worker N             This worker's only\n"
    "      --conversions          The journal of conversions\n"
    "      --json                 One JSON object a failure, one for the summary\n" CMD_HELP_COMMON
    "\n"
    "Example:\n"
    "  brinco journal verify --worker 0\n";

struct check {
    const struct payload_kind *payload;
    const struct cmd_line *line;
    const struct journal_source *source;
    uint64_t last_ms;
    uint32_t last_number; /* of the segment that something was last found in */
    uint64_t segments;
    uint64_t records;
    uint64_t failures;
    uint64_t missing; /* records known to be gone */
};

/* What fails, and where. */
struct failure {
    const char *file; /* its name in the journal's directory */
    uint64_t offset;
    uint64_t sequence; /* 0: not known */
    uint64_t missing;
};

static void check_journal(struct check *check);
static void check_segment(void *argument, const struct journal_segment *segment);
static void check_record(void *argument, const struct journal_segment *segment,
                         const struct journal_record *record);
static void check_damage(void *argument, const struct journal_damage *damage);
static void check_rest(struct check *check);
static void check_torn(struct check *check);
static void fail(struct check *check, const struct failure *failure, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void print_summary(const struct check *check, size_t journals);

int journal_verify(const struct cmd *cmd) {
    enum { OPTION_WORKER, OPTION_CONVERSIONS };
    static const struct cmd_option options[] = {
        {"worker", true}, {"conversions", false}, {NULL, false}};
    static const struct cmd_syntax syntax = {.name = "journal verify",
                                             .help = help,
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
    struct check check = {.line = &line, .payload = sources.payload};
    for (size_t i = 0; i < sources.count; i++) {
        check.source = &sources.source[i];
        check.last_ms = 0;
        check.last_number = 0;
        check_journal(&check);
    }
    print_summary(&check, sources.count);
    bool is_sound = check.failures == 0 && !sources.has_odd;
    journal_sources_free(&sources);
    return is_sound ? CMD_OK : CMD_PARTIAL;
}

static void check_journal(struct check *check) {
    struct err err = {""};
    const struct journal_view view = {check_segment, check_record, check_damage, check, true};
    struct journal_walk *walk = journal_walk_open(check->source, 0, &err);
    if (walk == NULL || !journal_walk_on(walk, &view, &err)) {
        cmd_fail(check->line, "%s", err.text);
        check->failures++;
    }
    journal_walk_close(&walk);
    check_rest(check);
    if (check->source->only_segment == 0) {
        check_torn(check);
    }
}

static void check_segment(void *argument, const struct journal_segment *segment) {
    struct check *check = argument;
    (void)segment;
    check->segments++;
}

static void check_record(void *argument, const struct journal_segment *segment,
                         const struct journal_record *record) {
    struct check *check = argument;
    (void)segment;
    check->records++;
    check->last_number = record->segment;
    union payload_record decoded;
    char name[32];
    snprintf(name, sizeof(name), "%08" PRIu32 ".log", record->segment);
    const struct failure failure = {
        .file = name, .offset = record->offset, .sequence = record->sequence};
    if (record->at_ms < check->last_ms) {
        fail(check, &failure, "its time %" PRIu64 " is before that of the record before, %" PRIu64,
             record->at_ms, check->last_ms);
    }
    check->last_ms = record->at_ms;
    if (!payload_decode(check->payload, record->payload, &decoded)) {
        fail(check, &failure, "%s that this version knows", check->payload->fault);
    }
}

static void check_damage(void *argument, const struct journal_damage *damage) {
    struct check *check = argument;
    char name[32];
    snprintf(name, sizeof(name), "%08" PRIu32 ".log", damage->segment);
    const struct failure failure = {.file = name,
                                    .offset = damage->offset,
                                    .sequence = damage->sequence,
                                    .missing = damage->missing};
    check->missing += damage->missing;
    check->last_number = damage->segment;
    fail(check, &failure, "%s", damage->reason);
}

/* Segments behind the last record are prepared ones, which have a sound header. What has not may
 * have been full of clicks. Looked at twice: a running brinco may be writing the header. */
static void check_rest(struct check *check) {
    uint32_t bad[REST_MAX];
    size_t bad_count = 0;
    for (int look = 0; look < 2; look++) {
        struct journal_segment *segment;
        size_t count;
        size_t still_bad = 0;
        if (!journal_list(check->source->directory, &segment, &count, NULL)) {
            return; /* the walk said so */
        }
        for (size_t i = 0; i < count && still_bad < REST_MAX; i++) {
            uint32_t number = segment[i].number;
            bool is_meant = check->source->only_segment == 0
                                ? number > check->last_number
                                : number == check->source->only_segment && check->last_number == 0;
            if (is_meant && !segment[i].header_is_valid) {
                bad[still_bad++] = number;
            }
        }
        free(segment);
        bad_count = still_bad;
    }
    for (size_t i = 0; i < bad_count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%08" PRIu32 ".log", bad[i]);
        const struct failure failure = {.file = name};
        fail(check, &failure, "neither a header nor a record is left");
    }
}

static void check_torn(struct check *check) {
    DIR *stream = opendir(check->source->directory);
    if (stream == NULL) {
        cmd_fail(check->line, "%s: %s", check->source->directory, strerror(errno));
        check->failures++;
        return;
    }
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size > 5 && strcmp(entry->d_name + size - 5, ".torn") == 0) {
            const struct failure failure = {.file = entry->d_name};
            fail(check, &failure,
                 "was set aside at a start: remove it when what it holds is of no more use");
        }
    }
    closedir(stream);
}

static void fail(struct check *check, const struct failure *failure, const char *format, ...) {
    char reason[256];
    char storage[LINE_BYTES_MAX];
    struct buf out = buf_over(storage, sizeof(storage));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    check->failures++;
    if (check->line->json) {
        buf_append(&out, SLICE("{\"file\":\""));
        buf_append_json(&out, slice_of(check->source->directory));
        buf_append_char(&out, '/');
        buf_append_json(&out, slice_of(failure->file));
        buf_printf(&out,
                   "\",\"offset\":%" PRIu64 ",\"sequence\":%" PRIu64 ",\"missing\":%" PRIu64
                   ",\"reason\":\"",
                   failure->offset, failure->sequence, failure->missing);
        buf_append_json(&out, slice_of(reason));
        buf_append(&out, SLICE("\"}"));
    } else {
        buf_printf(&out, "%s/%s: offset %" PRIu64, check->source->directory, failure->file,
                   failure->offset);
        if (failure->sequence > 0) {
            buf_printf(&out, ", sequence %" PRIu64, failure->sequence);
        }
        buf_printf(&out, ": %s", reason);
        if (failure->missing > 0) {
            buf_printf(&out, "; %" PRIu64 " missing", failure->missing);
        }
    }
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}

static void print_summary(const struct check *check, size_t journals) {
    if (check->line->json) {
        printf("{\"journals\":%zu,\"segments\":%" PRIu64 ",\"records\":%" PRIu64
               ",\"missing\":%" PRIu64 ",\"failures\":%" PRIu64 "}\n",
               journals, check->segments, check->records, check->missing, check->failures);
        return;
    }
    printf("journals: %zu  segments: %" PRIu64 "  records: %" PRIu64 "  missing: %" PRIu64
           "  failures: %" PRIu64 "\n",
           journals, check->segments, check->records, check->missing, check->failures);
}
