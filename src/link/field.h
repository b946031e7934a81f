/*
 * field.h - the kinds of values that stand in links and campaigns: private to the room.
 *
 * One function a kind: true, and the value where there is one, when it makes sense; else false
 * and a sentence in err (may be NULL) that says what is allowed, without the field's name. A
 * value may be of any size: sizes are looked at before bytes. Empty values never get here.
 */
#ifndef FIELD_H
#define FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "link/link.h"

struct err;
struct redis_reply;

/* 9999-12-31T23:59:59Z: beyond it, it was not seconds. */
#define FIELD_SECONDS_MAX UINT64_C(253402300799)

#define FIELD_COUNT_MAX UINT64_C(1000000000000)

/* A code or a campaign's id (link/code.h). */
bool field_check_id(struct slice value, struct err *err);

/* UTF-8 (RFC 3629) without control characters (U+0000..1F, U+007F..9F). */
bool field_check_text(struct slice value, size_t bytes_max, struct err *err);

bool field_check_status(struct slice value, enum link_status *status, struct err *err);
bool field_check_seconds(struct slice value, uint64_t *seconds, struct err *err);

/* 0 to FIELD_COUNT_MAX, in decimal. */
bool field_check_count(struct slice value, uint64_t *count, struct err *err);

/* Reads the reply to an HMGET of count fields into values, borrowed from the reply: nil and
 * empty read as absent (data NULL). False when every field is absent: then there is no such
 * hash, or none of ours. */
bool field_read_reply(const struct redis_reply *reply, struct slice *values, size_t count);

#endif
