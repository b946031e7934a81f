/*
 * click/conversion.h - the record of what somebody did in the app: an install, a sign-up, a loan.
 *
 * It is reported by the app's backend (POST /v1/conversions), and goes through a journal and a
 * stream of its own, as clicks do: <data.dir>/conversions/00 and conversions:EDGE:0. What is in it
 * is what was said, and what could be said of the token at once; judging it (credit/judge.h) is
 * done when it is counted, with the click and the campaign at hand.
 *
 * Payload version 1, numbers little-endian: u64 at_ms | u8 version | u8 proof | u8 flags | u8 zero
 * | 16 bytes id | 16 bytes click_id | u64 happened_ms | u64 install_begin_ms | u64
 * referrer_click_ms | i64 value | texts, each u8 size | bytes. docs/formats.md has the table.
 *
 * Threads   Pure functions.
 * Limits    Texts of CONVERSION_TEXT_BYTES_MAX, a payload of CONVERSION_PAYLOAD_BYTES_MAX bytes.
 */
#ifndef CLICK_CONVERSION_H
#define CLICK_CONVERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/ulid.h"
#include "click/click.h" /* struct click_visitor */

struct buf;

enum {
    CONVERSION_VERSION = 1,
    CONVERSION_TEXT_BYTES_MAX = 128,
    CONVERSION_EVENT_BYTES_MAX = 32, /* a-z 0-9 _, begins with a letter */
    CONVERSION_KEY_BYTES_MAX = 128,
    CONVERSION_PAYLOAD_BYTES_MAX = 1280,
};

/* What the token proves. Numbers are stored: never changed, new ones at the end. */
#define CONVERSION_PROOFS(X)                                                                       \
    X(VERIFIED, "verified")     /* it is ours, for this code */                                    \
    X(UNVERIFIED, "unverified") /* there is none */                                                \
    X(FORGED, "forged")         /* it is not ours, or of another code */                           \
    X(OPEN, "open")             /* a token without its code: found out when it is counted */

#define CONVERSION_PROOF_ENUM(name, text) CONVERSION_##name,
enum conversion_proof { CONVERSION_PROOFS(CONVERSION_PROOF_ENUM) CONVERSION_PROOF_COUNT };
const char *conversion_proof_name(enum conversion_proof proof);

#define CONVERSION_TEXTS(X)                                                                        \
    X(EVENT, "event")                                                                              \
    X(CODE, "code")         /* as reported, or found by a verified token; else empty */            \
    X(CLICK, "click")       /* the token as reported; empty: none */                               \
    X(CURRENCY, "currency") /* ISO 4217; empty: no value */                                        \
    X(USER, "user")         /* the backend's name for the person, to hold against the owner */     \
    X(KEY, "key")           /* the idempotency key */                                              \
    X(REPORTER, "reporter") /* the API token's name */

#define CONVERSION_TEXT_ENUM(name, text) CONVERSION_TEXT_##name,
enum conversion_text { CONVERSION_TEXTS(CONVERSION_TEXT_ENUM) CONVERSION_TEXT_COUNT };

struct conversion {
    uint64_t at_ms; /* when it was reported; never earlier than the journal's record before */
    struct ulid id; /* its time is at_ms */
    enum conversion_proof proof;
    bool has_click_id;
    struct ulid click_id;       /* what the token names, verified or not */
    uint64_t happened_ms;       /* the report's `at`; when it came, where it had none */
    uint64_t install_begin_ms;  /* 0: not reported */
    uint64_t referrer_click_ms; /* 0: not reported */
    int64_t value;              /* minor units of currency */
    struct slice text[CONVERSION_TEXT_COUNT];
};

/* As click_encode(), click_decode(), click_fields(), but that nothing is cut: to encode a text that
 * is too long, an event that is no name, or a value without a currency is a bug. Fields: id at
 * event proof code click click_id happened_at install_begin_at referrer_click_at value currency
 * user key reporter version; times in Unix milliseconds, empty where not known. */
size_t conversion_encode(const struct conversion *conversion, uint8_t *out);
bool conversion_decode(struct slice payload, struct conversion *conversion);
enum { CONVERSION_FIELD_COUNT = 16 };
void conversion_fields(const struct conversion *conversion, const struct click_visitor *visitor);
bool conversion_to_json(const struct conversion *conversion, struct buf *out);

/* Reads one back from a stream's entry: names and values as conversion_fields() gives them, in any
 * order. Texts borrow. False when it is none of a known version. */
bool conversion_from_fields(const struct slice *names, const struct slice *values, size_t count,
                            struct conversion *conversion);

/* Whether it may be the name of an event. */
bool conversion_event_is_name(struct slice text);

#endif
