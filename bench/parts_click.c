/*
 * parts_click.c - a click's id and token, its record, and the journal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/err.h"
#include "base/random.h"
#include "base/ulid.h"
#include "click/click.h"
#include "click/journal.h"
#include "click/token.h"
#include "parts.h"

enum {
    SEGMENT_BYTES = 64 * 1024 * 1024,
    SEGMENTS = 10,
    RECORDS_MAX = 3 * 1000 * 1000, /* of about 130 bytes: they fit */
    KEEP_TURNS = 4,                /* a segment each: a run needs two at most */
    SYNC_NEVER_MS = 3600 * 1000,
};

#define SOME_TIME_MS UINT64_C(1800000000000)

/* --- id and token ------------------------------------------------------------------------ */

struct token_part {
    struct random random;
    struct token_key key;
    struct ulid id[TOKEN_BATCH];
    char token[TOKEN_BATCH][TOKEN_SIZE];
};

static void *begin_token(const struct parts_options *options) {
    struct token_part *it = parts_allocate(sizeof(*it));
    (void)options;
    random_init(&it->random);
    token_key_init(&it->key, (const uint8_t *)"parts", 5);
    for (unsigned i = 0; i < TOKEN_BATCH; i++) {
        it->id[i] = ulid_make(SOME_TIME_MS, &it->random);
    }
    return it;
}

static void run_id(void *state, uint64_t count) {
    struct token_part *it = state;
    for (uint64_t i = 0; i < count; i++) {
        struct ulid id = ulid_make(SOME_TIME_MS + i, &it->random);
        parts_use(id.bytes[ULID_BYTES - 1]);
    }
}

static void run_token(void *state, uint64_t count) {
    struct token_part *it = state;
    for (uint64_t i = 0; i < count; i++) {
        token_make(&it->key, &it->id[i % TOKEN_BATCH], SLICE("AB12CD"), it->token[0]);
        parts_use((uint64_t)it->token[0][TOKEN_SIZE - 1]);
    }
}

/* An operation is a token, not a batch. */
static void run_token_batch(void *state, uint64_t count) {
    struct token_part *it = state;
    struct token_job jobs[TOKEN_BATCH];
    for (unsigned i = 0; i < TOKEN_BATCH; i++) {
        jobs[i] =
            (struct token_job){.id = it->id[i], .code = SLICE("AB12CD"), .token = it->token[i]};
    }
    for (uint64_t done = 0; done < count; done += TOKEN_BATCH) {
        uint64_t left = count - done;
        token_make_all(&it->key, jobs, left < TOKEN_BATCH ? (size_t)left : TOKEN_BATCH);
        parts_use((uint64_t)it->token[0][TOKEN_SIZE - 1]);
    }
}

/* --- record and journal ------------------------------------------------------------------ */

struct journal_part {
    struct journal *journal;
    struct click click;
    uint8_t payload[CLICK_PAYLOAD_BYTES_MAX];
    size_t payload_size;
};

static void describe(struct click *click) {
    *click = (struct click){
        .at_ms = SOME_TIME_MS,
        .version = CLICK_VERSION,
        .kind = TAP_KIND_HUMAN,
        .outcome = TAP_OUTCOME_PLAY_STORE,
        .platform = TAP_PLATFORM_ANDROID,
        .visitor = UINT64_C(0x0123456789ABCDEF),
        .network = UINT64_C(0xFEDCBA9876543210),
        .text = {[CLICK_CODE] = SLICE("AB12CD"),
                 [CLICK_CAMPAIGN] = SLICE("spring26"),
                 [CLICK_OWNER] = SLICE("user-123456"),
                 [CLICK_COUNTRY] = SLICE("MX"),
                 [CLICK_REGION] = SLICE("CMX"),
                 [CLICK_BROWSER] = SLICE("chrome"),
                 [CLICK_IN_APP] = SLICE(""),
                 [CLICK_LANGUAGE] = SLICE("es-MX"),
                 [CLICK_REFERRER] = SLICE(""),
                 [CLICK_SOURCE] = SLICE(""),
                 [CLICK_AGENT] = SLICE(""),
                 [CLICK_RULE] = SLICE("android")},
    };
}

/* So that there is room for another run. */
static void keep_journal(void *state) {
    struct journal_part *it = state;
    for (unsigned i = 0; i < KEEP_TURNS; i++) {
        journal_keep(it->journal, SOME_TIME_MS);
    }
}

static void *begin_journal(const struct parts_options *options) {
    struct err err = {""};
    struct journal *journal = journal_open(
        &(struct journal_options){
            .directory = options->directory,
            .edge_id = SLICE("bench"),
            .segment_bytes = SEGMENT_BYTES,
            .disk_bytes_max = (uint64_t)SEGMENT_BYTES * SEGMENTS,
            .sync_interval_ms = SYNC_NEVER_MS,
        },
        &err);
    if (journal == NULL) {
        fprintf(stderr, "parts: %s\n", err.text);
        return NULL;
    }
    struct journal_part *it = parts_allocate(sizeof(*it));
    it->journal = journal;
    describe(&it->click);
    it->payload_size = click_encode(&it->click, it->payload);
    keep_journal(it);
    return it;
}

static void end_journal(void *state) {
    struct journal_part *it = state;
    journal_close(&it->journal);
    free(it);
}

static void run_append(void *state, uint64_t count) {
    struct journal_part *it = state;
    uint64_t sequence = 0;
    struct slice payload = slice_make((const char *)it->payload, it->payload_size);
    for (uint64_t i = 0; i < count; i++) {
        ENSURE(journal_append(it->journal, payload, &sequence) == JOURNAL_APPENDED);
        parts_use(sequence);
    }
}

/* As a tap does it: in place. */
static void run_record(void *state, uint64_t count) {
    struct journal_part *it = state;
    for (uint64_t i = 0; i < count; i++) {
        it->click.visitor++;
        uint8_t *out = journal_reserve(it->journal, CLICK_PAYLOAD_BYTES_MAX);
        ENSURE(out != NULL);
        parts_use(journal_commit(it->journal, click_encode(&it->click, out)));
    }
}

const struct part parts_of_click[] = {
    {"id", "make an id", 0, begin_token, run_id, NULL, free},
    {"token", "sign a token by itself", 0, begin_token, run_token, NULL, free},
    {"token-batch", "one of eight signed together", 0, begin_token, run_token_batch, NULL, free},
    {"journal", "append a record of a click", RECORDS_MAX, begin_journal, run_append, keep_journal,
     end_journal},
    {"record", "encode a click, and append it", RECORDS_MAX, begin_journal, run_record,
     keep_journal, end_journal},
    {0},
};
