/*
 * scheme.h - URL schemes, and lists of them: private to the room.
 *
 * A list is words separated by spaces, as the campaign's field `schemes` holds it. Schemes are
 * compared without regard to case (RFC 3986 section 3.1).
 */
#ifndef SCHEME_H
#define SCHEME_H

#include <stdbool.h>

#include "base/slice.h"

struct err;

enum { SCHEME_BYTES_MAX = 64, SCHEME_LIST_MAX = 16, SCHEME_LIST_BYTES_MAX = 512 };

/* What stands before the first colon; empty when there is none, or it is no scheme. */
struct slice scheme_of(struct slice url);

/* ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), at most SCHEME_BYTES_MAX. */
bool scheme_is_well_formed(struct slice scheme);

/* Whether a browser would run code, read local data or show its own insides for it. */
bool scheme_is_dangerous(struct slice scheme);

/* Whether the scheme is one of the list's words; "*" as the whole list means any. */
bool scheme_is_listed(struct slice scheme, struct slice list);

/* At most SCHEME_LIST_MAX words, well-formed and harmless; err says which is not. */
bool scheme_list_check(struct slice list, struct err *err);

#endif
