/*
 * click/click.h - the record of one tap, and its two forms.
 *
 * In the journal it is a packed, versioned binary payload; in queue, dumps and API it is a list
 * of named fields. Both are described in docs/formats.md. The first eight bytes of a payload are
 * `at`, whatever its version: the journal orders by them.
 *
 * Threads   Pure functions.
 * Limits    Each text at most CLICK_TEXT_BYTES_MAX bytes (longer ones are cut by the encoder at
 *           a character's boundary); a payload at most CLICK_PAYLOAD_BYTES_MAX.
 */
#ifndef CLICK_CLICK_H
#define CLICK_CLICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/ulid.h"
#include "base/vocabulary.h"

struct buf;

enum {
    CLICK_VERSION = 1, /* of the fields: rises when one changes its meaning or goes */
    CLICK_LAYOUT = 2,  /* of the payload; 1 had neither network nor the last two texts */
    CLICK_TEXT_BYTES_MAX = 255,
    CLICK_PAYLOAD_BYTES_MAX = 3328,
};

/* The texts of a click, in the order in which they are encoded. */
#define CLICK_TEXTS(X)                                                                             \
    X(CODE, "code")                                                                                \
    X(CAMPAIGN, "campaign")                                                                        \
    X(OWNER, "owner")                                                                              \
    X(COUNTRY, "country")                                                                          \
    X(REGION, "region")                                                                            \
    X(BROWSER, "browser")                                                                          \
    X(IN_APP, "in_app")                                                                            \
    X(LANGUAGE, "language")                                                                        \
    X(REFERRER, "referrer")                                                                        \
    X(SOURCE, "source")                                                                            \
    X(AGENT, "agent") /* the token of the User-Agent table that decided the class */               \
    X(RULE, "rule")   /* what chose the destination, as BY[:RULE][+CONTAINER] */

#define CLICK_TEXT_ENUM(name, text) CLICK_##name,
enum click_text { CLICK_TEXTS(CLICK_TEXT_ENUM) CLICK_TEXT_COUNT };

struct click {
    uint64_t at_ms; /* Unix time; never earlier than the journal's record before */
    struct ulid id; /* its time is at_ms */
    uint8_t version;
    enum tap_kind kind;
    enum tap_outcome outcome;
    enum tap_platform platform;
    uint64_t visitor;
    uint64_t network; /* of the address: /24 or /48, hashed as visitor is; 0: not known */
    struct slice text[CLICK_TEXT_COUNT];
};

/* Writes the payload to out, which has room for CLICK_PAYLOAD_BYTES_MAX, and no byte behind it
 * (journal_reserve() asks for that). Returns its size. */
size_t click_encode(const struct click *click, uint8_t *out);

/* Texts borrow from payload. False when it is malformed or of an unknown version. */
bool click_decode(struct slice payload, struct click *click);

/* Visits the fields in their fixed order: id at code campaign owner kind outcome country region
 * platform browser in_app language referrer source visitor version network agent rule. id is a
 * ULID, at in milliseconds, visitor and network 16 hexadecimal digits; unknown values are empty, no
 * field is left out. Values are borrowed for the call. */
enum { CLICK_FIELD_COUNT = 20 };
struct click_visitor {
    void (*field)(void *argument, struct slice name, struct slice value);
    void *argument;
};
void click_fields(const struct click *click, const struct click_visitor *visitor);

/* One JSON object, without a line break. at, version are numbers, all others strings. */
bool click_to_json(const struct click *click, struct buf *out);

#endif
