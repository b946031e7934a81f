/*
 * signing.c - a list of holes, and the filling of them.
 */
#include "signing.h"

#include <string.h>

#include "base/defs.h"

void signing_add(struct signing *signing, const struct token_key *key,
                 const struct token_job *job) {
    if (signing->count == SIGNING_MAX) {
        signing_finish(signing, key);
    }
    char *code = signing->codes[signing->count];
    ENSURE(job->code.size <= TOKEN_CODE_BYTES_MAX);
    memcpy(code, job->code.data, job->code.size); /* where it stands will be used for others */
    struct token_job *kept = &signing->jobs[signing->count++];
    *kept = *job;
    kept->code.data = code;
}

void signing_finish(struct signing *signing, const struct token_key *key) {
    if (signing->count > 0) {
        token_make_all(key, signing->jobs, signing->count);
        signing->count = 0;
    }
}
