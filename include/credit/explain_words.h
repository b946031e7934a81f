/*
 * credit/explain_words.h - what the words of a click and of a conversion mean, as sentences.
 *
 * Threads   Pure functions.
 */
#ifndef CREDIT_EXPLAIN_WORDS_H
#define CREDIT_EXPLAIN_WORDS_H

#include "base/slice.h"

struct buf;

/* Each appends one sentence without a full stop; of a word that is not known, that. */
void explain_kind(struct slice kind, struct slice agent, struct slice in_app, struct buf *out);
void explain_outcome(struct slice outcome, struct buf *out);
/* rule: BY[:RULE][+CONTAINER]; in_app: the container's name. */
void explain_rule(struct slice rule, struct slice in_app, struct buf *out);
void explain_status(struct slice status, struct buf *out);

/* Of a reason code (link/checks.h). */
void explain_reason(struct slice reason, struct buf *out);

#endif
