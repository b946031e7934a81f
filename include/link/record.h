/*
 * link/record.h - what links and campaigns have in common, for those who show and write both.
 *
 * Either is an id and a fixed list of fields, each a text in Redis. Here stand their names, how
 * they look as JSON, and what may be written into them, so that the command line and the API
 * cannot differ in it.
 *
 * Threads   Pure functions.
 */
#ifndef LINK_RECORD_H
#define LINK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "link/campaign.h"
#include "link/link.h"

struct buf;
struct campaign_fields;
struct err;
struct link_fields;

enum record_kind { RECORD_LINK, RECORD_CAMPAIGN };

enum {
    RECORD_FIELDS_MAX = (int)CAMPAIGN_FIELD_COUNT > (int)LINK_FIELD_COUNT
                            ? (int)CAMPAIGN_FIELD_COUNT
                            : (int)LINK_FIELD_COUNT,
    RECORD_JSON_BYTES_MAX = 16 * 1024 * 1024, /* what other hands wrote may be of any size */
};

struct record_shape {
    const char *noun;    /* "link" */
    const char *id_name; /* "code" */
    const char *what;    /* what messages call an id: "code", "campaign" */
    struct slice key;    /* "link:", behind redis.prefix */
    const char *const *names;
    size_t count; /* of fields */
};

const struct record_shape *record_shape(enum record_kind kind);

/* The field of this name, or RECORD_ID ("code", "id") or RECORD_UNKNOWN. */
enum { RECORD_ID = -1, RECORD_UNKNOWN = -2 };
int record_find_field(enum record_kind kind, struct slice name);

/* Whether brinco counts it itself (a link's `used`): shown, and written by nobody else. */
bool record_field_is_ours(enum record_kind kind, size_t field);

/* Whether a field of this name holds Unix seconds: it ends in _at. */
bool record_is_time(const char *name);

/* Reads such a field's value; false when it is no time that RFC 3339 could write. */
bool record_read_time(const char *name, struct slice value, uint64_t *seconds);

/* Whether a field of this name holds a number that is no time: max_clicks, used. */
bool record_is_count(const char *name);

/* Whether a field of this name holds a JSON array: rules. */
bool record_is_json(const char *name);

/* A record as it was read. Borrowed. */
struct record_view {
    const char *id_name;
    struct slice id;
    const char *const *names;
    const struct slice *values; /* data NULL: absent, not shown */
    size_t count;
};

struct record_view record_view(enum record_kind kind, struct slice id, const struct slice *values);
struct record_view record_view_link(struct slice code, const struct link_fields *fields);
struct record_view record_view_campaign(struct slice id, const struct campaign_fields *fields);

/* One JSON object without a line break: the id, then the fields that are there; a time or count
 * that is a number is one, and rules that make sense are an array. False when out is full. */
bool record_json(const struct record_view *view, struct buf *out);

/* A record that shall be another. */
struct record_change {
    enum record_kind kind;
    const struct slice *before; /* each field as it is; absent: size 0 */
    const struct slice *after;  /* and as it will be */
    unsigned given;             /* 1 << field: asked for, so checked even when it stays the same */
    struct slice schemes;       /* of the campaign that a link will have; of no use otherwise */
    struct slice hosts;         /* links.allowed_hosts (link/hosts.h) */
};

/* Whether that may be written. What nobody asks for is not in the way, even when it makes no
 * sense: it is marked when it is read. But a link must lead somewhere, and what a campaign's
 * schemes allowed, they must still allow. err says what is allowed, *field (may be NULL) which
 * field is at fault. */
bool record_check(const struct record_change *change, size_t *field, struct err *err);

/* Whether its starts_at is not before its expires_at. That may be written, since a link can be kept
 * shut so, but is worth a warning. Times that are none say nothing, nor does an
 * expires_at of 0: that is never. */
bool record_never_opens(enum record_kind kind, const struct slice *values);

#endif
