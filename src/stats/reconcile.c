/*
 * reconcile.c - see stats/reconcile.h: the order of things, and what was found.
 *
 *   streams and journals ► one look at all counters ► each stream's day: tally, journal, stream
 *   ► the rollups, key by key ► conversions
 *
 * Each step only looks at what can be more than what the one before saw. When Redis comes back
 * older meanwhile, or a stream is begun, it begins anew.
 */
#include "stats/reconcile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "days.h"
#include "reconcile_model.h"
#include "reconcile_private.h"
#include "redis/pipe.h"

enum {
    TRIES_MAX = 5,
    TEXT_BYTES = 1200,
    TRIM_SLACK_MS = 60 * 1000, /* clocks of two machines, and how long a look takes */
};

/* --- what was found ------------------------------------------------------------------------- */

static char *copy(struct slice text) {
    char *copied = text.size > 0 ? malloc(text.size + 1) : NULL;
    if (copied != NULL) {
        memcpy(copied, text.data, text.size);
        copied[text.size] = '\0';
    }
    return copied;
}

static void note(struct reconciliation *recon, bool is_explained, const char *what,
                 const struct recon_place *place, const char *text) {
    if (recon->finding_count == RECONCILE_FINDINGS_MAX) {
        recon->left_out++;
        return;
    }
    recon->findings[recon->finding_count++] = (struct recon_finding){
        .is_explained = is_explained,
        .what = what,
        .stream = place->stream,
        .count = place->count,
        .text = copy(slice_of(text)),
        .key = copy(place->key),
        .field = copy(place->field),
    };
}

void recon_explain(struct reconciliation *recon, const char *what, const struct recon_place *place,
                   const char *format, ...) {
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!recon->is_muted) {
        note(recon, true, what, place, text);
    }
}

void recon_blame(struct reconciliation *recon, const char *what, const struct recon_place *place,
                 const char *format, ...) {
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (recon->is_muted) {
        return;
    }
    recon->unexplained++;
    if (place->stream >= 0) {
        recon->streams[place->stream].blamed++;
    }
    note(recon, false, what, place, text);
}

static void finding_fini(struct recon_finding *finding) {
    free(finding->text);
    free(finding->key);
    free(finding->field);
}

void recon_forget(struct reconciliation *recon, size_t findings, uint64_t unexplained) {
    while (recon->finding_count > findings) {
        finding_fini(&recon->findings[--recon->finding_count]);
    }
    recon->unexplained = unexplained;
}

void recon_work(struct reconciliation *recon, uint64_t done) {
    const struct reconcile_options *options = recon->options;
    recon->done += done;
    recon->all = recon->all > recon->done ? recon->all : recon->done;
    if (options->progress != NULL) {
        options->progress(options->argument, recon->done, recon->all);
    }
}

/* --- the whole of it ------------------------------------------------------------------------ */

static struct reconciliation *create(const struct reconcile_options *options) {
    struct reconciliation *recon = calloc(1, sizeof(*recon));
    ENSURE(recon != NULL);
    recon->findings = calloc(RECONCILE_FINDINGS_MAX, sizeof(*recon->findings));
    ENSURE(recon->findings != NULL);
    recon->options = options;
    recon->day = options->day;
    recon->begin_ms = days_begin_ms(options->day);
    recon->end_ms = days_begin_ms(days_date(days_number(options->day) + 1));
    recon->has_no_streams = options->has_no_streams;
    snprintf(recon->zone, sizeof(recon->zone), "%.*s", SLICE_ARG(options->source->zone));
    uint64_t now_ms = options->source->now_ms + TRIM_SLACK_MS;
    uint64_t retain_ms = (uint64_t)options->queue_retain_hours * RECON_MS_PER_HOUR;
    recon->trimmed_before_ms = now_ms > retain_ms ? now_ms - retain_ms : 0;
    return recon;
}

void reconciliation_destroy(struct reconciliation **reconciliation) {
    struct reconciliation *recon = *reconciliation;
    if (recon == NULL) {
        return;
    }
    for (size_t i = 0; i < recon->stream_count; i++) {
        free(recon->streams[i].key);
        free(recon->streams[i].directory);
        free(recon->streams[i].view);
        buf_fini(&recon->streams[i].hole_payloads);
    }
    for (size_t i = 0; i < recon->finding_count; i++) {
        finding_fini(&recon->findings[i]);
    }
    recon_model_destroy(&recon->model);
    free(recon->streams);
    free(recon->findings);
    free(recon);
    *reconciliation = NULL;
}

static void expect_work(struct reconciliation *recon) {
    for (size_t i = 0; i < recon->stream_count; i++) {
        recon->all += recon->streams[i].counted;
    }
}

/* Rollups expire, and then there is nothing to compare. */
static bool has_rollups(const struct reconciliation *recon) {
    const struct stats_source *source = recon->options->source;
    uint64_t retain_ms = (uint64_t)source->retain_days * 24 * RECON_MS_PER_HOUR;
    return recon->end_ms + retain_ms > source->now_ms;
}

static bool check_rollups(struct reconciliation *recon, struct err *err) {
    struct recon_place place = {.stream = -1};
    if (recon->has_no_streams) {
        recon_explain(recon, "no_streams", &place,
                      "queue.kind is not redis: what is queued and counted is not compared");
        return true;
    }
    if (!has_rollups(recon)) {
        recon_explain(recon, "rollups_over", &place,
                      "the day is older than stats.retain_days: its rollups are gone");
        return true;
    }
    if (recon->is_recounted) {
        return recon_check_rollups(recon, err);
    }
    recon_explain(recon, "not_recounted", &place,
                  "the day cannot be recounted any more: rollups are held against one another");
    return recon_check_cross(recon, err);
}

/* NULL and err: it cannot be told. */
static struct reconciliation *try_once(const struct reconcile_options *options, struct err *err) {
    struct reconciliation *recon = create(options);
    size_t cells_max = options->cells_max != 0 ? options->cells_max : RECONCILE_CELLS_MAX;
    recon->model = recon_model_create(cells_max);
    struct recon_sink sink = {recon_model_take, recon->model};
    bool is_good = recon_find_streams(recon, err);
    if (is_good && !recon->has_no_streams) {
        is_good = recon_look(recon, err);
    }
    if (is_good && !recon->must_repeat) {
        expect_work(recon);
        is_good = recon_check_streams(recon, &sink, err) && check_rollups(recon, err) &&
                  (recon->has_no_streams || recon_check_credit(recon, err));
    }
    if (!is_good) {
        reconciliation_destroy(&recon);
    }
    return recon;
}

struct reconciliation *reconcile(const struct reconcile_options *options, struct err *err) {
    if (!options->has_no_streams && !redis_pipe_connect(options->source->pipe, err)) {
        return NULL;
    }
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        struct reconciliation *recon = try_once(options, err);
        if (recon == NULL) {
            return NULL;
        }
        if (!recon->must_repeat) {
            recon_model_destroy(&recon->model);
            return recon;
        }
        reconciliation_destroy(&recon);
    }
    err_set(err, "Redis went back, or streams were begun, each of %d times that it was looked at",
            TRIES_MAX);
    return NULL;
}

bool reconciliation_holds(const struct reconciliation *reconciliation) {
    return reconciliation->unexplained == 0;
}
