/*
 * passthrough.h - what of a tap's query goes on to where the tap leads.
 *
 * A campaign's `passthrough` says which parameters: none, all, or a list of names. One that the
 * destination already has is left out, so that nobody replaces what the campaign says by writing it
 * into a link; `s`, the tap's source, stays here. What goes on is as it came, with whatever may not
 * stand in a query (RFC 3986 section 3.4) percent-encoded.
 *
 * Threads   Pure functions.
 * Limits    PASSTHROUGH_PARAMETERS_MAX parameters are looked at; names of
 * PASSTHROUGH_NAME_BYTES_MAX bytes, decoded; a URL of LOCATION_BYTES_MAX. What goes beyond is left
 * out and counted.
 */
#ifndef EDGE_PASSTHROUGH_H
#define EDGE_PASSTHROUGH_H

#include <stddef.h>

#include "base/slice.h"

struct buf;
struct campaign;

enum { PASSTHROUGH_PARAMETERS_MAX = 64, PASSTHROUGH_NAME_BYTES_MAX = 128 };

struct passthrough {
    const struct campaign *campaign;
    struct slice query; /* as it was sent */
    size_t url_at;      /* in out: the URL goes from there to its end */
};

/* Adds to the URL, before its fragment. *hole (SIZE_MAX: none) is a place in out that is yet to be
 * filled, and moves with what it stands in. Returns how many parameters a limit left out. */
size_t passthrough_append(const struct passthrough *passthrough, struct buf *out, size_t *hole);

#endif
