/*
 * resource.h - links and campaigns as things that can be asked for, made, changed and deleted.
 *
 *   GET PUT PATCH DELETE /v1/links/CODE    POST GET /v1/links    (campaigns: the same)
 *
 * One set of functions serves both: the record's kind says which fields there are.
 *
 * Threads   As all handlers (call.h).
 * Limits    JSON_FIELDS_BYTES_MAX a body; RESOURCE_TRIES_MAX times what others change meanwhile.
 */
#ifndef API_RESOURCE_H
#define API_RESOURCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/slice.h"
#include "call.h"
#include "json_fields.h"
#include "link/record.h"
#include "link/schemes.h"
#include "link/store.h"

struct idempotency;

enum { RESOURCE_TRIES_MAX = 16, RESOURCE_LIMIT_DEFAULT = 100, RESOURCE_WARNING_BYTES_MAX = 256 };

/* --- one change ----------------------------------------------------------------------------- */

enum resource_how {
    RESOURCE_CREATE,  /* there must be none */
    RESOURCE_REPLACE, /* what is not given goes; made when there is none */
    RESOURCE_MERGE,   /* what is not given stays; there must be one */
    RESOURCE_UPSERT,  /* the same, but made when there is none */
};

struct resource_write {
    enum record_kind kind;
    enum resource_how how;
    struct slice id; /* valid */
    const struct json_fields *fields;
    uint64_t now_s;
    const struct idempotency *idempotency; /* of a CREATE; NULL: no answer is kept */
};

/* What is there, and what shall be. */
struct resource_plan {
    bool exists;
    struct slice before[RECORD_FIELDS_MAX];
    struct slice after[RECORD_FIELDS_MAX];
    char created_at[VALUES_TIME_BYTES];
};

/* Fills after, from exists and before. after points into before, the fields and the plan itself. */
void resource_plan(const struct resource_write *write, struct resource_plan *plan);

/* Whether after is before, field by field. */
bool resource_is_unchanged(enum record_kind kind, const struct resource_plan *plan);

/* Where it may lead. */
struct resource_bounds {
    struct slice schemes; /* of the campaign that a link will have */
    struct slice hosts;   /* links.allowed_hosts */
};

/* False: fault names the field. */
MUST_CHECK bool resource_check(const struct resource_write *write, const struct resource_plan *plan,
                               const struct resource_bounds *bounds, struct json_fault *fault);

/* What is odd about a plan that may be written all the same; nothing is appended when nothing is.
 * At most RESOURCE_WARNING_BYTES_MAX. */
void resource_warning(enum record_kind kind, const struct resource_plan *plan,
                      bool is_campaign_missing, struct buf *out);

enum resource_result {
    RESOURCE_CREATED,
    RESOURCE_CHANGED,
    RESOURCE_UNCHANGED,
    RESOURCE_NOT_FOUND,
    RESOURCE_EXISTS,
    RESOURCE_REFUSED,   /* outcome->fault says why */
    RESOURCE_NO_HASH,   /* its key in Redis is something else */
    RESOURCE_KEPT,      /* somebody has asked with the same idempotency key at the same time */
    RESOURCE_CONTENDED, /* others changed it again and again */
    RESOURCE_FAILED,    /* Redis; outcome->err says why */
};

struct resource_outcome {
    struct resource_plan plan;
    bool is_campaign_missing; /* the link names one that does not exist (yet) */
    struct buf before_bytes;  /* what plan.before points into */
    struct buf scratch;
    struct buf json; /* the record as it is now, one line */
    struct json_fault fault;
    struct err err;
};

void resource_outcome_init(struct resource_outcome *outcome);
void resource_outcome_fini(struct resource_outcome *outcome);

/* Reads, plans, checks and writes, until nobody else did in between. */
MUST_CHECK enum resource_result resource_apply(struct store *store,
                                               const struct resource_write *write,
                                               struct resource_outcome *outcome);

/* --- handlers ------------------------------------------------------------------------------- */

void resource_get(enum record_kind kind, const struct call *call, struct answer *answer);
void resource_put(enum record_kind kind, const struct call *call, struct answer *answer);
void resource_patch(enum record_kind kind, const struct call *call, struct answer *answer);
void resource_delete(enum record_kind kind, const struct call *call, struct answer *answer);
void resource_post(enum record_kind kind, const struct call *call, struct answer *answer);
void resource_list(enum record_kind kind, const struct call *call, struct answer *answer);

/* --- what they share ------------------------------------------------------------------------ */

/* Where links and campaigns are, and who writes them. The call outlives it. */
struct store resource_store(const struct call *call);

/* Whether the content is of one of these types (NULL ends them), or says nothing; else 415. */
bool resource_takes(const struct call *call, struct answer *answer, const char *const *types);

/* Whether the query has no fields but these (NULL ends them), each once; else 400. */
bool resource_query(const struct call *call, struct answer *answer, const char *const *names);

#endif
