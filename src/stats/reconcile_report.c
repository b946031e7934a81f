/*
 * reconcile_report.c - what was found, as text and as JSON.
 *
 *   edge 01JD…:0        answered 1,204  journaled 1,204  queued 1,204  counted 1,204   ok
 *        lost 12: the journal was full
 *     !! brinco:clicks:…: 1 entry was deleted: 1767614400000-12; the journal still has it: …
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "days.h"
#include "reconcile_private.h"

enum { NUMBER_BYTES = 32, COLUMN_DIGITS = 11 };

/* 1204 as 1,204. */
static void group(uint64_t number, char text[NUMBER_BYTES]) {
    char digits[NUMBER_BYTES];
    int size = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    int at = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

/* The numbers of a line; one that is not known is a dash. */
struct numbers {
    uint64_t answered;
    uint64_t journaled;
    uint64_t queued;
    uint64_t counted;
    bool has_answered;
    bool has_journaled;
    bool has_queued;
};

static struct numbers numbers_of(const struct reconciliation *recon,
                                 const struct recon_stream *stream) {
    bool has_tally = stream->tally_source != RECON_TALLY_NONE && !stream->tally_is_other_zone;
    return (struct numbers){
        .answered = stream->tally.answered,
        .journaled = has_tally ? stream->tally.journaled + stream->before_tally : stream->records,
        .queued = stream->queued,
        .counted = stream->counted,
        .has_answered = has_tally,
        .has_journaled = has_tally || stream->directory != NULL,
        .has_queued = !recon->has_no_streams,
    };
}

static void add(struct numbers *sum, const struct numbers *numbers) {
    sum->answered += numbers->answered;
    sum->journaled += numbers->journaled;
    sum->queued += numbers->queued;
    sum->counted += numbers->counted;
    sum->has_answered = sum->has_answered && numbers->has_answered;
    sum->has_journaled = sum->has_journaled && numbers->has_journaled;
}

static struct numbers sum_of(const struct reconciliation *recon) {
    struct numbers sum = {
        .has_answered = true, .has_journaled = true, .has_queued = !recon->has_no_streams};
    for (size_t i = 0; i < recon->stream_count; i++) {
        struct numbers numbers = numbers_of(recon, &recon->streams[i]);
        add(&sum, &numbers);
    }
    return sum;
}

/* --- text ----------------------------------------------------------------------------------- */

static void append_column(struct buf *out, const char *name, bool is_known, uint64_t number) {
    char text[NUMBER_BYTES] = "-";
    if (is_known) {
        group(number, text);
    }
    buf_printf(out, "  %s %*s", name, COLUMN_DIGITS, text);
}

static void append_line(struct buf *out, const struct numbers *numbers, bool is_good) {
    append_column(out, "answered", numbers->has_answered, numbers->answered);
    append_column(out, "journaled", numbers->has_journaled, numbers->journaled);
    append_column(out, "queued", numbers->has_queued, numbers->queued);
    append_column(out, "counted", numbers->has_queued, numbers->counted);
    buf_append(out, is_good ? SLICE("   ok\n") : SLICE("   !!\n"));
}

/* Control bytes of Redis or of file names never reach a terminal. */
static void append_clean(struct buf *out, const char *text) {
    for (const char *c = text != NULL ? text : ""; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        buf_append_char(out, byte < ' ' || byte == 0x7F ? '?' : *c);
    }
}

static void append_findings(const struct reconciliation *recon, int stream, struct buf *out) {
    for (size_t i = 0; i < recon->finding_count; i++) {
        const struct recon_finding *finding = &recon->findings[i];
        if (finding->stream == stream) {
            buf_append(out, finding->is_explained ? SLICE("       ") : SLICE("    !! "));
            append_clean(out, finding->text);
            buf_append_char(out, '\n');
        }
    }
}

static void append_rollups(const struct reconciliation *recon, struct buf *out) {
    char taps[NUMBER_BYTES];
    char keys[NUMBER_BYTES];
    bool is_good = true;
    for (size_t i = 0; i < recon->finding_count; i++) {
        is_good = is_good && (recon->findings[i].stream >= 0 || recon->findings[i].is_explained);
    }
    group(recon->rolled_up, taps);
    group(recon->keys_compared, keys);
    buf_printf(out, "rollups  taps %s  keys %s  %s   %s\n", taps, keys,
               recon->is_recounted ? "recounted" : "not recounted", is_good ? "ok" : "!!");
    append_findings(recon, -1, out);
}

bool reconciliation_text(const struct reconciliation *recon, struct buf *out) {
    char day[DAYS_TEXT_BYTES];
    size_t width = sizeof("in all");
    days_format(recon->day, day);
    buf_printf(out, "%s, %s\n", day, recon->zone);
    for (size_t i = 0; i < recon->stream_count; i++) {
        size_t size = strlen(recon->streams[i].name) + sizeof("edge ") - 1;
        width = size > width ? size : width;
    }
    for (size_t i = 0; i < recon->stream_count; i++) {
        const struct recon_stream *stream = &recon->streams[i];
        struct numbers numbers = numbers_of(recon, stream);
        buf_printf(out, "edge %-*s", (int)(width - (sizeof("edge ") - 1)), stream->name);
        append_line(out, &numbers, stream->blamed == 0);
        append_findings(recon, (int)i, out);
    }
    struct numbers sum = sum_of(recon);
    buf_printf(out, "%-*s", (int)width, "in all");
    append_line(out, &sum, recon->unexplained == 0);
    append_rollups(recon, out);
    if (recon->left_out > 0) {
        buf_printf(out, "and %" PRIu64 " more\n", recon->left_out);
    }
    if (recon->unexplained > 0) {
        buf_printf(out, "%" PRIu64 " %s not explained.\n", recon->unexplained,
                   recon_plural(recon->unexplained, "difference is", "differences are"));
    } else {
        buf_append(out, SLICE("Every number is accounted for.\n"));
    }
    return !out->overflowed;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void append_string(struct buf *out, const char *name, const char *text) {
    buf_printf(out, "\"%s\":", name);
    if (text == NULL) {
        buf_append(out, SLICE("null"));
        return;
    }
    buf_append_char(out, '"');
    buf_append_json(out, slice_of(text));
    buf_append_char(out, '"');
}

static void append_number(struct buf *out, const char *name, bool is_known, uint64_t number) {
    buf_printf(out, ",\"%s\":", name);
    if (is_known) {
        buf_append_u64(out, number);
    } else {
        buf_append(out, SLICE("null"));
    }
}

static void append_numbers(struct buf *out, const struct numbers *numbers) {
    append_number(out, "answered", numbers->has_answered, numbers->answered);
    append_number(out, "journaled", numbers->has_journaled, numbers->journaled);
    append_number(out, "queued", numbers->has_queued, numbers->queued);
    append_number(out, "counted", numbers->has_queued, numbers->counted);
}

static void append_stream(const struct reconciliation *recon, const struct recon_stream *stream,
                          struct buf *out) {
    struct numbers numbers = numbers_of(recon, stream);
    bool has_tally = numbers.has_answered;
    bool has_queue = numbers.has_queued;
    const struct tally_day *tally = &stream->tally;
    buf_append_char(out, '{');
    append_string(out, "edge", stream->edge_id);
    append_number(out, "worker", true, stream->worker);
    append_numbers(out, &numbers);
    append_number(out, "records", stream->directory != NULL, stream->records);
    append_number(out, "entries", has_queue, stream->present);
    append_number(out, "waiting", has_queue, stream->waiting);
    append_number(out, "uncounted", has_queue, stream->uncounted);
    append_number(out, "trimmed", has_queue, stream->trimmed);
    append_number(out, "malformed", has_queue, stream->malformed);
    append_number(out, "recovered", has_tally, tally->recovered);
    append_number(out, "lost_full", has_tally, tally->lost[TALLY_LOST_FULL]);
    append_number(out, "lost_power", has_tally, tally->lost[TALLY_LOST_POWER]);
    append_number(out, "lost_missing", has_tally, tally->lost[TALLY_LOST_MISSING]);
    buf_printf(out, ",\"ok\":%s}", stream->blamed == 0 ? "true" : "false");
}

static void append_finding(const struct reconciliation *recon, const struct recon_finding *finding,
                           struct buf *out) {
    const char *stream = finding->stream >= 0 ? recon->streams[finding->stream].name : NULL;
    buf_append_char(out, '{');
    append_string(out, "what", finding->what);
    buf_printf(out, ",\"explained\":%s,", finding->is_explained ? "true" : "false");
    append_string(out, "stream", stream);
    buf_append_char(out, ',');
    append_string(out, "key", finding->key);
    buf_append_char(out, ',');
    append_string(out, "field", finding->field);
    append_number(out, "count", true, finding->count);
    buf_append_char(out, ',');
    append_string(out, "text", finding->text);
    buf_append_char(out, '}');
}

bool reconciliation_json(const struct reconciliation *recon, struct buf *out) {
    char day[DAYS_TEXT_BYTES];
    struct numbers sum = sum_of(recon);
    days_format(recon->day, day);
    buf_printf(out, "{\"day\":\"%s\",\"timezone\":\"%s\",\"ok\":%s", day, recon->zone,
               recon->unexplained == 0 ? "true" : "false");
    append_numbers(out, &sum);
    append_number(out, "rolled_up", !recon->has_no_streams, recon->rolled_up);
    append_number(out, "keys", true, recon->keys_compared);
    append_number(out, "unexplained", true, recon->unexplained);
    buf_printf(out, ",\"recounted\":%s,\"streams\":[", recon->is_recounted ? "true" : "false");
    for (size_t i = 0; i < recon->stream_count; i++) {
        buf_append(out, i > 0 ? SLICE(",") : SLICE_EMPTY);
        append_stream(recon, &recon->streams[i], out);
    }
    buf_append(out, SLICE("],\"findings\":["));
    for (size_t i = 0; i < recon->finding_count; i++) {
        buf_append(out, i > 0 ? SLICE(",") : SLICE_EMPTY);
        append_finding(recon, &recon->findings[i], out);
    }
    buf_append(out, SLICE("]}\n"));
    return !out->overflowed;
}
