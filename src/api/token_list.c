/*
 * token_list.c - all tokens there are, and the end of one.
 *
 * There is no list of tokens in Redis, so that a key is all there is to one and deleting it is
 * all it takes; listing walks the keys.
 */
#include "token_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "redis/pipe.h"

enum {
    PAGE_KEYS = 1000,
    CURSOR_BYTES_MAX = 24,
    KEYS_BYTES_MAX = 16 * 1024 * 1024, /* of a page: SCAN may give more than it was asked for */
    LISTED_MAX = 5,                    /* in a sentence */
};

struct listing {
    struct redis_pipe *pipe;
    struct slice prefix;
    struct api_token *tokens;
    size_t count;
    struct buf hashes; /* of a page, one behind the other */
    char cursor[CURSOR_BYTES_MAX];
};

static enum api_token_result read_all(struct listing *listing, struct err *err);
static enum api_token_result read_page(struct listing *listing, struct err *err);
static enum api_token_result take_keys(struct listing *listing, const struct redis_reply *reply,
                                       struct err *err);
static enum api_token_result read_tokens(struct listing *listing, struct err *err);
static void sort(struct listing *listing);
static bool is_meant(const struct api_token *token, struct slice which);
static enum api_token_result refuse_several(const struct listing *listing, struct slice which,
                                            struct err *err);
static enum api_token_result forget(struct redis_pipe *pipe, struct slice prefix,
                                    const struct api_token *token, struct err *err);

enum api_token_result api_token_list(struct redis_pipe *pipe, struct slice prefix,
                                     void (*each)(void *argument, const struct api_token *token),
                                     void *argument, struct err *err) {
    struct listing listing = {.pipe = pipe, .prefix = prefix};
    enum api_token_result result = read_all(&listing, err);
    for (size_t i = 0; result == API_TOKEN_OK && i < listing.count; i++) {
        each(argument, &listing.tokens[i]);
    }
    free(listing.tokens);
    return result;
}

enum api_token_result api_token_revoke(struct redis_pipe *pipe, struct slice prefix,
                                       struct slice which, struct api_token *revoked,
                                       struct err *err) {
    struct listing listing = {.pipe = pipe, .prefix = prefix};
    enum api_token_result result = read_all(&listing, err);
    size_t matches = 0;
    for (size_t i = 0; result == API_TOKEN_OK && i < listing.count; i++) {
        if (is_meant(&listing.tokens[i], which)) {
            *revoked = listing.tokens[i];
            matches++;
        }
    }
    if (result == API_TOKEN_OK && matches == 1) {
        result = forget(pipe, prefix, revoked, err);
    } else if (result == API_TOKEN_OK && matches == 0) {
        err_set(err, "there is no token called \"%.*s\", nor one whose hash begins so",
                SLICE_ARG(slice_first(which, API_TOKEN_NAME_MAX)));
        result = API_TOKEN_NONE;
    } else if (result == API_TOKEN_OK) {
        result = refuse_several(&listing, which, err);
    }
    free(listing.tokens);
    return result;
}

static enum api_token_result read_all(struct listing *listing, struct err *err) {
    enum api_token_result result = API_TOKEN_OK;
    listing->tokens = calloc(API_TOKENS_MAX, sizeof(*listing->tokens));
    ENSURE(listing->tokens != NULL);
    strcpy(listing->cursor, "0");
    do {
        buf_init(&listing->hashes, KEYS_BYTES_MAX);
        result = read_page(listing, err);
        buf_fini(&listing->hashes);
    } while (result == API_TOKEN_OK && strcmp(listing->cursor, "0") != 0);
    sort(listing);
    return result;
}

static enum api_token_result read_page(struct listing *listing, struct err *err) {
    char bytes[TOKEN_KEY_BYTES_MAX];
    struct buf pattern = buf_over(bytes, sizeof(bytes));
    token_key(listing->prefix, SLICE("*"), &pattern);
    const struct slice command[] = {SLICE("SCAN"),  slice_of(listing->cursor),
                                    SLICE("MATCH"), buf_slice(&pattern),
                                    SLICE("COUNT"), SLICE("1000")};
    _Static_assert(PAGE_KEYS == 1000, "COUNT says so");
    const struct redis_reply *reply =
        redis_pipe_command(listing->pipe, ARRAY_COUNT(command), command, err);
    enum api_token_result result =
        reply == NULL ? API_TOKEN_FAILED : take_keys(listing, reply, err);
    return result == API_TOKEN_OK ? read_tokens(listing, err) : result;
}

static bool is_hash(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        bool is_hex = (text.data[i] >= '0' && text.data[i] <= '9') ||
                      (text.data[i] >= 'a' && text.data[i] <= 'f');
        if (!is_hex) {
            return false;
        }
    }
    return text.size == API_TOKEN_HASH_BYTES;
}

