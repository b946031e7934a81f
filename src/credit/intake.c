/*
 * credit/intake.c - see credit/intake.h.
 */
#include "credit/intake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "click/journal.h"
#include "click/token.h"

enum { PATH_BYTES_MAX = 2048, LOG_INTERVAL_MS = 10 * 1000 };

/* A segment has room for a whole batch of the longest reports. */
#define SEGMENT_BYTES  ((uint64_t)2 << 20)
#define DISK_BYTES_MIN (2 * SEGMENT_BYTES)

_Static_assert(INTAKE_BATCH_MAX *(CONVERSION_PAYLOAD_BYTES_MAX + 64) < 3 << 19, "it has room");

enum metric_of_intake {
    TAKEN_FIRST, /* by proof */
    REFUSED_FULL = TAKEN_FIRST + CONVERSION_PROOF_COUNT,
    EVENT_FIRST, /* by enum intake_event */
    METRIC_COUNT = EVENT_FIRST + INTAKE_EVENT_COUNT,
};

#define TAKEN(proof, text)                                                                         \
    [TAKEN_FIRST + CONVERSION_##proof] = {.name = "brinco_conversions_taken_total",                \
                                          .labels = "proof=\"" text "\"",                          \
                                          .help = "Reports of conversions that were journaled, "   \
                                                  "by what their token proved then.",              \
                                          .type = METRIC_COUNTER},

#define REFUSED(index, reason)                                                                     \
    [index] = {.name = "brinco_conversions_refused_total",                                         \
               .labels = "reason=\"" reason "\"",                                                  \
               .help = "Reports of conversions that were not taken: no room in the journal, not "  \
                       "valid, idempotency key busy or another report's, or Redis was not there "  \
                       "for it.",                                                                  \
               .type = METRIC_COUNTER}

#define LOOKUP(index, result)                                                                      \
    [EVENT_FIRST + (index)] = {.name = "brinco_conversions_lookups_total",                         \
                               .labels = "result=\"" result "\"",                                  \
                               .help = "Look-ups of clicks for tokens that came without a code.",  \
                               .type = METRIC_COUNTER}

static const struct metric metrics_of_intake[METRIC_COUNT] = {
    CONVERSION_PROOFS(TAKEN) REFUSED(REFUSED_FULL, "full"),
    REFUSED(EVENT_FIRST + INTAKE_INVALID, "invalid"),
    REFUSED(EVENT_FIRST + INTAKE_BUSY, "busy"),
    REFUSED(EVENT_FIRST + INTAKE_KEY_MISUSED, "key"),
    REFUSED(EVENT_FIRST + INTAKE_UNAVAILABLE, "redis"),
    [EVENT_FIRST + INTAKE_REPEATED] = {.name = "brinco_conversions_answered_again_total",
                                       .help = "Reports that were sent again with their "
                                               "idempotency key, and answered as the first time.",
                                       .type = METRIC_COUNTER},
    LOOKUP(INTAKE_LOOKED_UP, "found"),
    LOOKUP(INTAKE_NOT_FOUND, "none"),
    LOOKUP(INTAKE_LOOKUP_FAILED, "failed"),
};

struct intake {
    struct journal *journal;
    struct token_key key;
    bool has_key;
    struct log *log;
    pthread_mutex_t mutex; /* of what follows, and of appending */
    struct metric_set *metrics;
    struct random random;
    struct log_limit full_limit;
    bool is_refusing;
    uint64_t taken;
    uint64_t refused;
};

uint64_t intake_disk_bytes_max(uint64_t journal_bytes_max) {
    uint64_t bytes = journal_bytes_max / 8;
    return bytes > DISK_BYTES_MIN ? bytes : DISK_BYTES_MIN;
}

static struct journal *open_journal(const struct intake_options *options, struct err *err) {
    char directory[PATH_BYTES_MAX];
    int size = snprintf(directory, sizeof(directory), "%s/conversions/00", options->data_dir);
    if (size < 0 || (size_t)size >= sizeof(directory)) {
        err_set(err, "data.dir: the path is too long");
        return NULL;
    }
    const struct journal_options journal = {
        .directory = directory,
        .edge_id = options->edge_id,
        .worker = 0,
        .segment_bytes = SEGMENT_BYTES,
        .disk_bytes_max = options->disk_bytes_max,
        .sync_interval_ms = options->sync_interval_ms,
        .log = options->log,
        /* No metrics: those of journals are of clicks. */
    };
    return journal_open(&journal, err);
}

struct intake *intake_open(const struct intake_options *options, struct err *err) {
    struct journal *journal = open_journal(options, err);
    if (journal == NULL) {
        return NULL;
    }
    struct intake *intake = calloc(1, sizeof(*intake));
    ENSURE(intake != NULL);
    intake->journal = journal;
    intake->log = options->log;
    intake->metrics = metric_set_create(options->metrics, metrics_of_intake, METRIC_COUNT);
    intake->has_key = options->secret != NULL;
    if (intake->has_key) {
        token_key_init(&intake->key, options->secret, options->secret_size);
    }
    random_init(&intake->random);
    pthread_mutex_init(&intake->mutex, NULL);
    return intake;
}

