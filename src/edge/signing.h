/*
 * signing.h - click tokens that were left open in the answers of a turn.
 *
 * Signing is the dearest part of a tap, and eight tokens together cost hardly more than one
 * (click/token.h). So a tap leaves a hole of TOKEN_SIZE bytes in its answer, and all holes are
 * filled when the turn is over, before any of its answers is written.
 *
 * Threads   The worker's own.
 * Limits    SIGNING_MAX holes; when they are used up, they are filled at once.
 */
#ifndef EDGE_SIGNING_H
#define EDGE_SIGNING_H

#include <stddef.h>

#include "click/token.h"

enum { SIGNING_MAX = 64 };

struct signing {
    size_t count;
    struct token_job jobs[SIGNING_MAX];
    char codes[SIGNING_MAX][TOKEN_CODE_BYTES_MAX];
};

/* job->token is filled by signing_finish(); until then it must stay where it is. job->code is
 * copied. */
void signing_add(struct signing *signing, const struct token_key *key, const struct token_job *job);

void signing_finish(struct signing *signing, const struct token_key *key);

#endif
