/*
 * json_fields.h - the fields of a link or a campaign, out of a JSON object.
 *
 * Strict (RFC 8259): a member twice, an unknown one, or one of another type is refused by its name.
 * What a field may hold is looked at later, with the record that it goes into (link/record.h).
 *
 *   a text   a string                    a time   a string (link/values.h), or an integer
 *   a count    an integer, or a string
 *   rules      an array, or a string that holds one
 *   null, or an empty string: the field is to be absent
 *
 * What brinco counts itself (record_field_is_ours()) is refused: it would be out of date already.
 *
 * Threads   One.
 * Limits    JSON_FIELDS_BYTES_MAX a text, JSON_FIELDS_DEPTH_MAX nested: a record is flat, and the
 *           parser's stack and memory stay small whatever is sent.
 */
#ifndef API_JSON_FIELDS_H
#define API_JSON_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"
#include "base/slice.h"
#include "link/record.h"
#include "link/values.h"

enum {
    JSON_FIELDS_BYTES_MAX = 256 * 1024,
    JSON_FIELDS_DEPTH_MAX = 8,
    JSON_FIELDS_NAME_BYTES = 65,
};

/* What is wrong, and with which member; an empty field: with the whole. */
struct json_fault {
    char field[JSON_FIELDS_NAME_BYTES]; /* cut, and not only ours: it may be what a client sent */
    struct err err;
};

struct json_fields {
    bool has_id;
    struct slice id;                       /* the member "code" or "id" */
    unsigned given;                        /* 1 << field */
    struct slice value[RECORD_FIELDS_MAX]; /* of those that are given; size 0: to be absent */
    char time[RECORD_FIELDS_MAX][VALUES_TIME_BYTES];
    struct buf rules; /* as Redis keeps them */
    void *root;       /* the parser's: values point into it */
};

/* False: fault says why, and there is nothing to free. */
MUST_CHECK bool json_fields_read(enum record_kind kind, struct slice text,
                                 struct json_fields *fields, struct json_fault *fault);

/* Any JSON value, as jansson's json_t, whose caller gives it back; strict in the same way, and of
 * whatever size. NULL: fault says why. */
MUST_CHECK void *json_fields_parse(struct slice text, struct json_fault *fault);

/* May be called for one that is all zeros. */
void json_fields_free(struct json_fields *fields);

#endif