/* The page's cursor and keys; whatever does not look like a token's is passed over. */
static enum api_token_result take_keys(struct listing *listing, const struct redis_reply *reply,
                                       struct err *err) {
    struct slice cursor = redis_reply_text(redis_reply_at(reply, 0));
    const struct redis_reply *keys = redis_reply_at(reply, 1);
    if (redis_reply_is_error(reply) || cursor.size == 0 || cursor.size >= CURSOR_BYTES_MAX) {
        struct slice text = slice_first(redis_reply_text(reply), 300);
        err_set(err, "Redis says: %.*s", SLICE_ARG(text));
        return API_TOKEN_FAILED;
    }
    memcpy(listing->cursor, cursor.data, cursor.size);
    listing->cursor[cursor.size] = '\0';
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        struct slice key = redis_reply_text(redis_reply_at(keys, i));
        struct slice hash = slice_from(key, listing->prefix.size + strlen(TOKEN_KEY_PART));
        if (is_hash(hash) && !buf_append(&listing->hashes, hash)) {
            err_set(err, "Redis gives too many keys at once");
            return API_TOKEN_FAILED;
        }
    }
    return API_TOKEN_OK;
}

static enum api_token_result read_tokens(struct listing *listing, struct err *err) {
    size_t count = listing->hashes.size / API_TOKEN_HASH_BYTES;
    const char *hashes = listing->hashes.data;
    for (size_t i = 0; i < count; i++) {
        struct slice hash = slice_make(hashes + i * API_TOKEN_HASH_BYTES, API_TOKEN_HASH_BYTES);
        if (!token_append_read(listing->pipe, listing->prefix, hash)) {
            err_set(err, "Redis: not connected");
            return API_TOKEN_FAILED;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct slice hash = slice_make(hashes + i * API_TOKEN_HASH_BYTES, API_TOKEN_HASH_BYTES);
        const struct redis_reply *reply = redis_pipe_read(listing->pipe, err);
        struct api_token token;
        enum api_token_result result =
            reply == NULL ? API_TOKEN_FAILED : token_of_reply(reply, hash, &token, err);
        if (result == API_TOKEN_OK && listing->count == API_TOKENS_MAX) {
            err_set(err, "there are more than %d tokens", API_TOKENS_MAX);
            result = API_TOKEN_FAILED;
        }
        if (result == API_TOKEN_FAILED) {
            redis_pipe_disconnect(listing->pipe); /* what it still has to say is for nobody */
            return result;
        }
        if (result == API_TOKEN_OK) {
            listing->tokens[listing->count++] = token;
        }
    }
    return API_TOKEN_OK;
}

static int by_age(const void *a, const void *b) {
    const struct api_token *first = a;
    const struct api_token *second = b;
    if (first->created_at != second->created_at) {
        return first->created_at < second->created_at ? -1 : 1;
    }
    return strcmp(first->hash, second->hash);
}

/* And once each: SCAN may give a key twice. */
static void sort(struct listing *listing) {
    size_t kept = 0;
    qsort(listing->tokens, listing->count, sizeof(*listing->tokens), by_age);
    for (size_t i = 0; i < listing->count; i++) {
        if (i == 0 || strcmp(listing->tokens[i].hash, listing->tokens[kept - 1].hash) != 0) {
            listing->tokens[kept++] = listing->tokens[i];
        }
    }
    listing->count = kept;
}

static bool is_meant(const struct api_token *token, struct slice which) {
    return slice_equal(slice_of(token->name), which) ||
           (which.size >= API_TOKEN_PREFIX_MIN && slice_starts_with(slice_of(token->hash), which));
}

static enum api_token_result refuse_several(const struct listing *listing, struct slice which,
                                            struct err *err) {
    char bytes[400];
    struct buf list = buf_over(bytes, sizeof(bytes));
    size_t listed = 0;
    for (size_t i = 0; i < listing->count; i++) {
        const struct api_token *token = &listing->tokens[i];
        if (is_meant(token, which) && listed++ < LISTED_MAX) {
            buf_printf(&list, "%s%.*s (%s, %s)", list.size > 0 ? ", " : "", API_TOKEN_SHOWN_BYTES,
                       token->hash, token->name, api_role_name(token->role));
        }
    }
    if (listed > LISTED_MAX) {
        buf_printf(&list, " and %zu more", listed - LISTED_MAX);
    }
    err_set(err, "several tokens are meant; name one by its hash: %.*s",
            SLICE_ARG(buf_slice(&list)));
    return API_TOKEN_NONE;
}

static enum api_token_result forget(struct redis_pipe *pipe, struct slice prefix,
                                    const struct api_token *token, struct err *err) {
    char bytes[TOKEN_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    token_key(prefix, slice_of(token->hash), &key);
    const struct slice command[] = {SLICE("DEL"), buf_slice(&key)};
    const struct redis_reply *reply = redis_pipe_command(pipe, ARRAY_COUNT(command), command, err);
    if (reply != NULL && redis_reply_is_error(reply)) {
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(redis_reply_text(reply), 300)));
    }
    return reply != NULL && !redis_reply_is_error(reply) ? API_TOKEN_OK : API_TOKEN_FAILED;
}
