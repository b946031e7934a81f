/*
 * link/link.h - what a code means: the hash link:CODE, checked.
 *
 * Anybody may write links with plain Redis commands, so every field is checked when it is read.
 * A link with a field that makes no sense is kept and marked with which: its taps then go to
 * its campaign's fallback, not to a guess.
 *
 * A struct link is one allocation with its strings behind it, so that a million of them are
 * small; it is immutable after link_create().
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* The fields of link:CODE, in the order in which they are asked for with HMGET. */
#define LINK_FIELDS(X)                                                                             \
    X(CAMPAIGN, "campaign")                                                                        \
    X(OWNER, "owner")                                                                              \
    X(URL, "url")                                                                                  \
    X(STATUS, "status")                                                                            \
    X(STARTS_AT, "starts_at")                                                                      \
    X(EXPIRES_AT, "expires_at")                                                                    \
    X(CREATED_AT, "created_at")                                                                    \
    X(MAX_CLICKS, "max_clicks")                                                                    \
    X(USED, "used")

#define LINK_FIELD_ENUM(name, text) LINK_FIELD_##name,
enum link_field { LINK_FIELDS(LINK_FIELD_ENUM) LINK_FIELD_COUNT };

enum link_status { LINK_ACTIVE, LINK_PAUSED };

struct link; /* opaque: see the accessors */

/* values[i] is the raw value of field i; data NULL where the hash has none. A field that makes
 * no sense reads as absent and sets its bit (1 << field) in link_faults(). url may have any
 * scheme that is not dangerous (template_check() with "*"): whether its campaign lists it is
 * looked at by decide/destination.h, tap by tap. One that leads to none of hosts
 * (links.allowed_hosts, link/hosts.h) makes no sense. It is kept compiled (link/template.h).
 * Returns a heap object. */
struct link *link_create(const struct slice values[LINK_FIELD_COUNT], struct slice hosts);
void link_destroy(struct link **link);

struct slice link_campaign(const struct link *link); /* valid id, or empty */
struct slice link_owner(const struct link *link);
struct slice link_template(const struct link *link); /* url, compiled; or empty */
enum link_status link_status(const struct link *link);
uint64_t link_starts_at(const struct link *link);  /* Unix seconds; 0: always */
uint64_t link_expires_at(const struct link *link); /* Unix seconds; 0: never */
uint64_t link_created_at(const struct link *link);
uint64_t link_max_clicks(const struct link *link); /* 0: as many as come */

/* Whether max_clicks is set and so many human clicks are counted. `used` is written by the
 * collector (from the rollups, over all edges) and by nobody else. */
bool link_is_used_up(const struct link *link);
unsigned link_faults(const struct link *link); /* 0: every field makes sense */

/* The field's name; for messages. */
const char *link_field_name(enum link_field field);

/* Whether this value may stand in this field: what the command line and the import check
 * before they write. schemes as in template_check(), hosts as in hosts_allow(). err names field and
 * what is allowed. */
struct err;
bool link_field_check(enum link_field field, struct slice value, struct slice schemes,
                      struct slice hosts, struct err *err);

#endif
