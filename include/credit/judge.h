/*
 * credit/judge.h - what a reported conversion is worth, by what is known when it is counted.
 *
 *   the token                            status       counts for
 *   ours, for this code                  verified     the totals that credit goes by; once a click
 *                                                     and event
 *   none, or it cannot be looked into    unverified   beside them; once an idempotency key
 *   not ours, or of another code         forged       beside them; once a token and event
 *
 * A token that came without its code is held against the code of the click that it names
 * (CONVERSION_OPEN); when nothing knows that click any more, or there is no secret to check with,
 * it stays unverified.
 *
 * The checks of a campaign (link/checks.h) only mark. Of a forged conversion nothing can be
 * believed, so nothing is checked. The time of a click is that in its id, which the token vouches
 * for; times are compared in whole seconds, since Google Play gives no others. Three marks need to
 * know of other conversions, and are decided where these are counted: too_soon is only for the
 * first conversion of a click, many_by_visitor and many_by_network are counters.
 *
 * Threads   Pure functions.
 */
#ifndef CREDIT_JUDGE_H
#define CREDIT_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "click/conversion.h"
#include "link/checks.h"

struct token_key;

#define CREDIT_STATUSES(X)                                                                         \
    X(VERIFIED, "verified")                                                                        \
    X(UNVERIFIED, "unverified")                                                                    \
    X(FORGED, "forged")

#define CREDIT_STATUS_ENUM(name, text) CREDIT_##name,
enum credit_status { CREDIT_STATUSES(CREDIT_STATUS_ENUM) CREDIT_STATUS_COUNT };
const char *credit_status_name(enum credit_status status);

/* What is known of the click; texts borrowed. */
struct judge_click {
    struct slice code;
    struct slice campaign;
    struct slice owner;
    struct slice at;      /* Unix milliseconds, as in the stream */
    struct slice visitor; /* 16 hexadecimal digits; empty or all zero: not known */
    struct slice network; /* the same */
};

/* Of whom the conversion is: the first question. */
struct judge_proof {
    enum credit_status status;
    struct slice code; /* the token's or the click's; else as reported, maybe empty */
    bool has_click;    /* the token proves the click: what is known of it may be used */
};

/* click: what is known of the click that the conversion's token names; NULL: nothing.
 * key: NULL: there is no secret here. */
struct judge_proof judge_prove(const struct conversion *conversion, const struct judge_click *click,
                               const struct token_key *key);

/* The second: what is odd about it. */
struct judge_input {
    const struct conversion *conversion;
    enum credit_status status;
    const struct judge_click *click; /* NULL: not known, or not proven */
    struct slice owner; /* the link's, for when the click's is not known; maybe empty */
    const struct checks *checks;
};

/* A mask, 1 << enum check_reason. CHECK_TOO_SOON is set as if it were the click's first conversion;
 * CHECK_MANY_BY_VISITOR and CHECK_MANY_BY_NETWORK are not decided here. */
unsigned judge_reasons(const struct judge_input *input);

/* Whether an event may be counted: install, signup, first_loan, or one of events, the campaign's
 * own, separated by spaces. */
bool judge_is_event(struct slice event, struct slice events);

/* When it happened, for the day that it is counted in: as reported, but not after the report. */
uint64_t judge_happened_ms(const struct conversion *conversion);

/* Whether a visitor or network of a click is known. */
bool judge_is_known(struct slice hexadecimal);

#endif
