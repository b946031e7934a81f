/*
 * agent_table.h - the tokens of User-Agents and what each means; private to decide/agent.
 *
 * agent_table.c holds the tokens and tells their order of precedence, agent_match.c finds
 * them, agent.c puts together what was found.
 */
#ifndef AGENT_TABLE_H
#define AGENT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/vocabulary.h"

/* What a token is a statement about. Of the tokens of one fact, the first of the table that
 * occurs in a string decides it. */
enum agent_fact {
    AGENT_FACT_MACHINE,  /* preview fetcher or bot; names the machine */
    AGENT_FACT_PLATFORM, /* on which it runs */
    AGENT_FACT_IN_APP,   /* an app's own browser */
    AGENT_FACT_BROWSER,
    AGENT_FACT_COUNT,
    AGENT_FACT_NONE = AGENT_FACT_COUNT, /* states nothing, but hides the tokens at its end */
};

/* Where in the string it counts. */
enum agent_place {
    AGENT_ANYWHERE,
    AGENT_START,     /* the string begins with it */
    AGENT_WHOLE,     /* the string is nothing else */
    AGENT_WORD,      /* no letter or digit stands before it */
    AGENT_WORD_ENDS, /* no letter stands behind it */
};

struct agent_token {
    const char *text; /* lower case; matched without case */
    const char *name; /* what browser or in_app will say; "" for a platform */
    enum agent_fact fact;
    enum agent_place place;
    unsigned value; /* machine: enum agent_class; platform: enum tap_platform; else 0 */
};

extern const struct agent_token agent_tokens[];
extern const size_t agent_token_count;

enum { AGENT_NOT_FOUND = UINT16_MAX };

/* For every fact the index of the token that decides it, or AGENT_NOT_FOUND. */
struct agent_verdict {
    uint16_t token[AGENT_FACT_COUNT];
};

struct agent_matcher;

struct agent_matcher *agent_matcher_create(const struct agent_token *tokens, size_t count);
void agent_matcher_destroy(struct agent_matcher **matcher);

/* One pass over text, whatever its bytes; every step is a look-up in two tables. */
struct agent_verdict agent_matcher_run(const struct agent_matcher *matcher, struct slice text);

#endif
