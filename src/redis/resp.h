/*
 * resp.h - the Redis protocol (RESP2, https://redis.io/docs/reference/protocol-spec/) on bytes:
 * commands out, replies in. No sockets here.
 *
 * Replies are parsed by hiredis' redisReader, which alone would believe a header that announces
 * two thousand million elements; a resp_reader bounds what one reply may cost, and reads those
 * that are flat (flat.h) itself, where they lie. A reply with a
 * string too long for that is not the end of the connection: the bytes are skipped as they come,
 * and an error that begins with TOOLARGE takes the reply's place.
 *
 * Threads   One owner at a time.
 */
#ifndef REDIS_RESP_H
#define REDIS_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/slice.h"
#include "redis/reply.h"

struct redis_url;

/* Appends one command, whole or not at all (false: the buffer's limit). */
MUST_CHECK bool resp_append_command(struct buf *out, size_t argument_count,
                                    const struct slice *arguments);

/* Appends what a connection begins with, AUTH and SELECT as the URL asks for, and counts the
 * commands. */
MUST_CHECK bool resp_append_greeting(struct buf *out, const struct redis_url *url,
                                     size_t *command_count);

struct resp_reader;

/* The strings of one reply may take at most so many bytes, or it reads as TOOLARGE; it may hold so
 * many array elements, and a few bytes for each that are not in strings, or it is broken. */
struct resp_reader *resp_reader_create(size_t reply_bytes_max, size_t reply_elements_max);
void resp_reader_destroy(struct resp_reader **reader);

/* False when the input already exceeds what may wait here: drop the connection. */
MUST_CHECK bool resp_reader_feed(struct resp_reader *reader, const void *data, size_t size);

/* The same without a copy: the bytes are the caller's, and stay where they are until RESP_MORE. All
 * that was fed or lent before must have been asked for. What is wrong with them reads as
 * RESP_BROKEN. */
void resp_reader_lend(struct resp_reader *reader, struct slice bytes);

enum resp_result {
    RESP_REPLY,
    RESP_MORE,   /* feed it */
    RESP_BROKEN, /* not RESP2, or beyond a limit: drop the connection */
};

/* The next reply, valid until the next call on this reader. */
MUST_CHECK enum resp_result resp_reader_next(struct resp_reader *reader,
                                             const struct redis_reply **reply);

/* Finds where a reply ends, for those who read its bytes themselves: no objects are made, nothing
 * is bounded. Zero a walk before the first byte of a reply; input then holds the reply's bytes from
 * its first one on, more of them with every call. RESP_REPLY: walk->at is its size. */
struct resp_walk {
    size_t at;      /* everything before belongs to the reply */
    uint64_t items; /* lines and strings still to come, beyond the first */
    bool is_begun;
};

MUST_CHECK enum resp_result resp_walk(struct resp_walk *walk, struct slice input);

/* Whether a reply is arriving that will read as TOOLARGE. */
bool resp_reader_is_skipping(const struct resp_reader *reader);

/* The reply that stands for one that is too large; valid for ever. */
const struct redis_reply *resp_too_large(void);
bool resp_is_too_large(const struct redis_reply *reply);

#endif
