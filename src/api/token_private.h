/*
 * token_private.h - what token.c and token_list.c share.
 */
#ifndef API_TOKEN_PRIVATE_H
#define API_TOKEN_PRIVATE_H

#include "api/token.h"

struct buf;
struct redis_reply;

enum { TOKEN_KEY_BYTES_MAX = 64 + 16 + API_TOKEN_HASH_BYTES };

/* What stands behind redis.prefix and before the hash. */
#define TOKEN_KEY_PART "token:"

void token_key(struct slice prefix, struct slice hash, struct buf *key);

/* Queues the reading of a token; false when the pipe is not connected. */
bool token_append_read(struct redis_pipe *pipe, struct slice prefix, struct slice hash);

/* What was read. NONE: nothing, or malformed; FAILED: an error reply; err says which. */
enum api_token_result token_of_reply(const struct redis_reply *reply, struct slice hash,
                                     struct api_token *token, struct err *err);

#endif
