/*
 * visitor.c - the day's key, and the hash of who tapped under it.
 *
 * User-Agent and language are brought to eight bytes each first, so that what SipHash reads is
 * always 32 bytes on the stack. That inner hash needs only to tell strings apart: its seed is
 * the day's and secret, and SipHash, whose key nobody knows, stands before anybody who sees
 * the result.
 *
 * Threads   Pure functions.
 */
#include "decide/visitor.h"

#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "base/hash.h"

enum { ADDRESS_BYTES = 16, NETWORK_BYTES = 8 };

/* What SipHash reads: no padding, every byte is set. */
struct visitor_input {
    uint8_t address[ADDRESS_BYTES];
    uint64_t user_agent;
    uint64_t language;
};

_Static_assert(sizeof(struct visitor_input) == 32, "no padding");
_Static_assert(sizeof((struct visitor_salt){0}.key) == crypto_shorthash_KEYBYTES, "a SipHash key");
_Static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "a SipHash result");

static void put_address(uint8_t out[ADDRESS_BYTES], const struct sockaddr *address);

void visitor_salt_init(struct visitor_salt *salt, const uint8_t secret[VISITOR_SECRET_BYTES],
                       uint64_t now_ms) {
    static const char purpose[] = {'v', 'i', 's', 'i', 't', 'o', 'r'};
    salt->day = clock_day_of(now_ms);

    uint8_t message[sizeof purpose + 4];
    uint32_t day = (uint32_t)salt->day.yyyymmdd;
    memcpy(message, purpose, sizeof purpose);
    for (size_t i = 0; i < 4; i++) {
        message[sizeof purpose + i] = (uint8_t)(day >> (24 - 8 * i));
    }
    uint8_t derived[sizeof salt->key + sizeof salt->text_seed];
    int failed = crypto_generichash(derived, sizeof derived, message, sizeof message, secret,
                                    VISITOR_SECRET_BYTES);
    ENSURE(failed == 0);
    memcpy(salt->key, derived, sizeof salt->key);
    memcpy(&salt->text_seed, derived + sizeof salt->key, sizeof salt->text_seed);
    sodium_memzero(derived, sizeof derived);
}

uint64_t visitor_hash(const struct visitor_salt *salt, const struct sockaddr *address,
                      struct slice user_agent, struct slice language) {
    struct visitor_input input = {
        .user_agent = hash_bytes(user_agent, salt->text_seed),
        .language = hash_bytes(language, salt->text_seed),
    };
    put_address(input.address, address);

    uint8_t out[crypto_shorthash_BYTES];
    (void)crypto_shorthash(out, (const uint8_t *)&input, sizeof input, salt->key);
    uint64_t hash;
    memcpy(&hash, out, sizeof hash);
    return hash;
}

/* Anything but IP leaves zeros: everybody on a Unix socket is one visitor per browser. */
static void put_address(uint8_t out[ADDRESS_BYTES], const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        out[10] = out[11] = 0xff;
        memcpy(out + 12, &v4->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        memcpy(out, &v6->sin6_addr, mapped ? ADDRESS_BYTES : NETWORK_BYTES);
    }
}