void intake_close(struct intake **intake) {
    struct intake *gone = *intake;
    if (gone == NULL) {
        return;
    }
    journal_close(&gone->journal);
    metric_set_destroy(&gone->metrics);
    pthread_mutex_destroy(&gone->mutex);
    explicit_bzero(&gone->key, sizeof(gone->key));
    free(gone);
    *intake = NULL;
}

struct journal *const *intake_journal(const struct intake *intake) {
    return &intake->journal;
}

const struct token_key *intake_token_key(const struct intake *intake) {
    return intake->has_key ? &intake->key : NULL;
}

/* ---- proofs ---- */

void intake_prove(const struct intake *intake, struct conversion *conversion) {
    struct slice token = conversion->text[CONVERSION_TEXT_CLICK];
    struct slice code = conversion->text[CONVERSION_TEXT_CODE];
    struct ulid id;
    conversion->has_click_id = token.size > 0 && token_read_id(token, &conversion->click_id);
    if (token.size == 0) {
        conversion->proof = CONVERSION_UNVERIFIED;
    } else if (!conversion->has_click_id) {
        conversion->proof = CONVERSION_FORGED;
    } else if (code.size == 0 || !intake->has_key) {
        conversion->proof = CONVERSION_OPEN;
    } else {
        conversion->proof =
            token_verify(&intake->key, token, code, &id) ? CONVERSION_VERIFIED : CONVERSION_FORGED;
    }
}

void intake_prove_open(const struct intake *intake, struct conversion *conversion,
                       struct slice code) {
    struct ulid id;
    ENSURE(conversion->proof == CONVERSION_OPEN);
    if (!intake->has_key) {
        return;
    }
    if (token_verify(&intake->key, conversion->text[CONVERSION_TEXT_CLICK], code, &id)) {
        conversion->proof = CONVERSION_VERIFIED;
        conversion->text[CONVERSION_TEXT_CODE] = code;
    } else {
        conversion->proof = CONVERSION_FORGED;
    }
}

/* ---- appending ---- */

/* at_ms is the journal's time, which never goes back; now_ms that of the clock, which may have been
 * ahead: what has no time of its own happened now. */
static void append_one(struct intake *intake, uint64_t at_ms, uint64_t now_ms,
                       struct conversion *conversion) {
    conversion->at_ms = at_ms;
    conversion->id = ulid_make(at_ms, &intake->random);
    if (conversion->happened_ms == 0) {
        conversion->happened_ms = now_ms;
    }
    uint8_t *place = journal_reserve(intake->journal, CONVERSION_PAYLOAD_BYTES_MAX);
    ENSURE(place != NULL); /* it was asked whether there is room */
    journal_commit(intake->journal, conversion_encode(conversion, place));
    metric_add(intake->metrics, TAKEN_FIRST + (size_t)conversion->proof, 1);
}

static void refuse(struct intake *intake, size_t count) {
    uint64_t held_back;
    intake->is_refusing = true;
    intake->refused += count;
    metric_add(intake->metrics, REFUSED_FULL, count);
    if (log_allowed(&intake->full_limit, clock_monotonic_ns(), LOG_INTERVAL_MS, &held_back)) {
        log_event(intake->log, LOG_ERROR, "conversions_refused",
                  "reports=%zu held_back=%lu meaning=%s", count, (unsigned long)held_back,
                  "the journal of conversions is full: they are answered 503 until some are "
                  "shipped; free disk space, or raise journal.max_mb");
    }
}

enum intake_result intake_append(struct intake *intake, uint64_t now_ms,
                                 struct conversion *const *conversions, size_t count) {
    ENSURE(count <= INTAKE_BATCH_MAX);
    pthread_mutex_lock(&intake->mutex);
    bool has_room = journal_has_room(intake->journal, CONVERSION_PAYLOAD_BYTES_MAX, count);
    uint64_t at_ms = journal_time(intake->journal, now_ms);
    for (size_t i = 0; i < count && has_room; i++) {
        append_one(intake, at_ms, now_ms, conversions[i]);
    }
    if (has_room) {
        intake->is_refusing = false;
        intake->taken += count;
    } else {
        refuse(intake, count);
    }
    pthread_mutex_unlock(&intake->mutex);
    return has_room ? INTAKE_TAKEN : INTAKE_FULL;
}

void intake_note(struct intake *intake, enum intake_event event, uint64_t count) {
    ENSURE((unsigned)event < INTAKE_EVENT_COUNT);
    pthread_mutex_lock(&intake->mutex);
    metric_add(intake->metrics, EVENT_FIRST + (size_t)event, count);
    pthread_mutex_unlock(&intake->mutex);
}

struct intake_status intake_status(struct intake *intake) {
    pthread_mutex_lock(&intake->mutex);
    struct intake_status status = {
        .accepting = !intake->is_refusing ||
                     journal_has_room(intake->journal, CONVERSION_PAYLOAD_BYTES_MAX, 1),
        .taken = intake->taken,
        .refused = intake->refused,
    };
    pthread_mutex_unlock(&intake->mutex);
    return status;
}
