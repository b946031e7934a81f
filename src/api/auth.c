/*
 * auth.c - where a token stands.
 */
#include "auth.h"

#include "api/token.h"
#include "http/request.h"

static enum auth_result check(struct slice text, struct slice *token) {
    *token = text;
    return api_token_is_one(text) ? AUTH_TOKEN : AUTH_MALFORMED;
}

enum auth_result auth_bearer(struct slice authorization, struct slice *token) {
    struct slice rest = authorization;
    if (!slice_equal_nocase(slice_split(&rest, ' '), SLICE("Bearer"))) {
        return AUTH_NONE;
    }
    return check(slice_trim(rest), token);
}

/* A token has no byte that needs percent-encoding: an encoded one is none of ours. */
enum auth_result auth_query(struct slice query, struct slice *token) {
    struct slice text;
    if (!http_query_find(query, SLICE("access_token"), &text)) {
        return AUTH_NONE;
    }
    return check(text, token);
}
