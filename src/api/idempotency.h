/*
 * idempotency.h - the same answer to the same request, when its client asks twice.
 *
 * Who makes something and loses the answer cannot know whether it was made. With a key of its own
 * choice (Idempotency-Key) it can ask again: the answer of the first time is kept in Redis, written
 * in the same call that makes the thing (link/edit.h), so either both are there or neither.
 *
 *   idempotency:SHA256(token's hash, key)    IDEMPOTENCY_KEPT_S
 *       digest of the request, 64 | space | status | space | id | line feed | body
 *
 * What was refused is not kept: it made nothing, and may be put right under the same key.
 *
 * Threads   Waits for Redis; one at a time a pipe.
 */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/slice.h"

struct call;
struct err;

enum {
    IDEMPOTENCY_KEY_BYTES_MAX = 255,
    IDEMPOTENCY_KEPT_S = 24 * 60 * 60,
    IDEMPOTENCY_REDIS_KEY_BYTES = 256, /* redis.prefix has 64 at most */
    IDEMPOTENCY_DIGEST_BYTES = 64,
};

struct idempotency {
    bool is_asked; /* there is a key: otherwise nothing below counts */
    char redis_key[IDEMPOTENCY_REDIS_KEY_BYTES];
    char digest[IDEMPOTENCY_DIGEST_BYTES + 1]; /* of what and the body */
};

/* What is kept of an answer. */
struct idempotency_answer {
    int status;
    struct slice id; /* what was made */
    struct slice body;
};

/* what: which kind of request it is. False, with what is allowed, when the key is none. */
MUST_CHECK bool idempotency_begin(const struct call *call, const char *what,
                                  struct idempotency *idempotency, struct err *err);

enum idempotency_result {
    IDEMPOTENCY_NEW,   /* not asked before, or no key */
    IDEMPOTENCY_AGAIN, /* here is the answer */
    IDEMPOTENCY_OTHER, /* the key was used for another request */
    IDEMPOTENCY_FAILED,
};

/* The answer's slices lie in scratch, as a copy of what Redis has. */
MUST_CHECK enum idempotency_result
idempotency_find(const struct call *call, const struct idempotency *idempotency,
                 struct buf *scratch, struct idempotency_answer *answer, struct err *err);

/* Appends what is to be kept. */
void idempotency_write(const struct idempotency *idempotency,
                       const struct idempotency_answer *answer, struct buf *out);

#endif
