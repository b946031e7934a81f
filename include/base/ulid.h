/*
 * base/ulid.h - identifiers that sort by time.
 *
 * 48 bits of Unix milliseconds and 80 random bits, written as 26 characters of Crockford's
 * base 32 (https://github.com/ulid/spec). Two made in the same millisecond are not ordered
 * among themselves; the journal's sequence is what orders clicks.
 */
#ifndef BASE_ULID_H
#define BASE_ULID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct random;

enum { ULID_BYTES = 16, ULID_TEXT_SIZE = 26 };

struct ulid {
    uint8_t bytes[ULID_BYTES]; /* big-endian time, then the random bits */
};

struct ulid ulid_make(uint64_t unix_ms, struct random *random);
uint64_t ulid_unix_ms(const struct ulid *ulid);

/* Exactly ULID_TEXT_SIZE characters, no NUL. */
void ulid_format(const struct ulid *ulid, char text[ULID_TEXT_SIZE]);

/* Upper or lower case; false when it is not a ULID. */
bool ulid_parse(struct slice text, struct ulid *ulid);

#endif
