/*
 * explain_private.h - what the parts of an explanation share.
 *
 * Threads   One explanation, one thread.
 */
#ifndef EXPLAIN_PRIVATE_H
#define EXPLAIN_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "credit/explain.h"

struct found_click;

enum { EXPLAIN_STREAM_BYTES = 512, EXPLAIN_CODE_BYTES = 65 };

struct explanation {
    const struct explain_source *source;
    const struct explain_subject *subject;
    json_t *document;
    json_t *looked;                    /* sentences */
    json_t *click;                     /* in the document; NULL: not found */
    char stream[EXPLAIN_STREAM_BYTES]; /* the click's, its whole key */
    uint64_t ms;                       /* of its entry there */
    uint64_t sequence;
    bool is_shipped;
    bool has_credit;                      /* credit:CLICKID is there */
    char credit_code[EXPLAIN_CODE_BYTES]; /* what that says */
    bool has_reports;                     /* conversions name it, with credit or without */
};

/* A click that was found, on its way into the document. */
struct found_field {
    json_t *click;
    const struct found_click *found;
};

/* A JSON string of any bytes: what is not UTF-8 is replaced. */
json_t *explain_text(struct slice text);

/* One more sentence on where was looked. */
void explain_looked(struct explanation *it, const char *format, ...) PRINTF_LIKE(2, 3);

/* What credit:CLICKID and the webhooks say, and what else was reported. False: Redis is lost. */
MUST_CHECK bool explain_conversions(struct explanation *it, struct err *err);

/* Says what an event's status and reasons mean, and makes room for its webhook. */
void explain_complete(json_t *event);

/* What the stream `judged` has of the click beside what is in events. */
MUST_CHECK bool explain_judged(struct explanation *it, json_t *events, struct err *err);

/* What waits to be judged. Asked for first, and added last: what is judged meanwhile is in both,
 * and shown once. The second takes the array over. */
MUST_CHECK bool explain_waiting(struct explanation *it, json_t *waiting, struct err *err);
void explain_add_waiting(json_t *events, json_t *waiting);

#endif
