/*
 * feed_journal.c - made-up clicks (made_clicks.h) into a journal: for bench/run --only shipper.
 *
 *   feed_journal DIRECTORY LINKS COUNT AT_MS
 *
 * Writes COUNT clicks into the journal at DIRECTORY (<data.dir>/journal/00), of edge "bench" and
 * worker 0, from Unix time AT_MS on, MADE_CLICKS_PER_MS in each millisecond: what a server has to
 * ship that comes back after an outage.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/err.h"
#include "base/slice.h"
#include "click/journal.h"
#include "made_clicks.h"

enum { ARGUMENTS = 5, SEGMENT_BYTES = 64 * 1024 * 1024, SYNC_NEVER_MS = 3600 * 1000 };

#define DISK_BYTES_MAX (UINT64_C(8) * 1024 * 1024 * 1024)

static bool append(struct journal *journal, const struct click *click) {
    uint8_t payload[CLICK_PAYLOAD_BYTES_MAX];
    uint64_t sequence = 0;
    struct slice bytes = slice_make((const char *)payload, click_encode(click, payload));
    if (journal_append(journal, bytes, &sequence) == JOURNAL_APPENDED) {
        return true;
    }
    journal_keep(journal, click->at_ms); /* the next segment */
    return journal_append(journal, bytes, &sequence) == JOURNAL_APPENDED;
}

static bool feed(struct journal *journal, const uint64_t number[3]) {
    struct made_texts texts;
    for (uint64_t i = 0; i < number[1]; i++) {
        uint64_t at_ms = number[2] + i / MADE_CLICKS_PER_MS;
        struct click click = made_click(i + 1, number[0], at_ms, &texts);
        if (!append(journal, &click)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    struct err err = {""};
    uint64_t number[3];
    bool is_right = argc == ARGUMENTS;
    for (int i = 2; is_right && i < ARGUMENTS; i++) {
        is_right = slice_to_u64(slice_of(argv[i]), UINT64_MAX, &number[i - 2]) && number[i - 2] > 0;
    }
    if (!is_right) {
        fprintf(stderr, "usage: feed_journal DIRECTORY LINKS COUNT AT_MS\n");
        return 2;
    }
    struct journal *journal = journal_open(
        &(struct journal_options){
            .directory = argv[1],
            .edge_id = SLICE("bench"),
            .segment_bytes = SEGMENT_BYTES,
            .disk_bytes_max = DISK_BYTES_MAX,
            .sync_interval_ms = SYNC_NEVER_MS,
        },
        &err);
    if (journal == NULL) {
        fprintf(stderr, "feed_journal: %s\n", err.text);
        return 1;
    }
    bool is_fed = feed(journal, number);
    journal_close(&journal);
    if (!is_fed) {
        fprintf(stderr, "feed_journal: %s: no room\n", argv[1]);
    }
    return is_fed ? 0 : 1;
}
