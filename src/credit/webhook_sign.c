/*
 * webhook_sign.c - see credit/webhook_sign.h. All of it is libcrypto's.
 *
 * Threads   Pure functions.
 */
#include "credit/webhook_sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/defs.h"

enum { BASE64_BYTES = 44, HEAD_BYTES_MAX = 64 /* the time, the dots, and what a buffer needs */ };

static const char derivation[] = "brinco webhook v1";

struct webhook_key webhook_key_of(const uint8_t secret[IDENTITY_SECRET_BYTES],
                                  struct slice campaign) {
    struct webhook_key key;
    char message[sizeof(derivation) + WEBHOOK_CAMPAIGN_BYTES_MAX];
    size_t size = sizeof(derivation) - 1;
    campaign = slice_first(campaign, WEBHOOK_CAMPAIGN_BYTES_MAX);
    memcpy(message, derivation, size);
    if (campaign.size > 0) {
        memcpy(message + size, campaign.data, campaign.size);
    }
    unsigned made = 0;
    ENSURE(HMAC(EVP_sha256(), secret, IDENTITY_SECRET_BYTES, (const unsigned char *)message,
                size + campaign.size, key.bytes, &made) != NULL &&
           made == WEBHOOK_KEY_BYTES);
    return key;
}

static void append_base64(const uint8_t bytes[WEBHOOK_KEY_BYTES], char *text) {
    ENSURE(EVP_EncodeBlock((unsigned char *)text, bytes, WEBHOOK_KEY_BYTES) == BASE64_BYTES);
}

void webhook_key_text(const struct webhook_key *key, char text[WEBHOOK_KEY_TEXT_SIZE + 1]) {
    memcpy(text, "whsec_", 6);
    append_base64(key->bytes, text + 6);
}

void webhook_sign(const struct webhook_key *key, struct slice id, uint64_t unix_s,
                  struct slice body, char signature[WEBHOOK_SIGNATURE_SIZE + 1]) {
    struct buf message;
    uint8_t mac[WEBHOOK_KEY_BYTES];
    unsigned made = 0;
    buf_init(&message, id.size + body.size + HEAD_BYTES_MAX);
    buf_append(&message, id);
    buf_append_char(&message, '.');
    buf_append_u64(&message, unix_s);
    buf_append_char(&message, '.');
    buf_append(&message, body);
    ENSURE(!message.overflowed);
    ENSURE(HMAC(EVP_sha256(), key->bytes, WEBHOOK_KEY_BYTES, (const unsigned char *)message.data,
                message.size, mac, &made) != NULL &&
           made == WEBHOOK_KEY_BYTES);
    buf_fini(&message);
    memcpy(signature, "v1,", 3);
    append_base64(mac, signature + 3);
}
