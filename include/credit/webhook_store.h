/*
 * credit/webhook_store.h - the deliveries as they stand in Redis: claimed, settled, listed, tried
 * again.
 *
 *   pending ── webhook_claim ► on its way ── webhook_settle ─► delivered      forgotten after 7
 * days ▲  ▲                        │                      └──► failed         ... after 30 │  └──
 * later: backoff ◄─────┘                              │ └────────────── webhook_retry, by hand
 * ◄───────────────────┘
 *
 * webhook:ID is written by credit/ledger.h together with what it tells of. Claiming moves a
 * delivery's time to the end of a lease, so that nobody else sends it meanwhile, and whoever dies
 * with it loses it to the others. An outcome (delivered, failed) is written from pending only:
 * once, whoever else tries. Every step is one Lua call.
 *
 * Threads   One at a time a pipe.
 * Limits    WEBHOOK_CLAIM_MAX deliveries a claim, of the WEBHOOK_WINDOW that it looks at;
 *           WEBHOOK_BODY_BYTES_MAX of a body, more fails at once; WEBHOOKS_KEPT_MAX in the list of
 *           all.
 */
#ifndef CREDIT_WEBHOOK_STORE_H
#define CREDIT_WEBHOOK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/slice.h"

struct err;
struct redis_pipe;

enum {
    WEBHOOK_ID_BYTES_MAX = 64,
    WEBHOOK_URL_BYTES_MAX = 2048,
    WEBHOOK_HOST_BYTES_MAX = 320, /* host and port, as they stand in the URL */
    WEBHOOK_BODY_BYTES_MAX = 64 * 1024,
    WEBHOOK_ERROR_BYTES_MAX = 200,
    WEBHOOK_CLAIM_MAX = 16,
    WEBHOOK_WINDOW = 500,
    WEBHOOKS_KEPT_MAX = 1000000,
    WEBHOOK_PAGE_MAX = 1000,
};

struct webhook_store {
    struct redis_pipe *pipe; /* connected */
    struct slice key_prefix;
};

enum webhook_store_result {
    WEBHOOK_STORE_OK,
    WEBHOOK_STORE_REFUSED,     /* Redis: out of memory, read-only, not permitted; err says what */
    WEBHOOK_STORE_UNREACHABLE, /* nothing is known */
};

/* Times beyond it (the year 9999) are none. */
#define WEBHOOK_TIME_MS_MAX UINT64_C(253402300799000)

/* --- sending -------------------------------------------------------------------------------- */

/* A host to which deliveries are on their way. */
struct webhook_busy {
    struct slice host;
    unsigned count;
};

struct webhook_claim {
    uint64_t now_ms;
    uint64_t lease_ms;
    size_t wanted;   /* at most WEBHOOK_CLAIM_MAX */
    size_t per_host; /* on their way at once */
    size_t offset;   /* of the due ones, as many are passed over */
    const struct webhook_busy *busy;
    size_t busy_count; /* at most WEBHOOK_CLAIM_MAX */
};

struct webhook_delivery {
    struct slice id;
    struct slice campaign;
    struct slice url;
    struct slice host; /* as webhook_busy counts it */
    struct slice body;
    uint64_t attempt; /* from 1: which one this is */
    uint64_t step;    /* the same since it began, or was taken up again by hand */
};

/* One that was not tried, since it cannot be: it has failed. */
struct webhook_hopeless {
    char id[WEBHOOK_ID_BYTES_MAX + 1];
    char why[64];
};

struct webhook_claimed {
    struct webhook_delivery delivery[WEBHOOK_CLAIM_MAX];
    size_t count;
    size_t next_offset;  /* for the next claim; 0: all due ones were looked at */
    size_t held_by_host; /* passed over, since their host has enough on its way */
    uint64_t failed;     /* hopeless ones: no URL, no body, too large, too many attempts */
    uint64_t stray;      /* due, and no delivery that is pending: taken off the list */
    struct webhook_hopeless example; /* of failed; empty when there is none */
    /* All that are due or wait. */
    uint64_t pending;
    uint64_t oldest_ms; /* since when the oldest one that was tried waits; 0: there is none */
    uint64_t next_ms;   /* when the next one is due; 0: there is none */
};

/* Texts stand in *bytes, which the caller has made with buf_init() and this clears. */
MUST_CHECK enum webhook_store_result
webhook_claim(const struct webhook_store *store, const struct webhook_claim *claim,
              struct buf *bytes, struct webhook_claimed *claimed, struct err *err);

enum webhook_verdict { WEBHOOK_DELIVERED, WEBHOOK_FAILED, WEBHOOK_LATER };

