/*
 * token_fixture.h - what the tests of tokens share: a secret, codes, ids, and the token as its
 * definition says, by OpenSSL's own HMAC.
 */
#ifndef TOKEN_FIXTURE_H
#define TOKEN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "click/token.h"

static const uint8_t secret[32] = "0123456789abcdef0123456789abcde";
static const char codes[] = "AB12CD-_xyzAB12CD-_xyzAB12CD-_xyzAB12CD-_xyzAB12CD-_xyzAB12CD-_x";

static inline struct slice code_of(size_t size) {
    return slice_make(codes, size);
}

static inline struct ulid id_of(uint8_t first) {
    struct ulid id;
    for (size_t i = 0; i < ULID_BYTES; i++) {
        id.bytes[i] = (uint8_t)(first + 17 * i);
    }
    return id;
}

static inline void reference(const struct ulid *id, struct slice code, char token[TOKEN_SIZE]) {
    uint8_t key[32];
    uint8_t mac[32];
    uint8_t message[ULID_BYTES + 64];
    unsigned size = 0;
    HMAC(EVP_sha256(), secret, sizeof(secret), (const uint8_t *)"brinco click token v1", 21, key,
         &size);
    memcpy(message, id->bytes, ULID_BYTES);
    if (code.size > 0) {
        memcpy(message + ULID_BYTES, code.data, code.size);
    }
    HMAC(EVP_sha256(), key, sizeof(key), message, ULID_BYTES + code.size, mac, &size);

    uint8_t bytes[24];
    char text[33];
    memcpy(bytes, id->bytes, ULID_BYTES);
    memcpy(bytes + ULID_BYTES, mac, 8);
    assert_int_equal(EVP_EncodeBlock((uint8_t *)text, bytes, sizeof(bytes)), 32);
    for (size_t i = 0; i < TOKEN_SIZE; i++) {
        token[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
}

#endif
