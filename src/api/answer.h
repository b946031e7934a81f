/*
 * answer.h - an answer's beginning and end, and what all problems look like.
 *
 * Threads   One owner at a time.
 * Limits    ANSWER_BYTES_MAX in one piece; what is larger is sent bit by bit (answer_flush()), or
 *           becomes a 500.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "call.h"

struct err;

#define ANSWER_PROBLEM_TYPE "application/problem+json"

enum { ANSWER_BYTES_MAX = 32 * 1024 * 1024 };

/* Where answer_flush() leads: the answer's `stream`. NULL there (tests): the body is kept. */
struct answer_stream {
    bool (*flush)(struct answer_stream *stream, struct answer *answer);
    void (*unavailable)(struct answer_stream *stream, const struct err *err);
};

/* 200 without content. */
void answer_init(struct answer *answer);
void answer_fini(struct answer *answer);

/* The reason phrase, which is also a problem's title. */
const char *answer_title(int status);

/* A problem document; an empty field is left out. */
void answer_write_problem(struct buf *out, int status, struct slice field, struct slice detail);

/* The headers as field lines. */
void answer_write_headers(struct buf *out, const struct answer *answer);

#endif
