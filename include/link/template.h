/*
 * link/template.h - the URLs of campaigns and links, with placeholders.
 *
 *   https://play.google.com/store/apps/details?id=mx.example.app&referrer={referrer}
 *
 *   {code} {campaign} {owner}  percent-encoded
 *   {click}                    the click token (click/token.h): base64url, nothing to encode
 *   {referrer}                 the whole Play Store referrer, percent-encoded once:
 *                              utm_source=brinco&utm_medium=referral&utm_campaign=CAMPAIGN
 *                              &utm_content=CODE&click=TOKEN (under 256 bytes)
 *
 * A template is checked when it is written and again when it is read, for anybody can write to
 * Redis: an https URL, or of a scheme that the campaign lists; a host, with neither user
 * information nor placeholders in scheme or host; printable ASCII that RFC 3986 allows, no
 * backslash; known placeholders only. What passed can only render to a harmless Location.
 *
 * Threads   Pure functions.
 * Limits    TEMPLATE_BYTES_MAX as written; LOCATION_BYTES_MAX rendered, which the check
 *           computes for the worst case, so that rendering cannot fail.
 */
#ifndef LINK_TEMPLATE_H
#define LINK_TEMPLATE_H

#include <stdbool.h>

#include "base/slice.h"

struct buf;
struct err;

enum {
    TEMPLATE_BYTES_MAX = 2048,
    LOCATION_BYTES_MAX = 4096,
    TEMPLATE_CLICK_BYTES = 32, /* the size of a click token */
    OWNER_BYTES_MAX = 128,
    REFERRER_BYTES_MAX = 255,
};

/* What the placeholders stand for: code and campaign are valid (link/code.h), click is base64url,
 * so that only owner needs encoding. campaign and owner may be empty. */
struct template_values {
    struct slice code;
    struct slice campaign;
    struct slice owner;
    struct slice click;
};

/* schemes: further schemes allowed beside https, separated by spaces; may be empty; "*" allows
 * any. Those that run code in the browser (javascript, data, vbscript, ...) are refused even when
 * listed. err (may be NULL) names what is wrong and what is allowed. */
bool template_check(struct slice text, struct slice schemes, struct err *err);

/* Whether a checked template's scheme is https or one of schemes. */
bool template_scheme_is_allowed(struct slice text, struct slice schemes);

/* Whether it holds {click} or {referrer}: only then does a tap need a token. */
bool template_needs_click(struct slice text);

/* Appends the rendered URL; text must have passed template_check(). False only when out has
 * less than LOCATION_BYTES_MAX left and the URL does not fit; then nothing is appended. */
bool template_render(struct slice text, const struct template_values *values, struct buf *out);

#endif
