/*
 * click/token.c - one click token: 24 bytes made, signed, and spelled in 32 characters.
 *
 * HMAC (RFC 2104) hashes the key's padded block before the message, twice. Both of those
 * blocks depend on the key alone, so their two SHA-256 states are kept and a token costs the
 * blocks of the message: one or two inside, one outside. The message is short (an id and a
 * code, 80 bytes at most), so it is padded by hand as FIPS 180-4 section 5.1.1 says.
 *
 * The block function is libcrypto's (which picks the processor's SHA instructions where there
 * are any), called through SHA256_Transform(). OpenSSL 3 deprecates that, which the definition
 * below silences, in favour of interfaces that look up their algorithm and allocate. Measured
 * with OpenSSL 3.0 on one core with SHA instructions, a token of a six-character code: 125 ns
 * this way, base64url included; 250 ns for the MAC alone with a kept EVP_MAC_CTX; 1,450 ns with
 * HMAC().
 *
 * Many tokens at once are made in the lanes of vector registers instead (token_lanes.h) where
 * that is cheaper: a batch of eight in half the time of the SHA instructions.
 *
 * Threads   Pure functions on an immutable key.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "click/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/defs.h"
#include "token_lanes.h"

enum {
    BLOCK_BYTES = 64,
    DIGEST_BYTES = 32,
    LENGTH_BYTES = 8, /* of the message in bits, at the end of its last block */
    MAC_BYTES = 8,    /* of 32: 2^63 tries for an even chance, each at a tap's cost */
    SIGNED_BYTES = ULID_BYTES + MAC_BYTES,
    MESSAGE_BYTES_MAX = ULID_BYTES + TOKEN_CODE_BYTES_MAX,
};

_Static_assert(SIGNED_BYTES / 3 * 4 == TOKEN_SIZE, "no padding, no spare bits");
_Static_assert(MESSAGE_BYTES_MAX + 1 + LENGTH_BYTES <= 2 * BLOCK_BYTES, "two blocks are enough");

static const char derivation[] = "brinco click token v1";

/* RFC 4648 section 5. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void store_big_endian(uint8_t *out, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(out, &value, sizeof(value));
}

/* The state of SHA-256 after one block: the key, every byte of it combined with pad. */
static void state_after_key(const uint8_t *key, uint8_t pad, uint32_t state[8]) {
    uint8_t block[BLOCK_BYTES];
    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < TOKEN_KEY_BYTES; i++) {
        block[i] ^= key[i];
    }
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Transform(&context, block);
    memcpy(state, context.h, sizeof(context.h));
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&context, sizeof(context));
}

void token_key_init(struct token_key *key, const uint8_t *secret, size_t secret_size) {
    ENSURE(secret_size > 0 && secret_size <= INT32_MAX);
    unsigned size = 0;
    const uint8_t *made = HMAC(EVP_sha256(), secret, (int)secret_size, (const uint8_t *)derivation,
                               sizeof(derivation) - 1, key->key, &size);
    ENSURE(made != NULL && size == TOKEN_KEY_BYTES);
    state_after_key(key->key, 0x36, key->inner);
    state_after_key(key->key, 0x5C, key->outer);
    key->lanes = token_lanes_choose(&key->lanes_count_min);
}

/* HMAC-SHA256(key, id | code), cut to MAC_BYTES. */
static void sign(const struct token_key *key, const uint8_t *id, struct slice code,
                 uint8_t mac[MAC_BYTES]) {
    uint8_t blocks[2 * BLOCK_BYTES] = {0};
    size_t size = ULID_BYTES + code.size;
    memcpy(blocks, id, ULID_BYTES);
    if (code.size > 0) {
        memcpy(blocks + ULID_BYTES, code.data, code.size);
    }
    blocks[size] = 0x80;
    size_t end = size + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    store_big_endian(blocks + end - 4, (uint32_t)(BLOCK_BYTES + size) * 8);

    SHA256_CTX context;
    memcpy(context.h, key->inner, sizeof(context.h));
    SHA256_Transform(&context, blocks);
    if (end > BLOCK_BYTES) {
        SHA256_Transform(&context, blocks + BLOCK_BYTES);
    }

    uint8_t outer[BLOCK_BYTES] = {0};
    for (size_t i = 0; i < DIGEST_BYTES / 4; i++) {
        store_big_endian(outer + 4 * i, context.h[i]);
    }
    outer[DIGEST_BYTES] = 0x80;
    store_big_endian(outer + BLOCK_BYTES - 4, (BLOCK_BYTES + DIGEST_BYTES) * 8);
    memcpy(context.h, key->outer, sizeof(context.h));
    SHA256_Transform(&context, outer);
    store_big_endian(mac, context.h[0]);
    store_big_endian(mac + 4, context.h[1]);
}

