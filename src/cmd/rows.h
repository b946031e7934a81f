/*
 * rows.h - links as they stand in a file: CSV with a header line, or JSON lines.
 *
 *   code,campaign,owner,url,status,starts_at,expires_at
 *   AB12CD,spring,ana,,active,,2026-12-31
 *
 *   {"code":"AB12CD","campaign":"spring","expires_at":1798696800}
 *
 * What a row says about a field: a value, removal (an empty value; in JSON also null), or nothing
 * (the column or member is not there). Values are not checked here. What `brinco link list
 * --json` prints is such a file.
 *
 * Limits    ROWS_LINE_BYTES_MAX a line of JSON; those of csv.h.
 */
#ifndef CMD_ROWS_H
#define CMD_ROWS_H

#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "link/store.h"

struct err;
struct input;
struct rows;

enum { ROWS_LINE_BYTES_MAX = 64 * 1024 };

enum rows_format { ROWS_CSV, ROWS_JSON };

/* Borrowed until the next one is read. */
struct row {
    uint64_t line;             /* where it begins */
    struct slice code;         /* empty where it is not known */
    struct link_fields fields; /* data NULL: nothing said; size 0: to be removed */
};

enum rows_result {
    ROWS_ROW,
    ROWS_REFUSED, /* err says why; row has line, and code where it is known */
    ROWS_END,     /* also when reading failed: see the input's error */
};

/* Names that a file may use: those of the fields and "code". */
enum { ROWS_CODE = RECORD_ID, ROWS_UNKNOWN = RECORD_UNKNOWN };
int rows_find_field(struct slice name); /* enum link_field, ROWS_CODE or ROWS_UNKNOWN */

/* "code, campaign, ...": for messages. */
#define ROWS_NAMES                                                                                 \
    "code, campaign, owner, url, status, starts_at, expires_at, created_at, max_clicks"

/* input is borrowed. CSV reads the header line; NULL and err when that is not usable. */
MUST_CHECK struct rows *rows_create(struct input *input, enum rows_format format, struct err *err);
void rows_destroy(struct rows **rows);
MUST_CHECK enum rows_result rows_read(struct rows *rows, struct row *row, struct err *err);

/* How a format is read: rows_csv.c, rows_json.c. */
struct rows_reader {
    struct rows *(*create)(struct input *input, struct err *err);
    void (*destroy)(struct rows *rows);
    enum rows_result (*read)(struct rows *rows, struct row *row, struct err *err);
};

struct rows {
    const struct rows_reader *reader; /* the format's own follows */
};

extern const struct rows_reader rows_csv;
extern const struct rows_reader rows_json;

#endif
