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
 * What passed is compiled once, when its link or campaign comes into memory, and rendered at every
 * tap. The signature of a click token is the dearest part of a tap, and eight of them together
 * hardly cost more than one: so a URL can be rendered before its token is known, with a hole where
 * the token goes.
 *
 * Threads   Pure functions.
 * Limits    TEMPLATE_BYTES_MAX as written; LOCATION_BYTES_MAX rendered, which the check
 *           computes for the worst case, so that rendering cannot fail.
 */
#ifndef LINK_TEMPLATE_H
#define LINK_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buf;
struct err;

enum {
    TEMPLATE_BYTES_MAX = 2048,
    LOCATION_BYTES_MAX = 4096,
    TEMPLATE_CLICK_BYTES = 32, /* the size of a click token */
    OWNER_BYTES_MAX = 128,
    REFERRER_BYTES_MAX = 255,

    /* Everything that is not a literal renders to TEMPLATE_CLICK_BYTES at worst, or to more. */
    TEMPLATE_COMPILED_BYTES_MAX =
        4 + LOCATION_BYTES_MAX + 3 * (LOCATION_BYTES_MAX / TEMPLATE_CLICK_BYTES),
    TEMPLATE_CLICKS = 0x7F, /* of a compiled template's first byte */
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

/* Writes the compiled form of a template that passed template_check() to out, which has room for
 * TEMPLATE_COMPILED_BYTES_MAX; returns its size. With a campaign, the form is for that one alone
 * and fast; without (empty), it is small: at most 4 bytes longer than the text. */
size_t template_compile(struct slice text, struct slice campaign, char *out);

/* The same for a template that leads to Google Play, as an intent: link that opens the Play Store
 * from inside another app's browser, and falls back to the URL itself, which stands in it encoded
 * once more (its referrer thus twice). campaign is not empty. 0: it is not
 * https://play.google.com/store/apps/details..., or could render to more than LOCATION_BYTES_MAX.
 */
size_t template_compile_intent(struct slice text, struct slice campaign, char *out);

/* As template_scheme_is_allowed(). */
bool template_compiled_is_allowed(struct slice compiled, struct slice schemes);

/* Whether a compiled template leads to a store, by its host or by a scheme that only a store has:
 * there, a query of the tapped link is of no use. */
enum template_store { TEMPLATE_NO_STORE, TEMPLATE_GOOGLE_PLAY, TEMPLATE_APP_STORE };
enum template_store template_compiled_store(struct slice compiled);

/* How many click tokens the URL will hold: {click}s and {referrer}s. */
static inline unsigned template_click_count(struct slice compiled) {
    return (unsigned char)compiled.data[0] & TEMPLATE_CLICKS;
}

/* Appends the rendered URL. With an empty click, which is allowed where template_click_count() is
 * at most 1, the caller fills the TEMPLATE_CLICK_BYTES at out->data + *click_at afterwards; it is
 * SIZE_MAX where there is nothing to fill. False only when out has less than LOCATION_BYTES_MAX
 * left and the URL does not fit; then nothing is appended. */
bool template_render_open(struct slice compiled, const struct template_values *values,
                          struct buf *out, size_t *click_at);

#endif