struct webhook_settle {
    struct slice id;
    uint64_t attempt;
    enum webhook_verdict verdict;
    uint64_t now_ms;
    uint64_t delay_ms;   /* of WEBHOOK_LATER */
    uint64_t give_up_ms; /* after it began; then WEBHOOK_LATER is WEBHOOK_FAILED */
    unsigned status;     /* of the answer; 0: there was none */
    struct slice error;  /* empty: none; cut to WEBHOOK_ERROR_BYTES_MAX */
};

enum webhook_settled {
    WEBHOOK_SETTLED_DELIVERED,
    WEBHOOK_SETTLED_FAILED,
    WEBHOOK_SETTLED_LATER,
    WEBHOOK_SETTLED_BEFORE, /* it has an outcome, or is gone: nothing was written */
    WEBHOOK_SETTLED_OTHERS, /* its lease was over, and somebody else tries it: nothing was written
                             */
};

MUST_CHECK enum webhook_store_result webhook_settle(const struct webhook_store *store,
                                                    const struct webhook_settle *settle,
                                                    enum webhook_settled *settled, struct err *err);

/* Keeps webhooks:all bounded: what is forgotten, and the oldest beyond WEBHOOKS_KEPT_MAX. */
struct webhook_trim {
    uint64_t now_ms;
    uint64_t kept_max; /* WEBHOOKS_KEPT_MAX, but in tests */
    uint64_t offset;   /* where this one begins, and afterwards where the next one does; first 0 */
    uint64_t trimmed;  /* how many were taken off */
};

MUST_CHECK enum webhook_store_result webhook_trim(const struct webhook_store *store,
                                                  struct webhook_trim *trim, struct err *err);

/* --- by hand -------------------------------------------------------------------------------- */

#define WEBHOOK_FIELDS(X)                                                                          \
    X(CAMPAIGN, "campaign")                                                                        \
    X(URL, "url")                                                                                  \
    X(STATE, "state") /* pending delivered failed */                                               \
    X(ATTEMPTS, "attempts")                                                                        \
    X(CREATED_AT, "created_at") /* this and the other times: Unix milliseconds */                  \
    X(LAST_AT, "last_at")                                                                          \
    X(NEXT_AT, "next_at")                                                                          \
    X(LAST_STATUS, "last_status")                                                                  \
    X(LAST_ERROR, "last_error")                                                                    \
    X(RETRIED_AT, "retried_at") /* when it was last taken up by hand */

#define WEBHOOK_FIELD_ENUM(name, text) WEBHOOK_FIELD_##name,
enum webhook_field { WEBHOOK_FIELDS(WEBHOOK_FIELD_ENUM) WEBHOOK_FIELD_COUNT };
const char *webhook_field_name(enum webhook_field field);

/* Whether it may be the id of a delivery: 1 to WEBHOOK_ID_BYTES_MAX of A-Z a-z 0-9 - _. */
bool webhook_id_is_valid(struct slice id);

/* One as JSON: all fields, null where they are empty; last_status and attempts are numbers, times
 * RFC 3339. Of a text that is longer than a URL may be, the beginning. At most
 * WEBHOOK_JSON_BYTES_MAX. */
enum { WEBHOOK_JSON_BYTES_MAX = 64 * 1024 };
void webhook_json(struct slice id, const struct slice value[WEBHOOK_FIELD_COUNT], struct buf *out);

struct webhook_list {
    struct slice state;    /* empty: any */
    struct slice campaign; /* empty: any */
    size_t limit;          /* how many are shown */
    size_t pieces_max;     /* how many hundreds are looked at; 0: WEBHOOK_PAGE_MAX */
    uint64_t before_ms;    /* 0: from the newest on; else only older ones */
    struct slice before;   /* of those of that millisecond, the ones before this id; may be empty */
    void (*each)(void *argument, struct slice id, const struct slice value[WEBHOOK_FIELD_COUNT]);
    void *argument;
};

/* Where a listing went on: the last one that was looked at. */
struct webhook_place {
    uint64_t at_ms; /* 0: the end was reached */
    char id[WEBHOOK_ID_BYTES_MAX + 1];
};

/* Newest first. Stops, with a place to go on from, when enough are shown or looked at. */
MUST_CHECK enum webhook_store_result webhook_list(const struct webhook_store *store,
                                                  const struct webhook_list *list,
                                                  struct webhook_place *place, struct err *err);

enum webhook_retried {
    WEBHOOK_RETRY_DONE,      /* pending again, due now */
    WEBHOOK_RETRY_SOONER,    /* it was pending: due now */
    WEBHOOK_RETRY_SENDING,   /* it is on its way: left alone */
    WEBHOOK_RETRY_DELIVERED, /* left alone */
    WEBHOOK_RETRY_NONE,      /* there is none */
};

struct webhook_retry {
    struct slice id;
    bool again; /* delivered ones, too */
    uint64_t now_ms;
};

MUST_CHECK enum webhook_store_result webhook_retry(const struct webhook_store *store,
                                                   const struct webhook_retry *retry,
                                                   enum webhook_retried *retried, struct err *err);

#endif
