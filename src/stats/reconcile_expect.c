/*
 * reconcile_expect.c - see reconcile_expect.h.
 *
 * Ranges come in the order in which they were counted. Their numbers may overlap: after a power cut
 * a journal uses those again that it lost. So a sequence is looked for from the present range on.
 */
#include "reconcile_expect.h"

void recon_expect_init(struct recon_expect *expect, const struct reconciliation *recon,
                       const struct recon_stream *stream, uint64_t oldest) {
    uint64_t gone = 0;
    if (!slice_equal(slice_of(stream->tally_name), SLICE(TALLY_FILE))) {
        gone = oldest > 0 ? oldest - 1 : UINT64_MAX;
    }
    expect->count = 0;
    expect->at = 0;
    expect->next = 0;
    for (size_t i = 0; stream->view != NULL && i < stream->view->day_count; i++) {
        const struct tally_day *day = &stream->view->days[i];
        uint64_t lost = day->lost[TALLY_LOST_POWER] + day->lost[TALLY_LOST_MISSING];
        if (day->begin_ms != recon->begin_ms || day->end_ms != recon->end_ms ||
            day->first_sequence > day->last_sequence) {
            continue;
        }
        expect->ranges[expect->count++] = (struct recon_range){
            .first = day->first_sequence,
            .last = day->last_sequence,
            .kept_last = day->last_sequence - lost,
            .deleted = day->deleted_sequence > gone ? day->deleted_sequence : gone,
            .was_power = day->lost[TALLY_LOST_MISSING] == 0,
        };
    }
    if (expect->count > 0) {
        expect->next = expect->ranges[0].first;
    }
}

static enum recon_expected what_of(const struct recon_range *range, uint64_t sequence) {
    if (sequence > range->kept_last) {
        return range->was_power ? RECON_LOST_POWER : RECON_LOST_HAND;
    }
    return sequence <= range->deleted ? RECON_DELETED : RECON_KEPT;
}

/* The range from the present one on that has it; count: none. */
static size_t find(const struct recon_expect *expect, uint64_t sequence) {
    for (size_t i = expect->at; i < expect->count; i++) {
        const struct recon_range *range = &expect->ranges[i];
        uint64_t first = i == expect->at ? expect->next : range->first;
        if (sequence >= first && sequence <= range->last) {
            return i;
        }
    }
    return expect->count;
}

enum recon_expected recon_expect_look(const struct recon_expect *expect, uint64_t sequence) {
    size_t at = find(expect, sequence);
    return at < expect->count ? what_of(&expect->ranges[at], sequence) : RECON_NOT_EXPECTED;
}

/* first .. last of one range, in runs of one kind. */
static void tell(const struct recon_expect *expect, const struct recon_range *range, uint64_t first,
                 uint64_t last) {
    while (first <= last) {
        enum recon_expected what = what_of(range, first);
        uint64_t end = last;
        if (what == RECON_DELETED && range->deleted < end) {
            end = range->deleted;
        }
        if (first <= range->kept_last && range->kept_last < end) {
            end = range->kept_last;
        }
        expect->passed(expect->argument, first, end, what);
        first = end + 1;
    }
}

/* Moves to a sequence of a range, which may be one behind its last. */
static void move(struct recon_expect *expect, size_t to, uint64_t sequence) {
    while (expect->at < to) {
        const struct recon_range *range = &expect->ranges[expect->at++];
        tell(expect, range, expect->next, range->last);
        expect->next = expect->at < expect->count ? expect->ranges[expect->at].first : 0;
    }
    if (expect->at < expect->count && sequence > expect->next) {
        tell(expect, &expect->ranges[expect->at], expect->next, sequence - 1);
        expect->next = sequence;
    }
}

enum recon_expected recon_expect_take(struct recon_expect *expect, uint64_t sequence) {
    size_t at = find(expect, sequence);
    if (at == expect->count) {
        return RECON_NOT_EXPECTED;
    }
    move(expect, at, sequence);
    expect->next = sequence + 1;
    return what_of(&expect->ranges[at], sequence);
}

void recon_expect_end(struct recon_expect *expect) {
    move(expect, expect->count, 0);
}
