/*
 * reconcile_remote.c - a stream whose journal is not at hand: its sequences must not have gaps.
 *
 * One that does not follow the one before is a suspect until the next one comes:
 *
 *   5 6 [99] 7      99 is a stranger's: the next follows the one before it
 *   5 6 [9] 10      7 and 8 are gone: the next follows the suspect
 *   5 6 [3] 4       the journal began again at 3, as after a power cut
 *
 * What the edge published of its tally says where the day must begin and end.
 */
#include "reconcile_walk.h"

static bool is_published(const struct recon_walk *walk) {
    return walk->stream->tally_source == RECON_TALLY_PUBLISHED &&
           walk->stream->published_first != 0;
}

static void gone(struct recon_walk *walk, uint64_t first, uint64_t last) {
    recon_run_add_range(walk, RECON_NOWHERE, first, last);
    walk->stream->holes_unknown += last - first + 1;
}

/* The first of the day: before it, only what is old enough was trimmed. */
static void first_entry(struct recon_walk *walk, uint64_t sequence) {
    uint64_t first = walk->stream->published_first;
    if (!is_published(walk) || sequence <= first) {
        return;
    }
    if (walk->recon->begin_ms < walk->recon->trimmed_before_ms) {
        walk->stream->trimmed += sequence - first;
        walk->stream->trimmed_unknown += sequence - first;
    } else {
        gone(walk, first, sequence - 1);
    }
}

/* The suspect is one of ours: something is gone before it, or the numbers began again. */
static void follow_suspect(struct recon_walk *walk) {
    uint64_t sequence = walk->suspect.sequence;
    if (sequence > walk->previous + 1) {
        gone(walk, walk->previous + 1, sequence - 1);
    } else {
        recon_explain(walk->recon, "numbers_again",
                      &(struct recon_place){.stream = walk->stream->index},
                      "its journal used sequences from %lu on again, as after a power cut",
                      (unsigned long)sequence);
    }
    walk->previous = sequence;
    walk->has_suspect = false;
}

void recon_remote_entry(struct recon_walk *walk, struct entry_id id) {
    if (walk->stream->tally_source == RECON_TALLY_PUBLISHED &&
        id.sequence > walk->stream->published_last) {
        walk->stream->unanswered++; /* since it was published */
    }
    if (walk->has_suspect) {
        if (walk->previous != 0 && id.sequence == walk->previous + 1) {
            recon_run_add(walk, RECON_STRANGER, walk->suspect);
            walk->has_suspect = false;
        } else if (walk->suspect.sequence == 0) {
            recon_run_add(walk, RECON_STRANGER, walk->suspect);
            walk->has_suspect = false;
        } else {
            follow_suspect(walk);
        }
    }
    if (id.sequence != 0 && walk->previous == 0) {
        first_entry(walk, id.sequence);
        walk->previous = id.sequence;
    } else if (id.sequence == walk->previous + 1) {
        walk->previous = id.sequence;
    } else {
        walk->has_suspect = true;
        walk->suspect = id;
    }
}

void recon_remote_end(struct recon_walk *walk) {
    struct recon_stream *stream = walk->stream;
    uint64_t last = stream->published_last;
    if (walk->has_suspect && (walk->suspect.sequence == 0 ||
                              (is_published(walk) && walk->suspect.sequence > last + 1))) {
        recon_run_add(walk, RECON_STRANGER, walk->suspect);
    } else if (walk->has_suspect) {
        follow_suspect(walk);
    }
    if (!is_published(walk)) {
        return;
    }
    if (walk->previous == 0 && walk->recon->begin_ms < walk->recon->trimmed_before_ms) {
        stream->trimmed += last - stream->published_first + 1;
        stream->trimmed_unknown += last - stream->published_first + 1;
        return;
    }
    uint64_t next = walk->previous != 0 ? walk->previous + 1 : stream->published_first;
    uint64_t shipped = last < stream->last.sequence ? last : stream->last.sequence;
    if (next <= shipped) {
        gone(walk, next, shipped);
        next = shipped + 1;
    }
    if (next <= last) {
        stream->waiting += last - next + 1;
    }
}
