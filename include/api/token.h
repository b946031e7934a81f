/*
 * api/token.h - who may ask the admin side for what.
 *
 * A token is 30 random bytes as text, shown once. Redis keeps only its SHA-256, in the name of a
 * hash (token:SHA256HEX with name, role, created_at): who reads Redis cannot use what is there, and
 * a look-up by the hash of what was sent tells nothing by its time.
 *
 * Threads   Waits for Redis; one at a time a pipe.
 */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct redis_pipe;

/* What a token may do: each role is a set of its own, write includes read. */
#define API_ROLES(X)                                                                               \
    X(READ, "read")     /* numbers, links and campaigns */                                         \
    X(WRITE, "write")   /* and changes them */                                                     \
    X(EVENTS, "events") /* reports what happened in the app, nothing else */

#define API_ROLE_ENUM(name, text) API_ROLE_##name,
enum api_role { API_ROLES(API_ROLE_ENUM) API_ROLE_COUNT };

enum {
    API_TOKEN_BYTES = 47, /* "brinco_" and 40 of A-Z a-z 0-9 - _: 30 random bytes, base64url */
    API_TOKEN_NAME_MAX = 64,
    API_TOKEN_HASH_BYTES = 64,  /* hexadecimal */
    API_TOKEN_SHOWN_BYTES = 12, /* of the hash, for people */
    API_TOKEN_PREFIX_MIN = 8,
    API_TOKENS_MAX = 10000, /* that are listed; more fail */
};

struct api_token {
    char hash[API_TOKEN_HASH_BYTES + 1];
    char name[API_TOKEN_NAME_MAX + 1];
    enum api_role role;
    uint64_t created_at; /* Unix seconds */
};

const char *api_role_name(enum api_role role);
bool api_role_find(struct slice text, enum api_role *role);

/* Whether this could be a token at all, by its looks. */
bool api_token_is_one(struct slice text);

/* The name of a token: 1 to API_TOKEN_NAME_MAX bytes of UTF-8, no control characters. */
MUST_CHECK bool api_token_check_name(struct slice name, struct err *err);

enum api_token_result { API_TOKEN_OK, API_TOKEN_NONE, API_TOKEN_FAILED };

/* Makes one of token's name, role and created_at, and keeps its hash, which it fills in; text is
 * shown to the caller this once. FAILED: err says why (Redis, or a name that is not allowed). */
MUST_CHECK enum api_token_result api_token_new(struct redis_pipe *pipe, struct slice prefix,
                                               struct api_token *token,
                                               char text[API_TOKEN_BYTES + 1], struct err *err);

/* Finds the token that was sent. NONE: there is none such, or what Redis has is malformed. */
MUST_CHECK enum api_token_result api_token_find(struct redis_pipe *pipe, struct slice prefix,
                                                struct slice text, struct api_token *token,
                                                struct err *err);

/* Calls each() for every token, the oldest first. What is malformed is left out. */
MUST_CHECK enum api_token_result api_token_list(struct redis_pipe *pipe, struct slice prefix,
                                                void (*each)(void *argument,
                                                             const struct api_token *token),
                                                void *argument, struct err *err);

/* Forgets the one token that is called so, or whose hash begins so (API_TOKEN_PREFIX_MIN
 * characters or more); *revoked is it. NONE: there is none, or there are several: err lists them.
 */
MUST_CHECK enum api_token_result api_token_revoke(struct redis_pipe *pipe, struct slice prefix,
                                                  struct slice which, struct api_token *revoked,
                                                  struct err *err);

/* Whether tokens with these hashes are still there. FAILED: Redis; is_there is not touched. */
enum { API_TOKEN_CHECKS_MAX = 64 };
MUST_CHECK enum api_token_result api_token_check(struct redis_pipe *pipe, struct slice prefix,
                                                 const char *const *hashes, size_t count,
                                                 bool *is_there);

#endif
