/*
 * csv.h - records of comma-separated values (RFC 4180, but for line breaks in quotes).
 *
 * Fields may stand in quotes, and then hold commas and, doubled, quotes. Lines end with LF or
 * CRLF; empty lines are no records. Spaces belong to the field, as the RFC says. A record is one
 * line, whatever its quotes say: nothing that brinco keeps may hold a line break, and a quote
 * that someone forgot to close would else swallow the lines behind it. So what is malformed
 * costs its own line alone: the next record begins on the next one.
 *
 * Limits    CSV_RECORD_BYTES_MAX a record, CSV_FIELDS_MAX fields.
 */
#ifndef CMD_CSV_H
#define CMD_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct input;

enum { CSV_RECORD_BYTES_MAX = 64 * 1024, CSV_FIELDS_MAX = 32 };

enum csv_result {
    CSV_RECORD,
    CSV_MALFORMED, /* err says why; the record is skipped */
    CSV_END,       /* also when reading failed: see the input's error */
};

struct csv {
    struct input *input;
    uint64_t line; /* of the next byte, from 1 */
    size_t size;   /* of text */
    char text[CSV_RECORD_BYTES_MAX];
};

/* Borrowed from the csv until its next read. */
struct csv_record {
    uint64_t line;
    size_t count;
    struct slice field[CSV_FIELDS_MAX];
};

/* input is borrowed. */
void csv_init(struct csv *csv, struct input *input);

MUST_CHECK enum csv_result csv_read(struct csv *csv, struct csv_record *record, struct err *err);

#endif
