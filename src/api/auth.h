/*
 * auth.h - the token of a request, as it was sent.
 *
 * Threads   Pure functions.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include <stdbool.h>

#include "base/slice.h"

enum auth_result {
    AUTH_NONE,      /* there is none, or it is of another scheme */
    AUTH_MALFORMED, /* it cannot be one of ours */
    AUTH_TOKEN,
};

/* Of an Authorization field's value: "Bearer TOKEN", RFC 6750 section 2.1. */
enum auth_result auth_bearer(struct slice authorization, struct slice *token);

/* Of a query as it was sent: access_token=TOKEN, RFC 6750 section 2.3. */
enum auth_result auth_query(struct slice query, struct slice *token);

#endif
