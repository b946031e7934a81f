/*
 * head.h - the head of a request to the admin side.
 *
 * http/parse.h decides whether a head is well-formed; here the fields are picked out that an API
 * needs and a redirect does not. All slices borrow from the input.
 *
 * Threads   Pure functions.
 */
#ifndef API_HEAD_H
#define API_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "http/parse.h"

/* The fields, and whether one may stand there once only. */
#define HEAD_FIELDS(X)                                                                             \
    X(AUTHORIZATION, "Authorization", true)                                                        \
    X(ACCEPT, "Accept", false)                                                                     \
    X(CONTENT_TYPE, "Content-Type", true)                                                          \
    X(CONTENT_ENCODING, "Content-Encoding", true)                                                  \
    X(CONTENT_LENGTH, "Content-Length", true)                                                      \
    X(TRANSFER_ENCODING, "Transfer-Encoding", true)                                                \
    X(EXPECT, "Expect", true)                                                                      \
    X(IDEMPOTENCY_KEY, "Idempotency-Key", true)

#define HEAD_FIELD_ENUM(name, text, once) HEAD_##name,
enum head_field { HEAD_FIELDS(HEAD_FIELD_ENUM) HEAD_FIELD_COUNT };

struct head {
    struct http_request http;
    struct slice method;
    struct slice field[HEAD_FIELD_COUNT]; /* the first of several; data NULL: absent */
    const char *repeated;                 /* a field that stands twice and may not; NULL: none */
    uint64_t length;                      /* of the body; when chunked, 0 */
    bool is_chunked;                      /* the only coding that is understood */
    bool is_coded;                        /* and there is another one: it must be refused */
};

/* As http_parse(). */
enum http_parse_result head_parse(struct slice input, struct head *head);

#endif
