/*
 * template_store.h - what a template hands to a store: private to the room.
 */
#ifndef TEMPLATE_STORE_H
#define TEMPLATE_STORE_H

#include <stdbool.h>

#include "base/slice.h"
#include "link/template.h"

struct err;

/* The store that a URL leads to: its scheme, and what follows its "://", of which the host is
 * looked at, without regard to case and port. */
enum template_store template_store_of(struct slice scheme, struct slice behind);

/* Whether a template that passed template_check() may be written, if it leads to a store; err (may
 * be NULL) says what is wrong.
 *
 *   App Store    ct names a campaign and never a person: no placeholder, at most
 *                TEMPLATE_CT_BYTES_MAX decoded
 *   Google Play  referrer is at most REFERRER_BYTES_MAX decoded, whatever a link has: of a longer
 *                one nothing may come back
 */
bool template_store_check(struct slice text, struct err *err);

enum { TEMPLATE_CT_BYTES_MAX = 30 };

#endif
