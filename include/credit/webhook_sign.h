/*
 * credit/webhook_sign.h - what a receiver verifies: Standard Webhooks, version 1.
 *
 *   key       = HMAC-SHA256(secret, "brinco webhook v1" | campaign)      secret: of
 * click/identity.h signature = "v1," base64(HMAC-SHA256(key, id "." timestamp "." body))
 *
 * Every campaign has a key of its own, so that whoever knows one cannot sign for another; it is
 * derived, so that nothing more has to be kept secret. A receiver gets it as whsec_BASE64, which is
 * what libraries for Standard Webhooks (https://www.standardwebhooks.com) take.
 *
 * Threads   Pure functions.
 */
#ifndef CREDIT_WEBHOOK_SIGN_H
#define CREDIT_WEBHOOK_SIGN_H

#include <stdint.h>

#include "base/slice.h"
#include "click/identity.h"

enum {
    WEBHOOK_KEY_BYTES = 32,
    WEBHOOK_SIGNATURE_SIZE = 3 + 44,  /* "v1," and base64 of 32 bytes */
    WEBHOOK_KEY_TEXT_SIZE = 6 + 44,   /* "whsec_" likewise */
    WEBHOOK_CAMPAIGN_BYTES_MAX = 255, /* longer ones are cut: no campaign is called so */
};

struct webhook_key {
    uint8_t bytes[WEBHOOK_KEY_BYTES];
};

struct webhook_key webhook_key_of(const uint8_t secret[IDENTITY_SECRET_BYTES],
                                  struct slice campaign);

/* Both end with a NUL. */
void webhook_key_text(const struct webhook_key *key, char text[WEBHOOK_KEY_TEXT_SIZE + 1]);
void webhook_sign(const struct webhook_key *key, struct slice id, uint64_t unix_s,
                  struct slice body, char signature[WEBHOOK_SIGNATURE_SIZE + 1]);

#endif
