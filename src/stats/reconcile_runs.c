/*
 * reconcile_runs.c - what is wrong with neighbours is one finding that names its place.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reconcile_walk.h"

enum { TEXT_BYTES = 512, PLACE_BYTES = 192 };

static const char *name_of(enum recon_wrong wrong) {
    switch (wrong) {
    case RECON_ENTRY_DELETED:
        return "entry_deleted";
    case RECON_NOWHERE:
        return "click_nowhere";
    case RECON_RECORD_MISSING:
        return "record_missing";
    case RECON_STRANGER:
        return "entry_of_stranger";
    case RECON_RECORD_UNTALLIED:
        return "record_not_tallied";
    case RECON_FINE:
        break;
    }
    ENSURE(false && "nothing is wrong");
    return "";
}

/* "1767614400000-12", or "1767614400000-12 … 1767614400007-19", or sequences alone. */
static void name_ids(const struct recon_run *run, char *text, size_t size) {
    char first[ENTRY_ID_BYTES];
    char last[ENTRY_ID_BYTES];
    if (run->first.ms == 0 && run->count == 1) {
        snprintf(text, size, "sequence %" PRIu64, run->first.sequence);
    } else if (run->first.ms == 0) {
        snprintf(text, size, "sequences %" PRIu64 " to %" PRIu64, run->first.sequence,
                 run->last.sequence);
    } else if (run->count == 1) {
        snprintf(text, size, "%.*s", SLICE_ARG(entry_id_format(run->first, first)));
    } else {
        snprintf(text, size, "%.*s to %.*s", SLICE_ARG(entry_id_format(run->first, first)),
                 SLICE_ARG(entry_id_format(run->last, last)));
    }
}

/* Between which segments the journal has a gap; the file, where it is one that is not there. */
static void name_gap(const struct recon_run *run, const char *directory, char *text, size_t size) {
    uint32_t before = run->segment_before;
    uint32_t behind = run->segment;
    if (before != 0 && behind == before + 2) {
        snprintf(text, size, "%s/%08" PRIu32 ".log is gone", directory, before + 1);
    } else if (before != 0 && behind > before + 2) {
        snprintf(text, size, "%s/%08" PRIu32 ".log to %08" PRIu32 ".log are gone", directory,
                 before + 1, behind - 1);
    } else if (before != 0 && behind == before) {
        snprintf(text, size, "in %s/%08" PRIu32 ".log", directory, before);
    } else if (before != 0 && behind != 0) {
        snprintf(text, size, "%s/%08" PRIu32 ".log ends too early", directory, before);
    } else if (before != 0) {
        snprintf(text, size, "behind %s/%08" PRIu32 ".log, which is the last one there is",
                 directory, before);
    } else if (behind > 1) {
        snprintf(text, size, "%s/%08" PRIu32 ".log and those before it are gone", directory,
                 behind - 1);
    } else {
        snprintf(text, size, "%s has no segment of them", directory);
    }
}

static void describe(const struct recon_walk *walk, const struct recon_run *run, char *text,
                     size_t size) {
    const struct recon_stream *stream = walk->stream;
    const char *directory = stream->directory != NULL ? stream->directory : "";
    char ids[PLACE_BYTES];
    char place[TEXT_BYTES / 2 + PLACE_BYTES];
    name_ids(run, ids, sizeof(ids));
    name_gap(run, directory, place, sizeof(place));
    switch (run->wrong) {
    case RECON_ENTRY_DELETED:
        snprintf(text, size,
                 "%s: %" PRIu64 " %s deleted: %s; the journal still has %s: "
                 "%s/%08" PRIu32 ".log",
                 stream->key, run->count, recon_plural(run->count, "entry was", "entries were"),
                 ids, recon_plural(run->count, "it", "them"), directory, run->segment);
        break;
    case RECON_NOWHERE:
        snprintf(text, size, "%s: %" PRIu64 " %s gone: %s%s", stream->key, run->count,
                 recon_plural(run->count, "entry is", "entries are"), ids,
                 stream->directory != NULL ? "; the journal has none of it either" : "");
        break;
    case RECON_RECORD_MISSING:
        snprintf(text, size, "the journal lacks %" PRIu64 " %s: %s: %s; the stream still has %s",
                 run->count, recon_plural(run->count, "record", "records"), ids, place,
                 recon_plural(run->count, "it", "them"));
        break;
    case RECON_STRANGER:
        snprintf(text, size, "%s: %" PRIu64 " %s not from its edge: %s", stream->key, run->count,
                 recon_plural(run->count, "entry is", "entries are"), ids);
        break;
    case RECON_RECORD_UNTALLIED:
        snprintf(text, size,
                 "%" PRIu64 " %s in the journal and not in its tally: %s: %s/%08" PRIu32 ".log",
                 run->count, recon_plural(run->count, "record is", "records are"), ids, directory,
                 run->segment);
        break;
    case RECON_FINE:
        break;
    }
}

void recon_run_end(struct recon_walk *walk) {
    struct recon_run *run = &walk->run;
    char text[2 * TEXT_BYTES];
    char id[ENTRY_ID_BYTES];
    if (run->wrong == RECON_FINE) {
        return;
    }
    describe(walk, run, text, sizeof(text));
    bool is_of_journal = run->wrong == RECON_RECORD_MISSING || run->wrong == RECON_RECORD_UNTALLIED;
    struct recon_place place = {
        .stream = walk->stream->index,
        .key = slice_of(is_of_journal ? walk->stream->directory : walk->stream->key),
        .field = entry_id_format(run->first, id),
        .count = run->count,
    };
    recon_blame(walk->recon, name_of(run->wrong), &place, "%s", text);
    *run = (struct recon_run){.wrong = RECON_FINE};
}

static bool goes_on(const struct recon_run *run, enum recon_wrong wrong, bool has_time,
                    uint64_t sequence) {
    return run->wrong == wrong && (run->first.ms != 0) == has_time &&
           run->last.sequence + 1 == sequence;
}

static void begin(struct recon_walk *walk, enum recon_wrong wrong, struct entry_id id) {
    recon_run_end(walk);
    walk->run = (struct recon_run){
        .wrong = wrong,
        .first = id,
        .segment_before = walk->records.last_segment,
        .segment = walk->has_record ? walk->records.record.segment : 0,
    };
}

void recon_run_add(struct recon_walk *walk, enum recon_wrong wrong, struct entry_id id) {
    if (!goes_on(&walk->run, wrong, id.ms != 0, id.sequence)) {
        begin(walk, wrong, id);
    }
    walk->run.last = id;
    walk->run.count++;
}

void recon_run_add_range(struct recon_walk *walk, enum recon_wrong wrong, uint64_t first,
                         uint64_t last) {
    if (!goes_on(&walk->run, wrong, false, first)) {
        begin(walk, wrong, (struct entry_id){.sequence = first});
    }
    walk->run.last = (struct entry_id){.sequence = last};
    walk->run.count += last - first + 1;
}

void recon_run_damage(struct recon_walk *walk) {
    const struct journal_damage *damage = &walk->records.damage;
    struct recon_stream *stream = walk->stream;
    char place[PLACE_BYTES];
    char offset[24];
    snprintf(place, sizeof(place), "%s/%08" PRIu32 ".log", stream->directory, damage->segment);
    snprintf(offset, sizeof(offset), "%" PRIu64, damage->offset);
    recon_blame(walk->recon, "journal_damaged",
                &(struct recon_place){.stream = stream->index,
                                      .key = slice_of(place),
                                      .field = slice_of(offset),
                                      .count = damage->missing},
                "%s, offset %s: %s", place, offset, damage->reason);
}
