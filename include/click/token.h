/*
 * click/token.h - the click token: proof that this edge answered this tap for this code.
 *
 *   base64url(id, 16 bytes | first 8 bytes of HMAC-SHA256(key, id | code)), 32 characters
 *   key = HMAC-SHA256(secret, "brinco click token v1")
 *
 * Anybody who holds the key can verify offline; nobody else can forge one. FIPS 180-4, RFC 2104,
 * RFC 4648 section 5.
 *
 * Threads   A token_key is immutable after token_key_init(): shared by all.
 * Speed     The key's two half-finished SHA-256 states are kept, so a token costs two blocks,
 *           three when the code is longer than 39 characters. Many at once cost less each
 *           when codes are of at most 19 characters: 53 ns with AVX-512, 80 ns with AVX2,
 *           107 ns one by one with SHA instructions, 230 ns without (token_make_all(), batches
 *           of TOKEN_BATCH, one core with all of these).
 */
#ifndef CLICK_TOKEN_H
#define CLICK_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/ulid.h"

enum { TOKEN_SIZE = 32, TOKEN_KEY_BYTES = 32, TOKEN_CODE_BYTES_MAX = 64 };

/* Of so many tokens, or a multiple, each is cheapest: see token_make_all(). */
enum { TOKEN_BATCH = 8 };

struct token_lanes; /* how this processor makes many at once */

struct token_key {
    uint8_t key[TOKEN_KEY_BYTES];
    uint32_t inner[8];               /* SHA-256 after the block key ^ ipad */
    uint32_t outer[8];               /* after key ^ opad */
    const struct token_lanes *lanes; /* NULL: one by one */
    size_t lanes_count_min;          /* fewer than this: one by one as well */
};

void token_key_init(struct token_key *key, const uint8_t *secret, size_t secret_size);

/* Exactly TOKEN_SIZE characters, no NUL. A code over TOKEN_CODE_BYTES_MAX is a bug. */
void token_make(const struct token_key *key, const struct ulid *id, struct slice code,
                char token[TOKEN_SIZE]);

/* What token_make() takes, for many taps at once. */
struct token_job {
    struct ulid id;
    struct slice code; /* at most TOKEN_CODE_BYTES_MAX, else a bug */
    char *token;       /* where TOKEN_SIZE characters go: anywhere, no NUL */
};

/* Makes the token of every job, the same as token_make() does, side by side where the processor
 * can. No token may lie where another job has its code. */
void token_make_all(const struct token_key *key, const struct token_job *jobs, size_t count);

/* Constant time in what is secret. token and code may be anything. On success *id is the
 * click's. */
bool token_verify(const struct token_key *key, struct slice token, struct slice code,
                  struct ulid *id);

/* The id that a token names, whoever made it: nothing is proven. False when it is malformed. */
bool token_read_id(struct slice token, struct ulid *id);

#endif