void token_make(const struct token_key *key, const struct ulid *id, struct slice code,
                char token[TOKEN_SIZE]) {
    ENSURE(code.size <= TOKEN_CODE_BYTES_MAX);
    uint8_t bytes[SIGNED_BYTES];
    memcpy(bytes, id->bytes, ULID_BYTES);
    sign(key, id->bytes, code, bytes + ULID_BYTES);
    for (size_t i = 0; i < SIGNED_BYTES / 3; i++) {
        const uint8_t *from = bytes + 3 * i;
        uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        token[4 * i] = alphabet[group >> 18];
        token[4 * i + 1] = alphabet[group >> 12 & 63];
        token[4 * i + 2] = alphabet[group >> 6 & 63];
        token[4 * i + 3] = alphabet[group & 63];
    }
}

/* Up to TOKEN_BATCH jobs whose codes are short enough for a lane. The array is filled up. */
static void make_few(const struct token_key *key, const struct token_job **jobs, size_t count) {
    if (count == 0 || count < key->lanes_count_min) {
        for (size_t i = 0; i < count; i++) {
            token_make(key, &jobs[i]->id, jobs[i]->code, jobs[i]->token);
        }
        return;
    }
    for (size_t i = count; i < TOKEN_BATCH; i++) {
        jobs[i] = jobs[0];
    }
    key->lanes->make(key, jobs);
}

void token_make_all(const struct token_key *key, const struct token_job *jobs, size_t count) {
    const struct token_job *batch[TOKEN_BATCH];
    size_t batched = 0;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].code.size > TOKEN_LANES_CODE_BYTES_MAX) {
            token_make(key, &jobs[i].id, jobs[i].code, jobs[i].token);
            continue;
        }
        batch[batched++] = &jobs[i];
        if (batched == TOKEN_BATCH) {
            make_few(key, batch, batched);
            batched = 0;
        }
    }
    make_few(key, batch, batched);
}

/* 0 to 63, or -1. */
static int value_of(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool unpack(struct slice token, uint8_t bytes[SIGNED_BYTES]) {
    if (token.size != TOKEN_SIZE) {
        return false;
    }
    for (size_t i = 0; i < SIGNED_BYTES / 3; i++) {
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            int value = value_of(token.data[4 * i + j]);
            if (value < 0) {
                return false;
            }
            group = group << 6 | (uint32_t)value;
        }
        bytes[3 * i] = (uint8_t)(group >> 16);
        bytes[3 * i + 1] = (uint8_t)(group >> 8);
        bytes[3 * i + 2] = (uint8_t)group;
    }
    return true;
}

bool token_verify(const struct token_key *key, struct slice token, struct slice code,
                  struct ulid *id) {
    uint8_t bytes[SIGNED_BYTES];
    uint8_t mac[MAC_BYTES];
    if (code.size > TOKEN_CODE_BYTES_MAX || !unpack(token, bytes)) {
        return false;
    }
    sign(key, bytes, code, mac);
    if (CRYPTO_memcmp(mac, bytes + ULID_BYTES, MAC_BYTES) != 0) {
        return false;
    }
    memcpy(id->bytes, bytes, ULID_BYTES);
    return true;
}

bool token_read_id(struct slice token, struct ulid *id) {
    uint8_t bytes[SIGNED_BYTES];
    if (!unpack(token, bytes)) {
        return false;
    }
    memcpy(id->bytes, bytes, ULID_BYTES);
    return true;
}
