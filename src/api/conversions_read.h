/*
 * conversions_read.h - a report of a conversion, out of a JSON object.
 *
 * Strict: an unknown member, or one of another type, is refused by its name. What the report says
 * of itself is checked here; what needs Redis (whether the campaign lists the event, which code a
 * token is of) is not.
 *
 * Threads   Pure functions on what they are given.
 * Limits    Texts as click/conversion.h; a referrer REPORT_REFERRER_BYTES_MAX; a value
 *           REPORT_VALUE_MAX minor units, so that thousands of them can be added up.
 */
#ifndef API_CONVERSIONS_READ_H
#define API_CONVERSIONS_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "click/conversion.h"
#include "idempotency.h"
#include "json_fields.h"
#include "link/code.h"

#define REPORT_VALUE_MAX INT64_C(1000000000000000)

enum {
    REPORT_REFERRER_BYTES_MAX = 1024,
    REPORT_AHEAD_S = 24 * 60 * 60, /* that a sender's clock may be ahead */
    REPORT_ANSWER_BYTES = 256,
};

enum report_state {
    REPORT_NEW,
    REPORT_AGAIN, /* its key was answered before: answer has what was said */
};

struct report {
    struct conversion conversion; /* texts in the JSON, in the call, and in what is below */
    enum report_state state;
    bool is_own_event;                     /* not one of those that every campaign has */
    char code[CODE_BYTES_MAX];             /* of a referrer, or found */
    char token[CONVERSION_TEXT_BYTES_MAX]; /* of a referrer */
    char key[CONVERSION_KEY_BYTES_MAX];    /* made for one of a list */
    char campaign[CODE_BYTES_MAX];         /* while its events are asked for */
    size_t campaign_size;
    bool is_unlisted; /* no campaign is known that lists its own event */
    struct idempotency idempotency;
    bool is_reserved;                 /* its key is ours */
    char answer[REPORT_ANSWER_BYTES]; /* the result, a JSON object */
    size_t answer_size;
};

struct report_limits {
    uint64_t now_ms;
    uint32_t retain_days; /* `at` is not older */
};

/* json: jansson's json_t, which outlives the report. False: fault says what is allowed. */
MUST_CHECK bool report_read(const void *json, const struct report_limits *limits,
                            struct report *report, struct json_fault *fault);

/* Whether it may be an idempotency key: 1 to CONVERSION_KEY_BYTES_MAX of printable ASCII. */
bool report_key_is_valid(struct slice key);

/* Whether ISO 4217 has a currency of this code. */
bool report_currency_is_known(struct slice code);

#endif
