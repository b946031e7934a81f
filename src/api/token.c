/*
 * token.c - tokens: made, kept as a hash, found again.
 *
 * A token has 240 random bits, so a plain SHA-256 is as good as a slow hash: there is nothing to
 * guess. What was sent is compared with nothing, byte by byte or otherwise; its hash is a key.
 */
#include "api/token.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "redis/pipe.h"
#include "token_private.h"

enum { RANDOM_BYTES = 30, REPLY_FIELDS = 3 };

static const char text_prefix[] = "brinco_";

/* RFC 4648 section 5. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

_Static_assert(sizeof(text_prefix) - 1 + RANDOM_BYTES / 3 * 4 == API_TOKEN_BYTES, "no padding");

static void make_text(char text[API_TOKEN_BYTES + 1]);
static void make_hash(struct slice text, char hash[API_TOKEN_HASH_BYTES + 1]);
static enum api_token_result write_new(struct redis_pipe *pipe, struct slice prefix,
                                       const struct api_token *token, struct err *err);

const char *api_role_name(enum api_role role) {
#define ROLE_NAME(name, text) text,
    static const char *const names[API_ROLE_COUNT] = {API_ROLES(ROLE_NAME)};
    ENSURE(role < API_ROLE_COUNT);
    return names[role];
}

bool api_role_find(struct slice text, enum api_role *role) {
    for (unsigned i = 0; i < API_ROLE_COUNT; i++) {
        if (slice_equal(text, slice_of(api_role_name((enum api_role)i)))) {
            *role = (enum api_role)i;
            return true;
        }
    }
    return false;
}

bool api_token_is_one(struct slice text) {
    if (text.size != API_TOKEN_BYTES || !slice_starts_with(text, slice_of(text_prefix))) {
        return false;
    }
    for (size_t i = sizeof(text_prefix) - 1; i < text.size; i++) {
        if (text.data[i] == '\0' || strchr(alphabet, text.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

bool api_token_check_name(struct slice name, struct err *err) {
    if (name.size == 0 || name.size > API_TOKEN_NAME_MAX) {
        return err_set(err, "a token's name has 1 to %d bytes", API_TOKEN_NAME_MAX);
    }
    for (struct slice rest = name; rest.size > 0;) {
        size_t size = slice_utf8_size(rest);
        unsigned char c = (unsigned char)rest.data[0];
        bool is_c1 = size == 2 && c == 0xc2 && (unsigned char)rest.data[size - 1] < 0xa0;
        if (size == 0 || c < ' ' || c == 0x7f || is_c1) {
            return err_set(err, "a token's name is UTF-8 without control characters");
        }
        rest = slice_from(rest, size);
    }
    return true;
}

enum api_token_result api_token_new(struct redis_pipe *pipe, struct slice prefix,
                                    struct api_token *token, char text[API_TOKEN_BYTES + 1],
                                    struct err *err) {
    if (!api_token_check_name(slice_of(token->name), err)) {
        return API_TOKEN_FAILED;
    }
    make_text(text);
    make_hash(slice_make(text, API_TOKEN_BYTES), token->hash);
    return write_new(pipe, prefix, token, err);
}

enum api_token_result api_token_find(struct redis_pipe *pipe, struct slice prefix,
                                     struct slice text, struct api_token *token, struct err *err) {
    char hash[API_TOKEN_HASH_BYTES + 1];
    if (!api_token_is_one(text)) {
        return API_TOKEN_NONE;
    }
    make_hash(text, hash);
    if (!token_append_read(pipe, prefix, slice_of(hash))) {
        err_set(err, "Redis: not connected");
        return API_TOKEN_FAILED;
    }
    const struct redis_reply *reply = redis_pipe_read(pipe, err);
    return reply == NULL ? API_TOKEN_FAILED : token_of_reply(reply, slice_of(hash), token, err);
}

enum api_token_result api_token_check(struct redis_pipe *pipe, struct slice prefix,
                                      const char *const *hashes, size_t count, bool *is_there) {
    int64_t found[API_TOKEN_CHECKS_MAX];
    bool is_whole = true;
    ENSURE(count <= API_TOKEN_CHECKS_MAX);
    for (size_t i = 0; i < count; i++) {
        char bytes[TOKEN_KEY_BYTES_MAX];
        struct buf key = buf_over(bytes, sizeof(bytes));
        token_key(prefix, slice_of(hashes[i]), &key);
        const struct slice command[] = {SLICE("EXISTS"), buf_slice(&key)};
        if (!redis_pipe_append(pipe, ARRAY_COUNT(command), command)) {
            return API_TOKEN_FAILED;
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct redis_reply *reply = redis_pipe_read(pipe, NULL);
        if (reply == NULL) {
            return API_TOKEN_FAILED;
        }
        is_whole = is_whole && redis_reply_is_integer(reply);
        found[i] = redis_reply_integer(reply);
    }
    for (size_t i = 0; is_whole && i < count; i++) {
        is_there[i] = found[i] != 0;
    }
    return is_whole ? API_TOKEN_OK : API_TOKEN_FAILED;
}

void token_key(struct slice prefix, struct slice hash, struct buf *key) {
    ENSURE(buf_append(key, prefix) && buf_append(key, SLICE(TOKEN_KEY_PART)) &&
           buf_append(key, hash));
}

bool token_append_read(struct redis_pipe *pipe, struct slice prefix, struct slice hash) {
    char bytes[TOKEN_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    token_key(prefix, hash, &key);
    const struct slice command[] = {SLICE("HMGET"), buf_slice(&key), SLICE("name"), SLICE("role"),
                                    SLICE("created_at")};
    _Static_assert(ARRAY_COUNT(command) == 2 + REPLY_FIELDS, "one reply a field");
    return redis_pipe_append(pipe, ARRAY_COUNT(command), command);
}

enum api_token_result token_of_reply(const struct redis_reply *reply, struct slice hash,
                                     struct api_token *token, struct err *err) {
    struct slice text = redis_reply_text(reply);
    if (redis_reply_is_error(reply)) {
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(text, 300)));
        /* A key of another type is no token of ours. */
        return slice_starts_with(text, SLICE("WRONGTYPE")) ? API_TOKEN_NONE : API_TOKEN_FAILED;
    }
    struct slice name = redis_reply_text(redis_reply_at(reply, 0));
    struct slice role = redis_reply_text(redis_reply_at(reply, 1));
    struct slice created_at = redis_reply_text(redis_reply_at(reply, 2));
    *token = (struct api_token){.created_at = 0};
    ENSURE(hash.size == API_TOKEN_HASH_BYTES);
    if (!api_token_check_name(name, NULL) || !api_role_find(role, &token->role)) {
        return API_TOKEN_NONE;
    }
    if (!slice_to_u64(created_at, UINT32_MAX, &token->created_at)) {
        token->created_at = 0;
    }
    memcpy(token->hash, hash.data, hash.size);
    memcpy(token->name, name.data, name.size);
    return API_TOKEN_OK;
}

