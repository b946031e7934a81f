/*
 * template_private.h - placeholders, as check and compiler see them: private to the room.
 */
#ifndef TEMPLATE_PRIVATE_H
#define TEMPLATE_PRIVATE_H

#include <stddef.h>

#include "base/slice.h"
#include "link/code.h"
#include "link/template.h"

enum template_placeholder {
    PLACEHOLDER_CODE,
    PLACEHOLDER_CAMPAIGN,
    PLACEHOLDER_OWNER,
    PLACEHOLDER_CLICK,
    PLACEHOLDER_REFERRER,
    PLACEHOLDER_COUNT
};

/* The referrer of Google Play, percent-encoded, around its three values. */
#define REFERRER_HEAD    "utm_source%3Dbrinco%26utm_medium%3Dreferral%26utm_campaign%3D"
#define REFERRER_CONTENT "%26utm_content%3D"
#define REFERRER_CLICK   "%26click%3D"

#define REFERRER_WORST_BYTES                                                                       \
    (sizeof(REFERRER_HEAD REFERRER_CONTENT REFERRER_CLICK) - 1 + 2 * CODE_BYTES_MAX +              \
     TEMPLATE_CLICK_BYTES)

_Static_assert(REFERRER_WORST_BYTES <= REFERRER_BYTES_MAX, "the referrer's promise is kept");

/* The placeholder whose brace stands at the front; PLACEHOLDER_COUNT when there is none. */
enum template_placeholder template_placeholder_at(struct slice braced);

/* What it takes in a template, braces included. */
size_t template_placeholder_bytes(enum template_placeholder which);

#endif