static void make_text(char text[API_TOKEN_BYTES + 1]) {
    uint8_t bytes[RANDOM_BYTES];
    random_bytes(bytes, sizeof(bytes));
    memcpy(text, text_prefix, sizeof(text_prefix) - 1);
    char *out = text + sizeof(text_prefix) - 1;
    for (size_t i = 0; i < RANDOM_BYTES; i += 3) {
        uint32_t group =
            (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | (uint32_t)bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) {
            *out++ = alphabet[group >> shift & 63];
        }
    }
    *out = '\0';
}

static void make_hash(struct slice text, char hash[API_TOKEN_HASH_BYTES + 1]) {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)text.data, text.size, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    }
}

static enum api_token_result write_new(struct redis_pipe *pipe, struct slice prefix,
                                       const struct api_token *token, struct err *err) {
    char bytes[TOKEN_KEY_BYTES_MAX];
    char created_at[24];
    struct buf key = buf_over(bytes, sizeof(bytes));
    token_key(prefix, slice_of(token->hash), &key);
    snprintf(created_at, sizeof(created_at), "%" PRIu64, token->created_at);
    const struct slice command[] = {SLICE("HSET"),       buf_slice(&key),
                                    SLICE("name"),       slice_of(token->name),
                                    SLICE("role"),       slice_of(api_role_name(token->role)),
                                    SLICE("created_at"), slice_of(created_at)};
    const struct redis_reply *reply = redis_pipe_command(pipe, ARRAY_COUNT(command), command, err);
    if (reply != NULL && redis_reply_is_error(reply)) {
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(redis_reply_text(reply), 300)));
    }
    return reply != NULL && !redis_reply_is_error(reply) ? API_TOKEN_OK : API_TOKEN_FAILED;
}
